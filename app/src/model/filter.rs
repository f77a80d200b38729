//! The filter of the run list, its URL form, and the range of time in it.

use serde::{Deserialize, Serialize};

use super::time;
use super::{RunKind, RunState};

/// A bound in time: so long ago, or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// So many milliseconds before now.
    Ago(i64),
    /// An instant.
    At(i64),
}

impl When {
    /// Reads `90m`, `12h`, `7d`, an RFC 3339 instant or a plain date in UTC.
    pub fn parse(text: &str) -> Option<When> {
        let text = text.trim();
        let unit_ms = match text.as_bytes().last()? {
            b's' => 1_000,
            b'm' => 60_000,
            b'h' => 3_600_000,
            b'd' => 86_400_000,
            _ => return time::parse_instant(text).map(When::At),
        };
        let count: i64 = text[..text.len() - 1].parse().ok().filter(|count| *count >= 0)?;
        count.checked_mul(unit_ms).map(When::Ago)
    }

    /// The instant that is meant when it is now `now_ms`.
    pub fn resolve(self, now_ms: i64) -> i64 {
        match self {
            When::Ago(ms) => now_ms.saturating_sub(ms),
            When::At(ms) => ms,
        }
    }

    /// The form that [`When::parse`] reads.
    pub fn text(self) -> String {
        match self {
            When::Ago(ms) if ms > 0 && ms % 86_400_000 == 0 => format!("{}d", ms / 86_400_000),
            When::Ago(ms) if ms > 0 && ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
            When::Ago(ms) if ms > 0 && ms % 60_000 == 0 => format!("{}m", ms / 60_000),
            When::Ago(ms) => format!("{}s", ms / 1_000),
            When::At(ms) => time::rfc3339(ms),
        }
    }
}

/// What the run list shows; every field stands in the URL under its Deck name.
///
/// Several filters must all hold. An unreadable value is dropped, as Deck does,
/// so that an old bookmark still leads somewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFilter {
    /// `type=`
    pub kind: Option<RunKind>,
    /// `org=`: exact.
    pub org: Option<String>,
    /// `repo=`: `org/repo`, exact; extra refs count where a run has no refs.
    pub repo: Option<String>,
    /// `author=`: author of any pull request, exact.
    pub author: Option<String>,
    /// `pull=`: the numbers that must all be tested, so that Tide's batch links work.
    pub pulls: Vec<u64>,
    /// `base=`: base branch, exact.
    pub base: Option<String>,
    /// `job=`: exact name, else `*` glob over the whole name, else words that the name must hold.
    pub job: Option<String>,
    /// `state=`
    pub state: Option<RunState>,
    /// `cluster=`
    pub cluster: Option<String>,
    /// `since=`: started no earlier.
    pub since: Option<When>,
    /// `until=`: started earlier.
    pub until: Option<When>,
    /// `before=`: key of [`super::RunPage::older`]; rows after it in the list.
    pub before: Option<String>,
    /// `after=`: key of [`super::RunPage::newer`]; rows before it in the list.
    pub after: Option<String>,
    /// `limit=`: rows wanted, at most [`super::RunPage::LIMIT`].
    pub limit: Option<usize>,
}

impl RunFilter {
    /// Reads decoded query pairs; the first of several values counts, empty values do not.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> RunFilter {
        let mut filter = RunFilter::default();
        for (name, value) in pairs {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            let text = || Some(value.to_owned());
            match name {
                "type" if filter.kind.is_none() => filter.kind = RunKind::parse(value),
                "org" if filter.org.is_none() => filter.org = text(),
                "repo" if filter.repo.is_none() => filter.repo = text(),
                "author" if filter.author.is_none() => filter.author = text(),
                "pull" if filter.pulls.is_empty() => filter.pulls = parse_pulls(value),
                "base" if filter.base.is_none() => filter.base = text(),
                "job" if filter.job.is_none() => filter.job = text(),
                "state" if filter.state.is_none() => filter.state = parse_state(value),
                "cluster" if filter.cluster.is_none() => filter.cluster = text(),
                "since" if filter.since.is_none() => filter.since = When::parse(value),
                "until" if filter.until.is_none() => filter.until = When::parse(value),
                "before" if filter.before.is_none() => filter.before = text(),
                "after" if filter.after.is_none() => filter.after = text(),
                "limit" if filter.limit.is_none() => filter.limit = value.parse().ok(),
                _ => {}
            }
        }
        filter
    }

    /// Reads a query string.
    pub fn from_query(query: &str) -> RunFilter {
        let pairs = query_pairs(query);
        RunFilter::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// The query that [`RunFilter::from_pairs`] reads, percent-encoded, without `?`.
    pub fn to_query(&self) -> String {
        let mut query = Query::default();
        query.add("type", self.kind.map(RunKind::word));
        query.add("org", self.org.as_deref());
        query.add("repo", self.repo.as_deref());
        query.add("author", self.author.as_deref());
        let pulls: Vec<String> = self.pulls.iter().map(u64::to_string).collect();
        query.add("pull", Some(pulls.join(",").as_str()).filter(|text| !text.is_empty()));
        query.add("base", self.base.as_deref());
        query.add("job", self.job.as_deref());
        query.add("state", self.state.map(RunState::word));
        query.add("cluster", self.cluster.as_deref());
        query.add("since", self.since.map(When::text).as_deref());
        query.add("until", self.until.map(When::text).as_deref());
        query.add("before", self.before.as_deref());
        query.add("after", self.after.as_deref());
        query.add("limit", self.limit.map(|limit| limit.to_string()).as_deref());
        query.text
    }

    /// The run list with this filter, from the root of the site.
    pub fn href(&self) -> String {
        let query = self.to_query();
        if query.is_empty() { "/".to_owned() } else { format!("/?{query}") }
    }

    /// The same selection from its first page.
    pub fn first_page(&self) -> RunFilter {
        RunFilter { before: None, after: None, ..self.clone() }
    }

    /// Whether nothing is left out, paging aside.
    pub fn selects_all(&self) -> bool {
        self.first_page() == RunFilter { limit: self.limit, ..RunFilter::default() }
    }
}

