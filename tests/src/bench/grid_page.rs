//! The page of a large tab in a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clock::{Clock, SystemClock};
use grid::proto::config::TestGroup;
use serde::Deserialize;
use store::{Store, StoreOptions};

use super::grid_update::{read_config, summarize};
use super::table::{Row, mib};
use crate::data;
use crate::grids::{self, LARGE, SMALL, Shape, Suite, TABS};

/// The dashboard with the largest grid; its tab has the same name.
pub const DASHBOARD: &str = "large";
/// The dashboard with the most tabs.
pub const MANY: &str = "many";
/// The bucket that the builds came from.
pub const BUCKET: &str = "made-up";
/// A filter that a good part of the rows passes.
const FILTER: &str = "Test[A-M]";

/// What the browser measured.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Figures {
    /// In a tab that was open, as whoever comes from the dashboard has it.
    paint_ms: f64,
    limit_ms: f64,
    /// In a new window, while the browser loads its own toolbars beside it.
    window_paint_ms: f64,
    window_limit_ms: f64,
    fps: f64,
    limit_fps: f64,
    filter_ms: f64,
    payload_bytes: u64,
    decoded_bytes: u64,
    heap_bytes: u64,
}

/// Fills a data folder with the largest grid and with a dashboard of many tabs; returns the
/// configuration of both.
pub async fn fill(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let suite = Suite::load()?;
    std::fs::create_dir_all(data_dir)?;
    let store = Store::open(StoreOptions::files(data_dir)).await?;
    let now_ms = SystemClock.now().millis();
    let many: Vec<String> = (0..TABS).map(|at| format!("job-{at:03}")).collect();
    put(&store, DASHBOARD, &suite, &LARGE, now_ms).await?;
    for (at, name) in many.iter().enumerate() {
        let shape = Shape { seed: SMALL.seed + at as u64, ..SMALL };
        put(&store, name, &suite, &shape, now_ms).await?;
    }
    let file = data_dir.join("testgrid.yaml");
    let dashboards = [(DASHBOARD, vec![DASHBOARD.to_owned()]), (MANY, many.clone())];
    std::fs::write(&file, grids::configuration(&dashboards))?;
    let groups = many.iter().map(String::as_str).chain([DASHBOARD]);
    summarize(&store, read_config(file.clone()), groups).await?;
    Ok(file)
}

async fn put(
    store: &Store,
    name: &str,
    suite: &Suite,
    shape: &Shape,
    now_ms: i64,
) -> anyhow::Result<()> {
    let group = TestGroup {
        name: name.to_owned(),
        gcs_prefix: format!("{BUCKET}/logs/{name}"),
        ..TestGroup::default()
    };
    grids::fill(store, &group, suite, shape, now_ms).await?;
    Ok(())
}

/// Opens the large tab of a server in Chromium. Nothing where the browser's tools are not installed.
pub fn measure(server: &str) -> anyhow::Result<Option<Vec<Row>>> {
    let folder = data::root().join("end2end");
    if !folder.join("node_modules/@playwright").is_dir() {
        return Ok(None);
    }
    let output = Command::new("node")
        .arg("bench-grid.mjs")
        .arg(format!("{server}/testgrid/{DASHBOARD}/{DASHBOARD}"))
        .arg(format!("{server}/api/v1/dashboards/{DASHBOARD}/tabs/{DASHBOARD}"))
        .arg(FILTER)
        .current_dir(&folder)
        .output()
        .context("starting node")?;
    ensure!(
        output.status.success(),
        "end2end/bench-grid.mjs failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let figures = serde_json::from_slice(&output.stdout).context("reading what it measured")?;
    Ok(Some(rows(&figures)))
}

fn rows(seen: &Figures) -> Vec<Row> {
    let data = format!("{} tests × {} columns", LARGE.tests, LARGE.columns);
    let row = |work: &str, seen: String, target: &str, reached: bool| Row {
        work: format!("tab in Chromium: {work}"),
        data: data.clone(),
        seen,
        target: target.to_owned(),
        reached,
    };
    vec![
        row(
            "first paint after data",
            format!(
                "{:.0} ms; a plain canvas page {:.0} ms (first page of a new window {:.0} and {:.0} ms)",
                seen.paint_ms, seen.limit_ms, seen.window_paint_ms, seen.window_limit_ms
            ),
            "≤ 250 ms, ≤ 1.3 × the plain page",
            seen.paint_ms <= 250.0 && seen.paint_ms <= 1.3 * seen.limit_ms,
        ),
        row(
            "scroll, 5th percentile",
            format!("{:.0} frames/s; the plain page {:.0}", seen.fps, seen.limit_fps),
            "≥ 55 frames/s",
            seen.fps >= 55.0,
        ),
        row("filter", format!("{:.0} ms", seen.filter_ms), "≤ 50 ms", seen.filter_ms <= 50.0),
        row(
            "payload",
            format!(
                "{:.0} kB ({:.0} kB unpacked)",
                seen.payload_bytes as f64 / 1000.0,
                seen.decoded_bytes as f64 / 1000.0
            ),
            "≤ 1.2 MB brotli",
            seen.payload_bytes <= 1_200_000 && seen.payload_bytes < seen.decoded_bytes,
        ),
        row("memory", mib(seen.heap_bytes), "≤ 120 MB", seen.heap_bytes <= 120_000_000),
    ]
}
