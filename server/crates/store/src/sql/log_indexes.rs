use async_trait::async_trait;

use super::limit_arg;
use crate::db::{Readers, args};
use crate::log::MAX_LOG_INDEXES;
use crate::writer::Writer;
use crate::{LogIndexRow, LogIndexStore, StoreError};

pub(crate) struct SqlLogIndexes {
    writer: Writer,
    readers: Readers,
}

impl SqlLogIndexes {
    pub(crate) fn new(writer: Writer, readers: Readers) -> SqlLogIndexes {
        SqlLogIndexes { writer, readers }
    }
}

#[async_trait]
impl LogIndexStore for SqlLogIndexes {
    async fn get(&self, uri: &str) -> Result<Option<LogIndexRow>, StoreError> {
        let sql = "SELECT uri, version, made_ms, lines, folds, highlights, errors \
                   FROM log_indexes WHERE uri = $1";
        let Some(row) = self.readers.fetch_optional(sql, args![uri]).await? else {
            return Ok(None);
        };
        Ok(Some(LogIndexRow {
            uri: row.text(0)?,
            version: row.text(1)?,
            made_ms: row.int(2)?,
            lines: row.bytes(3)?,
            folds: row.bytes(4)?,
            highlights: row.text(5)?,
            errors: row.bytes(6)?,
        }))
    }

    async fn put(&self, row: LogIndexRow) -> Result<(), StoreError> {
        let bytes = 512 + row.lines.len() + row.folds.len() + row.errors.len();
        let LogIndexRow { uri, version, made_ms, lines, folds, highlights, errors } = row;
        self.writer
            .run(bytes, move |conn| {
                Box::pin(async move {
                    let sql = "INSERT INTO log_indexes \
                               (uri, version, made_ms, lines, folds, highlights, errors) \
                               VALUES ($1, $2, $3, $4, $5, $6, $7) \
                               ON CONFLICT (uri) DO UPDATE SET version = excluded.version, \
                               made_ms = excluded.made_ms, lines = excluded.lines, \
                               folds = excluded.folds, highlights = excluded.highlights, \
                               errors = excluded.errors";
                    let args = args![uri, version, made_ms, lines, folds, highlights, errors];
                    conn.execute(sql, args).await?;
                    let sql = "DELETE FROM log_indexes WHERE uri IN (SELECT uri FROM log_indexes \
                               ORDER BY made_ms DESC, uri LIMIT 1000000 OFFSET $1)";
                    conn.execute(sql, args![limit_arg(MAX_LOG_INDEXES)]).await?;
                    Ok(())
                })
            })
            .await
    }
}
