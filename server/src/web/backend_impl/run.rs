//! One run: who, what, how it went, and everything that it left.

use std::sync::Arc;

use app::model::{
    Artifact, Attempt, Link, LogHead, LogPin, PageError, Permission as Allowed, RunDetail,
    RunFilter, RunKey, RunRefs, UsualDuration, Viewer, compare_href, encode, job_history_href,
    node_log_href, segment,
};
use artifacts::node_log::is_node_log;
use config_load::prow::deck::Spyglass;
use job_spec::{JobBase, JobType, ProwJobState};
use store::StoreError;

use super::histories::neighbours::neighbours;
use super::run_documents::{self, Documents};
use super::run_references::references_of;
use super::run_stored::stored;
use super::run_words::{announcement, pull_histories};
use super::testgrid::tab_href;
use super::{log_page_error, run_lens, run_pod, unavailable};
use crate::logs::LogError;
use crate::run_files::{Listed, within};
use crate::runs::filter::shown_state;
use crate::runs::run::Run;
use crate::spyglass::hint::hint;
use crate::web::browse::{address, folder_href};
use crate::web::permission::{Caller, Permission};
use crate::web::state::{SharedWeb, Web};
use crate::web::view::links::run_page;
use crate::web::view::run_row::{refs_row, run_kind, run_row};

/// Files that a page lists; there are runs with tens of thousands.
const SHOWN_ARTIFACTS: usize = 500;
/// Tabs of the test grid that a page links; a job may be on dozens.
const SHOWN_GRID_TABS: usize = 4;
/// Attempts that a page links.
const SHOWN_ATTEMPTS: usize = 20;

/// A run by its ProwJob's name: from the table, else from history; by its folder, if that is its name.
pub async fn find_by_id(web: &Web, id: &str) -> Result<Arc<Run>, PageError> {
    if let Some(run) = web.visible_run(id) {
        return Ok(run);
    }
    if let Some((provider, rest)) = id.split_once("://")
        && let Some((bucket, path)) = rest.split_once('/')
    {
        return stored(web, provider, bucket, path).await;
    }
    let row = match &web.store {
        Some(store) => store.runs().get(id).await.map_err(|e| unavailable("The run history", e))?,
        None => None,
    };
    row.map(|row| Arc::new(Run::from_history(&row, &web.runs.strings)))
        .filter(|run| web.visibility().shows(run))
        .ok_or_else(|| PageError::NotFound {
            message: format!("There is no run {id} here. Old runs are removed from the history."),
        })
}

/// A run by what names it: from the table, else from history, else from the bucket.
pub async fn find(web: &Web, key: &RunKey) -> Result<Arc<Run>, PageError> {
    let shown = |run: &Arc<Run>| web.visibility().shows(run);
    match key {
        RunKey::Id(id) => find_by_id(web, id).await,
        RunKey::Build { job, build } => {
            if let Some(run) = web.runs.by_build(job, build).filter(shown) {
                return Ok(run);
            }
            let row = match &web.store {
                Some(store) => store
                    .runs()
                    .build(job, build)
                    .await
                    .map_err(|e| unavailable("The run history", e))?,
                None => None,
            };
            row.map(|row| Arc::new(Run::from_history(&row, &web.runs.strings)))
                .filter(shown)
                .ok_or_else(|| PageError::NotFound {
                    message: format!("There is no run {build} of the job {job} here."),
                })
        }
        RunKey::Stored { provider, bucket, path } => stored(web, provider, bucket, path).await,
    }
}

