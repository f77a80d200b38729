//! What updater, tabulator and summarizer have in common: where objects are, and passes over them.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use blob::BlobConfig;
use clock::{Clock as _, SystemClock};
use futures::stream::{self, StreamExt};
use go_compat::GoDuration;

use crate::cli::prompt::note;
use crate::options::BucketOptions;
use crate::testgrid::objects::Objects;

/// Configuration, buckets and passes.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Options {
    /// The configuration that `testgrid config` wrote: gs://bucket/config, s3://bucket/config, or a
    /// file. Grids, tabs and summaries are beside it.
    #[arg(long, value_name = "PLACE")]
    config: String,
    /// Write; else what would be written is only made.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(super) confirm: bool,
    /// Begin the next pass so long after the last one began; 0: one pass, then end.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    wait: Duration,
    #[command(flatten)]
    buckets: BucketOptions,
    /// Taken for TestGrid's sake and without effect: what is told is told in any case.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    debug: bool,
    /// Taken for TestGrid's sake and without effect, as --debug.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    trace: bool,
    /// Taken for TestGrid's sake and without effect: what is told is for people.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    json_logs: bool,
}

impl Options {
    /// How to reach buckets.
    pub(super) fn buckets(&self) -> anyhow::Result<BlobConfig> {
        self.buckets.config()
    }

    /// The objects beside the configuration.
    pub(super) fn objects(&self) -> anyhow::Result<Objects> {
        Objects::around(&self.config, self.buckets()?).context("--config")
    }

    /// Runs one pass, or one after the other. A pass that failed as a whole ends the program only
    /// if it is the only one.
    pub(super) async fn passes<F>(&self, pass: impl Fn() -> F) -> anyhow::Result<ExitCode>
    where
        F: Future<Output = anyhow::Result<Tally>>,
    {
        passes(self.wait, self.confirm, pass).await
    }
}

/// Runs one pass, or one after the other with `wait` between their begins. `writes` says whether what
/// is made is written.
pub(super) async fn passes<F>(
    wait: Duration,
    writes: bool,
    pass: impl Fn() -> F,
) -> anyhow::Result<ExitCode>
where
    F: Future<Output = anyhow::Result<Tally>>,
{
    loop {
        let began = Instant::now();
        let done = pass().await;
        if wait.is_zero() {
            let tally = done?;
            note(&tally.said(writes, began.elapsed()));
            let is_well = tally.failed == 0;
            return Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        match done {
            Ok(tally) => note(&tally.said(writes, began.elapsed())),
            Err(error) => note(&format!("{error:#}; the next pass tries again")),
        }
        SystemClock.sleep(wait.saturating_sub(began.elapsed())).await;
    }
}

/// A duration as Go writes it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    GoDuration::parse(text).map(GoDuration::as_std).map_err(|error| error.to_string())
}

/// How many processors there are.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// What is counted, in the plural.
    pub(super) what: &'static str,
    /// How many objects were made (and written, if that was confirmed).
    pub(super) made: usize,
    /// How many builds were read for them.
    pub(super) builds: usize,
    /// How many were left to another program that wrote meanwhile.
    pub(super) skipped: usize,
    /// How many could not be made.
    pub(super) failed: usize,
}

impl Tally {
    fn said(&self, confirmed: bool, took: Duration) -> String {
        let done = if confirmed { "written" } else { "made and, without --confirm, not written" };
        let mut text = format!("{} {} {done}", self.made, self.what);
        if self.builds > 0 {
            text.push_str(&format!(" from {} builds", self.builds));
        }
        if self.skipped > 0 {
            text.push_str(&format!(", {} left as another program wrote them", self.skipped));
        }
        if self.failed > 0 {
            text.push_str(&format!(", {} failed", self.failed));
        }
        text.push_str(&format!(" in {:.1} s", took.as_secs_f64()));
        text
    }
}

/// What became of one item of a pass.
pub(super) enum Outcome {
    /// Objects were made of so many builds.
    Made {
        /// How many objects.
        objects: usize,
        /// Builds that were read.
        builds: usize,
    },
    /// Another program wrote meanwhile.
    Skipped,
}

/// Does `work` for each item, `concurrency` at once. What fails is told and does not stop the rest.
pub(super) async fn each<T, F>(
    what: &'static str,
    items: Vec<(String, T)>,
    concurrency: usize,
    work: impl Fn(T) -> F,
) -> Tally
where
    F: Future<Output = anyhow::Result<Outcome>> + Send + 'static,
{
    let started = items.into_iter().map(|(name, item)| (name, work(item)));
    let running = stream::iter(started)
        .map(|(name, work)| async move { (name, tokio::spawn(work).await) })
        .buffer_unordered(concurrency.max(1));
    let mut running = std::pin::pin!(running);
    let mut tally = Tally { what, ..Tally::default() };
    while let Some((name, done)) = running.next().await {
        match done.map_err(anyhow::Error::from).and_then(|done| done) {
            Ok(Outcome::Made { objects, builds }) => {
                tally.made += objects;
                tally.builds += builds;
            }
            Ok(Outcome::Skipped) => {
                tally.skipped += 1;
                note(&format!("{name}: another program wrote it meanwhile; it is left as it is"));
            }
            Err(error) => {
                tally.failed += 1;
                note(&format!("{name}: {error:#}"));
            }
        }
    }
    tally
}

/// Runs what takes long and does not wait beside what waits.
pub(super) async fn computed<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a computation ended early")
}

/// Items by name for [`each`], those alone that `wanted` names if it names any; and the names that
/// are not among them.
pub(super) fn chosen<T>(
    items: impl Iterator<Item = (String, T)>,
    wanted: &[String],
) -> (Vec<(String, T)>, Vec<String>) {
    let items: Vec<(String, T)> =
        items.filter(|(name, _)| wanted.is_empty() || wanted.contains(name)).collect();
    let unknown = wanted.iter().filter(|name| !items.iter().any(|(item, _)| item == *name));
    let unknown = unknown.cloned().collect();
    (items, unknown)
}

/// Counts names that the configuration does not have as failures, and tells them.
pub(super) fn missing(tally: &mut Tally, kind: &str, names: &[String]) {
    for name in names {
        note(&format!("the configuration has no {kind} `{name}`"));
    }
    tally.failed += names.len();
}

/// The objects, shared by the items of a pass.
pub(super) type Shared = Arc<Objects>;
