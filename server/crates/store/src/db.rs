//! One thin layer over both drivers: the same statement text and arguments go to SQLite and to
//! PostgreSQL, and rows come back with the three column types that we use.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Column, Connection, Row as _};
use tokio::time::timeout;

use crate::StoreError;

/// The longest that one read may take. A longer reader would hold back SQLite's checkpoint, and
/// the write-ahead log would grow.
const READ_DEADLINE: Duration = Duration::from_secs(30);

/// An argument of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    /// An integer column.
    Int(i64),
    /// A nullable integer column.
    OptInt(Option<i64>),
    /// A text column.
    Text(String),
    /// A column of bytes.
    Bytes(Vec<u8>),
}

impl From<i64> for Arg {
    fn from(value: i64) -> Arg {
        Arg::Int(value)
    }
}

impl From<Option<i64>> for Arg {
    fn from(value: Option<i64>) -> Arg {
        Arg::OptInt(value)
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Arg {
        Arg::Text(storable(value))
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Arg {
        Arg::Text(if value.contains('\0') { storable(&value) } else { value })
    }
}

impl From<Vec<u8>> for Arg {
    fn from(value: Vec<u8>) -> Arg {
        Arg::Bytes(value)
    }
}

/// PostgreSQL's text cannot hold NUL, so it is replaced by U+FFFD on both databases.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Builds a `Vec<Arg>` from plain values.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Arg::from($value)),*] };
}
pub(crate) use args;

/// A row of an answer.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

macro_rules! column {
    ($row:expr, $index:expr, $type:ty) => {
        match $row {
            Row::Sqlite(row) => row.try_get::<$type, _>($index),
            Row::Postgres(row) => row.try_get::<$type, _>($index),
        }
        .map_err(|error| StoreError::Corrupt {
            place: $row.column_name($index),
            detail: error.to_string(),
        })
    };
}

impl Row {
    pub(crate) fn int(&self, index: usize) -> Result<i64, StoreError> {
        column!(self, index, i64)
    }

    pub(crate) fn opt_int(&self, index: usize) -> Result<Option<i64>, StoreError> {
        column!(self, index, Option<i64>)
    }

    pub(crate) fn text(&self, index: usize) -> Result<String, StoreError> {
        column!(self, index, String)
    }

    pub(crate) fn bytes(&self, index: usize) -> Result<Vec<u8>, StoreError> {
        column!(self, index, Vec<u8>)
    }

    fn column_name(&self, index: usize) -> String {
        let name = match self {
            Row::Sqlite(row) => row.columns().get(index).map(|column| column.name().to_string()),
            Row::Postgres(row) => row.columns().get(index).map(|column| column.name().to_string()),
        };
        format!("column {}", name.unwrap_or_else(|| index.to_string()))
    }
}

/// The SQL dialect, where it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// One connection, used by the writer.
pub(crate) enum Connected {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

/// A connection with the name that errors give it.
pub(crate) struct Conn {
    pub(crate) place: String,
    pub(crate) inner: Connected,
}

macro_rules! bound {
    ($sql:expr, $args:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql));
        for arg in $args {
            query = match arg {
                Arg::Int(value) => query.bind(value),
                Arg::OptInt(value) => query.bind(value),
                Arg::Text(value) => query.bind(value),
                Arg::Bytes(value) => query.bind(value),
            };
        }
        query
    }};
}

impl Conn {
    /// Which dialect it speaks.
    pub(crate) fn dialect(&self) -> Dialect {
        match self.inner {
            Connected::Sqlite(_) => Dialect::Sqlite,
            Connected::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement; the answer is the number of rows it touched.
    pub(crate) async fn execute(
        &mut self,
        sql: impl Into<SqlText>,
        args: Vec<Arg>,
    ) -> Result<u64, StoreError> {
        let sql = sql.into().0;
        let done = match &mut self.inner {
            Connected::Sqlite(connection) => {
                bound!(sql, args).execute(connection).await.map(|done| done.rows_affected())
            }
            Connected::Postgres(connection) => {
                bound!(sql, args).execute(connection).await.map(|done| done.rows_affected())
            }
        };
        done.map_err(|error| StoreError::from_sqlx(&self.place, &error))
    }

    /// Runs a query (or a statement with RETURNING) and collects its rows.
    pub(crate) async fn fetch(
        &mut self,
        sql: impl Into<SqlText>,
        args: Vec<Arg>,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into().0;
        let rows = match &mut self.inner {
            Connected::Sqlite(connection) => bound!(sql, args)
                .fetch_all(connection)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Connected::Postgres(connection) => bound!(sql, args)
                .fetch_all(connection)
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        };
        rows.map_err(|error| StoreError::from_sqlx(&self.place, &error))
    }

    /// Closes it in good order; errors do not matter any more.
    pub(crate) async fn close(self) {
        match self.inner {
            Connected::Sqlite(connection) => connection.close().await.ok(),
            Connected::Postgres(connection) => connection.close().await.ok(),
        };
    }
}

/// Statement text made by this crate. Values never become part of it; they are arguments.
pub(crate) struct SqlText(pub(crate) std::borrow::Cow<'static, str>);

impl From<&'static str> for SqlText {
    fn from(text: &'static str) -> SqlText {
        SqlText(text.into())
    }
}

impl From<String> for SqlText {
    fn from(text: String) -> SqlText {
        SqlText(text.into())
    }
}

/// The readers of one database.
#[derive(Clone)]
pub(crate) struct Readers {
    pub(crate) place: String,
    pub(crate) pool: Pool,
}

#[derive(Clone)]
pub(crate) enum Pool {
    Sqlite(sqlx::SqlitePool),
    Postgres(sqlx::PgPool),
}

impl Readers {
    /// Which dialect they speak.
    pub(crate) fn dialect(&self) -> Dialect {
        match self.pool {
            Pool::Sqlite(_) => Dialect::Sqlite,
            Pool::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a query and collects its rows.
    pub(crate) async fn fetch(
        &self,
        sql: impl Into<SqlText>,
        args: Vec<Arg>,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into().0;
        let read = async {
            match &self.pool {
                Pool::Sqlite(pool) => bound!(sql, args)
                    .fetch_all(pool)
                    .await
                    .map(|rows| rows.into_iter().map(Row::Sqlite).collect::<Vec<_>>()),
                Pool::Postgres(pool) => bound!(sql, args)
                    .fetch_all(pool)
                    .await
                    .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
            }
        };
        match timeout(READ_DEADLINE, read).await {
            Ok(rows) => rows.map_err(|error| StoreError::from_sqlx(&self.place, &error)),
            Err(_) => Err(StoreError::Busy {
                place: self.place.clone(),
                waited_ms: READ_DEADLINE.as_millis() as u64,
            }),
        }
    }

    /// Runs a query that has at most one row.
    pub(crate) async fn fetch_optional(
        &self,
        sql: impl Into<SqlText>,
        args: Vec<Arg>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(sql, args).await?.into_iter().next())
    }

    /// Closes all connections.
    pub(crate) async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}