/// Everything about one run. What cannot be read, or not soon, is said in a note; the rest is shown.
pub(super) async fn detail(
    web: &SharedWeb,
    viewer: &Viewer,
    key: &RunKey,
) -> Result<RunDetail, PageError> {
    let run = find(web, key).await?;
    let host = web.code_host();
    let mut notes = Vec::new();
    let folder = run.folder();
    let documents = async {
        match &folder {
            Some(folder) => run_documents::read(web, &run, folder).await,
            None => Documents::default(),
        }
    };
    let files = async {
        match &folder {
            Some(folder) => web.files.of(folder).await,
            None => None,
        }
    };
    let mut of_pod = Vec::new();
    let live_pod = run_pod::live(web, &run, &mut of_pod);
    let (documents, listed, head, live_pod, around) =
        futures::join!(documents, files, log_head(web, &run), live_pod, beside(web, &run));
    notes.extend(of_pod);
    notes.extend(documents.notes);
    let (artifacts, artifacts_cut) = match (&folder, &listed) {
        (Some(_), Some(files)) => shown_files(&run, files, &mut notes),
        (Some(folder), None) => {
            notes.push(format!(
                "The files in {folder} have not been listed yet: the bucket is slow or holds very \
                 many. Try again in a moment."
            ));
            (None, false)
        }
        (None, _) => (None, false),
    };
    let spyglass_of = web.config.get();
    let lenses = listed
        .as_deref()
        .map(|files| run_lens::tabs(&spyglass_of.prow.deck.spyglass, files))
        .unwrap_or_default();
    let places = listed
        .as_deref()
        .map(|files| run_lens::places(&spyglass_of.prow.deck.spyglass, files))
        .unwrap_or_default();
    let log = head.unwrap_or_else(|note| {
        notes.push(note);
        None
    });
    let recorded = live_pod.is_none();
    let report = documents.pod;
    let pod =
        live_pod.or_else(|| report.as_ref().and_then(|report| report.pod.clone()).map(Arc::new));
    let events = report.as_ref().map(|report| report.events.as_slice()).unwrap_or_default();
    let hint = hint(pod.as_deref(), events, &run.state, &run.description, run.is_going());
    let pod = pod.map(|pod| {
        let link = run_pod::link(&web.config.get().prow.deck.spyglass, &run.cluster, &pod);
        run_pod::view(&pod, report.as_ref(), recorded, link)
    });
    let mut metadata = documents.rows;
    let job = run.live.as_deref().or(documents.prow_job.as_ref());
    metadata.extend(job.map(run_documents::labels).unwrap_or_default());
    let caller_may = |action: &str| match web.may_change(&Caller::default(), &run) {
        Permission::Allowed { .. } => Allowed::yes(),
        Permission::Denied { .. } if viewer.local => Allowed::yes(),
        Permission::Denied { reason } => Allowed::no(reason.replace("do that", action)),
    };
    let rerun = match &run.live {
        Some(_) => caller_may("rerun it"),
        None => Allowed::no(
            "The run's ProwJob is no longer in the cluster, so it cannot be run again as it was.",
        ),
    };
    let abort = if run.live.is_some() && run.is_going() {
        caller_may("abort it")
    } else {
        Allowed::no("The run has ended.")
    };
    let pins = pins_of(web, &run).await.unwrap_or_else(|error| {
        tracing::warn!("the pins of a run could not be read: {error}");
        notes.push("The pinned lines of the log could not be read.".to_owned());
        Vec::new()
    });
    let references = references_of(web, &run).await.unwrap_or_else(|error| {
        tracing::warn!("the references to a run could not be read: {error}");
        notes.push("The issues and pull requests that name the run could not be read.".to_owned());
        Vec::new()
    });
    let (older, around) = around;
    let mut links = links(&run, older.as_deref(), &spyglass_of.prow.deck.spyglass);
    if listed.iter().any(|listed| listed.files.iter().any(|file| is_node_log(&file.name))) {
        let href = node_log_href(&run_page(&run.id, run.artifacts.as_deref()), "", "");
        let title = "what kubelets and API servers wrote".to_owned();
        let text = "Logs of nodes".to_owned();
        links.extend(href.map(|href| Link { text, href, title }));
    }
    links.extend(documents.links);
    links.extend(folder.as_ref().map(|folder| grid_tabs(web, folder)).unwrap_or_default());
    let (configured_job, configured_at) = configured_job(web, &run);
    Ok(RunDetail {
        now_ms: web.clock.now().millis(),
        row: run_row(&run, &host),
        extra_refs: extra_refs(&run, &host),
        attempts: attempts(web, &run),
        hint: hint.unwrap_or_default(),
        rerun_latest: rerun_latest(web, &run, caller_may("rerun it")).await,
        rerun,
        abort,
        metadata,
        links,
        configured_job,
        configured_at,
        usual: around.usual,
        older: around.older,
        newer: around.newer,
        log,
        announcement: announcement(&spyglass_of.prow.deck.spyglass, folder.as_ref()),
        pins,
        may_pin: caller_may("pin lines"),
        references,
        artifacts,
        artifacts_cut,
        folder_href: folder.as_ref().map(folder_href).unwrap_or_default(),
        folder: folder.map(|folder| folder.to_string()).unwrap_or_default(),
        pod,
        lenses,
        places,
        notes,
    })
}

