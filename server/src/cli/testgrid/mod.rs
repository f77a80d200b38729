//! `bowsprit testgrid`: the programs of TestGrid.

use std::process::ExitCode;

use clap::Subcommand;

mod config;

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
}

/// Runs one of them.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Config(args) => config::run(*args).await,
    }
}
