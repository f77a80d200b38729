//! From the grid of a group to that of a tab, as TestGrid's tabulator does it: the rows that the
//! tab's options ask for, without columns that are empty then, with the tab's alerts and counts.

use go_compat::GoRegex;

use crate::proto::TestStatus;
use crate::proto::config::{DashboardTab, TestGroup};
use crate::proto::state::Grid;
use crate::updater::alert::AlertOptions;
use crate::updater::construct::{construct, inflate};
use crate::updater::convert::InflatedColumn;
use crate::url::parse_query;

/// How rows of a tab are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// As the grid has them.
    #[default]
    None,
    /// Rows with more recent failures first.
    Failures,
    /// Rows that change between pass and failure more often first.
    Flakiness,
    /// By name.
    Name,
}

/// How rows of a tab are put together.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Group {
    /// Not at all.
    #[default]
    None,
    /// Rows whose names are equal without what matches.
    RegexMask(GoRegex),
    /// Rows of one target.
    Target,
    /// By the folders of the name.
    Directory,
    /// By the successive matches in the name.
    Hierarchy(GoRegex),
}

/// Options of a view, from a tab's `base_options` or from the part of a bookmark after the tab.
///
/// They have the form of a URL's query; flags are keys with nothing after `=`. Of options that exclude
/// each other the last counts, and `off` as the value of one that is no filter takes back what an
/// earlier one said: so an address can change what the tab's own options set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ViewOptions {
    /// Rows must match all of these.
    pub include: Vec<GoRegex>,
    /// Rows must match none of these.
    pub exclude: Vec<GoRegex>,
    /// Only rows with a failure; of so many newest columns if a number is given.
    pub exclude_non_failed: Option<Option<usize>>,
    /// Rows without recent results too.
    pub show_stale: bool,
    /// The order.
    pub sort: Sort,
    /// The groups.
    pub group: Group,
    /// Groups are open.
    pub expand_groups: bool,
    /// Width of a column in pixels.
    pub width: Option<u32>,
    /// Metrics that are drawn.
    pub graph_metrics: Vec<String>,
    /// Keys that have no meaning here; bookmarks keep them.
    pub unknown: Vec<(String, String)>,
}

/// The value that takes an option back.
const OFF: &str = "off";

/// Why options cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// They are no query.
    #[error("parse {options:?}: {reason}; write options as a=b&c=d with %xx escapes")]
    Query {
        /// The options.
        options: String,
        /// What is wrong with them.
        reason: String,
    },
    /// A pattern does not compile.
    #[error("bad {key}={pattern}: {reason}")]
    Pattern {
        /// The option.
        key: String,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ViewOptions {
    /// Reads options.
    ///
    /// # Errors
    /// They are no query, or a pattern does not compile. Numbers that are none are left out.
    pub fn parse(options: &str) -> Result<ViewOptions, OptionsError> {
        let pairs = parse_query(options)
            .map_err(|reason| OptionsError::Query { options: options.to_owned(), reason })?;
        let mut view = ViewOptions::default();
        for (key, value) in pairs {
            if value == OFF && view.turn_off(&key) {
                continue;
            }
            match key.as_str() {
                "include-filter-by-regex" => view.include.push(pattern(&key, &value)?),
                "exclude-filter-by-regex" => view.exclude.push(pattern(&key, &value)?),
                "exclude-non-failed-tests" => view.exclude_non_failed = Some(value.parse().ok()),
                "show-stale-tests" => view.show_stale = true,
                "sort-by-failures" => view.sort = Sort::Failures,
                "sort-by-flakiness" => view.sort = Sort::Flakiness,
                "sort-by-name" => view.sort = Sort::Name,
                "group-by-regex-mask" => view.group = Group::RegexMask(pattern(&key, &value)?),
                "group-by-target" => view.group = Group::Target,
                "group-by-directory" => view.group = Group::Directory,
                "group-by-hierarchy-pattern" => {
                    view.group = Group::Hierarchy(pattern(&key, &value)?);
                }
                "expand-groups" => view.expand_groups = true,
                "width" => view.width = value.parse().ok().or(view.width),
                "graph-metrics" => view.graph_metrics.push(value),
                _ => view.unknown.push((key, value)),
            }
        }
        Ok(view)
    }

    /// Takes back what an earlier option said; whether there is such an option.
    fn turn_off(&mut self, key: &str) -> bool {
        match key {
            "exclude-non-failed-tests" => self.exclude_non_failed = None,
            "show-stale-tests" => self.show_stale = false,
            "expand-groups" => self.expand_groups = false,
            "width" => self.width = None,
            "graph-metrics" => self.graph_metrics.clear(),
            _ if key.starts_with("sort-by-") => self.sort = Sort::None,
            _ if key.starts_with("group-by-") => self.group = Group::None,
            _ => return false,
        }
        true
    }

    /// Whether a row of this name is shown.
    pub fn shows(&self, name: &str) -> bool {
        self.include.iter().all(|regex| regex.is_match(name))
            && !self.exclude.iter().any(|regex| regex.is_match(name))
    }
}

fn pattern(key: &str, pattern: &str) -> Result<GoRegex, OptionsError> {
    GoRegex::new(pattern).map_err(|error| OptionsError::Pattern {
        key: key.to_owned(),
        pattern: pattern.to_owned(),
        reason: error.to_string(),
    })
}

/// How tabs are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TabulateOptions {
    /// Columns get counts where the tab has a threshold.
    pub column_stats: bool,
    /// The tab's alert options count and not the group's.
    pub tab_alerts: bool,
}

