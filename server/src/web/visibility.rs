//! Which runs this process shows: Deck's hidden and tenant rules, in the one
//! function that every list, page, badge and feed goes through.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use config_load::JobConfig;
use job_spec::JobBase;

use crate::runs::run::Run;

/// What the process was told to show, with the configuration's hidden list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Visibility {
    /// `--hidden-only`
    pub hidden_only: bool,
    /// `--show-hidden`
    pub show_hidden: bool,
    /// `--tenant-id`, each
    pub tenants: Vec<String>,
    /// `deck.hidden_repos`: orgs and org/repos.
    pub hidden_repos: Vec<String>,
}

/// The tenant of everything that names none.
pub const DEFAULT_TENANT: &str = "GlobalDefaultID";

impl Visibility {
    /// Whether a run is shown.
    ///
    /// With tenants given, exactly their runs, hidden or not. Without, a
    /// hidden run is shown where hidden runs are, whoever's it is, and a
    /// public one where not only hidden runs are, if it is the default
    /// tenant's.
    pub fn shows(&self, run: &Run) -> bool {
        self.decide(self.is_hidden(run), &run.tenant)
    }

    fn decide(&self, hidden: bool, tenant: &str) -> bool {
        if !self.tenants.is_empty() {
            return self.tenants.iter().any(|shown| shown == tenant);
        }
        if hidden {
            return self.show_hidden || self.hidden_only;
        }
        !self.hidden_only && (tenant.is_empty() || tenant == DEFAULT_TENANT)
    }

    fn is_hidden(&self, run: &Run) -> bool {
        if run.hidden {
            return true;
        }
        if self.hidden_repos.is_empty() {
            return false;
        }
        let own = run.refs.iter().map(|refs| (&refs.org, &refs.repo));
        let extra = run.extra_repos.iter().map(|(org, repo)| (org, repo));
        own.chain(extra).any(|(org, repo)| self.hides(org, repo))
    }

    fn hides(&self, org: &str, repo: &str) -> bool {
        self.hidden_repos.iter().any(|hidden| {
            hidden == org
                || hidden
                    .strip_prefix(org)
                    .and_then(|rest| rest.strip_prefix('/'))
                    .is_some_and(|name| name == repo)
        })
    }

    /// Whether a configured job is shown, by the rules that hold for its runs. `full_name` is the
    /// repository that it is configured for as `org/repo`; empty for a periodic.
    pub fn shows_job(&self, full_name: &str, job: &JobBase) -> bool {
        let tenant = tenant_of(job);
        let (org, repo) = full_name.rsplit_once('/').unwrap_or((full_name, ""));
        let hidden = job.hidden
            || self.hides(org, repo)
            || job.utility.extra_refs.iter().any(|refs| self.hides(&refs.org, &refs.repo));
        self.decide(hidden, tenant)
    }

    /// The names of the configured jobs that are not shown.
    pub fn hidden_jobs<'c>(&self, jobs: &'c JobConfig) -> HashSet<&'c str> {
        let hidden = configured(jobs).filter(|(repo, job)| !self.shows_job(repo, job));
        hidden.map(|(_, job)| job.name.as_str()).collect()
    }

    /// The names of jobs that are hidden, each with whether no job that has it is shown: jobs of several
    /// repositories may have one name.
    fn hidden_names<'c>(&self, jobs: &'c JobConfig) -> HashMap<&'c str, bool> {
        let mut names: HashMap<&str, bool> =
            self.hidden_jobs(jobs).into_iter().map(|name| (name, true)).collect();
        for (repo, job) in configured(jobs) {
            if let Some(wholly) = names.get_mut(job.name.as_str()) {
                *wholly &= !self.shows_job(repo, job);
            }
        }
        names
    }

    /// The names in a bucket that are not shown: folders of jobs that are hidden in each repository that
    /// has one of that name, and of pull requests of hidden repositories. Where a job is hidden in some
    /// repositories only, each run decides for itself.
    pub fn concealed<'c>(&'c self, jobs: &'c JobConfig) -> impl Fn(&str) -> bool + 'c {
        let hidden = self.hidden_names(jobs);
        // Folders of pull requests are named org_repo.
        move |name| {
            hidden.get(name).is_some_and(|wholly| *wholly)
                || self.conceals(&name.replacen('_', "/", 1))
        }
    }

    /// The names of jobs that are hidden in some repositories and shown in others.
    pub fn doubtful<'c>(&self, jobs: &'c JobConfig) -> HashSet<&'c str> {
        let hidden = self.hidden_names(jobs).into_iter();
        hidden.filter(|(_, wholly)| !wholly).map(|(name, _)| name).collect()
    }

    /// Whether what belongs to a repository and to no job is shown, such as its webhooks: under
    /// the rules that hold for its configured jobs. One without jobs is nobody's, so that no
    /// tenant sees it.
    pub fn shows_repo(&self, full_name: &str, jobs: &JobConfig) -> bool {
        let (org, repo) = full_name.rsplit_once('/').unwrap_or((full_name, ""));
        if self.tenants.is_empty() && self.hides(org, repo) {
            return self.decide(true, "");
        }
        let presubmits = jobs.presubmits.get(full_name).into_iter().flatten().map(|j| &j.base);
        let postsubmits = jobs.postsubmits.get(full_name).into_iter().flatten().map(|j| &j.base);
        let mut tenants = presubmits.chain(postsubmits).map(tenant_of).peekable();
        if tenants.peek().is_none() {
            return self.decide(false, "");
        }
        tenants.any(|tenant| self.decide(false, tenant))
    }

    /// Whether a text is the name of an org or repository that is not shown. Only the hidden
    /// list is asked; jobs have [`Visibility::shows_job`].
    pub fn conceals(&self, name: &str) -> bool {
        if self.show_hidden || self.hidden_only || !self.tenants.is_empty() {
            return false;
        }
        let (org, repo) = name.rsplit_once('/').unwrap_or((name, ""));
        self.hides(org, repo)
    }

    /// The runs of a list that are shown.
    pub fn filter(&self, runs: &[Arc<Run>]) -> Vec<Arc<Run>> {
        runs.iter().filter(|run| self.shows(run)).cloned().collect()
    }
}

