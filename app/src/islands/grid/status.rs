//! What the statuses of cells are called, and how they rank in a cell.

/// How many statuses there are; they count from 0, which is no result.
pub(super) const COUNT: usize = 16;

/// Name of the custom properties of a status (`--cell-…`), words, and the mark in a cell without
/// text, by the number of TestGrid's `TestStatus`.
const STATUSES: [(&str, &str, Mark); COUNT] = [
    ("none", "no result", Mark::None),
    ("pass", "passed", Mark::None),
    ("pass", "passed with errors", Mark::Dot),
    ("skip", "passed with skips", Mark::Bar),
    ("wait", "running", Mark::Ring),
    ("wait", "aborted", Mark::Bar),
    ("wait", "unknown", Mark::Question),
    ("wait", "cancelled", Mark::Bar),
    ("wait", "blocked", Mark::Slash),
    ("fail", "timed out", Mark::Clock),
    ("fail", "failed for a known reason", Mark::Cross),
    ("build", "failed to build", Mark::Cross),
    ("fail", "failed", Mark::Cross),
    ("flaky", "flaky", Mark::Half),
    ("tool", "the tool failed", Mark::Triangle),
    ("skip", "built", Mark::Dot),
];

/// What tells statuses apart where colours do not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    None,
    Dot,
    Bar,
    Ring,
    Question,
    Slash,
    Clock,
    Cross,
    Half,
    Triangle,
}

/// The part of the names of a status's custom properties.
pub(super) fn property(status: u32) -> &'static str {
    of(status).0
}

/// The status in words.
pub(super) fn words(status: u32) -> &'static str {
    of(status).1
}

/// The mark of a cell without text.
pub(super) fn mark(status: u32) -> Mark {
    of(status).2
}

fn of(status: u32) -> (&'static str, &'static str, Mark) {
    STATUSES.get(status as usize).copied().unwrap_or(STATUSES[0])
}
