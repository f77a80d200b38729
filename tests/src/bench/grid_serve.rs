//! The test grid's pages and the memory of the server that shows them.

#![allow(clippy::print_stderr, reason = "a part of a program that prints a table")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use clock::{Clock, SystemClock};
use go_compat::url::query_escape;
use grid::proto::config::{Configuration, TestGroup};
use grid::updater::naming::prefixes;
use prost::Message as _;
use server::testgrid::config::{GridConfig, LiveGridConfig};
use store::{Store, StoreOptions};

use super::grid_page;
use super::grid_update::summarize;
use super::http::{Client, Request};
use super::process::peak_memory;
use super::serving::{option, repeat, settled_memory, start, wait_for};
use super::table::{Row, median, mib, ms};
use crate::grids::{self, LARGE, Shape, Suite, TABS};

/// Groups of the corpus whose builds are stored.
const GROUPS: usize = 500;
/// What each of them holds.
const STORED: Shape = Shape { tests: 60, columns: 100, stale: 0, seed: 11 };
/// The most that a server with them takes, in bytes.
const MEMORY: u64 = 400_000_000;
/// The slowest answer but one in a hundred.
const PAGE_P99: Duration = Duration::from_millis(50);
/// The most bytes of a large grid as it is sent.
const PAYLOAD: u64 = 1_200_000;
/// How often a grid is asked for again.
const AGAIN: usize = 15;

/// The command that writes the configuration of the corpus' dashboards and jobs as a message.
pub fn corpus_config(program: &Path, corpus: &Path, output: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["testgrid", "config", "--oneshot"])
        .arg(format!("--yaml={}", corpus.join("testgrids").display()))
        .arg(format!("--default={}", corpus.join("testgrids/default.yaml").display()))
        .arg(format!("--prow-config={}", corpus.join("prow/config.yaml").display()))
        .arg(format!("--prow-job-config={}", corpus.join("jobs").display()))
        .arg(format!("--output={}", output.display()));
    command
}

/// The whole process over the corpus' configuration and stored builds of many groups: its index of
/// dashboards, and its memory.
///
/// # Errors
/// The configuration cannot be read, or the server does not answer.
pub async fn corpus(program: &Path, corpus: &Path) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let written = folder.path().join("config");
    let made = corpus_config(program, corpus, &written).output().context("starting the program")?;
    ensure!(
        made.status.success(),
        "`testgrid config` failed: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let configuration = Configuration::decode(&*std::fs::read(&written)?)?;
    let dashboards = configuration.dashboards.len();
    let data_dir = folder.path().join("data");
    eprintln!("making {GROUPS} groups of {} builds", STORED.columns);
    let shown = fill(&data_dir, &configuration, GROUPS, &STORED).await?;

    // Every bucket is an empty folder: nothing is asked of the network.
    let empty = folder.path().join("bucket");
    std::fs::create_dir(&empty)?;
    let mut options = vec![
        option("config-path", corpus.join("prow/config.yaml")),
        option("job-config-path", corpus.join("jobs")),
        option("plugin-config", corpus.join("prow/plugins.yaml")),
        option("testgrid-config", corpus.join("testgrids")),
        option("data-dir", &data_dir),
        "--dry-run".to_owned(),
    ];
    for bucket in buckets(&configuration) {
        options.push(format!("--local-bucket={bucket}={}", empty.display()));
    }
    let (server, address) = start(program, "serve", &options).await?;
    wait_for(address, "/testgrid").await?;
    let index = repeat(address, 500, 200, Request::get("/testgrid", &[])).await?;
    for (dashboard, tab) in &shown {
        let api = format!("/api/v1/dashboards/{dashboard}/tabs/{tab}/grid.bin");
        for path in [format!("/testgrid/{dashboard}"), format!("/testgrid/{dashboard}/{tab}"), api]
        {
            let answer = Client::connect(address).await?.send(&Request::get(&path, &[])).await?;
            ensure!(answer.status == 200, "{path} answered {}", answer.status);
        }
    }
    let memory = settled_memory(&server).await;
    let peak = peak_memory(server.pid()).unwrap_or(0);
    Ok(vec![
        Row {
            work: "index of dashboards `/testgrid`, 500 requests, 8 clients".to_owned(),
            data: format!(
                "{dashboards} dashboards of the corpus, {:.0} kB",
                index.body_bytes as f64 / 1000.0
            ),
            seen: format!("{:.0} requests/s, p99 {}", index.rate(), ms(index.percentile(0.99))),
            target: "p99 ≤ 50 ms to the last byte".to_owned(),
            reached: index.percentile(0.99) <= PAGE_P99,
        },
        Row {
            work: format!(
                "memory of `serve` after 500 indexes and the pages and grids of {} tabs",
                shown.len()
            ),
            data: format!(
                "the corpus' configuration; {GROUPS} groups × {} builds × {} tests stored",
                STORED.columns, STORED.tests
            ),
            seen: format!("{} (peak {})", mib(memory), mib(peak)),
            target: "≤ 400 MB".to_owned(),
            reached: memory <= MEMORY,
        },
    ])
}

