//! The command line: one file per subcommand.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod checkconfig;
pub mod given;
pub mod go_flags;
pub mod mkpj;
pub mod mkpod;
pub mod phony;
pub mod pod;
pub mod prompt;
pub mod serve;

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
    /// The pod utilities: clonerefs, initupload, entrypoint, sidecar.
    Pod(pod::Args),
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    // One TLS provider for the whole process, chosen before any client exists.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::anyhow!("the async runtime did not start: {error}")),
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(*args).await,
            Command::Pod(args) => pod::run(args).await,
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
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
