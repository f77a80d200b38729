//! Webhook payloads: the fields that Prow's plugins read.
//!
//! [`Event::parse`] turns the `X-GitHub-Event` header and the body into one of them; the delivery
//! id travels along as `guid`. [`GenericComment::from_event`] is the comment that Prow synthesises
//! from five of the events for plugins that answer commands wherever they are written.

use serde::{Deserialize, Serialize};

use crate::model::{
    Issue, IssueComment, Label, Organization, PullRequest, PushCommit, Repo, Review, ReviewComment,
    User, documents,
};

documents! {
    /// `pull_request`.
    pub struct PullRequestEvent {
        /// What happened, as `opened` or `synchronize`.
        pub action: String,
        /// The number of the pull request.
        pub number: u64,
        /// The pull request after it happened.
        pub pull_request: PullRequest,
        /// Where it happened.
        #[serde(rename = "repository")]
        pub repo: Repo,
        /// The label, for `labeled` and `unlabeled`.
        pub label: Label,
        /// Who did it.
        pub sender: User,
        /// What it was before, for `edited`; see [`PullRequestEvent::base_change`].
        pub changes: serde_json::Value,
        /// The head before, for `synchronize`.
        pub before: String,
        /// The head after, for `synchronize`.
        pub after: String,
        /// The delivery id.
        #[serde(skip)]
        pub guid: String,
    }

    /// `issues`.
    pub struct IssuesEvent {
        /// What happened, as `opened` or `labeled`.
        pub action: String,
        /// The issue after it happened.
        pub issue: Issue,
        /// Where it happened.
        #[serde(rename = "repository")]
        pub repo: Repo,
        /// The label, for `labeled` and `unlabeled`.
        pub label: Label,
        /// Who did it.
        pub sender: User,
        /// The delivery id.
        #[serde(skip)]
        pub guid: String,
    }

    /// `issue_comment`.
    pub struct IssueCommentEvent {
        /// `created`, `edited` or `deleted`.
        pub action: String,
        /// The issue or pull request.
        pub issue: Issue,
        /// The comment.
        pub comment: IssueComment,
        /// Where it happened.
        #[serde(rename = "repository")]
        pub repo: Repo,
        /// Who did it.
        pub sender: User,
        /// The delivery id.
        #[serde(skip)]
        pub guid: String,
    }

    /// `push`.
    pub struct PushEvent {
        /// The full reference, as `refs/heads/main`.
        #[serde(rename = "ref")]
        pub reference: String,
        /// The commit before; all zero if the reference is new.
        pub before: String,
        /// The commit after; all zero if the reference is gone.
        pub after: String,
        /// Whether the reference is new.
        pub created: bool,
        /// Whether the reference is gone.
        pub deleted: bool,
        /// Whether commits were dropped.
        pub forced: bool,
        /// The page that shows the difference.
        pub compare: String,
        /// The commits it brought; GitHub lists at most 2,048.
        pub commits: Vec<PushCommit>,
        /// Who pushed, as git names them.
        pub pusher: User,
        /// Who pushed, as an account.
        pub sender: User,
        /// Where it happened.
        #[serde(rename = "repository")]
        pub repo: Repo,
        /// The delivery id.
        #[serde(skip)]
        pub guid: String,
    }

    /// A branch that a status belongs to.
    pub struct StatusBranch {
        /// Its name.
        pub name: String,
    }

    /// `status`.
    pub struct StatusEvent {
        /// The stable number.
        pub id: u64,
        /// The commit.
        pub sha: String,
        /// `pending`, `success`, `failure` or `error`.
        pub state: String,
        /// In words.
        pub description: String,
        /// Where its details are.
        pub target_url: String,
        /// `owner/name` of the repository.
        pub name: String,
        /// The name of the status.
        pub context: String,
        /// The branches whose head the commit is.
        pub branches: Vec<StatusBranch>,
        /// Who set it.
        pub sender: User,
        /// Where it happened.
        #[serde(rename = "repository")]
        pub repo: Repo,
        /// The delivery id.
        #[serde(skip)]
        pub guid: String,
    }

    /// `pull_request_review`.
    pub struct ReviewEvent {
        /// `submitted`, `edited` or `dismissed`.
        pub action: String,
        /// The pull request.
        pub pull_request: PullRequest,
        /// Where it happened.
        #[serde(rename = "repository")]
        pub repo: Repo,
        /// The review.
        pub review: Review,
        /// Who did it.
        pub sender: User,
        /// The delivery id.
        #[serde(skip)]
        pub guid: String,
    }

    /// `pull_request_review_comment`.
    pub struct ReviewCommentEvent {
        /// `created`, `edited` or `deleted`.
        pub action: String,
        /// The pull request.
        pub pull_request: PullRequest,
        /// Where it happened.
        #[serde(rename = "repository")]
        pub repo: Repo,
        /// The comment.
        pub comment: ReviewComment,
        /// Who did it.
        pub sender: User,
        /// The delivery id.
        #[serde(skip)]
        pub guid: String,
    }

    /// `ping`, which GitHub sends when a webhook is set up.
    pub struct PingEvent {
        /// GitHub's word of wisdom.
        pub zen: String,
        /// The webhook.
        pub hook_id: u64,
        /// The repository, for a repository's webhook.
        #[serde(rename = "repository")]
        pub repo: Repo,
        /// The organization, for an organization's webhook.
        pub organization: Organization,
        /// The delivery id.
        #[serde(skip)]
        pub guid: String,
    }

    /// What every payload has: enough to tell whether it is for us and which key signs it.
    pub struct Envelope {
        /// What happened; empty for events without actions.
        pub action: String,
        /// The repository, if the event is about one.
        #[serde(rename = "repository")]
        pub repo: Repo,
        /// The organization, if the repository belongs to one.
        pub organization: Organization,
        /// Who did it.
        pub sender: User,
    }
}

