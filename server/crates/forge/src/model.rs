//! The documents of the code host that webhooks and API answers share.
//!
//! Every field is optional on the wire: a field that is missing or `null` reads as its empty
//! value, and unknown fields are ignored, as Go's decoder does for Prow.

use go_compat::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

/// Reads `null` as the empty value, as Go does.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Declares documents all of whose fields may be missing or `null`.
macro_rules! documents {
    ($( $(#[$meta:meta])* pub struct $name:ident { $( $(#[$field_meta:meta])* pub $field:ident : $type:ty, )* } )*) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
            pub struct $name {
                $(
                    $(#[$field_meta])*
                    #[serde(default, deserialize_with = "crate::model::nullable")]
                    pub $field: $type,
                )*
            }
        )*
    };
}
pub(crate) use documents;

/// A login in the form in which Prow compares logins: lower case, without a leading `@`.
pub fn norm_login(login: &str) -> String {
    let lower = login.to_lowercase();
    lower.strip_prefix('@').unwrap_or(&lower).to_owned()
}

/// What a user may do in a repository, as the API lists it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Permissions {
    /// May read.
    pub pull: bool,
    /// May manage issues and pull requests.
    pub triage: bool,
    /// May write.
    pub push: bool,
    /// May manage the repository without its dangerous settings.
    pub maintain: bool,
    /// May do everything.
    pub admin: bool,
}

documents! {
    /// An account.
    pub struct User {
        /// The name used in mentions, without `@`.
        pub login: String,
        /// The display name; only in answers about one user, and in pushes.
        pub name: String,
        /// The public address.
        pub email: String,
        /// The stable number.
        pub id: u64,
        /// The profile page.
        pub html_url: String,
        /// `User`, `Bot` or `Organization`.
        #[serde(rename = "type")]
        pub kind: String,
        /// The permissions in a repository, where the answer is about one.
        pub permissions: Permissions,
    }

    /// A label.
    pub struct Label {
        /// The API address.
        pub url: String,
        /// The name, in the case in which it was created.
        pub name: String,
        /// What it means.
        pub description: String,
        /// Six hexadecimal digits.
        pub color: String,
    }

    /// A milestone.
    pub struct Milestone {
        /// Its title.
        pub title: String,
        /// Its number in the repository.
        pub number: u64,
        /// `open` or `closed`.
        pub state: String,
    }

    /// A team of an organization.
    pub struct Team {
        /// The stable number.
        pub id: u64,
        /// The display name.
        pub name: String,
        /// The name in mentions and paths.
        pub slug: String,
    }

    /// An organization.
    pub struct Organization {
        /// The login.
        pub login: String,
        /// The stable number.
        pub id: u64,
    }

    /// A repository.
    pub struct Repo {
        /// The stable number.
        pub id: u64,
        /// The account that owns it.
        pub owner: User,
        /// The name without the owner.
        pub name: String,
        /// `owner/name`.
        pub full_name: String,
        /// Its page.
        pub html_url: String,
        /// The address that `git clone` takes over HTTP.
        pub clone_url: String,
        /// The address that `git clone` takes over SSH.
        pub ssh_url: String,
        /// Whether it is a fork.
        pub fork: bool,
        /// The branch a clone checks out.
        pub default_branch: String,
        /// Whether it is read-only for good.
        pub archived: bool,
        /// Whether only some accounts see it.
        pub private: bool,
        /// One line about it.
        pub description: String,
        /// The GraphQL identifier.
        pub node_id: String,
        /// What the requester may do.
        pub permissions: Permissions,
    }

    /// One side of a pull request.
    pub struct PullRequestBranch {
        /// The branch, without `refs/heads/`.
        #[serde(rename = "ref")]
        pub reference: String,
        /// Its commit.
        pub sha: String,
        /// Its repository; empty for a head whose fork was deleted.
        pub repo: Repo,
        /// The owner of the branch.
        pub user: User,
    }

    /// A pull request.
    pub struct PullRequest {
        /// The stable number over all repositories.
        pub id: u64,
        /// The GraphQL identifier.
        pub node_id: String,
        /// The number in its repository.
        pub number: u64,
        /// Its page.
        pub html_url: String,
        /// The author.
        pub user: User,
        /// Its labels.
        pub labels: Vec<Label>,
        /// Where it wants to go.
        pub base: PullRequestBranch,
        /// What it brings.
        pub head: PullRequestBranch,
        /// The title.
        pub title: String,
        /// The description, as Markdown.
        pub body: String,
        /// Users asked for a review.
        pub requested_reviewers: Vec<User>,
        /// Teams asked for a review.
        pub requested_teams: Vec<Team>,
        /// Users it is assigned to.
        pub assignees: Vec<User>,
        /// `open` or `closed`.
        pub state: String,
        /// Whether the author says that it is not ready.
        pub draft: bool,
        /// Whether it was merged.
        pub merged: bool,
        /// When it was opened.
        pub created_at: Option<Timestamp>,
        /// When anything of it changed last.
        pub updated_at: Option<Timestamp>,
        /// When it was closed or merged.
        pub closed_at: Option<Timestamp>,
        /// When it was merged.
        pub merged_at: Option<Timestamp>,
        /// The merge commit once merged; before, GitHub's test merge.
        pub merge_commit_sha: Option<String>,
        /// Whether it merges without a conflict; `None` while GitHub is still computing it.
        pub mergeable: Option<bool>,
        /// Its milestone.
        pub milestone: Option<Milestone>,
        /// How many commits it has.
        pub commits: u64,
        /// How the author relates to the repository, as `MEMBER` or `FIRST_TIME_CONTRIBUTOR`.
        pub author_association: String,
        /// The address of its diff.
        pub diff_url: String,
    }

    /// What makes an issue a pull request.
    pub struct IssuePullRequest {
        /// The API address of the pull request.
        pub url: String,
        /// Its page.
        pub html_url: String,
        /// When it was merged; `None` if it was not.
        pub merged_at: Option<Timestamp>,
    }

    /// An issue; GitHub shows every pull request as one, too.
    pub struct Issue {
        /// The stable number over all repositories.
        pub id: u64,
        /// The GraphQL identifier.
        pub node_id: String,
        /// The author.
        pub user: User,
        /// The number in its repository.
        pub number: u64,
        /// The title.
        pub title: String,
        /// `open` or `closed`.
        pub state: String,
        /// Why it was closed, as `completed` or `not_planned`.
        pub state_reason: String,
        /// Its page.
        pub html_url: String,
        /// Its labels.
        pub labels: Vec<Label>,
        /// Users it is assigned to.
        pub assignees: Vec<User>,
        /// The description, as Markdown.
        pub body: String,
        /// When it was opened.
        pub created_at: Option<Timestamp>,
        /// When anything of it changed last.
        pub updated_at: Option<Timestamp>,
        /// Its milestone.
        pub milestone: Option<Milestone>,
        /// Present if it is a pull request.
        pub pull_request: Option<IssuePullRequest>,
    }

    /// A comment on an issue or pull request.
    pub struct IssueComment {
        /// The stable number.
        pub id: u64,
        /// The GraphQL identifier.
        pub node_id: String,
        /// The text, as Markdown.
        pub body: String,
        /// Who wrote it.
        pub user: User,
        /// Its place on the page.
        pub html_url: String,
        /// When it was written.
        pub created_at: Option<Timestamp>,
        /// When it was edited last.
        pub updated_at: Option<Timestamp>,
    }

    /// A review of a pull request.
    pub struct Review {
        /// The stable number.
        pub id: u64,
        /// The GraphQL identifier.
        pub node_id: String,
        /// The reviewer.
        pub user: User,
        /// The text, as Markdown.
        pub body: String,
        /// `approved`, `changes_requested`, `commented`, `dismissed` or `pending`; upper case in
        /// API answers, lower case in webhooks.
        pub state: String,
        /// Its place on the page.
        pub html_url: String,
        /// When it was submitted.
        pub submitted_at: Option<Timestamp>,
    }

    /// A comment on a line of a pull request.
    pub struct ReviewComment {
        /// The stable number.
        pub id: u64,
        /// The GraphQL identifier.
        pub node_id: String,
        /// The review it belongs to.
        pub pull_request_review_id: u64,
        /// Who wrote it.
        pub user: User,
        /// The text, as Markdown.
        pub body: String,
        /// The file it is about.
        pub path: String,
        /// Its place on the page.
        pub html_url: String,
        /// When it was written.
        pub created_at: Option<Timestamp>,
        /// When it was edited last.
        pub updated_at: Option<Timestamp>,
        /// The line in the diff; `None` once the code changed under it.
        pub position: Option<u64>,
    }

    /// A commit of a push.
    pub struct PushCommit {
        /// Its object name.
        pub id: String,
        /// Its message.
        pub message: String,
        /// Paths it added.
        pub added: Vec<String>,
        /// Paths it removed.
        pub removed: Vec<String>,
        /// Paths it changed.
        pub modified: Vec<String>,
    }

    /// A file that a pull request changes.
    pub struct ChangedFile {
        /// The blob after the change.
        pub sha: String,
        /// The path after the change.
        pub filename: String,
        /// `added`, `removed`, `modified`, `renamed`, `copied` or `changed`.
        pub status: String,
        /// Lines added.
        pub additions: u64,
        /// Lines removed.
        pub deletions: u64,
        /// Lines touched.
        pub changes: u64,
        /// The diff; empty for binary and very large files.
        pub patch: String,
        /// The path before a rename.
        pub previous_filename: String,
    }

    /// The state of one context on a commit, as it is written.
    pub struct Status {
        /// `pending`, `success`, `failure` or `error`.
        pub state: String,
        /// Where its details are.
        pub target_url: String,
        /// At most 140 characters.
        pub description: String,
        /// The name; the newest status of a name counts.
        pub context: String,
    }

    /// The newest status of every context of a commit.
    pub struct CombinedStatus {
        /// The commit.
        pub sha: String,
        /// All contexts taken together: `pending`, `success` or `failure`.
        pub state: String,
        /// One status per context.
        pub statuses: Vec<Status>,
    }

    /// A run of a GitHub Actions workflow.
    pub struct WorkflowRun {
        /// The stable number.
        pub id: u64,
        /// The workflow's name.
        pub name: String,
        /// The branch it runs for.
        pub head_branch: String,
        /// The commit it runs for.
        pub head_sha: String,
        /// What started it, as `pull_request`.
        pub event: String,
        /// `queued`, `in_progress`, `completed`, `waiting` or `action_required`.
        pub status: String,
        /// `success`, `failure`, `cancelled`, `skipped`, `action_required` …; empty until completed.
        pub conclusion: String,
        /// The workflow.
        pub workflow_id: u64,
        /// Its page.
        pub html_url: String,
    }
}

impl Label {
    /// A label of which only the name matters.
    pub fn named(name: impl Into<String>) -> Label {
        Label { name: name.into(), ..Label::default() }
    }
}

/// Whether a label of this name is among them, in any case, as most of Prow's plugins test.
pub fn has_label(name: &str, labels: &[Label]) -> bool {
    labels.iter().any(|label| label.name.to_lowercase() == name.to_lowercase())
}

impl Issue {
    /// Whether this is a pull request.
    pub fn is_pull_request(&self) -> bool {
        self.pull_request.is_some()
    }

    /// Whether the user opened it.
    pub fn is_author(&self, login: &str) -> bool {
        norm_login(&self.user.login) == norm_login(login)
    }

    /// Whether it is assigned to the user.
    pub fn is_assignee(&self, login: &str) -> bool {
        self.assignees.iter().any(|user| norm_login(&user.login) == norm_login(login))
    }
}

/// A workflow run that is over and neither passed nor was skipped is worth another try.
const PASSED_CONCLUSIONS: [&str; 2] = ["success", "skipped"];

impl WorkflowRun {
    /// Whether re-running its failed jobs makes sense, as Prow's trigger decides.
    pub fn failed(&self) -> bool {
        self.status == "completed" && !PASSED_CONCLUSIONS.contains(&self.conclusion.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_missing_fields_read_as_empty() {
        let pull: PullRequest = serde_json::from_str(
            r#"{"number":7,"body":null,"head":{"ref":"topic","repo":null},"mergeable":null,
                "milestone":null,"assignees":null,"invented":{"a":[1]}}"#,
        )
        .expect("a sparse pull request");
        assert_eq!(pull.number, 7);
        assert_eq!(pull.body, "");
        assert_eq!(pull.head.reference, "topic");
        assert_eq!(pull.head.repo, Repo::default());
        assert_eq!(pull.mergeable, None);
        assert_eq!(pull.milestone, None);
        assert!(pull.assignees.is_empty());
    }

    #[test]
    fn logins_are_compared_in_lower_case_and_without_the_at_sign() {
        assert_eq!(norm_login("@OctoCat"), "octocat");
        assert_eq!(norm_login("octocat"), "octocat");
        assert_eq!(norm_login("@@x"), "@x");
    }

    #[test]
    fn labels_are_found_in_any_case() {
        let labels = [Label::named("Ok-To-Test")];
        assert!(has_label("ok-to-test", &labels));
        assert!(!has_label("ok-to-tes", &labels));
    }

    #[test]
    fn only_completed_runs_that_did_not_pass_count_as_failed() {
        let run = |status: &str, conclusion: &str| {
            WorkflowRun {
                status: status.into(),
                conclusion: conclusion.into(),
                ..Default::default()
            }
            .failed()
        };
        assert!(run("completed", "failure"));
        assert!(run("completed", "cancelled"));
        assert!(!run("completed", "success"));
        assert!(!run("completed", "skipped"));
        assert!(!run("in_progress", ""));
    }
}
