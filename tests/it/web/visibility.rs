//! Hidden and tenant rules over everything that shows runs, jobs or repositories.

use http::Method;
use serde_json::json;
use server::web::state::Settings;
use tests::world::{STORED, Setup, World, prow_job, sign, with_refs};

const PROW: &str = "deck: {hidden_repos: [org/secret, umbra]}\n";

/// Each kind of job, configured and run: public, hidden by itself, by its repository, by its org,
/// by an extra repository, and a tenant's, hidden and not.
const JOBS: &str = r#"
presubmits:
  org/open:
  - {name: job-public, spec: &spec {containers: [{image: none, command: ["true"]}]}}
  - {name: job-hidden-itself, hidden: true, spec: *spec}
  org/secret:
  - {name: job-hidden-repo, spec: *spec}
  umbra/any:
  - {name: job-hidden-org, spec: *spec}
  acme/app:
  - {name: job-acme, prowjob_defaults: {tenant_id: acme}, spec: *spec}
  - {name: job-acme-hidden, hidden: true, prowjob_defaults: {tenant_id: acme}, spec: *spec}
periodics:
- name: job-hidden-extra
  interval: 24h
  extra_refs: [{org: org, repo: secret, base_ref: main}]
  spec: *spec
"#;

const PLUGINS: &str = "plugins:
  org/open: {plugins: [trigger]}
  org/secret: {plugins: [trigger]}
  umbra: {plugins: [trigger]}
";

/// The kinds, and whether each is shown normally, with --show-hidden, with --hidden-only, and with
/// --tenant-id=acme.
const KINDS: [(&str, [bool; 4]); 7] = [
    ("job-public", [true, true, false, false]),
    ("job-hidden-itself", [false, true, true, false]),
    ("job-hidden-repo", [false, true, true, false]),
    ("job-hidden-org", [false, true, true, false]),
    ("job-hidden-extra", [false, true, true, false]),
    ("job-acme", [false, false, false, true]),
    ("job-acme-hidden", [false, true, true, true]),
];

async fn world(viewer: usize) -> World {
    let settings = |settings: &mut Settings| match viewer {
        1 => settings.show_hidden = true,
        2 => settings.hidden_only = true,
        3 => settings.tenants = vec!["acme".to_owned()],
        _ => {}
    };
    let setup = Setup::default().prow(PROW).jobs(JOBS).plugins(PLUGINS).settings(settings);
    let world = setup.start().await;
    let mut runs = vec![
        with_refs(run("job-public"), "org", "open", "ann"),
        with_refs(run("job-hidden-itself"), "org", "open", "ann"),
        with_refs(run("job-hidden-repo"), "org", "secret", "ann"),
        with_refs(run("job-hidden-org"), "umbra", "any", "ann"),
        run("job-hidden-extra"),
        with_refs(run("job-acme"), "acme", "app", "ann"),
        with_refs(run("job-acme-hidden"), "acme", "app", "ann"),
    ];
    runs[1]["spec"]["hidden"] = json!(true);
    runs[4]["spec"]["extra_refs"] = json!([{"org": "org", "repo": "secret", "base_ref": "main"}]);
    runs[5]["spec"]["prowjob_defaults"] = json!({"tenant_id": "acme"});
    runs[6]["spec"]["prowjob_defaults"] = json!({"tenant_id": "acme"});
    runs[6]["spec"]["hidden"] = json!(true);
    world.put(runs).await;
    world
}

/// A failed run named after its job, whose build id is its job's name too.
fn run(job: &str) -> serde_json::Value {
    let mut run = prow_job(&format!("run-of-{job}"), job, "failure");
    run["status"]["build_id"] = json!(format!("build-{job}"));
    run["spec"]["decoration_config"] = json!({
        "gcs_configuration": {"bucket": STORED, "path_strategy": "explicit"},
    });
    run
}

/// Whether a text names a job and not only a longer one that begins like it.
fn names(text: &str, job: &str) -> bool {
    text.match_indices(job).any(|(at, _)| {
        let after = text[at + job.len()..].chars().next();
        after != Some('-')
    })
}

