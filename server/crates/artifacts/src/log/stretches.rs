//! Which stretches of a log are shown where not all of it is: lines that stand out with their
//! neighbours, or lines that an address names, as Spyglass has it.

use std::ops::Range;

/// Lines shown on each side of one that stands out, and of a focus.
pub const NEIGHBOURS: u64 = 5;

/// Hidden stretches of fewer lines are shown: the words that say so would need as much room.
pub const SHORTEST_HIDDEN: u64 = 5;

/// Lines that are all shown or all hidden. Two stretches that follow each other may both be shown,
/// as where Spyglass shows a short one that it would have hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its lines, counted from 0.
    pub lines: Range<u64>,
    /// Whether they are left out.
    pub hidden: bool,
}

impl Stretch {
    /// Where its bytes begin and how many they are, in a log whose lines have these lengths without
    /// their newlines. The newline behind its last line is no part of it.
    pub fn extent(&self, lengths: &[u64]) -> (u64, u64) {
        let of = |lines: Range<u64>| -> u64 {
            let index = |line: u64| usize::try_from(line).unwrap_or(usize::MAX).min(lengths.len());
            lengths[index(lines.start)..index(lines.end)].iter().map(|length| length + 1).sum()
        };
        (of(0..self.lines.start), of(self.lines.clone()).saturating_sub(1))
    }
}

/// The stretches of a log of `total` lines, from its first line to its last. `standing_out` are the
/// lines that stand out, in order and counted from 0; with a `focus` they do not matter, and the lines
/// around it are shown alone.
pub fn stretches(total: u64, standing_out: &[u64], focus: Option<Range<u64>>) -> Vec<Stretch> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut push = |lines: Range<u64>, shown: bool| {
        if !lines.is_empty() {
            let hidden = !shown && lines.end - lines.start >= SHORTEST_HIDDEN;
            found.push(Stretch { lines, hidden });
        }
    };
    let around = |lines: Range<u64>| {
        lines.start.saturating_sub(NEIGHBOURS)..lines.end.saturating_add(NEIGHBOURS).min(total)
    };
    let mut shown = |lines: Range<u64>| {
        push(at..lines.start, false);
        push(lines.clone(), true);
        at = lines.end;
    };
    match focus {
        Some(focus) if focus.start < focus.end && focus.start < total => shown(around(focus)),
        Some(_) => {}
        None => {
            let mut open: Option<Range<u64>> = None;
            for line in standing_out.iter().copied().filter(|line| *line < total) {
                let lines = around(line..line + 1);
                match &mut open {
                    Some(open) if lines.start <= open.end => open.end = lines.end,
                    _ => open.replace(lines).into_iter().for_each(&mut shown),
                }
            }
            open.into_iter().for_each(&mut shown);
        }
    }
    push(at..total, false);
    found
}

#[cfg(test)]
mod tests {
    use super::super::search::{DEFAULT_HIGHLIGHTS, LinePattern, MAX_SEARCHED_LINE};
    use super::*;

    /// A stretch: first line, line behind the last, whether it is hidden, offset, length.
    type Expected = (u64, u64, bool, u64, u64);

    fn grouped(lines: &[&str], focus: Option<Range<u64>>) -> Vec<Expected> {
        let pattern = LinePattern::any(&DEFAULT_HIGHLIGHTS, MAX_SEARCHED_LINE).unwrap();
        let numbered = (0..).zip(lines);
        let standing_out: Vec<u64> = numbered
            .filter(|(_, line)| pattern.matches(line.as_bytes()))
            .map(|(number, _)| number)
            .collect();
        let lengths: Vec<u64> = lines.iter().map(|line| line.len() as u64).collect();
        let stretch = |stretch: Stretch| {
            let (offset, length) = stretch.extent(&lengths);
            (stretch.lines.start, stretch.lines.end, stretch.hidden, offset, length)
        };
        let found = stretches(lines.len() as u64, &standing_out, focus);
        found.into_iter().map(stretch).collect()
    }

