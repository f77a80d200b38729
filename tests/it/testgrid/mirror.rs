//! `--grid-output`: the grid at a place that TestGrid's programs share.

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use grid::proto::state::Grid;
use grid::proto::summary::DashboardSummary;
use grid::proto::wire;
use prost::Message as _;
use server::components::Heartbeat;
use server::components::grid_updater::sync_once;
use server::testgrid::Mirror;
use tempfile::TempDir;
use tests::world::{Setup, World};

use super::served::{GREEN, RED, build, update};
use crate::program::EXE;

/// Windows so long that builds of any age are within, by whatever clock.
const GRIDS: &str = "\
test_groups:
- {name: unit, gcs_prefix: 'file://artifacts/logs/unit', days_of_results: 10000, num_failures_to_alert: 2, disable_prowjob_analysis: true}
- {name: e2e, gcs_prefix: 'file://artifacts/logs/e2e', days_of_results: 10000, disable_prowjob_analysis: true}
dashboards:
- name: main board
  dashboard_tab:
  - {name: unit tests, test_group_name: unit}
  - {name: only a, test_group_name: unit, base_options: 'include-filter-by-regex=%5Ea'}
- {name: other, dashboard_tab: [{name: e2e, test_group_name: e2e}]}
";

/// Long before any clock's time, in hours before that of the World.
const LONG_AGO: i64 = 20_000;

async fn world(place: &Path) -> World {
    let place = place.display().to_string();
    let setup = Setup::default().testgrid(GRIDS);
    setup.testgrid_options(|options| options.grid_output = Some(place)).start().await
}

/// A World whose results are written to the place, and the place.
async fn written() -> (World, TempDir) {
    let place = tempfile::tempdir().expect("a folder");
    let world = world(place.path()).await;
    for (id, hours, cases) in [("100", 3, GREEN), ("101", 2, RED), ("102", 1, RED)] {
        build(&world, "unit", id, LONG_AGO + hours, cases);
    }
    build(&world, "e2e", "7", LONG_AGO, GREEN);
    update(&world).await;
    assert_eq!(mirror(&world).pass().await, [""; 0]);
    (world, place)
}

fn mirror(world: &World) -> &Arc<Mirror> {
    world.process.deps.grid_updater.mirror.as_ref().expect("a place")
}

fn grid(place: &Path, object: &str) -> Grid {
    wire::read_grid(&fs::read(place.join(object)).expect(object)).expect(object)
}

fn builds(grid: &Grid) -> Vec<&str> {
    grid.columns.iter().map(|column| column.build.as_str()).collect()
}

fn names(grid: &Grid) -> Vec<&str> {
    grid.rows.iter().map(|row| row.name.as_str()).collect()
}

const TAB: &str = "/api/v1/dashboards/mainboard/tabs/unittests";

