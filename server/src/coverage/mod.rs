//! What the pages know of coverage: the profiles in the store, with what was read of them lately.

use std::collections::HashMap;
use std::sync::Arc;

use app::model::CoverageRow;
use coverage::stored::{Summary, decode_profile};
use coverage::{FileCoverage, Mode, Profile};
use store::{CoverageCursor, CoverageKey, CoverageSeries, CoverageStore, StoreError};

pub mod chart;
pub mod heatmap;

/// Summaries that are kept unpacked, counted in files: a summary of Kubernetes has 5,000.
const KEPT_FILES: u64 = 1_000_000;

/// Cells of heatmaps that are kept, about 64 bytes each.
const KEPT_CELLS: u64 = 500_000;

/// Drawings that are kept.
const KEPT_DRAWINGS: u64 = 200;

/// Why coverage cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CoverageError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored cannot be read.
    #[error(transparent)]
    Stored(#[from] coverage::stored::StoredError),
}

/// The coverage of a process.
pub struct Coverage {
    store: Arc<dyn CoverageStore>,
    summaries: moka::sync::Cache<i64, Arc<Summary>>,
    drawings: moka::sync::Cache<String, Arc<str>>,
    heatmaps: moka::sync::Cache<String, Arc<Rows>>,
}

/// The rows of a page, the one of everything together first.
pub type Rows = (CoverageRow, Vec<CoverageRow>);

impl Coverage {
    /// Over a store.
    pub fn new(store: Arc<dyn CoverageStore>) -> Coverage {
        let weight = |_: &i64, summary: &Arc<Summary>| {
            u32::try_from(summary.files.len().max(1)).unwrap_or(u32::MAX)
        };
        Coverage {
            store,
            summaries: moka::sync::Cache::builder()
                .max_capacity(KEPT_FILES)
                .weigher(weight)
                .build(),
            drawings: moka::sync::Cache::new(KEPT_DRAWINGS),
            heatmaps: moka::sync::Cache::builder()
                .max_capacity(KEPT_CELLS)
                .weigher(|_: &String, rows: &Arc<Rows>| {
                    let cells = (rows.1.len() + 1) * (rows.0.cells.len() + 1);
                    u32::try_from(cells).unwrap_or(u32::MAX)
                })
                .build(),
        }
    }

    /// The series of a job, or all of them, by job and path.
    pub async fn series(&self, job: Option<&str>) -> Result<Vec<CoverageSeries>, StoreError> {
        self.store.series(job).await
    }

    /// A page of a series, newest run first.
    pub async fn page(
        &self,
        job: &str,
        path: &str,
        before: Option<CoverageCursor>,
        limit: usize,
    ) -> Result<Vec<CoverageKey>, StoreError> {
        self.store.page(job, path, before, limit).await
    }

    /// A profile without its files.
    pub async fn key(&self, id: i64) -> Result<Option<CoverageKey>, StoreError> {
        self.store.key(id).await
    }

    /// The profiles of a run.
    pub async fn of_run(&self, run: &str) -> Result<Vec<CoverageKey>, StoreError> {
        self.store.of_run(run).await
    }

    /// The summaries of these profiles, in their order; of one that is gone an empty one.
    pub async fn summaries(&self, ids: &[i64]) -> Result<Vec<Arc<Summary>>, CoverageError> {
        let mut known: HashMap<i64, Arc<Summary>> = HashMap::with_capacity(ids.len());
        let mut unknown = Vec::new();
        for id in ids {
            match self.summaries.get(id) {
                Some(summary) => drop(known.insert(*id, summary)),
                None => unknown.push(*id),
            }
        }
        if !unknown.is_empty() {
            for (id, stored) in self.store.summaries(&unknown).await? {
                let summary = Arc::new(Summary::decode(&stored)?);
                self.summaries.insert(id, summary.clone());
                known.insert(id, summary);
            }
        }
        let none = Arc::new(Summary::default());
        Ok(ids.iter().map(|id| known.get(id).unwrap_or(&none).clone()).collect())
    }

    /// A whole profile; `None`: it is gone, or its blocks were dropped for their age.
    pub async fn profile(&self, id: i64) -> Result<Option<Profile>, CoverageError> {
        match self.store.blocks(id).await? {
            Some(stored) if !stored.is_empty() => Ok(Some(decode_profile(&stored, None)?)),
            _ => Ok(None),
        }
    }

    /// One file of a profile, with the profile's mode; `None`: the file is not in it, it is gone,
    /// or its blocks were dropped for their age.
    pub async fn file(
        &self,
        id: i64,
        name: &str,
    ) -> Result<Option<(Mode, FileCoverage)>, CoverageError> {
        match self.store.blocks(id).await? {
            Some(stored) if !stored.is_empty() => {
                let profile = decode_profile(&stored, Some(name))?;
                let mode = profile.mode;
                Ok(profile.files.into_iter().next().map(|file| (mode, file)))
            }
            _ => Ok(None),
        }
    }

    /// The rows of a heatmap under a name that changes when what they show does; made once.
    pub fn rows(&self, name: &str, make: impl FnOnce() -> Rows) -> Arc<Rows> {
        self.heatmaps.get_with_by_ref(name, || Arc::new(make()))
    }

    /// A drawing under a name that changes when what is drawn does; made once.
    pub fn drawing(&self, name: &str, draw: impl FnOnce() -> String) -> Arc<str> {
        self.drawings.get_with_by_ref(name, || draw().into())
    }
}
