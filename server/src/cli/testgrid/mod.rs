//! `bowsprit testgrid`: the programs of TestGrid.

use std::process::ExitCode;

use clap::Subcommand;

mod config;
mod merge;
mod pass;
mod summarize;
mod tabulate;
mod update;

/// The programs of TestGrid.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the configuration of the grid from YAML files and Prow jobs, as configurator does.
    Config(Box<config::Args>),
    /// Make one configuration of those of several projects, as config_merger does.
    Merge(Box<merge::Args>),
    /// Read new builds and write the grids of test groups, as updater does.
    Update(Box<update::Args>),
    /// Write the grids of tabs from those of test groups, as tabulator does.
    Tabulate(Box<tabulate::Args>),
    /// Write the summaries of dashboards from the grids of their tabs, as summarizer does.
    Summarize(Box<summarize::Args>),
}

/// Runs one of them.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Config(args) => config::run(*args).await,
        Command::Merge(args) => merge::run(*args).await,
        Command::Update(args) => update::run(*args).await,
        Command::Tabulate(args) => tabulate::run(*args).await,
        Command::Summarize(args) => summarize::run(*args).await,
    }
}
