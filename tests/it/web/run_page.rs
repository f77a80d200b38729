//! The page of a run: its tests, its log at the first error, what a search finds in it.

use tests::world::{START, STORED, Setup, World, prow_job, with_refs};

const JUNIT: &[u8] = br#"<testsuites><testsuite name="example.com/a">
<testcase name="TestOne" classname="example.com/a" time="1.5"/>
<testcase name="TestTwo/part" classname="example.com/a" time="0.25"><failure message="want 3">got &lt;4&gt;</failure><system-out>said something</system-out></testcase>
<testcase name="TestAgain" classname="example.com/a"><failure>once</failure></testcase>
<testcase name="TestAgain" classname="example.com/a"/>
<testcase name="TestNot" classname="example.com/a"><skipped message="no network"/></testcase>
</testsuite></testsuites>"#;

const LOG: &[u8] = b"all is well\nE1121 10:00:00.123456 7 a.go:1] lost it\nand on\n\x1b[31m--- FAIL\x1b[0m: TestTwo\nend\n";

async fn world() -> World {
    let world = World::new().await;
    let files: &[(&str, &[u8])] = &[("build-log.txt", LOG), ("artifacts/junit_01.xml", JUNIT)];
    world.store_run("nightly-1", "nightly", "17", "failure", files).await;
    world
}

#[tokio::test]
async fn a_run_that_failed_shows_its_failed_tests_first_with_text_and_command() {
    let world = world().await;
    let page = world.get("/run/nightly-1").await.expect(200).text();
    assert!(page.contains("1 of 4 failed"), "the tab says it");
    let (failed, passed) = (page.find("TestTwo/part").unwrap(), page.find("TestOne").unwrap());
    assert!(failed < passed, "what failed stands first");
    assert!(page.contains("want 3\ngot &lt;4&gt;") || page.contains("got &lt;4>"), "with its text");
    assert!(
        page.contains("go test -count=1 -run &#x27;^TestTwo$/^part$&#x27; example.com/a")
            || page.contains("go test -count=1 -run '^TestTwo$/^part$' example.com/a")
    );
    assert!(page.contains("no network") && page.contains("Run 2"), "all runs are told");
    // A run that passed opens on its log or summary.
    let files: &[(&str, &[u8])] =
        &[("artifacts/junit_01.xml", b"<testsuite><testcase name='a'/></testsuite>")];
    world.store_run("nightly-2", "nightly", "18", "success", files).await;
    let page = world.get("/run/nightly-2").await.expect(200).text();
    assert!(!page.contains("tests-section") && page.contains("tab=tests"));
}

