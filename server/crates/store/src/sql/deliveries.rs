use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use go_compat::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::{Conditions, limit_arg};
use crate::db::{Conn, Dialect, Readers, Row, args};
use crate::writer::Writer;
use crate::{
    Appended, Claim, Delivery, DeliveryCounts, DeliveryFilter, DeliveryId, DeliveryStatus,
    DeliveryStore, MAX_DELIVERY_ATTEMPTS, NewDelivery, StoreError,
};

/// Bodies of handled deliveries are kept this long for replay and for the log page. GitHub's own
/// redelivery ends after 3 days.
const BODY_RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

/// Handled and failed deliveries stay in the log this long.
const DELIVERY_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Bodies of the newest so many deliveries are kept at most, however young the others are:
/// about 1 GB at 5 KB each after compression.
const MAX_KEPT_BODIES: i64 = 200_000;

/// Rows removed per transaction, so that webhooks do not wait for the sweeper.
const PRUNE_CHUNK: usize = 500;

/// Rows of the log that one page may have.
const MAX_PAGE: usize = 1_000;

/// The longest sender's id that is kept; GitHub's are 36 characters.
const MAX_DELIVERY_ID: usize = 256;

/// Bodies above this size are compressed off the event loop (about 1 ms at this size).
const COMPRESS_INLINE_BYTES: usize = 256 << 10;

/// Fast compression: webhook JSON shrinks to a fifth at about 400 MB/s.
const COMPRESSION_LEVEL: i32 = 1;

const COLUMNS: &str = "id, delivery_id, event, repository, headers, body_bytes, body_sha256, \
     received_ms, status, attempts, replays, finished_ms, note, \
     CAST(CASE WHEN EXISTS (SELECT 1 FROM delivery_bodies b WHERE b.id = deliveries.id) \
     THEN 1 ELSE 0 END AS BIGINT)";

const POISONED: &str = "given up: it was handed out again and again without being finished, so it \
     may take the server down; replay it to try once more";

pub(crate) struct SqlDeliveries {
    writer: Writer,
    readers: Readers,
    arrivals: watch::Sender<u64>,
    /// Rows of the journal: counted when it is opened and after each sweep, and kept up between,
    /// for counting them anew takes as long as there are many.
    total: AtomicU64,
}

impl SqlDeliveries {
    pub(crate) fn new(writer: Writer, readers: Readers) -> SqlDeliveries {
        SqlDeliveries { writer, readers, arrivals: watch::Sender::new(0), total: AtomicU64::new(0) }
    }

    /// Takes all claims back: their holders died with the process before this one.
    pub(crate) async fn end_all_claims(&self) -> Result<(), StoreError> {
        let claimed = "SELECT 1 FROM deliveries WHERE status = 0 AND claimed = 1 LIMIT 1";
        if self.readers.fetch_optional(claimed, args![]).await?.is_none() {
            // A full disk must not keep the server from starting.
            return Ok(());
        }
        let sql = "UPDATE deliveries SET claimed = 0, due_ms = 0 WHERE status = 0 AND claimed = 1";
        let done = self
            .writer
            .run(1, move |conn| Box::pin(async move { conn.execute(sql, args![]).await }))
            .await?;
        tracing::info!(
            store.deliveries = done,
            "{done} deliveries were being handled when the server ended; they are pending again"
        );
        Ok(())
    }

    /// Counts the rows of the journal.
    pub(crate) async fn count_all(&self) -> Result<(), StoreError> {
        let row = self.readers.fetch_optional("SELECT COUNT(*) FROM deliveries", args![]).await?;
        let count = row.map(|row| row.int(0)).transpose()?.unwrap_or_default();
        self.total.store(count.max(0) as u64, Ordering::Relaxed);
        Ok(())
    }

