//! `/compare`: two runs beside each other.

use std::sync::Arc;

use app::model::{
    ComparedTests, Difference, Link, LogDiff, LogRange, PageError, RunComparison, query_pairs,
    query_value,
};
use artifacts::PROWJOB_FILE;
use job_spec::ProwJobState;
use serde_json::Value;

use crate::histories::{differences, stored};
use crate::logs::LogError;
use crate::results::RunResults;
use crate::run_files::within;
use crate::runs::run::Run;
use crate::web::backend_impl::{find_run, run_tests, unavailable};
use crate::web::state::{SharedWeb, Web};
use crate::web::view::links::CodeHost;
use crate::web::view::run_row::run_row;

/// Runs of the job that can be chosen.
const CHOICES: usize = 60;
/// Lines around the first error of a log that are compared.
const PART: u64 = 200;
/// Lines of the other log that are taken along at either side, to find the place that is the same.
const AROUND: u64 = 150;
/// Characters of a commit in a link's text.
const SHORT_SHA: usize = 7;

/// The page: `new=` and `old=`, ids of runs. Without the old one, the last run before the new one that
/// passed, if the new one did not; else the last one before it.
///
/// # Errors
/// There is no such run, or nothing to compare it with.
pub async fn page(web: &SharedWeb, query: &str) -> Result<RunComparison, PageError> {
    let pairs = query_pairs(query);
    let value = |name: &str| query_value(&pairs, name).unwrap_or_default();
    let of_job: Vec<&str> =
        pairs.iter().filter(|(k, _)| k == "run").map(|(_, v)| v.as_str()).collect();
    let (new, old) = match (value("new"), value("old"), &of_job[..]) {
        // Two that were chosen in a history.
        ("", "", [one, other]) => {
            let (one, other) = futures::try_join!(find_run(web, one), find_run(web, other))?;
            if one.started < other.started { (other, Some(one)) } else { (one, Some(other)) }
        }
        ("", ..) => {
            return Err(PageError::BadRequest {
                message: "Choose two runs: /compare?new=<id>&old=<id>.".to_owned(),
            });
        }
        (new, "", _) => (find_run(web, new).await?, None),
        (new, old, _) => {
            let (new, old) = futures::try_join!(find_run(web, new), find_run(web, old))?;
            (new, Some(old))
        }
    };
    let choices = choices(web, &new).await?;
    let old = match old.or_else(|| before(&new, &choices)) {
        Some(old) => old,
        None => {
            return Err(PageError::NotFound {
                message: format!(
                    "There is no run of {} before this one to compare it with.",
                    new.job
                ),
            });
        }
    };
    let mut notes = Vec::new();
    let (parameters, tests, log) =
        futures::join!(parameters(web, &old, &new), tests(web, &old, &new), log(web, &old, &new),);
    let host = web.code_host();
    Ok(RunComparison {
        now_ms: web.clock.now().millis(),
        parameters: told(parameters, &mut notes),
        tests: told(tests, &mut notes),
        log: told(log, &mut notes),
        commits: commits(&host, &old, &new),
        choices: choices.iter().map(|run| run_row(run, &host)).collect(),
        old: run_row(&old, &host),
        new: run_row(&new, &host),
        notes,
    })
}

/// What work comes to, or what the page says instead: `late` if it takes longer than a page waits (it
/// goes on for the next time), `broken` if it fails on the server.
async fn in_time<T: Send + 'static>(
    web: &Web,
    work: impl Future<Output = T> + Send + 'static,
    late: &str,
    broken: &str,
) -> Result<T, String> {
    match within(&web.clock, tokio::spawn(work)).await {
        Some(done) => done.map_err(|_| broken.to_owned()),
        None => Err(late.to_owned()),
    }
}

/// What a part of the page has, or a note on why it has nothing.
fn told<T>(part: Result<Option<T>, String>, notes: &mut Vec<String>) -> Option<T> {
    part.unwrap_or_else(|note| {
        notes.push(note);
        None
    })
}

