//! `clone.json` and `clone-records.json`: what clonerefs did, command by command.

use std::fmt::Write;

use go_compat::duration::GoDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::DocumentError;

/// One repository's clone; the first record of a file is the preparation of the environment and has
/// empty refs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloneRecord {
    /// The refs that were wanted, as the job specification writes them.
    pub refs: Value,
    /// What was run, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "list")]
    pub commands: Vec<CloneCommand>,
    /// Whether a command, or anything before it, failed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
    /// The commit that the work tree is at in the end.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub final_sha: String,
    /// How long all of it took, in nanoseconds.
    #[serde(rename = "duration", skip_serializing_if = "is_zero")]
    pub duration_nanos: i64,
}

/// One command of a clone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloneCommand {
    /// The command as a shell would show it, with secrets replaced.
    pub command: String,
    /// Its output and error output.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// Why it failed; empty when it did not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// How long it took, in nanoseconds.
    #[serde(rename = "duration", skip_serializing_if = "is_zero")]
    pub duration_nanos: i64,
}

impl CloneRecord {
    /// Reads a file of records.
    ///
    /// # Errors
    /// The bytes are no JSON list of records.
    pub fn parse_all(bytes: &[u8]) -> Result<Vec<CloneRecord>, DocumentError> {
        crate::parse(crate::CLONE_RECORDS_FILE, "list of clone records", bytes)
    }

    /// The record as a person reads it in `clone-log.txt`, line for line as Prow writes it.
    pub fn to_text(&self) -> String {
        let field = |name: &str| self.refs.get(name).and_then(Value::as_str).unwrap_or("");
        let mut text = String::new();
        if self.failed {
            text.push_str("# FAILED\n");
        }
        if field("repo").is_empty() {
            text.push_str("Environment setup");
        } else {
            let (org, repo, base) = (field("org"), field("repo"), field("base_ref"));
            push(&mut text, format_args!("# Cloning {org}/{repo} at {base}"));
        }
        if !field("base_sha").is_empty() {
            push(&mut text, format_args!("({})", field("base_sha")));
        }
        text.push('\n');
        let pulls = self.refs.get("pulls").and_then(Value::as_array);
        if let Some(pulls) = pulls.filter(|pulls| !pulls.is_empty()) {
            text.push_str("# Checking out pulls:\n");
            for pull in pulls {
                let number = pull.get("number").and_then(Value::as_i64).unwrap_or(0);
                push(&mut text, format_args!("#\t{number}"));
                match pull.get("sha").and_then(Value::as_str) {
                    Some(sha) if !sha.is_empty() => push(&mut text, format_args!("({sha})\n")),
                    _ => text.push('\n'),
                }
            }
        }
        for command in &self.commands {
            push(&mut text, format_args!("$ {}", command.command));
            if command.duration_nanos != 0 {
                let runtime = GoDuration(command.duration_nanos);
                push(&mut text, format_args!(" (runtime: {runtime})"));
            }
            text.push('\n');
            text.push_str(&command.output);
            if !command.error.is_empty() {
                push(&mut text, format_args!("# Error: {}\n", command.error));
            }
        }
        let runtime = GoDuration(self.duration_nanos);
        push(&mut text, format_args!("# Final SHA: {}\n", self.final_sha));
        push(&mut text, format_args!("# Total runtime: {runtime}\n"));
        text
    }
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(what);
}

fn list<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<CloneCommand>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn is_zero(nanos: &i64) -> bool {
    *nanos == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_and_print_as_a_person_knows_them() {
        let json = r#"[{"refs":{},"commands":[{"command":"ssh-agent","output":"SSH_AUTH_SOCK=x\n"}]},{"refs":{"base_ref":"main","base_sha":"abc","org":"o","pulls":[{"author":"a","number":12,"sha":"def"},{"number":13}],"repo":"r"},"commands":[{"command":"git init","output":"ok\n","duration":1500000},{"command":"git fetch","error":"exit status 128"}],"failed":true,"duration":2000000000}]"#;
        let records = CloneRecord::parse_all(json.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&records).unwrap(), json);
        assert_eq!(
            records[0].to_text(),
            "Environment setup\n$ ssh-agent\nSSH_AUTH_SOCK=x\n# Final SHA: \n# Total runtime: 0s\n"
        );
        assert_eq!(
            records[1].to_text(),
            "# FAILED\n# Cloning o/r at main(abc)\n# Checking out pulls:\n#\t12(def)\n#\t13\n\
             $ git init (runtime: 1.5ms)\nok\n$ git fetch\n# Error: exit status 128\n\
             # Final SHA: \n# Total runtime: 2s\n"
        );
    }
}
