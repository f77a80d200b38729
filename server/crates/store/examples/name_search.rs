//! Measures the search of test names: 2.3 million distinct names in groups of a thousand, then
//! searches for common and rare words, and how long adding one group takes at that size.
//!
//! ```text
//! cargo run --release -p store --example name_search -- [NAMES]
//! ```

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use store::{Store, StoreOptions};

/// Rows of one group.
const GROUP: usize = 1_000;

/// Searches of each kind, for the median and the slowest.
const READS: usize = 20;

/// Parts of which the names are made, as the tests of a large project are.
const SIGS: [&str; 8] =
    ["storage", "network", "apps", "node", "cli", "auth", "scheduling", "instrumentation"];
const WHAT: [&str; 7] = [
    "CSI Volumes Driver: csi-hostpath",
    "Services should serve endpoints on same port and different protocols",
    "StatefulSet Basic functionality should perform rolling updates",
    "Pods Extended Pod Container lifecycle",
    "Kubectl client Simple pod should return command exit codes",
    "ConfigMap updates should be reflected in volume",
    "SchedulerPredicates validates resource limits of pods",
];

fn name(number: usize) -> String {
    let sig = SIGS[number % SIGS.len()];
    let what = WHAT[number / 8 % WHAT.len()];
    match number {
        1_234_567 => format!("[sig-{sig}] {what} with a zebra qj"),
        _ => format!("[sig-{sig}] {what} case {number:x} [Conformance]"),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(2_300_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let store = Store::open(StoreOptions::files(folder.path())).await?;
    let grids = store.grid();
    let mut out = std::io::stdout();
    let started = Instant::now();
    for first in (0..count).step_by(GROUP) {
        let rows = (first..count.min(first + GROUP)).map(name).collect();
        grids.put_builds(&format!("group-{}", first / GROUP), 0, rows, Vec::new()).await?;
    }
    let elapsed = started.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(folder.path().join("grid.db"))?.len();
    writeln!(
        out,
        "{count} names in {elapsed:.0} s: {:.0}/s, {} MB",
        count as f64 / elapsed,
        bytes >> 20
    )?;
    let searches: [&[&str]; 9] = [
        &["sig-storage"],
        &["csi", "volume", "conformance"],
        &["zebra"],
        &["storage", "zebra"],
        &["case 12d687"],
        &["nowhere to be found"],
        &["e"],
        &["qj"],
        &["~~"],
    ];
    for words in searches {
        let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..READS {
            let before = Instant::now();
            found = grids.search_rows(&words, 50).await?.hits.len();
            times.push(before.elapsed().as_secs_f64() * 1_000.0);
        }
        times.sort_by(f64::total_cmp);
        let (median, slowest) = (times[READS / 2], times[READS - 1]);
        writeln!(out, "{words:?}: {found} names, median {median:.1} ms, slowest {slowest:.1} ms")?;
    }
    let before = Instant::now();
    let rows = (count..count + GROUP).map(name).collect();
    grids.put_builds("one more", 0, rows, Vec::new()).await?;
    writeln!(out, "one more group: {:.0} ms", before.elapsed().as_secs_f64() * 1_000.0)?;
    let before = Instant::now();
    grids.remove_group("group-1").await?;
    writeln!(out, "one group less: {:.0} ms", before.elapsed().as_secs_f64() * 1_000.0)?;
    store.close().await;
    Ok(())
}
