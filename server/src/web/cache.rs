//! What browsers and proxies may keep, as a type instead of header strings.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, IntoResponseParts, ResponseParts};

/// The cache policy of one response. Handlers name the policy; the header
/// text is written here only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePolicy {
    /// Never stored: pages and documents that tell the state of this moment.
    /// The same words as Deck sends on its JSON.
    NoStore,
    /// Stored, but asked for again each time with the ETag that came with it.
    Revalidate,
    /// Addressed by content: the URL changes when the bytes do.
    Immutable,
    /// A finished run's artifact or an image that may be a little old.
    Short,
}

/// How long a [`CachePolicy::Short`] response may be used, in seconds.
const SHORT_SECONDS: u32 = 60;

impl CachePolicy {
    /// The `Cache-Control` value of this policy.
    pub fn header(self) -> HeaderValue {
        match self {
            Self::NoStore => HeaderValue::from_static("no-store, must-revalidate"),
            Self::Revalidate => HeaderValue::from_static("no-cache"),
            Self::Immutable => HeaderValue::from_static("public, max-age=31536000, immutable"),
            Self::Short => HeaderValue::from_str(&format!("public, max-age={SHORT_SECONDS}"))
                .unwrap_or(HeaderValue::from_static("no-cache")),
        }
    }
}

impl IntoResponseParts for CachePolicy {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        parts.headers_mut().insert(header::CACHE_CONTROL, self.header());
        if self == Self::NoStore {
            parts.headers_mut().insert(header::EXPIRES, HeaderValue::from_static("0"));
        }
        Ok(parts)
    }
}

impl IntoResponse for CachePolicy {
    fn into_response(self) -> axum::response::Response {
        (self, ()).into_response()
    }
}
