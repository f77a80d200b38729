//! One pull request whose every station is cut off.

use std::path::{Path, PathBuf};

use tests::fake_github::{Fault, FaultKind, Gate};
use tests::world::{ORG, Program, REPO, SOON};

use crate::program::*;

/// Starts, and kills the program as soon as it asks GitHub for this.
async fn die_when_asked(program: &Program, method: &str, path: &str) {
    let gate = Gate::default();
    program.github.fail(Fault::new(FaultKind::Hold(gate.clone())).on(method, path));
    let serving = program.start().await;
    let arrived = tokio::time::timeout(SOON, gate.arrived()).await;
    assert!(arrived.is_ok(), "nobody asked {method} {path}:\n{}", program.log());
    serving.kill().await;
    gate.open();
}

#[tokio::test]
async fn a_pull_request_whose_every_station_is_cut_off_ends_with_one_green_run() {
    let mut meeting = Meeting::new();
    let program = Program::new(EXE, decorated(&meeting.script())).await;
    let (_, head) = program.open_pull("topic").await;

    // Just after the answer.
    let serving = program.start().await;
    assert!(serving.deliver_all().await.iter().all(|taken| *taken), "{}", program.log());
    serving.kill().await;
    // While the delivery is dispatched: at its first question to GitHub.
    die_when_asked(&program, "GET", "/org").await;
    // While the job clones. What watches over it lives on.
    die_when_asked(&program, "GET", "repo.git/info/refs").await;
    // While the job runs.
    let serving = program.start().await;
    meeting.hear("started", &program).await;
    serving.kill().await;
    // It still runs when the next life takes it up; it ends, and uploads while nobody serves.
    let serving = program.start().await;
    let [job, state, _] = &runs(&serving).await[0];
    assert_eq!([job.as_str(), state.as_str()], ["unit", "pending"]);
    meeting.let_go();
    meeting.hear("ended", &program).await;
    serving.kill().await;
    // While the end is reported: GitHub has it, the program does not know. Statuses of the
    // beginning may come first.
    let gate = Gate::default();
    program.github.fail(Fault::new(FaultKind::Hold(gate.clone())).on("POST", "/statuses/"));
    let serving = program.start().await;
    tokio::time::timeout(SOON, gate.arrived()).await.expect("a status");
    gate.open();
    serving.kill().await;

    let serving = program.start().await;
    program
        .github_when("unit is green", |github| {
            github.states(ORG, REPO, &head).get("unit").is_some_and(|state| state == "success")
        })
        .await;
    let ended = runs(&serving).await;
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!([ended[0][0].as_str(), ended[0][1].as_str()], ["unit", "success"]);
    assert!(serving.terminate().await.success());

    let journal = journal(&program).await;
    assert!(journal.iter().all(|line| line.contains(" handled ")), "{journal:?}");
    let run = finished(&program.data_dir().join("buckets/artifacts")).expect("finished.json");
    let document: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&run).expect("finished.json")).expect("JSON");
    assert_eq!(document["passed"], true);
    let log = std::fs::read_to_string(run.with_file_name("build-log.txt")).expect("a log");
    assert_eq!(log, "went on\n", "the job ran once");
}

/// The one `finished.json` below a folder.
fn finished(folder: &Path) -> Option<PathBuf> {
    let entries: Vec<PathBuf> =
        std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    let own = entries.iter().find(|path| path.ends_with("finished.json")).cloned();
    own.or_else(|| entries.iter().filter(|path| path.is_dir()).find_map(|path| finished(path)))
}
