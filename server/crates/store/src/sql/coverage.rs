use std::time::Duration;

use async_trait::async_trait;
use go_compat::Timestamp;

use super::{Conditions, limit_arg};
use crate::coverage::{MAX_COVERAGE_PAGE, MAX_SERIES_BLOCKS, MAX_SERIES_PROFILES};
use crate::db::{Conn, Readers, Row, args};
use crate::writer::Writer;
use crate::{CoverageCursor, CoverageKey, CoverageRow, CoverageSeries, CoverageStore, StoreError};

/// That a run was looked through is remembered this long, longer than the history of runs.
const LOOKED_RETENTION: Duration = Duration::from_secs(800 * 24 * 3600);

/// Runs or profiles that one statement names.
const NAMED_AT_ONCE: usize = 500;

const KEY_COLUMNS: &str = "id, job, path, run, build, started_ms, version, format, files, covered, \
                           total, problem, read_ms";

pub(crate) struct SqlCoverage {
    writer: Writer,
    readers: Readers,
}

impl SqlCoverage {
    pub(crate) fn new(writer: Writer, readers: Readers) -> SqlCoverage {
        SqlCoverage { writer, readers }
    }
}

#[async_trait]
impl CoverageStore for SqlCoverage {
    async fn put_run(
        &self,
        run: &str,
        looked: Timestamp,
        profiles: Vec<CoverageRow>,
    ) -> Result<(), StoreError> {
        let bytes =
            256 + profiles.iter().map(|row| row.summary.len() + row.profile.len()).sum::<usize>();
        let (run, looked) = (run.to_owned(), looked.millis());
        self.writer
            .run(bytes, move |conn| {
                Box::pin(async move {
                    let sql = "INSERT INTO coverage_runs (run, looked_ms) VALUES ($1, $2) \
                               ON CONFLICT (run) DO UPDATE SET looked_ms = excluded.looked_ms";
                    conn.execute(sql, args![run.clone(), looked]).await?;
                    let sql = "DELETE FROM coverage_profiles WHERE run = $1";
                    conn.execute(sql, args![run]).await?;
                    for row in profiles {
                        put(conn, row).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn looked(&self, runs: &[String]) -> Result<Vec<String>, StoreError> {
        let mut looked = Vec::new();
        for runs in runs.chunks(NAMED_AT_ONCE) {
            let mut where_ = Conditions::default();
            where_.one_of("run", runs);
            let sql = format!("SELECT run FROM coverage_runs {}", where_.clause());
            for row in self.readers.fetch(sql, where_.args).await? {
                looked.push(row.text(0)?);
            }
        }
        Ok(looked)
    }

    async fn series(&self, job: Option<&str>) -> Result<Vec<CoverageSeries>, StoreError> {
        let mut where_ = Conditions::default();
        where_.equal("job", job);
        let sql = format!(
            "SELECT job, path, COUNT(*) FROM coverage_profiles {} \
             GROUP BY job, path ORDER BY job, path",
            where_.clause()
        );
        let rows = self.readers.fetch(sql, where_.args).await?;
        let series = rows.iter().map(|row| {
            Ok(CoverageSeries { job: row.text(0)?, path: row.text(1)?, profiles: row.int(2)? })
        });
        series.collect()
    }

    async fn page(
        &self,
        job: &str,
        path: &str,
        before: Option<CoverageCursor>,
        limit: usize,
    ) -> Result<Vec<CoverageKey>, StoreError> {
        let mut where_ = Conditions::default();
        where_.equal("job", Some(job));
        where_.equal("path", Some(path));
        if let Some(CoverageCursor { started_ms, id }) = before {
            let (started, id) = (where_.arg(started_ms), where_.arg(id));
            where_
                .push(format!("started_ms <= {started} AND (started_ms < {started} OR id < {id})"));
        }
        let limit = where_.arg(limit_arg(limit.min(MAX_COVERAGE_PAGE)));
        let sql = format!(
            "SELECT {KEY_COLUMNS} FROM coverage_profiles {} \
             ORDER BY started_ms DESC, id DESC LIMIT {limit}",
            where_.clause()
        );
        self.readers.fetch(sql, where_.args).await?.iter().map(key_of).collect()
    }

    async fn of_run(&self, run: &str) -> Result<Vec<CoverageKey>, StoreError> {
        let sql =
            format!("SELECT {KEY_COLUMNS} FROM coverage_profiles WHERE run = $1 ORDER BY path");
        self.readers.fetch(sql, args![run]).await?.iter().map(key_of).collect()
    }

    async fn key(&self, id: i64) -> Result<Option<CoverageKey>, StoreError> {
        let sql = format!("SELECT {KEY_COLUMNS} FROM coverage_profiles WHERE id = $1");
        self.readers.fetch_optional(sql, args![id]).await?.as_ref().map(key_of).transpose()
    }

    async fn summaries(&self, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
        let mut summaries = Vec::with_capacity(ids.len());
        for ids in ids.chunks(NAMED_AT_ONCE) {
            let mut where_ = Conditions::default();
            let list: Vec<_> = ids.iter().map(|id| where_.arg(*id)).collect();
            where_.push(format!("id IN ({})", list.join(", ")));
            let sql = format!("SELECT id, summary FROM coverage_profiles {}", where_.clause());
            for row in self.readers.fetch(sql, where_.args).await? {
                summaries.push((row.int(0)?, row.bytes(1)?));
            }
        }
        Ok(summaries)
    }

    async fn blocks(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT profile FROM coverage_profiles WHERE id = $1";
        self.readers.fetch_optional(sql, args![id]).await?.map(|row| row.bytes(0)).transpose()
    }

    async fn prune(&self, now: Timestamp) -> Result<u64, StoreError> {
        let old = now.saturating_sub(LOOKED_RETENTION).millis();
        self.writer
            .run(1, move |conn| {
                Box::pin(async move {
                    let sql = "DELETE FROM coverage_runs WHERE looked_ms < $1 AND NOT EXISTS \
                               (SELECT 1 FROM coverage_profiles p WHERE p.run = coverage_runs.run)";
                    conn.execute(sql, args![old]).await
                })
            })
            .await
    }
}

async fn put(conn: &mut Conn, row: CoverageRow) -> Result<(), StoreError> {
    let CoverageRow { key, summary, profile } = row;
    let (job, path) = (key.job.clone(), key.path.clone());
    let sql = "INSERT INTO coverage_profiles (job, path, run, build, started_ms, version, format, \
               files, covered, total, problem, read_ms, summary, profile) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let args = args![
        key.job,
        key.path,
        key.run,
        key.build,
        key.started_ms,
        key.version,
        key.format,
        key.files,
        key.covered,
        key.total,
        key.problem,
        key.read_ms,
        summary,
        profile,
    ];
    conn.execute(sql, args).await?;
    let beyond = "SELECT id FROM coverage_profiles WHERE job = $1 AND path = $2 \
                  ORDER BY started_ms DESC, id DESC LIMIT 1000000 OFFSET $3";
    let sql = format!("DELETE FROM coverage_profiles WHERE id IN ({beyond})");
    conn.execute(sql, args![job.clone(), path.clone(), limit_arg(MAX_SERIES_PROFILES)]).await?;
    let sql = format!(
        "UPDATE coverage_profiles SET profile = $4 WHERE id IN ({beyond}) AND LENGTH(profile) > 0"
    );
    conn.execute(sql, args![job, path, limit_arg(MAX_SERIES_BLOCKS), Vec::<u8>::new()]).await?;
    Ok(())
}

fn key_of(row: &Row) -> Result<CoverageKey, StoreError> {
    Ok(CoverageKey {
        id: row.int(0)?,
        job: row.text(1)?,
        path: row.text(2)?,
        run: row.text(3)?,
        build: row.text(4)?,
        started_ms: row.int(5)?,
        version: row.text(6)?,
        format: row.text(7)?,
        files: row.int(8)?,
        covered: row.int(9)?,
        total: row.int(10)?,
        problem: row.text(11)?,
        read_ms: row.int(12)?,
    })
}
