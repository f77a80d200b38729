//! What a rerun creates: the same thing again, or the job as it is configured
//! now on the same code. As Deck's `/rerun` does; batches work here as well.

use std::collections::BTreeMap;

use config_load::Config;
use go_compat::time::Timestamp;
use job_spec::create::{
    Extra, batch_spec, new_prow_job, periodic_spec, postsubmit_spec, presubmit_spec, repeated,
};
use job_spec::{JobType, ProwJob, ProwJobSpec, ProwJobState, Refs, labels};

/// Which definition a rerun uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The old ProwJob's.
    Original,
    /// The configuration's of now.
    Latest,
}

impl Mode {
    /// Reads `mode=`: `latest`, and anything else is the original.
    pub fn parse(text: &str) -> Self {
        if text == "latest" { Self::Latest } else { Self::Original }
    }
}

/// Why the latest definition cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LatestError {
    /// No job of this type and name is configured for the repository.
    #[error("The job {job} is not configured {place} any more.")]
    NotFound {
        /// The job's name.
        job: String,
        /// `for org/repo`, or `as a periodic`.
        place: String,
    },
    /// It is configured, but not for this branch.
    #[error("The job {job} is configured for {repo}, but does not run on the branch {branch}.")]
    OtherBranch {
        /// The job's name.
        job: String,
        /// `org/repo`.
        repo: String,
        /// The branch.
        branch: String,
    },
    /// Several definitions fit.
    #[error("Several jobs named {job} run on this branch, so the latest one cannot be told.")]
    Ambiguous {
        /// The job's name.
        job: String,
    },
    /// The ProwJob does not say what it ran on.
    #[error("The run does not say which repository and branch it ran on.")]
    NoRefs,
    /// Not a type that is configured.
    #[error("Runs of this type are not configured anywhere.")]
    Type,
}

/// The ProwJob that a rerun creates.
pub fn rerun(
    old: &ProwJob,
    mode: Mode,
    config: &Config,
    name: String,
    now: Timestamp,
) -> Result<ProwJob, LatestError> {
    let state = first_state(config);
    match mode {
        Mode::Original => Ok(repeated(old, name, now, state)),
        Mode::Latest => {
            let (spec, extra) = latest_spec(old, config)?;
            let (kept_labels, kept_annotations) = component_marks(old);
            let mut extra = extra;
            extra.labels.extend(kept_labels);
            extra.annotations.extend(kept_annotations);
            Ok(new_prow_job(spec, &extra.labels, &extra.annotations, name, now, state))
        }
    }
}

/// The state in which new ProwJobs begin.
pub fn first_state(config: &Config) -> ProwJobState {
    if config.prow.scheduler.enabled { ProwJobState::Scheduling } else { ProwJobState::Triggered }
}

/// The spec that the configuration of now gives for an old run.
pub fn latest_spec(old: &ProwJob, config: &Config) -> Result<(ProwJobSpec, Extra), LatestError> {
    let name = &old.spec.job;
    match old.spec.job_type {
        JobType::Periodic => config
            .jobs
            .periodics
            .iter()
            .find(|job| job.base.name == *name)
            .map(|job| (periodic_spec(job), Extra::of(&job.base)))
            .ok_or_else(|| LatestError::NotFound {
                job: name.clone(),
                place: "as a periodic".to_owned(),
            }),
        JobType::Presubmit | JobType::Batch => {
            let refs = refs(old)?;
            let all = config.jobs.presubmits.get(&full_name(refs)).map_or(&[][..], Vec::as_slice);
            let named = all.iter().filter(|job| job.base.name == *name);
            let job =
                only(named.map(|job| (job, job.brancher.should_run(&refs.base_ref))), name, refs)?;
            let spec = if old.spec.job_type == JobType::Batch {
                batch_spec(job, refs.clone())
            } else {
                presubmit_spec(job, refs.clone())
            };
            let guid = old.metadata.labels.get(labels::EVENT_GUID).map_or("", String::as_str);
            Ok((spec, Extra::of_presubmit(job, guid)))
        }
        JobType::Postsubmit => {
            let refs = refs(old)?;
            let all = config.jobs.postsubmits.get(&full_name(refs)).map_or(&[][..], Vec::as_slice);
            let named = all.iter().filter(|job| job.base.name == *name);
            let job =
                only(named.map(|job| (job, job.brancher.should_run(&refs.base_ref))), name, refs)?;
            Ok((postsubmit_spec(job, refs.clone()), Extra::of(&job.base)))
        }
        JobType::Unknown => Err(LatestError::Type),
    }
}

fn refs(old: &ProwJob) -> Result<&Refs, LatestError> {
    old.spec
        .refs
        .as_ref()
        .filter(|refs| !refs.org.is_empty() && !refs.repo.is_empty() && !refs.base_ref.is_empty())
        .ok_or(LatestError::NoRefs)
}

fn full_name(refs: &Refs) -> String {
    format!("{}/{}", refs.org, refs.repo)
}

/// The one job of those that runs on the branch.
fn only<T>(
    jobs: impl Iterator<Item = (T, bool)>,
    name: &str,
    refs: &Refs,
) -> Result<T, LatestError> {
    let (mut fits, mut found) = (Vec::new(), false);
    for (job, runs) in jobs {
        found = true;
        if runs {
            fits.push(job);
        }
    }
    match fits.len() {
        1 => fits.pop().ok_or(LatestError::NoRefs),
        0 if found => Err(LatestError::OtherBranch {
            job: name.to_owned(),
            repo: full_name(refs),
            branch: refs.base_ref.clone(),
        }),
        0 => Err(LatestError::NotFound {
            job: name.to_owned(),
            place: format!("for {}", full_name(refs)),
        }),
        _ => Err(LatestError::Ambiguous { job: name.to_owned() }),
    }
}

/// What components wrote on the old ProwJob; the rest comes from the
/// configuration of now.
fn component_marks(old: &ProwJob) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let keep = |from: &BTreeMap<String, String>, keys: &[&str]| {
        keys.iter().filter_map(|key| Some(((*key).to_owned(), from.get(*key)?.clone()))).collect()
    };
    let kept_labels = keep(
        &old.metadata.labels,
        &[
            labels::GERRIT_REVISION,
            labels::GERRIT_PATCHSET,
            labels::GERRIT_REPORT_LABEL,
            labels::EVENT_GUID,
            labels::CREATED_BY_TIDE,
        ],
    );
    let kept_annotations =
        keep(&old.metadata.annotations, &[labels::GERRIT_ID, labels::GERRIT_INSTANCE]);
    (kept_labels, kept_annotations)
}
