//! What the logs of a cluster's nodes say.

use serde::{Deserialize, Serialize};

use super::{Link, RunRow, encode};

/// A line of a node's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLogLine {
    /// The place of its log in [`NodeLogPart::logs`].
    pub log: u64,
    /// Its number in its log, from 1.
    pub n: u64,
    /// Its text in pieces, and whether each is one of the words.
    pub spans: Vec<(String, bool)>,
    /// Whether it holds one of the words; the others are its neighbours.
    pub wanted: bool,
    /// Bytes that were left out because the line is longer than a page can bear.
    pub cut_bytes: u64,
}

/// What is shown of logs, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeLogPiece {
    /// A line.
    Line(NodeLogLine),
    /// So many lines that are left out.
    Skipped(u64),
}

/// Lines of one log, or of several that are woven together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLogPart {
    /// The logs: a short name of each, its page, and its path as title.
    pub logs: Vec<Link>,
    /// What is shown.
    pub pieces: Vec<NodeLogPiece>,
    /// Lines that hold one of the words.
    pub wanted: u64,
    /// Those of them that are not shown.
    pub left_out: u64,
    /// All lines.
    pub lines: u64,
}

/// Something that a Pod is called besides its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLogField {
    /// What people read.
    pub label: String,
    /// The parameter that asks for lines that name it.
    pub on_name: String,
    /// Whether that is asked for.
    pub on: bool,
    /// The parameter that says what it is.
    pub value_name: String,
    /// What somebody said that it is; may be empty.
    pub value: String,
    /// What the logs say that it is; may be empty.
    pub found: String,
}

/// A log that one may choose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLogFile {
    /// Its path below the run's folder.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Whether it is shown.
    pub chosen: bool,
}

/// What the logs of the nodes say that a run left: `/nodelog/<provider>/<bucket>/<path>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLogPage {
    /// The run.
    pub run: RunRow,
    /// The page of its folder; empty if it has none.
    pub folder_href: String,
    /// Whether it left no such logs.
    pub missing: bool,
    /// The Pod; empty if none is asked for.
    pub pod: String,
    /// The file of results whose node is asked for; empty for all.
    pub junit: String,
    /// What else the Pod is called.
    pub fields: Vec<NodeLogField>,
    /// Further words.
    pub others: Vec<String>,
    /// Lines on each side of one that holds a word.
    pub around: u64,
    /// The words that lines must hold one of.
    pub words: Vec<String>,
    /// The logs that there are, by folder.
    pub files: Vec<(String, Vec<NodeLogFile>)>,
    /// Whether long lines are wrapped.
    pub wrap: bool,
    /// Whether the logs are put together by the times of their lines.
    pub weave: bool,
    /// What they say.
    pub parts: Vec<NodeLogPart>,
    /// Sentences on what was not read.
    pub notes: Vec<String>,
}

/// The page of what the logs of the nodes say that a run left, by the address of the run
/// (`/view/<provider>/…`): of a Pod, and of the node that a file of results is from; both may be empty.
/// Nothing for a run without files.
pub fn node_log_href(run_href: &str, pod: &str, junit: &str) -> Option<String> {
    let place = run_href.strip_prefix("/view/")?.trim_end_matches('/');
    let mut href = format!("/nodelog/{place}?wrap=on");
    for (name, value) in [("pod", pod), ("junit", junit)] {
        if !value.is_empty() {
            href.push_str(&format!("&{name}={}", encode(value)));
        }
    }
    Some(href)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_logs_of_a_run_have_its_address() {
        assert_eq!(
            node_log_href("/view/gs/b/logs/j/1", "web-0", "a b.xml").as_deref(),
            Some("/nodelog/gs/b/logs/j/1?wrap=on&pod=web-0&junit=a%20b.xml")
        );
        assert_eq!(node_log_href("/run/x", "web-0", ""), None);
    }
}