    fn announce(&self) {
        self.arrivals.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Sets a pending delivery's end.
    async fn finish(
        &self,
        id: DeliveryId,
        status: DeliveryStatus,
        now: Timestamp,
        note: &str,
    ) -> Result<(), StoreError> {
        let args = args![id.0, status_code(status), now.millis(), note];
        self.update_pending(
            id,
            "UPDATE deliveries SET status = $2, finished_ms = $3, note = $4, claimed = 0 \
             WHERE id = $1 AND status = 0",
            args,
        )
        .await
    }

    /// Runs an update of one pending delivery. A delivery that is no longer pending stays as it
    /// is: somebody else finished it after the caller's claim had ended.
    async fn update_pending(
        &self,
        id: DeliveryId,
        sql: &'static str,
        args: Vec<crate::db::Arg>,
    ) -> Result<(), StoreError> {
        self.writer
            .run(256, move |conn| {
                Box::pin(async move {
                    if conn.execute(sql, args).await? == 0 {
                        let there = "SELECT 1 FROM deliveries WHERE id = $1";
                        if conn.fetch(there, args![id.0]).await?.is_empty() {
                            return Err(unknown(id));
                        }
                    }
                    Ok(())
                })
            })
            .await
    }
}

#[async_trait]
impl DeliveryStore for SqlDeliveries {
    async fn append(&self, delivery: NewDelivery) -> Result<Appended, StoreError> {
        if delivery.delivery_id.len() > MAX_DELIVERY_ID {
            return Err(StoreError::Invalid(format!(
                "the delivery id has {} bytes; at most {MAX_DELIVERY_ID} are allowed",
                delivery.delivery_id.len()
            )));
        }
        let headers = serde_json::to_string(&delivery.headers)
            .map_err(|error| StoreError::Invalid(format!("the headers are not text: {error}")))?;
        let NewDelivery { delivery_id, event, repository, body, received, .. } = delivery;
        let body_bytes = body.len() as i64;
        let (digest, packed) = if body.len() <= COMPRESS_INLINE_BYTES {
            pack(&body)?
        } else {
            tokio::task::spawn_blocking(move || pack(&body))
                .await
                .map_err(|_| StoreError::Closed)??
        };
        let size = packed.len() + headers.len() + 256;
        let appended = self
            .writer
            .run(size, move |conn| {
                Box::pin(async move {
                    let inserted = conn
                        .fetch(
                            "INSERT INTO deliveries \
                             (delivery_id, body_sha256, event, repository, headers, body_bytes, received_ms) \
                             VALUES ($1, $2, $3, $4, $5, $6, $7) \
                             ON CONFLICT (delivery_id, event, body_sha256) DO NOTHING RETURNING id",
                            args![
                                delivery_id.as_str(),
                                digest.clone(),
                                event.as_str(),
                                repository,
                                headers,
                                body_bytes,
                                received.millis()
                            ],
                        )
                        .await?;
                    if let Some(row) = inserted.first() {
                        let id = row.int(0)?;
                        let sql = "INSERT INTO delivery_bodies (id, body) VALUES ($1, $2)";
                        conn.execute(sql, args![id, packed]).await?;
                        return Ok(Appended::New(DeliveryId(id)));
                    }
                    let existing = conn
                        .fetch(
                            "SELECT id, status FROM deliveries \
                             WHERE delivery_id = $1 AND event = $2 AND body_sha256 = $3",
                            args![delivery_id.as_str(), event.as_str(), digest],
                        )
                        .await?;
                    match existing.first() {
                        Some(row) => Ok(Appended::Duplicate {
                            id: DeliveryId(row.int(0)?),
                            status: status_of(row.int(1)?),
                        }),
                        None => Err(StoreError::Conflict(
                            "the same delivery was being removed: send it again".to_string(),
                        )),
                    }
                })
            })
            .await?;
        if let Appended::New(_) = appended {
            self.total.fetch_add(1, Ordering::Relaxed);
            self.announce();
        }
        Ok(appended)
    }

    async fn next_pending(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let due = "SELECT 1 FROM deliveries WHERE status = 0 AND due_ms <= $1 LIMIT 1";
        if limit == 0 || self.readers.fetch_optional(due, args![now.millis()]).await?.is_none() {
            return Ok(Vec::new());
        }
        let until = now.saturating_add(lease);
        let (poisoned, mut claims) = self
            .writer
            .run(256, move |conn| {
                Box::pin(async move {
                    let poisoned = conn
                        .fetch(
                            "UPDATE deliveries \
                             SET status = 2, finished_ms = $1, note = $2, claimed = 0 \
                             WHERE status = 0 AND due_ms <= $1 AND attempts >= $3 RETURNING id",
                            args![now.millis(), POISONED, i64::from(MAX_DELIVERY_ATTEMPTS)],
                        )
                        .await?;
                    let poisoned =
                        poisoned.iter().map(|row| row.int(0)).collect::<Result<Vec<i64>, _>>()?;
                    let skip = match conn.dialect() {
                        Dialect::Sqlite => "",
                        Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
                    };
                    let sql = format!(
                        "UPDATE deliveries SET attempts = attempts + 1, claimed = 1, due_ms = $2 \
                         WHERE id IN (SELECT id FROM deliveries WHERE status = 0 AND due_ms <= $1 \
                         ORDER BY id LIMIT $3 {skip}) RETURNING {COLUMNS}"
                    );
                    let args = args![now.millis(), until.millis(), limit_arg(limit)];
                    let rows = conn.fetch(sql, args).await?;
                    let claims = rows
                        .iter()
                        .map(|row| Ok(Claim { delivery: delivery_of(row)?, until }))
                        .collect::<Result<Vec<Claim>, StoreError>>()?;
                    Ok((poisoned, claims))
                })
            })
            .await?;
        for id in poisoned {
            tracing::error!(delivery.id = id, "delivery {id} was {POISONED}");
        }
        claims.sort_by_key(|claim| claim.delivery.id);
        Ok(claims)
    }

