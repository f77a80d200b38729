//! The parts that a log divides itself into, so that they can be folded.
//!
//! Three dialects are read, mixed as they come: GitLab's `section_start:…` and `section_end:…`, which
//! nest and know their times; GitHub's `::group::` and `##[group]`; and Buildkite's headers `---`, `+++`
//! and `~~~`, each of which ends the one before. Kubernetes' scripts announce their phases as
//! `+++ [1121 10:00:00] Building`, which reads as such a header.

use std::ops::Range;

use go_compat::Timestamp;

use super::stored::{Reader, put, put_text};
use super::times::time_of;
use super::{decode_lossy, plain};

/// Folds of one log; further ones stay as they are.
pub const MAX_FOLDS: usize = 2_000;

/// Folds within each other.
const MAX_DEPTH: usize = 16;

/// Bytes of a line in which marks are looked for.
const HEAD_BYTES: usize = 512;

/// Characters of a name.
const MAX_NAME: usize = 160;

/// Lines that `go test` begins like Buildkite's headers.
const GO_RESULTS: [&[u8]; 4] = [b"FAIL: ", b"PASS: ", b"SKIP: ", b"BENCH: "];

/// A part of a log that can be folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Its lines, counted from 0; the first is the one that announces it.
    pub lines: Range<u64>,
    /// What it is called, without looks.
    pub name: String,
    /// How many others it lies in.
    pub depth: u8,
    /// How long it took in milliseconds, where its marks say so.
    pub took_ms: Option<u64>,
    /// Whether whoever wrote it wants it folded at first.
    pub collapsed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// GitLab's, by its name.
    Section(Vec<u8>),
    /// GitHub's.
    Group,
    /// Buildkite's.
    Header,
}

#[derive(Clone, Debug)]
struct Open {
    kind: Kind,
    start: u64,
    name: String,
    began: Option<Timestamp>,
    collapsed: bool,
}

/// Finds folds while a log's bytes stream by, in any chunks.
#[derive(Clone, Debug)]
pub struct FoldScanner {
    near: Timestamp,
    /// The number of the present line.
    line: u64,
    /// The begin of the present line, where it came in pieces.
    head: Vec<u8>,
    folds: Vec<Fold>,
    open: Vec<Open>,
    /// A `---` that is a header unless `+++` follows, as in a diff.
    minus: Option<Open>,
}

