//! The fake itself: what other tests rely on.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use forge::event::{Event, GenericComment};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tests::fake_github::{Action, Trial, signature};

use super::{ORG, REPO, Setup};

/// A receiver of webhooks that checks every header and keeps the events.
#[derive(Clone, Default)]
struct Receiver {
    events: Arc<Mutex<Vec<Event>>>,
    refuse: Arc<Mutex<bool>>,
}

impl Receiver {
    /// Starts to listen and gives the address.
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/hook", post(receive)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/hook")
    }

    /// Kind and action of the events so far.
    fn names(&self) -> Vec<String> {
        let events = self.events.lock();
        events.iter().map(|event| format!("{}/{}", kind(event), event.action())).collect()
    }
}

fn kind(event: &Event) -> &str {
    match event {
        Event::PullRequest(_) => "pull_request",
        Event::Issues(_) => "issues",
        Event::IssueComment(_) => "issue_comment",
        Event::Push(_) => "push",
        Event::Status(_) => "status",
        Event::Review(_) => "pull_request_review",
        Event::ReviewComment(_) => "pull_request_review_comment",
        Event::Ping(_) => "ping",
        Event::Other(kind) => kind,
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-hub-signature-256"), signature("s3cr3t", &body));
    let event = Event::parse(&header("x-github-event"), &header("x-github-delivery"), &body);
    if *receiver.refuse.lock() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    receiver.events.lock().push(event.expect("a payload"));
    StatusCode::OK
}

async fn setup() -> (Setup, Receiver) {
    let setup = Setup::new().await;
    let receiver = Receiver::default();
    let url = receiver.start().await;
    setup.fake.add_hook(&url, "s3cr3t");
    (setup, receiver)
}

#[tokio::test]
async fn every_action_is_told_of_with_a_signed_webhook_in_order() {
    let (setup, receiver) = setup().await;
    let fake = &setup.fake;
    let number = setup.pull().await;
    fake.comment("stranger", ORG, REPO, number, "/test all").await;
    fake.label("member", ORG, REPO, number, "ok-to-test").await;
    fake.push("member", ORG, REPO, "topic", &[("more", "x")]).await;
    for action in [
        Action::Edit { number, title: Some("Other".into()), body: None, base: None },
        Action::ConvertToDraft { number },
        Action::ReadyForReview { number },
        Action::Review { number, state: "approved".into(), body: "/lgtm".into() },
        Action::ReviewComment { number, path: "src/main.go".into(), body: "why?".into() },
        Action::Close { number },
        Action::Reopen { number },
    ] {
        fake.try_act("reviewer", ORG, REPO, action).await.expect("an action");
    }
    fake.merge("member", ORG, REPO, number).await;
    assert_eq!(
        receiver.names(),
        [
            "push/",
            "pull_request/opened",
            "issue_comment/created",
            "pull_request/labeled",
            "push/",
            "pull_request/synchronize",
            "pull_request/edited",
            "pull_request/converted_to_draft",
            "pull_request/ready_for_review",
            "pull_request_review/submitted",
            "pull_request_review_comment/created",
            "pull_request/closed",
            "pull_request/reopened",
            "push/",
            "pull_request/closed",
        ]
    );
    let events = receiver.events.lock();
    let Event::PullRequest(closed) = &events[14] else { panic!("{:?}", events[14]) };
    assert!(closed.pull_request.merged && closed.pull_request.merge_commit_sha.is_some());
    assert_eq!(closed.sender.login, "member");
    let review = GenericComment::from_event(&events[9]).expect("a text");
    assert_eq!((review.body.as_str(), review.user.login.as_str()), ("/lgtm", "reviewer"));
    let Event::Push(push) = &events[4] else { panic!("{:?}", events[4]) };
    assert_eq!((push.branch(), push.commits[0].added.as_slice()), ("topic", &["more".into()][..]));
}

#[tokio::test]
async fn what_the_api_changes_is_told_of_too() {
    let (setup, receiver) = setup().await;
    let number = setup.pull().await;
    receiver.events.lock().clear();
    let github = &setup.github;
    use forge::Forge;
    github.create_comment(ORG, REPO, number, "Hello").await.expect("a comment");
    setup.fake.settled().await;
    github.add_label(ORG, REPO, number, "x").await.expect("a label");
    setup.fake.settled().await;
    let head = setup.fake.head(ORG, REPO, "topic").await;
    let status = forge::model::Status { state: "success".into(), ..Default::default() };
    github.create_status(ORG, REPO, &head, &status).await.expect("a status");
    setup.fake.settled().await;
    assert_eq!(receiver.names(), ["issue_comment/created", "pull_request/labeled", "status/"]);
}

#[tokio::test]
async fn deliveries_are_held_back_sent_in_any_order_and_repeated() {
    let (setup, receiver) = setup().await;
    setup.fake.hold_deliveries(true);
    let number = setup.pull().await;
    setup.fake.comment("member", ORG, REPO, number, "first").await;
    assert!(receiver.names().is_empty());
    let ids: Vec<u64> = setup.fake.deliveries().iter().map(|delivery| delivery.id).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(setup.fake.deliver(ids[2]).await, Some(200));
    assert_eq!(setup.fake.deliver(ids[1]).await, Some(200));
    assert_eq!(setup.fake.redeliver(ids[2]).await, Some(200));
    assert_eq!(
        receiver.names(),
        ["issue_comment/created", "pull_request/opened", "issue_comment/created"]
    );
    let log = setup.fake.deliveries();
    assert_eq!(log[3].guid, log[2].guid);
    assert!(log[3].redelivery && !log[2].redelivery);
    assert_eq!(log[0].status, None, "lost");

    *receiver.refuse.lock() = true;
    assert_eq!(setup.fake.deliver(ids[0]).await, Some(503));
    assert_eq!(setup.fake.deliveries()[0].status, Some(503));
}

#[tokio::test]
async fn a_pull_request_may_come_from_a_fork() {
    let (setup, receiver) = setup().await;
    let fake = &setup.fake;
    fake.fork("stranger", ORG, REPO).await;
    fake.push("stranger", "stranger", REPO, "patch", &[("src/main.go", "package fork\n")]).await;
    let number = fake.open_pull("stranger", ORG, REPO, "stranger:patch", "From a fork").await;
    let pull = fake.pull(ORG, REPO, number);
    assert_eq!(pull.head.repo.full_name, "stranger/repo");
    assert_eq!(pull.author_association, "NONE");
    assert_eq!(pull.mergeable, Some(true));
    let again = fake.push("stranger", "stranger", REPO, "patch", &[("b", "c")]).await;
    assert_eq!(fake.pull(ORG, REPO, number).head.sha, again);
    assert_eq!(receiver.names().last().map(String::as_str), Some("pull_request/synchronize"));
}

#[tokio::test]
async fn people_can_drive_it_over_http() {
    let (setup, receiver) = setup().await;
    let http = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", setup.fake.url());
    let post = |path: &str, body: Value| http.post(url(path)).json(&body).send();
    for (path, body, expected) in [
        ("/_control/users", json!({"login": "bob", "token": "t", "member_of": [ORG]}), 201),
        ("/_control/repos", json!({"org": ORG, "repo": "second"}), 201),
        ("/_control/repos", json!({"org": ORG, "repo": "second"}), 422),
        (
            "/_control/act",
            json!({"as": "bob", "org": ORG, "repo": REPO, "do": "push", "branch": "by-hand",
                "from": "main", "files": {"a": "b"}}),
            200,
        ),
        (
            "/_control/act",
            json!({"as": "bob", "org": ORG, "repo": REPO, "do": "open_pull", "head": "by-hand",
                "title": "By hand"}),
            200,
        ),
        (
            "/_control/act",
            json!({"as": "bob", "org": ORG, "repo": REPO, "do": "comment", "number": 1,
                "body": "/test all"}),
            200,
        ),
        (
            "/_control/act",
            json!({"as": "bob", "org": ORG, "repo": REPO, "do": "comment", "number": 9,
                "body": "nowhere"}),
            404,
        ),
        ("/_control/faults", json!({"path": "/user", "status": 502}), 201),
        ("/_control/faults", json!({"path": "/user", "kind": "invented"}), 422),
    ] {
        let answer = post(path, body.clone()).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), expected, "{path} {body}");
    }
    assert_eq!(receiver.names(), ["push/", "pull_request/opened", "issue_comment/created"]);
    let state: Value = http
        .get(url("/_control/state"))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("a document");
    assert_eq!(state["repositories"][0]["issues"][0]["comments"][0]["body"], "/test all");
    let page = http.get(url("/org/repo/pull/1")).send().await.expect("an answer");
    let page = page.text().await.expect("a page");
    assert!(page.starts_with("org/repo#1: By hand\nopen, by bob\n"), "{page}");
    let user = || http.get(url("/user")).bearer_auth("t").send();
    assert_eq!(user().await.expect("an answer").status().as_u16(), 502);
    assert_eq!(user().await.expect("an answer").status().as_u16(), 200);
}

