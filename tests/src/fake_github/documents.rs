//! Everything as GitHub's API and webhooks show it, in JSON.

use go_compat::time::Timestamp;
use serde_json::{Value, json};

use super::world::{Account, Comment, CommitStatus, Issue, Pull, Repository, Review, Team, World};

/// Renders documents. Addresses in them begin with `base`.
pub(super) struct Documents<'a> {
    pub(super) world: &'a World,
    pub(super) base: &'a str,
}

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| json!(at.rfc3339()))
}

/// GraphQL identifiers only need to be distinct.
fn node_id(kind: &str, id: u64) -> String {
    format!("{kind}_{id}")
}

impl Documents<'_> {
    pub(super) fn user(&self, login: &str) -> Value {
        let Account { id, login, kind } = self.world.account(login);
        json!({
            "login": login,
            "id": id,
            "node_id": node_id("U", id),
            "type": kind,
            "html_url": format!("{}/{login}", self.base),
            "url": format!("{}/users/{login}", self.base),
            "site_admin": false,
        })
    }

    pub(super) fn label(&self, repository: &Repository, name: &str) -> Value {
        json!({
            "id": 1,
            "name": name,
            "color": "ededed",
            "default": false,
            "description": null,
            "url": format!("{}/repos/{}/labels/{name}", self.base, repository.full_name()),
        })
    }

    pub(super) fn team(&self, org: &str, slug: &str, team: &Team) -> Value {
        json!({
            "id": team.id,
            "name": team.name,
            "slug": slug,
            "privacy": "closed",
            "url": format!("{}/orgs/{org}/teams/{slug}", self.base),
        })
    }

    pub(super) fn repo(&self, repository: &Repository) -> Value {
        let name = repository.full_name();
        json!({
            "id": repository.id,
            "node_id": node_id("R", repository.id),
            "name": repository.name,
            "full_name": name,
            "owner": self.user(&repository.owner),
            "private": repository.private,
            "visibility": if repository.private { "private" } else { "public" },
            "html_url": format!("{}/{name}", self.base),
            "url": format!("{}/repos/{name}", self.base),
            "clone_url": format!("{}/{name}.git", self.base),
            "ssh_url": format!("git@localhost:{name}.git"),
            "description": null,
            "fork": repository.parent.is_some(),
            "archived": false,
            "default_branch": repository.default_branch,
            "has_issues": true,
            "allow_merge_commit": true,
            "allow_squash_merge": true,
            "allow_rebase_merge": false,
        })
    }

    /// The issue, or the pull request as an issue.
    pub(super) fn issue(&self, repository: &Repository, issue: &Issue) -> Value {
        let name = repository.full_name();
        let page = if issue.pull.is_some() { "pull" } else { "issues" };
        let mut document = json!({
            "id": issue.id,
            "node_id": node_id("I", issue.id),
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "state": if issue.open { "open" } else { "closed" },
            "state_reason": if issue.open { Value::Null } else { json!("completed") },
            "locked": false,
            "user": self.user(&issue.author),
            "labels": self.labels(repository, issue),
            "assignees": self.users(&issue.assignees),
            "milestone": null,
            "comments": issue.comments.len(),
            "created_at": issue.created_at.rfc3339(),
            "updated_at": issue.updated_at.rfc3339(),
            "closed_at": time(issue.closed_at),
            "author_association": self.world.association(repository, &issue.author),
            "html_url": format!("{}/{name}/{page}/{}", self.base, issue.number),
            "url": format!("{}/repos/{name}/issues/{}", self.base, issue.number),
        });
        if let Some(pull) = &issue.pull {
            document["draft"] = json!(pull.draft);
            document["pull_request"] = json!({
                "url": format!("{}/repos/{name}/pulls/{}", self.base, issue.number),
                "html_url": format!("{}/{name}/pull/{}", self.base, issue.number),
                "merged_at": time(pull.merged_at),
            });
        }
        document
    }

    pub(super) fn pull(&self, repository: &Repository, issue: &Issue, pull: &Pull) -> Value {
        let name = repository.full_name();
        let page = format!("{}/{name}/pull/{}", self.base, issue.number);
        let head_repo = self.world.repos.get(&pull.head_repo);
        let head_owner = head_repo.map_or(&pull.head_repo.0, |repository| &repository.owner);
        json!({
            "id": issue.id,
            "node_id": node_id("PR", issue.id),
            "number": issue.number,
            "title": issue.title,
            "body": if issue.body.is_empty() { Value::Null } else { json!(issue.body) },
            "state": if issue.open { "open" } else { "closed" },
            "locked": false,
            "draft": pull.draft,
            "merged": pull.merged_at.is_some(),
            "mergeable": pull.mergeable,
            "merge_commit_sha": pull.merge_sha,
            "user": self.user(&issue.author),
            "labels": self.labels(repository, issue),
            "assignee": issue.assignees.first().map(|login| self.user(login)),
            "assignees": self.users(&issue.assignees),
            "requested_reviewers": [],
            "requested_teams": [],
            "milestone": null,
            "commits": pull.commits,
            "created_at": issue.created_at.rfc3339(),
            "updated_at": issue.updated_at.rfc3339(),
            "closed_at": time(issue.closed_at),
            "merged_at": time(pull.merged_at),
            "author_association": self.world.association(repository, &issue.author),
            "html_url": page,
            "diff_url": format!("{page}.diff"),
            "url": format!("{}/repos/{name}/pulls/{}", self.base, issue.number),
            "base": {
                "label": format!("{}:{}", repository.owner, pull.base_ref),
                "ref": pull.base_ref,
                "sha": pull.base_sha,
                "user": self.user(&repository.owner),
                "repo": self.repo(repository),
            },
            "head": {
                "label": format!("{head_owner}:{}", pull.head_ref),
                "ref": pull.head_ref,
                "sha": pull.head_sha,
                "user": self.user(head_owner),
                "repo": head_repo.map(|repository| self.repo(repository)),
            },
        })
    }

    pub(super) fn comment(&self, repository: &Repository, number: u64, comment: &Comment) -> Value {
        let name = repository.full_name();
        json!({
            "id": comment.id,
            "node_id": node_id("IC", comment.id),
            "body": comment.body,
            "user": self.user(&comment.author),
            "created_at": comment.created_at.rfc3339(),
            "updated_at": comment.updated_at.rfc3339(),
            "author_association": self.world.association(repository, &comment.author),
            "html_url": format!("{}/{name}/issues/{number}#issuecomment-{}", self.base, comment.id),
            "url": format!("{}/repos/{name}/issues/comments/{}", self.base, comment.id),
        })
    }

    pub(super) fn review_comment(
        &self,
        repository: &Repository,
        number: u64,
        comment: &Comment,
    ) -> Value {
        let mut document = self.comment(repository, number, comment);
        let name = repository.full_name();
        document["node_id"] = json!(node_id("PRRC", comment.id));
        document["path"] = json!(comment.path);
        document["position"] = json!(1);
        document["pull_request_review_id"] = json!(0);
        document["html_url"] =
            json!(format!("{}/{name}/pull/{number}#discussion_r{}", self.base, comment.id));
        document
    }

    /// `webhook` decides about the case of the state: upper in answers, lower in webhooks.
    pub(super) fn review(
        &self,
        repository: &Repository,
        number: u64,
        review: &Review,
        webhook: bool,
    ) -> Value {
        let name = repository.full_name();
        let state = if webhook { review.state.to_lowercase() } else { review.state.to_uppercase() };
        json!({
            "id": review.id,
            "node_id": node_id("PRR", review.id),
            "user": self.user(&review.author),
            "body": if review.body.is_empty() { Value::Null } else { json!(review.body) },
            "state": state,
            "submitted_at": review.submitted_at.rfc3339(),
            "html_url":
                format!("{}/{name}/pull/{number}#pullrequestreview-{}", self.base, review.id),
        })
    }

    pub(super) fn status(&self, status: &CommitStatus) -> Value {
        json!({
            "id": status.id,
            "state": status.state,
            "context": status.context,
            "description": status.description,
            "target_url": status.target_url,
            "creator": self.user(&status.creator),
            "created_at": status.created_at.rfc3339(),
            "updated_at": status.created_at.rfc3339(),
        })
    }

    /// All contexts of a commit taken together, as GitHub takes them together.
    pub(super) fn combined_state(statuses: &[&CommitStatus]) -> &'static str {
        let any =
            |states: &[&str]| statuses.iter().any(|status| states.contains(&status.state.as_str()));
        if any(&["error", "failure"]) {
            "failure"
        } else if statuses.is_empty() || any(&["pending"]) {
            "pending"
        } else {
            "success"
        }
    }

    fn labels(&self, repository: &Repository, issue: &Issue) -> Value {
        issue.labels.iter().map(|name| self.label(repository, name)).collect()
    }

    pub(super) fn users(&self, logins: &[String]) -> Value {
        logins.iter().map(|login| self.user(login)).collect()
    }
}
