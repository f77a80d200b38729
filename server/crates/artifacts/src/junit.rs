//! JUnit files: what test tools write, read with patience.
//!
//! Files come from every tool there is. One that is cut off, holds control characters or names an
//! odd encoding gives all results that can be read, and [`Report::problem`] says what could not.
//! Nothing expands: entities are never defined, depth, size and count are bounded.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Larger files are refused, as TestGrid refuses them.
pub const MAX_BYTES: u64 = 100_000_000;

/// Elements nested deeper are passed over.
pub const MAX_DEPTH: usize = 64;

/// Cases beyond this count are passed over.
pub const MAX_CASES: usize = 500_000;

/// Of the text of a failure more is not kept: begin and end of it, half each.
pub const MAX_TEXT: usize = 64 << 10;

/// Of a test's output more is not kept; only its begin and end can become a message.
const MAX_OUTPUT: usize = 2 << 10;

/// The results of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The cases, those of inner suites before those of the suite around them.
    pub cases: Vec<Case>,
    /// What could not be read, if anything. The cases before it are there.
    pub problem: Option<String>,
}

/// One result of a test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Case {
    /// The names of its suites and its own, joined by dots; empty ones left out.
    pub name: String,
    /// Its class: a package in Go, a module in Python; may be empty.
    pub class: String,
    /// Where in `name` its own begins, in bytes.
    pub own_at: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// It could not run to its end.
    pub error: Option<Verdict>,
    /// It failed.
    pub failure: Option<Verdict>,
    /// It was skipped.
    pub skipped: Option<Verdict>,
    /// What it wrote to its error stream.
    pub system_err: Option<String>,
    /// What it wrote.
    pub system_out: Option<String>,
    /// Its properties in the order of the file; names can repeat.
    pub properties: Vec<(String, String)>,
}

/// Why a test has its outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The `message` attribute.
    pub message: String,
    /// The text.
    pub body: String,
}

impl Verdict {
    fn is_empty(&self) -> bool {
        self.message.is_empty() && self.body.is_empty()
    }

    /// Attribute and text, each on a line of its own.
    pub fn text(&self) -> String {
        match (self.message.is_empty(), self.body.is_empty()) {
            (false, false) => format!("{}\n{}", self.message, self.body),
            (false, true) => self.message.clone(),
            _ => self.body.clone(),
        }
    }
}

impl Case {
    /// Its own name.
    pub fn test(&self) -> &str {
        self.name.get(self.own_at..).unwrap_or_default()
    }

    /// The names of its suites, joined by dots.
    pub fn suite(&self) -> &str {
        self.name.get(..self.own_at).unwrap_or_default().trim_end_matches('.')
    }

    /// What is there to say about the result, uncut: of error, failure, skip, error output and
    /// output the first that is not empty; attribute and body on lines of their own.
    pub fn message(&self) -> String {
        let verdicts = [&self.error, &self.failure, &self.skipped];
        if let Some(verdict) = verdicts.into_iter().flatten().find(|verdict| !verdict.is_empty()) {
            return verdict.text();
        }
        let outputs = [&self.system_err, &self.system_out];
        outputs.into_iter().flatten().find(|text| !text.is_empty()).cloned().unwrap_or_default()
    }

    /// Whether the case only says that it was not selected, as Ginkgo writes by the thousand.
    pub fn is_unselected(&self) -> bool {
        self.skipped.as_ref().is_some_and(|skipped| {
            skipped.body.is_empty() && (skipped.message.is_empty() || skipped.message == "skipped")
        })
    }
}

/// Why a file gives no results at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JunitError {
    /// The file is too large.
    #[error("too large: {bytes} bytes > {MAX_BYTES} bytes max")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// The encoding is not known.
    #[error("unknown charset: {0}")]
    Charset(String),
    /// It is XML of another kind.
    #[error("bad element name: {0:?}; a JUnit file begins with testsuites or testsuite")]
    Root(String),
    /// It is not XML.
    #[error("not XML: {0}")]
    NotXml(String),
}

/// Reads a file. An empty file has no results and no problem.
///
/// # Errors
/// The file is too large, is not XML, holds something else, or is in an unknown encoding.
pub fn parse(bytes: &[u8]) -> Result<Report, JunitError> {
    parse_with(bytes, Limits { output: MAX_OUTPUT })
}

