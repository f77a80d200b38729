//! Reading profiles: Go's text, LCOV, Cobertura; bounded, with the line of what is wrong.

use std::collections::HashMap;

use crate::{Block, FileCoverage, Mode, Position, Profile, cobertura, go_text, lcov};

/// What a reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Whether lines that cannot be read are passed over with a note, and a repeated mode line, a
    /// blank line and a negative count are taken for what they mean. Otherwise each is an error,
    /// as in Go's own reader.
    pub tolerant: bool,
    /// The most blocks of one profile.
    pub max_blocks: usize,
    /// The most files of one profile.
    pub max_files: usize,
}

/// A profile has at most so many blocks (Kubernetes with everything it vendors has 600,000).
pub const MAX_BLOCKS: usize = 20_000_000;

/// A profile has at most so many files.
pub const MAX_FILES: usize = 1_000_000;

/// A line of a text profile is at most so long, in bytes, as in Go's own reader.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// A file's name is at most so long, in bytes.
pub const MAX_NAME_BYTES: usize = 4 * 1024;

/// Notes kept of one profile; the others are counted.
pub const MAX_NOTES: usize = 20;

impl Reading {
    /// What Go's own reader accepts.
    pub const STRICT: Reading =
        Reading { tolerant: false, max_blocks: MAX_BLOCKS, max_files: MAX_FILES };

    /// Whatever can be understood.
    pub const TOLERANT: Reading = Reading { tolerant: true, ..Reading::STRICT };
}

/// The form of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `mode: count`, then `file:line.column,line.column statements count`.
    Go,
    /// LCOV's tracefile: `SF:`, `DA:`.
    Lcov,
    /// Cobertura's XML.
    Cobertura,
}

impl Format {
    /// The form that these bytes begin like. What is none of the others is Go's.
    pub fn of(bytes: &[u8]) -> Format {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        match text {
            [b'<', ..] => Format::Cobertura,
            text if text.starts_with(b"TN:") || text.starts_with(b"SF:") => Format::Lcov,
            _ => Format::Go,
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Format::Go => "Go",
            Format::Lcov => "LCOV",
            Format::Cobertura => "Cobertura",
        }
    }
}

/// Why a profile cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ReadError {
    /// Its line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub message: String,
}

impl ReadError {
    pub(crate) fn new(line: u64, message: impl Into<String>) -> ReadError {
        ReadError { line, message: message.into() }
    }
}

/// Something that a tolerant reader passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its line, from 1.
    pub line: u64,
    /// What it was.
    pub message: String,
}

/// What a tolerant reader passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// The first [`MAX_NOTES`].
    pub first: Vec<Note>,
    /// How many there are in all.
    pub count: u64,
}

impl Notes {
    pub(crate) fn add(&mut self, line: u64, message: impl Into<String>) {
        self.count += 1;
        if self.first.len() < MAX_NOTES {
            self.first.push(Note { line, message: message.into() });
        }
    }

    /// Notes it, or fails with it.
    pub(crate) fn tolerate(
        &mut self,
        reading: &Reading,
        line: u64,
        message: impl Into<String>,
    ) -> Result<(), ReadError> {
        match reading.tolerant {
            true => {
                self.add(line, message);
                Ok(())
            }
            false => Err(ReadError::new(line, message)),
        }
    }
}

/// A profile that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// The profile. Empty input gives one without files.
    pub profile: Profile,
    /// What was passed over.
    pub notes: Notes,
}

/// Reads a profile of any form that is known.
pub fn read(bytes: &[u8], reading: &Reading) -> Result<Read, ReadError> {
    match Format::of(bytes) {
        Format::Go => go_text::read(bytes, reading),
        Format::Lcov => lcov::read(bytes, reading),
        Format::Cobertura => cobertura::read(bytes, reading),
    }
}

/// Puts a profile together from blocks in any order.
pub(crate) struct Builder<'a> {
    reading: &'a Reading,
    files: Vec<FileCoverage>,
    known: HashMap<String, usize>,
    last: usize,
    blocks: usize,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(reading: &'a Reading) -> Builder<'a> {
        Builder { reading, files: Vec::new(), known: HashMap::new(), last: 0, blocks: 0 }
    }

    /// Adds a block; `line` is where it stands.
    pub(crate) fn add(&mut self, line: u64, name: &str, block: Block) -> Result<(), ReadError> {
        if name.len() > MAX_NAME_BYTES {
            let message = format!("a file's name is longer than {MAX_NAME_BYTES} bytes");
            return Err(ReadError::new(line, message));
        }
        let same = self.files.get(self.last).is_some_and(|file| file.name == name);
        if !same {
            self.last = match self.known.get(name) {
                Some(at) => *at,
                None => {
                    if self.files.len() >= self.reading.max_files {
                        let most = self.reading.max_files;
                        let message = format!("the profile has more than {most} files");
                        return Err(ReadError::new(line, message));
                    }
                    self.known.insert(name.to_owned(), self.files.len());
                    self.files.push(FileCoverage { name: name.to_owned(), blocks: Vec::new() });
                    self.files.len() - 1
                }
            };
        }
        self.blocks += 1;
        if self.blocks > self.reading.max_blocks {
            let most = self.reading.max_blocks;
            return Err(ReadError::new(line, format!("the profile has more than {most} blocks")));
        }
        if let Some(file) = self.files.get_mut(self.last) {
            file.blocks.push(block);
        }
        Ok(())
    }

    /// The profile: files by name, blocks by position, those of one position added.
    pub(crate) fn finish(mut self, mode: Mode, notes: &mut Notes) -> Result<Profile, ReadError> {
        self.files.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        for file in &mut self.files {
            order_blocks(file, mode, self.reading, notes)?;
        }
        Ok(Profile { mode, files: self.files })
    }
}

fn order_blocks(
    file: &mut FileCoverage,
    mode: Mode,
    reading: &Reading,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    file.blocks.sort_by_key(|block| block.at);
    let mut inconsistent: Option<(Position, u32, u32)> = None;
    file.blocks.dedup_by(|block, kept| {
        if block.at != kept.at {
            return false;
        }
        if block.statements != kept.statements {
            inconsistent.get_or_insert((kept.at, kept.statements, block.statements));
        }
        kept.count = mode.add(kept.count, block.count);
        true
    });
    match inconsistent {
        Some((at, before, after)) => {
            let name = &file.name;
            let message = format!(
                "inconsistent number of statements: block {at} of {name} has {before} and {after}"
            );
            // The line is not known any more; the block is named instead.
            notes.tolerate(reading, 0, message)
        }
        None => Ok(()),
    }
}
