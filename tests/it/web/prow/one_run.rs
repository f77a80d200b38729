//! `/prowjob` and `/log`: one run for programs.

use serde_json::json;
use tests::world::{World, prow_job};

#[tokio::test]
async fn prowjob_is_yaml_that_kubectl_reads_back() {
    let world = World::new().await;
    let mut job = prow_job("nightly-1", "nightly", "success");
    job["status"]["description"] = json!("yes: \"no\"\n- it is text");
    job["metadata"]["labels"]["number-like"] = json!("0123");
    world.put([job.clone()]).await;
    let answer = world.get("/prowjob?prowjob=nightly-1").await.expect(200);
    assert!(answer.header("content-type").starts_with("text/plain"));
    assert_eq!(answer.header("cache-control"), "no-store, must-revalidate");
    let read: serde_json::Value = serde_saphyr::from_str(&answer.text()).expect("YAML");
    assert_eq!(read["status"]["description"], job["status"]["description"]);
    assert_eq!(read["metadata"]["labels"], job["metadata"]["labels"]);
    assert_eq!(read["spec"], job["spec"]);
}

#[tokio::test]
async fn what_is_missing_is_said_with_prows_status_codes() {
    let world = World::new().await;
    world.put([prow_job("bare", "nightly", "success")]).await;
    for (path, status, words) in [
        ("/prowjob", 400, "`prowjob`"),
        ("/prowjob?prowjob=", 400, "`prowjob`"),
        ("/prowjob?prowjob=nobody", 404, "nobody"),
        ("/log", 400, "'job'"),
        ("/log?job=nightly", 400, "'id'"),
        ("/log?id=1", 400, "'job'"),
        ("/log?job=nightly&id=2", 404, "Log not found"),
        ("/log?job=other&id=1", 404, "Log not found"),
        ("/log?job=nightly&id=1", 404, "Log not found"),
        ("/rerun", 400, "`prowjob`"),
        ("/rerun?prowjob=nobody", 404, "nobody"),
        ("/badge.svg", 400, "jobs"),
        ("/config?key=other", 500, "other"),
    ] {
        let answer = world.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(answer.text().contains(words), "{path}: {}", answer.text());
        assert!(answer.header("content-type").starts_with("text/plain"), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store, must-revalidate", "{path}");
    }
}

#[tokio::test]
async fn a_log_is_served_byte_by_byte_and_to_any_site() {
    let world = World::new().await;
    world.store_run("nightly-1", "nightly", "17", "success", &[("build-log.txt", LOG)]).await;
    let answer = world.get("/log?job=nightly&id=17").await.expect(200);
    assert_eq!(answer.body, LOG);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("cache-control"), "no-store, must-revalidate");
    // Colours and broken text become harmless spans for pages.
    let lines = world.get("/api/v1/runs/nightly-1/log?line=0&count=10").await.expect(200).json();
    assert_eq!(lines["total_lines"], 3);
    let texts: Vec<String> = lines["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| {
            let spans = line["s"].as_array().cloned().unwrap_or_default();
            spans.iter().filter_map(|span| span["t"].as_str()).collect()
        })
        .collect();
    assert_eq!(texts, ["one", "red \u{fffd}\u{fffd} end", "<script>alert(1)</script>"]);
    let page = world.get("/run/nightly-1").await.expect(200).text();
    assert!(!page.contains("<script>alert(1)"), "the log is text on its page");
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
}

/// Invalid UTF-8, an escape sequence, markup.
const LOG: &[u8] = b"one\n\x1b[31mred\x1b[0m \xff\xfe end\n<script>alert(1)</script>\n";

#[tokio::test]
async fn a_log_of_20_megabytes_opens_at_its_end_and_is_never_in_the_page_as_a_whole() {
    const LINES: usize = 400_000;
    let mut log = String::with_capacity(LINES * 51);
    for line in 0..LINES {
        log.push_str(&format!("{line:06} a line of a log as tests write them, long\n"));
    }
    assert!(log.len() > 19_000_000, "{}", log.len());
    let world = World::new().await;
    world.store_run("long-1", "long", "1", "failure", &[("build-log.txt", log.as_bytes())]).await;
    let page = world.get("/run/long-1").await.expect(200).text();
    assert!(page.contains("399999 a line"), "the end is not in the page");
    assert!(!page.contains("000000 a line"), "the beginning is in the page");
    assert!(page.len() < 200_000, "{} bytes", page.len());
    let path = "/api/v1/runs/long-1/log?line=200000&count=2";
    let lines = world.get(path).await.expect(200).json();
    assert_eq!(lines["first_line"], 200_000);
    assert_eq!(lines["total_lines"], LINES);
    assert_eq!(lines["lines"].as_array().expect("lines").len(), 2);
}
