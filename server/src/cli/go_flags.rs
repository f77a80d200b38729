//! Flags the way Go programs take them, so that scripts written for Prow keep working.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

/// The arguments as clap reads them, from the way that Go's programs take them: one dash or two,
/// an empty value for none, and Go's words for true and false.
pub fn for_clap(cli: &Command, args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let args = two_dashes(args);
    let Some(command) = called(cli, &args) else { return args };
    let mut own = true;
    let read = |arg: OsString| {
        own &= arg != "--";
        let flag = arg.to_str().filter(|_| own).and_then(|text| text.strip_prefix("--"));
        let Some((name, value)) = flag.and_then(|flag| flag.split_once('=')) else {
            return Some(arg);
        };
        let known = command.get_arguments().find(|known| is_called(known, name));
        // What is not known stays, so that clap can say so.
        let Some(known) = known else { return Some(arg) };
        match (known, bool_word(value)) {
            (known, Some(value)) if matches!(known.get_action(), ArgAction::SetTrue) => {
                value.then(|| OsString::from(format!("--{name}")))
            }
            (known, Some(value)) if is_bool(known) => {
                Some(OsString::from(format!("--{name}={value}")))
            }
            (known, _) if value.is_empty() && known.get_default_values().is_empty() => None,
            _ => Some(arg),
        }
    };
    args.into_iter().filter_map(read).collect()
}

/// The command that the arguments call, which may be one of another's commands.
fn called<'c>(cli: &'c Command, args: &[OsString]) -> Option<&'c Command> {
    let mut names = args.iter().skip(1);
    let mut command = cli.find_subcommand(names.next()?)?;
    while let Some(below) = names.next().and_then(|name| command.find_subcommand(name)) {
        command = below;
    }
    Some(command)
}

fn is_called(arg: &Arg, name: &str) -> bool {
    arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|all| all.contains(&name))
}

fn is_bool(arg: &Arg) -> bool {
    arg.get_possible_values().iter().map(|value| value.get_name()).eq(["true", "false"])
}

/// What Go's `strconv.ParseBool` reads.
fn bool_word(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Go takes a flag with one dash or two (`-job=x`, `--job=x`); clap wants two. Everything behind
/// `--` belongs to another program and stays as it is.
fn two_dashes(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut own = true;
    let mut two_dashes = |arg: OsString| {
        own &= arg != "--";
        match arg.to_str() {
            Some(text) if own && is_long_flag_with_one_dash(text) => {
                OsString::from(format!("-{text}"))
            }
            _ => arg,
        }
    };
    args.into_iter().map(&mut two_dashes).collect()
}

fn is_long_flag_with_one_dash(arg: &str) -> bool {
    // `-h` stays short, and `-5` is a value.
    let mut chars = arg.chars();
    chars.next() == Some('-')
        && chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dash_becomes_two_up_to_the_separator() {
        let args = ["bowsprit", "mkpj", "-job=x", "--base-ref", "-h", "-5", "-", "é", "--", "-job"];
        let args = two_dashes(args.map(OsString::from));
        assert_eq!(
            args,
            ["bowsprit", "mkpj", "--job=x", "--base-ref", "-h", "-5", "-", "é", "--", "-job"]
        );
    }

    #[test]
    fn values_are_read_as_go_reads_them() {
        use clap::CommandFactory;
        let cli = crate::cli::Cli::command();
        let read = |args: &[&str]| {
            let args = for_clap(&cli, args.iter().map(OsString::from));
            args.into_iter().map(|arg| arg.into_string().unwrap()).collect::<Vec<_>>()
        };
        for (given, read_as) in [
            ("-strict=1", Some("--strict=true")),
            ("--strict=F", Some("--strict=false")),
            ("--strict=maybe", Some("--strict=maybe")),
            ("--github-token-path=", None),
            ("--github-host=", Some("--github-host=")),
            ("--config-path=1", Some("--config-path=1")),
            ("--nope=", Some("--nope=")),
        ] {
            let expected: Vec<&str> =
                ["bowsprit", "checkconfig"].into_iter().chain(read_as).collect();
            assert_eq!(read(&["bowsprit", "checkconfig", given]), expected);
        }
        let switched =
            ["bowsprit", "deck", "--show-hidden=true", "--hidden-only=false", "--", "-x="];
        assert_eq!(read(&switched), ["bowsprit", "deck", "--show-hidden", "--", "-x="]);
        let below = ["bowsprit", "testgrid", "update", "-confirm=T", "-gcp-service-account="];
        assert_eq!(read(&below), ["bowsprit", "testgrid", "update", "--confirm=true"]);
    }
}
