//! Prow's tables for `trigger`, against a code host in memory and a configuration from YAML.

mod comment;
mod in_repo;
mod pull_request;
mod push;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use clock::SettableClock;
use config_load::{Config, LiveConfig};
use forge::event::{Event, GenericComment};
use forge::model::{PullRequest, PullRequestBranch, Repo, Status, User};
use go_compat::time::Timestamp;
use job_spec::{JobType, ProwJob, ProwJobState, labels};
use parking_lot::Mutex;

use super::{InRepo, InRepoError, InRepoJobs, PLUGIN};
use crate::components::fakes::{self, FakeCluster};
use crate::plugins::fakes::FakeForge;
use crate::plugins::{Agent, Cause};

pub(super) const HEAD: &str = "1111111111111111111111111111111111111111";
pub(super) const BASE: &str = "2222222222222222222222222222222222222222";

/// What a repository defines for itself, or why that cannot be had.
pub(super) struct Own(Mutex<Result<InRepoJobs, InRepoError>>);

#[async_trait]
impl InRepo for Own {
    async fn read(
        &self,
        _repo: &Repo,
        base_sha: &str,
        _heads: &[String],
        _config: &Config,
    ) -> Result<InRepoJobs, InRepoError> {
        assert!(!base_sha.is_empty());
        self.0.lock().clone()
    }
}

/// A repository `org/repo` with one open pull request 5 of `author`.
pub(super) struct Fixture {
    pub(super) forge: Arc<FakeForge>,
    pub(super) cluster: Arc<FakeCluster>,
    pub(super) own: Arc<Own>,
    pub(super) clock: Arc<SettableClock>,
    config: LiveConfig,
    /// How often an event was handled; each has a key of its own.
    events: Mutex<u32>,
}

/// A job as a line of YAML: its name and further keys in flow style.
pub(super) fn job(name: &str, keys: &str) -> String {
    let more = if keys.is_empty() { String::new() } else { format!(", {keys}") };
    format!("  - {{name: {name}, spec: {{containers: [{{image: x}}]}}{more}}}\n")
}

/// A job with a context `pull-<name>`.
pub(super) fn pull_job(name: &str, keys: &str) -> String {
    let more = if keys.is_empty() { String::new() } else { format!(", {keys}") };
    job(name, &format!("context: pull-{name}{more}"))
}

impl Fixture {
    /// With these presubmits, and rules for `trigger` as YAML in flow style.
    pub(super) fn new(presubmits: &[String], rules: &str) -> Fixture {
        Fixture::with("", presubmits, &[], rules)
    }

    pub(super) fn with(
        prow: &str,
        presubmits: &[String],
        postsubmits: &[String],
        rules: &str,
    ) -> Fixture {
        let list = |kind: &str, jobs: &[String]| match jobs {
            [] => String::new(),
            jobs => format!("{kind}:\n  org/repo:\n{}", jobs.concat()),
        };
        let jobs =
            format!("{}{}", list("presubmits", presubmits), list("postsubmits", postsubmits));
        let plugins = format!(
            "plugins: {{org/repo: {{plugins: [trigger]}}}}\n\
             triggers: [{{repos: [org/repo], {rules}}}]\n"
        );
        let clock = Arc::new(SettableClock::new(Timestamp::from_seconds(1_700_000_000)));
        let forge = FakeForge::new();
        {
            let mut state = forge.state.lock();
            state.members.entry("org".to_owned()).or_default().insert("member".to_owned());
            state.refs.insert("heads/main".to_owned(), BASE.to_owned());
            state.files.insert(5, vec!["CHANGED".to_owned()]);
            let status = |context: &str, word: &str| Status {
                context: context.to_owned(),
                state: word.to_owned(),
                ..Status::default()
            };
            let statuses = [
                status("pull-job", "pending"),
                status("pull-jib", "failure"),
                status("pull-jub", "success"),
            ];
            state.statuses.insert(HEAD.to_owned(), statuses.to_vec());
        }
        let shared: clock::SharedClock = clock.clone();
        let fixture = Fixture {
            cluster: FakeCluster::new(&shared),
            forge,
            own: Arc::new(Own(Mutex::new(Ok(InRepoJobs::default())))),
            config: fakes::config(prow, &jobs, &plugins),
            clock,
            events: Mutex::new(0),
        };
        fixture.set_pull(fixture.pull("stranger"));
        fixture
    }

