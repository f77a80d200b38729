//! How the code host is reached.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use clock::SharedClock;
use forge::github::{DEFAULT_ENDPOINT, DEFAULT_HOST, RetryLimits, Throttle};
use forge::{Auth, Forge, GitHub, GitHubOptions};
use go_compat::GoDuration;

use crate::components::enablement::Enablement;

/// Prow's default for what is not used here.
const DEFAULT_GRAPHQL_ENDPOINT: &str = "https://api.github.com/graphql";

/// How the code host is reached, under the names of Prow's flags.
#[derive(Args, Clone, Debug)]
pub struct GithubOptions {
    /// The API's address; several are tried in turn (repeatable).
    #[arg(long, value_name = "URL", default_value = DEFAULT_ENDPOINT)]
    pub github_endpoint: Vec<String>,
    /// Taken for Prow's sake and without effect: the REST API is used alone.
    #[arg(long, value_name = "URL", default_value = DEFAULT_GRAPHQL_ENDPOINT)]
    pub github_graphql_endpoint: String,
    /// The host that people's browsers and git use.
    #[arg(long, value_name = "HOST", default_value = DEFAULT_HOST)]
    pub github_host: String,
    /// A file with a token; read again when it changes.
    #[arg(long, value_name = "FILE", conflicts_with = "github_app_id")]
    pub github_token_path: Option<PathBuf>,
    /// The id of a GitHub App to act as.
    #[arg(long, value_name = "ID", requires = "github_app_private_key_path")]
    pub github_app_id: Option<String>,
    /// The App's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "github_app_id")]
    pub github_app_private_key_path: Option<PathBuf>,
    /// Requests an hour that are sent at most; without it or with 0, GitHub's own limits alone
    /// count.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub github_hourly_tokens: u32,
    /// Requests that may be sent at once while --github-hourly-tokens is set.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub github_allowed_burst: u32,
    /// The two limits for one org, for a GitHub App only (repeatable).
    #[arg(long, value_name = "ORG:HOURLY:BURST", value_parser = org_throttle)]
    pub github_throttle_org: Vec<(String, Throttle)>,
    /// How long one request to GitHub may take.
    #[arg(long = "github-client.request-timeout", value_name = "DURATION", default_value = "2m0s", value_parser = duration)]
    pub github_client_request_timeout: Duration,
    /// How often a request to GitHub is tried at most.
    #[arg(long = "github-client.max-retries", value_name = "N", default_value_t = 8)]
    pub github_client_max_retries: u32,
    /// How often what GitHub does not know is asked for again.
    #[arg(long = "github-client.max-404-retries", value_name = "N", default_value_t = 2)]
    pub github_client_max_404_retries: u32,
    /// The longest wait for GitHub's limits and between tries.
    #[arg(long = "github-client.backoff-timeout", value_name = "DURATION", default_value = "2m0s", value_parser = duration)]
    pub github_client_backoff_timeout: Duration,
    /// The wait before the second try; each further one is twice as long.
    #[arg(long = "github-client.initial-delay", value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub github_client_initial_delay: Duration,
    /// Handle and report on the repositories of this org only (repeatable).
    #[arg(long, value_name = "ORG")]
    pub github_enabled_org: Vec<String>,
    /// Handle and report on this repository only (repeatable; adds to the enabled orgs).
    #[arg(long, value_name = "ORG/REPO")]
    pub github_enabled_repo: Vec<String>,
    /// Leave the repositories of this org alone (repeatable).
    #[arg(long, value_name = "ORG")]
    pub github_disabled_org: Vec<String>,
    /// Leave this repository alone (repeatable).
    #[arg(long, value_name = "ORG/REPO")]
    pub github_disabled_repo: Vec<String>,
    /// Taken for Prow's sake and without effect: nothing here makes commits for a code host.
    #[arg(long, value_name = "FILE")]
    pub git_signing_key_path: Option<PathBuf>,
}

