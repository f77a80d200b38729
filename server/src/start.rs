//! What a run of a configured job is, asked for by name, as Prow's mkpj makes it.

use config_load::Config;
use config_load::prow::identifier::split_repo_name;
use job_spec::create::{periodic_spec, postsubmit_spec, presubmit_spec};
use job_spec::job::JobBase;
use job_spec::{ProwJobSpec, Refs};

/// The first job of that name with the spec of its run: presubmits come before postsubmits and
/// these before periodics.
///
/// `wanted` says what is to be tested. Its repository is the job's where it names none, else only
/// jobs of that repository fit; its pull requests are tested by a presubmit alone, and a periodic
/// takes nothing of it.
pub fn configured_run(
    config: &Config,
    name: &str,
    wanted: &Refs,
) -> Option<(JobBase, ProwJobSpec)> {
    let refs = |full_name: &str| {
        let (org, repo) = split_repo_name(full_name)?;
        let any = wanted.org.is_empty() && wanted.repo.is_empty();
        (any || (wanted.org == org && wanted.repo == repo)).then(|| Refs {
            org,
            repo,
            ..wanted.clone()
        })
    };
    let named = |job: &JobBase| job.name == name;
    for (repo, job) in config.jobs.all_presubmits().filter(|(_, job)| named(&job.base)) {
        if let Some(refs) = refs(repo) {
            return Some((job.base.clone(), presubmit_spec(job, refs)));
        }
    }
    for (repo, job) in config.jobs.all_postsubmits().filter(|(_, job)| named(&job.base)) {
        if let Some(refs) = refs(repo) {
            let refs = Refs { pulls: Vec::new(), ..refs };
            return Some((job.base.clone(), postsubmit_spec(job, refs)));
        }
    }
    config.jobs.periodic(name).map(|job| (job.base.clone(), periodic_spec(job)))
}
