//! `make bench`: the table of speed and memory, with the data named and the
//! target beside each figure. Rows whose data is absent say so.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tests::bench::http::{Client, Request, load};
use tests::bench::process::{RUNS, cold, peak_memory};
use tests::bench::serving::{CLIENTS, option, repeat, settled_memory, site_root, start};
use tests::bench::table::{Row, markdown, median, mib, ms};
use tests::bench::{coverage, grid_emulated, grid_names, grid_serve, grid_update, logs, run_page};
use tests::data;

/// The query that Deck's own page sends.
const ALL_BUILDS: &str =
    "/prowjobs.js?var=allBuilds&omit=annotations,labels,decoration_config,pod_spec";
/// The warnings that the real configuration's own check asks for.
const CI_WARNINGS: [&str; 9] = [
    "mismatched-tide-lenient",
    "tide-strict-branch",
    "needs-ok-to-test",
    "validate-owners",
    "missing-trigger",
    "validate-urls",
    "unknown-fields",
    "duplicate-job-refs",
    "unknown-fields-all",
];

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match runtime.block_on(run()) {
        Ok(rows) => {
            println!("{}", markdown(&rows));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<Vec<Row>> {
    let program = data::root().join("target/release/bowsprit");
    let program = std::env::var_os("BOWSPRIT_PROGRAM").map_or(program, PathBuf::from);
    ensure!(program.is_file(), "{} is not built: `make bench` builds it", program.display());
    // Words after the name of the program choose parts of the table.
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str| chosen.is_empty() || chosen.iter().any(|word| word == part);
    let mut rows = Vec::new();
    let corpus = data::corpus();
    if wanted("config") {
        match &corpus {
            Some(corpus) => {
                rows.push(checkconfig(&program, corpus)?);
                rows.push(reload(corpus)?);
                rows.push(grid_config(&program, corpus)?);
            }
            None => eprintln!(
                "skipped: checkconfig and reload, because BOWSPRIT_CORPUS names no folder"
            ),
        }
    }
    if wanted("lists") {
        match corpus.as_deref().and_then(prow_jobs) {
            Some((corpus, folder)) => {
                rows.extend(lists(&program, &corpus, &folder).await?);
                rows.push(serve_memory(&program, &corpus, &folder).await?);
            }
            None => eprintln!(
                "skipped: the lists, because there are no ProwJobs to load (BOWSPRIT_PROWJOBS)"
            ),
        }
    }
    if wanted("grid-update") {
        match data::results() {
            Some(results) => {
                rows.extend(grid_update::full(&program, &results).await?);
                // One of the programs may not be able to write there; the other rows stand.
                match grid_emulated::row(&program, &results).await {
                    Ok(row) => rows.push(row),
                    Err(error) => eprintln!("skipped: the bucket emulator, because {error:#}"),
                }
            }
            None => eprintln!(
                "skipped: the grid of all results, because BOWSPRIT_RESULTS names no folder"
            ),
        }
        rows.extend(grid_update::one_more_build().await?);
    }
    if wanted("grid-names") {
        rows.extend(grid_names::rows().await?);
    }
    if wanted("grid-memory") {
        match &corpus {
            Some(corpus) => rows.extend(grid_serve::corpus(&program, corpus).await?),
            None => eprintln!(
                "skipped: the index of dashboards and the memory with grids, because \
                 BOWSPRIT_CORPUS names no folder"
            ),
        }
    }
    if wanted("grid-pages") {
        rows.extend(grid_serve::pages(&program).await?);
    }
    if wanted("coverage-merge") {
        rows.push(coverage::merge_many(&program, data::results().as_deref())?);
    }
    if wanted("coverage-pages") {
        rows.push(coverage::heatmap(&program).await?);
    }
    if wanted("logs") {
        rows.extend(logs::rows(&program).await?);
    }
    if wanted("run-page") {
        rows.extend(run_page::rows(&program).await?);
    }
    if wanted("junit") {
        rows.push(run_page::junit_row()?);
    }
    if wanted("intake") {
        rows.push(intake(&program).await?);
    }
    if wanted("site") {
        rows.extend(site());
    }
    Ok(rows)
}

fn checkconfig(program: &Path, corpus: &Path) -> anyhow::Result<Row> {
    let cost = cold(|_| {
        let mut command = Command::new(program);
        command
            .arg("checkconfig")
            .arg(format!("--config-path={}", corpus.join("prow/config.yaml").display()))
            .arg(format!("--job-config-path={}", corpus.join("jobs").display()))
            .arg(format!("--plugin-config={}", corpus.join("prow/plugins.yaml").display()))
            .arg("--strict")
            .args(CI_WARNINGS.map(|warning| format!("--warnings={warning}")));
        command
    })?;
    Ok(Row {
        work: "checkconfig, cold, `--strict` with nine warnings".to_owned(),
        data: "602 job files, 3,849 jobs".to_owned(),
        target: "≤ 350 ms, ≤ 60 MiB".to_owned(),
        reached: cost.within(Duration::from_millis(350), 60 << 20),
        seen: cost.to_string(),
    })
}

fn grid_config(program: &Path, corpus: &Path) -> anyhow::Result<Row> {
    let folder = tempfile::tempdir()?;
    let cost = cold(|_| {
        let mut command = grid_serve::corpus_config(program, corpus, &folder.path().join("config"));
        command
            .arg("--update-description")
            .arg("--prowjob-url-prefix=https://git.k8s.io/test-infra/config/jobs/");
        command
    })?;
    Ok(Row {
        work: "`testgrid config`, the message written".to_owned(),
        data: "146 YAML files, 3,849 jobs".to_owned(),
        target: "≤ 260 ms, ≤ 60 MiB".to_owned(),
        reached: cost.within(Duration::from_millis(260), 60 << 20),
        seen: cost.to_string(),
    })
}

fn reload(corpus: &Path) -> anyhow::Result<Row> {
    let copy = tempfile::tempdir()?;
    let status = Command::new("cp")
        .arg("-r")
        .arg(corpus.join("jobs"))
        .arg(corpus.join("prow"))
        .arg(copy.path())
        .status()?;
    ensure!(status.success(), "the configuration could not be copied");
    let times = tests::bench::reload::measure(copy.path(), RUNS)?;
    let time = median(&times).unwrap_or_default();
    Ok(Row {
        work: "reload after touching one file".to_owned(),
        data: "one of 602 job files".to_owned(),
        seen: ms(time),
        target: "≤ 60 ms".to_owned(),
        reached: time <= Duration::from_millis(60),
    })
}

/// The folder with `prowjobs.json`: given, or generated by the tool beside the corpus.
fn prow_jobs(corpus: &Path) -> Option<(PathBuf, PathBuf)> {
    if let Some(folder) = std::env::var_os("BOWSPRIT_PROWJOBS").map(PathBuf::from) {
        return folder.join("prowjobs.json").is_file().then(|| (corpus.to_owned(), folder));
    }
    let tool = corpus.ancestors().find_map(|folder| {
        let tool = folder.join("tools/gen_prowjobs.py");
        tool.is_file().then_some(tool)
    })?;
    let folder = data::root().join("target/bench-prowjobs");
    let file = folder.join("prowjobs.json");
    if !file.is_file() {
        std::fs::create_dir_all(&folder).ok()?;
        eprintln!("making 22,000 ProwJobs of the configured jobs");
        let made = Command::new("python3")
            .arg(tool)
            .arg(corpus.join("jobs"))
            .arg("22000")
            .arg(&file)
            .stdout(Stdio::null())
            .status();
        if !made.is_ok_and(|status| status.success()) {
            return None;
        }
    }
    Some((corpus.to_owned(), folder))
}

async fn lists(program: &Path, corpus: &Path, folder: &Path) -> anyhow::Result<Vec<Row>> {
    let options = [
        option("config-path", corpus.join("prow/config.yaml")),
        option("job-config-path", corpus.join("jobs")),
        option("pregenerated-data", folder),
    ];
    let (_server, address) = start(program, "deck", &options).await?;
    let data = "22,000 ProwJobs of the corpus' jobs";
    let gzip = Request::get(ALL_BUILDS, &[("Accept-Encoding", "gzip")]);
    let mut client = Client::connect(address).await?;
    let first = client.send(&gzip).await?;
    ensure!(first.status == 200, "/prowjobs.js answered {}", first.status);
    let listing = repeat(address, 2_000, 200, gzip).await?;
    let etag = first.etag.context("an ETag")?;
    let conditional =
        Request::get(ALL_BUILDS, &[("Accept-Encoding", "gzip"), ("If-None-Match", &etag)]);
    let mut not_modified = Vec::new();
    for _ in 0..500 {
        let answer = client.send(&conditional).await?;
        ensure!(answer.status == 304, "a matching ETag was answered {}", answer.status);
        not_modified.push(answer.took);
    }
    let not_modified = median(&not_modified).unwrap_or_default();
    let page = repeat(address, 1_000, 200, Request::get("/", &[])).await?;
    Ok(vec![
        Row {
            work: "`/prowjobs.js`, 8 clients, gzip".to_owned(),
            data: format!("{data}; {} of body", mib(listing.body_bytes)),
            seen: format!("{:.0} requests/s, p99 {}", listing.rate(), ms(listing.percentile(0.99))),
            target: "≥ 200 requests/s, p99 ≤ 100 ms".to_owned(),
            reached: listing.rate() >= 200.0
                && listing.percentile(0.99) <= Duration::from_millis(100),
        },
        Row {
            work: "the same, 304".to_owned(),
            data: data.to_owned(),
            seen: format!("median {}", ms(not_modified)),
            target: "≤ 1 ms".to_owned(),
            reached: not_modified <= Duration::from_millis(1),
        },
        Row {
            work: "first page `/`, 1,000 requests, 8 clients".to_owned(),
            data: format!("{data}; 250 rows in {:.0} kB", page.body_bytes as f64 / 1000.0),
            seen: format!("{:.0} requests/s, p99 {}", page.rate(), ms(page.percentile(0.99))),
            target: "p99 ≤ 50 ms, ≤ 200 kB".to_owned(),
            reached: page.percentile(0.99) <= Duration::from_millis(50)
                && page.body_bytes <= 200_000,
        },
    ])
}

/// The whole process over the same ProwJobs, after it has answered what people and tools ask most.
async fn serve_memory(program: &Path, corpus: &Path, folder: &Path) -> anyhow::Result<Row> {
    let data = tempfile::tempdir()?;
    eprintln!("filling a cluster with the ProwJobs");
    let count = tests::bench::stock::fill(data.path(), folder).await?;
    let options = [
        option("config-path", corpus.join("prow/config.yaml")),
        option("job-config-path", corpus.join("jobs")),
        option("plugin-config", corpus.join("prow/plugins.yaml")),
        option("data-dir", data.path()),
        "--dry-run".to_owned(),
    ];
    let (server, address) = start(program, "serve", &options).await?;
    let gzip = Request::get(ALL_BUILDS, &[("Accept-Encoding", "gzip")]);
    repeat(address, 16, 200, gzip).await?;
    repeat(address, 200, 200, Request::get("/", &[])).await?;
    let memory = settled_memory(&server).await;
    let peak = peak_memory(server.pid()).unwrap_or(0);
    Ok(Row {
        work: "memory of `serve` after 200 pages and 16 lists".to_owned(),
        data: format!("{count} ProwJobs in the embedded cluster, the corpus' configuration"),
        seen: format!("{} (peak {})", mib(memory), mib(peak)),
        target: "≤ 350 MB".to_owned(),
        reached: memory <= 350_000_000,
    })
}

async fn intake(program: &Path) -> anyhow::Result<Row> {
    /// Deliveries of one burst.
    const COUNT: usize = 30_000;
    let folder = tempfile::tempdir()?;
    let secret = folder.path().join("hmac");
    std::fs::write(&secret, "bench")?;
    let config = folder.path().join("config.yaml");
    std::fs::write(&config, "prowjob_namespace: default\n")?;
    let options = [
        option("config-path", &config),
        option("data-dir", folder.path().join("data")),
        option("hmac-secret-file", &secret),
        // Nobody listens there: handling must not hold the intake up.
        "--github-endpoint=http://127.0.0.1:9".to_owned(),
    ];
    let (server, address) = start(program, "serve", &options).await?;
    let burst = load(address, CLIENTS, COUNT, 200, delivery).await?;
    let peak = peak_memory(server.pid()).unwrap_or(0);
    ensure!(burst.unexpected == 0, "{} deliveries were not acknowledged", burst.unexpected);
    drop(server);
    let journal =
        store::Store::open(store::StoreOptions::files(folder.path().join("data"))).await?;
    let kept = tests::bench::journal_rows(&journal).await?;
    ensure!(
        kept == COUNT as u64,
        "{COUNT} deliveries were acknowledged, {kept} are in the journal"
    );
    Ok(Row {
        work: "webhook intake, 8 clients, each delivery on disk".to_owned(),
        data: format!("{COUNT} comments of 2 to 25 kB; {kept} in the journal afterwards"),
        seen: format!(
            "{:.0}/s, p99 {}, peak {}",
            burst.rate(),
            ms(burst.percentile(0.99)),
            mib(peak)
        ),
        target: "≥ 1,500/s, p99 ≤ 20 ms, ≤ 300 MB".to_owned(),
        reached: burst.rate() >= 1_500.0
            && burst.percentile(0.99) <= Duration::from_millis(20)
            && peak <= 300_000_000,
    })
}

/// A signed issue comment; sizes go from 2 to 25 kB.
fn delivery(nth: usize) -> Request {
    let size = 2_000 + (nth * 7_919) % 23_000;
    let text: String =
        (0..size).map(|at| char::from(b'a' + ((at * 31 + nth) % 26) as u8)).collect();
    let body = format!(
        r#"{{"action":"created","issue":{{"number":{nth},"title":"t","body":"b","state":"open","user":{{"login":"u"}}}},"comment":{{"id":{nth},"body":"{text}","user":{{"login":"u"}}}},"repository":{{"full_name":"org/repo","name":"repo","owner":{{"login":"org"}}}},"sender":{{"login":"u"}}}}"#
    );
    let signature = server::web::webhook::signature::sign("bench", body.as_bytes());
    let id = format!("bench-{nth}");
    Request::new(
        "POST",
        "/hook",
        &[
            ("X-GitHub-Event", "issue_comment"),
            ("X-GitHub-Delivery", &id),
            ("X-Hub-Signature-256", &signature),
            ("Content-Type", "application/json"),
        ],
        body.as_bytes(),
    )
}

/// What the site build left: the scripts of the first page.
fn site() -> Option<Row> {
    let pkg = site_root().join("pkg");
    let named = std::fs::read_to_string(pkg.join("assets.txt")).ok()?;
    let mut bytes = 0;
    for line in named.lines() {
        let Some((kind @ ("js" | "wasm"), path)) = line.split_once('=') else { continue };
        let name = path.rsplit('/').next()?;
        match std::fs::metadata(pkg.join(format!("{name}.br"))) {
            Ok(file) => bytes += file.len(),
            Err(error) => {
                eprintln!("skipped: the size of the first page, for its {kind}: {error}");
                return None;
            }
        }
    }
    Some(Row {
        work: "script and WASM of the first page, brotli".to_owned(),
        data: "the built site".to_owned(),
        seen: format!("{:.1} kB", bytes as f64 / 1000.0),
        target: "≤ 250 kB".to_owned(),
        reached: bytes <= 250_000,
    })
}
