//! Ways between runs, tests and the grids that show them.

use tests::world::{START, Setup, World};

use super::served::{GREEN, RED, build, update};

const GRIDS: &str = "\
test_groups:
- {name: unit, gcs_prefix: 'file://artifacts/logs/unit', days_of_results: 30, num_failures_to_alert: 2, disable_prowjob_analysis: true, use_kubernetes_client: true, column_header: [{configuration_value: Commit}]}
- {name: e2e, gcs_prefix: 'file://artifacts/logs/e2e', days_of_results: 30, num_failures_to_alert: 2, disable_prowjob_analysis: true}
dashboards:
- name: zoo
  dashboard_tab:
  - {name: filtered, test_group_name: unit, base_options: exclude-filter-by-regex=a}
- name: main board
  dashboard_tab:
  - name: unit tests
    test_group_name: unit
    open_test_template: {url: '/view/<gcs_prefix>/<changelist>'}
  - name: both
    test_group_name: unit
    additional_test_group_names: [e2e]
    open_test_template: {url: '/view/<gcs_prefix>/<changelist>'}
";

/// A build whose version is told by its header.
fn versioned(world: &World, id: &str, hours: i64, cases: &str) {
    build(world, "unit", id, hours, cases);
    let at = START.seconds() - hours * 3_600 + 60;
    let passed = !cases.contains("<failure");
    let finished =
        format!(r#"{{"timestamp": {at}, "passed": {passed}, "job-version": "v1.0.{id}"}}"#);
    std::fs::write(world.stored_file("unit", id, "finished.json"), finished).expect("a file");
}

async fn world() -> World {
    let world = Setup::default().testgrid(GRIDS).start().await;
    for (id, hours, cases) in [("100", 50, GREEN), ("101", 40, RED), ("102", 30, RED)] {
        versioned(&world, id, hours, cases);
    }
    build(&world, "e2e", "7", 45, GREEN);
    build(&world, "e2e", "8", 35, RED);
    build(&world, "e2e", "9", 25, RED);
    update(&world).await;
    world
}

/// Where the link with these words leads.
fn href(page: &str, words: &str) -> Option<String> {
    let before = page.split(&format!(">{words}</a>")).next().filter(|before| *before != page)?;
    let tag = &before[before.rfind("<a ")?..];
    let (_, rest) = tag.split_once("href=\"")?;
    Some(rest.split('"').next()?.to_owned())
}

#[tokio::test]
async fn builds_that_a_summary_names_by_their_header_are_links_to_them() {
    let world = world().await;
    let summary = world.get("/api/v1/dashboards/mainboard/tab-summaries").await.expect(200).text();
    assert!(summary.contains("v1.0.100"), "the summary names builds by their header: {summary}");
    for place in ["main%20board", "main%20board/unit%20tests"] {
        let page = world.get(&format!("/testgrid/{place}")).await.expect(200).text();
        let green = href(&page, "v1.0.100").unwrap_or_default();
        assert!(green.ends_with("/artifacts/logs/unit/100"), "last green: {green}");
    }
    let page = world.get("/testgrid/main%20board").await.expect(200).text();
    let first = href(&page, "v1.0.101").unwrap_or_default();
    assert!(first.ends_with("/artifacts/logs/unit/101"), "failed first: {first}");
    // In a tab over several groups each test leads to the builds of its own job.
    let of_both = page.rsplit("both</a>").next().expect("the card of the tab");
    for build in ["8", "7"] {
        assert!(of_both.contains(&format!("/artifacts/logs/e2e/{build}\"")), "{build}");
    }
}

#[tokio::test]
async fn a_run_leads_to_the_tabs_that_show_its_job_and_its_tests() {
    let world = world().await;
    let run = world.get("/view/file/artifacts/logs/unit/102?tab=tests").await.expect(200).text();
    let tab = "/testgrid/main%20board/unit%20tests";
    assert_eq!(href(&run, "Grid main board › unit tests").as_deref(), Some(tab));
    let both = href(&run, "Grid main board › both").unwrap_or_default();
    assert_eq!(both, "/testgrid/main%20board/both");
    // A failed test leads to the first tab that shows it, alone.
    let test = href(&run, "in the test grid").unwrap_or_default().replace("&amp;", "&");
    assert!(test.starts_with(&format!("{tab}?include-filter-by-regex=")), "{test}");
    let page = world.get(&test).await.expect(200).text();
    assert!(page.contains("a one") && !page.contains("b two"), "that row and no other");
    let other = world.get("/view/file/artifacts/logs/e2e/9?tab=tests").await.expect(200).text();
    let test = href(&other, "in the test grid").unwrap_or_default();
    assert!(test.contains("main%20board/both?") && test.contains("e2e/a%20one"), "{test}");
}
