//! Issues and pull requests that name a run.

use serde::{Deserialize, Serialize};

/// The state of an issue or pull request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum IssueState {
    /// It is open.
    #[default]
    Open,
    /// It is closed.
    Closed,
    /// It is a pull request that was merged.
    Merged,
}

impl IssueState {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            IssueState::Open => "open",
            IssueState::Closed => "closed",
            IssueState::Merged => "merged",
        }
    }

    /// Reads the word; any other is [`IssueState::Open`].
    pub fn parse(word: &str) -> IssueState {
        match word {
            "closed" => IssueState::Closed,
            "merged" => IssueState::Merged,
            _ => IssueState::Open,
        }
    }
}

/// An issue or pull request whose text names a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RunReference {
    /// `org/repo`.
    pub repo: String,
    /// Its number.
    pub number: u64,
    /// Whether it is a pull request.
    pub is_pr: bool,
    /// Its title.
    pub title: String,
    /// Its state.
    pub state: IssueState,
    /// Who named the run last.
    pub author: String,
    /// The text at the code host; empty when not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub href: String,
    /// When that text was written, in milliseconds since 1970.
    pub at_ms: i64,
    /// How many of its texts name the run.
    pub texts: u64,
}
