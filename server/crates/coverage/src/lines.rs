//! A file line by line: what ran, what did not. What the file view of the coverage pages and the
//! coverage lens of a run show.

use crate::{FileCoverage, Profile, Ratio, ReadError, Reading};

/// Lines of a file beyond this number are not told apart.
pub const MAX_LINES: u32 = 200_000;

/// What is known of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum LineState {
    /// It has no statement.
    #[default]
    None,
    /// All that begins, ends or lies on it ran; the greatest count.
    Ran(u64),
    /// Some of it ran; the greatest count.
    Partly(u64),
    /// Nothing of it ran.
    Missed,
}

impl LineState {
    fn with(self, count: u64) -> LineState {
        match (self, count) {
            (LineState::None | LineState::Missed, 0) => LineState::Missed,
            (LineState::None, count) => LineState::Ran(count),
            (LineState::Missed, count) => LineState::Partly(count),
            (LineState::Ran(before) | LineState::Partly(before), 0) => LineState::Partly(before),
            (LineState::Ran(before), count) => LineState::Ran(before.max(count)),
            (LineState::Partly(before), count) => LineState::Partly(before.max(count)),
        }
    }
}

/// The states of a file's lines; the first is that of line 1.
///
/// A block ends before the byte of its end, so one that ends at the first column of a line holds
/// nothing of that line. Blocks without statements say nothing.
pub fn line_states(file: &FileCoverage) -> Vec<LineState> {
    let last = |block: &crate::Block| {
        let at = &block.at;
        let ends_before = at.end_col <= 1 && at.end_line > at.start_line;
        at.end_line.saturating_sub(u32::from(ends_before)).max(at.start_line).min(MAX_LINES)
    };
    let count = file.blocks.iter().map(last).max().unwrap_or(0);
    let mut states = vec![LineState::None; count as usize];
    // Overlapping blocks of a hostile profile must not cost more than a few passes over the file.
    let mut steps = 64 * u64::from(count) + 1_000_000;
    for block in file.blocks.iter().filter(|block| block.statements > 0) {
        let first = block.at.start_line.max(1);
        for line in first..=last(block) {
            steps = steps.saturating_sub(1);
            if let Some(state) = states.get_mut(line as usize - 1) {
                *state = state.with(block.count);
            }
        }
        if steps == 0 {
            break;
        }
    }
    states
}

/// Runs of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineRange {
    /// The first, from 1.
    pub first: u32,
    /// The last.
    pub last: u32,
}

/// Runs of lines of which nothing, or not everything, ran; lines without statements between two of
/// them do not part them.
pub fn uncovered(states: &[LineState]) -> Vec<LineRange> {
    let mut ranges: Vec<LineRange> = Vec::new();
    let mut open = false;
    for (index, state) in states.iter().enumerate() {
        let line = index as u32 + 1;
        match state {
            LineState::None => {}
            LineState::Ran(_) => open = false,
            LineState::Partly(_) | LineState::Missed => {
                match ranges.last_mut().filter(|_| open) {
                    Some(range) => range.last = line,
                    None => ranges.push(LineRange { first: line, last: line }),
                }
                open = true;
            }
        }
    }
    ranges
}

/// A file of a lens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LensFile {
    /// Its name.
    pub name: String,
    /// Its statements, and how many ran.
    pub ratio: Ratio,
    /// Its lines; the first is line 1.
    pub lines: Vec<LineState>,
}

/// A profile as a lens shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lens {
    /// All statements, and how many ran.
    pub total: Ratio,
    /// All files, and how many of them ran at all.
    pub files_covered: Ratio,
    /// The files by name: the first `max_files`.
    pub files: Vec<LensFile>,
    /// What could not be read and was passed over.
    pub notes: crate::Notes,
}

/// What the coverage lens of a run shows of a profile of any known form: totals, and of the first
/// `max_files` files every line.
///
/// # Errors
/// The bytes are no profile even to a tolerant reader.
pub fn lens(bytes: &[u8], max_files: usize) -> Result<Lens, ReadError> {
    let read = crate::read(bytes, &Reading::TOLERANT)?;
    Ok(lens_of(&read.profile, read.notes, max_files))
}

fn lens_of(profile: &Profile, notes: crate::Notes, max_files: usize) -> Lens {
    let mut lens = Lens { notes, ..Lens::default() };
    for file in &profile.files {
        let ratio = file.ratio();
        lens.total = lens.total.plus(ratio);
        lens.files_covered.total += 1;
        lens.files_covered.covered += u64::from(ratio.covered > 0);
        if lens.files.len() < max_files {
            let lines = line_states(file);
            lens.files.push(LensFile { name: file.name.clone(), ratio, lines });
        }
    }
    lens
}
