//! `/gcs/<bucket>/<path>/`, `/s3/…` and `/file/…`: a folder of a bucket.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};

use crate::islands::CopyButtons;
use crate::model::{FolderPage as Model, encode};
use crate::pages::file::File;
use crate::ui::{Ago, Crumbs, Empty, bytes, load, plural};

/// The page of a folder; of what does not end in a slash that of a file.
#[component]
pub(crate) fn FolderPage() -> impl IntoView {
    let location = use_location();
    let kind = location.pathname.get_untracked();
    let is_file = !kind.ends_with('/');
    let kind = kind.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    let path = use_params_map().get_untracked().get("path").unwrap_or_default();
    let query = location.search.get_untracked();
    if is_file {
        let server = server();
        return load(
            async move |context| context.backend.file(&context.viewer, &kind, &path).await,
            move |page| view! { <File page server/> },
        )
        .into_any();
    }
    load(
        async move |context| {
            let query = query.trim_start_matches('?');
            context.backend.folder(&context.viewer, &kind, &path, query).await
        },
        |page| view! { <Folder page/> },
    )
    .into_any()
}

/// The address that the reader knows this server by, as the request tells it.
fn server() -> String {
    let parts = use_context::<http::request::Parts>();
    let header = |name: &str| {
        let value = parts.as_ref()?.headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let is_host = |host: &String| {
        host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'))
    };
    let scheme = match header("x-forwarded-proto").as_deref() {
        Some("https") => "https",
        _ => "http",
    };
    let host = header("host").filter(is_host).unwrap_or_else(|| "localhost".to_owned());
    format!("{scheme}://{host}")
}

#[component]
fn Folder(page: Model) -> impl IntoView {
    let Model {
        now_ms,
        bucket,
        uri,
        above,
        name,
        entries,
        left_out,
        bytes: size,
        query,
        sort,
        next,
        run,
        commands,
    } = page;
    let steps = above.iter().map(|link| (link.text.clone(), link.href.clone())).collect();
    let up = above.last().map(|link| link.href.clone());
    let sorted = |by: &'static str, label: &'static str| {
        let href = match query.as_str() {
            "" => format!("?sort={by}"),
            query => format!("?q={}&sort={by}", encode(query)),
        };
        view! { <a href=href aria-current=(sort == by).then_some("true")>{label}</a> }
    };
    let heads = view! {
        <tr>
            <th>{sorted("name", "Name")}</th>
            <th class="num">{sorted("size", "Size")}</th>
            <th>{sorted("time", "Written")}</th>
            <th><span class="v">"Download"</span></th>
        </tr>
    };
    let files = entries.iter().filter(|entry| entry.size_bytes.is_some()).count() as u64;
    let folders = entries.len() as u64 - files;
    let nothing = entries.is_empty();
    let rows = entries
        .into_iter()
        .map(|entry| {
            let is_file = entry.size_bytes.is_some();
            let href = if is_file { format!("{}?preview", entry.href) } else { entry.href.clone() };
            let download = entry.size_bytes.map(|_| {
                let label = format!("Download {}", entry.name);
                view! { <a href=format!("{}?download", entry.href) aria-label=label>"↓"</a> }
            });
            view! {
                <tr>
                    <td class="file"><a href=href><bdi>{entry.name}</bdi></a></td>
                    <td class="num">{entry.size_bytes.map(bytes)}</td>
                    <td>{entry.updated_ms.map(|ms| view! { <Ago ms now_ms/> })}</td>
                    <td>{download}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Title text=format!("{name} · {bucket} · Bowsprit")/>
        <Crumbs steps/>
        <div class="page-head">
            <h1>{name}</h1>
            <p class="quiet">
                {plural(folders, "folder", "folders")} ", " {plural(files, "file", "files")} ", " {bytes(size)}
                {(left_out > 0).then(|| format!(", {} left out", plural(left_out, "entry", "entries")))}
            </p>
            {run.map(|run| view! { <a href=run>"The run's page"</a> })}
        </div>
        <form class="filters" method="get" role="search" aria-label="Which entries are shown">
            <input type="search" name="q" class="job" aria-label="What the name holds" placeholder="part of the name" autocomplete="off" spellcheck="false" value=query.clone()/>
            <button type="submit">"Show"</button>
            <span class="quiet"><code>{uri}</code></span>
        </form>
        {if nothing {
            view! { <Empty title="Nothing is shown.">"No name in this folder holds that."</Empty> }.into_any()
        } else {
            view! {
                <table class="list folder" data-moves="rows">
                    <caption class="v">"Entries of the folder"</caption>
                    <thead>{heads}</thead>
                    <tbody>
                        {up.map(|href| view! { <tr><td class="file"><a href=href>"../"</a></td><td></td><td></td><td></td></tr> })}
                        {rows}
                    </tbody>
                </table>
            }
                .into_any()
        }}
        {next.map(|href| view! { <nav class="pager" aria-label="Pages of entries"><a href=href rel="next">"Further entries →"</a></nav> })}
        <details class="commands">
            <summary>"Copy the folder"</summary>
            <p><a href="?zip">"Download it as one zip"</a></p>
            {commands.into_iter().map(|command| view! { <p><code data-copy>{command}</code></p> }).collect_view()}
        </details>
        <CopyButtons/>
    }
}
