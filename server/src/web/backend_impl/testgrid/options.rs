//! The options of a view as they stand in an address.

use app::model::grid_query::GridQuery;
use app::model::{GridOptions, query_pairs};
use grid::summarizer::options::StatusOptions;
use grid::tabulator::ViewOptions;

/// The most days that a grid goes back.
pub const MAX_DAYS: u32 = 3_650;
/// Parameters of the page that are no options of a view.
const OWN: [&str; 8] = ["days", "columns", "page", "from", "view", "tab", "dashboard", "scope"];

/// The options of a tab and those of an address.
#[derive(Debug)]
pub struct Asked {
    /// What is shown.
    pub view: ViewOptions,
    /// The options in effect, for the form.
    pub form: GridOptions,
    /// What the tab itself sets.
    pub base: GridOptions,
    /// Which page of the rows, from 1.
    pub page: usize,
    /// How many of the newest columns the table leaves out.
    pub from: usize,
    /// What is wrong with the address's options; then the tab's own are in effect.
    pub error: String,
    /// What is wrong with the tab's own options; then they count for nothing.
    pub base_error: String,
}

impl Asked {
    /// How far back the grid goes, if not as the tab says.
    pub fn days(&self) -> Option<i64> {
        self.form.days.map(i64::from)
    }
}

/// Reads a query over the options that a tab has.
pub fn asked(base_options: &str, query: &str) -> Asked {
    let (base, base_options, base_error) = match ViewOptions::parse(base_options) {
        Ok(base) => (base, base_options, String::new()),
        Err(error) => (ViewOptions::default(), "", error.to_string()),
    };
    let both = joined(base_options, query);
    let (view, error) = match ViewOptions::parse(&both) {
        Ok(view) => (view, String::new()),
        Err(error) => (base, error.to_string()),
    };
    let pairs = query_pairs(query);
    let own = |name: &str| pairs.iter().rev().find(|(key, _)| key == name).map(|(_, v)| v.as_str());
    let days = own("days").and_then(|days| days.parse().ok());
    let mut form = form_of(&both);
    form.days = days.filter(|days| *days > 0).map(|days: u32| days.min(MAX_DAYS));
    let page = own("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let from = own("from").and_then(|from| from.parse().ok()).unwrap_or(0);
    Asked { view, form, base: form_of(base_options), page, from, error, base_error }
}

/// A tab's options and then those of an address, as one query. What the form of a page says in its
/// own words (`sort=failures`) is said in TestGrid's (`sort-by-failures=`).
fn joined(base_options: &str, query: &str) -> String {
    let mut wanted = GridQuery::parse(query);
    for name in OWN.into_iter().chain(StatusOptions::names()) {
        wanted.set(name, None);
    }
    let wanted = wanted.text();
    let joint = if base_options.is_empty() || wanted.is_empty() { "" } else { "&" };
    [base_options, joint, &wanted].concat()
}

/// The options as the fields of a form, the last of those that exclude each other.
fn form_of(options: &str) -> GridOptions {
    let mut form = GridOptions { tabular: true, ..GridOptions::default() };
    for (key, value) in query_pairs(options) {
        let off = value == "off";
        match key.as_str() {
            "include-filter-by-regex" => form.include.push(value),
            "exclude-filter-by-regex" => form.exclude.push(value),
            "exclude-non-failed-tests" => form.non_failed = (!off).then_some(value),
            "show-stale-tests" => form.stale = !off,
            "expand-groups" => form.expand = !off,
            "show-tabular-names" => form.tabular = !off,
            "width" if off => form.width = None,
            "width" => form.width = value.parse().ok().or(form.width),
            "graph-metrics" if off => form.metrics.clear(),
            "graph-metrics" => form.metrics.push(value),
            _ => {
                if let Some(by) = key.strip_prefix("sort-by-") {
                    form.sort = if off { String::new() } else { by.to_owned() };
                } else if let Some(by) = key.strip_prefix("group-by-") {
                    form.group = if off { String::new() } else { by.to_owned() };
                    form.group_pattern = if off { String::new() } else { value };
                }
            }
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;
    use grid::tabulator::Sort;

    #[test]
    fn an_address_adds_filters_and_overrides_the_rest() {
        let base = "include-filter-by-regex=a&sort-by-failures=&width=10&show-stale-tests=";
        let asked = asked(
            base,
            "include-filter-by-regex=b%2B&sort-by-name=&width=20&show-stale-tests=off&days=30&page=2",
        );
        assert_eq!(asked.view.include.len(), 2);
        assert_eq!((asked.view.sort, asked.view.width), (Sort::Name, Some(20)));
        assert!(!asked.view.show_stale && !asked.form.stale && asked.base.stale);
        assert_eq!(asked.form.include, ["a", "b+"]);
        assert_eq!((asked.days(), asked.page), (Some(30), 2));
        let of_form = super::asked(base, "sort=none&group=directory&width=");
        assert_eq!((of_form.view.sort, of_form.view.width), (Sort::None, Some(10)));
        assert_eq!(of_form.form.group, "directory");
    }

    #[test]
    fn a_wrong_pattern_is_told_and_the_tabs_own_options_hold() {
        let asked = asked("include-filter-by-regex=a", "include-filter-by-regex=(");
        assert!(asked.error.contains("include-filter-by-regex=("), "{}", asked.error);
        assert_eq!(asked.view.include.len(), 1);
        let broken = super::asked("include-filter-by-regex=(&width=9", "sort-by-name=");
        assert!(broken.base_error.contains("include-filter-by-regex=("), "{}", broken.base_error);
        assert!(broken.error.is_empty() && broken.view.width.is_none());
        assert_eq!(broken.view.sort, Sort::Name, "those of the address hold");
    }
}
