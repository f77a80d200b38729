//! Unpacking of gzip content while it streams.

use std::io::Write;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};

use crate::error::BlobError;
use crate::uri::BlobUri;

/// Packed bytes that are fed to the decoder at once. gzip unpacks to at most about 1030 times its
/// size, so one step yields at most some 4 MiB however the content was made.
const STEP_BYTES: usize = 4 * 1024;

/// Unpacks a stream of gzip bytes. Reads concatenated members as one content, as gzip does.
pub(crate) fn unpack(
    uri: BlobUri,
    packed: BoxStream<'static, Result<Bytes, BlobError>>,
) -> BoxStream<'static, Result<Bytes, BlobError>> {
    let steps = packed
        .map_ok(|chunk| {
            let starts = (0..chunk.len()).step_by(STEP_BYTES);
            let pieces: Vec<Bytes> =
                starts.map(|at| chunk.slice(at..(at + STEP_BYTES).min(chunk.len()))).collect();
            futures::stream::iter(pieces.into_iter().map(Ok::<Bytes, BlobError>))
        })
        .try_flatten()
        .boxed();
    let state = Some((steps, MultiGzDecoder::new(Vec::new()), uri));
    futures::stream::try_unfold(state, |state| async move {
        let Some((mut steps, mut decoder, uri)) = state else {
            return Ok(None);
        };
        let corrupt = |error: std::io::Error| BlobError::Corrupt {
            uri: uri.clone(),
            reason: format!("its gzip content is damaged or incomplete ({error})"),
        };
        while let Some(step) = steps.try_next().await? {
            decoder.write_all(&step).map_err(corrupt)?;
            let out = std::mem::take(decoder.get_mut());
            if !out.is_empty() {
                return Ok(Some((Bytes::from(out), Some((steps, decoder, uri)))));
            }
        }
        // `finish` checks the trailer, so that a cut object is noticed.
        let rest = decoder.finish().map_err(corrupt)?;
        Ok((!rest.is_empty()).then(|| (Bytes::from(rest), None)))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    async fn unpacked(bytes: &[u8], chunk: usize) -> Result<Vec<u8>, BlobError> {
        let uri = BlobUri::parse("gs://b/x").unwrap();
        let chunks: Vec<_> = bytes.chunks(chunk).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
        unpack(uri, futures::stream::iter(chunks).boxed())
            .try_fold(Vec::new(), |mut all, chunk| async move {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await
    }

    #[tokio::test]
    async fn content_is_the_same_for_every_chunk_size() {
        let text: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        let mut gz = packed(&text[..100_000]);
        gz.extend(packed(&text[100_000..]));
        for chunk in [1, 7, 4096, 1 << 20] {
            assert_eq!(unpacked(&gz, chunk).await.unwrap(), text);
        }
    }

    #[tokio::test]
    async fn cut_or_damaged_content_is_an_error() {
        let gz = packed(b"some text that is long enough to be cut in the middle");
        assert!(unpacked(&gz[..gz.len() - 4], 10).await.is_err());
        assert!(unpacked(b"plain text", 4).await.is_err());
    }
}
