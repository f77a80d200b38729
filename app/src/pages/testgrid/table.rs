//! The grid as a table: the newest columns of one page of the rows. It is whole without script; the
//! island puts the windowed grid in its place.

use leptos::html;
use leptos::prelude::*;

use super::IssueTag;
use crate::model::grid_query::{GridQuery, row_px};
use crate::model::{GridCell, GridColumn, GridRow, TabPage, time};
use crate::ui::{Empty, count, middle};

/// Columns of one page, as the server has it.
const PAGE_COLUMNS: u64 = 50;

/// The table with its pages.
#[component]
pub(super) fn Table(page: TabPage) -> impl IntoView {
    let TabPage {
        now_ms,
        card,
        head,
        columns,
        column_total,
        newer,
        headers,
        rows,
        page: at,
        pages,
        query,
        recent,
        api,
        stream,
        options,
        name_parts,
        ..
    } = page;
    let tab = card.name;
    let today = head.highlight_today.then(|| time::date(now_ms, now_ms));
    if columns.is_empty() || rows.is_empty() {
        let why = if columns.is_empty() {
            view! {
                <Empty title="There are no results.">
                    "No build of this tab began in the days that it shows. Results appear here as soon as a run uploads them; older ones may be stored, see \"days\" above."
                </Empty>
            }
            .into_any()
        } else {
            view! { <Empty title="No row is shown.">"The options above leave all rows out; the line over this one says how many each of them does."</Empty> }
                .into_any()
        };
        return view! { <div id="grid" class="grid" data-api=api data-stream=stream data-tab=tab data-options=query data-recent=recent.to_string()>{why}</div> }
            .into_any();
    }
    let dates = merged(columns.iter().map(|column| time::date(column.started_ms, now_ms)));
    let date_cells = dates
        .into_iter()
        .map(|(text, width)| {
            let is_today = today.as_ref() == Some(&text);
            view! { <th colspan=width.to_string() scope="colgroup" class:today=is_today>{text}</th> }
        })
        .collect_view();
    let header_rows = headers
        .into_iter()
        .map(|(label, values)| {
            let cells = values
                .into_iter()
                .map(|(value, width)| view! { <th colspan=width.to_string() title=value.clone()>{value.clone()}</th> })
                .collect_view();
            view! { <tr><th scope="row">{label}</th>{cells}</tr> }
        })
        .collect_view();
    let times = merged(columns.iter().map(|column| time::clock_minutes(column.started_ms)))
        .into_iter()
        .map(|(text, width)| view! { <th colspan=width.to_string()>{text}</th> })
        .collect_view();
    let builds =
        columns.iter().map(|column| view! { <BuildHead column=column.clone()/> }).collect_view();
    let labels = name_parts.join(",");
    let column_px = GridQuery::parse(&query).width();
    let with = |name: &str, value: u64| {
        let kept: Vec<&str> = query
            .split('&')
            .filter(|part| !part.is_empty() && part.split('=').next() != Some(name))
            .collect();
        let joint = if kept.is_empty() { "" } else { "&" };
        format!("?{}{joint}{name}={value}", kept.join("&"))
    };
    let page_href = |page: u64| with("page", page);
    let shown = columns.len() as u64;
    let columns_pager = (shown < column_total).then(|| {
        view! {
            <nav class="pager" aria-label="Pages of columns">
                {(newer > 0).then(|| view! { <a href=with("from", newer.saturating_sub(PAGE_COLUMNS)) rel="prev">"← Newer columns"</a> })}
                <span>{format!("Columns {} to {} of {}", count(newer + 1), count(newer + shown), count(column_total))}</span>
                {(newer + shown < column_total).then(|| view! { <a href=with("from", newer + shown) rel="next">"Older columns →"</a> })}
            </nav>
        }
    });
    let pager = (pages > 1).then(|| {
        view! {
            <nav class="pager" aria-label="Pages of rows">
                {(at > 1).then(|| view! { <a href=page_href(at - 1) rel="prev">"← Previous rows"</a> })}
                <span>{format!("Page {} of {}", count(at), count(pages))}</span>
                {(at < pages).then(|| view! { <a href=page_href(at + 1) rel="next">"Next rows →"</a> })}
            </nav>
        }
    });
    view! {
        <div
            id="grid"
            class="grid"
            data-api=api
            data-stream=stream
            data-tab=tab.clone()
            data-options=query.clone()
            data-recent=recent.to_string()
            data-today=head.highlight_today.then_some("")
            data-name-parts=labels
            data-rows=row_px(column_px).to_string()
        >
            <div class="grid-scroll" tabindex="0" role="region" aria-label="Results">
                <table class="cells">
                    <colgroup>
                        <col class="names"/>
                        {html::col().span(shown.to_string()).attr("width", column_px.to_string())}
                    </colgroup>
                    <thead>
                        <tr><th scope="row">"Date"</th>{date_cells}</tr>
                        <tr class="label"><th scope="row">"Time (UTC)"</th>{times}</tr>
                        <tr class="label">
                            <th scope="row">
                                {options.tabular.then(|| parts_view(name_parts))}
                                "Build"
                            </th>
                            {builds}
                        </tr>
                        {header_rows}
                    </thead>
                    <tbody>{rows.into_iter().map(|row| view! { <Row row/> }).collect_view()}</tbody>
                </table>
            </div>
            {columns_pager}
            {pager}
        </div>
    }
    .into_any()
}

