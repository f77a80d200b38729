//! What the fake GitHub knows: accounts, repositories, issues, statuses, deliveries.
//!
//! Plain data behind one lock. Git work happens outside the lock; its results are written back.

use std::collections::{BTreeMap, BTreeSet};

use go_compat::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{faults::Fault, repository::GitRepo};

/// The number of requests that a token may make in an hour, as on github.com.
pub(super) const HOURLY_LIMIT: u64 = 5_000;

/// An account.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) id: u64,
    pub(super) login: String,
    pub(super) kind: &'static str,
}

/// A team of an organization.
#[derive(Debug, Clone)]
pub(super) struct Team {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) members: BTreeSet<String>,
}

/// An organization, by its members and teams.
#[derive(Debug, Clone, Default)]
pub(super) struct Org {
    pub(super) members: BTreeSet<String>,
    pub(super) teams: BTreeMap<String, Team>,
}

/// Organization or user, and repository.
pub(super) type RepoKey = (String, String);

/// A repository.
#[derive(Debug, Clone)]
pub(super) struct Repository {
    pub(super) id: u64,
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) private: bool,
    pub(super) default_branch: String,
    pub(super) parent: Option<RepoKey>,
    pub(super) git: GitRepo,
    pub(super) collaborators: BTreeMap<String, String>,
    pub(super) labels: BTreeSet<String>,
    pub(super) issues: BTreeMap<u64, Issue>,
    pub(super) statuses: Vec<CommitStatus>,
    pub(super) runs: Vec<forge::model::WorkflowRun>,
}

/// An issue or pull request.
#[derive(Debug, Clone)]
pub(super) struct Issue {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) author: String,
    pub(super) open: bool,
    pub(super) labels: Vec<String>,
    pub(super) assignees: Vec<String>,
    pub(super) comments: Vec<Comment>,
    pub(super) reviews: Vec<Review>,
    pub(super) review_comments: Vec<Comment>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) closed_at: Option<Timestamp>,
    pub(super) pull: Option<Pull>,
}

/// What an issue has besides when it is a pull request.
#[derive(Debug, Clone)]
pub(super) struct Pull {
    pub(super) head_repo: RepoKey,
    pub(super) head_ref: String,
    pub(super) head_sha: String,
    pub(super) base_ref: String,
    pub(super) base_sha: String,
    pub(super) commits: u64,
    pub(super) draft: bool,
    pub(super) mergeable: Option<bool>,
    pub(super) merge_sha: Option<String>,
    pub(super) merged_at: Option<Timestamp>,
}

/// A comment, on an issue or on a line.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) author: String,
    pub(super) body: String,
    pub(super) path: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A review.
#[derive(Debug, Clone)]
pub(super) struct Review {
    pub(super) id: u64,
    pub(super) author: String,
    pub(super) body: String,
    pub(super) state: String,
    pub(super) submitted_at: Timestamp,
}

/// A status as it was set.
#[derive(Debug, Clone)]
pub(super) struct CommitStatus {
    pub(super) id: u64,
    pub(super) sha: String,
    pub(super) state: String,
    pub(super) context: String,
    pub(super) description: String,
    pub(super) target_url: String,
    pub(super) creator: String,
    pub(super) created_at: Timestamp,
}

/// A place that webhooks are sent to.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) id: u64,
    pub(super) url: String,
    pub(super) secret: String,
}

/// A webhook and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    /// Its number in the delivery log.
    pub id: u64,
    /// `X-GitHub-Delivery`; a redelivery keeps it.
    pub guid: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The action in the payload; empty for events without actions.
    pub action: String,
    /// `owner/name` of the repository.
    pub repository: String,
    /// Where it goes.
    pub url: String,
    /// When it arose.
    pub at: Timestamp,
    /// Whether it is a repetition.
    pub redelivery: bool,
    /// The receiver's status; `None` if it was not sent or nobody answered.
    pub status: Option<u16>,
    /// The body, byte by byte as it is signed.
    #[serde(skip)]
    pub body: Vec<u8>,
}

/// A request that the fake answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When, by the fake's clock.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The account behind the credential; empty without one.
    pub login: String,
    /// The status; 0 if the connection was dropped instead.
    pub status: u16,
}

/// A token's budget in its current hour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) remaining: u64,
    pub(super) reset: Timestamp,
}

/// What a token stands for.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) login: String,
    /// Whose budget its requests use: the account's or the installation's.
    pub(super) budget: String,
    pub(super) expires_at: Option<Timestamp>,
}

/// The GitHub App that may be used.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) id: String,
    pub(super) slug: String,
    /// Organization by installation.
    pub(super) installations: BTreeMap<u64, String>,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) next_id: u64,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) orgs: BTreeMap<String, Org>,
    pub(super) repos: BTreeMap<RepoKey, Repository>,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) app: Option<App>,
    pub(super) hooks: Vec<Hook>,
    pub(super) held: bool,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) faults: Vec<Fault>,
    pub(super) budgets: BTreeMap<String, Budget>,
    pub(super) seen: Vec<Seen>,
}

/// A refused request, as the API words it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The message.
    pub message: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.message)
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Refusal {
        Refusal { status, message: message.into() }
    }

    /// What GitHub says about everything that is not there or may not be seen.
    pub(super) fn not_found() -> Refusal {
        Refusal::new(404, "Not Found")
    }

    pub(super) fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(422, message)
    }
}

