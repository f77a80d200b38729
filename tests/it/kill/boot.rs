//! The machine goes down: the program and everything that it started is gone at once.

use tests::world::{ORG, Program, REPO, SOON};

use crate::program::*;

#[tokio::test]
async fn a_run_whose_processes_are_gone_after_a_start_ends_with_the_reason() {
    let program = Program::new(EXE, decorated("echo begun; sleep 600")).await;
    let (_, head) = program.open_pull("topic").await;
    let serving = program.start().await;
    assert!(serving.deliver_all().await.iter().all(|taken| *taken));
    program
        .github_when("unit is pending", |github| {
            github.states(ORG, REPO, &head).contains_key("unit")
        })
        .await;
    // The test's own process is there once its log can be read.
    let begun = async {
        loop {
            let list = serving.get("/prowjobs.js").await.json();
            let id = list["items"][0]["status"]["build_id"].as_str().unwrap_or_default().to_owned();
            let log = serving.get(&format!("/log?job=unit&id={id}")).await;
            if log.status == 200 && log.text().contains("begun") {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, begun).await.expect("the job's log in time");
    serving.kill().await;
    assert!(program.kill_containers() > 0, "there were processes to kill");

    let serving = program.start().await;
    program
        .github_when("unit ended", |github| {
            github.states(ORG, REPO, &head).get("unit").is_some_and(|state| state != "pending")
        })
        .await;
    let ended = runs(&serving).await;
    assert_eq!(ended.len(), 1, "{ended:?}");
    let [_, state, description] = &ended[0];
    assert!(state == "failure" || state == "error", "{ended:?}");
    assert!(!description.is_empty(), "a reason is stated");
    let id = serving.get("/prowjobs.js").await.json()["items"][0]["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let page = serving.get(&format!("/run/{id}")).await.expect(200).text();
    assert!(page.contains("was killed, or the machine was restarted"), "{description}: {page}");
    serving.kill().await;
}
