//! Runs: one row of the list, the page of rows, and everything about one run.

use serde::{Deserialize, Serialize};

use super::{LensTab, LogPin, PageError, Permission, PodView, RunReference};

/// What kind of job a run belongs to, as `spec.type` of a ProwJob says.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// Runs against the head of a pull request before it merges.
    #[default]
    Presubmit,
    /// Runs after a push to a branch.
    Postsubmit,
    /// Runs on a schedule.
    Periodic,
    /// Runs several pull requests merged together.
    Batch,
}

impl RunKind {
    /// Every kind in the order menus show them.
    pub const ALL: [RunKind; 4] =
        [RunKind::Presubmit, RunKind::Postsubmit, RunKind::Periodic, RunKind::Batch];

    /// The word that Prow's configuration and URLs use.
    pub fn word(self) -> &'static str {
        match self {
            RunKind::Presubmit => "presubmit",
            RunKind::Postsubmit => "postsubmit",
            RunKind::Periodic => "periodic",
            RunKind::Batch => "batch",
        }
    }

    /// Reads the word of [`RunKind::word`].
    pub fn parse(word: &str) -> Option<RunKind> {
        RunKind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// The state of a run, as `status.state` of a ProwJob says.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Waits for an external scheduler.
    Scheduling,
    /// Accepted; no Pod yet.
    Triggered,
    /// Its Pod exists.
    Pending,
    /// Ended well.
    Success,
    /// Ended badly.
    Failure,
    /// Stopped by a person or by a newer run.
    Aborted,
    /// Could not be run.
    Error,
    /// A state that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl RunState {
    /// How many states there are; the length of every array indexed by state.
    pub const COUNT: usize = 8;

    /// Every state, in the order of a run's life; a state's place here is its index in arrays.
    pub const ALL: [RunState; RunState::COUNT] = [
        RunState::Scheduling,
        RunState::Triggered,
        RunState::Pending,
        RunState::Success,
        RunState::Failure,
        RunState::Aborted,
        RunState::Error,
        RunState::Unknown,
    ];

    /// The word that Prow uses in JSON and URLs.
    pub fn word(self) -> &'static str {
        match self {
            RunState::Scheduling => "scheduling",
            RunState::Triggered => "triggered",
            RunState::Pending => "pending",
            RunState::Success => "success",
            RunState::Failure => "failure",
            RunState::Aborted => "aborted",
            RunState::Error => "error",
            RunState::Unknown => "unknown",
        }
    }

    /// Reads the word of [`RunState::word`]; any other word is [`RunState::Unknown`].
    pub fn parse(word: &str) -> RunState {
        RunState::ALL.into_iter().find(|state| state.word() == word).unwrap_or(RunState::Unknown)
    }

    /// What the state means for a length of time that follows.
    pub fn verdict(self) -> &'static str {
        match self {
            RunState::Success => "passed after",
            RunState::Failure => "failed after",
            RunState::Aborted => "aborted after",
            RunState::Error => "could not be run; gave up after",
            RunState::Pending => "running for",
            RunState::Triggered => "waiting for its Pod for",
            RunState::Scheduling => "waiting to be scheduled for",
            RunState::Unknown => "in an unknown state for",
        }
    }

    /// Whether the run has ended, one way or another.
    pub fn is_over(self) -> bool {
        matches!(self, RunState::Success | RunState::Failure | RunState::Aborted | RunState::Error)
    }
}

/// A pull request that a run tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PullRef {
    /// Its number.
    pub number: u64,
    /// Who opened it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// The head commit that was tested, whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha: String,
    /// Its title; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Page of the pull request at the code host; empty when not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub link: String,
    /// Page of the commit at the code host; empty when not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit_link: String,
    /// Page of the author at the code host; empty when not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author_link: String,
}

/// The source that a run tests: a base and the pull requests merged onto it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RunRefs {
    /// Owner at the code host; empty for a periodic without a repository.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub org: String,
    /// Repository name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repo: String,
    /// Page of the repository at the code host; empty when not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repo_link: String,
    /// Branch (or tag) that was checked out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_ref: String,
    /// Commit of the base, whole; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_sha: String,
    /// Page of the base commit at the code host; empty when not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_link: String,
    /// Pull requests merged onto the base, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pulls: Vec<PullRef>,
}

impl RunRefs {
    /// `org/repo`, or nothing when the run has no repository.
    pub fn full_name(&self) -> Option<String> {
        (!self.repo.is_empty()).then(|| format!("{}/{}", self.org, self.repo))
    }
}

/// One run as the list and the event stream show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RunRow {
    /// The ProwJob's name. A run known only from its artifacts has the path of its folder here.
    pub id: String,
    /// The page of this run on this server, from the root: `/run/<id>` or `/view/…`.
    pub href: String,
    /// Job name.
    pub job: String,
    /// Kind of job.
    pub kind: RunKind,
    /// State now.
    pub state: RunState,
    /// What is tested. For a periodic, its first extra ref, as Deck's repository filter uses it.
    pub refs: RunRefs,
    /// Build id, once there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub build_id: String,
    /// Alias of the build cluster.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// `status.startTime`: when the run was asked for.
    pub started_ms: i64,
    /// `status.completionTime`, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_ms: Option<i64>,
    /// `status.description`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether a ProwJob stands behind the row, so that it has YAML and can be rerun.
    pub has_prowjob: bool,
}

