//! `github_reporter` and `slack_reporter_configs`: where results are told.

use std::collections::BTreeMap;

use job_spec::{JobType, Refs, SlackReporterConfig, go_struct};

/// What the Slack reporter says unless the configuration has its own template.
pub const DEFAULT_SLACK_REPORT_TEMPLATE: &str = "Job {{.Spec.Job}} of type {{.Spec.Type}} ended with state {{.Status.State}}. <{{.Status.URL}}|View logs>";

go_struct! {
    /// Which runs are reported to GitHub, and how.
    pub struct GitHubReporter {
        /// Types of jobs: `presubmit` and `postsubmit`, which is also the default.
        pub job_types_to_report: Vec<JobType> => "job_types_to_report",
        /// Organisations and repositories without comments about failures.
        pub no_comment_repos: Vec<String> => "no_comment_repos",
        /// Organisations and repositories with one comment once all jobs of a commit have ended.
        pub summary_comment_repos: Vec<String> => "summary_comment_repos",
    }
}

go_struct! {
    /// Which runs are reported to Slack, and how.
    pub struct SlackReporter {
        /// Types of jobs.
        pub job_types_to_report: Vec<JobType> => "job_types_to_report",
    }
    embed {
        /// Host, channel, states and template.
        pub slack: SlackReporterConfig,
    }
}

/// Slack settings by `*`, organisation or repository. Levels are not merged.
pub type SlackReporterConfigs = BTreeMap<String, SlackReporter>;

/// The Slack settings for a repository: its own, else its organisation's, else those of `*`.
pub fn slack_reporter_for<'a>(
    configs: &'a SlackReporterConfigs,
    refs: Option<&Refs>,
) -> Option<&'a SlackReporter> {
    refs.and_then(|refs| {
        configs.get(&format!("{}/{}", refs.org, refs.repo)).or_else(|| configs.get(&refs.org))
    })
    .or_else(|| configs.get("*"))
}

impl GitHubReporter {
    /// Whether comments about failures are written in a repository.
    pub fn comments_in(&self, org: &str, repo: &str) -> bool {
        !names(&self.no_comment_repos, org, repo)
    }

    /// Whether a repository gets one comment once all jobs of a commit have ended.
    pub fn summarizes_in(&self, org: &str, repo: &str) -> bool {
        names(&self.summary_comment_repos, org, repo)
    }
}

fn names(list: &[String], org: &str, repo: &str) -> bool {
    list.iter().any(|entry| entry == org || entry.split_once('/') == Some((org, repo)))
}
