//! The examples of the API's description, made from the very types that the
//! handlers answer with, so that an example cannot say what an answer does not.

use app::model::{
    Facet, Facets, Histogram, IssueState, LogFold, LogHits, LogLine, LogLines, LogPin, LogSpan,
    Permission, PullRef, RunFilter, RunKind, RunPage, RunReference, RunRefs, RunRow, RunState,
    SuccessRate, Suggestion,
};
use axum::http::StatusCode;
use serde::Serialize;

use super::deliveries::Replayed;
use super::pins::Unpinned;
use super::start::{Start, StartPull, StartRefs, Started};
use super::stream::{Gone, Hello};
use crate::web::error::{ErrorBody, ErrorDocument};

/// 2026-11-21 06:00:00 UTC, when everything in the examples happens.
const NOW_MS: i64 = 1_795_240_800_000;
const MINUTE_MS: i64 = 60_000;
const RUN: &str = "942f904f-41f8-4d6f-971b-a8bdd18110c7";

pub(super) fn run_row() -> RunRow {
    RunRow {
        id: RUN.to_owned(),
        href: "/view/gs/results/pr-logs/pull/org_repo/7/unit/1991745024".to_owned(),
        job: "unit".to_owned(),
        kind: RunKind::Presubmit,
        state: RunState::Success,
        refs: RunRefs {
            org: "org".to_owned(),
            repo: "repo".to_owned(),
            repo_link: "https://github.com/org/repo".to_owned(),
            base_ref: "main".to_owned(),
            base_sha: "3b18e512dba79e4c8300dd08aeb37f8e728b8dad".to_owned(),
            base_link:
                "https://github.com/org/repo/commit/3b18e512dba79e4c8300dd08aeb37f8e728b8dad"
                    .to_owned(),
            pulls: vec![PullRef {
                number: 7,
                author: "alice".to_owned(),
                sha: "f00dfeed5ba79e4c8300dd08aeb37f8e728b8dad".to_owned(),
                title: "Mend the fence".to_owned(),
                link: "https://github.com/org/repo/pull/7".to_owned(),
                commit_link:
                    "https://github.com/org/repo/commit/f00dfeed5ba79e4c8300dd08aeb37f8e728b8dad"
                        .to_owned(),
                author_link: "https://github.com/alice".to_owned(),
            }],
        },
        build_id: "1991745024".to_owned(),
        cluster: "default".to_owned(),
        started_ms: NOW_MS - 10 * MINUTE_MS,
        finished_ms: Some(NOW_MS - 4 * MINUTE_MS),
        description: "Job succeeded.".to_owned(),
        has_prowjob: true,
    }
}

pub(super) fn run_page() -> RunPage {
    let succeeded = |count| {
        let mut counts = [0; RunState::COUNT];
        counts[3] = count;
        counts
    };
    let facet = |value: &str| vec![Facet { value: value.to_owned(), count: 1 }];
    RunPage {
        now_ms: NOW_MS,
        rows: vec![run_row()],
        older: Some(format!("{}-{RUN}", NOW_MS - 10 * MINUTE_MS)),
        newer: None,
        matching: 1,
        total: 1,
        counts: succeeded(1),
        rates: vec![SuccessRate { window_ms: 180 * MINUTE_MS, succeeded: 1, failed: 0 }],
        histogram: Histogram {
            start_ms: NOW_MS - 10 * MINUTE_MS,
            bucket_ms: 10 * MINUTE_MS,
            buckets: vec![succeeded(1).map(|count| count as u32)],
        },
        facets: Facets {
            kinds: facet("presubmit"),
            repos: facet("org/repo"),
            authors: facet("alice"),
            bases: facet("main"),
            states: facet("success"),
            clusters: facet("default"),
        },
        rerun: Permission::yes(),
        abort: Permission::no("The run has ended."),
        stream_id: format!("{NOW_MS}-42"),
    }
}

pub(super) fn log_hits() -> LogHits {
    LogHits { lines: vec![16, 17], total: 2, searched: 18 }
}

pub(super) fn log_lines() -> LogLines {
    let span = |text: &str, class: &str| LogSpan { text: text.to_owned(), class: class.to_owned() };
    LogLines {
        first_line: 16,
        lines: vec![
            LogLine { n: 17, spans: vec![span("=== RUN TestFence", "")], ..LogLine::default() },
            LogLine {
                n: 18,
                spans: vec![span("--- ", ""), span("PASS", "ab f2"), span(": TestFence", "")],
                ..LogLine::default()
            },
        ],
        total_lines: 18,
        size_bytes: 1_024,
        complete: true,
        note: String::new(),
    }
}

pub(super) fn log_folds() -> Vec<LogFold> {
    vec![LogFold {
        n: 3,
        last: 16,
        name: "Building".to_owned(),
        took_ms: Some(31_000),
        ..LogFold::default()
    }]
}

pub(super) fn pin() -> LogPin {
    LogPin {
        id: 3,
        from: 17,
        to: 18,
        note: "This is why.".to_owned(),
        who: "localhost".to_owned(),
        at_ms: NOW_MS,
    }
}

