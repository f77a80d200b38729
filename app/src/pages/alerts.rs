//! `/alerts`: the mails that told of failing tests and stale tabs.

use leptos::prelude::*;
use leptos_meta::Title;

use super::asked;
use crate::model::{AlertMail, AlertMails};
use crate::ui::{Ago, Crumbs, Empty, Shape, load};

/// The page.
#[component]
pub(crate) fn AlertsPage() -> impl IntoView {
    let before = asked("before").and_then(|value| value.parse().ok());
    load(
        async move |context| context.backend.alert_mails(&context.viewer, before).await,
        |page| view! { <Mails page/> },
    )
}

#[component]
fn Mails(page: AlertMails) -> impl IntoView {
    let AlertMails { now_ms, enabled, mails, older } = page;
    let words = if enabled {
        "Alerts go out by mail."
    } else {
        "No mails are sent: there is no mail server."
    };
    let table = if mails.is_empty() {
        view! {
            <Empty title="No mail has been sent.">
                "A tab with "<code>"alert_mail_to_addresses"</code>" tells of rows that fail as often in a row as it says, and of itself when it is stale. "
                <code>"--testgrid-smtp"</code>" names the mail server, "<code>"--testgrid-mail-dry-run"</code>" prints mails."
            </Empty>
        }
        .into_any()
    } else {
        view! {
            <table class="list alert-mails">
                <thead>
                    <tr>
                        <th class="state"><span class="v">"Result"</span></th>
                        <th>"Mail"</th>
                        <th>"Tab"</th>
                        <th>"To"</th>
                        <th>"When"</th>
                    </tr>
                </thead>
                <tbody>{mails.into_iter().map(|mail| view! { <Mail mail now_ms/> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <Title text="Alerts · Test grid · Bowsprit"/>
        <Crumbs steps=vec![("Test grid".to_owned(), "/testgrid".to_owned())]/>
        <div class="page-head">
            <h1>"Alerts"</h1>
            <p class="quiet">{words}</p>
        </div>
        {table}
        {older.map(|href| view! { <nav class="pager" aria-label="Pages"><a href=href rel="next">"Older →"</a></nav> })}
    }
}

#[component]
fn Mail(mail: AlertMail, now_ms: i64) -> impl IntoView {
    let (shape, word) = match mail.result.as_str() {
        "sent" => ("success", "sent"),
        "dry run" => ("unknown", "dry run"),
        _ => ("failure", "not sent"),
    };
    let failed =
        mail.result.starts_with("failed").then(|| view! { <p class="trouble">{mail.result}</p> });
    view! {
        <tr>
            <td class="state"><Shape shape word/></td>
            <td>
                <details>
                    <summary>{mail.subject}</summary>
                    <pre class="code" tabindex="0">{mail.body}</pre>
                </details>
                {failed}
            </td>
            <td><a href=mail.tab.href>{mail.tab.text}</a></td>
            <td class="quiet">{mail.recipients}</td>
            <td><Ago ms=mail.at_ms now_ms/></td>
        </tr>
    }
}
