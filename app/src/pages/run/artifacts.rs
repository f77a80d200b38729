//! The stored files of a run.

use leptos::prelude::*;

use crate::model::Artifact;
use crate::ui::{Ago, Empty, bytes};

/// The table of files, or why there is none.
#[component]
pub(crate) fn Artifacts(
    artifacts: Option<Vec<Artifact>>,
    cut: bool,
    folder: String,
    folder_href: String,
    over: bool,
    now_ms: i64,
) -> impl IntoView {
    let Some(artifacts) = artifacts else {
        return view! {
            <Empty title="The files cannot be listed.">
                "The bucket did not answer; the rest of this page comes from the index and still holds. "
                "The folder is " <code>{folder}</code> "."
            </Empty>
        }
        .into_any();
    };
    if artifacts.is_empty() {
        let words = if over {
            "The run stored none, or its folder has expired."
        } else {
            "They are uploaded when the job has ended."
        };
        return view! { <Empty title="There are no files.">{words}</Empty> }.into_any();
    }
    let rows = artifacts
        .into_iter()
        .map(|file| {
            let raw = (!file.raw.is_empty()).then(|| {
                let label = format!("Raw bytes of {}", file.name);
                view! { <a href=file.raw aria-label=label>"raw"</a> }
            });
            let name = if file.href.is_empty() {
                file.name.into_any()
            } else {
                view! { <a href=file.href><bdi>{file.name}</bdi></a> }.into_any()
            };
            view! {
                <tr>
                    <td class="file">{name}</td>
                    <td class="num">{bytes(file.size_bytes)}</td>
                    <td>{file.updated_ms.map(|ms| view! { <Ago ms now_ms/> })}</td>
                    <td>{raw}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <p class="quiet">"Folder " <code>{folder.clone()}</code> " " <a href=folder_href.clone()>"browse"</a> " · " <a href=format!("{folder_href}?zip")>"all as a zip"</a></p>
        <table class="list" data-moves="rows">
            <caption class="v">"Stored files"</caption>
            <thead>
                <tr><th>"File"</th><th class="num">"Size"</th><th>"Written"</th><th><span class="v">"Raw"</span></th></tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        {cut.then(|| view! { <p class="quiet">"There are more files than this page shows."</p> })}
    }
    .into_any()
}
