//! Questions to the person at the terminal.

use std::io::{self, Write};

use anyhow::Context as _;

/// Asks on standard error and reads the first word of a line from standard input; the end of the
/// input is an empty answer.
pub fn ask(question: &str) -> anyhow::Result<String> {
    let mut stderr = io::stderr();
    stderr
        .write_all(question.as_bytes())
        .and_then(|()| stderr.flush())
        .context("standard error")?;
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("could not read the answer from standard input")?;
    Ok(line.split_whitespace().next().unwrap_or_default().to_owned())
}

/// Writes a line to standard error: what a person should know beside the output.
pub fn note(line: &str) {
    // Nobody reads it if standard error is closed, which is no reason to stop.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes a document to standard output.
pub fn print(document: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout();
    stdout
        .write_all(document.as_bytes())
        .and_then(|()| stdout.flush())
        .context("could not write to standard output")
}
