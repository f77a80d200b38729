//! Coverage: a merge of as many profiles as an end-to-end run of Kubernetes leaves behind, and the
//! page of a heatmap.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use clock::{Clock, SystemClock};
use coverage::stored::{Summary, encode_profile};
use coverage::{
    Block, Counting, FileCoverage, Mode, Position, Profile, Reading, Sources, merge, read,
};

use store::{CoverageKey, CoverageRow, RunRow, Store, StoreOptions};

use super::http::Request;
use super::process::cold;
use super::serving::{option, repeat, start, wait_for};
use super::table::{Row, ms};

/// Profiles that are merged.
const PROFILES: usize = 200;
/// The size of each, in bytes.
const PROFILE_BYTES: usize = 10_300_000;
/// Package names under which the blocks of the real profile are repeated.
const PACKAGES: usize = 14;
/// The longest that the merge may take; gopherage takes 17.3 s.
const MERGE_TIME: Duration = Duration::from_millis(1_700);
/// The most memory that it may take; gopherage takes 4,250 MB.
const MERGE_MEMORY: u64 = 200_000_000;

/// Directories of the heatmap.
const DIRECTORIES: usize = 400;
/// Runs of the heatmap.
const HEATMAP_RUNS: usize = 30;
/// Files of each directory.
const DIRECTORY_FILES: usize = 5;
/// Requests for the page of the heatmap.
const HEATMAP_REQUESTS: usize = 400;
/// The page of a heatmap is there within this time, at the 99th percentile.
const HEATMAP_P99: Duration = Duration::from_millis(50);
/// The job of the heatmap.
const JOB: &str = "unit";

/// The page of a heatmap, from a server whose store holds its runs.
///
/// # Errors
/// The server does not start, or does not answer.
pub async fn heatmap(program: &Path) -> anyhow::Result<Row> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("config.yaml");
    fs::write(&config, "prowjob_namespace: default\n")?;
    let data_dir = folder.path().join("data");
    fill(&data_dir).await?;
    let options = [option("config-path", &config), option("data-dir", &data_dir)];
    let (_server, address) = start(program, "serve", &options).await?;
    let path = format!("/coverage/{JOB}?by=runs");
    wait_for(address, &path).await?;
    // One reader after the other would hide what they cost each other; eight ask at once.
    let load = repeat(address, HEATMAP_REQUESTS, 200, Request::get(&path, &[])).await?;
    let p99 = load.percentile(0.99);
    Ok(Row {
        work: format!("coverage heatmap, {HEATMAP_REQUESTS} requests, 8 clients"),
        data: format!(
            "{DIRECTORIES} directories × {HEATMAP_RUNS} runs, {:.0} kB",
            load.body_bytes as f64 / 1000.0
        ),
        seen: format!("{:.0} requests/s, p99 {}", load.rate(), ms(p99)),
        target: "p99 ≤ 50 ms to the last byte".to_owned(),
        reached: p99 <= HEATMAP_P99,
    })
}

/// Runs with a profile each, a little different from one to the next.
async fn fill(data_dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(data_dir)?;
    let store = Store::open(StoreOptions::files(data_dir)).await?;
    let now = SystemClock.now();
    for run in 0..HEATMAP_RUNS {
        let started = now.saturating_sub(Duration::from_secs(3_600 * (run as u64 + 1)));
        let id = format!("run-{run}");
        let files = (0..DIRECTORIES * DIRECTORY_FILES).map(|file| FileCoverage {
            name: format!(
                "example.com/repository/d{:03}/file_{}.go",
                file / DIRECTORY_FILES,
                file % DIRECTORY_FILES
            ),
            blocks: (0..20_u32)
                .map(|line| Block {
                    at: Position {
                        start_line: line * 10 + 1,
                        start_col: 1,
                        end_line: line * 10 + 9,
                        end_col: 2,
                    },
                    statements: 3,
                    count: u64::from((file + line as usize * 7 + run / 3) % 5 > 1),
                })
                .collect(),
        });
        let profile = Profile { mode: Mode::Set, files: files.collect() };
        let ratio = profile.ratio();
        let key = CoverageKey {
            job: JOB.to_owned(),
            path: "artifacts/cover.out".to_owned(),
            run: id.clone(),
            build: run.to_string(),
            started_ms: started.millis(),
            version: "main".to_owned(),
            format: "Go".to_owned(),
            files: i64::try_from(profile.files.len())?,
            covered: i64::try_from(ratio.covered)?,
            total: i64::try_from(ratio.total)?,
            read_ms: now.millis(),
            ..CoverageKey::default()
        };
        let summary = Summary::of(&profile).encode();
        let row = CoverageRow { key, summary, profile: encode_profile(&profile) };
        store.coverage().put_run(&id, now, vec![row]).await?;
        let history = RunRow {
            id,
            job: JOB.to_owned(),
            job_type: "periodic".to_owned(),
            state: "success".to_owned(),
            build_id: run.to_string(),
            start: Some(started),
            completion: Some(started.saturating_add(Duration::from_secs(60))),
            run_dir: format!("gs://bucket/logs/{JOB}/{run}"),
            ..RunRow::default()
        };
        store.runs().upsert(vec![history]).await?;
    }
    store.close().await;
    Ok(())
}

