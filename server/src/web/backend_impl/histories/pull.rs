//! `/pr-history/`: the runs of a pull request, jobs by commits.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use app::model::{
    HistoryRow, PageError, PullCommit, PullHistory, PullJob, RunFilter as ListFilter,
    job_history_href, query_pairs, query_value,
};
use blob::BlobUri;
use job_spec::JobType;
use store::RunFilter;

use super::{found_run, known_row};
use crate::histories::commits::commits;
use crate::histories::listing::build_id;
use crate::histories::pull::{batch_places, places};
use crate::histories::root::JobRoot;
use crate::histories::{Patience, Place, patience};
use crate::runs::run::{Run, RunPull, RunRefs};
use crate::web::backend_impl::unavailable;
use crate::web::browse::place;
use crate::web::state::Web;

/// Runs of one pull request that are read from the run history.
const MAX_RUNS: usize = 10_000;
/// Runs that one request reads from the bucket; the next one goes on.
const READ: usize = 400;
/// Jobs of a pull request whose batches are looked for in the bucket.
const BATCH_JOBS: usize = 40;
/// Batches of one job that are looked at on either side of the newest run of the pull request.
const BATCHES_AROUND: usize = 30;
/// Commits of one page.
const COMMITS: usize = 25;
/// Batches that are shown.
const BATCHES: usize = 50;

/// The page.
///
/// # Errors
/// The address names no pull request, or nothing is known of it.
pub async fn page(web: &Web, query: &str) -> Result<PullHistory, PageError> {
    let pairs = query_pairs(query);
    let value = |name: &str| query_value(&pairs, name).unwrap_or_default().trim();
    let (org, repo) = (value("org"), value("repo"));
    let number: Option<u64> = value("pr").parse().ok().filter(|number| *number > 0);
    let (false, false, Some(number)) = (org.is_empty(), repo.is_empty(), number) else {
        return Err(PageError::BadRequest {
            message: "This is no address of a pull request's history: \
                      /pr-history/?org=<org>&repo=<repo>&pr=<number>."
                .to_owned(),
        });
    };
    let nothing = || PageError::NotFound {
        message: format!(
            "There is no run of pull request {number} of {org}/{repo} here. It may have none yet, or \
             they may have expired."
        ),
    };
    let full_name = format!("{org}/{repo}");
    if web.visibility().conceals(&full_name) {
        return Err(nothing());
    }
    let mut notes = Vec::new();
    let mut runs = indexed(web, org, repo, number, &mut notes).await?;
    if web.shows_repo(&full_name) {
        let patience = patience(&web.clock);
        stored(web, (org, repo, number), &mut runs, &mut notes, &patience).await;
        batches(web, (org, repo, number), &mut runs, &mut notes, &patience).await;
    }
    let visibility = web.visibility();
    runs.retain(|run| visibility.shows(run));
    if runs.is_empty() && notes.is_empty() {
        return Err(nothing());
    }
    Ok(laid_out(web, (org, repo, number), value("page"), runs, notes))
}

/// The runs that the run table and the run history have, hidden ones among them.
async fn indexed(
    web: &Web,
    org: &str,
    repo: &str,
    number: u64,
    notes: &mut Vec<String>,
) -> Result<Vec<Arc<Run>>, PageError> {
    let mut by_id: HashMap<Arc<str>, Arc<Run>> = HashMap::new();
    if let (Some(store), Ok(pull)) = (&web.store, i64::try_from(number)) {
        let filter = RunFilter {
            org: Some(org.to_owned()),
            repo: Some(repo.to_owned()),
            pull: Some(pull),
            include_hidden: true,
            ..RunFilter::default()
        };
        let mut after = None;
        loop {
            let page = store.runs().page(&filter, after.as_ref(), store::MAX_RUN_PAGE).await;
            let page = page.map_err(|error| unavailable("The run history", error))?;
            for row in page.rows {
                let run = Run::from_history(&row, &web.runs.strings);
                by_id.insert(run.id.clone(), Arc::new(run));
            }
            match page.next {
                Some(next) if by_id.len() < MAX_RUNS => after = Some(next),
                Some(_) => {
                    notes.push(format!("Only the newest {MAX_RUNS} runs are shown."));
                    break;
                }
                None => break,
            }
        }
    }
    // What the table has is newer.
    for run in &web.runs.snapshot().runs {
        if pull_of(run, org, repo, number).is_some() {
            by_id.insert(run.id.clone(), run.clone());
        }
    }
    Ok(by_id.into_values().collect())
}

