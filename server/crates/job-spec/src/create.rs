//! How a job becomes a ProwJob.

use std::collections::BTreeMap;
use std::sync::Arc;

use go_compat::time::Timestamp;

use crate::job::{JobBase, Periodic, Postsubmit, Presubmit};
use crate::labels::{self, labels_and_annotations};
use crate::metadata::ObjectMeta;
use crate::pod_schema::UnknownFields;
use crate::prow_job::{
    API_VERSION, JobType, KIND, ProwJob, ProwJobSpec, ProwJobState, ProwJobStatus,
};
use crate::refs::Refs;

/// The spec of a presubmit's run on the pull request in `refs`.
pub fn presubmit_spec(job: &Presubmit, refs: Refs) -> ProwJobSpec {
    ProwJobSpec {
        job_type: JobType::Presubmit,
        context: job.reporter.context.clone(),
        report: !job.reporter.skip_report,
        rerun_command: job.rerun_command.clone(),
        jenkins_spec: job.jenkins_spec.clone(),
        refs: Some(complete_primary_refs(refs, &job.base)),
        ..spec_from_base(&job.base)
    }
}

/// The spec of a postsubmit's run on the commit in `refs`.
pub fn postsubmit_spec(job: &Postsubmit, refs: Refs) -> ProwJobSpec {
    ProwJobSpec {
        job_type: JobType::Postsubmit,
        context: job.reporter.context.clone(),
        report: !job.reporter.skip_report,
        jenkins_spec: job.jenkins_spec.clone(),
        refs: Some(complete_primary_refs(refs, &job.base)),
        ..spec_from_base(&job.base)
    }
}

/// The spec of a periodic's run. Reporting cannot be turned off for periodics.
pub fn periodic_spec(job: &Periodic) -> ProwJobSpec {
    ProwJobSpec { job_type: JobType::Periodic, report: true, ..spec_from_base(&job.base) }
}

/// The spec of a presubmit's run on several pull requests together; it is not reported to them.
pub fn batch_spec(job: &Presubmit, refs: Refs) -> ProwJobSpec {
    ProwJobSpec {
        job_type: JobType::Batch,
        context: job.reporter.context.clone(),
        refs: Some(complete_primary_refs(refs, &job.base)),
        ..spec_from_base(&job.base)
    }
}

fn spec_from_base(job: &JobBase) -> ProwJobSpec {
    let extra_refs = job.utility.extra_refs.iter().map(|refs| {
        let mut refs = refs.clone();
        decorate_refs(&mut refs, job);
        refs
    });
    ProwJobSpec {
        job: job.name.clone(),
        agent: job.agent.clone(),
        cluster: job.cluster.clone(),
        namespace: job.namespace.clone().unwrap_or_default(),
        max_concurrency: job.max_concurrency,
        error_on_eviction: job.error_on_eviction,
        extra_refs: extra_refs.collect(),
        decoration_config: job.utility.decoration_config.clone(),
        pod_spec: job.spec.as_ref().map(|spec| {
            // The configuration keeps fields that Kubernetes does not know, so that a strict check can name
            // them; the resource has none. What cannot be normalised was refused when it was read.
            spec.normalized(UnknownFields::Drop).unwrap_or_else(|_| spec.clone())
        }),
        pipeline_run_spec: job.pipeline_run_spec.clone(),
        tekton_pipeline_run_spec: job.tekton_pipeline_run_spec.clone(),
        reporter_config: job.reporter_config.clone(),
        rerun_auth_config: job.rerun_auth_config.clone(),
        hidden: job.hidden,
        prowjob_defaults: job.prowjob_defaults.clone(),
        job_queue_name: job.job_queue_name.clone(),
        ..ProwJobSpec::default()
    }
}

