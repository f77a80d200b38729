use proptest::prelude::*;

use super::*;

fn rendered(line: &str) -> Vec<(String, String)> {
    render(line, &mut Style::default())
        .spans
        .into_iter()
        .map(|span| (span.text, span.style.classes()))
        .collect()
}

fn text(line: &str) -> String {
    rendered(line).into_iter().map(|(text, _)| text).collect()
}

fn pair(text: &str, classes: &str) -> (String, String) {
    (text.to_owned(), classes.to_owned())
}

fn indexed(log: &[u8]) -> LineIndex {
    let mut index = LineIndex::new();
    index.push(log);
    index
}

fn read(index: &LineIndex, log: &[u8], first: u64, count: u64) -> Vec<Line> {
    let mut reader = index.reader(first, count);
    while let Some(range) = reader.next_range() {
        reader.push(&log[range.start as usize..range.end as usize]);
    }
    reader.into_lines()
}

#[test]
fn colours_become_spans_and_other_sequences_vanish() {
    assert_eq!(
        rendered("a \x1b[1;31mred\x1b[0m b"),
        [pair("a ", ""), pair("red", "ab f1"), pair(" b", "")]
    );
    assert_eq!(rendered("\x1b[31m\x1b[1mx"), [pair("x", "ab f1")]);
    assert_eq!(text("\x1b[2K\x1b[1Ax\x1b[?25ly\x1b(Bz\x1b=!"), "xyz!");
    assert_eq!(
        text("\x1b]0;title\x07a\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\"),
        "alink"
    );
    assert_eq!(text("\x1bP1$r0m\x1b\\x"), "x");
    assert_eq!(rendered("\x1b[>4;2mx\x1b[31 my"), [pair("xy", "")]);
}

#[test]
fn unfinished_and_broken_sequences_stay_visible_and_do_not_swallow_text() {
    assert_eq!(text("end\x1b[31"), "end\u{241b}[31");
    assert_eq!(text("x\x1b]0;no end"), "x\u{241b}]0;no end");
    assert_eq!(text("\x1b"), "\u{241b}");
    assert_eq!(text("a\x1bé"), "aé");
    assert_eq!(text("a\x1b[3é"), "aé");
    assert_eq!(text("\x1b\x1b[31mx"), "x");
}

#[test]
fn progress_lines_show_their_last_state() {
    let line = render("10%\r\x1b[32m50%\r100% done\r", &mut Style::default());
    assert_eq!((line.spans[0].text.as_str(), line.overwritten), ("100% done", 2));
    assert_eq!(line.spans[0].style.classes(), "f2");
    assert_eq!(text("windows\r"), "windows");
    assert_eq!(text("50%\r\x1b[K"), "50%");
    assert_eq!(text("|\u{8}/\u{8}-\u{8}done"), "done");
    assert_eq!(text("\u{8}\u{8}x"), "x");
}

#[test]
fn characters_that_act_become_characters_that_show() {
    assert_eq!(text("a\0b\x07c\td\x7f"), "a\u{2400}b\u{2407}c\td\u{2421}");
    assert_eq!(text("\u{9b}31m \u{202e}gpj.exe \u{2028}"), "\u{fffd}31m \u{fffd}gpj.exe \u{fffd}");
    let markup = "<img src=x onerror=alert(1)>";
    assert_eq!(text(markup), markup);
}

#[test]
fn a_message_keeps_its_lines_and_loses_its_looks() {
    assert_eq!(plain("\x1b[31mFAIL\x1b[0m a\n\x1b[2Kexit 1\n"), "FAIL a\nexit 1");
}

#[test]
fn lines_are_counted_as_a_reader_of_the_log_counts_them() {
    for (log, lines, ended) in [
        ("", 0, 0),
        ("\n", 1, 1),
        ("a", 1, 0),
        ("a\n", 1, 1),
        ("a\nb", 2, 1),
        ("a\n\n", 2, 2),
        ("a\r\nb\r\n", 2, 2),
    ] {
        let index = indexed(log.as_bytes());
        assert_eq!((index.lines(), index.ended_lines()), (lines, ended), "{log:?}");
        assert_eq!(read(&index, log.as_bytes(), 0, 99).len() as u64, lines, "{log:?}");
    }
}

#[test]
fn a_window_in_the_middle_knows_the_colour_that_was_switched_on_before() {
    let mut log = String::from("\x1b[35m");
    for n in 0..1000 {
        log.push_str(&format!("line {n}\n"));
    }
    let index = indexed(log.as_bytes());
    let lines = read(&index, log.as_bytes(), 700, 2);
    assert_eq!(lines[0].text(), "line 700");
    assert_eq!((lines[1].number, lines[1].spans[0].style.classes().as_str()), (701, "f5"));
    assert!(read(&index, log.as_bytes(), 5000, 10).is_empty());
    assert!(read(&index, log.as_bytes(), 10, 0).is_empty());
}

#[test]
fn an_index_has_one_entry_for_64_kib_and_is_small_in_the_store() {
    let mut index = LineIndex::new();
    let line = format!("{}\n", "x".repeat(99));
    let block = line.repeat(10_000);
    for _ in 0..100 {
        index.push(block.as_bytes());
    }
    assert_eq!((index.size(), index.lines()), (100_000_000, 1_000_000));
    let stored = index.encode().len();
    assert!((4_000..16_000).contains(&stored), "{stored} bytes");
    // A window reads what is remembered around it, and no more.
    let mut reader = index.reader(500_000, 500);
    let mut asked = 0;
    while let Some(range) = reader.next_range() {
        asked += range.end - range.start;
        reader.push(line.repeat(((range.end - range.start) / 100) as usize).as_bytes());
    }
    assert!(asked <= 500 * 100 + 2 * (64 * 1024 + 100), "asked for {asked} bytes");
    assert_eq!(reader.into_lines().len(), 500);
}

#[test]
fn a_line_of_100_megabytes_costs_what_is_shown_of_it() {
    let chunk = "grüße ".repeat(1 << 14);
    let beginning = format!("before\n\x1b[31m{chunk}");
    let mut index = LineIndex::new();
    index.push(beginning.as_bytes());
    while index.size() < 100 << 20 {
        index.push(chunk.as_bytes());
    }
    // First still growing, then ended and followed by more.
    for (more, lines) in [("", 2), ("\x1b[32m\nafter\n", 3)] {
        index.push(more.as_bytes());
        let mut reader = index.reader(0, 10);
        let mut asked = 0;
        while let Some(range) = reader.next_range() {
            asked += range.end - range.start;
            if range.start == 0 {
                reader.push(&beginning.as_bytes()[..range.end as usize]);
            } else {
                reader.push(b"after\n");
            }
        }
        assert!(asked < MAX_LINE_BYTES + 100, "asked for {asked} bytes");
        let found = reader.into_lines();
        assert_eq!(found.len(), lines);
        let shown = found[1].text();
        assert!(shown.starts_with("grüße grüße") && !shown.contains('\u{fffd}'));
        assert!(found[1].cut_bytes > (99 << 20));
        if let Some(after) = found.get(2) {
            assert_eq!((after.text().as_str(), after.cut_bytes), ("after", 0));
            assert_eq!(after.spans[0].style.classes(), "f2");
        }
    }
}

/// The slow and obvious way: all bytes at once, line by line.
fn all_lines(log: &[u8], max_line_bytes: usize) -> Vec<Line> {
    let mut style = Style::default();
    let mut parts: Vec<&[u8]> = log.split(|b| *b == b'\n').collect();
    if parts.last().is_some_and(|last| last.is_empty()) {
        parts.pop();
    }
    let lines = parts.into_iter().enumerate().map(|(number, bytes)| {
        let mut shown = bytes.len().min(max_line_bytes);
        // A line is never cut within a character.
        let cut_within = |end: usize| {
            (end.saturating_sub(3)..end).find(|start| {
                let tail = std::str::from_utf8(&bytes[*start..end]);
                tail.is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
            })
        };
        if shown < bytes.len() {
            shown = cut_within(shown).unwrap_or(shown);
        }
        let mut style_of_shown = style;
        let rendered = render(&decode_lossy(&bytes[..shown]), &mut style_of_shown);
        render(&decode_lossy(bytes), &mut style);
        Line {
            number: number as u64,
            spans: rendered.spans,
            cut_bytes: (bytes.len() - shown) as u64,
            overwritten: rendered.overwritten,
        }
    });
    lines.collect()
}

/// Bytes as they come in logs: mostly text and line ends, with everything that can go wrong.
fn log_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-zé€𝄞 ]{0,12}".prop_map(String::into_bytes),
        3 => Just(b"\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        2 => "\u{1b}\\[[0-9;:]{0,8}m".prop_map(String::into_bytes),
        1 => "\u{1b}[\\]\\[P(][0-9;a-zA-Z]{0,4}".prop_map(String::into_bytes),
        1 => Just(b"\x1b\\".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A word without anything that [`render`] changes.
const PLAIN_WORD: &str =
    "[^\\x00-\\x08\\x0a-\\x1f\\x7f-\\x9f\u{2028}-\u{202e}\u{2066}-\u{2069}]{0,8}";

proptest! {
    #[test]
    fn chunk_boundaries_do_not_matter(
        log in log_bytes(),
        cuts in proptest::collection::vec(0usize..600, 0..8),
        first in 0u64..40,
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(log.len())).collect();
        cuts.extend([0, log.len()]);
        cuts.sort_unstable();
        let mut whole = LineIndex::with_limits(3, 10);
        whole.push(&log);
        let mut pieces = LineIndex::with_limits(3, 10);
        for cut in cuts.windows(2) {
            pieces.push(&log[cut[0]..cut[1]]);
        }
        prop_assert_eq!(whole.lines(), pieces.lines());
        prop_assert_eq!(read(&whole, &log, first, 20), read(&pieces, &log, first, 20));
        let mut reader = whole.reader(first, 20);
        while let Some(range) = reader.next_range() {
            for byte in &log[range.start as usize..range.end as usize] {
                reader.push(&[*byte]);
            }
        }
        prop_assert_eq!(reader.into_lines(), read(&whole, &log, first, 20));
    }

    #[test]
    fn every_window_shows_what_reading_all_of_it_would(
        log in log_bytes(),
        first in 0u64..40,
        count in 0u64..40,
    ) {
        let mut index = LineIndex::with_limits(3, 10);
        index.push(&log);
        let all = all_lines(&log, 10);
        prop_assert_eq!(index.lines(), all.len() as u64);
        let window = all.into_iter().skip(first as usize).take(count as usize);
        prop_assert_eq!(read(&index, &log, first, count), window.collect::<Vec<_>>());
    }

    #[test]
    fn an_index_comes_back_from_the_store(log in log_bytes(), first in 0u64..40) {
        let mut index = LineIndex::with_limits(3, 10);
        index.push(&log);
        let stored = index.encode();
        let found = LineIndex::decode(&stored).expect("an index");
        prop_assert_eq!((found.size(), found.lines()), (index.size(), index.lines()));
        prop_assert_eq!(read(&found, &log, first, 20), read(&index, &log, first, 20));
        prop_assert!(LineIndex::decode(&stored[..stored.len() - 1]).is_none());
    }

    #[test]
    fn a_damaged_index_is_none_or_harmless(log in log_bytes(), at: prop::sample::Index, byte: u8) {
        let mut index = LineIndex::with_limits(3, 10);
        index.push(&log);
        let mut stored = index.encode();
        let at = at.index(stored.len());
        stored[at] = byte;
        if let Some(index) = LineIndex::decode(&stored) {
            let mut reader = index.reader(0, 50);
            while let Some(range) = reader.next_range() {
                prop_assert!(range.start <= range.end);
                reader.push(b"text\n");
            }
            reader.into_lines();
        }
    }

    #[test]
    fn nothing_that_acts_is_left(line in any::<String>()) {
        for span in render(&line, &mut Style::default()).spans {
            prop_assert!(!span.text.is_empty());
            prop_assert!(span.text.chars().all(|c| c == '\t' || !c.is_control()));
        }
    }

    #[test]
    fn text_is_preserved_whatever_colours_stand_between(
        words in proptest::collection::vec((PLAIN_WORD, "[0-9;:]{0,6}"), 0..12),
    ) {
        let pieces = words.iter().map(|(word, code)| format!("{word}\x1b[{code}m"));
        let line: String = pieces.collect();
        let plain: String = words.iter().map(|(word, _)| word.as_str()).collect();
        prop_assert_eq!(text(&line), plain);
    }
}
