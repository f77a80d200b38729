//! The options of a tab's view as a query, under TestGrid's names.

use super::filter::{encode, query_pairs, segment};

/// Options that are on by being there; they have no value of their own, unless it is `off`.
const FLAGS: [&str; 9] = [
    "exclude-non-failed-tests",
    "show-stale-tests",
    "sort-by-failures",
    "sort-by-flakiness",
    "sort-by-name",
    "group-by-target",
    "group-by-directory",
    "expand-groups",
    "show-tabular-names",
];

/// Options that choose the order; one at a time.
const SORTS: [&str; 3] = ["sort-by-failures", "sort-by-flakiness", "sort-by-name"];

/// Options that choose the groups; one at a time.
const GROUPS: [&str; 4] =
    ["group-by-target", "group-by-directory", "group-by-regex-mask", "group-by-hierarchy-pattern"];

/// Leaves out rows that did not fail, at all or in so many of the newest columns.
const NON_FAILED: &str = "exclude-non-failed-tests";

/// Width of a column in pixels if nobody says another.
const STANDARD_PX: u32 = 80;

/// Options in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GridQuery {
    pairs: Vec<(String, String)>,
}

impl GridQuery {
    /// Reads a query. What the form of a tab sends means the same as TestGrid's own options:
    /// `sort=name` is `sort-by-name=`, `sort=none` takes away the order of the tab
    /// (`sort-by-name=off`), and `group=regex-mask&group-pattern=x` is `group-by-regex-mask=x`;
    /// `failed-in=5` is how many columns a ticked `exclude-non-failed-tests` is about.
    /// Values that are empty count for flags only.
    pub fn parse(query: &str) -> GridQuery {
        let mut pairs = query_pairs(query);
        let mut taken = |name: &str| {
            let at = pairs.iter().position(|(key, _)| key == name)?;
            Some(pairs.remove(at).1).filter(|value| !value.is_empty())
        };
        let (sort, group, pattern) = (taken("sort"), taken("group"), taken("group-pattern"));
        let failed_in = taken("failed-in").filter(|count| count.parse::<u32>().is_ok());
        pairs.retain(|(key, value)| !value.trim().is_empty() || FLAGS.contains(&key.as_str()));
        let mut options = GridQuery { pairs };
        // A box that can be ticked says `off` beside what it says when it is.
        for flag in FLAGS {
            if options.all(flag).count() > 1 {
                let last = options.get(flag).map(str::to_owned);
                options.set(flag, last.as_deref());
            }
        }
        if options.is_on(NON_FAILED)
            && let Some(columns) = &failed_in
        {
            options.set(NON_FAILED, Some(columns));
        }
        match sort.as_deref() {
            None => {}
            Some("none") => options.choose(&SORTS, "sort-by-name", "off"),
            Some(sort) => options.choose(&SORTS, &["sort-by-", sort].concat(), ""),
        }
        match group.as_deref() {
            None => {}
            Some("none") => options.choose(&GROUPS, "group-by-target", "off"),
            Some(group @ ("regex-mask" | "hierarchy-pattern")) => {
                if let Some(pattern) = pattern {
                    options.choose(&GROUPS, &["group-by-", group].concat(), &pattern);
                }
            }
            Some(group) => options.choose(&GROUPS, &["group-by-", group].concat(), ""),
        }
        options
    }

    /// The value of an option; empty for a flag that is on.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next_back()
    }

    /// All values of an option that may stand there more than once.
    pub fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = &str> {
        let pairs = self.pairs.iter().filter(move |(key, _)| key == name);
        pairs.map(|(_, value)| value.as_str())
    }

    /// Sets an option to one value, or takes it away.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let at = self.pairs.iter().position(|(key, _)| key == name).unwrap_or(self.pairs.len());
        self.pairs.retain(|(key, _)| key != name);
        if let Some(value) = value {
            let at = at.min(self.pairs.len());
            self.pairs.insert(at, (name.to_owned(), value.to_owned()));
        }
    }

    /// Chooses one of several options that exclude each other.
    fn choose(&mut self, names: &[&str], name: &str, value: &str) {
        self.pairs.retain(|(key, _)| !names.contains(&key.as_str()));
        if names.contains(&name) {
            self.pairs.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Adds one more value of an option that may have several, before those that are there.
    pub fn add_first(&mut self, name: &str, value: &str) {
        let at = self.pairs.iter().position(|(key, _)| key == name).unwrap_or(self.pairs.len());
        self.pairs.insert(at, (name.to_owned(), value.to_owned()));
    }

    /// Whether a flag is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != "off")
    }

    /// Width of a column in pixels. TestGrid knows none of less than four.
    pub fn width(&self) -> u32 {
        let width = self.get("width").and_then(|width| width.parse().ok());
        width.map_or(STANDARD_PX, |width: u32| width.clamp(4, 400))
    }

    /// The query, percent-encoded, without `?`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.pairs {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(&encode(name));
            text.push('=');
            text.push_str(&encode(value));
        }
        text
    }
}