/// The pull request among those that a run tested.
fn pull_of<'r>(
    run: &'r Run,
    org: &str,
    repo: &str,
    number: u64,
) -> Option<(&'r RunRefs, &'r RunPull)> {
    let refs = run.refs.as_ref().filter(|refs| *refs.org == *org && *refs.repo == *repo)?;
    let pull = refs.pulls.iter().find(|pull| u64::try_from(pull.number) == Ok(number))?;
    Some((refs, pull))
}

/// Adds the runs that only the bucket has, the newest first, as many as one request may read.
async fn stored(
    web: &Web,
    (org, repo, number): (&str, &str, u64),
    runs: &mut Vec<Arc<Run>>,
    notes: &mut Vec<String>,
    patience: &Patience,
) {
    let config = web.config.get();
    let known: HashSet<String> =
        runs.iter().filter_map(|run| run.artifacts.as_deref()).map(str::to_owned).collect();
    let mut unknown: Vec<BlobUri> = Vec::new();
    for folder in places(&config, org, repo, number) {
        let path = format!("{}/{}", folder.bucket(), folder.key());
        // As for the browser of artifacts: only buckets that may be shown, and no hidden place.
        let Ok(folder) = place(web, folder.provider().as_str(), &path) else { continue };
        match web.histories.pull(&folder, patience).await {
            Ok(found) => {
                let mut shown: HashMap<&str, bool> = HashMap::new();
                for uri in found.iter().filter(|uri| !known.contains(&uri.to_string())) {
                    let Some((job, _)) = uri.key().rsplit_once('/') else { continue };
                    let is_shown = *shown.entry(job).or_insert_with(|| {
                        let path = format!("{}/{job}", uri.bucket());
                        place(web, uri.provider().as_str(), &path).is_ok()
                    });
                    if is_shown {
                        unknown.push(uri.clone());
                    }
                }
            }
            Err(why) => notes.push(why),
        }
    }
    if unknown.is_empty() {
        return;
    }
    let newest_first = |uri: &BlobUri| std::cmp::Reverse(build_id(uri.file_name()));
    unknown.sort_by_cached_key(newest_first);
    let all = unknown.len();
    unknown.truncate(READ);
    let of = i64::try_from(number).ok().map(|number| (org.to_owned(), repo.to_owned(), number));
    let places: Vec<Place> =
        unknown.into_iter().map(|uri| Place { uri, is_link: false, of: of.clone() }).collect();
    let found = web.histories.read(places, patience).await;
    let left = all - found.len();
    if left > 0 {
        let (are, more) = if left == 1 { ("run is", "it") } else { ("runs are", "them") };
        notes.push(format!(
            "{left} {are} in the bucket whose files were not read yet; reload the page in a moment to \
             see {more}."
        ));
    }
    let mut problems: Vec<&str> = Vec::new();
    for found in found.values() {
        match found_run(web, found) {
            Some(run) if pull_of(&run, org, repo, number).is_some() => runs.push(run),
            // The folder says whose run it is, whatever its files say.
            Some(_) => {}
            None => problems.push(&found.note),
        }
    }
    problems.sort_unstable();
    if let [first, others @ ..] = &problems[..] {
        let more = match others.len() {
            0 => String::new(),
            more => format!(" So it is with {more} more."),
        };
        notes.push(format!("{first}{more}"));
    }
}

