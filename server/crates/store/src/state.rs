//! Small JSON values that components keep over a restart.

use async_trait::async_trait;
use serde_json::Value;

use crate::StoreError;

/// Keys are `component/name`, such as `horologium/last-fire/ci-unit`.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The value of a key.
    async fn get(&self, key: &str) -> Result<Option<Value>, StoreError>;

    /// Sets the value of a key; it is on disk when this returns.
    async fn put(&self, key: &str, value: &Value) -> Result<(), StoreError>;

    /// Sets several values at once, all or none.
    async fn put_all(&self, values: Vec<(String, Value)>) -> Result<(), StoreError>;

    /// Forgets a key; forgetting an unknown one is no error.
    async fn remove(&self, key: &str) -> Result<(), StoreError>;

    /// All keys that begin with `prefix`, with their values, in key order.
    async fn list(&self, prefix: &str) -> Result<Vec<(String, Value)>, StoreError>;
}
