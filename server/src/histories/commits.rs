//! The runs of a pull request as jobs by commits.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::histories::listing::build_id;
use crate::runs::run::Run;

/// A commit with its runs.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The commit; empty for runs of which it is not known.
    pub sha: Arc<str>,
    /// Its runs by job, the newest first.
    pub jobs: BTreeMap<Arc<str>, Vec<Arc<Run>>>,
}

impl Commit {
    /// The most runs of one job: the columns that Gubernator gives the commit.
    pub fn most(&self) -> usize {
        self.jobs.values().map(Vec::len).max().unwrap_or(0)
    }

    fn starts(&self) -> impl Iterator<Item = i64> {
        self.jobs.values().flatten().map(|run| run.started.millis())
    }

    /// When its newest run started, in milliseconds.
    fn newest_ms(&self) -> i64 {
        self.starts().max().unwrap_or(0)
    }

    /// When its first run started, in milliseconds.
    pub fn started_ms(&self) -> i64 {
        self.starts().filter(|ms| *ms > 0).min().unwrap_or(0)
    }
}

/// The runs by commit of this pull request: the commit with the newest run first, runs of which no
/// commit is known last.
pub fn commits(runs: impl IntoIterator<Item = Arc<Run>>, number: u64) -> Vec<Commit> {
    let mut by_sha: HashMap<Arc<str>, Commit> = HashMap::new();
    for run in runs {
        let sha = commit_of(&run, number).unwrap_or_default();
        let commit = by_sha.entry(sha.clone()).or_default();
        commit.sha = sha;
        commit.jobs.entry(run.job.clone()).or_default().push(run);
    }
    let mut commits: Vec<Commit> = by_sha.into_values().collect();
    for commit in &mut commits {
        for runs in commit.jobs.values_mut() {
            runs.sort_by_cached_key(|run| {
                std::cmp::Reverse((build_id(&run.build_id).unwrap_or(u64::MAX), run.started))
            });
        }
    }
    commits.sort_by_cached_key(|commit| {
        (commit.sha.is_empty(), std::cmp::Reverse(commit.newest_ms()), commit.sha.clone())
    });
    commits
}

/// The commit of the pull request that a run tested.
fn commit_of(run: &Run, number: u64) -> Option<Arc<str>> {
    let pulls = &run.refs.as_ref()?.pulls;
    let pull = pulls.iter().find(|pull| u64::try_from(pull.number) == Ok(number))?;
    Some(pull.sha.clone())
}

#[cfg(test)]
mod tests {
    use go_compat::Timestamp;
    use job_spec::{ProwJob, Pull, Refs};

    use super::*;
    use crate::runs::run::Strings;

    fn run(job: &str, build: &str, sha: &str, started: i64) -> Arc<Run> {
        let mut of = ProwJob::default();
        of.spec.job = job.to_owned();
        of.status.build_id = build.to_owned();
        of.status.start_time = Some(Timestamp::from_seconds(started));
        let pull = Pull { number: 7, sha: sha.to_owned(), ..Pull::default() };
        of.spec.refs = Some(Refs { repo: "r".into(), pulls: vec![pull], ..Refs::default() });
        Arc::new(Run::of(&Arc::new(of), None, &Strings::default()))
    }

    #[test]
    fn commits_and_builds_stand_as_gubernator_has_them() {
        let runs = [
            run("J1", "3", "v2", 30),
            run("J2", "4", "v1", 20),
            run("J1", "4", "v2", 40),
            run("J2", "5", "v1", 25),
            run("J2", "9", "", 90),
        ];
        let found = commits(runs, 7);
        let heads: Vec<(&str, usize)> = found.iter().map(|c| (&*c.sha, c.most())).collect();
        assert_eq!(heads, [("v2", 2), ("v1", 2), ("", 1)]);
        let builds = |at: usize, job: &str| -> Vec<&str> {
            found[at].jobs.get(job).into_iter().flatten().map(|run| &*run.build_id).collect()
        };
        assert_eq!(builds(0, "J1"), ["4", "3"]);
        assert_eq!(builds(1, "J2"), ["5", "4"]);
        assert!(builds(0, "J2").is_empty() && builds(1, "J1").is_empty());
        assert_eq!(found[1].started_ms(), 20_000);
    }
}