impl FoldScanner {
    /// `near` is a moment of the log, for times without a year.
    pub fn new(near: Timestamp) -> FoldScanner {
        let (folds, open) = (Vec::new(), Vec::new());
        FoldScanner { near, line: 0, head: Vec::new(), folds, open, minus: None }
    }

    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut at = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let line = &bytes[at..end];
            at = end + 1;
            if self.head.is_empty() {
                self.whole(&line[..line.len().min(HEAD_BYTES)]);
            } else {
                self.begin(line);
                let head = std::mem::take(&mut self.head);
                self.whole(&head);
                self.head = head;
                self.head.clear();
            }
            self.line += 1;
        }
        self.begin(&bytes[at..]);
    }

    /// The folds, in the order in which they begin. Those that were not ended end with the log.
    pub fn finish(&self) -> Vec<Fold> {
        let mut ended = self.clone();
        if !ended.head.is_empty() {
            let head = std::mem::take(&mut ended.head);
            ended.whole(&head);
            ended.line += 1;
        }
        ended.settle_minus();
        while !ended.open.is_empty() {
            ended.close_last(ended.line, None);
        }
        ended.folds.retain(|fold| fold.lines.end > fold.lines.start + 1);
        ended.folds.sort_by_key(|fold| (fold.lines.start, fold.depth));
        ended.folds
    }

    /// Keeps the begin of a line that has not ended.
    fn begin(&mut self, bytes: &[u8]) {
        let room = HEAD_BYTES - self.head.len().min(HEAD_BYTES);
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn whole(&mut self, head: &[u8]) {
        let marks = matches!(
            head.first(),
            Some(b'-' | b'+' | b'~' | b':' | b'#' | b's' | b'2' | b'\r' | 0x1b)
        );
        if !marks {
            if self.minus.is_some() {
                self.settle_minus();
            }
            return;
        }
        let (stamp, mut rest) = text_of(head);
        let diff = rest.starts_with(b"+++ ") && self.minus.take().is_some();
        self.settle_minus();
        // Times stand in front of most lines of some logs, and take longest to read.
        if diff || !matches!(rest.first(), Some(b'-' | b'+' | b'~' | b':' | b'#' | b's')) {
            return;
        }
        let time = |text: &[u8]| time_of(&decode_lossy(text), self.near);
        let stamp = stamp.and_then(time);
        loop {
            if let Some(found) = rest.strip_prefix(b"section_end:") {
                let Some(Section { at, name, behind, .. }) = section(found) else { return };
                let restarts = memchr::memmem::find(behind, b"section_start:").is_some();
                let end = if restarts { self.line } else { self.line + 1 };
                self.close(&Kind::Section(name.to_vec()), end, Some(at));
                rest = behind;
            } else if let Some(found) = rest.strip_prefix(b"section_start:") {
                let Some(Section { at, name, options, behind }) = section(found) else { return };
                let shown = match words(behind) {
                    shown if shown.is_empty() => words(name).replace('_', " "),
                    shown => shown,
                };
                let collapsed = options == b"collapsed=true";
                self.enter(Kind::Section(name.to_vec()), shown, Some(at), collapsed);
                return;
            } else if let Some(name) = either(rest, b"::group::", b"##[group]") {
                self.enter(Kind::Group, words(name), stamp, true);
                return;
            } else if either(rest, b"::endgroup::", b"##[endgroup]").is_some() {
                self.close(&Kind::Group, self.line + 1, stamp);
                return;
            } else {
                self.header(rest, stamp);
                return;
            }
        }
    }

    /// Buildkite's: folded, folded and of no interest, and open.
    fn header(&mut self, rest: &[u8], stamp: Option<Timestamp>) {
        let Some((mark, name)) = rest.split_at_checked(4) else { return };
        let collapsed = match mark {
            b"--- " | b"~~~ " => true,
            b"+++ " => false,
            _ => return,
        };
        if GO_RESULTS.iter().any(|result| name.starts_with(result))
            || !name.iter().any(u8::is_ascii_alphanumeric)
        {
            return;
        }
        let began = stamp.or_else(|| time_of(&decode_lossy(rest), self.near));
        let name = words(name);
        // The time in brackets is told beside the line.
        let name = match name.strip_prefix('[').and_then(|name| name.split_once("] ")) {
            Some((_, name)) if began.is_some() => name.to_owned(),
            _ => name,
        };
        let open = Open { kind: Kind::Header, start: self.line, name, began, collapsed };
        match mark {
            b"--- " => self.minus = Some(open),
            _ => self.next_header(open),
        }
    }

    /// What looked like the begin of a diff is a header.
    fn settle_minus(&mut self) {
        if let Some(open) = self.minus.take() {
            self.next_header(open);
        }
    }

    fn next_header(&mut self, open: Open) {
        self.close(&Kind::Header, open.start, open.began);
        self.push_open(open);
    }

    fn enter(&mut self, kind: Kind, name: String, began: Option<Timestamp>, collapsed: bool) {
        // GitHub's do not nest: one that begins ends the one before.
        if kind == Kind::Group {
            self.close(&Kind::Group, self.line, began);
        }
        self.push_open(Open { kind, start: self.line, name, began, collapsed });
    }

    fn push_open(&mut self, open: Open) {
        if self.open.len() < MAX_DEPTH && self.folds.len() + self.open.len() < MAX_FOLDS {
            self.open.push(open);
        }
    }

    /// Ends the innermost of a kind, and what was begun within it.
    fn close(&mut self, kind: &Kind, end: u64, at: Option<Timestamp>) {
        if let Some(index) = self.open.iter().rposition(|open| open.kind == *kind) {
            while self.open.len() > index + 1 {
                self.close_last(end, None);
            }
            self.close_last(end, at);
        }
    }

    fn close_last(&mut self, end: u64, at: Option<Timestamp>) {
        let Some(open) = self.open.pop() else { return };
        let took = at.zip(open.began).map(|(at, began)| at.millis() - began.millis());
        self.folds.push(Fold {
            lines: open.start..end.max(open.start),
            name: open.name,
            depth: self.open.len() as u8,
            took_ms: took.and_then(|took| u64::try_from(took).ok()),
            collapsed: open.collapsed,
        });
    }
}

/// The time at the begin of a line, if there is one, and the text behind it, without what clears the
/// line and without GitLab's number of the stream.
fn text_of(head: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let mut rest = cleared(head);
    let stamp = match rest.split_first_chunk::<11>() {
        Some(([b'2', b'0', _, _, b'-', _, _, b'-', _, _, b'T'], _)) => {
            let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
            let (stamp, behind) = rest.split_at(end);
            rest = behind.strip_prefix(b" ").unwrap_or(behind);
            if let Some(([a, b, b'O' | b'E', b' ' | b'+'], text)) = rest.split_first_chunk::<4>()
                && a.is_ascii_hexdigit()
                && b.is_ascii_hexdigit()
            {
                rest = text;
            }
            Some(stamp)
        }
        _ => None,
    };
    (stamp, cleared(rest))
}

