//! One run: who, what, how it went, and everything that it left.

use std::sync::Arc;

use app::model::{
    Artifact, Attempt, Link, PageError, Permission as Allowed, PodContainer, PodView, RunDetail,
    RunFilter, RunKey, RunRefs, Viewer, encode,
};
use artifacts::log::plain;
use artifacts::{Finished, Started};
use blob::{BlobError, BlobUri, Provider};
use cluster::ClusterError;
use job_spec::pod_decoration::SIDECAR;
use job_spec::{ContainerStatus, JobType, Pod, ProwJob, ProwJobState};
use serde_json::Value;

use super::{log_page_error, unavailable};
use crate::logs::LogError;
use crate::runs::filter::shown_state;
use crate::runs::run::Run;
use crate::web::permission::{Caller, Permission};
use crate::web::state::Web;
use crate::web::view::links::run_page;
use crate::web::view::run_row::{refs_row, run_kind, run_row};

/// Files that a page lists; there are runs with tens of thousands.
const SHOWN_ARTIFACTS: usize = 500;
/// Attempts that a page links.
const SHOWN_ATTEMPTS: usize = 20;
/// The documents of a run are small; a larger one is not read.
const DOCUMENT_BYTES: u64 = 1024 * 1024;

/// A run by its ProwJob's name: from the table, else from history.
pub async fn find_by_id(web: &Web, id: &str) -> Result<Arc<Run>, PageError> {
    if let Some(run) = web.visible_run(id) {
        return Ok(run);
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

async fn find(web: &Web, key: &RunKey) -> Result<Arc<Run>, PageError> {
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

/// A run by its folder: from the table, from history, else from the bucket.
async fn stored(
    web: &Web,
    provider: &str,
    bucket: &str,
    path: &str,
) -> Result<Arc<Run>, PageError> {
    let wrong = |message: String| PageError::BadRequest { message };
    let provider = Provider::parse(provider)
        .ok_or_else(|| wrong(format!("{provider} is no kind of bucket: gs, s3 or file.")))?;
    let config = web.config.get();
    let bucket = config.prow.deck.spyglass.resolve_bucket(bucket);
    if !config.prow.deck.allows_bucket(bucket) {
        return Err(PageError::Forbidden {
            reason: format!(
                "The bucket {bucket} is not one of those that this server shows \
                 (deck.additional_allowed_buckets)."
            ),
        });
    }
    let mut uri = BlobUri::new(provider, bucket, path)
        .map_err(|error| wrong(format!("This is no address of a run's folder: {error}.")))?;
    // A run of `pr-logs/directory` is a file that names the real folder.
    if let Some(target) = symlink(web, &uri).await? {
        uri = target;
    }
    let folder = uri.to_string();
    if let Some(run) = web.runs.by_artifacts(&folder) {
        return web.visibility().shows(&run).then_some(run).ok_or_else(|| missing(&folder));
    }
    let history = match &web.store {
        Some(store) => {
            store.runs().by_run_dir(&folder).await.map_err(|e| unavailable("The run history", e))?
        }
        None => None,
    };
    let run = match history {
        Some(row) => Run::from_history(&row, &web.runs.strings),
        None => from_bucket(web, &uri).await?,
    };
    web.visibility().shows(&run).then(|| Arc::new(run)).ok_or_else(|| missing(&folder))
}

fn missing(folder: &str) -> PageError {
    PageError::NotFound {
        message: format!(
            "There is no run in {folder}. It may have expired in the bucket, not be uploaded yet, \
             or the address may be wrong."
        ),
    }
}

/// The longest content of a link file that is followed, as Deck has it.
const SYMLINK_BYTES: u64 = 4095;

async fn symlink(web: &Web, uri: &BlobUri) -> Result<Option<BlobUri>, PageError> {
    let text_file = BlobUri::new(uri.provider(), uri.bucket(), format!("{}.txt", uri.key()))
        .map_err(|error| PageError::BadRequest { message: error.to_string() })?;
    match web.blobs.read(&text_file, SYMLINK_BYTES).await {
        Ok(content) => {
            let target = String::from_utf8_lossy(&content).trim().to_owned();
            BlobUri::parse(&target).map(Some).map_err(|_| PageError::BadRequest {
                message: format!(
                    "{text_file} should name a run's folder, but holds something else."
                ),
            })
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(BlobError::TooLarge { .. }) => Err(PageError::BadRequest {
            message: format!("{text_file} should name a run's folder, but is too long for that."),
        }),
        Err(error) => Err(unavailable("The bucket", error)),
    }
}

/// A run that only the bucket knows, put into the history for the next time.
async fn from_bucket(web: &Web, uri: &BlobUri) -> Result<Run, PageError> {
    let folder = uri.to_string();
    let prowjob = document(web, uri, "prowjob.json").await?;
    let started = document(web, uri, "started.json").await?;
    let finished = document(web, uri, "finished.json").await?;
    if prowjob.is_none() && started.is_none() && finished.is_none() {
        return Err(missing(&folder));
    }
    let mut job: ProwJob =
        prowjob.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let started = started.and_then(|bytes| Started::parse(&bytes).ok());
    let finished = finished.and_then(|bytes| Finished::parse(&bytes).ok());
    complete_from_documents(&mut job, uri, started.as_ref(), finished.as_ref());
    if let Some(store) = &web.store {
        let row = crate::runs::history::row_of(&job, &folder);
        if let Err(error) = store.runs().upsert(vec![row]).await {
            tracing::warn!("a run found in the bucket was not put into the history: {error}");
        }
    }
    let run = Run::of(&Arc::new(job), Some(&folder), &web.runs.strings);
    Ok(Run { live: None, ..run })
}

/// What the folder's name and documents say, where the ProwJob does not.
fn complete_from_documents(
    job: &mut ProwJob,
    uri: &BlobUri,
    started: Option<&Started>,
    finished: Option<&Finished>,
) {
    let mut segments = uri.key().trim_end_matches('/').rsplit('/');
    let build = segments.next().unwrap_or_default();
    let name = segments.next().unwrap_or_default();
    if job.spec.job.is_empty() {
        job.spec.job = name.to_owned();
    }
    if job.status.build_id.is_empty() {
        job.status.build_id = build.to_owned();
    }
    if job.metadata.name.is_empty() {
        job.metadata.name = uri.to_string();
    }
    if job.status.start_time.is_none() {
        job.status.start_time = started.and_then(Started::time);
    }
    if let Some(finished) = finished {
        if job.status.completion_time.is_none() {
            job.status.completion_time = finished.time();
        }
        if let (false, Some(outcome)) = (job.status.state.is_terminal(), finished.outcome()) {
            job.status.state = ProwJobState::from(outcome.as_lower());
        }
    }
}

/// A small document of a run; none if it is not there.
async fn document(
    web: &Web,
    folder: &BlobUri,
    name: &str,
) -> Result<Option<bytes::Bytes>, PageError> {
    let uri = folder.join(name).map_err(|e| unavailable("The bucket", e))?;
    match web.blobs.read(&uri, DOCUMENT_BYTES).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(unavailable("The bucket", error)),
    }
}

/// Everything about one run. What cannot be read is said in a note; the rest
/// is shown.
pub(super) async fn detail(
    web: &Web,
    viewer: &Viewer,
    key: &RunKey,
) -> Result<RunDetail, PageError> {
    let run = find(web, key).await?;
    let host = web.code_host();
    let mut notes = Vec::new();
    let folder = run.artifacts.as_deref().and_then(|uri| BlobUri::parse(uri).ok());
    let (artifacts, artifacts_cut) = match &folder {
        Some(folder) => list(web, &run, folder, &mut notes).await,
        None => (None, false),
    };
    let pod = pod(web, &run, &mut notes).await;
    let metadata = match &folder {
        Some(folder) => metadata(web, &run, folder, &mut notes).await,
        None => labels(&run),
    };
    let log = match web.logs.head(&run).await {
        Ok(head) => Some(head),
        Err(LogError::None(_)) => None,
        Err(error) => {
            if let PageError::Unavailable { message, .. } = log_page_error(error) {
                notes.push(message);
            }
            None
        }
    };
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
    let (older, newer) = neighbours(web, &run);
    Ok(RunDetail {
        now_ms: web.clock.now().millis(),
        row: run_row(&run, &host),
        extra_refs: extra_refs(&run, &host),
        attempts: attempts(web, &run),
        hint: pod.as_ref().map(|pod| hint(pod, &run)).unwrap_or_default(),
        rerun_latest: rerun_latest(web, &run, caller_may("rerun it")).await,
        rerun,
        abort,
        metadata,
        links: links(&run),
        configured_job: configured_job(web, &run),
        older,
        newer,
        log,
        artifacts,
        artifacts_cut,
        folder: folder.map(|folder| folder.to_string()).unwrap_or_default(),
        pod: pod.map(|pod| pod_view(&pod)),
        notes,
    })
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

/// The pages of the run before and the run after of the same job.
fn neighbours(web: &Web, run: &Run) -> (String, String) {
    let snapshot = web.runs.snapshot();
    let visibility = web.visibility();
    let of_job: Vec<_> =
        snapshot.runs.iter().filter(|r| r.job == run.job && visibility.shows(r)).collect();
    let Some(at) = of_job.iter().position(|other| other.id == run.id) else {
        return Default::default();
    };
    let page = |other: Option<&&Arc<Run>>| {
        other.map(|r| run_page(&r.id, r.artifacts.as_deref())).unwrap_or_default()
    };
    (page(of_job.get(at + 1)), page(at.checked_sub(1).and_then(|at| of_job.get(at))))
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
fn links(run: &Run) -> Vec<Link> {
    let history = RunFilter { job: Some(run.job.to_string()), ..RunFilter::default() };
    let mut links = vec![Link {
        text: "Job history".to_owned(),
        href: history.href(),
        title: format!("every run of {}", run.job),
    }];
    if let Some(refs) = run.refs.as_ref().filter(|refs| !refs.extra) {
        for pull in &refs.pulls {
            let filter = RunFilter {
                repo: Some(refs.full_name()),
                pulls: vec![u64::try_from(pull.number).unwrap_or(0)],
                ..RunFilter::default()
            };
            links.push(Link {
                text: format!("Runs of #{}", pull.number),
                href: filter.href(),
                title: "every run of this pull request".to_owned(),
            });
        }
    }
    links
}

fn configured_job(web: &Web, run: &Run) -> String {
    let config = web.config.get();
    let repo = run.refs.as_ref().map(|refs| refs.full_name()).unwrap_or_default();
    let configured = match run.job_type {
        JobType::Presubmit | JobType::Batch => {
            config.jobs.presubmits_for(&repo).any(|job| job.base.name == *run.job)
        }
        JobType::Postsubmit => {
            config.jobs.postsubmits_for(&repo).any(|job| job.base.name == *run.job)
        }
        JobType::Periodic => config.jobs.periodic(&run.job).is_some(),
        JobType::Unknown => false,
    };
    if !configured {
        return String::new();
    }
    let path = match &run.refs {
        Some(refs) => format!(
            "/configured-jobs/{}/{}",
            encode(&refs.org).replace('/', "%2F"),
            encode(&refs.repo)
        ),
        None => "/configured-jobs".to_owned(),
    };
    format!("{path}?type={}&job={}", run_kind(run.job_type).word(), encode(&run.job))
}

async fn list(
    web: &Web,
    run: &Run,
    folder: &BlobUri,
    notes: &mut Vec<String>,
) -> (Option<Vec<Artifact>>, bool) {
    let mut found = Vec::new();
    let mut after = String::new();
    let prefix = format!("{}/", folder.key().trim_end_matches('/'));
    loop {
        let page = match web.blobs.list(folder, &after, SHOWN_ARTIFACTS + 1).await {
            Ok(page) => page,
            Err(error) if error.is_not_found() => return (Some(found), false),
            Err(error) => {
                tracing::warn!("the files of {folder} could not be listed: {error}");
                notes.push(format!("The files in {folder} could not be listed: {error}."));
                return (None, false);
            }
        };
        for entry in page.entries {
            let Some(name) = entry.key.strip_prefix(&prefix) else { continue };
            found.push(Artifact {
                href: format!(
                    "/api/v1/runs/{}/artifacts/{}",
                    encode(&run.id).replace('/', "%2F"),
                    encode(name)
                ),
                name: name.to_owned(),
                size_bytes: entry.size,
                updated_ms: Some(entry.updated.millis()),
            });
            if found.len() == SHOWN_ARTIFACTS {
                return (Some(found), true);
            }
        }
        match page.next {
            Some(next) => after = next,
            None => return (Some(found), false),
        }
    }
}

fn labels(run: &Run) -> Vec<(String, String)> {
    let Some(job) = &run.live else { return Vec::new() };
    let labels = job.metadata.labels.iter().map(|(key, value)| (format!("label {key}"), value));
    let annotations =
        job.metadata.annotations.iter().map(|(key, value)| (format!("annotation {key}"), value));
    labels.chain(annotations).map(|(key, value)| (key, value.clone())).collect()
}

/// `started.json` and `finished.json`, flattened, then labels and annotations.
async fn metadata(
    web: &Web,
    run: &Run,
    folder: &BlobUri,
    notes: &mut Vec<String>,
) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for name in ["started.json", "finished.json"] {
        match document(web, folder, name).await {
            Ok(Some(bytes)) => match serde_json::from_slice::<Value>(&bytes) {
                Ok(value) => {
                    let stem = name.trim_end_matches(".json");
                    flatten(stem, &value, &mut rows);
                }
                Err(error) => notes.push(format!("{name} is no valid JSON: {error}.")),
            },
            Ok(None) => {}
            Err(_) => notes.push(format!("{name} could not be read from the bucket.")),
        }
    }
    rows.extend(labels(run));
    rows
}

fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                flatten(&format!("{path}.{key}"), value, rows);
            }
        }
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => rows.push((path.to_owned(), text.clone())),
        other => rows.push((path.to_owned(), other.to_string())),
    }
}

