//! Histories: the runs of a job, the runs of a pull request, and two runs compared.

use serde::{Deserialize, Serialize};

use super::filter::{Query, query_pairs};
use super::{Link, RunRow, RunState, encode};

/// A run in a history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryRow {
    /// The run. Of one whose files are missing or were not read yet, build id and address are all
    /// that is known: its state is `unknown` and its start 0.
    pub run: RunRow,
    /// Why little is known of it, as a sentence; empty where all is well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The runs of one stretch of time together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryPeriod {
    /// When it begins.
    pub start_ms: i64,
    /// Runs that succeeded.
    pub succeeded: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Runs that were aborted, could not run, or have not ended.
    pub other: u64,
    /// The median duration of the runs that succeeded or failed, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_ms: Option<i64>,
}

impl HistoryPeriod {
    /// The share of runs that succeeded among those that succeeded or failed, in whole percent
    /// rounded up, as Deck does; nothing when none did.
    pub fn percent(&self) -> Option<u64> {
        let judged = self.succeeded + self.failed;
        (judged > 0).then(|| (100 * self.succeeded).div_ceil(judged))
    }
}

/// What chooses a page of a job's history; every field stands in the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct HistoryQuery {
    /// `buildId=`: the page begins with this build, or the next older one; empty for the latest.
    /// Text, since a script's numbers cannot hold it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub build_id: String,
    /// `state=`: runs of this state alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RunState>,
    /// `limit=`: rows of a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// `date=`: the page begins with the last build of this day in UTC, `2026-11-21`; `buildId` goes
    /// before it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub date: String,
}

impl HistoryQuery {
    /// Reads a query string; the first of several values counts, as in Deck. Nothing is checked.
    pub fn parse(query: &str) -> HistoryQuery {
        let pairs = query_pairs(query);
        let value = |name: &str| {
            let found = pairs.iter().find(|(key, value)| key == name && !value.is_empty());
            found.map(|(_, value)| value.trim().to_owned())
        };
        let state = value("state").map(|word| (RunState::parse(&word), word));
        HistoryQuery {
            build_id: value("buildId").unwrap_or_default(),
            // Any other word filters nothing, so that an old bookmark still leads somewhere.
            state: state
                .filter(|(state, word)| *state != RunState::Unknown || word == "unknown")
                .map(|(state, _)| state),
            limit: value("limit").and_then(|limit| limit.parse().ok()),
            date: value("date").unwrap_or_default(),
        }
    }

    /// The query string, without `?`.
    pub fn text(&self) -> String {
        let mut query = Query::default();
        let there = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        query.add("buildId", there(&self.build_id).as_deref());
        query.add("state", self.state.map(RunState::word));
        query.add("limit", self.limit.map(|limit| limit.to_string()).as_deref());
        query.add("date", there(&self.date).as_deref());
        query.text
    }

    /// This page below an address.
    pub fn href(&self, address: &str) -> String {
        match self.text().as_str() {
            "" => address.to_owned(),
            query => format!("{address}?{query}"),
        }
    }

    /// The page that begins with a build; with the latest if it is empty.
    pub fn from_build(&self, build_id: &str) -> HistoryQuery {
        HistoryQuery { build_id: build_id.to_owned(), date: String::new(), ..self.clone() }
    }
}

/// `/job-history/…`: the runs of a job, by build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct JobHistory {
    /// The server's clock.
    pub now_ms: i64,
    /// The job's name.
    pub job: String,
    /// Where its builds lie, as a URI.
    pub root: String,
    /// The page of that folder.
    pub folder_href: String,
    /// This page without a query.
    pub href: String,
    /// What was asked for.
    pub query: HistoryQuery,
    /// The greatest build id first; before them runs that have none yet.
    pub rows: Vec<HistoryRow>,
    /// The build with which the next older page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<String>,
    /// The build with which the next newer page begins, empty for the latest; nothing if there is
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<String>,
    /// The runs of this page and of some before it over time, oldest first.
    pub periods: Vec<HistoryPeriod>,
    /// How many runs the periods hold.
    pub charted: u64,
    /// Drawing of their durations.
    pub durations_src: String,
    /// Drawing of their pass rates.
    pub rates_src: String,
    /// Sentences on what could not be read and what that means.
    pub notes: Vec<String>,
}