/// Lines of a run's log that somebody pinned, by line.
///
/// # Errors
/// The store does not answer.
pub async fn pins_of(web: &Web, run: &Run) -> Result<Vec<LogPin>, StoreError> {
    let Some(store) = &web.store else { return Ok(Vec::new()) };
    let line = |number: i64| u64::try_from(number).unwrap_or_default();
    let pins = store.log_pins().of_run(&run.id).await?.into_iter().map(|pin| LogPin {
        id: pin.id,
        from: line(pin.first_line),
        to: line(pin.last_line),
        note: pin.note,
        who: pin.who,
        at_ms: pin.at_ms,
    });
    Ok(pins.collect())
}

/// What there is of the log; the error is a sentence for the page. A log that takes long to read is
/// read on for the next time.
async fn log_head(web: &SharedWeb, run: &Arc<Run>) -> Result<Option<LogHead>, String> {
    let (of_task, its_run) = (web.clone(), run.clone());
    let task = tokio::spawn(async move {
        let highlights = of_task.highlights.of(&of_task.config.get());
        of_task.logs.head(&its_run, &highlights).await
    });
    match within(&web.clock, task).await {
        Some(Ok(Ok(head))) => Ok(Some(head)),
        Some(Ok(Err(LogError::None(_)))) => Ok(None),
        Some(Ok(Err(error))) => match log_page_error(error) {
            PageError::Unavailable { message, .. } => Err(message),
            _ => Ok(None),
        },
        Some(Err(_)) => Err("The log could not be read.".to_owned()),
        None => {
            Err("The log has not come yet: it is being read. Try again in a moment.".to_owned())
        }
    }
}

/// The files that the page lists.
fn shown_files(
    run: &Run,
    files: &Listed,
    notes: &mut Vec<String>,
) -> (Option<Vec<Artifact>>, bool) {
    notes.extend(files.problem.clone());
    if files.problem.is_some() && files.files.is_empty() {
        return (None, false);
    }
    let id = segment(&run.id);
    let folder = run.folder();
    let page = |name: &str| {
        let uri = folder.as_ref().and_then(|folder| folder.join(name).ok());
        uri.map(|uri| format!("{}?preview", address(&uri))).unwrap_or_default()
    };
    let shown = files.files.iter().take(SHOWN_ARTIFACTS).map(|file| Artifact {
        href: page(&file.name),
        raw: format!("/api/v1/runs/{id}/artifacts/{}", encode(&file.name)),
        name: file.name.clone(),
        size_bytes: file.entry.size,
        updated_ms: Some(file.entry.updated.millis()),
    });
    let cut = files.cut || files.problem.is_some() || files.files.len() > SHOWN_ARTIFACTS;
    (Some(shown.collect()), cut)
}

/// Whether the job's present definition can run on the same code again; this
/// works for runs whose ProwJob was collected, too.
async fn rerun_latest(web: &Web, run: &Run, may: Allowed) -> Allowed {
    if !may.allowed {
        return may;
    }
    let collected = match (&run.live, &web.store) {
        (None, Some(store)) => store.runs().get(&run.id).await.ok().flatten(),
        _ => None,
    };
    let known = collected.map(|row| Arc::new(crate::runs::history::prow_job_of(&row)));
    match run.live.as_ref().or(known.as_ref()) {
        Some(job) => match crate::rerun::latest_spec(job, &web.config.get()) {
            Ok(_) => Allowed::yes(),
            Err(error) => Allowed::no(error.to_string()),
        },
        None => Allowed::no("Nothing is known of the run's job."),
    }
}

