//! kill -9 and a disk that fills up, on real processes and real file systems.
//!
//! The tests start this very test program again as a child that only runs the part named `child`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use go_compat::Timestamp;
use store::{Appended, DeliveryId, NewDelivery, Store, StoreError, StoreOptions};

/// The bound of every wait: generous, for a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// Names the data directory to a child; without it a child test does nothing.
const CHILD: &str = "BOWSPRIT_STORE_TEST_CHILD";

fn delivery(number: i64, size: usize) -> NewDelivery {
    let mut noise = (number as u64).wrapping_add(1);
    let body: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (noise >> 56) as u8
    })
    .take(size)
    .collect();
    NewDelivery {
        delivery_id: number.to_string(),
        event: "push".to_string(),
        repository: String::new(),
        headers: Vec::new(),
        body: Bytes::from(body),
        received: Timestamp::EPOCH,
    }
}

fn this_test(name: &str) -> (std::path::PathBuf, [String; 4]) {
    let args = ["--exact", name, "--nocapture", "--test-threads=1"].map(str::to_string);
    (std::env::current_exe().unwrap(), args)
}

/// Appends for ever with eight tasks and prints what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_appends() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let store = Store::open(StoreOptions::files(folder)).await.unwrap();
    let base = store.deliveries().list(&Default::default(), 1).await.unwrap();
    let base = base.first().map_or(0, |delivery| delivery.id.0) * 1_000;
    let mut tasks = Vec::new();
    for task in 0..8 {
        let journal = store.deliveries();
        tasks.push(tokio::spawn(async move {
            for number in 0.. {
                let key = base + number * 8 + task;
                if let Appended::New(id) = journal.append(delivery(key, 4_000)).await.unwrap() {
                    println!("acknowledged {} {key}", id.0);
                }
            }
        }));
    }
    futures::future::join_all(tasks).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let (program, args) = this_test("sqlite_kills::child_that_appends");
    let mut acknowledged: Vec<(i64, String)> = Vec::new();
    for round in 0..12 {
        let mut child = Command::new(&program)
            .args(&args)
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // A different moment every time: in the first commit, between two, in a checkpoint.
        let mut left = 1 + round * round * 9;
        while left > 0 {
            let line = lines.next().unwrap().unwrap();
            // The test harness writes the test's name before the first line.
            let Some((_, rest)) = line.split_once("acknowledged ") else { continue };
            let (id, key) = rest.split_once(' ').unwrap();
            acknowledged.push((id.parse().unwrap(), key.to_string()));
            left -= 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What was printed before the kill was acknowledged as well; the last line may be cut.
        for line in lines.map_while(Result::ok) {
            if let Some((id, key)) =
                line.split_once("acknowledged ").and_then(|(_, rest)| rest.split_once(' '))
                && let Ok(id) = id.parse()
            {
                acknowledged.push((id, key.to_string()));
            }
        }
        let store = Store::open(StoreOptions::files(folder.path())).await.unwrap();
        for (id, key) in &acknowledged {
            let found = store.deliveries().get(DeliveryId(*id)).await.unwrap();
            let found = found.unwrap_or_else(|| panic!("delivery {id} is lost in round {round}"));
            assert!(found.delivery_id.starts_with(key.as_str()));
            assert!(found.body_kept);
        }
        store.close().await;
    }
    assert!(acknowledged.len() > 1_000);
}

/// Opens a store in an empty folder.
#[tokio::test]
async fn child_that_opens() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    Store::open(StoreOptions::files(folder)).await.unwrap();
    println!("opened");
    // Killed from outside.
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_store_whose_making_was_interrupted_opens_the_next_time() {
    let (program, args) = this_test("sqlite_kills::child_that_opens");
    let bytes = |folder: &Path| -> u64 {
        let files = std::fs::read_dir(folder).unwrap().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
    };
    // Killed when so much is on disk: during the first page, the migrations, or after them.
    for wanted in (0..20).map(|step| step * 12_000 + 1) {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(&program)
            .args(&args)
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let opened = std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).any(|line| line.contains("opened"))
        });
        let started = Instant::now();
        while bytes(folder.path()) < wanted && !opened.is_finished() {
            assert!(started.elapsed() < SOON, "a store opens within {SOON:?}");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        opened.join().unwrap();
        let store = Store::open(StoreOptions::files(folder.path())).await.unwrap();
        store.check().await.unwrap();
        store.close().await;
    }
}

/// Runs inside of a file system of 8 MB, mounted at the folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_on_a_small_disk() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let folder = Path::new(&folder);
    let store = Store::open(StoreOptions::files(folder)).await.unwrap();
    let journal = store.deliveries();
    let filler = folder.join("filler");
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        // Somebody else takes all the space there is.
        let mut ballast = std::fs::File::create(&filler).unwrap();
        let full = std::io::copy(&mut std::io::repeat(0), &mut ballast);
        assert!(full.is_err());
        drop(ballast);
        let error = journal.append(delivery(-1 - round, 20_000)).await.unwrap_err();
        let unharmed = matches!(error, StoreError::Full { .. } | StoreError::Io { .. })
            && error.is_transient();
        assert!(unharmed, "{error}");
        for id in &acknowledged {
            assert!(journal.body(*id).await.unwrap().is_some());
        }
        std::fs::remove_file(&filler).unwrap();
        for number in 0..10 {
            let appended = journal.append(delivery(round * 10 + number, 20_000)).await.unwrap();
            acknowledged.push(appended.id());
        }
    }
    store.close().await;
    let store = Store::open(StoreOptions::files(folder)).await.unwrap();
    assert_eq!(store.deliveries().counts().await.unwrap().pending, 30);
    store.close().await;
    println!("small disk survived");
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let (program, args) = this_test("sqlite_kills::child_on_a_small_disk");
    let mount = "mount -t tmpfs -o size=8m none \"$0\" || exit 77; exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", mount])
        .arg(folder.path())
        .arg(program)
        .args(args)
        .env(CHILD, folder.path())
        .output();
    let output = match output {
        Ok(output) if output.status.code() == Some(77) => {
            println!("skipped: a small file system cannot be mounted here");
            return;
        }
        Err(error) => {
            println!("skipped: no namespace of our own: {error}");
            return;
        }
        Ok(output) => output,
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && complaints.contains("unshare") {
        println!("skipped: no namespace of our own: {complaints}");
        return;
    }
    assert!(text.contains("small disk survived"), "{text}\n{complaints}");
}