/// Other runs of the same job, newest first.
async fn choices(web: &Web, run: &Run) -> Result<Vec<Arc<Run>>, PageError> {
    let mut found: Vec<Arc<Run>> = Vec::new();
    if let Some(store) = &web.store {
        let rows = store.runs().last_of_jobs(&[run.job.to_string()], CHOICES).await;
        let rows = rows.map_err(|error| unavailable("The run history", error))?;
        found.extend(rows.iter().map(|row| Arc::new(Run::from_history(row, &web.runs.strings))));
    }
    for other in web.runs.snapshot().runs.iter().filter(|other| other.job == run.job).take(CHOICES)
    {
        found.retain(|known| known.id != other.id);
        found.push(other.clone());
    }
    let visibility = web.visibility();
    found.retain(|other| other.id != run.id && visibility.shows(other));
    found.sort_by_key(|run| run.place());
    found.truncate(CHOICES);
    Ok(found)
}

/// What a run is compared with where nobody says.
fn before(new: &Run, choices: &[Arc<Run>]) -> Option<Arc<Run>> {
    let earlier = || choices.iter().filter(|run| run.started < new.started);
    let passed = || earlier().find(|run| run.state == ProwJobState::Success);
    let last = || earlier().next();
    let found = if new.state == ProwJobState::Success { last() } else { passed().or_else(last) };
    found.cloned()
}

/// What the runs were given; `None` if that is not known of both.
async fn parameters(web: &Web, old: &Run, new: &Run) -> Result<Option<Vec<Difference>>, String> {
    let (old, new) = futures::join!(spec(web, old), spec(web, new));
    Ok(match (old?, new?) {
        (Some(old), Some(new)) => Some(differences::parameters(&old, &new)),
        _ => None,
    })
}

/// The specification of a run's ProwJob: the cluster's, else what was stored with the run.
async fn spec(web: &Web, run: &Run) -> Result<Option<Value>, String> {
    if let Some(job) = &run.live {
        return Ok(serde_json::to_value(&job.spec).ok());
    }
    let Some(folder) = run.folder() else { return Ok(None) };
    match within(&web.clock, stored::document(&web.blobs, &folder, PROWJOB_FILE)).await {
        Some(Ok(Some(bytes))) => {
            let job = serde_json::from_slice::<Value>(&bytes).ok();
            Ok(job.and_then(|mut job| job.get_mut("spec").map(Value::take)))
        }
        Some(Ok(None)) => Ok(None),
        Some(Err(error)) => Err(format!("{PROWJOB_FILE} could not be read: {error}.")),
        None => Err(format!("The parameters of the run in {folder} could not be read in time.")),
    }
}

/// The tests of both; `None` if neither left results.
async fn tests(
    web: &SharedWeb,
    old: &Arc<Run>,
    new: &Arc<Run>,
) -> Result<Option<ComparedTests>, String> {
    let (of_task, old, new) = (web.clone(), old.clone(), new.clone());
    let broken = "The tests could not be compared.";
    let work = async move {
        let (old, new) = futures::join!(results(&of_task, &old), results(&of_task, &new));
        let (old, new) = (old?, new?);
        if old.is_none() && new.is_none() {
            return Ok(None);
        }
        let of = |results: Option<Arc<RunResults>>| results.unwrap_or_default();
        let (old, new) = (of(old), of(new));
        let compared =
            tokio::task::spawn_blocking(move || differences::tests(&old.tests, &new.tests));
        compared.await.map(Some).map_err(|_| broken.to_owned())
    };
    let late = "The tests of the runs could not be read in time; reload the page.";
    in_time(web, work, late, broken).await?
}

async fn results(web: &Web, run: &Run) -> Result<Option<Arc<RunResults>>, String> {
    let unread = |_| format!("The tests of build {} could not be read.", run.build_id);
    let Some((folder, files)) = run_tests::files(web, run).await.map_err(unread)? else {
        return Ok(None);
    };
    Ok(Some(web.results.of(&folder, &files, run_tests::size_limit(web)).await))
}

