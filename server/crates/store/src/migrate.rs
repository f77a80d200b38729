//! Brings a database up to date. The migrations are part of the program; they are numbered, run
//! in order, each in a transaction, and are never changed after they were released.

use sqlx::migrate::{MigrateError, Migrator};

use crate::StoreError;
use crate::db::{Conn, Connected};

static JOURNAL: Migrator = sqlx::migrate!("../../migrations/sqlite/journal");
static GRID: Migrator = sqlx::migrate!("../../migrations/sqlite/grid");
static MAIN: Migrator = sqlx::migrate!("../../migrations/sqlite/main");
static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");

/// Which set of tables a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// The deliveries (SQLite).
    Journal,
    /// The test grids (SQLite).
    Grid,
    /// Everything else (SQLite).
    Main,
    /// All tables (PostgreSQL).
    All,
}

/// Runs the migrations that are still missing.
pub(crate) async fn migrate(conn: &mut Conn, schema: Schema) -> Result<(), StoreError> {
    let migrator = match schema {
        Schema::Journal => &JOURNAL,
        Schema::Grid => &GRID,
        Schema::Main => &MAIN,
        Schema::All => &POSTGRES,
    };
    let done = match &mut conn.inner {
        Connected::Sqlite(connection) => migrator.run(connection).await,
        Connected::Postgres(connection) => migrator.run(connection).await,
    };
    done.map_err(|error| explain(&conn.place, &error))
}

fn explain(place: &str, error: &MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => {
            StoreError::Newer { place: place.to_string(), version: *version }
        }
        MigrateError::Execute(cause) => StoreError::from_sqlx(place, cause),
        MigrateError::ExecuteMigration(cause, _) => match StoreError::from_sqlx(place, cause) {
            StoreError::Unavailable { place, .. } => {
                StoreError::Migration { place, detail: error.to_string() }
            }
            other => other,
        },
        other => StoreError::Migration { place: place.to_string(), detail: other.to_string() },
    }
}