impl Default for TabulateOptions {
    fn default() -> Self {
        TabulateOptions { column_stats: true, tab_alerts: false }
    }
}

/// The grid of a tab. `now` is in seconds since the epoch; columns from the future are left out.
///
/// With an `existing` grid of the tab, its older columns are kept behind the new ones, whose last
/// column (cut off by the updater) they replace.
///
/// # Errors
/// The tab's base options cannot be used.
pub fn tabulate(
    mut grid: Grid,
    tab: &DashboardTab,
    group: &TestGroup,
    options: TabulateOptions,
    existing: Option<Grid>,
    now: i64,
) -> Result<Grid, OptionsError> {
    let view = ViewOptions::parse(&tab.base_options)?;
    grid.rows.retain(|row| view.shows(&row.name));
    let (columns, issues) = inflate(grid, i64::MIN, now);
    let mut columns = without_empty(columns);
    if let Some(existing) = existing {
        let (existing, _) = inflate(existing, i64::MIN, now);
        columns = extended(existing, columns);
    }
    let mut alerts = AlertOptions::of_group(group);
    if options.tab_alerts {
        let own = tab.alert_options.as_ref();
        let count = |number: Option<i32>| usize::try_from(number.unwrap_or(0)).unwrap_or(0);
        alerts.open_failures = count(own.map(|own| own.num_failures_to_alert));
        alerts.close_passes = count(own.map(|own| own.num_passes_to_disable_alert));
    }
    let threshold = if options.column_stats { tab.broken_column_threshold } else { 0.0 };
    Ok(construct(columns, &issues, &alerts, threshold))
}

/// The columns with a filled cell; the first one if none has.
pub(crate) fn without_empty(mut columns: Vec<InflatedColumn>) -> Vec<InflatedColumn> {
    let is_filled = |column: &InflatedColumn| {
        column.cells.values().any(|cell| cell.status != TestStatus::NoResult)
    };
    if !columns.iter().any(is_filled) {
        columns.truncate(1);
    } else {
        columns.retain(is_filled);
    }
    columns
}

