use async_trait::async_trait;
use serde_json::Value;

use crate::db::{Readers, args};
use crate::writer::Writer;
use crate::{StateStore, StoreError};

pub(crate) struct SqlState {
    writer: Writer,
    readers: Readers,
}

impl SqlState {
    pub(crate) fn new(writer: Writer, readers: Readers) -> SqlState {
        SqlState { writer, readers }
    }

    fn parse(&self, key: &str, text: &str) -> Result<Value, StoreError> {
        serde_json::from_str(text).map_err(|error| StoreError::Corrupt {
            place: format!("{} (component state `{key}`)", self.readers.place),
            detail: error.to_string(),
        })
    }
}

#[async_trait]
impl StateStore for SqlState {
    async fn get(&self, key: &str) -> Result<Option<Value>, StoreError> {
        let sql = "SELECT value FROM component_state WHERE key = $1";
        match self.readers.fetch_optional(sql, args![key]).await? {
            Some(row) => self.parse(key, &row.text(0)?).map(Some),
            None => Ok(None),
        }
    }

    async fn put(&self, key: &str, value: &Value) -> Result<(), StoreError> {
        self.put_all(vec![(key.to_string(), value.clone())]).await
    }

    async fn put_all(&self, values: Vec<(String, Value)>) -> Result<(), StoreError> {
        let values: Vec<(String, String)> =
            values.into_iter().map(|(key, value)| (key, value.to_string())).collect();
        let bytes = values.iter().map(|(key, value)| key.len() + value.len()).sum();
        self.writer
            .run(bytes, move |conn| {
                Box::pin(async move {
                    for (key, value) in values {
                        let sql = "INSERT INTO component_state (key, value) VALUES ($1, $2) \
                                   ON CONFLICT (key) DO UPDATE SET value = excluded.value";
                        conn.execute(sql, args![key, value]).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let key = key.to_string();
        self.writer
            .run(1, move |conn| {
                Box::pin(async move {
                    conn.execute("DELETE FROM component_state WHERE key = $1", args![key]).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Value)>, StoreError> {
        let sql = "SELECT key, value FROM component_state \
                   WHERE substr(key, 1, length($1)) = $1 ORDER BY key";
        let rows = self.readers.fetch(sql, args![prefix]).await?;
        rows.iter()
            .map(|row| {
                let key = row.text(0)?;
                let value = self.parse(&key, &row.text(1)?)?;
                Ok((key, value))
            })
            .collect()
    }
}
