use std::time::Duration;

use async_trait::async_trait;
use go_compat::Timestamp;

use super::limit_arg;
use crate::db::{Readers, Row, args};
use crate::log::MAX_RUN_PINS;
use crate::writer::Writer;
use crate::{LogPin, LogPinStore, StoreError};

/// Pins are kept longer than the history of runs.
const PIN_RETENTION: Duration = Duration::from_secs(800 * 24 * 3600);

pub(crate) struct SqlLogPins {
    writer: Writer,
    readers: Readers,
}

impl SqlLogPins {
    pub(crate) fn new(writer: Writer, readers: Readers) -> SqlLogPins {
        SqlLogPins { writer, readers }
    }
}

#[async_trait]
impl LogPinStore for SqlLogPins {
    async fn of_run(&self, run: &str) -> Result<Vec<LogPin>, StoreError> {
        let sql = "SELECT id, run, first_line, last_line, note, who, at_ms FROM log_pins \
                   WHERE run = $1 ORDER BY first_line, last_line LIMIT $2";
        let rows = self.readers.fetch(sql, args![run, limit_arg(MAX_RUN_PINS)]).await?;
        rows.iter().map(pin_of).collect()
    }

    async fn pin(&self, pin: LogPin) -> Result<i64, StoreError> {
        let bytes = 256 + pin.note.len();
        let LogPin { run, first_line, last_line, note, who, at_ms, .. } = pin;
        self.writer
            .run(bytes, move |conn| {
                Box::pin(async move {
                    // One statement, so that two people at once cannot pass the limit together.
                    let sql = "INSERT INTO log_pins \
                               (run, first_line, last_line, note, who, at_ms) \
                               SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT COUNT(*) FROM log_pins \
                               WHERE run = $1 AND NOT (first_line = $2 AND last_line = $3)) < $7 \
                               ON CONFLICT (run, first_line, last_line) DO UPDATE SET \
                               note = excluded.note, who = excluded.who, at_ms = excluded.at_ms \
                               RETURNING id";
                    let limit = limit_arg(MAX_RUN_PINS);
                    let args = args![run, first_line, last_line, note, who, at_ms, limit];
                    match conn.fetch(sql, args).await?.first() {
                        Some(row) => row.int(0),
                        None => Err(StoreError::Conflict(format!(
                            "the run has {MAX_RUN_PINS} pins already"
                        ))),
                    }
                })
            })
            .await
    }

    async fn unpin(&self, run: &str, id: i64) -> Result<bool, StoreError> {
        let run = run.to_owned();
        self.writer
            .run(64, move |conn| {
                Box::pin(async move {
                    let sql = "DELETE FROM log_pins WHERE run = $1 AND id = $2";
                    Ok(conn.execute(sql, args![run, id]).await? > 0)
                })
            })
            .await
    }

    async fn prune(&self, now: Timestamp) -> Result<u64, StoreError> {
        let old = now.saturating_sub(PIN_RETENTION).millis();
        self.writer
            .run(1, move |conn| {
                Box::pin(async move {
                    conn.execute("DELETE FROM log_pins WHERE at_ms < $1", args![old]).await
                })
            })
            .await
    }
}

fn pin_of(row: &Row) -> Result<LogPin, StoreError> {
    Ok(LogPin {
        id: row.int(0)?,
        run: row.text(1)?,
        first_line: row.int(2)?,
        last_line: row.int(3)?,
        note: row.text(4)?,
        who: row.text(5)?,
        at_ms: row.int(6)?,
    })
}
