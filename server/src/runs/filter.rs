//! Which runs a filter lets through, and which one part of it stops a run:
//! that is what the counts beside a menu's choices need.

use app::model::{RunFilter, RunState};
use go_compat::glob::deck_job_glob;
use job_spec::{JobType, ProwJobState};

use super::run::Run;

/// The parts of a filter, as bits of [`Matcher::stopped_by`].
pub mod part {
    /// `type`
    pub const KIND: u8 = 1;
    /// `org` and `repo`
    pub const REPO: u8 = 2;
    /// `author`
    pub const AUTHOR: u8 = 4;
    /// `base`
    pub const BASE: u8 = 8;
    /// `state`
    pub const STATE: u8 = 16;
    /// `cluster`
    pub const CLUSTER: u8 = 32;
    /// `job`, `pull`, `since`, `until`
    pub const OTHER: u8 = 64;
}

/// A filter made ready for many runs.
pub struct Matcher<'a> {
    filter: &'a RunFilter,
    kind: Option<JobType>,
    state: Option<RunState>,
    org: Option<&'a str>,
    repo: Option<&'a str>,
    since_ms: i64,
    until_ms: i64,
    job: JobMatch<'a>,
}

enum JobMatch<'a> {
    Any,
    Exact(&'a str),
    Glob(&'a str),
    Words(Vec<String>),
}

impl<'a> Matcher<'a> {
    /// Prepares a filter. `known_job` tells whether a text is a job's name as
    /// it stands; if it is not, `*` makes it a pattern and else it is words
    /// that the name must hold.
    pub fn new(filter: &'a RunFilter, now_ms: i64, known_job: impl FnOnce(&str) -> bool) -> Self {
        let job = match filter.job.as_deref() {
            None => JobMatch::Any,
            Some(name) if known_job(name) => JobMatch::Exact(name),
            Some(pattern) if pattern.contains('*') => JobMatch::Glob(pattern),
            Some(words) => {
                JobMatch::Words(words.split_whitespace().map(str::to_lowercase).collect())
            }
        };
        // A Gerrit org is a URL, so the last slash divides.
        let (repo_org, repo) =
            match filter.repo.as_deref().map(|repo| (repo.rsplit_once('/'), repo)) {
                None => (None, None),
                Some((Some((org, repo)), _)) => (Some(org), Some(repo)),
                Some((None, repo)) => (None, Some(repo)),
            };
        Self {
            filter,
            kind: filter.kind.and_then(|kind| kind.word().parse().ok()),
            state: filter.state,
            org: repo_org.or(filter.org.as_deref()),
            repo,
            since_ms: filter.since.map_or(i64::MIN, |since| since.resolve(now_ms)),
            until_ms: filter.until.map_or(i64::MAX, |until| until.resolve(now_ms)),
            job,
        }
    }

    /// Whether a run passes.
    pub fn matches(&self, run: &Run) -> bool {
        self.stopped_by(run) == 0
    }

    /// The parts of the filter that stop a run, as bits of [`part`].
    pub fn stopped_by(&self, run: &Run) -> u8 {
        let f = self.filter;
        let refs = run.refs.as_ref();
        let differs = |wanted: Option<&str>, have: Option<&str>| {
            wanted.is_some_and(|wanted| have != Some(wanted))
        };
        let pulls = refs.map_or(&[][..], |refs| &refs.pulls);
        let mut stopped = 0;
        let mut check = |part, stops: bool| {
            if stops {
                stopped |= part;
            }
        };
        check(part::KIND, self.kind.is_some_and(|kind| kind != run.job_type));
        check(part::STATE, self.state.is_some_and(|state| state != shown_state(&run.state)));
        check(part::CLUSTER, differs(f.cluster.as_deref(), Some(&run.cluster)));
        check(
            part::REPO,
            differs(self.org, refs.map(|refs| &*refs.org))
                || differs(self.repo, refs.map(|refs| &*refs.repo)),
        );
        check(part::BASE, differs(f.base.as_deref(), refs.map(|refs| &*refs.base_ref)));
        check(
            part::AUTHOR,
            f.author
                .as_deref()
                .is_some_and(|author| !pulls.iter().any(|pull| *pull.author == *author)),
        );
        let started = run.started.millis();
        check(
            part::OTHER,
            started < self.since_ms
                || started >= self.until_ms
                || !f.pulls.iter().all(|wanted| {
                    pulls.iter().any(|pull| u64::try_from(pull.number) == Ok(*wanted))
                })
                || !self.job_matches(&run.job),
        );
        stopped
    }

    fn job_matches(&self, job: &str) -> bool {
        match &self.job {
            JobMatch::Any => true,
            JobMatch::Exact(name) => job == *name,
            JobMatch::Glob(pattern) => deck_job_glob(pattern, job),
            JobMatch::Words(words) => {
                let name = job.to_lowercase();
                words.iter().all(|word| name.contains(word))
            }
        }
    }
}

/// A ProwJob's state as pages show it.
pub fn shown_state(state: &ProwJobState) -> RunState {
    match state {
        ProwJobState::Scheduling => RunState::Scheduling,
        ProwJobState::Triggered => RunState::Triggered,
        ProwJobState::Pending => RunState::Pending,
        ProwJobState::Success => RunState::Success,
        ProwJobState::Failure => RunState::Failure,
        ProwJobState::Aborted => RunState::Aborted,
        ProwJobState::Error => RunState::Error,
        ProwJobState::Unknown(_) => RunState::Unknown,
    }
}
