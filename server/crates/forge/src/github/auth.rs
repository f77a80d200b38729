//! Credentials: a token file, or a GitHub App's key and the installation tokens it buys.
//!
//! Files are looked at before every request and read again when they changed, so that a rotated
//! secret needs no restart. Nothing here is ever printed.

use std::{
    collections::HashMap,
    fmt,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use clock::SharedClock;
use go_compat::time::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::sync::Mutex as AsyncMutex;

use crate::error::ForgeError;

/// How far back an App's assertion is dated, so that a GitHub whose clock is behind ours accepts
/// it.
const BACK_DATED: Duration = Duration::from_secs(60);

/// How long an App's assertion is good; GitHub accepts at most ten minutes, counted by its own
/// clock.
const ASSERTION_LIFE: Duration = Duration::from_secs(540);

/// An installation token is replaced this long before it expires, so that none expires on the
/// way. Tokens live for an hour.
const RENEW_BEFORE_EXPIRY: Duration = Duration::from_secs(300);

/// How long the list of installations is believed when an organization is not in it; an App
/// installed later is seen after this.
const INSTALLATIONS_AGE: Duration = Duration::from_secs(60);

/// Differences between our clock and GitHub's below this are the `Date` header's resolution.
const SKEW_NOISE: Duration = Duration::from_secs(2);

/// What the program authenticates with.
#[derive(Clone)]
pub enum Auth {
    /// Nothing: public data, small budget.
    Anonymous,
    /// A personal or OAuth token in a file (`--github-token-path`).
    TokenFile(PathBuf),
    /// A GitHub App (`--github-app-id`, `--github-app-private-key-path`).
    App {
        /// The App's id or client id.
        id: String,
        /// The file with its private key, in PEM.
        private_key_file: PathBuf,
    },
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Auth::Anonymous => f.write_str("Anonymous"),
            Auth::TokenFile(path) => f.debug_tuple("TokenFile").field(path).finish(),
            Auth::App { id, .. } => f.debug_struct("App").field("id", id).finish_non_exhaustive(),
        }
    }
}

/// Whose budget and whose view of the data a request has. A rotated token is a new identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    Anonymous,
    Token(u64),
    App,
    Installation(String),
}

impl Identity {
    /// As a metric label; never the credential.
    pub(crate) fn label(&self) -> &str {
        match self {
            Identity::Anonymous => "anonymous",
            Identity::Token(_) => "token",
            Identity::App => "app",
            Identity::Installation(org) => org,
        }
    }
}

/// Which credential a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who<'a> {
    /// The App itself; the token where there is no App.
    Bot,
    /// The App's installation in this organization; the token where there is no App.
    Org(&'a str),
}

/// A credential and what it stands for.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) identity: Identity,
    pub(crate) token: Option<SecretString>,
}

/// An installation's token.
#[derive(Clone)]
pub(crate) struct InstallationToken {
    pub(crate) token: SecretString,
    pub(crate) expires_at: Timestamp,
}

type TokenSlot = Arc<AsyncMutex<Option<InstallationToken>>>;

/// Everything known about credentials.
pub(crate) struct Authenticator {
    clock: SharedClock,
    source: Source,
    /// GitHub's clock minus ours, in milliseconds.
    skew: AtomicI64,
    installations: AsyncMutex<Installations>,
    tokens: Mutex<HashMap<String, TokenSlot>>,
}

enum Source {
    Anonymous,
    Token(WatchedFile),
    App { id: String, key: WatchedFile },
}

#[derive(Default)]
pub(crate) struct Installations {
    pub(crate) by_org: HashMap<String, u64>,
    pub(crate) listed_at: Option<Timestamp>,
}

impl Authenticator {
    pub(crate) fn new(auth: Auth, clock: SharedClock) -> Result<Authenticator, ForgeError> {
        let source = match auth {
            Auth::Anonymous => Source::Anonymous,
            Auth::TokenFile(path) => Source::Token(WatchedFile::new(path, "token", non_empty)?),
            Auth::App { id, private_key_file } => {
                let key = WatchedFile::new(private_key_file, "App private key", |text| {
                    EncodingKey::from_rsa_pem(text.as_bytes())
                        .map(|_| text.to_owned())
                        .map_err(|_| "it is no RSA private key in PEM".to_owned())
                })?;
                Source::App { id, key }
            }
        };
        Ok(Authenticator {
            clock,
            source,
            skew: AtomicI64::new(0),
            installations: AsyncMutex::new(Installations::default()),
            tokens: Mutex::new(HashMap::new()),
        })
    }