/// Adds the batches with the pull request that only the bucket has. They lie by job, among those of all
/// other pull requests, so that of each job that tested this one only those around its newest run are
/// read. What is complete goes into the run history, which has it the next time.
async fn batches(
    web: &Web,
    (org, repo, number): (&str, &str, u64),
    runs: &mut Vec<Arc<Run>>,
    notes: &mut Vec<String>,
    patience: &Patience,
) {
    let config = web.config.get();
    let own = runs.iter().filter(|run| run.job_type == JobType::Presubmit);
    let Some(newest) = own.clone().filter_map(|run| build_id(&run.build_id)).max() else { return };
    let mut tested: Vec<&str> = own.map(|run| &*run.job).collect();
    tested.sort_unstable();
    tested.dedup();
    tested.truncate(BATCH_JOBS);
    let roots = batch_places(&config, org, repo, &tested).into_iter().filter_map(|folder| {
        let path = format!("{}/{}", folder.bucket(), folder.key());
        place(web, folder.provider().as_str(), &path).ok().map(JobRoot::new)
    });
    let now = web.clock.now();
    let windows = roots.map(|root| async move {
        let top = Some(newest);
        (web.histories.window(&root, top, BATCHES_AROUND, now, patience).await, root)
    });
    let mut near: Vec<(u64, BlobUri)> = Vec::new();
    let mut problem = None;
    for (window, root) in futures::future::join_all(windows).await {
        match window {
            Ok(window) => {
                let builds = window.below.iter().chain(&window.above);
                let folder = |build: &u64| Some((build.abs_diff(newest), root.folder(*build)?));
                near.extend(builds.filter_map(folder));
            }
            Err(why) => problem = Some(why),
        }
    }
    notes.extend(problem);
    let in_table = |folder: &BlobUri| web.runs.by_artifacts(&folder.to_string()).is_some();
    near.retain(|(_, folder)| !in_table(folder));
    if let Some(store) = &web.store {
        let folders: Vec<String> = near.iter().map(|(_, folder)| folder.to_string()).collect();
        match store.runs().by_run_dirs(&folders).await {
            Ok(rows) => {
                let known: HashSet<String> = rows.into_iter().map(|row| row.run_dir).collect();
                near.retain(|(_, folder)| !known.contains(&folder.to_string()));
            }
            Err(error) => {
                tracing::warn!("the run history could not be asked for batches: {error}");
                return;
            }
        }
    }
    near.sort();
    near.truncate(READ);
    let wanted = near.len();
    let places = near.into_iter().map(|(_, uri)| Place { uri, is_link: false, of: None });
    let found = web.histories.read(places.collect(), patience).await;
    if found.len() < wanted {
        notes.push(
            "Batches in the bucket are still being read; reload the page in a moment to see those \
             with this pull request."
                .to_owned(),
        );
    }
    let found = found.values().filter_map(|found| found_run(web, found));
    runs.extend(found.filter(|run| pull_of(run, org, repo, number).is_some()));
}

fn laid_out(
    web: &Web,
    (org, repo, number): (&str, &str, u64),
    page: &str,
    runs: Vec<Arc<Run>>,
    notes: Vec<String>,
) -> PullHistory {
    let host = web.code_host();
    let count = runs.len() as u64;
    let (batches, runs): (Vec<_>, Vec<_>) =
        runs.into_iter().partition(|run| run.job_type == JobType::Batch);
    let newest = runs.iter().chain(&batches).max_by_key(|run| run.started);
    let (mut link, mut title, mut author) = (String::new(), String::new(), String::new());
    if let Some((refs, pull)) = newest.and_then(|run| pull_of(run, org, repo, number)) {
        link = host.pull(refs, pull);
        title = pull.title.to_string();
        author = pull.author.to_string();
    }
    let all = commits(runs.iter().cloned(), number);
    let pages = all.len().div_ceil(COMMITS).max(1);
    let page = page.parse::<usize>().unwrap_or(1).clamp(1, pages);
    let shown: Vec<_> = all.iter().skip((page - 1) * COMMITS).take(COMMITS).collect();
    let jobs: BTreeSet<&Arc<str>> = shown.iter().flat_map(|commit| commit.jobs.keys()).collect();
    let refs = runs.iter().find_map(|run| pull_of(run, org, repo, number)).map(|(refs, _)| refs);
    let row = |run: &Arc<Run>| known_row(web, run);
    let jobs = jobs.into_iter().map(|job| {
        let cells: Vec<Vec<HistoryRow>> = shown
            .iter()
            .map(|commit| commit.jobs.get(job).into_iter().flatten().map(row).collect())
            .collect();
        let history = cells.iter().flatten().find_map(|row| job_history_href(&row.run.href));
        let list = || ListFilter { job: Some(job.to_string()), ..ListFilter::default() }.href();
        PullJob { job: job.to_string(), href: history.unwrap_or_else(list), cells }
    });
    let jobs = jobs.collect();
    let commits = shown.iter().map(|commit| PullCommit {
        href: refs.map(|refs| host.commit(refs, &commit.sha)).unwrap_or_default(),
        sha: commit.sha.to_string(),
        started_ms: commit.started_ms(),
        most: commit.most() as u64,
    });
    let commits = commits.collect();
    let mut batches = batches;
    batches.sort_by_key(|run| std::cmp::Reverse(run.started));
    PullHistory {
        now_ms: web.clock.now().millis(),
        org: org.to_owned(),
        repo: repo.to_owned(),
        number,
        link,
        title,
        author,
        commits,
        jobs,
        batches: batches.iter().take(BATCHES).map(row).collect(),
        runs: count,
        page: page as u64,
        pages: pages as u64,
        notes,
    }
}
