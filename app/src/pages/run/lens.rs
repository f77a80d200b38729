//! What a lens shows of a run. Whatever strangers wrote is text, or stands in a frame that reaches
//! nothing of this page.

use leptos::nonce::use_nonce;
use leptos::prelude::*;

use crate::islands::LensFrames;
use crate::model::{
    CoverageLens, FramedFile, LensPage, LensView, Link, LinkGroup, PageError, RemoteLens,
    RenderedFile, RestCoverage, RestRequest, encode,
};
use crate::ui::{Empty, Shape, count, plural, prose};

/// The part of the page. `here` is its address.
#[component]
pub(crate) fn Lens(lens: Result<LensPage, PageError>, here: String) -> impl IntoView {
    let LensPage { title, notes, view } = match lens {
        Ok(page) => page,
        Err(error) => {
            let message = match error {
                PageError::NotFound { message }
                | PageError::BadRequest { message }
                | PageError::Unavailable { message, .. } => message,
                PageError::Forbidden { reason } => reason,
                PageError::Internal { reference } => {
                    format!("The server failed; its log says why under `{reference}`.")
                }
            };
            return view! {
                <Empty title="This cannot be shown.">
                    {prose(&message)} " " <a href=here>"Try again"</a> "."
                </Empty>
            }
            .into_any();
        }
    };
    let body = match view {
        LensView::Html(files) => files.into_iter().map(framed).collect_view().into_any(),
        LensView::Markdown(files) => files.into_iter().map(rendered).collect_view().into_any(),
        LensView::Links(groups) => groups.into_iter().map(group).collect_view().into_any(),
        LensView::RestCoverage(report) => rest_coverage(report).into_any(),
        LensView::Coverage(profiles) => {
            profiles.into_iter().map(coverage).collect_view().into_any()
        }
        LensView::Remote(lens) => remote(lens, title.clone(), here).into_any(),
    };
    view! {
        <div class="lens">
            {(!title.is_empty()).then(|| view! { <h2>{title}</h2> })}
            {notes.into_iter().map(|note| view! { <p class="note-line">{prose(&note)}</p> }).collect_view()}
            {body}
        </div>
    }
    .into_any()
}

/// A file of HTML: its words are text, itself it is in a frame whose origin is nobody's.
fn framed(file: FramedFile) -> impl IntoView {
    let FramedFile { title, description, name, src, href } = file;
    view! {
        <section class="framed">
            <h3><bdi>{title.clone()}</bdi></h3>
            {(!description.is_empty()).then(|| view! { <p class="quiet"><bdi>{description}</bdi></p> })}
            <iframe class="lens-frame" sandbox="allow-scripts" referrerpolicy="no-referrer" src=src title=title></iframe>
            <p class="quiet"><a href=href><code>{name}</code></a></p>
        </section>
    }
}

fn rendered(file: RenderedFile) -> impl IntoView {
    let RenderedFile { name, href, html, cut } = file;
    view! {
        <section class="document">
            <div class="document-text" inner_html=html></div>
            {cut.then(|| view! { <p class="quiet">"The document goes on; it is too long to be shown here as a whole."</p> })}
            <p class="quiet"><a href=href><code>{name}</code></a></p>
        </section>
    }
}

fn group(group: LinkGroup) -> impl IntoView {
    let LinkGroup { title, links } = group;
    let links = links
        .into_iter()
        .map(|Link { text, href, title }| {
            let link = match href.as_str() {
                "" => view! { <span>{text}</span> }.into_any(),
                _ => view! { <a href=href rel="noreferrer noopener">{text}</a> }.into_any(),
            };
            view! { <li>{link} " " <code data-copy class="quiet">{title}</code></li> }
        })
        .collect_view();
    view! {
        <section class="link-group">
            {(!title.is_empty()).then(|| view! { <h3>{title}</h3> })}
            <ul>{links}</ul>
            <crate::islands::CopyButtons/>
        </section>
    }
}

