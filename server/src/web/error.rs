//! The one error that handlers return, and the only place where it becomes a
//! response.
//!
//! A user gets a sentence and, where there is one, a next step; the cause goes
//! to the log, once, here.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cache::CachePolicy;

/// A failed request: the status, the sentence for the user, the cause for us.
#[derive(Debug)]
pub struct HttpError {
    /// The answer's status; who reads it decides what they do next.
    pub status: StatusCode,
    /// One sentence, without internals.
    pub message: String,
    cause: Option<anyhow::Error>,
    format: ErrorFormat,
}

/// How the sentence is wrapped: Prow's clients read plain text, ours JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorFormat {
    Text,
    Json,
}

/// An error as the API answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorDocument {
    /// What went wrong.
    pub error: ErrorBody,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// The answer's HTTP status.
    pub status: u16,
    /// One sentence for a person.
    pub message: String,
}

/// The result of a handler.
pub type HttpResult<T> = Result<T, HttpError>;

impl HttpError {
    /// An error of the given status with its sentence.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), cause: None, format: ErrorFormat::Text }
    }

    /// 400: the request itself is wrong.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 403: understood, and refused.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404: no such thing, or nothing that this viewer may see.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 409: the object's state does not allow it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 503: something that we need is away; the client may come again.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// 500 with a fixed sentence; the cause is logged.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something failed on the server. The server's log says what.",
            )
        }
    }

    /// Attaches the cause that the log gets.
    pub fn caused_by(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Answers as a JSON document `{"error": {"status", "message"}}`.
    pub fn json(mut self) -> Self {
        self.format = ErrorFormat::Json;
        self
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            if self.status.is_server_error() {
                tracing::error!(http.status = self.status.as_u16(), "{}: {cause:#}", self.message);
            } else {
                tracing::debug!(http.status = self.status.as_u16(), "{}: {cause:#}", self.message);
            }
        }
        let mut response = match self.format {
            ErrorFormat::Text => {
                (self.status, CachePolicy::NoStore, format!("{}\n", self.message)).into_response()
            }
            ErrorFormat::Json => (
                self.status,
                CachePolicy::NoStore,
                Json(ErrorDocument {
                    error: ErrorBody { status: self.status.as_u16(), message: self.message },
                }),
            )
                .into_response(),
        };
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl std::fmt::Display for HttpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.status.as_u16())
    }
}
