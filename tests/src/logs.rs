//! Logs of any size: lines that real runs wrote, and everything that makes a log hard to show, thrown
//! by dice that always fall the same.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use artifacts::log::search::{DEFAULT_HIGHLIGHTS, LinePattern, MAX_SEARCHED_LINE};
use go_compat::time::Timestamp;

use crate::data;
use crate::grids::Dice;

/// Bytes of the one line that is longer than any page can bear; logs that are not at least twice as
/// large have none.
pub const LONG_LINE: u64 = 10_000_000;
/// Real logs that are read for their lines.
const SOURCES: usize = 40;
/// Real lines that are kept.
const KEPT_LINES: usize = 20_000;
/// A real line that is longer is left out: the long line is to be the only one.
const MAX_REAL_LINE: usize = 2_000;
/// Lines of one part of the log.
const PART_LINES: u64 = 20_000;
/// When the log begins: 2026-11-21T00:00:00Z.
const START: Timestamp = Timestamp::from_seconds(1_795_219_200);

/// Lines of the kinds that are found in logs of `go test`, for where there are no real ones.
const BUILT_IN: [&str; 8] = [
    "=== RUN   TestServer/with_a_deadline",
    "--- PASS: TestServer/with_a_deadline (0.03s)",
    "ok  \texample.com/project/pkg/server\t1.204s\tcoverage: 71.3% of statements",
    "    server_test.go:88: the answer came after 31ms",
    "+ go test -count=1 -race ./...",
    "go: downloading github.com/stretchr/testify v1.9.0",
    "time=\"2026-11-21T00:00:07Z\" level=info msg=\"listening\" port=8080",
    "{\"Time\":\"2026-11-21T00:00:07.25Z\",\"Action\":\"output\",\"Package\":\"example.com/a\"}",
];

/// What a log is to be like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Its size in bytes; the last line may go beyond.
    pub bytes: u64,
    /// Which dice; the same give the same log.
    pub seed: u64,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes.
    pub bytes: u64,
    /// Lines.
    pub lines: u64,
    /// The lines that look like errors, counted from 0.
    pub errors: Vec<u64>,
}

/// Lines of the logs below a folder of results that look like no error; built-in ones without it.
pub fn real_lines(results: Option<&Path>) -> Vec<Vec<u8>> {
    let pattern = LinePattern::any(&DEFAULT_HIGHLIGHTS, MAX_SEARCHED_LINE).unwrap_or_default();
    let mut files = Vec::new();
    let mut folders: Vec<_> = results.map(|folder| folder.join("sample-ci")).into_iter().collect();
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
        // A folder lists its entries in any order.
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("build-log.txt") && files.len() < SOURCES {
                files.push(path);
            }
        }
        if files.len() >= SOURCES {
            break;
        }
    }
    let mut lines = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read(file) else { continue };
        let good = text.split(|byte| *byte == b'\n').filter(|line| {
            !line.is_empty() && line.len() <= MAX_REAL_LINE && !pattern.matches(line)
        });
        lines.extend(good.map(<[u8]>::to_vec).take(KEPT_LINES - lines.len()));
    }
    if lines.is_empty() {
        lines = BUILT_IN.iter().map(|line| line.as_bytes().to_vec()).collect();
    }
    lines
}

/// The same with what [`data::results`] finds.
pub fn lines() -> Vec<Vec<u8>> {
    real_lines(data::results().as_deref())
}

