//! `bowsprit mkpj --trigger-job`: has a server run the job and waits for its end.

use std::time::Duration;

use anyhow::Context as _;
use clock::SharedClock;
use job_spec::{ProwJob, Refs};
use reqwest::StatusCode;

use super::mkpod::parse_prow_job;
use super::prompt::note;
use crate::web::api::start::{Start, StartPull, StartRefs, Started};
use crate::web::error::ErrorDocument;

/// How long one answer of the server may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often the run is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So many looks in a row may fail, as while the server is started again.
const FAILED_LOOKS: u32 = 60;

/// What the server is asked for: the job by its name, on this code.
pub(super) fn wanted(job: &str, refs: Option<&Refs>) -> Start {
    let refs = refs.map(|refs| StartRefs {
        org: refs.org.clone(),
        repo: refs.repo.clone(),
        base_ref: refs.base_ref.clone(),
        base_sha: refs.base_sha.clone(),
        pulls: refs
            .pulls
            .iter()
            .map(|pull| StartPull {
                number: pull.number,
                author: pull.author.clone(),
                sha: pull.sha.clone(),
                head_ref: pull.head_ref.clone(),
            })
            .collect(),
    });
    Start { job: job.to_owned(), refs }
}

/// Starts the run at the server and waits until it has ended, however long that takes.
pub(super) async fn run_to_end(
    server: &str,
    wanted: &Start,
    clock: &SharedClock,
) -> anyhow::Result<ProwJob> {
    let server = server.trim_end_matches('/');
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .build()
        .context("could not set up the HTTP client")?;
    let body = serde_json::to_vec(wanted).context("could not write the request")?;
    let answer = client
        .post(format!("{server}/api/v1/runs"))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .with_context(|| format!("could not reach the server at {server}; is it running there?"))?;
    let status = answer.status();
    let body = answer.bytes().await.context("the server's answer broke off")?;
    if status != StatusCode::CREATED {
        let said = serde_json::from_slice::<ErrorDocument>(&body).map(|said| said.error.message);
        let said = said.unwrap_or_else(|_| String::from_utf8_lossy(&body).trim().to_owned());
        anyhow::bail!("the server at {server} does not run the job ({status}): {said}");
    }
    let started: Started =
        serde_json::from_slice(&body).context("the server did not say which run it started")?;
    note(&format!("The run is at {server}{}", started.url));
    let mut failed = 0;
    loop {
        match look(&client, server, &started.id).await {
            Ok(job) if job.status.completion_time.is_some() => return Ok(job),
            Ok(_) => failed = 0,
            Err(error) if failed == FAILED_LOOKS => return Err(error),
            Err(_) => failed += 1,
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

async fn look(client: &reqwest::Client, server: &str, id: &str) -> anyhow::Result<ProwJob> {
    let text = client
        .get(format!("{server}/prowjob?prowjob={}", app::model::encode(id)))
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .context("the server no longer tells how the run stands")?
        .text()
        .await
        .context("the server's answer broke off")?;
    parse_prow_job(&text).context("the server's answer is no ProwJob")
}
