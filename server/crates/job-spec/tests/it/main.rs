//! What job-spec promises, seen from outside.

mod create;
mod decoration;
mod documents;
mod env;
mod filter;
mod gcs_path;
mod help;
mod interner;
mod labels;
mod pod;
mod pod_schema;
mod quantity;
mod refs;
mod should_run;
mod status_url;

use job_spec::{Postsubmit, Presubmit, ProwJob};
use serde_json::Value;

/// A presubmit from its configuration, with the defaults that the loader gives and its patterns compiled.
fn presubmit(config: Value) -> Presubmit {
    let mut job: Presubmit = serde_json::from_value(config).expect("a presubmit");
    if job.trigger.is_empty() {
        job.trigger = job_spec::job::default_trigger(&job.base.name);
        job.rerun_command = job_spec::job::default_rerun_command(&job.base.name);
    }
    if job.reporter.context.is_empty() {
        job.reporter.context = job.base.name.clone();
    }
    job.compile().expect("patterns that compile");
    job
}

fn postsubmit(config: Value) -> Postsubmit {
    let mut job: Postsubmit = serde_json::from_value(config).expect("a postsubmit");
    job.compile().expect("patterns that compile");
    job
}

fn prow_job(value: Value) -> ProwJob {
    serde_json::from_value(value).expect("a ProwJob")
}
