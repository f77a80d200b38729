//! Where matches of a pattern may begin.
//!
//! A pattern of several alternatives is searched byte by byte. Most begin with a text that is rare, or
//! with one of few, and those are found many bytes at once; only the lines that have one are looked at
//! with the pattern.

use aho_corasick::packed::{Config, Searcher};
use aho_corasick::{Match, Span};
use memchr::memmem;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::{Extractor, Seq};
use regex_syntax::hir::{Hir, HirKind};

use super::cuts::Cuts;

/// An alternative that begins with one of more texts is looked for by fewer, shorter ones.
const MAX_OF_ALTERNATIVE: usize = 32;

/// So many are found at once.
const MAX: usize = 64;

/// Shorter ones are everywhere.
const MIN_BYTES: usize = 2;

/// Texts one of which begins each match. They are printable ASCII, so that what a line shows in place of
/// other characters never adds to one.
#[derive(Clone, Debug)]
pub(super) struct Begins {
    finder: Finder,
    texts: Vec<Vec<u8>>,
    /// For each character a bit for each one that stands behind it in some text.
    followers: [u128; 128],
}

#[derive(Clone, Debug)]
enum Finder {
    One(memmem::Finder<'static>),
    Several(Searcher),
}

impl Begins {
    /// Those of a pattern in the syntax of Rust's engine, if there are any worth looking for.
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
        if texts.len() > MAX {
            return None;
        }
        let mut followers = [0; 128];
        for pair in texts.iter().flat_map(|text| text.windows(2)) {
            followers[usize::from(pair[0])] |= 1 << pair[1];
        }
        let finder = match texts.as_slice() {
            [one] => Finder::One(memmem::Finder::new(one).into_owned()),
            _ => Finder::Several(Config::new().builder().extend(&texts).build()?),
        };
        Some(Begins { finder, texts, followers })
    }

    /// The first one from a place on.
    pub(super) fn find(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let at = at.min(bytes.len());
        match &self.finder {
            Finder::One(one) => one.find(&bytes[at..]).map(|found| at + found),
            Finder::Several(several) => {
                let span = Span { start: at, end: bytes.len() };
                several.find_in(bytes, span).as_ref().map(Match::start)
            }
        }
    }

    /// Whether one of the texts may be cut by the escape sequences of a log.
    pub(super) fn may_be_cut(&self, cuts: &Cuts) -> bool {
        self.texts.iter().any(|text| cuts.may_cut(text))
    }

    /// Which characters go on with a text where this byte stands in it: a bit for each.
    pub(super) fn followers(&self, byte: u8) -> u128 {
        self.followers.get(usize::from(byte)).copied().unwrap_or(0)
    }
}

fn begins(alternative: &Hir) -> Option<Vec<Vec<u8>>> {
    let found: Seq = Extractor::new().limit_total(MAX_OF_ALTERNATIVE).extract(alternative);
    let texts = found.literals()?;
    let useful = |text: &[u8]| {
        text.len() >= MIN_BYTES && text.iter().all(|byte| matches!(byte, b' '..=b'~'))
    };
    let all: Vec<_> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    (!all.is_empty() && all.iter().all(|text| useful(text))).then_some(all)
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
        assert_eq!(find("need(le)?s", "a need, needles"), Some(Some(8)));
        for pattern in ["é+|xx", "a|bc", "x*y|zz", r"[a-z]+ing|zz", r"a\tb", ""] {
            assert!(Begins::of(pattern).is_none(), "{pattern}");
        }
    }
}
