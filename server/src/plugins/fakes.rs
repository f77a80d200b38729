//! A code host in memory: it keeps what is written to it and logs the writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use forge::model::{
    ChangedFile, CombinedStatus, IssueComment, Label, PullRequest, Repo, Status, User, WorkflowRun,
};
use forge::{BotUser, Failure, Forge, ForgeError};
use parking_lot::Mutex;

use crate::components::fakes::{Faults, Fuse};
use crate::plugins::trigger::{InRepo, InRepoError, InRepoJobs};

/// The login of the bot.
pub(crate) const BOT: &str = "k8s-ci-robot";

/// Everything that the code host holds.
#[derive(Default)]
pub(crate) struct State {
    /// Members by org.
    pub(crate) members: BTreeMap<String, BTreeSet<String>>,
    /// Collaborators by `org/repo`.
    pub(crate) collaborators: BTreeMap<String, BTreeSet<String>>,
    /// Pull requests by number.
    pub(crate) pulls: BTreeMap<u64, PullRequest>,
    /// Commits by reference.
    pub(crate) refs: BTreeMap<String, String>,
    /// Changed files by pull request.
    pub(crate) files: BTreeMap<u64, Vec<String>>,
    /// Labels by pull request.
    pub(crate) labels: BTreeMap<u64, BTreeSet<String>>,
    /// Comments by pull request.
    pub(crate) comments: BTreeMap<u64, Vec<IssueComment>>,
    /// Statuses by commit, newest last.
    pub(crate) statuses: BTreeMap<String, Vec<Status>>,
    /// Merged pull requests by author.
    pub(crate) merged: BTreeMap<String, u64>,
    /// Workflow runs that wait for approval.
    pub(crate) waiting_runs: Vec<WorkflowRun>,
    /// Workflow runs that failed.
    pub(crate) failed_runs: Vec<WorkflowRun>,
    /// The writes, in order.
    pub(crate) writes: Vec<String>,
    next_id: u64,
}

impl State {
    fn comment(&mut self, login: &str, number: u64, body: &str) -> u64 {
        self.next_id += 1;
        self.comments.entry(number).or_default().push(IssueComment {
            id: self.next_id,
            body: body.to_owned(),
            user: User { login: login.to_owned(), ..User::default() },
            ..IssueComment::default()
        });
        self.next_id
    }
}

/// The code host.
#[derive(Default)]
pub(crate) struct FakeForge {
    pub(crate) state: Mutex<State>,
    /// What the next calls of a kind fail with.
    faults: Faults<ForgeError>,
    /// When the process that uses it dies.
    pub(crate) fuse: Mutex<Arc<Fuse>>,
}

impl FakeForge {
    pub(crate) fn new() -> Arc<FakeForge> {
        Arc::default()
    }

    /// Lets the next call of this kind fail.
    pub(crate) fn fail(&self, call: &'static str, error: ForgeError) {
        self.faults.plan(call, error);
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        self.state.lock().writes.clone()
    }

    pub(crate) fn comments(&self, number: u64) -> Vec<String> {
        let state = self.state.lock();
        let comments = state.comments.get(&number).into_iter().flatten();
        comments.map(|comment| comment.body.clone()).collect()
    }

    /// Puts a comment there as if `login` had written it.
    pub(crate) fn write_as(&self, login: &str, number: u64, body: &str) -> u64 {
        self.state.lock().comment(login, number, body)
    }

    /// A point at which the process may die.
    async fn point(&self) {
        let fuse = self.fuse.lock().clone();
        fuse.spend().await;
    }

    /// What every call begins with.
    async fn begin(&self, call: &str) -> Result<(), ForgeError> {
        self.point().await;
        self.faults.take(call)
    }

    /// A call that changes something: the change is there before the answer is.
    async fn write(
        &self,
        call: &str,
        what: String,
        change: impl FnOnce(&mut State),
    ) -> Result<(), ForgeError> {
        self.begin(call).await?;
        {
            let mut state = self.state.lock();
            state.writes.push(what);
            change(&mut state);
        }
        self.point().await;
        Ok(())
    }
}

