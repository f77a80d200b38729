//! What filters selected lately: many readers look at the same list.

use std::sync::Arc;

use app::model::RunFilter;
use go_compat::time::Timestamp;
use parking_lot::Mutex;

use super::run::Run;
use super::select::{Selection, select};
use crate::web::visibility::Visibility;

/// How many selections are kept.
const KEPT: usize = 32;
/// For how long the parts of a selection that depend on the time of day stay
/// good enough, in milliseconds.
const GOOD_FOR_MS: i64 = 5_000;

/// The kept selections.
#[derive(Default)]
pub struct Selections {
    kept: Mutex<Vec<Kept>>,
    visible: Mutex<Option<Visible>>,
}

struct Kept {
    query: String,
    version: u64,
    made: Timestamp,
    visibility: Visibility,
    selection: Arc<Selection>,
}

struct Visible {
    version: u64,
    visibility: Visibility,
    runs: Arc<Vec<Arc<Run>>>,
}

impl Selections {
    /// The runs of a snapshot that may be shown.
    pub fn visible(
        &self,
        version: u64,
        visibility: &Visibility,
        runs: &[Arc<Run>],
    ) -> Arc<Vec<Arc<Run>>> {
        let mut kept = self.visible.lock();
        if let Some(visible) = &*kept
            && visible.version == version
            && visible.visibility == *visibility
        {
            return visible.runs.clone();
        }
        let runs = Arc::new(visibility.filter(runs));
        *kept = Some(Visible { version, visibility: visibility.clone(), runs: runs.clone() });
        runs
    }

    /// What a filter selects of the runs at a version.
    pub fn get(
        &self,
        filter: &RunFilter,
        version: u64,
        visibility: &Visibility,
        runs: &[Arc<Run>],
        now: Timestamp,
    ) -> Arc<Selection> {
        let query = RunFilter { limit: None, ..filter.first_page() }.to_query();
        let good = |kept: &Kept| {
            kept.query == query
                && kept.version == version
                && kept.visibility == *visibility
                && now.millis() - kept.made.millis() < GOOD_FOR_MS
        };
        if let Some(kept) = self.kept.lock().iter().find(|kept| good(kept)) {
            return kept.selection.clone();
        }
        let visible = self.visible(version, visibility, runs);
        let selection = Arc::new(select(&visible, filter, now));
        let mut kept = self.kept.lock();
        kept.retain(|old| old.query != query || old.visibility != *visibility);
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(Kept {
            query,
            version,
            made: now,
            visibility: visibility.clone(),
            selection: selection.clone(),
        });
        selection
    }
}