    /// Whether requests for organizations need an installation token.
    pub(crate) fn is_app(&self) -> bool {
        matches!(self.source, Source::App { .. })
    }

    /// The credential that needs no request: the token, or the App's own assertion.
    pub(crate) fn own(&self) -> Result<Credential, ForgeError> {
        Ok(match &self.source {
            Source::Anonymous => Credential { identity: Identity::Anonymous, token: None },
            Source::Token(file) => {
                let (token, generation) = file.read();
                Credential { identity: Identity::Token(generation), token: Some(token) }
            }
            Source::App { id, key } => {
                let (pem, _) = key.read();
                let token = assertion(id, &pem, self.server_now())?;
                Credential { identity: Identity::App, token: Some(token) }
            }
        })
    }

    /// The place of an organization's installation token; to be held while it is renewed, so that
    /// it is renewed once.
    pub(crate) fn token_slot(&self, org: &str) -> TokenSlot {
        self.tokens.lock().entry(org.to_lowercase()).or_default().clone()
    }

    /// Whether an installation token is good for a request now.
    pub(crate) fn is_fresh(&self, token: &InstallationToken) -> bool {
        token.expires_at.since(self.server_now()) > RENEW_BEFORE_EXPIRY
    }

    /// The installations; to be held while they are listed.
    pub(crate) fn installations(&self) -> &AsyncMutex<Installations> {
        &self.installations
    }

    /// Whether the list of installations may be believed about an organization it lacks.
    pub(crate) fn is_current(&self, installations: &Installations) -> bool {
        installations.listed_at.is_some_and(|at| self.clock.now().since(at) < INSTALLATIONS_AGE)
    }

    /// Learns GitHub's clock from an answer.
    pub(crate) fn learn_time(&self, server: Timestamp) {
        let skew = server.millis() - self.clock.now().millis();
        let noise = i64::try_from(SKEW_NOISE.as_millis()).unwrap_or(i64::MAX);
        let skew = if skew.abs() < noise { 0 } else { skew };
        self.skew.store(skew, Ordering::Relaxed);
    }

    /// What GitHub's clock shows, as far as known.
    pub(crate) fn server_now(&self) -> Timestamp {
        let skew = self.skew.load(Ordering::Relaxed);
        Timestamp::from_millis(self.clock.now().millis().saturating_add(skew))
    }

    /// After a 401: forgets what was refused. Tells whether another try may do better.
    pub(crate) async fn renew(&self, refused: &Credential) -> bool {
        match (&self.source, &refused.identity) {
            (Source::Token(file), Identity::Token(generation)) => file.read().1 != *generation,
            // The answer taught us GitHub's clock, or the key file was replaced.
            (Source::App { .. }, Identity::App) => true,
            (Source::App { .. }, Identity::Installation(org)) => {
                let slot = self.token_slot(org);
                let mut slot = slot.lock().await;
                let same = slot
                    .as_ref()
                    .zip(refused.token.as_ref())
                    .is_some_and(|(kept, used)| kept.token.expose_secret() == used.expose_secret());
                if same {
                    *slot = None;
                }
                true
            }
            _ => false,
        }
    }
}

/// An App's signed statement of who it is.
fn assertion(id: &str, pem: &SecretString, now: Timestamp) -> Result<SecretString, ForgeError> {
    #[derive(Serialize)]
    struct Claims<'a> {
        iss: &'a str,
        iat: i64,
        exp: i64,
    }
    let claims = Claims {
        iss: id,
        iat: now.saturating_sub(BACK_DATED).seconds(),
        exp: now.saturating_add(ASSERTION_LIFE).seconds(),
    };
    let refuse = |error: jsonwebtoken::errors::Error| {
        ForgeError::Credentials(format!("the App's private key cannot sign: {error}"))
    };
    let key = EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).map_err(refuse)?;
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key)
        .map(SecretString::from)
        .map_err(refuse)
}

