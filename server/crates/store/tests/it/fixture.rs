//! An empty store on one database, which can be closed and opened again.

use std::sync::atomic::{AtomicUsize, Ordering};

use store::{Store, StoreOptions};
use tempfile::TempDir;

use crate::postgres;

/// A database for one test.
pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    url: Option<String>,
}

impl Fixture {
    pub(crate) fn sqlite() -> Fixture {
        Fixture { folder: tempfile::tempdir().unwrap(), url: None }
    }

    /// `None`, with a word about it, where there is no PostgreSQL.
    pub(crate) async fn postgres() -> Option<Fixture> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        match postgres::database(&format!("bowsprit_{}_{number}", std::process::id())).await {
            Ok(url) => Some(Fixture { folder: tempfile::tempdir().unwrap(), url: Some(url) }),
            Err(reason) => {
                println!("skipped: {reason}");
                None
            }
        }
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.url.is_none()
    }

    pub(crate) fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    pub(crate) fn options(&self) -> StoreOptions {
        let options = StoreOptions::files(self.folder.path());
        match &self.url {
            Some(url) => options.with_database_url(url),
            None => options,
        }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(self.options()).await.unwrap()
    }

    /// What a restart of the server does.
    pub(crate) async fn reopen(&self, store: Store) -> Store {
        store.close().await;
        self.open().await
    }
}

/// Runs tests that take a [`Fixture`] on both databases.
macro_rules! on_both_databases {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::fixture::Fixture::sqlite()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some(fixture) = crate::fixture::Fixture::postgres().await {
                    super::$test(fixture).await;
                }
            })*
        }
    };
}
pub(crate) use on_both_databases;
