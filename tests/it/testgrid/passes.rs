//! `bowsprit testgrid merge`, `update`, `tabulate` and `summarize` over a folder of results.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clock::{Clock as _, SystemClock};
use grid::proto::config::{Configuration, Dashboard, DashboardTab, TestGroup, TestNameConfig};
use grid::proto::state::Grid;
use grid::proto::summary::{DashboardSummary, DashboardTabSummary, TabStatus};
use grid::proto::wire;
use prost::Message as _;
use tempfile::TempDir;
use tests::data;

use crate::program::EXE;

/// A folder with a configuration, and the bucket `bucket` in another.
struct Place {
    folder: TempDir,
    bucket: PathBuf,
}

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    text: String,
    well: bool,
}

impl Place {
    fn new(configuration: &Configuration) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let bucket = folder.path().join("bucket");
        fs::create_dir(&bucket).expect("a folder");
        fs::create_dir(folder.path().join("grids")).expect("a folder");
        let bytes = configuration.encode_to_vec();
        fs::write(folder.path().join("grids/config"), bytes).expect("a file");
        Place { folder, bucket }
    }

    fn run(&self, command: &str, flags: &[&str]) -> Said {
        let output = Command::new(EXE)
            .args(["testgrid", command, "-config"])
            .arg(self.folder.path().join("grids/config"))
            .arg(format!("--local-bucket=bucket={}", self.bucket.display()))
            .args(flags)
            .env_remove("STORAGE_EMULATOR_HOST")
            .output()
            .expect("the program");
        let text = String::from_utf8(output.stderr).expect("a text");
        Said { text, well: output.status.success() }
    }

    fn confirmed(&self, command: &str) -> Said {
        self.run(command, &["-confirm"])
    }

    fn path(&self, object: &str) -> PathBuf {
        self.folder.path().join("grids").join(object)
    }

    fn grid(&self, object: &str) -> Grid {
        let bytes = fs::read(self.path(object)).expect(object);
        wire::read_grid(&bytes).expect(object)
    }

    fn summaries(&self, object: &str) -> Vec<DashboardTabSummary> {
        let bytes = fs::read(self.path(object)).expect(object);
        DashboardSummary::decode(&*bytes).expect(object).tab_summaries
    }

    fn build(&self, job: &str, id: i64, failed: bool) {
        let folder = self.bucket.join(format!("logs/{job}/{id}"));
        fs::create_dir_all(folder.join("artifacts")).expect("a folder");
        let started = 1_700_000_000 + id * 3_600;
        let write = |name: &str, text: String| fs::write(folder.join(name), text).expect(name);
        write("started.json", format!("{{\"timestamp\":{started}}}"));
        let finished = format!("{{\"timestamp\":{},\"passed\":{}}}", started + 60, !failed);
        write("finished.json", finished);
        let failure = if failed { "<failure message='broken'/>" } else { "" };
        write(
            "artifacts/junit_01.xml",
            format!(
                "<testsuite><testcase name='TestA' time='3'>{failure}</testcase>\
                 <testcase name='TestB' time='1'/></testsuite>"
            ),
        );
    }
}

fn group(name: &str) -> TestGroup {
    TestGroup {
        name: name.to_owned(),
        gcs_prefix: format!("bucket/logs/{name}"),
        days_of_results: 10_000,
        use_kubernetes_client: true,
        num_failures_to_alert: 2,
        num_passes_to_disable_alert: 1,
        disable_prowjob_analysis: true,
        ..TestGroup::default()
    }
}

fn tab(name: &str, group: &str) -> DashboardTab {
    DashboardTab {
        name: name.to_owned(),
        test_group_name: group.to_owned(),
        ..DashboardTab::default()
    }
}

fn dashboard(name: &str, tabs: Vec<DashboardTab>) -> Dashboard {
    Dashboard { name: name.to_owned(), dashboard_tab: tabs, ..Dashboard::default() }
}

fn configuration(groups: Vec<TestGroup>, dashboards: Vec<Dashboard>) -> Configuration {
    Configuration { test_groups: groups, dashboards, ..Configuration::default() }
}

