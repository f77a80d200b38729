//! Which lines of a log stand in which rows of its viewer, where parts of it are folded.

use std::ops::Range;

/// A part that can be folded to its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    /// Its lines, counted from 0.
    lines: Range<u64>,
    closed: bool,
}

/// The rows of a log: one per line, but none for lines that a folded part hides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRows {
    /// In the order of their first lines.
    parts: Vec<Part>,
    /// Lines without a row: in order, apart, each with the number of hidden lines before it.
    hidden: Vec<(Range<u64>, u64)>,
}

impl LogRows {
    /// A log with these parts, none of them folded. Each is a first and a last line, counted from 1.
    pub fn new(parts: impl IntoIterator<Item = (u64, u64)>) -> LogRows {
        let parts = parts.into_iter().filter(|(first, last)| 0 < *first && first < last);
        let mut parts: Vec<Part> =
            parts.map(|(first, last)| Part { lines: first - 1..last, closed: false }).collect();
        parts.sort_by_key(|part| (part.lines.start, std::cmp::Reverse(part.lines.end)));
        parts.dedup_by_key(|part| part.lines.start);
        LogRows { parts, hidden: Vec::new() }
    }

    /// Rows of a log that has so many lines.
    pub fn count(&self, lines: u64) -> u64 {
        let hidden = self.hidden.iter().map(|(range, _)| range.end.min(lines).max(range.start));
        let starts = self.hidden.iter().map(|(range, _)| range.start);
        lines.saturating_sub(hidden.zip(starts).map(|(end, start)| end - start).sum())
    }

    /// The line in a row.
    pub fn line(&self, row: u64) -> u64 {
        // The first hidden range whose lines would have stood above or in this row.
        let at = self.hidden.partition_point(|(range, before)| range.start - before <= row);
        match at.checked_sub(1).map(|at| &self.hidden[at]) {
            Some((range, before)) => row + before + (range.end - range.start),
            None => row,
        }
    }

    /// The row of a line; that of the line which announces the folded part if it is hidden.
    pub fn row(&self, line: u64) -> u64 {
        let at = self.hidden.partition_point(|(range, _)| range.start <= line);
        match at.checked_sub(1).map(|at| &self.hidden[at]) {
            Some((range, before)) if line < range.end => (range.start - before).saturating_sub(1),
            Some((range, before)) => line - before - (range.end - range.start),
            None => line,
        }
    }

    /// Whether a line has no row.
    pub fn is_hidden(&self, line: u64) -> bool {
        let at = self.hidden.partition_point(|(range, _)| range.start <= line);
        at > 0 && line < self.hidden[at - 1].0.end
    }

    /// Whether the part that a line announces is folded; `None` if it announces none.
    pub fn closed(&self, line: u64) -> Option<bool> {
        let at = self.parts.binary_search_by_key(&line, |part| part.lines.start).ok()?;
        Some(self.parts[at].closed)
    }

    /// Folds or unfolds the part that a line announces; tells whether there is one.
    pub fn toggle(&mut self, line: u64) -> bool {
        let Ok(at) = self.parts.binary_search_by_key(&line, |part| part.lines.start) else {
            return false;
        };
        self.parts[at].closed = !self.parts[at].closed;
        self.hide();
        true
    }

    /// Unfolds what hides a line; tells whether anything did.
    pub fn reveal(&mut self, line: u64) -> bool {
        if !self.is_hidden(line) {
            return false;
        }
        for part in &mut self.parts {
            if part.lines.start < line && line < part.lines.end {
                part.closed = false;
            }
        }
        self.hide();
        true
    }

    /// Folds all parts, or unfolds them if one is folded; tells whether there are any.
    pub fn toggle_all(&mut self) -> bool {
        let close = !self.parts.iter().any(|part| part.closed);
        self.parts.iter_mut().for_each(|part| part.closed = close);
        self.hide();
        !self.parts.is_empty()
    }

    /// Brings the hidden lines up to date.
    fn hide(&mut self) {
        self.hidden.clear();
        let mut before = 0;
        for part in self.parts.iter().filter(|part| part.closed) {
            let start = part.lines.start + 1;
            match self.hidden.last_mut() {
                // Within one that is folded, or reaching out of it.
                Some((last, _)) if start <= last.end => last.end = last.end.max(part.lines.end),
                last => {
                    before += last.map_or(0, |(range, _)| range.end - range.start);
                    self.hidden.push((start..part.lines.end, before));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slow and obvious way.
    fn visible(lines: u64, closed: &[(u64, u64)]) -> Vec<u64> {
        let hides = |line: u64| closed.iter().any(|(first, last)| *first <= line && line < *last);
        (0..lines).filter(|line| !hides(*line)).collect()
    }

    fn check(rows: &LogRows, lines: u64, closed: &[(u64, u64)]) {
        let visible = visible(lines, closed);
        assert_eq!(rows.count(lines), visible.len() as u64);
        for (row, line) in (0..).zip(&visible) {
            assert_eq!(rows.line(row), *line, "row {row} of {rows:?}");
            assert_eq!(rows.row(*line), row, "line {line} of {rows:?}");
        }
        for line in 0..lines {
            assert_eq!(rows.is_hidden(line), !visible.contains(&line), "line {line}");
        }
    }

    #[test]
    fn folded_parts_leave_their_first_line() {
        let mut rows = LogRows::new([(3, 7), (4, 5), (8, 8), (8, 20), (18, 20)]);
        check(&rows, 25, &[]);
        assert_eq!((rows.closed(2), rows.closed(0)), (Some(false), None));
        assert!(rows.toggle(2) && !rows.toggle(0));
        check(&rows, 25, &[(3, 7)]);
        assert_eq!(rows.row(5), 2, "a hidden line is where its part is");
        rows.toggle(17);
        check(&rows, 25, &[(3, 7), (18, 20)]);
        rows.toggle(3);
        rows.toggle(7);
        check(&rows, 25, &[(3, 7), (8, 20)]);
        // A log that still grows ends within a part.
        check(&rows, 12, &[(3, 7), (8, 20)]);
        assert!(rows.reveal(19) && !rows.reveal(19));
        check(&rows, 25, &[(3, 7)]);
        assert!(rows.toggle_all());
        check(&rows, 25, &[]);
        assert!(rows.toggle_all());
        check(&rows, 25, &[(3, 7), (8, 20)]);
        assert!(!LogRows::default().toggle_all());
    }
}
