//! What the logs of a cluster's nodes say that a run left.

use tests::world::{Setup, World};

const JUNIT: &[u8] = br#"<testsuite name="e2e"><testcase name="Third">
<failure>timed out waiting for pod 'web-0' to start</failure></testcase>
<testcase name="Fourth"><failure>the node is gone</failure></testcase></testsuite>"#;

const KUBELET: &[u8] = b"I0629 17:33:09.100000 1 k.go:1] started\n\
I0629 17:33:09.300000 1 k.go:2] Event(v1.ObjectReference{Kind:\"Pod\", Namespace:\"ns-7\", Name:\"web-0\", UID:\"4f-5\"}): <b>pulled</b>\n\
I0629 17:33:09.500000 1 k.go:3] volume of 4f-5 failed\n\
I0629 17:33:09.600000 1 k.go:4] web-01 is another one\n";

const APISERVER: &[u8] =
    b"2026-06-29T17:33:09.2Z POST pods web-0\n2026-06-29T17:33:09.4Z GET ns-7 quota\n";

const RUN: &str = "/nodelog/file/artifacts/logs/nightly/17";

async fn put(world: &World, files: &[(&str, &[u8])]) {
    world.store_run("nightly-1", "nightly", "17", "failure", files).await;
}

async fn world() -> World {
    let world = World::new().await;
    let files: &[(&str, &[u8])] = &[
        ("artifacts/junit_01.xml", JUNIT),
        ("artifacts/tmp-node-a/kubelet.log", KUBELET),
        ("artifacts/tmp-node-a/kube-apiserver.log", APISERVER),
        ("artifacts/tmp-node-a/docker.log", b"0629 17:33:09.250 web-0 in docker\n"),
        ("artifacts/tmp-node-b/kubelet.log", b"I0629 17:33:09.0 web-1\n"),
    ];
    put(&world, files).await;
    world
}

