//! Buckets as gcsweb and Gubernator addressed them.

use tests::world::{Setup, World};

async fn world() -> World {
    let world = World::new().await;
    let files: &[(&str, &[u8])] = &[
        ("build-log.txt", b"0123456789"),
        ("finished.json", b"{}"),
        ("artifacts/report.html", b"<script>alert(1)</script>"),
    ];
    world.store_run("nightly-1", "nightly", "17", "success", files).await;
    world
}

const RUN: &str = "/file/artifacts/logs/nightly/17";

#[tokio::test]
async fn a_folder_is_a_page_and_a_file_its_bytes() {
    let world = world().await;
    let page = world.get(&format!("{RUN}/")).await.expect(200).text();
    for words in ["build-log.txt", "artifacts/", "/view/file/artifacts/logs/nightly/17", "../"] {
        assert!(page.contains(words), "{words}");
    }
    let found = world.get(&format!("{RUN}/?q=build")).await.expect(200).text();
    assert!(found.contains("build-log.txt") && found.contains("2 entries left out"));
    let file = world.get(&format!("{RUN}/build-log.txt")).await.expect(200);
    assert_eq!(file.body, b"0123456789".as_slice());
    // A folder without its slash is led to it, and what is not there is told.
    let moved = world.get(RUN).await.expect(308);
    assert_eq!(moved.header("location"), format!("{RUN}/"));
    world.get(&format!("{RUN}/nothing.txt")).await.expect(404);
    world.get(&format!("{RUN}/nothing/")).await.expect(404);
    world.get("/file/other-bucket/").await.expect(404);
    // Markup of strangers is text.
    let html = world.get(&format!("{RUN}/artifacts/report.html")).await.expect(200);
    assert!(html.header("content-type").starts_with("text/plain"));
    assert!(html.header("content-security-policy").contains("sandbox"));
}

#[tokio::test]
async fn a_file_has_ranges_a_tag_and_a_head() {
    let world = world().await;
    let address = format!("{RUN}/build-log.txt");
    let ask = |name: &'static str, value: String| {
        let request = world.request(http::Method::GET, &address).header(name, value);
        world.ask(request)
    };
    let part = ask("range", "bytes=2-4".to_owned()).await.expect(206);
    assert_eq!(
        (part.body.as_ref(), part.header("content-range")),
        (b"234".as_slice(), "bytes 2-4/10")
    );
    let tail = ask("range", "bytes=-3".to_owned()).await.expect(206);
    assert_eq!(tail.body, b"789".as_slice());
    let beyond = ask("range", "bytes=10-".to_owned()).await.expect(416);
    assert_eq!(beyond.header("content-range"), "bytes */10");
    let whole = world.get(&address).await.expect(200);
    let tag = whole.header("etag").to_owned();
    assert!(!tag.is_empty() && !whole.header("last-modified").is_empty());
    ask("if-none-match", tag).await.expect(304);
    let head = world.ask(world.request(http::Method::HEAD, &address)).await.expect(200);
    assert_eq!(head.header("content-length"), "10");
    assert!(head.body.is_empty());
    let saved = world.get(&format!("{address}?download")).await.expect(200);
    assert_eq!(saved.header("content-disposition"), "attachment; filename=\"build-log.txt\"");
}

#[tokio::test]
async fn what_is_hidden_is_hidden_in_every_path() {
    let jobs = "\
periodics:
- name: secret
  interval: 1h
  hidden: true
  spec: {containers: [{image: i}]}
";
    let prow = "deck: {hidden_repos: [dark/side]}";
    let world = Setup::default().prow(prow).jobs(jobs).start().await;
    let files: &[(&str, &[u8])] = &[("build-log.txt", b"x")];
    world.store_run("secret-1", "secret", "1", "success", files).await;
    world.store_run("open-1", "open", "1", "success", files).await;
    world.get("/file/artifacts/logs/secret/1/").await.expect(404);
    world.get("/file/artifacts/logs/secret/1/build-log.txt").await.expect(404);
    world.get("/file/artifacts/pr-logs/pull/dark_side/7/").await.expect(404);
    // Nor does the folder above tell its name.
    let page = world.get("/file/artifacts/logs/").await.expect(200).text();
    assert!(page.contains("open/") && !page.contains("secret"));
}

#[tokio::test]
async fn gubernators_addresses_lead_to_what_shows_the_same() {
    let world = world().await;
    for (old, new) in [
        ("/build/kubernetes-ci-logs/logs/ci-x/17/", "/view/gs/kubernetes-ci-logs/logs/ci-x/17"),
        (
            "/build/kubernetes-ci-logs/logs/ci-x/17?log",
            "/view/gs/kubernetes-ci-logs/logs/ci-x/17?tab=log",
        ),
        ("/builds/kubernetes-ci-logs/logs/ci-x", "/job-history/gs/kubernetes-ci-logs/logs/ci-x"),
        ("/jobs/kubernetes-ci-logs/logs", "/gcs/kubernetes-ci-logs/logs/"),
        ("/pr/google/cadvisor/296", "/pr-history/?org=google&repo=cadvisor&pr=296"),
    ] {
        let answer = world.get(old).await.expect(307);
        assert_eq!(answer.header("location"), new, "{old}");
    }
    world.get("/pr/somebody").await.expect(404);
}
