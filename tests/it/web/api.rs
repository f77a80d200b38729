//! `/api/v1`: the run list with its filters, logs, files, suggestions, the document.

use serde_json::{Value, json};
use tests::world::{World, prow_job, with_refs};

async fn world() -> World {
    let world = World::new().await;
    let at = |mut job: Value, started: &str| {
        job["status"]["startTime"] = json!(started);
        job
    };
    let mut post = with_refs(prow_job("post", "after-merge", "error"), "org", "other", "bob");
    post["spec"]["type"] = json!("postsubmit");
    post["spec"]["refs"]["pulls"] = json!([]);
    post["spec"]["refs"]["base_ref"] = json!("release");
    post["spec"]["cluster"] = json!("far");
    let mut batch = with_refs(prow_job("batch", "unit", "failure"), "org", "repo", "ann");
    batch["spec"]["type"] = json!("batch");
    batch["spec"]["refs"]["pulls"] = json!([
        {"number": 7, "author": "ann", "sha": "c1"},
        {"number": 8, "author": "bob", "sha": "c2"},
    ]);
    let mut waiting = prow_job("waiting", "nightly-e2e", "scheduling");
    waiting["status"]["build_id"] = json!("");
    let mut extra = prow_job("extra", "nightly", "success");
    extra["spec"]["extra_refs"] = json!([{"org": "extra", "repo": "code", "base_ref": "main"}]);
    world
        .put([
            at(
                with_refs(prow_job("pull", "unit", "success"), "org", "repo", "ann"),
                "2026-11-20T23:00:00Z",
            ),
            at(post, "2026-11-20T21:00:00Z"),
            at(batch, "2026-11-20T12:00:00Z"),
            at(waiting, "2026-11-20T23:59:00Z"),
            at(extra, "2026-11-18T00:00:00Z"),
        ])
        .await;
    world
}

fn ids(page: &Value) -> Vec<&str> {
    page["rows"].as_array().expect("rows").iter().filter_map(|row| row["id"].as_str()).collect()
}

