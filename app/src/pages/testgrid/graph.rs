//! `/testgrid/<dashboard>/<tab>/graph?row=`: the numbers of a row, drawn one above the other over the
//! same columns, and as a table.

use leptos::prelude::*;
use leptos_meta::Title;

use super::{asked_tab, glyph};
use crate::model::{GraphColumn, GraphMetric, RowGraph, words};
use crate::ui::{Ago, Choice, Crumbs, Empty, FormSelect, count, load, plural};

/// The page.
#[component]
pub(crate) fn GridGraphPage() -> impl IntoView {
    let (dashboard, tab, query) = asked_tab();
    load(
        async move |context| {
            context.backend.grid_graph(&context.viewer, &dashboard, &tab, &query).await
        },
        |graph| view! { <Graph graph/> },
    )
}

#[component]
fn Graph(graph: RowGraph) -> impl IntoView {
    let RowGraph { now_ms, dashboard, tab, row, days, metrics, left_out, drawing, columns, more } =
        graph;
    let steps = vec![
        ("Test grid".to_owned(), "/testgrid".to_owned()),
        (dashboard.text, dashboard.href),
        (tab.text, tab.href),
    ];
    let chosen: Vec<GraphMetric> = metrics.iter().filter(|metric| metric.chosen).cloned().collect();
    let names: Vec<&str> = chosen.iter().map(|metric| metric.name.as_str()).collect();
    let about = format!("{} over {} columns", names.join(", "), columns.len());
    let nothing = metrics.is_empty();
    let picture = match drawing.as_str() {
        "" => {
            let why = if nothing {
                "No result of this row has a number. Durations and numeric properties of JUnit files are numbers."
            } else {
                "Choose a metric above. None has a value in these columns otherwise."
            };
            view! { <Empty title="There is nothing to draw.">{why}</Empty> }.into_any()
        }
        _ => view! { <div class="charts"><figure><img src=drawing alt=about width="720"/></figure></div> }.into_any(),
    };
    view! {
        <Title text=format!("Numbers of {} · Test grid · Bowsprit", row.text)/>
        <Crumbs steps/>
        <div class="page-head">
            <h1 class="test-title">{row.text.clone()}</h1>
            <p class="quiet"><a href=row.href>"Results of this test over all tabs"</a></p>
        </div>
        <form class="filters graph-metrics" method="get" aria-label="What is drawn">
            <input type="hidden" name="row" value=row.text/>
            {(!nothing).then(|| view! {
                <fieldset>
                    <legend class="v">"Metrics"</legend>
                    {metrics.into_iter().map(|metric| view! { <MetricBox metric/> }).collect_view()}
                </fieldset>
            })}
            <FormSelect
                name="days"
                any="the tab's days"
                choices=[("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("3650", "all")]
                    .map(|(value, label)| Choice { value: value.to_owned(), label: label.to_owned() })
                    .into()
                chosen=days.map(|days| days.to_string())
            />
            <button type="submit">"Draw"</button>
        </form>
        {(left_out > 0)
            .then(|| view! { <p class="quiet" role="status">{plural(left_out, "metric", "metrics")} " more than can be drawn together: take one away."</p> })}
        {picture}
        {(!columns.is_empty()).then(|| view! { <Values chosen columns now_ms/> })}
        {(more > 0).then(|| view! { <p class="quiet">"and " {plural(more, "older column", "older columns")} "."</p> })}
    }
}

#[component]
fn MetricBox(metric: GraphMetric) -> impl IntoView {
    let GraphMetric { name, chosen, .. } = metric;
    view! { <label><input type="checkbox" name="metric" value=name.clone() checked=chosen/> {name}</label> }
}

#[component]
fn Values(chosen: Vec<GraphMetric>, columns: Vec<GraphColumn>, now_ms: i64) -> impl IntoView {
    let heads = chosen
        .iter()
        .map(|metric| view! { <th scope="col" class="num">{metric.name.clone()}</th> })
        .collect_view();
    let ranges = chosen
        .iter()
        .map(|metric| {
            let text = metric
                .range
                .map(|(least, middle, most)| [least, middle, most].map(words::digits).join(" · "));
            view! { <td class="num quiet">{text.unwrap_or_else(|| "–".to_owned())}</td> }
        })
        .collect_view();
    let rows = columns.into_iter().map(|column| view! { <Line column now_ms/> }).collect_view();
    let total = count(chosen.len() as u64);
    view! {
        <div class="matrix-scroll" tabindex="0" role="region" aria-label="Values">
            <table class="list graph-values" data-metrics=total>
                <thead>
                    <tr><th scope="col">"Build"</th><th scope="col">"Began"</th><th scope="col">"Result"</th>{heads}</tr>
                    {(!chosen.is_empty()).then(|| view! {
                        <tr><td colspan="3" class="quiet">"least · middle · greatest"</td>{ranges}</tr>
                    })}
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Line(column: GraphColumn, now_ms: i64) -> impl IntoView {
    let GraphColumn { build, started_ms, status, words: result, values } = column;
    let name = match build.href.as_str() {
        "" => view! { <code>{build.text}</code> }.into_any(),
        _ => view! { <a href=build.href>{build.text}</a> }.into_any(),
    };
    let values = values
        .into_iter()
        .map(|value| view! { <td class="num">{value.map(words::digits)}</td> })
        .collect_view();
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td><Ago ms=started_ms now_ms/></td>
            <td><span aria-hidden="true">{glyph(status)}</span> " " {result}</td>
            {values}
        </tr>
    }
}
