//! `/coverage/{job}/file`: a file line by line.

use app::model::{CoverageFile, CoverageLine, CoverageLink, CoverageState, PageError, encode};
use blob::BlobUri;
use coverage::{FileCoverage, LineState, Mode, line_states};
use store::CoverageKey;

use super::{
    Query, away, coverage, file_href, is_shown, job_href, links_above, profile_key, profile_of,
    share,
};
use crate::run_files::within;
use crate::web::state::Web;

/// Lines that a page shows.
const MAX_SHOWN_LINES: usize = 20_000;
/// A source file is at most so large, in bytes.
const MAX_SOURCE_BYTES: u64 = 4 << 20;
/// Runs of the series in which the same file is looked for.
const OTHERS: usize = 10;

/// The page.
///
/// # Errors
/// There is no such profile or file, or the store does not answer.
pub async fn page(web: &Web, job: &str, query: &str) -> Result<CoverageFile, PageError> {
    let query = Query::of(query);
    let id = query.profile("profile")?;
    let name = query.value("name").ok_or_else(|| PageError::BadRequest {
        message: "`name` must name a file of the profile.".to_owned(),
    })?;
    let key = profile_key(web, job, id).await?;
    let coverage = coverage(web)?;
    let summaries = coverage.summaries(&[id]).await.map_err(away)?;
    let ratio =
        summaries.iter().flat_map(|summary| summary.ratios()).find(|(file, _)| *file == name);
    let Some((_, ratio)) = ratio else {
        let message = format!("The profile has no file {name}.");
        return Err(PageError::NotFound { message });
    };
    let file = coverage.file(id, name).await.map_err(away)?;
    // A bucket that hangs must not hold up what the store knows.
    let source = within(&web.clock, source(web, &key, name)).await.flatten();
    let (mode, lines) = match &file {
        Some((mode, file)) => (*mode, lines(file, source.as_deref())),
        None => (Mode::Set, Vec::new()),
    };
    let more_lines = lines.len().saturating_sub(MAX_SHOWN_LINES) as u64;
    let directory = name.rfind('/').map_or("", |at| &name[..=at]);
    let heatmap = |place: &str| {
        let (page, path) = (job_href(job), encode(&key.path));
        format!("{page}?path={path}&dir={}", encode(place))
    };
    Ok(CoverageFile {
        now_ms: web.clock.now().millis(),
        job: job.to_owned(),
        name: name.to_owned(),
        above: links_above(job, directory, heatmap),
        profile: profile_of(web, &key, None),
        share: share(ratio, None, query.threshold()?),
        others: others(web, &key, name).await?,
        counts: mode != Mode::Set,
        lines: lines.into_iter().take(MAX_SHOWN_LINES).collect(),
        source_href: source_href(web, &key, name),
        more_lines,
    })
}

/// The lines with their source, or without it runs of lines of one state.
fn lines(file: &FileCoverage, source: Option<&str>) -> Vec<CoverageLine> {
    let states = line_states(file);
    let known = |state: &LineState| match *state {
        LineState::None => (CoverageState::None, 0),
        LineState::Ran(count) => (CoverageState::Ran, count),
        LineState::Partly(count) => (CoverageState::Partly, count),
        LineState::Missed => (CoverageState::Missed, 0),
    };
    if let Some(source) = source {
        let lines = source.lines().enumerate().map(|(at, text)| {
            let (state, count) = states.get(at).map(known).unwrap_or_default();
            let number = at as u32 + 1;
            CoverageLine { first: number, last: number, state, count, text: Some(text.to_owned()) }
        });
        return lines.collect();
    }
    let mut lines: Vec<CoverageLine> = Vec::new();
    for (at, state) in states.iter().enumerate() {
        let number = at as u32 + 1;
        let (state, count) = known(state);
        let goes_on = |line: &&mut CoverageLine| {
            line.last + 1 == number && line.state == state && line.count == count
        };
        match lines.last_mut().filter(goes_on) {
            Some(line) => line.last = number,
            None if state == CoverageState::None => {}
            None => {
                lines.push(CoverageLine { first: number, last: number, state, count, text: None });
            }
        }
    }
    lines
}

