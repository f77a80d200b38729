//! Who names the cluster of a run. Pure.

use config_load::prow::{ExternalScheduling, Scheduler};
use job_spec::ProwJob;
use job_spec::prow_job::{KUBERNETES_AGENT, TEKTON_AGENT};

/// The way to the cluster of one run.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice<'a> {
    /// It stays where its job says.
    Stay,
    /// It goes to another cluster.
    Move(&'a str),
    /// A service says where.
    Ask(&'a ExternalScheduling),
}

/// The choice for a run: the failover mappings if there are any, else the service if there is
/// one, as Prow's scheduler does. Runs of other agents have no build cluster of ours and stay.
#[must_use]
pub fn choose<'a>(job: &ProwJob, scheduler: &'a Scheduler) -> Choice<'a> {
    let ours = [KUBERNETES_AGENT, TEKTON_AGENT].contains(&job.spec.agent.as_str());
    if !scheduler.enabled || !ours {
        return Choice::Stay;
    }
    match (&scheduler.failover, &scheduler.external) {
        (Some(failover), _) => match failover.mappings.get(job.cluster_alias()) {
            Some(to) => Choice::Move(to),
            None => Choice::Stay,
        },
        (None, Some(external)) => Choice::Ask(external),
        (None, None) => Choice::Stay,
    }
}