/// The text of a page without its tags.
fn text(page: &str) -> String {
    let inside = page.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    inside.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_failure_that_names_a_pod_leads_to_what_the_nodes_say_of_it() {
    let world = world().await;
    let run = world.get("/run/nightly-1?tab=tests").await.expect(200).text();
    let link = format!("{RUN}?wrap=on&amp;pod=web-0&amp;junit=artifacts/junit_01.xml");
    assert_eq!(run.matches(&link).count(), 1, "one of two failures names a Pod");
    assert!(run.contains(&format!("{RUN}?wrap=on\"")), "the head leads there, too");
    let page = world.get(&link.replace("&amp;", "&")).await.expect(200).text();
    let words = text(&page);
    // The kubelet that names the Pod, and the API servers; what they wrote is text.
    assert!(
        page.contains("Name:\"<mark>web-0</mark>\"") || page.contains("<mark>web-0</mark>&quot;")
    );
    assert!(page.contains("&lt;b>pulled") || page.contains("&lt;b&gt;pulled"), "it is text");
    assert!(words.contains("POST pods web-0") && !words.contains("in docker"));
    assert!(words.contains("1 of 4 lines") && words.contains("1 of 2 lines"), "{words}");
    assert!(!page.contains("tmp-node-b/kubelet.log</code></a>"));
    for found in ["ns-7", "4f-5", "wrap lines", "weave by time", "tmp-node-b"] {
        assert!(words.contains(found), "{found}");
    }
    // A run without such logs has no such links.
    let files: &[(&str, &[u8])] = &[("artifacts/junit_01.xml", JUNIT)];
    world.store_run("nightly-2", "nightly", "18", "failure", files).await;
    assert!(!world.get("/run/nightly-2?tab=tests").await.expect(200).text().contains("/nodelog/"));
}

#[tokio::test]
async fn lines_are_chosen_by_what_the_pod_is_called_too() {
    let world = world().await;
    let page = |query: &str| {
        let address = format!("{RUN}?{query}");
        let world = &world;
        async move { text(&world.get(&address).await.expect(200).text()) }
    };
    let kubelet = "logfiles=artifacts/tmp-node-a/kubelet.log";
    for (query, expected) in [
        (format!("pod=web-0&{kubelet}"), "1 of 4 lines"),
        (format!("pod=web-0&UID=on&{kubelet}"), "2 of 4 lines"),
        (format!("pod=web-0&UID=on&poduid=started&{kubelet}"), "2 of 4 lines"),
        (
            "pod=WEB-0&Namespace=on&logfiles=artifacts/tmp-node-a/kube-apiserver.log".to_owned(),
            "2 of 2 lines",
        ),
        (format!("pod=web-0&others=started&others=another&{kubelet}"), "3 of 4 lines"),
        // Gubernator's words for errors, where nothing is asked for.
        (kubelet.to_owned(), "1 of 4 lines"),
        ("pod=nobody".to_owned(), "No line holds one of the words."),
        (
            format!("pod=web-0&logfiles=../../../secret&{kubelet}"),
            "The run has no file ../../../secret.",
        ),
        // As Gubernator names files.
        (
            "pod=web-0&logfiles=/artifacts/logs/nightly/17/artifacts/tmp-node-a/docker.log"
                .to_owned(),
            "in docker",
        ),
    ] {
        let words = page(&query).await;
        assert!(words.contains(expected), "{query}: {words}");
    }
    let all = page(&format!("pod=web-0&{kubelet}&around=0")).await;
    assert!(!all.contains("volume of") && all.contains("2 lines are left out"), "{all}");
    world.get(&format!("{RUN}?pod={}", "x".repeat(300))).await.expect(400);
}

#[tokio::test]
async fn logs_are_woven_by_the_times_of_their_lines() {
    let world = world().await;
    let logs = ["kubelet", "kube-apiserver", "docker"]
        .map(|log| format!("&logfiles=artifacts/tmp-node-a/{log}.log"));
    let address = format!("{RUN}?pod=web-0&weave=on{}", logs.concat());
    let words = text(&world.get(&address).await.expect(200).text());
    let order = ["k.go:1", "POST pods", "in docker", "Event(", "GET ns-7", "k.go:3", "k.go:4"];
    let places: Vec<_> = order.iter().map(|part| words.find(part).expect(part)).collect();
    assert!(places.is_sorted(), "{words}");
    assert!(words.contains("kube-apiserver.log2026"), "each line says whose it is: {words}");
}

#[tokio::test]
async fn without_logs_of_nodes_the_page_says_so_with_its_own_404() {
    let world = World::new().await;
    put(&world, &[("artifacts/junit_01.xml", JUNIT), ("artifacts/etcd.log", b"x")]).await;
    let page = world.get(&format!("{RUN}?pod=abc&junit=junit_01.xml")).await.expect(404).text();
    assert!(text(&page).contains("so nothing is known of the Pod abc"));
    assert!(page.contains("/file/artifacts/logs/nightly/17/\""), "it leads to the files");
    world.get("/nodelog/file/artifacts/logs/nightly/99?pod=abc").await.expect(404);
    world.get("/nodelog/ftp/x").await.expect(400);
    let old = "/build/bucket/logs/job/1/nodelog?pod=abc&weave=on&logfiles=/bucket/a.log";
    let answer = world.get(old).await.expect(307);
    assert_eq!(
        answer.header("location"),
        "/nodelog/gs/bucket/logs/job/1?pod=abc&weave=on&logfiles=/bucket/a.log"
    );
}

#[tokio::test]
async fn a_huge_log_is_read_in_a_stream_and_its_page_stays_small() {
    let world = World::new().await;
    let mut log = Vec::new();
    for line in 0..400_000 {
        log.extend_from_slice(format!("I0629 17:33:09.1 {line} web-0 did it again\n").as_bytes());
    }
    log.extend_from_slice(&vec![b'x'; 10 << 20]);
    log.extend_from_slice(b" \xff\x1b[31m web-0\n");
    put(&world, &[("artifacts/node/kubelet.log", &log)]).await;
    let address = format!("{RUN}?pod=web-0");
    let answer = world.get(&address).await.expect(200);
    let page = answer.text();
    let words = text(&page);
    assert!(words.contains("400 000 of 400 001 lines"), "{}", &words[..600]);
    assert!(words.contains("are not shown") && page.len() < 8_000_000, "{}", page.len());
}

#[tokio::test]
async fn the_logs_of_hidden_runs_stay_hidden() {
    let jobs = "\
periodics:
- {name: nightly, interval: 1h, hidden: true, spec: {containers: [{image: i}]}}
";
    let world = Setup::default().jobs(jobs).start().await;
    put(&world, &[("artifacts/node/kubelet.log", KUBELET)]).await;
    let address = format!("{RUN}?pod=web-0");
    let shown = world.get(&address).await;
    assert_eq!(shown.status, 404, "{}", shown.text());
    assert!(!shown.text().contains("ns-7"));
}
