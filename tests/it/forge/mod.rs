//! The client of the code host against the fake GitHub, over HTTP, on a clock that stands still.

mod auth;
mod calls;
mod fake;
mod git_over_http;
mod kept;
mod limits;
mod lost_replies;

use std::{future::Future, path::PathBuf, time::Duration};

use clock::{Clock, SettableClock};
use forge::{Auth, ForgeError, GitHub, GitHubOptions};
use go_compat::time::Timestamp;
use tempfile::TempDir;
use tests::fake_github::FakeGitHub;

pub(crate) const ORG: &str = "org";
pub(crate) const REPO: &str = "repo";
pub(crate) const BOT: &str = "ci-robot";
const TOKEN: &str = "bot-token";

/// A fake GitHub with one repository, and a client with the bot's token.
pub(crate) struct Setup {
    pub(crate) fake: FakeGitHub,
    pub(crate) clock: SettableClock,
    pub(crate) github: GitHub,
    dir: TempDir,
}

pub(crate) fn start_time() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T00:00:00Z").expect("a time")
}

/// What the repository holds at the start.
const FILES: [(&str, &str); 2] = [("README.md", "# Repo\n"), ("src/main.go", "package main\n")];

impl Setup {
    pub(crate) async fn new() -> Setup {
        Setup::with(|_| {}).await
    }

    /// The client's options may be changed.
    pub(crate) async fn with(change: impl FnOnce(&mut GitHubOptions)) -> Setup {
        let clock = SettableClock::new(start_time());
        let fake = FakeGitHub::start(clock.shared()).await;
        fake.add_org(ORG, &[BOT, "member"]);
        fake.add_user("stranger");
        fake.add_token(TOKEN, BOT);
        fake.add_repo(ORG, REPO, &FILES).await;
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("token"), TOKEN).expect("a token file");
        let mut options =
            GitHubOptions::new(Auth::TokenFile(dir.path().join("token")), clock.shared());
        options.endpoints = vec![fake.url().to_owned()];
        options.host = fake.host().to_owned();
        change(&mut options);
        let github = GitHub::new(options).expect("a client");
        Setup { fake, clock, github, dir }
    }

    pub(crate) fn token_file(&self) -> PathBuf {
        self.dir.path().join("token")
    }

    /// A pull request with one changed file, by a member.
    pub(crate) async fn pull(&self) -> u64 {
        self.fake.push("member", ORG, REPO, "topic", &[("src/main.go", "package changed\n")]).await;
        self.fake.open_pull("member", ORG, REPO, "topic", "Change it").await
    }

    /// Runs a call to its end, turning the clock on whenever the call waits, and gives how long
    /// it took by that clock.
    pub(crate) async fn timed<T>(&self, call: impl Future<Output = T>) -> (T, Duration) {
        let begin = self.clock.now();
        let result = run_on(&self.clock, call).await;
        (result, self.clock.now().since(begin))
    }

    /// Seconds since the start of each request of this method to this path.
    pub(crate) fn timeline(&self, method: &str, path: &str) -> Vec<u64> {
        let requests = self.fake.requests_to(method, path);
        requests.iter().map(|seen| seen.at.since(start_time()).as_secs()).collect()
    }
}

/// Runs a call to its end, turning the clock on to the next deadline whenever somebody waits.
pub(crate) async fn run_on<T>(clock: &SettableClock, call: impl Future<Output = T>) -> T {
    tokio::pin!(call);
    loop {
        tokio::select! {
            biased;
            result = &mut call => return result,
            () = somebody_waits(clock) => {
                if let Some(deadline) = clock.next_deadline() {
                    clock.set(deadline);
                }
            }
        }
    }
}

/// Until a number of sleeps wait for the clock.
pub(crate) async fn until_waiting(clock: &SettableClock, sleepers: usize) {
    while clock.sleepers() < sleepers {
        tokio::task::yield_now().await;
    }
}

async fn somebody_waits(clock: &SettableClock) {
    until_waiting(clock, 1).await;
}

/// The class of an error, as metrics label it.
pub(crate) fn class<T: std::fmt::Debug>(result: Result<T, ForgeError>) -> &'static str {
    result.expect_err("an error").class().label()
}