impl Envelope {
    /// Reads only what every payload has.
    pub fn parse(body: &[u8]) -> Result<Envelope, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// The organization: of the repository if there is one, else the event's own.
    pub fn org(&self) -> &str {
        if self.repo.owner.login.is_empty() {
            &self.organization.login
        } else {
            &self.repo.owner.login
        }
    }
}

impl PushEvent {
    /// The branch or tag, without `refs/heads/` or `refs/tags/`; its own slashes stay.
    pub fn branch(&self) -> &str {
        let name = self.reference.strip_prefix("refs/heads/").unwrap_or(&self.reference);
        name.strip_prefix("refs/tags/").unwrap_or(name)
    }
}

impl PullRequestEvent {
    /// What the base was before an `edited`: `(ref, sha)`, each only if it changed.
    pub fn base_change(&self) -> (Option<&str>, Option<&str>) {
        let from = |key: &str| self.changes.get("base")?.get(key)?.get("from")?.as_str();
        (from("ref"), from("sha"))
    }
}

/// One webhook, typed by its `X-GitHub-Event` header.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// See [`PullRequestEvent`].
    PullRequest(Box<PullRequestEvent>),
    /// See [`IssuesEvent`].
    Issues(Box<IssuesEvent>),
    /// See [`IssueCommentEvent`].
    IssueComment(Box<IssueCommentEvent>),
    /// See [`PushEvent`].
    Push(Box<PushEvent>),
    /// See [`StatusEvent`].
    Status(Box<StatusEvent>),
    /// See [`ReviewEvent`].
    Review(Box<ReviewEvent>),
    /// See [`ReviewCommentEvent`].
    ReviewComment(Box<ReviewCommentEvent>),
    /// See [`PingEvent`].
    Ping(Box<PingEvent>),
    /// An event that no handler in this process reads; external plugins may.
    Other(String),
}