/// Names are compared in lower case.
pub(super) fn key(name: &str) -> String {
    name.to_lowercase()
}

/// A repository's key.
pub(super) fn repo_key(org: &str, repo: &str) -> RepoKey {
    (key(org), key(repo))
}

impl World {
    /// A number that nothing else has.
    pub(super) fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        1_000 + self.next_id
    }

    /// Makes sure that an account exists.
    pub(super) fn ensure_account(&mut self, login: &str, kind: &'static str) {
        if !self.accounts.contains_key(&key(login)) {
            let id = self.fresh_id();
            let account = Account { id, login: login.to_owned(), kind };
            self.accounts.insert(key(login), account);
        }
    }

    /// An account; one nobody made yet is made on the way, since whoever speaks exists.
    pub(super) fn account(&self, login: &str) -> Account {
        self.accounts.get(&key(login)).cloned().unwrap_or_else(|| Account {
            id: 0,
            login: login.to_owned(),
            kind: if login.ends_with("[bot]") { "Bot" } else { "User" },
        })
    }

    pub(super) fn is_member(&self, org: &str, login: &str) -> bool {
        self.orgs.get(&key(org)).is_some_and(|org| org.members.contains(&key(login)))
    }

    pub(super) fn repo(&self, org: &str, repo: &str) -> Result<&Repository, Refusal> {
        self.repos.get(&repo_key(org, repo)).ok_or_else(Refusal::not_found)
    }

    pub(super) fn repo_mut(&mut self, org: &str, repo: &str) -> Result<&mut Repository, Refusal> {
        self.repos.get_mut(&repo_key(org, repo)).ok_or_else(Refusal::not_found)
    }

    pub(super) fn issue(&self, org: &str, repo: &str, number: u64) -> Result<&Issue, Refusal> {
        self.repo(org, repo)?.issues.get(&number).ok_or_else(Refusal::not_found)
    }

    pub(super) fn issue_mut(
        &mut self,
        org: &str,
        repo: &str,
        number: u64,
    ) -> Result<&mut Issue, Refusal> {
        self.repo_mut(org, repo)?.issues.get_mut(&number).ok_or_else(Refusal::not_found)
    }

    /// The pull request, if the issue is one.
    pub(super) fn pull_mut(
        &mut self,
        org: &str,
        repo: &str,
        number: u64,
    ) -> Result<&mut Pull, Refusal> {
        self.issue_mut(org, repo, number)?.pull.as_mut().ok_or_else(Refusal::not_found)
    }

    /// What a user may do in a repository: `admin`, `write`, `read` or `none`.
    pub(super) fn permission(&self, repository: &Repository, login: &str) -> String {
        if key(login) == key(&repository.owner) {
            return "admin".to_owned();
        }
        if let Some(permission) = repository.collaborators.get(&key(login)) {
            return permission.clone();
        }
        if self.is_member(&repository.owner, login) {
            return "write".to_owned();
        }
        if repository.private { "none".to_owned() } else { "read".to_owned() }
    }

    /// How a user relates to a repository, as `author_association`.
    pub(super) fn association(&self, repository: &Repository, login: &str) -> &'static str {
        if key(login) == key(&repository.owner) {
            "OWNER"
        } else if self.is_member(&repository.owner, login) {
            "MEMBER"
        } else if repository.collaborators.contains_key(&key(login)) {
            "COLLABORATOR"
        } else if repository.issues.values().any(|issue| {
            key(&issue.author) == key(login)
                && issue.pull.as_ref().is_some_and(|pull| pull.merged_at.is_some())
        }) {
            "CONTRIBUTOR"
        } else {
            "NONE"
        }
    }

    /// The open pull requests whose head is this branch, as (repository, number).
    pub(super) fn pulls_from(&self, head: &RepoKey, branch: &str) -> Vec<(RepoKey, u64)> {
        self.open_pulls(|pull| pull.head_repo == *head && pull.head_ref == branch)
    }

    /// The open pull requests of a repository that go to this branch.
    pub(super) fn pulls_onto(&self, base: &RepoKey, branch: &str) -> Vec<(RepoKey, u64)> {
        let mut onto = self.open_pulls(|pull| pull.base_ref == branch);
        onto.retain(|(repo, _)| repo == base);
        onto
    }

    fn open_pulls(&self, matches: impl Fn(&Pull) -> bool) -> Vec<(RepoKey, u64)> {
        let mut found = Vec::new();
        for (repo_key, repository) in &self.repos {
            for issue in repository.issues.values().filter(|issue| issue.open) {
                if issue.pull.as_ref().is_some_and(&matches) {
                    found.push((repo_key.clone(), issue.number));
                }
            }
        }
        found
    }
}

impl Repository {
    /// `owner/name`.
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The next free number of issues and pull requests.
    pub(super) fn next_number(&self) -> u64 {
        self.issues.last_key_value().map_or(1, |(number, _)| number + 1)
    }

    /// The newest status of every context of a commit, oldest context first.
    pub(super) fn latest_statuses(&self, sha: &str) -> Vec<&CommitStatus> {
        let mut latest: Vec<&CommitStatus> = Vec::new();
        for status in self.statuses.iter().filter(|status| status.sha == sha) {
            match latest.iter_mut().find(|found| found.context == status.context) {
                Some(found) => *found = status,
                None => latest.push(status),
            }
        }
        latest
    }
}
