//! What a tab is shown with: several groups, names in columns, pages of columns, what is of today.

use tests::world::{Setup, World};

use super::served::{GREEN, RED, build, update};

const GRIDS: &str = "\
test_groups:
- {name: unit, gcs_prefix: 'file://artifacts/logs/unit', days_of_results: 30, num_failures_to_alert: 2, disable_prowjob_analysis: true}
- {name: e2e, gcs_prefix: 'file://artifacts/logs/e2e', days_of_results: 30, disable_prowjob_analysis: true}
dashboards:
- name: team
  description: All that the team looks at
  highlight_today: true
  dashboard_tab:
  - name: overview
    test_group_name: unit
    additional_test_group_names: [e2e, nowhere]
    open_test_template: {url: '/view/<gcs_prefix>/<changelist>'}
    base_options: group-by-directory=
  - name: unit
    test_group_name: unit
    tabular_names_regex: '(?i)^(?P<area>[[:alpha:]]+) (?P<test>\\w+)\\z'
";

const OVERVIEW: &str = "/api/v1/dashboards/team/tabs/overview";

async fn world() -> World {
    let world = Setup::default().testgrid(GRIDS).start().await;
    build(&world, "unit", "100", 50, GREEN);
    build(&world, "e2e", "7", 40, RED);
    build(&world, "unit", "101", 30, RED);
    build(&world, "e2e", "8", 20, RED);
    update(&world).await;
    world
}

#[tokio::test]
async fn a_tab_over_several_groups_shows_the_builds_and_rows_of_all() {
    let world = world().await;
    let headers = world.get(&format!("{OVERVIEW}/headers")).await.expect(200).json();
    let builds: Vec<_> =
        headers["headers"].as_array().unwrap().iter().map(|h| &h["build"]).collect();
    assert_eq!(builds, ["8", "101", "7", "100"]);
    let rows = world.get(&format!("{OVERVIEW}/rows")).await.expect(200).json();
    let names: Vec<_> = rows["rows"].as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(
        names,
        [
            "e2e/a one",
            "e2e/b two",
            "e2e/e2e.Overall",
            "unit/a one",
            "unit/b two",
            "unit/unit.Overall"
        ]
    );
    // A cell leads to the run of its own job.
    let open = world.get(&format!("{OVERVIEW}/open?row=e2e%2Fa%20one&build=8")).await.expect(302);
    let target = open.header("location").to_owned();
    assert!(target.ends_with("/logs/e2e/8"), "{target}");
    // Both rows of e2e that fail twice in a row are its alerts; the one of unit failed once.
    let summary = world.get("/api/v1/dashboards/team/tab-summaries/overview").await.expect(200);
    let summary = summary.json();
    assert_eq!(summary["tab_summary"]["overall_status"], "FAILING", "{summary}");
    let page = world.get("/testgrid/team").await.expect(200).text();
    assert!(page.contains("All that the team looks at"), "a dashboard says what it is about");
    // What fails in it leads to the page of the test, also below the name of its group.
    let test = world.get("/test?name=e2e%2Fa%20one").await.expect(200).text();
    assert!(test.contains("<h1") && test.contains("a one"));
    let config = world.get("/testgrid").await.expect(200).text();
    assert!(config.contains("1 error") || config.contains("errors"), "the missing group is told");
}

#[tokio::test]
async fn jobs_that_number_their_builds_alike_keep_their_cells_apart() {
    let world = world().await;
    build(&world, "e2e", "101", 10, RED);
    update(&world).await;
    for (row, job) in [("unit%2Fa%20one", "unit"), ("e2e%2Fa%20one", "e2e")] {
        let open = world.get(&format!("{OVERVIEW}/open?row={row}&build=101")).await.expect(302);
        let target = open.header("location").to_owned();
        assert!(target.ends_with(&format!("/logs/{job}/101")), "{row}: {target}");
        let cell = world.get(&format!("{OVERVIEW}/cell?row={row}&build=101")).await.expect(200);
        let cell = cell.json();
        let links = cell["links"].as_array().unwrap();
        let test = links.iter().find(|link| link["kind"] == "test").unwrap();
        let wanted = format!("/view/file/artifacts/logs/{job}/101?tab=tests&row=a%20one");
        assert_eq!(test["href"], wanted);
    }
}

#[tokio::test]
async fn a_build_of_any_of_its_groups_changes_a_tab_over_several() {
    let world = world().await;
    let etag = |answer: &tests::world::Answer| answer.header("etag").to_owned();
    let before = etag(&world.get(&format!("{OVERVIEW}/grid.bin")).await.expect(200));
    build(&world, "e2e", "9", 10, GREEN);
    update(&world).await;
    let after = world.get(&format!("{OVERVIEW}/headers")).await.expect(200).json();
    assert_eq!(after["headers"][0]["build"], "9");
    assert_ne!(before, etag(&world.get(&format!("{OVERVIEW}/grid.bin")).await.expect(200)));
    let summary = world.get("/api/v1/dashboards/team/tab-summaries/overview").await.expect(200);
    assert_ne!(summary.json()["tab_summary"]["overall_status"], "FAILING", "e2e has recovered");
}

