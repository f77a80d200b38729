//! Where the paths of a container are on this machine.
//!
//! A container's file system is not ours: it says `/logs` and means a volume. Without mount
//! namespaces, every mention of a mount path in its environment, command, arguments and working
//! directory is replaced by the volume's folder. A mention is the path itself, not a part of a
//! longer name: with `/logs` mounted, `/logs`, `/logs/x`, `"/logs"` and `a=/logs:b` are meant,
//! but `/logs2`, `/var/logs` and `https://example.com/logs` are not.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Keys of the pod utilities' JSON options whose values are names and addresses of the code host,
/// never paths in the container: a local repository `/tmp/repo` is not the volume at `/tmp`.
const NEVER_PATHS: [&str; 2] = ["refs", "extra_refs"];

/// The mounts of one container, longest path first.
#[derive(Debug, Clone, Default)]
pub(super) struct Mounts {
    mounts: Vec<(String, PathBuf)>,
}

impl Mounts {
    /// `mounts` are pairs of a path in the container and a path on this machine.
    pub(super) fn new(mounts: impl IntoIterator<Item = (String, PathBuf)>) -> Mounts {
        let mut mounts: Vec<(String, PathBuf)> = mounts
            .into_iter()
            .map(|(path, host)| (path.trim_end_matches('/').to_string(), host))
            // A mount over the whole file system cannot be imitated.
            .filter(|(path, _)| path.starts_with('/'))
            .collect();
        mounts.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        Mounts { mounts }
    }

    /// Where this path of the container is, if it lies in a mount.
    pub(super) fn host_path(&self, path: &str) -> Option<PathBuf> {
        self.mounts.iter().find_map(|(mount, host)| {
            let rest = Path::new(path).strip_prefix(mount).ok()?;
            Some(if rest.as_os_str().is_empty() { host.clone() } else { host.join(rest) })
        })
    }

    /// The text with every mention of a mount path replaced.
    pub(super) fn translate(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        let mut at = 0;
        while let Some(found) = text[at..].find('/') {
            let start = at + found;
            match self.mention(text, start) {
                Some((mount, host)) => {
                    out.push_str(&text[copied..start]);
                    out.push_str(&host.to_string_lossy());
                    copied = start + mount.len();
                    at = copied;
                }
                None => at = start + 1,
            }
        }
        out.push_str(&text[copied..]);
        out
    }

    /// As [`Mounts::translate`], for the value of an environment variable: in JSON options, what
    /// describes the code host is left alone.
    pub(super) fn translate_env(&self, value: &str) -> String {
        if value.starts_with('{')
            && let Ok(mut options @ Value::Object(_)) = serde_json::from_str(value)
        {
            let before = options.clone();
            self.translate_json(&mut options);
            return if options == before { value.to_string() } else { options.to_string() };
        }
        self.translate(value)
    }

    fn translate_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.translate(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.translate_json(item)),
            Value::Object(fields) => fields
                .iter_mut()
                .filter(|(key, _)| !NEVER_PATHS.contains(&key.as_str()))
                .for_each(|(_, field)| self.translate_json(field)),
            _ => {}
        }
    }

    /// The mount that the text mentions at `start`, where a `/` stands.
    fn mention(&self, text: &str, start: usize) -> Option<&(String, PathBuf)> {
        let before = &text[..start];
        let begins = before.chars().next_back().is_none_or(|c| !leads_to_slash(c))
            || before.ends_with("file://");
        if !begins {
            return None;
        }
        self.mounts.iter().find(|(mount, _)| {
            text[start..]
                .strip_prefix(mount.as_str())
                .is_some_and(|rest| rest.chars().next().is_none_or(|c| !continues_name(c)))
        })
    }
}

/// Whether a file name that begins like a mount path goes on with this character.
fn continues_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '%')
}

/// Whether a `/` behind this character goes on with a longer path, or with a variable's value.
fn leads_to_slash(c: char) -> bool {
    continues_name(c) || matches!(c, '/' | '}' | ')')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts() -> Mounts {
        Mounts::new([
            ("/logs".to_string(), PathBuf::from("/pod/volumes/logs")),
            ("/logs/deep".to_string(), PathBuf::from("/pod/volumes/deep")),
            ("/tmp/".to_string(), PathBuf::from("/pod/volumes/tmp")),
            ("/home/prow/go".to_string(), PathBuf::from("/pod/volumes/code")),
        ])
    }

    #[test]
    fn a_mount_path_is_replaced_where_it_stands_as_a_path() {
        let cases = [
            ("/logs", "/pod/volumes/logs"),
            ("/logs/", "/pod/volumes/logs/"),
            ("/logs/artifacts/x", "/pod/volumes/logs/artifacts/x"),
            ("/logs/deep/y", "/pod/volumes/deep/y"),
            ("/logs/deeper", "/pod/volumes/logs/deeper"),
            (
                "a=/logs:/tmp,\"/logs\"",
                "a=/pod/volumes/logs:/pod/volumes/tmp,\"/pod/volumes/logs\"",
            ),
            (
                "echo hi >/logs/x; cat /tmp/*",
                "echo hi >/pod/volumes/logs/x; cat /pod/volumes/tmp/*",
            ),
            ("file:///logs/x", "file:///pod/volumes/logs/x"),
            ("/home/prow/go/src", "/pod/volumes/code/src"),
            ("/logs.", "/logs."),
            ("--x=/logs;", "--x=/pod/volumes/logs;"),
            ("$(ls /logs)", "$(ls /pod/volumes/logs)"),
        ];
        for (text, wanted) in cases {
            assert_eq!(mounts().translate(text), wanted);
        }
    }

    #[test]
    fn longer_names_and_addresses_are_left_alone() {
        for text in [
            "/logs2",
            "/var/logs",
            "logs",
            "./logs",
            "../logs/x",
            "https://example.com/logs",
            "gs://bucket/logs/job",
            "/home/prow/gopher",
            "$HOME/logs",
            "${HOME}/logs",
            "~/logs",
            "$(pwd)/logs",
            "/logs-old/x",
            "",
        ] {
            assert_eq!(mounts().translate(text), text);
        }
    }

    #[test]
    fn replaced_text_is_not_replaced_again() {
        let mounts = Mounts::new([
            ("/a".to_string(), PathBuf::from("/b/a")),
            ("/b".to_string(), PathBuf::from("/a/b")),
        ]);
        assert_eq!(mounts.translate("/a /b"), "/b/a /a/b");
    }

    #[test]
    fn addresses_in_json_options_are_not_paths() {
        let options = r#"{"log":"/logs/clone.json","refs":[{"clone_uri":"/tmp/repo"}]}"#;
        assert_eq!(
            mounts().translate_env(options),
            r#"{"log":"/pod/volumes/logs/clone.json","refs":[{"clone_uri":"/tmp/repo"}]}"#
        );
        let untouched = r#"{ "job":  "x" }"#;
        assert_eq!(mounts().translate_env(untouched), untouched);
    }

    #[test]
    fn a_path_in_a_mount_is_found_on_this_machine() {
        assert_eq!(mounts().host_path("/logs/deep/x"), Some("/pod/volumes/deep/x".into()));
        assert_eq!(mounts().host_path("/logs"), Some("/pod/volumes/logs".into()));
        assert_eq!(mounts().host_path("/logs2"), None);
    }
}
