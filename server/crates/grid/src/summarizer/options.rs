//! What the status of a tab depends on besides its results, and what it would be otherwise.

use crate::proto::config::{
    DashboardTab, DashboardTabStatusCustomizationOptions, IgnoredTestStatus, TestGroup,
};
use crate::summarizer::{Features, recent_columns};

/// The most that a whole number may be.
const MOST: i32 = 10_000;

/// The statuses that can be left out, with the words by which they are asked for.
pub const IGNORABLE: [(IgnoredTestStatus, &str); 4] = [
    (IgnoredTestStatus::CategorizedAbort, "aborted"),
    (IgnoredTestStatus::Unknown, "unknown"),
    (IgnoredTestStatus::Cancel, "cancelled"),
    (IgnoredTestStatus::Blocked, "blocked"),
];

/// The options of a tab and its group that decide its status. Those that count only where a flag says
/// so are 0 or empty where it does not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusOptions {
    /// Failures in a row that open an alert; 0 for never. The group's.
    pub num_failures_to_alert: i32,
    /// Passes in a row that close it. The group's.
    pub num_passes_to_disable_alert: i32,
    /// How many columns are recent.
    pub num_columns_recent: i32,
    /// Hours after which results are stale; 0 for never.
    pub alert_stale_results_hours: i32,
    /// The part of a recent column, 0 to 1, that may fail; 0 for all of it.
    pub broken_column_threshold: f32,
    /// Flakiness up to so many percent is acceptable; 0 for none.
    pub max_acceptable_flakiness: f32,
    /// With fewer runs the tab is pending.
    pub min_acceptable_runs: i32,
    /// Columns with one of these do not count.
    pub ignored_test_statuses: Vec<IgnoredTestStatus>,
}

/// The option that leaves out columns by the statuses in them.
pub const IGNORED: &str = "ignored_test_statuses";

/// An option that is a number.
#[derive(Debug)]
pub struct NumberOption {
    /// Its name, which is that of the configuration.
    pub name: &'static str,
    /// What it says, in a few words.
    pub label: &'static str,
    /// From where to where it goes, both included.
    pub range: (f32, f32),
    /// Whether it may have a fraction.
    pub is_part: bool,
    get: fn(&StatusOptions) -> f32,
    set: fn(&mut StatusOptions, f32),
}

/// Those that there are.
pub const NUMBERS: [NumberOption; 7] = [
    NumberOption {
        name: "num_failures_to_alert",
        label: "failures in a row that open an alert (0: never)",
        range: (0.0, MOST as f32),
        is_part: false,
        get: |options| options.num_failures_to_alert as f32,
        set: |options, number| options.num_failures_to_alert = number as i32,
    },
    NumberOption {
        name: "num_passes_to_disable_alert",
        label: "passes in a row that close it",
        range: (1.0, MOST as f32),
        is_part: false,
        get: |options| options.num_passes_to_disable_alert as f32,
        set: |options, number| options.num_passes_to_disable_alert = number as i32,
    },
    NumberOption {
        name: "num_columns_recent",
        label: "columns that are recent",
        range: (1.0, MOST as f32),
        is_part: false,
        get: |options| options.num_columns_recent as f32,
        set: |options, number| options.num_columns_recent = number as i32,
    },
    NumberOption {
        name: "alert_stale_results_hours",
        label: "hours after which results are stale (0: never)",
        range: (0.0, MOST as f32),
        is_part: false,
        get: |options| options.alert_stale_results_hours as f32,
        set: |options, number| options.alert_stale_results_hours = number as i32,
    },
    NumberOption {
        name: "broken_column_threshold",
        label: "part of a column that may fail, 0 to 1 (0: all)",
        range: (0.0, 1.0),
        is_part: true,
        get: |options| options.broken_column_threshold,
        set: |options, number| options.broken_column_threshold = number,
    },
    NumberOption {
        name: "max_acceptable_flakiness",
        label: "percent of flakiness that is acceptable",
        range: (0.0, 100.0),
        is_part: true,
        get: |options| options.max_acceptable_flakiness,
        set: |options, number| options.max_acceptable_flakiness = number,
    },
    NumberOption {
        name: "min_acceptable_runs",
        label: "runs that there must be",
        range: (0.0, MOST as f32),
        is_part: false,
        get: |options| options.min_acceptable_runs as f32,
        set: |options, number| options.min_acceptable_runs = number as i32,
    },
];

