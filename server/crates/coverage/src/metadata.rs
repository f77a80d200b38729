//! The description of a coverage run for a service that takes such runs, as gopherage writes it.

use serde::Serialize;

/// What both kinds of runs have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Common {
    /// The code host.
    pub host: String,
    /// The project, usually the owner of the repository.
    pub project: String,
    /// The root of the workspace that paths are relative to.
    pub workspace_root: String,
    /// `COV` or `LCOV`.
    pub trace_type: String,
}

/// A run over a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Absolute {
    /// What both kinds have.
    #[serde(flatten)]
    pub common: Common,
    /// The commit.
    pub commit_id: String,
    /// The branch.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Where the coverage comes from.
    pub source: String,
    /// What the root of paths is replaced by.
    pub git_project: String,
}

/// A run over a change of Gerrit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Incremental {
    /// What both kinds have.
    #[serde(flatten)]
    pub common: Common,
    /// The change's number.
    pub changelist_num: String,
    /// The patch set's number.
    pub patchset_num: String,
}

/// One compact JSON object without a line break, escaped as Go's encoder does.
pub fn to_json(metadata: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(metadata)?;
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            _ => escaped.push(letter),
        }
    }
    Ok(escaped)
}
