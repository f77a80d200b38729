//! Many profiles into one, one after the other.
//!
//! Profiles of one program list the same blocks in the same order. So the merger keeps each
//! block's line up to its count, and which line followed which: the next line of the next profile
//! is compared with the one that is expected, and only its count is read. Lines in another order
//! are looked up, and what follows them is learned.

use std::collections::{BTreeMap, HashMap};

use crate::go_text::{Line, classify, decimal, split_line};
use crate::profile::push_prefix;
use crate::read::{Format, Notes, ReadError, Reading};
use crate::{Block, FileCoverage, Mode, Position, Profile};

/// What the counts of a merged profile are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Counting {
    /// The counts together: added, or of `set` profiles whether any profile ran the block.
    #[default]
    Sum,
    /// How many profiles ran the block.
    Profiles,
}

/// What happens when a file's blocks are not those of the profiles before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sources {
    /// It is an error: the profiles come from different sources.
    #[default]
    Same,
    /// The blocks of the first profile with the file count; those that others have besides are
    /// left out, and how many they were is told.
    MayDiffer,
}

/// Why profiles cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// A profile cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There was none.
    #[error("there is no profile to merge; name at least one")]
    Nothing,
    /// A file has another mode than before.
    #[error("the mode of {file} is {after}, and was {before} before; merge profiles of one mode")]
    Mode {
        /// The file.
        file: String,
        /// Its mode in earlier profiles.
        before: Mode,
        /// Its mode in this profile.
        after: Mode,
    },
    /// A block of a file that earlier profiles do not have there.
    #[error(
        "block {at} of {file} is in none of the profiles before; were they made from the same \
         sources?"
    )]
    UnknownBlock {
        /// The file.
        file: String,
        /// The block.
        at: Position,
    },
    /// A block with another number of statements.
    #[error(
        "block {at} of {file} has {after} statements, and had {before} before; were the profiles \
         made from the same sources?"
    )]
    Statements {
        /// The file.
        file: String,
        /// The block.
        at: Position,
        /// Its statements in earlier profiles.
        before: u32,
        /// Its statements in this profile.
        after: u32,
    },
    /// Blocks are missing.
    #[error(
        "{file} has {after} blocks, and had {before} before; were the profiles made from the same \
         sources?"
    )]
    MissingBlocks {
        /// The file.
        file: String,
        /// Its blocks in earlier profiles.
        before: usize,
        /// Its blocks in this profile.
        after: usize,
    },
    /// More files or blocks than [`Reading`] allows.
    #[error("the profiles have more than {0} blocks together")]
    TooLarge(usize),
}

/// Blocks of a file that could not be merged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Differing {
    /// How many blocks of later profiles were left out.
    pub left_out: u64,
    /// How many times a block of the first profile was missing in a later one.
    pub missing: u64,
}

/// A merged profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// The profile.
    pub profile: Profile,
    /// Files whose blocks were not the same everywhere, by name.
    pub differing: BTreeMap<String, Differing>,
}

const NO_BLOCK: u32 = u32::MAX;

struct KnownFile {
    name: String,
    mode: Mode,
    blocks: u32,
    /// Which profile had it first.
    made_in: u32,
    /// In which profile it was seen last, and how many of its blocks.
    seen_in: u32,
    seen: u32,
    differing: Differing,
}

struct KnownBlock {
    file: u32,
    block: Block,
    /// Where its line up to the count ends in the kept text; it begins where the one before ends.
    text_end: usize,
    /// In which profile it was seen last, and in which it last ran.
    seen_in: u32,
    ran_in: u32,
    /// Which block's line followed last.
    next: u32,
}

/// Merges profiles one after the other; it holds one profile, however many are merged.
pub struct Merger {
    reading: Reading,
    counting: Counting,
    sources: Sources,
    profiles: u32,
    files: Vec<KnownFile>,
    file_of: HashMap<String, u32>,
    blocks: Vec<KnownBlock>,
    block_of: HashMap<(u32, Position), u32>,
    text: Vec<u8>,
    first: u32,
}

impl Merger {
    /// A merger without profiles.
    pub fn new(reading: Reading, counting: Counting, sources: Sources) -> Merger {
        Merger {
            reading,
            counting,
            sources,
            profiles: 0,
            files: Vec::new(),
            file_of: HashMap::new(),
            blocks: Vec::new(),
            block_of: HashMap::new(),
            text: Vec::new(),
            first: NO_BLOCK,
        }
    }

