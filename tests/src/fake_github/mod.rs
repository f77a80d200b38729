//! A GitHub for tests: stateful, over HTTP, with real git repositories.
//!
//! A test makes users, organizations and repositories, lets users push, open, comment and label
//! ([`Action`]), and looks at what the program under test did: comments, labels, statuses,
//! requests. Every change gives rise to signed webhooks to the hooks that were added. What can go
//! wrong with the real one can be scripted ([`Fault`]): lost replies, limits, errors.
//!
//! It can also be started by hand: `cargo run -p tests --bin fake-github`; see `/_control`.

mod actions;
mod api;
mod app_key;
mod branches;
mod control;
mod documents;
mod faults;
mod git_http;
mod hooks;
mod repository;
mod server;
mod trial;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clock::{SharedClock, SystemClock};
use forge::model::{IssueComment, PullRequest, Status, WorkflowRun};
use parking_lot::Mutex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle};

pub use self::{
    actions::{Action, Outcome},
    app_key::app_private_key,
    faults::{Fault, FaultKind, Gate},
    hooks::signature,
    repository::FileChange,
    trial::Trial,
    world::{Delivery, Refusal, Seen},
};
use self::{
    repository::{Author, GitRepo},
    world::{App, Budget, Hook, Repository, Team, Token, World, key, repo_key},
};

/// The branch of new repositories.
const DEFAULT_BRANCH: &str = "main";

/// Who makes the first commit of a repository.
const FIRST_AUTHOR: &str = "octocat";

/// A running fake. Cheap to clone; it ends with the runtime it was started on.
#[derive(Clone)]
pub struct FakeGitHub {
    inner: Arc<Inner>,
}

struct Inner {
    world: Mutex<World>,
    clock: SharedClock,
    base: String,
    root: TempDir,
    http: reqwest::Client,
    pending: Arc<watch::Sender<usize>>,
    changes: watch::Sender<u64>,
    server: Mutex<Option<JoinHandle<()>>>,
}

/// How to start a fake.
#[derive(Clone)]
pub struct FakeOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The clock: dates of everything, budgets, life of tokens.
    pub clock: SharedClock,
}

impl Default for FakeOptions {
    fn default() -> Self {
        FakeOptions { listen: SocketAddr::from(([127, 0, 0, 1], 0)), clock: SystemClock::shared() }
    }
}

impl std::fmt::Debug for FakeGitHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeGitHub").field("url", &self.inner.base).finish_non_exhaustive()
    }
}

/// Starting and setting up.
impl FakeGitHub {
    /// Starts one on a free port of the loopback address with this clock.
    ///
    /// # Panics
    /// If it cannot listen; a test cannot go on then.
    pub async fn start(clock: SharedClock) -> FakeGitHub {
        let options = FakeOptions { clock, ..FakeOptions::default() };
        FakeGitHub::start_with(options).await.expect("the fake GitHub listens")
    }