/// The file's text where the run kept it: beside the profile, or below its artifacts, under the
/// name that the profile gives it. A source that cannot be read is not known.
async fn source(web: &Web, key: &CoverageKey, name: &str) -> Option<String> {
    let run = web.visible_run(&key.run)?;
    let folder = run.artifacts.as_deref()?;
    let folder = BlobUri::parse(&format!("{}/", folder.trim_end_matches('/'))).ok()?;
    let beside = key.path.rfind('/').map_or("", |at| &key.path[..=at]);
    for place in [format!("{beside}{name}"), format!("artifacts/{name}")] {
        // A name that leads elsewhere is no file of the run.
        let Ok(uri) = folder.join(&place) else { continue };
        if let Ok(bytes) = web.blobs.read(&uri, MAX_SOURCE_BYTES).await {
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    None
}

/// The file at the code host, for names that begin with the run's repository.
fn source_href(web: &Web, key: &CoverageKey, name: &str) -> String {
    let Some(run) = web.visible_run(&key.run) else { return String::new() };
    let Some(refs) = &run.refs else { return String::new() };
    let repository = web.code_host().repo(refs);
    let address = repository.split_once("://").map_or("", |(_, address)| address);
    let Some(path) = name.strip_prefix(address).and_then(|rest| rest.strip_prefix('/')) else {
        return String::new();
    };
    if address.is_empty() {
        return String::new();
    }
    let commit = match refs.pulls.as_slice() {
        [pull] => &pull.sha,
        _ => &refs.base_ref,
    };
    format!("{repository}/blob/{}/{}", encode(commit), path)
}

/// The same file in the newest runs of the series.
async fn others(web: &Web, key: &CoverageKey, name: &str) -> Result<Vec<CoverageLink>, PageError> {
    let coverage = coverage(web)?;
    let keys = coverage.page(&key.job, &key.path, None, OTHERS).await.map_err(away)?;
    let keys: Vec<_> =
        keys.into_iter().filter(|other| other.id != key.id && is_shown(web, other)).collect();
    let ids: Vec<i64> = keys.iter().map(|key| key.id).collect();
    let summaries = coverage.summaries(&ids).await.map_err(away)?;
    let links = keys.iter().zip(summaries).filter_map(|(other, summary)| {
        let at = summary.files.binary_search_by(|(file, _)| file.as_str().cmp(name)).ok()?;
        let (_, ratio) = summary.files.get(at)?;
        let version = if other.version.is_empty() { &other.build } else { &other.version };
        Some(CoverageLink {
            text: format!("{version} {} %", ratio.percent()),
            href: file_href(&key.job, other.id, name),
        })
    });
    Ok(links.collect())
}

#[cfg(test)]
mod tests {
    use coverage::{Reading, read};

    use super::*;

    #[test]
    fn lines_without_a_source_are_told_together() {
        let text = "mode: count\na.go:2.1,4.5 2 7\na.go:4.5,4.9 1 0\na.go:9.1,10.2 1 0\n";
        let profile = read(text.as_bytes(), &Reading::STRICT).unwrap().profile;
        let file = &profile.files[0];
        let told: Vec<_> =
            lines(file, None).iter().map(|l| (l.first, l.last, l.state, l.count)).collect();
        assert_eq!(
            told,
            [
                (2, 3, CoverageState::Ran, 7),
                (4, 4, CoverageState::Partly, 7),
                (9, 10, CoverageState::Missed, 0)
            ]
        );
        let known = lines(file, Some("package a\nfunc f() {\n"));
        assert_eq!(known.len(), 2);
        assert_eq!((known[0].state, known[1].state), (CoverageState::None, CoverageState::Ran));
        assert_eq!(known[1].text.as_deref(), Some("func f() {"));
    }
}
