//! A data folder that `bowsprit serve` finds full of ProwJobs, as after two busy days.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clock::{Clock, SystemClock};
use cluster::Cluster;
use cluster::embedded::{EmbeddedCluster, EmbeddedOptions};
use futures::{StreamExt, TryStreamExt};
use go_compat::time::Timestamp;
use job_spec::{Interner, ProwJob};
use store::{Store, StoreOptions};

/// Writes that wait for the disk together.
const AT_ONCE: usize = 256;

/// Puts every ProwJob of `folder/prowjobs.json` into the embedded cluster below `data_dir`, with
/// their times moved so that the newest starts now: sinker removes what is old. Returns how many
/// there are.
pub async fn fill(data_dir: &Path, folder: &Path) -> anyhow::Result<usize> {
    let path = folder.join("prowjobs.json");
    let file = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
    let mut jobs = Vec::new();
    let interner = Interner::new();
    let mut text = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 20, file));
    job_spec::list::read_prow_jobs(&mut text, &interner, |job| jobs.push(job))
        .with_context(|| format!("reading {}", path.display()))?;
    let clock = Arc::new(SystemClock);
    let newest = jobs.iter().map(|job| job.status.start_time).max().flatten();
    let by = newest.map(|newest| clock.now().since(newest)).unwrap_or_default();

    std::fs::create_dir_all(data_dir)?;
    let store = Store::open(StoreOptions::files(data_dir)).await?;
    let cluster = EmbeddedCluster::open(&store, EmbeddedOptions::new(data_dir, clock)).await?;
    let api = cluster.prow_jobs();
    let count = jobs.len();
    futures::stream::iter(jobs)
        .map(|mut job| {
            later(&mut job, by);
            let api = api.clone();
            async move { api.create(&job).await.map(|_| ()) }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(count)
}

fn later(job: &mut ProwJob, by: Duration) {
    let status = &mut job.status;
    for time in [&mut status.start_time, &mut status.pending_time, &mut status.completion_time] {
        *time = time.map(|time: Timestamp| time.saturating_add(by));
    }
    job.metadata.creation_timestamp = status.start_time;
    // A new object has none of these.
    job.metadata.resource_version = None;
    job.metadata.uid.clear();
}