#[test]
fn three_passes_write_grids_tabs_and_summaries_where_testgrid_has_them() {
    let mut filtered = tab("only A", "unit");
    filtered.base_options = "include-filter-by-regex=TestA".to_owned();
    let place = Place::new(&configuration(
        vec![group("unit")],
        vec![dashboard("Dash One", vec![tab("all", "unit"), filtered])],
    ));
    for id in 1..=12 {
        place.build("unit", id, id >= 11);
    }
    let said = place.run("update", &[]);
    assert!(said.well && said.text.contains("1 grids made and, without --confirm, not written"));
    assert!(!place.path("grid").exists());

    let said = place.confirmed("update");
    assert!(said.well && said.text.starts_with("1 grids written from 12 builds"), "{said:?}");
    let grid = place.grid("grid/unit");
    let builds: Vec<&str> = grid.columns.iter().map(|column| column.build.as_str()).collect();
    assert_eq!(builds, ["12", "11", "10", "9", "8", "7", "6", "5", "4", "3", "2", "1"]);
    assert!(place.confirmed("tabulate").text.starts_with("2 tabs written"));
    let rows: Vec<String> =
        place.grid("tabs/Dash One/only A").rows.into_iter().map(|row| row.name).collect();
    assert_eq!(rows, ["TestA"]);
    assert!(place.confirmed("summarize").text.starts_with("1 summaries written"));
    let summaries = place.summaries("summary/summary-dashone");
    assert_eq!(summaries.len(), 2);
    assert_eq!(summaries[0].dashboard_tab_name, "all");
    assert_eq!(summaries[0].overall_status, TabStatus::Fail as i32);
    let failing: Vec<&str> =
        summaries[0].failing_test_summaries.iter().map(|row| row.display_name.as_str()).collect();
    assert_eq!(failing, ["TestA", "unit.Overall"]);

    // The next pass reads what is new, and what it makes is what a first pass would have made.
    place.build("unit", 13, false);
    let said = place.confirmed("update");
    assert!(said.well && said.text.starts_with("1 grids written from 1 builds"), "{said:?}");
    let step_by_step = place.grid("grid/unit");
    fs::remove_file(place.path("grid/unit")).expect("a file");
    assert!(place.confirmed("update").text.starts_with("1 grids written from 13 builds"));
    assert!(place.grid("grid/unit") == step_by_step);
    let said = place.confirmed("update");
    assert!(said.well && said.text.starts_with("1 grids written in"), "nothing is new: {said:?}");
}

#[test]
fn what_is_broken_is_told_and_does_not_stop_the_others() {
    let mut unnamed = group("unnamed");
    unnamed.test_name_config =
        Some(TestNameConfig { name_format: "%s %!".to_owned(), ..TestNameConfig::default() });
    let mut broken = tab("broken", "unit");
    broken.base_options = "include-filter-by-regex=(".to_owned();
    let place = Place::new(&configuration(
        vec![group("cut"), unnamed, group("unit"), group("never")],
        vec![
            dashboard("mixed", vec![broken, tab("gone", "nobody"), tab("good", "unit")]),
            dashboard("other", vec![tab("cut", "cut"), tab("never", "never")]),
        ],
    ));
    place.build("unit", 1, false);
    place.build("cut", 1, false);
    place.confirmed("update");
    let cut = fs::read(place.path("grid/cut")).expect("a grid");
    fs::write(place.path("grid/cut"), &cut[..cut.len() / 2]).expect("a file");
    place.build("unit", 2, false);

    let said = place.confirmed("update");
    assert!(!said.well);
    assert!(said.text.contains("cut: "), "{}", said.text);
    assert!(said.text.contains("remove it to have it made anew: the grid is truncated"));
    assert!(said.text.contains("unnamed: the names of the rows of the test group `unnamed`"));
    assert!(said.text.contains("2 grids written from 1 builds, 2 failed"), "{}", said.text);
    assert_eq!(place.grid("grid/unit").columns.len(), 2);
    assert_eq!(fs::read(place.path("grid/cut")).expect("a grid"), &cut[..cut.len() / 2]);

    let said = place.confirmed("tabulate");
    assert!(!said.well);
    assert!(said.text.contains("mixed/gone: the configuration has no test group `nobody`"));
    assert!(said.text.contains("mixed/broken: "), "{}", said.text);
    assert!(said.text.contains("the grid is truncated"));
    assert_eq!(place.grid("tabs/mixed/good").columns.len(), 2);

    fs::write(place.path("tabs/other/never"), "no grid").expect("a file");
    let said = place.confirmed("summarize");
    assert!(!said.well);
    let mixed = place.summaries("summary/summary-mixed");
    let status = |at: usize| mixed[at].status.as_str();
    assert_eq!(status(0), "no completed results", "nobody has written this tab");
    assert_eq!(status(1), "Test group does not exist: nobody");
    assert!(status(2).starts_with("Tab stats: 2 of 2"), "{}", status(2));
    let other = place.summaries("summary/summary-other");
    assert!(other[1].status.starts_with("Error attempting to summarize tab: "), "{other:?}");
    assert!(said.text.contains("other: never: Error attempting to summarize tab"));
}

