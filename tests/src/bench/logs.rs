//! Logs of any size: how soon they are open at their first error, how fast they are searched, and what
//! they cost the server and the browser.

#![allow(clippy::print_stderr, reason = "a part of a program that prints a table")]

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use app::model::encode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::process::{Server, peak_memory, resident_memory};
use super::serving::{option, settled_memory, start};
use super::table::{Row, median, mib, ms};
use crate::data;
use crate::logs::{Shape, Written, lines, write};

/// The sizes of the logs, with their names.
const SIZES: [(&str, u64); 3] =
    [("10 MB", 10_000_000), ("100 MB", 100_000_000), ("1 GB", 1_000_000_000)];
/// The log is open at its first error within this time, when nobody has read it before.
const FIRST_ERROR: Duration = Duration::from_millis(500);
/// The same for the log of 1 GB.
const FIRST_ERROR_OF_A_GIGABYTE: Duration = Duration::from_millis(1_000);
/// The first screen in the browser.
const FIRST_SCREEN_MS: f64 = 300.0;
/// The heap of the browser after a walk through the log.
const HEAP: u64 = 120_000_000;
/// The most that the server's memory may grow.
const GROWTH: u64 = 64 << 20;
/// A search may take so many times as long as ripgrep does.
const SEARCH: f64 = 1.5;
/// What is searched for: words, a class, an alternative at the begin of lines.
const PATTERNS: [&str; 3] = [
    "lost the connection",
    "synced object [0-9a-f]+ .* after 49[0-9][0-9]ms",
    "^E[0-9]{4}|^W[0-9]{4} .*:7[0-9][0-9]]",
];
/// How often a search is repeated.
const SEARCHES: usize = 11;
/// The bucket of the logs.
const BUCKET: &str = "bench-logs";

/// What the browser measured.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Figures {
    screen_ms: f64,
    error_ms: f64,
    heap_bytes: u64,
    lines: u64,
}

/// A server over a folder of logs.
struct Bench {
    server: Server,
    address: SocketAddr,
    http: reqwest::Client,
}

impl Bench {
    async fn start(program: &Path, folder: &Path) -> anyhow::Result<Bench> {
        let config = folder.join("config.yaml");
        fs::write(&config, "prowjob_namespace: default\n")?;
        let bucket = format!("--local-bucket={BUCKET}={}", folder.join("bucket").display());
        let options = [
            option("config-path", config),
            option("data-dir", folder.join("data")),
            bucket,
            "--dry-run".to_owned(),
        ];
        let (server, address) = start(program, "serve", &options).await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Bench { server, address, http })
    }

    async fn get(&self, path: &str) -> anyhow::Result<String> {
        let url = format!("http://{}{path}", self.address);
        let answer = self.http.get(&url).send().await?;
        ensure!(answer.status().is_success(), "{path} answered {}", answer.status());
        Ok(answer.text().await?)
    }

    /// Opens the log of a run until the page stands at its first error.
    async fn open(&self, run: &str, error: u64) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let expected = format!("data-at=\"{}\"", error + 1);
        // A log that is not read to its end shows what is known of it, and the reader's browser asks on.
        while !self.get(&format!("{}?tab=log", page(run))).await?.contains(&expected) {
            ensure!(
                started.elapsed() < Duration::from_secs(60),
                "{run} does not open at its error"
            );
        }
        Ok(started.elapsed())
    }
}

fn page(run: &str) -> String {
    format!("/view/gs/{BUCKET}/logs/{run}/1")
}

/// The rows of logs.
///
/// # Errors
/// A log cannot be written, or the server does not answer.
pub async fn rows(program: &Path) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let real = lines();
    let mut rows = Vec::new();
    let mut logs = Vec::new();
    for (at, (name, bytes)) in SIZES.into_iter().enumerate() {
        let run = format!("log-{at}");
        let path = folder.path().join(format!("bucket/logs/{run}/1"));
        fs::create_dir_all(&path)?;
        eprintln!("writing a log of {name}");
        let file = File::create(path.join("build-log.txt"))?;
        let written = write(file, Shape { bytes, seed: 1 + at as u64 }, &real)?;
        let times = [("started.json", 1_795_219_200), ("finished.json", 1_795_222_800)];
        for (file, at) in times {
            let text = json!({"timestamp": at, "passed": false, "result": "FAILURE"});
            fs::write(path.join(file), text.to_string())?;
        }
        let prow_job = json!({
            "apiVersion": "prow.k8s.io/v1", "kind": "ProwJob", "metadata": {"name": run},
            "spec": {"type": "periodic", "agent": "kubernetes", "job": run},
            "status": {"state": "failure", "build_id": "1", "startTime": "2026-11-21T00:00:00Z",
                "completionTime": "2026-11-21T01:00:00Z"},
        });
        fs::write(path.join("prowjob.json"), prow_job.to_string())?;
        logs.push((run, name, written, path.join("build-log.txt")));
    }
    for (run, name, written, file) in &logs {
        rows.extend(of_one(program, folder.path(), run, name, written, file).await?);
    }
    Ok(rows)
}

