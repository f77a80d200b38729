//! What a tab says of itself: its status with other options, and a column for other programs.

use tests::world::{Setup, World};

use super::served::{GREEN, RED, build, update, words};

const GRIDS: &str = "\
test_groups:
- {name: unit, gcs_prefix: 'file://artifacts/logs/unit', days_of_results: 30, num_columns_recent: 5, num_failures_to_alert: 2, disable_prowjob_analysis: true, column_header: [{configuration_value: Commit}]}
dashboards:
- name: board
  dashboard_tab:
  - {name: all, test_group_name: unit, code_search_url_template: {url: 'https://example.com/compare/<start-custom-0>...<end-custom-0>'}, status_customization_options: {min_acceptable_runs: 9}}
  - {name: health, test_group_name: unit, health_analysis_options: {enable: true, days_of_analysis: 2}}
";

const TAB: &str = "/api/v1/dashboards/board/tabs/all";

async fn world() -> World {
    let world = Setup::default().testgrid(GRIDS).start().await;
    for (id, hours, cases) in [("1", 50, GREEN), ("2", 40, GREEN), ("3", 30, RED), ("4", 20, RED)] {
        build(&world, "unit", id, hours, cases);
    }
    update(&world).await;
    world
}

#[tokio::test]
async fn a_tab_tells_what_its_status_would_be_with_other_options_and_changes_nothing() {
    let world = world().await;
    let ask =
        async |query: &str| world.get(&format!("{TAB}/status?{query}")).await.expect(200).json();
    let now = ask("").await;
    assert_eq!(
        (&now["now"]["status"], &now["then"]),
        (&"FAILING".into(), &serde_json::Value::Null)
    );
    assert_eq!(now["now"]["rows"][0], "a one");
    assert_eq!(now["now"]["options"]["min_acceptable_runs"], 0, "no flag lets it count");
    for (query, status) in [
        ("num_failures_to_alert=3", "FLAKY"),
        ("num_failures_to_alert=2", "FAILING"),
        ("alert_stale_results_hours=19", "STALE"),
        ("alert_stale_results_hours=21", "FAILING"),
        ("broken_column_threshold=0.3", "BROKEN"),
        ("num_failures_to_alert=0&min_acceptable_runs=9", "PENDING"),
        ("num_failures_to_alert=0&max_acceptable_flakiness=60", "ACCEPTABLE"),
    ] {
        let then = ask(query).await["then"].clone();
        assert_eq!(then["status"], status, "{query}: {then}");
        assert!(then["why"].as_str().is_some_and(|why| !why.is_empty()), "{query}");
    }
    let broken = ask("broken_column_threshold=0.3").await["then"].clone();
    assert_eq!(broken["builds"], serde_json::json!(["4"]), "{broken}");
    let error = world.get(&format!("{TAB}/status?broken_column_threshold=2")).await.expect(400);
    assert!(error.text().contains("is not a number from 0 to 1"), "{}", error.text());
    world.get("/api/v1/dashboards/board/tabs/nothing/status").await.expect(404);
    assert_eq!(ask("").await, now, "asking changes nothing");
}

#[tokio::test]
async fn the_page_of_a_tab_shows_both_verdicts_and_keeps_the_options_of_the_grid() {
    let world = world().await;
    let page = world.get("/testgrid/board/all").await.expect(200).text();
    assert!(page.contains("name=\"num_failures_to_alert\""), "a form without script");
    assert!(!words(&page).contains("Then"), "nothing was asked");
    let asked = "/testgrid/board/all?include-filter-by-regex=two&num_failures_to_alert=3";
    let page = world.get(asked).await.expect(200).text();
    let read = words(&page);
    assert!(read.contains("With num_failures_to_alert=3:"), "{read}");
    assert!(read.contains("failed as often in a row") && read.contains("did not pass in column"));
    let kept = "name=\"include-filter-by-regex\" value=\"two\"";
    assert!(page.matches(kept).count() > 0, "the filter stays");
    assert!(read.contains("2 rows filtered"), "and the grid goes by it");
    let wrong = world.get("/testgrid/board/all?num_columns_recent=no").await.expect(200).text();
    assert!(words(&wrong).contains("num_columns_recent=no is not a whole number"), "it is told");
}

#[tokio::test]
async fn a_column_is_a_junit_file_for_other_programs() {
    let world = world().await;
    let newest = world.get(&format!("{TAB}/junit.xml")).await.expect(200);
    assert!(newest.header("content-type").starts_with("application/xml"));
    let text = newest.text();
    assert!(text.contains("name=\"a one\" time=\"90.000\""), "{text}");
    assert!(text.contains(">boom, and why</failure>") && text.contains("value=\"4\""), "{text}");
    let older = world.get(&format!("{TAB}/junit.xml?build=1")).await.expect(200).text();
    assert!(older.contains("failures=\"0\"") && older.contains("time=\"60.000\""), "{older}");
    world.get(&format!("{TAB}/junit.xml?build=99")).await.expect(404);
    // What is written is read as any other file of results.
    build(
        &world,
        "unit",
        "5",
        10,
        older
            .split_once("</properties>")
            .expect("cases")
            .1
            .trim_end()
            .trim_end_matches("</testsuite>"),
    );
    update(&world).await;
    let again = world.get(&format!("{TAB}/junit.xml")).await.expect(200).text();
    assert!(again.contains("value=\"5\"") && again.contains("name=\"a one\""), "{again}");
}