/// The refs under test with the job's settings for cloning.
pub fn complete_primary_refs(mut refs: Refs, job: &JobBase) -> Refs {
    let utility = &job.utility;
    if !utility.path_alias.is_empty() {
        refs.path_alias = utility.path_alias.clone();
    }
    if !utility.clone_uri.is_empty() {
        refs.clone_uri = utility.clone_uri.clone();
    }
    refs.skip_submodules |= utility.skip_submodules;
    if utility.clone_depth > 0 {
        refs.clone_depth = utility.clone_depth;
    }
    refs.skip_fetch_head |= utility.skip_fetch_head;
    decorate_refs(&mut refs, job);
    if let Some(decoration) = &utility.decoration_config
        && !decoration.sparse_checkout_files.is_empty()
    {
        refs.sparse_checkout_files = decoration.sparse_checkout_files.clone();
    }
    refs
}

fn decorate_refs(refs: &mut Refs, job: &JobBase) {
    // The configuration's own unknown keys are a warning there, and no part of the resource.
    refs.other.clear();
    if let Some(decoration) = &job.utility.decoration_config {
        refs.blobless_fetch = refs.blobless_fetch.or(decoration.blobless_fetch);
    }
}

/// Labels and annotations that a run takes from its job's configuration, before those derived from the spec.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

impl Extra {
    /// The job's own.
    pub fn of(job: &JobBase) -> Extra {
        Extra { labels: job.labels.clone(), annotations: job.annotations.clone() }
    }

    /// The presubmit's own, with the webhook delivery that caused the run and whether the job is optional.
    pub fn of_presubmit(job: &Presubmit, event_guid: &str) -> Extra {
        let mut extra = Extra::of(&job.base);
        extra.labels.insert(labels::EVENT_GUID.to_owned(), event_guid.to_owned());
        extra.labels.insert(labels::IS_OPTIONAL.to_owned(), job.optional.to_string());
        extra
    }
}

/// A new ProwJob. `name` must be unique, and is a version 1 UUID in Prow; `state` is `Triggered`, or
/// `Scheduling` where the scheduler is on.
pub fn new_prow_job(
    spec: ProwJobSpec,
    extra_labels: &BTreeMap<String, String>,
    extra_annotations: &BTreeMap<String, String>,
    name: String,
    now: Timestamp,
    state: ProwJobState,
) -> ProwJob {
    let (labels, annotations) = labels_and_annotations(&spec, extra_labels, extra_annotations);
    let mut spec = spec;
    if let Some(slack) = spec.reporter_config.as_mut().and_then(|config| config.slack.as_mut()) {
        slack.set_report_default();
    }
    ProwJob {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        metadata: ObjectMeta {
            name,
            labels,
            annotations: annotations.into(),
            ..ObjectMeta::default()
        },
        spec,
        status: ProwJobStatus {
            start_time: Some(Timestamp::from_seconds(now.seconds())),
            state,
            ..ProwJobStatus::default()
        },
        ..ProwJob::default()
    }
}

/// A new run of the same thing: what a rerun or a retry creates. Labels and annotations are those given,
/// which are usually the old run's.
pub fn repeated(job: &ProwJob, name: String, now: Timestamp, state: ProwJobState) -> ProwJob {
    new_prow_job(
        job.spec.clone(),
        &job.metadata.labels,
        &job.metadata.annotations,
        name,
        now,
        state,
    )
}

/// Names for new ProwJobs: version 1 UUIDs, unique and ordered by nothing.
#[derive(Debug)]
pub struct JobNames {
    context: uuid::timestamp::context::ContextV1,
    node: [u8; 6],
}

impl JobNames {
    /// Names of one process. `seed` should differ between processes: it stands in for the network
    /// address that a version 1 UUID has.
    pub fn new(seed: u64) -> Arc<JobNames> {
        let bytes = seed.to_be_bytes();
        let mut node = [bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]];
        // The multicast bit says that this is no real network address.
        node[0] |= 1;
        let context =
            uuid::timestamp::context::ContextV1::new(u16::from_be_bytes([bytes[0], bytes[1]]));
        Arc::new(JobNames { context, node })
    }

    /// The next name.
    pub fn next(&self, now: Timestamp) -> String {
        let ms = u64::try_from(now.millis()).unwrap_or_default();
        let nanos = u32::try_from(ms % 1000).unwrap_or_default() * 1_000_000;
        let stamp = uuid::Timestamp::from_unix(&self.context, ms / 1000, nanos);
        uuid::Uuid::new_v1(stamp, &self.node).to_string()
    }
}
