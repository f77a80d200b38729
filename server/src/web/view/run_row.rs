//! A run as a row.

use app::model::{PullRef, RunKind, RunRefs, RunRow};
use job_spec::JobType;

use super::links::{CodeHost, run_page};
use crate::runs::filter::shown_state;
use crate::runs::run::{Run, RunRefs as Refs};

/// The row of a run.
pub fn run_row(run: &Run, host: &CodeHost) -> RunRow {
    RunRow {
        id: run.id.to_string(),
        href: run_page(&run.id, run.artifacts.as_deref()),
        job: run.job.to_string(),
        kind: run_kind(run.job_type),
        state: shown_state(&run.state),
        refs: run.refs.as_ref().map(|refs| refs_row(refs, host)).unwrap_or_default(),
        build_id: run.build_id.to_string(),
        cluster: run.cluster.to_string(),
        started_ms: run.started.millis(),
        finished_ms: run.completed.map(|at| at.millis()),
        description: run.description.to_string(),
        has_prowjob: run.live.is_some(),
    }
}

/// The kind of a run; an unknown type is shown as a periodic, which needs no refs.
pub fn run_kind(job_type: JobType) -> RunKind {
    match job_type {
        JobType::Presubmit => RunKind::Presubmit,
        JobType::Postsubmit => RunKind::Postsubmit,
        JobType::Batch => RunKind::Batch,
        JobType::Periodic | JobType::Unknown => RunKind::Periodic,
    }
}

/// The code of a run.
pub fn refs_row(refs: &Refs, host: &CodeHost) -> RunRefs {
    RunRefs {
        org: refs.org.to_string(),
        repo: refs.repo.to_string(),
        repo_link: host.repo(refs),
        base_ref: refs.base_ref.to_string(),
        base_sha: refs.base_sha.to_string(),
        base_link: host.commit(refs, &refs.base_sha),
        pulls: refs
            .pulls
            .iter()
            .map(|pull| PullRef {
                number: u64::try_from(pull.number).unwrap_or(0),
                author: pull.author.to_string(),
                sha: pull.sha.to_string(),
                title: pull.title.to_string(),
                link: host.pull(refs, pull),
                commit_link: host.commit(refs, &pull.sha),
                author_link: host.author(refs, &pull.author),
            })
            .collect(),
    }
}
