//! `/job-history/…`: the runs of a job, by build.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use app::model::{HistoryQuery, HistoryRow, JobHistory, PageError, encode, time};
use store::{BuildQuery, RunFilter};

use super::{found_run, known_row, stored_row};
use crate::histories::listing::{Window, build_id, is_timed, timed_id};
use crate::histories::periods::{cut, periods};
use crate::histories::root::{JobRoot, parse};
use crate::histories::{Found, Patience, Place, patience};
use crate::runs::filter::shown_state;
use crate::runs::run::Run;
use crate::web::backend_impl::{refused, unavailable};
use crate::web::browse::{folder_href, place};
use crate::web::state::Web;

/// Rows of a page, as in Deck.
const ROWS: u64 = 20;
/// Rows of a page at most.
const MAX_ROWS: u64 = 100;
/// Runs in the charts of a page.
pub const CHARTED: usize = 100;
/// Runs that are looked through for the last one of a day.
const DAY_LOOKS: usize = 200;
/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// Runs by build.
type Builds = BTreeMap<u64, Arc<Run>>;

/// A job and a build of it, as an address names them.
pub struct Asked {
    /// Where the builds lie.
    pub root: JobRoot,
    /// What else was asked for.
    pub query: HistoryQuery,
}

/// Reads an address: the path below `/job-history/`, and the query.
///
/// # Errors
/// The address names no job, or what it names is hidden.
pub fn asked(web: &Web, path: &str, query: &str) -> Result<Asked, PageError> {
    let bad = |message: String| PageError::BadRequest { message };
    let (provider, bucket, root) = parse(path).ok_or_else(|| {
        bad("This is no address of a job's history: /job-history/gs/<bucket>/logs/<job>, or \
             /job-history/gs/<bucket>/pr-logs/directory/<job>."
            .to_owned())
    })?;
    let query = HistoryQuery::parse(query);
    // Deck's rule.
    if !query.build_id.is_empty() && !query.build_id.parse::<u64>().is_ok_and(|id| id > 0) {
        return Err(bad(format!(
            "The parameter `buildId` is {}, which is no build id: a positive number.",
            query.build_id
        )));
    }
    if !query.date.is_empty()
        && (query.date.len() != 10 || time::parse_instant(&query.date).is_none())
    {
        return Err(bad(format!("date={} is no day such as 2026-11-21.", query.date)));
    }
    let uri = place(web, provider, &format!("{bucket}/{root}")).map_err(refused)?;
    Ok(Asked { root: JobRoot::new(uri), query })
}

/// The page.
///
/// # Errors
/// As [`asked`]; or nothing is known of the job, or the run history does not answer.
pub async fn page(web: &Web, path: &str, query: &str) -> Result<JobHistory, PageError> {
    let Asked { root, query } = asked(web, path, query)?;
    let patience = patience(&web.clock);
    let limit = query.limit.unwrap_or(ROWS).clamp(1, MAX_ROWS) as usize;
    let now = web.clock.now();
    let mut notes = Vec::new();
    let top = top(web, &root, &query).await?;
    // Which state a run has is known when it was read, so that a filter looks at more of them.
    let looked_at = if query.state.is_some() { MAX_ROWS as usize } else { limit };
    let known = known(web, &root, top, (looked_at + 1).max(CHARTED), &[]).await?;
    let window = match web.histories.window(&root, top, looked_at + 1, now, &patience).await {
        Ok(window) => window,
        Err(why) => {
            notes.push(why);
            Arc::new(Window::default())
        }
    };
    let all = union(newest_first(&known.below), &window.below, |a, b| b.cmp(a));
    let above = union(known.above.keys().copied().collect(), &window.above, |a, b| a.cmp(b));
    let page = cut(&all, &above, looked_at);
    let is_unknown = |id: &u64| !known.below.contains_key(id);
    let unknown: Vec<u64> = page.0.iter().copied().filter(is_unknown).collect();
    let read = read(web, &root, &unknown, &patience).await;
    let (mut rows, older, newer) = match query.state {
        None => (rows(web, &root, page.0, &known.below, &read), page.1, page.2),
        Some(state) => {
            let mut chosen = self::known(web, &root, top, limit + 1, &[state]).await?;
            // What was read just now may not be in the history yet.
            let found = found_runs(web, &read);
            chosen.below.extend(found.filter(|(_, run)| shown_state(&run.state) == state));
            let above: Vec<u64> = chosen.above.keys().copied().collect();
            let (ids, older, newer) = cut(&newest_first(&chosen.below), &above, limit);
            // There may be more among those that were not looked at.
            (rows(web, &root, ids, &chosen.below, &read), older.or(page.1), newer)
        }
    };
    if top.is_none() {
        let is_wanted =
            |run: &Arc<Run>| query.state.is_none_or(|state| shown_state(&run.state) == state);
        let waiting = waiting(web, &root).into_iter().filter(is_wanted);
        rows.splice(..0, waiting.map(|run| known_row(web, &run)));
    }
    if rows.is_empty() && notes.is_empty() && all.is_empty() && above.is_empty() {
        return Err(PageError::NotFound {
            message: format!(
                "There is no run of {} in {}. It may have none yet, they may have expired in the \
                 bucket, or the address may be wrong.",
                root.job(),
                root.uri
            ),
        });
    }
    let mut charted: Builds = known.below;
    charted.extend(found_runs(web, &read));
    let charted = shown_newest_first(web, &charted);
    let href = address(&root);
    let drawing = |of: &str| {
        let from = top.map(|top| format!("&buildId={top}")).unwrap_or_default();
        format!("{}?of={of}{from}", href.replacen("/job-history/", "/job-history-chart/", 1))
    };
    Ok(JobHistory {
        now_ms: now.millis(),
        job: root.job().to_owned(),
        root: root.uri.to_string(),
        folder_href: folder_href(&root.uri),
        query,
        rows,
        older,
        newer,
        periods: periods(charted.iter().map(AsRef::as_ref)),
        charted: charted.len() as u64,
        durations_src: drawing("durations"),
        rates_src: drawing("rates"),
        href,
        notes,
    })
}

