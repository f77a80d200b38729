//! The comment with the table of failed tests that crier keeps on a pull request.
//!
//! GitHub is the only store of that table: earlier comments are parsed back, merged with the new
//! result and written again. A new failure makes a new comment, so that people are notified.

use job_spec::labels::IS_OPTIONAL;
use job_spec::{JobType, ProwJob, ProwJobState};

use crate::plugins::respond::about_this_bot;

/// The mark by which our comments are found again.
pub const COMMENT_TAG: &str = "<!-- test report -->";
/// What stands between the cells of a row.
const CELL: &str = " | ";

/// One of the bot's own comments on the pull request, oldest first when in a list.
#[derive(Debug, Clone, Copy)]
pub struct OldComment<'a> {
    /// GitHub's number of it.
    pub id: u64,
    /// Its text.
    pub body: &'a str,
}

/// What is to be done about the comments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Comments to delete, in this order.
    pub delete: Vec<u64>,
    /// The rows of the new table; empty means that nothing failed.
    pub rows: Vec<String>,
    /// The comment to edit; `None` with rows means a new comment.
    pub edit: Option<u64>,
}

/// Merges the results of complete jobs of one pull request into what the comments say.
///
/// Newer rows win per context; rows of contexts among `jobs` are dropped; only the state
/// `failure` adds a row. As Prow's crier does.
#[must_use]
pub fn plan(jobs: &[&ProwJob], comments: &[OldComment<'_>]) -> Plan {
    let ours: Vec<_> = comments.iter().filter(|c| c.body.contains(COMMENT_TAG)).collect();
    let old: Vec<&str> = ours.iter().flat_map(|c| table_rows(c.body)).collect();
    let context_of = |row: &'_ str| row.split(CELL).next().unwrap_or_default().to_owned();
    let contexts: Vec<String> = old.iter().map(|row| context_of(row)).collect();
    let mut rows: Vec<String> = old
        .iter()
        .enumerate()
        .filter(|(i, _)| !contexts[i + 1..].contains(&contexts[*i]))
        .filter(|(i, _)| jobs.iter().all(|job| job.spec.context != contexts[*i]))
        .map(|(_, row)| (*row).to_owned())
        .collect();
    let failed: Vec<String> = jobs
        .iter()
        .filter(|job| job.status.state == ProwJobState::Failure)
        .map(|job| row(job))
        .collect();
    let notify = !failed.is_empty();
    rows.extend(failed);

    let mut delete: Vec<u64> = ours.iter().map(|c| c.id).collect();
    let latest = delete.pop();
    let edit = if notify || rows.is_empty() {
        delete.extend(latest);
        None
    } else {
        latest
    };
    Plan { delete, rows, edit }
}

/// The rows of a comment: non-empty lines after one that starts with `---`, up to an empty one.
fn table_rows(body: &str) -> Vec<&str> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in body.split('\n').map(str::trim) {
        if line.starts_with("---") {
            inside = true;
        } else if line.is_empty() {
            inside = false;
        } else if inside {
            rows.push(line);
        }
    }
    rows
}

/// The row of a failed job.
fn row(job: &ProwJob) -> String {
    let optional = (job.spec.job_type == JobType::Presubmit)
        .then(|| job.metadata.labels.get(IS_OPTIONAL))
        .flatten();
    let required = match optional.map(String::as_str) {
        Some("true") => "false",
        Some("false") => "true",
        _ => "unknown",
    };
    let pull = job.spec.refs.as_ref().and_then(|refs| refs.pulls.first());
    [
        job.spec.context.clone(),
        pull.map(|pull| pull.sha.clone()).unwrap_or_default(),
        format!("[link]({})", job.status.url),
        required.to_owned(),
        format!("`{}`", job.spec.rerun_command),
    ]
    .join(CELL)
}

/// The text of the comment. `report` is the rendered `report_template` of the repository.
#[must_use]
pub fn text(author: &str, rows: &[String], report: Option<&str>) -> String {
    let mut lines: Vec<String> = if rows.is_empty() {
        vec![format!("@{author}: all tests **passed!**"), String::new()]
    } else {
        let plural = if rows.len() > 1 { "s" } else { "" };
        vec![
            format!(
                "@{author}: The following test{plural} **failed**, say `/retest` to rerun all \
                 failed tests or `/retest-required` to rerun all mandatory failed tests:"
            ),
            String::new(),
            "Test name | Commit | Details | Required | Rerun command".to_owned(),
            "--- | --- | --- | --- | ---".to_owned(),
        ]
    };
    lines.extend(rows.iter().cloned());
    if let Some(report) = report {
        lines.extend([String::new(), report.to_owned()]);
    }
    lines.extend([
        String::new(),
        "<details>".to_owned(),
        String::new(),
        about_this_bot(),
        "</details>".to_owned(),
        COMMENT_TAG.to_owned(),
    ]);
    lines.join("\n")
}
