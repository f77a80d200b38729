//! A file of a bucket, as its page shows it: only its beginning is read, however large it is.

use app::model::{FilePage, FileView, PageError};
use artifacts::log::plain;
use artifacts::results::quoted;
use blob::{BlobMeta, BlobUri, Provider};
use bytes::Bytes;

use super::folder::steps;
use super::run_lens::{markdown_of, start};
use super::{refused, unavailable};
use crate::run_files::within;
use crate::spyglass::preview::{self, Kind};
use crate::web::browse::{address, folder_href, shown};
use crate::web::state::Web;

/// Bytes of a file's beginning that are shown, unpacked.
const SHOWN: usize = 256 * 1024;
/// The largest picture that a page loads, in bytes.
const LARGEST_IMAGE: u64 = 20 << 20;

/// The page of the file at an address such as `/gcs/<bucket>/<path>`.
pub(super) async fn page(web: &Web, kind: &str, path: &str) -> Result<FilePage, PageError> {
    let uri = within(&web.clock, shown(web, kind, path)).await.ok_or_else(|| {
        let message = format!("The bucket of {path} is slow to answer.");
        PageError::Unavailable { message, since_ms: None }
    })?;
    let uri = uri.map_err(refused)?;
    let read = async {
        let meta = web.blobs.head(&uri).await?;
        let start = start(web, &uri, SHOWN).await?;
        Ok::<_, blob::BlobError>((meta, start))
    };
    let read = within(&web.clock, read).await.ok_or_else(|| PageError::Unavailable {
        message: format!("The bucket {} is slow to answer.", uri.bucket()),
        since_ms: None,
    })?;
    let (meta, (start, more)) = read.map_err(|error| match error.is_not_found() {
        true => PageError::NotFound {
            message: format!(
                "There is no object {uri}. It may have expired in the bucket, not be uploaded yet, or \
                 the address may be wrong."
            ),
        },
        false => unavailable("The file", error),
    })?;
    let (above, name) = steps(&uri);
    let shown = start.len() as u64;
    let view = view(&uri, &meta, start).await;
    let whole = matches!(view, FileView::Image(_) | FileView::Binary);
    Ok(FilePage {
        now_ms: web.clock.now().millis(),
        name,
        above,
        size_bytes: meta.size,
        packed: meta.is_gzip(),
        content_type: meta.content_type,
        updated_ms: meta.updated.millis(),
        href: address(&uri),
        view,
        cut_bytes: (more && !whole).then_some(shown),
        commands: commands(&uri),
        uri: uri.to_string(),
    })
}

async fn view(uri: &BlobUri, meta: &BlobMeta, start: Bytes) -> FileView {
    let kind = preview::kind(uri.key(), &meta.content_type, &start);
    if kind == Kind::Markdown {
        let folder = uri.parent().map(|folder| folder_href(&folder));
        return FileView::Document(markdown_of(start, folder.unwrap_or_default()).await.html);
    }
    let text = String::from_utf8_lossy(&start);
    match kind {
        Kind::Binary => FileView::Binary,
        Kind::Image if meta.size > LARGEST_IMAGE => FileView::Binary,
        Kind::Image => FileView::Image(address(uri)),
        Kind::Json => FileView::Text(preview::json(&text)),
        Kind::Xml => FileView::Text(preview::xml(&text)),
        Kind::Html => {
            FileView::Framed { src: format!("{}?frame", address(uri)), text: text.into_owned() }
        }
        Kind::Text | Kind::Markdown => FileView::Text(plain(&text)),
    }
}

/// Commands that copy a file to where one is.
fn commands(uri: &BlobUri) -> Vec<String> {
    let here = format!("curl -fLO {}", quoted(&format!("{{server}}{}", address(uri))));
    let own = quoted(&uri.to_string());
    match uri.provider() {
        Provider::Gs => {
            vec![format!("gcloud storage cp {own} ."), format!("gsutil cp {own} ."), here]
        }
        Provider::S3 => vec![format!("aws s3 cp {own} ."), here],
        Provider::File => vec![here],
    }
}
