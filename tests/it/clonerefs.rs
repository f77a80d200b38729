//! Cloning what not everybody may read.

use tests::fake_github::{Fault, FaultKind, Gate};
use tests::world::{ORG, Program, REPO, SOON, Setup};

use crate::program::*;

/// A token of its own for clones, which stands nowhere but in its file.
const CLONE_TOKEN: &str = "clone-0f3a9d";

/// The arguments of every process that this user may look at.
fn arguments() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

/// Whether a file below the folder holds the text.
fn holds(folder: &std::path::Path, text: &str) -> Option<std::path::PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let content = std::fs::read(&path).ok()?;
        content.windows(text.len()).any(|part| part == text.as_bytes()).then_some(path)
    })
}

#[tokio::test]
async fn a_private_repository_is_cloned_with_a_token_that_nobody_gets_to_see() {
    let jobs = "presubmits:\n  org/repo:\n  - name: unit\n    always_run: true\n    \
        decorate: true\n    decoration_config:\n      \
        oauth_token_secret: {name: clone-token, key: token}\n    \
        spec: {containers: [{image: local, command: [test, -f, README.md]}]}\n";
    let program = Program::new(EXE, Setup::default().prow(PROW).jobs(jobs)).await;
    program.github.add_token(CLONE_TOKEN, "member");
    program.github.make_private(ORG, REPO);
    let secret = program.data_dir().join("secrets/clone-token");
    std::fs::create_dir_all(&secret).expect("a folder");
    std::fs::write(secret.join("token"), format!("{CLONE_TOKEN}\n")).expect("a secret");
    let (_, head) = program.open_pull("topic").await;
    let gate = Gate::default();
    let fetch = Fault::new(FaultKind::Hold(gate.clone())).on("GET", "repo.git/info/refs");
    program.github.fail(fetch);
    let serving = program.start().await;
    assert!(serving.deliver_all().await.iter().all(|taken| *taken));
    // In the middle of the first fetch.
    tokio::time::timeout(SOON, gate.arrived()).await.expect("a fetch");
    let all = arguments();
    assert!(all.iter().any(|line| line.contains("fetch") && line.contains("repo.git")), "{all:?}");
    assert!(!all.iter().any(|line| line.contains(CLONE_TOKEN)), "{all:?}");
    gate.open();
    program
        .github_when("the job has ended", |github| {
            github.states(ORG, REPO, &head).get("unit").is_some_and(|state| state != "pending")
        })
        .await;
    assert_eq!(program.github.states(ORG, REPO, &head)["unit"], "success", "{}", program.log());
    assert!(!program.log().contains(CLONE_TOKEN));
    let artifacts = program.data_dir().join("buckets");
    assert!(holds(&artifacts, "CENSORED:x-oauth-basic@").is_some(), "the record shows the way");
    assert_eq!(holds(&artifacts, CLONE_TOKEN), None);
    serving.kill().await;
}