    async fn renew(&self, id: DeliveryId, until: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE deliveries SET due_ms = $2 WHERE id = $1 AND status = 0 AND claimed = 1";
        self.update_pending(id, sql, args![id.0, until.millis()]).await
    }

    async fn mark_handled(
        &self,
        id: DeliveryId,
        now: Timestamp,
        note: &str,
    ) -> Result<(), StoreError> {
        self.finish(id, DeliveryStatus::Handled, now, note).await
    }

    async fn mark_failed(
        &self,
        id: DeliveryId,
        now: Timestamp,
        note: &str,
    ) -> Result<(), StoreError> {
        self.finish(id, DeliveryStatus::Failed, now, note).await
    }

    async fn retry_later(
        &self,
        id: DeliveryId,
        not_before: Timestamp,
        note: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE deliveries SET claimed = 0, due_ms = $2, note = $3 \
                   WHERE id = $1 AND status = 0";
        self.update_pending(id, sql, args![id.0, not_before.millis(), note]).await?;
        self.announce();
        Ok(())
    }

    async fn replay(&self, id: DeliveryId) -> Result<Delivery, StoreError> {
        let delivery = self
            .writer
            .run(256, move |conn| {
                Box::pin(async move {
                    let before = one(conn, id).await?.ok_or_else(|| unknown(id))?;
                    if before.status == DeliveryStatus::Pending {
                        return Err(StoreError::Conflict(format!(
                            "delivery {} is still pending: it is handled without a replay",
                            id.0
                        )));
                    }
                    if !before.body_kept {
                        return Err(StoreError::Conflict(format!(
                            "the body of delivery {} is no longer kept: ask the sender to \
                             redeliver it",
                            id.0
                        )));
                    }
                    conn.execute(
                        "UPDATE deliveries SET status = 0, attempts = 0, claimed = 0, due_ms = 0, \
                         replays = replays + 1, finished_ms = NULL WHERE id = $1",
                        args![id.0],
                    )
                    .await?;
                    one(conn, id).await?.ok_or_else(|| unknown(id))
                })
            })
            .await?;
        self.announce();
        Ok(delivery)
    }

    async fn get(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE id = $1");
        self.readers.fetch_optional(sql, args![id.0]).await?.as_ref().map(delivery_of).transpose()
    }

    async fn body(&self, id: DeliveryId) -> Result<Option<Bytes>, StoreError> {
        let sql = "SELECT b.body, d.body_bytes, d.body_sha256 FROM delivery_bodies b \
                   JOIN deliveries d ON d.id = b.id WHERE b.id = $1";
        let Some(row) = self.readers.fetch_optional(sql, args![id.0]).await? else {
            return Ok(None);
        };
        let damaged = |detail: String| StoreError::Corrupt {
            place: format!("{} (body of delivery {})", self.readers.place, id.0),
            detail,
        };
        let size = usize::try_from(row.int(1)?)
            .map_err(|_| damaged("its size is not a size".to_string()))?;
        let body = zstd::bulk::decompress(&row.bytes(0)?, size)
            .map_err(|error| damaged(error.to_string()))?;
        if Sha256::digest(&body).as_slice() != row.bytes(2)? {
            return Err(damaged("its checksum does not match".to_string()));
        }
        Ok(Some(body.into()))
    }

    async fn list(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut where_ = Conditions::default();
        if let Some(status) = filter.status {
            // Written out, so that the partial indexes apply.
            where_.push(format!("status = {}", status_code(status)));
        }
        where_.equal("event", filter.event.as_deref());
        where_.equal("repository", filter.repository.as_deref());
        where_.equal("delivery_id", filter.delivery_id.as_deref());
        if let Some(before) = filter.before {
            let before = where_.arg(before.0);
            where_.push(format!("id < {before}"));
        }
        let limit = where_.arg(limit_arg(limit.min(MAX_PAGE)));
        let clause = where_.clause();
        let sql =
            format!("SELECT {COLUMNS} FROM deliveries {clause} ORDER BY id DESC LIMIT {limit}");
        let rows = self.readers.fetch(sql, where_.args).await?;
        rows.iter().map(delivery_of).collect()
    }

