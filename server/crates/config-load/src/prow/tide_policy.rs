//! `tide.context_options`: which contexts count for merging.

use std::collections::{BTreeMap, BTreeSet};

use go_compat::GoRegex;
use job_spec::{Presubmit, go_struct};

use super::ProwConfig;
use super::branch_protection::branch_requirements;

go_struct! {
    /// Which contexts count. Lists are added to those of the level above.
    pub struct TideContextPolicy {
        /// Contexts that nobody names are optional.
        pub skip_unknown_contexts: Option<bool> => "skip-unknown-contexts",
        /// Must be present and green.
        pub required_contexts: Vec<String> => "required-contexts",
        /// Must be green if present.
        pub required_if_present_contexts: Vec<String> => "required-if-present-contexts",
        /// Never block.
        pub optional_contexts: Vec<String> => "optional-contexts",
        /// Patterns of contexts that never block.
        pub optional_regex_contexts: Vec<String> => "optional-regex-contexts",
        /// Take required contexts from the branch protection configuration, too.
        pub from_branch_protection: Option<bool> => "from-branch-protection",
        /// Overwrite pending contexts of pull requests whose batch was green.
        pub overwrite_pending_contexts: Option<bool> => "overwrite-pending-contexts",
    }
    skip {
        /// `optional_regex_contexts` compiled.
        pub optional_context_regexes: Vec<GoRegex>,
    }
}

go_struct! {
    /// The policy of everything, and of organisations.
    pub struct ContextPolicyOptions {
        /// By organisation.
        pub orgs: BTreeMap<String, OrgContextPolicy> => "orgs",
    }
    embed {
        /// What everything inherits.
        pub policy: TideContextPolicy,
    }
}

go_struct! {
    /// The policy of an organisation.
    pub struct OrgContextPolicy {
        /// By repository.
        pub repos: BTreeMap<String, RepoContextPolicy> => "repos",
    }
    embed {
        /// What its repositories inherit.
        pub policy: TideContextPolicy,
    }
}

go_struct! {
    /// The policy of a repository.
    pub struct RepoContextPolicy {
        /// By branch.
        pub branches: BTreeMap<String, TideContextPolicy> => "branches",
    }
    embed {
        /// What its branches inherit.
        pub policy: TideContextPolicy,
    }
}

/// Why a context policy cannot be used. Prow's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ContextPolicyError(String);

impl TideContextPolicy {
    /// This policy with that of a level below: its booleans win, its lists are added.
    #[must_use]
    pub fn merge(&self, child: &TideContextPolicy) -> TideContextPolicy {
        let union = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().chain(b).collect::<BTreeSet<_>>().into_iter().cloned().collect()
        };
        TideContextPolicy {
            skip_unknown_contexts: child.skip_unknown_contexts.or(self.skip_unknown_contexts),
            required_contexts: union(&self.required_contexts, &child.required_contexts),
            required_if_present_contexts: union(
                &self.required_if_present_contexts,
                &child.required_if_present_contexts,
            ),
            optional_contexts: union(&self.optional_contexts, &child.optional_contexts),
            optional_regex_contexts: union(
                &self.optional_regex_contexts,
                &child.optional_regex_contexts,
            ),
            from_branch_protection: child.from_branch_protection.or(self.from_branch_protection),
            overwrite_pending_contexts: child
                .overwrite_pending_contexts
                .or(self.overwrite_pending_contexts),
            optional_context_regexes: Vec::new(),
        }
    }

    /// Checks that no context counts in two ways, and compiles the patterns.
    pub fn compile(&mut self) -> Result<(), ContextPolicyError> {
        let common = |a: &[String], b: &[String]| -> Option<String> {
            let b: BTreeSet<_> = b.iter().collect();
            let common: BTreeSet<&str> =
                a.iter().filter(|context| b.contains(context)).map(String::as_str).collect();
            let names: Vec<_> = common.into_iter().collect();
            (!names.is_empty()).then(|| names.join(", "))
        };
        for (a, b, words) in [
            (&self.required_contexts, &self.optional_contexts, "required and optional"),
            (
                &self.required_contexts,
                &self.required_if_present_contexts,
                "required and required if present",
            ),
            (
                &self.optional_contexts,
                &self.required_if_present_contexts,
                "optional and required if present",
            ),
        ] {
            if let Some(names) = common(a, b) {
                return Err(ContextPolicyError(format!("contexts {names} are defined as {words}")));
            }
        }
        let mut regexes = Vec::with_capacity(self.optional_regex_contexts.len());
        for pattern in &self.optional_regex_contexts {
            let regex = GoRegex::new(pattern).map_err(|err| {
                ContextPolicyError(format!(
                    "optional context regex {pattern:?} doesn't compile: {err}"
                ))
            })?;
            for (contexts, words) in [
                (&self.required_contexts, "required context"),
                (&self.required_if_present_contexts, "required if present context"),
            ] {
                if let Some(context) = contexts.iter().find(|context| regex.is_match(context)) {
                    return Err(ContextPolicyError(format!(
                        "optional context regex {pattern:?} matches {words} {context}"
                    )));
                }
            }
            regexes.push(regex);
        }
        self.optional_context_regexes = regexes;
        Ok(())
    }

    /// Whether a context does not block.
    pub fn is_optional(&self, context: &str) -> bool {
        let has = |list: &[String]| list.iter().any(|candidate| candidate == context);
        if has(&self.optional_contexts)
            || self.optional_context_regexes.iter().any(|regex| regex.is_match(context))
        {
            return true;
        }
        if has(&self.required_contexts) || has(&self.required_if_present_contexts) {
            return false;
        }
        self.skip_unknown_contexts == Some(true)
    }

    /// Required contexts that are not among `contexts`.
    pub fn missing_required_contexts<'a>(&'a self, contexts: &[String]) -> Vec<&'a str> {
        self.required_contexts
            .iter()
            .filter(|required| !contexts.contains(required))
            .map(String::as_str)
            .collect()
    }
}