/// The rows of a tab without what names the version.
async fn rows(world: &World) -> serde_json::Value {
    world.get(&format!("{TAB}/rows")).await.expect(200).json()["rows"].take()
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Heartbeat for Told {
    fn pass(&self) {}
    fn failed(&self, error: &dyn Display) {
        self.0.lock().expect("a lock").push(error.to_string());
    }
}

#[tokio::test]
async fn the_place_has_what_the_pages_show_and_what_testgrids_programs_would_write() {
    let (world, place) = written().await;
    let unit = grid(place.path(), "grid/unit");
    assert_eq!(builds(&unit), ["102", "101", "100"]);
    assert_eq!(unit.config.as_ref().expect("the group").name, "unit");
    let tab = grid(place.path(), "tabs/main board/unit tests");
    let shown = rows(&world).await;
    let shown_names: Vec<&str> =
        shown.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names(&tab), shown_names);
    let written = serde_json::to_value(grid::api::v1::list_rows(&tab, 0..10)).unwrap();
    assert_eq!(written["rows"], shown);
    assert_eq!(names(&grid(place.path(), "tabs/main board/only a")), ["a one"]);
    let summary = fs::read(place.path().join("summary/summary-mainboard")).expect("a summary");
    let summary = DashboardSummary::decode(&*summary).expect("a summary");
    let tabs = summary.tab_summaries.iter().map(|tab| tab.dashboard_tab_name.as_str());
    assert_eq!(tabs.collect::<Vec<_>>(), ["unit tests", "only a"]);

    // TestGrid's way from the same results and the configuration that was written.
    let other = tempfile::tempdir().expect("a folder");
    fs::copy(place.path().join("config"), other.path().join("config")).expect("a configuration");
    let bucket = world.data_dir().join("buckets/artifacts");
    for command in ["update", "tabulate"] {
        let output = Command::new(EXE)
            .args(["testgrid", command, "-confirm", "-config"])
            .arg(other.path().join("config"))
            .arg(format!("--local-bucket=artifacts={}", bucket.display()))
            .output()
            .expect("the program");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for object in ["grid/unit", "grid/e2e", "tabs/main board/unit tests", "tabs/other/e2e"] {
        assert!(grid(other.path(), object) == grid(place.path(), object), "{object}");
    }
}

#[tokio::test]
async fn history_whose_results_are_gone_is_taken_from_the_place_and_kept_there() {
    let (first, place) = written().await;
    let second = world(place.path()).await;
    update(&second).await;
    assert_eq!(rows(&second).await, rows(&first).await);
    build(&second, "unit", "103", LONG_AGO - 1, GREEN);
    update(&second).await;
    assert_eq!(mirror(&second).pass().await, [""; 0]);
    assert_eq!(builds(&grid(place.path(), "grid/unit")), ["103", "102", "101", "100"]);

    // The first one sees that another wrote, and keeps what that one has.
    build(&first, "unit", "104", LONG_AGO - 2, GREEN);
    update(&first).await;
    assert_eq!(mirror(&first).pass().await, [""; 0]);
    assert_eq!(builds(&grid(place.path(), "grid/unit")), ["104", "103", "102", "101", "100"]);
}

#[tokio::test]
async fn a_truncated_grid_is_told_and_everything_else_goes_on() {
    let (_first, place) = written().await;
    let unit = place.path().join("grid/unit");
    let whole = fs::read(&unit).expect("a grid");
    fs::write(&unit, &whole[..whole.len() / 2]).expect("a file");
    let second = world(place.path()).await;
    build(&second, "unit", "200", LONG_AGO, GREEN);
    let told = Arc::new(Told::default());
    let mut deps = second.process.deps.grid_updater.clone();
    deps.heartbeat = told.clone();
    sync_once(&deps).await.expect("an update");
    let told = told.0.lock().expect("a lock").clone();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("unit: no history is taken from "), "{told:?}");
    assert!(told[0].contains("grid/unit") && told[0].contains("the grid is truncated"));
    let e2e = second.get("/api/v1/dashboards/other/tabs/e2e/headers").await.expect(200).json();
    assert_eq!(e2e["headers"][0]["build"], "7", "the other group has its history");
    assert_eq!(mirror(&second).pass().await, [""; 0]);
    assert_eq!(builds(&grid(place.path(), "grid/unit")), ["200"]);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_told_and_written_once_it_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("place");
    fs::write(&place, "no folder").expect("a file");
    let world = world(&place).await;
    build(&world, "unit", "100", LONG_AGO, GREEN);
    update(&world).await;
    assert!(!rows(&world).await.as_array().unwrap().is_empty(), "the pages show it");
    let told = mirror(&world).pass().await;
    assert!(told.iter().any(|told| told.starts_with("unit: ")), "{told:?}");
    assert!(told.iter().any(|told| told.starts_with("the configuration: ")), "{told:?}");
    fs::remove_file(&place).expect("a file");
    assert_eq!(mirror(&world).pass().await, [""; 0]);
    assert_eq!(builds(&grid(&place, "grid/unit")), ["100"]);
}

#[tokio::test]
async fn issues_that_another_program_gathered_stand_at_the_rows_that_they_are_about() {
    use grid::proto::issue_state::{IssueInfo, IssueState};
    let (world, place) = written().await;
    let about = |id: &str, title: &str, row: &str| IssueInfo {
        issue_id: id.to_owned(),
        title: title.to_owned(),
        row_ids: vec![row.to_owned()],
        ..IssueInfo::default()
    };
    let infos = vec![about("41", "It <fails>", "a one"), about("42", "Again", "a one")];
    let state = IssueState { issue_info: infos };
    let object = place.path().join("grid/bugs-unit");
    fs::write(&object, state.encode_to_vec()).expect("an object");
    update(&world).await;
    let of_row = async |name: &str| {
        let rows = rows(&world).await;
        let mut rows = rows.as_array().unwrap().iter();
        rows.find(|row| row["name"] == name).unwrap()["issues"].clone()
    };
    assert_eq!(of_row("a one").await, serde_json::json!(["42", "41"]));
    assert!(of_row("b two").await.is_null(), "it is about another row");
    let page = world.get("/testgrid/mainboard/unittests").await.expect(200).text();
    assert!(page.contains("#41") && page.contains("It &lt;fails&gt;"), "with its title");
    let board = world.get("/testgrid/mainboard").await.expect(200).text();
    assert!(board.contains("#42"), "at the failing test");
    let test = world.get("/test?name=a%20one").await.expect(200).text();
    assert!(test.contains("#42"), "and on its page");
    let cell = world.get(&format!("{TAB}/cell?row=a%20one&build=102")).await.expect(200).json();
    let menu = cell["links"].as_array().unwrap();
    assert!(menu.iter().any(|link| link["text"] == "Issue 42 Again"), "{cell}");
    let old = world.get("/mainboard/table?tab=unit%20tests").await.expect(200).json();
    assert_eq!(old["bugs"]["42"]["title"], "Again");
    // What is no list of issues is told, and what is known stays.
    fs::write(&object, b"no list at all").expect("an object");
    update(&world).await;
    assert_eq!(of_row("a one").await, serde_json::json!(["42", "41"]));
    fs::remove_file(&object).expect("it goes");
    update(&world).await;
    assert!(of_row("a one").await.is_null(), "they went with the object");
}