/// The address of a tab for the fragment of an old bookmark: `#<tab>&opt=value…`, without the `#`.
/// That of the dashboard for its summary, `None` for a fragment that names no tab.
pub fn bookmark_href(dashboard: &str, fragment: &str) -> Option<String> {
    let (tab, options) = fragment.split_once('&').unwrap_or((fragment, ""));
    // A plus is a plus here: the tab was never a value of a query.
    let tab = query_pairs(&tab.replace('+', "%2B")).into_iter().next()?.0;
    if tab.is_empty() || tab == "main" {
        return None;
    }
    let board = ["/testgrid/", &segment(dashboard)].concat();
    if tab == "Summary" {
        return Some(board);
    }
    let path = [&board, "/", &segment(&tab)].concat();
    let options = GridQuery::parse(options).text();
    Some(if options.is_empty() { path } else { [path, options].join("?") })
}

/// The height of a row in pixels where columns are so many pixels wide: narrow columns give an overview.
pub fn row_px(column_px: u32) -> u32 {
    match column_px {
        0..24 => 16,
        24..60 => 19,
        _ => 22,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_keep_their_names_and_order() {
        let text =
            "width=20&sort-by-failures=&include-filter-by-regex=a%7Cb&include-filter-by-regex=c";
        assert_eq!(GridQuery::parse(text).text(), text);
        let mut options = GridQuery::parse(text);
        assert_eq!(options.all("include-filter-by-regex").collect::<Vec<_>>(), ["a|b", "c"]);
        options.set("width", Some("36"));
        options.set("sort-by-failures", None);
        options.add_first("include-filter-by-regex", "z");
        assert_eq!(options.all("include-filter-by-regex").collect::<Vec<_>>(), ["z", "a|b", "c"]);
        assert!(options.text().starts_with("width=36&include"), "{}", options.text());
    }

    #[test]
    fn what_a_form_sends_is_read_as_the_options_of_testgrid() {
        for (form, options) in [
            ("sort=name&group=", "sort-by-name="),
            ("sort=&include-filter-by-regex=&width=80", "width=80"),
            ("sort=none&group=none", "sort-by-name=off&group-by-target=off"),
            ("sort=anything", ""),
            ("group=directory&group-pattern=x", "group-by-directory="),
            ("group=regex-mask&group-pattern=%5Cd", "group-by-regex-mask=%5Cd"),
            ("group=regex-mask&group-pattern=", ""),
            ("exclude-non-failed-tests=&failed-in=5", "exclude-non-failed-tests=5"),
            ("exclude-non-failed-tests=&failed-in=", "exclude-non-failed-tests="),
            ("failed-in=5", ""),
            ("exclude-non-failed-tests=4&days=", "exclude-non-failed-tests=4"),
            ("exclude-non-failed-tests=off&exclude-non-failed-tests=", "exclude-non-failed-tests="),
            ("show-stale-tests=off&width=20", "show-stale-tests=off&width=20"),
        ] {
            assert_eq!(GridQuery::parse(form).text(), options, "{form}");
        }
    }

    #[test]
    fn a_width_is_four_pixels_at_least() {
        for (text, width) in [("", 80), ("width=20", 20), ("width=1", 4), ("width=wide", 80)] {
            assert_eq!(GridQuery::parse(text).width(), width, "{text}");
        }
    }

    #[test]
    fn old_bookmarks_lead_to_the_tab_with_their_options() {
        for (fragment, href) in [
            (
                "gce-conformance-latest&sort-by-failures=&width=20",
                Some("/testgrid/sig-release/gce-conformance-latest?sort-by-failures=&width=20"),
            ),
            ("capi%20e2e%20tests", Some("/testgrid/sig-release/capi%20e2e%20tests")),
            ("c++/unit", Some("/testgrid/sig-release/c%2B%2B%2Funit")),
            (
                "t&include-filter-by-regex=Volume%7Cstorage",
                Some("/testgrid/sig-release/t?include-filter-by-regex=Volume%7Cstorage"),
            ),
            ("Summary", Some("/testgrid/sig-release")),
            ("main", None),
            ("", None),
        ] {
            assert_eq!(bookmark_href("sig-release", fragment).as_deref(), href, "{fragment}");
        }
    }
}