#[tokio::test]
async fn filters_select_and_add_up() {
    let world = world().await;
    for (query, expected) in [
        ("", vec!["waiting", "pull", "post", "batch", "extra"]),
        ("type=presubmit", vec!["pull"]),
        ("type=postsubmit", vec!["post"]),
        ("type=periodic", vec!["waiting", "extra"]),
        ("type=batch", vec!["batch"]),
        ("org=org", vec!["pull", "post", "batch"]),
        ("repo=org/repo", vec!["pull", "batch"]),
        ("repo=extra/code", vec!["extra"]),
        ("author=bob", vec!["batch"]),
        ("pull=7", vec!["pull", "batch"]),
        ("pull=7,8", vec!["batch"]),
        ("base=release", vec!["post"]),
        ("job=unit", vec!["pull", "batch"]),
        ("job=nightly", vec!["extra"]),
        ("job=night*", vec!["waiting", "extra"]),
        ("job=*e2e", vec!["waiting"]),
        ("job=e2e+night", vec!["waiting"]),
        ("job=nobody", vec![]),
        ("state=scheduling", vec!["waiting"]),
        ("state=failure", vec!["batch"]),
        ("state=error", vec!["post"]),
        ("cluster=far", vec!["post"]),
        ("since=3h", vec!["waiting", "pull", "post"]),
        ("since=2026-11-20", vec!["waiting", "pull", "post", "batch"]),
        ("until=2026-11-20T12:00:00Z", vec!["extra"]),
        ("since=13h&until=2h", vec!["post", "batch"]),
        ("org=org&job=unit&author=ann&state=success", vec!["pull"]),
        ("unknown=x", vec!["waiting", "pull", "post", "batch", "extra"]),
    ] {
        let page = world.get(&format!("/api/v1/runs?{query}")).await.expect(200).json();
        assert_eq!(ids(&page), expected, "{query}");
        assert_eq!(page["matching"], expected.len(), "{query}");
        assert_eq!(page["total"], 5, "{query}");
        let counted: u64 =
            page["counts"].as_array().expect("counts").iter().filter_map(Value::as_u64).sum();
        assert_eq!(counted, expected.len() as u64, "{query}");
        // The page of the same address shows the same runs.
        let html = world.get(&format!("/?{query}")).await.expect(200).text();
        for id in ["waiting", "pull", "post", "batch", "extra"] {
            let row = format!("prowjob={id}\"");
            assert_eq!(html.contains(&row), expected.contains(&id), "{id} under {query}");
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap_both_ways() {
    let world = world().await;
    let mut seen = Vec::new();
    let mut next = Some(String::from("limit=2"));
    let mut last = Value::Null;
    while let Some(query) = next {
        let page = world.get(&format!("/api/v1/runs?{query}")).await.expect(200).json();
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        assert_eq!(page["matching"], 5);
        next = page["older"].as_str().map(|older| format!("limit=2&before={older}"));
        last = page;
    }
    assert_eq!(seen, ["waiting", "pull", "post", "batch", "extra"]);
    let newer = last["newer"].as_str().expect("a newer page");
    let page = world.get(&format!("/api/v1/runs?limit=2&after={newer}")).await.json();
    assert_eq!(ids(&page), ["post", "batch"]);
    for nonsense in ["before=%00", "after=x", "limit=0", "limit=-1", "since=yesterday"] {
        world.get(&format!("/api/v1/runs?{nonsense}")).await.expect(200);
    }
}

#[tokio::test]
async fn ranges_of_a_log_are_given_from_both_ends() {
    let world = World::new().await;
    let log: String = (0..2_500).map(|n| format!("line {n}\n")).collect();
    let files: &[(&str, &[u8])] = &[("build-log.txt", log.as_bytes())];
    world.store_run("nightly-1", "nightly", "1", "success", files).await;
    for (query, first, count) in [
        ("line=0&count=3", 0, 3),
        ("line=2499&count=10", 2_499, 1),
        ("line=9999", 2_500, 0),
        ("count=5", 2_495, 5),
        ("", 1_500, 1_000),
        ("line=10&count=0", 10, 0),
    ] {
        let path = format!("/api/v1/runs/nightly-1/log?{query}");
        let lines = world.get(&path).await.expect(200).json();
        assert_eq!(lines["first_line"], first, "{query}");
        let given = lines["lines"].as_array().expect("lines");
        assert_eq!(given.len(), count, "{query}");
        assert_eq!(lines["total_lines"], 2_500);
        assert_eq!(lines["complete"], true);
        if let Some(line) = given.first() {
            assert_eq!(line["s"][0]["t"], format!("line {first}"));
            assert_eq!(line["n"], first + 1);
        }
    }
    for query in ["line=-1", "line=x", "count=99999999999999999999999"] {
        let answer = world.get(&format!("/api/v1/runs/nightly-1/log?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn files_of_a_run_run_nothing_in_a_browser() {
    let world = World::new().await;
    let files: &[(&str, &[u8])] = &[
        ("artifacts/page.html", b"<script>alert(1)</script>"),
        ("artifacts/image.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("artifacts/script.js", b"alert(1)"),
        ("artifacts/data.json", b"{}"),
        ("artifacts/picture.png", b"\x89PNG"),
        ("artifacts/core", b"\x7fELF"),
    ];
    world.store_run("nightly-1", "nightly", "1", "success", files).await;
    for (name, content_type) in [
        ("page.html", "text/plain; charset=utf-8"),
        ("image.svg", "text/plain; charset=utf-8"),
        ("script.js", "text/plain; charset=utf-8"),
        ("data.json", "application/json"),
        ("picture.png", "image/png"),
        ("core", "text/plain; charset=utf-8"),
    ] {
        let path = format!("/api/v1/runs/nightly-1/artifacts/artifacts/{name}");
        let answer = world.get(&path).await.expect(200);
        assert_eq!(answer.header("content-type"), content_type, "{name}");
        assert!(answer.header("content-security-policy").contains("sandbox"), "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_as_json_with_its_status() {
    let world = World::new().await;
    world.put([prow_job("bare", "nightly", "success")]).await;
    for (path, status, words) in [
        ("/api/v1/runs/nobody/log", 404, "no run nobody"),
        ("/api/v1/runs/bare/log", 404, "Log not found"),
        ("/api/v1/runs/nobody/log/stream", 404, "no run nobody"),
    ] {
        let answer = world.get(path).await.expect(status);
        let error = &answer.json()["error"];
        assert_eq!(error["status"], status, "{path}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(words)), "{error}");
    }
}

#[tokio::test]
async fn the_document_describes_every_path_that_is_served() {
    let world = World::new().await;
    let document = world.get("/api/v1/openapi.json").await.expect(200).json();
    let paths = document["paths"].as_object().expect("paths");
    for path in [
        "/api/v1/runs",
        "/api/v1/runs/stream",
        "/api/v1/runs/{id}/log",
        "/api/v1/runs/{id}/log/stream",
        "/api/v1/runs/{id}/artifacts/{path}",
        "/api/v1/suggest",
        "/api/v1/deliveries/{id}/replay",
    ] {
        assert!(paths.contains_key(path), "{path} is not described");
    }
}
