//! Real results of open-source test suites become grids, tabs and summaries, where they are at hand.

use std::fs;
use std::path::{Path, PathBuf};

use go_compat::Timestamp;
use grid::proto::config::{Configuration, TestGroup};
use grid::proto::state::Grid;
use grid::proto::summary::DashboardTabSummary;
use grid::proto::wire;
use grid::summarizer::{Features, TabContext, summarize};
use grid::tabulator::{TabulateOptions, tabulate};
use grid::updater::build::{self, BuildFiles, Found};
use grid::updater::builds::{id_of, job_and_build, link_target, newest_first};
use grid::updater::columns::{combine, kept_columns, resume_hint, window_start};
use grid::updater::construct::{Issues, group_grid};
use grid::updater::convert::{Converter, InflatedColumn, error_column};
use grid::updater::naming::prefixes;

use crate::support::{shared, skipped};

fn found(path: &Path) -> Found {
    fs::read(path).map_or(Found::Missing, Found::Bytes)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

fn files_of(root: &Path, object: &str) -> BuildFiles {
    let folder = root.join(object);
    let (job, build) = job_and_build(object).expect("job and build");
    let mut all = Vec::new();
    walk(&folder, &mut all);
    let below = |path: &Path| path.strip_prefix(&folder).expect("below").display().to_string();
    BuildFiles {
        job: job.to_owned(),
        build: build.to_owned(),
        path: format!("gs://{object}"),
        started: found(&folder.join("started.json")),
        finished: found(&folder.join("finished.json")),
        podinfo: found(&folder.join("podinfo.json")),
        suites: all.iter().map(|path| (below(path), found(path))).collect(),
    }
}

/// The folders of a group's builds, newest first.
fn builds_of(root: &Path, group: &TestGroup) -> Vec<String> {
    let mut builds = Vec::new();
    for prefix in prefixes(group) {
        for entry in fs::read_dir(root.join(prefix)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() {
                builds.push(format!("{prefix}/{name}/"));
            } else if name.ends_with(".txt") {
                let text = fs::read_to_string(entry.path()).expect("a text");
                let target = link_target(&text);
                builds.extend(target.map(|target| target.trim_start_matches("gs://").to_owned()));
            }
        }
    }
    newest_first(builds, "", |build: &String| id_of(build))
}

fn grid_of(root: &Path, group: &TestGroup, now: i64) -> Grid {
    let columns = read_builds(root, group, &builds_of(root, group), now);
    group_grid(group, combine(group, columns, Vec::new()), &Issues::new())
}

/// The columns of builds that are listed newest first, read oldest first.
fn read_builds(root: &Path, group: &TestGroup, builds: &[String], now: i64) -> Vec<InflatedColumn> {
    let converter = Converter::new(group, false).expect("a name format");
    let mut columns: Vec<InflatedColumn> = Vec::new();
    let mut good = None;
    let mut failures = 0;
    for object in builds.iter().rev() {
        let files = files_of(root, object);
        let id = files.build.clone();
        columns.push(match build::read(files, window_start(group, now)) {
            Ok(build) => {
                failures = 0;
                let column = converter.column(&build, now);
                good = Some(column.column.clone());
                column
            }
            Err(error) => {
                failures += 1;
                error_column(&id, &error, good.as_ref(), failures, group.column_header.len())
            }
        });
    }
    columns
}

fn results() -> Option<PathBuf> {
    shared("BOWSPRIT_RESULTS", "results")
}

#[test]
fn every_build_is_a_column_and_names_of_every_kind_are_rows() {
    let Some(root) = results() else { return };
    let group = |prefix: &str| TestGroup {
        gcs_prefix: prefix.to_owned(),
        days_of_results: 10_000,
        use_kubernetes_client: true,
        num_failures_to_alert: 2,
        disable_prowjob_analysis: true,
        ..TestGroup::default()
    };
    const NOW: i64 = 1_795_000_000;
    let testify = grid_of(&root, &group("sample-ci/logs/ci-testify-unit"), NOW);
    assert_eq!(testify.columns.len(), 24);
    assert!(testify.rows.len() > 1_000, "{} rows", testify.rows.len());
    assert!(testify.columns.is_sorted_by(|a, b| a.started >= b.started));
    let flaky = testify.rows.iter().find(|row| row.name.ends_with("TestSuiteRequireTwice"));
    let icons = &flaky.expect("the row").icons;
    assert!(icons.iter().any(|icon| icon == "1/2"), "{icons:?}");
    let pulls = grid_of(&root, &group("sample-ci/pr-logs/directory/pull-pflag-unit"), NOW);
    assert_eq!(pulls.columns.len(), 18);
    let largest = grid_of(&root, &group("sample-ci/logs/ci-apimachinery-util"), NOW);
    assert!(largest.rows.len() > 7_000);
    assert!(largest.rows.iter().any(|row| row.name.contains("\"/foo/\"+\"\"=\"/foo/\"")));
    let bytes = wire::write_grid(&largest);
    assert_eq!(wire::read_grid(&bytes).expect("a grid"), largest);
}

#[test]
fn a_grid_made_build_by_build_equals_one_made_at_once() {
    let Some(root) = results() else { return };
    const NOW: i64 = 1_795_000_000;
    let group = TestGroup {
        gcs_prefix: "sample-ci/logs/ci-fsnotify-stress, sample-ci/logs/ci-clock-race".to_owned(),
        days_of_results: 10_000,
        num_failures_to_alert: 2,
        ..TestGroup::default()
    };
    let all = builds_of(&root, &group);
    assert_eq!(all.len(), 21);
    let mut stored = Grid::default();
    for step in (0..all.len()).step_by(4).rev() {
        // The store is as it was when the builds from here on had not happened yet.
        let (kept, issues) = kept_columns(stored, &group, NOW);
        let hint = resume_hint(&kept).to_owned();
        let listed = newest_first(all[step..].to_vec(), &hint, |build: &String| id_of(build));
        assert!(listed.len() <= 5, "{} builds were read again", listed.len());
        let columns = combine(&group, read_builds(&root, &group, &listed, NOW), kept);
        stored = wire::read_grid(&wire::write_grid(&group_grid(&group, columns, &issues)))
            .expect("a grid");
    }
    assert!(stored == grid_of(&root, &group, NOW));
}

#[test]
fn grids_tabs_and_summaries_equal_those_of_testgrid() {
    let Some(root) = results() else { return };
    // A folder with the configuration as `config`, what updater and tabulator made of it below `grid/`
    // and `tabs/`, summaries of single tabs below `summary/`, and as `modified` the second in which
    // that was.
    let Some(theirs) = std::env::var_os("BOWSPRIT_TESTGRID_OUTPUT").map(PathBuf::from) else {
        skipped("set BOWSPRIT_TESTGRID_OUTPUT to a folder with what TestGrid made of the results");
        return;
    };
    let bytes = |path: &str| fs::read(theirs.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    let text = String::from_utf8(bytes("modified")).expect("a number");
    let modified: i64 = text.trim().parse().expect("a number");
    let configuration: Configuration =
        wire::decode("configuration", &bytes("config")).expect("a configuration");
    let mut cells = 0;
    for group in &configuration.test_groups {
        let ours = grid_of(&root, group, modified);
        let their = wire::read_grid(&bytes(&format!("grid/{}", group.name))).expect("a grid");
        same(&group.name, &ours, &their);
        cells += ours.rows.iter().map(|row| row.messages.len()).sum::<usize>();
    }
    assert!(cells > 90_000, "{cells} cells");
    let now = Timestamp::from_seconds(modified);
    for dashboard in &configuration.dashboards {
        for tab in &dashboard.dashboard_tab {
            let name = format!("{}/{}", dashboard.name, tab.name);
            let group = configuration.test_groups.iter().find(|g| g.name == tab.test_group_name);
            let group = group.expect("the tab's group");
            let grid = grid_of(&root, group, modified);
            let ours = tabulate(grid, tab, group, TabulateOptions::default(), None, modified)
                .expect("usable options");
            let their = wire::read_grid(&bytes(&format!("tabs/{name}"))).expect("a grid");
            same(&name, &ours, &their);
            let context = TabContext {
                dashboard: &dashboard.name,
                tab,
                group,
                modified: Some(now),
                now,
                features: Features::default(),
            };
            let mut ours = summarize(&ours, &context).summary;
            let mut their: DashboardTabSummary =
                wire::decode("summary", &bytes(&format!("summary/{name}"))).expect("a summary");
            comparable(&mut ours);
            comparable(&mut their);
            assert_eq!(ours, their, "{name}");
        }
    }
}

/// TestGrid lists the flakiness of tests in no order, sums it up in that order, and reads the clock
/// once more for it.
fn comparable(summary: &mut DashboardTabSummary) {
    let Some(health) = &mut summary.healthiness else { return };
    health.tests.sort_by(|a, b| a.display_name.cmp(&b.display_name));
    health.average_flakiness = (health.average_flakiness * 1e3).round();
    (health.start, health.end) = (None, None);
}

fn same(name: &str, ours: &Grid, theirs: &Grid) {
    assert_eq!(ours.columns, theirs.columns, "{name}");
    let names = |grid: &Grid| grid.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(ours), names(theirs), "{name}");
    for (our, their) in ours.rows.iter().zip(&theirs.rows) {
        assert_eq!(our, their, "{name}");
    }
    // TestGrid's updater means to store the configuration, but does so after it made the bytes.
    let without_config = |grid: &Grid| Grid { config: None, ..grid.clone() };
    assert!(without_config(ours) == without_config(theirs), "{name}");
}
