//! Keys that nothing reads, each with its line.
//!
//! Prow ignores unknown keys unless asked to be strict; a misspelt `comand:` then does nothing. Here
//! they are always looked for, since the tree and the shape of every type are at hand, and become
//! warnings.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use job_spec::shape::Shape;

use crate::diagnostic::Diagnostic;
use crate::yaml::{Entry, Node, NodeKind};

/// The rule's name, which is also that of checkconfig's warning.
pub const RULE: &str = "unknown-fields";

/// A shape with its structs' keys looked up once.
#[derive(Debug)]
pub(crate) struct Schema {
    kinds: Vec<Kind>,
    root: usize,
}

#[derive(Debug)]
enum Kind {
    /// Not judged.
    Any,
    Struct(HashMap<&'static str, usize>),
    List(usize),
    Map(usize),
    /// A type of the Kubernetes API, judged by `job_spec`.
    Pod(Shape),
}

impl Schema {
    /// The schema of a shape and everything below it.
    pub(crate) fn new(shape: &Shape) -> Schema {
        let mut builder = Builder { kinds: vec![Kind::Any], by_function: HashMap::new() };
        let root = builder.add(shape);
        Schema { kinds: builder.kinds, root }
    }

    /// Appends a warning for every key of `node` that the schema does not have.
    pub(crate) fn find_unknown(
        &self,
        node: &Node<'_>,
        file: &Arc<Path>,
        found: &mut Vec<Diagnostic>,
    ) {
        let mut path = String::new();
        self.walk(self.root, node, &mut path, &mut |path, entry, near| {
            found.push(unknown_key(path, entry, near).in_file(file));
        });
    }