/// How much of a file is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a test's output, of each stream.
    pub output: usize,
}

/// Reads a file as [`parse`] does, and keeps so much of it.
///
/// # Errors
/// As [`parse`].
pub fn parse_with(bytes: &[u8], limits: Limits) -> Result<Report, JunitError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(JunitError::TooLarge { bytes: bytes.len() as u64 });
    }
    Parser::new(limits).run(&decode(bytes)?)
}

/// The text of a file in the encoding that its mark or its first line names. What the encoding
/// cannot say becomes U+FFFD.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, JunitError> {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return Ok(utf16(rest, u16::from_le_bytes).into());
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return Ok(utf16(rest, u16::from_be_bytes).into());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Some(name) = declared_encoding(bytes) else {
        return Ok(lossy(bytes));
    };
    let normal: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match normal.as_str() {
        "" | "utf8" | "usascii" | "ascii" => Ok(lossy(bytes)),
        // Each byte is the character of that number; Windows puts other signs at the 32 unused ones.
        "iso88591" | "latin1" | "windows1252" | "cp1252" => {
            Ok(bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into())
        }
        _ => Err(JunitError::Charset(name)),
    }
}

/// As text. Nearly all that comes is text, which is told much faster than it is mended.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn utf16(bytes: &[u8], number: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| number([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

fn declared_encoding(bytes: &[u8]) -> Option<String> {
    const LONGEST: usize = 256;
    let head = &bytes[..bytes.len().min(LONGEST)];
    let head = String::from_utf8_lossy(head);
    let declaration = head.trim_start().strip_prefix("<?xml")?.split("?>").next()?.to_owned();
    let (_, after) = declaration.split_once("encoding")?;
    let after = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    after[1..].split(quote).next().map(|name| name.trim().to_owned())
}

/// What the parser is inside of.
enum Frame {
    Suites,
    Suite {
        name: String,
        nested: Vec<Case>,
        own: Vec<Case>,
    },
    /// The case is [`Parser::case`]: none holds another one.
    Case,
    Properties {
        of_case: bool,
    },
    Property {
        text: String,
        taken: bool,
    },
    Verdict {
        kind: VerdictKind,
        message: Option<String>,
        text: String,
    },
    Output {
        is_err: bool,
        text: String,
    },
    /// Something that results are not made of.
    Other,
}

#[derive(Clone, Copy)]
enum VerdictKind {
    Error,
    Failure,
    Skipped,
}

struct Parser {
    limits: Limits,
    frames: Vec<Frame>,
    /// The case that it is inside of, if it is inside of one.
    case: Case,
    /// How deep the parser is below the last frame that it keeps.
    passed_over: usize,
    done: Vec<Case>,
    count: usize,
    problem: Option<String>,
    saw_root: bool,
}

impl Parser {
    fn new(limits: Limits) -> Parser {
        Parser {
            limits,
            frames: Vec::new(),
            case: Case::default(),
            passed_over: 0,
            done: Vec::new(),
            count: 0,
            problem: None,
            saw_root: false,
        }
    }

    fn run(mut self, text: &str) -> Result<Report, JunitError> {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        // What was read beside the reader, which does not count it.
        let mut taken = 0;
        loop {
            if self.saw_root {
                taken += self.take_text(text, &mut reader);
            }
            match reader.read_event() {
                Ok(Event::Start(start)) => self.open(&start)?,
                Ok(Event::Empty(start)) => {
                    self.open(&start)?;
                    self.close();
                }
                Ok(Event::End(_)) => self.close(),
                Ok(Event::Text(text)) => self.text(&lossy(&text)),
                Ok(Event::CData(text)) => self.text(&lossy(&text)),
                Ok(Event::GeneralRef(name)) => {
                    let name = String::from_utf8_lossy(&name);
                    match reference(&name) {
                        Some(c) => self.text(c.encode_utf8(&mut [0; 4])),
                        None => self.text(&format!("&{name};")),
                    }
                }
                Ok(Event::Eof) => break,
                Ok(_) => {}
                Err(error) => {
                    let place = reader.error_position() + taken;
                    if !self.saw_root {
                        return Err(JunitError::NotXml(error.to_string()));
                    }
                    self.note(&format!("the file cannot be read after byte {place}: {error}"));
                    break;
                }
            }
        }
        if !self.saw_root && self.problem.is_some() {
            return Err(JunitError::NotXml(self.problem.unwrap_or_default()));
        }
        if !self.frames.is_empty() || self.passed_over > 0 {
            self.note("the file ends before its last element does");
        }
        // What is still open is closed, so that a file cut off keeps its results; the case in the
        // middle of which it ends is not known whole.
        while let Some(frame) = self.frames.pop() {
            if !matches!(frame, Frame::Case) {
                self.finish(frame);
            }
        }
        Ok(Report { cases: self.done, problem: self.problem })
    }

