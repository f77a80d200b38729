//! The sample that ships with the program: a configuration, real results of
//! real test suites as history, and a repository whose jobs run on this
//! machine.

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use config_load::Config;
use git::GitCommand;
use job_spec::ProwJob;
use store::{RunRow, Store};

use crate::runs::history::row_of;

/// The bucket that holds the results.
pub const BUCKET: &str = "sample-ci";

/// 271 runs with logs and JUnit files, as their jobs left them in the bucket;
/// `server/sample/README.md` tells where they come from.
const HISTORY: &[u8] = include_bytes!("../sample/history.tar.zst");
const CONFIG: &str = include_str!("../sample/config.yaml");
const PLUGINS: &str = include_str!("../sample/plugins.yaml");
const JOBS: [(&str, &str); 2] = [
    ("history.yaml", include_str!("../sample/jobs/history.yaml")),
    ("live.yaml", include_str!("../sample/jobs/live.yaml")),
];
/// The files of the repository `sample/hello`.
const HELLO: [(&str, &str); 4] = [
    ("README.md", include_str!("../sample/hello/README.md")),
    ("ci/checks.sh", include_str!("../sample/hello/ci/checks.sh")),
    ("ci/heartbeat.sh", include_str!("../sample/hello/ci/heartbeat.sh")),
    ("ci/flaky.sh", include_str!("../sample/hello/ci/flaky.sh")),
];
/// The files of the test grid's configuration.
const TESTGRIDS: [(&str, &str); 2] = [
    ("default.yaml", include_str!("../../testgrid-config/default.yaml")),
    ("sample.yaml", include_str!("../../testgrid-config/sample.yaml")),
];
/// Raised when the history changes, so that an older folder is filled again.
const HISTORY_VERSION: &str = "2";
/// The file that says which history is unpacked and in the database.
const MARKER: &str = "history-version";
/// The name of the files that later runs rewrite.
const LATEST_BUILD: &str = "latest-build.txt";
/// Stands in the configuration for the address at which the sample is served.
const HOME: &str = "http://localhost:8080";
/// Stands in job files for the folder of the sample's repositories.
const GIT_MARK: &str = "@GIT@";

/// Where the sample lies after unpacking.
#[derive(Clone, Debug)]
pub struct Layout {
    /// config.yaml
    pub config: PathBuf,
    /// The folder of job files.
    pub jobs: PathBuf,
    /// plugins.yaml
    pub plugins: PathBuf,
    /// The folder of the test grid's configuration.
    pub testgrid: PathBuf,
    /// The folder that is the bucket [`BUCKET`].
    pub bucket: PathBuf,
    /// The repository `sample/hello`.
    pub hello: PathBuf,
    /// Whether the history was unpacked just now, so that [`index`] is due.
    pub fresh: bool,
    marker: PathBuf,
}

/// Writes the sample below the data folder. The configuration is written each
/// time; the history until [`index`] has succeeded with it, since afterwards
/// new runs join it.
pub async fn unpack(data_dir: &Path, addr: SocketAddr) -> anyhow::Result<Layout> {
    let data_dir = std::path::absolute(data_dir)?;
    let root = data_dir.join("sample");
    let layout = Layout {
        config: root.join("config.yaml"),
        jobs: root.join("jobs"),
        plugins: root.join("plugins.yaml"),
        testgrid: testgrid_folder(&root),
        bucket: data_dir.join("buckets").join(BUCKET),
        hello: root.join("git/hello"),
        fresh: false,
        marker: root.join(MARKER),
    };
    let git = root.join("git").display().to_string();
    write(&layout.config, &CONFIG.replace(HOME, &home(addr)))?;
    write(&layout.plugins, PLUGINS)?;
    for (name, content) in JOBS {
        write(&layout.jobs.join(name), &content.replace(GIT_MARK, &git))?;
    }
    for (name, content) in TESTGRIDS {
        write(&root.join("testgrid-config").join(name), content)?;
    }
    make_hello(&layout.hello).await?;
    let fresh = std::fs::read_to_string(&layout.marker).ok().as_deref() != Some(HISTORY_VERSION);
    if fresh {
        tracing::info!("unpacking the sample's results to {}", layout.bucket.display());
        let bucket = layout.bucket.clone();
        let files = tokio::task::spawn_blocking(move || unpack_history(&bucket)).await??;
        tracing::info!(files.count = files, "the sample's results are unpacked");
    }
    Ok(Layout { fresh, ..layout })
}

/// The address in links for people at this machine.
fn home(addr: SocketAddr) -> String {
    match addr.ip().is_loopback() || addr.ip().is_unspecified() {
        true => format!("http://localhost:{}", addr.port()),
        false => format!("http://{addr}"),
    }
}

