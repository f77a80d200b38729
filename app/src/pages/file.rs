//! `/gcs/<bucket>/<path>?preview`, `/s3/…` and `/file/…`: the beginning of a file, and the ways to all
//! of it.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::islands::CopyButtons;
use crate::model::{FilePage, FileView, time};
use crate::ui::{Ago, Crumbs, Empty, bytes};

/// The page. `server` is the address that the reader knows this server by.
#[component]
pub(super) fn File(page: FilePage, server: String) -> impl IntoView {
    let FilePage {
        now_ms,
        name,
        uri,
        above,
        size_bytes,
        content_type,
        packed,
        updated_ms,
        href,
        view,
        cut_bytes,
        commands,
    } = page;
    let steps = above.iter().map(|link| (link.text.clone(), link.href.clone())).collect();
    let bucket = above.first().map(|link| link.text.clone()).unwrap_or_default();
    let download = format!("{href}?download");
    let all = href.clone();
    let body = match view {
        FileView::Binary => {
            let href = download.clone();
            view! {
                <Empty title="This is not shown.">
                    "Its bytes are no text and no picture that a page can show. "
                    <a href=href>"Download it"</a> "."
                </Empty>
            }
            .into_any()
        }
        FileView::Text(text) => text_of(text).into_any(),
        FileView::Image(src) => {
            let alt = format!("The picture {name}");
            view! { <img class="file-image" src=src alt=alt/> }.into_any()
        }
        FileView::Document(html) => {
            view! { <div class="document-text" inner_html=html></div> }.into_any()
        }
        FileView::Framed { src, text } => {
            let title = format!("{name} as it draws itself");
            view! {
                <iframe class="lens-frame" sandbox="allow-scripts" referrerpolicy="no-referrer" src=src title=title></iframe>
                <details class="commands"><summary>"Its text"</summary>{text_of(text)}</details>
            }
                .into_any()
        }
    };
    let commands = commands
        .into_iter()
        .map(|command| {
            let command = command.replace("{server}", &server);
            view! { <p><code data-copy>{command}</code></p> }
        })
        .collect_view();
    view! {
        <Title text=format!("{name} · {bucket} · Bowsprit")/>
        <Crumbs steps/>
        <div class="page-head">
            <h1><bdi>{name}</bdi></h1>
            <p class="quiet">
                {bytes(size_bytes)} {packed.then_some(" packed")}
                {(!content_type.is_empty()).then(|| format!(", {content_type}"))}
                ", written " <Ago ms=updated_ms now_ms/> " · "
                <time datetime=time::rfc3339(updated_ms) data-exact="">{time::exact(updated_ms)}</time>
            </p>
            <p><a href=href>"Raw"</a> " · " <a href=download>"Download"</a></p>
        </div>
        <p class="quiet"><code data-copy>{uri}</code></p>
        {cut_bytes
            .map(|shown| {
                view! {
                    <p class="note-line">
                        "Here are the first " {bytes(shown)} " of the file. " <a href=all>"All of it"</a> "."
                    </p>
                }
            })}
        {body}
        <details class="commands" open="">
            <summary>"Copy the file"</summary>
            {commands}
        </details>
        <CopyButtons/>
    }
}

fn text_of(text: String) -> impl IntoView {
    view! { <pre class="file-text" tabindex="0" role="region" aria-label="Text of the file">{text}</pre> }
}
