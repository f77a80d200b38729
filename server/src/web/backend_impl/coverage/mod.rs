//! The pages of coverage.

use std::sync::Arc;

use app::model::{CoverageLink, CoverageProfile, CoverageShare, PageError, encode, query_pairs};
use coverage::Ratio;
use store::CoverageKey;

use super::testgrid::segment;
use super::unavailable;
use crate::coverage::{Coverage, chart};
use crate::web::state::Web;
use crate::web::view::links::run_page;

pub mod compare;
pub mod file;
pub mod index;
pub mod job;

/// The coverage of this process.
///
/// # Errors
/// It has none, since it keeps nothing.
pub fn coverage(web: &Web) -> Result<&Arc<Coverage>, PageError> {
    web.coverage.as_ref().ok_or_else(|| PageError::NotFound {
        message: "This process has no coverage: it shows ProwJobs alone. `bowsprit serve` has it."
            .to_owned(),
    })
}

/// The error of a page that the store does not serve.
pub fn away(error: impl std::fmt::Display) -> PageError {
    unavailable("The coverage", error)
}

/// The page of a job's heatmap.
pub fn job_href(job: &str) -> String {
    format!("/coverage/{}", segment(job))
}

/// The page of a file.
fn file_href(job: &str, profile: i64, name: &str) -> String {
    format!("{}/file?profile={profile}&name={}", job_href(job), encode(name))
}

/// Profiles of runs that this process shows; those of others do not exist.
pub fn is_shown(web: &Web, key: &CoverageKey) -> bool {
    web.visible_run(&key.run).is_some()
}

/// A share, compared with another one if there is one.
pub fn share(ratio: Ratio, with: Option<Ratio>, threshold: Option<f64>) -> CoverageShare {
    CoverageShare {
        covered: ratio.covered,
        total: ratio.total,
        percent: ratio.percent(),
        step: chart::step(ratio),
        change: with.map_or(0, |with| ratio.compare(with) as i8),
        below: threshold.is_some_and(|threshold| ratio.is_below(threshold / 100.0)),
    }
}

/// The ratio of a whole profile.
pub fn ratio_of(key: &CoverageKey) -> Ratio {
    let whole = |number: i64| u64::try_from(number).unwrap_or(0);
    Ratio { covered: whole(key.covered), total: whole(key.total) }
}

/// A profile in a list.
pub fn profile_of(web: &Web, key: &CoverageKey, with: Option<Ratio>) -> CoverageProfile {
    let run = web.visible_run(&key.run);
    CoverageProfile {
        id: key.id,
        version: key.version.clone(),
        build: key.build.clone(),
        started_ms: key.started_ms,
        run_href: run.map(|run| run_page(&run.id, run.artifacts.as_deref())).unwrap_or_default(),
        share: share(ratio_of(key), with, None),
        problem: key.problem.clone(),
    }
}

/// What the query of an address asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads a query.
    pub fn of(query: &str) -> Query {
        Query { pairs: query_pairs(query) }
    }

    /// The first value of a parameter that is not empty.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// The threshold in percent.
    ///
    /// # Errors
    /// It is no number from 0 to 100.
    pub fn threshold(&self) -> Result<Option<f64>, PageError> {
        let Some(text) = self.value("threshold") else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Some(percent)),
            _ => Err(PageError::BadRequest {
                message: format!("threshold={text} is no percentage from 0 to 100."),
            }),
        }
    }

    /// The number of a profile.
    ///
    /// # Errors
    /// It is missing, or no number.
    pub fn profile(&self, name: &str) -> Result<i64, PageError> {
        let id = self.value(name).and_then(|text| text.parse().ok());
        id.ok_or_else(|| PageError::BadRequest {
            message: format!("`{name}` must be the number of a profile."),
        })
    }
}

/// A profile of a job that this process shows.
///
/// # Errors
/// There is none of this number, or it may not be shown.
pub async fn profile_key(web: &Web, job: &str, id: i64) -> Result<CoverageKey, PageError> {
    let key = coverage(web)?.key(id).await.map_err(away)?;
    key.filter(|key| key.job == job && is_shown(web, key)).ok_or_else(|| PageError::NotFound {
        message: format!("The job {job} has no coverage profile number {id}, or it was removed."),
    })
}

/// A profile of any job that this process shows.
///
/// # Errors
/// There is none of this number, or it may not be shown.
pub async fn any_profile_key(web: &Web, id: i64) -> Result<CoverageKey, PageError> {
    let key = coverage(web)?.key(id).await.map_err(away)?;
    key.filter(|key| is_shown(web, key)).ok_or_else(|| PageError::NotFound {
        message: format!("There is no coverage profile number {id}, or it was removed."),
    })
}

/// Links to a directory's heatmap and those above, outermost first; the job's comes first of all.
fn links_above(job: &str, directory: &str, href: impl Fn(&str) -> String) -> Vec<CoverageLink> {
    let mut links = vec![CoverageLink { text: job.to_owned(), href: href("/") }];
    let mut begin = 0;
    for (at, _) in directory.match_indices('/') {
        let text = &directory[begin..=at];
        links.push(CoverageLink { text: text.to_owned(), href: href(&directory[..=at]) });
        begin = at + 1;
    }
    links
}
