//! Run history: one row per run, kept after sinker has collected the ProwJob.

use async_trait::async_trait;
use go_compat::Timestamp;
use serde_json::Value;

use crate::StoreError;

/// The most rows that one page of runs may have.
pub const MAX_RUN_PAGE: usize = 1_000;

/// A pull request that a run tested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunPull {
    /// Its number.
    pub number: i64,
    /// Its author's login.
    pub author: String,
    /// Its title; may be empty.
    pub title: String,
    /// The commit tested.
    pub sha: String,
}

/// One run. Text that is not known is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunRow {
    /// The run's id: the ProwJob's name (a UUID). Never empty.
    pub id: String,
    /// The job's name.
    pub job: String,
    /// `presubmit`, `postsubmit`, `periodic` or `batch`.
    pub job_type: String,
    /// Organisation of the repository under test; of the first extra ref for periodics.
    pub org: String,
    /// Repository under test.
    pub repo: String,
    /// Branch (base ref).
    pub base_ref: String,
    /// Commit of the base ref.
    pub base_sha: String,
    /// The pull requests under test, in the order of the refs.
    pub pulls: Vec<RunPull>,
    /// The ProwJob's state, in lower case.
    pub state: String,
    /// Alias of the build cluster.
    pub cluster: String,
    /// The build id; empty before the run has one.
    pub build_id: String,
    /// GitHub context, if the job has one.
    pub context: String,
    /// When the ProwJob was made (`status.startTime`).
    pub start: Option<Timestamp>,
    /// When its pod was made.
    pub pending: Option<Timestamp>,
    /// When it was complete. A complete row is never overwritten by an incomplete one.
    pub completion: Option<Timestamp>,
    /// Bucket URI of the run directory, such as `gs://bucket/logs/job/123`; unique if not empty.
    pub run_dir: String,
    /// Details link (`status.url`).
    pub url: String,
    /// `status.description`.
    pub description: String,
    /// Tenant id; empty means the default tenant.
    pub tenant: String,
    /// Whether the job is hidden.
    pub hidden: bool,
    /// The refs and extra refs, as small JSON, for pages that need links.
    pub refs: Value,
}

/// How a job's name is matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobMatch {
    /// This name.
    Exact(String),
    /// `*` stands for any text, everything else for itself; the whole name must match.
    Glob(String),
    /// The letters occur in the name in this order, upper and lower case alike.
    Fuzzy(String),
}

/// Which runs are wanted. Empty fields do not restrict; lists mean "one of these".
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Job types.
    pub job_types: Vec<String>,
    /// Organisation.
    pub org: Option<String>,
    /// Repository (without organisation).
    pub repo: Option<String>,
    /// Login of an author of one of the pull requests.
    pub author: Option<String>,
    /// Number of one of the pull requests.
    pub pull: Option<i64>,
    /// Base ref.
    pub base_ref: Option<String>,
    /// Job name.
    pub job: Option<JobMatch>,
    /// States.
    pub states: Vec<String>,
    /// Build cluster alias.
    pub cluster: Option<String>,
    /// Started at this instant or later.
    pub since: Option<Timestamp>,
    /// Started before this instant.
    pub until: Option<Timestamp>,
    /// Whether hidden runs are included.
    pub include_hidden: bool,
    /// Tenants whose runs are included; `None` means all.
    pub tenants: Option<Vec<String>>,
}

/// Where a page ends: the sort key of its last row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunCursor {
    /// Start of the last row (rows without a start come last, as the epoch).
    pub start: Timestamp,
    /// Its job.
    pub job: String,
    /// Its id.
    pub id: String,
}

/// Which builds of a job are wanted.
#[derive(Debug, Clone, Default)]
pub struct BuildQuery {
    /// The job.
    pub job: String,
    /// What the run directories begin with, such as `gs://bucket/logs/job/`.
    pub within: String,
    /// Job types; none for all.
    pub job_types: Vec<String>,
    /// States; none for all.
    pub states: Vec<String>,
    /// This build and older ones; from the latest if there is none.
    pub up_to: Option<u64>,
    /// Builds newer than this one, the oldest of them first.
    pub above: Option<u64>,
    /// How many at most; capped at [`MAX_RUN_PAGE`].
    pub limit: usize,
}

/// A page of runs.
#[derive(Debug, Clone, Default)]
pub struct RunPage {
    /// Newest first; then by job and id.
    pub rows: Vec<RunRow>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<RunCursor>,
}

/// Run history.
///
/// It is an index: everything in it can be read again from ProwJobs and buckets.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Inserts or replaces rows by id, all or none per call. Rows of other ids with the same
    /// `run_dir` are replaced too, so that a run found in the bucket before its ProwJob was known
    /// does not appear twice. A complete row stays as it is when an incomplete one comes late.
    async fn upsert(&self, rows: Vec<RunRow>) -> Result<(), StoreError>;

    /// One run.
    async fn get(&self, id: &str) -> Result<Option<RunRow>, StoreError>;

    /// The run with this job and build id (the newest, should there be several).
    async fn build(&self, job: &str, build_id: &str) -> Result<Option<RunRow>, StoreError>;

    /// The run whose directory this is.
    async fn by_run_dir(&self, run_dir: &str) -> Result<Option<RunRow>, StoreError>;

    /// The runs whose directories are among these, in no order.
    async fn by_run_dirs(&self, run_dirs: &[String]) -> Result<Vec<RunRow>, StoreError>;

    /// A page of runs, newest first, behind the cursor. `limit` is capped at [`MAX_RUN_PAGE`].
    async fn page(
        &self,
        filter: &RunFilter,
        after: Option<&RunCursor>,
        limit: usize,
    ) -> Result<RunPage, StoreError>;

    /// The newest `limit` runs (no cap), for filling the in-memory table at start.
    async fn newest(&self, limit: usize) -> Result<Vec<RunRow>, StoreError>;

    /// The newest `limit` runs of each of these jobs, newest first within a job, for badges and
    /// job history.
    async fn last_of_jobs(&self, jobs: &[String], limit: usize) -> Result<Vec<RunRow>, StoreError>;

    /// Runs of a job by build id, which is a number: the greatest first, or the smallest first where
    /// builds above one are asked for. Hidden runs are among them.
    async fn builds(&self, query: &BuildQuery) -> Result<Vec<RunRow>, StoreError>;

    /// How many runs there are.
    async fn count(&self) -> Result<u64, StoreError>;

    /// Removes runs by id; unknown ids are no error.
    async fn remove(&self, ids: Vec<String>) -> Result<(), StoreError>;

    /// Removes complete runs older than the retention; returns how many went.
    async fn prune(&self, now: Timestamp) -> Result<u64, StoreError>;
}