    /// Adds a profile of any form that is known; the answer is what was passed over.
    pub fn add(&mut self, bytes: &[u8]) -> Result<Notes, MergeError> {
        match Format::of(bytes) {
            Format::Go => self.add_go(bytes),
            _ => {
                let read = crate::read(bytes, &self.reading)?;
                self.add_profile(&read.profile)?;
                Ok(read.notes)
            }
        }
    }

    /// Adds a profile that was read before.
    pub fn add_profile(&mut self, profile: &Profile) -> Result<(), MergeError> {
        self.profiles += 1;
        let mut last = NO_BLOCK;
        for file in &profile.files {
            for block in &file.blocks {
                if let Some(at) = self.find(&file.name, profile.mode, block, last)? {
                    self.count(at, block.count);
                    last = at;
                }
            }
        }
        self.check_whole()
    }

    fn add_go(&mut self, bytes: &[u8]) -> Result<Notes, MergeError> {
        self.profiles += 1;
        let mut notes = Notes::default();
        let mut mode = None;
        let mut last = NO_BLOCK;
        let mut rest = bytes;
        let mut number = 0;
        while !rest.is_empty() {
            number += 1;
            if let Some(mode) = mode
                && let Some((at, count, behind)) = self.expected(last, mode, rest)
            {
                self.count(at, count);
                last = at;
                rest = behind;
                continue;
            }
            let (line, behind) = split_line(rest);
            rest = behind;
            match classify(number, line, mode, &self.reading, &mut notes)? {
                Line::Mode(found) => mode = Some(found),
                Line::Block(name, block) => {
                    let mode = *mode.get_or_insert(Mode::Count);
                    if let Some(at) = self.find(name, mode, &block, last)? {
                        self.count(at, block.count);
                        last = at;
                    }
                }
                Line::Nothing => {}
            }
        }
        self.check_whole()?;
        Ok(notes)
    }

