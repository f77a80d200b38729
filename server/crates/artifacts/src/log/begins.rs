//! Where matches of a pattern may begin.
//!
//! A pattern of several alternatives is searched byte by byte. Most begin with a text that is rare, or
//! with one of few, and those are found many bytes at once; only the lines that have one are looked at
//! with the pattern.

use aho_corasick::packed::{Config, Searcher};
use aho_corasick::{Match, Span};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::{Extractor, Seq};
use regex_syntax::hir::{Hir, HirKind};

/// An alternative that begins with one of more texts is looked for by fewer, shorter ones.
const MAX_OF_ALTERNATIVE: usize = 16;

/// So many are found at once.
const MAX: usize = 64;

/// Shorter ones are everywhere.
const MIN_BYTES: usize = 2;

/// Texts one of which begins each match.
#[derive(Clone, Debug)]
pub(super) struct Begins(Searcher);

impl Begins {
    /// Those of a pattern in the syntax of Rust's engine, if there are any worth looking for. One alone
    /// is what the engine looks for itself.
    pub(super) fn of(pattern: &str) -> Option<Begins> {
        let parsed = ParserBuilder::new().utf8(false).nest_limit(u32::MAX).build().parse(pattern);
        let hir = parsed.ok()?;
        let alternatives = match hir.kind() {
            HirKind::Alternation(alternatives) => alternatives.as_slice(),
            _ => std::slice::from_ref(&hir),
        };
        let mut texts = Vec::new();
        for alternative in alternatives {
            texts.extend(begins(alternative)?);
        }
        if texts.len() < 2 || texts.len() > MAX {
            return None;
        }
        Config::new().builder().extend(texts).build().map(Begins)
    }

    /// The first one from a place on.
    pub(super) fn find(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let span = Span { start: at.min(bytes.len()), end: bytes.len() };
        self.0.find_in(bytes, span).as_ref().map(Match::start)
    }
}

fn begins(alternative: &Hir) -> Option<Vec<Vec<u8>>> {
    let found: Seq = Extractor::new().limit_total(MAX_OF_ALTERNATIVE).extract(alternative);
    let texts = found.literals()?;
    let long = |text: &[u8]| text.len() >= MIN_BYTES;
    let all: Vec<_> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    all.iter().all(|text| long(text)).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_are_known_where_each_alternative_has_some() {
        let find =
            |pattern: &str, text: &str| Begins::of(pattern).map(|it| it.find(text.as_bytes(), 0));
        let pattern = r"(?m:(?:timed out)|(?:panic\b)|(?:^E[0-9]{4} ))";
        assert_eq!(find(pattern, "it did not panic: it is well"), Some(Some(11)));
        assert_eq!(find(pattern, "I1121 E1 x"), Some(Some(6)));
        assert_eq!(find(pattern, "nothing of the kind"), Some(None));
        for pattern in ["needle", "a|bc", "x*y|zz", r"[a-z]+ing|zz", ""] {
            assert!(Begins::of(pattern).is_none(), "{pattern}");
        }
    }
}
