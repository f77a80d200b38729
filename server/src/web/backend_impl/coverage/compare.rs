//! `/coverage/{job}/compare`: two profiles.

use app::model::{CoverageChange, CoverageComparison, PageError, encode};
use coverage::table::{self, changes};
use store::CoverageKey;

use super::{
    Query, any_profile_key, away, coverage, file_href, is_shown, job_href, profile_key, profile_of,
    ratio_of, share,
};
use crate::web::backend_impl::testgrid::segment;
use crate::web::state::Web;

/// Changes that a page shows.
const MAX_CHANGES: usize = 2_000;
/// Profiles that can be chosen.
const CHOICES: usize = 100;

/// The page.
///
/// # Errors
/// There is no such profile, or the store does not answer.
pub async fn page(web: &Web, job: &str, query: &str) -> Result<CoverageComparison, PageError> {
    let query = Query::of(query);
    let threshold = query.threshold()?;
    let (new, old) = (query.profile("new")?, query.profile("old")?);
    // What is compared with may be another job's: a pull request's with that of its branch.
    let (new, old) = (profile_key(web, job, new).await?, any_profile_key(web, old).await?);
    let coverage = coverage(web)?;
    let both = coverage.summaries(&[new.id, old.id]).await.map_err(away)?;
    let [after, before] = both.as_slice() else { return Ok(CoverageComparison::default()) };
    let found = changes(before.ratios(), after.ratios());
    let is_low = threshold.is_some_and(|threshold| {
        found.iter().any(|change| change.is_below(threshold as f32 / 100.0))
    });
    let choices = coverage.page(job, &new.path, None, CHOICES).await.map_err(away)?;
    let text = query.value("threshold").unwrap_or_default();
    Ok(CoverageComparison {
        now_ms: web.clock.now().millis(),
        job: job.to_owned(),
        href: format!("{}?path={}", job_href(job), encode(&new.path)),
        threshold: text.to_owned(),
        is_low,
        choices: choices
            .iter()
            .filter(|key| is_shown(web, key))
            .map(|key| profile_of(web, key, None))
            .collect(),
        more_changes: found.len().saturating_sub(MAX_CHANGES) as u64,
        changes: found
            .iter()
            .take(MAX_CHANGES)
            .map(|change| change_of(&new, &old, change, threshold))
            .collect(),
        document_href: format!(
            "/api/v1/coverage/{}/table?new={}&old={}&threshold={}",
            segment(job),
            new.id,
            old.id,
            encode(text)
        ),
        new: profile_of(web, &new, Some(ratio_of(&old))),
        old: profile_of(web, &old, None),
    })
}

fn change_of(
    new: &CoverageKey,
    old: &CoverageKey,
    change: &table::Change,
    threshold: Option<f64>,
) -> CoverageChange {
    let profile = if change.new.is_some() { new } else { old };
    CoverageChange {
        name: change.file.clone(),
        href: file_href(&profile.job, profile.id, &change.file),
        old: change.old.map(|ratio| share(ratio, None, None)),
        new: change.new.map(|ratio| share(ratio, change.old, threshold)),
        delta: change.delta_text(),
    }
}