    #[test]
    fn a_log_is_divided_where_spyglass_divides_it() {
        const ERROR: &str = "ERROR: Failed to do the thing, very sorry.";
        const PANIC: &str = "don't panic";
        let letters = |count: usize| vec!["a"; count];
        let eight: Vec<String> =
            (0..8).map(|line| "x".repeat(if line == 0 { 52 } else { 54 })).collect();
        let eight: Vec<&str> = eight.iter().map(String::as_str).collect();
        let cases: [(&str, Vec<&str>, Vec<Expected>); 8] = [
            ("no line", vec![], vec![]),
            (
                "one line without a match",
                vec!["this line has 24 letters"],
                vec![(0, 1, false, 0, 24)],
            ),
            ("eight lines without a match", eight, vec![(0, 8, true, 0, 437)]),
            (
                "an error between five lines and five",
                [letters(5), vec![ERROR], letters(5)].concat(),
                vec![(0, 11, false, 0, 62)],
            ),
            (
                "four lines are too few to be hidden, five are not",
                [letters(9), vec![ERROR], letters(10)].concat(),
                vec![(0, 4, false, 0, 7), (4, 15, false, 8, 62), (15, 20, true, 71, 9)],
            ),
            (
                "neighbours of two errors that overlap",
                [letters(3), vec![PANIC], letters(3), vec![PANIC], letters(3)].concat(),
                vec![(0, 11, false, 0, 41)],
            ),
            (
                "neighbours of two errors with three lines between",
                [letters(3), vec![PANIC], letters(13), vec![PANIC], letters(3)].concat(),
                vec![(0, 9, false, 0, 27), (9, 12, false, 28, 5), (12, 21, false, 34, 27)],
            ),
            (
                "neighbours of two errors that touch",
                [letters(3), vec![PANIC], letters(10), vec![PANIC], letters(3)].concat(),
                vec![(0, 18, false, 0, 55)],
            ),
        ];
        for (what, lines, expected) in cases {
            assert_eq!(grouped(&lines, None), expected, "{what}");
        }
    }

    #[test]
    fn a_focus_shows_its_lines_with_their_neighbours_and_no_others() {
        let words = ["word"; 100];
        // As a split at newlines leaves it: an empty line is behind the last newline.
        let lines = [&words[..], &[""]].concat();
        let focused = |from: u64, to: u64| grouped(&lines, Some(from - 1..to));
        assert_eq!(
            focused(20, 35),
            [(0, 14, true, 0, 69), (14, 40, false, 70, 129), (40, 101, true, 200, 300)]
        );
        assert_eq!(focused(1, 1)[0], (0, 6, false, 0, 29));
        assert_eq!(focused(101, 101)[1], (95, 101, false, 475, 25));
        assert_eq!(focused(500, 510), [(0, 101, true, 0, 500)], "a focus behind the end");
        let mut failing = lines.clone();
        failing[70] = "panic";
        assert!(grouped(&failing, Some(19..35))[2].2, "matches elsewhere stay hidden");
    }

    proptest::proptest! {
        #[test]
        fn every_line_is_in_exactly_one_stretch(
            total in 0_u64..200,
            mut standing_out in proptest::collection::vec(0_u64..220, 0..20),
            focus in proptest::option::of((0_u64..220, 0_u64..30)),
        ) {
            standing_out.sort_unstable();
            let focus = focus.map(|(start, length)| start..start + length);
            let found = stretches(total, &standing_out, focus.clone());
            let mut at = 0;
            for stretch in &found {
                proptest::prop_assert_eq!(stretch.lines.start, at);
                proptest::prop_assert!(!stretch.lines.is_empty());
                let long = stretch.lines.end - stretch.lines.start >= SHORTEST_HIDDEN;
                proptest::prop_assert!(long || !stretch.hidden);
                at = stretch.lines.end;
            }
            proptest::prop_assert_eq!(at, total);
            if focus.is_none() {
                for line in standing_out.iter().filter(|line| **line < total) {
                    let own = found.iter().find(|stretch| stretch.lines.contains(line));
                    proptest::prop_assert!(own.is_some_and(|stretch| !stretch.hidden));
                }
            }
        }
    }
}
