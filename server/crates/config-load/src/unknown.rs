//! Keys that nothing reads, each with its line.
//!
//! Prow ignores unknown keys unless asked to be strict; a misspelt `comand:` then does nothing. Here
//! they are always looked for, since the tree and the shape of every type are at hand, and become
//! warnings.
//!
//! Go takes `NAME` for `name`, and real configurations rely on it. So keys in another case are
//! renamed here, before anything else reads the tree.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use job_spec::shape::Shape;

use crate::diagnostic::Diagnostic;
use crate::yaml::{Entry, Node, NodeKind};

/// The rule's name, which is also that of checkconfig's warning.
pub const RULE: &str = "unknown-fields";

/// The rule of keys that are only understood because case does not matter.
pub const CASE_RULE: &str = "key-case";

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

    /// Renames keys of `node` that are known in another case, and appends a warning for each of those
    /// and for every key that the schema does not have.
    pub(crate) fn settle(
        &self,
        node: &mut Node<'_>,
        file: &Arc<Path>,
        found: &mut Vec<Diagnostic>,
    ) {
        let mut walk = Walk { schema: self, path: String::new(), file, found };
        walk.node(self.root, node);
    }

    /// As [`Schema::settle`], for one entry of a mapping that the schema describes.
    pub(crate) fn settle_entry(
        &self,
        entry: &mut Entry<'_>,
        file: &Arc<Path>,
        found: &mut Vec<Diagnostic>,
    ) {
        let mut walk = Walk { schema: self, path: String::new(), file, found };
        if let Kind::Struct(keys) = &self.kinds[self.root] {
            walk.member(keys, entry);
        }
    }
}

struct Walk<'s> {
    schema: &'s Schema,
    path: String,
    file: &'s Arc<Path>,
    found: &'s mut Vec<Diagnostic>,
}

impl Walk<'_> {
    fn node(&mut self, id: usize, node: &mut Node<'_>) {
        let schema = self.schema;
        match (&schema.kinds[id], &mut node.kind) {
            (Kind::Struct(keys), NodeKind::Mapping(entries)) => {
                let mut renamed = false;
                for entry in &mut *entries {
                    renamed |= self.member(keys, entry);
                }
                if renamed {
                    drop_repeated(entries);
                }
            }
            (Kind::Map(value), NodeKind::Mapping(entries)) => {
                for entry in entries {
                    self.below(&entry.key, |walk| walk.node(*value, &mut entry.value));
                }
            }
            (Kind::List(element), NodeKind::Sequence(elements)) => {
                for (index, node) in elements.iter_mut().enumerate() {
                    self.below_index(index, |walk| walk.node(*element, node));
                }
            }
            (Kind::Pod(shape), _) => self.pod(shape, node),
            _ => {}
        }
    }

    /// Answers whether the key was renamed.
    fn member(&mut self, keys: &HashMap<&'static str, usize>, entry: &mut Entry<'_>) -> bool {
        let known = keys.get_key_value(&*entry.key).or_else(|| {
            let same = |known: &&&'static str| known.eq_ignore_ascii_case(&entry.key);
            keys.keys().find(same).and_then(|key| keys.get_key_value(key))
        });
        match known {
            Some((key, id)) => {
                let renamed = self.rename(entry, key);
                self.below(key, |walk| walk.node(*id, &mut entry.value));
                renamed
            }
            None => {
                self.unknown(entry, nearest(&entry.key, keys.keys().copied()));
                false
            }
        }
    }

    fn pod(&mut self, shape: &Shape, node: &mut Node<'_>) {
        if matches!(shape, Shape::Any | Shape::Scalar) {
            return;
        }
        match &mut node.kind {
            NodeKind::Mapping(entries) => {
                let mut renamed = false;
                for entry in &mut *entries {
                    let mut member = shape.member(&entry.key);
                    if member.is_none()
                        && let Some(key) = shape.key_in_other_case(&entry.key)
                    {
                        renamed |= self.rename(entry, key);
                        member = shape.member(key);
                    }
                    match member {
                        Some(shape) => {
                            self.below(&entry.key, |walk| walk.pod(&shape, &mut entry.value));
                        }
                        None => self.unknown(entry, None),
                    }
                }
                if renamed {
                    drop_repeated(entries);
                }
            }
            NodeKind::Sequence(elements) => {
                let shape = shape.element();
                for (index, node) in elements.iter_mut().enumerate() {
                    self.below_index(index, |walk| walk.pod(&shape, node));
                }
            }
            NodeKind::Scalar(_) => {}
        }
    }

    fn rename(&mut self, entry: &mut Entry<'_>, key: &'static str) -> bool {
        if entry.key == key {
            return false;
        }
        let place = self.place();
        let message = format!("field `{}`{place} is taken for `{key}`: write it so", entry.key);
        self.found.push(Diagnostic::warning(CASE_RULE, message).in_file(self.file).at(entry.mark));
        entry.key = Cow::Borrowed(key);
        true
    }

    fn unknown(&mut self, entry: &Entry<'_>, near: Option<&str>) {
        let place = self.place();
        let hint = near.map(|key| format!("; did you mean `{key}`?")).unwrap_or_default();
        let message = format!("unknown field `{}`{place}{hint}", entry.key);
        self.found.push(Diagnostic::warning(RULE, message).in_file(self.file).at(entry.mark));
    }

    fn place(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) }
    }

    fn below(&mut self, key: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        visit(self);
        self.path.truncate(length);
    }

    fn below_index(&mut self, index: usize, visit: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        // Writing to a string cannot fail.
        let _ = write!(self.path, "[{index}]");
        visit(self);
        self.path.truncate(length);
    }
}

/// Of keys that differed in case only, keeps the last, as Go does.
fn drop_repeated(entries: &mut Vec<Entry<'_>>) {
    let repeated = |at: usize, entries: &[Entry<'_>]| {
        entries[at + 1..].iter().any(|e| e.key == entries[at].key)
    };
    if entries.len() < 2 || !(0..entries.len()).any(|at| repeated(at, entries)) {
        return;
    }
    let mut at = 0;
    while at < entries.len() {
        if repeated(at, entries) {
            entries.remove(at);
        } else {
            at += 1;
        }
    }
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
        let mut node = yaml::read(text).expect("YAML");
        let mut found = Vec::new();
        Schema::new(&Presubmit::shape()).settle(&mut node, &shared_path("a.yaml"), &mut found);
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
