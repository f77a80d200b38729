//! Settings of reporters on a job.

use crate::go_struct::go_struct;
use crate::prow_job::ProwJobState;

go_struct! {
    /// Settings of reporters on one job.
    pub struct ReporterConfig {
        /// Settings of the Slack reporter.
        pub slack: Option<SlackReporterConfig> => "slack",
    }
}

go_struct! {
    /// Where and when the Slack reporter speaks.
    pub struct SlackReporterConfig {
        /// Which of several configured Slack hosts; empty means the default one.
        pub host: String => "host",
        /// Channel, without `#`.
        pub channel: String => "channel",
        /// States to report. None was not written; an empty list was, and means never.
        pub job_states_to_report: Option<Vec<ProwJobState>> => "job_states_to_report" slice,
        /// Go template over the ProwJob.
        pub report_template: String => "report_template",
        /// Whether to report at all; wins over everything else.
        pub report: Option<bool> => "report",
    }
}

impl SlackReporterConfig {
    /// Fills what is not set from `default`, as Prow's Slack reporter does.
    pub fn apply_default(&self, default: &SlackReporterConfig) -> SlackReporterConfig {
        let text = |own: &String, default: &String| {
            if own.is_empty() { default.clone() } else { own.clone() }
        };
        SlackReporterConfig {
            host: text(&self.host, &default.host),
            channel: text(&self.channel, &default.channel),
            job_states_to_report: self
                .job_states_to_report
                .clone()
                .or_else(|| default.job_states_to_report.clone()),
            report_template: text(&self.report_template, &default.report_template),
            report: self.report.or(default.report),
        }
    }

    /// Makes `report` explicit: an explicitly empty list of states means no. Done at creation because an
    /// empty list is left out when the resource is stored.
    pub fn set_report_default(&mut self) {
        let wanted = self.job_states_to_report.as_ref().is_none_or(|states| !states.is_empty());
        self.report.get_or_insert(wanted);
    }
}