/// A commit of a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PullCommit {
    /// The commit, whole; empty for runs of which it is not known.
    pub sha: String,
    /// Its page at the code host; empty when not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub href: String,
    /// When its first run started.
    pub started_ms: i64,
    /// The most runs that any job has of it, at least 1: how many columns Gubernator gives it.
    pub most: u64,
}

/// A job of a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PullJob {
    /// Its name.
    pub job: String,
    /// The page of its history.
    pub href: String,
    /// Its runs for each of [`PullHistory::commits`], the newest first.
    pub cells: Vec<Vec<HistoryRow>>,
}

/// `/pr-history/`: the runs of a pull request, jobs by commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PullHistory {
    /// The server's clock.
    pub now_ms: i64,
    /// The org.
    pub org: String,
    /// The repository, without its org.
    pub repo: String,
    /// The pull request's number.
    pub number: u64,
    /// Its page at the code host.
    pub link: String,
    /// Its title when it was last tested; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Who opened it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// The commit whose newest run is the newest first; runs of which no commit is known last.
    pub commits: Vec<PullCommit>,
    /// By name.
    pub jobs: Vec<PullJob>,
    /// Runs of batches that the pull request was in, newest first.
    pub batches: Vec<HistoryRow>,
    /// How many runs there are altogether.
    pub runs: u64,
    /// Which page of the commits this is, from 1.
    pub page: u64,
    /// How many pages there are.
    pub pages: u64,
    /// Sentences on what could not be read and what that means.
    pub notes: Vec<String>,
}

impl PullHistory {
    /// A page of the commits.
    pub fn page_href(&self, page: u64) -> String {
        let start = pull_history_href(&self.org, &self.repo, self.number);
        if page > 1 { format!("{start}&page={page}") } else { start }
    }
}

/// The history of a pull request, at Deck's address.
pub fn pull_history_href(org: &str, repo: &str, number: u64) -> String {
    format!("/pr-history/?org={}&repo={}&pr={number}", encode(org), encode(repo))
}

/// The history of a run's job, at Deck's address, by the run's own (`/view/<provider>/<bucket>/…`).
/// Nothing for a run without files.
pub fn job_history_href(run_href: &str) -> Option<String> {
    let place = run_href.strip_prefix("/view/")?.trim_end_matches('/');
    let (root, _build) = place.rsplit_once('/')?;
    let mut parts = root.split('/');
    let (provider, bucket) = (parts.next()?, parts.next()?);
    let job = root.rsplit('/').next()?;
    if provider == "prowjob" || parts.next().is_none() {
        return None;
    }
    // Runs of pull requests lie by pull request; what they have in common are links by job.
    match root.contains("/pr-logs/pull/") {
        true => Some(format!("/job-history/{provider}/{bucket}/pr-logs/directory/{job}")),
        false => Some(format!("/job-history/{root}")),
    }
}

/// What a run was given, or what it tested.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Difference {
    /// Of what: `env GOFLAGS`, `image`.
    pub name: String,
    /// The old run's; nothing if it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// The new run's; nothing if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// How a test changed from one run to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum TestChange {
    /// It fails, and did not fail.
    #[default]
    Broken,
    /// It failed, and passes.
    Fixed,
    /// It fails in both.
    Still,
    /// It passes in both and takes much longer or shorter.
    Slower,
}

impl TestChange {
    /// All of them, the most urgent first.
    pub const ALL: [TestChange; 4] = [Self::Broken, Self::Fixed, Self::Still, Self::Slower];

    /// What it is called above a list.
    pub fn title(self) -> &'static str {
        match self {
            Self::Broken => "Newly failing",
            Self::Fixed => "Newly passing",
            Self::Still => "Failing in both",
            Self::Slower => "Durations that changed much",
        }
    }
}

