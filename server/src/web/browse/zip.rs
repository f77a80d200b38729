//! A folder as one zip, made while it is sent: whatever the folder holds, only a few pieces of it are in
//! memory.

use std::collections::HashSet;
use std::io::{self, Write};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blob::{BlobEntry, BlobUri, Blobs};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::hidden_folders;
use crate::web::state::Web;

/// Files that one zip holds.
const MAX_FILES: usize = 10_000;
/// Bytes of files, as they are stored, that one zip holds.
const MAX_BYTES: u64 = 4 << 30;
/// Bytes of one file, unpacked: what is packed in the bucket may come to far more.
const MAX_UNPACKED: u64 = 8 << 30;
/// Pieces of a file on their way to the zip, and of the zip on their way out.
const PIECES: usize = 4;
/// Bytes of the zip that are sent at once.
const PIECE: usize = 64 << 10;
/// The file that tells what the zip does not hold.
const MISSING: &str = "MISSING.txt";

/// The zip of a folder. Files of hidden jobs are not in it; one that cannot be read is named in
/// `MISSING.txt`.
///
/// # Errors
/// The folder is empty, or holds more than one zip does: then the error says what to do instead.
pub(super) async fn zip(web: &Web, folder: &BlobUri) -> HttpResult<Response> {
    let files = files(web, folder).await?;
    let (to_zip, from_bucket) = mpsc::channel(PIECES);
    let (out, sent) = mpsc::channel(PIECES);
    tokio::spawn(read(web.blobs.clone(), folder.clone(), files, to_zip));
    tokio::task::spawn_blocking(move || write(from_bucket, out));
    let name: String = folder.file_name().chars().filter(|c| c.is_ascii_graphic()).collect();
    let name = if name.is_empty() { folder.bucket().to_owned() } else { name };
    let name = name.replace(['"', '\\'], "_");
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.zip\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    let body = Body::from_stream(ReceiverStream::new(sent));
    Ok((CachePolicy::NoStore, headers, body).into_response())
}

/// The files of the zip: names within it, and what the bucket says about them.
async fn files(web: &Web, folder: &BlobUri) -> HttpResult<Vec<(String, BlobEntry)>> {
    let (config, visibility) = (web.config.get(), web.visibility());
    let hides = visibility.concealed(&config.jobs);
    let key = folder.key().trim_end_matches('/');
    let prefix = if key.is_empty() { String::new() } else { format!("{key}/") };
    let mut found = Vec::new();
    let (mut bytes, mut after) = (0_u64, String::new());
    let too_much = |what: String| {
        HttpError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "{folder} holds more than {what}, which is the most that one zip has here. Open a \
                 folder inside, or copy it with one of the commands on the folder's page."
            ),
        )
    };
    loop {
        let page = web.blobs.list(folder, &after, 1_000).await.map_err(|error| {
            HttpError::unavailable("The bucket does not answer.").caused_by(error)
        })?;
        for entry in page.entries {
            let Some(name) = entry.key.strip_prefix(&prefix) else { continue };
            if name.is_empty() || name.ends_with('/') || name.split('/').any(&hides) {
                continue;
            }
            bytes = bytes.saturating_add(entry.size);
            if found.len() == MAX_FILES {
                return Err(too_much(format!("{MAX_FILES} files")));
            }
            if bytes > MAX_BYTES {
                return Err(too_much(format!("{MAX_BYTES} bytes")));
            }
            found.push((name.to_owned(), entry));
        }
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    let above = |name: &str| -> Vec<String> {
        let folders = name.rsplit_once('/').map_or("", |(folders, _)| folders);
        hidden_folders::steps(folders).map(|step| format!("{prefix}{step}")).collect()
    };
    let folders = found.iter().flat_map(|(name, _)| above(name)).collect();
    let hidden = hidden_folders::hidden(web, folder, folders, None).await?;
    found.retain(|(name, _)| !above(name).iter().any(|folder| hidden.contains(folder)));
    if found.is_empty() {
        return Err(HttpError::not_found(format!("There is nothing in {folder}.")));
    }
    Ok(found)
}

/// What goes into the zip, step by step.
enum Step {
    /// A file begins.
    File(String),
    /// Bytes of the file that began last.
    Bytes(Bytes),
}

/// Reads the files one after the other, as fast as the zip takes them.
async fn read(
    blobs: Blobs,
    folder: BlobUri,
    files: Vec<(String, BlobEntry)>,
    to_zip: mpsc::Sender<Step>,
) {
    let mut missing = String::new();
    let names: HashSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
    for (name, _) in files {
        if let Err(problem) = copy(&blobs, &folder, &name, &to_zip).await {
            tracing::warn!("{name} of {folder} is not in the zip as a whole: {problem}");
            missing.push_str(&format!("{name}: {problem}\n"));
        }
        if to_zip.is_closed() {
            return;
        }
    }
    if !missing.is_empty() {
        let mut told = MISSING.to_owned();
        while names.contains(&told) {
            told.insert(0, '_');
        }
        let text = format!("These files are missing here or not whole:\n{missing}");
        let _ = to_zip.send(Step::File(told)).await;
        let _ = to_zip.send(Step::Bytes(text.into())).await;
    }
}

async fn copy(
    blobs: &Blobs,
    folder: &BlobUri,
    name: &str,
    to_zip: &mpsc::Sender<Step>,
) -> Result<(), String> {
    let told = |error: blob::BlobError| error.to_string();
    if name.contains('\\') {
        // Some programs that unpack take it for the end of a folder's name.
        return Err("its name has a backslash".to_owned());
    }
    let uri = folder.join(name).map_err(told)?;
    let (_, mut content) = blobs.open(&uri).await.map_err(told)?;
    // Whoever reads the zip has gone: nothing is left to do.
    let gone = |_| "nobody reads the zip any more".to_owned();
    to_zip.send(Step::File(name.to_owned())).await.map_err(gone)?;
    let mut size = 0_u64;
    while let Some(chunk) = content.next().await {
        let chunk = chunk.map_err(told)?;
        size += chunk.len() as u64;
        if size > MAX_UNPACKED {
            return Err(format!("it has more than {MAX_UNPACKED} bytes"));
        }
        to_zip.send(Step::Bytes(chunk)).await.map_err(gone)?;
    }
    Ok(())
}

/// Packs what comes; on a thread of its own, since packing is work.
fn write(mut steps: mpsc::Receiver<Step>, out: mpsc::Sender<io::Result<Bytes>>) {
    let failed = out.clone();
    let packed = (|| -> zip::result::ZipResult<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(1))
            .large_file(true);
        let mut zip = ZipWriter::new_stream(Pieces { out, piece: Vec::with_capacity(PIECE) });
        while let Some(step) = steps.blocking_recv() {
            match step {
                Step::File(name) => zip.start_file(name, options)?,
                Step::Bytes(bytes) => zip.write_all(&bytes)?,
            }
        }
        zip.finish()?.into_inner().flush()?;
        Ok(())
    })();
    if let Err(error) = packed {
        // The answer ends without its end, so that nobody takes it for whole.
        let _ = failed.blocking_send(Err(io::Error::other(error)));
    }
}

/// Sends what is written in pieces.
struct Pieces {
    out: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.out.blocking_send(Ok(piece.into())).map_err(gone)
    }
}