fn non_empty(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// A secret file that is read again when it changed. While it is unreadable or wrong, the last
/// good content stays in use.
struct WatchedFile {
    path: PathBuf,
    what: &'static str,
    check: fn(&str) -> Result<String, String>,
    state: Mutex<FileState>,
}

struct FileState {
    stamp: Option<Stamp>,
    content: SecretString,
    generation: u64,
}

/// What changes when a file is written or, as Kubernetes does, replaced through a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl WatchedFile {
    fn new(
        path: PathBuf,
        what: &'static str,
        check: fn(&str) -> Result<String, String>,
    ) -> Result<WatchedFile, ForgeError> {
        let stamp = stamp(&path);
        let content = load(&path, check).map_err(|reason| {
            ForgeError::Credentials(format!(
                "cannot read the GitHub {what} from {}: {reason}",
                path.display()
            ))
        })?;
        let state = FileState { stamp, content: content.into(), generation: 0 };
        Ok(WatchedFile { path, what, check, state: Mutex::new(state) })
    }

    /// The content, and a number that grows with every change of it.
    fn read(&self) -> (SecretString, u64) {
        let now = stamp(&self.path);
        let mut state = self.state.lock();
        if state.stamp != now {
            match load(&self.path, self.check) {
                Ok(content) => {
                    state.stamp = now;
                    if content != state.content.expose_secret() {
                        tracing::info!(path = %self.path.display(), "read the changed GitHub {}", self.what);
                        state.content = content.into();
                        state.generation += 1;
                    }
                }
                Err(reason) => {
                    // Seen as unchanged until it changes again, to say this once.
                    state.stamp = now;
                    tracing::warn!(
                        path = %self.path.display(),
                        reason,
                        "cannot read the changed GitHub {}; the previous one stays in use",
                        self.what
                    );
                }
            }
        }
        (state.content.clone(), state.generation)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

fn load(path: &Path, check: fn(&str) -> Result<String, String>) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    check(text.trim())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clock::SettableClock;

    use super::*;

    fn clock() -> SettableClock {
        SettableClock::new(Timestamp::from_seconds(1_795_000_000))
    }

    fn token(authenticator: &Authenticator) -> (String, Identity) {
        let credential = authenticator.own().expect("a credential");
        let token = credential.token.expect("a token").expose_secret().to_owned();
        (token, credential.identity)
    }

    #[test]
    fn a_changed_token_file_is_read_again_and_is_a_new_identity() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("token");
        fs::write(&path, " first \n").expect("a file");
        let auth = Auth::TokenFile(path.clone());
        let authenticator = Authenticator::new(auth, clock().shared()).expect("credentials");
        assert_eq!(token(&authenticator), ("first".into(), Identity::Token(0)));

        fs::write(dir.path().join("next"), "second\n").expect("a file");
        fs::rename(dir.path().join("next"), &path).expect("replaced");
        assert_eq!(token(&authenticator), ("second".into(), Identity::Token(1)));

        // Gone or empty for a moment, as during a rotation: the last good one stays.
        fs::remove_file(&path).expect("removed");
        assert_eq!(token(&authenticator), ("second".into(), Identity::Token(1)));
        fs::write(&path, "").expect("a file");
        assert_eq!(token(&authenticator), ("second".into(), Identity::Token(1)));
        fs::write(&path, "third").expect("a file");
        assert_eq!(token(&authenticator), ("third".into(), Identity::Token(2)));
    }

    #[test]
    fn a_missing_empty_or_wrong_file_is_refused_at_the_start() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("secret");
        let refusal = |auth: Auth| {
            let error = Authenticator::new(auth, clock().shared()).err().expect("refused");
            error.to_string()
        };
        let missing = refusal(Auth::TokenFile(path.clone()));
        assert!(missing.contains("cannot read the GitHub token from"), "{missing}");
        fs::write(&path, "\n").expect("a file");
        assert!(refusal(Auth::TokenFile(path.clone())).ends_with("it is empty"));
        let app = Auth::App { id: "1".into(), private_key_file: path };
        assert!(refusal(app).ends_with("it is no RSA private key in PEM"));
    }

    #[test]
    fn the_clock_of_github_is_learnt_unless_the_difference_is_noise() {
        let clock = clock();
        let authenticator =
            Authenticator::new(Auth::Anonymous, clock.shared()).expect("credentials");
        let here = Timestamp::from_seconds(1_795_000_000);
        authenticator.learn_time(here.saturating_add(Duration::from_secs(120)));
        assert_eq!(authenticator.server_now().since(here), Duration::from_secs(120));
        authenticator.learn_time(here.saturating_add(Duration::from_secs(1)));
        assert_eq!(authenticator.server_now(), here);
    }

    #[test]
    fn credentials_are_not_printed() {
        let auth = Auth::App { id: "7".into(), private_key_file: "/key".into() };
        assert_eq!(format!("{auth:?}"), "App { id: \"7\", .. }");
    }
}
