//! `bowsprit pod …`: the pod utilities, and the watcher of a local container.
//!
//! Their arguments are theirs alone, so they are taken before the command
//! line is parsed.

use std::ffi::OsString;
use std::process::ExitCode;

use pod_utils::Utility;

/// The hidden command that watches over a container of the embedded cluster.
const RUN_CONTAINER: &str = "run-container";

/// The command as the help shows it.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// clonerefs, initupload, entrypoint or sidecar, with its own flags.
    #[arg(
        value_name = "UTILITY",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true
    )]
    pub utility: Vec<OsString>,
}

/// Runs a pod utility if the program was called by its name, as the copied
/// `/tools/entrypoint` is, or by `bowsprit pod NAME`.
pub fn by_name() -> Option<ExitCode> {
    let mut args = std::env::args_os();
    let program = args.next()?;
    if let Some(utility) = Utility::from_argv0(&program) {
        return Some(utility.main(args));
    }
    if args.next()? != "pod" {
        return None;
    }
    let name = args.next()?;
    if name == RUN_CONTAINER {
        return Some(cluster::run_container_main(args));
    }
    Utility::from_name(name.to_str()?).map(|utility| utility.main(args))
}