    /// Takes the text up to the next tag: most of a file is the output of its tests, and it needs no
    /// event for each of its references. The answer is how many bytes that are.
    fn take_text<'t>(&mut self, text: &'t str, reader: &mut Reader<&'t [u8]>) -> u64 {
        let rest: &'t [u8] = reader.get_ref();
        let length = memchr(b'<', rest).unwrap_or(rest.len());
        if length == 0 {
            return 0;
        }
        let begin = text.len() - rest.len();
        *reader.get_mut() = &rest[length..];
        if let (Some((kept, most)), Some(piece)) = (self.sink(), text.get(begin..begin + length)) {
            push_content(kept, piece, most);
        }
        length as u64
    }

    fn text(&mut self, piece: &str) {
        if let Some((kept, most)) = self.sink() {
            push_text(kept, piece, most);
        } else if !self.saw_root && !piece.trim().is_empty() {
            self.note("there is text before the first element");
        }
    }

    /// Where text goes that comes now, and how much of it is kept.
    fn sink(&mut self) -> Option<(&mut String, usize)> {
        if self.passed_over > 0 {
            return None;
        }
        match self.frames.last_mut()? {
            Frame::Verdict { text, .. } => Some((text, MAX_TEXT)),
            Frame::Output { text, .. } => Some((text, self.limits.output)),
            Frame::Property { text, .. } => Some((text, MAX_OUTPUT)),
            _ => None,
        }
    }

    fn note(&mut self, problem: &str) {
        self.problem.get_or_insert_with(|| problem.to_owned());
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), JunitError> {
        let local = start.local_name();
        if self.passed_over > 0 {
            self.passed_over += 1;
            return Ok(());
        }
        let name = local.as_ref();
        if !self.saw_root {
            if name != b"testsuites" && name != b"testsuite" {
                return Err(JunitError::Root(String::from_utf8_lossy(name).into_owned()));
            }
            self.saw_root = true;
        } else if self.frames.is_empty() {
            self.note("there is something after the first element");
            self.passed_over = 1;
            return Ok(());
        }
        if self.frames.len() >= MAX_DEPTH {
            self.note(&format!("elements nested deeper than {MAX_DEPTH} were passed over"));
            self.passed_over = 1;
            return Ok(());
        }
        let frame = self.frame(name, start);
        self.frames.push(frame);
        Ok(())
    }

    fn frame(&mut self, name: &[u8], start: &BytesStart<'_>) -> Frame {
        match (self.frames.last_mut(), name) {
            (None, b"testsuites") => Frame::Suites,
            (None | Some(Frame::Suites | Frame::Suite { .. }), b"testsuite") => {
                let [own] = attributes(start, [b"name"]);
                let own = own.unwrap_or_default();
                let name = match self.frames.last() {
                    Some(Frame::Suite { name, .. }) => dotted(name, &own),
                    _ => own.into_owned(),
                };
                Frame::Suite { name, nested: Vec::new(), own: Vec::new() }
            }
            (Some(Frame::Suites | Frame::Suite { .. }), b"testcase") => {
                if self.count >= MAX_CASES {
                    self.note(&format!("test cases after the first {MAX_CASES} were passed over"));
                    return Frame::Other;
                }
                self.count += 1;
                let [own, class, time] = attributes(start, [b"name", b"classname", b"time"]);
                let own = own.unwrap_or_default();
                let length = own.len();
                let name = match self.frames.last() {
                    Some(Frame::Suite { name, .. }) => dotted(name, &own),
                    _ => own.into_owned(),
                };
                let seconds = time.map_or(0.0, |text| seconds(&text));
                let class = class.unwrap_or_default().into_owned();
                let own_at = name.len() - length;
                self.case = Case { name, class, own_at, seconds, ..Case::default() };
                Frame::Case
            }
            (Some(Frame::Case), b"properties") => Frame::Properties { of_case: true },
            (Some(Frame::Suite { .. }), b"properties") => Frame::Properties { of_case: false },
            (Some(Frame::Properties { of_case: true }), b"property") => {
                let [key, value] = attributes(start, [b"name", b"value"]);
                let taken = value.is_some();
                let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
                self.case.properties.push((text(key), text(value)));
                Frame::Property { text: String::new(), taken }
            }
            (Some(Frame::Case), b"error") => verdict(VerdictKind::Error, start),
            (Some(Frame::Case), b"failure") => verdict(VerdictKind::Failure, start),
            (Some(Frame::Case), b"skipped") => verdict(VerdictKind::Skipped, start),
            (Some(Frame::Case), b"system-out") => {
                Frame::Output { is_err: false, text: String::new() }
            }
            (Some(Frame::Case), b"system-err") => {
                Frame::Output { is_err: true, text: String::new() }
            }
            _ => Frame::Other,
        }
    }

    fn close(&mut self) {
        if self.passed_over > 0 {
            self.passed_over -= 1;
        } else if let Some(frame) = self.frames.pop() {
            self.finish(frame);
        }
    }

    fn finish(&mut self, frame: Frame) {
        match frame {
            Frame::Suite { mut nested, own, .. } => {
                append(&mut nested, own);
                match self.frames.last_mut() {
                    Some(Frame::Suite { nested: outer, .. }) => append(outer, nested),
                    _ => append(&mut self.done, nested),
                }
            }
            Frame::Case => {
                let case = std::mem::take(&mut self.case);
                match self.frames.last_mut() {
                    Some(Frame::Suite { own, .. }) => own.push(case),
                    _ => self.done.push(case),
                }
            }
            Frame::Verdict { kind, message, text } => {
                let slot = match kind {
                    VerdictKind::Error => &mut self.case.error,
                    VerdictKind::Failure => &mut self.case.failure,
                    VerdictKind::Skipped => &mut self.case.skipped,
                };
                let verdict = slot.get_or_insert_default();
                if let Some(message) = message {
                    verdict.message = message;
                }
                verdict.body = shortened(text, MAX_TEXT);
            }
            Frame::Output { is_err, text } => {
                let case = &mut self.case;
                let slot = if is_err { &mut case.system_err } else { &mut case.system_out };
                *slot = Some(shortened(text, self.limits.output));
            }
            // Some tools write the value between the tags.
            Frame::Property { text, taken: false } => {
                if let Some((_, value)) = self.case.properties.last_mut() {
                    *value = text.trim().to_owned();
                }
            }
            Frame::Property { .. } | Frame::Suites | Frame::Properties { .. } | Frame::Other => {}
        }
    }
}

