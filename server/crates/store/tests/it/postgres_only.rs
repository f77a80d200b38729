//! What only a database server can do to us, and that both schemas are the same.

use std::collections::BTreeSet;

use bytes::Bytes;
use go_compat::Timestamp;
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use store::NewDelivery;

use crate::fixture::Fixture;

fn delivery(id: &str) -> NewDelivery {
    NewDelivery {
        delivery_id: id.to_string(),
        event: "push".to_string(),
        repository: String::new(),
        headers: Vec::new(),
        body: Bytes::from_static(b"{}"),
        received: Timestamp::EPOCH,
    }
}

#[tokio::test]
async fn a_lost_connection_is_made_again_before_anybody_notices() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let store = fixture.open().await;
    let journal = store.deliveries();
    journal.append(delivery("before")).await.unwrap();
    let mut admin = sqlx::PgConnection::connect(fixture.url().unwrap()).await.unwrap();
    admin
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    journal.append(delivery("after")).await.unwrap();
    store.check().await.unwrap();
    assert_eq!(journal.counts().await.unwrap().pending, 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let url = "postgres://user:hunter2@127.0.0.1:1/prow";
    let options = store::StoreOptions::files(folder.path()).with_database_url(url);
    assert!(!format!("{options:?}").contains("hunter2"));
    let error = store::Store::open(options).await.err().unwrap().to_string();
    assert!(error.contains("postgres://127.0.0.1/prow"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let Some(fixture) = Fixture::postgres().await else { return };
    fixture.open().await.close().await;
    let mut server = sqlx::PgConnection::connect(fixture.url().unwrap()).await.unwrap();
    let columns = server
        .fetch_all(
            "SELECT table_name::text, column_name::text FROM information_schema.columns \
             WHERE table_schema = 'public'",
        )
        .await
        .unwrap();
    let postgres: BTreeSet<(String, String)> =
        columns.iter().map(|row| (row.get(0), row.get(1))).collect();

    let fixture = Fixture::sqlite();
    fixture.open().await.close().await;
    let mut sqlite = BTreeSet::new();
    for file in ["journal.db", "bowsprit.db", "grid.db"] {
        let url = format!("sqlite://{}", fixture.folder.path().join(file).display());
        let mut file = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let columns = file
            .fetch_all(AssertSqlSafe(
                "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' \
                 AND m.name NOT LIKE 'grid_test_words%' AND m.name <> 'grid_test_trigrams'",
            ))
            .await
            .unwrap();
        sqlite.extend(columns.iter().map(|row| (row.get::<String, _>(0), row.get(1))));
    }
    // The index of letters is a table of SQLite and an index of PostgreSQL.
    assert!(sqlite.len() > 40);
    assert_eq!(postgres, sqlite);
}
