//! Everything outside the API: git over HTTP, and a plain page per pull request.
//!
//! Clones, fetches and pushes go through `git http-backend`. A push is an action like any other:
//! it moves pull requests and gives rise to webhooks.

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use git::GitCommand;

use super::{
    FakeGitHub,
    actions::Scene,
    faults::{Fault, FaultKind},
    server::MAX_BODY_BYTES,
    world::{Refusal, repo_key},
};

/// Answers what no route of the API answers.
pub(super) async fn handle(State(fake): State<FakeGitHub>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let fault = {
        let mut world = fake.inner.world.lock();
        Fault::take(&mut world.faults, request.method().as_str(), &path)
    };
    if let Some(FaultKind::Hold(gate)) = fault {
        gate.pass().await;
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let result = match parts[..] {
        [org, repo, ..] if repo.ends_with(".git") && parts.len() > 2 => {
            let rest = parts[2..].join("/");
            let repo = repo.trim_end_matches(".git").to_owned();
            let org = org.to_owned();
            fake.serve_git(&org, &repo, &rest, request).await
        }
        [org, repo, "pull" | "issues", number] => number
            .parse()
            .map_err(|_| Refusal::not_found())
            .and_then(|number| fake.text_page(org, repo, number))
            .map(IntoResponse::into_response),
        _ => Err(Refusal::not_found()),
    };
    result.unwrap_or_else(IntoResponse::into_response)
}

impl FakeGitHub {
    async fn serve_git(
        &self,
        org: &str,
        repo: &str,
        rest: &str,
        request: Request,
    ) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        let git = {
            let caller = self.authenticate(&parts.headers).unwrap_or_default();
            let world = self.inner.world.lock();
            let repository = world.repo(org, repo)?;
            if repository.private && world.permission(repository, &caller.login) == "none" {
                let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"GitHub\"")];
                return Ok((StatusCode::UNAUTHORIZED, ask).into_response());
            }
            repository.git.clone()
        };
        let body = axum::body::to_bytes(body, MAX_BODY_BYTES)
            .await
            .map_err(|error| Refusal::new(400, error.to_string()))?;
        let text = |name: &str| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let writes = parts.method == Method::POST && rest == "git-receive-pack";
        let before = if writes { git.refs().await? } else { Vec::new() };
        let output = GitCommand::new()
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", git.path())
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("PATH_INFO", format!("/{rest}"))
            .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
            .env("REQUEST_METHOD", parts.method.as_str())
            .env("CONTENT_TYPE", text("content-type"))
            .env("CONTENT_LENGTH", body.len().to_string())
            .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
            .env("GIT_PROTOCOL", text("git-protocol"))
            .stdin(body.to_vec())
            .output_limit(MAX_BODY_BYTES)
            .run()
            .await
            .map_err(|error| Refusal::new(500, error.to_string()))?;
        if writes {
            self.tell_of_push(org, repo, &before).await?;
        }
        Ok(cgi_response(&output.stdout))
    }

    /// Finds out what a push moved and tells of it in the pusher's name, who is the author of the
    /// newest commit: git does not say who it is.
    async fn tell_of_push(
        &self,
        org: &str,
        repo: &str,
        before: &[(String, String)],
    ) -> Result<(), Refusal> {
        let git = self.inner.world.lock().repo(org, repo)?.git.clone();
        let after = git.refs().await?;
        let find = |refs: &[(String, String)], name: &str| {
            refs.iter().find(|(known, _)| known == name).map(|(_, sha)| sha.clone())
        };
        let mut names: Vec<&String> = before.iter().chain(&after).map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        let mut emissions = Vec::new();
        for name in names {
            let Some(branch) = name.strip_prefix("refs/heads/") else { continue };
            let (old, new) = (find(before, name), find(&after, name));
            if old == new {
                continue;
            }
            let newest = new.as_ref().or(old.as_ref()).cloned().unwrap_or_default();
            let commits = git.pushed(super::repository::NO_COMMIT, &newest).await?;
            let author = commits.first().map(|commit| commit.author.clone()).unwrap_or_default();
            let actor = author.split_whitespace().collect::<Vec<_>>().join("-").to_lowercase();
            let (org, repo) = repo_key(org, repo);
            let scene = {
                let mut world = self.inner.world.lock();
                world.ensure_account(&actor, "User");
                let repository = world.repo(&org, &repo)?;
                Scene {
                    actor,
                    org: repository.owner.clone(),
                    repo: repository.name.clone(),
                    now: self.inner.clock.now(),
                    base: self.inner.base.clone(),
                }
            };
            let moved = self.branch_moved(&scene, branch, old.as_deref(), new.as_deref());
            emissions.extend(moved.await?);
        }
        let ids = self.log_deliveries(emissions);
        self.send_in_background(ids);
        Ok(())
    }

    /// An issue or pull request with its labels, statuses and comments, for people.
    fn text_page(&self, org: &str, repo: &str, number: u64) -> Result<String, Refusal> {
        let world = self.inner.world.lock();
        let repository = world.repo(org, repo)?;
        let issue = world.issue(org, repo, number)?;
        let state = if issue.open { "open" } else { "closed" };
        let mut page = format!(
            "{}#{number}: {}\n{state}, by {}\nlabels: {}\n",
            repository.full_name(),
            issue.title,
            issue.author,
            issue.labels.join(", ")
        );
        if let Some(pull) = &issue.pull {
            page.push_str(&format!(
                "{}:{} ({}) -> {} ({})\n\nstatuses:\n",
                pull.head_repo.0, pull.head_ref, pull.head_sha, pull.base_ref, pull.base_sha
            ));
            for status in repository.latest_statuses(&pull.head_sha) {
                page.push_str(&format!(
                    "  {:8} {}: {} {}\n",
                    status.state, status.context, status.description, status.target_url
                ));
            }
        }
        page.push_str(&format!("\n{}\n", issue.body));
        for comment in &issue.comments {
            let at = comment.created_at.rfc3339();
            page.push_str(&format!("\n--- {} at {at}\n{}\n", comment.author, comment.body));
        }
        Ok(page)
    }
}

/// Turns what a CGI program printed into an answer.
fn cgi_response(output: &[u8]) -> Response {
    let (head, body) = match find(output, b"\r\n\r\n") {
        Some(at) => (&output[..at], &output[at + 4..]),
        None => match find(output, b"\n\n") {
            Some(at) => (&output[..at], &output[at + 2..]),
            None => (&b""[..], output),
        },
    };
    let mut status = StatusCode::OK;
    let mut headers = HeaderMap::new();
    for line in String::from_utf8_lossy(head).lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().and_then(|code| code.parse::<u16>().ok());
            status = code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(status);
        } else if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            headers.insert(name, value);
        }
    }
    (status, headers, Body::from(body.to_vec())).into_response()
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cgi_program_prints_becomes_an_answer() {
        let answer = cgi_response(b"Status: 404 Not Found\r\nX-A: b\r\n\r\nbody\r\n\r\nmore");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert_eq!(answer.headers()["x-a"], "b");
        assert_eq!(cgi_response(b"Content-Type: text/plain\n\nx").status(), StatusCode::OK);
    }
}