    async fn counts(&self) -> Result<DeliveryCounts, StoreError> {
        let sql = "SELECT (SELECT COUNT(*) FROM deliveries WHERE status = 0), \
                   (SELECT COUNT(*) FROM deliveries WHERE status = 2), \
                   (SELECT received_ms FROM deliveries WHERE status = 0 ORDER BY id LIMIT 1)";
        let Some(row) = self.readers.fetch_optional(sql, args![]).await? else {
            return Ok(DeliveryCounts::default());
        };
        Ok(DeliveryCounts {
            pending: row.int(0)?.max(0) as u64,
            failed: row.int(1)?.max(0) as u64,
            total: self.total.load(Ordering::Relaxed),
            oldest_pending: row.opt_int(2)?.map(Timestamp::from_millis),
        })
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT MIN(due_ms) FROM deliveries WHERE status = 0";
        let row = self.readers.fetch_optional(sql, args![]).await?;
        Ok(row.map(|row| row.opt_int(0)).transpose()?.flatten().map(Timestamp::from_millis))
    }

    fn arrivals(&self) -> watch::Receiver<u64> {
        self.arrivals.subscribe()
    }

    async fn prune(&self, now: Timestamp) -> Result<(u64, u64), StoreError> {
        let old_body = now.saturating_sub(BODY_RETENTION).millis();
        let old_row = now.saturating_sub(DELIVERY_RETENTION).millis();
        let bodies = "DELETE FROM delivery_bodies WHERE id IN (SELECT b.id FROM delivery_bodies b \
             JOIN deliveries d ON d.id = b.id WHERE d.status <> 0 AND (d.finished_ms < $1 \
             OR b.id <= (SELECT MAX(id) FROM delivery_bodies) - $2) ORDER BY b.id LIMIT $3)";
        let rows = "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries \
             WHERE status <> 0 AND finished_ms < $1 ORDER BY id LIMIT $2)";
        let mut removed = (0, 0);
        loop {
            let chunk = limit_arg(PRUNE_CHUNK);
            let args = args![old_body, MAX_KEPT_BODIES, chunk];
            let gone = self
                .writer
                .run(1, move |conn| Box::pin(async move { conn.execute(bodies, args).await }))
                .await?;
            removed.0 += gone;
            if gone < PRUNE_CHUNK as u64 {
                break;
            }
        }
        loop {
            let args = args![old_row, limit_arg(PRUNE_CHUNK)];
            let gone = self
                .writer
                .run(1, move |conn| Box::pin(async move { conn.execute(rows, args).await }))
                .await?;
            removed.1 += gone;
            if gone < PRUNE_CHUNK as u64 {
                break;
            }
        }
        // What other processes added to a shared journal is seen here.
        self.count_all().await?;
        Ok(removed)
    }
}

/// Digest of the raw body and the compressed body.
fn pack(body: &[u8]) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
    let packed = zstd::bulk::compress(body, COMPRESSION_LEVEL)
        .map_err(|error| StoreError::Invalid(format!("the body cannot be compressed: {error}")))?;
    Ok((Sha256::digest(body).to_vec(), packed))
}

async fn one(conn: &mut Conn, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE id = $1");
    conn.fetch(sql, args![id.0]).await?.first().map(delivery_of).transpose()
}

fn unknown(id: DeliveryId) -> StoreError {
    StoreError::NotFound(format!("there is no delivery {} in the journal", id.0))
}

fn status_code(status: DeliveryStatus) -> i64 {
    match status {
        DeliveryStatus::Pending => 0,
        DeliveryStatus::Handled => 1,
        DeliveryStatus::Failed => 2,
    }
}

fn status_of(code: i64) -> DeliveryStatus {
    match code {
        0 => DeliveryStatus::Pending,
        1 => DeliveryStatus::Handled,
        _ => DeliveryStatus::Failed,
    }
}

/// Reads a row of [`COLUMNS`].
fn delivery_of(row: &Row) -> Result<Delivery, StoreError> {
    let digest = row.bytes(6)?;
    Ok(Delivery {
        id: DeliveryId(row.int(0)?),
        delivery_id: row.text(1)?,
        event: row.text(2)?,
        repository: row.text(3)?,
        headers: serde_json::from_str(&row.text(4)?).unwrap_or_default(),
        body_bytes: row.int(5)?.max(0) as u64,
        body_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        received: Timestamp::from_millis(row.int(7)?),
        status: status_of(row.int(8)?),
        attempts: u32::try_from(row.int(9)?).unwrap_or(u32::MAX),
        replays: u32::try_from(row.int(10)?).unwrap_or(u32::MAX),
        finished: row.opt_int(11)?.map(Timestamp::from_millis),
        note: row.text(12)?,
        body_kept: row.int(13)? != 0,
    })
}
