//! The one error of this crate: a sentence that says what failed, where, and what to do.

use std::path::PathBuf;

/// Why the store could not do what was asked.
///
/// It is `Clone` because one failed commit is the answer to every write that shared it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk (or the quota set for the database) is full. Nothing of the write was kept.
    #[error(
        "the database `{place}` could not be written because its disk or quota is full ({detail}): \
         free some space; writing goes on by itself"
    )]
    Full {
        /// File or server that refused.
        place: String,
        /// The database's own words.
        detail: String,
    },
    /// Reading or writing failed below the database. Nothing of the write was kept.
    #[error(
        "the database `{place}` could not be read or written ({detail}): check the disk and its \
         permissions; the next request tries again"
    )]
    Io {
        /// File or server that failed.
        place: String,
        /// The database's own words.
        detail: String,
    },
    /// The file is not an intact database.
    #[error(
        "the database `{place}` is damaged or not a database ({detail}): stop the server, keep a \
         copy, then restore a backup or move the file away to start afresh"
    )]
    Corrupt {
        /// File or server that is damaged.
        place: String,
        /// The database's own words.
        detail: String,
    },
    /// The file was written by another program.
    #[error(
        "`{place}` is a database of another program (application id {application_id:#x}): choose \
         another `--data-dir`"
    )]
    Foreign {
        /// File that is not ours.
        place: String,
        /// The id that its owner wrote into the header.
        application_id: i64,
    },
    /// Another process holds the data directory.
    #[error(
        "the data directory `{}` is in use by another process ({holder}): stop it, or choose \
         another `--data-dir`", .data_dir.display()
    )]
    InUse {
        /// The data directory.
        data_dir: PathBuf,
        /// What the lock file says about the holder.
        holder: String,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the database `{place}` was written by a newer version (it has migration {version}, which \
         this version does not know): start that version, or restore the backup made before the \
         upgrade"
    )]
    Newer {
        /// File or server.
        place: String,
        /// The unknown migration.
        version: i64,
    },
    /// A migration failed; it is tried again at the next start.
    #[error("the database `{place}` could not be brought up to date: {detail}")]
    Migration {
        /// File or server.
        place: String,
        /// The database's own words.
        detail: String,
    },
    /// Connecting, or a statement, failed in a way that may pass.
    #[error("the database `{place}` did not answer as expected: {detail}")]
    Unavailable {
        /// File or server.
        place: String,
        /// The database's own words.
        detail: String,
    },
    /// The write queue was full, or the answer took longer than its bound.
    #[error(
        "the database `{place}` is too busy: the request waited {waited_ms} ms; try again later"
    )]
    Busy {
        /// File or server.
        place: String,
        /// How long the request waited, in milliseconds.
        waited_ms: u64,
    },
    /// The row is not as the caller expected it. Nothing was written.
    #[error("{0}")]
    Conflict(String),
    /// There is no such row.
    #[error("{0}")]
    NotFound(String),
    /// The request itself makes no sense; trying again does not help.
    #[error("{0}")]
    Invalid(String),
    /// The store was closed.
    #[error("the database is closed because the server is stopping")]
    Closed,
}

impl StoreError {
    /// Whether the same request may succeed later without anyone changing it.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            StoreError::Full { .. }
                | StoreError::Io { .. }
                | StoreError::Unavailable { .. }
                | StoreError::Busy { .. }
        )
    }

    /// Whether the error is about one request only, so that others in its commit are unharmed.
    pub(crate) fn is_about_the_request(&self) -> bool {
        matches!(self, StoreError::Conflict(_) | StoreError::NotFound(_) | StoreError::Invalid(_))
    }

    /// Turns the driver's error into ours. `place` is a path or a server without credentials.
    pub(crate) fn from_sqlx(place: &str, error: &sqlx::Error) -> StoreError {
        let place = place.to_string();
        let detail = error.to_string();
        match error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                match code.parse::<i64>() {
                    // A five character SQLSTATE is PostgreSQL's; SQLite's codes are its extended
                    // result codes, whose low byte is the class.
                    Ok(extended) if code.len() != 5 => match extended & 0xff {
                        13 => StoreError::Full { place, detail },
                        8 | 10 | 14 => StoreError::Io { place, detail },
                        11 | 26 => StoreError::Corrupt { place, detail },
                        _ => StoreError::Unavailable { place, detail },
                    },
                    _ if code.starts_with("53") => StoreError::Full { place, detail },
                    _ if code.starts_with("58") => StoreError::Io { place, detail },
                    _ if code.starts_with("XX") => StoreError::Corrupt { place, detail },
                    _ => StoreError::Unavailable { place, detail },
                }
            }
            sqlx::Error::Io(_) => StoreError::Io { place, detail },
            sqlx::Error::PoolClosed => StoreError::Closed,
            _ => StoreError::Unavailable { place, detail },
        }
    }
}