impl Event {
    /// Types a payload. `kind` is the `X-GitHub-Event` header, `guid` the `X-GitHub-Delivery`
    /// header. A body that is not the JSON of that event is an error; an unknown kind is not.
    pub fn parse(kind: &str, guid: &str, body: &[u8]) -> Result<Event, serde_json::Error> {
        macro_rules! typed {
            ($variant:ident, $type:ty) => {{
                let mut event: $type = serde_json::from_slice(body)?;
                event.guid = guid.to_owned();
                Event::$variant(Box::new(event))
            }};
        }
        Ok(match kind {
            "pull_request" => typed!(PullRequest, PullRequestEvent),
            "issues" => typed!(Issues, IssuesEvent),
            "issue_comment" => typed!(IssueComment, IssueCommentEvent),
            "push" => typed!(Push, PushEvent),
            "status" => typed!(Status, StatusEvent),
            "pull_request_review" => typed!(Review, ReviewEvent),
            "pull_request_review_comment" => typed!(ReviewComment, ReviewCommentEvent),
            "ping" => typed!(Ping, PingEvent),
            other => Event::Other(other.to_owned()),
        })
    }

    /// What happened, for logs and metric labels; empty for events without actions.
    pub fn action(&self) -> &str {
        match self {
            Event::PullRequest(event) => &event.action,
            Event::Issues(event) => &event.action,
            Event::IssueComment(event) => &event.action,
            Event::Review(event) => &event.action,
            Event::ReviewComment(event) => &event.action,
            Event::Push(_) | Event::Status(_) | Event::Ping(_) | Event::Other(_) => "",
        }
    }

    /// Where it happened, if the event is about a repository.
    pub fn repo(&self) -> Option<&Repo> {
        match self {
            Event::PullRequest(event) => Some(&event.repo),
            Event::Issues(event) => Some(&event.repo),
            Event::IssueComment(event) => Some(&event.repo),
            Event::Push(event) => Some(&event.repo),
            Event::Status(event) => Some(&event.repo),
            Event::Review(event) => Some(&event.repo),
            Event::ReviewComment(event) => Some(&event.repo),
            Event::Ping(event) => Some(&event.repo).filter(|repo| !repo.name.is_empty()),
            Event::Other(_) => None,
        }
    }
}

/// What happened to a text that may hold commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommentAction {
    /// It is new: `created`, `opened`, `submitted`.
    Created,
    /// It was changed: `edited`.
    Edited,
    /// It is gone: `deleted`, `dismissed`.
    Deleted,
}

impl CommentAction {
    /// The action as help texts and metric labels name it.
    pub fn as_str(self) -> &'static str {
        match self {
            CommentAction::Created => "created",
            CommentAction::Edited => "edited",
            CommentAction::Deleted => "deleted",
        }
    }

    /// The mapping Prow uses; `None` for actions that change no text, as `labeled`.
    pub fn from_action(action: &str) -> Option<CommentAction> {
        match action {
            "created" | "opened" | "submitted" => Some(CommentAction::Created),
            "edited" => Some(CommentAction::Edited),
            "deleted" | "dismissed" => Some(CommentAction::Deleted),
            _ => None,
        }
    }
}

/// Whether an action of an event that may carry text is one that Prow knows to carry none. An
/// action outside this list and outside [`CommentAction::from_action`] deserves a line in the log.
pub fn is_known_non_comment_action(action: &str) -> bool {
    matches!(
        action,
        "assigned"
            | "unassigned"
            | "review_requested"
            | "review_request_removed"
            | "labeled"
            | "unlabeled"
            | "milestoned"
            | "demilestoned"
            | "closed"
            | "reopened"
            | "pinned"
            | "unpinned"
            | "transferred"
            | "locked"
            | "unlocked"
            | "synchronize"
            | "ready_for_review"
            | "converted_to_draft"
            | "auto_merge_enabled"
            | "auto_merge_disabled"
    )
}

/// A text with possible commands, wherever it was written: the body of an issue, a pull request
/// or a review, or a comment on any of them.
#[derive(Debug, Clone, PartialEq)]
pub struct GenericComment {
    /// The stable number of the issue, pull request or review comment; 0 for a review.
    pub id: u64,
    /// The GraphQL identifier of the same; for an issue comment that of the issue.
    pub node_id: String,
    /// The comment, if the text is one.
    pub comment_id: Option<u64>,
    /// Whether it is about a pull request.
    pub is_pr: bool,
    /// What happened to the text.
    pub action: CommentAction,
    /// The text.
    pub body: String,
    /// Its place on the page.
    pub html_url: String,
    /// The number of the issue or pull request.
    pub number: u64,
    /// Where it was written.
    pub repo: Repo,
    /// Who wrote it. For the body of a pull request this is the author, not the sender.
    pub user: User,
    /// Who opened the issue or pull request.
    pub issue_author: User,
    /// Whom it is assigned to.
    pub assignees: Vec<User>,
    /// `open` or `closed`.
    pub issue_state: String,
    /// The title.
    pub issue_title: String,
    /// The description.
    pub issue_body: String,
    /// The page.
    pub issue_html_url: String,
    /// The delivery id.
    pub guid: String,
}

