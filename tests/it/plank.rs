//! Runs that wait for their turn, as a person sees them.

use http::Method;
use job_spec::ProwJobState;
use tests::world::{Setup, World, prow_job};

/// A run that goes on until it is ended.
fn endless(name: &str) -> serde_json::Value {
    let mut job = prow_job(name, "endless", "triggered");
    job["spec"]["agent"] = "kubernetes".into();
    job["spec"]["pod_spec"] = serde_json::json!({"containers": [
        {"name": "test", "image": "none", "command": ["sleep", "1000"]},
    ]});
    job
}

async fn run_page(world: &World, name: &str) -> String {
    world.get(&format!("/run/{name}")).await.expect(200).text()
}

#[tokio::test]
async fn a_run_that_waits_for_a_place_says_why_on_its_page_and_can_be_aborted_there() {
    let world = Setup::default().parallel_pods(1).running().start().await;
    world.put([endless("first")]).await;
    world.run_when("runs", |run| run.status.state == ProwJobState::Pending).await;
    world.put([endless("second")]).await;
    let waiting =
        world.run_when("waits", |run| run.status.description.contains("--parallel-pods")).await;
    assert_eq!(waiting.metadata.name, "second");
    assert_eq!(waiting.status.state, ProwJobState::Triggered);
    let page = run_page(&world, "second").await;
    assert!(page.contains("1 Pods run on this machine"), "{page}");

    let abort = world.request(Method::POST, "/abort?prowjob=second");
    assert!(world.ask(abort).await.status < 400);
    let ended = world.run_when("is aborted", |run| run.metadata.name == "second" && run.complete());
    let ended = ended.await;
    assert_eq!(ended.status.state, ProwJobState::Aborted);
    assert_eq!(ended.status.pod_name, "", "it never had a Pod");
    let abort = world.request(Method::POST, "/abort?prowjob=first");
    assert!(world.ask(abort).await.status < 400);
    world.run_when("the first ends", |run| run.metadata.name == "first" && run.complete()).await;
}
