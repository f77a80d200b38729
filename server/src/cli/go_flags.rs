//! Flags the way Go programs take them, so that scripts written for Prow keep working.

use std::ffi::OsString;

/// Go takes a flag with one dash or two (`-job=x`, `--job=x`); clap wants two. Everything behind
/// `--` belongs to another program and stays as it is.
pub fn two_dashes(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
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
}
