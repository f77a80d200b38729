//! Warnings about branch protection.

use super::VALIDATE_UNMANAGED_BRANCH_CONFIG;
use crate::diagnostic::Diagnostic;
use crate::prow::branch_protection::{BranchProtection, Policy};

/// What is not managed should not be configured: nobody applies it.
pub fn unmanaged(protection: &BranchProtection, out: &mut Vec<Diagnostic>) {
    let mut warn =
        |message: String| out.push(Diagnostic::warning(VALIDATE_UNMANAGED_BRANCH_CONFIG, message));
    let is_unmanaged = |policy: &Policy| policy.unmanaged == Some(true);
    if is_unmanaged(&protection.policy) {
        let overridden = protection.has_managed_orgs()
            || protection.has_managed_repos()
            || protection.has_managed_branches();
        if has_settings(&protection.policy) && !overridden {
            warn(
                "branch protection is globally set to unmanaged, but has configuration".to_owned(),
            );
        }
        for (org, _) in protection.orgs.iter().filter(|(_, entry)| !entry.has_managed_repos()) {
            warn(format!(
                "branch protection config is globally set to unmanaged but has configuration for org {org} without setting the org to unmanaged: false"
            ));
        }
    }
    for (org, org_entry) in &protection.orgs {
        if is_unmanaged(&org_entry.policy) {
            let overridden = org_entry.has_managed_repos() || org_entry.has_managed_branches();
            if has_settings(&org_entry.policy) && !overridden {
                warn(format!(
                    "branch protection config for org {org} is set to unmanaged, but it defines settings"
                ));
            }
            for (repo, _) in
                org_entry.repos.iter().filter(|(_, entry)| !entry.has_managed_branches())
            {
                warn(format!(
                    "branch protection config for repo {org}/{repo} is defined, but branch protection is unmanaged for org {org} without setting the repo to unmanaged: false"
                ));
            }
        }
        for (repo, repo_entry) in &org_entry.repos {
            if is_unmanaged(&repo_entry.policy) {
                if has_settings(&repo_entry.policy) && !repo_entry.has_managed_branches() {
                    warn(format!(
                        "branch protection config for repo {org}/{repo} is set to unmanaged, but it defines settings"
                    ));
                }
                for (branch, entry) in &repo_entry.branches {
                    if !entry.policy.is_managed() {
                        warn(format!(
                            "branch protection for repo {org}/{repo} is set to unmanaged, but it defines settings for branch {branch} without setting the branch to unmanaged: false"
                        ));
                    }
                }
            }
            for (branch, entry) in &repo_entry.branches {
                if is_unmanaged(&entry.policy) && has_settings(&entry.policy) {
                    warn(format!(
                        "branch protection config for branch {branch} in repo {org}/{repo} is set to unmanaged but defines settings"
                    ));
                }
            }
        }
    }
}

/// Whether a policy says more than that it is not managed.
fn has_settings(policy: &Policy) -> bool {
    *policy != Policy { unmanaged: policy.unmanaged, ..Policy::default() }
}