pub(crate) fn missing(call: &str) -> ForgeError {
    ForgeError::NotFound(Failure {
        call: call.to_owned(),
        status: Some(404),
        message: "Not Found".to_owned(),
    })
}

pub(crate) fn unavailable(call: &str) -> ForgeError {
    ForgeError::Transient(Failure {
        call: call.to_owned(),
        status: Some(502),
        message: "Bad Gateway".to_owned(),
    })
}

#[async_trait]
impl Forge for FakeForge {
    async fn bot_user(&self) -> Result<BotUser, ForgeError> {
        Ok(BotUser { login: BOT.to_owned() })
    }

    async fn is_member(&self, org: &str, user: &str) -> Result<bool, ForgeError> {
        self.begin("is_member").await?;
        let state = self.state.lock();
        Ok(user == org || state.members.get(org).is_some_and(|members| members.contains(user)))
    }

    async fn is_collaborator(&self, org: &str, repo: &str, user: &str) -> Result<bool, ForgeError> {
        self.begin("is_collaborator").await?;
        let state = self.state.lock();
        let found = state.collaborators.get(&format!("{org}/{repo}"));
        Ok(user == org || found.is_some_and(|found| found.contains(user)))
    }

    async fn get_repo(&self, org: &str, repo: &str) -> Result<Repo, ForgeError> {
        Err(missing(&format!("GET /repos/{org}/{repo}")))
    }

    async fn get_pull_request(
        &self,
        _org: &str,
        _repo: &str,
        number: u64,
    ) -> Result<PullRequest, ForgeError> {
        self.begin("get_pull_request").await?;
        self.state.lock().pulls.get(&number).cloned().ok_or_else(|| missing("GET pull"))
    }

    async fn list_open_pull_requests(
        &self,
        _org: &str,
        _repo: &str,
    ) -> Result<Vec<PullRequest>, ForgeError> {
        Ok(self.state.lock().pulls.values().cloned().collect())
    }

    async fn get_ref(
        &self,
        _org: &str,
        _repo: &str,
        reference: &str,
    ) -> Result<String, ForgeError> {
        self.begin("get_ref").await?;
        self.state.lock().refs.get(reference).cloned().ok_or_else(|| missing("GET ref"))
    }

    async fn list_pull_request_files(
        &self,
        _org: &str,
        _repo: &str,
        number: u64,
    ) -> Result<Vec<ChangedFile>, ForgeError> {
        self.begin("list_pull_request_files").await?;
        let state = self.state.lock();
        let files = state.files.get(&number).into_iter().flatten();
        Ok(files
            .map(|name| ChangedFile { filename: name.clone(), ..ChangedFile::default() })
            .collect())
    }

    async fn get_issue_labels(
        &self,
        _org: &str,
        _repo: &str,
        number: u64,
    ) -> Result<Vec<Label>, ForgeError> {
        self.begin("get_issue_labels").await?;
        let state = self.state.lock();
        Ok(state.labels.get(&number).into_iter().flatten().map(Label::named).collect())
    }

    async fn add_label(
        &self,
        _org: &str,
        _repo: &str,
        number: u64,
        label: &str,
    ) -> Result<(), ForgeError> {
        self.write("add_label", format!("+{label}"), |state| {
            state.labels.entry(number).or_default().insert(label.to_owned());
        })
        .await
    }

    async fn remove_label(
        &self,
        _org: &str,
        _repo: &str,
        number: u64,
        label: &str,
    ) -> Result<(), ForgeError> {
        self.write("remove_label", format!("-{label}"), |state| {
            state.labels.entry(number).or_default().remove(label);
        })
        .await
    }

    async fn list_issue_comments(
        &self,
        _org: &str,
        _repo: &str,
        number: u64,
    ) -> Result<Vec<IssueComment>, ForgeError> {
        self.begin("list_issue_comments").await?;
        Ok(self.state.lock().comments.get(&number).cloned().unwrap_or_default())
    }

