//! The log of a run.
//!
//! The server renders one stretch of lines with links to the next, which is all
//! that a reader without script gets; with script the log viewer island takes
//! the same lines over and loads others as they come into sight, so that a log
//! of any size opens at once and is never in the page as a whole.

use leptos::prelude::*;

use super::pins::PinForm;
use crate::islands::LogViewer;
use crate::model::{
    LogFold, LogLine, LogLines, LogRange, PageError, Permission, RunRow, encode, segment, time,
};
use crate::ui::{Empty, bytes, count, prose};

/// Lines that the server puts into the page.
const STRETCH: u64 = 400;

/// Lines of a log that is shown in a lower window, since it fits.
const SHORT: u64 = 24;

/// Parts of a log that the page lists.
const SHOWN_FOLDS: usize = 200;

/// What the address asks of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// `from=`: a line's number as shown.
    from: Option<u64>,
    /// `only=errors`: lines that look like errors with those around them.
    only_errors: bool,
    /// `times=`: each line with its time of day, or with its distance from the run's start.
    times: Option<&'static str>,
}

impl Asked {
    /// Reads the pairs of a query.
    pub(super) fn read(query: &[(String, String)]) -> Asked {
        let find =
            |name: &str| query.iter().find(|pair| pair.0 == name).map(|pair| pair.1.as_str());
        Asked {
            from: find("from").and_then(|text| text.parse().ok()),
            only_errors: find("only") == Some("errors"),
            times: match find("times") {
                Some("time") => Some("time"),
                Some("offset") => Some("offset"),
                _ => None,
            },
        }
    }

    /// The lines to load. Without a number the first error of a run that failed is wanted, and else
    /// the end of the log.
    pub(super) fn range(&self, failed: bool) -> LogRange {
        let line = self.from.map(|number| number.saturating_sub(1));
        match line {
            _ if self.only_errors => {
                LogRange::Errors { line: line.unwrap_or_default(), count: STRETCH }
            }
            Some(line) => LogRange::From { line, count: STRETCH },
            None if failed => LogRange::FirstError(STRETCH),
            None => LogRange::Last(STRETCH),
        }
    }

    /// The address of the log with this, but other lines.
    fn href(&self, run: &str, from: Option<u64>) -> String {
        let mut href = format!("{run}?tab=log");
        if self.only_errors {
            href += "&only=errors";
        }
        if let Some(times) = self.times {
            href = format!("{href}&times={times}");
        }
        match from {
            Some(from) => format!("{href}&from={from}"),
            None => href,
        }
    }
}

/// What the tab shows: the lines, and what is told beside them.
#[derive(Clone, Debug, Default)]
pub(super) struct LogTab {
    /// The lines; none before there is a log.
    pub(super) lines: Option<Result<LogLines, PageError>>,
    /// The parts of the log.
    pub(super) folds: Vec<LogFold>,
    /// What the address asks for.
    pub(super) asked: Asked,
    /// Whether the lines are those around the first error.
    pub(super) at_error: bool,
    /// Whether the reader may pin lines.
    pub(super) may_pin: Permission,
}