    /// Starts one.
    pub async fn start_with(options: FakeOptions) -> std::io::Result<FakeGitHub> {
        let listener = tokio::net::TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let http = reqwest::Client::builder().no_proxy().build().map_err(std::io::Error::other)?;
        let fake = FakeGitHub {
            inner: Arc::new(Inner {
                world: Mutex::new(World::default()),
                clock: options.clock,
                base: format!("http://{address}"),
                root: tempfile::tempdir()?,
                http,
                pending: Arc::new(watch::Sender::new(0)),
                changes: watch::Sender::new(0),
                server: Mutex::new(None),
            }),
        };
        let router = server::router(fake.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the fake GitHub stopped");
            }
        });
        *fake.inner.server.lock() = Some(task);
        Ok(fake)
    }

    /// Stops answering; connections are refused from now on.
    pub fn stop(&self) {
        if let Some(server) = self.inner.server.lock().take() {
            server.abort();
        }
    }

    /// The API's address, for `--github-endpoint`.
    pub fn url(&self) -> &str {
        &self.inner.base
    }

    /// Host and port, for `--github-host`.
    pub fn host(&self) -> &str {
        self.inner.base.trim_start_matches("http://")
    }

    /// Makes an account.
    pub fn add_user(&self, login: &str) {
        self.inner.world.lock().ensure_account(login, "User");
    }

    /// Makes an organization with members.
    pub fn add_org(&self, org: &str, members: &[&str]) {
        {
            let mut world = self.inner.world.lock();
            world.ensure_account(org, "Organization");
            world.orgs.entry(key(org)).or_default();
        }
        for member in members {
            self.add_member(org, member);
        }
    }

    /// Makes a user a member of an organization, which is made if it is new.
    pub fn add_member(&self, org: &str, login: &str) {
        let mut world = self.inner.world.lock();
        world.ensure_account(org, "Organization");
        world.ensure_account(login, "User");
        world.orgs.entry(key(org)).or_default().members.insert(key(login));
    }

    /// Ends a membership.
    pub fn remove_member(&self, org: &str, login: &str) {
        let mut world = self.inner.world.lock();
        if let Some(org) = world.orgs.get_mut(&key(org)) {
            org.members.remove(&key(login));
        }
    }

    /// Makes a team.
    pub fn add_team(&self, org: &str, slug: &str, members: &[&str]) {
        let mut world = self.inner.world.lock();
        let id = world.fresh_id();
        let members: BTreeSet<String> = members.iter().map(|login| key(login)).collect();
        let team = Team { id, name: slug.to_owned(), members };
        world.orgs.entry(key(org)).or_default().teams.insert(key(slug), team);
    }

    /// Lets a user into a repository: `read`, `triage`, `write`, `maintain` or `admin`.
    pub fn add_collaborator(&self, org: &str, repo: &str, login: &str, permission: &str) {
        let mut world = self.inner.world.lock();
        world.ensure_account(login, "User");
        let repository = must(world.repo_mut(org, repo));
        repository.collaborators.insert(key(login), permission.to_owned());
    }

    /// Makes a token of an account; what is done with it is done by that account.
    pub fn add_token(&self, token: &str, login: &str) {
        let mut world = self.inner.world.lock();
        world.ensure_account(login, "User");
        let value = Token { login: login.to_owned(), budget: login.to_owned(), expires_at: None };
        world.tokens.insert(token.to_owned(), value);
    }

    /// Revokes a token.
    pub fn revoke_token(&self, token: &str) {
        self.inner.world.lock().tokens.remove(token);
    }

    /// Revokes every installation token that was issued so far.
    pub fn revoke_installation_tokens(&self) {
        self.inner.world.lock().tokens.retain(|_, token| token.expires_at.is_none());
    }

    /// Makes the App, whose key is [`app_private_key`], and installs it in organizations.
    pub fn add_app(&self, id: &str, slug: &str, orgs: &[&str]) {
        let mut world = self.inner.world.lock();
        world.app =
            Some(App { id: id.to_owned(), slug: slug.to_owned(), installations: BTreeMap::new() });
        drop(world);
        for org in orgs {
            self.install_app(org);
        }
    }

    /// Installs the App in one more organization.
    pub fn install_app(&self, org: &str) {
        let mut world = self.inner.world.lock();
        let id = world.fresh_id();
        if let Some(app) = &mut world.app {
            app.installations.insert(id, org.to_owned());
        }
    }

    /// Sends webhooks of every repository there from now on, and gives the hook's number.
    pub fn add_hook(&self, url: &str, secret: &str) -> u64 {
        let mut world = self.inner.world.lock();
        let id = world.fresh_id();
        world.hooks.push(Hook { id, url: url.to_owned(), secret: secret.to_owned() });
        id
    }

    /// Logs webhooks and does not send them, until told otherwise; a test sends them itself with
    /// [`FakeGitHub::deliver`], in any order and number, or not at all.
    pub fn hold_deliveries(&self, hold: bool) {
        self.inner.world.lock().held = hold;
    }

    /// Makes a repository with one commit of these files on `main`.
    ///
    /// # Panics
    /// If git fails.
    pub async fn add_repo(&self, org: &str, repo: &str, files: &[(&str, &str)]) {
        must(self.try_add_repo(org, repo, None).await);
        let git = self.git(org, repo);
        let files: Vec<FileChange> = files
            .iter()
            .map(|&(path, content)| (path.to_owned(), Some(content.as_bytes().to_vec())))
            .collect();
        let author = Author { login: FIRST_AUTHOR.to_owned(), at: self.inner.clock.now() };
        must(git.commit(DEFAULT_BRANCH, None, &files, "Begin", &author).await);
    }

    /// Makes a repository: empty, or a copy of the git repository at `from`.
    pub async fn try_add_repo(
        &self,
        org: &str,
        repo: &str,
        from: Option<&Path>,
    ) -> Result<(), Refusal> {
        let path = self.repo_path(org, repo);
        let git = match from {
            Some(source) => GitRepo::copy(source, path).await?,
            None => GitRepo::create(path, DEFAULT_BRANCH).await?,
        };
        let default_branch = git.default_branch().await?;
        self.record_repo(org, repo, git, default_branch, None)
    }

    /// Makes a fork of a repository for a user, of the same name.
    pub async fn try_fork(&self, user: &str, org: &str, repo: &str) -> Result<(), Refusal> {
        let source = self.inner.world.lock().repo(org, repo)?.clone();
        let path = self.repo_path(user, repo);
        let git = GitRepo::copy(source.git.path(), path).await?;
        self.inner.world.lock().ensure_account(user, "User");
        let parent = Some(repo_key(org, repo));
        self.record_repo(user, &source.name, git, source.default_branch, parent)
    }

    /// Makes a fork of a repository for a user, of the same name.
    ///
    /// # Panics
    /// If there is one already.
    pub async fn fork(&self, user: &str, org: &str, repo: &str) {
        must(self.try_fork(user, org, repo).await);
    }

    /// Hides a repository from everybody outside.
    pub fn make_private(&self, org: &str, repo: &str) {
        must(self.inner.world.lock().repo_mut(org, repo)).private = true;
    }

    fn repo_path(&self, org: &str, repo: &str) -> PathBuf {
        self.inner.root.path().join(key(org)).join(format!("{}.git", key(repo)))
    }

    fn record_repo(
        &self,
        org: &str,
        repo: &str,
        git: GitRepo,
        default_branch: String,
        parent: Option<world::RepoKey>,
    ) -> Result<(), Refusal> {
        let mut world = self.inner.world.lock();
        if world.repos.contains_key(&repo_key(org, repo)) {
            return Err(Refusal::invalid("Validation Failed: name already exists on this account"));
        }
        let kind = if parent.is_some() { "User" } else { "Organization" };
        world.ensure_account(org, kind);
        if kind == "Organization" {
            world.orgs.entry(key(org)).or_default();
        }
        let id = world.fresh_id();
        let repository = Repository {
            id,
            owner: org.to_owned(),
            name: repo.to_owned(),
            private: false,
            default_branch,
            parent,
            git,
            collaborators: BTreeMap::new(),
            labels: BTreeSet::new(),
            issues: BTreeMap::new(),
            statuses: Vec::new(),
            runs: Vec::new(),
        };
        world.repos.insert(repo_key(org, repo), repository);
        Ok(())
    }

    fn git(&self, org: &str, repo: &str) -> GitRepo {
        must(self.inner.world.lock().repo(org, repo)).git.clone()
    }
}

