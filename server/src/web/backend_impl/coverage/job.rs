//! `/coverage/{job}`: directories by runs or versions.

use std::collections::HashSet;
use std::sync::Arc;

use app::model::{CoverageHeatmap, CoverageLink, CoverageRow, PageError, encode};
use coverage::stored::Summary;
use store::{CoverageCursor, CoverageKey, MAX_COVERAGE_PAGE};

use super::{
    Query, away, coverage, file_href, is_shown, job_href, links_above, profile_of, ratio_of, share,
};
use crate::coverage::Rows;
use crate::coverage::heatmap::{Heatmap, first_directory, heatmap, trend};
use crate::web::backend_impl::testgrid::segment;
use crate::web::state::Web;

/// Columns of a heatmap.
pub const COLUMNS: usize = 30;
/// Rows of a heatmap.
const MAX_ROWS: usize = 2_000;
/// Pages of profiles that are looked through for runs of different versions.
const VERSION_PAGES: usize = 3;

/// What a heatmap and its drawings are made of.
pub struct Chosen {
    /// Where the job's runs keep the profile.
    pub path: String,
    /// The job's paths.
    pub paths: Vec<String>,
    /// Whether columns are runs of different versions.
    pub by_version: bool,
    /// The columns, newest first.
    pub keys: Vec<CoverageKey>,
    /// Their files.
    pub summaries: Vec<Arc<Summary>>,
    /// The directory that is shown.
    pub directory: String,
    /// Whether there are older profiles, and behind which they begin.
    pub older: Option<CoverageCursor>,
}

/// Chooses profile, columns and directory as the query says, or as is best.
///
/// # Errors
/// The job has no profile that is shown, or the store does not answer.
pub async fn choose(web: &Web, job: &str, query: &Query) -> Result<Chosen, PageError> {
    let coverage = coverage(web)?;
    let none = || PageError::NotFound {
        message: format!(
            "No run of the job {job} has left a coverage profile, or it may not be shown."
        ),
    };
    let series = coverage.series(Some(job)).await.map_err(away)?;
    let paths: Vec<String> = series.into_iter().map(|one| one.path).collect();
    let path = match query.value("path") {
        Some(path) => paths.iter().find(|one| *one == path),
        None => paths.iter().min_by_key(|path| coverage::profile_order(path)),
    };
    let path = path.cloned().ok_or_else(none)?;
    let (keys, by_version, older) = columns(web, job, &path, query).await?;
    if keys.is_empty() {
        return Err(none());
    }
    let ids: Vec<i64> = keys.iter().map(|key| key.id).collect();
    let summaries = coverage.summaries(&ids).await.map_err(away)?;
    let directory = match query.value("dir") {
        Some("/") => String::new(),
        Some(directory) if directory.ends_with('/') => directory.to_owned(),
        Some(directory) => format!("{directory}/"),
        None => summaries
            .iter()
            .find(|summary| !summary.files.is_empty())
            .map_or_else(String::new, |newest| first_directory(newest).to_owned()),
    };
    Ok(Chosen { path, paths, by_version, keys, summaries, directory, older })
}

/// The columns; whether they are of different versions; where older ones begin.
async fn columns(
    web: &Web,
    job: &str,
    path: &str,
    query: &Query,
) -> Result<(Vec<CoverageKey>, bool, Option<CoverageCursor>), PageError> {
    let coverage = coverage(web)?;
    let mut before = query.value("before").and_then(cursor);
    let asked = query.value("by");
    let mut versions: HashSet<String> = HashSet::new();
    let mut of_versions: Vec<CoverageKey> = Vec::new();
    let mut runs: Vec<CoverageKey> = Vec::new();
    let mut is_whole = false;
    for _ in 0..VERSION_PAGES {
        let page = coverage.page(job, path, before, MAX_COVERAGE_PAGE).await.map_err(away)?;
        is_whole = page.len() < MAX_COVERAGE_PAGE;
        before = page.last().map(CoverageKey::cursor);
        for key in page.into_iter().filter(|key| is_shown(web, key)) {
            if of_versions.len() < COLUMNS && versions.insert(key.version.clone()) {
                of_versions.push(key.clone());
            }
            if runs.len() <= COLUMNS {
                runs.push(key);
            }
        }
        let enough = match asked {
            Some("versions") => of_versions.len() >= COLUMNS,
            _ => runs.len() > COLUMNS,
        };
        if is_whole || enough {
            break;
        }
    }
    // Where each run tests something else, versions say more than numbers; of a branch that moves
    // there is one only.
    let by_version = match asked {
        Some(asked) => asked == "versions",
        None => of_versions.len() > 1,
    };
    if by_version {
        return Ok((of_versions, true, None));
    }
    let more = runs.len() > COLUMNS || !is_whole;
    runs.truncate(COLUMNS);
    let older = runs.last().filter(|_| more).map(CoverageKey::cursor);
    Ok((runs, false, older))
}

