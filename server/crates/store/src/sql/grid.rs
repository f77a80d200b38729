use std::collections::HashSet;

use async_trait::async_trait;

use super::grid_names::{self, chunks};
use super::{Conditions, limit_arg, value_groups};
use crate::db::{Arg, Conn, Readers, Row, args};
use crate::writer::Writer;
use crate::{
    GridBuildKey, GridBuildRow, GridCursor, GridGroupRow, GridStore, GridSummaryRow, RowSearch,
    StoreError,
};

/// The group of a statement whose first argument is its name.
const GROUP_ID: &str = "(SELECT id FROM grid_groups WHERE name = $1)";

const KEY_COLUMNS: &str = "object, build, started_ms, running, read_ms";

/// Builds that one statement stores.
const BUILDS_PER_STATEMENT: usize = 32;

const NEWEST_FIRST: &str = "ORDER BY started_ms DESC, object DESC";

pub(crate) struct SqlGrids {
    writer: Writer,
    readers: Readers,
}

impl SqlGrids {
    pub(crate) fn new(writer: Writer, readers: Readers) -> SqlGrids {
        SqlGrids { writer, readers }
    }

    /// Keys of a group's builds, newest first.
    async fn keys(
        &self,
        group: &str,
        condition: &str,
        limit: usize,
    ) -> Result<Vec<GridBuildKey>, StoreError> {
        let sql = format!(
            "SELECT {KEY_COLUMNS} FROM grid_builds WHERE group_id = {GROUP_ID} {condition} \
             {NEWEST_FIRST} LIMIT $2"
        );
        self.readers.fetch(sql, args![group, limit_arg(limit)]).await?.iter().map(key_of).collect()
    }
}

#[async_trait]
impl GridStore for SqlGrids {
    async fn put_builds(
        &self,
        group: &str,
        first_row: u32,
        new_rows: Vec<String>,
        builds: Vec<GridBuildRow>,
    ) -> Result<(), StoreError> {
        let names = new_rows.iter().map(|name| name.len() + 64).sum::<usize>();
        let bytes = builds.iter().map(|build| build.column.len() + 256).sum::<usize>() + names;
        let group = group.to_string();
        self.writer
            .run_guarded(bytes, move |conn| {
                Box::pin(async move {
                    let group_id = make_group(conn, &group).await?;
                    add_rows(conn, &group, group_id, first_row, new_rows).await?;
                    put_builds(conn, group_id, builds).await
                })
            })
            .await
    }

