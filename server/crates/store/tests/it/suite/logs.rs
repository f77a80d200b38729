use go_compat::Timestamp;
use store::{LogIndexRow, LogPin, MAX_LOG_INDEXES, MAX_RUN_PINS, StoreError};

use crate::fixture::{Fixture, on_both_databases};

on_both_databases! {
    an_index_is_found_after_a_restart_and_replaced_by_a_newer_one,
    of_many_indexes_the_oldest_go,
    pins_of_a_run_come_by_line_and_are_removed_one_by_one,
    a_run_has_no_more_pins_than_a_page_can_show,
    old_pins_are_pruned,
}

fn index(uri: &str, version: &str, made_ms: i64) -> LogIndexRow {
    LogIndexRow {
        uri: uri.to_owned(),
        version: version.to_owned(),
        made_ms,
        lines: vec![1, 0, 255],
        folds: vec![],
        highlights: "abc".to_owned(),
        errors: vec![9],
    }
}

fn pin(run: &str, first_line: i64, last_line: i64, note: &str) -> LogPin {
    LogPin {
        id: 0,
        run: run.to_owned(),
        first_line,
        last_line,
        note: note.to_owned(),
        who: "alice".to_owned(),
        at_ms: 5,
    }
}

async fn an_index_is_found_after_a_restart_and_replaced_by_a_newer_one(fixture: Fixture) {
    let store = fixture.open().await;
    let first = index("gs://b/x/build-log.txt", "1", 1);
    store.log_indexes().put(first.clone()).await.unwrap();
    let store = fixture.reopen(store).await;
    let indexes = store.log_indexes();
    assert_eq!(indexes.get(&first.uri).await.unwrap(), Some(first.clone()));
    assert_eq!(indexes.get("gs://b/y/build-log.txt").await.unwrap(), None);
    let second = LogIndexRow { version: "2".to_owned(), errors: vec![], ..first };
    indexes.put(second.clone()).await.unwrap();
    assert_eq!(indexes.get(&second.uri).await.unwrap(), Some(second));
}

async fn of_many_indexes_the_oldest_go(fixture: Fixture) {
    let store = fixture.open().await;
    let indexes = store.log_indexes();
    let puts = (0..MAX_LOG_INDEXES as i64 + 2).map(|at| {
        let indexes = indexes.clone();
        async move { indexes.put(index(&format!("gs://b/{at}"), "1", at)).await }
    });
    for put in futures::future::join_all(puts).await {
        put.unwrap();
    }
    assert_eq!(indexes.get("gs://b/1").await.unwrap(), None);
    assert!(indexes.get("gs://b/2").await.unwrap().is_some());
}

async fn pins_of_a_run_come_by_line_and_are_removed_one_by_one(fixture: Fixture) {
    let store = fixture.open().await;
    let pins = store.log_pins();
    let later = pins.pin(pin("run-1", 70, 75, "the cause")).await.unwrap();
    let sooner = pins.pin(pin("run-1", 5, 5, "")).await.unwrap();
    pins.pin(pin("run-2", 1, 2, "other")).await.unwrap();
    // The same lines again: the same pin with another note.
    assert_eq!(pins.pin(pin("run-1", 70, 75, "the reason")).await.unwrap(), later);
    let store = fixture.reopen(store).await;
    let pins = store.log_pins();
    let expected = [
        LogPin { id: sooner, ..pin("run-1", 5, 5, "") },
        LogPin { id: later, ..pin("run-1", 70, 75, "the reason") },
    ];
    assert_eq!(pins.of_run("run-1").await.unwrap(), expected);
    assert!(!pins.unpin("run-2", later).await.unwrap(), "a pin of another run");
    assert!(pins.unpin("run-1", later).await.unwrap());
    assert!(!pins.unpin("run-1", later).await.unwrap());
    assert_eq!(pins.of_run("run-1").await.unwrap().len(), 1);
}

async fn a_run_has_no_more_pins_than_a_page_can_show(fixture: Fixture) {
    let store = fixture.open().await;
    let pins = store.log_pins();
    for line in 1..=MAX_RUN_PINS as i64 {
        pins.pin(pin("run-1", line, line, "")).await.unwrap();
    }
    let refused = pins.pin(pin("run-1", 900, 900, "")).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    pins.pin(pin("run-1", 1, 1, "a note is always possible")).await.unwrap();
    pins.pin(pin("run-2", 1, 1, "and so is another run")).await.unwrap();
    assert_eq!(pins.of_run("run-1").await.unwrap().len(), MAX_RUN_PINS);
}

async fn old_pins_are_pruned(fixture: Fixture) {
    let store = fixture.open().await;
    store.log_pins().pin(pin("run-1", 1, 1, "")).await.unwrap();
    assert_eq!(store.prune(Timestamp::from_seconds(100)).await.unwrap().log_pins, 0);
    let later = Timestamp::from_seconds(1_000 * 24 * 3600);
    assert_eq!(store.prune(later).await.unwrap().log_pins, 1);
}
