//! Real results of open-source test suites become grids, tabs and summaries, where they are at hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use go_compat::Timestamp;
use grid::proto::config::{Configuration, TestGroup};
use grid::proto::state::Grid;
use grid::proto::summary::DashboardTabSummary;
use grid::proto::wire;
use grid::summarizer::health::Rules;
use grid::summarizer::{Features, GridRef, TabContext, summarize};
use grid::tabulator::{TabulateOptions, tabulate};
use grid::updater::build::{self, BuildFiles, Found};
use grid::updater::builds::{id_of, job_and_build, link_target, newest_first};
use grid::updater::columns::{combine, kept_columns, resume_hint, window_start};
use grid::updater::construct::{Issues, group_grid};
use grid::updater::convert::{Converter, InflatedColumn, error_column};
use grid::updater::naming::prefixes;
use prost::Message;

use crate::support::{digest, shared, skipped};

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

/// What TestGrid's programs made of the results: the configuration and the second in which it was, and
/// the digest of every grid, tab and summary. The messages themselves are compared where somebody has
/// made them again: then `BOWSPRIT_TESTGRID_OUTPUT` is a folder with the configuration as `config`, what
/// updater and tabulator made of it below `grid/` and `tabs/`, summaries of single tabs below
/// `summary/`, and as `modified` the second.
struct TestGridOutput {
    folder: Option<PathBuf>,
    configuration: Vec<u8>,
    modified: i64,
    digests: BTreeMap<String, String>,
    /// Whether the digests are taken anew from the folder, as `BOWSPRIT_GENERATE` wants it.
    generates: bool,
}

impl TestGridOutput {
    /// Where the digests are kept.
    fn kept() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testgrid-output")
    }

    fn find() -> TestGridOutput {
        let folder = std::env::var_os("BOWSPRIT_TESTGRID_OUTPUT").map(PathBuf::from);
        if folder.is_none() {
            skipped("only digests: BOWSPRIT_TESTGRID_OUTPUT names no folder with TestGrid's own");
        }
        let kept = TestGridOutput::kept();
        let read = |name: &str| fs::read(kept.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let text = |name: &str| String::from_utf8(read(name)).expect("a text");
        let digests = text("digests");
        let digests = digests.lines().filter_map(|line| line.split_once("  "));
        TestGridOutput {
            generates: folder.is_some() && std::env::var_os("BOWSPRIT_GENERATE").is_some(),
            folder,
            configuration: read("config"),
            modified: text("modified").trim().parse().expect("a number"),
            digests: digests.map(|(digest, name)| (name.to_owned(), digest.to_owned())).collect(),
        }
    }

    /// TestGrid's own message, where it is at hand.
    fn message<M>(&self, name: &str, read: impl Fn(&[u8]) -> M) -> Option<M> {
        let path = self.folder.as_ref()?.join(name);
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Some(read(&bytes))
    }

    /// Compares by digest, which also shows that the digests are TestGrid's.
    fn check<M: Message>(&mut self, name: &str, ours: &M, theirs: Option<&M>) {
        let digest = |message: &M| digest(&message.encode_to_vec());
        if let Some(theirs) = theirs.filter(|_| self.generates) {
            self.digests.insert(name.to_owned(), digest(theirs));
        }
        let kept = self.digests.get(name).map_or("", String::as_str);
        assert_eq!(digest(ours), kept, "{name} is not what TestGrid makes");
        if let Some(theirs) = theirs {
            assert_eq!(digest(theirs), kept, "the digest of {name} is not that of TestGrid's own");
        }
    }
}

#[test]
fn grids_tabs_and_summaries_equal_those_of_testgrid() {
    let Some(root) = results() else { return };
    let mut output = TestGridOutput::find();
    let modified = output.modified;
    let configuration: Configuration =
        wire::decode("configuration", &output.configuration).expect("a configuration");
    let grid = |bytes: &[u8]| without_config(wire::read_grid(bytes).expect("a grid"));
    let mut cells = 0;
    for group in &configuration.test_groups {
        let name = format!("grid/{}", group.name);
        let ours = without_config(grid_of(&root, group, modified));
        let theirs = output.message(&name, grid);
        same(&name, &ours, theirs.as_ref());
        output.check(&name, &ours, theirs.as_ref());
        cells += ours.rows.iter().map(|row| row.messages.len()).sum::<usize>();
    }
    assert!(cells > 90_000, "{cells} cells");
    let now = Timestamp::from_seconds(modified);
    for dashboard in &configuration.dashboards {
        for tab in &dashboard.dashboard_tab {
            let group = configuration.test_groups.iter().find(|g| g.name == tab.test_group_name);
            let group = group.expect("the tab's group");
            let of_group = grid_of(&root, group, modified);
            let ours = tabulate(of_group, tab, group, TabulateOptions::default(), None, modified)
                .expect("usable options");
            let name = format!("tabs/{}/{}", dashboard.name, tab.name);
            let theirs = output.message(&name, grid);
            let ours = without_config(ours);
            same(&name, &ours, theirs.as_ref());
            output.check(&name, &ours, theirs.as_ref());
            let context = TabContext {
                dashboard: &dashboard.name,
                tab,
                group,
                modified: Some(now),
                now,
                features: Features::default(),
                health: Rules::TestGrid,
            };
            let ours = comparable(summarize(&GridRef::from(&ours), &context).summary);
            let name = format!("summary/{}/{}", dashboard.name, tab.name);
            let theirs = output.message(&name, |bytes| {
                comparable(wire::decode("summary", bytes).expect("a summary"))
            });
            if let Some(theirs) = &theirs {
                assert_eq!(&ours, theirs, "{name}");
            }
            output.check(&name, &ours, theirs.as_ref());
        }
    }
    if output.generates {
        let lines = output.digests.iter().map(|(name, digest)| format!("{digest}  {name}\n"));
        let file = TestGridOutput::kept().join("digests");
        fs::write(file, lines.collect::<String>()).expect("the project can be written");
    }
}

/// TestGrid lists the flakiness of tests in no order, sums it up in that order, and reads the clock
/// once more for it.
fn comparable(mut summary: DashboardTabSummary) -> DashboardTabSummary {
    if let Some(health) = &mut summary.healthiness {
        health.tests.sort_by(|a, b| a.display_name.cmp(&b.display_name));
        health.average_flakiness = (health.average_flakiness * 1e3).round();
        (health.start, health.end) = (None, None);
    }
    summary
}

/// TestGrid's updater means to store the configuration, but does so after it made the bytes.
fn without_config(grid: Grid) -> Grid {
    Grid { config: None, ..grid }
}

/// Says by column and row what differs.
fn same(name: &str, ours: &Grid, theirs: Option<&Grid>) {
    let Some(theirs) = theirs else { return };
    assert_eq!(ours.columns, theirs.columns, "{name}");
    let names = |grid: &Grid| grid.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(ours), names(theirs), "{name}");
    for (our, their) in ours.rows.iter().zip(&theirs.rows) {
        assert_eq!(our, their, "{name}");
    }
    assert!(ours == theirs, "{name}");
}
