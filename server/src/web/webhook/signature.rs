//! Webhook secrets and signatures, as hook checks them.

use std::collections::BTreeMap;

use go_compat::time::Timestamp;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;

/// The secrets that a delivery may be signed with.
///
/// The file holds either one token, or a YAML map from `*`, an org or an
/// `org/repo` to a list of `{value, created_at}`; several values of one key
/// are a rotation in progress, and any of them is accepted.
#[derive(Debug, Default)]
pub struct HmacSecrets {
    tokens: BTreeMap<String, Vec<SecretString>>,
}

#[derive(Deserialize)]
struct TokenEntry {
    value: SecretString,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "read to accept the documented shape; rotation is the hmac tool's work"
    )]
    created_at: Option<Timestamp>,
}

/// The key of tokens that hold for every repository.
const GLOBAL: &str = "*";

impl HmacSecrets {
    /// Reads a secret file's content. Text that is not the documented map is
    /// one token, with the white space around it removed.
    pub fn parse(content: &str) -> Self {
        let tokens = match serde_saphyr::from_str::<BTreeMap<String, Vec<TokenEntry>>>(content) {
            Ok(map) => map
                .into_iter()
                .map(|(key, entries)| (key, entries.into_iter().map(|e| e.value).collect()))
                .collect(),
            Err(_) => BTreeMap::from([(GLOBAL.to_owned(), vec![content.trim().to_owned().into()])]),
        };
        Self { tokens }
    }

    /// The tokens of the most specific level that exists: repository, else
    /// org, else `*`. Levels are never mixed.
    fn tokens_for(&self, org: &str, full_name: &str) -> &[SecretString] {
        [full_name, org, GLOBAL]
            .into_iter()
            .filter(|key| !key.is_empty())
            .find_map(|key| self.tokens.get(key))
            .map_or(&[], Vec::as_slice)
    }

    /// Checks `signature` (`sha256=` and hex) over the raw body.
    pub fn verify(&self, body: &[u8], signature: &str) -> Result<(), SignatureError> {
        let origin: Origin = serde_json::from_slice(body).map_err(|_| SignatureError::NotJson)?;
        let full_name = origin.repository.map(|r| r.full_name).unwrap_or_default();
        let org = match origin.organization {
            Some(organization) => organization.login,
            None => full_name.split_once('/').map(|(org, _)| org.to_owned()).unwrap_or_default(),
        };
        let tokens = self.tokens_for(&org, &full_name);
        if tokens.is_empty() {
            return Err(SignatureError::NoToken);
        }
        let hex = signature.strip_prefix("sha256=").ok_or(SignatureError::Malformed)?;
        let signature = hex::decode(hex).map_err(|_| SignatureError::Malformed)?;
        for token in tokens {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.expose_secret().as_bytes())
            else {
                continue;
            };
            mac.update(body);
            if mac.verify_slice(&signature).is_ok() {
                return Ok(());
            }
        }
        Err(SignatureError::Mismatch)
    }
}

/// The `X-Hub-Signature-256` value of a body under a token.
pub fn sign(token: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// The part of a payload that tells whose secret signs it.
#[derive(Deserialize)]
struct Origin {
    repository: Option<Repository>,
    organization: Option<Organization>,
}

#[derive(Deserialize)]
struct Repository {
    #[serde(default)]
    full_name: String,
}

#[derive(Deserialize)]
struct Organization {
    #[serde(default)]
    login: String,
}

/// Why a signature was refused; the words go to the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The body is not a JSON object.
    #[error("the body is not JSON")]
    NotJson,
    /// No token is configured for the repository, its org or `*`.
    #[error("no webhook secret is configured for this repository")]
    NoToken,
    /// The header does not hold `sha256=` and hex digits.
    #[error("the header must be sha256=<hex digits>")]
    Malformed,
    /// No configured token makes this signature.
    #[error("it does not match any configured secret")]
    Mismatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROTATION: &str = r#"
"*":
- value: global
org:
- value: old
  created_at: 2020-01-01T00:00:00Z
- value: new
org/private:
- value: own
"#;

    fn body(repo: &str) -> Vec<u8> {
        format!(r#"{{"repository":{{"full_name":"{repo}"}}}}"#).into_bytes()
    }

    #[test]
    fn the_most_specific_level_alone_decides() {
        let secrets = HmacSecrets::parse(ROTATION);
        for (repo, token, expected) in [
            ("org/a", "old", Ok(())),
            ("org/a", "new", Ok(())),
            ("org/a", "global", Err(SignatureError::Mismatch)),
            ("org/private", "own", Ok(())),
            ("org/private", "new", Err(SignatureError::Mismatch)),
            ("other/x", "global", Ok(())),
        ] {
            let body = body(repo);
            assert_eq!(secrets.verify(&body, &sign(token, &body)), expected, "{repo} with {token}");
        }
    }

    #[test]
    fn an_org_event_takes_the_org_from_its_own_field() {
        let secrets = HmacSecrets::parse(ROTATION);
        let body = br#"{"organization":{"login":"org"}}"#;
        assert_eq!(secrets.verify(body, &sign("new", body)), Ok(()));
    }

    #[test]
    fn a_file_that_is_no_map_is_one_token_without_its_white_space() {
        let secrets = HmacSecrets::parse("  s3cret\n");
        let body = body("a/b");
        assert_eq!(secrets.verify(&body, &sign("s3cret", &body)), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let secrets = HmacSecrets::parse("s");
        assert_eq!(secrets.verify(b"no", "sha256=00"), Err(SignatureError::NotJson));
        assert_eq!(secrets.verify(b"{}", "sha1=00"), Err(SignatureError::Malformed));
        assert_eq!(secrets.verify(b"{}", "sha256=zz"), Err(SignatureError::Malformed));
        let none = HmacSecrets::parse("org:\n- value: x\n");
        assert_eq!(none.verify(b"{}", "sha256=00"), Err(SignatureError::NoToken));
    }
}
