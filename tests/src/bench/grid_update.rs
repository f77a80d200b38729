//! The test grid's updater: all groups of real results from nothing, and one more build of a group
//! with a long history.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use blob::{BlobConfig, BlobUri, Blobs};
use clock::{Clock, SystemClock};
use config_load::{Config, LiveConfig, PluginConfig};
use futures::{StreamExt, TryStreamExt};
use grid::proto::config::{Configuration, Dashboard, DashboardTab, TestGroup};
use server::components::NoHeartbeat;
use server::components::grid_updater::decide::{Look, Looked};
use server::components::grid_updater::{Deps, Reread, poll, take_builds};
use server::runs::table::RunTable;
use server::testgrid::TestGrid;
use server::testgrid::config::{GridConfig, GridPaths, GridReloader, LiveGridConfig};
use server::testgrid::source::BuildRef;
use server::web::visibility::Visibility;
use store::{Store, StoreOptions};

use super::process::{RUNS, cold};
use super::table::{Row, median, ms};
use crate::data;
use crate::grids::{self, Shape, Suite};

/// Groups that are looked at at once, as by the server.
const GROUPS_AT_ONCE: usize = 4;
/// Builds per second that a full update reaches.
const FULL_RATE: f64 = 800.0;
/// Builds per second of TestGrid's updater, tabulator and summarizer one after the other on a machine of
/// two cores: 181 in 1.27, 0.80 and 0.36 s. The server does the work of all three, and indexes names.
const THREE_PROGRAMS: f64 = 181.0 / (1.27 + 0.80 + 0.36);
/// How many times as fast the server is to be.
const TIMES: f64 = 3.0;
/// The bucket of the real results.
pub(super) const RESULTS_BUCKET: &str = "sample-ci";
/// The bucket of made-up builds.
const BUCKET: &str = "made-up";
/// Builds that are added one after the other, and measured.
const EVENTS: usize = 31;
/// Builds that are added before, so that every table and cache is warm.
const WARM: usize = 4;
/// The histories that one more build is added to, shortest first.
const HISTORIES: [usize; 2] = [100, 10_000];
/// Tests of the group with a long history.
const TESTS: usize = 300;

/// A store in a folder, the grids over it, and a bucket that is a folder.
async fn deps(
    data_dir: &Path,
    config: LiveGridConfig,
    bucket: (&str, &Path),
) -> anyhow::Result<(Store, Deps)> {
    std::fs::create_dir_all(data_dir)?;
    let store = Store::open(StoreOptions::files(data_dir)).await?;
    let clock = SystemClock::shared();
    let deps = Deps {
        grids: Arc::new(TestGrid::new(config, store.grid(), clock.clone())),
        blobs: Blobs::new(BlobConfig {
            local_buckets: [(bucket.0.to_owned(), bucket.1.to_owned())].into(),
            ..BlobConfig::default()
        }),
        runs: Arc::new(RunTable::default()),
        mirror: None,
        clock,
        heartbeat: Arc::new(NoHeartbeat),
    };
    Ok((store, deps))
}

/// The configuration of a file or folder of YAML, without jobs.
pub fn read_config(yaml: PathBuf) -> LiveGridConfig {
    let paths = GridPaths { yaml: vec![yaml], default: None };
    let prow = LiveConfig::fixed(Config::default(), PluginConfig::default());
    GridReloader::start(paths, prow, Visibility::default(), SystemClock.now()).live()
}

/// Summarizes every tab of these groups into the store, as an updater has before a server starts.
pub async fn summarize(
    store: &Store,
    config: LiveGridConfig,
    groups: impl IntoIterator<Item = &str>,
) -> anyhow::Result<()> {
    let grids = TestGrid::new(config, store.grid(), SystemClock::shared());
    for group in groups {
        grids.refresh(group, true).await?;
    }
    Ok(())
}

