//! `/testgrid/<dashboard>/<tab>`: the grid.

use leptos::prelude::*;
use leptos_meta::Title;

use super::place::{Facts, Head};
use super::table::Table;
use super::what_if::{Rows, WhatIf};
use super::{GridShape, asked_tab};
use crate::islands::TabGrid;
use crate::model::{GridOptions, TabPage};
use crate::ui::{Ago, Choice, FormSelect, load, plural, prose};

/// The page.
#[component]
pub(crate) fn GridTabPage() -> impl IntoView {
    let (dashboard, tab, query) = asked_tab();
    load(
        async move |context| {
            context.backend.grid_tab(&context.viewer, &dashboard, &tab, &query).await
        },
        |page| view! { <Tab page/> },
    )
}

#[component]
fn Tab(page: TabPage) -> impl IntoView {
    let card = page.card.clone();
    let name = card.name.clone();
    let (now_ms, status) = (page.now_ms, card.status);
    let verdict = page.verdict.clone();
    let builds = verdict.builds.join(", ");
    let what_if = page.what_if.clone();
    let asks = what_if.then.is_some() || !what_if.error.is_empty();
    let trouble = card.trouble.map(|(text, since)| {
        view! {
            <div class="banner warning" role="status">
                <strong>"Not up to date"</strong>
                <span>"Builds cannot be looked for: " {prose(&text)} " since " <Ago ms=since now_ms/> ". What is shown is what was known before."</span>
            </div>
        }
    });
    view! {
        <Title text=format!("{name} · {} · Test grid · Bowsprit", page.head.name)/>
        <Head head=page.head.clone() current=Some(name.clone())/>
        {trouble}
        {(!page.base_error.is_empty())
            .then(|| view! {
                <div class="banner warning" role="status">
                    <strong>"Wrong configuration"</strong>
                    <span>
                        "The tab's " <code>"base_options"</code> " cannot be used: " {page.base_error.clone()}
                        ". They are ignored here: the grid has all rows. The tab has no status until they are mended."
                    </span>
                </div>
            })}
        <div class="page-head tab-head">
            <h1>{name}</h1>
            <p class="verdict">
                <GridShape status/> <strong>{status.word()}</strong> " " <span>{card.text}</span>
                {(!card.alert.is_empty()).then(|| view! { " " <span class="alert">{card.alert}</span> })}
            </p>
            <Facts updated_ms=card.updated_ms last_run_ms=card.last_run_ms latest_green=card.latest_green now_ms/>
            <details class="why" open=asks>
                <summary>"Why?"</summary>
                <p>{prose(&card.why)}</p>
                {(!builds.is_empty()).then(|| view! { <p class="quiet">"Columns: " {builds}</p> })}
                <Rows rows=verdict.rows.clone() count=verdict.row_count/>
                <WhatIf part=what_if now=verdict/>
            </details>
            <details class="about">
                <summary>"About"</summary>
                {(!card.description.is_empty()).then(|| view! { <p>{prose(&card.description)}</p> })}
                <ul class="plain">
                    {page.about.clone().into_iter().map(|link| view! { <li><a href=link.href>{link.text}</a></li> }).collect_view()}
                    <li><a href=format!("{}/rows.csv", page.api) rel="nofollow">"Download as CSV"</a></li>
                    <li><a href=format!("{}/junit.xml", page.api) rel="nofollow">"Newest column as JUnit"</a></li>
                    <li><a href=format!("{}/grid", page.api) rel="nofollow">"The same for programs"</a></li>
                </ul>
            </details>
        </div>
        <Toolbar
            options=page.options.clone()
            base=page.base.clone()
            metrics=page.metrics.clone()
            tabular=!page.name_parts.is_empty()
            error=page.option_error.clone()
        />
        <div class="grid-line">
            <Hidden page=page.clone()/>
            <TabGrid/>
        </div>
        <Table page/>
    }
}

