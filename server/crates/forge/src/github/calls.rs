//! Each call of [`Forge`] as GitHub's REST API has it.

use std::collections::{BTreeSet, VecDeque};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use go_compat::time::Timestamp;
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    GitHub,
    auth::Who,
    client::{Call, read_json},
    transport::Answer,
};
use crate::{
    api::{BotUser, Forge},
    error::{Failure, ForgeError},
    model::{
        ChangedFile, CombinedStatus, IssueComment, Label, PullRequest, Repo, Status, User,
        WorkflowRun,
    },
};

/// How long before the call a comment may be dated and still be the lost one: GitHub's clock and
/// ours differ.
const LOST_COMMENT_LEEWAY: std::time::Duration = std::time::Duration::from_secs(120);

/// How many of the comments written lately are remembered.
const REMEMBERED_COMMENTS: usize = 1_024;

/// The media type of a file's bare bytes.
const RAW: &str = "application/vnd.github.raw+json";

/// Numbers of comments, the latest ones.
#[derive(Debug, Default)]
pub(crate) struct Written {
    order: VecDeque<u64>,
    known: BTreeSet<u64>,
}

impl Written {
    fn remember(&mut self, id: u64) {
        if self.known.insert(id) {
            self.order.push_back(id);
        }
        while self.order.len() > REMEMBERED_COMMENTS {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

/// The answer about a reference.
#[derive(Deserialize)]
struct RefAnswer {
    object: RefObject,
}

#[derive(Deserialize)]
struct RefObject {
    sha: String,
}

/// The answer of a search, of which only the size is read.
#[derive(Deserialize)]
struct SearchAnswer {
    #[serde(default)]
    total_count: u64,
}

/// A page of workflow runs.
#[derive(Deserialize)]
struct RunsPage {
    #[serde(default)]
    workflow_runs: Vec<WorkflowRun>,
}

/// The answer about a file.
#[derive(Deserialize)]
struct FileAnswer {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    encoding: String,
    #[serde(default)]
    content: String,
}

/// The answer about the App.
#[derive(Deserialize)]
struct AppAnswer {
    slug: String,
}

/// Escapes one segment of a path.
fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    match escaped.as_str() {
        // A client on the way would take these as steps.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => escaped,
    }
}

/// Escapes a path, segment by segment.
fn segments(path: &str) -> String {
    path.trim_matches('/').split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// `/repos/<org>/<repo>/<rest>`.
fn in_repo(org: &str, repo: &str, rest: &str) -> String {
    let slash = if rest.is_empty() { "" } else { "/" };
    format!("/repos/{}/{}{slash}{rest}", segment(org), segment(repo))
}

fn read_nothing(_: &Call<'_>, _: &Answer) -> Result<(), ForgeError> {
    Ok(())
}

impl GitHub {
    /// Whether a write is to be left out, which is said in the log.
    fn is_dry(&self, call: &Call<'_>) -> bool {
        if self.inner.dry_run {
            tracing::info!(
                method = %call.method,
                path = call.path,
                body = call.body.as_ref().map(ToString::to_string),
                "dry run: this write is left out"
            );
        }
        self.inner.dry_run
    }

    /// A write that has the same effect once or twice.
    async fn write(&self, call: Call<'_>) -> Result<(), ForgeError> {
        if self.is_dry(&call) {
            return Ok(());
        }
        self.inner.client.send(&call).await.map(drop)
    }

    /// Starts workflow runs. If an answer was lost, GitHub refuses the second try because the
    /// runs are on their way already.
    async fn start_runs(&self, call: Call<'_>) -> Result<(), ForgeError> {
        if self.is_dry(&call) {
            return Ok(());
        }
        let call = call.not_repeatable();
        let again = || async {
            match self.inner.client.send(&call).await {
                Ok(_) | Err(ForgeError::Forbidden(_) | ForgeError::Conflict(_)) => Ok(Some(())),
                Err(error) => Err(error),
            }
        };
        self.inner.client.send_once(&call, read_nothing, again).await
    }

    /// The comment that a lost answer was about: by the bot, of this text, not older than the
    /// call, and none that this process knows to have written.
    async fn find_comment(
        &self,
        org: &str,
        repo: &str,
        number: u64,
        body: &str,
        since: Timestamp,
    ) -> Result<Option<IssueComment>, ForgeError> {
        let bot = self.bot_user().await?;
        let path = in_repo(
            org,
            repo,
            &format!("issues/{number}/comments?per_page=100&since={}", segment(&since.rfc3339())),
        );
        let comments = self.comments(org, path).await?;
        let written = self.inner.written.lock();
        Ok(comments.into_iter().rev().find(|comment| {
            bot.is(&comment.user.login)
                && comment.body.trim_end() == body.trim_end()
                && comment.created_at.is_some_and(|at| at >= since)
                && !written.known.contains(&comment.id)
        }))
    }

    async fn comments(&self, org: &str, path: String) -> Result<Vec<IssueComment>, ForgeError> {
        let first = Call::get("/repos/:owner/:repo/issues/:number/comments", path, Who::Org(org));
        self.inner
            .client
            .pages(first, |page: Vec<IssueComment>| page, |comment: &IssueComment| comment.id)
            .await
    }

    async fn runs(
        &self,
        org: &str,
        repo: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<WorkflowRun>, ForgeError> {
        let query: Vec<String> =
            query.iter().map(|(key, value)| format!("{key}={}", segment(value))).collect();
        let path = in_repo(org, repo, &format!("actions/runs?{}&per_page=100", query.join("&")));
        let first = Call::get("/repos/:owner/:repo/actions/runs", path, Who::Org(org));
        self.inner
            .client
            .pages(first, |page: RunsPage| page.workflow_runs, |run: &WorkflowRun| run.id)
            .await
    }
}

#[async_trait]
impl Forge for GitHub {
    async fn bot_user(&self) -> Result<BotUser, ForgeError> {
        let client = &self.inner.client;
        let identity = client.auth.own()?.identity;
        let known = self.inner.bot.lock().clone();
        if let Some((known, bot)) = known
            && known == identity
        {
            return Ok(bot);
        }
        let login = if client.auth.is_app() {
            let call = Call::get("/app", "/app".to_owned(), Who::Bot);
            client.fetch::<AppAnswer>(&call).await?.slug
        } else {
            let call = Call::get("/user", "/user".to_owned(), Who::Bot);
            client.fetch::<User>(&call).await?.login
        };
        let bot = BotUser { login };
        *self.inner.bot.lock() = Some((identity, bot.clone()));
        Ok(bot)
    }

    async fn is_member(&self, org: &str, user: &str) -> Result<bool, ForgeError> {
        if org == user {
            return Ok(true);
        }
        let path = format!("/orgs/{}/members/{}", segment(org), segment(user));
        let call = Call::get("/orgs/:org/members/:username", path.clone(), Who::Org(org))
            .expect(&[204, 302, 404]);
        let answer = self.inner.client.send(&call).await?;
        match answer.status.as_u16() {
            204 => Ok(true),
            404 => Ok(false),
            302 => Err(ForgeError::Forbidden(Failure {
                call: format!("GET {path}"),
                status: Some(302),
                message: format!(
                    "the bot is no member of {org} and may not know who is; make it one"
                ),
            })),
            status => Err(ForgeError::Unexpected(Failure {
                call: format!("GET {path}"),
                status: Some(status),
                message: "204, 302 or 404 was expected".to_owned(),
            })),
        }
    }

    async fn is_collaborator(&self, org: &str, repo: &str, user: &str) -> Result<bool, ForgeError> {
        if org == user {
            return Ok(true);
        }
        let path = in_repo(org, repo, &format!("collaborators/{}", segment(user)));
        let call = Call::get("/repos/:owner/:repo/collaborators/:username", path, Who::Org(org))
            .expect(&[204, 404]);
        Ok(self.inner.client.send(&call).await?.status.as_u16() != 404)
    }

    async fn get_repo(&self, org: &str, repo: &str) -> Result<Repo, ForgeError> {
        let call = Call::get("/repos/:owner/:repo", in_repo(org, repo, ""), Who::Org(org));
        self.inner.client.fetch(&call).await
    }

    async fn get_pull_request(
        &self,
        org: &str,
        repo: &str,
        number: u64,
    ) -> Result<PullRequest, ForgeError> {
        let path = in_repo(org, repo, &format!("pulls/{number}"));
        let call = Call::get("/repos/:owner/:repo/pulls/:number", path, Who::Org(org));
        self.inner.client.fetch(&call).await
    }

    async fn list_open_pull_requests(
        &self,
        org: &str,
        repo: &str,
    ) -> Result<Vec<PullRequest>, ForgeError> {
        let path = in_repo(org, repo, "pulls?state=open&per_page=100");
        let first = Call::get("/repos/:owner/:repo/pulls", path, Who::Org(org));
        self.inner
            .client
            .pages(first, |page: Vec<PullRequest>| page, |pull: &PullRequest| pull.number)
            .await
    }

    async fn get_ref(&self, org: &str, repo: &str, reference: &str) -> Result<String, ForgeError> {
        let path = in_repo(org, repo, &format!("git/ref/{}", segments(reference)));
        let call = Call::get("/repos/:owner/:repo/git/ref/:ref", path, Who::Org(org));
        Ok(self.inner.client.fetch::<RefAnswer>(&call).await?.object.sha)
    }

    async fn list_pull_request_files(
        &self,
        org: &str,
        repo: &str,
        number: u64,
    ) -> Result<Vec<ChangedFile>, ForgeError> {
        let path = in_repo(org, repo, &format!("pulls/{number}/files?per_page=100"));
        let first = Call::get("/repos/:owner/:repo/pulls/:number/files", path, Who::Org(org));
        let key = |file: &ChangedFile| file.filename.clone();
        self.inner.client.pages(first, |page: Vec<ChangedFile>| page, key).await
    }

    async fn get_issue_labels(
        &self,
        org: &str,
        repo: &str,
        number: u64,
    ) -> Result<Vec<Label>, ForgeError> {
        let path = in_repo(org, repo, &format!("issues/{number}/labels?per_page=100"));
        let first = Call::get("/repos/:owner/:repo/issues/:number/labels", path, Who::Org(org));
        let key = |label: &Label| label.name.clone();
        self.inner.client.pages(first, |page: Vec<Label>| page, key).await
    }

    async fn add_label(
        &self,
        org: &str,
        repo: &str,
        number: u64,
        label: &str,
    ) -> Result<(), ForgeError> {
        let path = in_repo(org, repo, &format!("issues/{number}/labels"));
        let route = "/repos/:owner/:repo/issues/:number/labels";
        let call = Call::write(Method::POST, route, path, Who::Org(org));
        self.write(call.body(json!({ "labels": [label] }))).await
    }

    async fn remove_label(
        &self,
        org: &str,
        repo: &str,
        number: u64,
        label: &str,
    ) -> Result<(), ForgeError> {
        let path = in_repo(org, repo, &format!("issues/{number}/labels/{}", segment(label)));
        let route = "/repos/:owner/:repo/issues/:number/labels/:name";
        // Gone already is what was wanted.
        let call = Call::write(Method::DELETE, route, path, Who::Org(org)).expect(&[404]);
        self.write(call).await
    }

    async fn list_issue_comments(
        &self,
        org: &str,
        repo: &str,
        number: u64,
    ) -> Result<Vec<IssueComment>, ForgeError> {
        let path = in_repo(org, repo, &format!("issues/{number}/comments?per_page=100"));
        self.comments(org, path).await
    }

    async fn create_comment(
        &self,
        org: &str,
        repo: &str,
        number: u64,
        body: &str,
    ) -> Result<IssueComment, ForgeError> {
        let path = in_repo(org, repo, &format!("issues/{number}/comments"));
        let route = "/repos/:owner/:repo/issues/:number/comments";
        let call = Call::write(Method::POST, route, path, Who::Org(org))
            .content()
            .not_repeatable()
            .body(json!({ "body": body }));
        if self.is_dry(&call) {
            return Ok(IssueComment { body: body.to_owned(), ..IssueComment::default() });
        }
        let client = &self.inner.client;
        let since = client.auth.server_now().saturating_sub(LOST_COMMENT_LEEWAY);
        let find = || self.find_comment(org, repo, number, body, since);
        let comment: IssueComment = client.send_once(&call, read_json, find).await?;
        self.inner.written.lock().remember(comment.id);
        Ok(comment)
    }

    async fn edit_comment(
        &self,
        org: &str,
        repo: &str,
        id: u64,
        body: &str,
    ) -> Result<(), ForgeError> {
        let path = in_repo(org, repo, &format!("issues/comments/{id}"));
        let route = "/repos/:owner/:repo/issues/comments/:id";
        let call = Call::write(Method::PATCH, route, path, Who::Org(org));
        self.write(call.content().body(json!({ "body": body }))).await
    }

    async fn delete_comment(&self, org: &str, repo: &str, id: u64) -> Result<(), ForgeError> {
        let path = in_repo(org, repo, &format!("issues/comments/{id}"));
        let route = "/repos/:owner/:repo/issues/comments/:id";
        let call = Call::write(Method::DELETE, route, path, Who::Org(org)).expect(&[404]);
        self.write(call).await
    }

    async fn combined_status(
        &self,
        org: &str,
        repo: &str,
        reference: &str,
    ) -> Result<CombinedStatus, ForgeError> {
        let path =
            in_repo(org, repo, &format!("commits/{}/status?per_page=100", segments(reference)));
        let first = Call::get("/repos/:owner/:repo/commits/:ref/status", path, Who::Org(org));
        let mut combined = CombinedStatus::default();
        let statuses = {
            let head = parking_lot::Mutex::new(&mut combined);
            self.inner
                .client
                .pages(
                    first,
                    |page: CombinedStatus| {
                        let mut head = head.lock();
                        head.sha = page.sha;
                        head.state = page.state;
                        page.statuses
                    },
                    |status: &Status| status.context.clone(),
                )
                .await?
        };
        combined.statuses = statuses;
        Ok(combined)
    }

    async fn create_status(
        &self,
        org: &str,
        repo: &str,
        sha: &str,
        status: &Status,
    ) -> Result<(), ForgeError> {
        let path = in_repo(org, repo, &format!("statuses/{}", segment(sha)));
        let route = "/repos/:owner/:repo/statuses/:sha";
        let mut body = json!({ "state": status.state });
        for (key, value) in [
            ("target_url", &status.target_url),
            ("description", &status.description),
            ("context", &status.context),
        ] {
            if !value.is_empty() {
                body[key] = json!(value);
            }
        }
        let call =
            Call::write(Method::POST, route, path, Who::Org(org)).not_repeatable().body(body);
        if self.is_dry(&call) {
            return Ok(());
        }
        let find = || async {
            let now = self.combined_status(org, repo, sha).await?;
            Ok(now.statuses.iter().any(|found| found == status).then_some(()))
        };
        self.inner.client.send_once(&call, read_nothing, find).await
    }

    async fn search_merged_count(&self, org: &str, author: &str) -> Result<u64, ForgeError> {
        let query = format!("is:pr is:merged author:\"{author}\" org:\"{org}\"");
        let path = format!("/search/issues?q={}&per_page=1", segment(&query));
        let call = Call::get("/search/issues", path, Who::Org(org));
        Ok(self.inner.client.fetch::<SearchAnswer>(&call).await?.total_count)
    }

    async fn list_runs_awaiting_approval(
        &self,
        org: &str,
        repo: &str,
        branch: &str,
        head_sha: &str,
    ) -> Result<Vec<WorkflowRun>, ForgeError> {
        let query = [
            ("head_sha", head_sha),
            ("event", "pull_request OR pull_request_target"),
            ("branch", branch),
            ("status", "action_required"),
        ];
        self.runs(org, repo, &query).await
    }

    async fn list_failed_runs(
        &self,
        org: &str,
        repo: &str,
        branch: &str,
        head_sha: &str,
    ) -> Result<Vec<WorkflowRun>, ForgeError> {
        let query = [
            ("head_sha", head_sha),
            ("event", "pull_request OR pull_request_target OR workflow_call"),
            ("branch", branch),
        ];
        let mut runs = self.runs(org, repo, &query).await?;
        runs.retain(WorkflowRun::failed);
        Ok(runs)
    }

    async fn approve_workflow_run(&self, org: &str, repo: &str, id: u64) -> Result<(), ForgeError> {
        let path = in_repo(org, repo, &format!("actions/runs/{id}/approve"));
        let route = "/repos/:owner/:repo/actions/runs/:runId/approve";
        self.start_runs(Call::write(Method::POST, route, path, Who::Org(org))).await
    }

    async fn rerun_failed_jobs(&self, org: &str, repo: &str, id: u64) -> Result<(), ForgeError> {
        let path = in_repo(org, repo, &format!("actions/runs/{id}/rerun-failed-jobs"));
        let route = "/repos/:owner/:repo/actions/runs/:runId/rerun-failed-jobs";
        self.start_runs(Call::write(Method::POST, route, path, Who::Org(org))).await
    }

    async fn get_file(
        &self,
        org: &str,
        repo: &str,
        path: &str,
        reference: &str,
    ) -> Result<Vec<u8>, ForgeError> {
        let mut address = in_repo(org, repo, &format!("contents/{}", segments(path)));
        if !reference.is_empty() {
            address.push_str(&format!("?ref={}", segment(reference)));
        }
        let call = Call::get("/repos/:owner/:repo/contents/:path", address, Who::Org(org));
        let failure = |message: String| Failure {
            call: format!("GET {}", call.path),
            status: Some(200),
            message,
        };
        let answer = self.inner.client.send(&call).await?;
        let not_a_file = || ForgeError::NotFound(failure(format!("{path} is not a file")));
        if answer.body.trim_ascii_start().first() == Some(&b'[') {
            return Err(not_a_file());
        }
        let file: FileAnswer = read_json(&call, &answer)?;
        match (file.kind.as_str(), file.encoding.as_str()) {
            ("file", "base64") => {
                let text: String = file.content.split_whitespace().collect();
                BASE64_STANDARD.decode(text).map_err(|error| {
                    ForgeError::Unexpected(failure(format!("its content is no base64: {error}")))
                })
            }
            // Above a megabyte the content is only given bare.
            ("file", _) => {
                let answer = self.inner.client.send(&call.clone().accept(RAW)).await?;
                Ok(answer.body.to_vec())
            }
            _ => Err(not_a_file()),
        }
    }

    async fn get_user(&self, login: &str) -> Result<User, ForgeError> {
        let org = self.inner.client.any_installation().await?;
        let who = org.as_deref().map_or(Who::Bot, Who::Org);
        let call = Call::get("/users/:username", format!("/users/{}", segment(login)), who);
        self.inner.client.fetch(&call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place_in_a_path() {
        assert_eq!(segment("kind/bug fix?#%é"), "kind%2Fbug%20fix%3F%23%25%C3%A9");
        assert_eq!(in_repo("org", "..", "pulls/1"), "/repos/org/%2E%2E/pulls/1");
        assert_eq!(segments("/heads/feature/a b/"), "heads/feature/a%20b");
    }

    #[test]
    fn only_the_latest_comments_are_remembered() {
        let mut written = Written::default();
        for id in 0..2_000 {
            written.remember(id);
        }
        assert_eq!(written.order.len(), REMEMBERED_COMMENTS);
        assert_eq!(written.known.len(), REMEMBERED_COMMENTS);
        assert!(written.known.contains(&1_999) && !written.known.contains(&0));
    }
}
