//! Looks, decides, sends and records.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use go_compat::Timestamp;
use grid::proto::config::DashboardTab;
use serde_json::{Value, json};
use store::{MailEntry, StoreError};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::decide::{Look, Notice, Told, decide};
use super::message::mail;
use super::{Deps, MailError, Mailer};
use crate::components::keep_beating;
use crate::testgrid::state::TabState;

/// What the keys of this component's state begin with.
const KEYS: &str = "testgrid-alerts/";

/// How often the tabs are looked at. A mail is later than its failure by this at most.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Looks at the tabs again and again until cancelled.
///
/// # Errors
/// None: what fails is told to the heartbeat.
pub async fn run(deps: Deps, cancel: CancellationToken) -> anyhow::Result<()> {
    if deps.mailer.is_none() {
        keep_beating(&deps.clock, &*deps.heartbeat, &cancel).await;
        return Ok(());
    }
    let mut alerts = None;
    while !cancel.is_cancelled() {
        match pass(&deps, &mut alerts).await {
            Ok(_) => deps.heartbeat.pass(),
            Err(error) => deps.heartbeat.failed(&error),
        }
        tokio::select! {
            () = deps.clock.sleep(LOOK_EVERY) => {}
            () = cancel.cancelled() => {}
        }
    }
    Ok(())
}

/// Looks at all tabs once. Returns how many mails were sent.
///
/// # Errors
/// The store cannot be read or written.
pub async fn sync_once(deps: &Deps) -> Result<usize, StoreError> {
    pass(deps, &mut None).await
}

async fn pass(deps: &Deps, alerts: &mut Option<Alerts>) -> Result<usize, StoreError> {
    let alerts = match alerts {
        Some(alerts) => alerts,
        None => alerts.insert(Alerts::load(deps.clone()).await?),
    };
    let config = deps.grids.config.get();
    let mut names: Vec<(&str, &str)> = Vec::new();
    let mut summarized: Vec<(&str, &DashboardTab, Arc<TabState>)> = Vec::new();
    for dashboard in &config.configuration.dashboards {
        for tab in &dashboard.dashboard_tab {
            names.push((&dashboard.name, &tab.name));
            if let Some(state) = deps.grids.tab(&dashboard.name, &tab.name) {
                summarized.push((&dashboard.name, tab, state));
            }
        }
    }
    alerts.keep_only(&names).await?;
    let looks: Vec<Look<'_>> = summarized
        .iter()
        .map(|(dashboard, tab, state)| Look {
            dashboard,
            tab,
            summary: &state.summary,
            flakiness: state.flakiness(),
            is_known: tab.test_groups().all(|name| deps.grids.group(name).updated_ms > 0),
        })
        .collect();
    alerts.look(&looks).await
}

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
    /// # Errors
    /// What was told could not be kept; it is known until the next restart.
    pub async fn look(&self, looks: &[Look<'_>]) -> Result<usize, StoreError> {
        let Some(mailer) = self.deps.mailer.as_deref() else { return Ok(0) };
        let mut told = self.told.lock().await;
        let mut sent = 0;
        for look in looks {
            let key = key(look.dashboard, &look.tab.name);
            let before = told.get(&key).cloned().unwrap_or_default();
            let now = self.deps.clock.now();
            let decision = decide(&before, look, now);
            let mut after = decision.told;
            let mut failed = false;
            for notice in &decision.notices {
                match self.send(mailer, look, notice, now).await {
                    Ok(()) => {
                        after.sent(&notice.news, now);
                        sent += 1;
                    }
                    Err(error) => {
                        let (dashboard, tab) = (look.dashboard, &look.tab.name);
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
    pub async fn keep_only(&self, tabs: &[(&str, &str)]) -> Result<(), StoreError> {
        let mut told = self.told.lock().await;
        if told.is_empty() {
            return Ok(());
        }
        let kept: HashSet<String> =
            tabs.iter().map(|(dashboard, tab)| key(dashboard, tab)).collect();
        let gone: Vec<String> = told.keys().filter(|key| !kept.contains(*key)).cloned().collect();
        for key in gone {
            self.deps.state.remove(&key).await?;
            told.remove(&key);
        }
        Ok(())
    }

    async fn send(
        &self,
        mailer: &dyn Mailer,
        look: &Look<'_>,
        notice: &Notice,
        now: Timestamp,
    ) -> Result<(), MailError> {
        let mail = mail(look, notice, self.deps.external_url.as_deref());
        let done = mailer.send(&mail, now).await;
        let result = match &done {
            Ok(()) => mailer.done().to_owned(),
            Err(error) => format!("failed: {error}"),
        };
        let entry = MailEntry {
            at: now,
            dashboard: look.dashboard.to_owned(),
            tab: look.tab.name.clone(),
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
