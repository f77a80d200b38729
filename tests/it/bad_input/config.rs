//! Configuration that cannot be used, and jobs that are not in it.

use std::process::Command;

use tests::world::{MEMBER, ORG, Program, REPO, SOON, Setup};

use crate::program::*;

const JOBS: &str = "\
presubmits:
  org/repo:
  - name: unit
    spec: {containers: [{image: none, command: [\"true\"]}]}
";

const FAILED: &str = "bowsprit_config_load_failed";

/// A file, what it becomes, and the line and words that must be said about it.
const BROKEN: [(&str, &str, &str, &str); 5] = [
    ("jobs.yaml", "presubmits:\n  org/repo:\n  - name: [unit\n", "jobs.yaml:3", "unclosed bracket"),
    ("jobs.yaml", "presubmits:\n  org/repo:\n  - nome: unit\n", "jobs.yaml:3", "name"),
    (
        "jobs.yaml",
        "periodics:\n- name: a\n  interval: soon\n  spec: {containers: [{image: a}]}\n",
        "jobs.yaml:",
        "soon",
    ),
    ("config.yaml", "plank: [not, a, map]\n", "config.yaml:1", "plank"),
    ("plugins.yaml", "plugins:\n  org/repo: {plugins: trigger}\n", "plugins.yaml:2", "plugins"),
];

#[tokio::test]
async fn a_broken_file_leaves_the_last_good_configuration_and_is_named_everywhere() {
    let program = Program::new(EXE, Setup::default().jobs(JOBS)).await;
    let serving = program.start().await;
    let metric = async |wanted: &str| {
        let line = format!("{FAILED} {wanted}");
        let reached = async {
            while !serving.get("/metrics").await.text().lines().any(|have| have == line) {}
        };
        let reached = tokio::time::timeout(SOON, reached).await;
        assert!(reached.is_ok(), "never was: {line}\n{}", program.log());
    };
    for (file, broken, place, words) in BROKEN {
        let good = std::fs::read_to_string(program.config_file(file)).expect("a file");
        metric("0").await;
        let logged = program.log().len();
        program.write_config(file, broken);
        metric("1").await;
        let banner = serving.get("/").await.expect(200).text();
        assert!(banner.contains("does not load"), "{file}: {banner}");
        let status = serving.get("/status").await.expect(200).text();
        let (name, line) = place.split_once(':').unwrap_or((place, ""));
        assert!(status.contains(name) && status.contains(words), "{broken}: {status}");
        assert!(status.contains(line), "{broken}: {status}");
        let log = program.log().split_off(logged);
        assert!(log.contains("the last good one stays in use"), "{broken}: {log}");
        assert!(log.contains(place) && log.contains(words), "{broken}: {log}");
        // What was loaded works on.
        let jobs = serving.get("/configured-jobs/org/repo").await.expect(200).text();
        assert!(jobs.contains("unit"), "{jobs}");
        assert_eq!(serving.get("/healthz").await.status, 200);
        program.write_config(file, &good);
    }
    metric("0").await;
    assert!(!serving.get("/").await.text().contains("does not load"));
    serving.kill().await;
}

#[tokio::test]
async fn a_broken_file_at_the_start_stops_it_with_file_and_line() {
    let program = Program::new(EXE, Setup::default()).await;
    for (file, broken, place, words) in BROKEN {
        let good = std::fs::read_to_string(program.config_file(file)).expect("a file");
        program.write_config(file, broken);
        let output = program.run_to_its_end().await;
        assert!(!output.status.success(), "{broken}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(place) && said.contains(words), "{broken}: {said}");
        program.write_config(file, &good);
    }
}

#[tokio::test]
async fn a_job_that_nobody_configured_is_answered_with_those_that_are() {
    let program = Program::new(EXE, Setup::default().jobs(JOBS)).await;
    let (number, _) = program.open_pull("topic").await;
    let serving = program.start().await;
    program.github.comment(MEMBER, ORG, REPO, number, "/test no-such-job").await;
    assert!(serving.deliver_all().await.iter().all(|taken| *taken));
    program.github_when("an answer", |github| github.comments(ORG, REPO, number).len() == 2).await;
    let answer = program.github.comments(ORG, REPO, number).pop().expect("an answer").body;
    assert!(answer.contains("were not found"), "{answer}");
    assert!(answer.contains("/test unit"), "{answer}");
    let rows = serving.get("/api/v1/runs?job=no-such-job").await.expect(200).json();
    assert_eq!(rows["matching"], 0);
    serving.kill().await;
    let output = Command::new(program.exe())
        .arg("mkpj")
        .arg("--config-path")
        .arg(program.config_file("config.yaml"))
        .arg("--job-config-path")
        .arg(program.config_file("jobs.yaml"))
        .arg("--job=no-such-job")
        .output()
        .expect("an output");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("no-such-job"), "{said}");
}
