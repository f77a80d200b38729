//! Endpoints for people and scripts beside the API, under `/_control`.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    FakeGitHub,
    actions::{Action, Outcome},
    faults::FaultRequest,
    world::{Delivery, Refusal, key},
};

const HELP: &str = "\
GET  /_control                          this text
GET  /_control/state                    repositories, pull requests, labels, statuses, comments
POST /_control/act                      {\"as\": \"alice\", \"org\": \"o\", \"repo\": \"r\", \"do\": \"comment\", \"number\": 1, \"body\": \"/test all\"}
                                        do: push delete_branch open_pull open_issue edit close reopen ready_for_review
                                        convert_to_draft merge label unlabel assign comment edit_comment delete_comment
                                        review review_comment set_status
POST /_control/users                    {\"login\": \"alice\", \"token\": \"t\", \"member_of\": [\"o\"]}
POST /_control/repos                    {\"org\": \"o\", \"repo\": \"r\", \"from\": \"/path/to/git\"}   (from is optional)
POST /_control/forks                    {\"as\": \"alice\", \"org\": \"o\", \"repo\": \"r\"}
POST /_control/hooks                    {\"url\": \"http://localhost:8080/hook\", \"secret\": \"s\"}
POST /_control/faults                   {\"method\": \"POST\", \"path\": \"/statuses/\", \"times\": 2, \"status\": 502}
                                        or {\"path\": \"/comments\", \"kind\": \"drop_reply\"}   (drop_request, cut_reply)
GET  /_control/deliveries               the delivery log
POST /_control/deliveries/{id}/redeliver
Git: clone, fetch and push http://<this>/<org>/<repo>.git; pages: /<org>/<repo>/pull/<number>
";

pub(super) fn router() -> Router<FakeGitHub> {
    Router::new()
        .route("/", get(|| async { HELP }))
        .route("/state", get(state))
        .route("/act", post(act))
        .route("/users", post(add_user))
        .route("/repos", post(add_repo))
        .route("/forks", post(fork))
        .route("/hooks", post(add_hook))
        .route("/faults", post(add_fault))
        .route("/deliveries", get(deliveries))
        .route("/deliveries/{id}/redeliver", post(redeliver))
}

#[derive(Deserialize)]
struct ActRequest {
    #[serde(rename = "as")]
    actor: String,
    org: String,
    repo: String,
    #[serde(flatten)]
    action: Action,
}

async fn act(
    State(fake): State<FakeGitHub>,
    Json(request): Json<ActRequest>,
) -> Result<Json<Outcome>, Refusal> {
    let ActRequest { actor, org, repo, action } = request;
    Ok(Json(fake.try_act(&actor, &org, &repo, action).await?))
}

#[derive(Deserialize)]
struct UserRequest {
    login: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    member_of: Vec<String>,
}

async fn add_user(State(fake): State<FakeGitHub>, Json(request): Json<UserRequest>) -> StatusCode {
    fake.add_user(&request.login);
    if !request.token.is_empty() {
        fake.add_token(&request.token, &request.login);
    }
    for org in request.member_of {
        fake.add_member(&org, &request.login);
    }
    StatusCode::CREATED
}

#[derive(Deserialize)]
struct RepoRequest {
    org: String,
    repo: String,
    #[serde(default)]
    from: String,
}

async fn add_repo(
    State(fake): State<FakeGitHub>,
    Json(request): Json<RepoRequest>,
) -> Result<StatusCode, Refusal> {
    let from = Some(request.from.as_str()).filter(|from| !from.is_empty());
    fake.try_add_repo(&request.org, &request.repo, from.map(std::path::Path::new)).await?;
    Ok(StatusCode::CREATED)
}

#[derive(Deserialize)]
struct ForkRequest {
    #[serde(rename = "as")]
    actor: String,
    org: String,
    repo: String,
}

async fn fork(
    State(fake): State<FakeGitHub>,
    Json(request): Json<ForkRequest>,
) -> Result<StatusCode, Refusal> {
    fake.try_fork(&request.actor, &request.org, &request.repo).await?;
    Ok(StatusCode::CREATED)
}

#[derive(Deserialize)]
struct HookRequest {
    url: String,
    #[serde(default)]
    secret: String,
}

async fn add_hook(
    State(fake): State<FakeGitHub>,
    Json(request): Json<HookRequest>,
) -> (StatusCode, Json<Value>) {
    let id = fake.add_hook(&request.url, &request.secret);
    (StatusCode::CREATED, Json(json!({ "id": id })))
}

async fn add_fault(
    State(fake): State<FakeGitHub>,
    Json(request): Json<FaultRequest>,
) -> Result<StatusCode, Refusal> {
    fake.fail(request.fault().map_err(Refusal::invalid)?);
    Ok(StatusCode::CREATED)
}

async fn deliveries(State(fake): State<FakeGitHub>) -> Json<Vec<Delivery>> {
    Json(fake.deliveries())
}

async fn redeliver(State(fake): State<FakeGitHub>, Path(id): Path<u64>) -> impl IntoResponse {
    let known = fake.deliveries().iter().any(|delivery| delivery.id == id);
    if !known {
        return Refusal::not_found().into_response();
    }
    Json(json!({ "status": fake.redeliver(id).await })).into_response()
}

async fn state(State(fake): State<FakeGitHub>) -> Json<Value> {
    let world = fake.inner.world.lock();
    let documents = fake.documents(&world);
    let repos: Vec<Value> = world
        .repos
        .values()
        .map(|repository| {
            let issues: Vec<Value> = repository
                .issues
                .values()
                .map(|issue| {
                    let mut document = match &issue.pull {
                        Some(pull) => documents.pull(repository, issue, pull),
                        None => documents.issue(repository, issue),
                    };
                    let comments = issue.comments.iter();
                    document["comments"] = comments
                        .map(|comment| documents.comment(repository, issue.number, comment))
                        .collect();
                    if let Some(pull) = &issue.pull {
                        let latest = repository.latest_statuses(&pull.head_sha);
                        document["statuses"] =
                            latest.iter().map(|status| documents.status(status)).collect();
                    }
                    document
                })
                .collect();
            json!({
                "repository": documents.repo(repository),
                "git_dir": repository.git.path(),
                "issues": issues,
            })
        })
        .collect();
    let orgs: Vec<Value> = world
        .orgs
        .iter()
        .map(|(login, org)| json!({ "login": key(login), "members": org.members }))
        .collect();
    let hooks: Vec<Value> =
        world.hooks.iter().map(|hook| json!({ "id": hook.id, "url": hook.url })).collect();
    Json(json!({ "repositories": repos, "organizations": orgs, "hooks": hooks }))
}