#[tokio::test]
async fn names_stand_in_columns_where_the_tab_says_how_and_the_reader_wants_it() {
    let world = world().await;
    let page = world.get("/testgrid/team/unit").await.expect(200).text();
    assert!(page.contains(r#"data-name-parts="area,test""#), "the island knows the columns");
    assert!(page.contains(r#"<span title="one">one</span>"#), "and the table has them");
    // The island asks for what the server has split; a browser speaks another dialect.
    let names = world.get("/api/v1/dashboards/team/tabs/unit/names").await.expect(200).json();
    assert_eq!(names["labels"], serde_json::json!(["area", "test"]));
    assert_eq!(names["names"]["a one"], serde_json::json!(["a", "one"]));
    assert!(names["names"]["unit.Overall"].is_null(), "it does not match");
    let whole = world.get("/testgrid/team/unit?show-tabular-names=off").await.expect(200).text();
    assert!(!whole.contains(r#"<span title="one">one</span>"#));
    let none = world.get("/testgrid/team/overview").await.expect(200).text();
    assert!(!none.contains("names in columns"), "only a tab that has a pattern offers it");
}

#[tokio::test]
async fn the_table_has_pages_of_columns_and_says_which_are_of_today() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    for number in 0..70_i64 {
        build(&world, "unit", &format!("{}", 1_000 + number), 69 - number, GREEN);
    }
    update(&world).await;
    let first = world.get("/testgrid/team/unit").await.expect(200).text();
    assert!(first.contains("Columns 1 to 50 of 70") && first.contains("from=50"));
    assert!(first.contains(r#"class="today""#), "the newest builds are of today");
    let second = world.get("/testgrid/team/unit?from=50").await.expect(200).text();
    assert!(second.contains("Columns 51 to 70 of 70") && second.contains("from=0"));
    assert!(second.contains("1000, began") && !second.contains("1069, began"));
    // An address beyond the end shows the last page.
    let beyond = world.get("/testgrid/team/unit?from=9999").await.expect(200).text();
    assert!(beyond.contains("Columns 51 to 70 of 70"));
}

#[tokio::test]
async fn a_dashboard_shows_its_notices_and_its_tabs_by_the_tags_of_their_names() {
    let group = "gcs_prefix: 'file://artifacts/logs/unit', disable_prowjob_analysis: true";
    let grids = format!(
        "\
test_groups:
- {{name: unit, {group}, notifications: [{{summary: 'unit tests moved', context_link: 'https://moved.example'}}]}}
dashboards:
- name: team
  notifications: [{{summary: 'cluster <b>is</b> down', context_link: 'https://down.example'}}]
  dashboard_tab:
  - {{name: unit-1.36, test_group_name: unit}}
  - {{name: unit-1.9, test_group_name: unit}}
  - {{name: lint-master, test_group_name: unit}}
"
    );
    let world = Setup::default().testgrid(grids).start().await;
    build(&world, "unit", "100", 50, GREEN);
    update(&world).await;
    let board = world.get("/testgrid/team").await.expect(200).text();
    assert!(board.contains("cluster &lt;b>is&lt;/b> down") || board.contains("&lt;b&gt;is"));
    assert!(
        board.contains(r#"href="https://down.example""#) && !board.contains("unit tests moved")
    );
    let tab = world.get("/testgrid/team/unit-1.9").await.expect(200).text();
    assert!(tab.contains(r#"href="https://down.example""#), "what holds for all tabs");
    assert!(tab.contains("unit tests moved") && tab.contains(r#"href="https://moved.example""#));
    let places = |page: &str, words: &[&str]| -> Vec<usize> {
        words
            .iter()
            .map(|word| page.find(word).unwrap_or_else(|| panic!("{word}: {page}")))
            .collect()
    };
    let page = world.get("/testgrid/team?view=matrix").await.expect(200).text();
    let (_, matrix) = page.split_once("class=\"matrix\"").expect("a table");
    let heads = ["<th scope=\"col\">1.9<", "<th scope=\"col\">1.36<", "<th scope=\"col\">master<"];
    assert!(places(matrix, &heads).is_sorted(), "versions stand in natural order");
    let cells = ["<th scope=\"row\">lint<", "team/lint-master\"", "<th scope=\"row\">unit<"];
    assert!(places(matrix, &cells).is_sorted(), "each tab stands beside its tag");
    // The reader says what the tags are: the first group is the row's.
    let own = world.get("/testgrid/team?view=matrix&by=%5E%28.%29.%2A%28.%29%24").await.expect(200);
    places(&own.text(), &["<th scope=\"col\">6<", "<th scope=\"row\">l<"]);
    let wrong = world.get("/testgrid/team?view=matrix&by=%28").await.expect(200).text();
    assert!(wrong.contains("option-error"), "a pattern that does not compile is told");
}
