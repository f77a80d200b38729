//! Webhook deliveries.

use serde::{Deserialize, Serialize};

use super::Permission;
use super::filter::{Query, query_pairs};

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// On disk, not handled yet.
    #[default]
    Pending,
    /// Handled.
    Handled,
    /// Handling failed; the note says why.
    Failed,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [DeliveryState; 3] =
        [DeliveryState::Pending, DeliveryState::Handled, DeliveryState::Failed];

    /// The word in URLs and on the page.
    pub fn word(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Handled => "handled",
            DeliveryState::Failed => "failed",
        }
    }

    /// Reads the word of [`DeliveryState::word`].
    pub fn parse(word: &str) -> Option<DeliveryState> {
        DeliveryState::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// Which deliveries a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryFilter {
    /// `event=`: exact, for example `pull_request`.
    pub event: Option<String>,
    /// `repo=`: `org/repo`, exact.
    pub repo: Option<String>,
    /// `state=`
    pub state: Option<DeliveryState>,
    /// `q=`: part of the delivery id.
    pub search: Option<String>,
    /// `before=`: key of [`Deliveries::older`].
    pub before: Option<String>,
}

impl DeliveryFilter {
    /// Reads a query string; unreadable values are dropped.
    pub fn from_query(query: &str) -> DeliveryFilter {
        let mut filter = DeliveryFilter::default();
        for (name, value) in query_pairs(query) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            match name.as_str() {
                "event" => filter.event = Some(value.to_owned()),
                "repo" => filter.repo = Some(value.to_owned()),
                "state" => filter.state = DeliveryState::parse(value),
                "q" => filter.search = Some(value.to_owned()),
                "before" => filter.before = Some(value.to_owned()),
                _ => {}
            }
        }
        filter
    }

    /// The page with this filter, from the root of the site.
    pub fn href(&self) -> String {
        let mut query = Query::default();
        query.add("event", self.event.as_deref());
        query.add("repo", self.repo.as_deref());
        query.add("state", self.state.map(DeliveryState::word));
        query.add("q", self.search.as_deref());
        query.add("before", self.before.as_deref());
        if query.text.is_empty() {
            "/deliveries".to_owned()
        } else {
            format!("/deliveries?{}", query.text)
        }
    }
}

/// One delivery in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Number in the journal.
    pub id: i64,
    /// Id that the sender gave it.
    pub guid: String,
    /// Event, for example `pull_request`.
    pub event: String,
    /// Action within the event; may be empty.
    pub action: String,
    /// `org/repo`; may be empty.
    pub repo: String,
    /// Who caused it; may be empty.
    pub sender: String,
    /// When it was on disk.
    pub received_ms: i64,
    /// When it was handled, if it was.
    pub handled_ms: Option<i64>,
    /// Size of its body.
    pub size_bytes: u64,
    /// How far it has come.
    pub state: DeliveryState,
    /// What came of it, or why it failed; may be empty.
    pub note: String,
    /// How often it was tried.
    pub attempts: u64,
}

/// One page of the delivery log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliveries {
    /// The server's clock.
    pub now_ms: i64,
    /// Newest first.
    pub rows: Vec<DeliveryRow>,
    /// Key for `before=` of the next older page, if there is one.
    pub older: Option<String>,
    /// Deliveries in the journal.
    pub total: u64,
    /// Of these, not handled yet.
    pub pending: u64,
    /// Events that were seen, for the menu.
    pub events: Vec<String>,
    /// Whether the reader may replay, and why not.
    pub replay: Permission,
}

/// One delivery with its body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryDetail {
    /// The server's clock.
    pub now_ms: i64,
    /// The delivery.
    pub row: DeliveryRow,
    /// Request headers worth keeping, signatures left out.
    pub headers: Vec<(String, String)>,
    /// The body, indented where it is JSON; text that is not UTF-8 has replacement characters.
    pub payload: String,
    /// Bytes of the body that are not shown.
    pub cut_bytes: u64,
    /// Runs that it started.
    pub runs: Vec<super::Link>,
    /// Whether the reader may replay, and why not.
    pub replay: Permission,
}
