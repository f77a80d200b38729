//! Opening a store: which files or which server, with which settings.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use go_compat::Timestamp;
use parking_lot::Mutex;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use crate::db::{Conn, Connected, Pool, Readers, args};
use crate::migrate::{Schema, migrate};
use crate::sql::{
    SqlAudit, SqlClusterRows, SqlCoverage, SqlDeliveries, SqlGrids, SqlLogIndexes, SqlLogPins,
    SqlMails, SqlReferences, SqlRuns, SqlState,
};
use crate::writer::Writer;
use crate::{
    AuditStore, ClusterRows, CoverageStore, DeliveryStore, GridStore, LogIndexStore, LogPinStore,
    MailStore, ReferenceStore, RunStore, StateStore, StoreError,
};

/// `Bows` in ASCII, in the header of our SQLite files: another program's database is refused.
const APPLICATION_ID: i64 = 0x426f_7773;

/// The longest that SQLite waits for a lock that another connection holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The size to which SQLite cuts its write-ahead log after a checkpoint.
const WAL_KEPT_BYTES: u64 = 16 << 20;

/// Readers per SQLite file. Pages are served from memory; few reads come here.
const SQLITE_READERS: u32 = 4;

/// Readers of a PostgreSQL database.
const POSTGRES_READERS: u32 = 8;

/// The longest that a reader waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Files up to this size are checked for damage when they are opened (about 1 ms per MB).
const CHECKED_BYTES: u64 = 256 << 20;

/// How long a start waits for the server before it to let go of the data directory.
const LOCK_WAIT: Duration = Duration::from_millis(1_500);

/// How often it tries meanwhile.
const LOCK_RETRY: Duration = Duration::from_millis(50);

const SQLITE_PAGE_BYTES: u64 = 4_096;

/// Where the store lives.
#[derive(Clone)]
pub struct StoreOptions {
    /// Folder of the SQLite files; made if it is missing. Also with PostgreSQL it is locked, so
    /// that two servers never share it.
    pub data_dir: PathBuf,
    /// `postgres://…` to use PostgreSQL instead of SQLite.
    pub database_url: Option<String>,
    /// The most bytes that each SQLite file may have (`None`: as much as the disk holds). A full
    /// file refuses writes with [`StoreError::Full`] until something was pruned.
    pub max_file_bytes: Option<u64>,
}

impl StoreOptions {
    /// SQLite files below this folder.
    pub fn files(data_dir: impl Into<PathBuf>) -> StoreOptions {
        StoreOptions { data_dir: data_dir.into(), database_url: None, max_file_bytes: None }
    }

    /// The same folder, but with the tables in PostgreSQL.
    pub fn with_database_url(mut self, url: impl Into<String>) -> StoreOptions {
        self.database_url = Some(url.into());
        self
    }
}

impl std::fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreOptions")
            .field("data_dir", &self.data_dir)
            .field("database_url", &self.database_url.as_ref().map(|_| "(set)"))
            .field("max_file_bytes", &self.max_file_bytes)
            .finish()
    }
}

/// What [`Store::prune`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Bodies of handled deliveries.
    pub delivery_bodies: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Runs of the history.
    pub runs: u64,
    /// Audit entries.
    pub audit_entries: u64,
    /// Entries of the delivery log of mails.
    pub mails: u64,
    /// Runs without coverage that were looked through long ago.
    pub coverage_runs: u64,
    /// Pinned lines of logs.
    pub log_pins: u64,
    /// References to runs.
    pub references: u64,
}

/// An open store. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    place: String,
    deliveries: Arc<SqlDeliveries>,
    cluster_rows: Arc<SqlClusterRows>,
    runs: Arc<SqlRuns>,
    audit: Arc<SqlAudit>,
    state: Arc<SqlState>,
    grid: Arc<SqlGrids>,
    mails: Arc<SqlMails>,
    coverage: Arc<SqlCoverage>,
    log_indexes: Arc<SqlLogIndexes>,
    log_pins: Arc<SqlLogPins>,
    references: Arc<SqlReferences>,
    writers: Vec<Writer>,
    readers: Vec<Readers>,
    lock: Mutex<Option<File>>,
}

