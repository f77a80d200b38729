//! The pages of the past: of a job, of a pull request, of two runs.

pub mod compare;
pub mod job;
pub mod neighbours;
pub mod pull;

use std::sync::Arc;

use app::model::{HistoryRow, RunRow, RunState};
use blob::BlobUri;

use crate::histories::Found;
use crate::runs::run::Run;
use crate::web::browse::place;
use crate::web::state::Web;
use crate::web::view::links::run_page;
use crate::web::view::run_row::run_row;

/// A run of which everything is known that there is.
fn known_row(web: &Web, run: &Run) -> HistoryRow {
    HistoryRow { run: run_row(run, &web.code_host()), note: String::new() }
}

/// The run that was found in a bucket; nothing where there is none.
pub fn found_run(web: &Web, found: &Found) -> Option<Arc<Run>> {
    let (stored, folder) = (found.run.as_ref()?, found.folder.as_ref()?);
    let job = Arc::new(stored.job.clone());
    let run = Run::of(&job, Some(&folder.to_string()), &web.runs.strings);
    Some(Arc::new(Run { live: None, ..run }))
}

/// A run of which only the bucket knows, `found` there or not yet; nothing if it may not be shown.
fn stored_row(
    web: &Web,
    at: &BlobUri,
    job: &str,
    build: u64,
    found: Option<&Found>,
) -> Option<HistoryRow> {
    let shown = |uri: &BlobUri| {
        place(web, uri.provider().as_str(), &format!("{}/{}", uri.bucket(), uri.key())).is_ok()
    };
    if let Some(run) = found.and_then(|found| found_run(web, found)) {
        if !web.visibility().shows(&run) || !shown(found?.folder.as_ref()?) {
            return None;
        }
        let note = found.map(|found| found.note.clone()).unwrap_or_default();
        return Some(HistoryRow { note, ..known_row(web, &run) });
    }
    let folder = found.and_then(|found| found.folder.as_ref()).unwrap_or(at);
    let note = match found {
        Some(found) => found.note.clone(),
        None => "Its files were not read yet; reload the page in a moment.".to_owned(),
    };
    shown(folder).then(|| HistoryRow {
        run: RunRow {
            id: folder.to_string(),
            href: run_page("", Some(&folder.to_string())),
            job: job.to_owned(),
            state: RunState::Unknown,
            build_id: build.to_string(),
            ..RunRow::default()
        },
        note,
    })
}
