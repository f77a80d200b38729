//! The runs before and after one that the run table does not have beside it: those of the run history,
//! and those that only the bucket has.

use app::model::{HistoryRow, job_history_href};

use super::job::{known, read};
use super::{known_row, stored_row};
use crate::histories::listing::build_id;
use crate::histories::patience;
use crate::histories::root::{JobRoot, parse};
use crate::runs::run::Run;
use crate::web::browse::place;
use crate::web::state::Web;
use crate::web::view::links::run_page;

/// Builds on either side that are looked at; hidden ones among them are passed over.
const LOOKS: usize = 4;

/// A run beside another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbour {
    /// Its page; empty if there is none.
    pub href: String,
    /// Its id.
    pub id: String,
    /// Whether the index has it; else only the bucket does.
    pub is_indexed: bool,
}

/// The runs before and after a run among the builds of its job, as far as that is known in the time that
/// a page waits.
pub async fn neighbours(web: &Web, run: &Run) -> (Neighbour, Neighbour) {
    let patience = patience(&web.clock);
    let around = async {
        let build = build_id(&run.build_id)?;
        let href = job_history_href(&run_page(&run.id, run.artifacts.as_deref()))?;
        let (provider, bucket, path) = parse(href.strip_prefix("/job-history/")?)?;
        let uri = place(web, provider, &format!("{bucket}/{path}")).ok()?;
        Some((build, JobRoot::new(uri)))
    };
    let Some((build, root)) = around.await else { return Default::default() };
    let window = web.histories.window(&root, Some(build), LOOKS, web.clock.now(), &patience);
    let (known, window) = futures::join!(known(web, &root, Some(build), LOOKS, &[]), window);
    let Ok(known) = known else { return Default::default() };
    let window = window.unwrap_or_default();
    let mut older: Vec<u64> = known.below.keys().chain(&window.below).copied().collect();
    older.retain(|id| *id < build);
    older.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
    let mut newer: Vec<u64> = known.above.keys().chain(&window.above).copied().collect();
    newer.retain(|id| *id > build);
    newer.sort_unstable();
    for ids in [&mut older, &mut newer] {
        ids.dedup();
        ids.truncate(LOOKS);
    }
    let of_index = |id: &u64| known.below.get(id).or_else(|| known.above.get(id));
    let both = older.iter().chain(&newer);
    let unknown: Vec<u64> = both.filter(|id| of_index(id).is_none()).copied().collect();
    let found = read(web, &root, &unknown, &patience).await;
    let visibility = web.visibility();
    let row = |id: &u64| -> Option<(HistoryRow, bool)> {
        match of_index(id) {
            Some(run) => visibility.shows(run).then(|| (known_row(web, run), true)),
            None => {
                // Of what has no documents nobody can say more than its number.
                let found = found.get(id).filter(|found| found.run.is_some())?;
                let row = stored_row(web, &root.folder(*id)?, root.job(), *id, Some(found))?;
                Some((row, false))
            }
        }
    };
    let nearest = |ids: &[u64]| {
        let found = ids.iter().find_map(row);
        found.map(|(HistoryRow { run, .. }, is_indexed)| Neighbour {
            href: run.href,
            id: run.id,
            is_indexed,
        })
    };
    (nearest(&older).unwrap_or_default(), nearest(&newer).unwrap_or_default())
}
