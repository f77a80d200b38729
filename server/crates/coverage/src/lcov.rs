//! LCOV's tracefiles: `SF:` names a file, `DA:` counts a line. Each line is a block of one
//! statement; functions and branches are passed over.

use crate::go_text::{Lines, decimal, shown};
use crate::read::{Builder, MAX_LINE_BYTES, Notes, Read, ReadError, Reading};
use crate::{Block, Mode, Position};

/// Reads an LCOV tracefile.
pub(crate) fn read(bytes: &[u8], reading: &Reading) -> Result<Read, ReadError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut builder = Builder::new(reading);
    let mut notes = Notes::default();
    let mut file: Option<String> = None;
    for (number, line) in Lines::new(bytes) {
        let line = line.trim_ascii();
        if line.len() > MAX_LINE_BYTES {
            let message = format!("the line is longer than {MAX_LINE_BYTES} bytes");
            notes.tolerate(reading, number, message)?;
        } else if let Some(name) = line.strip_prefix(b"SF:") {
            file = match std::str::from_utf8(name) {
                Ok(name) if !name.is_empty() => Some(name.to_owned()),
                _ => {
                    let message = format!("`{}` names no file in UTF-8", shown(line));
                    notes.tolerate(reading, number, message)?;
                    None
                }
            };
        } else if let Some(data) = line.strip_prefix(b"DA:") {
            match (line_and_count(data), &file) {
                (Some((at, count)), Some(file)) => {
                    let block = Block { at: Position::of_line(at), statements: 1, count };
                    builder.add(number, file, block)?;
                }
                (None, _) => {
                    let message = format!("`{}` is not `DA:line,count`", shown(line));
                    notes.tolerate(reading, number, message)?;
                }
                (Some(_), None) => {
                    let message = format!("`{}` belongs to no file: no `SF:`", shown(line));
                    notes.tolerate(reading, number, message)?;
                }
            }
        } else if line == b"end_of_record" {
            file = None;
        } else if !is_other_record(line) {
            let message = format!("`{}` is no line of a tracefile", shown(line));
            notes.tolerate(reading, number, message)?;
        }
    }
    let profile = builder.finish(Mode::Count, &mut notes)?;
    Ok(Read { profile, notes })
}

/// `line,count`, perhaps with a checksum behind. Some tools write `-1` for a line that overflowed
/// or was never counted; it did not run.
fn line_and_count(data: &[u8]) -> Option<(u32, u64)> {
    let (line, rest) = decimal(data)?;
    let count = rest.strip_prefix(b",")?;
    let (count, rest) = match count.strip_prefix(b"-") {
        Some(digits) => (0, decimal(digits)?.1),
        None => decimal(count)?,
    };
    (rest.is_empty() || rest.starts_with(b",")).then_some(())?;
    Some((u32::try_from(line).ok().filter(|line| *line > 0)?, count))
}

/// A record of a kind that is passed over: a short word in capitals and a colon; or a comment.
fn is_other_record(line: &[u8]) -> bool {
    if line.is_empty() || line.starts_with(b"#") {
        return true;
    }
    let word = line.split(|byte| *byte == b':').next().unwrap_or_default();
    word.len() < line.len()
        && (1..=8).contains(&word.len())
        && word.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
