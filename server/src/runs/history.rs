//! Between runs and the rows of the run history in the database.

use std::sync::Arc;

use go_compat::time::Timestamp;
use job_spec::{ProwJob, ProwJobState, Refs};
use serde_json::{Value, json};
use store::RunRow;

use super::run::{Run, RunPull, RunRefs, Strings};

/// The history row of a ProwJob as it stands now. `run_dir` is the URI of its
/// artifacts, or empty.
pub fn row_of(job: &ProwJob, run_dir: &str) -> RunRow {
    let (spec, status) = (&job.spec, &job.status);
    let main = job.main_refs();
    let text = |pick: fn(&Refs) -> &String| main.map(|refs| pick(refs).clone()).unwrap_or_default();
    RunRow {
        id: job.metadata.name.clone(),
        job: spec.job.clone(),
        job_type: spec.job_type.as_str().to_owned(),
        org: text(|refs| &refs.org),
        repo: text(|refs| &refs.repo),
        base_ref: text(|refs| &refs.base_ref),
        base_sha: text(|refs| &refs.base_sha),
        pulls: main
            .map(|refs| {
                refs.pulls
                    .iter()
                    .map(|pull| store::RunPull {
                        number: pull.number,
                        author: pull.author.clone(),
                        title: pull.title.clone(),
                        sha: pull.sha.clone(),
                    })
                    .collect()
            })
            .unwrap_or_default(),
        state: status.state.as_str().to_owned(),
        cluster: job.cluster_alias().to_owned(),
        build_id: status.build_id.clone(),
        context: spec.context.clone(),
        start: status.start_time.or(job.metadata.creation_timestamp),
        pending: status.pending_time,
        completion: status.completion_time,
        run_dir: run_dir.to_owned(),
        url: status.url.clone(),
        description: status.description.clone(),
        tenant: spec.prowjob_defaults.as_ref().map(|d| d.tenant_id.clone()).unwrap_or_default(),
        hidden: spec.hidden,
        refs: refs_json(job),
    }
}

/// What history knows of a ProwJob that was collected: type, job and code.
pub fn prow_job_of(row: &RunRow) -> ProwJob {
    let read = |key: &str| row.refs.get(key).cloned().unwrap_or_default();
    let mut job = ProwJob::default();
    job.metadata.name = row.id.clone();
    job.spec.job_type = row.job_type.parse().unwrap_or_default();
    job.spec.job = row.job.clone();
    job.spec.cluster = row.cluster.clone();
    job.spec.context = row.context.clone();
    job.spec.refs = serde_json::from_value(read("refs")).ok();
    job.spec.extra_refs = serde_json::from_value(read("extra_refs")).unwrap_or_default();
    job.status.state = ProwJobState::from(row.state.as_str());
    job.status.start_time = row.start;
    job.status.completion_time = row.completion;
    job.status.build_id = row.build_id.clone();
    job
}

/// The refs in Prow's JSON form, for the links that pages make of them.
fn refs_json(job: &ProwJob) -> Value {
    let mut value = json!({});
    if let Some(refs) = job.spec.refs.as_ref().and_then(|refs| serde_json::to_value(refs).ok()) {
        value["refs"] = refs;
    }
    if !job.spec.extra_refs.is_empty()
        && let Ok(extra) = serde_json::to_value(&job.spec.extra_refs)
    {
        value["extra_refs"] = extra;
    }
    value
}

impl Run {
    /// A run that only history knows.
    pub fn from_history(row: &RunRow, strings: &Strings) -> Self {
        let extra: Vec<Refs> = row
            .refs
            .get("extra_refs")
            .and_then(|extra| serde_json::from_value(extra.clone()).ok())
            .unwrap_or_default();
        let own: Option<Refs> =
            row.refs.get("refs").and_then(|refs| serde_json::from_value(refs.clone()).ok());
        let link = |number: i64| {
            own.iter()
                .flat_map(|refs| &refs.pulls)
                .find(|pull| pull.number == number)
                .map_or("", |pull| pull.link.as_str())
        };
        let refs = (!row.repo.is_empty()).then(|| RunRefs {
            org: strings.share(&row.org),
            repo: strings.share(&row.repo),
            base_ref: strings.share(&row.base_ref),
            base_sha: row.base_sha.as_str().into(),
            extra: own.is_none(),
            pulls: row
                .pulls
                .iter()
                .map(|pull| RunPull {
                    number: pull.number,
                    author: strings.share(&pull.author),
                    sha: pull.sha.as_str().into(),
                    title: strings.share(&pull.title),
                    link: link(pull.number).into(),
                })
                .collect(),
        });
        Self {
            id: row.id.as_str().into(),
            job: strings.share(&row.job),
            job_type: row.job_type.parse().unwrap_or_default(),
            state: ProwJobState::from(row.state.as_str()),
            cluster: strings.share(&row.cluster),
            build_id: row.build_id.as_str().into(),
            refs,
            extra_repos: extra
                .iter()
                .map(|refs| (strings.share(&refs.org), strings.share(&refs.repo)))
                .collect(),
            started: row.start.unwrap_or(Timestamp::from_millis(0)),
            pending: row.pending,
            completed: row.completion,
            description: strings.share(&row.description),
            url: row.url.as_str().into(),
            artifacts: (!row.run_dir.is_empty()).then(|| Arc::from(row.run_dir.as_str())),
            hidden: row.hidden,
            tenant: strings.share(&row.tenant),
            live: None,
        }
    }
}
