//! Which plugins are done with a delivery that is not finished yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Delivery, StateStore, StoreError};

/// What became of a delivery in one plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// How often it was tried.
    #[serde(default)]
    pub(super) tries: u32,
    /// Whether nothing more happens: it is done, or given up.
    #[serde(default)]
    pub(super) settled: bool,
    /// The last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// What it did, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) effects: Vec<String>,
}

/// The record of one delivery. It exists while some plugin is not settled, so that a crash makes
/// nobody repeat what is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The replay that it belongs to; after another replay it counts no more.
    #[serde(default)]
    pub(super) replays: u32,
    /// By plugin; external ones behind `external:`.
    #[serde(default)]
    pub(super) plugins: BTreeMap<String, Outcome>,
    /// Whether it is on disk.
    #[serde(skip)]
    saved: bool,
}

impl Record {
    fn key(delivery: &Delivery) -> String {
        format!("hook/delivery/{}", delivery.id.0)
    }

    /// What is recorded of a delivery; nothing of an earlier replay.
    pub(super) async fn load(
        state: &dyn StateStore,
        delivery: &Delivery,
    ) -> Result<Record, StoreError> {
        let fresh = Record { replays: delivery.replays, ..Record::default() };
        let Some(value) = state.get(&Record::key(delivery)).await? else { return Ok(fresh) };
        // A record that cannot be read is as good as none: handlers can be repeated.
        let record: Record = serde_json::from_value(value).unwrap_or_default();
        let current = if record.replays == delivery.replays { record } else { fresh };
        Ok(Record { saved: true, ..current })
    }

    /// Writes it to disk.
    pub(super) async fn save(
        &mut self,
        state: &dyn StateStore,
        delivery: &Delivery,
    ) -> Result<(), StoreError> {
        self.saved = true;
        let value = serde_json::to_value(&*self).unwrap_or(Value::Null);
        state.put(&Record::key(delivery), &value).await
    }

    /// Forgets it once the delivery is finished.
    pub(super) async fn forget(
        &self,
        state: &dyn StateStore,
        delivery: &Delivery,
    ) -> Result<(), StoreError> {
        if self.saved { state.remove(&Record::key(delivery)).await } else { Ok(()) }
    }

    /// The plugins that were given up, with why, in one sentence; `None` if there are none.
    #[must_use]
    pub(super) fn failures(&self) -> Option<String> {
        let failed: Vec<String> = self
            .plugins
            .iter()
            .filter_map(|(name, outcome)| {
                let error = outcome.error.as_ref().filter(|_| outcome.settled)?;
                Some(format!("{name} failed after {} tries: {error}", outcome.tries))
            })
            .collect();
        (!failed.is_empty()).then(|| failed.join("; "))
    }

    /// What was done, in one sentence.
    #[must_use]
    pub(super) fn effects(&self) -> String {
        let done: Vec<String> = self
            .plugins
            .iter()
            .filter(|(_, outcome)| !outcome.effects.is_empty())
            .map(|(name, outcome)| format!("{name}: {}", outcome.effects.join(", ")))
            .collect();
        if done.is_empty() { "nothing to do".to_owned() } else { done.join("; ") }
    }
}
