//! `bowsprit mkpj`: prints the ProwJob that a run of a configured job is, as Prow's mkpj does.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clock::{Clock as _, SystemClock};
use config_load::Config;
use forge::Forge;
use forge::model::PullRequest;
use go_compat::Timestamp;
use go_compat::yaml_emit::to_yaml;
use job_spec::create::new_prow_job;
use job_spec::job::JobBase;
use job_spec::{ProwJobSpec, ProwJobState, Pull, Refs};

use super::prompt::{ask, print};
use super::trigger;
use crate::options::{ConfigOptions, GithubOptions, KubeOptions};
use crate::start::configured_run;

/// The command's flags.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// The job to run.
    #[arg(long, value_name = "NAME")]
    pub job: String,
    /// Have a server run the job, wait until the run has ended, and print its status. The server
    /// (see --server) runs the job as it is configured there. Unlike with Prow's mkpj, no access to
    /// a Kubernetes cluster is needed.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub trigger_job: bool,
    /// With --trigger-job: exit with 1 unless the run succeeds.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub fail_with_job: bool,
    /// With --trigger-job: the server that runs the job. It must allow this machine to rerun runs,
    /// as `bowsprit serve` on this very machine does.
    #[arg(long, value_name = "URL", default_value = "http://localhost:8080")]
    pub server: String,
    #[command(flatten)]
    under_test: UnderTest,
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    github: GithubOptions,
    #[command(flatten)]
    kube: KubeOptions,
}

/// What the run is to test. What is missing is looked up at the code host or asked for.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct UnderTest {
    /// The branch under test.
    #[arg(long, value_name = "BRANCH", default_value = "", hide_default_value = true)]
    pub base_ref: String,
    /// The branch's commit.
    #[arg(long, value_name = "SHA", default_value = "", hide_default_value = true)]
    pub base_sha: String,
    /// The pull request under test.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
    pub pull_number: u32,
    /// The pull request's commit.
    #[arg(long, value_name = "SHA", default_value = "", hide_default_value = true)]
    pub pull_sha: String,
    /// The pull request's author.
    #[arg(long, value_name = "LOGIN", default_value = "", hide_default_value = true)]
    pub pull_author: String,
    /// The branch that the pull request comes from.
    #[arg(long, value_name = "BRANCH", default_value = "", hide_default_value = true)]
    pub pull_head_ref: String,
}

/// Prints the ProwJob.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let now = SystemClock.now();
    let loaded = config_load::load(&args.config.load_options()?, now)
        .context("error loading the configuration")?;
    let (job, mut spec) = find(&loaded.config, &args.job, &args.under_test)
        .with_context(|| format!("Job {} not found.", args.job))?;
    if let Some(refs) = &mut spec.refs {
        let missing = Missing {
            refs,
            pull_number: args.under_test.pull_number.into(),
            code_host: &|| args.github.forge(SystemClock::shared(), false),
            ask: &mut ask,
            pull_request: None,
        };
        missing.fill().await?;
    }
    if args.trigger_job {
        let wanted = trigger::wanted(&args.job, spec.refs.as_ref());
        let ended = trigger::run_to_end(&args.server, &wanted, &SystemClock::shared()).await?;
        let status = serde_json::to_value(&ended.status).context("could not write the status")?;
        print(&to_yaml(&status))?;
        let failed = ended.status.state != ProwJobState::Success;
        return Ok(if args.fail_with_job && failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        });
    }
    let scheduling = loaded.config.prow.scheduler.enabled;
    print(&prow_job_yaml(spec, &job, uuid::Uuid::new_v4().to_string(), now, scheduling)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The first job of that name, and the spec of its run on what is under test.
fn find(config: &Config, name: &str, under_test: &UnderTest) -> Option<(JobBase, ProwJobSpec)> {
    let UnderTest { base_ref, base_sha, pull_number, pull_sha, pull_author, pull_head_ref } =
        under_test.clone();
    let pull = Pull {
        author: pull_author,
        number: pull_number.into(),
        sha: pull_sha,
        head_ref: pull_head_ref,
        ..Pull::default()
    };
    configured_run(config, name, &Refs { base_ref, base_sha, pulls: vec![pull], ..Refs::default() })
}

/// Completes the refs of a run. The code host is reached only if something is missing.
struct Missing<'a> {
    refs: &'a mut Refs,
    /// The pull request to look things up in, for a run on a push too; 0 for none.
    pull_number: i64,
    code_host: &'a (dyn Fn() -> anyhow::Result<Arc<dyn Forge>> + Send + Sync),
    ask: &'a mut (dyn FnMut(&str) -> anyhow::Result<String> + Send),
    pull_request: Option<PullRequest>,
}

