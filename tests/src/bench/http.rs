//! A small keep-alive HTTP/1.1 client. It reads bodies without keeping them,
//! so that the measuring side takes little of the machine.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One request, ready to be sent again and again.
#[derive(Clone, Debug)]
pub struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// A GET with extra headers.
    pub fn get(path: &str, headers: &[(&str, &str)]) -> Self {
        Self::new("GET", path, headers, &[])
    }

    /// A request with a body.
    pub fn new(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        Self { bytes }
    }
}

/// What one answer was.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Bytes of the body as sent.
    pub body_bytes: u64,
    /// The `ETag`, if any.
    pub etag: Option<String>,
    /// From the first byte sent to the last byte read.
    pub took: Duration,
}

/// A kept connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

const BUFFER: usize = 256 * 1024;

impl Client {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("connecting to the server")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER] })
    }

    /// Sends a request and reads its whole answer.
    pub async fn send(&mut self, request: &Request) -> anyhow::Result<Answer> {
        let started = Instant::now();
        self.stream.write_all(&request.bytes).await?;
        let mut filled = 0;
        let head_end = loop {
            if filled == self.buffer.len() {
                bail!("the answer's head is longer than {BUFFER} bytes");
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                bail!("the server closed the connection before it answered");
            }
            filled += read;
            if let Some(at) = find(&self.buffer[..filled], b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).context("a status")?;
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let etag = header("etag");
        let mut body_bytes = 0;
        if let Some(length) = header("content-length") {
            let length: u64 = length.parse().context("a content length")?;
            let mut have = (filled - head_end) as u64;
            while have < length {
                let read = self.stream.read(&mut self.buffer).await?;
                if read == 0 {
                    bail!("the server closed the connection in the middle of a body");
                }
                have += read as u64;
            }
            body_bytes = length;
        } else if header("transfer-encoding").is_some_and(|v| v.contains("chunked")) {
            body_bytes = self.read_chunks(head_end, filled).await?;
        }
        Ok(Answer { status, body_bytes, etag, took: started.elapsed() })
    }

    /// Reads a chunked body to its end and returns its length without the framing.
    async fn read_chunks(&mut self, start: usize, filled: usize) -> anyhow::Result<u64> {
        let mut pending = self.buffer[start..filled].to_vec();
        let mut total = 0_u64;
        loop {
            while let Some(at) = find(&pending, b"\r\n") {
                let size = std::str::from_utf8(&pending[..at]).context("a chunk size")?;
                let size = usize::from_str_radix(size.trim(), 16).context("a chunk size")?;
                let whole = at + 2 + size + 2;
                if pending.len() < whole {
                    break;
                }
                pending.drain(..whole);
                if size == 0 {
                    return Ok(total);
                }
                total += size as u64;
            }
            let read = self.stream.read(&mut self.buffer).await?;
            if read == 0 {
                bail!("the server closed the connection in the middle of a chunked body");
            }
            pending.extend_from_slice(&self.buffer[..read]);
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The outcome of a load.
#[derive(Clone, Debug)]
pub struct Load {
    /// Every answer's time, ascending.
    pub times: Vec<Duration>,
    /// How long the whole took.
    pub wall: Duration,
    /// Answers whose status was not the expected one.
    pub unexpected: usize,
    /// Bytes of one body.
    pub body_bytes: u64,
}

impl Load {
    /// Answers per second.
    pub fn rate(&self) -> f64 {
        self.times.len() as f64 / self.wall.as_secs_f64()
    }

    /// The time that a share (0 to 1) of the answers did not pass.
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.times.len().saturating_sub(1);
        let at = ((self.times.len() as f64 * share).ceil() as usize).saturating_sub(1).min(last);
        self.times.get(at).copied().unwrap_or_default()
    }
}

/// Sends `count` requests over `clients` connections; `make` makes the n-th.
pub async fn load(
    address: SocketAddr,
    clients: usize,
    count: usize,
    expected: u16,
    make: impl Fn(usize) -> Request + Clone + Send + 'static,
) -> anyhow::Result<Load> {
    let started = Instant::now();
    let mut tasks = Vec::new();
    for client in 0..clients {
        let make = make.clone();
        tasks.push(tokio::spawn(async move {
            let mut connection = Client::connect(address).await?;
            let mut answers = Vec::new();
            for nth in (client..count).step_by(clients) {
                answers.push(connection.send(&make(nth)).await?);
            }
            anyhow::Ok(answers)
        }));
    }
    let mut times = Vec::with_capacity(count);
    let (mut unexpected, mut body_bytes) = (0, 0);
    for task in tasks {
        for answer in task.await?? {
            times.push(answer.took);
            unexpected += usize::from(answer.status != expected);
            body_bytes = answer.body_bytes;
        }
    }
    let wall = started.elapsed();
    times.sort_unstable();
    Ok(Load { times, wall, unexpected, body_bytes })
}
