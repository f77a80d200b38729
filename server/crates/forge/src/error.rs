//! What a call to the code host can end in.

use std::fmt;

use go_compat::time::Timestamp;

/// One failed call: which one, how the code host answered, and in which words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// Method and path, as in `GET /repos/org/repo/pulls/1`; never holds a credential.
    pub call: String,
    /// The HTTP status of the last answer; `None` if there was no answer at all.
    pub status: Option<u16>,
    /// The API's own message (its `message` and the messages of its `errors`), or the transport's.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} answered {status}: {}", self.call, self.message),
            None => write!(f, "{} got no answer: {}", self.call, self.message),
        }
    }
}

/// Why a call to the code host failed. The variants are the decisions a caller can take; the text
/// is a sentence for a log or a comment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// 404 or 410 after the extra tries that GitHub's delayed consistency deserves.
    #[error("{0}; check that the name is right and that the token may see it")]
    NotFound(Failure),
    /// 401: the credential is wrong, expired or revoked.
    #[error("{0}; check the GitHub token or App key")]
    Unauthorized(Failure),
    /// 403 that is no rate limit: the credential lacks a permission or a scope.
    #[error("{0}; the token lacks the permission for this call")]
    Forbidden(Failure),
    /// The budget of this credential is spent for longer than a call may wait.
    #[error("{failure}; the rate limit is spent until {}", until.rfc3339())]
    RateLimited {
        /// The answer that said so.
        failure: Failure,
        /// When the next call may succeed.
        until: Timestamp,
    },
    /// 409: the state on the code host does not allow it, as when a ref moved.
    #[error("{0}")]
    Conflict(Failure),
    /// 400 or 422: the request itself is wrong and will never succeed as it is.
    #[error("{0}")]
    Invalid(Failure),
    /// No answer, a 5xx or a time-out, still so after the last retry.
    #[error("{0}; it was tried as often as the retry limit allows")]
    Transient(Failure),
    /// An answer outside the API's contract: a status or a body that is not understood.
    #[error("{0}; this is not an answer of the GitHub API: check `--github-endpoint`")]
    Unexpected(Failure),
    /// The credential could not be read or no App installation covers the organization.
    #[error("cannot authenticate to GitHub: {0}")]
    Credentials(String),
}

/// The class of a [`ForgeError`], for metric labels and tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// See [`ForgeError::NotFound`].
    NotFound,
    /// See [`ForgeError::Unauthorized`].
    Unauthorized,
    /// See [`ForgeError::Forbidden`].
    Forbidden,
    /// See [`ForgeError::RateLimited`].
    RateLimited,
    /// See [`ForgeError::Conflict`].
    Conflict,
    /// See [`ForgeError::Invalid`].
    Invalid,
    /// See [`ForgeError::Transient`].
    Transient,
    /// See [`ForgeError::Unexpected`].
    Unexpected,
    /// See [`ForgeError::Credentials`].
    Credentials,
}

impl ErrorClass {
    /// The class as a metric label.
    pub fn label(self) -> &'static str {
        match self {
            ErrorClass::NotFound => "not_found",
            ErrorClass::Unauthorized => "unauthorized",
            ErrorClass::Forbidden => "forbidden",
            ErrorClass::RateLimited => "rate_limited",
            ErrorClass::Conflict => "conflict",
            ErrorClass::Invalid => "invalid",
            ErrorClass::Transient => "transient",
            ErrorClass::Unexpected => "unexpected",
            ErrorClass::Credentials => "credentials",
        }
    }
}

impl ForgeError {
    /// The class of this error.
    pub fn class(&self) -> ErrorClass {
        match self {
            ForgeError::NotFound(_) => ErrorClass::NotFound,
            ForgeError::Unauthorized(_) => ErrorClass::Unauthorized,
            ForgeError::Forbidden(_) => ErrorClass::Forbidden,
            ForgeError::RateLimited { .. } => ErrorClass::RateLimited,
            ForgeError::Conflict(_) => ErrorClass::Conflict,
            ForgeError::Invalid(_) => ErrorClass::Invalid,
            ForgeError::Transient(_) => ErrorClass::Transient,
            ForgeError::Unexpected(_) => ErrorClass::Unexpected,
            ForgeError::Credentials(_) => ErrorClass::Credentials,
        }
    }

    /// The failed call, if a call was made at all.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            ForgeError::NotFound(failure)
            | ForgeError::Unauthorized(failure)
            | ForgeError::Forbidden(failure)
            | ForgeError::RateLimited { failure, .. }
            | ForgeError::Conflict(failure)
            | ForgeError::Invalid(failure)
            | ForgeError::Transient(failure)
            | ForgeError::Unexpected(failure) => Some(failure),
            ForgeError::Credentials(_) => None,
        }
    }

    /// The code host's own words, as callers match on them (Prow's crier swallows "This SHA and
    /// context has reached the maximum number of statuses" and "No commit found for SHA").
    pub fn message(&self) -> &str {
        match self {
            ForgeError::Credentials(message) => message,
            other => other.failure().map_or("", |failure| failure.message.as_str()),
        }
    }

    /// Whether the thing that was asked for does not exist, or is hidden from this credential.
    pub fn is_not_found(&self) -> bool {
        matches!(self, ForgeError::NotFound(_))
    }

    /// Whether the same call can never succeed unless a human changes something. A rate limit, a
    /// failing network and a server error are not permanent.
    pub fn is_permanent(&self) -> bool {
        !matches!(
            self,
            ForgeError::RateLimited { .. } | ForgeError::Transient(_) | ForgeError::Conflict(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_the_call_the_status_the_words_and_a_next_step() {
        let error = ForgeError::NotFound(Failure {
            call: "GET /repos/org/repo/pulls/1".into(),
            status: Some(404),
            message: "Not Found".into(),
        });
        assert_eq!(
            error.to_string(),
            "GET /repos/org/repo/pulls/1 answered 404: Not Found; check that the name is right \
             and that the token may see it"
        );
        assert_eq!(error.message(), "Not Found");
        assert!(error.is_permanent());
    }

    #[test]
    fn a_call_without_an_answer_says_so() {
        let error = ForgeError::Transient(Failure {
            call: "GET /user".into(),
            status: None,
            message: "connection refused".into(),
        });
        assert!(error.to_string().starts_with("GET /user got no answer: connection refused"));
        assert!(!error.is_permanent());
        assert_eq!(error.class().label(), "transient");
    }
}