fn cursor(text: &str) -> Option<CoverageCursor> {
    let (started, id) = text.split_once('-')?;
    Some(CoverageCursor { started_ms: started.parse().ok()?, id: id.parse().ok()? })
}

/// The page.
///
/// # Errors
/// As [`choose`], and for a threshold that is none.
pub async fn page(web: &Web, job: &str, query: &str) -> Result<CoverageHeatmap, PageError> {
    let query = Query::of(query);
    let threshold = query.threshold()?;
    let chosen = choose(web, job, &query).await?;
    let Chosen { path, paths, by_version, keys, summaries, directory, older } = chosen;
    let here = Here { job, path: &path, by_version, threshold: query.value("threshold") };
    // Profiles never change, so their numbers and the page's options say what its rows are.
    let ids: Vec<String> = keys.iter().map(|key| key.id.to_string()).collect();
    let name = format!("{} {}", ids.join(","), here.href(&directory));
    let made = coverage(web)?.rows(&name, || {
        let map = heatmap(summaries.iter().map(AsRef::as_ref), &directory);
        rows(&here, map, &directory, &keys, threshold)
    });
    let (all, rows) = made.as_ref();
    let mut above = links_above(job, &directory, |place| here.href(place));
    // The page itself is its heading, not a step above it.
    above.pop();
    let newest = keys.first().map_or(0, |key| key.id);
    let oldest = keys.last().map_or(0, |key| key.id);
    let drawing = |name: &str| {
        format!(
            "/coverage/{}/{name}.svg?{}&dir={}&of={newest}-{oldest}",
            segment(job),
            here.query(),
            encode(&slashed(&directory))
        )
    };
    Ok(CoverageHeatmap {
        now_ms: web.clock.now().millis(),
        job: job.to_owned(),
        profiles: paths
            .iter()
            .map(|path| CoverageLink {
                text: path.clone(),
                href: format!("{}?path={}", job_href(job), encode(path)),
            })
            .collect(),
        by_version,
        by_run_href: Here { by_version: false, ..here }.href(&directory),
        by_version_href: Here { by_version: true, ..here }.href(&directory),
        threshold: query.value("threshold").unwrap_or_default().to_owned(),
        above,
        columns: keys
            .iter()
            .enumerate()
            .map(|(at, key)| profile_of(web, key, keys.get(at + 1).map(ratio_of)))
            .collect(),
        all: all.clone(),
        more_rows: rows.len().saturating_sub(MAX_ROWS) as u64,
        rows: rows.iter().take(MAX_ROWS).cloned().collect(),
        older: older.map(|CoverageCursor { started_ms, id }| {
            format!("{}&before={started_ms}-{id}", here.href(&directory))
        }),
        trend_src: drawing("trend"),
        tree_src: drawing("tree"),
        path,
        directory,
    })
}

/// The rows of the page.
fn rows(
    here: &Here<'_>,
    map: Heatmap,
    directory: &str,
    keys: &[CoverageKey],
    threshold: Option<f64>,
) -> Rows {
    let row = |name: &str, cells: &[Option<coverage::Ratio>], href: String| CoverageRow {
        name: name.to_owned(),
        href,
        cells: (0..cells.len())
            .map(|at| {
                let right = cells.get(at + 1).copied().flatten();
                cells.get(at).copied().flatten().map(|ratio| share(ratio, right, threshold))
            })
            .collect(),
        trend: trend(cells),
    };
    let rows = map.rows.iter().map(|(name, cells)| {
        let place = format!("{directory}{name}");
        let newest = cells.iter().position(Option::is_some).and_then(|at| keys.get(at));
        let href = match name.ends_with('/') {
            true => here.href(&place),
            false => newest.map_or_else(String::new, |key| file_href(here.job, key.id, &place)),
        };
        row(name, cells, href)
    });
    (row("Everything here", &map.all, String::new()), rows.collect())
}

/// The options of the page that its links keep.
#[derive(Clone, Copy)]
struct Here<'a> {
    job: &'a str,
    path: &'a str,
    by_version: bool,
    threshold: Option<&'a str>,
}

impl Here<'_> {
    fn query(&self) -> String {
        let by = if self.by_version { "versions" } else { "runs" };
        let mut query = format!("path={}&by={by}", encode(self.path));
        if let Some(threshold) = self.threshold {
            query.push_str(&format!("&threshold={}", encode(threshold)));
        }
        query
    }

    fn href(&self, directory: &str) -> String {
        let (page, query) = (job_href(self.job), self.query());
        format!("{page}?{query}&dir={}", encode(&slashed(directory)))
    }
}

/// A directory in an address; `/` is all of them.
fn slashed(directory: &str) -> String {
    if directory.is_empty() { "/".to_owned() } else { directory.to_owned() }
}