impl RunRow {
    /// How long the run took, or has taken so far; never negative.
    pub fn duration_ms(&self, now_ms: i64) -> i64 {
        (self.finished_ms.unwrap_or(now_ms) - self.started_ms).max(0)
    }

    /// The address in a long list; see [`short_run_href`].
    pub fn short_href(&self) -> String {
        short_run_href(&self.id, self.has_prowjob, &self.href)
    }

    /// Whether Abort can do anything: Prow stops only runs that have not ended.
    pub fn can_be_aborted(&self) -> bool {
        self.has_prowjob
            && matches!(self.state, RunState::Scheduling | RunState::Triggered | RunState::Pending)
    }
}

/// The address of a run in a long list: a third of `href`, where a ProwJob stands behind the run.
/// The page that it leads to shows the lasting address.
pub fn short_run_href(id: &str, has_prowjob: bool, href: &str) -> String {
    if has_prowjob { format!("/run/{}", super::encode(id)) } else { href.to_owned() }
}

/// One choice of a filter menu, with how many runs it would leave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Facet {
    /// The value that goes into the URL.
    pub value: String,
    /// Runs with this value within the rest of the selection.
    pub count: u64,
}

/// The choices of every filter menu, most frequent first, at most [`Facets::LIMIT`] each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Facets {
    /// Kinds of jobs.
    pub kinds: Vec<Facet>,
    /// `org/repo`.
    pub repos: Vec<Facet>,
    /// Authors of pull requests.
    pub authors: Vec<Facet>,
    /// Base branches.
    pub bases: Vec<Facet>,
    /// States.
    pub states: Vec<Facet>,
    /// Build clusters.
    pub clusters: Vec<Facet>,
}

impl Facets {
    /// Longer menus help nobody and would break the size budget of the page.
    pub const LIMIT: usize = 60;
}

/// Runs over time, stacked by state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Histogram {
    /// Start of the first bucket.
    pub start_ms: i64,
    /// Width of every bucket; zero when there is nothing to draw.
    pub bucket_ms: i64,
    /// Runs started in each bucket, by index in [`RunState::ALL`].
    pub buckets: Vec<[u32; RunState::COUNT]>,
}

/// How much of a window ended well; as Deck counts, only success and failure matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SuccessRate {
    /// Length of the window that ends now; zero for the whole selection.
    pub window_ms: i64,
    /// Runs that succeeded.
    pub succeeded: u64,
    /// Runs that failed.
    pub failed: u64,
}

impl SuccessRate {
    /// Whole percent, rounded up as Deck does; nothing when no run ended.
    pub fn percent(self) -> Option<u64> {
        let ended = self.succeeded + self.failed;
        (ended > 0).then(|| (100 * self.succeeded).div_ceil(ended))
    }
}

/// One page of the run list, with what the filters need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RunPage {
    /// The server's clock when the page was made.
    pub now_ms: i64,
    /// Newest first, at most [`RunPage::LIMIT`].
    pub rows: Vec<RunRow>,
    /// Key for `before=` of the next older page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<String>,
    /// Key for `after=` of the next newer page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<String>,
    /// Runs that match the filter.
    pub matching: u64,
    /// Runs that there are.
    pub total: u64,
    /// Runs of the selection by state, by index in [`RunState::ALL`].
    pub counts: [u64; RunState::COUNT],
    /// Success over the last 3, 12 and 48 hours as Deck shows it, then over the selection.
    pub rates: Vec<SuccessRate>,
    /// Runs of the selection over time.
    pub histogram: Histogram,
    /// Choices of the filter menus.
    pub facets: Facets,
    /// Whether the reader may rerun at all; the run's own rule may still refuse.
    pub rerun: Permission,
    /// Whether the reader may abort at all; the run's own rule may still refuse.
    pub abort: Permission,
    /// Event id to resume the stream from, so that nothing is missed after this page.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stream_id: String,
}

impl RunPage {
    /// Rows on one page.
    pub const LIMIT: usize = 250;
}

/// How a page names a run: by ProwJob, or by where its artifacts are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunKey {
    /// `/run/<id>`: the ProwJob's name.
    Id(String),
    /// `/view/prowjob/<job>/<build>`.
    Build {
        /// Job name.
        job: String,
        /// Build id.
        build: String,
    },
    /// `/view/<provider>/<bucket>/<path>`.
    Stored {
        /// `gs`, `s3`, `file`, or `gcs`, which means `gs`.
        provider: String,
        /// Bucket name.
        bucket: String,
        /// Path of the run's folder within the bucket, without slashes at its ends.
        path: String,
    },
}

