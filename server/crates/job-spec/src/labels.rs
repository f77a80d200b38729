//! Labels and annotations that Prow's components find each other's objects by.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::prow_job::{ProwJob, ProwJobSpec};

/// On ProwJobs and Pods: `"true"`.
pub const CREATED_BY_PROW: &str = "created-by-prow";
/// On ProwJobs that tide made: `"true"`.
pub const CREATED_BY_TIDE: &str = "created-by-tide";
/// Label: the job type.
pub const TYPE: &str = "prow.k8s.io/type";
/// Label (cut to size) and annotation (whole): the job's name.
pub const JOB: &str = "prow.k8s.io/job";
/// Label (cut to size) and annotation (whole): the name of the status on the code host.
pub const CONTEXT: &str = "prow.k8s.io/context";
/// Label: the organisation of the refs.
pub const ORG: &str = "prow.k8s.io/refs.org";
/// Label: the repository of the refs.
pub const REPO: &str = "prow.k8s.io/refs.repo";
/// Label: the base branch of the refs; the part after the last slash where the name has one.
pub const BASE_REF: &str = "prow.k8s.io/refs.base_ref";
/// Label: the number of the first pull.
pub const PULL: &str = "prow.k8s.io/refs.pull";
/// Label on Pods: the ProwJob's name.
pub const PROW_JOB_ID: &str = "prow.k8s.io/id";
/// Label on Pods: the build id.
pub const BUILD_ID: &str = "prow.k8s.io/build-id";
/// Label on Pods: the version of plank that made it.
pub const PLANK_VERSION: &str = "prow.k8s.io/plank-version";
/// Label: whether a presubmit is optional.
pub const IS_OPTIONAL: &str = "prow.k8s.io/is-optional";
/// Label: `"true"` on runs that `/retest` made.
pub const RETEST: &str = "prow.k8s.io/retest";
/// Label: which repetition of a failed periodic this is.
pub const RERUN: &str = "prow.k8s.io/re-run";
/// Label: the delivery id of the webhook that caused the run.
pub const EVENT_GUID: &str = "event-GUID";
/// Label: the Gerrit revision.
pub const GERRIT_REVISION: &str = "prow.k8s.io/gerrit-revision";
/// Label: the Gerrit patch set.
pub const GERRIT_PATCHSET: &str = "prow.k8s.io/gerrit-patchset";
/// Label: the Gerrit label that results go to.
pub const GERRIT_REPORT_LABEL: &str = "prow.k8s.io/gerrit-report-label";
/// Annotation: the Gerrit change.
pub const GERRIT_ID: &str = "prow.k8s.io/gerrit-id";
/// Annotation: the Gerrit host.
pub const GERRIT_INSTANCE: &str = "prow.k8s.io/gerrit-instance";
/// Annotation: the Pub/Sub project to report to.
pub const PUBSUB_PROJECT: &str = "prow.k8s.io/pubsub.project";
/// Annotation: the Pub/Sub topic to report to.
pub const PUBSUB_TOPIC: &str = "prow.k8s.io/pubsub.topic";
/// Annotation: the id that Pub/Sub reports carry.
pub const PUBSUB_RUN_ID: &str = "prow.k8s.io/pubsub.runID";
/// Finalizer on Pods, held until their details are uploaded.
pub const GCS_K8S_REPORTER_FINALIZER: &str = "prow.x-k8s.io/gcsk8sreporter";

/// Labels that a job may not set itself.
pub const RESERVED: [&str; 3] = [TYPE, CREATED_BY_PROW, PROW_JOB_ID];

/// The longest label value that Kubernetes takes.
pub const MAX_VALUE_LENGTH: usize = 63;

/// A value cut to the length of a label, without trailing punctuation if it had to be cut.
pub fn truncate(value: &str) -> Cow<'_, str> {
    if value.len() <= MAX_VALUE_LENGTH {
        return Cow::Borrowed(value);
    }
    // Prow cuts bytes. A cut character makes the value invalid and so removes the label; cutting before it
    // keeps the label.
    let mut end = MAX_VALUE_LENGTH;
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Borrowed(value[..end].trim_end_matches(['.', '_', '-']))
}

/// Whether Kubernetes takes `value` as a label's value: at most 63 letters, digits, `-`, `_` and `.`,
/// with a letter or digit at both ends; or nothing.
pub fn is_valid_value(value: &str) -> bool {
    let bytes = value.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return true };
    bytes.len() <= MAX_VALUE_LENGTH
        && first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

/// Makes a value fit for a label as Prow does: as it is, else what stands after its last slash, else None,
/// which removes the label.
pub fn sanitize(value: &str) -> Option<&str> {
    if is_valid_value(value) {
        return Some(value);
    }
    let trimmed = value.trim_end_matches('/');
    let base = trimmed.rsplit('/').next().unwrap_or(trimmed);
    (is_valid_value(base) && !base.is_empty()).then_some(base)
}

/// Labels and annotations of an object made for `spec`. The extra ones win over those derived from the
/// spec; labels that no rule makes valid are left out.
pub fn labels_and_annotations(
    spec: &ProwJobSpec,
    extra_labels: &BTreeMap<String, String>,
    extra_annotations: &BTreeMap<String, String>,
) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut labels = BTreeMap::new();
    let mut label = |key: &str, value: &str| {
        labels.insert(key.to_owned(), value.to_owned());
    };
    label(CREATED_BY_PROW, "true");
    label(TYPE, spec.job_type.as_str());
    label(JOB, &truncate(&spec.job));
    label(CONTEXT, &truncate(&spec.context));
    if let Some(refs) = spec.refs.as_ref().or_else(|| spec.extra_refs.first()) {
        label(ORG, &refs.org);
        label(REPO, &refs.repo);
        label(BASE_REF, &refs.base_ref);
        if let Some(pull) = refs.pulls.first() {
            label(PULL, &pull.number.to_string());
        }
    }
    labels.extend(extra_labels.iter().map(|(key, value)| (key.clone(), value.clone())));
    let labels = labels
        .into_iter()
        .filter_map(|(key, value)| {
            if is_valid_value(&value) {
                Some((key, value))
            } else {
                sanitize(&value).map(|base| (key, base.to_owned()))
            }
        })
        .collect();

    let mut annotations = BTreeMap::from([
        (JOB.to_owned(), spec.job.clone()),
        (CONTEXT.to_owned(), spec.context.clone()),
    ]);
    annotations.extend(extra_annotations.iter().map(|(key, value)| (key.clone(), value.clone())));
    (labels, annotations)
}

/// Labels and annotations of a Pod made for a ProwJob: the ProwJob's own, its name and its build id.
pub fn labels_and_annotations_for_job(
    job: &ProwJob,
) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut extra = job.metadata.labels.clone();
    extra.insert(PROW_JOB_ID.to_owned(), job.metadata.name.clone());
    extra.insert(BUILD_ID.to_owned(), job.status.build_id.clone());
    labels_and_annotations(&job.spec, &extra, &job.metadata.annotations)
}