fn verdict(kind: VerdictKind, start: &BytesStart<'_>) -> Frame {
    let [message] = attributes(start, [b"message"]);
    let message = message.map(|text| shortened(text.into_owned(), MAX_TEXT));
    Frame::Verdict { kind, message, text: String::new() }
}

fn dotted(left: &str, right: &str) -> String {
    match (left.is_empty(), right.is_empty()) {
        (false, false) => [left, ".", right].concat(),
        (_, true) => left.to_owned(),
        _ => right.to_owned(),
    }
}

/// Seconds as tools write them; thousands may be set off by commas.
fn seconds(text: &str) -> f64 {
    let text = text.trim();
    let parsed = text.parse::<f64>().or_else(|_| text.replace(',', "").parse());
    parsed.ok().filter(|seconds| seconds.is_finite()).unwrap_or(0.0)
}

/// Moves all of `from` behind what is there.
fn append(cases: &mut Vec<Case>, from: Vec<Case>) {
    match cases.is_empty() {
        true => *cases = from,
        false => cases.extend(from),
    }
}

/// The values of attributes with these names, the first of each.
fn attributes<'s, const N: usize>(
    start: &'s BytesStart<'_>,
    names: [&[u8]; N],
) -> [Option<Cow<'s, str>>; N] {
    let mut values = [const { None }; N];
    let mut left = N;
    for attribute in start.attributes().with_checks(false).flatten() {
        let name = attribute.key.local_name();
        let at = names.iter().position(|wanted| *wanted == name.as_ref());
        if let Some(at) = at.filter(|at| values[*at].is_none()) {
            values[at] = Some(value(attribute.value));
            left -= 1;
            if left == 0 {
                break;
            }
        }
    }
    values
}