/// Runs of the same job on the same code, oldest first.
fn attempts(web: &Web, run: &Run) -> Vec<Attempt> {
    let Some(refs) = &run.refs else { return Vec::new() };
    if refs.extra || refs.base_sha.is_empty() && refs.pulls.is_empty() {
        return Vec::new();
    }
    let same = |other: &Run| {
        other.job == run.job
            && other.job_type == run.job_type
            && other.refs.as_ref().is_some_and(|theirs| {
                theirs.org == refs.org
                    && theirs.repo == refs.repo
                    && theirs.base_ref == refs.base_ref
                    && theirs.pulls.len() == refs.pulls.len()
                    && theirs
                        .pulls
                        .iter()
                        .zip(&refs.pulls)
                        .all(|(a, b)| a.number == b.number && a.sha == b.sha)
                    && (!refs.pulls.is_empty() || theirs.base_sha == refs.base_sha)
            })
    };
    let snapshot = web.runs.snapshot();
    let mut attempts: Vec<Attempt> = snapshot
        .runs
        .iter()
        .filter(|other| same(other) && web.visibility().shows(other))
        .take(SHOWN_ATTEMPTS)
        .map(|other| Attempt {
            id: other.id.to_string(),
            href: run_page(&other.id, other.artifacts.as_deref()),
            state: shown_state(&other.state),
            started_ms: other.started.millis(),
            current: other.id == run.id,
        })
        .collect();
    attempts.reverse();
    if attempts.len() < 2 { Vec::new() } else { attempts }
}

/// Runs of a job that passed whose durations make the usual one.
const USUAL_OF: usize = 50;
/// Fewer say nothing about what is usual.
const USUAL_NEEDS: usize = 3;

/// What the other runs of a job tell.
#[derive(Default)]
struct Around {
    /// The page of the run before; empty if there is none.
    older: String,
    /// The page of the run after, likewise.
    newer: String,
    /// How long those that passed took.
    usual: Option<UsualDuration>,
}

/// What the other runs of a run's job tell. A presubmit's are those of every pull request.
fn around(web: &Web, run: &Run) -> Around {
    let snapshot = web.runs.snapshot();
    let visibility = web.visibility();
    let of_job: Vec<_> =
        snapshot.runs.iter().filter(|r| r.job == run.job && visibility.shows(r)).collect();
    let passed = of_job.iter().filter(|other| other.state == ProwJobState::Success);
    let took = passed
        .filter_map(|other| Some(other.completed?.millis() - other.started.millis()))
        .filter(|took| *took >= 0);
    let mut around = Around { usual: usual(took.take(USUAL_OF).collect()), ..Around::default() };
    if let Some(at) = of_job.iter().position(|other| other.id == run.id) {
        let page = |other: Option<&&Arc<Run>>| {
            other.map(|r| run_page(&r.id, r.artifacts.as_deref())).unwrap_or_default()
        };
        around.older = page(of_job.get(at + 1));
        around.newer = page(at.checked_sub(1).and_then(|at| of_job.get(at)));
    }
    around
}

/// What the other runs of a run's job tell; where the table does not have those before it, or not the
/// run itself, also by the run history and the bucket. Before it stands with which run it is compared if
/// nobody says: none for no run, empty for whichever is best.
async fn beside(web: &Web, run: &Run) -> (Option<String>, Around) {
    let mut around = around(web, run);
    let is_in_table = web.runs.get(&run.id).is_some();
    if is_in_table && !around.older.is_empty() {
        return (Some(String::new()), around);
    }
    let (older, newer) = neighbours(web, run).await;
    if !is_in_table {
        around.newer = newer.href;
    }
    let compared = match (older.href.is_empty(), older.is_indexed) {
        (true, _) => None,
        (false, true) => Some(String::new()),
        (false, false) => Some(older.id),
    };
    around.older = older.href;
    (compared, around)
}

/// The median of some durations, in milliseconds.
fn usual(mut took: Vec<i64>) -> Option<UsualDuration> {
    if took.len() < USUAL_NEEDS {
        return None;
    }
    took.sort_unstable();
    let (low, high) = (took[(took.len() - 1) / 2], took[took.len() / 2]);
    Some(UsualDuration { median_ms: low + (high - low) / 2, runs: took.len() as u64 })
}

fn extra_refs(run: &Run, host: &crate::web::view::links::CodeHost) -> Vec<RunRefs> {
    let Some(job) = &run.live else { return Vec::new() };
    let strings = crate::runs::run::Strings::default();
    let skip = usize::from(job.spec.refs.is_none());
    job.spec
        .extra_refs
        .iter()
        .skip(skip)
        .map(|refs| refs_row(&crate::runs::run::RunRefs::of(refs, true, &strings), host))
        .collect()
}

