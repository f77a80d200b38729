//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::yaml::Mark;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration works, but probably not as meant. Strict checks refuse it.
    Warning,
    /// The configuration is not used.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// One finding: what, where, and by which rule.
///
/// Displayed as `file:line:column: message (rule)`; unknown parts of the place are left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Diagnostic {
    /// Whether the configuration is refused for it.
    pub severity: Severity,
    /// The file, as it was named when loading. None for findings that have no single place.
    pub file: Option<Arc<Path>>,
    /// Line, from 1; 0 if it is not known.
    pub line: u32,
    /// Column in characters, from 1; 0 if it is not known.
    pub column: u32,
    /// The rule's name: a short word with dashes that scripts can match, such as `job-name`.
    pub rule: &'static str,
    /// What is wrong, in Prow's words where Prow has the rule.
    pub message: String,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(rule: &'static str, message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            file: None,
            line: 0,
            column: 0,
            rule,
            message: message.into(),
        }
    }

    /// A warning without a place yet.
    pub fn warning(rule: &'static str, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(rule, message) }
    }

    /// The finding in a file.
    #[must_use]
    pub fn in_file(mut self, file: &Arc<Path>) -> Self {
        self.file = Some(file.clone());
        self
    }

    /// The finding at a place of its file.
    #[must_use]
    pub fn at(mut self, mark: Mark) -> Self {
        self.line = mark.line;
        self.column = mark.column;
        self
    }

    /// Whether the configuration is refused for it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            if self.line > 0 {
                write!(f, "{}:", self.line)?;
                if self.column > 0 {
                    write!(f, "{}:", self.column)?;
                }
            }
            f.write_str(" ")?;
        }
        write!(f, "{} ({})", self.message, self.rule)
    }
}

/// Why a configuration was refused: every finding, not only the first. Holds at least one error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadErrors(pub Vec<Diagnostic>);

impl LoadErrors {
    /// A refusal for one reason.
    pub fn one(diagnostic: Diagnostic) -> Self {
        LoadErrors(vec![diagnostic])
    }

    /// The findings in the order of files and lines.
    pub fn sorted(mut self) -> Self {
        sort(&mut self.0);
        self
    }
}

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadErrors {}

/// Sorts findings by file, line and column, and drops repeated ones.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        (&a.file, a.line, a.column, &a.message).cmp(&(&b.file, b.line, b.column, &b.message))
    });
    diagnostics.dedup();
}

/// A path in the form that findings carry.
pub(crate) fn shared_path(path: impl Into<PathBuf>) -> Arc<Path> {
    Arc::from(path.into())
}
