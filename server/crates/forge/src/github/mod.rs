//! GitHub over HTTP.
//!
//! Every call takes the same way (`client.rs`): a credential (`auth.rs`), the gate that keeps the
//! credential's limits (`gate.rs`, `pace.rs`), one exchange (`transport.rs`) through the answers
//! kept with their tags (`etag.rs`), a verdict (`retry.rs`), and perhaps another try.

mod auth;
mod calls;
mod client;
mod etag;
mod gate;
mod observe;
mod pace;
mod retry;
mod transport;

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use clock::SharedClock;
use git::{CredentialSource, Credentials};
use parking_lot::Mutex;

pub use self::{
    auth::Auth,
    etag::DEFAULT_CACHE_BYTES,
    observe::{CacheMode, Counters, Exchange, NoObserver, Observer},
    pace::Throttle,
    retry::{
        DEFAULT_INITIAL_DELAY, DEFAULT_MAX_NOT_FOUND_RETRIES, DEFAULT_MAX_TRIES, DEFAULT_MAX_WAIT,
        DEFAULT_REQUEST_TIMEOUT, RetryLimits,
    },
};
use self::{
    auth::{Authenticator, Identity, Who},
    client::Client,
    etag::EtagCache,
    gate::Gates,
    transport::{Transport, is_loopback},
};
use crate::{api::BotUser, error::ForgeError};

/// The API of github.com, the default of `--github-endpoint`.
pub const DEFAULT_ENDPOINT: &str = "https://api.github.com";

/// The host of github.com, the default of `--github-host`.
pub const DEFAULT_HOST: &str = "github.com";

/// The user name that GitHub takes for every kind of token when git asks for one.
const GIT_USERNAME: &str = "x-access-token";

/// What a [`GitHub`] is told.
#[derive(Clone)]
pub struct GitHubOptions {
    /// The API's addresses, the preferred one first (`--github-endpoint`, repeatable). The next
    /// one is used when one does not answer.
    pub endpoints: Vec<String>,
    /// The host of clone addresses (`--github-host`). Git gets the token for this host only.
    pub host: String,
    /// What to authenticate with.
    pub auth: Auth,
    /// Whether writes are only logged (`--dry-run`).
    pub dry_run: bool,
    /// How the program names itself to GitHub.
    pub user_agent: String,
    /// How often and how long to try.
    pub limits: RetryLimits,
    /// How many bytes of answers to keep for revalidation.
    pub cache_bytes: u64,
    /// A limit of our own (`--github-hourly-tokens`, `--github-allowed-burst`).
    pub throttle: Option<Throttle>,
    /// Limits of our own for single organizations, under an App (`--github-throttle-org`).
    pub org_throttles: HashMap<String, Throttle>,
    /// Who is told about every exchange.
    pub observer: Arc<dyn Observer>,
    /// The clock.
    pub clock: SharedClock,
}

impl GitHubOptions {
    /// github.com with default limits.
    pub fn new(auth: Auth, clock: SharedClock) -> GitHubOptions {
        GitHubOptions {
            endpoints: vec![DEFAULT_ENDPOINT.to_owned()],
            host: DEFAULT_HOST.to_owned(),
            auth,
            dry_run: false,
            user_agent: concat!("bowsprit/", env!("CARGO_PKG_VERSION")).to_owned(),
            limits: RetryLimits::default(),
            cache_bytes: DEFAULT_CACHE_BYTES,
            throttle: None,
            org_throttles: HashMap::new(),
            observer: Arc::new(NoObserver),
            clock,
        }
    }
}

impl fmt::Debug for GitHubOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHubOptions")
            .field("endpoints", &self.endpoints)
            .field("host", &self.host)
            .field("auth", &self.auth)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}

/// GitHub. Cheap to clone; clones share credentials, limits and kept answers.
#[derive(Clone)]
pub struct GitHub {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    host: String,
    dry_run: bool,
    /// The bot's account by the identity that asked: a rotated token may be another account's.
    bot: Mutex<Option<(Identity, BotUser)>>,
    /// Comments this process wrote lately, so that a look-up finds only others.
    written: Mutex<calls::Written>,
}

