//! Plank's metrics, under Prow's names.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use job_spec::{ProwJob, ProwJobState, labels};
use parking_lot::Mutex;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

const LABELS: [&str; 9] =
    ["job_namespace", "job_name", "type", "state", "org", "repo", "base_ref", "cluster", "retest"];

/// Plank's metrics.
#[derive(Clone)]
pub struct Metrics {
    jobs: IntGaugeVec,
    transitions: IntCounterVec,
    /// The state of each ProwJob at the last sample.
    states: Arc<Mutex<HashMap<String, ProwJobState>>>,
}

impl Metrics {
    /// Registers them.
    pub fn new(registry: &Registry) -> prometheus::Result<Metrics> {
        let jobs =
            IntGaugeVec::new(Opts::new("prowjobs", "Number of prowjobs in the system."), &LABELS)?;
        let transitions = IntCounterVec::new(
            Opts::new("prowjob_state_transitions", "Number of prowjobs transitioning states."),
            &LABELS,
        )?;
        registry.register(Box::new(jobs.clone()))?;
        registry.register(Box::new(transitions.clone()))?;
        Ok(Metrics { jobs, transitions, states: Arc::default() })
    }

    /// Takes a sample of all ProwJobs.
    pub fn sample<'a>(&self, all: impl Iterator<Item = &'a ProwJob>) {
        let mut counts: BTreeMap<[String; LABELS.len()], i64> = BTreeMap::new();
        let mut states = HashMap::new();
        let mut before = self.states.lock();
        for job in all {
            let values = values(job);
            if before.get(&job.metadata.name) != Some(&job.status.state) {
                self.transitions.with_label_values(&values).inc();
            }
            states.insert(job.metadata.name.clone(), job.status.state.clone());
            *counts.entry(values).or_default() += 1;
        }
        *before = states;
        // What is no longer there must not keep its old number.
        self.jobs.reset();
        for (values, count) in counts {
            self.jobs.with_label_values(&values).set(count);
        }
    }
}

fn values(job: &ProwJob) -> [String; LABELS.len()] {
    let refs = job.main_refs().cloned().unwrap_or_default();
    let retest = job.metadata.labels.get(labels::RETEST).is_some_and(|retest| retest == "true");
    [
        job.metadata.namespace.clone(),
        job.spec.job.clone(),
        job.spec.job_type.as_str().to_owned(),
        job.status.state.as_str().to_owned(),
        refs.org,
        refs.repo,
        refs.base_ref,
        job.spec.cluster.clone(),
        retest.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_are_counted_once_and_gone_jobs_leave_the_gauge() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let mut job = ProwJob::default();
        job.metadata.name = "a".to_owned();
        job.spec.job = "unit".to_owned();
        job.status.state = ProwJobState::Triggered;
        let total = |name: &str| -> Vec<(String, f64)> {
            let families = registry.gather();
            let family = families.iter().find(|family| family.name() == name);
            let mut found: Vec<(String, f64)> = family
                .into_iter()
                .flat_map(|family| family.get_metric())
                .map(|metric| {
                    let state = metric.get_label().iter().find(|label| label.name() == "state");
                    let value = metric.get_gauge().get_value() + metric.get_counter().get_value();
                    (state.map(|label| label.value().to_owned()).unwrap_or_default(), value)
                })
                .collect();
            found.sort_by(|a, b| a.0.cmp(&b.0));
            found
        };
        metrics.sample([&job].into_iter());
        metrics.sample([&job].into_iter());
        assert_eq!(total("prowjobs"), [("triggered".to_owned(), 1.0)]);
        assert_eq!(total("prowjob_state_transitions"), [("triggered".to_owned(), 1.0)]);
        job.status.state = ProwJobState::Pending;
        metrics.sample([&job].into_iter());
        assert_eq!(total("prowjobs"), [("pending".to_owned(), 1.0)]);
        metrics.sample(std::iter::empty());
        assert_eq!(total("prowjobs"), []);
        assert_eq!(
            total("prowjob_state_transitions"),
            [("pending".to_owned(), 1.0), ("triggered".to_owned(), 1.0)]
        );
    }
}