/// All groups of the real results from nothing: as the server does it, and by the command.
///
/// # Errors
/// The results are not what they should be, or the program fails.
pub async fn full(program: &Path, results: &Path) -> anyhow::Result<Vec<Row>> {
    let config = read_config(results.join("testgrids"));
    let groups = config.get().configuration.test_groups.clone();
    let bucket = results.join(RESULTS_BUCKET);
    let mut times = Vec::new();
    let mut builds = 0;
    for _ in 0..RUNS {
        let folder = tempfile::tempdir()?;
        let (_store, deps) = deps(folder.path(), config.clone(), (RESULTS_BUCKET, &bucket)).await?;
        let started = Instant::now();
        let read: Vec<usize> = futures::stream::iter(&groups)
            .map(|group| all_builds(&deps, group))
            .buffer_unordered(GROUPS_AT_ONCE)
            .try_collect()
            .await?;
        times.push(started.elapsed());
        builds = read.iter().sum();
    }
    ensure!(builds > 0, "{} has no builds", bucket.display());
    let data = format!("{builds} real builds of {} groups, from files", groups.len());
    let time = median(&times).unwrap_or_default();
    let rate = builds as f64 / time.as_secs_f64();
    let in_server = Row {
        work: "grid update from empty, in the server, tabs summarized, names indexed".to_owned(),
        data: data.clone(),
        seen: format!("{rate:.0} builds/s ({})", ms(time)),
        target: format!("≥ {TIMES:.0} × TestGrid's three programs ({THREE_PROGRAMS:.0} builds/s)"),
        reached: rate >= TIMES * THREE_PROGRAMS,
    };
    Ok(vec![in_server, command(program, results, &data, builds)?])
}

async fn all_builds(deps: &Deps, group: &TestGroup) -> anyhow::Result<usize> {
    let mut read = 0;
    loop {
        let outcome = poll(deps, group, Look::Newer).await?;
        read += outcome.read;
        if outcome.looked != Looked::More {
            return Ok(read);
        }
    }
}

/// Writes the configuration of the real results as TestGrid's programs read it.
pub(super) fn write_config(program: &Path, results: &Path, output: &Path) -> anyhow::Result<()> {
    let defaults = data::root().join("testgrid-config/default.yaml");
    let made = Command::new(program)
        .args(["testgrid", "config", "--oneshot"])
        .arg(format!("--yaml={}", results.join("testgrids").display()))
        .arg(format!("--default={}", defaults.display()))
        .arg(format!("--output={}", output.display()))
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    ensure!(
        made.status.success(),
        "`testgrid config` failed: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(())
}

/// `testgrid update --confirm`, each time into an empty folder.
fn command(program: &Path, results: &Path, data: &str, builds: usize) -> anyhow::Result<Row> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("config");
    write_config(program, results, &config)?;
    for run in 0..RUNS {
        let place = folder.path().join(run.to_string());
        std::fs::create_dir(&place)?;
        std::fs::copy(&config, place.join("config"))?;
    }
    let bucket = format!("{RESULTS_BUCKET}={}", results.join(RESULTS_BUCKET).display());
    let cost = cold(|run| {
        let mut command = Command::new(program);
        command
            .args(["testgrid", "update", "--confirm"])
            .arg(format!(
                "--config={}",
                folder.path().join(run.to_string()).join("config").display()
            ))
            .arg(format!("--local-bucket={bucket}"))
            .env_remove("STORAGE_EMULATOR_HOST");
        command
    })?;
    let rate = builds as f64 / cost.wall.as_secs_f64();
    Ok(Row {
        work: "`testgrid update --confirm` from empty".to_owned(),
        data: data.to_owned(),
        seen: format!("{rate:.0} builds/s ({cost})"),
        target: format!("≥ {FULL_RATE:.0} builds/s"),
        reached: rate >= FULL_RATE,
    })
}

/// One more build of a group, from the event to the summarized tab, after a short and after a long
/// history: of a group whose builds pass, and of one that was never green.
///
/// # Errors
/// The store or a folder cannot be written.
pub async fn one_more_build() -> anyhow::Result<Vec<Row>> {
    let suite = Suite::load()?;
    let green = one_more_row(&suite, true, "one more build of a group").await?;
    let red = one_more_row(&suite, false, "the same of a group that was never green").await?;
    Ok(vec![green, red])
}

async fn one_more_row(suite: &Suite, green: bool, work: &str) -> anyhow::Result<Row> {
    let mut times = Vec::new();
    for columns in HISTORIES {
        let shape = Shape { tests: TESTS, columns, stale: 0, seed: 5 };
        times.push(one_more(suite, &shape, green, EVENTS).await?);
    }
    let (short, long) = (times[0], times[1]);
    let growth = long.as_secs_f64() / short.as_secs_f64().max(f64::MIN_POSITIVE);
    Ok(Row {
        work: format!("{work}: read, stored, its tab summarized"),
        data: format!("{TESTS} tests; {} and {} columns before", HISTORIES[0], HISTORIES[1]),
        seen: format!("{} and {} ({growth:.2} ×)", ms(short), ms(long)),
        target: "the longer history ≤ 1.5 ×".to_owned(),
        reached: growth <= 1.5,
    })
}