impl Default for GithubOptions {
    /// What no flag at all means.
    fn default() -> Self {
        let limits = RetryLimits::default();
        Self {
            github_endpoint: vec![DEFAULT_ENDPOINT.to_owned()],
            github_graphql_endpoint: DEFAULT_GRAPHQL_ENDPOINT.to_owned(),
            github_host: DEFAULT_HOST.to_owned(),
            github_token_path: None,
            github_app_id: None,
            github_app_private_key_path: None,
            github_hourly_tokens: 0,
            github_allowed_burst: 0,
            github_throttle_org: Vec::new(),
            github_client_request_timeout: limits.request_timeout,
            github_client_max_retries: limits.max_tries,
            github_client_max_404_retries: limits.max_not_found_retries,
            github_client_backoff_timeout: limits.max_wait,
            github_client_initial_delay: limits.initial_delay,
            github_enabled_org: Vec::new(),
            github_enabled_repo: Vec::new(),
            github_disabled_org: Vec::new(),
            github_disabled_repo: Vec::new(),
            git_signing_key_path: None,
        }
    }
}

impl GithubOptions {
    /// A client for the code host; anonymous without credentials.
    ///
    /// # Errors
    /// Flags that do not go together, and credentials that cannot be read.
    pub fn github(&self, clock: SharedClock, dry_run: bool) -> anyhow::Result<GitHub> {
        let options = GitHubOptions { dry_run, ..self.client(clock)? };
        GitHub::new(options).context("could not set up the GitHub client")
    }

    /// As [`GithubOptions::github`], for those who need not know which code host it is.
    ///
    /// # Errors
    /// As there.
    pub fn forge(&self, clock: SharedClock, dry_run: bool) -> anyhow::Result<Arc<dyn Forge>> {
        Ok(Arc::new(self.github(clock, dry_run)?))
    }

    /// Whether there is something to authenticate with.
    pub fn has_credentials(&self) -> bool {
        self.github_token_path.is_some() || self.github_app_id.is_some()
    }

    /// The repositories that this process concerns itself with.
    pub fn enablement(&self) -> Enablement {
        let set = |names: &[String]| names.iter().cloned().collect();
        Enablement {
            enabled_orgs: set(&self.github_enabled_org),
            enabled_repos: set(&self.github_enabled_repo),
            disabled_orgs: set(&self.github_disabled_org),
            disabled_repos: set(&self.github_disabled_repo),
        }
    }

    fn client(&self, clock: SharedClock) -> anyhow::Result<GitHubOptions> {
        let auth = match (&self.github_token_path, &self.github_app_id) {
            (Some(path), _) => Auth::TokenFile(path.clone()),
            (None, Some(id)) => Auth::App {
                id: id.clone(),
                private_key_file: self
                    .github_app_private_key_path
                    .clone()
                    .context("--github-app-id needs --github-app-private-key-path")?,
            },
            (None, None) => Auth::Anonymous,
        };
        let (hourly_tokens, allowed_burst) = (self.github_hourly_tokens, self.github_allowed_burst);
        // Prow's rule.
        if (hourly_tokens == 0) != (allowed_burst == 0) {
            anyhow::bail!("--github-hourly-tokens and --github-allowed-burst must be set together");
        }
        if !self.github_throttle_org.is_empty() && self.github_app_id.is_none() {
            anyhow::bail!(
                "--github-throttle-org needs --github-app-id: only an App has a limit per org"
            );
        }
        Ok(GitHubOptions {
            endpoints: self.github_endpoint.clone(),
            host: self.github_host.clone(),
            limits: RetryLimits {
                max_tries: self.github_client_max_retries.max(1),
                max_not_found_retries: self.github_client_max_404_retries,
                initial_delay: self.github_client_initial_delay,
                max_wait: self.github_client_backoff_timeout,
                request_timeout: self.github_client_request_timeout,
            },
            throttle: (hourly_tokens > 0).then_some(Throttle { hourly_tokens, allowed_burst }),
            org_throttles: self.github_throttle_org.iter().cloned().collect(),
            ..GitHubOptions::new(auth, clock)
        })
    }
}

