use std::time::Duration;

use async_trait::async_trait;
use go_compat::Timestamp;

use super::{Conditions, limit_arg};
use crate::db::{Readers, Row, args};
use crate::writer::Writer;
use crate::{AuditEntry, AuditFilter, AuditRow, AuditStore, StoreError};

/// Entries are kept this long.
const AUDIT_RETENTION: Duration = Duration::from_secs(400 * 24 * 3600);

/// Entries that one page may have.
const MAX_PAGE: usize = 1_000;

pub(crate) struct SqlAudit {
    writer: Writer,
    readers: Readers,
}

impl SqlAudit {
    pub(crate) fn new(writer: Writer, readers: Readers) -> SqlAudit {
        SqlAudit { writer, readers }
    }
}

#[async_trait]
impl AuditStore for SqlAudit {
    async fn record(&self, entry: AuditEntry) -> Result<i64, StoreError> {
        let bytes = entry.detail.len() + 256;
        let AuditEntry { at, who, action, target, result, detail } = entry;
        self.writer
            .run(bytes, move |conn| {
                Box::pin(async move {
                    let sql = "INSERT INTO audit (at_ms, who, action, target, result, detail) \
                               VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
                    let args = args![at.millis(), who, action, target, result, detail];
                    let rows = conn.fetch(sql, args).await?;
                    rows.first().map_or(Ok(0), |row| row.int(0))
                })
            })
            .await
    }

    async fn list(&self, filter: &AuditFilter, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        let mut where_ = Conditions::default();
        where_.equal("who", filter.who.as_deref());
        where_.equal("action", filter.action.as_deref());
        where_.equal("target", filter.target.as_deref());
        if let Some(before) = filter.before {
            let before = where_.arg(before);
            where_.push(format!("id < {before}"));
        }
        let limit = where_.arg(limit_arg(limit.min(MAX_PAGE)));
        let sql = format!(
            "SELECT id, at_ms, who, action, target, result, detail FROM audit {} \
             ORDER BY id DESC LIMIT {limit}",
            where_.clause()
        );
        self.readers.fetch(sql, where_.args).await?.iter().map(row_of).collect()
    }

    async fn prune(&self, now: Timestamp) -> Result<u64, StoreError> {
        let old = now.saturating_sub(AUDIT_RETENTION).millis();
        self.writer
            .run(1, move |conn| {
                Box::pin(async move {
                    conn.execute("DELETE FROM audit WHERE at_ms < $1", args![old]).await
                })
            })
            .await
    }
}

fn row_of(row: &Row) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        id: row.int(0)?,
        entry: AuditEntry {
            at: Timestamp::from_millis(row.int(1)?),
            who: row.text(2)?,
            action: row.text(3)?,
            target: row.text(4)?,
            result: row.text(5)?,
            detail: row.text(6)?,
        },
    })
}
