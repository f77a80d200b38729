//! Which jobs run, and the ProwJobs that they become.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cluster::LabelSelector;
use forge::model::PullRequest;
use job_spec::create::{Extra, new_prow_job, postsubmit_spec, presubmit_spec};
use job_spec::filter::{Filter, filter_presubmits, needs_changes};
use job_spec::{JobType, Postsubmit, Presubmit, ProwJob, ProwJobState, Pull, Refs, labels};
use serde_json::json;

use crate::plugins::{Agent, Several};

/// How often the creation of a ProwJob is tried.
const CREATE_TRIES: u32 = 8;
/// The pause after the first failed creation; each further one is twice as long.
const CREATE_PAUSE: Duration = Duration::from_millis(250);
/// How often an abort is tried again because the ProwJob changed meanwhile.
const ABORT_TRIES: u32 = 5;
/// What an aborted run says.
pub const ABORTED: &str = "Aborted by trigger plugin.";

/// The presubmits that a filter starts. The changed files are asked for only if they matter.
pub async fn select(
    agent: &Agent,
    pull: &PullRequest,
    filter: &Filter,
    jobs: &[Arc<Presubmit>],
) -> anyhow::Result<Vec<Arc<Presubmit>>> {
    let branch = &pull.base.reference;
    let changes = if needs_changes(filter, branch, jobs) {
        changed_files(agent, pull).await?
    } else {
        Vec::new()
    };
    Ok(filter_presubmits(filter, branch, &changes, jobs).into_iter().cloned().collect())
}

/// The paths that a pull request changes.
pub async fn changed_files(agent: &Agent, pull: &PullRequest) -> anyhow::Result<Vec<String>> {
    let (org, repo) = (&pull.base.repo.owner.login, &pull.base.repo.name);
    let files = agent.forge().list_pull_request_files(org, repo, pull.number).await?;
    Ok(files.into_iter().map(|file| file.filename).collect())
}

/// Makes a ProwJob of each job. A pull request that does not merge gets none, silently. One that
/// cannot be made does not stop the others.
pub async fn start_presubmits(
    agent: &Agent,
    pull: &PullRequest,
    base_sha: &str,
    jobs: &[Arc<Presubmit>],
    more_labels: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    if pull.mergeable == Some(false) {
        return Ok(());
    }
    let mut failures = Vec::new();
    for job in jobs {
        let refs = pull_refs(pull, base_sha);
        let name =
            agent.run_name(&["presubmit", &refs.org_repo(), &refs.to_string(), &job.base.name]);
        let mut extra = Extra::of_presubmit(job, &agent.cause.guid);
        extra.labels.extend(more_labels.clone());
        let run = triggered(agent, presubmit_spec(job, refs), &extra, name);
        if let Err(error) = create(agent, &run).await {
            failures.push(error);
        }
    }
    Several::check(failures)
}

/// Makes the ProwJob of a postsubmit.
pub async fn start_postsubmit(agent: &Agent, job: &Postsubmit, refs: Refs) -> anyhow::Result<()> {
    let name = agent.run_name(&["postsubmit", &refs.org_repo(), &refs.to_string(), &job.base.name]);
    let mut extra = Extra::of(&job.base);
    extra.labels.insert(labels::EVENT_GUID.to_owned(), agent.cause.guid.clone());
    create(agent, &triggered(agent, postsubmit_spec(job, refs), &extra, name)).await
}

fn triggered(agent: &Agent, spec: job_spec::ProwJobSpec, extra: &Extra, name: String) -> ProwJob {
    let scheduling = agent.config.prow.scheduler.enabled;
    let state = if scheduling { ProwJobState::Scheduling } else { ProwJobState::Triggered };
    let mut job =
        new_prow_job(spec, &extra.labels, &extra.annotations, name, agent.clock.now(), state);
    job.metadata.namespace.clone_from(&agent.config.prow.prowjob_namespace);
    job
}

/// Creates a ProwJob, trying again while that can help. One of this name is this one: the name
/// follows from the event, so an earlier try made it.
async fn create(agent: &Agent, job: &ProwJob) -> anyhow::Result<()> {
    let mut pause = CREATE_PAUSE;
    let mut tries = 1;
    loop {
        let error = match agent.prow_jobs().create(job).await {
            Ok(_) => {
                tracing::info!(prowjob = job.metadata.name, job = job.spec.job, "created");
                agent.did(format!("started {}", job.spec.job));
                return Ok(());
            }
            Err(error) if error.is_already_exists() => return Ok(()),
            Err(error) => error,
        };
        if error.is_permanent() || tries == CREATE_TRIES {
            let text = format!("the job {} could not be started", job.spec.job);
            return Err(anyhow::Error::from(error).context(text));
        }
        agent.clock.sleep(pause).await;
        pause *= 2;
        tries += 1;
    }
}

/// The refs of a run on a pull request, with the links that Prow's trigger gives them.
fn pull_refs(pull: &PullRequest, base_sha: &str) -> Refs {
    let repo = &pull.base.repo;
    let link = &repo.html_url;
    let number = pull.number;
    Refs {
        org: repo.owner.login.clone(),
        repo: repo.name.clone(),
        repo_link: link.clone(),
        base_ref: pull.base.reference.clone(),
        base_sha: base_sha.to_owned(),
        base_link: format!("{link}/commit/{base_sha}"),
        pulls: vec![Pull {
            number: i64::try_from(number).unwrap_or_default(),
            author: pull.user.login.clone(),
            sha: pull.head.sha.clone(),
            title: pull.title.clone(),
            head_ref: pull.head.reference.clone(),
            link: pull.html_url.clone(),
            commit_link: format!("{link}/pull/{number}/commits/{}", pull.head.sha),
            author_link: pull.user.html_url.clone(),
            ..Pull::default()
        }],
        ..Refs::default()
    }
}

/// Aborts the presubmits of a pull request that are not complete. Their completion is left to
/// whoever runs them.
pub async fn abort_all(agent: &Agent, pull: &PullRequest) -> anyhow::Result<()> {
    let selector = LabelSelector::all()
        .equal(labels::ORG, &pull.base.repo.owner.login)
        .equal(labels::REPO, &pull.base.repo.name)
        .equal(labels::PULL, pull.number.to_string())
        .equal(labels::TYPE, JobType::Presubmit.as_str());
    let jobs = agent.prow_jobs().list(&selector).await?;
    let mut failures = Vec::new();
    for job in jobs.items {
        if let Err(error) = abort(agent, &job).await {
            let text = format!("the run {} could not be aborted", job.metadata.name);
            failures.push(anyhow::Error::from(error).context(text));
        }
    }
    Several::check(failures)
}

async fn abort(agent: &Agent, job: &Arc<ProwJob>) -> Result<(), cluster::ClusterError> {
    let name = &job.metadata.name;
    let patch = json!({"status": {"state": "aborted", "description": ABORTED}});
    let mut job = job.clone();
    for _ in 0..ABORT_TRIES {
        if job.complete() || job.status.state == ProwJobState::Aborted {
            return Ok(());
        }
        // The version keeps us from writing over what the controller decided meanwhile.
        let version = job.metadata.resource_version.as_deref();
        match agent.prow_jobs().patch_merge(name, &patch, version).await {
            Ok(_) => {
                agent.did(format!("aborted {}", job.spec.job));
                return Ok(());
            }
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error),
        }
        job = match agent.prow_jobs().get(name).await {
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        };
    }
    // It changes faster than we look; Prow gives up at the first conflict.
    tracing::warn!(prowjob = name, "not aborted: it kept changing");
    Ok(())
}
