//! Coverage: from the profile of a run to its pages.

use http::Method;
use server::components::coverage_reader::{MAX_PROFILE_BYTES, sync_once};
use tests::world::{Setup, World, prow_job, with_refs};

const OLD: &str = "mode: count\n\
    github.com/org/repo/pkg/api/a.go:1.1,3.2 3 1\n\
    github.com/org/repo/pkg/api/a.go:5.1,6.2 1 0\n\
    github.com/org/repo/pkg/apis/b.go:1.1,2.2 2 0\n\
    github.com/org/repo/main.go:1.1,2.2 1 1\n";
const NEW: &str = "mode: count\n\
    github.com/org/repo/pkg/api/a.go:1.1,3.2 3 41\n\
    github.com/org/repo/pkg/api/a.go:5.1,6.2 1 7\n\
    github.com/org/repo/pkg/apis/b.go:1.1,2.2 2 0\n\
    github.com/org/repo/main.go:1.1,2.2 1 0\n";
const PROFILE: &str = "artifacts/cover.out";

/// Two runs of `unit` with a profile each, the newer with the source of a file, and one without.
async fn world() -> World {
    let world = Setup::default().start().await;
    let source = b"package api\n\nfunc a() {}\n\nif x {\n}\n";
    let file = "artifacts/github.com/org/repo/pkg/api/a.go";
    world.store_run("run-1", "unit", "1", "success", &[(PROFILE, OLD.as_bytes())]).await;
    let files: [(&str, &[u8]); 2] = [(PROFILE, NEW.as_bytes()), (file, source)];
    world.store_run("run-2", "unit", "2", "failure", &files).await;
    world.store_run("run-3", "other", "1", "success", &[("artifacts/a.txt", b"a")]).await;
    read(&world).await;
    world
}

async fn read(world: &World) {
    sync_once(&world.process.deps.coverage_reader).await.expect("a pass");
}

async fn ids(world: &World) -> Vec<i64> {
    let heatmap = world.get("/api/v1/coverage/unit?by=runs").await.expect(200).json();
    let columns = heatmap["columns"].as_array().expect("columns");
    columns.iter().map(|column| column["id"].as_i64().expect("a number")).collect()
}

