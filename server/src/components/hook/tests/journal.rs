//! What becomes of deliveries.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::decide::MAX_TRIES;
use super::*;

#[tokio::test]
async fn a_delivery_is_handled_by_the_plugins_that_are_on_and_marked() {
    let world = world(BOTH).await;
    let id = world.pull("g1", 1, "x").await;
    let other = world
        .deliver("g2", "pull_request", r#"{"repository":{"name":"else","owner":{"login":"org"}}}"#)
        .await;
    assert_eq!(sync_once(&world.deps).await.unwrap(), 2);
    let (status, note) = world.status(id).await;
    assert_eq!(status, DeliveryStatus::Handled);
    assert_eq!(note, "hold: stood by; trigger: saw x");
    assert_eq!(world.status(other).await, (DeliveryStatus::Handled, "nothing to do".to_owned()));
    assert_eq!(world.records().await, 0);
    assert_eq!(sync_once(&world.deps).await.unwrap(), 0);
    let rows = world.store.audit().list(&store::AuditFilter::default(), 10).await.unwrap();
    let mut told: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "{} {} {} {}",
                row.entry.who, row.entry.action, row.entry.target, row.entry.result
            )
        })
        .collect();
    told.sort();
    assert_eq!(told, ["ana plugin hold org/repo#1 done", "ana plugin trigger org/repo#1 done"]);
}

#[tokio::test]
async fn a_body_that_is_no_event_is_given_up_with_the_reason() {
    let world = world(ONE).await;
    let id = world.deliver("g1", "pull_request", "[1]").await;
    sync_once(&world.deps).await.unwrap();
    let (status, note) = world.status(id).await;
    assert_eq!(status, DeliveryStatus::Failed);
    assert!(note.starts_with("the body is not a pull_request event: "), "{note}");
}

#[tokio::test]
async fn a_poisoned_plugin_is_parked_after_five_tries_and_the_others_are_done_once() {
    let world = world(BOTH).await;
    let id = world.pull("g1", 1, "panic").await;
    let fine = world.pull("g2", 2, "fine").await;
    for tries in 1..=MAX_TRIES {
        sync_once(&world.deps).await.unwrap();
        assert_eq!(log().iter().filter(|line| line.starts_with("panic")).count() as u32, tries);
        world.clock.advance(Duration::from_secs(120));
    }
    let (status, note) = world.status(id).await;
    assert_eq!(status, DeliveryStatus::Failed);
    assert_eq!(note, "trigger failed after 5 tries: the plugin panicked: poisoned");
    assert_eq!(log().iter().filter(|line| *line == "steady panic").count(), 1);
    assert_eq!(world.status(fine).await.0, DeliveryStatus::Handled);
    assert_eq!(world.records().await, 0);
}

#[tokio::test]
async fn what_passes_is_repeated_and_what_does_not_is_parked_at_once() {
    let world = world(ONE).await;
    let id = world.pull("g1", 1, "fail:2").await;
    for _ in 0..3 {
        sync_once(&world.deps).await.unwrap();
        world.clock.advance(Duration::from_secs(120));
    }
    assert_eq!(world.status(id).await.0, DeliveryStatus::Handled);
    assert_eq!(log(), ["fail:2 false", "fail:2 true", "fail:2 true"]);
}

#[tokio::test]
async fn what_no_repetition_mends_is_parked_and_can_be_replayed() {
    let world = world(ONE).await;
    let id = world.pull("g1", 1, "never:1").await;
    sync_once(&world.deps).await.unwrap();
    let (status, note) = world.status(id).await;
    assert_eq!(status, DeliveryStatus::Failed);
    assert_eq!(note, "trigger failed after 1 tries: no repetition helps");
    world.store.deliveries().replay(id).await.unwrap();
    sync_once(&world.deps).await.unwrap();
    assert_eq!(world.status(id).await.0, DeliveryStatus::Handled);
    assert_eq!(log(), ["never:1 false", "never:1 false"], "a replay is a new event");
}

#[tokio::test]
async fn a_spent_limit_is_waited_for_and_costs_no_try() {
    let world = world(ONE).await;
    let id = world.pull("g1", 1, "limit:7").await;
    for _ in 0..8 {
        sync_once(&world.deps).await.unwrap();
        world.clock.advance(Duration::from_secs(3_600));
    }
    assert_eq!(world.status(id).await.0, DeliveryStatus::Handled, "{:?}", log());
}

