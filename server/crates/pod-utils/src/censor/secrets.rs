//! Reading secrets, and the forms in which they show up in text.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use serde_json::Value;

/// Forms other than the secret itself and its base64 are looked for only from this length on: the
/// hexadecimal digits of a short word are found everywhere.
const SHORTEST_DERIVED: usize = 8;

/// Lines of a key file that are secrets by themselves are at least this long.
const SHORTEST_LINE: usize = 16;

/// A secret file larger than this is taken for a mistake, and withholds the upload.
const MAX_SECRET_BYTES: u64 = 16 << 20;

/// The texts to look for, and what stood in the way of knowing them all.
#[derive(Default)]
pub(super) struct Secrets {
    pub(super) patterns: BTreeSet<Vec<u8>>,
    pub(super) problems: Vec<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets, {} problems", self.patterns.len(), self.problems.len())
    }
}

/// Reads all files below `folders`. One that cannot be read does not keep the others from being
/// known.
pub(super) fn load(folders: &[String], ini_names: &[String], shortest: usize) -> Secrets {
    let mut secrets = Secrets::default();
    for folder in folders {
        walk(Path::new(folder), ini_names, shortest, &mut secrets);
    }
    secrets
}

fn walk(path: &Path, ini_names: &[String], shortest: usize, secrets: &mut Secrets) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with("..") {
        // Kubernetes keeps the real files in such folders, and links to them beside.
        return;
    }
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) => {
            secrets.problems.push(format!("the secret {} cannot be read: {error}", path.display()));
            return;
        }
    };
    if found.is_dir() {
        match fs::read_dir(path) {
            Ok(entries) => {
                for entry in entries.flatten() {
                    walk(&entry.path(), ini_names, shortest, secrets);
                }
            }
            Err(error) => secrets
                .problems
                .push(format!("the secret folder {} cannot be read: {error}", path.display())),
        }
        return;
    }
    if !found.is_file() {
        return;
    }
    if found.len() > MAX_SECRET_BYTES {
        secrets
            .problems
            .push(format!("the secret {} is larger than {MAX_SECRET_BYTES} bytes", path.display()));
        return;
    }
    match fs::read(path) {
        Ok(content) => {
            add(&content, shortest, &mut secrets.patterns);
            for value in parts(&name, &content, ini_names) {
                add(value.as_bytes(), shortest, &mut secrets.patterns);
            }
        }
        Err(error) => {
            secrets.problems.push(format!("the secret {} cannot be read: {error}", path.display()));
        }
    }
}

/// Secrets within a secret, where the format of the file is known.
fn parts(name: &str, content: &[u8], ini_names: &[String]) -> Vec<String> {
    let text = String::from_utf8_lossy(content);
    let mut parts = Vec::new();
    match serde_json::from_slice::<Value>(content) {
        Ok(document) => telling_fields(&document, &mut parts),
        Err(_) => key_lines(&text, &mut parts),
    }
    if ini_names.iter().any(|ini| ini == name) {
        let values = text.lines().filter_map(|line| {
            let line = line.trim();
            if line.starts_with(['#', ';', '[']) {
                return None;
            }
            let (_, value) = line.split_once(['=', ':'])?;
            Some(value.trim().trim_matches(['"', '\'']).to_owned())
        });
        parts.extend(values);
    }
    parts
}

/// The lines of a key in PEM format: programs print keys with an indentation or a prefix.
fn key_lines(text: &str, parts: &mut Vec<String>) {
    if text.contains("-----BEGIN ") {
        let lines = text.lines().map(str::trim);
        let telling = lines.filter(|l| l.len() >= SHORTEST_LINE && !l.starts_with("-----"));
        parts.extend(telling.map(str::to_owned));
    }
}

/// Parts of field names whose values are secrets.
const TELLING: [&str; 7] =
    ["auth", "password", "private_key", "secret", "token", "access_key", "api_key"];

/// Ends of field names whose values are public all the same: `token_uri`, `private_key_id`.
const PUBLIC: [&str; 3] = ["_uri", "_url", "_id"];