/// What users do.
impl FakeGitHub {
    /// Does an action; when this returns, its webhooks were answered or given up.
    pub async fn try_act(
        &self,
        actor: &str,
        org: &str,
        repo: &str,
        action: Action,
    ) -> Result<Outcome, Refusal> {
        let (outcome, emissions) = self.act(actor, org, repo, action).await?;
        let ids = self.log_deliveries(emissions);
        self.send_logged(ids).await;
        Ok(outcome)
    }

    async fn must_act(&self, actor: &str, org: &str, repo: &str, action: Action) -> Outcome {
        must(self.try_act(actor, org, repo, action).await)
    }

    /// Commits files to a branch and gives the commit; a new branch starts at the default
    /// branch's head.
    ///
    /// # Panics
    /// If it is refused, as every action here: a test cannot go on then. [`FakeGitHub::try_act`]
    /// gives the refusal instead.
    pub async fn push(
        &self,
        actor: &str,
        org: &str,
        repo: &str,
        branch: &str,
        files: &[(&str, &str)],
    ) -> String {
        let git = self.git(org, repo);
        let default = must(self.inner.world.lock().repo(org, repo)).default_branch.clone();
        let known = git.resolve(&format!("refs/heads/{branch}")).await.is_some();
        let from = if known { None } else { Some(format!("refs/heads/{default}")) };
        let files = files
            .iter()
            .map(|&(path, content)| (path.to_owned(), Some(content.to_owned())))
            .collect();
        let message = String::new();
        let action = Action::Push { branch: branch.to_owned(), files, message, from };
        self.must_act(actor, org, repo, action).await.sha.unwrap_or_default()
    }