/// A duration as Go writes it.
fn duration(text: &str) -> Result<Duration, String> {
    GoDuration::parse(text).map(GoDuration::as_std).map_err(|error| error.to_string())
}

fn org_throttle(text: &str) -> Result<(String, Throttle), String> {
    let parts: Vec<&str> = text.split(':').collect();
    let wrong = || format!("`{text}` is not of the form ORG:HOURLY:BURST");
    let [org, hourly, burst] = parts[..] else { return Err(wrong()) };
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0);
    let (Some(hourly_tokens), Some(allowed_burst)) = (number(hourly), number(burst)) else {
        return Err(wrong());
    };
    if org.is_empty() {
        return Err(wrong());
    }
    Ok((org.to_owned(), Throttle { hourly_tokens, allowed_burst }))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clock::SystemClock;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        github: GithubOptions,
    }

    fn client(flags: &[&str]) -> anyhow::Result<GitHubOptions> {
        let line = Line::try_parse_from(["test"].iter().chain(flags))?;
        line.github.client(SystemClock::shared())
    }

    #[test]
    fn without_flags_github_is_asked_as_prow_asks_it() {
        let (given, usual) =
            (client(&[]).unwrap(), GitHubOptions::new(Auth::Anonymous, SystemClock::shared()));
        assert_eq!(format!("{given:?}"), format!("{usual:?}"));
        assert_eq!(format!("{:?}", given.limits), format!("{:?}", usual.limits));
        assert_eq!(given.throttle, None);
        let flags = Line::try_parse_from(["test"]).unwrap().github;
        assert_eq!(format!("{flags:?}"), format!("{:?}", GithubOptions::default()));
    }

    #[test]
    fn the_limits_are_those_of_the_flags() {
        let given = client(&[
            "--github-endpoint=http://ghproxy",
            "--github-endpoint=https://api.github.com",
            "--github-hourly-tokens=300",
            "--github-allowed-burst=30",
            "--github-client.max-retries=3",
            "--github-client.max-404-retries=0",
            "--github-client.request-timeout=90s",
            "--github-client.backoff-timeout=1h",
            "--github-client.initial-delay=1.5s",
            "--github-app-id=1",
            "--github-app-private-key-path=key.pem",
            "--github-throttle-org=org:100:10",
        ])
        .unwrap();
        assert_eq!(given.endpoints, ["http://ghproxy", "https://api.github.com"]);
        let throttle = Throttle { hourly_tokens: 300, allowed_burst: 30 };
        assert_eq!(given.throttle, Some(throttle));
        assert_eq!(given.org_throttles["org"], Throttle { hourly_tokens: 100, allowed_burst: 10 });
        let RetryLimits {
            max_tries,
            max_not_found_retries,
            initial_delay,
            max_wait,
            request_timeout,
        } = given.limits;
        assert_eq!((max_tries, max_not_found_retries), (3, 0));
        assert_eq!(request_timeout, Duration::from_secs(90));
        assert_eq!(max_wait, Duration::from_secs(3600));
        assert_eq!(initial_delay, Duration::from_millis(1_500));
    }

    #[test]
    fn flags_that_do_not_go_together_are_refused() {
        for (flags, words) in [
            (&["--github-hourly-tokens=300"][..], "must be set together"),
            (&["--github-throttle-org=org:1:1"], "needs --github-app-id"),
            (&["--github-throttle-org=org:1"], "ORG:HOURLY:BURST"),
            (&["--github-throttle-org=org:0:1"], "ORG:HOURLY:BURST"),
            (&["--github-token-path=t", "--github-app-id=1"], "cannot be used with"),
            (&["--github-app-id=1"], "--github-app-private-key-path"),
            (&["--github-client.initial-delay=soon"], "soon"),
        ] {
            let error = format!("{:#}", client(flags).unwrap_err());
            assert!(error.contains(words), "{flags:?}: {error}");
        }
    }
}