    async fn create_comment(
        &self,
        _org: &str,
        _repo: &str,
        number: u64,
        body: &str,
    ) -> Result<IssueComment, ForgeError> {
        let mut id = 0;
        self.write("create_comment", "comment".to_owned(), |state| {
            id = state.comment(BOT, number, body);
        })
        .await?;
        Ok(IssueComment { id, ..IssueComment::default() })
    }

    async fn edit_comment(
        &self,
        _org: &str,
        _repo: &str,
        id: u64,
        body: &str,
    ) -> Result<(), ForgeError> {
        self.write("edit_comment", format!("edit {id}"), |state| {
            let mut comments = state.comments.values_mut().flatten();
            if let Some(comment) = comments.find(|comment| comment.id == id) {
                comment.body = body.to_owned();
            }
        })
        .await
    }

    async fn delete_comment(&self, _org: &str, _repo: &str, id: u64) -> Result<(), ForgeError> {
        self.write("delete_comment", format!("delete {id}"), |state| {
            for comments in state.comments.values_mut() {
                comments.retain(|comment| comment.id != id);
            }
        })
        .await
    }

    async fn combined_status(
        &self,
        _org: &str,
        _repo: &str,
        reference: &str,
    ) -> Result<CombinedStatus, ForgeError> {
        self.begin("combined_status").await?;
        let state = self.state.lock();
        let mut newest: BTreeMap<String, Status> = BTreeMap::new();
        for status in state.statuses.get(reference).into_iter().flatten() {
            newest.insert(status.context.clone(), status.clone());
        }
        let statuses = newest.into_values().collect();
        Ok(CombinedStatus { sha: reference.to_owned(), statuses, ..CombinedStatus::default() })
    }

    async fn create_status(
        &self,
        _org: &str,
        _repo: &str,
        sha: &str,
        status: &Status,
    ) -> Result<(), ForgeError> {
        let what = format!("status {} {}", status.context, status.state);
        self.write("create_status", what, |state| {
            state.statuses.entry(sha.to_owned()).or_default().push(status.clone());
        })
        .await
    }

    async fn search_merged_count(&self, _org: &str, author: &str) -> Result<u64, ForgeError> {
        self.begin("search_merged_count").await?;
        Ok(self.state.lock().merged.get(author).copied().unwrap_or_default())
    }

    async fn list_runs_awaiting_approval(
        &self,
        _org: &str,
        _repo: &str,
        _branch: &str,
        _head_sha: &str,
    ) -> Result<Vec<WorkflowRun>, ForgeError> {
        Ok(self.state.lock().waiting_runs.clone())
    }

    async fn list_failed_runs(
        &self,
        _org: &str,
        _repo: &str,
        _branch: &str,
        _head_sha: &str,
    ) -> Result<Vec<WorkflowRun>, ForgeError> {
        Ok(self.state.lock().failed_runs.clone())
    }

    async fn approve_workflow_run(
        &self,
        _org: &str,
        _repo: &str,
        id: u64,
    ) -> Result<(), ForgeError> {
        self.write("approve_workflow_run", format!("approve run {id}"), |_| {}).await
    }

    async fn rerun_failed_jobs(&self, _org: &str, _repo: &str, id: u64) -> Result<(), ForgeError> {
        self.write("rerun_failed_jobs", format!("rerun {id}"), |_| {}).await
    }

    async fn get_file(
        &self,
        _org: &str,
        _repo: &str,
        path: &str,
        _reference: &str,
    ) -> Result<Vec<u8>, ForgeError> {
        Err(missing(path))
    }

    async fn get_user(&self, login: &str) -> Result<User, ForgeError> {
        Ok(User { login: login.to_owned(), ..User::default() })
    }
}

/// No repository defines jobs of its own.
pub(crate) struct NoOwn;

#[async_trait]
impl InRepo for NoOwn {
    async fn read(
        &self,
        _repo: &Repo,
        _base_sha: &str,
        _heads: &[String],
        _config: &config_load::Config,
    ) -> Result<InRepoJobs, InRepoError> {
        Ok(InRepoJobs::default())
    }
}