impl Store {
    /// Opens the store, makes its files and brings them up to date.
    ///
    /// Deliveries that were being handled when the process died are pending again (SQLite), or
    /// will be when their claim ends (PostgreSQL). Errors name the file and the next step.
    pub async fn open(options: StoreOptions) -> Result<Store, StoreError> {
        let lock = lock_patiently(&options.data_dir).await?;
        let (journal, main, grid, place) = match &options.database_url {
            None => {
                let file = |name: &str, schema| Connector {
                    place: options.data_dir.join(name).display().to_string(),
                    target: Target::Sqlite {
                        path: options.data_dir.join(name),
                        max_bytes: options.max_file_bytes,
                    },
                    schema,
                };
                let journal = file("journal.db", Schema::Journal).open().await?;
                let main = file("bowsprit.db", Schema::Main).open().await?;
                let grid = file("grid.db", Schema::Grid).open().await?;
                (journal, main, grid, options.data_dir.display().to_string())
            }
            Some(url) => {
                let connector = Connector::postgres(url)?;
                let place = connector.place.clone();
                let journal = connector.clone().open().await?;
                // The other openings find nothing to migrate, but have their own writers: neither a
                // burst of webhooks nor a large grid holds up the ProwJobs.
                let main = connector.clone().open().await?;
                let grid = connector.open().await?;
                (journal, main, grid, place)
            }
        };
        let deliveries = SqlDeliveries::new(journal.writer.clone(), journal.readers.clone());
        if options.database_url.is_none() {
            deliveries.end_all_claims().await?;
        }
        deliveries.count_all().await?;
        let inner = Inner {
            place,
            deliveries: Arc::new(deliveries),
            cluster_rows: Arc::new(SqlClusterRows::new(main.writer.clone(), main.readers.clone())),
            runs: Arc::new(SqlRuns::new(main.writer.clone(), main.readers.clone())),
            audit: Arc::new(SqlAudit::new(main.writer.clone(), main.readers.clone())),
            state: Arc::new(SqlState::new(main.writer.clone(), main.readers.clone())),
            grid: Arc::new(SqlGrids::new(grid.writer.clone(), grid.readers.clone())),
            mails: Arc::new(SqlMails::new(grid.writer.clone(), grid.readers.clone())),
            coverage: Arc::new(SqlCoverage::new(grid.writer.clone(), grid.readers.clone())),
            log_indexes: Arc::new(SqlLogIndexes::new(grid.writer.clone(), grid.readers.clone())),
            log_pins: Arc::new(SqlLogPins::new(main.writer.clone(), main.readers.clone())),
            references: Arc::new(SqlReferences::new(main.writer.clone(), main.readers.clone())),
            writers: vec![journal.writer, main.writer, grid.writer],
            readers: vec![journal.readers, main.readers, grid.readers],
            lock: Mutex::new(Some(lock)),
        };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Where it lives: a folder or a server, without credentials.
    pub fn place(&self) -> &str {
        &self.inner.place
    }

    /// The journal of webhook deliveries.
    pub fn deliveries(&self) -> Arc<dyn DeliveryStore> {
        self.inner.deliveries.clone()
    }

    /// The embedded cluster's rows.
    pub fn cluster_rows(&self) -> Arc<dyn ClusterRows> {
        self.inner.cluster_rows.clone()
    }

    /// Run history.
    pub fn runs(&self) -> Arc<dyn RunStore> {
        self.inner.runs.clone()
    }

    /// The audit trail.
    pub fn audit(&self) -> Arc<dyn AuditStore> {
        self.inner.audit.clone()
    }

    /// Component state.
    pub fn state(&self) -> Arc<dyn StateStore> {
        self.inner.state.clone()
    }

    /// Test grids.
    pub fn grid(&self) -> Arc<dyn GridStore> {
        self.inner.grid.clone()
    }

    /// The delivery log of alerts by mail.
    pub fn mails(&self) -> Arc<dyn MailStore> {
        self.inner.mails.clone()
    }

    /// Coverage profiles.
    pub fn coverage(&self) -> Arc<dyn CoverageStore> {
        self.inner.coverage.clone()
    }

    /// Indexes of stored logs.
    pub fn log_indexes(&self) -> Arc<dyn LogIndexStore> {
        self.inner.log_indexes.clone()
    }

    /// Pinned lines of logs.
    pub fn log_pins(&self) -> Arc<dyn LogPinStore> {
        self.inner.log_pins.clone()
    }

    /// References to runs on issues and pull requests.
    pub fn references(&self) -> Arc<dyn ReferenceStore> {
        self.inner.references.clone()
    }

    /// Removes what the retention rules no longer keep. Call it about once an hour.
    pub async fn prune(&self, now: Timestamp) -> Result<Pruned, StoreError> {
        let (delivery_bodies, deliveries) = self.inner.deliveries.prune(now).await?;
        let runs = self.inner.runs.prune(now).await?;
        let audit_entries = self.inner.audit.prune(now).await?;
        let mails = self.inner.mails.prune(now).await?;
        let coverage_runs = self.inner.coverage.prune(now).await?;
        let log_pins = self.inner.log_pins.prune(now).await?;
        let references = self.inner.references.prune(now).await?;
        Ok(Pruned {
            delivery_bodies,
            deliveries,
            runs,
            audit_entries,
            mails,
            coverage_runs,
            log_pins,
            references,
        })
    }

    /// Whether all databases can be read and written now: an error says what is wrong. For
    /// readiness; it costs one small write.
    pub async fn check(&self) -> Result<(), StoreError> {
        for readers in &self.inner.readers {
            readers.fetch("SELECT 1", vec![]).await?;
        }
        for writer in &self.inner.writers {
            writer
                .run(1, |conn| {
                    Box::pin(async move {
                        conn.execute("UPDATE heartbeat SET beats = beats + 1", vec![]).await?;
                        Ok(())
                    })
                })
                .await?;
        }
        Ok(())
    }

    /// Commits what is queued, closes all connections and gives the data directory free.
    /// Requests that come later answer [`StoreError::Closed`].
    pub async fn close(&self) {
        for writer in &self.inner.writers {
            writer.close().await;
        }
        for readers in &self.inner.readers {
            readers.close().await;
        }
        if let Some(lock) = self.inner.lock.lock().take() {
            // Not left to the closing of the file: a process that is being started at this moment
            // holds a copy of it until its program begins.
            lock.unlock().ok();
        }
    }
}

/// Takes the data directory, giving a server that was just killed a moment to be gone.
async fn lock_patiently(data_dir: &Path) -> Result<File, StoreError> {
    let started = Instant::now();
    loop {
        match lock(data_dir) {
            Err(StoreError::InUse { .. }) if started.elapsed() < LOCK_WAIT => {
                tokio::time::sleep(LOCK_RETRY).await;
            }
            other => return other,
        }
    }
}

/// Takes the data directory for this process. The lock ends with the process, also on kill -9.
fn lock(data_dir: &Path) -> Result<File, StoreError> {
    let io = |path: &Path, error: std::io::Error| StoreError::Io {
        place: path.display().to_string(),
        detail: error.to_string(),
    };
    fs::create_dir_all(data_dir).map_err(|error| io(data_dir, error))?;
    let path = data_dir.join("bowsprit.lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| io(&path, error))?;
    match file.try_lock() {
        Ok(()) => {
            // Only for people: who holds it. A disk too full for that must not stop the start.
            let pid = format!("process {}\n", std::process::id());
            file.set_len(0).and_then(|()| file.write_all(pid.as_bytes())).ok();
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut holder)).ok();
            let holder = match holder.trim() {
                "" => "it did not say which".to_string(),
                known => known.to_string(),
            };
            Err(StoreError::InUse { data_dir: data_dir.to_path_buf(), holder })
        }
        Err(TryLockError::Error(error)) => Err(io(&path, error)),
    }
}

