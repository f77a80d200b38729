//! The service that names a cluster for a job, and its answers for a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use config_load::prow::ExternalScheduling;
use go_compat::time::Timestamp;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;

/// How long the service may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const ANSWER_BYTES: usize = 64 << 10;

#[derive(Deserialize)]
struct Answer {
    cluster: String,
}

#[derive(Default)]
struct Answers {
    /// By service and job: the cluster and when it was named.
    by_job: HashMap<(String, String), (String, Timestamp)>,
    cleaned: Option<Timestamp>,
}

/// A client of the service. Clones share the answers.
#[derive(Clone)]
pub struct External {
    client: reqwest::Client,
    answers: Arc<Mutex<Answers>>,
}

impl External {
    /// A client without answers.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new() -> anyhow::Result<External> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .build()
            .context("the HTTP client of the scheduler could not be made")?;
        Ok(External { client, answers: Arc::default() })
    }

    /// The cluster for a job: an answer that is young enough, else a new one.
    ///
    /// # Errors
    /// The service cannot be reached, refuses, or names no cluster.
    pub async fn cluster(
        &self,
        job: &str,
        service: &ExternalScheduling,
        now: Timestamp,
    ) -> anyhow::Result<String> {
        let key = (service.url.clone(), job.to_owned());
        if let Some(known) = self.known(&key, service, now) {
            return Ok(known);
        }
        let cluster = self.ask(job, &service.url).await?;
        // Without a timeout an answer holds for the one run.
        if service.cache.entry_timeout_interval.is_some() {
            self.answers.lock().by_job.insert(key, (cluster.clone(), now));
        }
        Ok(cluster)
    }

    fn known(
        &self,
        key: &(String, String),
        service: &ExternalScheduling,
        now: Timestamp,
    ) -> Option<String> {
        let lifetime = service.cache.entry_timeout_interval?.as_std();
        let between = service.cache.cleanup_interval.map_or(lifetime, |every| every.as_std());
        let mut answers = self.answers.lock();
        let fresh = |at: Timestamp| now.since(at) < lifetime;
        if answers.cleaned.is_none_or(|at| now.since(at) >= between) {
            answers.by_job.retain(|_, (_, at)| fresh(*at));
            answers.cleaned = Some(now);
        }
        let (cluster, at) = answers.by_job.get(key)?;
        fresh(*at).then(|| cluster.clone())
    }

    async fn ask(&self, job: &str, url: &str) -> anyhow::Result<String> {
        let asked = self.client.post(url).json(&json!({"job": job})).send().await;
        let mut answer = asked.with_context(|| format!("{url} could not be reached"))?;
        if !answer.status().is_success() {
            bail!("{url} answered {}", answer.status());
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            body.extend_from_slice(&piece);
            ensure!(
                body.len() <= ANSWER_BYTES,
                "{url} answered with more than {ANSWER_BYTES} bytes"
            );
        }
        let answer: Answer = serde_json::from_slice(&body)
            .with_context(|| format!("{url} answered something else than {{\"cluster\": …}}"))?;
        ensure!(!answer.cluster.is_empty(), "{url} named no cluster");
        Ok(answer.cluster)
    }
}
