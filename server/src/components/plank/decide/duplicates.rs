//! Which runs a newer run of the same presubmit replaces.

use std::collections::BTreeMap;

use job_spec::{JobType, ProwJob, ProwJobState, Refs};

/// The names of the presubmits that are not complete although a newer run of the same job for
/// the same pull requests exists. Commits do not count: a run for an older commit is what this
/// is for. As Prow's plank does, which looks at the states `triggered` and `pending`.
#[must_use]
pub fn superseded(jobs: &[&ProwJob]) -> Vec<String> {
    let mut jobs: Vec<&ProwJob> = jobs
        .iter()
        .copied()
        .filter(|job| !job.complete() && job.spec.job_type == JobType::Presubmit)
        .filter(|job| matches!(job.status.state, ProwJobState::Triggered | ProwJobState::Pending))
        .collect();
    jobs.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    let mut newest: BTreeMap<String, &ProwJob> = BTreeMap::new();
    let mut old = Vec::new();
    for job in jobs {
        let place = newest.entry(key(job)).or_insert(job);
        if place.metadata.name == job.metadata.name {
            continue;
        }
        if place.status.start_time < job.status.start_time {
            old.push(place.metadata.name.clone());
            *place = job;
        } else {
            old.push(job.metadata.name.clone());
        }
    }
    old
}

fn key(job: &ProwJob) -> String {
    let refs = job.spec.refs.iter().chain(&job.spec.extra_refs);
    let mut parts: Vec<String> = refs.map(digest).collect();
    parts.push(job.spec.job.clone());
    parts.sort();
    parts.join(",")
}

fn digest(refs: &Refs) -> String {
    let mut pulls: Vec<i64> = refs.pulls.iter().map(|pull| pull.number).collect();
    pulls.sort_unstable();
    format!("{}/{}@{} {pulls:?}", refs.org, refs.repo, refs.base_ref)
}