/// Both outcomes of one name in one build.
const FLAKY: &str = r#"<testcase name="a one"/><testcase name="b two"/><testcase name="b two"><failure>1</failure></testcase>"#;

#[tokio::test]
async fn a_health_report_says_how_sure_it_is_and_what_has_begun() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    for (id, hours, cases) in
        [("1", 90, GREEN), ("2", 80, GREEN), ("3", 40, GREEN), ("4", 30, FLAKY), ("5", 20, GREEN)]
    {
        build(&world, "unit", id, hours, cases);
    }
    update(&world).await;
    let page = world.get("/testgrid/board").await.expect(200).text();
    let news = page.matches("It was not flaky in the interval before.").count();
    assert_eq!(news, 2, "the test, and the row about the whole");
    let read = words(&page);
    assert!(read.contains("Health:"), "{read}");
    assert!(read.contains("33.3 %") && read.contains("6\u{2009}–\u{2009}79 %"), "{read}");
    let test = words(&world.get("/test?name=b%20two").await.expect(200).text());
    assert!(test.contains("20.0 %") && test.contains("4\u{2009}–\u{2009}62 %"), "{test}");
    assert!(!test.contains("newly flaky"), "all of it is in one week");
    world.clock.advance(std::time::Duration::from_secs(130 * 3_600));
    let test = words(&world.get("/test?name=b%20two").await.expect(200).text());
    assert!(test.contains("newly flaky"), "{test}");
}

#[tokio::test]
async fn a_test_that_fails_says_what_changed_since_it_passed() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    for (id, hours, cases, commit) in
        [("1", 50, GREEN, "aaaaaaa11"), ("2", 40, RED, "bbbbbbb22"), ("3", 30, RED, "ccccccc33")]
    {
        build(&world, "unit", id, hours, cases);
        let file = world.stored_file("unit", id, "started.json");
        let text = std::fs::read_to_string(&file).expect("a file");
        let text = text.replace('}', &format!(", \"repo-commit\": \"{commit}\"}}"));
        std::fs::write(&file, text).expect("a file");
    }
    update(&world).await;
    let page = world.get("/test?name=a%20one").await.expect(200).text();
    let read = words(&page);
    assert!(read.contains("What changed?"), "{read}");
    assert!(read.contains("Commit aaaaaaa11 → bbbbbbb22"), "{read}");
    let search = "https://example.com/compare/aaaaaaa11...bbbbbbb22";
    assert!(page.contains(search), "and where to look");
}

#[tokio::test]
async fn the_numbers_of_a_row_are_drawn_together_and_stand_in_a_table() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    let case = |minutes: u32, kilobytes: u32| {
        format!(
            r#"<testcase name="a one" time="{}"><properties><property name="kilobytes" value="{kilobytes}"/></properties></testcase><testcase name="bare"/>"#,
            minutes * 60
        )
    };
    for (id, hours, minutes) in [("1", 50, 3), ("2", 40, 1), ("3", 30, 2)] {
        build(&world, "unit", id, hours, &case(minutes, minutes * 1_000));
    }
    update(&world).await;
    let address = "/testgrid/board/all/graph?row=a%20one";
    let page = world.get(address).await.expect(200).text();
    let read = words(&page);
    assert!(read.contains("kilobytes") && read.contains("1 · 2 · 3"), "both at first: {read}");
    assert!(read.contains("1000 · 2000 · 3000"), "{read}");
    let drawing = page.split("<img src=\"").nth(1).and_then(|rest| rest.split('"').next());
    let drawing = drawing.expect("a drawing").replace("&amp;", "&");
    let drawing = world.get(&drawing).await.expect(200);
    assert_eq!(drawing.header("content-type"), "image/svg+xml");
    assert_eq!(drawing.text().matches("<circle").count(), 6, "three builds of two metrics");
    let one = world.get(&format!("{address}&metric=kilobytes")).await.expect(200).text();
    assert!(!words(&one).contains("1 · 2 · 3") && one.contains("metric=kilobytes"), "one of them");
    let asked = format!("{TAB}/metric?name=kilobytes&name=test-duration-minutes&row=a%20one");
    let values = world.get(&asked).await.expect(200).json();
    assert_eq!(values["rows"]["a one"][0], serde_json::json!([0, 2000.0]));
    assert_eq!(values["metrics"]["test-duration-minutes"]["a one"][0], serde_json::json!([0, 2.0]));
    let cell = world.get(&format!("{TAB}/cell?row=a%20one&build=3")).await.expect(200).text();
    assert!(cell.contains("/testgrid/board/all/graph?row=a%20one"), "{cell}");
    let none = words(&world.get("/testgrid/board/all/graph?row=bare").await.expect(200).text());
    assert!(none.contains("There is nothing to draw"), "{none}");
    world.get("/testgrid/board/all/graph?row=nobody").await.expect(404);
    world.get("/testgrid/board/all/graph.svg?row=nobody").await.expect(404);
}
