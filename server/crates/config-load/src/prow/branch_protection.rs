//! `branch-protection`: what branchprotector sets on GitHub, level by level.

use std::collections::{BTreeMap, BTreeSet};

use job_spec::{Presubmit, go_struct};

go_struct! {
    /// What is set on a branch. Unset values are inherited from the level above.
    pub struct Policy {
        /// Leave the branch as it is.
        pub unmanaged: Option<bool> => "unmanaged",
        /// Protect the branch.
        pub protect: Option<bool> => "protect",
        /// Contexts that must be green to merge.
        pub required_status_checks: Option<ContextPolicy> => "required_status_checks",
        /// Administrators are bound, too.
        pub enforce_admins: Option<bool> => "enforce_admins",
        /// Who may push; present but empty means nobody.
        pub restrictions: Option<Restrictions> => "restrictions",
        /// Jobs that only run when asked for are required, too.
        pub require_manually_triggered_jobs: Option<bool> => "require_manually_triggered_jobs",
        /// Reviews that are needed.
        pub required_pull_request_reviews: Option<ReviewPolicy> => "required_pull_request_reviews",
        /// No merge commits.
        pub required_linear_history: Option<bool> => "required_linear_history",
        /// History may be rewritten.
        pub allow_force_pushes: Option<bool> => "allow_force_pushes",
        /// The branch may be deleted.
        pub allow_deletions: Option<bool> => "allow_deletions",
        /// Commits must be signed.
        pub require_signed_commits: Option<bool> => "require_signed_commits",
        /// Patterns of branches that are left out; not together with `include`.
        pub exclude: Vec<String> => "exclude",
        /// Patterns of the branches that are meant.
        pub include: Vec<String> => "include",
    }
}

go_struct! {
    /// Contexts that must be green to merge.
    pub struct ContextPolicy {
        /// The contexts, added to those of the level above.
        pub contexts: Vec<String> => "contexts",
        /// The branch must be up to date.
        pub strict: Option<bool> => "strict",
    }
}

go_struct! {
    /// Reviews that are needed.
    pub struct ReviewPolicy {
        /// Who may dismiss reviews.
        pub dismissal_restrictions: Option<UsersAndTeams> => "dismissal_restrictions",
        /// New commits dismiss reviews.
        pub dismiss_stale_reviews: Option<bool> => "dismiss_stale_reviews",
        /// Code owners must review.
        pub require_code_owner_reviews: Option<bool> => "require_code_owner_reviews",
        /// How many approvals.
        pub required_approving_review_count: Option<i64> => "required_approving_review_count",
        /// Who needs no review.
        pub bypass_pull_request_allowances: Option<UsersAndTeams> => "bypass_pull_request_allowances",
    }
}

go_struct! {
    /// Users and teams, added to those of the level above.
    pub struct UsersAndTeams {
        /// Logins.
        pub users: Vec<String> => "users",
        /// Team slugs.
        pub teams: Vec<String> => "teams",
    }
}

go_struct! {
    /// Who may push, added to those of the level above.
    pub struct Restrictions {
        /// App slugs.
        pub apps: Vec<String> => "apps",
        /// Logins.
        pub users: Vec<String> => "users",
        /// Team slugs.
        pub teams: Vec<String> => "teams",
    }
}

go_struct! {
    /// The policy of everything, and of organisations.
    pub struct BranchProtection {
        /// Protect every repository that has required jobs.
        pub protect_tested_repos: Option<bool> => "protect-tested-repos",
        /// By organisation.
        pub orgs: BTreeMap<String, OrgPolicy> => "orgs",
        /// A level may turn protection off although policies are inherited.
        pub allow_disabled_policies: Option<bool> => "allow_disabled_policies",
        /// A branch may turn protection off although it has required jobs.
        pub allow_disabled_job_policies: Option<bool> => "allow_disabled_job_policies",
        /// Manage contexts where there are only optional jobs, too.
        pub protect_repos_with_optional_jobs: Option<bool> => "protect_repos_with_optional_jobs",
    }
    embed {
        /// The policy that everything inherits.
        pub policy: Policy,
    }
}

go_struct! {
    /// The policy of an organisation.
    pub struct OrgPolicy {
        /// By repository.
        pub repos: BTreeMap<String, RepoPolicy> => "repos",
    }
    embed {
        /// What its repositories inherit.
        pub policy: Policy,
    }
}

go_struct! {
    /// The policy of a repository.
    pub struct RepoPolicy {
        /// By branch.
        pub branches: BTreeMap<String, BranchPolicy> => "branches",
    }
    embed {
        /// What its branches inherit.
        pub policy: Policy,
    }
}

go_struct! {
    /// The policy of a branch.
    pub struct BranchPolicy {}
    embed {
        /// The policy.
        pub policy: Policy,
    }
}

/// Why a branch has no valid policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A branch is listed without saying whether it is protected.
    #[error("defined branch policies must set protect or unmanaged=true")]
    Undecided,
    /// Required jobs, but protection is off.
    #[error("required prow jobs require branch protection")]
    RequiredJobs,
    /// A policy, but protection is off.
    #[error("{0} defines a policy, which requires protect: true")]
    Disabled(String),
}

