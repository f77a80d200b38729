use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use go_compat::Timestamp;

use super::run_query::{build_conditions, conditions};
use super::{Conditions, limit_arg, value_groups};
use crate::db::{Arg, Conn, Readers, Row, args};
use crate::writer::Writer;
use crate::{
    BuildQuery, MAX_RUN_PAGE, RunCursor, RunFilter, RunPage, RunPull, RunRow, RunStore, StoreError,
};

/// The newest so many runs are kept: half a year of Kubernetes' 10,000 runs a day. By number and
/// not by age, since an imported history may be old.
const MAX_RUNS: i64 = 2_000_000;

/// Runs written by one statement.
const CHUNK: usize = 100;

/// Runs removed per transaction by the sweeper, and run directories asked for by one statement.
const PRUNE_CHUNK: usize = 500;

/// In the order that [`run_of`] reads and [`insert`] writes.
const COLUMNS: &str = "id, job, job_type, org, repo, base_ref, base_sha, pulls, state, cluster, \
     build_id, context, start_ms, pending_ms, completion_ms, run_dir, url, description, tenant, \
     hidden, refs";

const COLUMN_COUNT: usize = 21;

pub(crate) struct SqlRuns {
    writer: Writer,
    readers: Readers,
}

impl SqlRuns {
    pub(crate) fn new(writer: Writer, readers: Readers) -> SqlRuns {
        SqlRuns { writer, readers }
    }

    async fn one(&self, condition: &str, args: Vec<Arg>) -> Result<Option<RunRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM runs WHERE {condition} ORDER BY start_ms DESC, job, id LIMIT 1"
        );
        self.readers.fetch_optional(sql, args).await?.as_ref().map(run_of).transpose()
    }
}

