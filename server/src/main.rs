//! The `bowsprit` program: one binary with a role per subcommand.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The copied pod utilities are this very binary under another name.
    if let Some(code) = server::cli::pod::by_name() {
        return code;
    }
    server::cli::main()
}
