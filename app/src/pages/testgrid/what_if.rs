//! What the status of a tab would be with other options: a form, and the answer beside what is.

use leptos::prelude::*;

use super::GridShape;
use crate::model::{Link, TabVerdict, WhatIfNumber, WhatIfPart};
use crate::ui::{plural, prose};

/// The form with its answer.
#[component]
pub(super) fn WhatIf(part: WhatIfPart, now: TabVerdict) -> impl IntoView {
    let WhatIfPart { numbers, ignored_name, ignored, kept, error, then } = part;
    let changed = numbers
        .iter()
        .filter(|number| number.asked != number.now)
        .map(|number| format!("{}={}", number.name, number.asked));
    let mut changed: Vec<String> = changed.collect();
    // The island of the grid keeps them in the address when its own form changes it.
    let names = numbers.iter().map(|number| number.name.as_str()).chain([ignored_name.as_str()]);
    let names = names.collect::<Vec<_>>().join(" ");
    if ignored.iter().any(|(_, is, was_asked)| is != was_asked) {
        let words = ignored.iter().filter(|(.., asked)| *asked).map(|(word, ..)| word.as_str());
        let words: Vec<&str> = words.collect();
        let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
        changed.push(format!("{ignored_name}={words}"));
    }
    let kept = kept
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view();
    let boxes = ignored
        .into_iter()
        .map(|(word, _, asked)| {
            let name = ignored_name.clone();
            view! { <label><input type="checkbox" name=name value=word.clone() checked=asked/> {word}</label> }
        })
        .collect_view();
    view! {
        <section class="what-if" id="what-if" aria-label="What if">
            <h2>"What if"</h2>
            <form method="get" action="#what-if" data-options=names>
                {kept}
                {numbers.into_iter().map(|number| view! { <Number number/> }).collect_view()}
                <fieldset>
                    <legend>"columns with one of these do not count"</legend>
                    // Without it an empty choice would say nothing.
                    <input type="hidden" name=ignored_name.clone() value="none"/>
                    {boxes}
                </fieldset>
                <button type="submit">"Try"</button>
                <span class="quiet">"Nothing is changed by trying."</span>
            </form>
            {(!error.is_empty()).then(|| view! { <p class="what-if-error" role="alert">{error} "."</p> })}
            {then.map(|then| view! { <Compared now then changed/> })}
        </section>
    }
}

#[component]
fn Number(number: WhatIfNumber) -> impl IntoView {
    let WhatIfNumber { name, label, now, asked, range: (min, max, step) } = number;
    let is_other = now != asked;
    view! {
        <label class:set=is_other>
            <span>{label}</span>
            <input type="number" name=name.clone() title=name min=min max=max step=step value=asked/>
            {is_other.then(|| view! { <span class="quiet">"is " {now}</span> })}
        </label>
    }
}

/// Both verdicts side by side.
#[component]
fn Compared(now: TabVerdict, then: TabVerdict, changed: Vec<String>) -> impl IntoView {
    let said = if changed.is_empty() {
        "These are the options in effect.".to_owned()
    } else {
        format!("With {}:", changed.join(", "))
    };
    let status = |verdict: &TabVerdict| {
        let status = verdict.status;
        view! { <td><GridShape status/> <strong>{status.word()}</strong></td> }
    };
    let why = |verdict: &TabVerdict| {
        view! { <td>{prose(&verdict.why)} <div class="quiet">{verdict.text.clone()}</div></td> }
    };
    let rows = |verdict: &TabVerdict| {
        view! { <td><Rows rows=verdict.rows.clone() count=verdict.row_count/></td> }
    };
    let columns =
        |verdict: &TabVerdict| view! { <td><code>{verdict.builds.join(", ")}</code></td> };
    let has_rows = now.row_count > 0 || then.row_count > 0;
    let failing =
        |verdict: &TabVerdict| view! { <td>{plural(verdict.failing, "test", "tests")}</td> };
    view! {
        <p role="status">{said}</p>
        <div class="what-if-scroll" tabindex="0" role="region" aria-label="Both verdicts">
            <table class="list what-if-table">
                <thead><tr><td></td><th scope="col">"Now"</th><th scope="col">"Then"</th></tr></thead>
                <tbody>
                    <tr><th scope="row">"Status"</th>{status(&now)}{status(&then)}</tr>
                    <tr><th scope="row">"Why"</th>{why(&now)}{why(&then)}</tr>
                    {has_rows.then(|| view! { <tr><th scope="row">"Rows"</th>{rows(&now)}{rows(&then)}</tr> })}
                    <tr><th scope="row">"Columns"</th>{columns(&now)}{columns(&then)}</tr>
                    <tr><th scope="row">"Failing too often"</th>{failing(&now)}{failing(&then)}</tr>
                </tbody>
            </table>
        </div>
    }
}

/// The rows that give a status.
#[component]
pub(super) fn Rows(rows: Vec<Link>, count: u64) -> impl IntoView {
    let more = count.saturating_sub(rows.len() as u64);
    let is_there = !rows.is_empty();
    let items = rows
        .into_iter()
        .map(|row| view! { <li><a href=row.href>{row.text}</a></li> })
        .collect_view();
    view! {
        {is_there.then(|| view! { <ul>{items}</ul> })}
        {(more > 0).then(|| view! { <p class="quiet">"and " {plural(more, "other row", "other rows")} "."</p> })}
    }
}
