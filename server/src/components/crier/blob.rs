//! Writes what is known of a run into its folder: the ProwJob at every change, and `started.json`
//! and `finished.json` where the pod never came so far.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use artifacts::started::{CRIER_UPLOADER, UPLOADER_KEY};
use artifacts::{
    CLONE_RECORDS_FILE, CloneRecord, FINISHED_FILE, Finished, Metadata, PROWJOB_FILE, STARTED_FILE,
    Started,
};
use async_trait::async_trait;
use blob::{BlobError, BlobUri, Blobs, WriteOptions};
use config_load::LiveConfig;
use job_spec::{JobSpec, ProwJob, ProwJobState, Refs};
use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value};

use super::destination::run_dir;
use super::{Reported, Reporter};

/// The name under which a report is recorded.
pub const NAME: &str = "gcsreporter";
/// How long the storage may take over one run, as in Prow.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The largest document that is read back.
const MAX_DOCUMENT: u64 = 16 << 20;

/// The reporter.
pub struct BlobReporter {
    blobs: Blobs,
    config: LiveConfig,
}

impl BlobReporter {
    /// A reporter into these buckets.
    #[must_use]
    pub fn new(blobs: Blobs, config: LiveConfig) -> BlobReporter {
        BlobReporter { blobs, config }
    }

    /// `started.json`, unless the pod wrote one. Ours is written again as long as the clone
    /// records may still say which commit was tested.
    async fn started(&self, dir: &BlobUri, job: &ProwJob) -> anyhow::Result<()> {
        let Some(refs) = &job.spec.refs else { return Ok(()) };
        let uri = dir.join(STARTED_FILE)?;
        let existing = match self.read(&uri).await? {
            Some(bytes) => Some(Started::parse(&bytes)?),
            None => None,
        };
        let spec = JobSpec::new(&job.spec, &job.status.build_id, &job.metadata.name);
        let unresolved = spec.revision().to_owned();
        if let Some(existing) = &existing {
            let commit = existing.repo_commit.as_deref().unwrap_or_default();
            if !existing.is_by_crier() || (!commit.is_empty() && commit != unresolved) {
                return Ok(());
            }
        }
        let records = match self.read(&dir.join(CLONE_RECORDS_FILE)?).await? {
            Some(bytes) => CloneRecord::parse_all(&bytes).unwrap_or_default(),
            None => Vec::new(),
        };
        let document = started(job, refs, &spec, &records);
        let text = tabbed(&document)?;
        match existing {
            Some(_) => self.blobs.write(&uri, text, &WriteOptions::default()).await?,
            None => {
                self.blobs.write_if_absent(&uri, text, &WriteOptions::default()).await?;
            }
        }
        Ok(())
    }

    /// `finished.json`, unless there is one.
    async fn finished(&self, dir: &BlobUri, job: &ProwJob) -> anyhow::Result<()> {
        let Some(completed) = job.status.completion_time else { return Ok(()) };
        let document = Finished {
            timestamp: Some(completed.seconds()),
            passed: Some(job.status.state == ProwJobState::Success),
            result: Some(job.status.state.as_str().to_owned()),
            metadata: Metadata::parse(&serde_json::to_vec(&uploader())?)?,
            ..Finished::default()
        };
        let uri = dir.join(FINISHED_FILE)?;
        self.blobs.write_if_absent(&uri, tabbed(&document)?, &WriteOptions::default()).await?;
        Ok(())
    }

    async fn read(&self, uri: &BlobUri) -> anyhow::Result<Option<bytes::Bytes>> {
        match self.blobs.read(uri, MAX_DOCUMENT).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(BlobError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn write_all(&self, dir: &BlobUri, job: &ProwJob) -> anyhow::Result<()> {
        let started = self.started(dir, job).await;
        let finished = self.finished(dir, job).await;
        let uri = dir.join(PROWJOB_FILE)?;
        self.blobs.write(&uri, tabbed(job)?, &WriteOptions::default()).await?;
        // One that cannot be written does not keep the others from being there.
        started.context("started.json")?;
        finished.context("finished.json")
    }
}

#[async_trait]
impl Reporter for BlobReporter {
    fn name(&self) -> &'static str {
        NAME
    }

    /// A run without a build id has no folder yet; it is not recorded as reported, so it comes
    /// again when it has one.
    fn should_report(&self, job: &ProwJob) -> bool {
        !job.status.build_id.is_empty()
    }

    async fn report(&self, job: &Arc<ProwJob>, _repeated: bool) -> anyhow::Result<Reported> {
        let Some(dir) = run_dir(job, &self.config.get()) else {
            tracing::debug!(prowjob = job.metadata.name, "no bucket is configured for it");
            return Ok(Reported::Done);
        };
        tokio::time::timeout(TIMEOUT, self.write_all(&dir, job))
            .await
            .with_context(|| format!("{dir} took longer than {} s", TIMEOUT.as_secs()))??;
        Ok(Reported::Done)
    }
}

/// What crier knows of a run's beginning, with the tested commit if the clone records say it.
fn started(job: &ProwJob, refs: &Refs, spec: &JobSpec, records: &[CloneRecord]) -> Started {
    let cloned = spec
        .main_refs()
        .and_then(|main| serde_json::to_value(main).ok())
        .and_then(|main| records.iter().find(|record| record.refs == main))
        .map(|record| record.final_sha.clone())
        .filter(|sha| !sha.is_empty());
    let commit = cloned.unwrap_or_else(|| spec.revision().to_owned());
    let commit = Some(commit).filter(|commit| !commit.is_empty());
    Started {
        timestamp: job.status.start_time.map(|at| at.seconds()).unwrap_or_default(),
        pull: refs.pulls.first().map(|pull| pull.number.to_string()),
        repos: std::iter::once(refs)
            .chain(&job.spec.extra_refs)
            .map(|refs| (refs.org_repo(), refs.to_string()))
            .collect(),
        repo_commit: commit.clone(),
        repo_version: commit,
        metadata: uploader(),
        ..Started::default()
    }
}

fn uploader() -> Map<String, Value> {
    let mut map = Map::new();
    map.insert(UPLOADER_KEY.to_owned(), Value::from(CRIER_UPLOADER));
    map
}

/// JSON indented by tabs, as Prow writes its documents.
fn tabbed(document: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    let formatter = PrettyFormatter::with_indent(b"\t");
    document.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter))?;
    Ok(out)
}
