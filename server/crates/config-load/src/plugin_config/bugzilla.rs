//! `bugzilla`: which bugs are valid for which branches.

use std::collections::BTreeMap;

use job_spec::go_struct;

/// The key that stands for all branches.
pub const WILDCARD: &str = "*";

go_struct! {
    /// The bugzilla plugin.
    pub struct Bugzilla {
        /// By branch, or `*`, of any repository.
        pub default: Option<BTreeMap<String, BranchOptions>> => "default",
        /// By organisation.
        pub orgs: BTreeMap<String, OrgOptions> => "orgs",
    }
}

go_struct! {
    /// The bugzilla plugin in an organisation.
    pub struct OrgOptions {
        /// By branch, or `*`, of any repository of it.
        pub default: Option<BTreeMap<String, BranchOptions>> => "default",
        /// By repository.
        pub repos: BTreeMap<String, RepoOptions> => "repos",
    }
}

go_struct! {
    /// The bugzilla plugin in a repository.
    pub struct RepoOptions {
        /// By branch, or `*`.
        pub branches: BTreeMap<String, BranchOptions> => "branches",
    }
}

go_struct! {
    /// A state of a bug; what is not set matches anything.
    pub struct BugState {
        /// Such as `NEW`.
        pub status: String => "status",
        /// Such as `FIXED`.
        pub resolution: String => "resolution",
    }
}

impl BugState {
    /// Whether a bug with this status and resolution is in the state.
    pub fn matches(&self, status: &str, resolution: &str) -> bool {
        (self.status.is_empty() || self.status == status)
            && (self.resolution.is_empty() || self.resolution == resolution)
    }
}

go_struct! {
    /// What makes a bug valid for a branch, and what happens to it. `…statuses` are older forms of
    /// `…states`.
    pub struct BranchOptions {
        /// Inherit nothing.
        pub exclude_defaults: Option<bool> => "exclude_defaults",
        /// Cherry-picks clone bugs.
        pub enable_backporting: Option<bool> => "enable_backporting",
        /// Check without being asked.
        pub validate_by_default: Option<bool> => "validate_by_default",
        /// Whether the bug must be open.
        pub is_open: Option<bool> => "is_open",
        /// Release that it must be for.
        pub target_release: Option<String> => "target_release",
        /// Statuses that it may have.
        pub statuses: Option<Vec<String>> => "statuses",
        /// States that it may be in.
        pub valid_states: Option<Vec<BugState>> => "valid_states",
        /// Statuses that its dependents may have.
        pub dependent_bug_statuses: Option<Vec<String>> => "dependent_bug_statuses",
        /// States that its dependents may be in.
        pub dependent_bug_states: Option<Vec<BugState>> => "dependent_bug_states",
        /// Releases that its dependents must be for.
        pub dependent_bug_target_releases: Option<Vec<String>> => "dependent_bug_target_releases",
        /// Older form of the former.
        pub dependent_bug_target_release: Option<String> => "dependent_bug_target_release",
        /// Status that a valid bug gets.
        pub status_after_validation: Option<String> => "status_after_validation",
        /// State that a valid bug gets.
        pub state_after_validation: Option<BugState> => "state_after_validation",
        /// Link the pull request in the bug.
        pub add_external_link: Option<bool> => "add_external_link",
        /// Status that the bug gets when all is merged.
        pub status_after_merge: Option<String> => "status_after_merge",
        /// State that the bug gets when all is merged.
        pub state_after_merge: Option<BugState> => "state_after_merge",
        /// State that the bug gets when all is closed.
        pub state_after_close: Option<BugState> => "state_after_close",
        /// Groups of bugs that may be linked.
        pub allowed_groups: Vec<String> => "allowed_groups",
    }
}

impl Bugzilla {
    /// What holds for a branch: `*` and the branch itself, of everything, the organisation and the
    /// repository, later over earlier. Older forms are turned into the newer ones.
    pub fn options_for_branch(&self, org: &str, repo: &str, branch: &str) -> BranchOptions {
        let empty = BTreeMap::new();
        let mut options = for_item(branch, self.default.as_ref().unwrap_or(&empty));
        let Some(org) = self.orgs.get(org) else {
            return options;
        };
        options = options.with(&for_item(branch, org.default.as_ref().unwrap_or(&empty)));
        match org.repos.get(repo) {
            Some(repo) => options.with(&for_item(branch, &repo.branches)),
            None => options,
        }
    }
}

fn for_item(branch: &str, map: &BTreeMap<String, BranchOptions>) -> BranchOptions {
    let none = BranchOptions::default();
    let at = |key: &str| map.get(key).unwrap_or(&none);
    at(WILDCARD).with(at(branch))
}

impl BranchOptions {
    /// These options with those of a narrower level over them.
    #[must_use]
    pub fn with(&self, child: &BranchOptions) -> BranchOptions {
        let mut result = BranchOptions::default();
        if child.exclude_defaults != Some(true) {
            result.take(self);
        }
        result.take(child);
        result
    }

    fn take(&mut self, over: &BranchOptions) {
        fn set<T: Clone>(own: &mut Option<T>, over: &Option<T>) {
            if over.is_some() {
                own.clone_from(over);
            }
        }
        set(&mut self.exclude_defaults, &over.exclude_defaults);
        set(&mut self.validate_by_default, &over.validate_by_default);
        set(&mut self.is_open, &over.is_open);
        set(&mut self.target_release, &over.target_release);
        take_states(&mut self.valid_states, &over.valid_states, &over.statuses);
        take_states(
            &mut self.dependent_bug_states,
            &over.dependent_bug_states,
            &over.dependent_bug_statuses,
        );
        set(&mut self.dependent_bug_target_releases, &over.dependent_bug_target_releases);
        if let Some(release) = &over.dependent_bug_target_release {
            let releases = match &over.dependent_bug_target_releases {
                Some(_) => self.dependent_bug_target_releases.get_or_insert_default(),
                None => self.dependent_bug_target_releases.insert(Vec::new()),
            };
            if !releases.contains(release) {
                releases.push(release.clone());
            }
        }
        take_state(
            &mut self.state_after_validation,
            &over.state_after_validation,
            &over.status_after_validation,
        );
        set(&mut self.add_external_link, &over.add_external_link);
        take_state(&mut self.state_after_merge, &over.state_after_merge, &over.status_after_merge);
        set(&mut self.state_after_close, &over.state_after_close);
        self.allowed_groups.extend(over.allowed_groups.iter().cloned());
        self.allowed_groups.sort();
        self.allowed_groups.dedup();
    }
}

/// Takes states and statuses of a level; either replaces what was inherited, both are joined.
fn take_states(
    own: &mut Option<Vec<BugState>>,
    states: &Option<Vec<BugState>>,
    statuses: &Option<Vec<String>>,
) {
    if states.is_some() {
        own.clone_from(states);
    }
    let Some(statuses) = statuses else {
        return;
    };
    let mut joined = states.clone().unwrap_or_default();
    for status in statuses {
        let state = BugState { status: status.clone(), ..BugState::default() };
        if !joined.contains(&state) {
            joined.push(state);
        }
    }
    joined.sort_by(|a, b| (&a.status, &a.resolution).cmp(&(&b.status, &b.resolution)));
    *own = (!joined.is_empty()).then_some(joined);
}

fn take_state(own: &mut Option<BugState>, state: &Option<BugState>, status: &Option<String>) {
    if state.is_some() {
        own.clone_from(state);
    } else if let Some(status) = status {
        *own = Some(BugState { status: status.clone(), ..BugState::default() });
    }
}
