//! Results that come late, ends that come late, windows that grow, and buckets that do not answer.

use std::sync::Arc;
use std::time::Duration;

use blob::{BlobConfig, BlobUri, Blobs};
use config_load::{Config, LiveConfig};
use grid::proto::summary::TabStatus;
use server::components::grid_updater::decide::{Look, Looked};
use server::components::grid_updater::{Deps, Reread, poll, sync_once, take_builds};
use server::testgrid::TestGrid;
use server::testgrid::config::{GridPaths, GridReloader};
use server::testgrid::source::BuildRef;
use server::web::visibility::Visibility;
use tests::world::{Setup, World};

use super::served::{GREEN, RED, build, update, words};

const GRIDS: &str = "\
test_groups:
- {name: unit, gcs_prefix: 'file://artifacts/logs/unit', days_of_results: 3, num_columns_recent: 5, disable_prowjob_analysis: true}
dashboards:
- name: board
  dashboard_tab:
  - {name: unit, test_group_name: unit, alert_options: {alert_stale_results_hours: 24}}
";

const TAB: &str = "/api/v1/dashboards/board/tabs/unit";
const JUNIT: &str = "artifacts/junit_01.xml";

fn minutes(world: &World, minutes: u64) {
    world.clock.advance(Duration::from_secs(minutes * 60));
}

/// The icons of the newest build's rows, by their names.
async fn icons(world: &World) -> Vec<(String, String)> {
    let rows = world.get(&format!("{TAB}/rows")).await.expect(200).json();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let rows = rows["rows"].as_array().expect("rows").iter();
    rows.map(|row| (text(&row["name"]), text(&row["cells"][0]["icon"]))).collect()
}

/// Looks at a group as the updater does when it is due.
async fn look(deps: &Deps, look: Look) -> Looked {
    let config = deps.grids.config.get();
    poll(deps, config.group("unit").expect("a group"), look).await.expect("a look").looked
}

/// What a restart with another configuration works with.
async fn restarted(world: &World, yaml: &str) -> Deps {
    // Builds were read before the configuration was.
    minutes(world, 1);
    std::fs::write(world.config_file("testgrid/grids.yaml"), yaml).expect("a file");
    let paths = GridPaths { yaml: vec![world.config_file("testgrid/grids.yaml")], default: None };
    let deps = world.process.deps.grid_updater.clone();
    let prow = LiveConfig::fixed(Config::default(), Default::default());
    let live = GridReloader::start(paths, prow, Visibility::default(), deps.clock.now()).live();
    let grids = TestGrid::new(live, Arc::clone(deps.grids.store()), deps.clock.clone());
    grids.restore().await.expect("what was known");
    Deps { grids: Arc::new(grids), ..deps }
}

async fn columns(deps: &Deps) -> (Vec<String>, u64) {
    let grid = deps.grids.grid("board", "unit", None).await.expect("a grid");
    (grid.assembled.grid.columns.build.clone(), grid.unread)
}

#[tokio::test]
async fn results_are_added_for_some_time_after_a_build_was_first_read_as_ended() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    let junit = world.stored_file("unit", "1", JUNIT);
    build(&world, "unit", "1", 2, GREEN);
    std::fs::remove_file(&junit).expect("a file");
    update(&world).await;
    assert_eq!(icons(&world).await.len(), 1, "the row about the whole");
    minutes(&world, 15);
    build(&world, "unit", "1", 2, GREEN);
    update(&world).await;
    assert_eq!(icons(&world).await.len(), 3);
    // That was a change, so that more may come.
    minutes(&world, 15);
    build(&world, "unit", "1", 2, RED);
    update(&world).await;
    assert!(icons(&world).await.contains(&("a one".into(), "F".into())));
    minutes(&world, 21);
    update(&world).await;
    let store = world.process.deps.grid_updater.grids.store();
    assert_eq!(store.unfinished("unit").await.expect("builds"), [], "nothing is waited for");
    // What comes even later is found by the next full listing.
    build(&world, "unit", "1", 2, GREEN);
    update(&world).await;
    assert!(icons(&world).await.contains(&("a one".into(), "F".into())));
    minutes(&world, 6 * 60);
    let deps = &world.process.deps.grid_updater;
    assert_eq!(look(deps, Look::Everything).await, Looked::Done { running: false });
    assert!(icons(&world).await.contains(&("a one".into(), String::new())));
}

#[tokio::test]
async fn a_build_that_ends_after_its_time_was_up_is_read_again() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    build(&world, "unit", "1", 40, GREEN);
    build(&world, "unit", "2", 30, GREEN);
    std::fs::remove_file(world.stored_file("unit", "2", "finished.json")).expect("a file");
    update(&world).await;
    let whole = |icon: &str| ("unit.Overall".to_owned(), icon.to_owned());
    assert!(icons(&world).await.contains(&whole("T")), "{:?}", icons(&world).await);
    minutes(&world, 60);
    build(&world, "unit", "2", 30, GREEN);
    update(&world).await;
    assert!(icons(&world).await.contains(&whole("")), "{:?}", icons(&world).await);
}