#[tokio::test]
async fn the_newest_profile_of_each_job_is_listed_and_read_once() {
    let world = world().await;
    let index = world.get("/api/v1/coverage").await.expect(200).json();
    let series = index["series"].as_array().expect("series");
    assert_eq!(series.len(), 1, "{index}");
    let newest = &series[0]["newest"];
    assert_eq!((&series[0]["job"], &newest["build"]), (&"unit".into(), &"2".into()));
    assert_eq!(newest["share"]["percent"], "57.1");
    assert_eq!(newest["share"]["change"], 0, "4 of 7 statements ran before, too");
    let page = world.get("/coverage").await.expect(200).text();
    assert!(page.contains("href=\"/coverage/unit\""), "{page}");
    // A run that was looked through is not looked through again.
    let path = world.stored_file("other", "1", PROFILE);
    std::fs::write(path, NEW).expect("a file");
    read(&world).await;
    let index = world.get("/api/v1/coverage").await.expect(200).json();
    assert_eq!(index["series"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_heatmap_begins_where_the_files_part_and_descends() {
    let world = world().await;
    let map = world.get("/api/v1/coverage/unit?by=runs&threshold=60").await.expect(200).json();
    assert_eq!(map["directory"], "github.com/org/repo/");
    let rows: Vec<_> = map["rows"].as_array().expect("rows").iter().collect();
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["pkg/", "main.go"]);
    let cell = &rows[0]["cells"][0];
    assert_eq!((&cell["percent"], &cell["change"]), (&"66.7".into(), &1.into()));
    assert_eq!(
        (&rows[1]["cells"][0]["change"], &rows[1]["cells"][0]["below"]),
        (&(-1).into(), &true.into())
    );
    assert_eq!(rows[1]["cells"][1]["change"], 0, "the last column has nothing to its right");
    let below = rows[0]["href"].as_str().expect("a link");
    let page = world.get(below).await.expect(200).text();
    assert!(page.contains(">api/</a>") && page.contains(">apis/</a>"), "{page}");
    assert!(page.contains("▲ 100.0"), "{page}");
    for name in ["trend_src", "tree_src"] {
        let drawing = world.get(map[name].as_str().expect("an address")).await.expect(200);
        assert_eq!(drawing.header("content-type"), "image/svg+xml");
        assert!(drawing.text().starts_with("<svg"));
    }
    world.get("/coverage/unit?threshold=high").await.expect(400);
    world.get("/coverage/nobody").await.expect(404);
    world.get("/coverage/unit?path=artifacts/other.out").await.expect(404);
}

#[tokio::test]
async fn a_file_shows_how_often_each_line_ran_with_its_source_where_that_is_kept() {
    let world = world().await;
    let ids = ids(&world).await;
    let name = "name=github.com/org/repo/pkg/api/a.go";
    let address = |id: i64| format!("/api/v1/coverage/unit/file?profile={id}&{name}");
    let file = world.get(&address(ids[0])).await.expect(200).json();
    let third = &file["lines"][2];
    assert_eq!((&third["text"], &third["count"]), (&"func a() {}".into(), &41.into()));
    assert_eq!((&third["state"], &file["lines"][3]["state"]), (&"ran".into(), &"none".into()));
    let file = world.get(&address(ids[1])).await.expect(200).json();
    let last = &file["lines"][1];
    assert_eq!(
        (&last["first"], &last["last"], &last["state"]),
        (&5.into(), &6.into(), &"missed".into())
    );
    let page = world.get(&format!("/coverage/unit/file?profile={}&{name}", ids[0])).await;
    assert!(page.expect(200).text().contains("func a() {}"));
    world.get(&format!("/coverage/unit/file?profile={}&name=nothing.go", ids[0])).await.expect(404);
    world.get("/coverage/unit/file?profile=x&name=a").await.expect(400);
    let other = format!("/coverage/other/file?profile={}&{name}", ids[0]);
    world.get(&other).await.expect(404);
}

#[tokio::test]
async fn two_runs_are_compared_on_a_page_and_as_the_robot_writes_it() {
    let world = world().await;
    let ids = ids(&world).await;
    let query = format!("new={}&old={}&threshold=50", ids[0], ids[1]);
    let found = world.get(&format!("/api/v1/coverage/unit/compare?{query}")).await.expect(200);
    let found = found.json();
    let changes = found["changes"].as_array().expect("changes");
    let names: Vec<_> = changes.iter().map(|change| &change["delta"]).collect();
    assert_eq!(names, ["-100.0", "25.0"]);
    assert_eq!(found["is_low"], true);
    let document = world.get(found["document_href"].as_str().expect("an address")).await;
    let document = document.expect(200).text();
    assert!(document.starts_with("isCoverageLow = true\nPost content:\n"), "{document}");
    assert!(document.contains("github.com/org/repo/main.go | 100.0% | 0.0% | -100.0\n"));
    let page = world.get(&format!("/coverage/unit/compare?{query}")).await.expect(200).text();
    assert!(page.contains("main.go"), "{page}");
    let profile = world.get(&format!("/api/v1/coverage/unit/profile?profile={}", ids[0])).await;
    let mut lines: Vec<_> = NEW.lines().collect();
    lines[1..].sort_unstable();
    assert_eq!(profile.expect(200).text().trim_end(), lines.join("\n"));
}

#[tokio::test]
async fn a_profile_that_is_broken_or_none_says_so_or_is_passed_over() {
    let world = Setup::default().start().await;
    let broken = "mode: set\na/b.go:1.1,2.2 1 1\nthis is no block\n";
    let files: [(&str, &[u8]); 3] = [
        ("artifacts/a/profile.out", b"\x1f\x8b a profile of another kind \0\0"),
        ("artifacts/b/coverage.xml", b"<html>"),
        ("artifacts/filtered.cov", broken.as_bytes()),
    ];
    world.store_run("run-1", "unit", "1", "success", &files).await;
    read(&world).await;
    let index = world.get("/api/v1/coverage").await.expect(200).json();
    assert_eq!(index["series"].as_array().map(Vec::len), Some(1), "{index}");
    assert_eq!(index["series"][0]["path"], "artifacts/filtered.cov");
    let problem = index["series"][0]["newest"]["problem"].as_str().expect("a sentence");
    assert!(problem.contains("line 3"), "{problem}");
    let page = world.get("/coverage/unit").await.expect(200).text();
    assert!(page.contains("line 3"), "{page}");
}

#[tokio::test]
async fn a_profile_beyond_its_bound_is_not_read_and_says_so() {
    let world = Setup::default().start().await;
    let path = world.stored_file("unit", "1", PROFILE);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let file = std::fs::File::create(path).expect("a file");
    file.set_len(MAX_PROFILE_BYTES + 1).expect("a long file");
    world.store_run("run-1", "unit", "1", "success", &[("artifacts/a.txt", b"a")]).await;
    read(&world).await;
    let index = world.get("/api/v1/coverage").await.expect(200).json();
    let problem = index["series"][0]["newest"]["problem"].as_str().expect("a sentence");
    assert!(problem.contains("more than 134217728 bytes"), "{problem}");
    let page = world.get("/coverage/unit").await.expect(200).text();
    assert!(page.contains("Nothing here was measured"), "{page}");
}

#[tokio::test]
async fn a_profile_is_compared_with_that_of_another_job() {
    let world = world().await;
    world.store_run("run-9", "main", "9", "success", &[(PROFILE, OLD.as_bytes())]).await;
    read(&world).await;
    let other = world.get("/api/v1/coverage/main").await.expect(200).json();
    let query = format!("new={}&old={}", ids(&world).await[0], other["columns"][0]["id"]);
    let page = world.get(&format!("/coverage/unit/compare?{query}")).await.expect(200).text();
    assert!(page.contains("main.go"), "{page}");
    let table = world.get(&format!("/api/v1/coverage/unit/table?{query}")).await.expect(200);
    assert!(table.text().contains("main.go | 100.0% | 0.0%"));
}

#[tokio::test]
async fn coverage_of_hidden_repositories_stays_hidden() {
    let world = Setup::default().prow("deck: {hidden_repos: [org/secret]}\n").start().await;
    world.store_run("run-1", "unit", "1", "success", &[(PROFILE, OLD.as_bytes())]).await;
    let path = world.stored_file("secret", "7", PROFILE);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, NEW).expect("a file");
    let mut hidden = prow_job("run-7", "secret", "success");
    hidden["spec"]["extra_refs"] = serde_json::json!([{"org": "org", "repo": "secret"}]);
    hidden["status"]["build_id"] = "7".into();
    hidden["spec"]["decoration_config"] = serde_json::json!({
        "gcs_configuration": {"bucket": tests::world::STORED, "path_strategy": "explicit"},
    });
    world
        .put([hidden, with_refs(prow_job("run-8", "unit", "success"), "org", "open", "ann")])
        .await;
    read(&world).await;
    let stored = world.process.web.coverage.as_ref().expect("coverage").series(None).await;
    let jobs: Vec<_> = stored.expect("series").into_iter().map(|one| one.job).collect();
    assert_eq!(jobs, ["secret", "unit"]);
    let index = world.get("/api/v1/coverage").await.expect(200).text();
    assert!(index.contains("unit") && !index.contains("secret"), "{index}");
    for path in [
        "/coverage/secret",
        "/coverage/secret/trend.svg",
        "/coverage/secret/file?profile=1&name=github.com/org/repo/main.go",
        "/coverage/secret/compare?new=1&old=1",
        "/api/v1/coverage/secret",
        "/api/v1/coverage/secret/profile?profile=1",
        "/api/v1/coverage/unit/profile?profile=99",
    ] {
        let answer = world.ask(world.request(Method::GET, path)).await;
        // The number may be that of the public profile, under the wrong job.
        answer.expect(404);
    }
}
