//! Where the build ids of new pods come from.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clock::SharedClock;
use job_spec::snowflake::BuildIds;
use reqwest::Url;

/// How often tot is asked for one id before the job waits, as in Prow.
const ATTEMPTS: u32 = 10;
/// The pause after the first failure; doubled with each, as in Prow.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How long tot may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest id that is taken.
const LONGEST_ID: usize = 64;

/// Where build ids come from.
#[derive(Clone)]
pub enum BuildIdSource {
    /// They are made here, from the time.
    Own(Arc<BuildIds>),
    /// A counter service counts the builds of each job: Prow's tot, `--tot-url`.
    Tot(Tot),
}

impl BuildIdSource {
    /// Ids from the service at this address, or our own without one.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(tot_url: Option<&str>) -> anyhow::Result<BuildIdSource> {
        match tot_url.filter(|url| !url.is_empty()) {
            None => Ok(BuildIdSource::Own(Arc::new(BuildIds::new()))),
            Some(url) => Ok(BuildIdSource::Tot(Tot::new(url)?)),
        }
    }

    /// The id of the next build of this job.
    ///
    /// # Errors
    /// The service gave none, however often it was asked.
    pub async fn next(&self, job: &str, clock: &SharedClock) -> anyhow::Result<String> {
        match self {
            BuildIdSource::Own(ids) => Ok(ids.next(clock.now().millis())),
            BuildIdSource::Tot(tot) => tot.vend(job, clock).await,
        }
    }
}

/// A client of tot.
#[derive(Clone)]
pub struct Tot {
    base: Url,
    client: reqwest::Client,
}

impl Tot {
    fn new(url: &str) -> anyhow::Result<Tot> {
        let base = Url::parse(url).with_context(|| format!("--tot-url={url}"))?;
        ensure!(!base.cannot_be_a_base(), "--tot-url={url} is no http address");
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Tot { base, client })
    }

    async fn vend(&self, job: &str, clock: &SharedClock) -> anyhow::Result<String> {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            match self.ask(job).await {
                Ok(id) => return Ok(id),
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) => tracing::debug!(job, attempt, "no build id yet: {error:#}"),
            }
            clock.sleep(pause).await;
            pause *= 2;
            attempt += 1;
        }
    }

    async fn ask(&self, job: &str) -> anyhow::Result<String> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["vend", job]);
        }
        let answer = self.client.get(url.clone()).send().await;
        let answer = answer.with_context(|| format!("{url} could not be reached"))?;
        if answer.status() != reqwest::StatusCode::OK {
            bail!("{url} answered {}", answer.status());
        }
        let text = answer.text().await.with_context(|| format!("reading the answer of {url}"))?;
        let id = text.trim();
        // It becomes part of labels, paths and links.
        let fits = |id: &str| id.len() <= LONGEST_ID && id.bytes().all(|b| b.is_ascii_digit());
        ensure!(!id.is_empty() && fits(id), "{url} answered something that is no build number");
        Ok(id.to_owned())
    }
}
