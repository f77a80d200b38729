//! Cobertura's XML: each `line` of a `class` is a block of one statement of the class's file.
//! Nothing expands: entities are never defined, and depth is bounded by what is kept of it.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::go_text::decimal;
use crate::read::{Builder, Notes, Read, ReadError, Reading};
use crate::{Block, Mode, Position};

/// Reads a Cobertura report.
pub(crate) fn read(bytes: &[u8], reading: &Reading) -> Result<Read, ReadError> {
    let mut builder = Builder::new(reading);
    let mut notes = Notes::default();
    let mut reader = Reader::from_reader(bytes);
    let mut place = Place { bytes, at: 0, line: 1 };
    let mut saw_root = false;
    let mut file: Option<String> = None;
    // Lines of methods stand among those of their class too.
    let mut in_method = 0_u32;
    loop {
        let event = reader.read_event();
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match event {
            Ok(Event::Start(start)) => {
                let is_class = start.local_name().as_ref() == b"class";
                check_root(&mut saw_root, &start, || place.line_at(at))?;
                if is_class {
                    file = attribute(&start, b"filename").filter(|name| !name.is_empty());
                } else if start.local_name().as_ref() == b"method" {
                    in_method = in_method.saturating_add(1);
                } else if in_method == 0 {
                    let line = place.line_at(at);
                    add_line(&start, file.as_deref(), line, reading, &mut builder, &mut notes)?;
                }
            }
            Ok(Event::Empty(start)) => {
                check_root(&mut saw_root, &start, || place.line_at(at))?;
                if in_method == 0 {
                    let line = place.line_at(at);
                    add_line(&start, file.as_deref(), line, reading, &mut builder, &mut notes)?;
                }
            }
            Ok(Event::End(end)) => match end.local_name().as_ref() {
                b"class" => file = None,
                b"method" => in_method = in_method.saturating_sub(1),
                _ => {}
            },
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => {
                let line = place.line_at(at);
                if !saw_root {
                    return Err(ReadError::new(line, format!("not XML: {error}")));
                }
                notes.tolerate(reading, line, format!("the file ends in bad XML: {error}"))?;
                break;
            }
        }
    }
    if !saw_root {
        return Err(ReadError::new(1, "not a Cobertura report: it has no element `coverage`"));
    }
    let profile = builder.finish(Mode::Count, &mut notes)?;
    Ok(Read { profile, notes })
}

fn check_root(
    saw_root: &mut bool,
    start: &BytesStart<'_>,
    line: impl FnOnce() -> u64,
) -> Result<(), ReadError> {
    if *saw_root {
        return Ok(());
    }
    let name = start.local_name();
    if name.as_ref() != b"coverage" {
        let name = String::from_utf8_lossy(name.as_ref()).into_owned();
        let message = format!("not a Cobertura report: it begins with `{name}`, not `coverage`");
        return Err(ReadError::new(line(), message));
    }
    *saw_root = true;
    Ok(())
}

fn add_line(
    start: &BytesStart<'_>,
    file: Option<&str>,
    line: u64,
    reading: &Reading,
    builder: &mut Builder<'_>,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    if start.local_name().as_ref() != b"line" {
        return Ok(());
    }
    let whole = |name: &[u8]| {
        let text = attribute(start, name)?;
        decimal(text.as_bytes()).filter(|(_, rest)| rest.is_empty()).map(|(number, _)| number)
    };
    let number = whole(b"number").and_then(|number| u32::try_from(number).ok());
    match (number.filter(|number| *number > 0), whole(b"hits"), file) {
        (Some(number), Some(count), Some(file)) => {
            let block = Block { at: Position::of_line(number), statements: 1, count };
            builder.add(line, file, block)
        }
        (_, _, None) => notes.tolerate(reading, line, "a `line` outside a class with a filename"),
        _ => notes.tolerate(reading, line, "a `line` without a whole `number` and `hits`"),
    }
}

/// The value of an attribute, the five entities of XML and numbered characters resolved.
fn attribute(start: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let found = start.attributes().with_checks(false).flatten().find(|a| a.key.as_ref() == name)?;
    let text = String::from_utf8_lossy(&found.value).into_owned();
    let plain = match quick_xml::escape::unescape(&text) {
        Ok(plain) => plain.into_owned(),
        Err(_) => text,
    };
    // A line break in a name would be one in every text form.
    Some(plain.replace(|letter: char| letter.is_control(), "\u{fffd}"))
}

/// Counts lines up to a byte; the bytes asked for only grow.
struct Place<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Place<'_> {
    fn line_at(&mut self, at: usize) -> u64 {
        let at = at.min(self.bytes.len());
        if let Some(passed) = self.bytes.get(self.at..at) {
            self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.at = at;
        }
        self.line
    }
}