/// Tide links batches as `pull=<branch>,<n1>,<n2>`: numbers count, other words do not.
fn parse_pulls(value: &str) -> Vec<u64> {
    value.split(',').filter_map(|part| part.trim().trim_start_matches('#').parse().ok()).collect()
}

fn parse_state(value: &str) -> Option<RunState> {
    let state = RunState::parse(value);
    (state != RunState::Unknown || value == "unknown").then_some(state)
}

/// A query string in the making.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) text: String,
}

impl Query {
    /// Appends `name=value`, encoded, if there is a value.
    pub(crate) fn add(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            if !self.text.is_empty() {
                self.text.push('&');
            }
            self.text.push_str(name);
            self.text.push('=');
            self.text.push_str(&encode(value));
        }
    }
}

/// Percent-encodes one value of a query, or one segment of a path.
///
/// Slashes and commas stay readable in queries and are never given to paths.
pub fn encode(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'/'
            | b','
            | b'*'
            | b':' => {
                text.push(char::from(byte));
            }
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                text.push('%');
                text.push(char::from(HEX[usize::from(byte >> 4)]));
                text.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    text
}

/// Percent-encodes one segment of a path, whatever it holds.
pub fn segment(value: &str) -> String {
    encode(value).replace('/', "%2F")
}

/// The decoded pairs of a query string, as forms write them: `+` is a space, bytes that are not
/// UTF-8 become replacement characters.
pub fn query_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// The first value of a parameter among the pairs of a query.
pub fn query_value<'q>(pairs: &'q [(String, String)], name: &str) -> Option<&'q str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()) {
                Some(hex) if hex.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                    bytes.extend(u8::from_str_radix(hex, 16));
                    rest = &after[2..];
                }
                _ => bytes.push(b'%'),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> RunFilter {
        RunFilter::from_pairs(query.iter().copied())
    }

    #[test]
    fn a_filter_survives_its_url() {
        let filter = read(&[
            ("type", "batch"),
            ("repo", "spf13/pflag"),
            ("pull", "main,12,#7"),
            ("job", "pull-*-unit test"),
            ("state", "failure"),
            ("since", "36h"),
            ("until", "2026-11-21T00:05:37Z"),
            ("before", "1795219537000.abc"),
        ]);
        assert_eq!(filter.pulls, [12, 7]);
        assert_eq!(
            filter.to_query(),
            "type=batch&repo=spf13/pflag&pull=12,7&job=pull-*-unit%20test&state=failure\
             &since=36h&until=2026-11-21T00:05:37Z&before=1795219537000.abc"
        );
    }

    #[test]
    fn forms_and_links_are_decoded_once() {
        assert_eq!(
            query_pairs("job=pull+*%2Funit&q=100%25%32&odd=%zz%f&&bare"),
            [("job", "pull */unit"), ("q", "100%2"), ("odd", "%zz%f"), ("bare", "")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn unreadable_and_empty_values_are_dropped() {
        let filter =
            read(&[("type", "nightly"), ("state", "odd"), ("since", "soon"), ("repo", " ")]);
        assert!(filter.selects_all());
        assert_eq!(filter.href(), "/");
    }

    #[test]
    fn the_state_unknown_can_be_asked_for() {
        assert_eq!(read(&[("state", "unknown")]).state, Some(RunState::Unknown));
    }
}
