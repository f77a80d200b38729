//! Plank's metrics, under Prow's names.
//!
//! Each has a series for every job, state and branch: ten thousand in a busy cluster. They are kept
//! as one text each and written as text, since a client library's series of nine labels costs ten
//! times that.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use job_spec::{ProwJob, ProwJobState, labels};
use parking_lot::Mutex;

use crate::metrics::Families;

/// Plank's metrics. Clones share them.
#[derive(Clone, Default)]
pub struct Metrics {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// By the labels as Prometheus reads them.
    series: HashMap<Box<str>, Series>,
    /// By the name of the ProwJob.
    seen: HashMap<Box<str>, Seen>,
    /// Counts the samples.
    sample: u64,
    /// Where the labels of a ProwJob are written before they are looked up.
    labels: String,
}

#[derive(Clone, Copy, Default)]
struct Series {
    /// ProwJobs at the last sample.
    jobs: u64,
    /// ProwJobs that ever came into the state.
    transitions: u64,
}

/// A ProwJob at the last sample that had it.
struct Seen {
    state: ProwJobState,
    sample: u64,
}

impl Metrics {
    /// Takes a sample of all ProwJobs.
    pub fn sample<'a>(&self, all: impl Iterator<Item = &'a ProwJob>) {
        let inner = &mut *self.inner.lock();
        let Inner { series, seen, sample, labels } = inner;
        *sample += 1;
        // What is no longer there must not keep its old number.
        for series in series.values_mut() {
            series.jobs = 0;
        }
        for job in all {
            write_labels(job, labels);
            let series = match series.get_mut(labels.as_str()) {
                Some(series) => series,
                None => series.entry(labels.as_str().into()).or_default(),
            };
            series.jobs += 1;
            let state = &job.status.state;
            match seen.get_mut(job.metadata.name.as_str()) {
                Some(seen) => {
                    seen.sample = *sample;
                    if seen.state != *state {
                        seen.state = state.clone();
                        series.transitions += 1;
                    }
                }
                None => {
                    let name = job.metadata.name.as_str().into();
                    seen.insert(name, Seen { state: state.clone(), sample: *sample });
                    series.transitions += 1;
                }
            }
        }
        seen.retain(|_, seen| seen.sample == *sample);
    }
}

impl Families for Metrics {
    fn write(&self, out: &mut String) {
        let inner = self.inner.lock();
        let mut lines: Vec<_> = inner.series.iter().collect();
        lines.sort_unstable_by_key(|(labels, _)| *labels);
        out.push_str("# HELP prowjobs Number of prowjobs in the system.\n# TYPE prowjobs gauge\n");
        for (labels, series) in lines.iter().filter(|(_, series)| series.jobs > 0) {
            let _ = writeln!(out, "prowjobs{{{labels}}} {}", series.jobs);
        }
        out.push_str(
            "# HELP prowjob_state_transitions Number of prowjobs transitioning states.\n\
             # TYPE prowjob_state_transitions counter\n",
        );
        for (labels, series) in lines.iter().filter(|(_, series)| series.transitions > 0) {
            let _ = writeln!(out, "prowjob_state_transitions{{{labels}}} {}", series.transitions);
        }
    }
}

/// `base_ref="main",cluster="default",…`, in the order of the names as client libraries have them.
fn write_labels(job: &ProwJob, out: &mut String) {
    out.clear();
    let refs = job.main_refs();
    let of_refs = |part: fn(&job_spec::Refs) -> &str| refs.map(part).unwrap_or_default();
    let retest = job.metadata.labels.get(labels::RETEST).is_some_and(|retest| retest == "true");
    let values = [
        ("base_ref", of_refs(|refs| &refs.base_ref)),
        ("cluster", &job.spec.cluster),
        ("job_name", &job.spec.job),
        ("job_namespace", &job.metadata.namespace),
        ("org", of_refs(|refs| &refs.org)),
        ("repo", of_refs(|refs| &refs.repo)),
        ("retest", if retest { "true" } else { "false" }),
        ("state", job.status.state.as_str()),
        ("type", job.spec.job_type.as_str()),
    ];
    for (name, value) in values {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(name);
        out.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The series of a family with their numbers.
    fn series(metrics: &Metrics, family: &str) -> Vec<String> {
        let mut text = String::new();
        metrics.write(&mut text);
        let lines = text.lines().filter_map(|line| line.strip_prefix(family)?.strip_prefix('{'));
        lines.map(str::to_owned).collect()
    }

    fn job(state: ProwJobState) -> ProwJob {
        let mut job = ProwJob::default();
        job.metadata.name = "a".to_owned();
        job.metadata.namespace = "prow".to_owned();
        job.spec.job = "unit \"quick\"".to_owned();
        job.spec.cluster = "default".to_owned();
        job.status.state = state;
        job
    }

    fn labels(state: &str, count: u64) -> String {
        format!(
            "base_ref=\"\",cluster=\"default\",job_name=\"unit \\\"quick\\\"\",\
             job_namespace=\"prow\",org=\"\",repo=\"\",retest=\"false\",state=\"{state}\",\
             type=\"{}\"}} {count}",
            ProwJob::default().spec.job_type.as_str()
        )
    }

    #[test]
    fn transitions_are_counted_once_and_gone_jobs_leave_the_gauge() {
        let metrics = Metrics::default();
        let triggered = job(ProwJobState::Triggered);
        metrics.sample([&triggered].into_iter());
        metrics.sample([&triggered].into_iter());
        assert_eq!(series(&metrics, "prowjobs"), [labels("triggered", 1)]);
        assert_eq!(series(&metrics, "prowjob_state_transitions"), [labels("triggered", 1)]);
        metrics.sample([&job(ProwJobState::Pending)].into_iter());
        assert_eq!(series(&metrics, "prowjobs"), [labels("pending", 1)]);
        metrics.sample(std::iter::empty());
        assert_eq!(series(&metrics, "prowjobs"), Vec::<String>::new());
        assert_eq!(
            series(&metrics, "prowjob_state_transitions"),
            [labels("pending", 1), labels("triggered", 1)]
        );
    }
}
