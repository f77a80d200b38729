use store::{ClusterRow, RowChange, RowKey, StoreError};

use crate::fixture::{Fixture, on_both_databases};

on_both_databases! {
    rows_survive_a_restart_and_versions_never_go_back,
    a_write_is_done_whole_or_not_at_all,
    a_failed_write_does_not_harm_those_that_share_its_commit,
    pages_walk_every_row_once_in_key_order,
}

fn key(kind: &str, name: &str) -> RowKey {
    RowKey {
        build_cluster: String::new(),
        kind: kind.to_string(),
        namespace: "ci".to_string(),
        name: name.to_string(),
    }
}

fn row(kind: &str, name: &str, version: i64) -> ClusterRow {
    ClusterRow { key: key(kind, name), version, object: format!("{{\"version\":{version}}}") }
}

async fn rows_survive_a_restart_and_versions_never_go_back(fixture: Fixture) {
    let store = fixture.open().await;
    let rows = store.cluster_rows();
    assert_eq!(rows.highest_version().await.unwrap(), 0);
    rows.write(vec![
        RowChange::Insert(row("ProwJob", "a", 1)),
        RowChange::Insert(row("ProwJob", "b", 2)),
    ])
    .await
    .unwrap();
    rows.write(vec![RowChange::Update { row: row("ProwJob", "a", 3), previous: 1 }]).await.unwrap();
    rows.write(vec![RowChange::Delete { key: key("ProwJob", "b"), previous: 2, version: 4 }])
        .await
        .unwrap();
    let store = fixture.reopen(store).await;
    let rows = store.cluster_rows();
    assert_eq!(rows.highest_version().await.unwrap(), 4);
    assert_eq!(rows.get(&key("ProwJob", "a")).await.unwrap(), Some(row("ProwJob", "a", 3)));
    assert_eq!(rows.get(&key("ProwJob", "b")).await.unwrap(), None);
    let mut elsewhere = row("Pod", "p", 5);
    elsewhere.key.build_cluster = "build".to_string();
    rows.write(vec![RowChange::Insert(elsewhere)]).await.unwrap();
    assert_eq!(rows.build_clusters("Pod").await.unwrap(), ["build"]);
    assert_eq!(rows.build_clusters("ProwJob").await.unwrap(), [""]);
}

async fn a_write_is_done_whole_or_not_at_all(fixture: Fixture) {
    let store = fixture.open().await;
    let rows = store.cluster_rows();
    rows.write(vec![RowChange::Insert(row("Pod", "a", 1))]).await.unwrap();
    let bad = [
        RowChange::Insert(row("Pod", "a", 3)),
        RowChange::Update { row: row("Pod", "a", 3), previous: 7 },
        RowChange::Update { row: row("Pod", "c", 3), previous: 1 },
        RowChange::Delete { key: key("Pod", "a"), previous: 7, version: 3 },
    ];
    for change in bad {
        let changes = vec![RowChange::Insert(row("Pod", "b", 2)), change];
        let error = rows.write(changes).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{error}");
        assert_eq!(rows.get(&key("Pod", "b")).await.unwrap(), None);
        assert_eq!(rows.get(&key("Pod", "a")).await.unwrap(), Some(row("Pod", "a", 1)));
        assert_eq!(rows.highest_version().await.unwrap(), 1);
    }
    rows.write(Vec::new()).await.unwrap();
}

async fn a_failed_write_does_not_harm_those_that_share_its_commit(fixture: Fixture) {
    let store = fixture.open().await;
    let mut tasks = Vec::new();
    for number in 0..60 {
        let rows = store.cluster_rows();
        tasks.push(tokio::spawn(async move {
            let name = format!("n{number}");
            let change = match number % 3 {
                0 => RowChange::Update { row: row("Pod", &name, 9), previous: 8 },
                _ => RowChange::Insert(row("Pod", &name, number + 1)),
            };
            (number % 3 == 0, rows.write(vec![change]).await.is_err())
        }));
    }
    for task in tasks {
        let (expected, failed) = task.await.unwrap();
        assert_eq!(expected, failed);
    }
    assert_eq!(store.cluster_rows().page("", "Pod", None, 100).await.unwrap().len(), 40);
}

async fn pages_walk_every_row_once_in_key_order(fixture: Fixture) {
    let store = fixture.open().await;
    let rows = store.cluster_rows();
    let names: Vec<String> =
        (0..250).map(|number| format!("{:03}-x", (number * 7) % 250)).collect();
    let changes = names
        .iter()
        .enumerate()
        .map(|(index, name)| RowChange::Insert(row("ProwJob", name, index as i64 + 1)))
        .collect();
    rows.write(changes).await.unwrap();
    rows.write(vec![RowChange::Insert(row("Lease", "other", 300))]).await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = rows.page("", "ProwJob", after.as_ref(), 60).await.unwrap();
        if page.is_empty() {
            break;
        }
        after = page.last().map(|row| row.key.clone());
        seen.extend(page.into_iter().map(|row| row.key.name));
    }
    let mut sorted = names;
    sorted.sort();
    assert_eq!(seen, sorted);
}