#[tokio::test]
async fn every_list_shows_exactly_what_decks_rules_show() {
    for viewer in 0..4 {
        let world = world(viewer).await;
        for path in [
            "/",
            "/?job=job-*",
            "/prowjobs.js",
            "/prowjobs.js?var=x&omit=labels",
            "/data.js",
            "/api/v1/runs",
            "/api/v1/runs?state=failure",
            "/api/v1/suggest?q=job",
            "/configured-jobs?q=job-*",
        ] {
            let text = world.get(path).await.expect(200).text();
            for (job, shown) in KINDS {
                assert_eq!(
                    names(&text, job),
                    shown[viewer],
                    "{job} in {path} for {viewer}: {text}"
                );
            }
        }
        for (job, shown) in KINDS {
            let badge = world.get(&format!("/badge.svg?jobs={job}")).await.expect(200).text();
            let text = if shown[viewer] { "failing" } else { "no results" };
            assert!(badge.contains(text), "{job} for {viewer}: {badge}");
        }
        // Selections of programs go through another path than the whole list.
        let selected = world.get("/prowjobs.js?org=org").await.expect(200).text();
        for (job, shown) in &KINDS[..3] {
            assert_eq!(names(&selected, job), shown[viewer], "{job} for {viewer}");
        }
    }
}

#[tokio::test]
async fn every_address_of_one_run_follows_the_same_rules() {
    for viewer in 0..4 {
        let world = world(viewer).await;
        for (job, shown) in KINDS {
            let name = format!("run-of-{job}");
            let folder = if job == "job-hidden-extra" {
                let folder = format!("logs/{job}/build-{job}");
                std::fs::create_dir_all(world.stored_file(job, &format!("build-{job}"), ""))
                    .expect("a folder");
                let log = world.stored_file(job, &format!("build-{job}"), "build-log.txt");
                std::fs::write(log, "a secret line\n").expect("a file");
                Some(folder)
            } else {
                None
            };
            let status = |shown: bool| if shown { 200 } else { 404 };
            for path in [
                format!("/run/{name}"),
                format!("/view/prowjob/{job}/build-{job}"),
                format!("/prowjob?prowjob={name}"),
                format!("/rerun?prowjob={name}"),
                format!("/rerun?prowjob={name}&mode=latest"),
                format!("/api/v1/runs/{name}/pins"),
            ] {
                let answer = world.get(&path).await;
                assert_eq!(answer.status, status(shown[viewer]), "{path} for {viewer}");
                if !shown[viewer] {
                    let told = answer.text().replace(&path, "");
                    assert!(!told.contains("secret") && !told.contains("umbra"), "{path}: {told}");
                }
            }
            if let Some(folder) = folder {
                for path in [
                    format!("/log?job={job}&id=build-{job}"),
                    format!("/api/v1/runs/{name}/log"),
                    format!("/api/v1/runs/{name}/artifacts/build-log.txt"),
                    format!("/view/file/artifacts/{folder}"),
                ] {
                    let answer = world.get(&path).await;
                    assert_eq!(answer.status, status(shown[viewer]), "{path} for {viewer}");
                    assert_eq!(answer.text().contains("a secret line"), shown[viewer], "{path}");
                }
                if !shown[viewer] {
                    for path in ["stream", "folds", "search"] {
                        let path = format!("/api/v1/runs/{name}/log/{path}");
                        world.get(&path).await.expect(404);
                    }
                }
            }
            for path in [format!("/rerun?prowjob={name}"), format!("/abort?prowjob={name}")] {
                let answer = world.post(&path).await;
                assert_eq!(answer.status == 404, !shown[viewer], "{path}: {}", answer.text());
            }
            if !shown[viewer] {
                world.post(&format!("/api/v1/runs/{name}/pins/1/remove")).await.expect(404);
            }
        }
    }
}