/// The run's Pod while it is there.
async fn pod(web: &Web, run: &Run, notes: &mut Vec<String>) -> Option<Arc<Pod>> {
    let job = run.live.as_ref().filter(|job| !job.status.pod_name.is_empty())?;
    let pods = web.cluster.pods(&run.cluster).ok()?;
    match pods.get(&job.status.pod_name).await {
        Ok(pod) => Some(pod),
        Err(ClusterError::NotFound { .. }) => None,
        Err(error) => {
            notes.push(format!("The Pod could not be read: {error}."));
            None
        }
    }
}

fn pod_view(pod: &Pod) -> PodView {
    let fields = pod.spec.fields();
    let of = |containers: &[job_spec::Container], statuses: &[ContainerStatus], init: bool| {
        containers
            .iter()
            .map(|container| {
                let status = statuses.iter().find(|status| status.name == container.name);
                container_view(&container.name, &container.image, init, status)
            })
            .collect::<Vec<_>>()
    };
    let mut containers = of(&fields.init_containers, &pod.status.init_container_statuses, true);
    containers.extend(of(&fields.containers, &pod.status.container_statuses, false));
    let reason = [&pod.status.reason, &pod.status.message]
        .into_iter()
        .filter(|text| !text.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(": ");
    PodView {
        name: pod.metadata.name.clone(),
        namespace: pod.metadata.namespace.clone(),
        phase: pod.status.phase.as_str().to_owned(),
        reason,
        node: fields.node_name.clone(),
        containers,
    }
}

fn container_view(
    name: &str,
    image: &str,
    init: bool,
    status: Option<&ContainerStatus>,
) -> PodContainer {
    let mut view = PodContainer {
        name: name.to_owned(),
        init,
        image: image.to_owned(),
        state: "waiting".to_owned(),
        ..PodContainer::default()
    };
    let Some(state) = status.map(|status| &status.state) else { return view };
    let with_reason = |word: &str, reason: &str| {
        if reason.is_empty() { word.to_owned() } else { format!("{word}: {reason}") }
    };
    if let Some(waiting) = &state.waiting {
        view.state = with_reason("waiting", &waiting.reason);
        view.message = plain(&waiting.message);
    }
    if let Some(running) = &state.running {
        view.state = "running".to_owned();
        view.started_ms = running.started_at.map(|at| at.millis());
    }
    if let Some(terminated) = &state.terminated {
        view.state = with_reason("terminated", &terminated.reason);
        view.exit_code = i32::try_from(terminated.exit_code).ok();
        view.message = plain(&terminated.message);
        view.started_ms = terminated.started_at.map(|at| at.millis());
        view.finished_ms = terminated.finished_at.map(|at| at.millis());
    }
    view
}

/// The reason of a container whose program ended with another code than zero.
const FAILED: &str = "Error";

/// Why a run went wrong where its log cannot say.
fn hint(pod: &Pod, run: &Run) -> String {
    if run.state == ProwJobState::Success {
        return String::new();
    }
    let unscheduled = pod
        .status
        .conditions
        .iter()
        .find(|condition| condition.r#type == "PodScheduled" && condition.status == "False");
    if let Some(condition) = unscheduled
        && run.is_going()
    {
        return format!("The Pod waits for a place ({}): {}", condition.reason, condition.message);
    }
    let init = pod.status.init_container_statuses.iter().map(|status| (true, status));
    let main = pod.status.container_statuses.iter().map(|status| (false, status));
    for (init, status) in init.chain(main) {
        if let Some(waiting) = &status.state.waiting
            && !waiting.message.is_empty()
        {
            return format!(
                "The container {} could not start ({}): {}",
                status.name,
                waiting.reason,
                plain(&waiting.message)
            );
        }
        if let Some(ended) = &status.state.terminated
            && ended.exit_code != 0
            // A test that fails is no riddle: its message is the end of the log. What goes wrong
            // around it is not in the log.
            && (init || status.name == SIDECAR || ended.reason != FAILED)
            && (ended.reason == "OOMKilled" || !ended.message.is_empty())
        {
            return format!(
                "The container {} ended with code {} ({}): {}",
                status.name,
                ended.exit_code,
                ended.reason,
                plain(&ended.message)
            );
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use job_spec::pod::PodCondition;

    use super::*;
    use crate::runs::run::Strings;

    #[test]
    fn the_hint_says_what_a_pod_waits_for_until_the_run_ends() {
        let mut pod = Pod::default();
        pod.status.conditions = vec![PodCondition {
            r#type: "PodScheduled".to_owned(),
            status: "False".to_owned(),
            reason: "Unschedulable".to_owned(),
            message: "4 Pods run on this machine".to_owned(),
            ..PodCondition::default()
        }];
        let run = |state: ProwJobState| {
            let mut job = ProwJob::default();
            job.status.state = state;
            Run::of(&Arc::new(job), None, &Strings::default())
        };
        assert_eq!(
            hint(&pod, &run(ProwJobState::Pending)),
            "The Pod waits for a place (Unschedulable): 4 Pods run on this machine"
        );
        assert_eq!(hint(&pod, &run(ProwJobState::Aborted)), "");
        pod.status.conditions[0].status = "True".to_owned();
        assert_eq!(hint(&pod, &run(ProwJobState::Pending)), "");
    }
}
