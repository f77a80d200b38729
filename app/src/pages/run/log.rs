//! The log of a run.
//!
//! The server renders one stretch of lines with links to the next, which is all
//! that a reader without script gets; with script the log viewer island takes
//! the same lines over and loads others as they come into sight, so that a log
//! of any size opens at once and is never in the page as a whole.

use leptos::prelude::*;

use crate::islands::LogViewer;
use crate::model::{LogLine, LogLines, LogRange, PageError, RunRow, encode, segment};
use crate::ui::{Empty, bytes, count, prose};

/// Lines that the server puts into the page.
const STRETCH: u64 = 400;

/// Lines of a log that is shown in a lower window, since it fits.
const SHORT: u64 = 24;

/// Reads `from=`, a line number as shown; without it the first error of a run that failed is wanted,
/// and else the end of the log.
pub(super) fn wanted_range(from: Option<&str>, failed: bool) -> LogRange {
    match from.and_then(|text| text.parse::<u64>().ok()) {
        Some(number) => LogRange::From { line: number.saturating_sub(1), count: STRETCH },
        None if failed => LogRange::FirstError(STRETCH),
        None => LogRange::Last(STRETCH),
    }
}

/// The lines and the way to others.
#[component]
pub(crate) fn Log(
    row: RunRow,
    lines: Option<Result<LogLines, PageError>>,
    at_error: bool,
) -> impl IntoView {
    let lines = match lines {
        Some(Ok(lines)) => lines,
        Some(Err(error)) => return view! { <Unread row error/> }.into_any(),
        None => LogLines::default(),
    };
    let id = segment(&row.id);
    let api = format!("/api/v1/runs/{id}/log");
    let raw = format!("/log?job={}&id={}", encode(&row.job), encode(&row.build_id));
    let LogLines { first_line, total_lines, size_bytes, complete, .. } = lines;
    let shown = lines.lines.len() as u64;
    let error = lines.lines.iter().find(|line| line.error).map(|line| line.n);
    let at = error.filter(|_| at_error).map(|number| number.to_string());
    let first_error =
        at.clone().map(|number| view! { <a href=format!("#L{number}")>"first error"</a> " " });
    let (first, last) = (first_line + 1, first_line + shown);
    let page = |from: u64| format!("{}?tab=log&from={from}", row.href);
    let earlier = (first_line > 0).then(|| page(first_line.saturating_sub(STRETCH) + 1));
    let later = (last < total_lines).then(|| page(last + 1));
    let position = if shown == 0 {
        "No line yet".to_owned()
    } else {
        format!("Lines {}–{} of {}", count(first), count(last), count(total_lines))
    };
    let pager = move || {
        view! {
            <nav class="log-pages" aria-label="Other lines">
                {earlier.clone().map(|href| view! { <a href=page_start(&href)>"First lines"</a> <a href=href>"← Earlier"</a> })}
                <span>{position.clone()}</span>
                {later.clone().map(|href| view! { <a href=href.clone()>"Later →"</a> <a href=page_end(&href)>"Last lines"</a> })}
            </nav>
        }
    };
    view! {
        <div
            class=if complete && total_lines <= SHORT { "log short" } else { "log" }
            id="log"
            data-api=api
            data-first=first_line.to_string()
            data-total=total_lines.to_string()
            data-complete=complete.to_string()
            data-at=at
        >
            <div class="log-bar">
                <LogViewer/>
                <span class="log-size">{count(total_lines)} " lines, " {bytes(size_bytes)}</span>
                {first_error}
                <a href=raw>"raw"</a>
            </div>
            {pager.clone()()}
            <div class="log-scroll" tabindex="0" role="region" aria-label="Log">
                <ol class="lines">{lines.lines.into_iter().map(line).collect_view()}</ol>
                {(shown == 0)
                    .then(|| {
                        view! {
                            <p class="log-empty">
                                "There is no line yet; the first appears here as soon as the job writes it."
                            </p>
                        }
                    })}
            </div>
            {pager()}
        </div>
    }
    .into_any()
}

/// The same address from the first line.
fn page_start(href: &str) -> String {
    format!("{}&from=1", href.split("&from=").next().unwrap_or(href))
}

/// The same address at the end.
fn page_end(href: &str) -> String {
    href.split("&from=").next().unwrap_or(href).to_owned()
}

/// One line; the island builds the same elements.
fn line(line: LogLine) -> impl IntoView {
    let id = format!("L{}", line.n);
    let cut = (line.cut_bytes > 0)
        .then(|| view! { <em class="cut">" … " {bytes(line.cut_bytes)} " not shown"</em> });
    let spans = line
        .spans
        .into_iter()
        .map(|span| {
            if span.class.is_empty() {
                span.text.into_any()
            } else {
                view! { <span class=span.class>{span.text}</span> }.into_any()
            }
        })
        .collect_view();
    view! {
        <li id=id.clone() class:error=line.error><a href=format!("#{id}")>{line.n}</a><code>{spans}{cut}</code></li>
    }
}

/// What stands where the log cannot be read.
#[component]
fn Unread(row: RunRow, error: PageError) -> impl IntoView {
    let message = match error {
        PageError::NotFound { message }
        | PageError::BadRequest { message }
        | PageError::Unavailable { message, .. } => message,
        PageError::Forbidden { reason } => reason,
        PageError::Internal { reference } => {
            format!("The server failed to read it; its log says why under `{reference}`.")
        }
    };
    view! {
        <Empty title="The log cannot be shown.">
            {prose(&message)} " " <a href=format!("{}?tab=log", row.href)>"Try again"</a> "."
        </Empty>
    }
}