#[test]
fn flags_name_what_is_made_and_unknown_names_are_told() {
    let place = Place::new(&configuration(
        vec![group("one"), group("two")],
        vec![
            dashboard("first", vec![tab("one", "one")]),
            dashboard("second", vec![tab("two", "two")]),
        ],
    ));
    place.build("one", 1, false);
    place.build("two", 1, false);
    let said = place.run("update", &["--confirm", "--test-group=one", "--test-group=three"]);
    assert!(!said.well);
    assert!(said.text.contains("the configuration has no test group `three`"), "{said:?}");
    assert!(place.path("grid/one").exists() && !place.path("grid/two").exists());
    let said =
        place.run("update", &["-confirm=1", "-grid-prefix=else/where", "-test-group", "two"]);
    assert!(said.well && place.path("else/where/two").exists(), "{said:?}");
    let said = place.run("tabulate", &["--confirm", "--group=one", "--tab-state-path=t"]);
    assert!(said.well && place.path("t/first/one").exists(), "{said:?}");
    let said = place.run("summarize", &["--confirm", "--dashboard=first", "--tab-path=t"]);
    assert!(said.well && !place.path("summary/summary-second").exists(), "{said:?}");
    assert_eq!(place.summaries("summary/summary-first")[0].overall_status, TabStatus::Pass as i32);
    fs::remove_file(place.path("config")).expect("a file");
    let said = place.confirmed("update");
    assert!(!said.well && said.text.contains("config does not exist"), "{said:?}");
}

#[test]
fn a_build_that_still_runs_is_read_again_and_older_ones_are_not() {
    let place = Place::new(&configuration(vec![group("unit")], Vec::new()));
    for id in 1..=5 {
        place.build("unit", id, false);
    }
    // Young enough to end well yet.
    let folder = place.bucket.join("logs/unit/6");
    fs::create_dir_all(&folder).expect("a folder");
    let started = SystemClock.now().seconds() - 2 * 3_600;
    fs::write(folder.join("started.json"), format!("{{\"timestamp\":{started}}}")).expect("a file");
    assert!(place.confirmed("update").text.contains("from 6 builds"));
    assert!(place.confirmed("update").text.contains("from 1 builds"));
    let finished = format!("{{\"timestamp\":{},\"passed\":true}}", started + 60);
    fs::write(folder.join("finished.json"), finished).expect("a file");
    assert!(place.confirmed("update").text.contains("from 1 builds"));
    assert!(place.confirmed("update").text.starts_with("1 grids written in"));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("a copy")),
        }
    }
}

#[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
#[test]
fn real_results_grow_build_by_build() {
    let Some(results) = data::results() else {
        println!("skipped: no results; set BOWSPRIT_RESULTS");
        return;
    };
    let jobs = ["ci-testify-unit", "ci-clock-race"];
    let groups: Vec<TestGroup> = jobs.map(group).into();
    let tabs = jobs.iter().map(|job| tab(job, job)).collect();
    let place = Place::new(&configuration(groups, vec![dashboard("sample", tabs)]));
    let mut late = Vec::new();
    for job in jobs {
        let from = results.join("sample-ci/logs").join(job);
        let mut ids: Vec<PathBuf> = fs::read_dir(&from)
            .expect("builds")
            .map(|entry| entry.expect("a build").path())
            .collect();
        ids.retain(|path| path.is_dir());
        ids.sort();
        let newest = ids.split_off(ids.len() - 3);
        for path in ids {
            copy(&path, &place.bucket.join("logs").join(job).join(path.file_name().expect("id")));
        }
        late.extend(newest.into_iter().map(|path| (job, path)));
    }
    let said = place.confirmed("update");
    assert!(said.text.starts_with("2 grids written from 33 builds"), "{said:?}");
    for (job, path) in late {
        copy(&path, &place.bucket.join("logs").join(job).join(path.file_name().expect("id")));
    }
    let said = place.confirmed("update");
    assert!(said.text.starts_with("2 grids written from 6 builds"), "{said:?}");
    let grown: Vec<Grid> = jobs.iter().map(|job| place.grid(&format!("grid/{job}"))).collect();
    assert_eq!(grown[0].columns.len(), 24);
    fs::remove_dir_all(place.path("grid")).expect("a folder");
    assert!(place.confirmed("update").text.starts_with("2 grids written from 39 builds"));
    for (job, grown) in jobs.iter().zip(grown) {
        assert!(place.grid(&format!("grid/{job}")) == grown, "{job}");
    }
    assert!(place.confirmed("tabulate").well && place.confirmed("summarize").well);
    let summaries = place.summaries("summary/summary-sample");
    assert_eq!(summaries.len(), 2);
    assert_ne!(summaries[0].overall_status, TabStatus::Unknown as i32);
}