/// The folder `testgrid-config` of the sources where the server is started from them, so that an edit
/// shows at once; else the copy that comes with the program.
fn testgrid_folder(root: &Path) -> PathBuf {
    let sources = Path::new("testgrid-config");
    match sources.join("sample.yaml").is_file() {
        true => sources.to_owned(),
        false => root.join("testgrid-config"),
    }
}

/// Gives the number of files.
fn unpack_history(bucket: &Path) -> anyhow::Result<usize> {
    let failed = || format!("unpacking the sample's results to {}", bucket.display());
    std::fs::create_dir_all(bucket).with_context(failed)?;
    let mut decoder = zstd::Decoder::new(HISTORY).context("reading the sample's results")?;
    // The archive was packed with a window larger than decoders take unasked.
    decoder.window_log_max(27)?;
    let mut files = 0;
    for entry in tar::Archive::new(decoder).entries().with_context(failed)? {
        let mut entry = entry.with_context(failed)?;
        let path = entry.path().with_context(failed)?.into_owned();
        // A rerun of one of these jobs has written a newer one.
        if path.ends_with(LATEST_BUILD) && bucket.join(&path).exists() {
            continue;
        }
        entry.unpack_in(bucket).with_context(failed)?;
        files += usize::from(entry.header().entry_type().is_file());
    }
    Ok(files)
}

/// Makes the repository with a commit per file, so that it has a history. It
/// appears at once: one that was begun and interrupted would fail every clone.
async fn make_hello(target: &Path) -> anyhow::Result<()> {
    if target.exists() {
        return Ok(());
    }
    let repo = &target.with_extension("new");
    if repo.exists() {
        std::fs::remove_dir_all(repo).with_context(|| format!("removing {}", repo.display()))?;
    }
    std::fs::create_dir_all(repo).with_context(|| format!("making {}", repo.display()))?;
    let git = |args: &[&str]| {
        GitCommand::new()
            .dir(repo)
            .env("GIT_AUTHOR_NAME", "Bowsprit sample")
            .env("GIT_AUTHOR_EMAIL", "sample@localhost")
            .env("GIT_COMMITTER_NAME", "Bowsprit sample")
            .env("GIT_COMMITTER_EMAIL", "sample@localhost")
            .args(args)
            .run()
    };
    git(&["init", "--quiet", "--initial-branch=main"]).await?;
    for (name, content) in HELLO {
        write(&repo.join(name), content)?;
        git(&["add", "--", name]).await?;
        git(&["commit", "--quiet", "--message", &format!("Add {name}")]).await?;
    }
    std::fs::rename(repo, target).with_context(|| format!("making {}", target.display()))
}

/// The repositories that the sample's jobs clone. Whoever serves the sample
/// asks for exactly these jobs, so they may run here.
pub fn repositories(config: &Config) -> Vec<String> {
    let listed = config.jobs.presubmits.keys().chain(config.jobs.postsubmits.keys()).cloned();
    let cloned = config
        .jobs
        .periodics
        .iter()
        .flat_map(|job| &job.base.utility.extra_refs)
        .map(|refs| refs.org_repo());
    listed.chain(cloned).collect()
}

/// Puts the history into the database. Doing it again changes nothing.
pub async fn index(layout: &Layout, store: &Store) -> anyhow::Result<usize> {
    let bucket = layout.bucket.clone();
    let rows = tokio::task::spawn_blocking(move || rows(&bucket)).await??;
    let count = rows.len();
    store.runs().upsert(rows).await.context("writing the sample's runs to the history")?;
    // Only now: whoever is interrupted before begins again.
    write(&layout.marker, HISTORY_VERSION)?;
    Ok(count)
}

/// The history row of each run below the bucket.
fn rows(bucket: &Path) -> anyhow::Result<Vec<RunRow>> {
    let mut found = Vec::new();
    let mut folders = vec![bucket.to_owned()];
    while let Some(folder) = folders.pop() {
        let prowjob = folder.join("prowjob.json");
        if prowjob.is_file() {
            found.extend(row(bucket, &folder, &prowjob)?);
            continue;
        }
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        folders.extend(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    Ok(found)
}

fn row(bucket: &Path, folder: &Path, prowjob: &Path) -> anyhow::Result<Option<RunRow>> {
    let mut text = String::new();
    std::fs::File::open(prowjob)
        .and_then(|mut file| file.read_to_string(&mut text))
        .with_context(|| format!("reading {}", prowjob.display()))?;
    // A run that this server made has its own row, with what came later.
    let Ok(job) = serde_json::from_str::<ProwJob>(&text) else { return Ok(None) };
    let path = folder.strip_prefix(bucket).unwrap_or(folder).display().to_string();
    Ok(Some(row_of(&job, &format!("gs://{BUCKET}/{path}"))))
}

fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    // A file that says the same already keeps its time, and nothing reloads.
    if std::fs::read_to_string(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    std::fs::write(path, content).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests;
