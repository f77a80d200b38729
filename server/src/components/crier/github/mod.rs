//! Reports runs to GitHub: a status per run, and one comment per pull request with the failures.

pub mod comment;
pub mod description;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use cluster::{Api, LabelSelector};
use config_load::{Config, LiveConfig};
use forge::model::{IssueComment, Status};
use forge::{Forge, ForgeError};
use go_compat::template::Template;
use job_spec::{JobType, ProwJob, ProwJobState, Pull, Refs, labels, template_view};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use self::comment::{COMMENT_TAG, OldComment};
use super::{Reported, Reporter};

/// The name under which a report is recorded, and under which plank marks replaced runs.
pub const NAME: &str = "github-reporter";

/// What GitHub says when a report can never succeed; Prow treats these as reported.
const HOPELESS: [&str; 2] =
    ["This SHA and context has reached the maximum number of statuses", "No commit found for SHA"];

/// The reporter.
pub struct GitHubReporter {
    forge: Arc<dyn Forge>,
    prow_jobs: Arc<dyn Api<ProwJob>>,
    config: LiveConfig,
    /// One report at a time changes the comment of a pull request.
    locks: Mutex<HashMap<String, Weak<AsyncMutex<()>>>>,
}

impl GitHubReporter {
    /// A reporter to this code host.
    pub fn new(
        forge: Arc<dyn Forge>,
        prow_jobs: Arc<dyn Api<ProwJob>>,
        config: LiveConfig,
    ) -> GitHubReporter {
        GitHubReporter { forge, prow_jobs, config, locks: Mutex::default() }
    }

    fn lock(&self, refs: &Refs, pull: &Pull) -> Arc<AsyncMutex<()>> {
        let mut locks = self.locks.lock();
        locks.retain(|_, lock| lock.strong_count() > 0);
        let place = locks.entry(format!("{}#{}", refs.org_repo(), pull.number)).or_default();
        place.upgrade().unwrap_or_else(|| {
            let lock = Arc::new(AsyncMutex::new(()));
            *place = Arc::downgrade(&lock);
            lock
        })
    }

