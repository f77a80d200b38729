//! kill -9 of the program itself, at every station of the walk, and a start over the same data.

mod boot;
mod deliveries;
mod stations;

use std::path::Path;
use std::time::Duration;

use tests::world::{Program, Setup};

/// The program, as Cargo built it for these tests.
const EXE: &str = env!("CARGO_BIN_EXE_bowsprit-under-test");

/// No test here may take longer.
const BOUND: Duration = Duration::from_secs(100);

/// Artifacts in a folder, everything decorated.
const PROW: &str = "\
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
fn decorated(script: &str) -> Setup {
    let jobs = format!(
        "presubmits:\n  org/repo:\n  - name: unit\n    always_run: true\n    decorate: true\n    \
         spec: {{containers: [{{image: local, command: [sh, -c, {script:?}]}}]}}\n"
    );
    Setup::default().prow(PROW).jobs(jobs)
}

/// The journal as it is on disk: event, status and note of each delivery, oldest first.
async fn journal(program: &Program) -> Vec<String> {
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

async fn open_store(folder: &Path) -> store::Store {
    store::Store::open(store::StoreOptions::files(folder)).await.expect("a store")
}

/// The job, state and description of every ProwJob.
async fn runs(serving: &tests::world::Serving<'_>) -> Vec<[String; 3]> {
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