fn extended(
    mut existing: Vec<InflatedColumn>,
    mut new: Vec<InflatedColumn>,
) -> Vec<InflatedColumn> {
    let Some(seam) = new.last().map(|column| column.column.started) else { return existing };
    let older = existing.partition_point(|column| column.column.started > seam);
    if older == existing.len() {
        return new;
    }
    new.pop();
    new.extend(existing.drain(older..));
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::config::DashboardTabAlertOptions;
    use crate::proto::state::{Column, Row};

    fn row(name: &str, results: &[i32]) -> Row {
        let filled = results.chunks(2).filter(|run| run[0] != 0).map(|run| run[1] as usize).sum();
        Row {
            name: name.to_owned(),
            results: results.to_vec(),
            messages: vec![String::new(); filled],
            icons: vec![String::new(); filled],
            cell_ids: vec![String::new(); filled],
            ..Row::default()
        }
    }

    fn grid(columns: usize, rows: Vec<Row>) -> Grid {
        let columns = (0..columns)
            .map(|at| Column {
                build: at.to_string(),
                started: (100 - at) as f64 * 1e3,
                ..Column::default()
            })
            .collect();
        Grid { columns, rows, ..Grid::default() }
    }

    fn names(base_options: &str, rows: &[&str]) -> Result<Vec<String>, String> {
        let tab = DashboardTab { base_options: base_options.to_owned(), ..Default::default() };
        let rows = rows.iter().map(|name| row(name, &[1, 1])).collect();
        let made =
            tabulate(grid(1, rows), &tab, &TestGroup::default(), Default::default(), None, 1000);
        made.map(|grid| grid.rows.into_iter().map(|row| row.name).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn rows_match_all_includes_and_no_exclude() {
        let include = "include-filter-by-regex=foo&include-filter-by-regex=spam";
        let rows = ["spam-is-food", "spam-musubi", "unagi-food", "email-spam-is-not-food"];
        assert_eq!(names(include, &rows).unwrap(), ["email-spam-is-not-food", "spam-is-food"]);
        let exclude = "exclude-filter-by-regex=not&exclude-filter-by-regex=nope";
        let rows = ["yes please", "leslie knope", "not eating", "fluffy waffles"];
        assert_eq!(names(exclude, &rows).unwrap(), ["fluffy waffles", "yes please"]);
        let both = "include-filter-by-regex=foo&exclude-filter-by-regex=bar";
        let rows = ["include-food", "exclude-included-bart", "foobar"];
        assert_eq!(names(both, &rows).unwrap(), ["include-food"]);
        assert_eq!(
            names("include-filter-by-regex=a+b%7Cc", &["a b", "c", "ab"]).unwrap(),
            ["a b", "c"]
        );
    }

    #[test]
    fn options_that_cannot_be_used_are_told() {
        assert!(names("%z", &[]).unwrap_err().starts_with("parse \"%z\": invalid URL escape"));
        assert!(names("a;b", &[]).unwrap_err().contains("semicolon"));
        let error = names("include-filter-by-regex=this.(", &[]).unwrap_err();
        assert!(error.starts_with("bad include-filter-by-regex=this.(: "), "{error}");
    }

    #[test]
    fn every_option_of_a_view_is_read() {
        let view = ViewOptions::parse(
            "width=20&sort-by-failures=&show-stale-tests=&exclude-non-failed-tests=7&expand-groups=&\
             group-by-hierarchy-pattern=%5B%5E.%5D%2B&graph-metrics=a&graph-metrics=b&grid=old&width=x",
        )
        .unwrap();
        assert_eq!(
            (view.width, view.sort, view.exclude_non_failed),
            (Some(20), Sort::Failures, Some(Some(7)))
        );
        assert!(view.show_stale && view.expand_groups);
        assert_eq!(view.group, Group::Hierarchy(GoRegex::new("[^.]+").unwrap()));
        assert_eq!(view.graph_metrics, ["a", "b"]);
        assert_eq!(view.unknown, [("grid".to_owned(), "old".to_owned())]);
        let other =
            ViewOptions::parse("exclude-non-failed-tests=&sort-by-flakiness=&group-by-target")
                .unwrap();
        assert_eq!(other.exclude_non_failed, Some(None));
        assert_eq!((other.sort, other.group), (Sort::Flakiness, Group::Target));
    }

    #[test]
    fn columns_without_results_are_dropped_but_one() {
        let tab = DashboardTab {
            base_options: "include-filter-by-regex=keep".into(),
            ..Default::default()
        };
        let builds = |rows: Vec<Row>| {
            let made = tabulate(
                grid(3, rows),
                &tab,
                &TestGroup::default(),
                Default::default(),
                None,
                1000,
            );
            made.unwrap().columns.into_iter().map(|column| column.build).collect::<Vec<_>>()
        };
        assert_eq!(builds(vec![row("keep", &[0, 1, 1, 1]), row("drop", &[1, 3])]), ["1"]);
        assert_eq!(builds(vec![row("drop", &[1, 3])]), ["0"]);
    }

    #[test]
    fn alerts_and_counts_are_made_anew_for_the_rows_that_are_left() {
        let tab = DashboardTab {
            broken_column_threshold: 0.4,
            alert_options: Some(Box::new(DashboardTabAlertOptions {
                num_failures_to_alert: 1,
                ..Default::default()
            })),
            ..Default::default()
        };
        let group = TestGroup { num_failures_to_alert: 3, ..TestGroup::default() };
        let rows = || vec![row("fails", &[12, 2, 1, 1]), row("passes", &[1, 3])];
        let made = |options| tabulate(grid(3, rows()), &tab, &group, options, None, 1000).unwrap();
        let by_group = made(TabulateOptions::default());
        assert!(by_group.rows.iter().all(|row| row.alert_info.is_none()));
        let broken: Vec<_> = by_group.columns.iter().map(|c| c.stats.unwrap().broken).collect();
        assert_eq!(broken, [true, true, false]);
        let by_tab = made(TabulateOptions { tab_alerts: true, column_stats: false });
        assert_eq!(by_tab.rows[0].alert_info.as_ref().unwrap().fail_count, 2);
        assert!(by_tab.columns.iter().all(|column| column.stats.is_none()));
    }

    #[test]
    fn older_columns_can_be_kept_behind_the_new_ones() {
        let tab = DashboardTab::default();
        let existing = grid(6, vec![row("r", &[1, 6])]);
        let new = grid(3, vec![row("r", &[12, 2, 6, 1])]);
        let made =
            tabulate(new, &tab, &TestGroup::default(), Default::default(), Some(existing), 1000)
                .unwrap();
        assert_eq!(made.columns.len(), 6);
        assert_eq!(made.rows[0].results, [12, 2, 1, 4]);
        let newer = Grid {
            columns: vec![Column { started: 9e5, ..Column::default() }],
            rows: vec![row("r", &[1, 1])],
            ..Grid::default()
        };
        let made = tabulate(
            grid(3, vec![row("r", &[12, 3])]),
            &tab,
            &TestGroup::default(),
            Default::default(),
            Some(newer),
            1000,
        )
        .unwrap();
        assert_eq!(made.columns.len(), 3);
    }
}
