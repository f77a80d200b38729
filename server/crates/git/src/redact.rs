//! Keeps credentials out of what is shown.

/// What stands where a credential stood.
const MASK: &str = "REDACTED";

/// Removes credentials from a text: each of `secrets` where it occurs, the user part of
/// `scheme://user:password@host` addresses, and what follows `Authorization: Basic` or `Bearer`.
pub fn redact(text: &str, secrets: &[&str]) -> String {
    let mut clean = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        clean = clean.replace(secret, MASK);
    }
    redact_authorization(&redact_user_parts(&clean))
}

/// Replaces `user:password@` after `://` up to the end of the authority.
fn redact_user_parts(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let authority_end = after
            .find(|c: char| matches!(c, '/' | '?' | '#' | '\'' | '"') || c.is_whitespace())
            .unwrap_or(after.len());
        let authority = &after[..authority_end];
        match authority.rfind('@') {
            Some(user_end) => {
                clean.push_str(MASK);
                clean.push_str(&authority[user_end..]);
            }
            None => clean.push_str(authority),
        }
        rest = &after[authority_end..];
    }
    clean.push_str(rest);
    clean
}

/// Replaces the word after an authorization scheme.
fn redact_authorization(text: &str) -> String {
    let mut clean = text.to_owned();
    for scheme in ["basic ", "bearer ", "token "] {
        let mut from = 0;
        loop {
            let lower = clean.to_ascii_lowercase();
            let Some(header) = lower[from..].find("authorization: ").map(|at| at + from + 15)
            else {
                break;
            };
            from = header;
            if !lower[header..].starts_with(scheme) {
                continue;
            }
            let start = header + scheme.len();
            let end = clean[start..]
                .find(char::is_whitespace)
                .map_or(clean.len(), |length| start + length);
            clean.replace_range(start..end, MASK);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_removed_and_the_rest_stays() {
        for (text, secrets, expected) in [
            ("nothing to hide", &[][..], "nothing to hide"),
            ("a hunter2 b hunter2", &["hunter2"], "a REDACTED b REDACTED"),
            ("empty secrets match nothing", &[""], "empty secrets match nothing"),
            (
                "fatal: unable to access 'https://bot:pa@ss@host.example/org/repo.git/': 403",
                &[],
                "fatal: unable to access 'https://REDACTED@host.example/org/repo.git/': 403",
            ),
            (
                "https://host/a@b and ssh://git@host",
                &[],
                "https://host/a@b and ssh://REDACTED@host",
            ),
            (
                "> AUTHORIZATION: basic dXNlcjpwYXNz\n> Accept: */*",
                &[],
                "> AUTHORIZATION: basic REDACTED\n> Accept: */*",
            ),
            (
                "Authorization: Bearer abc Authorization: Bearer def",
                &[],
                "Authorization: Bearer REDACTED Authorization: Bearer REDACTED",
            ),
        ] {
            assert_eq!(redact(text, secrets), expected);
        }
    }
}
