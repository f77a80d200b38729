//! Command line flags as Go's `flag` package reads them: `-name value`, `--name=value`, boolean
//! flags without a value, everything behind the first other word (or `--`) an argument.

use std::collections::BTreeMap;

use crate::options::OptionsError;

/// The flags of one call.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    values: BTreeMap<&'static str, Vec<String>>,
    /// What follows the flags.
    pub(crate) arguments: Vec<String>,
}

impl Flags {
    /// Reads `arguments`, of which `valued` flags take a value and `boolean` ones may.
    pub(crate) fn parse(
        arguments: Vec<String>,
        valued: &[&'static str],
        boolean: &[&'static str],
    ) -> Result<Flags, OptionsError> {
        let mut flags = Flags::default();
        let mut rest = arguments.into_iter();
        while let Some(word) = rest.next() {
            let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'));
            let name = match name {
                Some("") if word == "--" => break,
                Some(name) if !name.is_empty() => name,
                _ => {
                    flags.arguments.push(word);
                    break;
                }
            };
            let (name, given) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (name, None),
            };
            let known = |names: &[&'static str]| names.iter().copied().find(|n| *n == name);
            let (name, value) = if let Some(name) = known(boolean) {
                (name, given.unwrap_or_else(|| "true".to_owned()))
            } else if let Some(name) = known(valued) {
                let value = given.or_else(|| rest.next());
                (name, value.ok_or_else(|| OptionsError::FlagWithoutValue(name.to_owned()))?)
            } else {
                return Err(OptionsError::UnknownFlag(name.to_owned()));
            };
            flags.values.entry(name).or_default().push(value);
        }
        flags.arguments.extend(rest);
        Ok(flags)
    }

    /// The value given last.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).and_then(|values| values.last()).cloned()
    }

    /// All values, in order.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.values.get(name).cloned().unwrap_or_default()
    }

    /// A value that must read as `T`.
    pub(crate) fn read<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, OptionsError> {
        let Some(value) = self.text(name) else { return Ok(None) };
        match value.parse() {
            Ok(read) => Ok(Some(read)),
            Err(_) => Err(OptionsError::BadFlag { flag: name.to_owned(), value }),
        }
    }

    /// A boolean, in the words that Go accepts.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, OptionsError> {
        let Some(value) = self.text(name) else { return Ok(None) };
        match value.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Some(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Some(false)),
            _ => Err(OptionsError::BadFlag { flag: name.to_owned(), value }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Flags, OptionsError> {
        let words = words.iter().map(|w| (*w).to_owned()).collect();
        Flags::parse(words, &["log", "n"], &["fail"])
    }

    #[test]
    fn both_spellings_are_read_and_arguments_are_left_alone() {
        let flags =
            parse(&["-log", "a", "--log=b", "--fail", "-n=3", "make", "--log", "c"]).unwrap();
        assert_eq!(flags.text("log").as_deref(), Some("b"));
        assert_eq!(flags.texts("log"), ["a", "b"]);
        assert_eq!(flags.boolean("fail").unwrap(), Some(true));
        assert_eq!(flags.read::<i64>("n").unwrap(), Some(3));
        assert_eq!(flags.arguments, ["make", "--log", "c"]);
        assert_eq!(parse(&["--", "--fail"]).unwrap().arguments, ["--fail"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        assert!(parse(&["--nope"]).unwrap_err().to_string().contains("--nope"));
        assert!(parse(&["--log"]).unwrap_err().to_string().contains("--log"));
        let flags = parse(&["--n=x", "--fail=maybe"]).unwrap();
        assert!(flags.read::<i64>("n").unwrap_err().to_string().contains("`x`"));
        assert!(flags.boolean("fail").is_err());
    }
}
