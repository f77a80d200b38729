//! Whether a run is due for a report. Pure.

use job_spec::{ProwJob, ProwJobState};

/// Whether the run's state is one that the reporter has not reported last. `own` is what this
/// process reported and the watch may not show yet.
#[must_use]
pub fn is_due(reporter: &str, job: &ProwJob, own: Option<&ProwJobState>) -> bool {
    let state = &job.status.state;
    job.status.prev_report_states.get(reporter) != Some(state) && own != Some(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_reported_once_by_each_reporter() {
        let mut job = ProwJob::default();
        job.status.state = ProwJobState::Pending;
        assert!(is_due("a", &job, None));
        assert!(!is_due("a", &job, Some(&ProwJobState::Pending)));
        assert!(is_due("a", &job, Some(&ProwJobState::Triggered)));
        job.status.prev_report_states.insert("a".to_owned(), ProwJobState::Pending);
        assert!(!is_due("a", &job, None));
        assert!(is_due("b", &job, None));
        job.status.state = ProwJobState::Success;
        assert!(is_due("a", &job, None));
    }
}