    fn walk(
        &self,
        id: usize,
        node: &Node<'_>,
        path: &mut String,
        report: &mut dyn FnMut(&str, &Entry<'_>, Option<&str>),
    ) {
        match (&self.kinds[id], &node.kind) {
            (Kind::Struct(keys), NodeKind::Mapping(entries)) => {
                for entry in entries {
                    match keys.get(&*entry.key) {
                        Some(id) => below(path, &entry.key, |path| {
                            self.walk(*id, &entry.value, path, report);
                        }),
                        None => report(path, entry, nearest(&entry.key, keys.keys().copied())),
                    }
                }
            }
            (Kind::Map(value), NodeKind::Mapping(entries)) => {
                for entry in entries {
                    below(path, &entry.key, |path| self.walk(*value, &entry.value, path, report));
                }
            }
            (Kind::List(element), NodeKind::Sequence(elements)) => {
                for (index, node) in elements.iter().enumerate() {
                    below_index(path, index, |path| self.walk(*element, node, path, report));
                }
            }
            (Kind::Pod(shape), _) => walk_pod(shape, node, path, report),
            _ => {}
        }
    }
}

fn walk_pod(
    shape: &Shape,
    node: &Node<'_>,
    path: &mut String,
    report: &mut dyn FnMut(&str, &Entry<'_>, Option<&str>),
) {
    if matches!(shape, Shape::Any | Shape::Scalar) {
        return;
    }
    match &node.kind {
        NodeKind::Mapping(entries) => {
            for entry in entries {
                match shape.member(&entry.key) {
                    Some(shape) => {
                        below(path, &entry.key, |path| {
                            walk_pod(&shape, &entry.value, path, report)
                        });
                    }
                    None => report(path, entry, None),
                }
            }
        }
        NodeKind::Sequence(elements) => {
            let shape = shape.element();
            for (index, node) in elements.iter().enumerate() {
                below_index(path, index, |path| walk_pod(&shape, node, path, report));
            }
        }
        NodeKind::Scalar(_) => {}
    }
}

fn below(path: &mut String, key: &str, visit: impl FnOnce(&mut String)) {
    let length = path.len();
    if length > 0 {
        path.push('.');
    }
    path.push_str(key);
    visit(path);
    path.truncate(length);
}

fn below_index(path: &mut String, index: usize, visit: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push_str(&format!("[{index}]"));
    visit(path);
    path.truncate(length);
}

fn unknown_key(path: &str, entry: &Entry<'_>, near: Option<&str>) -> Diagnostic {
    let place = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
    let hint = near.map(|key| format!("; did you mean `{key}`?")).unwrap_or_default();
    Diagnostic::warning(RULE, format!("unknown field `{}`{place}{hint}", entry.key)).at(entry.mark)
}

/// The known key that a misspelt one most resembles, if it is near enough to be meant.
fn nearest<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let limit = 1 + key.len() / 5;
    known
        .map(|candidate| (distance(key, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edit distance over lower-case bytes; an underscore for a dash or a change of case is free.
fn distance(a: &str, b: &str) -> usize {
    let fold = |s: &str| -> Vec<u8> {
        s.bytes().filter(|b| !matches!(b, b'_' | b'-')).map(|b| b.to_ascii_lowercase()).collect()
    };
    let (a, b) = (fold(a), fold(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

struct Builder {
    kinds: Vec<Kind>,
    by_function: HashMap<usize, usize>,
}

/// The place of [`Kind::Any`].
const ANY: usize = 0;

impl Builder {
    fn add(&mut self, shape: &Shape) -> usize {
        match shape {
            Shape::Any | Shape::Scalar => ANY,
            Shape::Pod(_) | Shape::PodList(_) => self.push(Kind::Pod(shape.clone())),
            Shape::List(element) => {
                let id = self.push(Kind::Any);
                let element = self.add_function(*element);
                self.kinds[id] = Kind::List(element);
                id
            }
            Shape::Map(value) => {
                let id = self.push(Kind::Any);
                let value = self.add_function(*value);
                self.kinds[id] = Kind::Map(value);
                id
            }
            Shape::Struct { keys, .. } => {
                let id = self.push(Kind::Any);
                let keys =
                    keys.iter().map(|(key, shape)| (*key, self.add_function(*shape))).collect();
                self.kinds[id] = Kind::Struct(keys);
                id
            }
        }
    }

    /// Each function's shape is made once, which also ends the recursion of types that contain
    /// themselves.
    fn add_function(&mut self, function: fn() -> Shape) -> usize {
        let address = function as usize;
        if let Some(id) = self.by_function.get(&address) {
            return *id;
        }
        let shape = function();
        if matches!(shape, Shape::Any | Shape::Scalar) {
            self.by_function.insert(address, ANY);
            return ANY;
        }
        let id = self.kinds.len();
        self.by_function.insert(address, id);
        let made = self.add(&shape);
        debug_assert_eq!(made, id, "a shape is pushed before those below it");
        id
    }

    fn push(&mut self, kind: Kind) -> usize {
        self.kinds.push(kind);
        self.kinds.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use job_spec::Presubmit;
    use job_spec::go_struct::HasShape;

    use super::*;
    use crate::diagnostic::shared_path;
    use crate::yaml;

    fn unknown(text: &str) -> Vec<String> {
        let node = yaml::read(text).expect("YAML");
        let mut found = Vec::new();
        Schema::new(&Presubmit::shape()).find_unknown(&node, &shared_path("a.yaml"), &mut found);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn misspelt_keys_are_named_with_their_line_and_what_was_meant() {
        let text = "\
name: a
alwaysrun: true
labels: {anything: goes}
spec:
  containers:
  - image: x
    comand: [y]
    resources: {limits: {nvidia.com/gpu: 1}}
extra_refs:
- org: o
  repo: r
  bas_ref: main
decoration_config:
  timeout: 1h
  gcs_configuration: {buckt: b}
nonsense: 1
";
        assert_eq!(
            unknown(text),
            [
                "a.yaml:2:1: unknown field `alwaysrun`; did you mean `always_run`? (unknown-fields)",
                "a.yaml:7:5: unknown field `comand` in `spec.containers[0]` (unknown-fields)",
                "a.yaml:12:3: unknown field `bas_ref` in `extra_refs[0]`; did you mean `base_ref`? (unknown-fields)",
                "a.yaml:15:23: unknown field `buckt` in `decoration_config.gcs_configuration`; did you mean `bucket`? (unknown-fields)",
                "a.yaml:16:1: unknown field `nonsense` (unknown-fields)",
            ]
        );
    }
}
