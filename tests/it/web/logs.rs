//! The log of a run: its index over a restart, packed logs, folds, times, pins, and logs that mean
//! harm.

use std::io::Write;

use artifacts::log::search::{DEFAULT_HIGHLIGHTS, Found, LinePattern, MAX_SEARCHED_LINE};
use blob::BlobUri;
use http::Method;
use serde_json::{Value, json};
use server::logs::Logs;
use store::AuditFilter;
use tests::world::{Answer, World};

/// A log that is long enough for its index to be stored: errors on lines 1,001 and 3,001.
fn long_log() -> String {
    let lines = (0..5_000).map(|line| match line {
        1_000 | 3_000 => "E1121 00:00:07.500000 7 a.go:1] lost it\n".to_owned(),
        _ => format!("I1121 00:00:{:02}.000000 7 a.go:1] line {line}\n", line % 60),
    });
    lines.collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).expect("packed");
    packed.finish().expect("packed")
}

async fn store_log(world: &World, log: &[u8]) {
    world.store_run("nightly-1", "nightly", "17", "failure", &[("build-log.txt", log)]).await;
}

async fn log(world: &World, query: &str) -> Value {
    world.get(&format!("/api/v1/runs/nightly-1/log{query}")).await.expect(200).json()
}

async fn post_form(world: &World, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = world.request(Method::POST, path).body(form.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.ask(request).await
}

fn texts(lines: &Value) -> Vec<String> {
    let lines = lines["lines"].as_array().expect("lines").iter();
    let text = |line: &Value| -> String {
        let spans = line["s"].as_array().cloned().unwrap_or_default();
        spans.iter().filter_map(|span| span["t"].as_str()).collect()
    };
    lines.map(text).collect()
}

const URI: &str = "file://artifacts/logs/nightly/17/build-log.txt";

#[tokio::test]
async fn the_index_of_a_log_outlives_a_restart_and_a_changed_log_gets_another() {
    let world = World::new().await;
    store_log(&world, long_log().as_bytes()).await;
    assert_eq!(log(&world, "/search").await["lines"], json!([1_000, 3_000]));
    let web = &world.process.web;
    let indexes = web.store.as_ref().expect("a store").log_indexes();
    let row = indexes.get(URI).await.expect("the store").expect("an index");
    // What a restarted process says comes from the store: here it says something else.
    let other = Found { lines: vec![7], total: 1, searched: 5_000 };
    indexes.put(store::LogIndexRow { errors: other.encode(), ..row }).await.expect("stored");
    let restarted = || {
        let (blobs, cluster) = (web.blobs.clone(), web.cluster.clone());
        Logs::new(blobs, cluster, web.clock.clone(), Some(indexes.clone()))
    };
    let run = web.runs.get("nightly-1").expect("the run");
    let highlights = web.highlights.of(&web.config.get());
    assert_eq!(restarted().errors(&run, &highlights).await.expect("errors"), other);
    // Other expressions find other lines, in the same index.
    let own = std::sync::Arc::new(LinePattern::any(&["line 4242$"], MAX_SEARCHED_LINE).unwrap());
    let found = restarted().errors(&run, &own).await.expect("errors");
    assert_eq!(found.lines, [4_242]);
    // Another content of the object.
    let path = world.stored_file("nightly", "17", "build-log.txt");
    std::fs::write(path, format!("panic first\n{}", long_log())).expect("a file");
    assert_eq!(log(&world, "/search").await["lines"], json!([0, 1_001, 3_001]));
    assert_eq!(log(&world, "?line=0&count=1").await["total_lines"], 5_001);
    let built_in = LinePattern::any(&DEFAULT_HIGHLIGHTS, MAX_SEARCHED_LINE).unwrap();
    assert_eq!(built_in.fingerprint(), highlights.fingerprint());
}

#[tokio::test]
async fn a_log_that_is_stored_packed_reads_like_any_other() {
    let world = World::new().await;
    let text = long_log();
    store_log(&world, b"").await;
    let uri = BlobUri::parse(URI).expect("an address");
    let options =
        blob::WriteOptions { content_encoding: Some("gzip".to_owned()), ..Default::default() };
    let blobs = &world.process.web.blobs;
    blobs.write(&uri, gzip(text.as_bytes()), &options).await.expect("written");
    let end = log(&world, "?count=2").await;
    assert_eq!((&end["total_lines"], &end["size_bytes"]), (&json!(5_000), &json!(text.len())));
    let expected: Vec<&str> = text.lines().collect();
    for first in [0, 1, 2_500, 4_990] {
        let lines = log(&world, &format!("?line={first}&count=20")).await;
        let last = (first + 20).min(5_000);
        assert_eq!(texts(&lines), expected[first..last], "from {first}");
    }
    assert_eq!(log(&world, "/search?q=line+4999").await["lines"], json!([4_999]));
    let page = world.get("/run/nightly-1?tab=log&only=errors").await.expect(200).text();
    for line in [996, 1_001, 1_006, 2_996, 3_001] {
        assert!(page.contains(&format!("id=\"L{line}\"")), "line {line}");
    }
    // Half a body: the page says that the log cannot be shown.
    let half = gzip(text.as_bytes());
    blobs.write(&uri, half[..half.len() / 2].to_vec(), &options).await.expect("written");
    let answer = world.get("/api/v1/runs/nightly-1/log").await.expect(503);
    assert!(answer.text().contains("does not answer"), "{}", answer.text());
    let page = world.get("/run/nightly-1?tab=log").await.expect(200).text();
    assert!(page.contains("The log cannot be shown."));
}

#[tokio::test]
async fn a_search_of_megabytes_names_lines_by_their_numbers_wherever_they_stand() {
    let world = World::new().await;
    let mut text = String::new();
    let mut expected = Vec::new();
    for line in 0..60_000_u64 {
        match line {
            // As long as several of the parts that are searched at the same time.
            20_000 => text.push_str(&"x".repeat(3_000_000)),
            _ if line % 9_999 == 17 => text.push_str("the \u{1b}[31mneed\u{1b}[0mle"),
            _ if line % 7_777 == 0 => text.push_str("needle, first word of the line"),
            _ => text.push_str("I1121 00:00:07.000000 7 a.go:1] hay"),
        }
        if line % 9_999 == 17 || line % 7_777 == 0 {
            expected.push(line);
        }
        text.push('\n');
    }
    store_log(&world, text.as_bytes()).await;
    for query in ["needle", "need+needle%7Cneedle", "n%5Be%5Dedle"] {
        let found = log(&world, &format!("/search?q={query}")).await;
        assert_eq!(found["lines"], json!(expected), "{query}");
        assert_eq!(found["searched"], 60_000, "{query}");
    }
}

#[tokio::test]
async fn only_the_errors_of_a_log_are_shown_as_spyglass_shows_them() {
    let world = World::new().await;
    store_log(&world, long_log().as_bytes()).await;
    let page = world.get("/run/nightly-1?tab=log&only=errors").await.expect(200).text();
    for (line, is_there) in [(1, false), (995, false), (996, true), (1_001, true), (1_006, true)] {
        assert_eq!(page.contains(&format!("id=\"L{line}\"")), is_there, "line {line}");
    }
    assert!(page.contains("995 lines without an error"), "what is left out is counted");
    assert!(page.contains("tab=log&amp;from=1007") || page.contains("tab=log&from=1007"));
    assert!(page.contains("3,001") || page.contains("id=\"L3001\""));
    let page = world.get("/run/nightly-1?tab=log&only=errors&from=3100").await.expect(200).text();
    assert!(page.contains("No line from here on looks like an error."));
}

#[tokio::test]
async fn lines_tell_when_they_were_written() {
    let world = World::new().await;
    store_log(&world, b"I1121 00:01:02.250000 7 a.go:1] x\nno time\n").await;
    let lines = log(&world, "?line=0").await;
    assert_eq!(lines["lines"][0]["at"], 1_795_219_262_250_i64);
    assert_eq!(lines["lines"][1].get("at"), None);
    let page = world.get("/run/nightly-1?tab=log&times=offset").await.expect(200).text();
    assert!(page.contains("data-offset=\"+1:02.250\"") && page.contains("data-times=\"offset\""));
    assert!(page.contains("data-time=\"00:01:02.250\""));
}

#[tokio::test]
async fn the_parts_of_a_log_are_listed_with_links_and_times() {
    let world = World::new().await;
    let text = b"--- Prepare\na\n+++ [1121 00:00:05] Build <b>\nb\nsection_start:1795219210:deep\r\x1b[0KDeep\nc\nsection_end:1795219215:deep\r\x1b[0K\n+++ [1121 00:01:05] Test\nd\n";
    store_log(&world, text).await;
    let folds = world.get("/api/v1/runs/nightly-1/log/folds").await.expect(200).json();
    assert_eq!(
        folds,
        json!([
            {"n": 1, "last": 2, "name": "Prepare", "collapsed": true},
            {"n": 3, "last": 7, "name": "Build <b>", "took_ms": 60_000},
            {"n": 5, "last": 7, "name": "Deep", "depth": 1, "took_ms": 5_000},
            {"n": 8, "last": 9, "name": "Test"},
        ])
    );
    let page = world.get("/run/nightly-1?tab=log").await.expect(200).text();
    assert!(page.contains("Build &lt;b&gt;") && !page.contains("Build <b>"), "names are text");
    assert!(page.contains("from=3#L3") && page.contains("1m 00s") && page.contains("4 parts"));
}

#[tokio::test]
async fn pinned_lines_stand_on_every_part_of_the_runs_page() {
    let world = World::new().await;
    store_log(&world, long_log().as_bytes()).await;
    let form = "from=12&to=5&note=why%20%3Cb%3E%0Ait%20fails";
    let page = [("accept", "text/html"), ("content-type", "application/x-www-form-urlencoded")];
    let answer = post_form(&world, "/api/v1/runs/nightly-1/pins", form, &page).await.expect(303);
    assert!(answer.header("location").ends_with("?tab=log&from=5#L5-L12"));
    let json_form = [("accept", "application/json"), page[1]];
    let pin = post_form(&world, "/api/v1/runs/nightly-1/pins", "from=7", &json_form).await;
    let pin = pin.expect(200).json();
    assert_eq!(
        (&pin["from"], &pin["to"], &pin["who"]),
        (&json!(7), &json!(7), &json!("localhost"))
    );
    for tab in ["log", "metadata", "artifacts"] {
        let page = world.get(&format!("/run/nightly-1?tab={tab}")).await.expect(200).text();
        assert!(page.contains("Lines 5–12") && page.contains("Line 7"), "{tab}");
        assert!(page.contains("why &lt;b&gt; it fails") && !page.contains("why <b>"), "{tab}");
    }
    let pins = world.get("/api/v1/runs/nightly-1/pins").await.expect(200).json();
    assert_eq!(pins.as_array().map(Vec::len), Some(2));
    let remove = format!("/api/v1/runs/nightly-1/pins/{}/remove", pin["id"]);
    post_form(&world, &remove, "", &json_form).await.expect(200);
    post_form(&world, &remove, "", &json_form).await.expect(404);
    let audit = world.process.web.store.as_ref().expect("a store").audit();
    let rows = audit.list(&AuditFilter::default(), 10).await.expect("the audit trail");
    let rows: Vec<_> = rows.into_iter().map(|row| row.entry).collect();
    let told: Vec<_> =
        rows.iter().map(|row| (&row.action[..], &row.target[..], &row.detail[..])).collect();
    let id = pin["id"].to_string();
    assert_eq!(
        told,
        [
            ("unpin", "nightly-1", &id[..]),
            ("unpin", "nightly-1", &id[..]),
            ("pin", "nightly-1", "L7"),
            ("pin", "nightly-1", "L5-L12"),
        ]
    );
    assert!(rows[0].result.starts_with("refused") && rows[1].result == "done");
}

#[tokio::test]
async fn lines_are_pinned_by_those_who_may_and_only_if_they_are_lines() {
    let world = World::new().await;
    store_log(&world, b"a\n").await;
    let path = "/api/v1/runs/nightly-1/pins";
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (body, status) in [
        ("from=0", 400),
        ("from=x", 400),
        ("from=-1", 400),
        ("", 400),
        ("from=1&to=99999999999999999999999", 400),
        ("from=1&to=", 200),
    ] {
        let answer = post_form(&world, path, body, &[form]).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    let nobody = post_form(&world, "/api/v1/runs/nobody/pins", "from=1", &[form]).await;
    nobody.expect(404);
    // From another machine, by way of a proxy, and from a script of another site.
    let far = [form, ("x-forwarded-for", "192.0.2.7")];
    post_form(&world, path, "from=2", &far).await.expect(403);
    let cross = [form, ("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    post_form(&world, path, "from=2", &cross).await.expect(403);
    let pins = world.get(path).await.expect(200).json();
    assert_eq!(pins.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_log_that_means_harm_is_text_and_costs_what_is_shown_of_it() {
    let world = World::new().await;
    let mut text = b"\x1b]0;title\x07\x1b[2J\x1b[1;1Hmoved\n".to_vec();
    text.extend_from_slice(b"\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\\n");
    text.extend_from_slice(b"10%\r20%\r\r\rdone\r\nnul\0 \xff\xfe \xe2\x80\xaegpj.exe\n");
    text.extend_from_slice(b"9999999-99-99T99:99:99Z E9999 99:99:99.999999 x\n");
    text.extend_from_slice("::group::<script>\n".repeat(3_000).as_bytes());
    text.extend_from_slice(b"</script><script>alert(1)</script>\xe2\x80\xa8\n");
    text.resize(text.len() + (20 << 20), b'x');
    store_log(&world, &text).await;
    let lines = log(&world, "?line=0&count=5").await;
    assert_eq!(
        texts(&lines),
        [
            "moved",
            "link",
            "done",
            "nul\u{2400} \u{fffd}\u{fffd} \u{fffd}gpj.exe",
            "9999999-99-99T99:99:99Z E9999 99:99:99.999999 x",
        ]
    );
    let page = world.get("/run/nightly-1?tab=log&from=1").await.expect(200).text();
    assert!(!page.contains("<script>alert(1)") && !page.contains("javascript:"));
    let end = world.get("/run/nightly-1?tab=log&from=2900").await.expect(200).text();
    assert!(end.contains("&lt;script&gt;alert(1)") && end.contains("not shown"));
    assert!(!end.contains("<script>alert(1)"));
    assert!(page.len() < 300_000 && end.len() < 300_000, "{} {}", page.len(), end.len());
    let found = log(&world, "/search?q=x%7B5%7D").await;
    assert_eq!(found["total"], 1);
}
