//! A PostgreSQL server for the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor};

/// The longest that a throw-away server may take to answer.
const START_WAIT: Duration = Duration::from_secs(60);

/// The URL of the server's `postgres` database, or why there is none.
pub(crate) fn server() -> Result<&'static str, &'static str> {
    static SERVER: OnceLock<Result<String, String>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match std::env::var("TEST_DATABASE_URL") {
        Ok(url) => Ok(url),
        Err(_) => start(),
    });
    server.as_deref().map_err(String::as_str)
}

/// Makes an empty database of this name and answers its URL.
pub(crate) async fn database(name: &str) -> Result<String, String> {
    let server = server()?;
    let mut last = String::new();
    let started = Instant::now();
    while started.elapsed() < START_WAIT {
        match sqlx::PgConnection::connect(server).await {
            Ok(mut connection) => {
                let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS \"{name}\""));
                let create = AssertSqlSafe(format!("CREATE DATABASE \"{name}\""));
                connection.execute(drop).await.map_err(|error| error.to_string())?;
                connection.execute(create).await.map_err(|error| error.to_string())?;
                connection.close().await.ok();
                return Ok(match server.split_once("/postgres?") {
                    Some((base, rest)) => format!("{base}/{name}?{rest}"),
                    None => match server.rsplit_once('/') {
                        Some((base, _)) => format!("{base}/{name}"),
                        None => server.to_string(),
                    },
                });
            }
            Err(error) => last = error.to_string(),
        }
        tokio::task::yield_now().await;
    }
    Err(format!("PostgreSQL does not answer: {last}"))
}

/// Starts a server that ends with this process: a shell holds it and reads from a pipe whose other
/// end is ours.
fn start() -> Result<String, String> {
    let programs = programs().ok_or("PostgreSQL is not installed")?;
    let folder = tempfile::Builder::new()
        .prefix("bowsprit-pg-")
        .tempdir_in("/tmp")
        .map_err(|error| error.to_string())?
        .keep();
    let root = Command::new("id")
        .arg("-u")
        .output()
        .map(|output| output.stdout.starts_with(b"0\n"))
        .unwrap_or(false);
    // The server refuses to run as root.
    let user = if root { "runuser -u postgres --" } else { "" };
    if root {
        let given = Command::new("chown").arg("postgres").arg(&folder).status();
        if !given.is_ok_and(|status| status.success()) {
            return Err("running as root, and there is no user `postgres`".to_string());
        }
    }
    let script = format!(
        "cd '{folder}' || exit 1
         {user} '{programs}/initdb' -D '{folder}/data' -U postgres -A trust -E UTF8 --no-sync \
            --locale=C >'{folder}/initdb.log' 2>&1 || exit 1
         {user} '{programs}/postgres' -D '{folder}/data' -k '{folder}' -c listen_addresses='' \
            -c fsync=off -c max_connections=300 >'{folder}/server.log' 2>&1 &
         cat >/dev/null
         kill -INT \"$(head -n 1 '{folder}/data/postmaster.pid')\"; wait; rm -rf '{folder}'",
        folder = folder.display(),
        programs = programs.display(),
    );
    let mut shell = Command::new("sh")
        .arg("-c")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    // Kept open until this process ends, however it ends.
    std::mem::forget(shell.stdin.take());
    Ok(format!("postgres://postgres@localhost/postgres?host={}", folder.display()))
}

/// The folder of the newest installed server's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            Path::new(&programs).join("postgres").is_file().then_some((version, programs))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, programs)| programs)
}
