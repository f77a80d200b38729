//! The log of every run.

use std::convert::Infallible;
use std::time::Duration;

use app::model::*;
use axum::Json;
use axum::extract::{Path, Query};
use axum::response::Sse;
use axum::response::sse::Event;
use tokio_stream::StreamExt;

use crate::data::{NOW_MS, runs};

/// Lines of the log.
const LOG_LINES: u64 = 312_407;

#[derive(serde::Deserialize)]
pub(crate) struct Range {
    line: Option<u64>,
    count: Option<u64>,
}

pub(crate) async fn log(Path(id): Path<String>, Query(range): Query<Range>) -> Json<LogLines> {
    Json(lines(range.line.unwrap_or(0), range.count.unwrap_or(500), total(&id)))
}

pub(crate) fn total(id: &str) -> u64 {
    if runs().iter().any(|run| run.id == id && !run.state.is_over()) { 40 } else { LOG_LINES }
}

pub(crate) async fn log_stream(
    Path(_): Path<String>,
    Query(range): Query<Range>,
) -> Sse<impl tokio_stream::Stream<Item = Result<Event, Infallible>>> {
    let first = range.line.unwrap_or(0);
    let ticks = tokio_stream::iter(0..60_u64).throttle(Duration::from_millis(700));
    Sse::new(ticks.map(move |tick| {
        let end = tick == 59;
        let at = first + tick * 2;
        let lines = lines(at, 2, at + 2);
        Ok(if end {
            Event::default().event("end").data("{}")
        } else {
            Event::default()
                .event("lines")
                .json_data(LogLines { complete: false, ..lines })
                .unwrap_or_default()
        })
    }))
}

fn line(n: u64) -> LogLine {
    let plain = |text: String| LogSpan { text, class: String::new() };
    let styled =
        |text: &str, class: &str| LogSpan { text: text.to_owned(), class: class.to_owned() };
    let spans = match n % 23 {
        0 => vec![plain("+ ".to_owned()), styled("go test -json -count=1 ./...", "ab")],
        5 => vec![plain(format!("=== RUN   TestTimeout/{n}"))],
        6 => vec![styled("    suite_test.go:88: ", "ad"), styled("expected 3, got 4", "f1 ab")],
        7 => vec![
            styled("--- FAIL:", "f9 ab"),
            plain(format!(" TestTimeout/{n} (0.03s) <b>not markup</b>")),
        ],
        12 => {
            vec![plain(format!("{n:06} {}", "a very long line that goes on and on; ".repeat(14)))]
        }
        13 => vec![
            styled("W ", "f3"),
            styled(" warn ", "f0 b11"),
            plain(" deprecated flag used".to_owned()),
        ],
        14 => vec![],
        _ => vec![plain(format!(
            "ok  \tgithub.com/spf13/cobra/doc\t0.{:03}s\tcoverage: {}.{}% of statements",
            n % 1000,
            n % 100,
            n % 10
        ))],
    };
    let cut_bytes = if n % 1_000 == 12 { 1_204_112 } else { 0 };
    let at_ms = Some(NOW_MS - 600_000 + n as i64 * 37);
    LogLine { n: n + 1, spans, cut_bytes, error: n % 97 == 5, at_ms }
}

pub(crate) fn lines(first: u64, count: u64, total: u64) -> LogLines {
    let last = (first + count).min(total.max(first));
    LogLines {
        first_line: first,
        lines: (first..last).map(line).collect(),
        total_lines: total,
        size_bytes: total * 66,
        complete: total == LOG_LINES,
        note: String::new(),
    }
}
