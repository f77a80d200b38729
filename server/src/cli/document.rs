//! The command line as a document, made from what the program itself parses.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use super::Cli;

/// `server/cli.md`: every command with its flags, defaults and meanings. A test compares.
pub fn document() -> String {
    let mut cli = Cli::command();
    cli.build();
    let mut text = String::from(
        "# The command line\n\n\
         Generated from the program by `make generate`; `bowsprit COMMAND --help` says the same. \
         Flags have Prow's names where Prow has them, and one dash does as well as two \
         (`-job=x`), as with Go's programs.\n",
    );
    commands(&mut text, "bowsprit", &cli);
    text
}

/// The sections of a command's subcommands, and of theirs.
fn commands(text: &mut String, path: &str, parent: &Command) {
    for command in parent.get_subcommands().filter(|command| command.get_name() != "help") {
        let path = format!("{path} {}", command.get_name());
        section(text, &path, command);
        commands(text, &path, command);
    }
}

fn section(text: &mut String, path: &str, command: &Command) {
    // Writing to a text cannot fail.
    let _ = write!(text, "\n## `{path}`\n\n{}\n\n", about(command));
    for arg in command.get_positionals() {
        let _ = write!(text, "`{}`: {}\n\n", value(arg), help(arg));
    }
    let mut flags: Vec<_> = command
        .get_arguments()
        .filter(|arg| !arg.is_positional())
        .filter(|arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str()))
        .collect();
    flags.sort_by_key(|arg| arg.get_long());
    if flags.is_empty() {
        return;
    }
    text.push_str("| Flag | Default | Meaning |\n|---|---|---|\n");
    for arg in flags {
        let _ = writeln!(text, "| {} | {} | {} |", names(arg), default(arg), cell(&help(arg)));
    }
}

fn about(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about());
    sentence(about.map(ToString::to_string).unwrap_or_default())
}

/// clap takes the full stop of a comment away.
fn sentence(text: String) -> String {
    if text.ends_with(['.', '!', '?']) { text } else { text + "." }
}

fn help(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let help = sentence(help);
    match arg.get_env() {
        Some(name) => format!("{help} Environment: `{}`.", name.to_string_lossy()),
        None => help,
    }
}

/// The flag with its value, and its other names.
fn names(arg: &Arg) -> String {
    let value = match (value(arg), arg.get_num_args()) {
        (value, _) if value.is_empty() => value,
        (value, Some(count)) if count.min_values() == 0 => format!("[={value}]"),
        (value, _) => format!(" {value}"),
    };
    let long = arg.get_long().unwrap_or_default();
    let others = arg.get_visible_aliases().unwrap_or_default();
    let all = std::iter::once(long).chain(others);
    all.map(|name| format!("`--{name}{value}`")).collect::<Vec<_>>().join(", ")
}

fn value(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ")
}

fn default(arg: &Arg) -> String {
    let all: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    let text = all.join(" ");
    if text.is_empty() { text } else { format!("`{text}`") }
}

/// Text within a table: one line, no column of its own.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