impl GenericComment {
    /// The comment that Prow synthesises from an event; `None` if the event carries no text or
    /// its action changes none.
    pub fn from_event(event: &Event) -> Option<GenericComment> {
        let action = CommentAction::from_action(event.action())?;
        match event {
            Event::Issues(event) => Some(GenericComment {
                body: event.issue.body.clone(),
                html_url: event.issue.html_url.clone(),
                user: event.issue.user.clone(),
                guid: event.guid.clone(),
                ..GenericComment::on_issue(action, &event.issue, &event.repo)
            }),
            Event::IssueComment(event) => Some(GenericComment {
                comment_id: Some(event.comment.id),
                body: event.comment.body.clone(),
                html_url: event.comment.html_url.clone(),
                user: event.comment.user.clone(),
                guid: event.guid.clone(),
                ..GenericComment::on_issue(action, &event.issue, &event.repo)
            }),
            Event::PullRequest(event) => Some(GenericComment {
                id: event.pull_request.id,
                node_id: event.pull_request.node_id.clone(),
                body: event.pull_request.body.clone(),
                html_url: event.pull_request.html_url.clone(),
                user: event.pull_request.user.clone(),
                guid: event.guid.clone(),
                ..GenericComment::on_pull(action, &event.pull_request, &event.repo)
            }),
            Event::Review(event) => Some(GenericComment {
                node_id: event.review.node_id.clone(),
                body: event.review.body.clone(),
                html_url: event.review.html_url.clone(),
                user: event.review.user.clone(),
                guid: event.guid.clone(),
                ..GenericComment::on_pull(action, &event.pull_request, &event.repo)
            }),
            Event::ReviewComment(event) => Some(GenericComment {
                id: event.comment.id,
                node_id: event.comment.node_id.clone(),
                comment_id: Some(event.comment.id),
                body: event.comment.body.clone(),
                html_url: event.comment.html_url.clone(),
                user: event.comment.user.clone(),
                guid: event.guid.clone(),
                ..GenericComment::on_pull(action, &event.pull_request, &event.repo)
            }),
            Event::Push(_) | Event::Status(_) | Event::Ping(_) | Event::Other(_) => None,
        }
    }

    /// The part that an issue gives, whoever wrote the text.
    fn on_issue(action: CommentAction, issue: &Issue, repo: &Repo) -> GenericComment {
        GenericComment {
            id: issue.id,
            node_id: issue.node_id.clone(),
            comment_id: None,
            is_pr: issue.is_pull_request(),
            action,
            body: String::new(),
            html_url: String::new(),
            number: issue.number,
            repo: repo.clone(),
            user: User::default(),
            issue_author: issue.user.clone(),
            assignees: issue.assignees.clone(),
            issue_state: issue.state.clone(),
            issue_title: issue.title.clone(),
            issue_body: issue.body.clone(),
            issue_html_url: issue.html_url.clone(),
            guid: String::new(),
        }
    }

    /// The part that a pull request gives, whoever wrote the text.
    fn on_pull(action: CommentAction, pull: &PullRequest, repo: &Repo) -> GenericComment {
        GenericComment {
            id: 0,
            node_id: String::new(),
            comment_id: None,
            is_pr: true,
            action,
            body: String::new(),
            html_url: String::new(),
            number: pull.number,
            repo: repo.clone(),
            user: User::default(),
            issue_author: pull.user.clone(),
            assignees: pull.assignees.clone(),
            issue_state: pull.state.clone(),
            issue_title: pull.title.clone(),
            issue_body: pull.body.clone(),
            issue_html_url: pull.html_url.clone(),
            guid: String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