async fn of_one(
    program: &Path,
    folder: &Path,
    run: &str,
    name: &str,
    written: &Written,
    file: &Path,
) -> anyhow::Result<Vec<Row>> {
    let data = format!("{name}, {} lines, {} errors", written.lines, written.errors.len());
    let first = *written.errors.first().context("an error")?;
    let is_large = written.bytes >= 500_000_000;
    // In the cache of the system, as after the upload; each server starts knowing nothing.
    let bench = Bench::start(program, folder).await?;
    bench.get("/").await?;
    let before = settled_memory(&bench.server).await;
    let cold = bench.open(run, first).await?;
    let mut rows = Vec::new();
    let target = if is_large { FIRST_ERROR_OF_A_GIGABYTE } else { FIRST_ERROR };
    rows.push(Row {
        work: "log: open at the first error, cold index".to_owned(),
        data: data.clone(),
        seen: ms(cold),
        target: format!("≤ {:.0} ms", target.as_secs_f64() * 1000.0),
        reached: cold <= target,
    });
    for pattern in PATTERNS {
        rows.push(search(&bench, run, pattern, file, &data).await?);
    }
    // Any part of it, as somebody who scrolls would ask.
    for at in 0..100 {
        let line = written.lines / 100 * at;
        bench.get(&format!("/api/v1/runs/{run}/log?line={line}&count=500")).await?;
    }
    let peak = peak_memory(bench.server.pid()).unwrap_or(0);
    let after = resident_memory(bench.server.pid()).unwrap_or(0);
    let growth = peak.max(after).saturating_sub(before);
    rows.push(Row {
        work: "log: growth of the server's memory, opened, searched, scrolled".to_owned(),
        data: data.clone(),
        seen: format!("{} (from {})", mib(growth), mib(before)),
        target: "≤ 64 MB".to_owned(),
        reached: growth <= GROWTH,
    });
    drop(bench);
    let bench = Bench::start(program, folder).await?;
    bench.get("/").await?;
    let again = bench.open(run, first).await?;
    rows.push(Row {
        work: "log: open at the first error after a restart, index in the store".to_owned(),
        data: data.clone(),
        seen: ms(again),
        target: "≤ 300 ms".to_owned(),
        reached: again <= Duration::from_millis(300),
    });
    match in_browser(&bench, run)? {
        Some(seen) => rows.extend(browser_rows(&seen, &data)),
        None => {
            eprintln!("skipped: the log in Chromium, because end2end/node_modules is not installed")
        }
    }
    Ok(rows)
}

/// Searches beside ripgrep, or grep where there is none.
async fn search(
    bench: &Bench,
    run: &str,
    pattern: &str,
    file: &Path,
    data: &str,
) -> anyhow::Result<Row> {
    let has_ripgrep = Command::new("rg").arg("--version").stdout(Stdio::null()).status().is_ok();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut total = 0;
    // In turns: both meet the same machine.
    for _ in 0..SEARCHES {
        let started = Instant::now();
        let path = format!("/api/v1/runs/{run}/log/search?q={}", encode(pattern));
        let answer = bench.get(&path).await?;
        ours.push(started.elapsed());
        let answer: Value = serde_json::from_str(&answer)?;
        total = answer["total"].as_u64().context("a total")?;
        let mut command = match has_ripgrep {
            true => Command::new("rg"),
            false => Command::new("grep"),
        };
        // Both count lines, and take the log for text.
        match has_ripgrep {
            true => command.args(["--no-config", "-a", "-c", "-e", pattern]),
            false => command.args(["-a", "-c", "-E", "-e", pattern]),
        };
        let started = Instant::now();
        let output = command.arg(file).stderr(Stdio::null()).output()?;
        theirs.push(started.elapsed());
        ensure!(output.status.code().is_some_and(|code| code <= 1), "{command:?} failed");
    }
    let (ours, theirs) =
        (median(&ours).unwrap_or_default(), median(&theirs).unwrap_or(Duration::from_secs(1)));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let whose = if has_ripgrep { "ripgrep" } else { "grep -E (there is no rg)" };
    Ok(Row {
        work: format!("log: search for `{}`, {total} lines", pattern.replace('|', "\\|")),
        data: data.to_owned(),
        seen: format!("{}; {whose} {}: {ratio:.2} ×", ms(ours), ms(theirs)),
        target: format!("≤ {SEARCH} × {whose}"),
        reached: ratio <= SEARCH,
    })
}

/// Opens the log in Chromium. Nothing where the browser's tools are not installed.
fn in_browser(bench: &Bench, run: &str) -> anyhow::Result<Option<Figures>> {
    let folder = data::root().join("end2end");
    if !folder.join("node_modules/@playwright").is_dir() {
        return Ok(None);
    }
    let output = Command::new("node")
        .arg("bench-log.mjs")
        .arg(format!("http://{}{}?tab=log", bench.address, page(run)))
        .current_dir(&folder)
        .output()
        .context("starting node")?;
    ensure!(
        output.status.success(),
        "end2end/bench-log.mjs failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Some(serde_json::from_slice(&output.stdout).context("reading what it measured")?))
}

fn browser_rows(seen: &Figures, data: &str) -> [Row; 3] {
    let row = |work: &str, seen: String, target: &str, reached: bool| Row {
        work: format!("log in Chromium: {work}"),
        data: data.to_owned(),
        seen,
        target: target.to_owned(),
        reached,
    };
    [
        row(
            "first screen",
            format!("{:.0} ms", seen.screen_ms),
            "≤ 300 ms",
            seen.screen_ms <= FIRST_SCREEN_MS,
        ),
        row(
            "jump to the next error",
            format!("{:.0} ms", seen.error_ms),
            "≤ 500 ms",
            seen.error_ms <= 500.0,
        ),
        row(
            "memory after a walk through the log",
            format!("{}, {} lines in the page", mib(seen.heap_bytes), seen.lines),
            "≤ 120 MB",
            seen.heap_bytes <= HEAP,
        ),
    ]
}
