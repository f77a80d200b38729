//! `/<dashboard>/table`, which scripts wrote against TestGrid's old page read.

use serde_json::{Value, json};
use tests::world::{Setup, World};

use super::served::{GREEN, RED, build, update};

const GRIDS: &str = "\
test_groups:
- {name: unit, gcs_prefix: 'file://artifacts/logs/unit', days_of_results: 30, num_failures_to_alert: 2, disable_prowjob_analysis: true}
dashboards:
- name: board
  dashboard_tab:
  - name: tab
    test_group_name: unit
    code_search_path: github.com/o/r/search
    open_test_template: {url: '/view/<gcs_prefix>/<changelist>'}
    tabular_names_regex: '^(?P<area>\\w+) (?P<test>\\w+)$'
";

async fn world() -> World {
    let world = Setup::default().testgrid(GRIDS).start().await;
    for (id, hours, cases) in
        [("100", 50, GREEN), ("101", 40, RED), ("102", 30, RED), ("103", 20, RED)]
    {
        build(&world, "unit", id, hours, cases);
    }
    update(&world).await;
    world
}

async fn table(world: &World, options: &str) -> Value {
    world.get(&format!("/board/table?tab=tab&dashboard=board&{options}")).await.expect(200).json()
}

fn names(table: &Value) -> Vec<&str> {
    let tests = table["tests"].as_array().unwrap().iter();
    tests.map(|test| test["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_table_has_the_rows_that_the_options_of_the_address_want() {
    let world = world().await;
    assert_eq!(names(&table(&world, "sort-by-name=").await), ["a one", "b two", "unit.Overall"]);
    let only = table(&world, "include-filter-by-regex=two&grid=old").await;
    assert_eq!((names(&only), &only["row_ids"]), (vec!["b two"], &json!(["b two"])));
    let not = table(&world, "exclude-filter-by-regex=one&exclude-filter-by-regex=two").await;
    assert_eq!(names(&not), ["unit.Overall"]);
    let failed = table(&world, "exclude-non-failed-tests=2&sort-by-name=").await;
    assert_eq!(names(&failed), ["a one", "unit.Overall"]);
    // A pattern that does not compile is told to a script in its own language.
    let wrong = world.get("/board/table?tab=tab&include-filter-by-regex=%28").await.expect(400);
    assert!(wrong.json()["error"].as_str().unwrap().contains("include-filter-by-regex=("));
}

#[tokio::test]
async fn groups_have_their_rows_and_a_metric_has_its_values() {
    let world = world().await;
    let drawn = table(&world, "sort-by-name=&graph-metrics=test-duration-minutes").await;
    let graph = &drawn["tests"][0]["graphs"][0];
    assert_eq!(graph["metric"], "test-duration-minutes");
    assert_eq!(graph["values"], json!([[1.5, 1.5, 1.5, 1.0]]));
    assert_eq!(table(&world, "").await["tests"][0]["graphs"], Value::Null, "only if asked for");
    let in_folder =
        "<testcase name='dir/x'/><testcase name='dir/y'><failure>no</failure></testcase>";
    build(&world, "unit", "104", 10, in_folder);
    update(&world).await;
    let grouped = table(&world, "group-by-directory=&sort-by-name=").await;
    let group = grouped["tests"].as_array().unwrap().iter().find(|test| test["name"] == "dir");
    let group = group.expect("a group");
    let members: Vec<_> =
        group["tests"].as_array().unwrap().iter().map(|test| &test["name"]).collect();
    assert_eq!(members, ["dir/x", "dir/y"]);
    assert_eq!(group["statuses"][0], json!({"value": 12, "count": 1}), "the worst of its rows");
    assert_eq!(grouped["groups"], json!(["dir"]));
}

#[tokio::test]
async fn an_alert_says_all_that_the_old_page_showed_of_it() {
    let world = world().await;
    let table = table(&world, "sort-by-name=").await;
    let alert = &table["tests"][0]["alert"];
    // Builds are named by their first header, as in summaries; links and words by themselves.
    assert_eq!((&alert["fail-build-id"], &alert["fail-count"]), (&"missing".into(), &3.into()));
    assert_eq!((&alert["pass-build-id"], &alert["pass-count"]), (&"missing".into(), &0.into()));
    assert_eq!(alert["text"], "a one failed 3 times since 101");
    assert!(alert["link"].as_str().unwrap().ends_with("/artifacts/logs/unit/101"));
    assert_eq!((&alert["link-text"], &alert["url-text"]), (&"101".into(), &"101".into()));
    assert_eq!(alert["code-search-path"], "github.com/o/r/search");
    assert_eq!(alert["test-id"], "");
    assert_eq!(table["tests"][0]["tabular-name-groups"], json!(["a", "one"]));
    assert_eq!(table["idMap"]["a one"], "a one");
    let clusters = table["clusters"].as_array().unwrap();
    let boom = clusters.iter().find(|c| c["message"] == "boom, and why").unwrap();
    assert_eq!((&boom["rows"], &boom["area"]), (&json!([0]), &3.into()));
    let timer = &table["phase-timer"];
    assert_eq!(timer["phases"], json!(["grid", "view", "table"]));
    assert_eq!(timer["delta"].as_array().unwrap().len(), 3);
    assert!(table["status"].as_str().unwrap().starts_with("Served 3 rows and 12 cells in "));
}