/// A folder with the configuration as `config`, and what updater and tabulator made of it below
/// `grid/` and `tabs/`.
#[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
#[test]
fn passes_write_what_the_programs_of_testgrid_write() {
    let Some(results) = data::results() else {
        println!("skipped: no results; set BOWSPRIT_RESULTS");
        return;
    };
    let Some(theirs) = std::env::var_os("BOWSPRIT_TESTGRID_OUTPUT").map(PathBuf::from) else {
        println!("skipped: set BOWSPRIT_TESTGRID_OUTPUT to what TestGrid made of the results");
        return;
    };
    let bytes = |path: &str| fs::read(theirs.join(path)).expect(path);
    let configuration = Configuration::decode(&*bytes("config")).expect("a configuration");
    let place = Place::new(&configuration);
    let bucket = format!("--local-bucket=sample-ci={}", results.join("sample-ci").display());
    for command in ["update", "tabulate"] {
        let said = place.run(command, &["--confirm", &bucket]);
        assert!(said.well, "{said:?}");
    }
    let tabs = configuration.dashboards.iter().flat_map(|dashboard| {
        dashboard.dashboard_tab.iter().map(|tab| format!("tabs/{}/{}", dashboard.name, tab.name))
    });
    let groups = configuration.test_groups.iter().map(|group| format!("grid/{}", group.name));
    for object in groups.chain(tabs) {
        let their = wire::read_grid(&bytes(&object)).expect("a grid");
        // TestGrid's updater does not get to store the configuration that it means to store.
        let ours = Grid { config: None, ..place.grid(&object) };
        assert!(ours == Grid { config: None, ..their }, "{object}");
    }
}

#[test]
fn configurations_of_several_projects_become_one() {
    let group = |name: &str| TestGroup { num_columns_recent: 5, ..group(name) };
    let mut both = tab("both", "unit");
    both.additional_test_group_names = vec!["e2e".to_owned()];
    let theirs = configuration(
        vec![group("unit"), group("e2e")],
        vec![dashboard("main", vec![both, tab("e2e", "e2e")])],
    );
    let ours =
        configuration(vec![group("unit")], vec![dashboard("main", vec![tab("one", "unit")])]);
    let place = Place::new(&ours);
    let shard = |name: &str, bytes: Vec<u8>| fs::write(place.path(name), bytes).expect(name);
    shard("theirs", theirs.encode_to_vec());
    shard("nothing", Vec::new());
    shard("broken", b"not a message".to_vec());
    let list = |sources: &[(&str, &str)]| {
        let target = place.path("target");
        let mut text = format!("target: {}\nsources:\n", target.display());
        for (name, file) in sources {
            let location = place.path(file);
            text.push_str(&format!("- {{name: '{name}', location: {}}}\n", location.display()));
        }
        fs::write(place.path("list.yaml"), text).expect("a list");
    };
    let merge = |flags: &[&str]| {
        let output = Command::new(EXE)
            .args(["testgrid", "merge", "--mergelist"])
            .arg(place.path("list.yaml"))
            .args(flags)
            .output()
            .expect("the program");
        let text = String::from_utf8(output.stderr).expect("a text");
        Said { text, well: output.status.success() }
    };
    let written = |name: &str| {
        let bytes = fs::read(place.path(name)).expect(name);
        Configuration::decode(&*bytes).expect(name)
    };
    list(&[("", "config"), ("theirs", "theirs")]);
    let said = merge(&[]);
    assert!(said.well && !place.path("target").exists(), "without --confirm: {said:?}");
    let output = format!("--output={}", place.path("out").display());
    let said = merge(&[&output]);
    assert!(said.well && said.text.contains("3 groups, 2 dashboards, 3 tabs"), "{said:?}");
    let merged = written("out");
    let groups: Vec<&str> = merged.test_groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(groups, ["unit", "theirs-unit", "e2e"]);
    let second = &merged.dashboards[1];
    let shown: Vec<Vec<&str>> =
        second.dashboard_tab.iter().map(|tab| tab.test_groups().collect()).collect();
    assert_eq!(second.name, "theirs-main");
    assert_eq!(shown, [vec!["theirs-unit", "e2e"], vec!["e2e"]]);

    // What is invalid is told and does not stop the others.
    list(&[("", "config"), ("nothing", "nothing"), ("broken", "broken")]);
    let said = merge(&["--confirm"]);
    assert!(!said.well && said.text.contains("2 failed"), "{said:?}");
    assert!(said.text.contains("source `broken`") && said.text.contains("is left out"));
    assert!(said.text.contains("field missing or unset: TestGroups"), "{said:?}");
    assert!(written("target") == ours);

    // A source that is not there may be there in a moment: the whole waits for it.
    list(&[("", "config"), ("away", "away")]);
    let said = merge(&["--confirm"]);
    assert!(!said.well && said.text.contains("away does not exist"), "{said:?}");
    list(&[("one", "config"), ("one", "theirs")]);
    assert!(merge(&[]).text.contains("two sources are named `one`"));
    fs::write(place.path("list.yaml"), "target: x\nsauces: []\n").expect("a list");
    assert!(merge(&[]).text.contains("sauces"), "unknown fields are told");
}