/// A test that differs between two runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ComparedTest {
    /// Its name.
    pub name: String,
    /// How it changed.
    pub change: TestChange,
    /// How long it took in the old run, in milliseconds; nothing if it was not there or skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_ms: Option<u64>,
    /// How long it took in the new run, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_ms: Option<u64>,
}

/// The tests of two runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ComparedTests {
    /// Those that differ, by [`TestChange::ALL`]; the first of many.
    pub tests: Vec<ComparedTest>,
    /// How many there are of each change.
    pub counts: [u64; 4],
    /// Tests of the old run.
    pub old_total: u64,
    /// Tests of the new run.
    pub new_total: u64,
    /// Tests that only the old run has.
    pub gone: u64,
    /// Tests that only the new run has.
    pub added: u64,
}

/// A line of the difference of two logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct DiffLine {
    /// Its number in the old log, counted from 1, if it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<u64>,
    /// Its number in the new log, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<u64>,
    /// Its text, cut where it is very long; of a line that is in both, the new one's.
    pub text: String,
}

/// The parts of two logs around their first errors, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LogDiff {
    /// The lines; lines in both that stand far from any difference are left out.
    pub lines: Vec<DiffLine>,
    /// Lines that are the same but for times, numbers and ids.
    pub same: u64,
}

/// Two runs compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RunComparison {
    /// The server's clock.
    pub now_ms: i64,
    /// The run before.
    pub old: RunRow,
    /// The run after.
    pub new: RunRow,
    /// Further runs of the new one's job to compare with, newest first.
    pub choices: Vec<RunRow>,
    /// What the runs were given, where it differs; nothing if that is not known of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<Difference>>,
    /// Commits between the two at the code host, a link for each repository.
    pub commits: Vec<Link>,
    /// Their tests; nothing if neither left results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<ComparedTests>,
    /// Their logs; nothing if one has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogDiff>,
    /// Sentences on what could not be read and what that means.
    pub notes: Vec<String>,
}

/// The page that compares two runs, by their ids; without the old one it is chosen.
pub fn compare_href(new: &str, old: &str) -> String {
    let mut query = Query::default();
    query.add("new", Some(new));
    query.add("old", Some(old).filter(|old| !old.is_empty()));
    format!("/compare?{}", query.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_of_a_job_is_found_by_the_place_of_a_run() {
        for (run, history) in [
            ("/view/gs/b/logs/nightly/17", Some("/job-history/gs/b/logs/nightly")),
            ("/view/s3/b/pre/fix/logs/nightly/17/", Some("/job-history/s3/b/pre/fix/logs/nightly")),
            (
                "/view/gs/b/pr-logs/pull/o_r/7/unit/17",
                Some("/job-history/gs/b/pr-logs/directory/unit"),
            ),
            (
                "/view/gs/b/pr-logs/pull/batch/unit/17",
                Some("/job-history/gs/b/pr-logs/directory/unit"),
            ),
            ("/view/prowjob/nightly/17", None),
            ("/view/gs/b/17", None),
            ("/run/942f", None),
        ] {
            assert_eq!(job_history_href(run).as_deref(), history, "{run}");
        }
    }

    #[test]
    fn the_query_of_a_history_survives_its_address() {
        let query = HistoryQuery::parse("buildId=12&state=failure&limit=40&date=&buildId=13");
        assert_eq!(query.href("/x"), "/x?buildId=12&state=failure&limit=40");
        assert_eq!(HistoryQuery::parse("buildId=&state=odd&limit=many").href("/x"), "/x");
        assert_eq!(query.from_build("").text(), "state=failure&limit=40");
    }

    #[test]
    fn a_period_without_a_judged_run_has_no_rate() {
        let period =
            HistoryPeriod { succeeded: 2, failed: 1, other: 4, ..HistoryPeriod::default() };
        assert_eq!(period.percent(), Some(67));
        assert_eq!(HistoryPeriod { other: 1, ..HistoryPeriod::default() }.percent(), None);
    }
}
