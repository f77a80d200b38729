//! What the status of a tab would be with other options, as the page of the tab shows it.

use app::model::{TabVerdict, WhatIfNumber, WhatIfPart};
use grid::summarizer::options::{IGNORABLE, StatusOptions};

use super::{link, status_of, test_href};
use crate::testgrid::WhatIf;
use crate::testgrid::state::TabState;

/// The option that leaves out columns by the statuses in them.
const IGNORED: &str = "ignored_test_statuses";

/// The form with its answer.
pub(super) fn part(found: WhatIf, pairs: &[(String, String)]) -> WhatIfPart {
    let (then, error) = match found.then {
        Ok(then) => (then, String::new()),
        Err(error) => (None, error.to_string()),
    };
    let now = &found.options;
    let asked = then.as_ref().map_or(now, |(asked, _)| asked);
    let is_kept = |(key, _): &&(String, String)| !StatusOptions::NAMES.contains(&key.as_str());
    let kept = pairs.iter().filter(is_kept).cloned().collect();
    let ignored = IGNORABLE.map(|(status, word)| {
        let has = |options: &StatusOptions| options.ignored_test_statuses.contains(&status);
        (word.to_owned(), has(now), has(asked))
    });
    WhatIfPart {
        numbers: numbers(now, asked),
        ignored_name: IGNORED.to_owned(),
        ignored: ignored.to_vec(),
        kept,
        error,
        then: then.as_ref().map(|(_, state)| verdict(state)),
    }
}

fn numbers(now: &StatusOptions, asked: &StatusOptions) -> Vec<WhatIfNumber> {
    type Value = fn(&StatusOptions) -> String;
    let all: [(&str, Value, &str, [&str; 3]); 7] = [
        (
            "num_failures_to_alert",
            |options| options.num_failures_to_alert.to_string(),
            "failures in a row that open an alert (0: never)",
            ["0", "10000", "1"],
        ),
        (
            "num_passes_to_disable_alert",
            |options| options.num_passes_to_disable_alert.to_string(),
            "passes in a row that close it",
            ["1", "10000", "1"],
        ),
        (
            "num_columns_recent",
            |options| options.num_columns_recent.to_string(),
            "columns that are recent",
            ["1", "10000", "1"],
        ),
        (
            "alert_stale_results_hours",
            |options| options.alert_stale_results_hours.to_string(),
            "hours after which results are stale (0: never)",
            ["0", "10000", "1"],
        ),
        (
            "broken_column_threshold",
            |options| options.broken_column_threshold.to_string(),
            "part of a column that may fail, 0 to 1 (0: all)",
            ["0", "1", "any"],
        ),
        (
            "max_acceptable_flakiness",
            |options| options.max_acceptable_flakiness.to_string(),
            "percent of flakiness that is acceptable",
            ["0", "100", "any"],
        ),
        (
            "min_acceptable_runs",
            |options| options.min_acceptable_runs.to_string(),
            "runs that there must be",
            ["0", "10000", "1"],
        ),
    ];
    let number = |(name, value, label, range): (&str, Value, &str, [&str; 3])| WhatIfNumber {
        name: name.to_owned(),
        label: label.to_owned(),
        now: value(now),
        asked: value(asked),
        range: range.map(str::to_owned).into(),
    };
    all.into_iter().map(number).collect()
}

/// How a tab stands, and why.
pub fn verdict(state: &TabState) -> TabVerdict {
    TabVerdict {
        status: status_of(state.status()),
        text: state.summary.status.clone(),
        why: state.why.clone(),
        rows: state.why_rows.iter().map(|row| link(row, &test_href(row))).collect(),
        row_count: state.why_row_count,
        builds: state.why_builds.clone(),
        failing: state.summary.failing_test_summaries.len() as u64,
    }
}