/// The merge, by the program.
///
/// # Errors
/// The disk has no room for the profiles, or the program fails.
pub fn merge_many(program: &Path, results: Option<&Path>) -> anyhow::Result<Row> {
    let folder = tempfile::tempdir()?;
    let (paths, expected) = write_profiles(folder.path(), results)?;
    let merged = folder.path().join("merged.cov");
    let cost = cold(|_| {
        let mut command = Command::new(program);
        command.args(["coverage", "merge", "--output"]).arg(&merged).args(&paths);
        command
    })?;
    let text = fs::read(&merged).context("the merged profile")?;
    ensure!(text == expected, "the merged profile is not the sum of the profiles");
    Ok(Row {
        work: "coverage merge, as a command".to_owned(),
        data: format!("{PROFILES} profiles of {:.1} MB", PROFILE_BYTES as f64 / 1e6),
        target: "≤ 1.7 s, ≤ 200 MB".to_owned(),
        reached: cost.within(MERGE_TIME, MERGE_MEMORY),
        seen: cost.to_string(),
    })
}

/// Writes the profiles; the answer is where they are, and what they make when they are merged.
fn write_profiles(
    folder: &Path,
    results: Option<&Path>,
) -> anyhow::Result<(Vec<PathBuf>, Vec<u8>)> {
    let blocks = repeated_blocks(&real_profile(results));
    let mut sums = vec![0_u64; blocks.len()];
    let mut paths = Vec::with_capacity(PROFILES);
    let mut seed = 0x5eed_u64;
    for number in 0..PROFILES {
        let path = folder.join(format!("{number:03}.cov"));
        let mut text = b"mode: count\n".to_vec();
        for (line, sum) in blocks.iter().zip(&mut sums) {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // Half of all blocks ran, some often.
            let count = (seed >> 40) % (1 << ((seed >> 60) & 7)) * ((seed >> 63) & 1);
            writeln!(text, "{line}{count}")?;
            *sum += count;
        }
        fs::write(&path, text)?;
        paths.push(path);
    }
    let mut text = b"mode: count\n".to_vec();
    for (line, sum) in blocks.iter().zip(&sums) {
        writeln!(text, "{line}{sum}")?;
    }
    let sorted = read(&text, &Reading::STRICT)?.profile;
    // The reader's own order is what is written; the sums were made without the merger.
    Ok((paths, sorted.to_go()))
}

/// Lines up to their counts: the blocks of the profile under other package names and further down in
/// their files, until a profile has its size.
fn repeated_blocks(profile: &Profile) -> Vec<String> {
    let mut lines = Vec::new();
    let mut bytes = 0;
    for round in 0_u32.. {
        for package in 0..PACKAGES {
            for file in &profile.files {
                let name = &file.name;
                for block in &file.blocks {
                    let at = &block.at;
                    let (start, end) =
                        (at.start_line + round * 10_000, at.end_line + round * 10_000);
                    let line = format!(
                        "pkg{package:02}/{name}:{start}.{},{end}.{} {} ",
                        at.start_col, at.end_col, block.statements
                    );
                    bytes += line.len() + 2;
                    lines.push(line);
                    if bytes >= PROFILE_BYTES {
                        return lines;
                    }
                }
            }
        }
    }
    lines
}

/// The largest real profile, or a small one in its place.
fn real_profile(results: Option<&Path>) -> Profile {
    let largest = results.and_then(largest_profile);
    let text = largest.and_then(|path| fs::read(path).ok()).unwrap_or_else(|| BUILT_IN.into());
    let profile = read(&text, &Reading::TOLERANT).map(|read| read.profile).unwrap_or_default();
    // As one file may be listed twice, the merger's own form is taken.
    merge([&profile], Counting::Sum, Sources::Same).map(|merged| merged.profile).unwrap_or(profile)
}

fn largest_profile(folder: &Path) -> Option<PathBuf> {
    let mut largest = None;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let Ok(kind) = entry.metadata() else { continue };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if entry.file_name() == "profile.out" {
                // The path breaks ties, so that every run takes the same.
                largest = largest.max(Some((kind.len(), entry.path())));
            }
        }
    }
    largest.map(|(_, path)| path)
}

/// Some blocks of a real profile (`github.com/spf13/pflag`).
const BUILT_IN: &str = "mode: set
github.com/spf13/pflag/bool.go:17.46,20.2 2 1
github.com/spf13/pflag/bool.go:22.41,26.2 3 1
github.com/spf13/pflag/bool.go:28.34,30.2 1 1
github.com/spf13/pflag/bool.go:32.36,32.75 1 1
github.com/spf13/pflag/bool.go:34.44,34.59 1 1
github.com/spf13/pflag/count.go:8.49,11.2 2 1
github.com/spf13/pflag/count.go:13.42,15.17 1 1
github.com/spf13/pflag/count.go:15.17,18.3 2 1
github.com/spf13/pflag/count.go:19.2,21.12 3 0
";
