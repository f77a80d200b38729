//! `/coverage`: the newest profile of each job.

use app::model::{CoverageIndex, CoverageSeries, PageError, encode};
use futures::stream::{self, StreamExt as _};

use super::{away, coverage, is_shown, job_href, profile_of, ratio_of};
use crate::web::state::Web;

/// Profiles of a series among which the newest that is shown is looked for.
const LOOKED_AT: usize = 20;
/// Series that are looked at at once.
const SERIES_AT_ONCE: usize = 4;

/// The series of this process, by job.
///
/// # Errors
/// The store does not answer.
pub async fn page(web: &Web) -> Result<CoverageIndex, PageError> {
    let mut page = CoverageIndex { now_ms: web.clock.now().millis(), ..CoverageIndex::default() };
    // The section is in the bar of every process; of one that keeps nothing it is empty.
    let Ok(coverage) = coverage(web) else { return Ok(page) };
    let all = coverage.series(None).await.map_err(away)?;
    let asked: Vec<_> = all
        .iter()
        .map(|series| coverage.page(&series.job, &series.path, None, LOOKED_AT))
        .collect();
    let mut pages =
        stream::iter(asked).buffered(SERIES_AT_ONCE).zip(stream::iter(all.iter().enumerate()));
    while let Some((keys, (at, series))) = pages.next().await {
        let mut keys = keys.map_err(away)?.into_iter().filter(|key| is_shown(web, key));
        let Some(newest) = keys.next() else { continue };
        let before = keys.next().map(|key| ratio_of(&key));
        let is_alone =
            !all.iter().enumerate().any(|(other, one)| other != at && one.job == series.job);
        let href = match is_alone {
            true => job_href(&series.job),
            false => format!("{}?path={}", job_href(&series.job), encode(&series.path)),
        };
        page.series.push(CoverageSeries {
            job: series.job.clone(),
            path: series.path.clone(),
            href,
            profiles: u64::try_from(series.profiles).unwrap_or(0),
            newest: profile_of(web, &newest, before),
        });
    }
    Ok(page)
}
