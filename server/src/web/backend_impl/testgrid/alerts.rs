//! `/alerts`: mails that told of failing tests and stale tabs.

use app::model::{AlertMail, AlertMails, PageError, Viewer};
use store::MailFilter;

use super::{link, tab_href};
use crate::web::state::Web;

/// Mails of one page.
const MAILS: usize = 100;
/// Who may not see the recipients sees this.
const WITHHELD: &str = "withheld";

/// A page of the delivery log. Addresses are for readers who may operate this server.
pub async fn page(
    web: &Web,
    viewer: &Viewer,
    before: Option<i64>,
) -> Result<AlertMails, PageError> {
    let mut page = AlertMails {
        now_ms: web.clock.now().millis(),
        enabled: web.settings.sends_mails,
        ..AlertMails::default()
    };
    let Some(store) = &web.store else { return Ok(page) };
    let filter = MailFilter { before, ..MailFilter::default() };
    let found = store.mails().list(&filter, MAILS + 1).await;
    let mut found = found.map_err(|error| super::super::unavailable("The log of mails", error))?;
    if found.len() > MAILS {
        found.truncate(MAILS);
        page.older = found.last().map(|last| format!("/alerts?before={}", last.id));
    }
    page.mails = found
        .into_iter()
        .map(|row| {
            let mail = row.entry;
            let recipients = if viewer.local { mail.recipients } else { WITHHELD.to_owned() };
            AlertMail {
                at_ms: mail.at.millis(),
                tab: link(
                    &format!("{} › {}", mail.dashboard, mail.tab),
                    &tab_href(&mail.dashboard, &mail.tab),
                ),
                kind: mail.kind,
                recipients,
                subject: mail.subject,
                body: mail.body,
                result: mail.result,
            }
        })
        .collect();
    Ok(page)
}
