//! The reader for everything: a complete YAML parser's events become the tree.
//!
//! Anchors, aliases and merge keys are resolved here, duplicate keys are refused, and every error
//! has its place. Slower than [`super::block`] by a factor of several, so only texts that need it
//! come here.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::node::{Entry, Mark, Node, NodeKind, Scalar};
use super::{MAX_DEPTH, MAX_NODES, YamlError, scalar};

/// Reads the first document of `text`.
pub(super) fn read(text: &str) -> Result<Node<'_>, YamlError> {
    // A byte order mark is not content.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder =
        Builder { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0, depth: 0 };
    builder.document()
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Finished anchored nodes by the parser's number for them.
    anchors: HashMap<usize, Node<'a>>,
    nodes: usize,
    depth: usize,
}

type Built<'a> = Result<Node<'a>, YamlError>;

impl<'a> Builder<'a> {
    fn document(&mut self) -> Built<'a> {
        loop {
            let Some((event, span)) = self.next()? else {
                return Ok(Node::null(Mark::START));
            };
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::Comment(..) => {}
                Event::StreamEnd | Event::DocumentEnd => return Ok(Node::null(mark_of(&span))),
                event => {
                    let node = self.node(event, &span)?;
                    // What follows in the same document must be sound, too.
                    while let Some((event, _)) = self.next()? {
                        if matches!(event, Event::DocumentEnd | Event::StreamEnd) {
                            break;
                        }
                    }
                    return Ok(node);
                }
            }
        }
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, YamlError> {
        self.parser.next_event().transpose().map_err(scan_error)
    }

    /// The next event that is not a comment; the text may not end here.
    fn need(&mut self, since: Mark) -> Result<(Event<'a>, Span), YamlError> {
        loop {
            match self.next()? {
                Some((Event::Comment(..), _)) => {}
                Some(found) => return Ok(found),
                None => return Err(YamlError::new(since, "the text ends inside this value")),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span) -> Built<'a> {
        let mark = mark_of(span);
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(YamlError::new(mark, format!("more than {MAX_NODES} values")));
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(YamlError::new(
                mark,
                format!("values are nested more than {MAX_DEPTH} deep"),
            ));
        }
        let (anchor, kind) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, NodeKind::Scalar(tagged_scalar(text, style, tag, mark)?))
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence(mark)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(mark)?),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().ok_or_else(|| {
                    YamlError::new(mark, "this alias stands inside the value that it names")
                })?;
                self.nodes += count(&node);
                if self.nodes > MAX_NODES {
                    return Err(YamlError::new(
                        mark,
                        format!("aliases expand to more than {MAX_NODES} values"),
                    ));
                }
                self.depth -= 1;
                return Ok(node);
            }
            _ => return Err(YamlError::new(mark, "a value was expected here")),
        };
        self.depth -= 1;
        let node = Node { mark, kind };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn sequence(&mut self, start: Mark) -> Result<NodeKind<'a>, YamlError> {
        let mut elements = Vec::new();
        loop {
            match self.need(start)? {
                (Event::SequenceEnd, _) => return Ok(NodeKind::Sequence(elements)),
                (event, span) => elements.push(self.node(event, &span)?),
            }
        }
    }

    fn mapping(&mut self, start: Mark) -> Result<NodeKind<'a>, YamlError> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut seen: HashSet<Cow<'a, str>> = HashSet::new();
        let mut merged: Vec<Node<'a>> = Vec::new();
        loop {
            let (event, span) = self.need(start)?;
            if event == Event::MappingEnd {
                break;
            }
            let plain_merge = matches!(
                &event,
                Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<"
            );
            let key_node = self.node(event, &span)?;
            let (event, span) = self.need(key_node.mark)?;
            let value = self.node(event, &span)?;
            if plain_merge {
                merged.push(value);
                continue;
            }
            let mark = key_node.mark;
            let key = key_text(key_node)?;
            if !seen.insert(key.clone()) {
                return Err(YamlError::new(
                    mark,
                    format!("the key `{key}` occurs twice in this mapping"),
                ));
            }
            entries.push(Entry { key, mark, value });
        }
        for value in merged {
            merge(&mut entries, &mut seen, value)?;
        }
        Ok(NodeKind::Mapping(entries))
    }
}

