//! Measures the journal: eight clients append deliveries of 2 to 25 KB as fast as they are
//! acknowledged. Prints one line: rate, latencies and memory.
//!
//! ```text
//! cargo run --release -p store --example journal_rate -- [SECONDS] [FOLDER]
//! ```

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clock::{Clock, SystemClock};
use store::{NewDelivery, Store, StoreOptions};

const CLIENTS: usize = 8;

/// A body like GitHub's: JSON with names, addresses and hashes, some of it different every time.
fn body(seed: &mut u64, size: usize) -> Bytes {
    let mut text = String::from("{\"action\":\"created\",\"items\":[");
    while text.len() < size {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!(
            "{{\"id\":{},\"node_id\":\"MDEyOklzc3VlQ29tbWVudDE=\",\"sha\":\"{:016x}{:016x}\",\
             \"html_url\":\"https://github.com/kubernetes/test-infra/pull/{}\",\
             \"user\":{{\"login\":\"user-{}\",\"type\":\"User\",\"site_admin\":false}}}},",
            *seed >> 20,
            seed.rotate_left(17),
            seed.rotate_left(31),
            *seed % 40_000,
            *seed % 997,
        ));
    }
    text.truncate(size.saturating_sub(2));
    text.push_str("]}");
    Bytes::from(text)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let seconds: u64 = args.next().map_or(Ok(10), |text| text.parse())?;
    let scratch = tempfile::tempdir()?;
    let folder = args.next().map_or(scratch.path().to_path_buf(), Into::into);
    let store = Store::open(StoreOptions::files(&folder)).await?;
    let started = Instant::now();
    let end = Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for client in 0..CLIENTS {
        let journal = store.deliveries();
        let clock = Arc::new(SystemClock);
        tasks.push(tokio::spawn(async move {
            let mut seed = client as u64 + 1;
            let mut latencies = Vec::new();
            let mut bytes = 0;
            while started.elapsed() < end {
                let size = 2_000 + (seed >> 33) as usize % 23_000;
                let body = body(&mut seed, size);
                bytes += body.len();
                let delivery = NewDelivery {
                    delivery_id: format!("{client}-{}", latencies.len()),
                    event: "issue_comment".to_string(),
                    repository: "kubernetes/test-infra".to_string(),
                    headers: vec![("X-GitHub-Event".to_string(), "issue_comment".to_string())],
                    body,
                    received: clock.now(),
                };
                let before = Instant::now();
                if journal.append(delivery).await.is_ok() {
                    latencies.push(before.elapsed());
                }
            }
            (latencies, bytes)
        }));
    }
    let mut latencies = Vec::new();
    let mut bytes = 0;
    for task in tasks {
        let (mut part, size) = task.await?;
        latencies.append(&mut part);
        bytes += size;
    }
    let elapsed = started.elapsed().as_secs_f64();
    latencies.sort();
    let at = |share: f64| {
        let index =
            ((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1));
        latencies.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
    };
    let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = memory.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    let size = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |meta| meta.len());
    writeln!(
        std::io::stdout(),
        "{} appends in {elapsed:.1} s by {CLIENTS} clients: {:.0}/s, {:.1} MB/s of payload; \
         p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, max {:.1} ms; file {} MB, log {} MB; {}",
        latencies.len(),
        latencies.len() as f64 / elapsed,
        bytes as f64 / elapsed / 1e6,
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
        size("journal.db") >> 20,
        size("journal.db-wal") >> 20,
        memory.split_whitespace().collect::<Vec<_>>().join(" "),
    )?;
    store.close().await;
    Ok(())
}
