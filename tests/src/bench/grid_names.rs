//! The search of a test's name over all tabs, in a store that has millions of them.

#![allow(clippy::print_stderr, reason = "a part of a program that prints a table")]

use std::time::{Duration, Instant};

use store::{GridStore, Store, StoreOptions};

use super::table::{Row, median, mib, ms};

/// Names in the store.
const NAMES: usize = 2_300_000;
/// Rows of one group.
const GROUP: usize = 1_000;
/// Searches for each of the words.
const READS: usize = 20;
/// The most names that a search answers with.
const ANSWERS: usize = 50;
/// Every search answers within this time.
const SEARCH: Duration = Duration::from_millis(150);
/// Common and rare words, several, a part of one, one that is nowhere, and such without three
/// letters.
const SEARCHES: [&[&str]; 9] = [
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
    let what = WHAT[number / SIGS.len() % WHAT.len()];
    match number {
        1_234_567 => format!("[sig-{sig}] {what} with a zebra qj"),
        _ => format!("[sig-{sig}] {what} case {number:x} [Conformance]"),
    }
}

/// Fills a store with names, searches them, and adds one group more.
///
/// # Errors
/// The store cannot be written or read.
pub async fn rows() -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(StoreOptions::files(folder.path())).await?;
    let grids = store.grid();
    eprintln!("writing {NAMES} names");
    for first in (0..NAMES).step_by(GROUP) {
        let rows = (first..NAMES.min(first + GROUP)).map(name).collect();
        grids.put_builds(&format!("group-{}", first / GROUP), 0, rows, Vec::new()).await?;
    }
    let bytes = std::fs::metadata(folder.path().join("grid.db"))?.len();
    let mut slowest = (Duration::ZERO, "");
    let mut medians = Vec::new();
    for words in SEARCHES {
        let times = search(&*grids, words).await?;
        medians.extend(median(&times));
        let worst = times.into_iter().max().unwrap_or_default();
        slowest = slowest.max((worst, words[0]));
    }
    let before = Instant::now();
    let rows = (NAMES..NAMES + GROUP).map(name).collect();
    grids.put_builds("one more", 0, rows, Vec::new()).await?;
    let added = before.elapsed();
    store.close().await;
    Ok(vec![Row {
        work: "search of a test's name over all tabs".to_owned(),
        data: format!("{NAMES} names, {}; {} searches of {READS}", mib(bytes), SEARCHES.len()),
        seen: format!(
            "median {}, slowest {} (`{}`); a group of {GROUP} more in {}",
            ms(median(&medians).unwrap_or_default()),
            ms(slowest.0),
            slowest.1,
            ms(added)
        ),
        target: "≤ 150 ms".to_owned(),
        reached: slowest.0 <= SEARCH,
    }])
}

async fn search(grids: &dyn GridStore, words: &[&str]) -> anyhow::Result<Vec<Duration>> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        let before = Instant::now();
        grids.search_rows(&words, ANSWERS).await?;
        times.push(before.elapsed());
    }
    Ok(times)
}