#[tokio::test]
async fn tests_are_searched_sorted_and_read_whole_by_programs_too() {
    let world = world().await;
    let tests = |query: &str| {
        let address = format!("/api/v1/runs/nightly-1/tests?{query}");
        let world = &world;
        async move { world.get(&address).await.expect(200).json() }
    };
    let all = tests("").await;
    assert_eq!(all["counts"], serde_json::json!([1, 1, 1, 1]));
    assert_eq!(all["tests"][0]["runs"][0]["text"], "want 3\ngot <4>");
    let found = tests("q=again").await;
    assert_eq!(found["matching"], serde_json::json!([0, 1, 0, 0]));
    let slow = tests("only=passed&sort=duration").await;
    assert_eq!(slow["tests"][0]["name"], "TestOne");
    let out = all["tests"][0]["runs"][0]["out"].as_str().expect("an address");
    let text = world.get(out).await.expect(200);
    assert_eq!(text.text(), "said something");
    assert!(text.header("content-type").starts_with("text/plain"));
    for (query, status) in [
        ("file=build-log.txt&case=0&part=text", 404),
        ("file=artifacts/junit_01.xml&case=99&part=text", 404),
        ("file=artifacts/junit_01.xml&case=1&part=other", 400),
        ("file=../../secret&case=0&part=text", 404),
    ] {
        let answer = world.get(&format!("/api/v1/runs/nightly-1/tests?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn results_that_cannot_be_read_are_told_and_cost_nothing_else() {
    let world = World::new().await;
    let files: &[(&str, &[u8])] = &[
        ("artifacts/junit_01.xml", b"this is no XML"),
        ("artifacts/junit_02.xml", b"<testsuite><testcase name='ok'/><testcase name='cut"),
        ("artifacts/junit_03.xml", b""),
    ];
    world.store_run("nightly-1", "nightly", "17", "failure", files).await;
    let tests = world.get("/api/v1/runs/nightly-1/tests").await.expect(200).json();
    assert_eq!(tests["counts"], serde_json::json!([0, 0, 1, 0]));
    let problems: Vec<&str> =
        tests["problems"].as_array().unwrap().iter().filter_map(|p| p.as_str()).collect();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("junit_01.xml") && problems[1].contains("junit_02.xml"));
    let page = world.get("/run/nightly-1?tab=tests").await.expect(200).text();
    assert!(page.contains("junit_01.xml"), "the page says what is missing");
}

#[tokio::test]
async fn the_log_of_a_failed_run_opens_at_its_first_error() {
    let world = world().await;
    let page = world.get("/run/nightly-1?tab=log").await.expect(200).text();
    assert!(page.contains(r#"data-at="2""#), "the first error is the second line");
    assert!(page.contains(r#"id="L2" class="error""#) && page.contains(r#"id="L4" class="error""#));
    let hits = |query: &str| {
        let address = format!("/api/v1/runs/nightly-1/log/search{query}");
        let world = &world;
        async move { world.get(&address).await.expect(200).json() }
    };
    assert_eq!(hits("").await["lines"], serde_json::json!([1, 3]));
    let found = hits("?q=^--- FAIL").await;
    assert_eq!(found["lines"], serde_json::json!([3]), "colours are no part of a line");
    assert_eq!((&found["total"], &found["searched"]), (&1.into(), &5.into()));
    let bad = world.get("/api/v1/runs/nightly-1/log/search?q=%28").await.expect(400);
    assert!(bad.text().contains("missing closing )"), "{}", bad.text());
}

#[tokio::test]
async fn a_test_that_failed_stands_beside_its_last_results() {
    let grids = "\
test_groups:
- {name: nightly, gcs_prefix: 'file://artifacts/logs/nightly', days_of_results: 30, disable_prowjob_analysis: true}
dashboards:
- {name: board, dashboard_tab: [{name: nightly, test_group_name: nightly}]}
";
    let world = Setup::default().testgrid(grids).start().await;
    let started = |at: i64| format!("{{\"timestamp\": {at}}}").into_bytes();
    for (build, state, at) in [("16", "success", 7_200), ("17", "failure", 3_600)] {
        let began = started(START.seconds() - at);
        let junit: &[u8] = match state {
            "success" => b"<testsuite name='s'><testcase name='t'/></testsuite>",
            _ => b"<testsuite name='s'><testcase name='t'><failure>no</failure></testcase></testsuite>",
        };
        let files: &[(&str, &[u8])] =
            &[("artifacts/junit_01.xml", junit), ("started.json", &began)];
        world.store_run(&format!("nightly-{build}"), "nightly", build, state, files).await;
    }
    crate::testgrid::update(&world).await;
    let tests = world.get("/api/v1/runs/nightly-17/tests").await.expect(200).json();
    let history: Vec<_> =
        tests["tests"][0]["history"].as_array().unwrap().iter().map(|c| &c["status"]).collect();
    assert_eq!(history, [12, 1], "newest first: failed, passed");
    assert_eq!(tests["tests"][0]["href"], "/test?name=s.t");
}

#[tokio::test]
async fn a_run_whose_pod_is_gone_tells_of_it_from_what_was_recorded() {
    let world = World::new().await;
    let podinfo = br#"{"pod": {"metadata": {"name": "p-1", "namespace": "test-pods"},
        "spec": {"nodeName": "node-7", "containers": [{"name": "test", "image": "nowhere/nothing:1",
            "env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]},
        "status": {"phase": "Pending",
            "conditions": [{"type": "ContainersReady", "status": "False", "reason": "ContainersNotReady"}],
            "containerStatuses": [{"name": "test", "image": "nowhere/nothing:1",
            "state": {"waiting": {"reason": "ErrImagePull", "message": "manifest <b>unknown</b>"}}}]}},
        "events": [{"type": "Warning", "reason": "Failed", "message": "no such image",
            "source": {"component": "kubelet"}, "lastTimestamp": "2026-11-21T00:00:30Z", "count": 4}]}"#;
    let files: &[(&str, &[u8])] = &[
        ("podinfo.json", podinfo),
        (
            "started.json",
            br#"{"timestamp": 1795219200, "metadata": {"links": {
            "Board": {"url": "https://board.example/1"}, "Bad": {"url": "javascript:alert(1)"}}}}"#,
        ),
        ("finished.json", br#"{"timestamp": 1795219000, "passed": false}"#),
    ];
    world.store_run("nightly-1", "nightly", "17", "error", files).await;
    let page = world.get("/run/nightly-1").await.expect(200).text();
    for words in [
        "could not pull <code>nowhere/nothing:1</code>",
        "manifest &lt;b",
        "https://board.example/1",
        "before it began at 2026-11-21T00:00:00Z",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("href=\"javascript"), "an address of no web page is no link");
    let pod = world.get("/run/nightly-1?tab=pod").await.expect(200).text();
    for words in ["node-7", "no such image", "4 times", "k of the secret s", "ContainersNotReady"] {
        assert!(pod.contains(words), "{words}");
    }
    assert!(pod.contains("recorded when the run ended"));
    let yaml = pod.split("data-copy").nth(1).expect("the YAML").split("</pre>").next();
    let yaml = yaml.unwrap_or_default();
    assert!(yaml.contains("nodeName: node-7\n") && yaml.contains("manifest &lt;b"), "{yaml}");
}

#[tokio::test]
async fn documents_of_a_wrong_shape_cost_a_note_and_no_page() {
    let world = World::new().await;
    let large = vec![b' '; 5 << 20];
    for (at, content) in [
        &b"[1, 2]"[..],
        b"null",
        b"{\"pod\": 7, \"events\": {}, \"metadata\": \"x\", \"timestamp\": -99999999999999}",
        b"{\"timestamp\": \"year 1000000\", \"metadata\": {\"links\": [1]}, \"passed\": []}",
        b"\xff\xfe\x00",
        b"",
        &large,
    ]
    .into_iter()
    .enumerate()
    {
        let names = ["started.json", "finished.json", "prowjob.json", "podinfo.json"];
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, content)).collect();
        let (name, build) = (format!("nightly-{at}"), format!("{}", at + 10));
        world.store_run(&name, "nightly", &build, "failure", &files).await;
        for tab in ["metadata", "artifacts", "pod"] {
            world.get(&format!("/run/{name}?tab={tab}")).await.expect(200);
        }
        world.get(&format!("/view/file/artifacts/logs/nightly/{build}")).await.expect(200);
    }
}

#[tokio::test]
async fn a_run_stands_beside_the_usual_duration_and_the_place_of_its_configuration() {
    let jobs = "\
periodics:
- name: nightly
  interval: 24h
  spec: {containers: [{image: i}]}
";
    let world = Setup::default().jobs(jobs).start().await;
    for build in ["1", "2", "3"] {
        world.store_run(&format!("nightly-{build}"), "nightly", build, "success", &[]).await;
    }
    let page = world.get("/run/nightly-2").await.expect(200).text();
    assert!(page.contains("usually 1m"), "the median of the three");
    assert!(page.contains(".yaml:2"), "file and line of the job");
}

#[tokio::test]
async fn configured_groups_of_tests_stand_apart() {
    let prow = "\
deck:
  spyglass:
    lenses:
    - required_files: ['junit.*\\.xml$']
      lens:
        name: junit
        config:
          groups:
          - {name: Informing, selector: \"properties/property[@name='lifecycle' and @value='informing']\"}
          - {name: Slow, collapsed: true, selector: \"properties/property[@name='slow']\"}
          - {name: Broken, selector: \"classname='x'\"}
";
    let junit: &[u8] = br#"<testsuite>
<testcase name="own"/>
<testcase name="theirs"><properties><property name="lifecycle" value="informing"/></properties><failure>no</failure></testcase>
<testcase name="late"><properties><property name="slow" value="yes"/></properties><failure>no</failure></testcase>
</testsuite>"#;
    let world = Setup::default().prow(prow).start().await;
    let files: &[(&str, &[u8])] = &[("artifacts/junit_01.xml", junit)];
    world.store_run("nightly-1", "nightly", "17", "failure", files).await;
    let tests = |query: &str| {
        let address = format!("/api/v1/runs/nightly-1/tests?{query}");
        let world = &world;
        async move { world.get(&address).await.expect(200).json() }
    };
    let own = tests("").await;
    assert_eq!(own["counts"], serde_json::json!([0, 0, 1, 0]));
    assert_eq!(own["groups"][0]["counts"], serde_json::json!([1, 0, 0, 0]));
    assert!(own["problems"][0].as_str().unwrap_or_default().contains("`Broken`"));
    let informing = tests("group=1").await;
    assert_eq!(informing["tests"][0]["name"], "theirs");
    assert_eq!(informing["groups"][0]["current"], true);
    let page = world.get("/run/nightly-1?tab=tests").await.expect(200).text();
    assert!(page.contains("Informing") && page.contains("tab=tests&amp;group=1"));
    // What failed in a group stands there, too, folded if the group is configured so.
    let open = "<details open class=\"tests-section tests-group\">";
    let folded = "<details class=\"tests-section tests-group\">";
    let places = [">own<", open, ">theirs<", folded, ">late<"];
    let mut rest = page.as_str();
    for part in places {
        rest = rest.split_once(part).expect(part).1;
    }
    assert!(page.contains("2 of 3 failed"), "the tab counts all tests of the run");
    let alone = world.get("/run/nightly-1?tab=tests&group=1").await.expect(200).text();
    assert!(!alone.contains(">late<") && alone.contains("2 of 3 failed"));
    assert!(
        alone.contains("data-tab=\"tests\"")
            && alone.contains("data-places=\"0=tests&amp;junit=tests\"")
    );
    let open = world.get("/run/nightly-1").await.expect(200).text();
    assert!(open.contains("tests-group"), "the page opens on its tests");
}

#[tokio::test]
async fn a_stack_trace_leads_to_the_source_that_was_tested() {
    let world = World::new().await;
    let folder = "buckets/artifacts/pr-logs/pull/org_repo/7/unit/17/artifacts";
    let folder = world.data_dir().join(folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let junit = "<testsuite><testcase name='t'><failure>boom\n\
        \t/go/src/example.com/org/repo/pkg/a.go:12 +0x1a\n\
        \t/usr/local/go/src/net/dial.go:5</failure></testcase></testsuite>";
    std::fs::write(folder.join("junit_01.xml"), junit).expect("a file");
    let mut run = with_refs(prow_job("unit-1", "unit", "failure"), "org", "repo", "ann");
    run["status"]["build_id"] = serde_json::json!("17");
    run["spec"]["decoration_config"] = serde_json::json!({
        "gcs_configuration": {"bucket": STORED, "path_strategy": "explicit"},
    });
    world.put([run]).await;
    let page = world.get("/run/unit-1").await.expect(200).text();
    let link = "<a href=\"https://github.com/org/repo/blob/c1/pkg/a.go#L12\"";
    assert!(page.contains(link) && page.contains(">repo/pkg/a.go:12</a> +0x1a"), "{page}");
    assert!(!page.contains("net/dial.go#L5"));
}

#[tokio::test]
async fn the_page_of_a_run_says_what_its_operator_tells_and_links_where_he_wants() {
    let words = "announcement: 'Moved: <a href=\"https://new.example/{{.ArtifactPath}}\">here</a>'";
    let template = "pr_history_link_template: 'https://h.example/{{.Org}}/{{.Repo}}/{{.Number}}'";
    for (settings, wanted, unwanted) in [
        (
            format!("{words}, {template}"),
            vec![
                r#"<a href="https://new.example/artifacts/logs/nightly/17">here</a>"#,
                "https://h.example/org/repo/7",
            ],
            vec!["/pr-history/?org=org"],
        ),
        ("hide_pr_history_link: true".to_owned(), vec![], vec!["History of #7", "Announcement"]),
        (
            // What is no address of the web is no link.
            "pr_history_link_template: 'javascript:{{.Org}}'".to_owned(),
            vec!["/pr-history/?org=org"],
            vec!["Announcement", "javascript:org"],
        ),
    ] {
        let world =
            Setup::default().prow(format!("deck: {{spyglass: {{{settings}}}}}\n")).start().await;
        world.store_run("nightly-1", "nightly", "17", "success", &[("build-log.txt", b"x")]).await;
        world.put([with_refs(prow_job("unit-1", "unit", "success"), "org", "repo", "ann")]).await;
        let text = world.get("/run/nightly-1").await.expect(200).text()
            + &world.get("/run/unit-1").await.expect(200).text();
        for words in wanted {
            assert!(text.contains(words), "{settings}: {words}");
        }
        for words in unwanted {
            assert!(!text.contains(words), "{settings}: {words}");
        }
    }
}
