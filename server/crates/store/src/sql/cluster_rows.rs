use async_trait::async_trait;

use super::limit_arg;
use crate::db::{Conn, Readers, Row, args};
use crate::writer::Writer;
use crate::{ClusterRow, ClusterRows, RowChange, RowKey, StoreError};

pub(crate) struct SqlClusterRows {
    writer: Writer,
    readers: Readers,
}

impl SqlClusterRows {
    pub(crate) fn new(writer: Writer, readers: Readers) -> SqlClusterRows {
        SqlClusterRows { writer, readers }
    }
}

#[async_trait]
impl ClusterRows for SqlClusterRows {
    async fn highest_version(&self) -> Result<i64, StoreError> {
        let sql = "SELECT MAX(version) FROM cluster_version";
        let row = self.readers.fetch_optional(sql, args![]).await?;
        Ok(row.map(|row| row.opt_int(0)).transpose()?.flatten().unwrap_or(0))
    }

    async fn page(
        &self,
        build_cluster: &str,
        kind: &str,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<ClusterRow>, StoreError> {
        let (namespace, name) =
            after.map_or(("", ""), |key| (key.namespace.as_str(), key.name.as_str()));
        let sql = "SELECT build_cluster, kind, namespace, name, version, object FROM cluster_rows \
                   WHERE build_cluster = $1 AND kind = $2 AND (namespace, name) > ($3, $4) \
                   ORDER BY namespace, name LIMIT $5";
        let args = args![build_cluster, kind, namespace, name, limit_arg(limit)];
        let rows = self.readers.fetch(sql, args).await?;
        rows.iter().map(row_of).collect()
    }

    async fn build_clusters(&self, kind: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT build_cluster FROM cluster_rows WHERE kind = $1 ORDER BY 1";
        self.readers.fetch(sql, args![kind]).await?.iter().map(|row| row.text(0)).collect()
    }

    async fn get(&self, key: &RowKey) -> Result<Option<ClusterRow>, StoreError> {
        let sql = "SELECT build_cluster, kind, namespace, name, version, object FROM cluster_rows \
                   WHERE build_cluster = $1 AND kind = $2 AND namespace = $3 AND name = $4";
        let args = args![
            key.build_cluster.as_str(),
            key.kind.as_str(),
            key.namespace.as_str(),
            key.name.as_str()
        ];
        self.readers.fetch_optional(sql, args).await?.as_ref().map(row_of).transpose()
    }

    async fn write(&self, changes: Vec<RowChange>) -> Result<(), StoreError> {
        let Some(highest) = changes.iter().map(version_of).max() else {
            return Ok(());
        };
        let bytes = changes.iter().map(size_of_change).sum();
        self.writer
            .run_guarded(bytes, move |conn| {
                Box::pin(async move {
                    for change in changes {
                        apply(conn, change).await?;
                    }
                    let sql = "UPDATE cluster_version SET version = $1 WHERE version < $1";
                    conn.execute(sql, args![highest]).await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn apply(conn: &mut Conn, change: RowChange) -> Result<(), StoreError> {
    let (key, touched) = match change {
        RowChange::Insert(ClusterRow { key, version, object }) => {
            let sql = "INSERT INTO cluster_rows \
                       (build_cluster, kind, namespace, name, version, object) \
                       VALUES ($1, $2, $3, $4, $5, $6) \
                       ON CONFLICT (build_cluster, kind, namespace, name) DO NOTHING";
            let RowKey { build_cluster, kind, namespace, name } = key.clone();
            let args = args![build_cluster, kind, namespace, name, version, object];
            (key, conn.execute(sql, args).await?)
        }
        RowChange::Update { row: ClusterRow { key, version, object }, previous } => {
            let sql = "UPDATE cluster_rows SET version = $5, object = $6 \
                       WHERE build_cluster = $1 AND kind = $2 AND namespace = $3 AND name = $4 \
                       AND version = $7";
            let RowKey { build_cluster, kind, namespace, name } = key.clone();
            let args = args![build_cluster, kind, namespace, name, version, object, previous];
            (key, conn.execute(sql, args).await?)
        }
        RowChange::Delete { key, previous, .. } => {
            let sql = "DELETE FROM cluster_rows \
                       WHERE build_cluster = $1 AND kind = $2 AND namespace = $3 AND name = $4 \
                       AND version = $5";
            let RowKey { build_cluster, kind, namespace, name } = key.clone();
            let args = args![build_cluster, kind, namespace, name, previous];
            (key, conn.execute(sql, args).await?)
        }
    };
    if touched == 1 {
        return Ok(());
    }
    Err(StoreError::Conflict(format!(
        "the row of {} {}/{} is not as this server left it: another server writes to the same \
         database; stop one of them",
        key.kind, key.namespace, key.name
    )))
}

fn version_of(change: &RowChange) -> i64 {
    match change {
        RowChange::Insert(row) | RowChange::Update { row, .. } => row.version,
        RowChange::Delete { version, .. } => *version,
    }
}

fn size_of_change(change: &RowChange) -> usize {
    match change {
        RowChange::Insert(row) | RowChange::Update { row, .. } => row.object.len() + 256,
        RowChange::Delete { .. } => 256,
    }
}

fn row_of(row: &Row) -> Result<ClusterRow, StoreError> {
    Ok(ClusterRow {
        key: RowKey {
            build_cluster: row.text(0)?,
            kind: row.text(1)?,
            namespace: row.text(2)?,
            name: row.text(3)?,
        },
        version: row.int(4)?,
        object: row.text(5)?,
    })
}
