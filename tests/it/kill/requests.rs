//! The program dies at its first request to GitHub, at its second, and so on.

use tests::fake_github::{Fault, FaultKind, Gate};
use tests::world::{ORG, Program, REPO, SOON};

use crate::program::*;

/// No walk from a delivery to its last status asks GitHub so often.
const MOST_REQUESTS: u32 = 40;

#[tokio::test]
async fn at_whatever_request_the_program_dies_each_pull_request_ends_with_one_green_run() {
    let program = Program::new(EXE, bare("true")).await;
    let mut pulls = Vec::new();
    for nth in 1..=MOST_REQUESTS {
        let (number, head) = program.open_pull(&format!("topic-{nth}")).await;
        pulls.push(number);
        let green = || {
            program.github_when("unit is green", |github| {
                github.states(ORG, REPO, &head).get("unit").is_some_and(|s| s == "success")
            })
        };
        let serving = program.start().await;
        let gate = Gate::default();
        let hold = FaultKind::Hold(gate.clone());
        program.github.fail(Fault::new(hold).times(nth));
        assert!(serving.deliver_all().await.iter().all(|taken| *taken), "{}", program.log());
        let reached = async {
            for _ in 1..nth {
                gate.arrived().await;
                gate.open();
            }
            gate.arrived().await;
        };
        let died = tokio::select! {
            () = reached => true,
            () = green() => false,
        };
        serving.kill().await;
        program.github.forget_faults();
        gate.open();
        if !died {
            break;
        }
        let serving = program.start().await;
        green().await;
        serving.kill().await;
    }
    assert!(pulls.len() > 3, "the walk asks GitHub several things");
    assert!(pulls.len() < MOST_REQUESTS as usize, "every request of the walk was cut off once");
    let serving = program.start().await;
    let list = serving.get("/prowjobs.js").await.expect(200).json();
    let items = list["items"].as_array().expect("items");
    for number in &pulls {
        let runs: Vec<&serde_json::Value> = items
            .iter()
            .filter(|job| job["spec"]["refs"]["pulls"][0]["number"] == *number)
            .collect();
        assert_eq!(runs.len(), 1, "pull request {number}");
        assert_eq!(runs[0]["status"]["state"], "success", "pull request {number}");
    }
    let terminated = tokio::time::timeout(SOON, serving.terminate()).await;
    assert!(terminated.expect("an end in time").success());
    for line in journal(&program).await {
        assert!(!line.contains(" failed "), "{line}");
    }
}