    /// The pull request as its author opened it.
    pub(super) fn pull(&self, author: &str) -> PullRequest {
        let repo = repo();
        PullRequest {
            number: 5,
            html_url: "https://github.com/org/repo/pull/5".to_owned(),
            user: User { login: author.to_owned(), ..User::default() },
            title: "A change".to_owned(),
            state: "open".to_owned(),
            base: PullRequestBranch {
                reference: "main".to_owned(),
                sha: BASE.to_owned(),
                repo: repo.clone(),
                ..PullRequestBranch::default()
            },
            head: PullRequestBranch {
                reference: "topic".to_owned(),
                sha: HEAD.to_owned(),
                repo,
                ..PullRequestBranch::default()
            },
            ..PullRequest::default()
        }
    }

    /// What the code host says of the pull request from now on.
    pub(super) fn set_pull(&self, pull: PullRequest) {
        self.forge.state.lock().pulls.insert(5, pull);
    }

    pub(super) fn label(&self, labels: &[&str]) {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        self.forge.state.lock().labels.insert(5, labels);
    }

    pub(super) fn agent(&self, cause: Cause) -> Agent {
        Agent {
            forge: self.forge.clone(),
            prow_jobs: self.cluster.jobs.clone(),
            in_repo: self.own.clone(),
            config: self.config.get(),
            plugin_config: self.config.plugins(),
            clock: self.clock.clone(),
            cause,
            took_action: AtomicBool::new(false),
            effects: Mutex::default(),
        }
    }

    /// A cause that no event had before.
    pub(super) fn cause(&self) -> Cause {
        let mut events = self.events.lock();
        *events += 1;
        Cause { guid: format!("guid-{events}"), key: events.to_string(), ..Cause::default() }
    }

    /// Hands an event to the plugin, as hook does.
    pub(super) async fn send(&self, event: Event) -> anyhow::Result<()> {
        let agent = self.agent(self.cause());
        self.send_as(&agent, event).await
    }

    pub(super) async fn send_as(&self, agent: &Agent, event: Event) -> anyhow::Result<()> {
        let comment = GenericComment::from_event(&event);
        PLUGIN.handlers.run(agent, &event, comment.as_ref()).await
    }

    /// The names of the jobs that were started, sorted.
    pub(super) fn started(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.cluster.jobs.all().iter().map(|run| run.spec.job.clone()).collect();
        names.sort();
        names
    }

    /// The labels of the pull request, sorted.
    pub(super) fn labels(&self) -> Vec<String> {
        let state = self.forge.state.lock();
        state.labels.get(&5).into_iter().flatten().cloned().collect()
    }

    /// A presubmit run of the pull request that is under way.
    pub(super) fn running(&self, name: &str, change: impl FnOnce(&mut ProwJob)) {
        let mut run = ProwJob::default();
        run.metadata.name = name.to_owned();
        let labels: BTreeMap<String, String> = [
            (labels::ORG, "org"),
            (labels::REPO, "repo"),
            (labels::PULL, "5"),
            (labels::TYPE, JobType::Presubmit.as_str()),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        run.metadata.labels = labels;
        run.spec.job = name.to_owned();
        run.status.state = ProwJobState::Pending;
        change(&mut run);
        self.cluster.jobs.put(run);
    }
}

pub(super) fn repo() -> Repo {
    Repo {
        name: "repo".to_owned(),
        full_name: "org/repo".to_owned(),
        owner: User { login: "org".to_owned(), ..User::default() },
        html_url: "https://github.com/org/repo".to_owned(),
        ..Repo::default()
    }
}
