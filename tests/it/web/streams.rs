//! Server-sent events: what changes, with ids that a lost connection resumes from.

use serde_json::json;
use tests::world::{Events, Setup, World, prow_job};

use crate::program::Meeting;

const RUNS: &str = "/api/v1/runs/stream";

async fn hello(events: &mut Events) -> (String, bool) {
    let event = events.next().await.expect("a first event");
    assert_eq!(event.name, "hello");
    (event.id.clone(), event.json()["resync"] == true)
}

/// The next event's name and the run that it is about.
async fn next(events: &mut Events) -> (String, String, String) {
    let event = events.next().await.expect("an event");
    let run = event.json()["id"].as_str().unwrap_or_default().to_owned();
    (event.name, run, event.id)
}

#[tokio::test]
async fn rows_are_told_as_they_change_and_after_a_break_from_where_it_broke() {
    let world = Setup::default().real_time().start().await;
    let mut events = world.events(RUNS, None).await;
    let (first, resync) = hello(&mut events).await;
    assert!(!resync && !first.is_empty());
    world.put([prow_job("a", "nightly", "triggered")]).await;
    let (name, run, id) = next(&mut events).await;
    assert_eq!((name.as_str(), run.as_str()), ("run", "a"));
    assert_ne!(id, first);
    drop(events);

    // While nobody listens.
    world.put([prow_job("b", "nightly", "triggered")]).await;
    world.patch("a", json!({"status": {"state": "pending"}})).await;
    let mut events = world.events(RUNS, Some(&id)).await;
    assert!(!hello(&mut events).await.1, "nothing was missed");
    let mut seen = vec![next(&mut events).await.1, next(&mut events).await.1];
    seen.sort();
    assert_eq!(seen, ["a", "b"]);
    // A page says in its address where it stands.
    let mut events = world.events(&format!("{RUNS}?from={id}"), None).await;
    assert!(!hello(&mut events).await.1);
    assert_eq!(next(&mut events).await.0, "run");
}

#[tokio::test]
async fn who_comes_from_an_earlier_process_is_told_to_read_the_list_again() {
    let world = Setup::default().real_time().start().await;
    world.put([prow_job("a", "nightly", "success")]).await;
    for unknown in ["1-1", "nonsense", "0-99999999"] {
        let mut events = world.events(RUNS, Some(unknown)).await;
        assert!(hello(&mut events).await.1, "{unknown}");
    }
}

#[tokio::test]
async fn a_filtered_stream_tells_of_what_comes_in_and_what_goes_out() {
    let world = Setup::default().real_time().start().await;
    let mut events = world.events(&format!("{RUNS}?state=pending&job=nightly"), None).await;
    hello(&mut events).await;
    world.put([prow_job("other", "hourly", "pending")]).await;
    world.put([prow_job("a", "nightly", "pending")]).await;
    let mut seen = next(&mut events).await;
    // One that never was in the list may be named as gone.
    if seen.1 == "other" {
        assert_eq!(seen.0, "gone");
        seen = next(&mut events).await;
    }
    assert_eq!((seen.0.as_str(), seen.1.as_str()), ("run", "a"));
    let done = json!({"status": {"state": "success", "completionTime": "2026-11-21T00:01:00Z"}});
    world.patch("a", done).await;
    let seen = next(&mut events).await;
    assert_eq!((seen.0.as_str(), seen.1.as_str()), ("gone", "a"));
}

/// A run that prints, waits for the test, prints again, and ends.
async fn printing(world: &World, meeting: &Meeting) {
    let mut job = prow_job("live", "nightly", "triggered");
    job["status"] = json!({"startTime": "2026-11-21T00:00:00Z", "state": "triggered"});
    let script = format!("echo one; echo two; {}", meeting.script());
    job["spec"]["pod_spec"]["containers"][0]["command"] = json!(["sh", "-c", script]);
    world.put([job]).await;
}

#[tokio::test]
async fn a_log_is_told_line_by_line_while_the_run_goes_on_and_ends_with_it() {
    let mut meeting = Meeting::new();
    let world = Setup::default().running().start().await;
    printing(&world, &meeting).await;
    let path = "/api/v1/runs/live/log/stream";
    let mut events = world.events(&format!("{path}?line=0"), None).await;
    meeting.hear_from_world("started").await;
    // The last line may still grow, so it comes again; a reader goes by the numbers.
    let mut told = std::collections::BTreeMap::new();
    let mut ids = Vec::new();
    while told.len() < 2 {
        let event = events.next().await.expect("an event");
        assert_eq!(event.name, "lines");
        for line in event.json()["lines"].as_array().expect("lines") {
            told.insert(line["n"].as_u64().unwrap_or_default(), line["s"][0]["t"].clone());
        }
        ids.push(event.id);
    }
    assert_eq!(told[&1], "one");
    assert_eq!(told[&2], "two");
    drop(events);

    // After a break: from the line that the id names, not from the beginning.
    let last = ids.last().expect("an id").clone();
    let mut events = world.events(&format!("{path}?line=0"), Some(&last)).await;
    meeting.let_go();
    meeting.hear_from_world("ended").await;
    loop {
        let event = events.next().await.expect("an event");
        if event.name == "end" {
            break;
        }
        for line in event.json()["lines"].as_array().expect("lines") {
            let n = line["n"].as_u64().unwrap_or_default();
            assert!(n >= 2, "line {n} was told before");
            told.insert(n, line["s"][0]["t"].clone());
        }
    }
    let told: Vec<&str> = told.values().filter_map(serde_json::Value::as_str).collect();
    assert_eq!(told, ["one", "two", "went on"]);
    assert!(events.next().await.is_none(), "the stream ends");
}