/// Where the run leads besides its own page.
fn links(run: &Run, older: Option<&str>, spyglass: &Spyglass) -> Vec<Link> {
    let page = run_page(&run.id, run.artifacts.as_deref());
    let list = RunFilter { job: Some(run.job.to_string()), ..RunFilter::default() };
    let link =
        |text: &str, href: String, title: String| Link { text: text.to_owned(), href, title };
    let mut links = vec![link(
        "Job history",
        job_history_href(&page).unwrap_or_else(|| list.href()),
        format!("every run of {}", run.job),
    )];
    if let Some(older) = older {
        let title = "what differs from an earlier run".to_owned();
        links.push(link("Compare", compare_href(&run.id, older), title));
    }
    if let Some(refs) = run.refs.as_ref().filter(|refs| !refs.extra) {
        links.extend(pull_histories(spyglass, refs));
    }
    links
}

/// The tabs of the test grid that show the job of a run.
fn grid_tabs(web: &Web, folder: &blob::BlobUri) -> Vec<Link> {
    let Some(grids) = &web.grids else { return Vec::new() };
    let config = grids.config.get();
    let groups = config.groups_of(folder);
    let tabs = groups.iter().flat_map(|group| config.tabs_to_link(group));
    let tabs = tabs.take(SHOWN_GRID_TABS).map(|(board, tab)| Link {
        text: format!("Grid {} › {}", board.name, tab.name),
        href: tab_href(&board.name, &tab.name),
        title: "the results of this job over time, in the test grid".to_owned(),
    });
    tabs.collect()
}

/// The page of the job's configuration, and the file and line where it stands; both empty when it is
/// not configured.
fn configured_job(web: &Web, run: &Run) -> (String, String) {
    let config = web.config.get();
    let repo = run.refs.as_ref().map(|refs| refs.full_name()).unwrap_or_default();
    let base: Option<&JobBase> = match run.job_type {
        JobType::Presubmit | JobType::Batch => {
            let mut jobs = config.jobs.presubmits_for(&repo).map(|job| &job.base);
            jobs.find(|job| job.name == *run.job)
        }
        JobType::Postsubmit => {
            let mut jobs = config.jobs.postsubmits_for(&repo).map(|job| &job.base);
            jobs.find(|job| job.name == *run.job)
        }
        JobType::Periodic => config.jobs.periodic(&run.job).map(|job| &job.base),
        JobType::Unknown => None,
    };
    let Some(base) = base else { return Default::default() };
    let path = match &run.refs {
        Some(refs) => format!("/configured-jobs/{}/{}", segment(&refs.org), encode(&refs.repo)),
        None => "/configured-jobs".to_owned(),
    };
    let page = format!("{path}?type={}&job={}", run_kind(run.job_type).word(), encode(&run.job));
    let place =
        base.source.as_ref().map(|source| below(&web.settings.config_paths, &source.to_string()));
    (page, place.unwrap_or_default())
}

/// A place in the configuration without the folder that the process reads it from.
fn below(config_paths: &[String], place: &str) -> String {
    let inner = config_paths
        .iter()
        .find_map(|path| place.strip_prefix(path.trim_end_matches('/'))?.strip_prefix('/'));
    inner.or_else(|| place.rsplit('/').next()).unwrap_or(place).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_duration_is_the_median_of_enough_runs() {
        assert_eq!(usual(vec![5, 1]), None);
        let of = |took: &[i64]| usual(took.to_vec()).map(|usual| usual.median_ms);
        assert_eq!(of(&[9, 1, 5]), Some(5));
        assert_eq!(of(&[9, 1, 5, 7]), Some(6));
    }

    #[test]
    fn a_place_in_the_configuration_tells_nothing_of_the_machine() {
        let paths = ["/etc/ci/config.yaml".to_owned(), "/etc/ci/jobs/".to_owned()];
        assert_eq!(below(&paths, "/etc/ci/jobs/org/a.yaml:12"), "org/a.yaml:12");
        assert_eq!(below(&paths, "/etc/ci/config.yaml:7"), "config.yaml:7");
        assert_eq!(below(&[], "a.yaml:1"), "a.yaml:1");
    }
}
