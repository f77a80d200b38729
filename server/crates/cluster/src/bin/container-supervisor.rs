//! The supervisor of containers as a program of its own, for the tests of this crate: it answers
//! to `pod run-container …` as `bowsprit` does, and to `pod <utility>` by printing its arguments.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    if args.len() >= 2 && args[0] == "pod" && args[1] == "run-container" {
        return cluster::run_container_main(args.into_iter().skip(2));
    }
    let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let line = format!("utility: {}\n", words.join(" "));
    match std::io::stdout().write_all(line.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
