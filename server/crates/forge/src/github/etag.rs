//! Answers kept for GitHub to confirm with a 304, which costs nothing of the budget.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::auth::Identity;

/// How much is kept unless told otherwise.
pub const DEFAULT_CACHE_BYTES: u64 = 64 << 20;

/// What an entry weighs besides its body.
const ENTRY_OVERHEAD: usize = 512;

/// The headers of an answer that callers read.
const KEPT_HEADERS: [HeaderName; 2] = [header::LINK, header::CONTENT_TYPE];

/// What was asked, by whom: an answer is never shown to another identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey {
    pub(crate) identity: Identity,
    pub(crate) accept: &'static str,
    pub(crate) path: String,
}

/// An answer that can be confirmed.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) etag: HeaderValue,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The answers, bounded by their size.
pub(crate) struct EtagCache {
    kept: moka::sync::Cache<CacheKey, Arc<Kept>>,
}

impl EtagCache {
    pub(crate) fn new(bytes: u64) -> EtagCache {
        let kept = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(|key: &CacheKey, kept: &Arc<Kept>| {
                u32::try_from(key.path.len() + kept.body.len() + ENTRY_OVERHEAD).unwrap_or(u32::MAX)
            })
            .build();
        EtagCache { kept }
    }

    pub(crate) fn get(&self, key: &CacheKey) -> Option<Arc<Kept>> {
        self.kept.get(key)
    }

    /// Keeps an answer, if GitHub gave it a tag.
    pub(crate) fn put(&self, key: CacheKey, headers: &HeaderMap, body: &Bytes) {
        let Some(etag) = headers.get(header::ETAG) else {
            self.kept.invalidate(&key);
            return;
        };
        let headers = KEPT_HEADERS
            .iter()
            .filter_map(|name| Some((name.clone(), headers.get(name)?.clone())))
            .collect();
        self.kept.insert(key, Arc::new(Kept { etag: etag.clone(), headers, body: body.clone() }));
        // Evicts at once what does not fit; moka does so only now and then by itself.
        self.kept.run_pending_tasks();
    }
}
