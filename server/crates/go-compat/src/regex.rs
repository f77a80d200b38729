//! Regular expressions in Go's dialect (RE2 with Perl flags), matched by Rust's engine.
//!
//! Both engines run in linear time and prefer the leftmost, first alternative, so only the syntax
//! differs: [`translate`] reads a pattern by Go's rules, rejects what Go rejects with Go's words,
//! and writes the same language in Rust's syntax.
//!
//! A Prow configuration holds thousands of patterns of which one process matches few. So a
//! [`GoRegex`] checks its syntax when it is made, but builds the matcher on first use; clones
//! share it. Two cases never build one at all: lists of plain texts (`^main$|^release-1.0$`), and
//! texts that lack a literal every match must contain (`/test job-a` against the trigger of
//! `job-b`).

mod plain;
mod translate;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use plain::PlainList;
use translate::Translation;

/// Memory that one compiled pattern may take, in bytes. Go allows 128 MiB of a more compact form;
/// configurations in repositories of strangers hold patterns, so ours is tighter.
const COMPILED_SIZE_LIMIT: usize = 32 << 20;

/// Patterns estimated to compile to more states than this are refused without trying.
const MAX_STATES: u64 = 2_000_000;

/// Patterns that may compile to more states than this are compiled when they are made, so that
/// one beyond [`COMPILED_SIZE_LIMIT`] is refused then and not when it is first needed.
const LAZY_STATE_LIMIT: u64 = 10_000;

/// A pattern in Go's dialect. Cloning is cheap; equality and hash are those of the text.
#[derive(Clone)]
pub struct GoRegex {
    inner: Arc<Inner>,
}

struct Inner {
    text: Box<str>,
    plain: Option<PlainList>,
    /// A text that every match contains.
    required: Option<Box<str>>,
    /// The name of each group, the whole match included.
    names: Box<[Option<Box<str>>]>,
    engine: OnceLock<Option<Engine>>,
}

enum Engine {
    Text(regex::Regex),
    /// Go's `\B` is about ASCII letters; Rust has that one only for bytes.
    Bytes(regex::bytes::Regex),
}

/// Why Go refuses a pattern. The wording is Go's, which users of Prow search for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {reason}: `{fragment}`")]
pub struct RegexError {
    reason: &'static str,
    fragment: String,
}

/// The groups of one match; group 0 is the whole match.
#[derive(Clone, Debug)]
pub struct Captures<'t> {
    text: &'t str,
    spans: Vec<Option<(usize, usize)>>,
    regex: GoRegex,
}

impl GoRegex {
    /// Checks a pattern by Go's rules.
    pub fn new(text: &str) -> Result<GoRegex, RegexError> {
        let translation = translate::translate(text)?;
        let too_large = || RegexError { reason: "expression too large", fragment: text.to_owned() };
        if translation.states > MAX_STATES {
            return Err(too_large());
        }
        let inner = Inner {
            text: text.into(),
            plain: plain::parse(text),
            required: translation.required.clone().map(String::into_boxed_str),
            names: translation.names.clone().into_boxed_slice(),
            engine: OnceLock::new(),
        };
        if translation.states > LAZY_STATE_LIMIT {
            let engine = compile(&translation).map_err(|_| too_large())?;
            let _ = inner.engine.set(Some(engine));
        }
        Ok(GoRegex { inner: Arc::new(inner) })
    }

    /// The names of the groups in their order, the whole match included; those without one have none.
    pub fn group_names(&self) -> impl Iterator<Item = Option<&str>> {
        self.inner.names.iter().map(|name| name.as_deref())
    }