/// Without carriage returns and escape sequences in front.
fn cleared(mut bytes: &[u8]) -> &[u8] {
    loop {
        bytes = match bytes {
            [b'\r', rest @ ..] => rest,
            [0x1b, b'[', rest @ ..] => match rest.iter().position(|b| matches!(b, 0x40..=0x7e)) {
                Some(end) => &rest[end + 1..],
                None => return bytes,
            },
            _ => return bytes,
        };
    }
}

fn either<'h>(head: &'h [u8], one: &[u8], other: &[u8]) -> Option<&'h [u8]> {
    head.strip_prefix(one).or_else(|| head.strip_prefix(other))
}

/// What stands in a mark of GitLab.
struct Section<'h> {
    at: Timestamp,
    name: &'h [u8],
    /// What stands in brackets behind the name.
    options: &'h [u8],
    /// The rest of the line.
    behind: &'h [u8],
}

/// `1560896352:name[collapsed=true]`, and what is behind.
fn section(bytes: &[u8]) -> Option<Section<'_>> {
    let colon = memchr::memchr(b':', bytes)?;
    let seconds: i64 = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    let rest = &bytes[colon + 1..];
    let end = rest.iter().position(|b| matches!(b, b'\r' | 0x1b | b' '));
    let (whole, behind) = rest.split_at(end.unwrap_or(rest.len()));
    let options = memchr::memchr(b'[', whole).unwrap_or(whole.len());
    let (name, options) = whole.split_at(options);
    let options = options.strip_prefix(b"[").unwrap_or(options);
    let options = options.strip_suffix(b"]").unwrap_or(options);
    let (at, behind) = (Timestamp::from_seconds(seconds), cleared(behind));
    (!name.is_empty() && seconds >= 0).then_some(Section { at, name, options, behind })
}

/// A name as text.
fn words(bytes: &[u8]) -> String {
    let text = plain(&decode_lossy(bytes));
    text.trim().chars().take(MAX_NAME).collect()
}

/// Writes folds in the form in which they are stored.
pub fn encode_folds(folds: &[Fold]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, folds.len() as u64);
    let mut before = 0;
    for fold in folds {
        put(&mut out, fold.lines.start - before);
        put(&mut out, fold.lines.end - fold.lines.start);
        out.push(fold.depth);
        out.push(u8::from(fold.collapsed));
        put(&mut out, fold.took_ms.map_or(0, |took| took.saturating_add(1)));
        put_text(&mut out, &fold.name);
        before = fold.lines.start;
    }
    out
}

