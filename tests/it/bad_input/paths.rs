//! Paths that try to leave the folder that they belong to.

use http::Method;
use tests::world::World;

const SECRET: &str = "the content of a file outside";

#[tokio::test]
async fn no_path_leads_out_of_its_folder() {
    let world = World::new().await;
    let log: &[(&str, &[u8])] = &[("build-log.txt", b"log\n"), ("a.txt", b"inside")];
    world.store_run("nightly-1", "nightly", "1", "success", log).await;
    // One file beside each folder that something is served from.
    let data = world.data_dir();
    for place in ["secret.txt", "buckets/secret.txt", "buckets/artifacts/secret.txt"] {
        std::fs::write(data.join(place), SECRET).expect("a file");
    }
    std::fs::write(world.config_file("secret.txt"), SECRET).expect("a file");
    std::fs::write(world.config_file("site/secret.txt"), SECRET).expect("a file");
    // A link file in a bucket is content that a job wrote.
    let link = world.data_dir().join("buckets/artifacts/logs/nightly/2.txt");
    std::fs::write(link, "file://artifacts/../../secret.txt").expect("a file");
    let up = ["..", "%2e%2e", ".%2e", "%2E%2E", "..%2f..", "%2e%2e%2f%2e%2e", "..%5c.."];
    let mut paths: Vec<String> = vec![
        "/view/file/artifacts/logs/nightly/2".to_owned(),
        "/view/file/..".to_owned(),
        "/log?job=../..&id=..".to_owned(),
        "/log?job=nightly/../..&id=1".to_owned(),
        "/prowjob?prowjob=../../secret.txt".to_owned(),
        "/rerun?prowjob=../../secret.txt".to_owned(),
        "/deliveries/..".to_owned(),
    ];
    for up in up {
        for prefix in [
            "/",
            "/pkg/",
            "/pkg/x/",
            "/run/",
            "/view/",
            "/view/file/",
            "/view/file/artifacts/",
            "/view/file/artifacts/logs/nightly/1/",
            "/view/prowjob/",
            "/configured-jobs/",
            "/configured-jobs/org/",
            "/api/v1/runs/nightly-1/artifacts/",
            "/api/v1/runs/nightly-1/artifacts/x/",
            "/api/v1/runs/",
        ] {
            for depth in 1..=4 {
                let climb = vec![up; depth].join("/");
                paths.push(format!("{prefix}{climb}/secret.txt"));
                paths.push(format!("{prefix}{climb}/secret.txt/log"));
            }
        }
    }
    for path in &paths {
        let answer = world.ask_as("127.0.0.1:1000", Method::GET, path, &[]).await;
        assert!(!answer.text().contains(SECRET), "{path} leads outside");
        assert!(answer.status < 500, "{path}: {}", answer.status);
        let climbs = path.contains("artifacts/") || path.contains("/pkg/");
        assert!(!climbs || answer.status >= 300, "{path}: {}", answer.status);
    }
    let log = world.get("/log?job=nightly&id=1&container=../../secret.txt").await;
    assert!(!log.text().contains(SECRET));
    let fine = world.get("/api/v1/runs/nightly-1/artifacts/a.txt").await.expect(200);
    assert_eq!(fine.text(), "inside");
    for (action, path) in [
        ("rerun", "/rerun?prowjob=../../secret.txt"),
        ("abort", "/abort?prowjob=%2e%2e"),
        ("replay", "/api/v1/deliveries/../replay"),
    ] {
        let answer = world.ask_as("127.0.0.1:1000", Method::POST, path, &[]).await;
        assert!((400..500).contains(&answer.status), "{action}: {}", answer.status);
    }
}

#[tokio::test]
async fn a_wrong_path_is_explained() {
    let world = World::new().await;
    let log: &[(&str, &[u8])] = &[("build-log.txt", b"log\n")];
    world.store_run("nightly-1", "nightly", "1", "success", log).await;
    for (path, status, words) in [
        ("/api/v1/runs/nightly-1/artifacts/..%2f..%2fsecret", 400, "no path of a file"),
        ("/api/v1/runs/nightly-1/artifacts/none.txt", 404, "no file none.txt"),
        ("/view/file/artifacts/a/../b", 404, "Nothing here"),
        ("/view/ftp/artifacts/a/b", 400, "one of gs, gcs, s3, file"),
        ("/view/file/artifacts/none/1", 404, "There is no run in"),
        ("/run/nobody", 404, "There is no run nobody"),
    ] {
        let answer = world.ask_as("127.0.0.1:1000", Method::GET, path, &[]).await;
        assert_eq!(answer.status, status, "{path}");
        let text = answer.text();
        let said = text.split_once("<main").map_or(text.as_str(), |(_, main)| main);
        assert!(said.contains(words), "{path}: {said}");
    }
}