/// How the contexts of a branch's jobs count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BranchRequirements {
    /// Must be present and green.
    pub required: Vec<String>,
    /// Must be green if present.
    pub required_if_present: Vec<String>,
    /// Never block.
    pub optional: Vec<String>,
}

/// How the contexts of the jobs that run on `branch` count.
pub fn branch_requirements<'a>(
    branch: &str,
    jobs: impl IntoIterator<Item = &'a Presubmit>,
    require_manually_triggered_jobs: bool,
) -> BranchRequirements {
    let mut found = BranchRequirements::default();
    for job in jobs {
        if !job.could_run(branch) {
            continue;
        }
        let list = if !job.context_required() {
            &mut found.optional
        } else if require_manually_triggered_jobs && job.needs_explicit_trigger() {
            &mut found.required
        } else if job.triggers_conditionally() {
            // Its status may be missing from a pull request, so it cannot be required at all times.
            &mut found.required_if_present
        } else {
            &mut found.required
        };
        list.push(job.reporter.context.clone());
    }
    found
}

impl Policy {
    /// Whether it explicitly says that the level is managed.
    pub fn is_managed(&self) -> bool {
        self.unmanaged == Some(false)
    }

    /// Whether it says anything at all.
    pub fn is_set(&self) -> bool {
        *self != Policy::default()
    }

    /// Whether it sets something on GitHub.
    pub fn is_defined(&self) -> bool {
        self.protect.is_some() || self.defines_besides_protect()
    }

    fn defines_besides_protect(&self) -> bool {
        let about_branches = Policy {
            unmanaged: self.unmanaged,
            protect: self.protect,
            exclude: self.exclude.clone(),
            include: self.include.clone(),
            ..Policy::default()
        };
        *self != about_branches
    }

    /// This policy with that of a level below: its values win, its lists are added.
    #[must_use]
    pub fn apply(&self, child: &Policy) -> Policy {
        Policy {
            unmanaged: child.unmanaged.or(self.unmanaged),
            protect: child.protect.or(self.protect),
            required_status_checks: both(
                &self.required_status_checks,
                &child.required_status_checks,
                |parent, child| ContextPolicy {
                    contexts: union(&parent.contexts, &child.contexts),
                    strict: child.strict.or(parent.strict),
                },
            ),
            enforce_admins: child.enforce_admins.or(self.enforce_admins),
            restrictions: both(&self.restrictions, &child.restrictions, |parent, child| {
                Restrictions {
                    apps: union(&parent.apps, &child.apps),
                    users: union(&parent.users, &child.users),
                    teams: union(&parent.teams, &child.teams),
                }
            }),
            require_manually_triggered_jobs: child
                .require_manually_triggered_jobs
                .or(self.require_manually_triggered_jobs),
            required_pull_request_reviews: both(
                &self.required_pull_request_reviews,
                &child.required_pull_request_reviews,
                merge_reviews,
            ),
            required_linear_history: child.required_linear_history.or(self.required_linear_history),
            allow_force_pushes: child.allow_force_pushes.or(self.allow_force_pushes),
            allow_deletions: child.allow_deletions.or(self.allow_deletions),
            require_signed_commits: child.require_signed_commits.or(self.require_signed_commits),
            exclude: union(&self.exclude, &child.exclude),
            include: union(&self.include, &child.include),
        }
    }
}

fn merge_reviews(parent: &ReviewPolicy, child: &ReviewPolicy) -> ReviewPolicy {
    let people = |parent: &Option<UsersAndTeams>, child: &Option<UsersAndTeams>| {
        both(parent, child, |parent, child| UsersAndTeams {
            users: union(&parent.users, &child.users),
            teams: union(&parent.teams, &child.teams),
        })
    };
    ReviewPolicy {
        dismissal_restrictions: people(
            &parent.dismissal_restrictions,
            &child.dismissal_restrictions,
        ),
        dismiss_stale_reviews: child.dismiss_stale_reviews.or(parent.dismiss_stale_reviews),
        require_code_owner_reviews: child
            .require_code_owner_reviews
            .or(parent.require_code_owner_reviews),
        required_approving_review_count: child
            .required_approving_review_count
            .or(parent.required_approving_review_count),
        bypass_pull_request_allowances: people(
            &parent.bypass_pull_request_allowances,
            &child.bypass_pull_request_allowances,
        ),
    }
}

/// Whichever of two is there, or both merged.
fn both<T: Clone>(parent: &Option<T>, child: &Option<T>, merge: impl Fn(&T, &T) -> T) -> Option<T> {
    match (parent, child) {
        (Some(parent), Some(child)) => Some(merge(parent, child)),
        _ => child.as_ref().or(parent.as_ref()).cloned(),
    }
}

