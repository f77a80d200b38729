//! The journal of webhook deliveries: on disk before the sender hears `200`.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use go_compat::Timestamp;

use crate::StoreError;

/// How often a delivery is handed out before it is parked as failed. Attempts are counted on disk
/// when they begin, so that a delivery which takes the whole process down is parked as well. A
/// handler that can catch its failure gives up sooner, by its own rule; this one is generous,
/// since deliveries that merely stood next to the poisoned one are counted too.
pub const MAX_DELIVERY_ATTEMPTS: u32 = 20;

/// Number of a delivery in the journal; later deliveries have greater numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub i64);

/// A delivery as it came in.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// The sender's id (`X-GitHub-Delivery`). Not unique: `phony` always sends the same one.
    pub delivery_id: String,
    /// The event's name (`X-GitHub-Event`).
    pub event: String,
    /// `org/repo` or `org` if the receiver already knows it, else empty. Only for the log page.
    pub repository: String,
    /// The headers worth keeping, for replay and for external plugins.
    pub headers: Vec<(String, String)>,
    /// The raw body, exactly as it was signed.
    pub body: Bytes,
    /// When it came in.
    pub received: Timestamp,
}

/// What [`DeliveryStore::append`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is on disk and will be handed out.
    New(DeliveryId),
    /// The same id with the same body is already in the journal; nothing was written.
    Duplicate {
        /// The delivery that is already there.
        id: DeliveryId,
        /// What has become of it.
        status: DeliveryStatus,
    },
}

impl Appended {
    /// The delivery's number, new or old.
    pub fn id(self) -> DeliveryId {
        match self {
            Appended::New(id) | Appended::Duplicate { id, .. } => id,
        }
    }
}

/// What has become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryStatus {
    /// On disk, not yet handled (perhaps being handled now).
    Pending,
    /// Handled; its effects are done.
    Handled,
    /// Given up; the note says why. It can be replayed.
    Failed,
}

impl DeliveryStatus {
    /// The word shown to people and used in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryStatus::Pending => "pending",
            DeliveryStatus::Handled => "handled",
            DeliveryStatus::Failed => "failed",
        }
    }
}

/// One line of the delivery log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number in the journal.
    pub id: DeliveryId,
    /// The sender's id.
    pub delivery_id: String,
    /// The event's name.
    pub event: String,
    /// `org/repo`, `org` or empty.
    pub repository: String,
    /// The kept headers.
    pub headers: Vec<(String, String)>,
    /// Size of the raw body in bytes.
    pub body_bytes: u64,
    /// Whether the body is still kept (see the retention constants of the store).
    pub body_kept: bool,
    /// SHA-256 of the raw body, in hex.
    pub body_sha256: String,
    /// When it came in.
    pub received: Timestamp,
    /// What has become of it.
    pub status: DeliveryStatus,
    /// How often it was handed out since it came in or was last replayed.
    pub attempts: u32,
    /// How often it was replayed by hand.
    pub replays: u32,
    /// When it was handled or given up.
    pub finished: Option<Timestamp>,
    /// What the handler had to say: what was done, or why it failed.
    pub note: String,
}

/// Which deliveries a page of the log wants. Empty fields do not restrict.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only this status.
    pub status: Option<DeliveryStatus>,
    /// Only this event.
    pub event: Option<String>,
    /// Only this repository (`org/repo`).
    pub repository: Option<String>,
    /// Only this sender's id.
    pub delivery_id: Option<String>,
    /// Only deliveries with smaller numbers: the last one of the page before.
    pub before: Option<DeliveryId>,
}

/// How many deliveries are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// Waiting or being handled.
    pub pending: u64,
    /// Given up.
    pub failed: u64,
    /// All that the journal holds, whatever became of it. In PostgreSQL, what other processes
    /// added since the last sweep ([`DeliveryStore::prune`]) is missing.
    pub total: u64,
    /// When the oldest pending one came in: the age of the backlog.
    pub oldest_pending: Option<Timestamp>,
}

/// A handler's right to a delivery, for a limited time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The delivery, with this attempt already counted.
    pub delivery: Delivery,
    /// Until then nobody else gets it; afterwards it is handed out again.
    pub until: Timestamp,
}

/// The journal of webhook deliveries.
///
/// The walk of a delivery: `append` (on disk, the sender hears 200) → `next_pending` (attempt
/// counted on disk) → `mark_handled`, or `retry_later`, or `mark_failed`. What was handed out but
/// not marked when the process died is handed out again: by `Store::open` at once for SQLite,
/// after the claim's end for PostgreSQL, where another process may still be working on it.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Writes a delivery and returns when it is flushed to disk.
    ///
    /// The same sender's id with the same body is a [`Appended::Duplicate`]. An error means that
    /// nothing was kept: answer 503, so that the sender logs the failure and can redeliver.
    async fn append(&self, delivery: NewDelivery) -> Result<Appended, StoreError>;

    /// Hands out up to `limit` pending deliveries, oldest first, each claimed until `now + lease`.
    /// Bodies are not loaded: read each with [`DeliveryStore::body`] when its turn comes.
    ///
    /// A delivery that was already handed out [`MAX_DELIVERY_ATTEMPTS`] times is marked failed
    /// instead and not returned.
    async fn next_pending(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError>;

    /// Prolongs a claim until `until`, for handlers that take longer than their lease.
    async fn renew(&self, id: DeliveryId, until: Timestamp) -> Result<(), StoreError>;

    /// Records that the delivery's effects are done. `note` may say what was done.
    async fn mark_handled(
        &self,
        id: DeliveryId,
        now: Timestamp,
        note: &str,
    ) -> Result<(), StoreError>;

    /// Gives the delivery up; `note` says why, for the log page.
    async fn mark_failed(
        &self,
        id: DeliveryId,
        now: Timestamp,
        note: &str,
    ) -> Result<(), StoreError>;

    /// Leaves the delivery pending, to be handed out again at `not_before` at the earliest.
    async fn retry_later(
        &self,
        id: DeliveryId,
        not_before: Timestamp,
        note: &str,
    ) -> Result<(), StoreError>;

    /// Makes a handled or failed delivery pending again, with its attempts forgotten.
    /// [`StoreError::NotFound`] if there is none, [`StoreError::Conflict`] if it is still pending
    /// or its body is no longer kept.
    async fn replay(&self, id: DeliveryId) -> Result<Delivery, StoreError>;

    /// One delivery.
    async fn get(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError>;

    /// The raw body, or `None` when it is no longer kept.
    async fn body(&self, id: DeliveryId) -> Result<Option<Bytes>, StoreError>;

    /// A page of the log, newest first.
    async fn list(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Backlog and failures, for the status page and metrics.
    async fn counts(&self) -> Result<DeliveryCounts, StoreError>;

    /// When the earliest pending delivery that is not claimed may be handed out, so that a
    /// dispatcher knows how long it may wait. `None` when nothing is pending.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Changes its value whenever this process made a delivery pending (append, replay, retry):
    /// wait for it instead of polling.
    fn arrivals(&self) -> tokio::sync::watch::Receiver<u64>;

    /// Removes what the retention rules no longer keep; returns how many bodies and how many
    /// rows went. Pending deliveries always stay.
    async fn prune(&self, now: Timestamp) -> Result<(u64, u64), StoreError>;
}
