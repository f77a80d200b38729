//! Made-up histories.

use app::model::*;

use crate::data::{NOW_MS, runs};

fn entry(run: RunRow) -> HistoryRow {
    HistoryRow { run, note: String::new() }
}

pub(crate) fn job() -> JobHistory {
    let job = "pull-cobra-unit";
    let mut rows: Vec<HistoryRow> =
        runs().into_iter().filter(|run| run.job == job).take(20).map(entry).collect();
    if let Some(last) = rows.last_mut() {
        last.note = "There is no started.json in its folder.".to_owned();
    }
    let periods = (0..12).map(|day| HistoryPeriod {
        start_ms: NOW_MS - (12 - day) * time::DAY_MS,
        succeeded: 7,
        failed: day as u64 % 4,
        other: 1,
        median_ms: Some(240_000 + day * 9_000),
    });
    JobHistory {
        now_ms: NOW_MS,
        job: job.to_owned(),
        root: format!("gs://sample-ci/pr-logs/directory/{job}"),
        folder_href: format!("/gcs/sample-ci/pr-logs/directory/{job}/"),
        href: format!("/job-history/gs/sample-ci/pr-logs/directory/{job}"),
        older: Some("17".to_owned()),
        rows,
        charted: 96,
        periods: periods.collect(),
        ..JobHistory::default()
    }
}

pub(crate) fn pull() -> PullHistory {
    let all: Vec<HistoryRow> = runs().into_iter().take(24).map(entry).collect();
    let commit = |n: u64| PullCommit {
        sha: format!("{n:040x}"),
        href: "https://github.com/spf13/cobra".to_owned(),
        started_ms: NOW_MS - n as i64 * 3_600_000,
        most: 2,
    };
    let jobs = (0..4).map(|n| PullJob {
        job: format!("pull-cobra-{n}"),
        href: "/".to_owned(),
        cells: all[n * 6..n * 6 + 6].chunks(2).map(<[HistoryRow]>::to_vec).collect(),
    });
    PullHistory {
        now_ms: NOW_MS,
        org: "spf13".to_owned(),
        repo: "cobra".to_owned(),
        number: 1007,
        link: "https://github.com/spf13/cobra/pull/1007".to_owned(),
        title: "Say which flag is missing".to_owned(),
        author: "release-bot".to_owned(),
        commits: (1..4).map(commit).collect(),
        jobs: jobs.collect(),
        runs: 24,
        page: 1,
        pages: 1,
        ..PullHistory::default()
    }
}

pub(crate) fn comparison() -> RunComparison {
    let mut all = runs();
    let (old, new) = (all.swap_remove(6), all.swap_remove(5));
    let test = |name: &str, change| ComparedTest {
        name: name.to_owned(),
        change,
        old_ms: Some(1_200),
        new_ms: Some(4_700),
    };
    let line = |old, new, text: &str| DiffLine { old, new, text: text.to_owned() };
    RunComparison {
        now_ms: NOW_MS,
        old,
        new,
        choices: all.into_iter().take(5).collect(),
        parameters: Some(vec![Difference {
            name: "containers.test.image".to_owned(),
            old: Some("golang:1.24".to_owned()),
            new: Some("golang:1.25".to_owned()),
        }]),
        tests: Some(ComparedTests {
            tests: vec![
                test("suite.TestTimeout", TestChange::Broken),
                test("suite.TestSlow", TestChange::Slower),
            ],
            counts: [1, 0, 0, 1],
            old_total: 214,
            new_total: 214,
            ..ComparedTests::default()
        }),
        log: Some(LogDiff {
            lines: vec![
                line(Some(16), Some(16), "=== RUN   TestTimeout"),
                line(Some(17), None, "--- PASS: TestTimeout"),
                line(None, Some(17), "    suite_test.go:88: expected 3, got 4"),
            ],
            same: 96,
        }),
        ..RunComparison::default()
    }
}

/// What names a run.
pub(crate) fn references() -> Vec<RunReference> {
    vec![RunReference {
        repo: "spf13/cobra".to_owned(),
        number: 2_141,
        is_pr: false,
        title: "TestTimeout fails now and then".to_owned(),
        state: IssueState::Open,
        author: "octocat".to_owned(),
        href: "https://github.com/spf13/cobra/issues/2141".to_owned(),
        at_ms: NOW_MS - 3_600_000,
        texts: 2,
    }]
}
