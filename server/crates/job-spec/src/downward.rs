//! What a test is told about its own run, in the variable `JOB_SPEC`.

use std::sync::Arc;

use crate::decoration::DecorationConfig;
use crate::go_struct::go_struct;
use crate::prow_job::{JobType, ProwJobSpec};
use crate::refs::Refs;

go_struct! {
    /// What a test is told about its own run.
    pub struct JobSpec {
        /// What caused the run.
        pub job_type: JobType => "type",
        /// Name of the job.
        pub job: String => "job",
        /// Build id of the run.
        pub build_id: String => "buildid",
        /// Name of the ProwJob.
        pub prow_job_id: String => "prowjobid",
        /// The code under test.
        pub refs: Option<Refs> => "refs",
        /// Further repositories.
        pub extra_refs: Vec<Refs> => "extra_refs",
        /// How the Pod was decorated.
        pub decoration_config: Option<Arc<DecorationConfig>> => "decoration_config",
    }
    skip {
        /// The controller that runs it; not told to the test.
        pub agent: String,
    }
}

impl JobSpec {
    /// What the run of `spec` with this build id and ProwJob name is told.
    pub fn new(spec: &ProwJobSpec, build_id: &str, prow_job_id: &str) -> JobSpec {
        JobSpec {
            job_type: spec.job_type,
            job: spec.job.clone(),
            build_id: build_id.to_owned(),
            prow_job_id: prow_job_id.to_owned(),
            refs: spec.refs.clone(),
            extra_refs: spec.extra_refs.clone(),
            decoration_config: spec.decoration_config.clone(),
            agent: spec.agent.clone(),
        }
    }

    /// The refs whose revision is the run's: its own, else the first extra ones that are not auxiliary.
    pub fn main_refs(&self) -> Option<&Refs> {
        main_refs(self.refs.as_ref(), &self.extra_refs)
    }

    /// The run's revision as far as it is known before cloning: the first pull's commit, else the base
    /// commit, else the branch. Empty if there are no refs.
    pub fn revision(&self) -> &str {
        let Some(refs) = self.main_refs() else { return "" };
        match refs.pulls.first() {
            Some(pull) => &pull.sha,
            None if !refs.base_sha.is_empty() => &refs.base_sha,
            None => &refs.base_ref,
        }
    }
}

/// The refs whose revision is a run's: `refs`, else the first of `extra_refs` that is not auxiliary.
pub fn main_refs<'a>(refs: Option<&'a Refs>, extra_refs: &'a [Refs]) -> Option<&'a Refs> {
    refs.or_else(|| extra_refs.iter().find(|refs| !refs.auxiliary))
}