/// The text of an attribute's value.
fn value(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    let plain = match bytes {
        Cow::Borrowed(bytes) => lossy(bytes),
        Cow::Owned(bytes) => lossy(&bytes).into_owned().into(),
    };
    if memchr(b'&', plain.as_bytes()).is_none() && !may_be_odd(&plain) {
        return plain;
    }
    let mut text = String::with_capacity(plain.len());
    for_each_piece(&plain, |piece| text.push_str(piece));
    match cleaned(&text) {
        Some(text) => text.into(),
        None => text.into(),
    }
}

/// Gives the text piece by piece, references replaced; one that means nothing stays as it is.
fn for_each_piece(text: &str, mut piece: impl FnMut(&str)) {
    let mut rest = text;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        let after = &rest[at + 1..];
        // Another `&` begins another reference.
        let end = memchr2(b';', b'&', after.as_bytes());
        let known = end
            .filter(|end| after.as_bytes()[*end] == b';')
            .and_then(|end| Some((reference(&after[..end])?, &after[end + 1..])));
        match known {
            Some((c, tail)) => {
                piece(&rest[..at]);
                piece(c.encode_utf8(&mut [0; 4]));
                rest = tail;
            }
            None => {
                piece(&rest[..=at]);
                rest = after;
            }
        }
    }
    piece(rest);
}

/// The character of a reference, without `&` and `;`.
fn reference(name: &str) -> Option<char> {
    let number = match name {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "apos" => return Some('\''),
        "quot" => return Some('"'),
        _ => name.strip_prefix('#')?,
    };
    let number = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    Some(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
}

/// Whether a character is one that XML cannot hold, or `\r`.
fn is_odd(c: char) -> bool {
    (c < ' ' && c != '\n' && c != '\t') || c == '\u{fffe}' || c == '\u{ffff}'
}

/// Whether the text has a byte that an odd character may have. It looks at all of them, so that it can
/// look at many at once.
fn may_be_odd(text: &str) -> bool {
    let is_odd = |byte: u8| {
        ((byte < b' ') & (byte != b'\n') & (byte != b'\t')) | (byte == LAST_OF_FIRST_PLANE)
    };
    text.bytes().fold(false, |odd, byte| odd | is_odd(byte))
}

/// With this byte the last characters of the first plane begin in UTF-8, U+FFFE and U+FFFF among them.
const LAST_OF_FIRST_PLANE: u8 = 0xef;

/// The text with line ends as `\n` and characters that XML cannot hold as U+FFFD; nothing if it is so
/// already.
fn cleaned(text: &str) -> Option<String> {
    if !may_be_odd(text) || !text.chars().any(is_odd) {
        return None;
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    Some(text.chars().map(|c| if is_odd(c) { char::REPLACEMENT_CHARACTER } else { c }).collect())
}

/// Appends text as it stands between tags, as [`push_text`] does.
fn push_content(text: &mut String, content: &str, most: usize) {
    if text.is_empty() {
        text.reserve(content.len().min(longest(most)));
    }
    for_each_piece(content, |piece| push_text(text, piece, most));
}

/// Appends a piece, and cuts the middle out where the whole becomes more than twice too long.
fn push_text(text: &mut String, piece: &str, most: usize) {
    match cleaned(piece) {
        Some(piece) => text.push_str(&piece),
        None => text.push_str(piece),
    }
    if text.len() > longest(most) {
        *text = shortened(std::mem::take(text), most);
    }
}

/// How long a text becomes before its middle is cut out.
fn longest(most: usize) -> usize {
    2 * most + (most / 2)
}

/// At most `most` bytes: begin and end.
fn shortened(mut text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let mut begin = most / 2;
    while !text.is_char_boundary(begin) {
        begin -= 1;
    }
    let mut end = text.len() - most / 2;
    while !text.is_char_boundary(end) {
        end += 1;
    }
    text.replace_range(begin..end, "");
    text.shrink_to_fit();
    text
}

#[cfg(test)]
mod tests;
