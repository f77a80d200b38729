//! `bowsprit testgrid update`: the builds of each test group become its grid, as updater does it.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use blob::Blobs;
use clock::{Clock as _, SystemClock};
use grid::proto::config::TestGroup;
use grid::proto::state::Grid;
use grid::proto::wire::{self, WireError};
use grid::updater::columns::{combine, kept_columns, resume_hint};
use grid::updater::construct::group_grid;
use grid::updater::convert::InflatedColumn;

use super::pass::{
    Options, Outcome, Shared, Tally, chosen, computed, duration, each, missing, processors,
};
use crate::testgrid::source::{self, ColumnReader};

/// The bucket in which TestGrid's own grids are below a prefix; without one updater does not write.
const TESTGRID_BUCKET: &str = "k8s-testgrid";

/// Builds of one group that are read before it is looked how much time is left.
const BUILDS_AT_ONCE: usize = 64;

/// The command's flags.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    options: Options,
    /// Update this group alone (repeatable).
    #[arg(long, value_name = "GROUP")]
    test_group: Vec<String>,
    /// Groups that are updated at once; 0: twice as many as there are processors, since one group waits
    /// for its storage while another is worked on.
    #[arg(long, value_name = "N", default_value_t = 0)]
    group_concurrency: usize,
    /// Builds that are read at once, over all groups; 0: four times as many as groups.
    #[arg(long, value_name = "N", default_value_t = 0)]
    build_concurrency: usize,
    /// How long one group may take. After half of it what was read is written, and the group goes
    /// on from there.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    group_timeout: Duration,
    /// How long the files of one build may take.
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = duration)]
    build_timeout: Duration,
    /// The folder of the grids, beside the configuration.
    #[arg(long, value_name = "PATH", default_value = "grid")]
    grid_prefix: String,
    /// Leave out skipped tests where a group wants it (`ignore_skip`).
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    enable_ignore_skip: bool,
    /// Taken for TestGrid's sake and without effect: passes look for new builds (--wait), and
    /// `bowsprit serve` learns of them by itself.
    #[arg(long, value_name = "PREFIX=PROJECT/SUB")]
    subscribe: Vec<String>,
    /// Taken for TestGrid's sake and without effect: a group that changed is read again by itself.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    reprocess_group_on_change: bool,
    /// Taken for TestGrid's sake and without effect: results are read from buckets only.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    enable_resultstore: bool,
    /// Taken for TestGrid's sake and without effect: every pass updates all groups.
    #[arg(long, value_name = "PLACE")]
    persist_queue: Option<String>,
}

/// Updates the groups, once or again and again.
pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let objects = Arc::new(args.options.objects()?);
    if objects.bucket() == TESTGRID_BUCKET && args.grid_prefix.is_empty() {
        bail!("--grid-prefix must not be empty for the bucket {TESTGRID_BUCKET}");
    }
    let results = Blobs::new(args.options.buckets()?);
    let args = Arc::new(args);
    args.options.passes(|| pass(&args, &objects, &results)).await
}

async fn pass(args: &Arc<Args>, objects: &Shared, results: &Blobs) -> anyhow::Result<Tally> {
    let configuration = objects.configuration().await?;
    let groups = configuration.test_groups.into_iter().map(|group| (group.name.clone(), group));
    let (groups, unknown) = chosen(groups, &args.test_group);
    let at_once = match args.group_concurrency {
        0 => 2 * processors(),
        number => number,
    };
    let builds_at_once = match args.build_concurrency {
        0 => 4,
        number => number.div_ceil(at_once),
    };
    let mut tally = each("grids", groups, at_once, |group| {
        let (args, objects, results) = (args.clone(), objects.clone(), results.clone());
        async move { update(&args, &objects, &results, Arc::new(group), builds_at_once).await }
    })
    .await;
    missing(&mut tally, "test group", &unknown);
    Ok(tally)
}

/// Updates a group, in several steps if it takes long.
async fn update(
    args: &Args,
    objects: &Shared,
    results: &Blobs,
    group: Arc<TestGroup>,
    builds_at_once: usize,
) -> anyhow::Result<Outcome> {
    let mut builds = 0;
    loop {
        let step = step(args, objects, results, &group, builds_at_once);
        let step = tokio::time::timeout(args.group_timeout, step).await;
        let step = step.with_context(|| {
            format!(
                "the group took longer than {} s (--group-timeout)",
                args.group_timeout.as_secs()
            )
        })??;
        builds += step.builds;
        if step.skipped {
            return Ok(Outcome::Skipped);
        }
        if let Some(failure) = step.failure {
            bail!("{failure}; what could be read before is kept, the next pass goes on from there");
        }
        // What is not written cannot be gone on from.
        if !step.unfinished || !args.options.confirm {
            return Ok(Outcome::Made { objects: 1, builds });
        }
    }
}

/// What a step of a group's update did.
struct Step {
    builds: usize,
    skipped: bool,
    unfinished: bool,
    failure: Option<String>,
}

async fn step(
    args: &Args,
    objects: &Shared,
    results: &Blobs,
    group: &Arc<TestGroup>,
    builds_at_once: usize,
) -> anyhow::Result<Step> {
    let began = Instant::now();
    let uri = objects.grid(&args.grid_prefix, &group.name)?;
    let stored = objects.read(&uri).await?;
    let version = stored.as_ref().map(|stored| stored.version);
    let now = SystemClock.now().seconds();
    let shown = objects.shown(&uri);
    let old = {
        let group = group.clone();
        computed(move || -> anyhow::Result<_> {
            let old = match stored.map(|stored| wire::read_grid(&stored.bytes)) {
                None | Some(Err(WireError::Empty { .. })) => Grid::default(),
                Some(Ok(grid)) => grid,
                Some(Err(error)) => {
                    return Err(anyhow::Error::new(error).context(format!(
                        "{shown} cannot be gone on from; remove it to have it made anew"
                    )));
                }
            };
            Ok(kept_columns(old, &group, now))
        })
        .await??
    };
    let (kept, issues) = old;

    let listed = source::list(results, group, resume_hint(&kept)).await?;
    if listed.left_out > 0 {
        crate::cli::prompt::note(&format!(
            "{}: {} builds are too many to be listed and were left out",
            group.name, listed.left_out
        ));
    }
    let mut builds = listed.builds;
    builds.reverse();
    let mut reader =
        ColumnReader::new(results, group, builds_at_once, now, args.enable_ignore_skip)?
            .with_timeout(args.build_timeout);
    let mut columns: Vec<InflatedColumn> = Vec::with_capacity(builds.len());
    let mut failure = None;
    for some in builds.chunks(BUILDS_AT_ONCE) {
        for read in reader.read(some).await {
            if let Some(reason) = read.failure {
                // Later builds wait for this one, or else it would be passed over for ever.
                failure = Some(format!("{} could not be read: {reason}", read.build.object()));
                break;
            }
            columns.push(read.column);
        }
        if failure.is_some() || began.elapsed() > args.group_timeout / 2 {
            break;
        }
    }
    let read = columns.len();
    let unfinished = failure.is_none() && read < builds.len();

    let bytes = {
        let group = group.clone();
        computed(move || {
            let columns = combine(&group, columns, kept);
            wire::write_grid(&group_grid(&group, columns, &issues))
        })
        .await?
    };
    let written = !args.options.confirm || objects.replace(&uri, bytes, version).await?;
    Ok(Step { builds: read, skipped: !written, unfinished, failure })
}
