//! The updater of the command line against TestGrid's own, through the same bucket in memory.

#![allow(clippy::print_stderr, reason = "a part of a program that prints a table")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use grid::proto::state::Grid;
use grid::proto::wire;

use super::grid_update::{RESULTS_BUCKET, write_config};
use super::process::{Cold, RUNS, cold_in_turns};
use super::table::Row;
use crate::emulator::Emulator;

/// Names TestGrid's updater, a program that was built elsewhere.
const UPDATER_ENV: &str = "BOWSPRIT_TESTGRID_UPDATER";
/// How many times as fast as that updater ours is to be.
const TIMES: f64 = 3.0;
/// What TestGrid's updater did on a machine of two cores: builds, and in how long.
const KNOWN: (usize, Duration) = (181, Duration::from_millis(1_270));

/// All groups of the real results from nothing, by `testgrid update` and, where there is one, by
/// TestGrid's updater.
///
/// # Errors
/// A program fails or reads other builds than are there.
pub async fn row(program: &Path, results: &Path) -> anyhow::Result<Row> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("config");
    write_config(program, results, &config)?;
    let config = std::fs::read(&config)?;
    let emulator = Arc::new(Emulator::default());
    emulator.put_folder(RESULTS_BUCKET, &results.join(RESULTS_BUCKET))?;
    let address = emulator.serve().await?.to_string();
    // A bucket for every run, so that each begins with nothing.
    let place = |who: &str, run: usize| format!("{who}-{run}");
    for who in ["ours", "theirs"] {
        for run in 0..RUNS {
            emulator.put(&place(who, run), "config", config.clone());
        }
    }
    let program = program.to_owned();
    let updater = std::env::var_os(UPDATER_ENV).map(PathBuf::from);
    let has_theirs = updater.is_some();
    let costs = tokio::task::spawn_blocking(move || {
        let ours = |run| {
            let mut command = Command::new(&program);
            command
                .args(["testgrid", "update", "--confirm"])
                .arg(format!("--config=gs://{}/config", place("ours", run)))
                .env("STORAGE_EMULATOR_HOST", &address);
            command
        };
        let Some(updater) = updater else { return cold_in_turns(&[&ours]) };
        let theirs = |run| {
            let mut command = Command::new(&updater);
            command
                .args(["--confirm", "--group-concurrency=2", "--build-concurrency=8"])
                .arg(format!("--config=gs://{}/config", place("theirs", run)))
                .env("STORAGE_EMULATOR_HOST", &address)
                // It makes a client of this too, which wants a project, and asks it nothing.
                .env("PUBSUB_EMULATOR_HOST", &address)
                .env("GOOGLE_CLOUD_PROJECT", "none");
            command
        };
        cold_in_turns(&[&ours, &theirs])
            .with_context(|| format!("beside the updater of {UPDATER_ENV}"))
    });
    let mut costs = costs.await??.into_iter();
    let ours = costs.next().context("nothing was run")?;
    let builds = columns(&emulator, "ours-0");
    ensure!(builds > 0, "`testgrid update` wrote no grid with a column");
    if has_theirs {
        told_apart(&emulator);
    }
    let theirs = costs.next().map(|cost| (columns(&emulator, "theirs-0"), cost));
    Ok(compared(builds, &ours, theirs.as_ref()))
}

/// The columns of all grids in a bucket.
fn columns(emulator: &Emulator, bucket: &str) -> usize {
    builds(emulator, bucket).values().map(Vec::len).sum()
}

/// The builds of each grid in a bucket.
fn builds(emulator: &Emulator, bucket: &str) -> BTreeMap<String, Vec<String>> {
    let objects = emulator.objects(bucket).into_iter();
    let grids = objects.filter(|(key, _)| key.starts_with("grid/"));
    let grids = grids.filter_map(|(key, bytes)| Some((key, wire::read_grid(&bytes).ok()?)));
    let of = |grid: Grid| grid.columns.into_iter().map(|column| column.build).collect();
    grids.map(|(key, grid)| (key, of(grid))).collect()
}

/// Says which grids the two updaters do not have the same columns of.
fn told_apart(emulator: &Emulator) {
    let (ours, theirs) = (builds(emulator, "ours-0"), builds(emulator, "theirs-0"));
    for (key, theirs) in &theirs {
        let ours = ours.get(key).map_or(&[][..], Vec::as_slice);
        if ours != theirs.as_slice() {
            eprintln!("{key} has {} columns, {} by TestGrid's updater", ours.len(), theirs.len());
        }
    }
}

fn compared(builds: usize, ours: &Cold, theirs: Option<&(usize, Cold)>) -> Row {
    let rate = |builds: usize, time: Duration| builds as f64 / time.as_secs_f64();
    let own = rate(builds, ours.wall);
    let (other, told) = match theirs {
        Some((builds, cost)) => {
            let told = format!("TestGrid's updater beside it: {builds} builds in {cost}");
            (rate(*builds, cost.wall), told)
        }
        None => {
            let (builds, time) = KNOWN;
            let other = rate(builds, time);
            let told = format!("TestGrid's updater elsewhere: {other:.0} builds/s; {UPDATER_ENV}");
            (other, told + " names one to run here")
        }
    };
    let times = own / other;
    Row {
        work: "`testgrid update --confirm` from empty, through a bucket emulator".to_owned(),
        data: format!("{builds} real builds"),
        seen: format!("{own:.0} builds/s ({ours}), {times:.1} × ({told})"),
        target: format!("≥ {TIMES:.0} × TestGrid's updater"),
        reached: times >= TIMES,
    }
}