impl Missing<'_> {
    async fn fill(mut self) -> anyhow::Result<()> {
        if !self.refs.pulls.is_empty() {
            self.pull().await.context("failed to complete the pull request")?;
        }
        self.base().await.context("failed to complete the base")
    }

    async fn pull(&mut self) -> anyhow::Result<()> {
        if self.pull_number == 0 {
            let answer = (self.ask)("PR Number: ")?;
            let number = answer.parse().ok().filter(|number| *number > 0);
            self.pull_number = number
                .with_context(|| format!("`{answer}` is not the number of a pull request"))?;
            self.refs.pulls[0].number = self.pull_number;
        }
        if self.refs.pulls[0].author.is_empty() {
            self.refs.pulls[0].author = self.pull_request().await?.user.login.clone();
        }
        if self.refs.pulls[0].sha.is_empty() {
            self.refs.pulls[0].sha = self.pull_request().await?.head.sha.clone();
        }
        Ok(())
    }

    async fn base(&mut self) -> anyhow::Result<()> {
        if self.refs.base_ref.is_empty() {
            self.refs.base_ref = match self.pull_number {
                1.. => self.pull_request().await?.base.reference.clone(),
                _ => (self.ask)("Base ref (e.g. master): ")?,
            };
        }
        if self.refs.base_sha.is_empty() {
            self.refs.base_sha = if self.pull_number > 0 {
                self.pull_request().await?.base.sha.clone()
            } else {
                let reference = format!("heads/{}", self.refs.base_ref);
                (self.code_host)()?
                    .get_ref(&self.refs.org, &self.refs.repo, &reference)
                    .await
                    .context("failed to get the base SHA")?
            };
        }
        Ok(())
    }

    async fn pull_request(&mut self) -> anyhow::Result<&PullRequest> {
        if self.pull_request.is_none() {
            let number = u64::try_from(self.pull_number).unwrap_or_default();
            let pull_request = (self.code_host)()?
                .get_pull_request(&self.refs.org, &self.refs.repo, number)
                .await
                .context("failed to fetch the pull request from GitHub")?;
            self.pull_request = Some(pull_request);
        }
        self.pull_request.as_ref().context("failed to fetch the pull request from GitHub")
    }
}

fn prow_job_yaml(
    spec: ProwJobSpec,
    job: &JobBase,
    name: String,
    now: Timestamp,
    scheduling: bool,
) -> anyhow::Result<String> {
    let state = if scheduling { ProwJobState::Scheduling } else { ProwJobState::Triggered };
    let prow_job = new_prow_job(spec, &job.labels, &job.annotations, name, now, state);
    let value = serde_json::to_value(&prow_job).context("could not write the ProwJob as JSON")?;
    Ok(to_yaml(&value))
}

#[cfg(test)]
mod tests {
    use axum::http::{StatusCode, Uri};
    use axum::{Json, Router};
    use serde_json::json;

    use super::*;

    const CONFIG: &str = r#"
presubmits:
  org/repo:
  - name: unit
    always_run: true
    labels:
      team: a
    spec:
      containers:
      - image: golang:1.26
postsubmits:
  org/repo:
  - name: push
    spec:
      containers:
      - image: golang:1.26
periodics:
- name: nightly
  interval: 24h
  annotations:
    about: |
      two
      lines
  spec:
    containers:
    - image: golang:1.26
"#;