    /// Opens a pull request from `branch` or `user:branch` to the default branch and gives its
    /// number.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn open_pull(
        &self,
        actor: &str,
        org: &str,
        repo: &str,
        head: &str,
        title: &str,
    ) -> u64 {
        let action = Action::OpenPull {
            head: head.to_owned(),
            base: String::new(),
            title: title.to_owned(),
            body: String::new(),
            draft: false,
        };
        self.must_act(actor, org, repo, action).await.number.unwrap_or_default()
    }

    /// Writes a comment and gives its number.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn comment(
        &self,
        actor: &str,
        org: &str,
        repo: &str,
        number: u64,
        body: &str,
    ) -> u64 {
        let action = Action::Comment { number, body: body.to_owned() };
        self.must_act(actor, org, repo, action).await.id.unwrap_or_default()
    }

    /// Adds a label.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn label(&self, actor: &str, org: &str, repo: &str, number: u64, label: &str) {
        let action = Action::Label { number, label: label.to_owned() };
        self.must_act(actor, org, repo, action).await;
    }

    /// Closes an issue or pull request.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn close(&self, actor: &str, org: &str, repo: &str, number: u64) {
        self.must_act(actor, org, repo, Action::Close { number }).await;
    }

    /// Merges a pull request and gives the commit.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn merge(&self, actor: &str, org: &str, repo: &str, number: u64) -> String {
        let action = Action::Merge { number, squash: false };
        self.must_act(actor, org, repo, action).await.sha.unwrap_or_default()
    }

    /// Puts a run of a GitHub Actions workflow there.
    pub fn add_workflow_run(&self, org: &str, repo: &str, mut run: WorkflowRun) -> u64 {
        let mut world = self.inner.world.lock();
        if run.id == 0 {
            run.id = world.fresh_id();
        }
        let id = run.id;
        must(world.repo_mut(org, repo)).runs.push(run);
        id
    }

    /// Says that GitHub has not computed yet whether a pull request merges.
    pub fn forget_mergeability(&self, org: &str, repo: &str, number: u64) {
        must(self.inner.world.lock().pull_mut(org, repo, number)).mergeable = None;
    }
}

/// What goes wrong.
impl FakeGitHub {
    /// Makes requests go wrong.
    pub fn fail(&self, fault: Fault) {
        self.inner.world.lock().faults.push(fault);
    }

    /// Lets everything go well from now on.
    pub fn forget_faults(&self) {
        self.inner.world.lock().faults.clear();
    }

    /// Sets what is left of a budget (`core` or `search`) of an account, an installation
    /// (`installation <number>`) or the App (`app <id>`), and in how long it is full again.
    pub fn set_budget(&self, who: &str, resource: &str, remaining: u64, reset_in: Duration) {
        let reset = self.inner.clock.now().saturating_add(reset_in);
        let mut world = self.inner.world.lock();
        world.budgets.insert(format!("{who}/{resource}"), Budget { remaining, reset });
    }

    /// The number of the App's installation in an organization.
    pub fn installation(&self, org: &str) -> Option<u64> {
        let world = self.inner.world.lock();
        let installations = &world.app.as_ref()?.installations;
        installations.iter().find(|(_, name)| key(name) == key(org)).map(|(id, _)| *id)
    }
}

/// What is there now.
impl FakeGitHub {
    /// The address that `git clone` takes.
    pub fn clone_url(&self, org: &str, repo: &str) -> String {
        format!("{}/{org}/{repo}.git", self.inner.base)
    }

