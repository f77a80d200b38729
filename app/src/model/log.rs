//! Lines of a log.

use serde::{Deserialize, Serialize};

/// A piece of a line with one look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LogSpan {
    /// The text, without escape sequences.
    #[serde(rename = "t")]
    pub text: String,
    /// Style classes of the ANSI state, separated by spaces; empty for plain text.
    ///
    /// `ab` bold, `ad` dim, `ai` italic, `au` underlined, `as` struck through, `ar` reversed;
    /// `f0`…`f255` and `b0`…`b255` for foreground and background of the 256-colour palette.
    #[serde(rename = "c", default, skip_serializing_if = "String::is_empty")]
    pub class: String,
}

/// One line of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// Its number as shown and linked, counted from 1.
    pub n: u64,
    /// Its text.
    #[serde(rename = "s")]
    pub spans: Vec<LogSpan>,
    /// Whether it looks like an error, by the configured highlights.
    #[serde(rename = "e", default, skip_serializing_if = "is_false")]
    pub error: bool,
    /// Bytes that were left out because the line is longer than a page can bear.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut_bytes: u64,
    /// When it was written, in milliseconds since 1970, where it says so itself.
    #[serde(rename = "at", default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
}

/// A part into which a log divides itself: a section of GitLab, a group of GitHub, a header of
/// Buildkite.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LogFold {
    /// The number of the line that announces it, counted from 1.
    pub n: u64,
    /// The number of its last line.
    pub last: u64,
    /// What it is called.
    pub name: String,
    /// How many others it lies in.
    #[serde(default, skip_serializing_if = "is_shallow")]
    pub depth: u8,
    /// How long it took, where its marks say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// Whether whoever wrote it wants it folded at first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub collapsed: bool,
}

/// A range of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LogLines {
    /// Index of the first line, counted from 0; its number as shown is one more.
    pub first_line: u64,
    /// The lines.
    pub lines: Vec<LogLine>,
    /// Lines of the log known so far.
    pub total_lines: u64,
    /// Size of the log so far.
    pub size_bytes: u64,
    /// Whether nothing will be added: the run has ended, and all of its log was read.
    pub complete: bool,
    /// A sentence on what is not shown; empty: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Which lines are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogRange {
    /// From this line on, counted from 0.
    From {
        /// First line.
        line: u64,
        /// How many at most.
        count: u64,
    },
    /// The last lines.
    Last(u64),
    /// So many lines around the first that looks like an error; the last ones if none does.
    FirstError(u64),
    /// Lines that look like errors with five lines on each side, as Spyglass shows a log.
    Errors {
        /// From this line on, counted from 0.
        line: u64,
        /// How many lines at most.
        count: u64,
    },
}

/// Lines of a log that match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LogHits {
    /// Their indices, counted from 0; the first of them if they are many.
    pub lines: Vec<u64>,
    /// How many there are.
    pub total: u64,
    /// Lines that were searched.
    pub searched: u64,
}

/// Lines of a run's log that somebody pinned for others to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LogPin {
    /// Its number.
    pub id: i64,
    /// The first line, counted from 1.
    pub from: u64,
    /// The last line.
    pub to: u64,
    /// A word on why; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Who pinned them.
    pub who: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// The lines that a fragment names, the first and the last, counted from 1: `#L3`, `#L3-L5`, and
/// Spyglass's forms `#build-log.txt:3-5`, `#1:build-log.txt%3A3`.
pub fn fragment_lines(fragment: &str) -> Option<(u64, u64)> {
    let fragment = fragment.trim_start_matches('#').replace("%3A", ":").replace("%3a", ":");
    let (lines, is_own) = match fragment.strip_prefix('L') {
        Some(own) if own.starts_with(|c: char| c.is_ascii_digit()) => (own, true),
        // Of several lenses the last that names lines; the log's name ends before its last colon.
        _ => (fragment.rsplit_once(':')?.1, false),
    };
    let (from, to) = lines.split_once('-').unwrap_or((lines, lines));
    let to = if is_own { to.strip_prefix('L').unwrap_or(to) } else { to };
    let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
    let (from, to) = (from.min(to), from.max(to));
    (from > 0).then_some((from, to))
}