fn rest_coverage(report: RestCoverage) -> impl IntoView {
    let RestCoverage { percent, state, hits, expected, requests, left_out } = report;
    let rows = requests
        .into_iter()
        .map(|request| {
            let RestRequest { path, method, percent, state, hits, expected, called, missing } =
                request;
            let never = (!missing.is_empty()).then(|| {
                view! { <details><summary>"never used"</summary><code class="lines">{missing.join("\n")}</code></details> }
            });
            view! {
                <tr>
                    <td><code>{method}</code></td>
                    <td class="file"><code>{path}</code> {never}</td>
                    <td class="num"><Shape shape=shape(&state) word=words(&state)/> " " {percent} " %"</td>
                    <td class="num">{count(hits)} " of " {count(expected)}</td>
                    <td>{if called { "called" } else { "never called" }}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <p>
            <Shape shape=shape(&state) word=words(&state)/> " " <b>{percent} " %"</b> ": "
            {count(hits)} " of " {count(expected)} " parameters were used."
        </p>
        <table class="list">
            <caption class="v">"Requests, the least covered first"</caption>
            <thead>
                <tr><th>"Method"</th><th>"Path"</th><th class="num">"Covered"</th><th class="num">"Parameters"</th><th>"Method"</th></tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        {(left_out > 0).then(|| view! { <p class="quiet">{plural(left_out, "more request", "more requests")} " are not shown."</p> })}
    }
}

fn shape(state: &str) -> &'static str {
    match state {
        "failure" => "failure",
        "flaky" => "flaky",
        _ => "success",
    }
}

fn words(state: &str) -> &'static str {
    match state {
        "failure" => "much too little",
        "flaky" => "too little",
        _ => "enough",
    }
}

fn coverage(profile: CoverageLens) -> impl IntoView {
    let CoverageLens {
        name,
        percent,
        covered,
        total,
        files_covered,
        files,
        directories,
        left_out,
        href,
        report,
    } = profile;
    let rows = directories
        .into_iter()
        .map(|line| {
            view! {
                <tr>
                    <td class="file"><code>{line.name}</code></td>
                    <td class="num">{line.percent} " %"</td>
                    <td class="num">{count(line.covered)} " of " {count(line.total)}</td>
                </tr>
            }
        })
        .collect_view();
    let frame_title = format!("Report of {name}");
    view! {
        <section>
            <h3><code>{name}</code></h3>
            <p>
                <b>{percent} " %"</b> ": " {count(covered)} " of " {count(total)} " statements ran, in "
                {count(files_covered)} " of " {plural(files, "file", "files")} ". "
                {(!href.is_empty()).then(|| view! { <a href=href>"Over the runs of the job"</a> })}
            </p>
            <table class="list">
                <caption class="v">"Directories with everything below them"</caption>
                <thead><tr><th>"Directory"</th><th class="num">"Covered"</th><th class="num">"Statements"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
            {(left_out > 0).then(|| view! { <p class="quiet">{plural(left_out, "more directory", "more directories")} " are not shown."</p> })}
            {(!report.is_empty())
                .then(|| {
                    view! {
                        <iframe class="lens-frame" sandbox="allow-scripts" referrerpolicy="no-referrer" src=report title=frame_title></iframe>
                    }
                })}
        </section>
    }
}

/// Keeps what frames say until the island is there to answer.
const HEAR: &str =
    "(d=>{d.heard=[];addEventListener('message',e=>d.heard?.push(e))})(document.documentElement)";

/// What another server shows. With script, the frame's messages are answered as Deck's page does.
fn remote(lens: RemoteLens, title: String, here: String) -> impl IntoView {
    let RemoteLens { src, callback, rerender, update, key, index, name } = lens;
    let title = if title.is_empty() { name.clone() } else { title };
    // The library of lenses makes its links with these two.
    let src = format!("{src}&topURL={}&lensIndex={index}", encode(&here));
    view! {
        <script nonce=use_nonce()>{HEAR}</script>
        <iframe
            class="lens-frame remote"
            sandbox="allow-scripts allow-popups allow-popups-to-escape-sandbox"
            referrerpolicy="no-referrer"
            src=src
            title=title
            name=format!("lens-{index}")
            data-key=key
            data-index=index.to_string()
            data-callback=callback
            data-rerender=rerender
            data-update=update
        ></iframe>
        <p class="quiet">"This part comes from the lens " <code>{name}</code> ", which another server offers."</p>
        <LensFrames/>
    }
}
