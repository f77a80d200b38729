//! Servers under load: where they listen, when they are ready, how they answer, what they hold.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::http::{Client, Load, Request, load};
use super::process::{Server, resident_memory};
use super::table::median;
use crate::data;

/// Clients of the load rows.
pub const CLIENTS: usize = 8;
/// How long a server may take until it answers.
const START_WITHIN: Duration = Duration::from_secs(120);
/// Seconds over which resident memory is watched.
const SETTLE: usize = 10;

/// The built site; the Makefile names it.
pub fn site_root() -> PathBuf {
    std::env::var_os("BOWSPRIT_SITE")
        .map_or_else(|| data::root().join("target/site"), PathBuf::from)
}

/// An option of the program with a path as its value.
pub fn option(name: &str, value: impl AsRef<Path>) -> String {
    format!("--{name}={}", value.as_ref().display())
}

/// Starts a role of the program, such as `serve`, with the built site at a free address, and waits
/// until it is ready.
///
/// # Errors
/// It does not start, or is not ready in time.
pub async fn start(
    program: &Path,
    role: &str,
    options: &[String],
) -> anyhow::Result<(Server, SocketAddr)> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let always = [role.to_owned(), format!("--addr={address}"), option("site-root", site_root())];
    let args: Vec<&str> = always.iter().chain(options).map(String::as_str).collect();
    let server = Server::start(program, &args)?;
    wait_for(address, "/healthz/ready").await?;
    Ok((server, address))
}

/// Waits until a server answers a path with 200.
pub async fn wait_for(address: SocketAddr, path: &str) -> anyhow::Result<()> {
    let until = Instant::now() + START_WITHIN;
    let request = Request::get(path, &[]);
    loop {
        if let Ok(mut client) = Client::connect(address).await
            && client.send(&request).await.is_ok_and(|answer| answer.status == 200)
        {
            return Ok(());
        }
        ensure!(Instant::now() < until, "the server did not answer within {START_WITHIN:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sends a request `count` times from [`CLIENTS`] connections, after a few to warm up.
pub async fn repeat(
    address: SocketAddr,
    count: usize,
    expected: u16,
    request: Request,
) -> anyhow::Result<Load> {
    let warm = request.clone();
    load(address, CLIENTS, CLIENTS * 4, expected, move |_| warm.clone()).await?;
    let load = load(address, CLIENTS, count, expected, move |_| request.clone()).await?;
    ensure!(load.unexpected == 0, "{} answers were not {expected}", load.unexpected);
    Ok(load)
}

/// The resident memory of a server in bytes, the median of some seconds.
pub async fn settled_memory(server: &Server) -> u64 {
    let mut seen = Vec::new();
    for _ in 0..SETTLE {
        tokio::time::sleep(Duration::from_secs(1)).await;
        seen.extend(resident_memory(server.pid()));
    }
    median(&seen).unwrap_or(0)
}
