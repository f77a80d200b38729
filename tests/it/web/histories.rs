//! The past of a job and of a pull request, and two runs compared.

use std::path::PathBuf;

use crate::program::PROW;
use serde_json::{Value, json};
use tests::world::{START, STORED, Setup, World, prow_job, with_refs};

/// Writes files into the bucket that the World's runs lie in.
fn write(world: &World, folder: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = world.data_dir().join("buckets/artifacts").join(folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, content) in files {
        std::fs::write(folder.join(name), content).expect("a file");
    }
    folder
}

fn started(seconds_ago: i64) -> String {
    json!({"timestamp": START.seconds() - seconds_ago}).to_string()
}

fn finished(seconds_ago: i64, result: &str) -> String {
    json!({"timestamp": START.seconds() - seconds_ago, "result": result}).to_string()
}

/// A run of which only the bucket knows; it took a minute.
fn only_stored(world: &World, folder: &str, seconds_ago: i64, result: &str) {
    let (started, finished) = (started(seconds_ago), finished(seconds_ago - 60, result));
    write(world, folder, &[("started.json", &started), ("finished.json", &finished)]);
}

const NIGHTLY: &str = "file/artifacts/logs/nightly";

async fn history(world: &World, path: &str) -> Value {
    world.get(&format!("/api/v1/job-history/{path}")).await.expect(200).json()
}

fn builds(history: &Value) -> Vec<u64> {
    let rows = history["rows"].as_array().expect("rows").iter();
    rows.map(|row| row["run"]["build_id"].as_str().unwrap_or("0").parse().unwrap_or(0)).collect()
}

fn states(history: &Value) -> Vec<&str> {
    let rows = history["rows"].as_array().expect("rows").iter();
    rows.map(|row| row["run"]["state"].as_str().expect("a state")).collect()
}

