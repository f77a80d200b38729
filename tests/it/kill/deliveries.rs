//! Deliveries that come in while the program is killed again and again.

use std::collections::BTreeMap;

use tests::world::{MEMBER, ORG, Program, REPO, Setup};

use crate::program::*;

const JOBS: &str = r#"
presubmits:
  org/repo:
  - name: unit
    always_run: true
    spec: {containers: [{image: none, command: ["true"]}]}
  - name: lint
    always_run: true
    spec: {containers: [{image: none, command: ["true"]}]}
"#;

/// Pull requests; each is one set of ProwJobs.
const PULLS: usize = 8;
/// Lives of the program; each takes some deliveries and dies.
const LIVES: usize = 4;

#[tokio::test]
async fn every_delivery_that_was_answered_ends_in_exactly_one_set_of_runs() {
    let program = Program::new(EXE, Setup::default().jobs(JOBS)).await;
    let mut heads = Vec::new();
    for nth in 0..PULLS {
        heads.push(program.open_pull(&format!("topic-{nth}")).await.1);
    }
    // In each life some deliveries are on their way at once, and the program dies after another
    // number of answers.
    let all = program.github.deliveries();
    for (life, chunk) in all.chunks(all.len().div_ceil(LIVES)).enumerate() {
        let serving = program.start().await;
        let mut answers: tokio::task::JoinSet<Option<u16>> = chunk
            .iter()
            .map(|delivery| {
                let (github, id) = (program.github.clone(), delivery.id);
                async move { github.deliver(id).await }
            })
            .collect();
        for _ in 0..=life {
            assert_eq!(answers.join_next().await.expect("a delivery").expect("a task"), Some(200));
        }
        serving.kill().await;
        answers.join_all().await;
    }
    let taken = program.github.deliveries().iter().filter(|d| d.status == Some(200)).count();
    assert!(taken >= LIVES);

    // GitHub sends again what was not answered, and once more what was.
    let serving = program.start().await;
    assert!(serving.deliver_all().await.iter().all(|taken| *taken));
    let first = program.github.deliveries()[0].id;
    assert_eq!(program.github.redeliver(first).await, Some(200));
    program
        .github_when("all are green", |github| {
            heads.iter().all(|head| {
                let states = github.states(ORG, REPO, head);
                ["unit", "lint"].iter().all(|job| states.get(*job).is_some_and(|s| s == "success"))
            })
        })
        .await;
    // Anything said afterwards is handled after all of it.
    program.github.comment(MEMBER, ORG, REPO, 1, "/test ?").await;
    assert!(serving.deliver_all().await.iter().all(|taken| *taken));
    program
        .github_when("the help is given", |github| github.comments(ORG, REPO, 1).len() == 2)
        .await;
    let list = serving.get("/prowjobs.js").await.expect(200).json();
    let mut sets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for job in list["items"].as_array().expect("items") {
        let pull = job["spec"]["refs"]["pulls"][0]["number"].to_string();
        let name = job["spec"]["job"].as_str().unwrap_or_default().to_owned();
        assert_eq!(job["status"]["state"], "success", "{job}");
        sets.entry(pull).or_default().push(name);
    }
    assert_eq!(sets.len(), PULLS, "{sets:?}");
    for (pull, jobs) in &mut sets {
        jobs.sort();
        assert_eq!(jobs, &["lint", "unit"], "pull request {pull}");
    }
    serving.kill().await;
    let journal = journal(&program).await;
    let opened: Vec<&String> =
        journal.iter().filter(|line| line.starts_with("pull_request ")).collect();
    assert_eq!(opened.len(), PULLS, "{journal:?}");
    assert!(opened.iter().all(|line| line.contains(" handled ")), "{journal:?}");
}