    /// The folder of the bare repository.
    pub fn git_dir(&self, org: &str, repo: &str) -> PathBuf {
        self.git(org, repo).path().to_owned()
    }

    /// The head of a branch.
    ///
    /// # Panics
    /// If there is no such branch.
    pub async fn head(&self, org: &str, repo: &str, branch: &str) -> String {
        let git = self.git(org, repo);
        let head = git.resolve(&format!("refs/heads/{branch}")).await;
        head.unwrap_or_else(|| panic!("{org}/{repo} has no branch {branch}"))
    }

    /// A pull request as the API shows it.
    pub fn pull(&self, org: &str, repo: &str, number: u64) -> PullRequest {
        let world = self.inner.world.lock();
        let repository = must(world.repo(org, repo));
        let issue = must(world.issue(org, repo, number));
        let pull = must(issue.pull.as_ref().ok_or_else(Refusal::not_found));
        typed(self.documents(&world).pull(repository, issue, pull))
    }

    /// The labels of an issue or pull request, sorted.
    pub fn labels(&self, org: &str, repo: &str, number: u64) -> Vec<String> {
        let world = self.inner.world.lock();
        let mut labels = must(world.issue(org, repo, number)).labels.clone();
        labels.sort();
        labels
    }

    /// The comments of an issue or pull request, oldest first.
    pub fn comments(&self, org: &str, repo: &str, number: u64) -> Vec<IssueComment> {
        let world = self.inner.world.lock();
        let repository = must(world.repo(org, repo));
        let documents = self.documents(&world);
        let comments = must(world.issue(org, repo, number)).comments.iter();
        comments.map(|comment| typed(documents.comment(repository, number, comment))).collect()
    }

    /// Every status ever set on a commit, oldest first.
    pub fn statuses(&self, org: &str, repo: &str, sha: &str) -> Vec<Status> {
        let world = self.inner.world.lock();
        let statuses = must(world.repo(org, repo)).statuses.iter();
        statuses
            .filter(|status| status.sha == sha)
            .map(|status| typed(self.documents(&world).status(status)))
            .collect()
    }

    /// The newest state of every context of a commit.
    pub fn states(&self, org: &str, repo: &str, sha: &str) -> BTreeMap<String, String> {
        let statuses = self.statuses(org, repo, sha).into_iter();
        statuses.map(|status| (status.context, status.state)).collect()
    }

    /// The workflow runs of a repository.
    pub fn workflow_runs(&self, org: &str, repo: &str) -> Vec<WorkflowRun> {
        must(self.inner.world.lock().repo(org, repo)).runs.clone()
    }

    /// The delivery log, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.inner.world.lock().deliveries.clone()
    }

    /// Waits until it is so; looks again after each API request.
    pub async fn until(&self, wanted: impl Fn(&FakeGitHub) -> bool) {
        let mut changes = self.inner.changes.subscribe();
        // Fails only when the sender is gone, and `self` holds it.
        let _ = changes.wait_for(|_| wanted(self)).await;
    }

    /// The API requests so far, oldest first.
    pub fn requests(&self) -> Vec<Seen> {
        self.inner.world.lock().seen.clone()
    }

    /// The API requests of this method whose path contains this text.
    pub fn requests_to(&self, method: &str, path_part: &str) -> Vec<Seen> {
        let mut requests = self.requests();
        requests.retain(|seen| seen.method == method && seen.path.contains(path_part));
        requests
    }

    /// Forgets the API requests so far.
    pub fn clear_requests(&self) {
        self.inner.world.lock().seen.clear();
    }
}

/// A document as the type that the client reads it into.
fn typed<T: serde::de::DeserializeOwned>(document: Value) -> T {
    match serde_json::from_value(document) {
        Ok(value) => value,
        Err(error) => panic!("the fake shows a document that cannot be read: {error}"),
    }
}

/// A refusal ends a test that did not ask for it.
fn must<T>(result: Result<T, Refusal>) -> T {
    match result {
        Ok(value) => value,
        Err(refusal) => panic!("the fake GitHub refused: {refusal}"),
    }
}
