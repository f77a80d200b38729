//! The page of a run with many tests, and the reading of its results.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use artifacts::junit;
use serde_json::json;

use super::http::{Client, Request};
use super::process::RUNS;
use super::serving::{option, repeat, start};
use super::table::{Row, median, ms};

/// Tests of the run.
const CASES: usize = 2_000;
/// One test of so many failed.
const FAILED_EVERY: usize = 50;
/// Requests for the page once it was asked for.
const REQUESTS: usize = 400;
/// The page is there within this time, at the 99th percentile.
const WARM_P99: Duration = Duration::from_millis(50);
/// The page is there within this time when its run was never looked at.
const COLD: Duration = Duration::from_millis(300);
/// The size of the page.
const HTML_BYTES: u64 = 300_000;
/// Runs that are opened cold, each once.
const COLD_RUNS: usize = 20;
/// The bucket of the runs.
const BUCKET: &str = "bench-runs";
/// One test of so many wrote something, as verbose ones do.
const TALKS_EVERY: usize = 5;
/// Lines that such a test wrote.
const TALK_LINES: usize = 20;
/// Bytes of results that are read.
const JUNIT_BYTES: usize = 90_000_000;
/// Bytes per second that one core reads.
const JUNIT_RATE: f64 = 200e6;

/// The page of a run, cold and warm.
///
/// # Errors
/// The server does not start, or does not answer.
pub async fn rows(program: &Path) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("config.yaml");
    fs::write(&config, "prowjob_namespace: default\n")?;
    let xml = junit_file(CASES, "made-up/pkg");
    for run in 0..=COLD_RUNS {
        let path = folder.path().join(format!("bucket/logs/unit/{run}"));
        fs::create_dir_all(path.join("artifacts"))?;
        fs::write(path.join("artifacts/junit_01.xml"), &xml)?;
        fs::write(path.join("build-log.txt"), "=== RUN\n--- FAIL: it did\n".repeat(1_000))?;
        let text = json!({"timestamp": 1_795_219_200 + run, "passed": false, "result": "FAILURE"});
        for file in ["started.json", "finished.json"] {
            fs::write(path.join(file), text.to_string())?;
        }
    }
    let options = [
        option("config-path", config),
        option("data-dir", folder.path().join("data")),
        format!("--local-bucket={BUCKET}={}", folder.path().join("bucket").display()),
        "--dry-run".to_owned(),
    ];
    let (_server, address) = start(program, "serve", &options).await?;
    let page = |run: usize| format!("/view/gs/{BUCKET}/logs/unit/{run}");
    let mut client = Client::connect(address).await?;
    let mut cold = Vec::new();
    for run in 0..COLD_RUNS {
        let answer = client.send(&Request::get(&page(run), &[])).await?;
        ensure!(answer.status == 200, "{} answered {}", page(run), answer.status);
        cold.push(answer.took);
    }
    cold.sort();
    let worst = cold.last().copied().unwrap_or_default();
    let warm = repeat(address, REQUESTS, 200, Request::get(&page(0), &[])).await?;
    let p99 = warm.percentile(0.99);
    let data = format!("{CASES} test cases, {:.0} kB of JUnit", xml.len() as f64 / 1000.0);
    Ok(vec![
        Row {
            work: format!("run page, warm, {REQUESTS} requests, 8 clients"),
            data: format!("{data}; page of {:.0} kB", warm.body_bytes as f64 / 1000.0),
            seen: format!("{:.0} requests/s, p99 {} to the last byte", warm.rate(), ms(p99)),
            target: "p99 ≤ 50 ms, ≤ 300 kB".to_owned(),
            reached: p99 <= WARM_P99 && warm.body_bytes <= HTML_BYTES,
        },
        Row {
            work: format!("run page, cold, {COLD_RUNS} runs nobody looked at"),
            data,
            seen: format!("worst {} (median {})", ms(worst), ms(median(&cold).unwrap_or_default())),
            target: "≤ 300 ms".to_owned(),
            reached: worst <= COLD,
        },
    ])
}

/// How fast one core reads results.
///
/// # Errors
/// What was written cannot be read.
pub fn junit_row() -> anyhow::Result<Row> {
    let mut xml = String::with_capacity(JUNIT_BYTES + (1 << 20));
    xml.push_str("<testsuites>");
    let mut suites = 0;
    while xml.len() < JUNIT_BYTES {
        suite(&mut xml, 1_000, &format!("made-up/pkg{suites}"))?;
        suites += 1;
    }
    xml.push_str("</testsuites>");
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        let report = junit::parse(xml.as_bytes())?;
        times.push(started.elapsed());
        drop(report);
    }
    let time = median(&times).unwrap_or_default();
    let rate = xml.len() as f64 / time.as_secs_f64();
    Ok(Row {
        work: "junit parse, one core".to_owned(),
        data: format!("{:.0} MB, {} cases", xml.len() as f64 / 1e6, suites * 1_000),
        seen: format!("{:.0} MB/s", rate / 1e6),
        target: "≥ 200 MB/s".to_owned(),
        reached: rate >= JUNIT_RATE,
    })
}

fn junit_file(cases: usize, package: &str) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    // Writing to a string cannot fail.
    let _ = suite(&mut xml, cases, package);
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, cases: usize, package: &str) -> std::fmt::Result {
    writeln!(xml, "<testsuite name=\"{package}\" tests=\"{cases}\" time=\"12.5\">")?;
    for case in 0..cases {
        write!(
            xml,
            "<testcase classname=\"{package}\" name=\"TestThing/with_argument_{case}\" time=\"0.{:03}\"",
            case % 1_000
        )?;
        if case % FAILED_EVERY == 0 {
            writeln!(
                xml,
                "><failure message=\"Failed\">    thing_test.go:{case}: expected &lt;3&gt;, got 4\n\
                 \x20   thing_test.go:{case}: and the same again, at length, as people write it\n\
                 </failure><system-out>said something that nobody reads</system-out></testcase>"
            )?;
        } else if case % TALKS_EVERY == 0 {
            writeln!(xml, "><system-out>")?;
            for line in 0..TALK_LINES {
                writeln!(
                    xml,
                    "I1121 00:00:{:02}.000000 7 thing.go:{line}] step &quot;{line}&quot; of {case} is done",
                    line % 60
                )?;
            }
            writeln!(xml, "</system-out></testcase>")?;
        } else {
            writeln!(xml, "/>")?;
        }
    }
    writeln!(xml, "</testsuite>")
}