/// Puts builds of some groups, spread over the configuration, into a data folder and summarizes their
/// tabs. Returns one tab of each as it stands in addresses: dashboard, tab.
async fn fill(
    data_dir: &Path,
    configuration: &Configuration,
    count: usize,
    shape: &Shape,
) -> anyhow::Result<Vec<(String, String)>> {
    let suite = Suite::load()?;
    std::fs::create_dir_all(data_dir)?;
    let store = Store::open(StoreOptions::files(data_dir)).await?;
    let now = SystemClock.now();
    // Builds two hours apart must all be in the window.
    let days = shape.columns as i32 / 12 + 1;
    let fitting: Vec<&TestGroup> =
        configuration.test_groups.iter().filter(|group| group.days_of_results >= days).collect();
    let step = (fitting.len() / count.max(1)).max(1);
    let groups: Vec<&TestGroup> = fitting.into_iter().step_by(step).take(count).collect();
    ensure!(groups.len() == count, "the corpus has {} fitting groups", groups.len());
    for (at, group) in groups.iter().enumerate() {
        let shape = Shape { seed: shape.seed + at as u64, ..*shape };
        grids::fill(&store, group, &suite, &shape, now.millis()).await?;
    }
    let config = GridConfig::new(configuration.clone(), Vec::new(), 1, now);
    let shown = groups.iter().filter_map(|group| {
        let (dashboard, tab) = config.tabs_of(&group.name).next()?;
        Some((in_path(&dashboard.name), in_path(&tab.name)))
    });
    let shown = shown.collect();
    let names = groups.iter().map(|group| group.name.as_str());
    summarize(&store, LiveGridConfig::fixed(config), names).await?;
    Ok(shown)
}

/// A name as a part of a path.
fn in_path(name: &str) -> String {
    query_escape(name).replace('+', "%20")
}

/// The buckets that the groups of a configuration read.
fn buckets(configuration: &Configuration) -> BTreeSet<&str> {
    let prefixes = configuration.test_groups.iter().flat_map(prefixes);
    let paths = prefixes.map(|prefix| prefix.split_once("://").map_or(prefix, |(_, path)| path));
    paths.filter_map(|path| path.split('/').next()).filter(|bucket| !bucket.is_empty()).collect()
}

/// The pages over made-up grids: the largest dashboard and the largest tab.
///
/// # Errors
/// The grids cannot be made, or the server does not answer.
pub async fn pages(program: &Path) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    eprintln!("making test grids");
    let config = folder.path().join("config.yaml");
    std::fs::write(&config, "prowjob_namespace: default\n")?;
    let data_dir = folder.path().join("data");
    let grids = grid_page::fill(&data_dir).await?;
    let empty = folder.path().join("bucket");
    std::fs::create_dir(&empty)?;
    let options = [
        option("config-path", &config),
        option("testgrid-config", &grids),
        option("data-dir", &data_dir),
        format!("--local-bucket={}={}", grid_page::BUCKET, empty.display()),
    ];
    let (_server, address) = start(program, "serve", &options).await?;
    let large = grid_page::DASHBOARD;
    let mut rows =
        vec![payload(address, &format!("/api/v1/dashboards/{large}/tabs/{large}/grid.bin")).await?];
    let many = format!("/testgrid/{}", grid_page::MANY);
    wait_for(address, &many).await?;
    let summary = repeat(address, 500, 200, Request::get(&many, &[])).await?;
    rows.push(Row {
        work: "summary page of a dashboard, 500 requests, 8 clients".to_owned(),
        data: format!("{TABS} tabs, {:.0} kB", summary.body_bytes as f64 / 1000.0),
        seen: format!("{:.0} requests/s, p99 {}", summary.rate(), ms(summary.percentile(0.99))),
        target: "p99 ≤ 50 ms to the last byte".to_owned(),
        reached: summary.percentile(0.99) <= PAGE_P99,
    });
    match grid_page::measure(&format!("http://{address}"))? {
        Some(measured) => rows.extend(measured),
        None => eprintln!("skipped: the tab in Chromium, because end2end/ has no node_modules"),
    }
    Ok(rows)
}

/// A large grid as a browser gets it: made from the store, then from what the server keeps.
async fn payload(address: std::net::SocketAddr, path: &str) -> anyhow::Result<Row> {
    let request = Request::get(path, &[("Accept-Encoding", "br")]);
    let mut client = Client::connect(address).await?;
    let first = client.send(&request).await?;
    ensure!(first.status == 200, "{path} answered {}", first.status);
    let mut again = Vec::new();
    for _ in 0..AGAIN {
        again.push(client.send(&request).await?.took);
    }
    Ok(Row {
        work: "a large grid from the server, brotli".to_owned(),
        data: format!("{} tests × {} columns", LARGE.tests, LARGE.columns),
        seen: format!(
            "{:.0} kB; {} from the store, then {}",
            first.body_bytes as f64 / 1000.0,
            ms(first.took),
            ms(median(&again).unwrap_or_default())
        ),
        target: "≤ 1.2 MB".to_owned(),
        reached: first.body_bytes <= PAYLOAD,
    })
}
