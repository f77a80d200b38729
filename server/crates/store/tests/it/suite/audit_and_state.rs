use go_compat::Timestamp;
use serde_json::json;
use store::{AuditEntry, AuditFilter};

use crate::fixture::{Fixture, on_both_databases};

on_both_databases! {
    audit_entries_are_kept_and_found,
    component_state_survives_a_restart,
    a_healthy_store_says_so,
}

fn entry(at: i64, who: &str, action: &str, target: &str) -> AuditEntry {
    AuditEntry {
        at: Timestamp::from_seconds(at),
        who: who.to_string(),
        action: action.to_string(),
        target: target.to_string(),
        result: "done".to_string(),
        detail: "{}".to_string(),
    }
}

async fn audit_entries_are_kept_and_found(fixture: Fixture) {
    let store = fixture.open().await;
    let audit = store.audit();
    let first = audit.record(entry(1, "loopback", "rerun", "job-1")).await.unwrap();
    let second = audit.record(entry(2, "alice", "abort", "job-1")).await.unwrap();
    let third = audit.record(entry(3, "alice", "rerun", "job-2")).await.unwrap();
    let store = fixture.reopen(store).await;
    let audit = store.audit();
    let list = async |filter: AuditFilter, limit| -> Vec<i64> {
        audit.list(&filter, limit).await.unwrap().into_iter().map(|row| row.id).collect()
    };
    assert_eq!(list(AuditFilter::default(), 2).await, [third, second]);
    let before = AuditFilter { before: Some(second), ..Default::default() };
    assert_eq!(list(before, 9).await, [first]);
    let alice = AuditFilter { who: Some("alice".to_string()), ..Default::default() };
    assert_eq!(list(alice, 9).await, [third, second]);
    let rerun = AuditFilter { action: Some("rerun".to_string()), ..Default::default() };
    assert_eq!(list(rerun, 9).await, [third, first]);
    let target = AuditFilter { target: Some("job-1".to_string()), ..Default::default() };
    assert_eq!(list(target, 9).await, [second, first]);
    let newest = &audit.list(&AuditFilter::default(), 1).await.unwrap()[0];
    assert_eq!(newest.entry, entry(3, "alice", "rerun", "job-2"));
    assert_eq!(audit.prune(Timestamp::from_seconds(400 * 24 * 3600 + 3)).await.unwrap(), 2);
    assert_eq!(list(AuditFilter::default(), 9).await, [third]);
}

async fn component_state_survives_a_restart(fixture: Fixture) {
    let store = fixture.open().await;
    let state = store.state();
    assert_eq!(state.get("horologium/last-fire/a").await.unwrap(), None);
    state.put("horologium/last-fire/a", &json!({"at": 1})).await.unwrap();
    state.put("horologium/last-fire/a", &json!({"at": 2})).await.unwrap();
    state
        .put_all(vec![
            ("horologium/last-fire/b%".to_string(), json!(null)),
            ("horologium/last-fire_c".to_string(), json!([1, "x"])),
        ])
        .await
        .unwrap();
    let store = fixture.reopen(store).await;
    let state = store.state();
    assert_eq!(state.get("horologium/last-fire/a").await.unwrap(), Some(json!({"at": 2})));
    assert_eq!(
        state.list("horologium/last-fire/").await.unwrap(),
        [
            ("horologium/last-fire/a".to_string(), json!({"at": 2})),
            ("horologium/last-fire/b%".to_string(), json!(null)),
        ]
    );
    state.remove("horologium/last-fire/a").await.unwrap();
    state.remove("horologium/last-fire/a").await.unwrap();
    assert_eq!(state.list("").await.unwrap().len(), 2);
}

async fn a_healthy_store_says_so(fixture: Fixture) {
    let store = fixture.open().await;
    store.check().await.unwrap();
    assert!(!store.place().contains("postgres@"), "no credentials: {}", store.place());
    let audit = store.audit();
    store.close().await;
    let error = audit.record(entry(1, "a", "b", "c")).await.unwrap_err();
    assert!(matches!(error, store::StoreError::Closed), "{error}");
    let error = store.check().await.unwrap_err();
    assert!(matches!(error, store::StoreError::Closed), "{error}");
}
