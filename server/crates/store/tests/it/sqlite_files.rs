//! What can be wrong with files: foreign, damaged, locked, from the future, full.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use bytes::Bytes;
use go_compat::Timestamp;
use sqlx::{Connection, Executor};
use store::{DeliveryStatus, NewDelivery, Store, StoreError, StoreOptions};

fn delivery(number: usize, size: usize) -> NewDelivery {
    // Not compressible, so that its size on disk is its size.
    let mut noise = number as u64 + 1;
    let body: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (noise >> 56) as u8
    })
    .take(size)
    .collect();
    NewDelivery {
        delivery_id: number.to_string(),
        event: "push".to_string(),
        repository: String::new(),
        headers: Vec::new(),
        body: Bytes::from(body),
        received: Timestamp::EPOCH,
    }
}

async fn open_error(folder: &Path) -> StoreError {
    match Store::open(StoreOptions::files(folder)).await {
        Ok(_) => panic!("the store opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    other.execute("PRAGMA application_id = 4711").await.unwrap();
    other.execute("CREATE TABLE precious (x)").await.unwrap();
    other.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    let error = open_error(folder.path()).await;
    assert!(matches!(error, StoreError::Foreign { application_id: 4711, .. }), "{error}");
    assert!(error.to_string().contains("journal.db"));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    for content in [&b"hello, this is not a database at all"[..], b"SQLite format 3\0short"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bowsprit.db"), content).unwrap();
        let error = open_error(folder.path()).await;
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("bowsprit.db"), "{error}");
        assert!(error.to_string().contains("restore a backup"), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_page_is_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions::files(folder.path())).await.unwrap();
    for number in 0..200 {
        store.deliveries().append(delivery(number, 3_000)).await.unwrap();
    }
    store.close().await;
    let path = folder.path().join("journal.db");
    let size = fs::metadata(&path).unwrap().len();
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    for page in 2..size / 4_096 {
        file.seek(SeekFrom::Start(page * 4_096)).unwrap();
        file.write_all(&[0x5a; 64]).unwrap();
    }
    drop(file);
    let error = open_error(folder.path()).await;
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("journal.db"), "{error}");
}

#[tokio::test]
async fn a_damaged_body_is_an_error_and_not_another_body() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions::files(folder.path())).await.unwrap();
    let id = store.deliveries().append(delivery(1, 3_000)).await.unwrap().id();
    let other = store.deliveries().append(delivery(2, 3_000)).await.unwrap().id();
    store.close().await;
    let url = format!("sqlite://{}", folder.path().join("journal.db").display());
    let mut file = sqlx::SqliteConnection::connect(&url).await.unwrap();
    // The body of one delivery under the other's number is whole, but not what was signed.
    let swap = "UPDATE delivery_bodies SET body = (SELECT body FROM delivery_bodies b \
                WHERE b.id = 2) WHERE id = 1";
    file.execute(swap).await.unwrap();
    file.close().await.unwrap();
    let store = Store::open(StoreOptions::files(folder.path())).await.unwrap();
    let error = store.deliveries().body(id).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("body of delivery 1"), "{error}");
    assert!(store.deliveries().body(other).await.unwrap().is_some());
}

#[tokio::test]
async fn a_data_directory_has_one_owner_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open(StoreOptions::files(folder.path())).await.unwrap();
    let error = open_error(folder.path()).await;
    let me = format!("process {}", std::process::id());
    assert!(matches!(&error, StoreError::InUse { holder, .. } if *holder == me), "{error}");
    first.close().await;
    Store::open(StoreOptions::files(folder.path())).await.unwrap();
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions::files(folder.path())).await.unwrap();
    store.close().await;
    let url = format!("sqlite://{}", folder.path().join("bowsprit.db").display());
    let mut file = sqlx::SqliteConnection::connect(&url).await.unwrap();
    file.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (999, 'from the future', TRUE, x'00', 0)",
    )
    .await
    .unwrap();
    file.close().await.unwrap();
    let error = open_error(folder.path()).await;
    assert!(matches!(error, StoreError::Newer { version: 999, .. }), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = open_error(&file.join("data")).await;
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(error.to_string().contains("file"), "{error}");
}

#[tokio::test]
async fn a_full_quota_refuses_and_recovers_and_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = StoreOptions::files(folder.path());
    options.max_file_bytes = Some(2 << 20);
    let store = Store::open(options).await.unwrap();
    let journal = store.deliveries();
    let mut acknowledged = Vec::new();
    let error = loop {
        match journal.append(delivery(acknowledged.len(), 50_000)).await {
            Ok(appended) => acknowledged.push(appended.id()),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 100);
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(error.is_transient());
    assert!(error.to_string().contains("free some space"), "{error}");
    // Reading goes on.
    for id in &acknowledged {
        let found = journal.get(*id).await.unwrap().unwrap();
        assert_eq!(found.status, DeliveryStatus::Pending);
        assert!(journal.body(*id).await.unwrap().is_some());
    }
    // Space comes back, and writing goes on by itself.
    for id in &acknowledged {
        journal.mark_handled(*id, Timestamp::EPOCH, "").await.unwrap();
    }
    let later = Timestamp::from_seconds(40 * 24 * 3600);
    assert_eq!(journal.prune(later).await.unwrap().1, acknowledged.len() as u64);
    journal.append(delivery(1_000, 50_000)).await.unwrap();
    store.check().await.unwrap();
}
