//! Where the objects of a run lie.

use blob::BlobUri;
use config_load::Config;
use job_spec::gcs_path::alias_target;
use job_spec::{GcsConfiguration, JobSpec, ProwJob};

/// The folder of a run, if it can be told: not before the run has a build id, and for a job that
/// is not decorated only by the default of its repository, which is a guess, as in Prow.
#[must_use]
pub fn run_dir(job: &ProwJob, config: &Config) -> Option<BlobUri> {
    if job.status.build_id.is_empty() {
        return None;
    }
    let gcs = gcs_configuration(job, config)?;
    if gcs.bucket.is_empty() {
        return None;
    }
    let spec = JobSpec::new(&job.spec, &job.status.build_id, &job.metadata.name);
    alias_target(&gcs, &spec).ok()?.parse().ok()
}

fn gcs_configuration(job: &ProwJob, config: &Config) -> Option<GcsConfiguration> {
    let own = job.spec.decoration_config.as_ref().and_then(|own| own.gcs_configuration.as_ref());
    if let Some(own) = own {
        return Some(own.clone());
    }
    let repo = job.main_refs().map(job_spec::Refs::org_repo).unwrap_or_default();
    let guess = config.prow.plank.guess_default_decoration_config(&repo, &job.spec.cluster);
    guess.gcs_configuration.clone()
}