#[tokio::test]
async fn a_job_history_has_the_runs_of_the_index_and_those_of_the_bucket_by_number() {
    let world = World::new().await;
    let files: &[(&str, &[u8])] = &[("build-log.txt", b"x")];
    world.store_run("nightly-17", "nightly", "17", "success", files).await;
    only_stored(&world, "logs/nightly/9", 9_000, "FAILURE");
    only_stored(&world, "logs/nightly/18", 3_000, "SUCCESS");
    // One that did not begin, and one that is not over.
    write(&world, "logs/nightly/19", &[("build-log.txt", "x")]);
    write(&world, "logs/nightly/20", &[("started.json", &started(10))]);
    // The latest build is a hint that may be wrong, and other files are no builds.
    write(&world, "logs/nightly", &[("latest-build.txt", "9")]);
    write(&world, "logs/nightly/no-build", &[("started.json", "{}")]);

    let all = history(&world, NIGHTLY).await;
    assert_eq!(builds(&all), [20, 19, 18, 17, 9]);
    assert_eq!(states(&all), ["pending", "unknown", "success", "success", "failure"]);
    assert_eq!(all["rows"][1]["run"]["href"], "/view/file/artifacts/logs/nightly/19");
    let note = all["rows"][1]["note"].as_str().expect("a note");
    assert!(note.contains("no started.json"), "{note}");
    assert!(all["rows"][0].get("note").is_none() && all["notes"] == json!([]));
    // What is complete is in the index from now on, what is not is read again.
    let runs = world.process.web.store.as_ref().expect("a store").runs();
    let stored = |build: u64| format!("{STORED}/logs/nightly/{build}");
    assert!(runs.by_run_dir(&stored(18)).await.expect("an answer").is_some());
    assert!(runs.by_run_dir(&stored(20)).await.expect("an answer").is_none());

    let page = world.get(&format!("/job-history/{NIGHTLY}")).await.expect(200).text();
    for words in ["<h1>nightly</h1>", ">18</a>", "no started.json", "/file/artifacts/logs/nightly/"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    // The page of a run that is not over is there, too, and leads back.
    let run = world.get("/view/file/artifacts/logs/nightly/20").await.expect(200).text();
    assert!(run.contains(&format!("/job-history/{NIGHTLY}")));
}

#[tokio::test]
async fn pages_go_by_build_as_in_deck_and_in_gubernator() {
    let world = World::new().await;
    for build in 0..120_u64 {
        write(&world, &format!("logs/nightly/{build}"), &[]);
    }
    write(&world, "logs/nightly", &[("latest-build.txt", "110")]);
    let down = |from: u64, to: u64| (to..=from).rev().collect::<Vec<u64>>();
    for (query, shown, older, newer) in [
        ("limit=40", down(119, 80), Some("79"), None),
        ("limit=40&buildId=79", down(79, 40), Some("39"), Some("119")),
        ("limit=40&buildId=100", down(100, 61), Some("60"), Some("")),
        ("buildId=23", down(23, 4), Some("3"), Some("43")),
        ("buildId=3", down(3, 1), None, Some("23")),
        ("buildId=", down(119, 100), Some("99"), None),
        // Beyond the latest is the latest.
        ("buildId=18446744073709551615", down(119, 100), Some("99"), None),
    ] {
        let page = history(&world, &format!("{NIGHTLY}?{query}")).await;
        assert_eq!(builds(&page), shown, "{query}");
        assert_eq!(page["older"].as_str(), older, "{query}");
        assert_eq!(page["newer"].as_str(), newer, "{query}");
    }
    // Gubernator's address leads to the same forty.
    let answer = world.get("/builds/bucket/logs/nightly/?before=80").await.expect(307);
    let place = answer.header("location");
    assert_eq!(place, "/job-history/gs/bucket/logs/nightly?buildId=79&limit=40");
    let page = world.get(&format!("/job-history/{NIGHTLY}?buildId=79&limit=40")).await.expect(200);
    let page = page.text();
    assert!(page.contains("?buildId=39&amp;limit=40") || page.contains("?buildId=39&limit=40"));
}

#[tokio::test]
async fn a_history_is_filtered_by_state_and_opened_at_a_day() {
    let world = World::new().await;
    const DAY: i64 = 86_400;
    for build in 1..=9_i64 {
        let result = if build % 3 == 0 { "FAILURE" } else { "SUCCESS" };
        only_stored(&world, &format!("logs/nightly/{build}"), (10 - build) * DAY, result);
    }
    let failed = history(&world, &format!("{NIGHTLY}?state=failure&limit=2")).await;
    assert_eq!((builds(&failed), failed["older"].as_str()), (vec![9, 6], Some("3")));
    // The ninth began a day before the midnight at which the clock stands.
    let page = history(&world, &format!("{NIGHTLY}?date=2026-11-18")).await;
    assert_eq!(builds(&page), [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(page["newer"], "");
    let page = history(&world, &format!("{NIGHTLY}?date=2020-01-01")).await;
    assert_eq!(builds(&page), Vec::<u64>::new());
    let text =
        world.get(&format!("/job-history/{NIGHTLY}?date=2020-01-01")).await.expect(200).text();
    assert!(text.contains("No run is shown"));

    let all = history(&world, NIGHTLY).await;
    assert_eq!(all["charted"], 9);
    let periods = all["periods"].as_array().expect("periods");
    assert_eq!(periods.len(), 9);
    assert_eq!((&periods[0]["succeeded"], &periods[0]["median_ms"]), (&json!(1), &json!(60_000)));
    for of in ["durations_src", "rates_src"] {
        let drawing = world.get(all[of].as_str().expect("an address")).await.expect(200);
        assert_eq!(drawing.header("content-type"), "image/svg+xml");
        assert!(drawing.text().contains("12 Nov 2026"), "{}", drawing.text());
    }
}

#[tokio::test]
async fn builds_of_presubmits_are_found_by_their_links_and_a_broken_link_costs_its_own_row_alone() {
    let world = World::new().await;
    let repos =
        json!({"timestamp": START.seconds() - 500, "repos": {"org/repo": "main:b1,7:c1,8:c2"}});
    let folder = "pr-logs/pull/org_repo/7/unit/3";
    write(&world, folder, &[("started.json", &repos.to_string())]);
    let target = format!("{STORED}/{folder}");
    let links = [
        ("3.txt", target.as_str()),
        ("4.txt", "file://elsewhere/logs/unit/4"),
        ("5.txt", "nonsense"),
        ("latest-build.txt", "3"),
    ];
    write(&world, "pr-logs/directory/unit", &links);
    let page = history(&world, "file/artifacts/pr-logs/directory/unit").await;
    assert_eq!(builds(&page), [5, 4, 3]);
    assert_eq!(states(&page), ["unknown", "unknown", "pending"]);
    assert_eq!(page["rows"][2]["run"]["href"], format!("/view/file/artifacts/{folder}"));
    assert_eq!(page["rows"][2]["run"]["refs"]["pulls"][1]["sha"], "c2");
    let html =
        world.get("/job-history/file/artifacts/pr-logs/directory/unit").await.expect(200).text();
    let rows: Vec<&str> = html.split("<tr>").skip(2).take(3).collect();
    for row in rows {
        assert_eq!(
            row.matches("<td").count(),
            6,
            "a run of two pull requests has no more cells: {row}"
        );
    }
}

#[tokio::test]
async fn what_is_hidden_is_in_no_history() {
    let jobs = "\
periodics:
- name: secret
  interval: 1h
  hidden: true
  spec: {containers: [{image: i}]}
";
    let world = Setup::default().prow("deck: {hidden_repos: [dark/side]}").jobs(jobs).start().await;
    only_stored(&world, "logs/secret/1", 100, "SUCCESS");
    for path in ["job-history", "api/v1/job-history"] {
        world.get(&format!("/{path}/file/artifacts/logs/secret")).await.expect(404);
    }
    let chart = "/job-history-chart/file/artifacts/logs/secret?of=rates";
    world.get(chart).await.expect(404);
    // A shared job: the run of the hidden repository is left out, the other is shown.
    only_stored(&world, "pr-logs/pull/dark_side/7/unit/2", 100, "SUCCESS");
    only_stored(&world, "pr-logs/pull/org_repo/7/unit/3", 100, "SUCCESS");
    let hidden = format!("{STORED}/pr-logs/pull/dark_side/7/unit/2");
    let open = format!("{STORED}/pr-logs/pull/org_repo/7/unit/3");
    write(&world, "pr-logs/directory/unit", &[("2.txt", &hidden), ("3.txt", &open)]);
    let place = "file/artifacts/pr-logs/directory/unit";
    for _ in 0..2 {
        assert_eq!(builds(&history(&world, place).await), [3]);
    }
    world.get("/pr-history/?org=dark&repo=side&pr=7").await.expect(404);
    world.get("/api/v1/pr-history?org=dark&repo=side&pr=7").await.expect(404);
    // A run of a job that was hidden when it ran.
    let mut run = prow_job("nightly-1", "nightly", "success");
    run["spec"]["hidden"] = json!(true);
    run["spec"]["decoration_config"] = json!({"gcs_configuration": {"bucket": STORED}});
    world.put([run]).await;
    only_stored(&world, "logs/nightly/1", 100, "SUCCESS");
    only_stored(&world, "logs/nightly/2", 50, "SUCCESS");
    assert_eq!(builds(&history(&world, NIGHTLY).await), [2]);
    world.get("/api/v1/runs/compare?new=nightly-1").await.expect(404);
}

#[tokio::test]
async fn a_bucket_that_fails_costs_what_only_it_knows() {
    let world = World::new().await;
    let mut run = prow_job("nightly-17", "nightly", "failure");
    run["status"]["build_id"] = json!("17");
    run["spec"]["decoration_config"] = json!({"gcs_configuration": {"bucket": STORED}});
    world.put([run]).await;
    // A link out of the bucket is refused.
    let folder = write(&world, "logs", &[]);
    std::os::unix::fs::symlink("/etc", folder.join("nightly")).expect("a link");
    let page = history(&world, NIGHTLY).await;
    assert_eq!(builds(&page), [17]);
    let note = page["notes"][0].as_str().expect("a note");
    assert!(
        note.contains("could not be asked for runs in file://artifacts/logs/nightly"),
        "{note}"
    );
    let text = world.get(&format!("/job-history/{NIGHTLY}")).await.expect(200).text();
    assert!(text.contains("Runs that only the bucket has are missing"));
}

#[tokio::test]
async fn what_is_no_history_is_refused_with_the_form_that_it_has() {
    let world = World::new().await;
    for (path, status) in [
        ("/job-history/bucket", 400),
        ("/job-history/gs/bucket", 400),
        ("/job-history/file/bucket/logs/nightly?buildId=-738", 400),
        ("/job-history/file/bucket/logs/nightly?buildId=nope", 400),
        ("/job-history/file/bucket/logs/nightly?buildId=0", 400),
        ("/job-history/file/bucket/logs/nightly?date=soon", 400),
        ("/job-history/file/bucket/logs/nightly", 404),
        ("/job-history/file/bucket/logs/..%2F..%2Fsecret", 400),
        ("/job-history-chart/file/bucket/logs/nightly?of=odds", 400),
        ("/pr-history", 400),
        ("/pr-history/", 400),
        ("/pr-history/?org=org&repo=repo&pr=x", 400),
        ("/pr-history/?org=org&repo=repo&pr=0", 400),
        ("/pr-history/?org=org&repo=repo&pr=99", 404),
        ("/compare", 400),
        ("/compare?new=nobody", 404),
    ] {
        let answer = world.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    let text = world.get("/job-history/bucket").await.text();
    assert!(
        text.contains("/job-history/gs/&lt;bucket&gt;/logs/&lt;job&gt;")
            || text.contains("/job-history/gs/")
    );
}

/// A World that knows where runs of pull requests lie.
async fn with_pulls() -> World {
    let legacy = "path_strategy: legacy\n        default_org: org\n        default_repo: repo";
    let prow = PROW.replace("path_strategy: explicit", legacy);
    Setup::default().prow(&prow).start().await
}

/// A presubmit's run of org/repo #7.
fn presubmit(name: &str, job: &str, build: &str, sha: &str, state: &str, minute: u32) -> Value {
    let mut run = with_refs(prow_job(name, job, state), "org", "repo", "alice");
    run["spec"]["refs"]["pulls"][0]["sha"] = json!(sha);
    run["status"]["build_id"] = json!(build);
    run["status"]["startTime"] = json!(format!("2026-11-20T23:{minute:02}:00Z"));
    run
}

const V1: &str = "1111111111111111111111111111111111111111";
const V2: &str = "2222222222222222222222222222222222222222";

#[tokio::test]
async fn a_pull_request_is_jobs_by_commits_from_the_index_and_the_bucket() {
    let world = with_pulls().await;
    world
        .put([
            presubmit("j1-3", "J1", "3", V2, "failure", 30),
            presubmit("j1-4", "J1", "4", V2, "success", 40),
            presubmit("j2-4", "J2", "4", V1, "success", 10),
        ])
        .await;
    let mut batch = presubmit("batch-1", "J1", "9", V2, "success", 50);
    batch["spec"]["type"] = json!("batch");
    world.put([batch]).await;
    // Only the bucket has this one; the default repository's folder names no repository, and what it
    // says of its commit is in the old form.
    let started = json!({"timestamp": START.seconds() - 2_500, "pull": format!("rel/1:b1,7:{V1}")});
    let started = started.to_string();
    let finished = finished(2_400, "ABORTED");
    let files: &[(&str, &str)] = &[("started.json", &started), ("finished.json", &finished)];
    write(&world, "pr-logs/pull/7/J2/5", files);
    write(&world, "pr-logs/pull/7/gone-job/6", &[("started.json", "{}")]);
    write(&world, "pr-logs/pull/7/J1/8", &[("build-log.txt", "x")]);

    let pull = world.get("/api/v1/pr-history?org=org&repo=repo&pr=7").await.expect(200).json();
    let heads: Vec<(&str, u64)> = pull["commits"]
        .as_array()
        .expect("commits")
        .iter()
        .map(|commit| {
            (commit["sha"].as_str().expect("a hash"), commit["most"].as_u64().expect("most"))
        })
        .collect();
    assert_eq!(heads, [(V2, 2), (V1, 2), ("", 1)]);
    let cells = |job: usize| -> Vec<Vec<&str>> {
        let cells = pull["jobs"][job]["cells"].as_array().expect("cells").iter();
        cells
            .map(|cell| {
                let runs = cell.as_array().expect("runs").iter();
                runs.map(|run| run["run"]["build_id"].as_str().expect("a build")).collect()
            })
            .collect()
    };
    let jobs: Vec<&str> = pull["jobs"]
        .as_array()
        .expect("jobs")
        .iter()
        .map(|job| job["job"].as_str().expect("a name"))
        .collect();
    assert_eq!(jobs, ["J1", "J2", "gone-job"]);
    assert_eq!(cells(0), [vec!["4", "3"], vec![], vec![]]);
    assert_eq!(cells(1), [vec![], vec!["5", "4"], vec![]]);
    assert_eq!(cells(2), [vec![], vec![], vec!["6"]]);
    assert_eq!(pull["jobs"][1]["cells"][1][0]["run"]["state"], "aborted");
    assert_eq!(pull["batches"][0]["run"]["build_id"], "9");
    assert_eq!((&pull["author"], &pull["pages"]), (&json!("alice"), &json!(1)));
    let note = pull["notes"][0].as_str().expect("a note");
    assert!(note.contains("pr-logs/pull/7/J1/8"), "{note}");

    for address in ["/pr-history?org=org&repo=repo&pr=7", "/pr-history/?org=org&repo=repo&pr=7"] {
        let page = world.get(address).await.expect(200).text();
        for words in
            ["<h1>org/repo #7</h1>", "2222222", "unknown", "build 3", "gone-job", "In batches"]
        {
            assert!(page.contains(words), "{address}: {words}");
        }
    }
}

#[tokio::test]
async fn a_run_leads_to_those_before_and_after_it_wherever_they_are_known() {
    let world = World::new().await;
    only_stored(&world, "logs/nightly/9", 9_000, "SUCCESS");
    only_stored(&world, "logs/nightly/11", 8_000, "FAILURE");
    write(&world, "logs/nightly/12", &[("build-log.txt", "x")]);
    only_stored(&world, "logs/nightly/13", 7_000, "FAILURE");
    world.store_run("nightly-17", "nightly", "17", "success", &[("build-log.txt", b"x")]).await;
    let page = |build: u64| format!("/view/file/artifacts/logs/nightly/{build}");
    let beside = async |build: u64| {
        let text = world.get(&page(build)).await.expect(200).text();
        let href = |rel: &str| {
            let link = text.split("<a ").find(|link| link.contains(&format!("rel=\"{rel}\"")))?;
            Some(link.split("href=\"").nth(1)?.split('"').next()?.to_owned())
        };
        let compare = text.split("<a ").find(|link| link.contains(">Compare<"));
        let compare = compare.and_then(|link| link.split("href=\"").nth(1)?.split('"').next());
        (href("prev"), href("next"), compare.map(|href| href.replace("&amp;", "&")))
    };
    // The only run of the table, whose neighbours only the bucket has.
    let (older, newer, compare) = beside(17).await;
    assert_eq!((older, newer), (Some(page(13)), None));
    let compared = world.get(&compare.expect("a link")).await.expect(200).text();
    assert!(compared.contains(&page(13)), "{compared}");
    // One that only the bucket knew until now; what is no run is passed over.
    let (older, newer, compare) = beside(13).await;
    assert_eq!((older, newer), (Some(page(11)), Some(page(17))));
    world.get(&compare.expect("a link")).await.expect(200);
    // There is nothing before the first.
    let (older, newer, compare) = beside(9).await;
    assert_eq!((older, newer), (None, Some(page(11))));
    assert_eq!(compare, None);
}

#[tokio::test]
async fn batches_with_a_pull_request_are_found_in_the_bucket_once() {
    let legacy = "path_strategy: legacy\n        default_org: org\n        default_repo: repo";
    let prow = PROW.replace("path_strategy: explicit", legacy);
    let jobs = "\
presubmits:
  org/repo:
  - {name: J1, spec: &spec {containers: [{image: none}]}}
  - {name: J2, spec: *spec}
";
    let world = Setup::default().prow(&prow).jobs(jobs).start().await;
    world.put([presubmit("j1-30", "J1", "30", V1, "success", 30)]).await;
    let batch = |folder: &str, seconds_ago: i64, repos: Value| {
        let started = json!({"timestamp": START.seconds() - seconds_ago, "repos": repos});
        let finished = finished(seconds_ago - 60, "SUCCESS");
        let started = started.to_string();
        let files: &[(&str, &str)] = &[("started.json", &started), ("finished.json", &finished)];
        write(&world, folder, files);
    };
    const BATCHES: &str = "pr-logs/pull/batch";
    let with_it = format!("main:b1,7:{V1},8:{V2}");
    batch(&format!("{BATCHES}/J1/31"), 2_000, json!({"org/repo": &with_it}));
    batch(&format!("{BATCHES}/J1/12"), 9_000, json!({"org/repo": &with_it}));
    // Others, of another repository, of a job that did not test this one, and what is no run.
    batch(&format!("{BATCHES}/J1/32"), 1_900, json!({"org/repo": format!("main:b1,8:{V2}")}));
    batch(&format!("{BATCHES}/J1/33"), 1_800, json!({"org/other": &with_it}));
    batch(&format!("{BATCHES}/J2/34"), 1_700, json!({"org/repo": &with_it}));
    write(&world, &format!("{BATCHES}/J1/35"), &[("build-log.txt", "x")]);
    // Far from the newest run nothing is read.
    for build in 100..140 {
        write(&world, &format!("{BATCHES}/J1/{build}"), &[]);
    }
    batch(&format!("{BATCHES}/J1/140"), 100, json!({"org/repo": &with_it}));

    let address = "/api/v1/pr-history?org=org&repo=repo&pr=7";
    let runs = world.process.web.store.as_ref().expect("a store").runs();
    for _ in 0..2 {
        let pull = world.get(address).await.expect(200).json();
        let batches = pull["batches"].as_array().expect("batches").iter();
        let builds: Vec<&str> =
            batches.map(|row| row["run"]["build_id"].as_str().expect("a build")).collect();
        assert_eq!(builds, ["31", "12"]);
        assert_eq!(pull["notes"], json!([]));
        // The next time the index has them.
        let kept = runs.by_run_dir(&format!("{STORED}/{BATCHES}/J1/31")).await.expect("an answer");
        assert_eq!(kept.expect("a row").pulls.len(), 2);
    }
    let page = world.get("/pr-history/?org=org&repo=repo&pr=7").await.expect(200).text();
    assert!(
        page.contains("In batches")
            && page.contains("/view/file/artifacts/pr-logs/pull/batch/J1/31")
    );
}

#[tokio::test]
async fn gubernators_short_addresses_of_pull_requests_lead_to_the_same_page() {
    let world = with_pulls().await;
    for (old, new) in [
        ("/pr/7", "/pr-history/?org=org&repo=repo&pr=7"),
        ("/pr/test-infra/5", "/pr-history/?org=org&repo=test-infra&pr=5"),
        ("/pr/google/cadvisor/5/", "/pr-history/?org=google&repo=cadvisor&pr=5"),
        ("/pr/batch", "/?type=batch&repo=org/repo&since=1d"),
    ] {
        assert_eq!(world.get(old).await.expect(307).header("location"), new, "{old}");
    }
    world.get("/pr/somebody").await.expect(404);
}

#[tokio::test]
async fn commits_of_a_pull_request_are_paged() {
    let world = World::new().await;
    let runs = (0..30_u32).map(|n| {
        presubmit(
            &format!("run-{n}"),
            "unit",
            &(n + 1).to_string(),
            &format!("{n:040x}"),
            "success",
            n,
        )
    });
    world.put(runs).await;
    let page = async |page: &str| {
        world
            .get(&format!("/api/v1/pr-history?org=org&repo=repo&pr=7{page}"))
            .await
            .expect(200)
            .json()
    };
    let first = page("").await;
    assert_eq!(first["commits"].as_array().expect("commits").len(), 25);
    assert_eq!((&first["pages"], &first["runs"]), (&json!(2), &json!(30)));
    let second = page("&page=2").await;
    assert_eq!(second["commits"].as_array().expect("commits").len(), 5);
    assert_eq!(page("&page=99").await["page"], 2);
}

const OLD_LOG: &[u8] =
    b"I1120 10:00:00.000001 7 a.go:1] begin\nok one (0.01s)\n--- PASS: TestTwo (0.20s)\nend\n";
const NEW_LOG: &[u8] = b"I1121 10:00:00.000002 9 a.go:1] begin\nok one (0.09s)\n--- FAIL: TestTwo (0.30s)\n    expected 3\nend\n";
const OLD_JUNIT: &[u8] = b"<testsuite name='s'><testcase name='TestOne' time='1'/><testcase name='TestTwo' time='1'/></testsuite>";
const NEW_JUNIT: &[u8] = b"<testsuite name='s'><testcase name='TestOne' time='9'/><testcase name='TestTwo' time='1'><failure>no</failure></testcase></testsuite>";

async fn two_runs() -> World {
    let world = World::new().await;
    let old: &[(&str, &[u8])] =
        &[("build-log.txt", OLD_LOG), ("artifacts/junit_01.xml", OLD_JUNIT)];
    let new: &[(&str, &[u8])] =
        &[("build-log.txt", NEW_LOG), ("artifacts/junit_01.xml", NEW_JUNIT)];
    world.store_run("nightly-16", "nightly", "16", "success", old).await;
    world.store_run("nightly-17", "nightly", "17", "failure", new).await;
    // The second is the later one, with another image.
    let spec = json!({"pod_spec": {"containers": [
        {"name": "test", "image": "newer", "command": ["true"], "resources": {}}
    ]}});
    let status = json!({
        "startTime": "2026-11-21T01:00:00Z", "completionTime": "2026-11-21T01:03:00Z",
    });
    world.patch("nightly-17", json!({"spec": spec, "status": status})).await;
    world
}

#[tokio::test]
async fn two_runs_are_compared_in_what_they_were_given_their_tests_and_their_logs() {
    let world = two_runs().await;
    let all =
        world.get("/api/v1/runs/compare?new=nightly-17&old=nightly-16").await.expect(200).json();
    assert_eq!((&all["old"]["build_id"], &all["new"]["build_id"]), (&json!("16"), &json!("17")));
    let image = json!({"name": "containers.test.image", "old": "none", "new": "newer"});
    assert_eq!(all["parameters"], json!([image]));
    assert_eq!(all["tests"]["counts"], json!([1, 0, 0, 1]));
    assert_eq!(all["tests"]["tests"][0]["name"], "s.TestTwo");
    let lines: Vec<(Option<u64>, &str)> = all["log"]["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .filter(|line| line["old"].is_null() || line["new"].is_null())
        .map(|line| (line["new"].as_u64(), line["text"].as_str().expect("a text")))
        .collect();
    assert_eq!(
        lines,
        [
            (None, "--- PASS: TestTwo (0.20s)"),
            (Some(3), "--- FAIL: TestTwo (0.30s)"),
            (Some(4), "    expected 3"),
        ],
        "times are no difference"
    );
    // Without the old one it is the last that passed; two that are chosen are put in order.
    for query in
        ["new=nightly-17", "run=nightly-16&run=nightly-17", "run=nightly-17&run=nightly-16"]
    {
        let same = world.get(&format!("/api/v1/runs/compare?{query}")).await.expect(200).json();
        assert_eq!(same["old"]["id"], "nightly-16", "{query}");
    }
    let page = world.get("/compare?new=nightly-17&old=nightly-16").await.expect(200).text();
    for words in ["Newly failing", "s.TestTwo", "newer", "expected 3", "Compare with"] {
        assert!(page.contains(words), "{words}");
    }
    let run = world.get("/run/nightly-17").await.expect(200).text();
    assert!(run.contains("/compare?new=nightly-17"), "the run's page leads there");
    world.get("/compare?run=nightly-16").await.expect(400);
}

#[tokio::test]
async fn a_comparison_says_what_is_missing_of_a_run_without_files() {
    let world = World::new().await;
    world.put([prow_job("bare-1", "bare", "failure")]).await;
    let mut later = prow_job("bare-2", "bare", "error");
    later["status"]["startTime"] = json!("2026-11-21T02:00:00Z");
    world.put([later]).await;
    let all = world.get("/api/v1/runs/compare?new=bare-2").await.expect(200).json();
    assert_eq!(all["old"]["id"], "bare-1");
    assert!(all.get("tests").is_none() && all.get("log").is_none());
    assert_eq!(all["parameters"], json!([]));
    let page = world.get("/compare?new=bare-2").await.expect(200).text();
    assert!(page.contains("Neither run left results") && page.contains("There are not two logs"));
    let first = world.get("/compare?new=bare-1").await.expect(404).text();
    assert!(first.contains("no run of bare before this one"), "{first}");
}