    async fn row_names(&self, group: &str) -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "SELECT t.name FROM grid_rows r JOIN grid_tests t ON t.id = r.test_id \
             WHERE r.group_id = {GROUP_ID} ORDER BY r.number"
        );
        self.readers.fetch(sql, args![group]).await?.iter().map(|row| row.text(0)).collect()
    }

    async fn builds(
        &self,
        group: &str,
        since_ms: i64,
        before: Option<&GridCursor>,
        limit: usize,
    ) -> Result<Vec<GridBuildRow>, StoreError> {
        let mut where_ = Conditions::default();
        where_.arg(group);
        where_.push(format!("group_id = {GROUP_ID}"));
        let since = where_.arg(since_ms);
        where_.push(format!("started_ms >= {since}"));
        if let Some(GridCursor { started_ms, object }) = before {
            let started = where_.arg(*started_ms);
            let object = where_.arg(object.as_str());
            // The first half lets the index skip what lies before the cursor.
            where_.push(format!(
                "started_ms <= {started} AND (started_ms < {started} OR object < {object})"
            ));
        }
        let limit = where_.arg(limit_arg(limit));
        let sql = format!(
            "SELECT {KEY_COLUMNS}, cells FROM grid_builds {} {NEWEST_FIRST} LIMIT {limit}",
            where_.clause()
        );
        self.readers.fetch(sql, where_.args).await?.iter().map(build_of).collect()
    }

    async fn builds_of(
        &self,
        group: &str,
        objects: &[String],
    ) -> Result<Vec<GridBuildRow>, StoreError> {
        let mut builds = Vec::with_capacity(objects.len());
        for objects in chunks(objects) {
            let mut where_ = Conditions::default();
            where_.arg(group);
            where_.push(format!("group_id = {GROUP_ID}"));
            where_.one_of("object", objects);
            let sql = format!("SELECT {KEY_COLUMNS}, cells FROM grid_builds {}", where_.clause());
            for row in self.readers.fetch(sql, where_.args).await? {
                builds.push(build_of(&row)?);
            }
        }
        builds.sort_by(|a, b| {
            (b.key.started_ms, &b.key.object).cmp(&(a.key.started_ms, &a.key.object))
        });
        builds.dedup_by(|a, b| a.key.object == b.key.object);
        Ok(builds)
    }

    async fn build_keys(&self, group: &str) -> Result<Vec<GridBuildKey>, StoreError> {
        self.keys(group, "", usize::MAX).await
    }

    async fn newest(&self, group: &str, limit: usize) -> Result<Vec<GridBuildKey>, StoreError> {
        self.keys(group, "", limit).await
    }

    async fn unfinished(&self, group: &str) -> Result<Vec<GridBuildKey>, StoreError> {
        self.keys(group, "AND running = 1", usize::MAX).await
    }

    async fn unread(&self, group: &str) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT COUNT(*) FROM grid_builds WHERE group_id = {GROUP_ID} AND length(cells) = 0"
        );
        let rows = self.readers.fetch(sql, args![group]).await?;
        let count = rows.first().map(|row| row.int(0)).transpose()?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    async fn remove_group(&self, group: &str) -> Result<(), StoreError> {
        let group = group.to_string();
        self.writer
            .run_guarded(1, move |conn| {
                Box::pin(async move {
                    let sql = "SELECT id FROM grid_groups WHERE name = $1";
                    let rows = conn.fetch(sql, args![group]).await?;
                    let Some(id) = rows.first().map(|row| row.int(0)).transpose()? else {
                        return Ok(());
                    };
                    let unused = grid_names::used_only_by(conn, id).await?;
                    for sql in [
                        "DELETE FROM grid_rows WHERE group_id = $1",
                        "DELETE FROM grid_builds WHERE group_id = $1",
                        "DELETE FROM grid_groups WHERE id = $1",
                    ] {
                        conn.execute(sql, args![id]).await?;
                    }
                    grid_names::remove(conn, &unused).await
                })
            })
            .await
    }

    async fn groups(&self) -> Result<Vec<GridGroupRow>, StoreError> {
        let sql = "SELECT name, config, updated_ms, swept_ms, error, error_ms \
                   FROM grid_groups ORDER BY name";
        let rows = self.readers.fetch(sql, args![]).await?;
        rows.iter()
            .map(|row| {
                Ok(GridGroupRow {
                    group: row.text(0)?,
                    config: row.bytes(1)?,
                    updated_ms: row.int(2)?,
                    swept_ms: row.int(3)?,
                    error: row.text(4)?,
                    error_ms: row.opt_int(5)?,
                })
            })
            .collect()
    }

    async fn put_group(&self, group: GridGroupRow) -> Result<(), StoreError> {
        self.writer
            .run_guarded(group.config.len() + group.error.len() + 256, move |conn| {
                Box::pin(async move {
                    let GridGroupRow { group, config, updated_ms, swept_ms, error, error_ms } =
                        group;
                    let sql = "INSERT INTO grid_groups \
                               (name, config, updated_ms, swept_ms, error, error_ms) \
                               VALUES ($1, $2, $3, $4, $5, $6) \
                               ON CONFLICT (name) DO UPDATE SET config = excluded.config, \
                               updated_ms = excluded.updated_ms, swept_ms = excluded.swept_ms, \
                               error = excluded.error, error_ms = excluded.error_ms";
                    let args = args![group, config, updated_ms, swept_ms, error, error_ms];
                    conn.execute(sql, args).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn put_summaries(&self, summaries: Vec<GridSummaryRow>) -> Result<(), StoreError> {
        let bytes = summaries.iter().map(|row| row.summary.len() + 128).sum();
        self.writer
            .run_guarded(bytes, move |conn| {
                Box::pin(async move {
                    for GridSummaryRow { dashboard, tab, summary } in summaries {
                        let sql = "INSERT INTO grid_summaries (dashboard, tab, summary) \
                                   VALUES ($1, $2, $3) ON CONFLICT (dashboard, tab) \
                                   DO UPDATE SET summary = excluded.summary";
                        conn.execute(sql, args![dashboard, tab, summary]).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn summaries(&self) -> Result<Vec<GridSummaryRow>, StoreError> {
        let sql = "SELECT dashboard, tab, summary FROM grid_summaries ORDER BY dashboard, tab";
        let rows = self.readers.fetch(sql, args![]).await?;
        rows.iter()
            .map(|row| {
                let (dashboard, tab) = (row.text(0)?, row.text(1)?);
                Ok(GridSummaryRow { dashboard, tab, summary: row.bytes(2)? })
            })
            .collect()
    }

    async fn remove_summaries(&self, tabs: Vec<(String, String)>) -> Result<(), StoreError> {
        self.writer
            .run_guarded(tabs.len() * 128, move |conn| {
                Box::pin(async move {
                    for (dashboard, tab) in tabs {
                        let sql = "DELETE FROM grid_summaries WHERE dashboard = $1 AND tab = $2";
                        conn.execute(sql, args![dashboard, tab]).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn search_rows(&self, words: &[String], limit: usize) -> Result<RowSearch, StoreError> {
        grid_names::search(&self.readers, words, limit).await
    }

    async fn groups_of_row(&self, name: &str) -> Result<Vec<String>, StoreError> {
        grid_names::groups_of(&self.readers, name).await
    }
}

/// The number of a group, which is made if it is missing.
async fn make_group(conn: &mut Conn, group: &str) -> Result<i64, StoreError> {
    let sql =
        "INSERT INTO grid_groups (name, config) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    conn.execute(sql, args![group, Vec::new()]).await?;
    let rows = conn.fetch("SELECT id FROM grid_groups WHERE name = $1", args![group]).await?;
    match rows.first() {
        Some(row) => row.int(0),
        None => Err(StoreError::Conflict(format!(
            "the test group `{group}` went away while its builds were written; read them again"
        ))),
    }
}

async fn add_rows(
    conn: &mut Conn,
    group: &str,
    group_id: i64,
    first_row: u32,
    names: Vec<String>,
) -> Result<(), StoreError> {
    let sql = "SELECT MAX(number) FROM grid_rows WHERE group_id = $1";
    let last = conn.fetch(sql, args![group_id]).await?;
    let last = last.first().map(|row| row.opt_int(0)).transpose()?.flatten();
    let count = last.map_or(0, |last| last + 1);
    if count != i64::from(first_row) {
        return Err(StoreError::Conflict(format!(
            "the test group `{group}` has {count} rows and not {first_row}, as somebody else has \
             written to it: read its rows again and repeat"
        )));
    }
    let ids = grid_names::intern(conn, names).await?;
    let mut number = count;
    for ids in chunks(&ids) {
        let mut values: Vec<Arg> = Vec::with_capacity(ids.len() * 3);
        for id in ids {
            values.extend(args![group_id, number, *id]);
            number += 1;
        }
        let groups = value_groups(conn.dialect(), ids.len(), 3);
        let sql = format!("INSERT INTO grid_rows (group_id, number, test_id) VALUES {groups}");
        conn.execute(sql, values).await?;
    }
    Ok(())
}

/// Stores builds; of several with one object the last.
async fn put_builds(
    conn: &mut Conn,
    group_id: i64,
    builds: Vec<GridBuildRow>,
) -> Result<(), StoreError> {
    let mut objects: HashSet<String> = HashSet::with_capacity(builds.len());
    // One statement may not touch a row twice.
    let mut builds: Vec<GridBuildRow> =
        builds.into_iter().rev().filter(|build| objects.insert(build.key.object.clone())).collect();
    while !builds.is_empty() {
        let some = builds.split_off(builds.len().saturating_sub(BUILDS_PER_STATEMENT));
        let groups = value_groups(conn.dialect(), some.len(), 7);
        let sql = format!(
            "INSERT INTO grid_builds \
             (group_id, object, build, started_ms, running, read_ms, cells) VALUES {groups} \
             ON CONFLICT (group_id, object) DO UPDATE SET build = excluded.build, \
             started_ms = excluded.started_ms, running = excluded.running, \
             read_ms = excluded.read_ms, cells = excluded.cells"
        );
        let mut values: Vec<Arg> = Vec::with_capacity(some.len() * 7);
        for GridBuildRow { key, column } in some {
            let GridBuildKey { object, build, started_ms, running, read_ms } = key;
            let running = i64::from(running);
            values.extend(args![group_id, object, build, started_ms, running, read_ms, column]);
        }
        conn.execute(sql, values).await?;
    }
    Ok(())
}

fn key_of(row: &Row) -> Result<GridBuildKey, StoreError> {
    Ok(GridBuildKey {
        object: row.text(0)?,
        build: row.text(1)?,
        started_ms: row.int(2)?,
        running: row.int(3)? != 0,
        read_ms: row.int(4)?,
    })
}

fn build_of(row: &Row) -> Result<GridBuildRow, StoreError> {
    Ok(GridBuildRow { key: key_of(row)?, column: row.bytes(5)? })
}