/// The rows of these builds, without those that may not be shown.
fn rows(
    web: &Web,
    root: &JobRoot,
    ids: Vec<u64>,
    known: &Builds,
    read: &HashMap<u64, Arc<Found>>,
) -> Vec<HistoryRow> {
    let visibility = web.visibility();
    let row = |id: u64| match (read.get(&id), known.get(&id)) {
        (None, Some(run)) => visibility.shows(run).then(|| known_row(web, run)),
        (found, _) => {
            let found = found.map(AsRef::as_ref);
            stored_row(web, &root.folder(id)?, root.job(), id, found)
        }
    };
    ids.into_iter().filter_map(row).collect()
}

fn found_runs(web: &Web, read: &HashMap<u64, Arc<Found>>) -> impl Iterator<Item = (u64, Arc<Run>)> {
    read.iter().filter_map(|(id, found)| Some((*id, found_run(web, found)?)))
}

fn newest_first(builds: &Builds) -> Vec<u64> {
    builds.keys().rev().copied().collect()
}

/// The runs that the charts of a page show, newest first; from the index alone.
///
/// # Errors
/// As [`page`].
pub async fn charted(web: &Web, asked: &Asked) -> Result<Vec<Arc<Run>>, PageError> {
    let top = top(web, &asked.root, &asked.query).await?;
    let known = known(web, &asked.root, top, CHARTED, &[]).await?;
    Ok(shown_newest_first(web, &known.below))
}

fn shown_newest_first(web: &Web, builds: &Builds) -> Vec<Arc<Run>> {
    let visibility = web.visibility();
    let shown = builds.values().rev().filter(|run| visibility.shows(run));
    shown.take(CHARTED).cloned().collect()
}

/// What the index knows around a build.
pub(super) struct Known {
    /// Up to it; as many as were asked for.
    pub(super) below: Builds,
    /// Above it, likewise.
    pub(super) above: Builds,
}