impl GitHub {
    /// A client. Reads the credential files, so that a missing one is noticed at the start, and
    /// must be called within a tokio runtime.
    pub fn new(options: GitHubOptions) -> Result<GitHub, ForgeError> {
        let clock = options.clock;
        let org_throttles = options
            .org_throttles
            .into_iter()
            .map(|(org, throttle)| (org.to_lowercase(), throttle))
            .collect();
        let client = Client {
            transport: Transport::new(
                &options.endpoints,
                &options.user_agent,
                options.limits.request_timeout,
                clock.clone(),
            )?,
            auth: Authenticator::new(options.auth, clock.clone())?,
            gates: Gates::new(clock.clone(), options.throttle, org_throttles),
            cache: EtagCache::new(options.cache_bytes),
            limits: options.limits,
            clock,
            observer: options.observer,
        };
        Ok(GitHub {
            inner: Arc::new(Inner {
                client,
                host: options.host,
                dry_run: options.dry_run,
                bot: Mutex::new(None),
                written: Mutex::default(),
            }),
        })
    }

    /// Whether writes are only logged.
    pub fn dry_run(&self) -> bool {
        self.inner.dry_run
    }

    /// The organization of a clone address on this host; `None` for other hosts and for
    /// addresses that carry no HTTP credentials.
    fn org_of_clone_uri<'a>(&self, uri: &'a str) -> Option<&'a str> {
        let rest = uri.strip_prefix("https://").or_else(|| {
            // A token goes over a plain connection to this very machine only.
            let rest = uri.strip_prefix("http://")?;
            is_loopback(&self.inner.host).then_some(rest)
        })?;
        let path = rest.strip_prefix(self.inner.host.as_str())?.strip_prefix('/')?;
        path.split('/').next().filter(|org| !org.is_empty())
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").field("host", &self.inner.host).finish_non_exhaustive()
    }
}

/// Git fetches from this host with the same credential, and from no other host with any.
#[async_trait]
impl CredentialSource for GitHub {
    async fn credentials(&self, uri: &str) -> Result<Option<Credentials>, String> {
        let Some(org) = self.org_of_clone_uri(uri) else { return Ok(None) };
        let credential =
            self.inner.client.credential(Who::Org(org)).await.map_err(|error| error.to_string())?;
        Ok(credential
            .token
            .map(|password| Credentials { username: GIT_USERNAME.to_owned(), password }))
    }
}

#[cfg(test)]
mod tests {
    use clock::SettableClock;
    use go_compat::time::Timestamp;
    use secrecy::ExposeSecret;

    use super::*;

    async fn password(host: &str, uri: &str) -> Option<String> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("token");
        std::fs::write(&path, "s3cr3t").expect("a file");
        let clock = SettableClock::new(Timestamp::from_seconds(1_795_000_000)).shared();
        let mut options = GitHubOptions::new(Auth::TokenFile(path), clock);
        options.host = host.to_owned();
        let github = GitHub::new(options).expect("a client");
        let credentials = github.credentials(uri).await.expect("an answer");
        credentials.map(|found| found.password.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn git_gets_the_token_for_this_host_only_and_never_in_the_clear() {
        for (host, uri, expected) in [
            ("github.com", "https://github.com/org/repo.git", true),
            ("github.com", "https://github.com.evil.example/org/repo", false),
            ("github.com", "https://github.com@evil.example/org/repo", false),
            ("github.com", "https://gitlab.com/org/repo", false),
            ("github.com", "http://github.com/org/repo", false),
            ("github.com", "git@github.com:org/repo.git", false),
            ("github.com", "https://github.com/", false),
            ("127.0.0.1:8090", "http://127.0.0.1:8090/org/repo.git", true),
            ("localhost:8090", "http://localhost:8090/org/repo.git", true),
            ("ghe.example:8080", "http://ghe.example:8080/org/repo.git", false),
        ] {
            assert_eq!(password(host, uri).await.is_some(), expected, "{uri} on {host}");
        }
    }

    #[tokio::test]
    async fn wrong_endpoints_are_refused_with_the_flag_in_the_text() {
        let clock = SettableClock::new(Timestamp::from_seconds(1_795_000_000)).shared();
        for endpoint in ["", "api.github.com", "ftp://x", "http://"] {
            let mut options = GitHubOptions::new(Auth::Anonymous, clock.clone());
            options.endpoints = vec![endpoint.to_owned()];
            let error = GitHub::new(options).expect_err("refused").to_string();
            assert!(error.contains("--github-endpoint"), "{error}");
        }
    }
}