/// The options as a form, which works without script.
#[component]
fn Toolbar(
    options: GridOptions,
    base: GridOptions,
    metrics: Vec<String>,
    tabular: bool,
    error: String,
) -> impl IntoView {
    let choices = |pairs: &[(&str, &str)]| -> Vec<Choice> {
        let choice = |(value, label): &(&str, &str)| Choice {
            value: (*value).into(),
            label: (*label).into(),
        };
        pairs.iter().map(choice).collect()
    };
    let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    // The filters of the tab itself hold in any case; the form has those that the address adds.
    let own = |all: &[String], of_tab: &[String]| {
        all.get(of_tab.len()..).and_then(|rest| rest.last().cloned()).unwrap_or_default()
    };
    let include = own(&options.include, &base.include);
    let exclude = own(&options.exclude, &base.exclude);
    let off = |name: &'static str, set: bool| {
        // Where the tab sets it, an empty box must say no.
        set.then(|| view! { <input type="hidden" name=name value="off"/> })
    };
    let pattern = options.group_pattern.clone();
    let with_pattern = matches!(options.group.as_str(), "regex-mask" | "hierarchy-pattern");
    let metric_choices =
        metrics.into_iter().map(|name| Choice { value: name.clone(), label: name }).collect();
    view! {
        <form id="grid-options" class="filters grid-options" method="get" role="search" aria-label="What the grid shows">
            <input type="search" name="include-filter-by-regex" class="job" aria-label="Rows whose names match" placeholder="filter: regex" autocomplete="off" spellcheck="false" value=include/>
            <input type="search" name="exclude-filter-by-regex" aria-label="Rows whose names do not match" placeholder="exclude: regex" autocomplete="off" spellcheck="false" value=exclude/>
            <FormSelect
                name="sort"
                any=if base.sort.is_empty() { "sort" } else { "sort: the tab's" }
                choices=choices(&[("failures", "newest failures first"), ("flakiness", "flakiest first"), ("name", "by name"), ("none", "as they are")])
                chosen=text(&options.sort)
            />
            <FormSelect
                name="group"
                any=if base.group.is_empty() { "group" } else { "group: the tab's" }
                choices=choices(&[("directory", "by directory"), ("hierarchy-pattern", "by hierarchy"), ("regex-mask", "by what is left of a mask"), ("target", "by target"), ("none", "no groups")])
                chosen=text(&options.group)
            />
            <input type="text" name="group-pattern" class="pattern" aria-label="Pattern of mask or hierarchy" placeholder="pattern" autocomplete="off" spellcheck="false" value=with_pattern.then_some(pattern)/>
            <FormSelect
                name="width"
                any="width"
                choices=choices(&[("80", "standard"), ("40", "compact"), ("16", "super compact")])
                chosen=options.width.map(|width| width.to_string())
            />
            <FormSelect name="graph-metrics" any="graph" choices=metric_choices chosen=options.metrics.last().cloned()/>
            <FormSelect
                name="days"
                any="the tab's days"
                choices=choices(&[("1", "1 day"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("3650", "all")])
                chosen=options.days.map(|days| days.to_string())
            />
            {off("exclude-non-failed-tests", base.non_failed.is_some())}
            <label><input type="checkbox" name="exclude-non-failed-tests" value="" checked=options.non_failed.is_some()/>" failed only"</label>
            <input
                type="number"
                name="failed-in"
                class="failed-in"
                min="1"
                max="9999"
                aria-label="Failed only: in so many of the newest columns"
                title="of so many of the newest columns"
                placeholder="in all"
                value=options.non_failed.clone().filter(|columns| !columns.is_empty())
            />
            {off("show-stale-tests", base.stale)}
            <label><input type="checkbox" name="show-stale-tests" value="" checked=options.stale/>" stale rows"</label>
            {tabular
                .then(|| view! {
                    {off("show-tabular-names", true)}
                    <label><input type="checkbox" name="show-tabular-names" value="" checked=options.tabular/>" names in columns"</label>
                })}
            {off("expand-groups", base.expand)}
            <label><input type="checkbox" name="expand-groups" value="" checked=options.expand/>" groups open"</label>
            <button type="submit" class="without-script">"Show"</button>
        </form>
        {(!error.is_empty())
            .then(|| view! { <p class="option-error" role="alert">{error} " The tab's own options are in effect."</p> })}
    }
}

/// What the options do not show.
#[component]
fn Hidden(page: TabPage) -> impl IntoView {
    let TabPage {
        shown,
        filtered,
        stale,
        not_failed,
        column_total,
        has_older,
        unread,
        unread_at_least,
        api: _,
        query,
        ..
    } = page;
    let with = |option: &str| {
        let joint = if query.is_empty() { "" } else { "&" };
        format!("?{query}{joint}{option}")
    };
    let mut parts: Vec<AnyView> = Vec::new();
    if filtered > 0 {
        parts.push(view! { <span>{plural(filtered, "row", "rows")} " filtered"</span> }.into_any());
    }
    if stale > 0 {
        let show = with("show-stale-tests=");
        parts.push(
            view! { <span>{plural(stale, "stale row", "stale rows")} " hidden " <a href=show>"show"</a></span> }
                .into_any(),
        );
    }
    if not_failed > 0 {
        parts.push(
            view! { <span>{plural(not_failed, "row", "rows")} " without a failure hidden"</span> }
                .into_any(),
        );
    }
    if has_older {
        parts.push(
            view! { <span>"older builds are stored " <a href=with("days=3650")>"show all"</a></span> }.into_any(),
        );
    }
    if unread > 0 {
        let are = if unread == 1 {
            " before the window is not read"
        } else {
            " before the window are not read"
        };
        let at_least = unread_at_least.then_some("at least ");
        parts.push(
            view! { <span>{at_least} {plural(unread, "build", "builds")} {are}</span> }.into_any(),
        );
    }
    view! {
        <p id="grid-hidden" class="grid-hidden quiet" role="status">
            <span>{plural(shown, "row", "rows")} " × " {plural(column_total, "column", "columns")}</span>
            {parts}
        </p>
    }
}
