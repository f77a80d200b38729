use std::time::Duration;

use async_trait::async_trait;
use go_compat::Timestamp;

use super::{Conditions, limit_arg};
use crate::db::{Readers, Row, args};
use crate::writer::Writer;
use crate::{MailEntry, MailFilter, MailRow, MailStore, StoreError};

/// Entries are kept this long.
const MAIL_RETENTION: Duration = Duration::from_secs(100 * 24 * 3600);

/// Entries that one page may have.
const MAX_PAGE: usize = 1_000;

pub(crate) struct SqlMails {
    writer: Writer,
    readers: Readers,
}

impl SqlMails {
    pub(crate) fn new(writer: Writer, readers: Readers) -> SqlMails {
        SqlMails { writer, readers }
    }
}

#[async_trait]
impl MailStore for SqlMails {
    async fn record(&self, entry: MailEntry) -> Result<i64, StoreError> {
        let bytes = entry.body.len() + entry.result.len() + 512;
        let MailEntry { at, dashboard, tab, kind, recipients, subject, body, result } = entry;
        self.writer
            .run(bytes, move |conn| {
                Box::pin(async move {
                    let sql = "INSERT INTO grid_mails \
                               (at_ms, dashboard, tab, kind, recipients, subject, body, result) \
                               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id";
                    let at = at.millis();
                    let args = args![at, dashboard, tab, kind, recipients, subject, body, result];
                    let rows = conn.fetch(sql, args).await?;
                    rows.first().map_or(Ok(0), |row| row.int(0))
                })
            })
            .await
    }

    async fn list(&self, filter: &MailFilter, limit: usize) -> Result<Vec<MailRow>, StoreError> {
        let mut where_ = Conditions::default();
        where_.equal("dashboard", filter.dashboard.as_deref());
        where_.equal("tab", filter.tab.as_deref());
        if let Some(before) = filter.before {
            let before = where_.arg(before);
            where_.push(format!("id < {before}"));
        }
        let limit = where_.arg(limit_arg(limit.min(MAX_PAGE)));
        let sql = format!(
            "SELECT id, at_ms, dashboard, tab, kind, recipients, subject, body, result \
             FROM grid_mails {} ORDER BY id DESC LIMIT {limit}",
            where_.clause()
        );
        self.readers.fetch(sql, where_.args).await?.iter().map(row_of).collect()
    }

    async fn prune(&self, now: Timestamp) -> Result<u64, StoreError> {
        let old = now.saturating_sub(MAIL_RETENTION).millis();
        self.writer
            .run(1, move |conn| {
                Box::pin(async move {
                    conn.execute("DELETE FROM grid_mails WHERE at_ms < $1", args![old]).await
                })
            })
            .await
    }
}

fn row_of(row: &Row) -> Result<MailRow, StoreError> {
    Ok(MailRow {
        id: row.int(0)?,
        entry: MailEntry {
            at: Timestamp::from_millis(row.int(1)?),
            dashboard: row.text(2)?,
            tab: row.text(3)?,
            kind: row.text(4)?,
            recipients: row.text(5)?,
            subject: row.text(6)?,
            body: row.text(7)?,
            result: row.text(8)?,
        },
    })
}