#[tokio::test]
async fn the_delivery_log_is_read_and_repeated_over_the_api() {
    let (setup, receiver) = setup().await;
    setup.pull().await;
    setup.fake.hold_deliveries(true);
    setup.fake.comment("member", ORG, REPO, 1, "lost").await;
    setup.fake.hold_deliveries(false);
    let hook: Value = reqwest::get(format!("{}/_control/state", setup.fake.url()))
        .await
        .expect("an answer")
        .json()
        .await
        .expect("a document");
    let hook = &hook["hooks"][0]["id"];
    let http = reqwest::Client::new();
    let base = format!("{}/repos/{ORG}/{REPO}/hooks/{hook}/deliveries", setup.fake.url());
    let log: Value = http
        .get(&base)
        .bearer_auth(super::TOKEN)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("a log");
    assert_eq!(
        (log[0]["event"].as_str(), log[0]["status_code"].as_u64()),
        (Some("issue_comment"), Some(0))
    );
    let again = http
        .post(format!("{base}/{}/attempts", log[0]["id"]))
        .bearer_auth(super::TOKEN)
        .send()
        .await
        .expect("an answer");
    assert_eq!(again.status().as_u16(), 202);
    setup.fake.settled().await;
    assert_eq!(receiver.names().last().map(String::as_str), Some("issue_comment/created"));
}

#[tokio::test]
async fn the_configuration_for_a_trial_by_hand_is_valid() {
    let setup = Setup::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let trial = Trial::new(ORG, REPO, &setup.fake.clone_url(ORG, REPO));
    trial.write(dir.path()).expect("the files");
    let options = config_load::LoadOptions::new(dir.path().join("config.yaml"))
        .with_jobs(dir.path().join("jobs.yaml"))
        .with_plugins(dir.path().join("plugins.yaml"));
    let loaded = config_load::load(&options, super::start_time()).expect("a configuration");
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert_eq!(loaded.config.jobs.presubmits["org/repo"].len(), 1);
    let plugins = config_load::load_plugins(&options).expect("a plugin configuration");
    assert!(plugins.warnings.is_empty(), "{:?}", plugins.warnings);
}