/// The lines and the way to others.
#[component]
pub(super) fn Log(row: RunRow, log: LogTab) -> impl IntoView {
    let LogTab { lines, folds, asked, at_error, may_pin } = log;
    let lines = match lines {
        Some(Ok(lines)) => lines,
        Some(Err(error)) => return view! { <Unread row error/> }.into_any(),
        None => LogLines::default(),
    };
    let id = segment(&row.id);
    let api = format!("/api/v1/runs/{id}/log");
    let raw = format!("/log?job={}&id={}", encode(&row.job), encode(&row.build_id));
    let LogLines { first_line, total_lines, size_bytes, complete, note, .. } = lines;
    let shown = lines.lines.len() as u64;
    let error = lines.lines.iter().find(|line| line.error).map(|line| line.n);
    let at = error.filter(|_| at_error).map(|number| number.to_string());
    let first_error =
        at.clone().map(|number| view! { <a href=format!("#L{number}")>"first error"</a> " " });
    let (first, last) = match (lines.lines.first(), lines.lines.last()) {
        (Some(first), Some(last)) => (first.n, last.n),
        _ => (first_line + 1, first_line),
    };
    let href = row.href.clone();
    let own = asked.clone();
    let page = move |from: Option<u64>| own.href(&href, from);
    let before = first_line.saturating_sub(STRETCH) + 1;
    // Where only errors are shown nobody knows what comes before.
    let earlier = (first_line > 0).then_some(if asked.only_errors { 1 } else { before });
    let earlier = earlier.map(|from| (page(Some(1)), page(Some(from))));
    let later = (last < total_lines && shown > 0).then(|| (page(Some(last + 1)), page(None)));
    let position = if shown == 0 {
        "No line yet".to_owned()
    } else {
        format!("Lines {}–{} of {}", count(first), count(last), count(total_lines))
    };
    let only_errors = asked.only_errors;
    let pager = move || {
        let earlier = earlier.clone().map(|(first, earlier)| {
            view! {
                <a href=first>"First lines"</a>
                {(!only_errors).then(|| view! { <a href=earlier>"← Earlier"</a> })}
            }
        });
        let later = later.clone().map(|(later, last)| {
            view! {
                <a href=later>"Later →"</a>
                {(!only_errors).then(|| view! { <a href=last>"Last lines"</a> })}
            }
        });
        view! {
            <nav class="log-pages" aria-label="Other lines">
                {earlier} <span>{position.clone()}</span> {later}
            </nav>
        }
    };
    let other_view = {
        let other = Asked { only_errors: !only_errors, ..asked.clone() };
        let words = if only_errors { "whole log" } else { "errors only" };
        view! { <a href=other.href(&row.href, None)>{words}</a> }
    };
    let other_times = {
        let (times, words) = match asked.times {
            None => (Some("offset"), "times"),
            Some("offset") => (Some("time"), "times in UTC"),
            Some(_) => (None, "no times"),
        };
        let other = Asked { times, ..asked.clone() };
        let from = (shown > 0).then_some(first_line + 1);
        view! { <a class="without-script" href=other.href(&row.href, from)>{words}</a> }
    };
    let started_ms = row.started_ms;
    // The number of the line before, to tell how many are left out between two.
    let mut before = asked.from.unwrap_or(1).saturating_sub(1);
    let lines = lines
        .lines
        .into_iter()
        .map(|line| {
            let first = std::mem::replace(&mut before, line.n) + 1;
            let gap = (only_errors && line.n > first).then(|| {
                let whole = Asked { only_errors: false, ..asked.clone() };
                let words = format!("{} lines without an error", count(line.n - first));
                view! { <li class="gap"><a href=whole.href(&row.href, Some(first))>{words}</a></li> }
            });
            view! { {gap} {self::line(line, started_ms)} }
        })
        .collect_view();
    let empty = if only_errors {
        "No line from here on looks like an error."
    } else {
        "There is no line yet; the first appears here as soon as the job writes it."
    };
    view! {
        <div
            class="log"
            class:short=complete && total_lines <= SHORT
            class:digest=only_errors
            id="log"
            data-api=(!only_errors).then_some(api)
            data-first=first_line.to_string()
            data-total=total_lines.to_string()
            data-complete=complete.to_string()
            data-start=started_ms.to_string()
            data-times=asked.times
            data-at=at
        >
            <div class="log-bar">
                {(!only_errors).then(|| view! { <LogViewer/> })}
                <span class="log-size">{count(total_lines)} " lines, " {bytes(size_bytes)}</span>
                {first_error}
                {other_view}
                {other_times}
                <PinForm row=row.clone() may=may_pin/>
                <a href=raw>"raw"</a>
            </div>
            {(!note.is_empty()).then(|| view! { <p class="log-notice">{note}</p> })}
            <Outline folds asked=asked.clone() run=row.href.clone()/>
            {pager.clone()()}
            <div class="log-scroll" tabindex="0" role="region" aria-label="Log">
                <ol class="lines">{lines}</ol>
                {(shown == 0).then(|| view! { <p class="log-empty">{empty}</p> })}
            </div>
            {pager()}
        </div>
    }
    .into_any()
}

/// The parts of the log, each with a link to it and how long it took.
#[component]
fn Outline(folds: Vec<LogFold>, asked: Asked, run: String) -> impl IntoView {
    if folds.is_empty() {
        return ().into_any();
    }
    let all = folds.len();
    let asked = Asked { only_errors: false, ..asked };
    let parts = folds
        .into_iter()
        .take(SHOWN_FOLDS)
        .map(|fold| {
            let href = format!("{}#L{}", asked.href(&run, Some(fold.n)), fold.n);
            let took = fold.took_ms.map(|ms| {
                view! { <span class="quiet">{time::duration(i64::try_from(ms).unwrap_or(i64::MAX))}</span> }
            });
            let name = if fold.name.is_empty() { "(no name)".to_owned() } else { fold.name };
            view! {
                <li
                    data-first=fold.n.to_string()
                    data-last=fold.last.to_string()
                    data-depth=fold.depth.min(MAX_INDENT).to_string()
                >
                    <a href=href>{name}</a>
                    {took}
                </li>
            }
        })
        .collect_view();
    let more = (all > SHOWN_FOLDS)
        .then(|| view! { <p class="quiet">{count((all - SHOWN_FOLDS) as u64)} " more are not listed."</p> });
    view! {
        <details class="log-outline">
            <summary>{format!("{} part{}", count(all as u64), if all == 1 { "" } else { "s" })}</summary>
            <ol>{parts}</ol>
            {more}
        </details>
    }
    .into_any()
}

/// Deeper parts are not moved in further.
const MAX_INDENT: u8 = 4;

/// One line; the island builds the same elements.
fn line(line: LogLine, started_ms: i64) -> impl IntoView {
    let id = format!("L{}", line.n);
    let cut = (line.cut_bytes > 0)
        .then(|| view! { <em class="cut">" … " {bytes(line.cut_bytes)} " not shown"</em> });
    let clock = line.at_ms.map(time::clock);
    let offset = line.at_ms.map(|at| time::offset(at, started_ms));
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
        <li id=id.clone() class:error=line.error><a href=format!("#{id}")>{line.n}</a><code data-time=clock data-offset=offset>{spans}{cut}</code></li>
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_address_asks_for_is_read_and_written() {
        let asked = |query: &str| Asked::read(&crate::model::query_pairs(query));
        assert_eq!(asked("tab=log").range(false), LogRange::Last(STRETCH));
        assert_eq!(asked("tab=log").range(true), LogRange::FirstError(STRETCH));
        let from = asked("tab=log&from=7&times=offset");
        assert_eq!(from.range(true), LogRange::From { line: 6, count: STRETCH });
        assert_eq!(from.href("/run/a", Some(8)), "/run/a?tab=log&times=offset&from=8");
        let errors = asked("only=errors&from=7");
        assert_eq!(errors.range(true), LogRange::Errors { line: 6, count: STRETCH });
        assert_eq!(errors.href("/run/a", None), "/run/a?tab=log&only=errors");
        assert_eq!(asked("from=x&only=all&times=never"), Asked::default());
    }
}
