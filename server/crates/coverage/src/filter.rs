//! The part of a profile whose files have certain names.

use go_compat::GoRegex;

use crate::Profile;

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no regular expression: {message}")]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub message: String,
}

/// Which files of a profile are kept.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    include: Vec<GoRegex>,
    exclude: Vec<GoRegex>,
}

impl Filter {
    /// Keeps files whose name any of `include` matches (all, if there are none) and none of
    /// `exclude`. The patterns are Go's and match anywhere in the name.
    pub fn new<S: AsRef<str>>(include: &[S], exclude: &[S]) -> Result<Filter, PatternError> {
        let compile = |patterns: &[S]| {
            patterns.iter().map(|pattern| pattern_of(pattern.as_ref())).collect::<Result<_, _>>()
        };
        Ok(Filter { include: compile(include)?, exclude: compile(exclude)? })
    }

    /// Whether a file of this name is kept.
    pub fn keeps(&self, name: &str) -> bool {
        let any = |patterns: &[GoRegex]| patterns.iter().any(|pattern| pattern.is_match(name));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }

    /// The profile without the files that are not kept.
    pub fn apply(&self, mut profile: Profile) -> Profile {
        profile.files.retain(|file| self.keeps(&file.name));
        profile
    }
}

fn pattern_of(pattern: &str) -> Result<GoRegex, PatternError> {
    GoRegex::new(pattern)
        .map_err(|error| PatternError { pattern: pattern.to_owned(), message: error.to_string() })
}