impl NumberOption {
    /// What it is among these options.
    pub fn of(&self, options: &StatusOptions) -> f32 {
        (self.get)(options)
    }

    fn read(&self, options: &mut StatusOptions, value: &str) -> Result<(), WrongOption> {
        let (least, most) = self.range;
        let is_right = |number: &f32| {
            (least..=most).contains(number) && (self.is_part || number.fract() == 0.0)
        };
        let kind = if self.is_part { "number" } else { "whole number" };
        let number = value.parse().ok().filter(is_right).ok_or_else(|| WrongOption {
            name: self.name,
            value: value.to_owned(),
            wanted: format!("a {kind} from {least} to {most}"),
        })?;
        (self.set)(options, number);
        Ok(())
    }
}

/// Why options cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}={value} is not {wanted}")]
pub struct WrongOption {
    name: &'static str,
    value: String,
    wanted: String,
}

impl StatusOptions {
    /// The names under which [`StatusOptions::read`] knows them, which are those of the configuration.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NUMBERS.iter().map(|option| option.name).chain([IGNORED])
    }

    /// Those in effect.
    pub fn of(tab: &DashboardTab, group: &TestGroup, features: Features) -> StatusOptions {
        let nothing = DashboardTabStatusCustomizationOptions::default();
        let custom = tab.status_customization_options.as_ref().unwrap_or(&nothing);
        let ignored = custom.ignored_test_statuses.iter().filter(|_| features.ignored_columns);
        let is_left_out = |status: &i32| {
            let known = IGNORABLE.iter().map(|(ignorable, _)| *ignorable);
            known.into_iter().find(|ignorable| *ignorable as i32 == *status)
        };
        StatusOptions {
            num_failures_to_alert: group.num_failures_to_alert.max(0),
            num_passes_to_disable_alert: group.num_passes_to_disable_alert.max(1),
            num_columns_recent: i32::try_from(recent_columns(tab, group)).unwrap_or(MOST),
            alert_stale_results_hours: tab
                .alert_options
                .as_ref()
                .map_or(0, |options| options.alert_stale_results_hours),
            broken_column_threshold: tab.broken_column_threshold,
            max_acceptable_flakiness: match features.fuzzy_flakiness {
                true => custom.max_acceptable_flakiness,
                false => 0.0,
            },
            min_acceptable_runs: match features.min_number_of_runs {
                true => custom.min_acceptable_runs,
                false => 0,
            },
            ignored_test_statuses: ignored.filter_map(is_left_out).collect(),
        }
    }

    /// These with what a query says in their place; nothing if it says nothing about them. Values that
    /// are empty say nothing; `ignored_test_statuses` may stand there more than once, and `none` is for
    /// none.
    ///
    /// # Errors
    /// A value is no number, or none that the option can have.
    pub fn read<'q>(
        &self,
        query: impl IntoIterator<Item = (&'q str, &'q str)>,
    ) -> Result<Option<StatusOptions>, WrongOption> {
        let mut options = self.clone();
        let mut ignored: Option<Vec<IgnoredTestStatus>> = None;
        let mut says = false;
        for (key, value) in query {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if key == IGNORED {
                ignored.get_or_insert_default().extend(ignorable(value)?);
            } else if let Some(number) = NUMBERS.iter().find(|number| number.name == key) {
                number.read(&mut options, value)?;
            } else {
                continue;
            }
            says = true;
        }
        if let Some(ignored) = ignored {
            options.ignored_test_statuses = ignored;
        }
        Ok(says.then_some(options))
    }

    /// A tab and its group as if these were their options, and the flags with which all of them count.
    pub fn applied(
        &self,
        tab: &DashboardTab,
        group: &TestGroup,
    ) -> (DashboardTab, TestGroup, Features) {
        let (mut tab, mut group) = (tab.clone(), group.clone());
        group.num_failures_to_alert = self.num_failures_to_alert;
        group.num_passes_to_disable_alert = self.num_passes_to_disable_alert;
        tab.num_columns_recent = self.num_columns_recent;
        tab.broken_column_threshold = self.broken_column_threshold;
        tab.alert_options.get_or_insert_default().alert_stale_results_hours =
            self.alert_stale_results_hours;
        let ignored = self.ignored_test_statuses.iter().map(|status| *status as i32);
        tab.status_customization_options = Some(DashboardTabStatusCustomizationOptions {
            max_acceptable_flakiness: self.max_acceptable_flakiness,
            ignored_test_statuses: ignored.collect(),
            min_acceptable_runs: self.min_acceptable_runs,
        });
        let features = Features {
            fuzzy_flakiness: self.max_acceptable_flakiness > 0.0,
            ignored_columns: !self.ignored_test_statuses.is_empty(),
            min_number_of_runs: self.min_acceptable_runs > 0,
        };
        (tab, group, features)
    }
}

