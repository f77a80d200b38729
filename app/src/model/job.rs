//! Configured jobs.

use serde::{Deserialize, Serialize};

use super::filter::{Query, query_pairs};
use super::{RunKind, RunState};

/// Which configured jobs a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFilter {
    /// Owner, from the path.
    pub org: Option<String>,
    /// Repository name, from the path.
    pub repo: Option<String>,
    /// `type=`
    pub kind: Option<RunKind>,
    /// `q=`: words that the name must hold, or a `*` glob.
    pub search: Option<String>,
    /// `job=`: the one job whose definition is shown.
    pub job: Option<String>,
    /// `page=`, counted from 1.
    pub page: Option<u64>,
}

impl JobFilter {
    /// Reads the segments of the path and the query string; unreadable values are dropped.
    pub fn read(org: Option<String>, repo: Option<String>, query: &str) -> JobFilter {
        let mut filter = JobFilter { org, repo, ..JobFilter::default() };
        for (name, value) in query_pairs(query) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            match name.as_str() {
                "type" => filter.kind = RunKind::parse(value),
                "q" => filter.search = Some(value.to_owned()),
                "job" => filter.job = Some(value.to_owned()),
                "page" => filter.page = value.parse().ok(),
                _ => {}
            }
        }
        filter
    }

    /// The page with this filter, from the root of the site.
    pub fn href(&self) -> String {
        let mut href = "/configured-jobs".to_owned();
        for part in [&self.org, &self.repo].into_iter().flatten() {
            href.push('/');
            href.push_str(&super::segment(part));
        }
        let mut query = Query::default();
        query.add("type", self.kind.map(RunKind::word));
        query.add("q", self.search.as_deref());
        query.add("job", self.job.as_deref());
        query.add(
            "page",
            self.page.filter(|page| *page > 1).map(|page| page.to_string()).as_deref(),
        );
        if !query.text.is_empty() {
            href.push('?');
            href.push_str(&query.text);
        }
        href
    }
}

/// A repository in the index, with how many jobs of each kind it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoJobs {
    /// Repository name.
    pub repo: String,
    /// Presubmits.
    pub presubmits: u64,
    /// Postsubmits.
    pub postsubmits: u64,
    /// Periodics whose extra refs name it.
    pub periodics: u64,
}

/// An owner in the index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgJobs {
    /// Owner at the code host.
    pub org: String,
    /// Its repositories, by name.
    pub repos: Vec<RepoJobs>,
}

/// The most recent run of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// Page of the run.
    pub href: String,
    /// Its state.
    pub state: RunState,
    /// When it was asked for.
    pub started_ms: i64,
}

/// One configured job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredJob {
    /// Job name.
    pub name: String,
    /// Kind of job.
    pub kind: RunKind,
    /// Owner; empty for a periodic without a repository.
    pub org: String,
    /// Repository; empty for a periodic without a repository.
    pub repo: String,
    /// Branch patterns that it runs on; empty means all.
    pub branches: Vec<String>,
    /// Branch patterns that it does not run on.
    pub skip_branches: Vec<String>,
    /// What makes it run, in words: `always`, `when files match …`, `on /test unit`, `every 6h`.
    pub trigger: String,
    /// The comment that starts it; empty where none does.
    pub rerun_command: String,
    /// The status context that it reports; empty where it reports none.
    pub context: String,
    /// Whether merging may ignore it.
    pub optional: bool,
    /// Cron line or interval of a periodic; empty for others.
    pub schedule: String,
    /// When the schedule fires next, if it is known.
    pub next_run_ms: Option<i64>,
    /// The most recent run, if there is one.
    pub last_run: Option<LastRun>,
    /// Alias of the build cluster.
    pub cluster: String,
    /// Most runs at once; zero means no limit.
    pub max_concurrency: u64,
    /// `file:line` of its definition; empty for jobs kept in the repository itself.
    pub source: String,
    /// Its definition with defaults filled in; only for the job asked for by `job=`.
    pub yaml: Option<String>,
}

/// The page of configured jobs: an index, or the jobs of a place, or a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredJobs {
    /// The server's clock.
    pub now_ms: i64,
    /// Owners and repositories; filled for the index and for a page of one owner.
    pub orgs: Vec<OrgJobs>,
    /// Periodics that belong to no repository.
    pub without_repo: u64,
    /// The jobs of this page, by name.
    pub jobs: Vec<ConfiguredJob>,
    /// Jobs that match.
    pub matching: u64,
    /// Jobs that are configured.
    pub total: u64,
    /// Jobs on one page, for the pager.
    pub page_size: u64,
    /// When the configuration was loaded.
    pub loaded_ms: Option<i64>,
}