/// Each configured job with the repository that it is configured for; none for periodics.
fn configured(jobs: &JobConfig) -> impl Iterator<Item = (&str, &JobBase)> {
    let presubmits = jobs.all_presubmits().map(|(repo, job)| (repo, &job.base));
    let postsubmits = jobs.all_postsubmits().map(|(repo, job)| (repo, &job.base));
    let periodics = jobs.periodics.iter().map(|job| ("", &job.base));
    presubmits.chain(postsubmits).chain(periodics)
}

fn tenant_of(job: &JobBase) -> &str {
    job.prowjob_defaults.as_ref().map_or("", |defaults| defaults.tenant_id.as_str())
}

#[cfg(test)]
mod tests {
    use go_compat::time::Timestamp;
    use job_spec::{JobType, ProwJobState};

    use super::*;
    use crate::runs::run::RunRefs;

    fn run(repo: &str, hidden: bool, tenant: &str) -> Run {
        let (org, repo) = repo.split_once('/').expect("org/repo");
        Run {
            id: "id".into(),
            job: "job".into(),
            job_type: JobType::Postsubmit,
            state: ProwJobState::Success,
            cluster: "default".into(),
            build_id: "1".into(),
            refs: Some(RunRefs {
                org: org.into(),
                repo: repo.into(),
                base_ref: "main".into(),
                base_sha: "".into(),
                extra: false,
                pulls: Vec::new(),
            }),
            extra_repos: Vec::new(),
            started: Timestamp::from_seconds(1),
            pending: None,
            completed: None,
            description: "".into(),
            url: "".into(),
            artifacts: None,
            hidden,
            tenant: tenant.into(),
            live: None,
        }
    }

    #[test]
    fn each_kind_of_run_is_shown_where_deck_shows_it() {
        let public = run("org/open", false, "");
        let by_job = run("org/open", true, "");
        let by_repo = run("org/secret", false, "");
        let by_org = run("dark/any", false, "");
        let tenant = run("org/open", false, "acme");
        let hidden_repos = vec!["org/secret".to_owned(), "dark".to_owned()];
        let normal = Visibility { hidden_repos, ..Visibility::default() };
        let show = Visibility { show_hidden: true, ..normal.clone() };
        let only = Visibility { hidden_only: true, ..normal.clone() };
        let acme = Visibility { tenants: vec!["acme".to_owned()], ..normal.clone() };
        for (name, run, expected) in [
            ("public", &public, [true, true, false, false]),
            ("hidden by its job", &by_job, [false, true, true, false]),
            ("hidden by its repository", &by_repo, [false, true, true, false]),
            ("hidden by its org", &by_org, [false, true, true, false]),
            ("a tenant's", &tenant, [false, false, false, true]),
        ] {
            let seen = [&normal, &show, &only, &acme].map(|v| v.shows(run));
            assert_eq!(seen, expected, "{name}");
        }
    }

    #[test]
    fn an_extra_repository_hides_a_run_too() {
        let mut periodic = run("org/open", false, "");
        periodic.extra_repos.push(("org".into(), "secret".into()));
        let normal =
            Visibility { hidden_repos: vec!["org/secret".to_owned()], ..Visibility::default() };
        assert!(!normal.shows(&periodic));
    }
}
