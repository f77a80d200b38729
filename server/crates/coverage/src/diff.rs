//! What ran between two profiles of one execution.

use crate::{Block, FileCoverage, Position, Profile};

/// Why two profiles cannot be subtracted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiffError {
    /// A file is in one profile only.
    #[error("{file} is only in the profile {side}; both must come from one program")]
    File {
        /// The file.
        file: String,
        /// `before` or `after`.
        side: &'static str,
    },
    /// The modes differ.
    #[error("the mode is {before} before and {after} after; both must come from one program")]
    Mode {
        /// The mode of the first profile.
        before: crate::Mode,
        /// The mode of the second.
        after: crate::Mode,
    },
    /// A file has other blocks.
    #[error("{file} has {before} blocks before and {after} after; both must come from one program")]
    BlockCount {
        /// The file.
        file: String,
        /// Its blocks in the first profile.
        before: usize,
        /// Its blocks in the second.
        after: usize,
    },
    /// A block differs.
    #[error(
        "block #{index} of {file} is {before} before and {after} after; both must come from one \
         program"
    )]
    Block {
        /// The file.
        file: String,
        /// Which of its blocks, from 0.
        index: usize,
        /// Where it lies in the first profile.
        before: Position,
        /// Where it lies in the second.
        after: Position,
    },
}

/// A difference of two profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// What ran in between.
    pub profile: Profile,
    /// How many blocks ran less often after than before: the program was started anew in between.
    /// Their count is the one after.
    pub restarted: u64,
}

/// Subtracts the counts of `before` from those of `after`. A count that fell began again at 0.
pub fn diff(before: &Profile, after: &Profile) -> Result<Difference, DiffError> {
    if before.mode != after.mode && !before.files.is_empty() && !after.files.is_empty() {
        return Err(DiffError::Mode { before: before.mode, after: after.mode });
    }
    let only = |file: &FileCoverage, side| DiffError::File { file: file.name.clone(), side };
    if let Some(file) = before.files.iter().find(|file| after.file(&file.name).is_none()) {
        return Err(only(file, "before"));
    }
    let mut difference = Difference::default();
    difference.profile.mode = before.mode;
    for file in &after.files {
        let old = before.file(&file.name).ok_or_else(|| only(file, "after"))?;
        if old.blocks.len() != file.blocks.len() {
            return Err(DiffError::BlockCount {
                file: file.name.clone(),
                before: old.blocks.len(),
                after: file.blocks.len(),
            });
        }
        let mut blocks = Vec::with_capacity(file.blocks.len());
        for (index, (old, new)) in old.blocks.iter().zip(&file.blocks).enumerate() {
            if (old.at, old.statements) != (new.at, new.statements) {
                return Err(DiffError::Block {
                    file: file.name.clone(),
                    index,
                    before: old.at,
                    after: new.at,
                });
            }
            let count = new.count.checked_sub(old.count).unwrap_or_else(|| {
                difference.restarted += 1;
                new.count
            });
            blocks.push(Block { count, ..*new });
        }
        difference.profile.files.push(FileCoverage { name: file.name.clone(), blocks });
    }
    Ok(difference)
}
