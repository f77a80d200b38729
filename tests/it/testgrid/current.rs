//! What is said of a tab follows its configuration and the time, not its builds alone.

use std::sync::Arc;
use std::time::Duration;

use grid::proto::summary::TabStatus;
use grid::summarizer::Features;
use serde_json::Value;
use server::testgrid::TestGrid;
use server::testgrid::state::TabState;
use tests::world::{Events, Setup, World};

use super::served::{GREEN, RED, build, update, words};

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

#[tokio::test]
async fn a_stream_greets_with_the_state_of_the_tab_that_its_reader_shows() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    build(&world, "unit", "1", 20, GREEN);
    update(&world).await;
    let view = world.get("/api/v1/dashboards/board/tabs/all/view").await.expect(200).json();
    for (shown, version) in [("&shown=all", &view["version"]), ("&shown=none", &Value::Null)] {
        let path = format!("/api/v1/testgrid/stream?dashboard=board{shown}");
        let hello = world.events(&path, None).await.next().await.expect("a greeting");
        assert_eq!((hello.name.as_str(), &hello.json()["version"]), ("hello", version), "{shown}");
    }
    let page = world.get("/testgrid/board/all").await.expect(200).text();
    assert!(page.contains("stream?dashboard=board&amp;shown=all"), "{page}");
}

const EDITED: &str = "\
test_groups:
- {name: unit, gcs_prefix: 'file://artifacts/logs/unit', days_of_results: 30, num_columns_recent: 5, num_failures_to_alert: 2, disable_prowjob_analysis: true}
dashboards:
- name: board
  dashboard_tab:
  - {name: all, test_group_name: unit}
";

/// Waits until the only tab has a status, as the API tells it; another than it had comes as an event.
async fn until(world: &World, events: &mut Events, status: &str) {
    let path = "/api/v1/dashboards/board/tab-summaries";
    loop {
        let summary = world.get(path).await.expect(200).json();
        if summary["tab_summaries"][0]["overall_status"] == status {
            return;
        }
        events.next().await.expect("an event");
    }
}

#[tokio::test]
async fn an_edit_of_thresholds_is_seen_on_the_dashboard_without_a_new_build() {
    let world = Setup::default().testgrid(EDITED).running().start().await;
    let mut events = world.events("/api/v1/testgrid/stream?dashboard=board", None).await;
    build(&world, "unit", "1", 50, GREEN);
    build(&world, "unit", "2", 40, RED);
    build(&world, "unit", "3", 30, RED);
    update(&world).await;
    until(&world, &mut events, "FAILING").await;
    let tab = "name: all, test_group_name: unit";
    for (old, new, status) in [
        ("num_failures_to_alert: 2", "num_failures_to_alert: 3", "FLAKY"),
        (tab, &format!("{tab}, broken_column_threshold: 0.1"), "BROKEN"),
        (tab, &format!("{tab}, alert_options: {{alert_stale_results_hours: 24}}"), "STALE"),
        (tab, tab, "FAILING"),
    ] {
        let edited = EDITED.replace(old, new);
        std::fs::write(world.config_file("testgrid/grids.yaml"), edited).expect("a file");
        until(&world, &mut events, status).await;
        let page = words(&world.get("/testgrid/board").await.expect(200).text());
        assert!(page.contains(status), "{status}: {page}");
    }
}