#[tokio::test]
async fn what_a_run_tells_is_read_however_done_its_build_is() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    build(&world, "unit", "1", 20, GREEN);
    update(&world).await;
    build(&world, "unit", "1", 20, RED);
    update(&world).await;
    assert!(icons(&world).await.contains(&("a one".into(), String::new())));
    let deps = &world.process.deps.grid_updater;
    let config = deps.grids.config.get();
    let folder = BlobUri::parse("file://artifacts/logs/unit/1/").expect("an address");
    let told = vec![BuildRef { id: "1".to_owned(), folder }];
    let group = config.group("unit").expect("a group");
    assert!(take_builds(deps, group, told, Reread::TOLD).await.expect("a build").changed);
    assert!(icons(&world).await.contains(&("a one".into(), "F".into())));
}

#[tokio::test]
async fn a_change_of_configuration_reads_many_builds_again_and_comes_to_an_end() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    for at in 0..130 {
        build(&world, "unit", &(1_000 - at).to_string(), 8 + at / 3, GREEN);
    }
    update(&world).await;
    let deps = restarted(&world, &GRIDS.replace("_recent: 5", "_recent: 6")).await;
    let mut looks = 1;
    while look(&deps, Look::Newer).await == Looked::More {
        looks += 1;
        assert!(looks < 9, "it reads the same again and again");
    }
    assert_eq!(looks, 3);
    assert_eq!(columns(&deps).await.0.len(), 130);
}

#[tokio::test]
async fn builds_before_the_window_are_told_and_read_when_it_grows() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    for (id, hours) in [("1", 500), ("2", 300), ("3", 100), ("4", 20)] {
        build(&world, "unit", id, hours, GREEN);
    }
    update(&world).await;
    let page = words(&world.get("/testgrid/board/unit").await.expect(200).text());
    assert!(page.contains("3 builds before the window are not read"), "{page}");
    let deps = restarted(&world, &GRIDS.replace("results: 3", "results: 14")).await;
    sync_once(&deps).await.expect("an update");
    assert_eq!(columns(&deps).await, (vec!["4".into(), "3".into(), "2".into()], 1));
    // What was read stays when the window shrinks and grows again, also if the bucket forgets it.
    let deps = restarted(&world, GRIDS).await;
    sync_once(&deps).await.expect("an update");
    assert_eq!(columns(&deps).await, (vec!["4".into()], 1));
    let folder = world.stored_file("unit", "2", "");
    std::fs::remove_dir_all(folder).expect("a folder");
    let deps = restarted(&world, &GRIDS.replace("results: 3", "results: 30")).await;
    sync_once(&deps).await.expect("an update");
    let all = ["4", "3", "2", "1"].map(str::to_owned).to_vec();
    assert_eq!(columns(&deps).await, (all, 0));
}

#[tokio::test]
async fn a_build_that_never_ends_is_kept_when_it_leaves_the_window_or_the_bucket() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    for id in ["1", "2"] {
        build(&world, "unit", id, 30, GREEN);
        std::fs::remove_file(world.stored_file("unit", id, "finished.json")).expect("a file");
    }
    update(&world).await;
    std::fs::remove_dir_all(world.stored_file("unit", "2", "")).expect("a folder");
    update(&world).await;
    assert_eq!(icons(&world).await.len(), 3);
    minutes(&world, 43 * 60);
    update(&world).await;
    let store = world.process.deps.grid_updater.grids.store();
    assert_eq!(store.unread("unit").await.expect("a number"), 0);
    assert_eq!(store.unfinished("unit").await.expect("builds"), [], "their time is up");
    assert_eq!(store.build_keys("unit").await.expect("builds").len(), 2);
}

#[tokio::test]
async fn a_tab_becomes_stale_also_while_its_bucket_does_not_answer() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    build(&world, "unit", "1", 20, GREEN);
    update(&world).await;
    let deps = &world.process.deps.grid_updater;
    let status = || deps.grids.tab("board", "unit").expect("a state").status();
    assert_eq!(status(), TabStatus::Pass);
    minutes(&world, 5 * 60);
    let blind = Deps { blobs: Blobs::new(BlobConfig::default()), ..deps.clone() };
    assert!(sync_once(&blind).await.is_err());
    assert_eq!(status(), TabStatus::Stale);
}

#[tokio::test]
async fn a_build_that_cannot_be_read_says_so_in_the_row_of_the_others() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    build(&world, "unit", "1", 40, GREEN);
    build(&world, "unit", "2", 30, GREEN);
    std::fs::write(world.stored_file("unit", "2", "started.json"), "{\"timestamp\": [").unwrap();
    update(&world).await;
    let rows = world.get(&format!("{TAB}/rows")).await.expect(200).json();
    let rows = rows["rows"].as_array().expect("rows").clone();
    let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, ["a one", "b two", "unit.Overall"], "no row of its own");
    let said = rows[2]["cells"][0]["message"].as_str().unwrap_or_default();
    assert!(said.starts_with("Failed to download"), "{said}");
}

#[tokio::test]
async fn of_very_many_builds_before_the_window_nobody_claims_to_know_the_number() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    build(&world, "unit", "1000", 10, GREEN);
    for id in 100..200 {
        build(&world, "unit", &id.to_string(), 200 + 200 - id, GREEN);
    }
    update(&world).await;
    let page = words(&world.get("/testgrid/board/unit").await.expect(200).text());
    assert!(
        page.contains("at least ") && page.contains("before the window are not read"),
        "{page}"
    );
}
