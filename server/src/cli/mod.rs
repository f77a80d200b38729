//! The command line: one file per subcommand.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub mod checkconfig;
pub mod coverage;
pub mod deck;
pub mod document;
pub mod go_flags;
pub mod mkpj;
pub mod mkpod;
pub mod phony;
pub mod pod;
pub mod prompt;
pub mod serve;
pub mod testgrid;
mod trigger;

/// The dashboards and the engine of a Prow-style CI in one program.
#[derive(Debug, Parser)]
#[command(name = "bowsprit", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in one process: pages, hook, plank, sinker, crier, horologium.
    Serve(Box<serve::Args>),
    /// The pages alone, over ProwJobs from a file.
    Deck(Box<deck::Args>),
    /// Check configuration files, as Prow's checkconfig does.
    Checkconfig(Box<checkconfig::Args>),
    /// Print the ProwJob that a job's configuration makes.
    Mkpj(Box<mkpj::Args>),
    /// Print the Pod that a ProwJob becomes.
    Mkpod(Box<mkpod::Args>),
    /// Send a signed webhook.
    Phony(Box<phony::Args>),
    /// The programs of TestGrid.
    Testgrid(testgrid::Args),
    /// Work on coverage profiles, as gopherage and the coverage robot do.
    Coverage(coverage::Args),
    /// The pod utilities: clonerefs, initupload, entrypoint, sidecar.
    Pod(pod::Args),
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    // One TLS provider for the whole process, chosen before any client exists.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // Scripts that were written for Prow's programs keep working.
    let cli = Cli::parse_from(go_flags::for_clap(&Cli::command(), std::env::args_os()));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::anyhow!("the async runtime did not start: {error}")),
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(*args).await,
            Command::Deck(args) => deck::run(*args).await,
            Command::Checkconfig(args) => checkconfig::run(*args).await,
            Command::Mkpj(args) => mkpj::run(*args).await,
            Command::Mkpod(args) => mkpod::run(*args).await,
            Command::Phony(args) => phony::run(*args).await,
            Command::Testgrid(args) => testgrid::run(args).await,
            Command::Coverage(args) => coverage::run(args).await,
            // A utility that exists was run before the arguments were parsed.
            Command::Pod(args) => Err(anyhow::anyhow!(
                "`{}` is no pod utility: clonerefs, initupload, entrypoint or sidecar",
                args.utility.first().map(|name| name.to_string_lossy()).unwrap_or_default()
            )),
        }
    });
    // A blocked worker thread must not keep a finished command alive.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| fail(&error))
}

#[expect(clippy::print_stderr, reason = "a command's error goes to standard error")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("bowsprit: {error:#}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests;
