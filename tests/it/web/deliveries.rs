//! `/deliveries`: the log of webhooks, and replay.

use http::Method;
use tests::world::{MEMBER, ORG, REPO, Setup, World, sign};

const JOBS: &str = r#"
presubmits:
  org/repo:
  - name: unit
    always_run: true
    spec: {containers: [{image: none, command: ["true"]}]}
"#;

#[tokio::test]
async fn the_log_shows_what_came_in_and_what_became_of_it() {
    let world = World::new().await;
    let body =
        r#"{"repository":{"full_name":"org/repo"},"action":"opened","sender":{"login":"ann<b>"}}"#;
    world.deliver(&sign("pull_request", "guid-1", body)).await.expect(200);
    world.deliver(&sign("push", "guid-2", r#"{"ref":"<script>x</script>"}"#)).await.expect(200);
    let list = world.get("/deliveries").await.expect(200).text();
    for shown in ["guid-1", "guid-2", "pull_request", "opened", "org/repo", "ann&lt;b&gt;"] {
        assert!(list.contains(shown), "{shown}: {list}");
    }
    let pushes = world.get("/deliveries?event=push").await.expect(200).text();
    assert!(pushes.contains("guid-2") && !pushes.contains("guid-1"), "{pushes}");
    let page = world.get("/deliveries/2").await.expect(200).text();
    assert!(page.contains("&lt;script&gt;x") && !page.contains("<script>x"), "{page}");
    assert!(!page.contains("sha256="), "the signature is nobody's business");
    for missing in ["/deliveries/99", "/deliveries/-1"] {
        world.get(missing).await.expect(404);
    }
}

#[tokio::test]
async fn only_what_was_handled_is_replayed() {
    let world = World::new().await;
    world.deliver(&sign("push", "guid-1", r#"{"ref":"x"}"#)).await.expect(200);
    let replay = |path: &'static str, accept: &'static str| {
        world.ask(world.request(Method::POST, path).header("accept", accept))
    };
    // Nobody handles deliveries in this World.
    let pending = replay("/api/v1/deliveries/1/replay", "application/json").await.expect(409);
    assert_eq!(pending.json()["error"]["status"], 409);
    assert!(pending.text().contains("still pending"), "{}", pending.text());
    replay("/api/v1/deliveries/99/replay", "application/json").await.expect(404);
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let request = world.request(method, "/api/v1/deliveries/1/replay");
        world.ask(request).await.expect(405);
    }
    let deliveries = world.process.web.store.as_ref().expect("a store").deliveries();
    let id = store::DeliveryId(1);
    deliveries.mark_handled(id, tests::world::START, "done").await.expect("handled");
    let page = replay("/api/v1/deliveries/1/replay", "text/html").await.expect(303);
    assert_eq!(page.header("location"), "/deliveries/1");
    let journal = world.journal().await;
    assert_eq!((journal[0].status.as_str(), journal[0].replays), ("pending", 1));
}

#[tokio::test]
async fn a_replay_is_a_new_event_with_runs_of_its_own() {
    let world = Setup::default().jobs(JOBS).running().start().await;
    world.github.push(MEMBER, ORG, REPO, "topic", &[("a.txt", "a\n")]).await;
    world.github.open_pull(MEMBER, ORG, REPO, "topic", "Add a").await;
    world.run_when("unit succeeds", |job| job.status.state.as_str() == "success").await;
    let opened = async || {
        let journal = world.journal().await;
        journal.into_iter().find(|line| line.event == "pull_request").expect("the delivery")
    };
    let handled = async {
        while opened().await.status != store::DeliveryStatus::Handled {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(tests::world::SOON, handled).await.expect("handled");
    let id = opened().await.id.0;
    world.post(&format!("/api/v1/deliveries/{id}/replay")).await.expect(200);
    let again = async {
        loop {
            let delivery = opened().await;
            if delivery.replays == 1 && delivery.status == store::DeliveryStatus::Handled {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(tests::world::SOON, again).await.expect("handled again");
    assert_eq!(world.prow_jobs().await.len(), 2);
    // The same delivery again without a replay is none.
    let delivery = world.github.deliveries().into_iter().find(|d| d.event == "pull_request");
    let again = world.github.redeliver(delivery.expect("a delivery").id).await;
    assert_eq!(again, Some(200));
    assert_eq!(world.journal().await.iter().filter(|d| d.event == "pull_request").count(), 1);
    let page = world.get(&format!("/deliveries/{id}")).await.expect(200).text();
    assert!(page.contains("unit"), "the page leads to the run: {page}");
}
