//! Test grids: the builds of each test group, one row per build, and the names of their tests.
//!
//! What a build holds is opaque here; it names tests by their number within the group. The names
//! are kept once for all groups, with an index of their letters for the search.

use async_trait::async_trait;

use crate::StoreError;

/// One build of a test group: a column of its grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridBuildRow {
    /// What is known of it without its cells.
    pub key: GridBuildKey,
    /// Its cells, as `grid::columnar` writes them. Empty: it is known and was not read.
    pub column: Vec<u8>,
}

/// A build without its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridBuildKey {
    /// Where it lies, such as `gs://bucket/logs/job/1/`. Unique within its group.
    pub object: String,
    /// Its id, by which a listing goes on: the last part of its path.
    pub build: String,
    /// When it started, in milliseconds since 1970.
    pub started_ms: i64,
    /// Whether it had not finished when it was read, so that it must be read again.
    pub running: bool,
    /// When it was read, in milliseconds since 1970.
    pub read_ms: i64,
}

/// Where a page of builds goes on: behind the last build of the page before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridCursor {
    /// When that build started, in milliseconds since 1970.
    pub started_ms: i64,
    /// Where it lies.
    pub object: String,
}

impl GridBuildKey {
    /// The place behind this build.
    pub fn cursor(&self) -> GridCursor {
        GridCursor { started_ms: self.started_ms, object: self.object.clone() }
    }
}

/// What is known of a test group besides its builds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GridGroupRow {
    /// Its name.
    pub group: String,
    /// The configuration that its builds were read with, as a `TestGroup` message. Empty before
    /// the first [`GridStore::put_group`].
    pub config: Vec<u8>,
    /// When its prefixes were last looked at, in milliseconds since 1970; 0: never.
    pub updated_ms: i64,
    /// When they were last listed in full, in milliseconds since 1970; 0: never.
    pub swept_ms: i64,
    /// What went wrong when they were last looked at; empty: nothing.
    pub error: String,
    /// Since when, in milliseconds since 1970.
    pub error_ms: Option<i64>,
}

/// The summary of one tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridSummaryRow {
    /// The tab's dashboard.
    pub dashboard: String,
    /// The tab.
    pub tab: String,
    /// A `DashboardTabSummary` message.
    pub summary: Vec<u8>,
}

/// A name that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowHit {
    /// The name of the row.
    pub name: String,
    /// The groups that have such a row, in the order of their names: the first
    /// [`MAX_HIT_GROUPS`].
    pub groups: Vec<String>,
    /// How many groups have it.
    pub group_count: usize,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSearch {
    /// The names, shortest first.
    pub hits: Vec<RowHit>,
    /// Whether there are (or, after a search that was cut short, may be) more.
    pub more: bool,
}

/// A search names this many groups of each name at most; [`GridStore::groups_of_row`] has all.
pub const MAX_HIT_GROUPS: usize = 50;

/// A search answers this many names at most.
pub const MAX_ROW_HITS: usize = 1_000;

/// Grids by test group. Groups are known by their names.
#[async_trait]
pub trait GridStore: Send + Sync {
    /// Adds names of rows and adds or replaces builds, all or none; it is on disk when this
    /// returns. The new rows are numbered from `first_row` on, which must be the number of rows
    /// that the group has, or else the answer is [`StoreError::Conflict`]: somebody else has added
    /// rows, and the numbers in the builds mean others. A group that is not known yet is made.
    async fn put_builds(
        &self,
        group: &str,
        first_row: u32,
        new_rows: Vec<String>,
        builds: Vec<GridBuildRow>,
    ) -> Result<(), StoreError>;

    /// The names of a group's rows in the order of their numbers; the first has number 0.
    async fn row_names(&self, group: &str) -> Result<Vec<String>, StoreError>;

    /// A page of a group's builds that started at `since_ms` or later, newest first (of one start:
    /// greatest `object` first), `limit` at most.
    async fn builds(
        &self,
        group: &str,
        since_ms: i64,
        before: Option<&GridCursor>,
        limit: usize,
    ) -> Result<Vec<GridBuildRow>, StoreError>;

    /// The builds of a group that are named, in the order of [`GridStore::builds`]; others are
    /// left out.
    async fn builds_of(
        &self,
        group: &str,
        objects: &[String],
    ) -> Result<Vec<GridBuildRow>, StoreError>;

    /// All builds of a group without their cells, newest first.
    async fn build_keys(&self, group: &str) -> Result<Vec<GridBuildKey>, StoreError>;

    /// The newest builds of a group without their cells.
    async fn newest(&self, group: &str, limit: usize) -> Result<Vec<GridBuildKey>, StoreError>;

    /// The builds of a group that had not finished when they were read, newest first.
    async fn unfinished(&self, group: &str) -> Result<Vec<GridBuildKey>, StoreError>;

    /// How many builds of a group are known without any cells, since nobody wanted to read them.
    async fn unread(&self, group: &str) -> Result<u64, StoreError>;

    /// Forgets a group: its builds, its rows, and names of rows that no other group has.
    /// Forgetting an unknown one is no error.
    async fn remove_group(&self, group: &str) -> Result<(), StoreError>;

    /// All groups, by name.
    async fn groups(&self) -> Result<Vec<GridGroupRow>, StoreError>;

    /// Adds or replaces what is known of a group besides its builds.
    async fn put_group(&self, group: GridGroupRow) -> Result<(), StoreError>;

    /// Adds or replaces summaries, all or none.
    async fn put_summaries(&self, summaries: Vec<GridSummaryRow>) -> Result<(), StoreError>;

    /// All summaries, by dashboard and tab.
    async fn summaries(&self) -> Result<Vec<GridSummaryRow>, StoreError>;

    /// Forgets summaries by dashboard and tab; forgetting an unknown one is no error.
    async fn remove_summaries(&self, tabs: Vec<(String, String)>) -> Result<(), StoreError>;

    /// The names of rows that contain each of the words, whatever the case of their letters, the
    /// shortest first (of one length: the oldest). Without words, or with an empty one only, nothing is found. `limit` is at
    /// most [`MAX_ROW_HITS`].
    ///
    /// PostgreSQL folds letters beyond ASCII as the locale of its database says.
    async fn search_rows(&self, words: &[String], limit: usize) -> Result<RowSearch, StoreError>;

    /// All groups that have a row of exactly this name, by name.
    async fn groups_of_row(&self, name: &str) -> Result<Vec<String>, StoreError>;
}