    fn config() -> Arc<Config> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.yaml");
        std::fs::write(&file, CONFIG).unwrap();
        let options = config_load::LoadOptions::new(file);
        config_load::load(&options, Timestamp::EPOCH).unwrap().config
    }

    fn yaml_of(name: &str, under_test: &UnderTest) -> String {
        let (job, spec) = find(&config(), name, under_test).unwrap();
        let now = Timestamp::parse_rfc3339("2026-11-21T06:13:30Z").unwrap();
        let id = "942f904f-41f8-4d6f-971b-a8bdd18110c7".to_owned();
        prow_job_yaml(spec, &job, id, now, false).unwrap()
    }

    fn complete() -> UnderTest {
        UnderTest {
            base_ref: "main".to_owned(),
            base_sha: "0123".to_owned(),
            pull_number: 7,
            pull_sha: "f00d".to_owned(),
            pull_author: "alice".to_owned(),
            pull_head_ref: "fix".to_owned(),
        }
    }

    #[test]
    fn a_presubmit_is_printed_as_prow_prints_it() {
        let expected = r#"apiVersion: prow.k8s.io/v1
kind: ProwJob
metadata:
  annotations:
    prow.k8s.io/context: unit
    prow.k8s.io/job: unit
  labels:
    created-by-prow: "true"
    prow.k8s.io/context: unit
    prow.k8s.io/job: unit
    prow.k8s.io/refs.base_ref: main
    prow.k8s.io/refs.org: org
    prow.k8s.io/refs.pull: "7"
    prow.k8s.io/refs.repo: repo
    prow.k8s.io/type: presubmit
    team: a
  name: 942f904f-41f8-4d6f-971b-a8bdd18110c7
spec:
  agent: kubernetes
  cluster: default
  context: unit
  job: unit
  namespace: default
  pod_spec:
    containers:
    - image: golang:1.26
      name: ""
      resources: {}
  prowjob_defaults:
    tenant_id: GlobalDefaultID
  refs:
    base_ref: main
    base_sha: "0123"
    org: org
    pulls:
    - author: alice
      head_ref: fix
      number: 7
      sha: f00d
    repo: repo
  report: true
  rerun_command: /test unit
  type: presubmit
status:
  startTime: "2026-11-21T06:13:30Z"
  state: triggered
"#;
        assert_eq!(yaml_of("unit", &complete()), expected);
    }

    #[test]
    fn a_periodic_has_no_refs_and_needs_none() {
        let expected = r#"apiVersion: prow.k8s.io/v1
kind: ProwJob
metadata:
  annotations:
    about: |
      two
      lines
    prow.k8s.io/context: ""
    prow.k8s.io/job: nightly
  labels:
    created-by-prow: "true"
    prow.k8s.io/context: ""
    prow.k8s.io/job: nightly
    prow.k8s.io/type: periodic
  name: 942f904f-41f8-4d6f-971b-a8bdd18110c7
spec:
  agent: kubernetes
  cluster: default
  job: nightly
  namespace: default
  pod_spec:
    containers:
    - image: golang:1.26
      name: ""
      resources: {}
  prowjob_defaults:
    tenant_id: GlobalDefaultID
  report: true
  type: periodic
status:
  startTime: "2026-11-21T06:13:30Z"
  state: triggered
"#;
        assert_eq!(yaml_of("nightly", &UnderTest::default()), expected);
    }

    #[test]
    fn a_job_that_is_not_configured_is_not_found() {
        assert!(find(&config(), "nope", &UnderTest::default()).is_none());
    }

    #[test]
    fn with_the_scheduler_on_a_run_begins_as_scheduling() {
        let (job, spec) = find(&config(), "nightly", &UnderTest::default()).unwrap();
        let yaml = prow_job_yaml(spec, &job, "x".to_owned(), Timestamp::EPOCH, true).unwrap();
        assert!(yaml.ends_with("  state: scheduling\n"), "{yaml}");
    }

    /// Completes the refs of a job against a code host with pull request 7 and branch `release`.
    async fn filled(name: &str, under_test: UnderTest, answers: &[&str]) -> anyhow::Result<Refs> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let answer = |uri: Uri| async move {
            let pull = json!({
                "number": 7, "user": {"login": "alice"}, "head": {"ref": "fix", "sha": "f00d"},
                "base": {"ref": "main", "sha": "0123"},
            });
            let reference =
                json!({"ref": "refs/heads/release", "object": {"sha": "4567", "type": "commit"}});
            match uri.path() {
                "/repos/org/repo/pulls/7" => (StatusCode::OK, Json(pull)),
                "/repos/org/repo/git/ref/heads/release" => (StatusCode::OK, Json(reference)),
                _ => (StatusCode::UNAUTHORIZED, Json(json!({"message": "Bad credentials"}))),
            }
        };
        let router = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await });

        let github = GithubOptions { github_endpoint: vec![endpoint], ..GithubOptions::default() };
        let (_, spec) = find(&config(), name, &under_test).context("no such job")?;
        let mut refs = spec.refs.context("no refs")?;
        let mut answers = answers.iter();
        let mut ask = |_: &str| answers.next().map(|a| (*a).to_owned()).context("asked too much");
        let missing = Missing {
            refs: &mut refs,
            pull_number: under_test.pull_number.into(),
            code_host: &|| github.forge(SystemClock::shared(), false),
            ask: &mut ask,
            pull_request: None,
        };
        missing.fill().await?;
        Ok(refs)
    }

    #[tokio::test]
    async fn what_is_missing_of_a_pull_request_is_looked_up() {
        let under_test = UnderTest { pull_number: 7, ..UnderTest::default() };
        let refs = filled("unit", under_test, &[]).await.unwrap();
        let pull = &refs.pulls[0];
        assert_eq!((pull.number, &*pull.author, &*pull.sha), (7, "alice", "f00d"));
        assert_eq!((&*refs.base_ref, &*refs.base_sha), ("main", "0123"));
    }

    #[tokio::test]
    async fn the_number_and_the_branch_are_asked_for() {
        let refs = filled("unit", UnderTest::default(), &["7"]).await.unwrap();
        assert_eq!((refs.pulls[0].number, &*refs.base_sha), (7, "0123"));
        let refs = filled("push", UnderTest::default(), &["release"]).await.unwrap();
        assert_eq!((&*refs.base_ref, &*refs.base_sha), ("release", "4567"));
        let error = filled("unit", UnderTest::default(), &["seven"]).await.unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "failed to complete the pull request: `seven` is not the number of a pull request"
        );
    }

    #[tokio::test]
    async fn nothing_is_asked_for_when_nothing_is_missing() {
        let (_, spec) = find(&config(), "unit", &complete()).unwrap();
        let before = spec.refs.unwrap();
        assert_eq!(filled("unit", complete(), &[]).await.unwrap(), before);
    }

    #[tokio::test]
    async fn what_the_code_host_refuses_is_an_error() {
        let under_test = UnderTest { pull_number: 8, ..UnderTest::default() };
        let error = format!("{:#}", filled("unit", under_test, &[]).await.unwrap_err());
        assert!(error.contains("failed to fetch the pull request from GitHub"), "{error}");
        assert!(error.contains("Bad credentials"), "{error}");
    }
}