    /// The block whose line is expected after that of `last`, if it is the one that comes, with
    /// its count and what follows the line.
    fn expected<'a>(&self, last: u32, mode: Mode, rest: &'a [u8]) -> Option<(u32, u64, &'a [u8])> {
        let at = match self.blocks.get(last as usize) {
            Some(block) => block.next,
            None => self.first,
        };
        let block = self.blocks.get(at as usize)?;
        let begin = match at {
            0 => 0,
            _ => self.blocks.get(at as usize - 1)?.text_end,
        };
        let counted = rest.strip_prefix(self.text.get(begin..block.text_end)?)?;
        let (count, behind) = decimal(counted)?;
        let behind = match behind {
            [] => behind,
            [b'\n', behind @ ..] | [b'\r', b'\n', behind @ ..] => behind,
            _ => return None,
        };
        // A file of another mode is for the slow path to refuse.
        (self.files.get(block.file as usize)?.mode == mode).then_some((at, count, behind))
    }

    /// The number of a block, which is made where it may be. `last` is the block whose line came
    /// before: what follows it is learned.
    fn find(
        &mut self,
        name: &str,
        mode: Mode,
        block: &Block,
        last: u32,
    ) -> Result<Option<u32>, MergeError> {
        let file = self.file(name, mode)?;
        let at = match self.block_of.get(&(file, block.at)) {
            Some(at) => *at,
            None => match self.make_block(file, block)? {
                Some(at) => at,
                None => return Ok(None),
            },
        };
        let before = self.blocks.get(at as usize).map_or(0, |known| known.block.statements);
        if before != block.statements {
            match self.sources {
                Sources::MayDiffer => {
                    self.differing(file).left_out += 1;
                    return Ok(None);
                }
                Sources::Same => {
                    return Err(MergeError::Statements {
                        file: name.to_owned(),
                        at: block.at,
                        before,
                        after: block.statements,
                    });
                }
            }
        }
        match self.blocks.get_mut(last as usize) {
            Some(last) => last.next = at,
            None => self.first = at,
        }
        Ok(Some(at))
    }

    fn differing(&mut self, file: u32) -> &mut Differing {
        &mut self.files[file as usize].differing
    }

    fn file(&mut self, name: &str, mode: Mode) -> Result<u32, MergeError> {
        if let Some(at) = self.file_of.get(name) {
            let file = &self.files[*at as usize];
            if file.mode != mode {
                let file = name.to_owned();
                let before = self.files[*at as usize].mode;
                return Err(MergeError::Mode { file, before, after: mode });
            }
            return Ok(*at);
        }
        if self.files.len() >= self.reading.max_files {
            return Err(MergeError::TooLarge(self.reading.max_files));
        }
        let at = self.files.len() as u32;
        self.files.push(KnownFile {
            name: name.to_owned(),
            mode,
            blocks: 0,
            made_in: self.profiles,
            seen_in: 0,
            seen: 0,
            differing: Differing::default(),
        });
        self.file_of.insert(name.to_owned(), at);
        Ok(at)
    }

    /// Makes a block. Only the first profile that has a file says which blocks it has.
    fn make_block(&mut self, file: u32, block: &Block) -> Result<Option<u32>, MergeError> {
        let known = &mut self.files[file as usize];
        if known.made_in != self.profiles {
            return match self.sources {
                Sources::MayDiffer => {
                    known.differing.left_out += 1;
                    Ok(None)
                }
                Sources::Same => {
                    Err(MergeError::UnknownBlock { file: known.name.clone(), at: block.at })
                }
            };
        }
        let at = self.blocks.len();
        if at >= self.reading.max_blocks.min(NO_BLOCK as usize) {
            return Err(MergeError::TooLarge(self.reading.max_blocks));
        }
        known.blocks += 1;
        push_prefix(&mut self.text, &known.name, block);
        self.blocks.push(KnownBlock {
            file,
            block: Block { count: 0, ..*block },
            text_end: self.text.len(),
            seen_in: 0,
            ran_in: 0,
            next: NO_BLOCK,
        });
        self.block_of.insert((file, block.at), at as u32);
        Ok(Some(at as u32))
    }

    /// Adds to the count of a block.
    fn count(&mut self, at: u32, count: u64) {
        let Some(known) = self.blocks.get_mut(at as usize) else { return };
        let Some(file) = self.files.get_mut(known.file as usize) else { return };
        if known.seen_in != self.profiles {
            known.seen_in = self.profiles;
            if file.seen_in != self.profiles {
                file.seen_in = self.profiles;
                file.seen = 0;
            }
            file.seen += 1;
        }
        match self.counting {
            Counting::Sum => known.block.count = file.mode.add(known.block.count, count),
            // A profile may list a block twice and still is one.
            Counting::Profiles if count > 0 && known.ran_in != self.profiles => {
                known.ran_in = self.profiles;
                known.block.count += 1;
            }
            Counting::Profiles => {}
        }
    }

    /// Whether the profile that was added had every block of each of its files.
    fn check_whole(&mut self) -> Result<(), MergeError> {
        for file in &mut self.files {
            if file.seen_in != self.profiles || file.seen == file.blocks {
                continue;
            }
            match self.sources {
                Sources::MayDiffer => {
                    file.differing.missing += u64::from(file.blocks - file.seen);
                }
                Sources::Same => {
                    return Err(MergeError::MissingBlocks {
                        file: file.name.clone(),
                        before: file.blocks as usize,
                        after: file.seen as usize,
                    });
                }
            }
        }
        Ok(())
    }

    /// The merged profile: files by name, blocks by position, and the mode of the first file.
    /// Profiles counted in `set` mode are counted all the same, so their mode becomes `count`.
    pub fn finish(self) -> Result<Merged, MergeError> {
        if self.profiles == 0 {
            return Err(MergeError::Nothing);
        }
        let mut blocks: Vec<Vec<Block>> =
            self.files.iter().map(|file| Vec::with_capacity(file.blocks as usize)).collect();
        for known in &self.blocks {
            if let Some(blocks) = blocks.get_mut(known.file as usize) {
                blocks.push(known.block);
            }
        }
        let mut merged = Merged::default();
        let mut files: Vec<(KnownFile, Vec<Block>)> = self.files.into_iter().zip(blocks).collect();
        files.sort_unstable_by(|(left, _), (right, _)| left.name.cmp(&right.name));
        merged.profile.mode = match (files.first().map(|(file, _)| file.mode), self.counting) {
            (Some(Mode::Set), Counting::Profiles) => Mode::Count,
            (mode, _) => mode.unwrap_or_default(),
        };
        for (file, mut blocks) in files {
            if file.differing != Differing::default() {
                merged.differing.insert(file.name.clone(), file.differing);
            }
            blocks.sort_unstable_by_key(|block| block.at);
            merged.profile.files.push(FileCoverage { name: file.name, blocks });
        }
        Ok(merged)
    }
}

/// Merges profiles that were read before.
pub fn merge<'a>(
    profiles: impl IntoIterator<Item = &'a Profile>,
    counting: Counting,
    sources: Sources,
) -> Result<Merged, MergeError> {
    let mut merger = Merger::new(Reading::STRICT, counting, sources);
    for profile in profiles {
        merger.add_profile(profile)?;
    }
    merger.finish()
}