    /// Sets the status. `false` if it cannot be set, ever.
    async fn set_status(
        &self,
        job: &ProwJob,
        refs: &Refs,
        repeated: bool,
    ) -> Result<bool, ForgeError> {
        let Some(state) = status_state(&job.status.state) else { return Ok(false) };
        let sha = refs.pulls.first().map_or(&refs.base_sha, |pull| &pull.sha);
        let status = Status {
            state: state.to_owned(),
            description: description::with_base_sha(&job.status.description, &refs.base_sha),
            context: job.spec.context.clone(),
            target_url: job.status.url.clone(),
        };
        let result = match repeated && self.has_status(refs, sha, &status).await? {
            true => Ok(()),
            false => self.forge.create_status(&refs.org, &refs.repo, sha, &status).await,
        };
        match result {
            Ok(()) => Ok(true),
            // Force-pushed away, or one status too many: no repetition will help.
            Err(error)
                if error.is_not_found()
                    || HOPELESS.iter().any(|text| error.message().contains(text)) =>
            {
                tracing::info!(prowjob = job.metadata.name, "no status: {error}");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the newest status of the context is already this one.
    async fn has_status(
        &self,
        refs: &Refs,
        sha: &str,
        status: &Status,
    ) -> Result<bool, ForgeError> {
        match self.forge.combined_status(&refs.org, &refs.repo, sha).await {
            Ok(combined) => Ok(combined.statuses.contains(status)),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Brings the comment up to date with the results of these runs.
    async fn write_comment(
        &self,
        jobs: &[Arc<ProwJob>],
        refs: &Refs,
        pull: &Pull,
        config: &Config,
        must_create: bool,
    ) -> anyhow::Result<()> {
        let (org, repo) = (refs.org.as_str(), refs.repo.as_str());
        let number = u64::try_from(pull.number)?;
        let bot = self.forge.bot_user().await?;
        let comments: Vec<IssueComment> = self
            .forge
            .list_issue_comments(org, repo, number)
            .await?
            .into_iter()
            .filter(|comment| bot.is(&comment.user.login))
            .collect();
        let old: Vec<OldComment<'_>> = comments
            .iter()
            .map(|comment| OldComment { id: comment.id, body: &comment.body })
            .collect();
        let jobs: Vec<&ProwJob> = jobs.iter().map(|job| &**job).collect();
        let plan = comment::plan(&jobs, &old);
        let aborted = jobs.iter().any(|job| job.status.state == ProwJobState::Aborted);
        let mut delete = plan.delete;
        if !plan.rows.is_empty() || (must_create && !aborted) {
            let report = self.report_text(jobs[0], refs, config)?;
            let text = comment::text(&pull.author, &plan.rows, report.as_deref());
            let ours = old.iter().rfind(|comment| comment.body.contains(COMMENT_TAG));
            match (ours, plan.edit) {
                // An earlier try came as far as this.
                (Some(latest), _) if latest.body.trim_end() == text.trim_end() => {
                    delete.retain(|id| *id != latest.id);
                }
                (_, Some(id)) => self.forge.edit_comment(org, repo, id, &text).await?,
                (_, None) => {
                    self.forge.create_comment(org, repo, number, &text).await?;
                }
            }
        }
        // The new comment first: the old ones hold rows that exist nowhere else.
        for id in delete {
            self.forge.delete_comment(org, repo, id).await?;
        }
        Ok(())
    }

    fn report_text(
        &self,
        job: &ProwJob,
        refs: &Refs,
        config: &Config,
    ) -> anyhow::Result<Option<String>> {
        let Some(text) = config.prow.plank.controller.report_template_for(Some(refs)) else {
            return Ok(None);
        };
        let template = Template::parse("report_template", text)?;
        Ok(Some(template.render(&template_view::prow_job(job))?))
    }

    /// The latest run of each job of the pull request, for the summary; nothing while one runs.
    async fn all_runs(&self, refs: &Refs, pull: &Pull) -> anyhow::Result<Vec<Arc<ProwJob>>> {
        let selector = LabelSelector::all()
            .equal(labels::ORG, &refs.org)
            .equal(labels::REPO, &refs.repo)
            .equal(labels::PULL, pull.number.to_string());
        let runs = self.prow_jobs.list(&selector).await?.items;
        if runs.iter().any(|run| !run.complete()) {
            return Ok(Vec::new());
        }
        let mut latest: BTreeMap<String, Arc<ProwJob>> = BTreeMap::new();
        let age = |run: &ProwJob| (run.metadata.creation_timestamp, run.status.start_time);
        for run in runs.into_iter().filter(|run| run.spec.report) {
            let place = latest.entry(run.spec.job.clone()).or_insert_with(|| run.clone());
            if age(place) < age(&run) {
                *place = run;
            }
        }
        Ok(latest.into_values().collect())
    }
}

#[async_trait]
impl Reporter for GitHubReporter {
    fn name(&self) -> &'static str {
        NAME
    }

    fn should_report(&self, job: &ProwJob) -> bool {
        job.spec.report
            && job.metadata.labels.get(labels::GERRIT_REPORT_LABEL).is_none_or(String::is_empty)
            && matches!(job.spec.job_type, JobType::Presubmit | JobType::Postsubmit)
    }

    async fn report(&self, job: &Arc<ProwJob>, repeated: bool) -> anyhow::Result<Reported> {
        let config = self.config.get();
        let Some(refs) = &job.spec.refs else { return Ok(Reported::Done) };
        let reporter = &config.prow.github_reporter;
        let wanted = reporter.job_types_to_report.contains(&job.spec.job_type);
        // A run of several pull requests has no one commit to report on.
        if !wanted || refs.pulls.len() > 1 || !self.set_status(job, refs, repeated).await? {
            return Ok(Reported::Done);
        }
        let [pull] = refs.pulls.as_slice() else { return Ok(Reported::Done) };
        if !job.complete() || !reporter.comments_in(&refs.org, &refs.repo) {
            return Ok(Reported::Done);
        }
        let lock = self.lock(refs, pull);
        let _one_at_a_time = lock.lock().await;
        let summary = reporter.summarizes_in(&refs.org, &refs.repo);
        let jobs = match summary {
            true => self.all_runs(refs, pull).await?,
            false => vec![job.clone()],
        };
        let jobs: Vec<Arc<ProwJob>> = jobs
            .into_iter()
            .filter(|job| job.complete() && self.should_report(job))
            .filter(|job| reporter.job_types_to_report.contains(&job.spec.job_type))
            .collect();
        if !jobs.is_empty() {
            self.write_comment(&jobs, refs, pull, &config, summary).await?;
        }
        Ok(Reported::Done)
    }
}

/// GitHub's word for a state; `None` for one that nobody knows. Prow also has none for
/// `scheduling`, which makes it try for ever.
fn status_state(state: &ProwJobState) -> Option<&'static str> {
    match state {
        ProwJobState::Scheduling | ProwJobState::Triggered | ProwJobState::Pending => {
            Some("pending")
        }
        ProwJobState::Success => Some("success"),
        ProwJobState::Failure | ProwJobState::Aborted => Some("failure"),
        ProwJobState::Error => Some("error"),
        ProwJobState::Unknown(_) => None,
    }
}
