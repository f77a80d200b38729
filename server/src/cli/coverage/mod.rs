//! `bowsprit coverage`: gopherage's commands, and those of the coverage robot.

use std::process::ExitCode;

use clap::Subcommand;

mod combine;
mod download;
mod files;
mod metadata;
mod show;

/// Work on coverage profiles, as gopherage and the coverage robot do.
///
/// Profiles are read in Go's text form, as LCOV tracefiles and as Cobertura reports, whichever
/// they are; `-` is standard input. What cannot be read is an error with its line, unless
/// --tolerant is given. Commands that write a profile write Go's text.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Merge profiles of the same sources into one.
    ///
    /// Counts of a block are added. Unlike gopherage: profiles of mode `set` keep counts of 0 and
    /// 1, where gopherage adds them beyond 1; sums stop at the greatest number that Go reads, where
    /// gopherage's become negative; and with --allow-changed-sources a file whose blocks differ is
    /// no error.
    Merge(combine::MergeArgs),
    /// Count how many of the profiles ran each block.
    ///
    /// Unlike gopherage: of profiles of mode `set` the result has mode `count`, since that is what
    /// it holds; and a wrong call is told on standard error.
    Aggregate(combine::MergeArgs),
    /// What ran between two profiles of one execution.
    ///
    /// Unlike gopherage: a count that fell, because the program was started anew in between, is
    /// the one after the restart and not negative, and how many there are is told; files are
    /// compared by their names, not by their places; and errors name the profile and the file that
    /// they are about.
    Diff(combine::DiffArgs),
    /// Keep only files of certain names.
    ///
    /// Unlike gopherage: a pattern that cannot be read ends the command with an error that names
    /// it.
    Filter(combine::FilterArgs),
    /// Show profiles side by side as one HTML file.
    ///
    /// Directories by columns, with ▲ and ▼ where a share is above or below that of the column to
    /// the right, compared exactly, and the lines of each file that did not run. Unlike
    /// gopherage's: the file loads nothing from elsewhere and needs no folder beside the program
    /// nor script to be read; profiles that cannot be read are an error instead of an empty page;
    /// blocks on the same lines are told apart, so that the shares are those of `junit`.
    Html(show::HtmlArgs),
    /// Write a profile as a JUnit file, whose numbers the test grid shows.
    ///
    /// Unlike gopherage: a directory holds what lies below its path (`pkg/foo` does not hold
    /// `pkg/foobar`), `.` holds everything, directories come by name, and the attribute is
    /// `classname`.
    Junit(show::JunitArgs),
    /// Write the description of a coverage run for a service that takes such runs.
    ///
    /// Unlike gopherage: a missing value that is required is an error, and nothing is written.
    Metadata(metadata::Args),
    /// Which files a change made better or worse, as the coverage robot's `diff` posts it.
    ///
    /// Unlike the robot's: files that are gone stand behind the others.
    Table(show::TableArgs),
    /// Fetch the profile of the newest run of a job that passed, as the coverage robot's
    /// `download` does.
    ///
    /// Unlike the robot's: --output works, and a run without the profile is passed over.
    Download(download::Args),
}

/// Runs one of them.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Merge(args) => combine::merge(args, coverage::Counting::Sum)?,
        Command::Aggregate(args) => combine::merge(args, coverage::Counting::Profiles)?,
        Command::Diff(args) => combine::diff(args)?,
        Command::Filter(args) => combine::filter(args)?,
        Command::Html(args) => show::html(args)?,
        Command::Junit(args) => show::junit(args)?,
        Command::Metadata(args) => metadata::run(args)?,
        Command::Table(args) => show::table(args)?,
        Command::Download(args) => download::run(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}