impl RunKey {
    /// Reads a source as Deck names it, which stands after `/view/` and `/nodelog/`.
    ///
    /// # Errors
    /// It is none; the sentence says what is missing.
    pub fn parse(source: &str) -> Result<RunKey, PageError> {
        let source = source.trim_matches('/');
        let bad = |message: &str| Err(PageError::BadRequest { message: message.to_owned() });
        let Some((provider, rest)) = source.split_once('/') else {
            return bad("In this address come a provider, a bucket and the folder of a run.");
        };
        if provider == "prowjob" {
            return match rest.split_once('/') {
                Some((job, build))
                    if !job.is_empty() && !build.is_empty() && !build.contains('/') =>
                {
                    Ok(RunKey::Build { job: job.to_owned(), build: build.to_owned() })
                }
                _ => bad("Behind `prowjob/` come a job's name and a build id."),
            };
        }
        if !matches!(provider, "gs" | "gcs" | "s3" | "file") {
            return bad("The provider in this address is one of gs, gcs, s3, file and prowjob.");
        }
        match rest.split_once('/') {
            Some((bucket, path)) if !bucket.is_empty() && !path.is_empty() => Ok(RunKey::Stored {
                provider: if provider == "gcs" { "gs" } else { provider }.to_owned(),
                bucket: bucket.to_owned(),
                path: path.to_owned(),
            }),
            _ => bad("After the provider come a bucket and the folder of a run."),
        }
    }
}

/// One attempt at the same job on the same source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its ProwJob's name.
    pub id: String,
    /// Page of the attempt.
    pub href: String,
    /// How it stands.
    pub state: RunState,
    /// When it was asked for.
    pub started_ms: i64,
    /// Whether this is the one being looked at.
    pub current: bool,
}

/// A named link, to this server or away from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Link {
    /// What the reader sees.
    pub text: String,
    /// Where it leads.
    pub href: String,
    /// What it is, said on hover; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
}

/// One stored file of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Path within the run's folder.
    pub name: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Its bytes; empty when this server does not serve them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub raw: String,
    /// Where it can be read; empty when this server does not serve it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub href: String,
    /// When it was written, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_ms: Option<i64>,
}

/// How long the runs of a job take that pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsualDuration {
    /// The median.
    pub median_ms: i64,
    /// Of how many runs.
    pub runs: u64,
}

/// What there is of a run's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// Size so far.
    pub size_bytes: u64,
    /// Whether nothing will be added.
    pub complete: bool,
}

/// Everything the page of one run shows, except the lines of its log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDetail {
    /// The server's clock when the page was made.
    pub now_ms: i64,
    /// The run itself.
    pub row: RunRow,
    /// Sources checked out beside the main one.
    pub extra_refs: Vec<RunRefs>,
    /// Attempts at the same job on the same source, oldest first, this one included.
    pub attempts: Vec<Attempt>,
    /// A sentence on why the run went wrong where the log cannot say; may be empty.
    pub hint: String,
    /// Whether the reader may rerun, and why not.
    pub rerun: Permission,
    /// Whether Rerun can also use the job as it is configured now.
    pub rerun_latest: Permission,
    /// Whether the reader may abort, and why not.
    pub abort: Permission,
    /// Flattened `started.json` and `finished.json`, labels and annotations, in a stable order.
    pub metadata: Vec<(String, String)>,
    /// Further places this run leads to: job history, pull request, test grid, links of `started.json`.
    pub links: Vec<Link>,
    /// Page of the job's configuration on this server; empty when the job is no longer configured.
    pub configured_job: String,
    /// File and line where the job is configured, as `jobs/a.yaml:12`; empty when it is not known.
    pub configured_at: String,
    /// How long the job's runs that passed took lately; nothing when there are too few.
    pub usual: Option<UsualDuration>,
    /// The previous run of the same job; empty when there is none.
    pub older: String,
    /// The next run of the same job; empty when there is none.
    pub newer: String,
    /// The log, if there is one yet.
    pub log: Option<LogHead>,
    /// Lines of the log that somebody pinned, by line.
    pub pins: Vec<LogPin>,
    /// Whether the reader may pin lines, and why not.
    pub may_pin: Permission,
    /// What the operator tells readers of every run, as HTML; may be empty.
    pub announcement: String,
    /// Issues and pull requests whose texts name the run, the one that did so last first.
    pub references: Vec<RunReference>,
    /// Stored files; `None` when the bucket could not be listed ([`RunDetail::notes`] says why).
    pub artifacts: Option<Vec<Artifact>>,
    /// Whether more files exist than [`RunDetail::artifacts`] holds.
    pub artifacts_cut: bool,
    /// The folder in the bucket, as a URI; empty before there is one.
    pub folder: String,
    /// The page of the folder, likewise.
    pub folder_href: String,
    /// The Pod, as the cluster has it or as it was recorded when the run ended.
    pub pod: Option<PodView>,
    /// The lenses of the run that have no part of the page for themselves, in their order.
    pub lenses: Vec<LensTab>,
    /// The lenses of the run by their places in the configuration and by their keys, as old fragments
    /// name them, with the words of their parts of the page.
    pub places: Vec<(String, String)>,
    /// Sentences on what could not be read and what that means.
    pub notes: Vec<String>,
}