/// The parts of both logs around the first error; `None` if one has no log.
async fn log(web: &SharedWeb, old: &Arc<Run>, new: &Arc<Run>) -> Result<Option<LogDiff>, String> {
    let (of_task, old, new) = (web.clone(), old.clone(), new.clone());
    let work = async move { compared_logs(&of_task, &old, &new).await };
    let late = "The logs could not be read in time; reload the page.";
    in_time(web, work, late, "The logs could not be compared.").await?
}

async fn compared_logs(web: &Web, old: &Run, new: &Run) -> Result<Option<LogDiff>, String> {
    let failed = |run: &Run| {
        matches!(run.state, ProwJobState::Failure | ProwJobState::Error | ProwJobState::Aborted)
    };
    let parts = async {
        match (failed(old), failed(new)) {
            (true, false) => {
                let old = part(web, old, LogRange::FirstError(PART)).await?;
                let new = part(web, new, beside(&old)).await?;
                Ok((old, new, Some(false)))
            }
            (false, true) => {
                let new = part(web, new, LogRange::FirstError(PART)).await?;
                let old = part(web, old, beside(&new)).await?;
                Ok((old, new, Some(true)))
            }
            (is_error, _) => {
                let range =
                    if is_error { LogRange::FirstError(PART) } else { LogRange::Last(PART) };
                Ok((part(web, old, range).await?, part(web, new, range).await?, None))
            }
        }
    };
    let (old, new, wider) = match parts.await {
        Ok(parts) => parts,
        Err(LogError::None(_)) => return Ok(None),
        Err(error) => {
            tracing::warn!("logs could not be compared: {error:?}");
            return Err("The place where the logs are kept does not answer.".to_owned());
        }
    };
    let compared =
        tokio::task::spawn_blocking(move || differences::log(&old.lines, &new.lines, wider));
    compared.await.map(Some).map_err(|_| "The logs could not be compared.".to_owned())
}

async fn part(web: &Web, run: &Run, range: LogRange) -> Result<app::model::LogLines, LogError> {
    let highlights = web.highlights.of(&web.config.get());
    web.logs.lines(run, range, &highlights).await
}

/// Where a log that has no error has what the other has.
fn beside(part: &app::model::LogLines) -> LogRange {
    let line = part.first_line.saturating_sub(AROUND);
    LogRange::From { line, count: PART + 2 * AROUND }
}

/// What changed in each repository, as links to the code host.
fn commits(host: &CodeHost, old: &Run, new: &Run) -> Vec<Link> {
    let (Some(old), Some(new)) = (&old.refs, &new.refs) else { return Vec::new() };
    let repo = host.repo(new);
    // Gerrit has no page for that.
    if (&old.org, &old.repo) != (&new.org, &new.repo) || repo.is_empty() || new.org.contains("://")
    {
        return Vec::new();
    }
    let mut pairs = vec![(new.base_ref.to_string(), old.base_sha.clone(), new.base_sha.clone())];
    for pull in &new.pulls {
        if let Some(before) = old.pulls.iter().find(|before| before.number == pull.number) {
            pairs.push((format!("#{}", pull.number), before.sha.clone(), pull.sha.clone()));
        }
    }
    let short = |sha: &str| sha.chars().take(SHORT_SHA).collect::<String>();
    let is_change = |(_, from, to): &(String, Arc<str>, Arc<str>)| {
        from != to && !from.is_empty() && !to.is_empty()
    };
    let link = |(what, from, to): (String, Arc<str>, Arc<str>)| Link {
        text: format!("{what}: {}…{}", short(&from), short(&to)),
        href: format!("{repo}/compare/{}...{}", app::model::encode(&from), app::model::encode(&to)),
        title: format!("what changed in {}", new.full_name()),
    };
    pairs.into_iter().filter(is_change).map(link).collect()
}
