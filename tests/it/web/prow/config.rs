//! `/config`, `/plugin-config`, `/badge.svg`.

use serde_json::{Value, json};
use tests::world::{Setup, World, prow_job};

#[tokio::test]
async fn config_is_what_was_loaded_with_its_defaults() {
    let jobs = r#"
periodics:
- name: nightly
  interval: 24h
  spec: {containers: [{image: none, command: ["true"]}]}
"#;
    let prow = "prowjob_namespace: jobs\ndisabled_clusters: [broken]\n";
    let world = Setup::default().prow(prow).jobs(jobs).start().await;
    let answer = world.get("/config").await.expect(200);
    assert!(answer.header("content-type").starts_with("text/plain"));
    let yaml: Value = serde_saphyr::from_str(&answer.text()).expect("YAML");
    assert_eq!(yaml["prowjob_namespace"], "jobs");
    assert_eq!(yaml["pod_namespace"], "default");
    assert_eq!(yaml["periodics"][0]["name"], "nightly");
    assert_eq!(yaml["periodics"][0]["agent"], "kubernetes");
    let clusters = world.get("/config?key=disabled-clusters").await.expect(200);
    let clusters: Value = serde_saphyr::from_str(&clusters.text()).expect("YAML");
    assert_eq!(clusters, json!(["broken"]));
}

#[tokio::test]
async fn plugin_config_is_what_was_loaded() {
    let world = World::new().await;
    let answer = world.get("/plugin-config").await.expect(200);
    let yaml: Value = serde_saphyr::from_str(&answer.text()).expect("YAML");
    assert_eq!(yaml["plugins"]["org/repo"]["plugins"], json!(["trigger"]));
}

#[tokio::test]
async fn the_badge_tells_of_the_newest_run_of_each_job() {
    let world = World::new().await;
    let at = |name: &str, job: &str, state: &str, minute: u32| {
        let mut value = prow_job(name, job, state);
        value["status"]["startTime"] = json!(format!("2026-11-20T23:{minute:02}:00Z"));
        value
    };
    world
        .put([
            at("a1", "green-a", "failure", 1),
            at("a2", "green-a", "success", 2),
            at("b1", "green-b", "aborted", 1),
            at("c1", "green-c", "error", 1),
            at("d1", "red-d", "success", 1),
            at("d2", "red-d", "failure", 2),
            at("e1", "red-e", "failure", 2),
            at("f1", "red-f", "failure", 2),
            at("g1", "red-g", "failure", 2),
            at("h1", "dir/red-h", "failure", 2),
        ])
        .await;
    for (jobs, text, colour) in [
        ("green-*", "passing", "#4c1"),
        ("green-a", "passing", "#4c1"),
        ("red-d", "failing red-d", "#e05d44"),
        ("red-d,green-a,red-e", "failing red-d, red-e", "#e05d44"),
        ("red-*", "failing red-d, red-e, red-f, ...", "#e05d44"),
        // As in Go's path.Match, * stops at a slash, and a broken pattern matches nothing.
        ("*-h", "no results", "darkgrey"),
        ("dir/*", "failing dir/red-h", "#e05d44"),
        ("[", "no results", "darkgrey"),
        ("nobody", "no results", "darkgrey"),
    ] {
        let answer = world.get(&format!("/badge.svg?jobs={jobs}")).await.expect(200);
        assert_eq!(answer.header("content-type"), "image/svg+xml");
        let svg = answer.text();
        assert!(svg.contains(&format!(">{text}</text>")), "{jobs}: {svg}");
        assert!(svg.contains(&format!("fill=\"{colour}\"")), "{jobs}: {svg}");
        let (left, right) = (13 + 6 * "build".len(), 13 + 6 * text.len());
        assert!(svg.contains(&format!("width=\"{}\" height=\"20\"", left + right)), "{svg}");
        assert_eq!(answer.header("cache-control"), "no-store, must-revalidate");
    }
}
