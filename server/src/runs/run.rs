//! One run as the lists know it: small, with shared strings, whether its
//! ProwJob still lives in the cluster or only its history is left.

use std::collections::HashSet;
use std::sync::Arc;

use blob::BlobUri;
use go_compat::time::Timestamp;
use job_spec::{JobType, ProwJob, ProwJobState, Refs};
use parking_lot::Mutex;

/// One run of one job.
#[derive(Clone, Debug)]
pub struct Run {
    /// The ProwJob's name, a UUID.
    pub id: Arc<str>,
    /// The job's name.
    pub job: Arc<str>,
    /// What caused it.
    pub job_type: JobType,
    /// How far it came.
    pub state: ProwJobState,
    /// Build cluster alias.
    pub cluster: Arc<str>,
    /// Names the run within its job; empty before it was started.
    pub build_id: Arc<str>,
    /// The code under test; for a periodic its first extra repository.
    pub refs: Option<RunRefs>,
    /// Repositories of `extra_refs` as org and repo, for the hidden rule.
    pub extra_repos: Vec<(Arc<str>, Arc<str>)>,
    /// When the ProwJob was made.
    pub started: Timestamp,
    /// When its Pod was made.
    pub pending: Option<Timestamp>,
    /// When it ended.
    pub completed: Option<Timestamp>,
    /// A sentence for people.
    pub description: Arc<str>,
    /// The link that reporters gave out.
    pub url: Arc<str>,
    /// Where its artifacts lie: `gs://bucket/logs/job/build`, if known.
    pub artifacts: Option<Arc<str>>,
    /// Only shown where hidden jobs are shown.
    pub hidden: bool,
    /// Tenant id; empty is the default one.
    pub tenant: Arc<str>,
    /// The ProwJob while the cluster has it.
    pub live: Option<Arc<ProwJob>>,
}

/// The code that a run was about.
#[derive(Clone, Debug)]
pub struct RunRefs {
    /// Organisation or user.
    pub org: Arc<str>,
    /// Repository name.
    pub repo: Arc<str>,
    /// Branch.
    pub base_ref: Arc<str>,
    /// Commit of the branch.
    pub base_sha: Arc<str>,
    /// Whether these are an extra repository's, not the run's own.
    pub extra: bool,
    /// The pull requests under test.
    pub pulls: Vec<RunPull>,
}

/// A pull request of a run.
#[derive(Clone, Debug)]
pub struct RunPull {
    /// Its number.
    pub number: i64,
    /// Its author's login.
    pub author: Arc<str>,
    /// The commit that was tested.
    pub sha: Arc<str>,
    /// Its title at that time.
    pub title: Arc<str>,
    /// Link to it; empty means the code host's usual one.
    pub link: Arc<str>,
}

impl Run {
    /// The folder with its files, if there is one.
    pub fn folder(&self) -> Option<BlobUri> {
        BlobUri::parse(self.artifacts.as_deref()?).ok()
    }

    /// The summary of a ProwJob.
    pub fn of(job: &Arc<ProwJob>, artifacts: Option<&str>, strings: &Strings) -> Self {
        let (spec, status) = (&job.spec, &job.status);
        let own = spec.refs.as_ref().map(|refs| RunRefs::of(refs, false, strings));
        let refs =
            own.or_else(|| spec.extra_refs.first().map(|refs| RunRefs::of(refs, true, strings)));
        let tenant = spec.prowjob_defaults.as_ref().map_or("", |d| d.tenant_id.as_str());
        Self {
            id: job.metadata.name.as_str().into(),
            job: strings.share(&spec.job),
            job_type: spec.job_type,
            state: status.state.clone(),
            cluster: strings.share(job.cluster_alias()),
            build_id: status.build_id.as_str().into(),
            refs,
            extra_repos: spec
                .extra_refs
                .iter()
                .map(|refs| (strings.share(&refs.org), strings.share(&refs.repo)))
                .collect(),
            started: status
                .start_time
                .or(job.metadata.creation_timestamp)
                .unwrap_or(Timestamp::from_millis(0)),
            pending: status.pending_time,
            completed: status.completion_time,
            description: strings.share(&status.description),
            url: status.url.as_str().into(),
            artifacts: artifacts.map(Into::into),
            hidden: spec.hidden,
            tenant: strings.share(tenant),
            live: Some(job.clone()),
        }
    }

    /// Seconds from start to end, or to `now` while it runs.
    pub fn duration_seconds(&self, now: Timestamp) -> i64 {
        let end = self.completed.unwrap_or(now);
        (end.seconds() - self.started.seconds()).max(0)
    }

    /// Whether it can still be aborted.
    pub fn is_going(&self) -> bool {
        self.completed.is_none()
            && matches!(
                self.state,
                ProwJobState::Scheduling | ProwJobState::Triggered | ProwJobState::Pending
            )
    }

    /// The place in a list: newest start first, then by job, then by id, as
    /// Deck orders its snapshot.
    pub fn place(&self) -> Place {
        Place {
            started: std::cmp::Reverse(self.started),
            job: self.job.clone(),
            id: self.id.clone(),
        }
    }
}

/// Orders runs in a list; also the cursor of a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Newest first.
    pub started: std::cmp::Reverse<Timestamp>,
    /// Then the job's name.
    pub job: Arc<str>,
    /// Then the run's id.
    pub id: Arc<str>,
}

impl RunRefs {
    /// The shown part of refs.
    pub fn of(refs: &Refs, extra: bool, strings: &Strings) -> Self {
        Self {
            org: strings.share(&refs.org),
            repo: strings.share(&refs.repo),
            base_ref: strings.share(&refs.base_ref),
            base_sha: refs.base_sha.as_str().into(),
            extra,
            pulls: refs
                .pulls
                .iter()
                .map(|pull| RunPull {
                    number: pull.number,
                    author: strings.share(&pull.author),
                    sha: pull.sha.as_str().into(),
                    title: strings.share(&pull.title),
                    link: pull.link.as_str().into(),
                })
                .collect(),
        }
    }

    /// `org/repo`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.org, self.repo)
    }
}

/// One copy of each text that many runs have in common.
#[derive(Debug, Default)]
pub struct Strings {
    known: Mutex<HashSet<Arc<str>>>,
}

impl Strings {
    /// The shared copy of a text.
    pub fn share(&self, text: &str) -> Arc<str> {
        let mut known = self.known.lock();
        if let Some(shared) = known.get(text) {
            return shared.clone();
        }
        let shared: Arc<str> = text.into();
        known.insert(shared.clone());
        shared
    }

    /// Forgets the texts that nothing refers to any more.
    pub fn sweep(&self) {
        self.known.lock().retain(|text| Arc::strong_count(text) > 1);
    }
}