/// How to reach one database, again and again.
#[derive(Clone)]
pub(crate) struct Connector {
    place: String,
    target: Target,
    schema: Schema,
}

#[derive(Clone)]
enum Target {
    Sqlite { path: PathBuf, max_bytes: Option<u64> },
    Postgres(Box<PgConnectOptions>),
}

/// A database with its writer and its readers.
struct Opened {
    writer: Writer,
    readers: Readers,
}

impl Connector {
    fn postgres(url: &str) -> Result<Connector, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| {
                StoreError::Invalid(format!("`--database-url` cannot be read: {error}"))
            })?
            .application_name("bowsprit")
            .options([("synchronous_commit", "on")])
            .disable_statement_logging();
        let database = options.get_database().unwrap_or("(default)");
        let place = format!("postgres://{}/{}", options.get_host(), database);
        Ok(Connector { place, target: Target::Postgres(Box::new(options)), schema: Schema::All })
    }

    /// Names the database in messages, without credentials.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Connects for writing.
    pub(crate) async fn connect_writer(&self) -> Result<Conn, StoreError> {
        let inner = match &self.target {
            Target::Sqlite { path, max_bytes } => {
                let mut options = sqlite_options(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .pragma("application_id", APPLICATION_ID.to_string())
                    .pragma("journal_size_limit", WAL_KEPT_BYTES.to_string());
                if let Some(bytes) = max_bytes {
                    let pages = (bytes / SQLITE_PAGE_BYTES).max(1);
                    options = options.pragma("max_page_count", pages.to_string());
                }
                sqlx::SqliteConnection::connect_with(&options).await.map(Connected::Sqlite)
            }
            Target::Postgres(options) => {
                sqlx::PgConnection::connect_with(options).await.map(Connected::Postgres)
            }
        };
        let inner = inner.map_err(|error| StoreError::from_sqlx(&self.place, &error))?;
        Ok(Conn { place: self.place.clone(), inner })
    }

    fn readers(&self) -> Readers {
        let pool = match &self.target {
            Target::Sqlite { path, .. } => Pool::Sqlite(
                SqlitePoolOptions::new()
                    .max_connections(SQLITE_READERS)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .connect_lazy_with(sqlite_options(path).read_only(true)),
            ),
            Target::Postgres(options) => Pool::Postgres(
                PgPoolOptions::new()
                    .max_connections(POSTGRES_READERS)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .connect_lazy_with((**options).clone()),
            ),
        };
        Readers { place: self.place.clone(), pool }
    }

    async fn open(self) -> Result<Opened, StoreError> {
        if let Target::Sqlite { path, .. } = &self.target {
            check_header(path)?;
        }
        let mut conn = self.connect_writer().await?;
        if let Target::Sqlite { path, .. } = &self.target {
            check_pages(path, &mut conn).await?;
        }
        migrate(&mut conn, self.schema).await?;
        let readers = self.readers();
        Ok(Opened { writer: Writer::start(self, conn), readers })
    }
}

