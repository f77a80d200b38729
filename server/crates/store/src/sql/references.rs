use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use go_compat::Timestamp;

use super::{Conditions, limit_arg, value_groups};
use crate::db::{Conn, Readers, Row, args};
use crate::reference::{MAX_REFERENCES, MAX_RUN_REFERENCES, MAX_TEXT_RUNS};
use crate::writer::Writer;
use crate::{ReferenceRow, ReferenceStore, StoreError};

/// References are kept longer than the history of runs.
const RETENTION: Duration = Duration::from_secs(800 * 24 * 3600);

/// Of one issue or pull request.
const OF_SUBJECT: &str = "org = $1 AND repo = $2 AND number = $3";

pub(crate) struct SqlReferences {
    writer: Writer,
    readers: Readers,
}

impl SqlReferences {
    pub(crate) fn new(writer: Writer, readers: Readers) -> SqlReferences {
        SqlReferences { writer, readers }
    }
}

#[async_trait]
impl ReferenceStore for SqlReferences {
    async fn put_text(&self, text: ReferenceRow, mut runs: Vec<String>) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        runs.retain(|run| seen.insert(run.clone()));
        runs.truncate(MAX_TEXT_RUNS);
        let bytes = 512 + runs.iter().map(|run| run.len() + 512).sum::<usize>();
        self.writer
            .run(bytes, move |conn| {
                Box::pin(async move {
                    let sql =
                        format!("DELETE FROM run_references WHERE {OF_SUBJECT} AND text = $4");
                    let of = args![
                        text.org.as_str(),
                        text.repo.as_str(),
                        text.number,
                        text.text.as_str()
                    ];
                    conn.execute(sql, of).await?;
                    put_state(conn, &text).await?;
                    insert(conn, &text, &runs).await
                })
            })
            .await
    }

    async fn put_state(
        &self,
        org: &str,
        repo: &str,
        number: i64,
        title: &str,
        state: &str,
    ) -> Result<(), StoreError> {
        let of = ReferenceRow {
            org: org.to_owned(),
            repo: repo.to_owned(),
            number,
            title: title.to_owned(),
            state: state.to_owned(),
            ..ReferenceRow::default()
        };
        self.writer.run(512, move |conn| Box::pin(async move { put_state(conn, &of).await })).await
    }

    async fn forget(&self, org: &str, repo: &str, number: i64) -> Result<(), StoreError> {
        let (org, repo) = (org.to_owned(), repo.to_owned());
        self.writer
            .run(128, move |conn| {
                Box::pin(async move {
                    let sql = format!("DELETE FROM run_references WHERE {OF_SUBJECT}");
                    conn.execute(sql, args![org, repo, number]).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn of_run(&self, names: &[String]) -> Result<Vec<ReferenceRow>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut where_ = Conditions::default();
        where_.one_of("run", names);
        let limit = where_.arg(limit_arg(MAX_RUN_REFERENCES));
        let sql = format!(
            "SELECT DISTINCT org, repo, number, text, is_pr, title, state, author, href, at_ms \
             FROM run_references {} ORDER BY at_ms DESC, org, repo, number, text LIMIT {limit}",
            where_.clause()
        );
        self.readers.fetch(sql, where_.args).await?.iter().map(reference_of).collect()
    }

    async fn prune(&self, now: Timestamp) -> Result<u64, StoreError> {
        let old = now.saturating_sub(RETENTION).millis();
        self.writer
            .run(1, move |conn| {
                Box::pin(async move {
                    let sql = "DELETE FROM run_references WHERE at_ms < $1";
                    let gone = conn.execute(sql, args![old]).await?;
                    // Texts of the same instant as the last one that is kept stay with it.
                    let sql = "DELETE FROM run_references WHERE at_ms < (SELECT at_ms FROM \
                               run_references ORDER BY at_ms DESC LIMIT 1 OFFSET $1)";
                    Ok(gone + conn.execute(sql, args![limit_arg(MAX_REFERENCES - 1)]).await?)
                })
            })
            .await
    }
}

async fn put_state(conn: &mut Conn, of: &ReferenceRow) -> Result<(), StoreError> {
    let sql = format!("UPDATE run_references SET title = $4, state = $5 WHERE {OF_SUBJECT}");
    let args =
        args![of.org.as_str(), of.repo.as_str(), of.number, of.title.as_str(), of.state.as_str()];
    conn.execute(sql, args).await?;
    Ok(())
}

async fn insert(conn: &mut Conn, text: &ReferenceRow, runs: &[String]) -> Result<(), StoreError> {
    if runs.is_empty() {
        return Ok(());
    }
    let groups = value_groups(conn.dialect(), runs.len(), 11);
    let sql = format!(
        "INSERT INTO run_references \
         (run, org, repo, number, text, is_pr, title, state, author, href, at_ms) VALUES {groups}"
    );
    let mut all = Vec::with_capacity(runs.len() * 11);
    for run in runs {
        all.extend(args![
            run.as_str(),
            text.org.as_str(),
            text.repo.as_str(),
            text.number,
            text.text.as_str(),
            i64::from(text.is_pr),
            text.title.as_str(),
            text.state.as_str(),
            text.author.as_str(),
            text.href.as_str(),
            text.at_ms,
        ]);
    }
    conn.execute(sql, all).await?;
    Ok(())
}

fn reference_of(row: &Row) -> Result<ReferenceRow, StoreError> {
    Ok(ReferenceRow {
        org: row.text(0)?,
        repo: row.text(1)?,
        number: row.int(2)?,
        text: row.text(3)?,
        is_pr: row.int(4)? != 0,
        title: row.text(5)?,
        state: row.text(6)?,
        author: row.text(7)?,
        href: row.text(8)?,
        at_ms: row.int(9)?,
    })
}
