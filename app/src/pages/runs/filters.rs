//! The filter form: a plain GET form, so that it works without script.

use leptos::prelude::*;

use crate::model::{Facet, Facets, RunFilter, RunKind, RunState, When, time};
use crate::ui::{Choice, FormSelect, count};

/// The lengths of time that the menu offers.
const SPANS: [(&str, &str); 7] = [
    ("1h", "last hour"),
    ("3h", "last 3 hours"),
    ("12h", "last 12 hours"),
    ("1d", "last day"),
    ("2d", "last 2 days"),
    ("7d", "last week"),
    ("30d", "last 30 days"),
];

/// Menus and fields of the run list.
#[component]
pub(crate) fn Filters(filter: RunFilter, facets: Facets, now_ms: i64) -> impl IntoView {
    let any_set = !filter.selects_all();
    let pulls: Vec<String> = filter.pulls.iter().map(u64::to_string).collect();
    let spans = SPANS
        .into_iter()
        .map(|(value, label)| Choice { value: value.to_owned(), label: label.to_owned() })
        .chain(match filter.since {
            Some(When::At(ms)) => Some(Choice {
                value: time::rfc3339(ms),
                label: format!("since {}", time::exact(ms)),
            }),
            _ => None,
        })
        .collect();
    let until = filter.until.map(|until| {
        let without = RunFilter { until: None, ..filter.first_page() };
        let text = format!("until {}", time::exact(until.resolve(now_ms)));
        view! {
            <input type="hidden" name="until" value=until.text()/>
            <a class="chip" href=without.href() title="Remove this bound">
                {text} " ✕"
            </a>
        }
    });
    let org = filter.org.clone().map(|org| {
        let without = RunFilter { org: None, ..filter.first_page() };
        view! {
            <input type="hidden" name="org" value=org.clone()/>
            <a class="chip" href=without.href() title="Remove this filter">
                {org} " ✕"
            </a>
        }
    });
    view! {
        <form class="filters" id="filters" action="/" method="get" aria-label="Filter runs">
            <div class="menus">
                <FormSelect
                    name="type"
                    any="any type"
                    choices=words(facets.kinds, RunKind::ALL.map(RunKind::word))
                    chosen=filter.kind.map(|kind| kind.word().to_owned())
                />
                <FormSelect name="repo" any="any repository" choices=choices(facets.repos) chosen=filter.repo/>
                <FormSelect name="author" any="any author" choices=choices(facets.authors) chosen=filter.author/>
                <FormSelect name="base" any="any base" choices=choices(facets.bases) chosen=filter.base/>
                <FormSelect
                    name="state"
                    any="any state"
                    choices=words(facets.states, RunState::ALL.map(RunState::word))
                    chosen=filter.state.map(|state| state.word().to_owned())
                />
                <FormSelect name="cluster" any="any cluster" choices=choices(facets.clusters) chosen=filter.cluster/>
                <FormSelect name="since" any="any time" choices=spans chosen=filter.since.map(When::text)/>
            </div>
            <input
                type="search"
                name="job"
                class="job"
                aria-label="Job name: words or a pattern with *"
                placeholder="job name or pull-*-unit"
                list="job-names"
                autocomplete="off"
                spellcheck="false"
                value=filter.job
            />
            <datalist id="job-names"></datalist>
            <input
                type="text"
                name="pull"
                class="pr"
                inputmode="numeric"
                aria-label="Pull request number"
                placeholder="PR"
                autocomplete="off"
                value=(!pulls.is_empty()).then(|| pulls.join(","))
            />
            {org}
            {until}
            <button class="apply" type="submit">"Filter"</button>
            {any_set.then(|| view! { <a class="clear" href="/">"Clear"</a> })}
        </form>
    }
}

fn choices(facets: Vec<Facet>) -> Vec<Choice> {
    facets
        .into_iter()
        .map(|facet| Choice {
            label: format!("{} ({})", facet.value, count(facet.count)),
            value: facet.value,
        })
        .collect()
}

/// Facets of a closed set stand in the set's own order.
fn words<const N: usize>(facets: Vec<Facet>, order: [&'static str; N]) -> Vec<Choice> {
    let mut facets = facets;
    facets.sort_by_key(|facet| order.iter().position(|word| *word == facet.value));
    choices(facets)
}