    /// The pattern that matches exactly `text`, wherever it occurs (Go's `regexp.QuoteMeta`).
    pub fn quote_meta(text: &str) -> String {
        let mut quoted = String::with_capacity(text.len());
        for c in text.chars() {
            if r"\.+*?()|[]{}^$".contains(c) {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        quoted
    }

    /// The same language for texts of many lines at once: every line begins and ends a text. A match
    /// can go beyond the end of its line where a class of characters holds the newline; whoever
    /// searches looks at such a line again, alone.
    ///
    /// # Errors
    /// It compiles to more than is allowed for one pattern.
    pub fn for_lines(&self) -> Result<regex::bytes::Regex, regex::Error> {
        // The syntax was checked when the pattern was made.
        let translation = translate::translate(&format!("(?m:{})", self.as_str()));
        let pattern = translation.map(|found| found.pattern).unwrap_or_default();
        regex::bytes::RegexBuilder::new(&pattern)
            .size_limit(COMPILED_SIZE_LIMIT)
            .nest_limit(u32::MAX)
            .build()
    }

    /// The pattern as its user wrote it.
    pub fn as_str(&self) -> &str {
        &self.inner.text
    }

    /// Whether the pattern occurs in `text`; unanchored, as Go's `MatchString`.
    pub fn is_match(&self, text: &str) -> bool {
        if let Some(plain) = &self.inner.plain {
            return plain.is_match(text);
        }
        if self.lacks_required(text) {
            return false;
        }
        match self.engine() {
            Some(Engine::Text(engine)) => engine.is_match(text),
            Some(Engine::Bytes(_)) => self.find(text).is_some(),
            None => false,
        }
    }

    /// Byte range of the first match.
    pub fn find(&self, text: &str) -> Option<(usize, usize)> {
        self.captures_at(text, 0).and_then(|captures| captures.span(0))
    }

    /// The groups of the first match.
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.captures_at(text, 0)
    }

    /// The groups of every match, from left to right, without overlap (Go's
    /// `FindAllStringSubmatch`): an empty match next to the one before it is left out.
    pub fn captures_iter<'t>(&self, text: &'t str) -> impl Iterator<Item = Captures<'t>> {
        let (mut at, mut last_end) = (0, None);
        std::iter::from_fn(move || {
            loop {
                let captures = self.captures_at(text, at)?;
                let (start, end) = captures.span(0)?;
                if start == end {
                    at = next_char(text, end);
                    if last_end == Some(end) {
                        continue;
                    }
                } else {
                    at = end;
                }
                last_end = Some(end);
                return Some(captures);
            }
        })
    }

    /// Replaces every match by what `replacement` makes of it.
    pub fn replace_all(
        &self,
        text: &str,
        mut replacement: impl FnMut(&Captures<'_>) -> String,
    ) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut copied = 0;
        for captures in self.captures_iter(text) {
            let Some((start, end)) = captures.span(0) else {
                continue;
            };
            replaced.push_str(&text[copied..start]);
            replaced.push_str(&replacement(&captures));
            copied = end;
        }
        replaced.push_str(&text[copied..]);
        replaced
    }

    fn captures_at<'t>(&self, text: &'t str, at: usize) -> Option<Captures<'t>> {
        if at > text.len() || self.lacks_required(text) {
            return None;
        }
        let mut spans: Vec<_> = match self.engine()? {
            Engine::Text(engine) => {
                let mut locations = engine.capture_locations();
                engine.captures_read_at(&mut locations, text, at)?;
                (0..locations.len()).map(|i| locations.get(i)).collect()
            }
            Engine::Bytes(engine) => {
                let mut locations = engine.capture_locations();
                let mut at = at;
                loop {
                    let found = engine.captures_read_at(&mut locations, text.as_bytes(), at)?;
                    // Only an empty match can lie inside a character; Go has no such place.
                    if text.is_char_boundary(found.start()) {
                        break;
                    }
                    at = next_char(text, found.start());
                }
                (0..locations.len()).map(|i| locations.get(i)).collect()
            }
        };
        // Rust forgets the groups of a part that is repeated zero times.
        spans.resize(self.inner.names.len(), None);
        Some(Captures { text, spans, regex: self.clone() })
    }

    fn lacks_required(&self, text: &str) -> bool {
        self.inner.required.as_deref().is_some_and(|required| !text.contains(required))
    }

    fn engine(&self) -> Option<&Engine> {
        // The syntax was checked and the size estimated when the pattern was made, so there is no
        // failure left to report here.
        self.inner
            .engine
            .get_or_init(|| {
                let translation = translate::translate(&self.inner.text).ok()?;
                compile(&translation).ok()
            })
            .as_ref()
    }
}

/// The start of the character after the one at `at`; beyond the end when there is none.
fn next_char(text: &str, at: usize) -> usize {
    (at + 1..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len() + 1)
}

fn compile(translation: &Translation) -> Result<Engine, regex::Error> {
    // Nesting is bounded by the translation already.
    if translation.needs_bytes {
        regex::bytes::RegexBuilder::new(&translation.pattern)
            .size_limit(COMPILED_SIZE_LIMIT)
            .nest_limit(u32::MAX)
            .build()
            .map(Engine::Bytes)
    } else {
        regex::RegexBuilder::new(&translation.pattern)
            .size_limit(COMPILED_SIZE_LIMIT)
            .nest_limit(u32::MAX)
            .build()
            .map(Engine::Text)
    }
}

impl<'t> Captures<'t> {
    /// The text of a group, if it took part in the match.
    pub fn get(&self, group: usize) -> Option<&'t str> {
        self.span(group).map(|(start, end)| &self.text[start..end])
    }

    /// The text of the first group of that name.
    pub fn name(&self, name: &str) -> Option<&'t str> {
        let names = &self.regex.inner.names;
        let group = names.iter().position(|n| n.as_deref() == Some(name))?;
        self.get(group)
    }

    /// The byte range of a group.
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        self.spans.get(group).copied().flatten()
    }

    /// Number of groups of the pattern, the whole match included.
    #[allow(clippy::len_without_is_empty, reason = "group 0 is always there")]
    pub fn len(&self) -> usize {
        self.spans.len()
    }
}

impl fmt::Debug for GoRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GoRegex").field(&self.as_str()).finish()
    }
}

impl fmt::Display for GoRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for GoRegex {
    fn eq(&self, other: &GoRegex) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for GoRegex {}

impl Hash for GoRegex {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl FromStr for GoRegex {
    type Err = RegexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        GoRegex::new(text)
    }
}

impl Serialize for GoRegex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for GoRegex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        GoRegex::new(&text).map_err(de::Error::custom)
    }
}
