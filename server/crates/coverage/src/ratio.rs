//! How much ran: of a block, a file, a directory. Compared exactly, not by rounded text.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::{Block, Profile};

/// Statements, and how many of them ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Ratio {
    /// Statements that ran.
    pub covered: u64,
    /// All statements.
    pub total: u64,
}

impl Ratio {
    /// This and another one's statements.
    pub fn plus(self, other: Ratio) -> Ratio {
        Ratio {
            covered: self.covered.saturating_add(other.covered),
            total: self.total.saturating_add(other.total),
        }
    }

    /// This and a block's statements.
    pub fn with(self, block: &Block) -> Ratio {
        let total = u64::from(block.statements);
        self.plus(Ratio { covered: if block.count > 0 { total } else { 0 }, total })
    }

    /// The share that ran, 0 to 1; 1 where there is no statement, as gopherage has it.
    pub fn share(self) -> f64 {
        if self.total == 0 { 1.0 } else { self.covered as f64 / self.total as f64 }
    }

    /// The share as the 32-bit number that gopherage computes with, so that its text is rounded
    /// in the same way.
    pub fn share_f32(self) -> f32 {
        if self.total == 0 { 1.0 } else { self.covered as f32 / self.total as f32 }
    }

    /// The share in percent with one digit: `49.8`.
    pub fn percent(self) -> String {
        format!("{:.1}", self.share_f32() * 100.0)
    }

    /// Compares the shares exactly: two that read alike may differ.
    pub fn compare(self, other: Ratio) -> Ordering {
        let whole = |ratio: Ratio| match ratio.total {
            0 => (1, 1),
            total => (u128::from(ratio.covered), u128::from(total)),
        };
        let ((a, b), (c, d)) = (whole(self), whole(other));
        (a * d).cmp(&(c * b))
    }

    /// Whether the share is below a threshold of 0 to 1.
    pub fn is_below(self, threshold: f64) -> bool {
        self.share() < threshold
    }
}

/// The directory of a file's name; `.` where it has none, as Go's `path.Dir` has it.
pub fn directory_of(name: &str) -> &str {
    match name.rfind('/') {
        Some(0) => "/",
        Some(at) => &name[..at],
        None => ".",
    }
}

/// The ratio of every directory that has a file, everything below it included, by name.
/// A directory holds what lies below its path: `pkg/foo` does not hold `pkg/foobar/a.go`. `.`
/// holds everything.
pub fn by_directory<'a>(
    files: impl IntoIterator<Item = (&'a str, Ratio)> + Clone,
) -> BTreeMap<&'a str, Ratio> {
    let mut own: BTreeMap<&str, Ratio> = BTreeMap::new();
    for (name, ratio) in files {
        let sum = own.entry(directory_of(name)).or_default();
        *sum = sum.plus(ratio);
    }
    let mut all: BTreeMap<&str, Ratio> = own.keys().map(|name| (*name, Ratio::default())).collect();
    for (directory, ratio) in &own {
        let mut parent = Some(*directory);
        while let Some(name) = parent {
            if let Some(sum) = all.get_mut(name) {
                *sum = sum.plus(*ratio);
            }
            parent = match name {
                "." => None,
                name => Some(directory_of(name)).filter(|up| *up != name),
            };
        }
    }
    all
}

/// What lies directly in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name within the directory; of a directory with `/` at the end.
    pub name: String,
}

impl Entry {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.name.ends_with('/')
    }
}

/// What lies directly in the directory `below` (empty, or with `/` at its end): directories first,
/// then files, both by name, each with its ratio.
pub fn entries<'a>(
    files: impl IntoIterator<Item = (&'a str, Ratio)>,
    below: &str,
) -> Vec<(Entry, Ratio)> {
    let mut found: BTreeMap<(bool, &str), Ratio> = BTreeMap::new();
    for (name, ratio) in files {
        let Some(rest) = name.strip_prefix(below) else { continue };
        // A leading slash belongs to the first part: `/root/a.go` lies in `/root/`.
        let slash = rest.char_indices().skip(1).find(|(_, letter)| *letter == '/');
        let (is_file, part) = match slash {
            Some((at, _)) => (false, &rest[..=at]),
            None => (true, rest),
        };
        if part.is_empty() {
            continue;
        }
        let sum = found.entry((is_file, part)).or_default();
        *sum = sum.plus(ratio);
    }
    found.into_iter().map(|((_, name), ratio)| (Entry { name: name.to_owned() }, ratio)).collect()
}

/// The longest directory (with `/` at its end) that all files lie in; empty where there is none.
pub fn common_directory<'a>(names: impl IntoIterator<Item = &'a str>) -> &'a str {
    let mut names = names.into_iter();
    let Some(first) = names.next() else { return "" };
    let mut common = first.rfind('/').map_or("", |at| &first[..=at]);
    for name in names {
        while !name.starts_with(common) {
            let shorter = common.strip_suffix('/').unwrap_or_default();
            common = shorter.rfind('/').map_or("", |at| &common[..=at]);
        }
    }
    common
}

impl Profile {
    /// Its files with their ratios, by name.
    pub fn ratios(&self) -> impl Iterator<Item = (&str, Ratio)> + Clone {
        self.files.iter().map(|file| (file.name.as_str(), file.ratio()))
    }
}