/// The runs that the run table and the run history have around a build, hidden ones among them: what
/// is not shown must not be looked for in the bucket either.
pub(super) async fn known(
    web: &Web,
    root: &JobRoot,
    top: Option<u64>,
    limit: usize,
    states: &[app::model::RunState],
) -> Result<Known, PageError> {
    let mut known = Known { below: Builds::new(), above: Builds::new() };
    let mut add = |run: Arc<Run>| {
        // Prow's ids are numbers.
        let Some(build) = build_id(&run.build_id) else { return };
        let is_below = top.is_none_or(|top| build <= top);
        let builds = if is_below { &mut known.below } else { &mut known.above };
        builds.insert(build, run);
    };
    if let Some(store) = &web.store {
        let query = BuildQuery {
            job: root.job().to_owned(),
            within: root.within(),
            job_types: root.types().iter().map(|of| of.as_str().to_owned()).collect(),
            states: states.iter().map(|state| state.word().to_owned()).collect(),
            up_to: top,
            above: None,
            limit,
        };
        let away = |error| unavailable("The run history", error);
        let mut rows = store.runs().builds(&query).await.map_err(away)?;
        if top.is_some() {
            let above = BuildQuery { up_to: None, above: top, ..query };
            rows.extend(store.runs().builds(&above).await.map_err(away)?);
        }
        for row in rows {
            add(Arc::new(Run::from_history(&row, &web.runs.strings)));
        }
    }
    // What the table has is newer.
    for run in &web.runs.snapshot().runs {
        let is_wanted = states.is_empty() || states.contains(&shown_state(&run.state));
        if root.has(run) && is_wanted && run.artifacts.is_some() {
            add(run.clone());
        }
    }
    while known.below.len() > limit {
        known.below.pop_first();
    }
    while known.above.len() > limit {
        known.above.pop_last();
    }
    Ok(known)
}

/// Runs that have no build id yet, newest first.
fn waiting(web: &Web, root: &JobRoot) -> Vec<Arc<Run>> {
    let visibility = web.visibility();
    let snapshot = web.runs.snapshot();
    snapshot
        .runs
        .iter()
        .filter(|run| root.has(run) && run.is_going() && build_id(&run.build_id).is_none())
        .filter(|run| visibility.shows(run))
        .cloned()
        .collect()
}

/// The build with which the page begins.
async fn top(web: &Web, root: &JobRoot, query: &HistoryQuery) -> Result<Option<u64>, PageError> {
    if let Ok(id) = query.build_id.parse::<u64>() {
        return Ok(Some(id));
    }
    let Some(day_ms) = time::parse_instant(&query.date) else { return Ok(None) };
    let end_ms = day_ms + DAY_MS;
    let latest = known(web, root, None, 1, &[]).await?.below.into_keys().next_back();
    if latest.is_none_or(is_timed) {
        return Ok(Some(timed_id(end_ms).saturating_sub(1).max(1)));
    }
    let mut last = 0;
    for run in web.runs.snapshot().runs.iter().filter(|run| root.has(run)) {
        if run.started.millis() < end_ms {
            last = last.max(build_id(&run.build_id).unwrap_or(0));
        }
    }
    if let Some(store) = &web.store {
        let filter = RunFilter {
            job: Some(store::JobMatch::Exact(root.job().to_owned())),
            until: Some(go_compat::Timestamp::from_millis(end_ms)),
            include_hidden: true,
            ..RunFilter::default()
        };
        let page = store.runs().page(&filter, None, DAY_LOOKS).await;
        for row in page.map_err(|error| unavailable("The run history", error))?.rows {
            let run = Run::from_history(&row, &web.runs.strings);
            if root.has(&run) {
                last = last.max(build_id(&run.build_id).unwrap_or(0));
            }
        }
    }
    // Nothing started before that: the page is empty, and newer ones are beside it.
    Ok(Some(last))
}

/// Reads builds from the bucket.
pub(super) async fn read(
    web: &Web,
    root: &JobRoot,
    builds: &[u64],
    patience: &Patience,
) -> HashMap<u64, Arc<Found>> {
    if builds.is_empty() {
        return HashMap::new();
    }
    let place = |id: &u64| Place { uri: at(root, *id), is_link: root.links, of: None };
    let mut found = web.histories.read(builds.iter().map(place).collect(), patience).await;
    let by_build =
        builds.iter().filter_map(|id| Some((*id, found.remove(&at(root, *id).to_string())?)));
    by_build.collect()
}

/// The folder of a build, or the text that names it.
fn at(root: &JobRoot, build: u64) -> blob::BlobUri {
    let name = if root.links { format!("{build}.txt") } else { build.to_string() };
    // A number is a part of a path.
    root.uri.join(&name).unwrap_or_else(|_| root.uri.clone())
}

/// Both lists as one in their order, nothing twice.
fn union(mut a: Vec<u64>, b: &[u64], order: impl Fn(&u64, &u64) -> std::cmp::Ordering) -> Vec<u64> {
    a.extend(b);
    a.sort_by(order);
    a.dedup();
    a
}

/// The page of a job's history.
pub fn address(root: &JobRoot) -> String {
    let uri = &root.uri;
    format!("/job-history/{}/{}/{}", uri.provider(), encode(uri.bucket()), encode(uri.key()))
}
