//! What is said of a tab follows its configuration and the time, not its builds alone.

use std::sync::Arc;
use std::time::Duration;

use grid::proto::summary::TabStatus;
use grid::summarizer::Features;
use server::testgrid::TestGrid;
use server::testgrid::state::TabState;
use tests::world::{SOON, Setup, World};

use super::served::{GREEN, RED, build, update};

const GRIDS: &str = "\
test_groups:
- {name: unit, gcs_prefix: 'file://artifacts/logs/unit', days_of_results: 3, num_columns_recent: 5, num_failures_to_alert: 2, disable_prowjob_analysis: true}
- {name: e2e, gcs_prefix: 'file://artifacts/logs/e2e', days_of_results: 30, disable_prowjob_analysis: true}
dashboards:
- name: board
  dashboard_tab:
  - {name: all, test_group_name: unit}
  - {name: aged, test_group_name: unit, alert_options: {alert_stale_results_hours: 60}}
  - {name: both, test_group_name: e2e, additional_test_group_names: [unit]}
";

fn state(world: &World, tab: &str) -> Arc<TabState> {
    let grids = &world.process.deps.grid_updater.grids;
    grids.tab("board", tab).expect("a state")
}

/// Waits until the tab `all` is so.
async fn until(world: &World, what: &str, is_so: impl Fn(&TabState) -> bool) {
    let grids = &world.process.deps.grid_updater.grids;
    let mut changes = grids.subscribe();
    while !is_so(&state(world, "all")) {
        let change = tokio::time::timeout(SOON, changes.changed()).await;
        change.unwrap_or_else(|_| panic!("{what}: {:?}", state(world, "all"))).expect("a change");
    }
}

#[tokio::test]
async fn an_edit_of_a_tab_or_group_changes_its_status_without_a_new_build() {
    let world = Setup::default().testgrid(GRIDS).running().start().await;
    for (id, hours, cases) in [("1", 50, GREEN), ("2", 40, GREEN), ("3", 30, RED), ("4", 20, RED)] {
        build(&world, "unit", id, hours, cases);
    }
    update(&world).await;
    until(&world, "two failures", |tab| tab.status() == TabStatus::Fail).await;
    let edit = |from: &str, to: &str| {
        let edited = GRIDS.replace(from, to);
        assert_ne!(edited, GRIDS, "{from}");
        std::fs::write(world.config_file("testgrid/grids.yaml"), edited).expect("a file");
    };
    let all = "{name: all, test_group_name: unit";
    edit("num_failures_to_alert: 2", "num_failures_to_alert: 3");
    until(&world, "an alert needs more", |tab| tab.status() == TabStatus::Flaky).await;
    edit(all, &format!("{all}, base_options: 'include-filter-by-regex=%5Eb'"));
    until(&world, "the row that failed is not shown", |tab| tab.status() == TabStatus::Pass).await;
    edit(all, &format!("{all}, broken_column_threshold: 0.1"));
    until(&world, "few failures break it", |tab| tab.status() == TabStatus::Broken).await;
    edit(all, &format!("{all}, num_columns_recent: 3"));
    until(&world, "fewer columns", |tab| tab.summary.status.contains("of 3")).await;
    edit("days_of_results: 3,", "days_of_results: 1,");
    until(&world, "a shorter window", |tab| {
        tab.status() == TabStatus::Flaky && tab.summary.status.contains("of 1")
    })
    .await;
}

#[tokio::test]
async fn a_restart_with_other_flags_summarizes_anew_and_one_with_the_same_does_not() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    build(&world, "unit", "1", 20, GREEN);
    build(&world, "e2e", "1", 20, GREEN);
    update(&world).await;
    let deps = &world.process.deps.grid_updater;
    let grids = &deps.grids;
    let restarted = async |features: Features| {
        let store = Arc::clone(grids.store());
        let fresh = TestGrid::new(grids.config.clone(), store, deps.clock.clone());
        let fresh = fresh.with_features(features);
        fresh.restore().await.expect("what was known");
        fresh
    };
    let same = restarted(Features::default()).await;
    assert!(!same.is_outdated("unit") && !same.is_outdated("e2e"), "nothing is to be read");
    let features = Features { min_number_of_runs: true, ..Features::default() };
    let other = restarted(features).await;
    assert!(other.is_outdated("unit") && other.is_outdated("e2e"));
    other.refresh("unit", false).await.expect("summaries");
    other.refresh("e2e", false).await.expect("summaries");
    assert!(!other.is_outdated("unit") && !other.is_outdated("e2e"));
}

#[tokio::test]
async fn columns_that_leave_the_window_and_hours_that_pass_change_what_is_said() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    build(&world, "unit", "1", 51, RED);
    build(&world, "unit", "2", 50, RED);
    build(&world, "unit", "3", 49, GREEN);
    update(&world).await;
    let unit = || world.process.deps.grid_updater.grids.is_outdated("unit");
    let said = |tab: &str| state(&world, tab).summary.clone();
    assert!(!unit() && said("aged").alert.is_empty());
    assert!(said("all").status.contains("of 3"), "{}", said("all").status);
    let hours = |hours: u64| world.clock.advance(Duration::from_secs(hours * 3_600));
    hours(10);
    assert!(!unit(), "nothing has moved yet");
    hours(2);
    assert!(unit());
    update(&world).await;
    assert!(said("aged").alert.contains("61h0m0s old"), "{}", said("aged").alert);
    hours(10);
    update(&world).await;
    assert!(said("all").status.contains("of 2"), "{}", said("all").status);
    assert!(said("aged").alert.contains("71h0m0s old"), "{}", said("aged").alert);
    hours(2);
    update(&world).await;
    assert_eq!(said("all").overall_status, TabStatus::Unknown as i32);
    assert_eq!(said("both").overall_status, TabStatus::Flaky as i32, "it goes back as far as e2e");
}
