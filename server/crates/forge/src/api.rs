//! The trait through which everything else speaks to the code host.

use async_trait::async_trait;

use crate::{
    error::ForgeError,
    model::{
        ChangedFile, CombinedStatus, IssueComment, Label, PullRequest, Repo, Status, User,
        WorkflowRun,
    },
};

/// The account the program acts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotUser {
    /// Its login; for a GitHub App the App's slug, without `[bot]`.
    pub login: String,
}

impl BotUser {
    /// Whether a login is the bot's. Under App authentication GitHub appends `[bot]` to the login
    /// of comments and events, so that suffix is dropped first, as Prow's bot check does.
    pub fn is(&self, login: &str) -> bool {
        login.strip_suffix("[bot]").unwrap_or(login) == self.login
    }
}

/// What the program may ask of a code host, and nothing more.
///
/// Every call obeys one retry policy and the rate limits of its credential, so a caller never
/// retries by itself at once: an error is final for now. Dropping the future abandons the call;
/// a write may then have happened or not.
///
/// Under `--dry-run` reads are real and writes are logged and otherwise do nothing.
#[async_trait]
pub trait Forge: Send + Sync {
    /// The account the program acts as; asked once, then remembered.
    async fn bot_user(&self) -> Result<BotUser, ForgeError>;

    /// Whether the user is a member of the organization. A user is always a member of the
    /// organization of the same name, so that plugins work in personal repositories. The answer
    /// is an error if the bot itself is not a member and hence may not know.
    async fn is_member(&self, org: &str, user: &str) -> Result<bool, ForgeError>;

    /// Whether the user is a collaborator of the repository; always so for its owner.
    async fn is_collaborator(&self, org: &str, repo: &str, user: &str) -> Result<bool, ForgeError>;

    /// The repository.
    async fn get_repo(&self, org: &str, repo: &str) -> Result<Repo, ForgeError>;

    /// The pull request of this number.
    async fn get_pull_request(
        &self,
        org: &str,
        repo: &str,
        number: u64,
    ) -> Result<PullRequest, ForgeError>;

    /// The open pull requests of the repository, all pages.
    async fn list_open_pull_requests(
        &self,
        org: &str,
        repo: &str,
    ) -> Result<Vec<PullRequest>, ForgeError>;

    /// The commit that a reference (`heads/main`, `tags/v1`) points to.
    async fn get_ref(&self, org: &str, repo: &str, reference: &str) -> Result<String, ForgeError>;

    /// The files the pull request changes, all pages (GitHub lists at most 3,000).
    async fn list_pull_request_files(
        &self,
        org: &str,
        repo: &str,
        number: u64,
    ) -> Result<Vec<ChangedFile>, ForgeError>;

    /// The labels of an issue or pull request.
    async fn get_issue_labels(
        &self,
        org: &str,
        repo: &str,
        number: u64,
    ) -> Result<Vec<Label>, ForgeError>;

    /// Adds a label; one that is already there is no error.
    async fn add_label(
        &self,
        org: &str,
        repo: &str,
        number: u64,
        label: &str,
    ) -> Result<(), ForgeError>;

    /// Removes a label; one that is not there is no error.
    async fn remove_label(
        &self,
        org: &str,
        repo: &str,
        number: u64,
        label: &str,
    ) -> Result<(), ForgeError>;

    /// The comments of an issue or pull request, oldest first, all pages.
    async fn list_issue_comments(
        &self,
        org: &str,
        repo: &str,
        number: u64,
    ) -> Result<Vec<IssueComment>, ForgeError>;

    /// Writes a comment. If the reply is lost on the way, the comment is looked up before it is
    /// written a second time.
    async fn create_comment(
        &self,
        org: &str,
        repo: &str,
        number: u64,
        body: &str,
    ) -> Result<IssueComment, ForgeError>;

    /// Replaces the text of a comment.
    async fn edit_comment(
        &self,
        org: &str,
        repo: &str,
        id: u64,
        body: &str,
    ) -> Result<(), ForgeError>;

    /// Deletes a comment; one that is gone already is no error.
    async fn delete_comment(&self, org: &str, repo: &str, id: u64) -> Result<(), ForgeError>;

    /// The newest status of every context of a commit or branch, all pages.
    async fn combined_status(
        &self,
        org: &str,
        repo: &str,
        reference: &str,
    ) -> Result<CombinedStatus, ForgeError>;

    /// Sets the status of a context on a commit. If the reply is lost on the way, the commit is
    /// looked at before the status is written a second time.
    async fn create_status(
        &self,
        org: &str,
        repo: &str,
        sha: &str,
        status: &Status,
    ) -> Result<(), ForgeError>;

    /// How many pull requests of this author were merged in the organization.
    async fn search_merged_count(&self, org: &str, author: &str) -> Result<u64, ForgeError>;

    /// The workflow runs for this head that wait for a maintainer's approval.
    async fn list_runs_awaiting_approval(
        &self,
        org: &str,
        repo: &str,
        branch: &str,
        head_sha: &str,
    ) -> Result<Vec<WorkflowRun>, ForgeError>;

    /// The workflow runs for this head that completed and neither passed nor were skipped.
    async fn list_failed_runs(
        &self,
        org: &str,
        repo: &str,
        branch: &str,
        head_sha: &str,
    ) -> Result<Vec<WorkflowRun>, ForgeError>;

    /// Lets a workflow run of a first contributor start.
    async fn approve_workflow_run(&self, org: &str, repo: &str, id: u64) -> Result<(), ForgeError>;

    /// Runs the failed jobs of a workflow run again, with all that depend on them.
    async fn rerun_failed_jobs(&self, org: &str, repo: &str, id: u64) -> Result<(), ForgeError>;

    /// The bytes of a file at a commit or branch (`""` is the default branch). A folder, a link
    /// and a missing file are [`ForgeError::NotFound`].
    async fn get_file(
        &self,
        org: &str,
        repo: &str,
        path: &str,
        reference: &str,
    ) -> Result<Vec<u8>, ForgeError>;

    /// The account of this login.
    async fn get_user(&self, login: &str) -> Result<User, ForgeError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bot_is_recognised_with_and_without_the_app_suffix() {
        let bot = BotUser { login: "k8s-ci-robot".into() };
        assert!(bot.is("k8s-ci-robot"));
        assert!(bot.is("k8s-ci-robot[bot]"));
        assert!(!bot.is("k8s-ci-robot[bot]y"));
        assert!(!bot.is("someone"));
    }
}
