//! The grid as the server keeps and shows it.

use server::components::grid_updater::sync_once;
use server::components::testgrid_alerts;
use tests::world::{Events, START, Setup, World};

use crate::program::{EXE, PROW};

const GRIDS: &str = "\
test_groups:
- {name: unit, gcs_prefix: 'file://artifacts/logs/unit', days_of_results: 30, num_columns_recent: 5, num_failures_to_alert: 2, disable_prowjob_analysis: true}
- {name: e2e, gcs_prefix: 'file://artifacts/logs/e2e', days_of_results: 30, disable_prowjob_analysis: true}
dashboards:
- name: main board
  dashboard_tab:
  - name: unit tests
    test_group_name: unit
    num_columns_recent: 5
    open_test_template: {url: '/view/<gcs_prefix>/<changelist>'}
    file_bug_template: {url: 'https://example.com/new', options: [{key: title, value: '<test-name>'}]}
    code_search_url_template: {url: 'https://example.com/compare/<start-cl>...<end-cl>'}
    alert_options: {alert_mail_to_addresses: team@example.com, num_failures_to_alert: 2}
  - {name: only a, test_group_name: unit, base_options: 'include-filter-by-regex=%5Ea&sort-by-name='}
  - {name: broken options, test_group_name: unit, base_options: 'include-filter-by-regex=%28'}
- name: other
  default_tab: e2e
  dashboard_tab: [{name: e2e, test_group_name: e2e}]
dashboard_groups: [{name: everything, dashboard_names: [main board, other]}]
";

const TAB: &str = "/api/v1/dashboards/mainboard/tabs/unittests";

