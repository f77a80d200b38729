//! Coverage profiles of runs, newest first within their job.
//!
//! What a profile holds is opaque here: a summary with the ratio of each file, and every block.

use async_trait::async_trait;
use go_compat::Timestamp;

use crate::StoreError;

/// Of one series so many profiles are kept; the oldest go first.
pub const MAX_SERIES_PROFILES: usize = 500;

/// Of one series so many profiles keep their blocks.
pub const MAX_SERIES_BLOCKS: usize = 100;

/// A page has at most so many profiles.
pub const MAX_COVERAGE_PAGE: usize = 200;

/// What is known of a profile without its files and blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoverageKey {
    /// Its number; 0 before it is stored. Numbers are not given twice.
    pub id: i64,
    /// The job. Profiles of one job and one path are a series.
    pub job: String,
    /// Where it lies below the run's folder, such as `artifacts/cover.out`.
    pub path: String,
    /// The run: its ProwJob's name.
    pub run: String,
    /// The run's build id.
    pub build: String,
    /// When the run started, in milliseconds since 1970.
    pub started_ms: i64,
    /// What the run tested, for people.
    pub version: String,
    /// The profile's form, for people.
    pub format: String,
    /// How many files it has.
    pub files: i64,
    /// How many of its statements ran.
    pub covered: i64,
    /// How many statements it has.
    pub total: i64,
    /// What could not be read; empty: nothing.
    pub problem: String,
    /// When it was read, in milliseconds since 1970.
    pub read_ms: i64,
}

/// A profile to be stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoverageRow {
    /// What is known without its files; the number is given by the store.
    pub key: CoverageKey,
    /// The ratio of each file, as `coverage::stored` writes it.
    pub summary: Vec<u8>,
    /// Every block, as `coverage::stored` writes it.
    pub profile: Vec<u8>,
}

/// The profiles of one job and one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageSeries {
    /// The job.
    pub job: String,
    /// The path below the run's folder.
    pub path: String,
    /// How many profiles it has.
    pub profiles: i64,
}

/// Where a page of profiles goes on: behind the last one of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageCursor {
    /// When its run started, in milliseconds since 1970.
    pub started_ms: i64,
    /// Its number.
    pub id: i64,
}

impl CoverageKey {
    /// The place behind this profile.
    pub fn cursor(&self) -> CoverageCursor {
        CoverageCursor { started_ms: self.started_ms, id: self.id }
    }
}

/// Coverage profiles.
#[async_trait]
pub trait CoverageStore: Send + Sync {
    /// Adds the profiles of a run, replacing what it had, and remembers that the run was looked
    /// through; all or nothing, and on disk when this returns. Series that grew beyond their
    /// limits lose their oldest profiles and blocks.
    async fn put_run(
        &self,
        run: &str,
        looked: Timestamp,
        profiles: Vec<CoverageRow>,
    ) -> Result<(), StoreError>;

    /// Those of these runs that were looked through.
    async fn looked(&self, runs: &[String]) -> Result<Vec<String>, StoreError>;

    /// The series of a job, or all of them, by job and path.
    async fn series(&self, job: Option<&str>) -> Result<Vec<CoverageSeries>, StoreError>;

    /// A page of a series, newest run first, at most [`MAX_COVERAGE_PAGE`].
    async fn page(
        &self,
        job: &str,
        path: &str,
        before: Option<CoverageCursor>,
        limit: usize,
    ) -> Result<Vec<CoverageKey>, StoreError>;

    /// The profiles of a run, by path.
    async fn of_run(&self, run: &str) -> Result<Vec<CoverageKey>, StoreError>;

    /// A profile without its files and blocks.
    async fn key(&self, id: i64) -> Result<Option<CoverageKey>, StoreError>;

    /// The summaries of these profiles with their numbers, in any order; those that are gone are
    /// left out.
    async fn summaries(&self, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>, StoreError>;

    /// The blocks of a profile; empty if they were dropped for their age, `None` if it is gone.
    async fn blocks(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Forgets runs that were looked through long ago and have no profile; returns how many went.
    async fn prune(&self, now: Timestamp) -> Result<u64, StoreError>;
}