/// Both lists without repetitions, sorted; a list alone stays as it is.
fn union(parent: &[String], child: &[String]) -> Vec<String> {
    match (parent, child) {
        (only, []) | ([], only) => only.to_vec(),
        _ => parent.iter().chain(child).collect::<BTreeSet<_>>().into_iter().cloned().collect(),
    }
}

impl BranchProtection {
    /// The policy of an organisation with what it inherits.
    pub fn org(&self, name: &str) -> OrgPolicy {
        match self.orgs.get(name) {
            Some(org) => {
                OrgPolicy { policy: self.policy.apply(&org.policy), repos: org.repos.clone() }
            }
            None => OrgPolicy { policy: self.policy.clone(), ..OrgPolicy::default() },
        }
    }

    /// The policy of a branch with what it inherits, before Prow's jobs add contexts.
    pub fn branch(&self, org: &str, repo: &str, branch: &str) -> Result<Policy, PolicyError> {
        let org_level = self.orgs.get(org);
        let mut policy = match org_level {
            Some(level) => self.policy.apply(&level.policy),
            None => self.policy.clone(),
        };
        let repo_level = org_level.and_then(|level| level.repos.get(repo));
        if let Some(level) = repo_level {
            policy = policy.apply(&level.policy);
        }
        if let Some(level) = repo_level.and_then(|level| level.branches.get(branch)) {
            policy = policy.apply(&level.policy);
            if policy.protect.is_none() && policy.unmanaged != Some(true) {
                return Err(PolicyError::Undecided);
            }
        }
        Ok(policy)
    }

    /// The policy of a branch with the contexts that Prow's jobs require. None where nothing is
    /// managed.
    pub fn effective<'a>(
        &self,
        org: &str,
        repo: &str,
        branch: &str,
        presubmits: impl IntoIterator<Item = &'a Presubmit>,
    ) -> Result<Option<Policy>, PolicyError> {
        if !self.orgs.contains_key(org) {
            return Ok(None);
        }
        let mut policy = self.branch(org, repo, branch)?;
        let jobs = branch_requirements(
            branch,
            presubmits,
            policy.require_manually_triggered_jobs == Some(true),
        );
        let manages_contexts = !jobs.required.is_empty()
            || self.protect_repos_with_optional_jobs == Some(true)
                && !(jobs.required_if_present.is_empty() && jobs.optional.is_empty());
        if manages_contexts {
            if policy.protect == Some(false) {
                return if self.allow_disabled_job_policies == Some(true) {
                    Ok(None)
                } else {
                    Err(PolicyError::RequiredJobs)
                };
            }
            policy = policy.apply(&Policy {
                required_status_checks: Some(ContextPolicy {
                    contexts: jobs.required,
                    strict: None,
                }),
                protect: (self.protect_tested_repos == Some(true)).then_some(true),
                ..Policy::default()
            });
        }
        if policy.protect == Some(false)
            && policy.defines_besides_protect()
            && self.allow_disabled_policies != Some(true)
        {
            return Err(PolicyError::Disabled(format!("{org}/{repo}={branch}")));
        }
        Ok(policy.is_defined().then_some(policy))
    }

    /// Whether any organisation is explicitly managed.
    pub fn has_managed_orgs(&self) -> bool {
        self.orgs.values().any(|org| org.policy.is_managed())
    }

    /// Whether any repository is explicitly managed.
    pub fn has_managed_repos(&self) -> bool {
        self.orgs.values().any(OrgPolicy::has_managed_repos)
    }

    /// Whether any branch is explicitly managed.
    pub fn has_managed_branches(&self) -> bool {
        self.orgs.values().any(OrgPolicy::has_managed_branches)
    }
}

impl OrgPolicy {
    /// The policy of one of its repositories with what it inherits from the organisation.
    pub fn repo(&self, name: &str) -> RepoPolicy {
        match self.repos.get(name) {
            Some(repo) => RepoPolicy {
                policy: self.policy.apply(&repo.policy),
                branches: repo.branches.clone(),
            },
            None => RepoPolicy { policy: self.policy.clone(), ..RepoPolicy::default() },
        }
    }

    /// Whether any of its repositories is explicitly managed.
    pub fn has_managed_repos(&self) -> bool {
        self.repos.values().any(|repo| repo.policy.is_managed())
    }

    /// Whether any of its branches is explicitly managed.
    pub fn has_managed_branches(&self) -> bool {
        self.repos.values().any(RepoPolicy::has_managed_branches)
    }
}

impl RepoPolicy {
    /// Whether any of its branches is explicitly managed.
    pub fn has_managed_branches(&self) -> bool {
        self.branches.values().any(|branch| branch.policy.is_managed())
    }

    /// The policy of one of its branches with what it inherits.
    pub fn branch(&self, name: &str) -> Result<Policy, PolicyError> {
        let Some(branch) = self.branches.get(name) else {
            return Ok(self.policy.clone());
        };
        let policy = self.policy.apply(&branch.policy);
        if policy.protect.is_none() && policy.unmanaged != Some(true) {
            return Err(PolicyError::Undecided);
        }
        Ok(policy)
    }
}