/// A build that began so many hours before the World's clock began, with a JUnit file.
pub(super) fn build(world: &World, job: &str, id: &str, hours: i64, cases: &str) {
    let started = START.seconds() - hours * 3_600;
    let passed = !cases.contains("<failure");
    let junit = format!("<testsuite>{cases}</testsuite>");
    let files = [
        ("started.json", format!(r#"{{"timestamp": {started}}}"#)),
        ("finished.json", format!(r#"{{"timestamp": {}, "passed": {passed}}}"#, started + 60)),
        ("artifacts/junit_01.xml", junit),
    ];
    for (file, content) in files {
        let path = world.stored_file(job, id, file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }
}

pub(super) const GREEN: &str =
    r#"<testcase name="a one" time="60"/><testcase name="b two" time="30"/>"#;
pub(super) const RED: &str = r#"<testcase name="a one" time="90"><failure>boom, and why</failure></testcase><testcase name="b two"/>"#;

/// A page as it is read: without its tags.
pub(super) fn words(page: &str) -> String {
    let parts = page.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect()
}

pub(crate) async fn update(world: &World) {
    sync_once(&world.process.deps.grid_updater).await.expect("an update");
}

async fn world() -> World {
    let world = Setup::default().testgrid(GRIDS).start().await;
    build(&world, "unit", "100", 50, GREEN);
    build(&world, "unit", "101", 40, GREEN);
    build(&world, "unit", "102", 30, RED);
    build(&world, "unit", "103", 20, RED);
    update(&world).await;
    world
}

#[tokio::test]
async fn results_become_columns_rows_and_a_status_that_explains_itself() {
    let world = world().await;
    let headers = world.get(&format!("{TAB}/headers")).await.expect(200).json();
    let builds: Vec<_> =
        headers["headers"].as_array().unwrap().iter().map(|h| &h["build"]).collect();
    assert_eq!(builds, ["103", "102", "101", "100"]);
    let rows = world.get(&format!("{TAB}/rows?columns=0-1")).await.expect(200).json();
    let row = rows["rows"].as_array().unwrap().iter().find(|row| row["name"] == "a one").unwrap();
    assert_eq!(row["cells"].as_array().unwrap().len(), 2);
    assert_eq!(row["cells"][0]["message"], "boom, and why");
    let summary = world.get("/api/v1/dashboards/mainboard/tab-summaries").await.expect(200).json();
    let tab = &summary["tab_summaries"][0];
    assert_eq!(tab["overall_status"], "FAILING");
    let page = world.get("/testgrid/main%20board").await.expect(200).text();
    assert!(page.contains("failed as often in a row as opens an alert"), "it says why");
    assert!(page.contains("LiveDashboard"), "and hears of what changes");
    let page = world.get("/testgrid/main%20board/unit%20tests").await.expect(200).text();
    assert!(page.contains("boom, and why") && page.contains("a one"), "the table has the results");
    // Only rows that the options of the tab want, also when nothing else is asked for.
    let only = world.get("/api/v1/dashboards/mainboard/tabs/onlya/rows").await.expect(200).json();
    let names: Vec<_> = only["rows"].as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["a one"]);
}

#[tokio::test]
async fn a_tab_with_wrong_options_says_so_and_the_others_go_on() {
    let world = world().await;
    let tab = "/api/v1/dashboards/mainboard/tab-summaries/brokenoptions";
    let summary = world.get(tab).await.expect(200).json();
    let message = summary["tab_summary"]["detailed_status_message"].as_str().unwrap();
    assert!(message.contains("include-filter-by-regex=("), "{message}");
    let page = world.get("/testgrid/mainboard/brokenoptions").await.expect(200).text();
    let read = words(&page);
    assert!(read.contains("cannot be used: bad include-filter-by-regex=("), "{read}");
    assert!(
        page.contains("/testgrid/main%20board/unit%20tests"),
        "the other tabs are one click away"
    );
    assert!(page.contains("a one") && page.contains("b two"), "all rows are there");
    let broken = "/api/v1/dashboards/mainboard/tabs/brokenoptions";
    let view = world.get(&format!("{broken}/view?sort-by-name=")).await.expect(200).json();
    assert_eq!(view["shown"], 3, "for the page's island alike");
    world.get(&format!("{broken}/grid.bin")).await.expect(200);
    // The configuration's check names the place.
    let status = world.get("/status").await.expect(200).text();
    assert!(status.contains("grids.yaml:15"), "{}", words(&status));
    // An option of the address is told beside the grid.
    let page = world
        .get("/testgrid/mainboard/unittests?include-filter-by-regex=%28")
        .await
        .expect(200)
        .text();
    assert!(page.contains("bad include-filter-by-regex=("), "the pattern is named");
    world.get(&format!("{TAB}/view?include-filter-by-regex=%28")).await.expect(400);
}

#[tokio::test]
async fn options_choose_and_order_rows_for_the_page_and_its_island_alike() {
    let world = world().await;
    let view = |query: &str| {
        let address = format!("{TAB}/view?{query}");
        let world = &world;
        async move { world.get(&address).await.expect(200).json() }
    };
    let all = view("sort-by-failures=").await;
    assert_eq!(all["shown"], 3, "two tests and the row about the whole");
    let failed = view("exclude-non-failed-tests=&include-filter-by-regex=two").await;
    assert_eq!(
        (&failed["shown"], &failed["filtered"], &failed["not_failed"]),
        (&0.into(), &2.into(), &1.into())
    );
    let of_form = view("sort=name&group=hierarchy-pattern&group-pattern=%5Cw%2B").await;
    assert_eq!(of_form["shown"], 3);
    let page =
        world.get("/testgrid/mainboard/unittests?include-filter-by-regex=two").await.expect(200);
    assert!(words(&page.text()).contains("2 rows filtered"), "what is hidden is told");
}

#[tokio::test]
async fn a_cell_leads_to_its_run_and_its_menu_to_the_rest() {
    let world = world().await;
    let cell = world.get(&format!("{TAB}/cell?row=a%20one&build=103")).await.expect(200).json();
    assert_eq!((&cell["words"], &cell["icon"]), (&"failed".into(), &"F".into()));
    assert_eq!(cell["metrics"][0]["name"], "test-duration-minutes");
    assert_eq!(cell["metrics"][0]["value"], 1.5);
    let kinds: Vec<_> =
        cell["links"].as_array().unwrap().iter().map(|link| &link["kind"]).collect();
    assert_eq!(kinds, ["open", "bug", "results", "log", "test", "history", "graph"]);
    let href = |kind: &str| {
        let mut links = cell["links"].as_array().unwrap().iter();
        links.find(|link| link["kind"] == kind).unwrap()["href"].as_str().unwrap().to_owned()
    };
    let run = "/view/file/artifacts/logs/unit/103";
    assert_eq!(href("log"), format!("{run}?tab=log&find=a%20one"));
    let test = words(&world.get(&href("test")).await.expect(200).text());
    assert!(test.contains("boom, and why") && !test.contains("b two"), "that test alone: {test}");
    // What is about the whole run leads to its log.
    let whole = format!("{TAB}/cell?row=unit.Overall&build=103");
    let whole = world.get(&whole).await.expect(200).json();
    let log = whole["links"].as_array().unwrap().iter().find(|l| l["kind"] == "log").unwrap();
    assert_eq!(log["href"], format!("{run}?tab=log"));
    let open = world.get(&format!("{TAB}/open?row=a%20one&build=103")).await.expect(302);
    assert!(
        open.header("location").ends_with("/artifacts/logs/unit/103"),
        "{}",
        open.header("location")
    );
    let diff = world.get(&format!("{TAB}/diff?from=103&to=100")).await.expect(200).json();
    assert_eq!(diff[0]["href"], "https://example.com/compare/100...103");
    let clusters = world.get(&format!("{TAB}/clusters?by=message")).await.expect(200).json();
    assert!(
        clusters
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["message"] == "boom, and why" && c["area"] == 2)
    );
    let metric = world.get(&format!("{TAB}/metric?name=test-duration-minutes&row=a%20one")).await;
    assert_eq!(metric.expect(200).json()["rows"]["a one"][0], serde_json::json!([0, 1.5]));
    world.get(&format!("{TAB}/cell?row=nobody&build=103")).await.expect(404);
}

#[tokio::test]
async fn columns_beyond_the_tabs_days_have_all_that_the_others_have() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    let old = [("90", 24 * 29, RED), ("91", 24 * 28, RED)];
    let new = [("100", 50, GREEN), ("101", 40, GREEN), ("102", 30, RED), ("103", 20, RED)];
    for (id, hours, cases) in old.into_iter().chain(new) {
        build(&world, "unit", id, hours, cases);
    }
    update(&world).await;
    // The tab shows thirty days.
    world.clock.advance(std::time::Duration::from_secs(3 * 86_400));
    let cell = format!("{TAB}/cell?row=a%20one&build=90");
    world.get(&cell).await.expect(404);
    let old = world.get(&format!("{cell}&days=90")).await.expect(200).json();
    assert_eq!(old["message"], "boom, and why");
    let open = world.get(&format!("{TAB}/open?row=a%20one&build=90&days=90")).await.expect(302);
    assert!(open.header("location").ends_with("/artifacts/logs/unit/90"));
    world.get(&format!("{TAB}/diff?from=90&to=103")).await.expect(404);
    let diff = world.get(&format!("{TAB}/diff?from=90&to=103&days=90")).await.expect(200).json();
    assert_eq!(diff[0]["href"], "https://example.com/compare/90...103");
    let clusters = world.get(&format!("{TAB}/clusters?by=message&days=90")).await.expect(200);
    let boom = clusters.json();
    let boom = boom.as_array().unwrap().iter().find(|c| c["message"] == "boom, and why").unwrap();
    assert_eq!((&boom["area"], &boom["columns"]), (&4.into(), &serde_json::json!([0, 1, 4, 5])));
    let metric = format!("{TAB}/metric?name=test-duration-minutes&row=a%20one&days=90");
    let metric = world.get(&metric).await.expect(200).json();
    assert_eq!(metric["rows"]["a one"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_reader_who_has_the_grid_is_not_sent_it_again() {
    let world = world().await;
    let path = format!("{TAB}/grid.bin");
    let first = world.get(&path).await.expect(200);
    let tag = first.header("etag").to_owned();
    let ask = |tag: String| {
        let request = world.request(http::Method::GET, &path).header("if-none-match", tag);
        world.ask(request)
    };
    ask(tag.clone()).await.expect(304);
    build(&world, "unit", "104", 10, GREEN);
    update(&world).await;
    let fresh = ask(tag).await.expect(200);
    let grid = app::model::columnar::ColumnarGrid::decode(&fresh.body).expect("a grid");
    assert_eq!((grid.builds.len(), grid.builds.get(0)), (5, "104"));
}

#[tokio::test]
async fn documents_that_did_not_change_are_not_sent_again() {
    let world = world().await;
    let of_board = "/api/v1/dashboards/mainboard";
    for path in [
        of_board.to_owned(),
        TAB.to_owned(),
        format!("{of_board}/tabs"),
        format!("{of_board}/summary"),
        format!("{of_board}/tab-summaries"),
        format!("{of_board}/tab-summaries/unittests"),
        "/api/v1/dashboard-groups/everything".to_owned(),
        "/api/v1/dashboard-groups/everything/dashboard-summaries".to_owned(),
        "/main%20board/summary".to_owned(),
        "/main%20board/table?tab=unit%20tests".to_owned(),
        "/q/list".to_owned(),
    ] {
        let tag = world.get(&path).await.expect(200).header("etag").to_owned();
        let again = world.request(http::Method::GET, &path).header("if-none-match", tag.clone());
        assert_eq!(world.ask(again).await.expect(304).header("etag"), tag, "{path}");
    }
}

#[tokio::test]
async fn a_range_of_columns_and_of_days_is_the_same_in_every_form() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    for (id, hours, cases) in [
        ("90", 24 * 29, RED),
        ("100", 50, GREEN),
        ("101", 40, GREEN),
        ("102", 30, RED),
        ("103", 20, RED),
    ] {
        build(&world, "unit", id, hours, cases);
    }
    update(&world).await;
    world.clock.advance(std::time::Duration::from_secs(3 * 86_400));
    let query = "days=90&columns=1-4";
    let grid = world.get(&format!("{TAB}/grid?{query}")).await.expect(200).json();
    let builds = serde_json::json!(["102", "101", "100", "90"]);
    assert_eq!((&grid["columns"]["build"], &grid["first_column"]), (&builds, &1.into()));
    assert_eq!(grid["column_count"], 5);
    let bytes = world.get(&format!("{TAB}/grid.bin?{query}")).await.expect(200).body;
    let columnar = app::model::columnar::ColumnarGrid::decode(&bytes).expect("a grid");
    assert_eq!((columnar.builds.len(), columnar.builds.get(3)), (4, "90"));
    let view = world.get(&format!("{TAB}/view?{query}")).await.expect(200).json();
    assert_eq!(view["version"], columnar.version, "what is shown is about the same columns");
    let clusters = world.get(&format!("{TAB}/clusters?{query}")).await.expect(200).json();
    let boom = clusters.as_array().unwrap().iter().find(|c| c["message"] == "boom, and why");
    assert_eq!(boom.unwrap()["columns"], serde_json::json!([0, 3]));
    let metric = format!("{TAB}/metric?name=test-duration-minutes&row=a%20one&{query}");
    let metric = world.get(&metric).await.expect(200).json();
    assert_eq!(metric["rows"]["a one"][0], serde_json::json!([0, 1.5]));
    for document in ["headers", "rows"] {
        let found = world.get(&format!("{TAB}/{document}?{query}")).await.expect(200).text();
        assert_eq!(found.contains("\"90\""), document == "headers", "{found}");
    }
    let rows = world.get(&format!("{TAB}/rows?{query}")).await.expect(200).json();
    assert_eq!(rows["rows"][0]["cells"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn builds_that_a_listing_passes_over_are_found_and_late_results_join_theirs() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    // It began minutes ago, and its results are not there yet.
    build(&world, "unit", "200", 0, GREEN);
    std::fs::remove_file(world.stored_file("unit", "200", "artifacts/junit_01.xml")).unwrap();
    update(&world).await;
    let rows = async || {
        world.get(&format!("{TAB}/rows")).await.expect(200).json()["rows"].as_array().unwrap().len()
    };
    assert_eq!(rows().await, 1, "the row about the whole");
    build(&world, "unit", "200", 0, GREEN);
    // An id that comes before the one that is known.
    build(&world, "unit", "50", 5, GREEN);
    update(&world).await;
    assert_eq!(rows().await, 3);
    let grids = world.process.web.grids.as_ref().unwrap();
    let config = grids.config.get();
    let group = config.group("unit").unwrap();
    let look = server::components::grid_updater::decide::Look::Everything;
    let deps = &world.process.deps.grid_updater;
    server::components::grid_updater::poll(deps, group, look).await.expect("a look");
    let headers = world.get(&format!("{TAB}/headers")).await.expect(200).json();
    assert_eq!(headers["headers"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn broken_results_are_told_in_their_column_and_lose_nothing_else() {
    let world = world().await;
    let deep = "<testsuite>".repeat(2_000);
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><testsuite><testcase name=\"&b;\"/></testsuite>";
    for (id, junit) in
        [("110", deep.as_str()), ("111", bomb), ("112", "no xml at all"), ("113", "")]
    {
        build(&world, "unit", id, 5, GREEN);
        std::fs::write(world.stored_file("unit", id, "artifacts/junit_01.xml"), junit).unwrap();
    }
    build(&world, "unit", "114", 4, GREEN);
    std::fs::write(world.stored_file("unit", "114", "finished.json"), "").unwrap();
    build(&world, "unit", "115", 3, "<testcase name=\"odd &#x263A; &quot;'&lt;b>&#10;name\"/>");
    update(&world).await;
    let headers = world.get(&format!("{TAB}/headers")).await.expect(200).json();
    assert_eq!(headers["headers"].as_array().unwrap().len(), 10);
    let rows = world.get(&format!("{TAB}/rows")).await.expect(200).json();
    let overall =
        rows["rows"].as_array().unwrap().iter().find(|row| row["name"] == "unit.Overall").unwrap();
    let told = overall["cells"].to_string();
    assert!(told.contains("Malformed artifacts") && told.contains("finished.json"), "{told}");
    assert!(rows.to_string().contains("odd ☺"), "odd names are names");
    let page = world.get("/testgrid/mainboard/unittests").await.expect(200).text();
    assert!(page.contains("odd ☺ &quot;") && !page.contains("'<b>"), "and stay text");
}

#[tokio::test]
async fn the_grids_of_hidden_jobs_are_hidden_with_them() {
    let jobs = "\
periodics:
- {name: open-job, interval: 1h, decorate: true, annotations: {testgrid-dashboards: other}, spec: {containers: [{image: i, command: [c]}]}}
- {name: secret-job, interval: 1h, decorate: true, hidden: true, annotations: {testgrid-dashboards: other}, spec: {containers: [{image: i, command: [c]}]}}
";
    for (hidden_too, tabs) in [(false, 2), (true, 3)] {
        let setup = Setup::default().prow(PROW).jobs(jobs).testgrid(GRIDS);
        let world = setup.settings(|settings| settings.show_hidden = hidden_too).start().await;
        let found = world.get("/api/v1/dashboards/other/tabs").await.expect(200).json();
        assert_eq!(found["dashboard_tabs"].as_array().unwrap().len(), tabs, "{found}");
    }
}

#[tokio::test]
async fn ten_thousand_rows_that_are_renamed_at_once_are_hidden_and_announced() {
    let world = Setup::default().testgrid(GRIDS).start().await;
    let cases = |prefix: &str| -> String {
        (0..10_000).map(|at| format!("<testcase name=\"{prefix} {at}\"/>")).collect()
    };
    build(&world, "unit", "1", 60, &cases("old"));
    for (id, hours) in [("2", 50), ("3", 40), ("4", 30), ("5", 20), ("6", 10)] {
        build(&world, "unit", id, hours, &cases("new"));
    }
    update(&world).await;
    let view = world.get(&format!("{TAB}/view?")).await.expect(200).json();
    assert_eq!((&view["shown"], &view["stale"]), (&10_001.into(), &10_000.into()));
    let page = words(&world.get("/testgrid/mainboard/unittests").await.expect(200).text());
    assert!(page.contains("10\u{202f}000 stale rows hidden"), "they are announced");
    let summary = world.get("/api/v1/dashboards/mainboard/tab-summaries").await.expect(200).json();
    assert_eq!(summary["tab_summaries"][0]["overall_status"], "PASSING");
}

#[tokio::test]
async fn old_addresses_lead_to_dashboards_documents_and_badges() {
    let world = world().await;
    let to = |path: &'static str| {
        let world = &world;
        async move { world.get(path).await.expect(302).header("location").to_owned() }
    };
    assert_eq!(to("/main%20board").await, "/testgrid/main%20board");
    assert_eq!(to("/mainboard?x=1").await, "/testgrid/main%20board?x=1");
    assert_eq!(to("/other").await, "/testgrid/other/e2e", "the default tab");
    assert_eq!(to("/everything").await, "/testgrid/everything");
    let other = to("/r/some-bucket/mainboard").await;
    let scope = app::model::encode("gs://some-bucket");
    assert_eq!(other, format!("/testgrid/main%20board?scope={scope}"));
    let page = words(&world.get(&other).await.expect(200).text());
    assert!(page.contains("gs://some-bucket") && page.contains("not served here"), "{page}");
    world.get("/r/some-bucket/mainboard/summary").await.expect(404);
    let summary = world.get("/main%20board/summary").await.expect(200).json();
    let tab = &summary["unit tests"];
    assert_eq!(
        (&tab["overall_status"], &tab["overall_status_icon"]),
        (&"FAILING".into(), &"warning".into())
    );
    let table = world.get("/mainboard/table?tab=unit%20tests").await.expect(200).json();
    assert_eq!(table["changelists"][0], "103");
    assert_eq!(table["tests"][0]["statuses"][0], serde_json::json!({"value": 12, "count": 2}));
    assert_eq!(world.get("/q/list").await.expect(200).json()["other"][0], "e2e");
    let status = "/q/summary/main%20board/unit%20tests/tests_status";
    assert_eq!(world.get(status).await.expect(200).json()["status"], "FAILING");
    let badge = world.get(&format!("{status}?style=svg")).await.expect(200);
    assert_eq!(badge.header("content-type"), "image/svg+xml");
    assert!(badge.text().contains("failing"));
    assert!(
        world
            .get("/q/config/mainboard/unittests")
            .await
            .expect(200)
            .text()
            .contains("num_columns_recent")
    );
    assert!(world.get("/q/testgroup/e2e").await.expect(200).text().contains("logs/e2e"));
    // What is no dashboard is still a page that is not there.
    world.get("/no-such-dashboard").await.expect(404);
    world.get("/mainboard/nothing").await.expect(404);
}

#[tokio::test]
async fn tests_are_found_by_parts_of_their_names_and_have_a_page_over_all_tabs() {
    let world = world().await;
    build(&world, "e2e", "7", 3, GREEN);
    update(&world).await;
    let found = world.get("/tests?q=ONE%20a").await.expect(200).text();
    assert!(found.contains("a one") && found.contains("other › e2e"), "upper and lower case alike");
    assert!(
        world
            .get("/tests?q=nowhere")
            .await
            .expect(200)
            .text()
            .contains("No test has all these words")
    );
    let page = world.get("/test?name=a%20one").await.expect(200).text();
    let read = words(&page);
    assert!(
        read.contains("in 2 test groups") && read.contains("fails in 1"),
        "both groups have it"
    );
    assert!(page.contains("/artifacts/logs/unit/102"), "the first bad build is a link");
    world.get("/test?name=nobody").await.expect(404);
}

#[tokio::test]
async fn exports_are_read_by_other_programs() {
    let world = world().await;
    let csv = world.get(&format!("{TAB}/rows.csv")).await.expect(200).text();
    assert!(csv.contains("a one,103,") && csv.contains(",FAIL,F,\"boom, and why\""), "{csv}");
    let metrics = world.get("/api/v1/testgrid/metrics").await.expect(200).text();
    let line =
        "testgrid_tab_status{dashboard=\"main board\",tab=\"unit tests\",status=\"FAILING\"} 1";
    assert!(metrics.contains(line) && metrics.ends_with("# EOF\n"), "{metrics}");
}

#[tokio::test]
async fn a_failing_row_and_only_a_new_one_is_told_by_mail() {
    let setup = Setup::default().testgrid(GRIDS);
    let world =
        setup.testgrid_options(|options| options.mail.testgrid_mail_dry_run = true).start().await;
    for (id, hours) in [("100", 50), ("101", 40)] {
        build(&world, "unit", id, hours, RED);
    }
    update(&world).await;
    for _ in 0..2 {
        let deps = &world.process.deps.testgrid_alerts;
        testgrid_alerts::sync_once(deps).await.expect("a look");
    }
    let page = world.get("/alerts").await.expect(200).text();
    assert_eq!(words(&page).matches("dry run").count(), 1, "told once: {}", words(&page));
    assert!(page.contains("a one") && page.contains("team@example.com"));
}

#[tokio::test]
async fn an_edit_of_the_configuration_shows_without_a_restart_and_a_broken_one_leaves_the_last() {
    let world = Setup::default().testgrid(GRIDS).running().start().await;
    let boards = async || {
        world.get("/api/v1/dashboards").await.expect(200).json()["dashboards"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(boards().await, 2);
    let file = world.config_file("testgrid/grids.yaml");
    let more = GRIDS.replace(
        "dashboard_groups:",
        "- {name: third, dashboard_tab: [{name: e2e, test_group_name: e2e}]}\ndashboard_groups:",
    );
    std::fs::write(&file, more).unwrap();
    let mut changes = world.process.web.grids.as_ref().unwrap().config.subscribe();
    tokio::time::timeout(
        tests::world::SOON,
        changes.wait_for(|c| c.configuration.dashboards.len() == 3),
    )
    .await
    .expect("the edit is seen")
    .expect("a configuration");
    assert_eq!(boards().await, 3);
    std::fs::write(&file, "test_groups: [").unwrap();
    let seen = changes.wait_for(|config| config.findings.iter().any(|found| found.is_error()));
    tokio::time::timeout(tests::world::SOON, seen)
        .await
        .expect("it is told")
        .expect("a configuration");
    assert_eq!(boards().await, 3, "the last good file stays in use");
    let status = world.get("/status").await.expect(200).text();
    assert!(status.contains("grids.yaml:1"), "the status page has file and line");
}

async fn next_tab(events: &mut Events) -> serde_json::Value {
    loop {
        let event = events.next().await.expect("an event");
        if event.name == "tab" {
            return event.json();
        }
    }
}

#[tokio::test]
async fn a_run_that_ends_on_this_machine_is_told_to_an_open_tab() {
    let jobs = "\
periodics:
- name: unit
  interval: 1h
  decorate: true
  spec: {containers: [{image: local, command: [sh, -c, 'echo hello']}]}
";
    let setup = Setup::default().prow(PROW).jobs(jobs).testgrid(GRIDS).with_program(EXE);
    let world = setup.running().start().await;
    let stream = "/api/v1/testgrid/stream?dashboard=mainboard&tab=unittests";
    let mut events = world.events(stream, None).await;
    // horologium starts the periodic at once.
    let mut overall = serde_json::Value::Null;
    while overall["result"] != 1 {
        assert_eq!(next_tab(&mut events).await["tab"], "unit tests");
        let rows = world.get(&format!("{TAB}/rows")).await.expect(200).json();
        overall = rows["rows"][0]["cells"][0].clone();
    }
}