#[async_trait]
impl RunStore for SqlRuns {
    async fn upsert(&self, rows: Vec<RunRow>) -> Result<(), StoreError> {
        if let Some(row) = rows.iter().find(|row| row.id.is_empty()) {
            return Err(StoreError::Invalid(format!(
                "a run of job `{}` has no id, so it cannot be recorded",
                row.job
            )));
        }
        let rows = without_repetitions(rows);
        if rows.is_empty() {
            return Ok(());
        }
        let bytes = rows.len() * 1_024;
        self.writer
            .run(bytes, move |conn| {
                Box::pin(async move {
                    for chunk in rows.chunks(CHUNK) {
                        write_chunk(conn, chunk).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn get(&self, id: &str) -> Result<Option<RunRow>, StoreError> {
        self.one("id = $1", args![id]).await
    }

    async fn build(&self, job: &str, build_id: &str) -> Result<Option<RunRow>, StoreError> {
        self.one("job = $1 AND build_id = $2", args![job, build_id]).await
    }

    async fn by_run_dir(&self, run_dir: &str) -> Result<Option<RunRow>, StoreError> {
        self.one("run_dir = $1 AND run_dir <> ''", args![run_dir]).await
    }

    async fn by_run_dirs(&self, run_dirs: &[String]) -> Result<Vec<RunRow>, StoreError> {
        let mut all = Vec::new();
        for chunk in run_dirs.chunks(PRUNE_CHUNK) {
            let mut where_ = Conditions::default();
            // The index leaves out runs without a directory.
            where_.push("run_dir <> ''".to_owned());
            where_.one_of("run_dir", chunk);
            let sql = format!("SELECT {COLUMNS} FROM runs {}", where_.clause());
            all.append(&mut read(self.readers.fetch(sql, where_.args).await?)?);
        }
        Ok(all)
    }

    async fn page(
        &self,
        filter: &RunFilter,
        after: Option<&RunCursor>,
        limit: usize,
    ) -> Result<RunPage, StoreError> {
        let limit = limit.clamp(1, MAX_RUN_PAGE);
        let mut where_ = conditions(filter, after, self.readers.dialect());
        let more = where_.arg(limit_arg(limit + 1));
        let sql = format!(
            "SELECT {COLUMNS} FROM runs {} ORDER BY start_ms DESC, job, id LIMIT {more}",
            where_.clause()
        );
        let mut rows = read(self.readers.fetch(sql, where_.args).await?)?;
        let next = match rows.len() > limit {
            true => {
                rows.truncate(limit);
                rows.last().map(|row| RunCursor {
                    start: row.start.unwrap_or(Timestamp::EPOCH),
                    job: row.job.clone(),
                    id: row.id.clone(),
                })
            }
            false => None,
        };
        Ok(RunPage { rows, next })
    }

    async fn newest(&self, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM runs ORDER BY start_ms DESC, job, id LIMIT $1");
        read(self.readers.fetch(sql, args![limit_arg(limit)]).await?)
    }

    async fn last_of_jobs(&self, jobs: &[String], limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM runs WHERE job = $1 ORDER BY start_ms DESC, id LIMIT $2"
        );
        let mut all = Vec::new();
        for job in jobs {
            let args = args![job.as_str(), limit_arg(limit)];
            all.append(&mut read(self.readers.fetch(sql.clone(), args).await?)?);
        }
        Ok(all)
    }

    async fn builds(&self, query: &BuildQuery) -> Result<Vec<RunRow>, StoreError> {
        let mut where_ = build_conditions(query);
        let limit = where_.arg(limit_arg(query.limit.clamp(1, MAX_RUN_PAGE)));
        let order = if query.above.is_some() { "ASC" } else { "DESC" };
        let sql = format!(
            "SELECT {COLUMNS} FROM runs {} ORDER BY length(build_id) {order}, build_id {order} \
             LIMIT {limit}",
            where_.clause()
        );
        read(self.readers.fetch(sql, where_.args).await?)
    }

    async fn count(&self) -> Result<u64, StoreError> {
        let row = self.readers.fetch_optional("SELECT COUNT(*) FROM runs", args![]).await?;
        Ok(row.map(|row| row.int(0)).transpose()?.unwrap_or(0).max(0) as u64)
    }

    async fn remove(&self, ids: Vec<String>) -> Result<(), StoreError> {
        self.writer
            .run(ids.len() * 64, move |conn| {
                Box::pin(async move {
                    for chunk in ids.chunks(PRUNE_CHUNK) {
                        let mut list = Conditions::default();
                        let ids = list.list(chunk);
                        let sql = format!("DELETE FROM runs WHERE id IN ({ids})");
                        conn.execute(sql, list.args).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn prune(&self, _now: Timestamp) -> Result<u64, StoreError> {
        let sql = "DELETE FROM runs WHERE id IN (SELECT id FROM runs \
                   WHERE completion_ms IS NOT NULL ORDER BY start_ms, job, id LIMIT $1)";
        let mut removed = 0;
        let mut surplus = i64::try_from(self.count().await?).unwrap_or(i64::MAX) - MAX_RUNS;
        while surplus > 0 {
            let chunk = surplus.min(limit_arg(PRUNE_CHUNK));
            let gone = self
                .writer
                .run(1, move |conn| Box::pin(async move { conn.execute(sql, args![chunk]).await }))
                .await?;
            if gone == 0 {
                break;
            }
            removed += gone;
            surplus -= chunk;
        }
        Ok(removed)
    }
}

/// One row per id and per run directory: the last one, but never an incomplete one over a
/// complete one.
fn without_repetitions(rows: Vec<RunRow>) -> Vec<RunRow> {
    let mut kept: Vec<RunRow> = Vec::with_capacity(rows.len());
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for row in rows {
        match by_id.get(&row.id) {
            Some(&index) if row.completion.is_none() && kept[index].completion.is_some() => {}
            Some(&index) => kept[index] = row,
            None => {
                by_id.insert(row.id.clone(), kept.len());
                kept.push(row);
            }
        }
    }
    let mut dirs = HashSet::new();
    let mut last_first: Vec<RunRow> = kept
        .into_iter()
        .rev()
        .filter(|row| row.run_dir.is_empty() || dirs.insert(row.run_dir.clone()))
        .collect();
    last_first.reverse();
    last_first
}

async fn write_chunk(conn: &mut Conn, rows: &[RunRow]) -> Result<(), StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let dirs: Vec<String> =
        rows.iter().map(|row| row.run_dir.clone()).filter(|dir| !dir.is_empty()).collect();
    if !dirs.is_empty() {
        let mut where_ = Conditions::default();
        let dirs = where_.list(&dirs);
        let ids = where_.list(&ids);
        let sql = format!(
            "DELETE FROM runs WHERE run_dir <> '' AND run_dir IN ({dirs}) AND id NOT IN ({ids})"
        );
        conn.execute(sql, where_.args).await?;
    }
    insert(conn, rows).await?;
    let mut old = Conditions::default();
    let ids = old.list(&ids);
    conn.execute(format!("DELETE FROM run_pulls WHERE run_id IN ({ids})"), old.args).await?;
    let mut args = Vec::new();
    let mut count = 0;
    for row in rows {
        let mut seen = HashSet::new();
        for pull in row.pulls.iter().filter(|pull| seen.insert(pull.number)) {
            count += 1;
            args.extend(args![row.id.as_str(), pull.number, pull.author.as_str()]);
        }
    }
    // A batch run may test many pull requests: stay below the limit on arguments.
    let mut args = args.into_iter();
    while count > 0 {
        let now: usize = count.min(CHUNK * 10);
        let sql = format!(
            "INSERT INTO run_pulls (run_id, number, author) VALUES {}",
            value_groups(conn.dialect(), now, 3)
        );
        conn.execute(sql, args.by_ref().take(now * 3).collect()).await?;
        count -= now;
    }
    Ok(())
}

async fn insert(conn: &mut Conn, rows: &[RunRow]) -> Result<(), StoreError> {
    let groups = value_groups(conn.dialect(), rows.len(), COLUMN_COUNT);
    let sets: Vec<String> = COLUMNS
        .split(", ")
        .filter(|column| *column != "id")
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    let sql = format!(
        "INSERT INTO runs ({COLUMNS}) VALUES {groups} ON CONFLICT (id) DO UPDATE SET {} \
         WHERE runs.completion_ms IS NULL OR excluded.completion_ms IS NOT NULL",
        sets.join(", ")
    );
    let mut args = Vec::with_capacity(rows.len() * COLUMN_COUNT);
    for row in rows {
        let pulls: Vec<(i64, &str, &str, &str)> = row
            .pulls
            .iter()
            .map(|pull| (pull.number, pull.author.as_str(), pull.title.as_str(), pull.sha.as_str()))
            .collect();
        let pulls = serde_json::to_string(&pulls)
            .map_err(|error| StoreError::Invalid(format!("pulls are not JSON: {error}")))?;
        args.extend(args![
            row.id.as_str(),
            row.job.as_str(),
            row.job_type.as_str(),
            row.org.as_str(),
            row.repo.as_str(),
            row.base_ref.as_str(),
            row.base_sha.as_str(),
            pulls,
            row.state.as_str(),
            row.cluster.as_str(),
            row.build_id.as_str(),
            row.context.as_str(),
            row.start.map_or(0, Timestamp::millis),
            row.pending.map(Timestamp::millis),
            row.completion.map(Timestamp::millis),
            row.run_dir.as_str(),
            row.url.as_str(),
            row.description.as_str(),
            row.tenant.as_str(),
            i64::from(row.hidden),
            row.refs.to_string(),
        ]);
    }
    conn.execute(sql, args).await?;
    Ok(())
}

fn read(rows: Vec<Row>) -> Result<Vec<RunRow>, StoreError> {
    rows.iter().map(run_of).collect()
}

/// Reads a row of [`COLUMNS`]. Damaged JSON loses links, not the row: the index can be rebuilt.
fn run_of(row: &Row) -> Result<RunRow, StoreError> {
    let pulls: Vec<(i64, String, String, String)> =
        serde_json::from_str(&row.text(7)?).unwrap_or_default();
    Ok(RunRow {
        id: row.text(0)?,
        job: row.text(1)?,
        job_type: row.text(2)?,
        org: row.text(3)?,
        repo: row.text(4)?,
        base_ref: row.text(5)?,
        base_sha: row.text(6)?,
        pulls: pulls
            .into_iter()
            .map(|(number, author, title, sha)| RunPull { number, author, title, sha })
            .collect(),
        state: row.text(8)?,
        cluster: row.text(9)?,
        build_id: row.text(10)?,
        context: row.text(11)?,
        start: Some(row.int(12)?).filter(|ms| *ms != 0).map(Timestamp::from_millis),
        pending: row.opt_int(13)?.map(Timestamp::from_millis),
        completion: row.opt_int(14)?.map(Timestamp::from_millis),
        run_dir: row.text(15)?,
        url: row.text(16)?,
        description: row.text(17)?,
        tenant: row.text(18)?,
        hidden: row.int(19)? != 0,
        refs: serde_json::from_str(&row.text(20)?).unwrap_or_default(),
    })
}