/// Writes a log. Errors stand in its last third, the first of them at two thirds of its size.
///
/// # Errors
/// It cannot be written.
pub fn write(out: impl Write, shape: Shape, real: &[Vec<u8>]) -> io::Result<Written> {
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let mut dice = Dice::new(shape.seed);
    let mut written = Written::default();
    let mut line = Vec::new();
    let mut long = shape.bytes >= 2 * LONG_LINE;
    // Errors are rare and far apart, whatever the size.
    let between = (shape.bytes / 150).max(1);
    let mut next_error = shape.bytes / 3 * 2;
    let mut now = START;
    while written.bytes < shape.bytes {
        line.clear();
        now = now.saturating_add(std::time::Duration::from_millis(dice.roll(20)));
        let at = now.civil();
        let (month, day) = (at.month, at.day);
        let (hour, minute, second) = (at.hour, at.minute, at.second);
        let clock = format!("{hour:02}:{minute:02}:{second:02}");
        let micros = u64::from(at.millisecond) * 1_000 + dice.roll(1_000);
        if written.bytes >= next_error {
            next_error = written.bytes + between / 2 + dice.roll(between);
            written.errors.push(written.lines);
            write!(
                line,
                "E{month:02}{day:02} {clock}.{micros:06} 7 run.go:{}] lost the connection",
                dice.roll(900)
            )?;
        } else if long && written.bytes >= shape.bytes / 2 {
            long = false;
            line.resize(LONG_LINE as usize, b'x');
        } else if written.lines.is_multiple_of(PART_LINES) {
            let part = written.lines / PART_LINES + 1;
            write!(line, "+++ [{month:02}{day:02} {clock}] Part {part}")?;
        } else {
            match dice.roll(100) {
                0..=49 => line.extend_from_slice(pick(real, &mut dice)),
                50..=79 => {
                    let letter = if dice.roll(12) == 0 { 'W' } else { 'I' };
                    let number = dice.roll(1 << 30);
                    write!(
                        line,
                        "{letter}{month:02}{day:02} {clock}.{micros:06} 7 reflector.go:{}] synced object {number:x} of the cluster after {}ms",
                        dice.roll(900),
                        dice.roll(5_000)
                    )?;
                }
                80..=94 => {
                    let colour = 31 + dice.roll(6);
                    write!(
                        line,
                        "\u{1b}[1;{colour}mstep {}\u{1b}[0m \u{1b}[38;5;{}m",
                        dice.roll(1_000),
                        dice.roll(256)
                    )?;
                    line.extend_from_slice(pick(real, &mut dice));
                    line.extend_from_slice(b"\x1b[0m");
                }
                95..=97 => write!(line, "{}%\r{}% done", dice.roll(50), 50 + dice.roll(50))?,
                98 => line.extend_from_slice(b"bytes \xff\xfe\xc3 that are no text \xe2\x82"),
                _ => {}
            }
        }
        line.push(b'\n');
        out.write_all(&line)?;
        written.bytes += line.len() as u64;
        written.lines += 1;
    }
    out.flush()?;
    Ok(written)
}

fn pick<'l>(lines: &'l [Vec<u8>], dice: &mut Dice) -> &'l [u8] {
    let at = dice.roll(lines.len() as u64) as usize;
    lines.get(at).map_or(b"", Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use artifacts::log::search::Search;
    use artifacts::log::{LineIndex, MAX_LINE_BYTES};

    use super::*;

    #[test]
    fn a_log_is_the_same_again_and_has_its_errors_where_it_says() {
        let real = real_lines(None);
        let shape = Shape { bytes: 25_000_000, seed: 1 };
        let mut log = Vec::new();
        let written = write(&mut log, shape, &real).expect("a log");
        let mut again = Vec::new();
        assert_eq!(write(&mut again, shape, &real).expect("a log"), written);
        assert!(log == again, "two logs of one seed differ");
        let mut other = Vec::new();
        write(&mut other, Shape { seed: 2, ..shape }, &real).expect("a log");
        assert!(log != other, "two seeds give one log");

        assert_eq!(written.bytes, log.len() as u64);
        assert!((25_000_000..36_000_000).contains(&written.bytes));
        let pattern = LinePattern::any(&DEFAULT_HIGHLIGHTS, MAX_SEARCHED_LINE).expect("patterns");
        let mut search = Search::new(&pattern, 1_000);
        search.push(&log);
        let found = search.finish();
        assert_eq!((&found.lines, found.searched), (&written.errors, written.lines));
        assert!(found.total > 10);
        let mut index = LineIndex::new();
        index.push(&log);
        assert_eq!(index.lines(), written.lines);
        let long = log.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
        assert_eq!(long, Some(LONG_LINE as usize));
        const { assert!(LONG_LINE > MAX_LINE_BYTES) };
        assert!(std::str::from_utf8(&log).is_err() && log.contains(&0x1b));
    }
}