/// The values of fields whose name says that they are secret: Docker's `auth` and `password`, the
/// private key of a service account and their like.
fn telling_fields(value: &Value, parts: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.to_ascii_lowercase();
                let telling = TELLING.iter().any(|word| name.contains(word))
                    && !PUBLIC.iter().any(|end| name.ends_with(end));
                match value {
                    Value::String(text) if telling => {
                        parts.push(text.clone());
                        key_lines(text, parts);
                    }
                    _ => telling_fields(value, parts),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| telling_fields(value, parts)),
        _ => {}
    }
}

/// Adds the secret and its forms: as it is, trimmed, base64 of both (as Prow does), and the other
/// ways in which programs print a value.
fn add(secret: &[u8], shortest: usize, patterns: &mut BTreeSet<Vec<u8>>) {
    let trimmed = secret.trim_ascii();
    if trimmed.is_empty() || trimmed.len() < shortest {
        return;
    }
    // Every value of a boolean is known, and replacing the words would ruin the text.
    if trimmed.eq_ignore_ascii_case(b"true") || trimmed.eq_ignore_ascii_case(b"false") {
        return;
    }
    patterns.insert(trimmed.to_vec());
    for form in [secret, trimmed] {
        patterns.insert(STANDARD.encode(form).into_bytes());
        patterns.insert(URL_SAFE.encode(form).into_bytes());
    }
    if trimmed.len() < SHORTEST_DERIVED {
        return;
    }
    for offset in 0..3 {
        let middle = base64_within(trimmed, offset);
        patterns.insert(middle.replace('+', "-").replace('/', "_").into_bytes());
        patterns.insert(middle.into_bytes());
    }
    patterns.insert(hex::encode(trimmed).into_bytes());
    patterns.insert(hex::encode_upper(trimmed).into_bytes());
    patterns.insert(percent_encoded(trimmed).into_bytes());
    if let Ok(text) = std::str::from_utf8(trimmed)
        && let Ok(quoted) = serde_json::to_string(text)
    {
        patterns.insert(quoted.as_bytes()[1..quoted.len() - 1].to_vec());
    }
}

/// The characters of base64 that the secret alone decides when `offset` bytes stand before it in the
/// encoded text, as in `user:secret` of an authorization header.
fn base64_within(secret: &[u8], offset: usize) -> String {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(secret);
    let encoded = STANDARD_NO_PAD.encode(&padded);
    // A character holds six bits: those that share bits with a neighbour are not decided.
    let first = (offset * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    encoded[first..last].to_owned()
}

fn percent_encoded(secret: &[u8]) -> String {
    let mut encoded = String::new();
    for byte in secret {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(*byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_known_at_every_offset() {
        let secret = b"correct horse battery";
        for before in ["", "u", "us", "usr", "user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let text = format!("{before}correct horse battery{after}");
                let encoded = STANDARD.encode(text);
                let middle = base64_within(secret, before.len() % 3);
                assert!(encoded.contains(&middle), "{before:?} {after:?}: {encoded} {middle}");
                assert!(middle.len() >= 26);
            }
        }
    }

    #[test]
    fn public_fields_of_a_credentials_file_are_no_secrets() {
        let file = br#"{"type":"service_account","project_id":"p","private_key_id":"abcdef0123",
            "private_key":"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END PRIVATE KEY-----\n",
            "token_uri":"https://oauth2.googleapis.com/token",
            "auths":{"registry":{"auth":"dXNlcjpwYXNz","password":"hunter22"}}}"#;
        let found = parts("service-account.json", file, &[]);
        assert!(found.contains(&"MIIEvQIBADANBgkqhkiG".to_owned()));
        assert!(found.contains(&"dXNlcjpwYXNz".to_owned()));
        assert!(found.contains(&"hunter22".to_owned()));
        assert!(!found.iter().any(|value| value.contains("oauth2") || value == "abcdef0123"));
    }

    #[test]
    fn booleans_and_short_secrets_are_left_alone() {
        let mut patterns = BTreeSet::new();
        add(b"true\n", 0, &mut patterns);
        add(b"  ", 0, &mut patterns);
        add(b"abc", 4, &mut patterns);
        assert!(patterns.is_empty());
        add(b"abc", 3, &mut patterns);
        assert!(patterns.contains(b"abc".as_slice()) && patterns.contains(b"YWJj".as_slice()));
    }
}
