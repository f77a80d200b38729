//! The reader for everything: a complete YAML parser's events become the tree.
//!
//! Anchors, aliases and merge keys are resolved here, duplicate keys are refused, and every error
//! has its place. Slower than [`super::block`] by a factor of several, so only texts that need it
//! come here.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::node::{Entry, Mark, Node, NodeKind, Scalar};
use super::{MAX_DEPTH, MAX_NODES, YamlError, scalar};

/// Reads the first document of `text`.
pub(super) fn read(text: &str) -> Result<Node<'_>, YamlError> {
    // A byte order mark is not content.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        nodes: 0,
        depth: 0,
        bytes: text.len(),
        // A last line of spaces is not one of text.
        ends_with_line_feed: text.trim_end_matches(' ').ends_with('\n'),
    };
    builder.document()
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Finished anchored nodes by the parser's number for them.
    anchors: HashMap<usize, Node<'a>>,
    nodes: usize,
    depth: usize,
    /// Length of the text.
    bytes: usize,
    ends_with_line_feed: bool,
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
                // The parser writes `~` where nothing is written.
                let nothing = style == ScalarStyle::Plain && span.is_empty();
                let text = if nothing { Cow::Borrowed("") } else { text };
                let text = self.block_at_end(text, style, span);
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

    /// The last line of a block scalar has no line feed where the file has none.
    fn block_at_end(&self, text: Cow<'a, str>, style: ScalarStyle, span: &Span) -> Cow<'a, str> {
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let at_end = span.byte_range().is_some_and(|range| range.end >= self.bytes);
        if !block || self.ends_with_line_feed || !at_end {
            return text;
        }
        match text.strip_suffix('\n') {
            Some(line) => Cow::Owned(line.to_owned()),
            None => text,
        }
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
        let mut found = MappingBuilder::default();
        loop {
            let (event, span) = self.need(start)?;
            if event == Event::MappingEnd {
                return Ok(NodeKind::Mapping(found.entries));
            }
            let plain_merge = matches!(
                &event,
                Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<"
            );
            let key_node = self.node(event, &span)?;
            let (event, span) = self.need(key_node.mark)?;
            let value = self.node(event, &span)?;
            if plain_merge {
                found.merge(value)?;
                continue;
            }
            let mark = key_node.mark;
            let key = key_text(key_node)?;
            found.own(Entry { key, mark, value })?;
        }
    }
}

/// A mapping in the making.
///
/// As in Go's reader, place decides between a key and a merged one of the same name: the later counts.
#[derive(Default)]
struct MappingBuilder<'a> {
    entries: Vec<Entry<'a>>,
    /// Place of each key in `entries`, and whether the mapping has it itself.
    known: HashMap<Cow<'a, str>, (usize, bool)>,
}

impl<'a> MappingBuilder<'a> {
    /// Adds a key of the mapping itself.
    fn own(&mut self, entry: Entry<'a>) -> Result<(), YamlError> {
        if let Some((_, true)) = self.known.get(&entry.key) {
            return Err(YamlError::new(
                entry.mark,
                format!("the key `{}` occurs twice in this mapping", entry.key),
            ));
        }
        self.set(entry, true);
        Ok(())
    }

    /// Adds the keys of a `<<` value. Of a list of mappings, the first that has a key gives its value.
    fn merge(&mut self, value: Node<'a>) -> Result<(), YamlError> {
        match value.kind {
            NodeKind::Mapping(inherited) => {
                for entry in inherited {
                    self.set(entry, false);
                }
                Ok(())
            }
            NodeKind::Sequence(sources) if sources.iter().all(is_mapping) => {
                sources.into_iter().rev().try_for_each(|source| self.merge(source))
            }
            _ => Err(YamlError::new(value.mark, "`<<` needs a mapping or a list of mappings")),
        }
    }

    fn set(&mut self, entry: Entry<'a>, own: bool) {
        match self.known.get_mut(&entry.key) {
            Some((place, is_own)) => {
                *is_own |= own;
                self.entries[*place] = entry;
            }
            None => {
                self.known.insert(entry.key.clone(), (self.entries.len(), own));
                self.entries.push(entry);
            }
        }
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