/// The columns of a name, or what they are called.
fn parts_view(parts: Vec<String>) -> AnyView {
    if parts.is_empty() {
        return ().into_any();
    }
    let parts =
        parts.into_iter().map(|part| view! { <span title=part.clone()>{part.clone()}</span> " " });
    view! { <span class="name-parts">{parts.collect_view()}</span> }.into_any()
}

#[component]
fn BuildHead(column: GridColumn) -> impl IntoView {
    let title = format!("{}, began {}", column.build, time::exact(column.started_ms));
    let short: String = {
        let all: Vec<char> = column.build.chars().collect();
        all[all.len().saturating_sub(6)..].iter().collect()
    };
    let inner = match column.href.as_str() {
        "" => view! { <span title=title>{short}</span> }.into_any(),
        _ => view! { <a href=column.href title=title>{short}</a> }.into_any(),
    };
    view! { <th scope="col">{inner}</th> }
}

#[component]
fn Row(row: GridRow) -> impl IntoView {
    let GridRow { name, parts, href, depth, members, alert, issues, cells } = row;
    let name_view = match members {
        Some(members) => view! { <span class="group-name">{name.clone()}</span> <span class="num quiet">{count(members)}</span> }
            .into_any(),
        None if parts.is_empty() => {
            view! { <a href=href title=name.clone()>{middle(&name)}</a> }.into_any()
        }
        None => view! { <a href=href title=name.clone()>{parts_view(parts)}</a> }.into_any(),
    };
    let issues = issues.into_iter().map(|issue| view! { " " <IssueTag issue/> }).collect_view();
    view! {
        <tr class:group=members.is_some()>
            <th scope="row" class=format!("name depth-{}", depth.min(8))>
                {(!alert.is_empty()).then(|| view! { <span class="alerting" title=alert.clone()>"!" <span class="v">{alert.clone()}</span></span> " " })}
                {name_view}
                {issues}
            </th>
            {cells.into_iter().map(|cell| view! { <Cell cell/> }).collect_view()}
        </tr>
    }
}

/// A cell with its short text, or a mark for its status.
#[component]
pub(crate) fn Cell(cell: GridCell) -> impl IntoView {
    let class = format!("c{}", cell.status);
    let text = if cell.icon.is_empty() { glyph(cell.status).to_owned() } else { cell.icon };
    match cell.href.as_str() {
        "" => view! { <td class=class>{text}</td> }.into_any(),
        _ => {
            view! { <td class=class><a href=cell.href title=cell.title>{text}</a></td> }.into_any()
        }
    }
}

/// What stands in a cell without a short text, so that colour is not alone.
pub(crate) fn glyph(status: u8) -> &'static str {
    match status {
        0 => "",
        1 | 2 | 15 => "✓",
        3 => "S",
        4 => "R",
        13 => "~",
        9..=12 => "✕",
        14 => "!",
        _ => "?",
    }
}

/// Equal neighbours as one, with how many they are.
fn merged(values: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut merged: Vec<(String, usize)> = Vec::new();
    for value in values {
        match merged.last_mut() {
            Some((last, width)) if *last == value => *width += 1,
            _ => merged.push((value, 1)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_stands_over_the_columns_that_have_it() {
        let values = ["a", "a", "b", "a"].map(str::to_owned);
        let merged = merged(values.into_iter());
        let pairs: Vec<_> = merged.iter().map(|(value, width)| (value.as_str(), *width)).collect();
        assert_eq!(pairs, [("a", 2), ("b", 1), ("a", 1)]);
    }
}