/// The median time of an event after a history of this shape.
async fn one_more(
    suite: &Suite,
    shape: &Shape,
    green: bool,
    events: usize,
) -> anyhow::Result<Duration> {
    let folder = tempfile::tempdir()?;
    let bucket = folder.path().join("bucket");
    let now_ms = SystemClock.now().millis();
    let group = TestGroup {
        name: "long".to_owned(),
        gcs_prefix: format!("{BUCKET}/logs/long"),
        // The whole history is in the window.
        days_of_results: 10_000,
        num_columns_recent: 10,
        num_failures_to_alert: 2,
        num_passes_to_disable_alert: 1,
        disable_prowjob_analysis: true,
        ..TestGroup::default()
    };
    let tab = DashboardTab {
        name: group.name.clone(),
        test_group_name: group.name.clone(),
        ..DashboardTab::default()
    };
    let configuration = Configuration {
        test_groups: vec![group.clone()],
        dashboards: vec![Dashboard {
            name: group.name.clone(),
            dashboard_tab: vec![tab],
            ..Dashboard::default()
        }],
        ..Configuration::default()
    };
    let config = GridConfig::new(configuration, Vec::new(), 1, SystemClock.now());
    let config = LiveGridConfig::fixed(config);
    let (store, deps) = deps(&folder.path().join("data"), config, (BUCKET, &bucket)).await?;
    // Hours ago, so that the builds that follow are the newest.
    let newest_ms = now_ms - 6 * 3_600_000;
    let _bytes = match green {
        true => grids::fill(&store, &group, suite, shape, newest_ms).await?,
        false => grids::fill_red(&store, &group, suite, shape, newest_ms).await?,
    };
    let mut names = store.grid().row_names(&group.name).await?;
    // The updater adds this row by itself.
    names.retain(|name| !name.ends_with(".Overall"));
    let mut times = Vec::new();
    for event in 0..WARM + events {
        let started_seconds = now_ms / 1_000 - 5 * 3_600 + event as i64 * 60;
        let build = write_build(&bucket, event, started_seconds, &names, green)?;
        let began = Instant::now();
        let taken = take_builds(&deps, &group, vec![build], Reread::default()).await?;
        let took = began.elapsed();
        ensure!(taken.changed && taken.failure.is_none(), "a build was not taken: {taken:?}");
        if event >= WARM {
            times.push(took);
        }
    }
    median(&times).context("no event was measured")
}

/// Writes the files of a build in which all tests pass, or all but one.
fn write_build(
    bucket: &Path,
    number: usize,
    started_seconds: i64,
    tests: &[String],
    green: bool,
) -> anyhow::Result<BuildRef> {
    let id = (1_995_000_000_000_000_000 + number as u64).to_string();
    let folder = bucket.join("logs/long").join(&id);
    std::fs::create_dir_all(folder.join("artifacts"))?;
    std::fs::write(folder.join("started.json"), format!("{{\"timestamp\":{started_seconds}}}"))?;
    let finished = started_seconds + 60;
    std::fs::write(
        folder.join("finished.json"),
        format!("{{\"timestamp\":{finished},\"passed\":{green}}}"),
    )?;
    let mut junit = String::from("<testsuite>");
    for (at, name) in tests.iter().enumerate() {
        let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        let failure = if at == 0 && !green { "<failure>no</failure>" } else { "" };
        junit.push_str(&format!("<testcase name=\"{name}\" time=\"1.5\">{failure}</testcase>"));
    }
    junit.push_str("</testsuite>");
    std::fs::write(folder.join("artifacts/junit_01.xml"), junit)?;
    let folder = BlobUri::parse(&format!("gs://{BUCKET}/logs/long/{id}/"))?;
    Ok(BuildRef { id, folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_build_is_taken_after_a_history() -> anyhow::Result<()> {
        let suite = Suite::load()?;
        let shape = Shape { tests: 12, columns: 30, stale: 0, seed: 5 };
        for green in [true, false] {
            let took = one_more(&suite, &shape, green, 3).await?;
            assert!(took > Duration::ZERO);
        }
        Ok(())
    }
}