pub(super) fn pins() -> Vec<LogPin> {
    vec![pin()]
}

pub(super) fn references() -> Vec<RunReference> {
    vec![RunReference {
        repo: "org/repo".to_owned(),
        number: 12,
        is_pr: false,
        title: "The fence falls over".to_owned(),
        state: IssueState::Open,
        author: "alice".to_owned(),
        href: "https://github.com/org/repo/issues/12#issuecomment-34".to_owned(),
        at_ms: NOW_MS,
        texts: 1,
    }]
}

pub(super) fn unpinned() -> Unpinned {
    Unpinned { id: 3 }
}

pub(super) fn no_lines() -> ErrorDocument {
    document(StatusCode::BAD_REQUEST, "`x` is no number of a line; the first line is 1.")
}

pub(super) fn too_many_pins() -> ErrorDocument {
    let error = super::pins::too_many();
    document(error.status, &error.message)
}

pub(super) fn pins_away() -> ErrorDocument {
    document(StatusCode::SERVICE_UNAVAILABLE, "The store does not answer.")
}

pub(super) fn log_events() -> String {
    event("lines", Some("18"), &log_lines()) + &event("end", None, &serde_json::json!({}))
}

pub(super) fn run_events() -> String {
    let id = |version: u32| format!("{NOW_MS}-{version}");
    event("hello", Some(&id(42)), &Hello { at: NOW_MS, resync: false })
        + &event("run", Some(&id(43)), &run_row())
        + &event("gone", Some(&id(44)), &Gone { id: RUN.to_owned() })
}

pub(super) fn suggestions() -> Vec<Suggestion> {
    let job = RunFilter { job: Some("unit".to_owned()), ..RunFilter::default() };
    vec![Suggestion { label: "unit".to_owned(), kind: "job".to_owned(), href: job.href() }]
}

pub(super) fn replayed() -> Replayed {
    Replayed { id: 12 }
}

pub(super) fn start() -> Start {
    let refs = StartRefs {
        org: "org".to_owned(),
        repo: "repo".to_owned(),
        base_ref: "main".to_owned(),
        base_sha: "3b18e512dba79e4c8300dd08aeb37f8e728b8dad".to_owned(),
        pulls: vec![StartPull {
            number: 7,
            author: "alice".to_owned(),
            sha: "f00dfeed5ba79e4c8300dd08aeb37f8e728b8dad".to_owned(),
            head_ref: "mend-the-fence".to_owned(),
        }],
    };
    Start { job: "unit".to_owned(), refs: Some(refs) }
}

pub(super) fn started() -> Started {
    Started { id: RUN.to_owned(), url: format!("/run/{RUN}") }
}

pub(super) fn no_job() -> ErrorDocument {
    let error = super::start::no_job("unti");
    document(error.status, &error.message)
}

pub(super) fn no_pull() -> ErrorDocument {
    let error = super::start::no_pull("unit");
    document(error.status, &error.message)
}

pub(super) fn not_made() -> ErrorDocument {
    document(StatusCode::SERVICE_UNAVAILABLE, "The new run could not be created.")
}

pub(super) fn no_kind() -> ErrorDocument {
    let error = super::suggest::no_kind("pull");
    document(error.status, &error.message)
}

pub(super) fn no_run() -> ErrorDocument {
    let none = app::model::PageError::NotFound { message: String::new() };
    let error = crate::web::patience::no_run(none, RUN);
    document(error.status, &error.message)
}

pub(super) fn bad_pattern() -> ErrorDocument {
    document(StatusCode::BAD_REQUEST, "error parsing regexp: missing closing ): `(`")
}

pub(super) fn log_away() -> ErrorDocument {
    document(StatusCode::SERVICE_UNAVAILABLE, "The place where the log is kept does not answer.")
}

pub(super) fn not_allowed() -> ErrorDocument {
    document(
        StatusCode::FORBIDDEN,
        "Only a browser on the machine that runs this server may do that (by way of \
         http://localhost), because login is not set up.",
    )
}

pub(super) fn no_delivery() -> ErrorDocument {
    document(StatusCode::NOT_FOUND, "There is no delivery number 12.")
}

pub(super) fn still_pending() -> ErrorDocument {
    document(
        StatusCode::CONFLICT,
        "The delivery is still pending, or its body is no longer kept, so it cannot be replayed.",
    )
}

pub(super) fn journal_away() -> ErrorDocument {
    document(StatusCode::SERVICE_UNAVAILABLE, "The journal does not answer.")
}

pub(super) fn no_path() -> &'static str {
    "This is no path of a file: it leads out of the folder.\n"
}

pub(super) fn no_file() -> &'static str {
    "The run has no file artifacts/junit.xml.\n"
}

pub(super) fn bucket_away() -> &'static str {
    "The bucket does not answer.\n"
}

fn document(status: StatusCode, message: &str) -> ErrorDocument {
    ErrorDocument { error: ErrorBody { status: status.as_u16(), message: message.to_owned() } }
}

fn event(name: &str, id: Option<&str>, data: &impl Serialize) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n")
}
