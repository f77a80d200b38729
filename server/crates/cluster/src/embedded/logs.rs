//! What a container writes, from its log file.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use job_spec::Pod;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::table::Table;
use crate::{ByteStream, ClusterError, LogOptions};

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// How often a followed log is looked at when it has nothing new.
const POLL: Duration = Duration::from_millis(150);

/// Lines of a failed container's log that its status repeats, as in Kubernetes.
const STATUS_LINES: usize = 80;

/// Bytes of a failed container's log that its status repeats, as in Kubernetes.
const STATUS_BYTES: u64 = 2_048;

/// The end of a log, for the status of a failed container.
pub(super) fn end_of_log(path: &Path) -> String {
    let read = || {
        let mut file = std::fs::File::open(path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(STATUS_BYTES)))?;
        let mut end = Vec::new();
        file.take(STATUS_BYTES).read_to_end(&mut end)?;
        std::io::Result::Ok(end)
    };
    // A container that wrote nothing has no log, and no message.
    let end = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&end);
    let first = text.lines().count().saturating_sub(STATUS_LINES);
    text.lines().skip(first).collect::<Vec<_>>().join("\n")
}

/// Streams a log file; following it, until its container has ended or its Pod is gone. The file is
/// opened at once, so a Pod that is deleted meanwhile takes nothing away.
pub(super) async fn stream(
    path: PathBuf,
    options: LogOptions,
    table: Table<Pod>,
    pod: String,
    uid: String,
    container: String,
) -> Result<ByteStream, ClusterError> {
    let mut file = open(&path, &options).await.map_err(|error| unreadable(&path, &error))?;
    let stream = async_stream::stream! {
        loop {
            // Asked before reading: what it wrote before its end is there to be read.
            let over = !options.follow || ended(&table, &pod, &uid, &container);
            if file.is_none() {
                file = match open(&path, &options).await {
                    Ok(opened) => opened,
                    Err(error) => {
                        yield Err(unreadable(&path, &error));
                        return;
                    }
                };
            }
            if let Some(file) = &mut file {
                loop {
                    let mut chunk = Vec::with_capacity(CHUNK);
                    match file.take(CHUNK as u64).read_to_end(&mut chunk).await {
                        Ok(0) => break,
                        Ok(_) => yield Ok(Bytes::from(chunk)),
                        Err(error) => {
                            yield Err(unreadable(&path, &error));
                            return;
                        }
                    }
                }
            }
            if over {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    Ok(stream.boxed())
}

/// Opens the log at the wanted place; `None` if the container has not written yet.
async fn open(path: &PathBuf, options: &LogOptions) -> std::io::Result<Option<File>> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let size = file.metadata().await?.len();
    let tail = options.tail_bytes.map_or(0, |tail| size.saturating_sub(tail));
    file.seek(SeekFrom::Start(options.since_bytes.max(tail))).await?;
    Ok(Some(file))
}

/// Whether nothing more will come.
fn ended(table: &Table<Pod>, pod: &str, uid: &str, container: &str) -> bool {
    let Some(pod) = table.lookup(pod).filter(|pod| pod.metadata.uid == uid) else {
        return true;
    };
    let status = &pod.status;
    let phase = status.phase.as_str();
    if phase == "Succeeded" || phase == "Failed" {
        return true;
    }
    status
        .container_statuses
        .iter()
        .chain(&status.init_container_statuses)
        .any(|status| status.name == container && status.state.terminated.is_some())
}

fn unreadable(path: &Path, error: &std::io::Error) -> ClusterError {
    ClusterError::Unavailable(format!("the log `{}` cannot be read: {error}", path.display()))
}