#[tokio::test]
async fn a_crash_between_two_plugins_repeats_only_the_one_that_was_not_done() {
    let world = world(BOTH).await;
    let id = world.pull("g1", 1, "fail:1").await;
    sync_once(&world.deps).await.unwrap();
    assert_eq!(world.records().await, 1);
    // The process dies here; the next one finds the journal and the record.
    world.clock.advance(Duration::from_secs(3_600));
    let next = Deps { seen: Arc::default(), ..world.deps.clone() };
    sync_once(&next).await.unwrap();
    assert_eq!(world.status(id).await.0, DeliveryStatus::Handled);
    assert_eq!(log().iter().filter(|line| line.starts_with("steady")).count(), 1);
    assert_eq!(world.records().await, 0);
}

#[tokio::test]
async fn the_same_event_from_two_webhooks_is_handled_once() {
    let world = world(ONE).await;
    let first = world.pull("guid-of-the-org", 1, "x").await;
    let second = world.pull("guid-of-the-repo", 1, "x").await;
    assert_ne!(first, second);
    sync_once(&world.deps).await.unwrap();
    assert_eq!(log(), ["x false"]);
    let (status, note) = world.status(second).await;
    assert_eq!(status, DeliveryStatus::Handled);
    assert_eq!(note, format!("the same event as delivery {}, from another webhook", first.0));
}

/// Lets other tasks run until something holds, without letting the product's clock move.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waits = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(30), waits).await;
    assert!(came.is_ok(), "it never came true: {what}");
}

#[tokio::test]
async fn deliveries_of_one_pull_request_keep_their_order_while_one_is_repeated() {
    let world = world(ONE).await;
    let cancel = CancellationToken::new();
    let task = tokio::spawn(run(world.deps.clone(), cancel.clone()));
    let first = world.pull("g1", 1, "fail:1").await;
    until("the first try", async || log().len() == 1).await;
    let second = world.pull("g2", 1, "after").await;
    let other = world.pull("g3", 2, "other").await;
    until("the other one", async || world.status(other).await.0 == DeliveryStatus::Handled).await;
    assert_eq!(world.status(second).await.0, DeliveryStatus::Pending, "it waits for the first");
    until("somebody sleeps", async || world.clock.sleepers() > 0).await;
    world.clock.advance(Duration::from_secs(1));
    until("the second", async || world.status(second).await.0 == DeliveryStatus::Handled).await;
    assert_eq!(world.status(first).await.0, DeliveryStatus::Handled);
    let order: Vec<String> = log().into_iter().filter(|line| !line.starts_with("other")).collect();
    assert_eq!(order, ["fail:1 false", "fail:1 true", "after false"]);
    cancel.cancel();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stopping_process_gives_back_what_it_holds() {
    let world = world(ONE).await;
    let cancel = CancellationToken::new();
    let task = tokio::spawn(run(world.deps.clone(), cancel.clone()));
    let first = world.pull("g1", 1, "fail:1").await;
    let second = world.pull("g2", 1, "after").await;
    until("the first try", async || log().len() == 1).await;
    cancel.cancel();
    task.await.unwrap().unwrap();
    world.clock.advance(Duration::from_secs(10));
    let next = Deps { seen: Arc::default(), ..world.deps.clone() };
    sync_once(&next).await.unwrap();
    for id in [first, second] {
        assert_eq!(world.status(id).await.0, DeliveryStatus::Handled);
    }
    // Whether the second was held already when the process stopped is left to chance.
    let order: Vec<String> = log()
        .iter()
        .map(|line| line.replace(" true", "").replace("after false", "after"))
        .collect();
    assert_eq!(order, ["fail:1 false", "fail:1", "after"]);
}

#[tokio::test]
async fn a_burst_is_handled_whole_and_each_once() {
    let world = world(ONE).await;
    let cancel = CancellationToken::new();
    let task = tokio::spawn(run(world.deps.clone(), cancel.clone()));
    let mut ids = Vec::new();
    for n in 0..200 {
        ids.push(world.pull(&format!("g{n}"), n % 7, &format!("e{n}")).await);
    }
    until("all", async || world.store.deliveries().counts().await.unwrap().pending == 0).await;
    cancel.cancel();
    task.await.unwrap().unwrap();
    let mut seen: Vec<String> = log();
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), log().len()), (200, 200));
    for number in 0..7 {
        let order: Vec<u64> = log()
            .iter()
            .filter_map(|line| line.strip_prefix('e')?.split(' ').next()?.parse().ok())
            .filter(|n: &u64| n % 7 == number)
            .collect();
        assert!(order.is_sorted(), "{number}: {order:?}");
    }
}
