//! A coverage profile: files, their blocks, and how often each block ran.

use std::fmt;
use std::io::{self, Write};

/// The greatest count that is written: Go reads counts as signed 64-bit numbers.
pub const MAX_COUNT: u64 = i64::MAX as u64;

/// What the counts of a profile mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// 1: the block ran, 0: it did not.
    Set,
    /// How often the block ran.
    #[default]
    Count,
    /// The same, counted exactly in parallel tests.
    Atomic,
}

impl Mode {
    /// The mode of this name.
    pub fn from_name(name: &str) -> Option<Mode> {
        match name {
            "set" => Some(Mode::Set),
            "count" => Some(Mode::Count),
            "atomic" => Some(Mode::Atomic),
            _ => None,
        }
    }

    /// Its name in a profile's first line.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Set => "set",
            Mode::Count => "count",
            Mode::Atomic => "atomic",
        }
    }

    /// Two counts of one block together: one that ran in either ran (`set`), others are added.
    /// The sum stays below [`MAX_COUNT`].
    pub fn add(self, left: u64, right: u64) -> u64 {
        match self {
            Mode::Set => u64::from(left > 0 || right > 0),
            Mode::Count | Mode::Atomic => left.saturating_add(right).min(MAX_COUNT),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a block lies in its file. Lines and columns count from 1; columns are bytes. The order is
/// that of the start, then of the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Its first line.
    pub start_line: u32,
    /// The column of its first byte.
    pub start_col: u32,
    /// Its last line.
    pub end_line: u32,
    /// The column behind its last byte.
    pub end_col: u32,
}

impl Position {
    /// A position that stands for one whole line, for formats that know lines only.
    pub fn of_line(line: u32) -> Position {
        Position { start_line: line, start_col: 1, end_line: line, end_col: 2 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { start_line, start_col, end_line, end_col } = self;
        write!(f, "{start_line}.{start_col},{end_line}.{end_col}")
    }
}

/// Statements that run together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Block {
    /// Where they lie.
    pub at: Position,
    /// How many statements they are.
    pub statements: u32,
    /// How often they ran.
    pub count: u64,
}

/// The blocks of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileCoverage {
    /// Its name as the profile has it: for Go the import path and the file's name.
    pub name: String,
    /// Its blocks by their start; no two have the same position.
    pub blocks: Vec<Block>,
}

impl FileCoverage {
    /// Its statements, and how many of them ran.
    pub fn ratio(&self) -> crate::Ratio {
        self.blocks.iter().fold(crate::Ratio::default(), |sum, block| sum.with(block))
    }
}

/// A coverage profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// What the counts mean.
    pub mode: Mode,
    /// Its files by their names (in the order of their bytes), each once.
    pub files: Vec<FileCoverage>,
}

/// The profile has no file, and Go's text has no form for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the profile is empty, and an empty one cannot be written; see what was filtered out")]
pub struct EmptyProfile;

impl Profile {
    /// Its statements, and how many of them ran.
    pub fn ratio(&self) -> crate::Ratio {
        self.files.iter().fold(crate::Ratio::default(), |sum, file| sum.plus(file.ratio()))
    }

    /// The file of this name.
    pub fn file(&self, name: &str) -> Option<&FileCoverage> {
        let found = self.files.binary_search_by(|file| file.name.as_str().cmp(name)).ok()?;
        self.files.get(found)
    }

    /// Refuses a profile without files, as gopherage does.
    pub fn check_not_empty(&self) -> Result<(), EmptyProfile> {
        if self.files.is_empty() { Err(EmptyProfile) } else { Ok(()) }
    }

    /// Writes it as Go's text: the mode, then one line per block.
    pub fn write_go(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "mode: {}", self.mode)?;
        let mut line = Vec::new();
        for file in &self.files {
            for block in &file.blocks {
                line.clear();
                push_prefix(&mut line, &file.name, block);
                push_number(&mut line, block.count);
                line.push(b'\n');
                out.write_all(&line)?;
            }
        }
        Ok(())
    }

    /// It as Go's text.
    pub fn to_go(&self) -> Vec<u8> {
        let mut text = Vec::new();
        self.write_go(&mut text).ok();
        text
    }
}

/// A block's line up to its count, with the space before it.
pub(crate) fn push_prefix(line: &mut Vec<u8>, name: &str, block: &Block) {
    line.extend_from_slice(name.as_bytes());
    let at = &block.at;
    for (number, behind) in [
        (None, b':'),
        (Some(at.start_line), b'.'),
        (Some(at.start_col), b','),
        (Some(at.end_line), b'.'),
        (Some(at.end_col), b' '),
        (Some(block.statements), b' '),
    ] {
        if let Some(number) = number {
            push_number(line, u64::from(number));
        }
        line.push(behind);
    }
}

/// A number in decimal digits.
pub(crate) fn push_number(line: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[at..]);
}
