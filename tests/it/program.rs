//! The program as a process, for tests that kill it, fill its disk or look at its log.

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::world::{Program, SOON, Serving, Setup};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};

/// The program, as Cargo built it for these tests.
pub(crate) const EXE: &str = env!("CARGO_BIN_EXE_bowsprit-under-test");

/// Artifacts in a folder, everything decorated.
pub(crate) const PROW: &str = "\
plank:
  default_decoration_config_entries:
  - config:
      timeout: 10m
      grace_period: 2s
      utility_images:
        clonerefs: clonerefs:latest
        initupload: initupload:latest
        entrypoint: entrypoint:latest
        sidecar: sidecar:latest
      gcs_configuration:
        bucket: file://artifacts
        path_strategy: explicit
";

/// One decorated presubmit that runs this script, with the clone address of the repository left
/// to the code host.
pub(crate) fn decorated(script: &str) -> Setup {
    let jobs = format!(
        "presubmits:\n  org/repo:\n  - name: unit\n    always_run: true\n    decorate: true\n    \
         spec: {{containers: [{{image: local, command: [sh, -c, {script:?}]}}]}}\n"
    );
    Setup::default().prow(PROW).jobs(jobs)
}

/// One presubmit that runs this script without decoration, and so writes little.
pub(crate) fn bare(script: &str) -> Setup {
    let jobs = format!(
        "presubmits:\n  org/repo:\n  - name: unit\n    always_run: true\n    \
         spec: {{containers: [{{image: local, command: [sh, -c, {script:?}]}}]}}\n"
    );
    Setup::default().jobs(jobs)
}

/// The journal as it is on disk: event, status and note of each delivery, oldest first.
pub(crate) async fn journal(program: &Program) -> Vec<String> {
    let store = open_store(&program.data_dir()).await;
    let filter = store::DeliveryFilter::default();
    let mut lines = store.deliveries().list(&filter, 1_000).await.expect("a journal");
    lines.reverse();
    let lines = lines
        .iter()
        .map(|line| format!("{} {} {}", line.event, line.status.as_str(), line.note))
        .collect();
    store.close().await;
    lines
}

pub(crate) async fn open_store(folder: &Path) -> store::Store {
    store::Store::open(store::StoreOptions::files(folder)).await.expect("a store")
}

/// The job, state and description of every ProwJob.
pub(crate) async fn runs(serving: &Serving<'_>) -> Vec<[String; 3]> {
    let list = serving.get("/prowjobs.js").await.expect(200).json();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut runs: Vec<[String; 3]> = items
        .iter()
        .map(|job| {
            let status = &job["status"];
            [text(&job["spec"]["job"]), text(&status["state"]), text(&status["description"])]
        })
        .collect();
    runs.sort();
    runs
}

/// Where a job and a test meet: the job writes its name for a moment, and waits to be let go.
pub(crate) struct Meeting {
    dir: tempfile::TempDir,
    said: Receiver,
    // Held open, so that what is written waits for the job.
    go: Sender,
}

impl Meeting {
    pub(crate) fn new() -> Meeting {
        let dir = tempfile::tempdir().expect("a folder");
        let pipe = |name: &str| -> PathBuf {
            let path = dir.path().join(name);
            let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo");
            assert!(made.success());
            path
        };
        let mut options = OpenOptions::new();
        options.read_write(true);
        let said = options.open_receiver(pipe("said")).expect("a pipe");
        let go = options.open_sender(pipe("go")).expect("a pipe");
        Meeting { dir, said, go }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A script that says `started`, waits to be let go, and says `ended`.
    pub(crate) fn script(&self) -> String {
        let dir = self.path().display();
        format!(
            "echo started > {dir}/said; read line < {dir}/go; echo went on; echo ended > {dir}/said"
        )
    }

    /// Waits until a job says this to a test that has no log to show.
    pub(crate) async fn hear_from_world(&mut self, expected: &str) {
        let mut heard = vec![0; expected.len() + 1];
        let read = tokio::time::timeout(SOON, self.said.read_exact(&mut heard)).await;
        read.expect("the job says something in time").expect("a pipe");
        assert_eq!(String::from_utf8_lossy(&heard).trim(), expected);
    }

    pub(crate) async fn hear(&mut self, expected: &str, program: &Program) {
        let mut heard = vec![0; expected.len() + 1];
        let read = tokio::time::timeout(SOON, self.said.read_exact(&mut heard)).await;
        let Ok(read) = read else { panic!("no job said {expected}:\n{}", program.log()) };
        read.expect("a pipe");
        assert_eq!(String::from_utf8_lossy(&heard).trim(), expected);
    }

    pub(crate) fn let_go(&self) {
        self.go.try_write(b"go\n").expect("a pipe");
    }
}