/// Adds the keys of a `<<` value that the mapping does not have itself. Of a list of mappings, the
/// first that has a key gives its value.
fn merge<'a>(
    entries: &mut Vec<Entry<'a>>,
    seen: &mut HashSet<Cow<'a, str>>,
    value: Node<'a>,
) -> Result<(), YamlError> {
    match value.kind {
        NodeKind::Mapping(inherited) => {
            for entry in inherited {
                if seen.insert(entry.key.clone()) {
                    entries.push(entry);
                }
            }
            Ok(())
        }
        NodeKind::Sequence(sources) if sources.iter().all(is_mapping) => {
            sources.into_iter().try_for_each(|source| merge(entries, seen, source))
        }
        _ => Err(YamlError::new(value.mark, "`<<` needs a mapping or a list of mappings")),
    }
}

fn is_mapping(node: &Node<'_>) -> bool {
    matches!(node.kind, NodeKind::Mapping(_))
}

fn count(node: &Node<'_>) -> usize {
    match &node.kind {
        NodeKind::Scalar(_) => 1,
        NodeKind::Sequence(elements) => 1 + elements.iter().map(count).sum::<usize>(),
        NodeKind::Mapping(entries) => {
            1 + entries.iter().map(|entry| count(&entry.value)).sum::<usize>()
        }
    }
}

/// The text of a key: numbers and booleans as Go's YAML-to-JSON step writes them.
fn key_text(node: Node<'_>) -> Result<Cow<'_, str>, YamlError> {
    let NodeKind::Scalar(scalar) = node.kind else {
        return Err(YamlError::new(node.mark, "a list or mapping cannot be a key here"));
    };
    match scalar.value() {
        scalar::Value::Text(_) => Ok(scalar.text),
        value => scalar::as_go_string(value).map(Cow::Owned).ok_or_else(|| {
            YamlError::new(node.mark, "nothing (null) cannot be a key; quote it to mean text")
        }),
    }
}

fn tagged_scalar<'a>(
    text: Cow<'a, str>,
    style: ScalarStyle,
    tag: Option<Cow<'a, Tag>>,
    mark: Mark,
) -> Result<Scalar<'a>, YamlError> {
    let untagged = style == ScalarStyle::Plain;
    let Some(tag) = tag else {
        return Ok(Scalar { text, plain: untagged });
    };
    let Some(suffix) = tag.suffix_in_namespace("tag:yaml.org,2002:") else {
        // An application's own tag: the value is text.
        return Ok(Scalar { text, plain: false });
    };
    let fits = |value: scalar::Value<'_>| match &*suffix {
        "bool" => matches!(value, scalar::Value::Bool(_)),
        "int" => matches!(value, scalar::Value::Int(_) | scalar::Value::Uint(_)),
        "float" => matches!(
            value,
            scalar::Value::Float(_) | scalar::Value::Int(_) | scalar::Value::Uint(_)
        ),
        "null" => matches!(value, scalar::Value::Null),
        _ => false,
    };
    match &*suffix {
        "bool" | "int" | "float" | "null" => {
            if fits(scalar::resolve(&text)) {
                Ok(Scalar { text, plain: true })
            } else {
                Err(YamlError::new(mark, format!("`{text}` is not a value of the type !!{suffix}")))
            }
        }
        "binary" => Err(YamlError::new(mark, "!!binary values are not supported")),
        _ => Ok(Scalar { text, plain: false }),
    }
}

fn mark_of(span: &Span) -> Mark {
    Mark { line: span.start.line() as u32, column: span.start.col() as u32 + 1 }
}

fn scan_error(err: ScanError) -> YamlError {
    let marker = err.marker();
    YamlError::new(
        Mark { line: marker.line() as u32, column: marker.col() as u32 + 1 },
        format!("this is not valid YAML: {}", err.kind()),
    )
}
