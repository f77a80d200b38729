//! Looks, decides, sends and records.

use std::collections::HashMap;

use go_compat::Timestamp;
use serde_json::{Value, json};
use store::{MailEntry, StoreError};
use tokio::sync::Mutex;

use super::decide::{Look, Notice, Told, decide};
use super::message::mail;
use super::{Deps, MailError};

/// What the keys of this component's state begin with.
const KEYS: &str = "testgrid-alerts/";

/// Alerts by mail. One look at a tab is finished before the next one begins.
pub struct Alerts {
    deps: Deps,
    /// What was told of the tabs of which something was told, as it is in the store.
    told: Mutex<HashMap<String, Told>>,
}

/// Names of dashboards and tabs have no `#`.
fn key(dashboard: &str, tab: &str) -> String {
    format!("{KEYS}{dashboard}#{tab}")
}

impl Alerts {
    /// Goes on from what was told before the restart.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(deps: Deps) -> Result<Alerts, StoreError> {
        let kept = deps.state.list(KEYS).await?;
        let read = kept.into_iter().filter_map(|(key, value)| match serde_json::from_value(value) {
            Ok(told) => Some((key, told)),
            Err(error) => {
                tracing::warn!(key, %error, "what was told of a tab cannot be read; it is told again");
                None
            }
        });
        Ok(Alerts { told: Mutex::new(read.collect()), deps })
    }

    /// Looks at tabs and sends what is due. Returns how many mails were sent. A mail that cannot be
    /// sent is in the delivery log with the reason, and is tried again at a later look.
    ///
    /// Sending takes as long as the mail server does: call it from a task that nothing waits for.
    ///
    /// # Errors
    /// What was told could not be kept; it is known until the next restart.
    pub async fn look(&self, looks: &[Look<'_>]) -> Result<usize, StoreError> {
        let mut told = self.told.lock().await;
        let mut sent = 0;
        for look in looks {
            let key = key(look.dashboard, look.tab);
            let before = told.get(&key).cloned().unwrap_or_default();
            let now = self.deps.clock.now();
            let decision = decide(&before, look, now);
            let mut after = decision.told;
            let mut failed = false;
            for notice in &decision.notices {
                match self.send(look, notice, now).await {
                    Ok(()) => {
                        after.sent(&notice.news, now);
                        sent += 1;
                    }
                    Err(error) => {
                        let (dashboard, tab) = (look.dashboard, look.tab);
                        tracing::warn!(dashboard, tab, %error, "an alert could not be sent");
                        failed = true;
                    }
                }
            }
            match failed {
                true => after.failed(now),
                false if !decision.notices.is_empty() => after.succeeded(),
                false => {}
            }
            if after == before {
                continue;
            }
            if after.is_empty() {
                told.remove(&key);
                self.deps.state.remove(&key).await?;
            } else {
                let value = value_of(&after);
                told.insert(key.clone(), after);
                self.deps.state.put(&key, &value).await?;
            }
        }
        Ok(sent)
    }

    /// Forgets what was told of tabs that the configuration does not have any more.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn keep_only<'t>(
        &self,
        tabs: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<(), StoreError> {
        let mut told = self.told.lock().await;
        if told.is_empty() {
            return Ok(());
        }
        let kept: std::collections::HashSet<String> =
            tabs.into_iter().map(|(dashboard, tab)| key(dashboard, tab)).collect();
        let gone: Vec<String> = told.keys().filter(|key| !kept.contains(*key)).cloned().collect();
        for key in gone {
            self.deps.state.remove(&key).await?;
            told.remove(&key);
        }
        Ok(())
    }

    async fn send(
        &self,
        look: &Look<'_>,
        notice: &Notice,
        now: Timestamp,
    ) -> Result<(), MailError> {
        let mail = mail(look, notice, self.deps.external_url.as_deref());
        let done = self.deps.mailer.send(&mail, now).await;
        let result = match &done {
            Ok(()) => self.deps.mailer.done().to_owned(),
            Err(error) => format!("failed: {error}"),
        };
        let entry = MailEntry {
            at: now,
            dashboard: look.dashboard.to_owned(),
            tab: look.tab.to_owned(),
            kind: notice.news.kind().to_owned(),
            recipients: mail.to.join(", "),
            subject: mail.subject,
            body: mail.body,
            result,
        };
        if let Err(error) = self.deps.log.record(entry).await {
            // The mail is on its way; that it is not listed must not make it be sent again.
            tracing::warn!(%error, "a mail could not be written to the delivery log");
        }
        done
    }
}

fn value_of(told: &Told) -> Value {
    json!(told)
}