#[tokio::test]
async fn hidden_repositories_are_named_nowhere_where_they_are_hidden() {
    let world = world(0).await;
    for (guid, repo) in
        [("guid-open", "org/open"), ("guid-secret", "org/secret"), ("guid-umbra", "umbra/any")]
    {
        let body = format!(r#"{{"repository":{{"full_name":"{repo}"}},"ref":"x"}}"#);
        world.deliver(&sign("push", guid, body)).await.expect(200);
    }
    for path in [
        "/",
        "/config",
        "/plugin-config",
        "/plugin-help",
        "/plugin-help.js",
        "/job-history/file/bucket/logs/job",
        "/configured-jobs",
        "/configured-jobs/org",
        "/api/v1/suggest?q=se",
        "/api/v1/suggest?q=da",
        "/api/v1/suggest?q=o",
        "/deliveries",
        "/deliveries/2",
        "/deliveries/3",
        "/status",
    ] {
        let text = world.get(path).await.text();
        for hidden in
            ["org/secret", "umbra/any", "umbra:", "job-hidden", "guid-secret", "guid-umbra"]
        {
            assert!(!text.contains(hidden), "{path} tells of {hidden}: {text}");
        }
    }
    // Who names a repository sees that name again and nothing else of it.
    for path in ["/configured-jobs/org/secret", "/configured-jobs/umbra/any"] {
        assert!(!world.get(path).await.text().contains("job-hidden"), "{path}");
    }
    assert!(world.get("/deliveries").await.text().contains("guid-open"));
    assert_eq!(world.get("/deliveries/1").await.status, 200);
    for id in [2, 3] {
        assert_eq!(world.get(&format!("/deliveries/{id}")).await.status, 404);
        let replay = format!("/api/v1/deliveries/{id}/replay");
        assert_eq!(world.post(&replay).await.status, 404);
    }
}

#[tokio::test]
async fn webhooks_are_shown_to_those_who_see_the_jobs_of_their_repository() {
    // A repository, and whether its deliveries are shown normally, with --show-hidden, with
    // --hidden-only, and with --tenant-id=acme.
    let table = [
        ("org/open", [true, true, false, false]),
        ("org/secret", [false, true, true, false]),
        ("umbra/any", [false, true, true, false]),
        ("acme/app", [false, false, false, true]),
        ("org/without-jobs", [true, true, false, false]),
    ];
    for viewer in 0..4 {
        let world = world(viewer).await;
        for (repo, _) in table {
            let body = format!(r#"{{"repository":{{"full_name":"{repo}"}}}}"#);
            world.deliver(&sign("push", &format!("guid of {repo}"), body)).await.expect(200);
        }
        let list = world.get("/deliveries").await.expect(200).text();
        for (nth, (repo, shown)) in table.iter().enumerate() {
            let shown = shown[viewer];
            assert_eq!(list.contains(&format!("guid of {repo}")), shown, "{repo} for {viewer}");
            let page = world.get(&format!("/deliveries/{}", nth + 1)).await;
            assert_eq!(page.status, if shown { 200 } else { 404 }, "{repo} for {viewer}");
        }
    }
}

#[tokio::test]
async fn a_stream_tells_only_of_what_is_shown() {
    let setup = Setup::default().prow(PROW).real_time();
    let world = setup.start().await;
    let mut events = world.events("/api/v1/runs/stream", None).await;
    assert_eq!(events.next().await.map(|event| event.name), Some("hello".to_owned()));
    world
        .put([
            with_refs(prow_job("hidden-1", "unit", "failure"), "org", "secret", "ann"),
            with_refs(prow_job("shown-1", "unit", "failure"), "org", "open", "ann"),
            with_refs(prow_job("hidden-2", "unit", "failure"), "umbra", "any", "ann"),
            with_refs(prow_job("shown-2", "unit", "failure"), "org", "open", "ann"),
        ])
        .await;
    let mut seen = Vec::new();
    while seen.last().is_none_or(|id| id != "shown-2") {
        let event = events.next().await.expect("an event");
        assert_eq!(event.name, "run", "{event:?}");
        assert!(!event.data.contains("hidden"), "{event:?}");
        seen.push(event.json()["id"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(seen, ["shown-1", "shown-2"]);
}

#[tokio::test]
async fn a_repository_that_is_hidden_later_leaves_every_list() {
    let world =
        Setup::default().real_time().prow("deck: {hidden_repos: []}\n").running().start().await;
    world.put([with_refs(prow_job("now-secret", "unit", "success"), "org", "secret", "ann")]).await;
    let paths = ["/prowjobs.js", "/data.js", "/api/v1/runs", "/", "/badge.svg?jobs=unit"];
    for path in paths {
        let text = world.get(path).await.expect(200).text();
        assert!(text.contains("now-secret") || text.contains("passing"), "{path}: {text}");
    }
    let mut changes = world.process.web.config.subscribe();
    world.write_config("config.yaml", PROW);
    changes.changed().await.expect("a new configuration");
    for path in paths {
        let text = world.get(path).await.expect(200).text();
        assert!(!text.contains("now-secret") && !text.contains("passing"), "{path}: {text}");
    }
}

#[tokio::test]
async fn what_is_hidden_is_hidden_from_a_person_at_this_machine_too() {
    let world = world(0).await;
    let from = [("host", "localhost")];
    let path = "/prowjob?prowjob=run-of-job-hidden-repo";
    world.ask_as("127.0.0.1:1", Method::GET, path, &from).await.expect(404);
}
