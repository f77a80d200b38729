//! Measures run history: importing 100,000 runs, then reading pages of 250 under several filters.
//!
//! ```text
//! cargo run --release -p store --example run_history -- [RUNS]
//! ```

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use go_compat::Timestamp;
use store::{JobMatch, RunFilter, RunPull, RunRow, Store, StoreOptions};

/// Reads of each kind, for the median and the slowest.
const READS: usize = 40;

fn run(n: i64) -> RunRow {
    let presubmit = n % 3 == 0;
    let pull = RunPull {
        number: n % 30_000,
        author: format!("author-{}", n % 700),
        title: format!("Mend what is broken in part {n}"),
        sha: format!("{n:040x}"),
    };
    RunRow {
        id: format!("{n:08x}-0000-11ee-8000-000000000000"),
        job: format!("{}-kubernetes-job-{}", if presubmit { "pull" } else { "ci" }, n % 3_849),
        job_type: if presubmit { "presubmit" } else { "periodic" }.to_string(),
        org: if n % 4 == 0 { "kubernetes-sigs" } else { "kubernetes" }.to_string(),
        repo: format!("repo-{}", n % 200),
        base_ref: "master".to_string(),
        base_sha: format!("{n:040x}"),
        pulls: if presubmit { vec![pull] } else { Vec::new() },
        state: if n % 4 == 1 { "failure" } else { "success" }.to_string(),
        cluster: "default".to_string(),
        build_id: format!("19{n:017}"),
        start: Some(Timestamp::from_seconds(1_790_000_000 + n * 9)),
        completion: Some(Timestamp::from_seconds(1_790_000_600 + n * 9)),
        run_dir: format!("gs://kubernetes-ci-logs/logs/job/19{n:017}"),
        url: format!("https://prow.k8s.io/view/gs/kubernetes-ci-logs/logs/job/19{n:017}"),
        description: "Job succeeded.".to_string(),
        ..Default::default()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let count: i64 = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let store = Store::open(StoreOptions::files(folder.path())).await?;
    let runs = store.runs();
    let mut out = std::io::stdout();
    let started = Instant::now();
    for first in (0..count).step_by(2_000) {
        runs.upsert((first..count.min(first + 2_000)).map(run).collect()).await?;
    }
    let elapsed = started.elapsed().as_secs_f64();
    writeln!(out, "{count} runs imported in {elapsed:.1} s: {:.0}/s", count as f64 / elapsed)?;
    let some = |text: &str| Some(text.to_string());
    let filters = [
        ("all", RunFilter::default()),
        ("repo", RunFilter { org: some("kubernetes"), repo: some("repo-7"), ..Default::default() }),
        ("author", RunFilter { author: some("author-6"), ..Default::default() }),
        ("pull", RunFilter { pull: Some(4_500), ..Default::default() }),
        ("failures", RunFilter { states: vec!["failure".to_string()], ..Default::default() }),
        (
            "one job",
            RunFilter {
                job: Some(JobMatch::Exact("ci-kubernetes-job-7".to_string())),
                ..Default::default()
            },
        ),
        (
            "rare glob",
            RunFilter { job: Some(JobMatch::Glob("ci-*-3848".to_string())), ..Default::default() },
        ),
        ("nothing", RunFilter { cluster: some("elsewhere"), ..Default::default() }),
    ];
    for (name, filter) in filters {
        let mut times = Vec::new();
        let mut rows = 0;
        for _ in 0..READS {
            let before = Instant::now();
            rows = runs.page(&filter, None, 250).await?.rows.len();
            times.push(before.elapsed().as_secs_f64() * 1_000.0);
        }
        times.sort_by(f64::total_cmp);
        writeln!(
            out,
            "{name:>10}: {rows:>3} rows, median {:.1} ms, slowest {:.1} ms",
            times[READS / 2],
            times[READS - 1]
        )?;
    }
    let before = Instant::now();
    let newest = runs.newest(22_000).await?.len();
    writeln!(out, "newest {newest}: {:.0} ms", before.elapsed().as_secs_f64() * 1_000.0)?;
    store.close().await;
    Ok(())
}