/// A status by its word or number; nothing for `none`.
fn ignorable(value: &str) -> Result<Option<IgnoredTestStatus>, WrongOption> {
    if value == "none" {
        return Ok(None);
    }
    let found = IGNORABLE.iter().find(|(status, word)| {
        value.eq_ignore_ascii_case(word) || value.parse() == Ok(*status as i32)
    });
    found.map(|(status, _)| Some(*status)).ok_or_else(|| WrongOption {
        name: IGNORED,
        value: value.to_owned(),
        wanted: format!("none or one of {}", IGNORABLE.map(|(_, word)| word).join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> (DashboardTab, TestGroup) {
        let tab = DashboardTab {
            broken_column_threshold: 0.5,
            status_customization_options: Some(DashboardTabStatusCustomizationOptions {
                max_acceptable_flakiness: 10.0,
                ignored_test_statuses: vec![IgnoredTestStatus::Cancel as i32],
                min_acceptable_runs: 4,
            }),
            ..DashboardTab::default()
        };
        let group = TestGroup { num_failures_to_alert: 3, ..TestGroup::default() };
        (tab, group)
    }

    #[test]
    fn options_that_no_flag_lets_count_are_in_effect_only_when_asked_for() {
        let (tab, group) = given();
        let now = StatusOptions::of(&tab, &group, Features::default());
        assert_eq!((now.min_acceptable_runs, now.num_columns_recent), (0, 5));
        assert!(now.ignored_test_statuses.is_empty());
        let (_, _, features) = now.applied(&tab, &group);
        assert_eq!(features, Features::default());
        let asked = now.read([("min_acceptable_runs", "4")]).expect("options").expect("some");
        let (tab, group, features) = asked.applied(&tab, &group);
        assert!(features.min_number_of_runs && !features.ignored_columns);
        assert_eq!(StatusOptions::of(&tab, &group, features), asked, "nothing else has changed");
    }

    #[test]
    fn a_query_says_what_it_names_and_nothing_else() {
        let (tab, group) = given();
        let now = StatusOptions::of(&tab, &group, Features::default());
        assert_eq!(now.read([("sort", "name"), ("num_failures_to_alert", " ")]), Ok(None));
        let query = [
            ("num_failures_to_alert", "5"),
            ("ignored_test_statuses", "none"),
            ("ignored_test_statuses", "Aborted"),
            ("ignored_test_statuses", "4"),
        ];
        let asked = now.read(query).expect("options").expect("some");
        let ignored = vec![IgnoredTestStatus::CategorizedAbort, IgnoredTestStatus::Blocked];
        let wanted =
            StatusOptions { num_failures_to_alert: 5, ignored_test_statuses: ignored, ..now };
        assert_eq!(asked, wanted);
    }

    #[test]
    fn a_wrong_value_is_told_with_what_would_be_right() {
        for (name, value, told) in [
            ("num_failures_to_alert", "-1", "a whole number from 0 to 10000"),
            ("num_columns_recent", "0", "a whole number from 1 to 10000"),
            ("broken_column_threshold", "1.5", "a number from 0 to 1"),
            ("max_acceptable_flakiness", "NaN", "a number from 0 to 100"),
            ("ignored_test_statuses", "red", "none or one of aborted, unknown, cancelled, blocked"),
        ] {
            let error = StatusOptions::default().read([(name, value)]).expect_err(value);
            assert_eq!(error.to_string(), format!("{name}={value} is not {told}"));
        }
    }
}
