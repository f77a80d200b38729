//! Which repositories a process concerns itself with, where several processes share them.

use std::collections::BTreeSet;

use job_spec::ProwJob;

/// `--github-enabled-org` and its kin, as Prow's hook and crier have them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enablement {
    /// With these or [`Enablement::enabled_repos`], everything else is disabled.
    pub enabled_orgs: BTreeSet<String>,
    /// `org/repo`; they add to the enabled orgs.
    pub enabled_repos: BTreeSet<String>,
    /// Disabled whatever is enabled.
    pub disabled_orgs: BTreeSet<String>,
    /// `org/repo`; disabled whatever is enabled.
    pub disabled_repos: BTreeSet<String>,
}

impl Enablement {
    /// Whether a repository is enabled.
    #[must_use]
    pub fn allows(&self, org: &str, repo: &str) -> bool {
        let full = format!("{org}/{repo}");
        let all = self.enabled_orgs.is_empty() && self.enabled_repos.is_empty();
        let enabled = all || self.enabled_orgs.contains(org) || self.enabled_repos.contains(&full);
        enabled && !self.disabled_orgs.contains(org) && !self.disabled_repos.contains(&full)
    }

    /// Whether a run is to be reported: it concerns at least one enabled repository, or none.
    #[must_use]
    pub fn allows_run(&self, job: &ProwJob) -> bool {
        let mut refs = job.spec.refs.iter().chain(&job.spec.extra_refs).peekable();
        refs.peek().is_none() || refs.any(|refs| self.allows(&refs.org, &refs.repo))
    }
}

#[cfg(test)]
mod tests {
    use job_spec::Refs;

    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_repository_is_enabled_unless_others_are_or_it_is_disabled() {
        let everything = Enablement::default();
        assert!(everything.allows("a", "r"));
        let some = Enablement {
            enabled_orgs: set(&["a"]),
            enabled_repos: set(&["b/r"]),
            disabled_orgs: BTreeSet::new(),
            disabled_repos: set(&["a/secret"]),
        };
        let table = [("a", "r", true), ("b", "r", true), ("b", "x", false), ("a", "secret", false)];
        for (org, repo, expected) in table {
            assert_eq!(some.allows(org, repo), expected, "{org}/{repo}");
        }
        let but = Enablement { disabled_orgs: set(&["a"]), ..Enablement::default() };
        assert!(!but.allows("a", "r") && but.allows("b", "r"));
    }

    #[test]
    fn a_run_counts_if_any_of_its_repositories_does() {
        let only_a = Enablement { enabled_orgs: set(&["a"]), ..Enablement::default() };
        let refs = |org: &str| Refs { org: org.to_owned(), ..Refs::default() };
        let mut run = ProwJob::default();
        assert!(only_a.allows_run(&run), "a periodic without repositories");
        run.spec.refs = Some(refs("b"));
        assert!(!only_a.allows_run(&run));
        run.spec.extra_refs = vec![refs("a")];
        assert!(only_a.allows_run(&run));
    }
}