/// Reads what [`encode_folds`] wrote; `None` if it is damaged.
pub fn decode_folds(bytes: &[u8]) -> Option<Vec<Fold>> {
    let mut reader = Reader(bytes);
    let mut before = 0_u64;
    let count = reader.count()?;
    let mut folds = Vec::with_capacity(count.min(MAX_FOLDS));
    for _ in 0..count {
        let start = before.checked_add(reader.number()?)?;
        let end = start.checked_add(reader.number()?)?;
        let (depth, collapsed) = (reader.byte()?, reader.byte()? == 1);
        let took_ms = reader.number()?.checked_sub(1);
        folds.push(Fold { lines: start..end, name: reader.text()?, depth, took_ms, collapsed });
        before = start;
    }
    reader.is_at_end().then_some(folds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folds(log: &[u8]) -> Vec<Fold> {
        let mut scanner = FoldScanner::new(Timestamp::from_seconds(1_795_255_200));
        scanner.push(log);
        scanner.finish()
    }

    /// First line, line behind the last, depth, seconds, folded at first, name.
    fn told(log: &str) -> Vec<(u64, u64, u8, Option<u64>, bool, String)> {
        let told = folds(log.as_bytes()).into_iter().map(|fold| {
            let seconds = fold.took_ms.map(|ms| ms / 1_000);
            (fold.lines.start, fold.lines.end, fold.depth, seconds, fold.collapsed, fold.name)
        });
        told.collect()
    }

    fn fold(
        lines: Range<u64>,
        depth: u8,
        seconds: Option<u64>,
        collapsed: bool,
        name: &str,
    ) -> (u64, u64, u8, Option<u64>, bool, String) {
        (lines.start, lines.end, depth, seconds, collapsed, name.to_owned())
    }

    #[test]
    fn gitlabs_sections_nest_and_know_their_times() {
        let log = "\
before
section_start:1560896352:outer_part[collapsed=true]\r\u{1b}[0K\u{1b}[1mOuter\u{1b}[0m part
a
\u{1b}[0Ksection_start:1560896353:inner_part\r\u{1b}[0K
b
section_end:1560896355:inner_part\r\u{1b}[0K
section_end:1560896362:outer_part\r\u{1b}[0Ksection_start:1560896362:last\r\u{1b}[0KLast
c
";
        assert_eq!(
            told(log),
            [
                fold(1..6, 0, Some(10), true, "Outer part"),
                fold(3..6, 1, Some(2), false, "inner part"),
                fold(6..8, 0, None, false, "Last"),
            ]
        );
        let stamped = "2024-05-01T10:00:00.000000Z 00O section_start:1560896352:x\r\u{1b}[0KX\n\
                       2024-05-01T10:00:01.000000Z 00O+a\n\
                       2024-05-01T10:00:01.000000Z 00O section_end:1560896353:x\r\u{1b}[0K\n";
        assert_eq!(told(stamped), [fold(0..3, 0, Some(1), false, "X")]);
    }

    #[test]
    fn githubs_groups_end_where_the_next_begins() {
        let log = "\
2026-11-21T10:00:00.0000000Z ##[group]Run make
2026-11-21T10:00:00.5000000Z a
2026-11-21T10:00:07.0000000Z ##[endgroup]
::group::One
a
::group::Two
b
::endgroup::
c
";
        assert_eq!(
            told(log),
            [
                fold(0..3, 0, Some(7), true, "Run make"),
                fold(3..5, 0, None, true, "One"),
                fold(5..8, 0, None, true, "Two"),
            ]
        );
    }

    #[test]
    fn buildkites_headers_end_each_other_and_tests_and_diffs_are_none() {
        let log = "\
--- Prepare
a
~~~ Quiet
b
+++ [1121 10:00:00] Building
--- FAIL: TestA (0.00s)
--- a/x.go
+++ b/x.go
--- ---
+++ [1121 10:00:31] :go: Testing
c
--- not ended";
        assert_eq!(
            told(log),
            [
                fold(0..2, 0, None, true, "Prepare"),
                fold(2..4, 0, None, true, "Quiet"),
                fold(4..9, 0, Some(31), false, "Building"),
                fold(9..11, 0, None, false, ":go: Testing"),
            ]
        );
    }

    #[test]
    fn a_flood_of_marks_is_bounded_and_costs_no_names() {
        let nested = "section_start:1:x\n".repeat(100_000);
        let found = folds(nested.as_bytes());
        assert!(found.len() <= MAX_DEPTH && found.iter().all(|f| usize::from(f.depth) < MAX_DEPTH));
        let many = "::group::x\na\n::endgroup::\n".repeat(MAX_FOLDS + 10);
        assert_eq!(folds(many.as_bytes()).len(), MAX_FOLDS);
        let long = format!("::group::{}\na\n", "\u{1b}[31mx".repeat(10_000));
        assert!(folds(long.as_bytes())[0].name.chars().count() <= MAX_NAME);
        assert_eq!(folds(b"section_start:x:y\nsection_start:-1:y\nsection_end\n\x1b[\n\n"), []);
    }

    proptest::proptest! {
        #[test]
        fn folds_are_found_however_the_bytes_are_cut_and_come_back_from_the_store(
            lines in proptest::collection::vec(proptest::sample::select(vec![
                "--- a", "+++ b", "~~~ c", "::group::d", "::endgroup::", "##[group]e", "text", "",
                "section_start:5:s\r\u{1b}[0KS", "section_end:9:s\r\u{1b}[0K",
                "section_end:9:s\r\u{1b}[0Ksection_start:9:t\r\u{1b}[0KT", "section_end:10:t",
            ]), 0..40),
            cuts in proptest::collection::vec(0_usize..400, 0..6),
        ) {
            let log = lines.join("\n");
            let bytes = log.as_bytes();
            let whole = folds(bytes);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut scanner = FoldScanner::new(Timestamp::from_seconds(1_795_255_200));
            cuts.windows(2).for_each(|cut| scanner.push(&bytes[cut[0]..cut[1]]));
            proptest::prop_assert_eq!(&scanner.finish(), &whole);
            for (at, fold) in whole.iter().enumerate() {
                proptest::prop_assert!(fold.lines.end <= lines.len() as u64);
                // Two folds lie within each other or apart.
                for other in &whole[at + 1..] {
                    let apart = other.lines.start >= fold.lines.end;
                    proptest::prop_assert!(apart || other.lines.end <= fold.lines.end);
                }
            }
            proptest::prop_assert_eq!(decode_folds(&encode_folds(&whole)), Some(whole));
        }

        #[test]
        fn damaged_folds_are_none(bytes: Vec<u8>) {
            let _ = decode_folds(&bytes);
        }
    }
}
