//! The pod utilities alone, small enough to be copied into any container.
//!
//! It acts by the name that it is called by (`clonerefs`, `initupload`, `entrypoint`, `sidecar`), or
//! by its first argument: `bowsprit-pod sidecar`.

use std::process::ExitCode;

use pod_utils::{Utility, main_for};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let argv0 = arguments.next().unwrap_or_default();
    if Utility::from_argv0(&argv0).is_some() {
        return main_for(&argv0, arguments).unwrap_or(ExitCode::FAILURE);
    }
    let named = arguments.next().unwrap_or_default();
    main_for(&named, arguments).unwrap_or_else(|| usage(&named.to_string_lossy()))
}

#[expect(clippy::print_stderr, reason = "a wrong call is answered on standard error")]
fn usage(named: &str) -> ExitCode {
    let names: Vec<&str> = Utility::ALL.into_iter().map(Utility::name).collect();
    eprintln!(
        "bowsprit-pod: there is no utility `{named}`: call it as one of {}, or name one of them as \
         the first argument",
        names.join(", ")
    );
    ExitCode::FAILURE
}
