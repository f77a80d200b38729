//! The examples of the API of histories.

use app::model::{
    ComparedTest, ComparedTests, DiffLine, Difference, HistoryPeriod, HistoryQuery, HistoryRow,
    JobHistory, Link, LogDiff, PullCommit, PullHistory, PullJob, RunComparison, RunRow, RunState,
    TestChange,
};
use axum::http::StatusCode;

use super::example::run_row;
use crate::web::error::{ErrorBody, ErrorDocument};

/// 2026-11-21 06:00:00 UTC, when everything in the examples happens.
const NOW_MS: i64 = 1_795_240_800_000;
const HOUR_MS: i64 = 3_600_000;

fn error(status: StatusCode, message: &str) -> ErrorDocument {
    ErrorDocument { error: ErrorBody { status: status.as_u16(), message: message.to_owned() } }
}

pub(super) fn bad() -> ErrorDocument {
    let message = "The parameter `buildId` is nope, which is no build id: a positive number.";
    error(StatusCode::BAD_REQUEST, message)
}

pub(super) fn no_job() -> ErrorDocument {
    let message = "There is no run of unti in gs://results/pr-logs/directory/unti.";
    error(StatusCode::NOT_FOUND, message)
}

pub(super) fn no_pull() -> ErrorDocument {
    error(StatusCode::NOT_FOUND, "There is no run of pull request 8 of org/repo here.")
}

pub(super) fn no_run() -> ErrorDocument {
    error(StatusCode::NOT_FOUND, "There is no run of unit before this one to compare it with.")
}

pub(super) fn away() -> ErrorDocument {
    error(StatusCode::SERVICE_UNAVAILABLE, "The run history could not be read.")
}

fn failed() -> RunRow {
    let row = run_row();
    RunRow {
        id: "0c3e6a51-2f0b-4d0e-9c36-0d6c6e3f3a55".to_owned(),
        href: row.href.replace("1991745024", "1991745011"),
        state: RunState::Failure,
        build_id: "1991745011".to_owned(),
        started_ms: row.started_ms - HOUR_MS,
        finished_ms: row.finished_ms.map(|ms| ms - HOUR_MS),
        description: "Job failed.".to_owned(),
        ..row
    }
}

fn entry(run: RunRow) -> HistoryRow {
    HistoryRow { run, note: String::new() }
}

pub(super) fn job() -> JobHistory {
    let href = "/job-history/gs/results/pr-logs/directory/unit";
    let drawing =
        |of: &str| format!("/job-history-chart/gs/results/pr-logs/directory/unit?of={of}");
    JobHistory {
        now_ms: NOW_MS,
        job: "unit".to_owned(),
        root: "gs://results/pr-logs/directory/unit".to_owned(),
        folder_href: "/gcs/results/pr-logs/directory/unit/".to_owned(),
        href: href.to_owned(),
        query: HistoryQuery { limit: Some(2), ..HistoryQuery::default() },
        rows: vec![entry(run_row()), entry(failed())],
        older: Some("1991744987".to_owned()),
        newer: None,
        periods: vec![HistoryPeriod {
            start_ms: NOW_MS - 6 * HOUR_MS,
            succeeded: 1,
            failed: 1,
            other: 0,
            median_ms: Some(HOUR_MS / 10),
        }],
        charted: 2,
        durations_src: drawing("durations"),
        rates_src: drawing("rates"),
        notes: Vec::new(),
    }
}

pub(super) fn pull() -> PullHistory {
    let row = run_row();
    let commit = row.refs.pulls.first().cloned().unwrap_or_default();
    PullHistory {
        now_ms: NOW_MS,
        org: "org".to_owned(),
        repo: "repo".to_owned(),
        number: 7,
        link: commit.link,
        title: commit.title,
        author: commit.author,
        commits: vec![PullCommit {
            sha: commit.sha,
            href: commit.commit_link,
            started_ms: failed().started_ms,
            most: 2,
        }],
        jobs: vec![PullJob {
            job: row.job.clone(),
            href: "/job-history/gs/results/pr-logs/directory/unit".to_owned(),
            cells: vec![vec![entry(row), entry(failed())]],
        }],
        batches: Vec::new(),
        runs: 2,
        page: 1,
        pages: 1,
        notes: Vec::new(),
    }
}

pub(super) fn comparison() -> RunComparison {
    RunComparison {
        now_ms: NOW_MS,
        old: failed(),
        new: run_row(),
        choices: vec![failed()],
        parameters: Some(vec![Difference {
            name: "containers.test.image".to_owned(),
            old: Some("golang:1.24".to_owned()),
            new: Some("golang:1.25".to_owned()),
        }]),
        commits: vec![Link {
            text: "main: 1f2e3d4…3b18e51".to_owned(),
            href: "https://github.com/org/repo/compare/1f2e3d4...3b18e51".to_owned(),
            title: "what changed in org/repo".to_owned(),
        }],
        tests: Some(ComparedTests {
            tests: vec![ComparedTest {
                name: "fence.TestFence".to_owned(),
                change: TestChange::Fixed,
                old_ms: Some(310),
                new_ms: Some(290),
            }],
            counts: [0, 1, 0, 0],
            old_total: 12,
            new_total: 12,
            gone: 0,
            added: 0,
        }),
        log: Some(LogDiff {
            lines: vec![DiffLine {
                old: Some(17),
                new: None,
                text: "--- FAIL: TestFence (0.31s)".to_owned(),
            }],
            same: 16,
        }),
        notes: Vec::new(),
    }
}