/// Where an old fragment of a run's page leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// The part of the page, by its word in the address.
    pub tab: String,
    /// The fragment there; may be empty.
    pub fragment: String,
}

/// Where a fragment of a run's page leads, as it is here (`#L3-L5`) and as Spyglass has it: for each
/// lens that the address is about, its place in the configuration or its key, a colon, and what the lens
/// makes of the rest, `#1:build-log.txt%3A42;3:part`. `places` are the places and keys of the run's
/// lenses with the words of their parts of the page. Lines of the log go before other lenses; what
/// names no lens is read as lines.
pub fn bookmark(fragment: &str, places: &[(String, String)]) -> Option<Bookmark> {
    let part_of = |whose: &str| {
        let place = places.iter().find(|(place, _)| place == whose);
        place.map(|(_, tab)| tab.as_str())
    };
    let mut other = None;
    for part in fragment.trim_start_matches('#').rsplit(';') {
        let tab = part.split_once(':').and_then(|(whose, _)| part_of(whose));
        match tab {
            None | Some("log") => {
                if let Some((from, to)) = fragment_lines(part) {
                    let more = if from == to { String::new() } else { format!("-L{to}") };
                    let fragment = format!("L{from}{more}");
                    return Some(Bookmark { tab: "log".to_owned(), fragment });
                }
            }
            // Frames of lenses read the fragment themselves; the other parts of the page have no use
            // for Spyglass's.
            Some(tab) => {
                let fragment = if tab.starts_with("lens-") { part } else { "" };
                other = Some(Bookmark { tab: tab.to_owned(), fragment: fragment.to_owned() });
            }
        }
    }
    other
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn is_shallow(depth: &u8) -> bool {
    *depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_fragments_lead_to_the_part_of_the_page_that_shows_the_same() {
        let places = [("0", "metadata"), ("1", "log"), ("2", "tests"), ("3", "lens-own")]
            .into_iter()
            .chain([("buildlog", "log"), ("own", "lens-own")])
            .map(|(place, tab)| (place.to_owned(), tab.to_owned()))
            .collect::<Vec<_>>();
        for (fragment, expected) in [
            ("#L3-L5", Some(("log", "L3-L5"))),
            ("#1:build-log.txt%3A42", Some(("log", "L42"))),
            ("#build-log.txt:5-12", Some(("log", "L5-L12"))),
            ("#buildlog:build-log.txt%3A5", Some(("log", "L5"))),
            ("#3:part%3A7;1:build-log.txt%3A42-44", Some(("log", "L42-L44"))),
            // A lens that is not the log's has its own numbers.
            ("#3:part%3A7", Some(("lens-own", "3:part%3A7"))),
            ("#own:7", Some(("lens-own", "own:7"))),
            ("#2:TestA", Some(("tests", ""))),
            ("#0:x;3:y", Some(("metadata", ""))),
            // One that is not there any more may have been the log's.
            ("#9:build-log.txt%3A42", Some(("log", "L42"))),
            ("#1:top", None),
            ("#main", None),
            ("", None),
        ] {
            let found = bookmark(fragment, &places);
            let found = found.as_ref().map(|found| (found.tab.as_str(), found.fragment.as_str()));
            assert_eq!(found, expected, "{fragment}");
        }
    }

    #[test]
    fn lines_are_named_as_here_and_as_spyglass_does() {
        for (fragment, lines) in [
            ("#L3", Some((3, 3))),
            ("#L3-L5", Some((3, 5))),
            ("#L5-L3", Some((3, 5))),
            ("#build-log.txt:7", Some((7, 7))),
            ("#build-log.txt:5-12", Some((5, 12))),
            ("#1:build-log.txt%3A42", Some((42, 42))),
            ("#1:a%3A4;2:build-log.txt%3A42-44", Some((42, 44))),
            ("#L0", None),
            ("#Lx", None),
            ("#main", None),
            ("#1:top", None),
            ("", None),
        ] {
            assert_eq!(fragment_lines(fragment), lines, "{fragment}");
        }
    }
}
