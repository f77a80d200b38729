//! Findings before they have a line: rules look at typed values and name the place by keys; the
//! line is looked up in the file's tree, which only happens when something is wrong.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Severity};
use crate::yaml::{self, Mark, Node, NodeKind};

/// One step from a value to a value inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The value of a key.
    Key(String),
    /// An element of a list.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Step::Key(key.to_owned())
    }
}

impl From<&String> for Step {
    fn from(key: &String) -> Self {
        Step::Key(key.clone())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

/// The steps from one value to another.
macro_rules! place {
    ($($step:expr),* $(,)?) => {
        Vec::from([$($crate::place::Step::from($step)),*])
    };
}
pub(crate) use place;

/// Something wrong, at a place named by keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) rule: &'static str,
    pub(crate) place: Vec<Step>,
    pub(crate) message: String,
}

/// Collects findings.
#[derive(Debug, Default)]
pub(crate) struct Findings(pub(crate) Vec<Finding>);

impl Findings {
    pub(crate) fn error(
        &mut self,
        rule: &'static str,
        place: Vec<Step>,
        message: impl Into<String>,
    ) {
        self.0.push(Finding { severity: Severity::Error, rule, place, message: message.into() });
    }

    pub(crate) fn warning(
        &mut self,
        rule: &'static str,
        place: Vec<Step>,
        message: impl Into<String>,
    ) {
        self.0.push(Finding { severity: Severity::Warning, rule, place, message: message.into() });
    }
}

/// How far into `node` the steps lead, and the mark of the deepest key or element that is there.
pub(crate) fn locate(node: &Node<'_>, steps: &[Step]) -> (usize, Mark) {
    let mut node = node;
    let mut mark = node.mark;
    for (depth, step) in steps.iter().enumerate() {
        let found = match (step, &node.kind) {
            (Step::Key(key), NodeKind::Mapping(_)) => {
                node.entry(key).map(|entry| (entry.mark, &entry.value))
            }
            (Step::Index(index), NodeKind::Sequence(elements)) => {
                elements.get(*index).map(|element| (element.mark, element))
            }
            _ => None,
        };
        let Some((at, next)) = found else {
            return (depth, mark);
        };
        mark = at;
        node = next;
    }
    (steps.len(), mark)
}

/// A file's text with its name, to look lines up in.
#[derive(Debug)]
pub(crate) struct SourceText<'a> {
    pub(crate) file: &'a Arc<Path>,
    pub(crate) text: &'a str,
}

/// Turns findings into diagnostics: each in the file where its place is found deepest.
pub(crate) fn place_in_files(
    findings: Findings,
    sources: &[SourceText<'_>],
    out: &mut Vec<Diagnostic>,
) {
    if findings.0.is_empty() {
        return;
    }
    let trees: Vec<_> = sources
        .iter()
        .filter_map(|source| yaml::read(source.text).ok().map(|tree| (source.file, tree)))
        .collect();
    for finding in findings.0 {
        let mut diagnostic = Diagnostic {
            severity: finding.severity,
            ..Diagnostic::error(finding.rule, finding.message)
        };
        let mut deepest = None;
        for (file, tree) in &trees {
            let (depth, mark) = locate(tree, &finding.place);
            if deepest.is_none_or(|best| depth > best) {
                deepest = Some(depth);
                diagnostic = diagnostic.in_file(file).at(mark);
            }
        }
        out.push(diagnostic);
    }
}
