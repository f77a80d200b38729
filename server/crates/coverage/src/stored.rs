//! The form in which profiles are kept: small, and bounded when it is read again.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::{Block, FileCoverage, Mode, Position, Profile, Ratio};

/// The greatest size of a stored profile before it was packed, in bytes.
pub const MAX_UNPACKED_BYTES: u64 = 256 << 20;

/// The form is numbered, so that an older one is not misread.
const FORM: u8 = 1;

/// Stored bytes that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored coverage cannot be read: {0}")]
pub struct StoredError(&'static str);

/// The ratios of a profile's files, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The files, by name.
    pub files: Vec<(String, Ratio)>,
}

impl Summary {
    /// That of a profile.
    pub fn of(profile: &Profile) -> Summary {
        Summary { files: profile.ratios().map(|(name, ratio)| (name.to_owned(), ratio)).collect() }
    }

    /// All statements, and how many ran.
    pub fn ratio(&self) -> Ratio {
        self.files.iter().fold(Ratio::default(), |sum, (_, ratio)| sum.plus(*ratio))
    }

    /// The files with their ratios.
    pub fn ratios(&self) -> impl Iterator<Item = (&str, Ratio)> + Clone {
        self.files.iter().map(|(name, ratio)| (name.as_str(), *ratio))
    }

    /// Its stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORM];
        push(&mut out, self.files.len() as u64);
        let mut before = "";
        for (name, ratio) in &self.files {
            push_name(&mut out, before, name);
            push(&mut out, ratio.covered);
            push(&mut out, ratio.total);
            before = name;
        }
        pack(&out)
    }

    /// Reads its stored form.
    pub fn decode(stored: &[u8]) -> Result<Summary, StoredError> {
        let bytes = unpack(stored)?;
        let mut input = Input::new(&bytes)?;
        let count = input.count()?;
        let mut files: Vec<(String, Ratio)> = Vec::with_capacity(count);
        for _ in 0..count {
            let name = input.name(files.last().map_or("", |(name, _)| name))?;
            let ratio = Ratio { covered: input.number()?, total: input.number()? };
            files.push((name, ratio));
        }
        Ok(Summary { files })
    }
}

/// The stored form of a profile.
pub fn encode_profile(profile: &Profile) -> Vec<u8> {
    let mut out = vec![FORM];
    out.push(match profile.mode {
        Mode::Set => 0,
        Mode::Count => 1,
        Mode::Atomic => 2,
    });
    push(&mut out, profile.files.len() as u64);
    let mut before = "";
    for file in &profile.files {
        push_name(&mut out, before, &file.name);
        before = &file.name;
        push(&mut out, file.blocks.len() as u64);
        let mut line = 0;
        for block in &file.blocks {
            let at = &block.at;
            push_difference(&mut out, line, at.start_line);
            push(&mut out, u64::from(at.start_col));
            push_difference(&mut out, at.start_line, at.end_line);
            push(&mut out, u64::from(at.end_col));
            push(&mut out, u64::from(block.statements));
            push(&mut out, block.count);
            line = at.start_line;
        }
    }
    pack(&out)
}

/// Reads a stored profile, or of it the one file of this name.
pub fn decode_profile(stored: &[u8], only: Option<&str>) -> Result<Profile, StoredError> {
    let bytes = unpack(stored)?;
    let mut input = Input::new(&bytes)?;
    let mode = match input.byte()? {
        0 => Mode::Set,
        1 => Mode::Count,
        2 => Mode::Atomic,
        _ => return Err(StoredError("its mode is unknown")),
    };
    let mut profile = Profile { mode, files: Vec::new() };
    let mut before = String::new();
    for _ in 0..input.count()? {
        let name = input.name(&before)?;
        let wanted = only.is_none_or(|only| only == name);
        let count = input.count()?;
        let mut blocks = Vec::with_capacity(if wanted { count } else { 0 });
        let mut line = 0;
        for _ in 0..count {
            let start_line = input.difference(line)?;
            let start_col = input.small()?;
            let end_line = input.difference(start_line)?;
            let at = Position { start_line, start_col, end_line, end_col: input.small()? };
            let block = Block { at, statements: input.small()?, count: input.number()? };
            if wanted {
                blocks.push(block);
            }
            line = start_line;
        }
        if wanted {
            profile.files.push(FileCoverage { name: name.clone(), blocks });
        }
        before = name;
    }
    Ok(profile)
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing into a Vec cannot fail.
    encoder.write_all(bytes).ok();
    encoder.finish().unwrap_or_default()
}

fn unpack(stored: &[u8]) -> Result<Vec<u8>, StoredError> {
    let mut bytes = Vec::new();
    let read = DeflateDecoder::new(stored).take(MAX_UNPACKED_BYTES + 1).read_to_end(&mut bytes);
    match read {
        Ok(_) if bytes.len() as u64 > MAX_UNPACKED_BYTES => {
            Err(StoredError("it is larger than any profile"))
        }
        Ok(_) => Ok(bytes),
        Err(_) => Err(StoredError("it is damaged")),
    }
}

/// A number, seven bits per byte, the lowest first.
fn push(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn push_difference(out: &mut Vec<u8>, before: u32, after: u32) {
    let difference = i64::from(after) - i64::from(before);
    push(out, ((difference << 1) ^ (difference >> 63)) as u64);
}

/// A name as what it shares with the one before, and the rest.
fn push_name(out: &mut Vec<u8>, before: &str, name: &str) {
    let shared = before.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    push(out, shared as u64);
    push(out, (name.len() - shared) as u64);
    out.extend_from_slice(&name.as_bytes()[shared..]);
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn new(bytes: &'a [u8]) -> Result<Input<'a>, StoredError> {
        match bytes {
            [FORM, rest @ ..] => Ok(Input { rest }),
            _ => Err(StoredError("it is of another form")),
        }
    }

    fn byte(&mut self) -> Result<u8, StoredError> {
        let (first, rest) = self.rest.split_first().ok_or(StoredError("it is cut off"))?;
        self.rest = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64, StoredError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(StoredError("a number in it is too long"))
    }

    fn small(&mut self) -> Result<u32, StoredError> {
        u32::try_from(self.number()?).map_err(|_| StoredError("a number in it is too great"))
    }

    /// A number of things that follow; each takes a byte at least.
    fn count(&mut self) -> Result<usize, StoredError> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        match count <= self.rest.len() {
            true => Ok(count),
            false => Err(StoredError("it is cut off")),
        }
    }

    fn difference(&mut self, before: u32) -> Result<u32, StoredError> {
        let coded = self.number()?;
        let difference = (coded >> 1) as i64 ^ -((coded & 1) as i64);
        let sum = i64::from(before).checked_add(difference);
        sum.and_then(|sum| u32::try_from(sum).ok())
            .ok_or(StoredError("a line number in it is out of range"))
    }

    fn name(&mut self, before: &str) -> Result<String, StoredError> {
        let shared = self.count_within(before.len())?;
        let length = self.count()?;
        let (own, rest) = self.rest.split_at_checked(length).ok_or(StoredError("it is cut off"))?;
        self.rest = rest;
        let mut name = before.as_bytes()[..shared].to_vec();
        name.extend_from_slice(own);
        String::from_utf8(name).map_err(|_| StoredError("a name in it is not UTF-8"))
    }

    fn count_within(&mut self, most: usize) -> Result<usize, StoredError> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if count <= most { Ok(count) } else { Err(StoredError("a name in it is cut off")) }
    }
}