/// Statements hold payloads and are far too many: neither driver logs them.
fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .disable_statement_logging()
}

/// Refuses a file that is not ours before SQLite touches it.
fn check_header(path: &Path) -> Result<(), StoreError> {
    let place = path.display().to_string();
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::Io { place, detail: error.to_string() }),
    };
    let mut header = Vec::with_capacity(100);
    (&mut file)
        .take(100)
        .read_to_end(&mut header)
        .map_err(|error| StoreError::Io { place: place.clone(), detail: error.to_string() })?;
    if header.is_empty() {
        return Ok(());
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(StoreError::Corrupt {
            place,
            detail: "it does not begin like an SQLite file".to_string(),
        });
    }
    let Some(id) = header.get(68..72).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()) else {
        return Err(StoreError::Corrupt { place, detail: "its header is cut short".to_string() });
    };
    match i64::from(u32::from_be_bytes(id)) {
        // 0: made by us, but the process died before the id was written.
        0 | APPLICATION_ID => Ok(()),
        application_id => Err(StoreError::Foreign { place, application_id }),
    }
}

/// Looks for damaged pages, unless the file is so large that the start would take long; damage
/// there is reported by the statement that meets it.
async fn check_pages(path: &Path, conn: &mut Conn) -> Result<(), StoreError> {
    let bytes = fs::metadata(path).map(|meta| meta.len()).unwrap_or(0);
    if bytes > CHECKED_BYTES {
        return Ok(());
    }
    let rows = conn.fetch("PRAGMA quick_check(1)", args![]).await?;
    match rows.first().map(|row| row.text(0)).transpose()? {
        Some(verdict) if verdict == "ok" => Ok(()),
        verdict => Err(StoreError::Corrupt {
            place: path.display().to_string(),
            detail: verdict.unwrap_or_else(|| "the check gave no answer".to_string()),
        }),
    }
}
