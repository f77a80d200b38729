//! Go's text form: `mode: count`, then `file:line.column,line.column statements count` per block.

use crate::profile::MAX_COUNT;
use crate::read::{Builder, MAX_LINE_BYTES, Notes, Read, ReadError, Reading};
use crate::{Block, Mode, Position};

/// Reads a profile in Go's text form.
pub(crate) fn read(bytes: &[u8], reading: &Reading) -> Result<Read, ReadError> {
    let mut builder = Builder::new(reading);
    let mut notes = Notes::default();
    let mut mode = None;
    for (number, line) in Lines::new(bytes) {
        match classify(number, line, mode, reading, &mut notes)? {
            Line::Mode(found) => mode = Some(found),
            Line::Block(name, block) => {
                mode.get_or_insert(Mode::Count);
                builder.add(number, name, block)?;
            }
            Line::Nothing => {}
        }
    }
    let profile = builder.finish(mode.unwrap_or_default(), &mut notes)?;
    Ok(Read { profile, notes })
}

/// The lines of a text with their numbers, from 1. `\r` before the line break is no part of it.
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    number: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Lines<'a> {
        Lines { rest: bytes, number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<(u64, &'a [u8])> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let (line, rest) = split_line(self.rest);
        self.rest = rest;
        Some((self.number, line))
    }
}

/// The first line and what follows it.
pub(crate) fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match text.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// What a line is.
pub(crate) enum Line<'a> {
    /// The mode of the profile.
    Mode(Mode),
    /// A block of the named file.
    Block(&'a str, Block),
    /// Nothing that matters, or something that was noted.
    Nothing,
}

/// Reads one line. `mode` is what was found before it.
pub(crate) fn classify<'a>(
    number: u64,
    line: &'a [u8],
    mode: Option<Mode>,
    reading: &Reading,
    notes: &mut Notes,
) -> Result<Line<'a>, ReadError> {
    if line.len() > MAX_LINE_BYTES {
        let message = format!("the line is longer than {MAX_LINE_BYTES} bytes");
        return notes.tolerate(reading, number, message).map(|()| Line::Nothing);
    }
    let line = match (number, reading.tolerant) {
        (1, true) => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
        _ => line,
    };
    if reading.tolerant && line.is_empty() {
        return Ok(Line::Nothing);
    }
    let named = line.strip_prefix(b"mode: ").and_then(|name| std::str::from_utf8(name).ok());
    match (named.and_then(Mode::from_name), mode) {
        (Some(found), None) => return Ok(Line::Mode(found)),
        // Profiles of packages put behind one another.
        (Some(found), Some(mode)) if reading.tolerant && found == mode => {
            return Ok(Line::Nothing);
        }
        (None, None) if named.is_some() => {
            let message = format!("bad mode line `{}`: set, count or atomic", shown(line));
            return notes.tolerate(reading, number, message).map(|()| Line::Nothing);
        }
        _ => {}
    }
    if mode.is_none() {
        let message = format!("bad mode line `{}`: `mode: count` must come first", shown(line));
        notes.tolerate(reading, number, message)?;
    }
    match parse_block(line, reading.tolerant) {
        Ok((name, block)) => Ok(Line::Block(name, block)),
        Err(problem) => {
            let message = format!("`{}` is no block: {problem}", shown(line));
            notes.tolerate(reading, number, message).map(|()| Line::Nothing)
        }
    }
}

/// A line in a message, cut.
pub(crate) fn shown(line: &[u8]) -> String {
    const SHOWN: usize = 120;
    let cut = &line[..line.len().min(SHOWN)];
    let text = String::from_utf8_lossy(cut).into_owned();
    if line.len() > SHOWN { text + "…" } else { text }
}

/// Reads from the end, since a file's name may hold anything. A negative count, which a
/// subtraction by gopherage can leave behind, is 0 to a tolerant reader.
fn parse_block(line: &[u8], tolerant: bool) -> Result<(&str, Block), String> {
    let mut rest = line;
    let count = match last_part(&mut rest, b' ', "count")? {
        [b'-', digits @ ..] if tolerant => number(digits, "count").map(|_| 0)?,
        digits => number(digits, "count")?,
    };
    let statements = last_number(&mut rest, b' ', "number of statements")?;
    let end_col = last_number(&mut rest, b'.', "end column")?;
    let end_line = last_number(&mut rest, b',', "end line")?;
    let start_col = last_number(&mut rest, b'.', "start column")?;
    let start_line = last_number(&mut rest, b':', "start line")?;
    if rest.is_empty() {
        return Err("the file has no name".to_owned());
    }
    let name = std::str::from_utf8(rest).map_err(|_| "the file's name is not UTF-8".to_owned())?;
    let at = Position { start_line, start_col, end_line, end_col };
    Ok((name, Block { at, statements, count }))
}

/// Cuts off what stands behind the last separator.
fn last_part<'a>(rest: &mut &'a [u8], separator: u8, what: &str) -> Result<&'a [u8], String> {
    let at = rest
        .iter()
        .rposition(|byte| *byte == separator)
        .ok_or_else(|| format!("there is no `{}` before the {what}", char::from(separator)))?;
    let part = &rest[at + 1..];
    *rest = &rest[..at];
    Ok(part)
}

fn last_number(rest: &mut &[u8], separator: u8, what: &str) -> Result<u32, String> {
    let part = last_part(rest, separator, what)?;
    u32::try_from(number(part, what)?).map_err(|_| format!("the {what} is too great"))
}

fn number(digits: &[u8], what: &str) -> Result<u64, String> {
    if let [b'-', ..] = digits {
        return Err(format!("the {what} is negative"));
    }
    match decimal(digits) {
        Some((number, [])) => Ok(number),
        Some((_, _)) => Err(format!("the {what} is no number")),
        None if digits.first().is_some_and(u8::is_ascii_digit) => {
            Err(format!("the {what} is too great"))
        }
        None => Err(format!("the {what} is no number")),
    }
}

/// The number that a text begins with, at most [`MAX_COUNT`], and what follows its digits.
pub(crate) fn decimal(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut number: u64 = 0;
    let mut at = 0;
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|d| *d < 10) {
        // 18 digits always fit.
        number = match at < 18 {
            true => number * 10 + u64::from(digit),
            false => number.checked_mul(10)?.checked_add(u64::from(digit))?,
        };
        at += 1;
    }
    (at > 0 && number <= MAX_COUNT).then(|| (number, &text[at..]))
}