impl ContextPolicyOptions {
    /// The policy of a branch as configured, with what it inherits.
    pub fn for_branch(&self, org: &str, repo: &str, branch: &str) -> TideContextPolicy {
        let mut policy = self.policy.clone();
        let Some(org) = self.orgs.get(org) else {
            return policy;
        };
        policy = policy.merge(&org.policy);
        let Some(repo) = org.repos.get(repo) else {
            return policy;
        };
        policy = policy.merge(&repo.policy);
        match repo.branches.get(branch) {
            Some(branch) => policy.merge(branch),
            None => policy,
        }
    }
}

impl ProwConfig {
    /// The contexts that count on a branch: as configured, from branch protection where asked for,
    /// and from the given presubmits.
    pub fn tide_context_policy<'a>(
        &self,
        org: &str,
        repo: &str,
        branch: &str,
        presubmits: impl IntoIterator<Item = &'a Presubmit> + Clone,
    ) -> Result<TideContextPolicy, ContextPolicyError> {
        let options = self.tide.context_options.for_branch(org, repo, branch);
        let mut required: BTreeSet<String> = options.required_contexts.iter().cloned().collect();
        let mut if_present: BTreeSet<String> =
            options.required_if_present_contexts.iter().cloned().collect();
        let mut optional: BTreeSet<String> = options.optional_contexts.iter().cloned().collect();
        let mut require_manually_triggered_jobs = false;
        if options.from_branch_protection == Some(true) {
            // An invalid policy there is branchprotector's to report.
            if let Ok(Some(policy)) =
                self.branch_protection.effective(org, repo, branch, presubmits.clone())
            {
                require_manually_triggered_jobs =
                    policy.require_manually_triggered_jobs == Some(true);
                if policy.protect == Some(true) {
                    required.extend(
                        policy
                            .required_status_checks
                            .into_iter()
                            .flat_map(|checks| checks.contexts),
                    );
                }
            }
        }
        let jobs = branch_requirements(branch, presubmits, require_manually_triggered_jobs);
        required.extend(jobs.required);
        if_present.extend(jobs.required_if_present);
        optional.extend(jobs.optional);
        let mut policy = TideContextPolicy {
            required_contexts: required.into_iter().collect(),
            required_if_present_contexts: if_present.into_iter().collect(),
            optional_contexts: optional.into_iter().collect(),
            optional_regex_contexts: options.optional_regex_contexts,
            skip_unknown_contexts: options.skip_unknown_contexts,
            from_branch_protection: None,
            overwrite_pending_contexts: options.overwrite_pending_contexts,
            optional_context_regexes: Vec::new(),
        };
        policy.compile()?;
        Ok(policy)
    }
}
