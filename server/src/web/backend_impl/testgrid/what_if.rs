//! What the status of a tab would be with other options, as the page of the tab shows it.

use app::model::{TabVerdict, WhatIfNumber, WhatIfPart};
use grid::summarizer::options::{IGNORABLE, IGNORED, NUMBERS, NumberOption, StatusOptions};

use super::{link, status_of, test_href};
use crate::testgrid::WhatIf;
use crate::testgrid::state::TabState;

/// The form with its answer.
pub(super) fn part(found: WhatIf, pairs: &[(String, String)]) -> WhatIfPart {
    let (then, error) = match found.then {
        Ok(then) => (then, String::new()),
        Err(error) => (None, error.to_string()),
    };
    let now = &found.options;
    let asked = then.as_ref().map_or(now, |(asked, _)| asked);
    let is_kept = |(key, _): &&(String, String)| StatusOptions::names().all(|name| name != key);
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
    let number = |option: &NumberOption| {
        let (least, most) = option.range;
        let step = if option.is_part { "any" } else { "1" };
        WhatIfNumber {
            name: option.name.to_owned(),
            label: option.label.to_owned(),
            now: option.of(now).to_string(),
            asked: option.of(asked).to_string(),
            range: (least.to_string(), most.to_string(), step.to_owned()),
        }
    };
    NUMBERS.iter().map(number).collect()
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
