//! Groups that were never green: what is kept of their history says what the history says.

use std::sync::Arc;

use server::testgrid::TestGrid;
use store::GridBuildRow;
use tests::world::{Setup, World};

use super::served::{GREEN, RED, build, update};

const GRIDS: &str = "\
test_groups:
- {name: unit, gcs_prefix: 'file://artifacts/logs/unit', days_of_results: 30, num_columns_recent: 5, num_failures_to_alert: 2, disable_prowjob_analysis: true}
dashboards:
- name: board
  dashboard_tab:
  - {name: all, test_group_name: unit}
  - {name: red, test_group_name: unit, base_options: 'include-filter-by-regex=%5Ea'}
  - {name: green, test_group_name: unit, base_options: 'include-filter-by-regex=%5Eb'}
";

/// Builds before the first look, so many hours apart.
const BUILDS: i64 = 140;
const APART: i64 = 5;

/// Asserts that the states of the tabs are those that a process which knows nothing comes to.
async fn assert_whole(world: &World, when: &str) {
    let deps = &world.process.deps.grid_updater;
    let grids = &deps.grids;
    let fresh = TestGrid::new(grids.config.clone(), Arc::clone(grids.store()), deps.clock.clone());
    fresh.refresh("unit", true).await.expect("a summary");
    for tab in ["all", "red", "green"] {
        let (kept, whole) = (grids.tab("board", tab), fresh.tab("board", tab));
        let same =
            kept.as_ref().zip(whole.as_ref()).is_some_and(|(kept, whole)| kept.says_same(whole));
        assert!(same, "{when}, tab {tab}: {kept:?}\nand not {whole:?}");
    }
}

fn latest_green(world: &World) -> String {
    let grids = &world.process.deps.grid_updater.grids;
    grids.tab("board", "all").expect("a state").summary.latest_green.clone()
}

#[tokio::test]
async fn every_event_leads_to_the_summary_that_the_whole_history_gives() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    let id = |at: i64| (1_000 + at).to_string();
    for at in 0..BUILDS {
        build(&world, "unit", &id(at), (BUILDS + 40 - at) * APART, RED);
    }
    update(&world).await;
    assert_whole(&world, "after the first look").await;
    for at in BUILDS..BUILDS + 29 {
        build(&world, "unit", &id(at), (BUILDS + 40 - at) * APART, RED);
        update(&world).await;
        assert_whole(&world, &format!("after build {at}")).await;
    }
    assert_eq!(latest_green(&world), grid::summarizer::NO_GREENS);
    let state = world.process.deps.grid_updater.grids.tab("board", "red").expect("a state");
    let alert = &state.summary.failing_test_summaries[0];
    // As many as the window of thirty days has.
    assert_eq!(i64::from(alert.fail_count), 30 * 24 / APART - 11);

    // What lies far behind is not read again: a build that cannot be read there is not missed.
    let store = world.process.deps.grid_updater.grids.store().clone();
    let rows = store.row_names("unit").await.expect("the rows").len() as u32;
    let far = store.builds("unit", 0, None, 100).await.expect("the builds").swap_remove(90);
    let broken = GridBuildRow { key: far.key.clone(), column: vec![9] };
    store.put_builds("unit", rows, Vec::new(), vec![broken]).await.expect("a broken build");
    build(&world, "unit", &id(BUILDS + 29), 41, RED);
    update(&world).await;
    let state = world.process.deps.grid_updater.grids.tab("board", "red").expect("a state");
    let now = state.summary.failing_test_summaries[0].fail_count;
    assert_eq!(now, alert.fail_count + 1);
    store.put_builds("unit", rows, Vec::new(), vec![far]).await.expect("the build again");
    assert_whole(&world, "with the build again").await;

    // Another test, then a build that began long ago and is told of only now.
    let other = RED.replace("b two", "c three");
    build(&world, "unit", &id(BUILDS + 30), 50, &other);
    update(&world).await;
    assert_whole(&world, "after another test").await;
    build(&world, "unit", &id(BUILDS + 31), 400, GREEN);
    update(&world).await;
    assert_whole(&world, "after a late build").await;
    assert_ne!(latest_green(&world), grid::summarizer::NO_GREENS);
    build(&world, "unit", &id(BUILDS + 32), 40, GREEN);
    update(&world).await;
    assert_whole(&world, "after a green build").await;
}
