//! What stands around every page, who looks at it, and what a page says when it cannot be shown.

use serde::{Deserialize, Serialize};

use super::Link;

/// Who asks, as the server found out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Login name; nothing for an anonymous reader.
    pub login: Option<String>,
    /// Whether the request came from this machine under a loopback name.
    pub local: bool,
}

/// Whether something may be done, and why not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Permission {
    /// Whether it may be done.
    pub allowed: bool,
    /// When not, the reason in one sentence; when so, on what ground (may be empty).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Permission {
    /// It may be done.
    pub fn yes() -> Permission {
        Permission { allowed: true, reason: String::new() }
    }

    /// It may not, for this reason (a sentence).
    pub fn no(reason: impl Into<String>) -> Permission {
        Permission { allowed: false, reason: reason.into() }
    }
}

/// How much a banner matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    #[default]
    Info,
    /// Something is not as it should be; nothing is lost.
    Warning,
    /// Something does not work.
    Error,
}

/// A message above every page: what is wrong, since when, what still holds, where to look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banner {
    /// How much it matters.
    pub severity: Severity,
    /// One or two sentences.
    pub text: String,
    /// Since when, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<i64>,
    /// Where to read more; none when the text is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
}

/// What every page shows around its own content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The server's clock.
    pub now_ms: i64,
    /// Messages above the page.
    pub banners: Vec<Banner>,
    /// When the data behind the pages last changed or was confirmed; the age is shown beside `live`.
    pub data_ms: Option<i64>,
    /// Version of this server.
    pub version: String,
    /// Extra links of the installation for the menu.
    pub links: Vec<Link>,
}

/// Why a page cannot be shown. Each kind has its status code, its words and a next step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PageError {
    /// 400: the address cannot be read.
    BadRequest {
        /// What is wrong with it, as a sentence.
        message: String,
    },
    /// 403: it exists or not, this reader may not know.
    Forbidden {
        /// Why, as a sentence.
        reason: String,
    },
    /// 404: there is no such thing.
    NotFound {
        /// What was looked for, as a sentence, and why it may be gone.
        message: String,
    },
    /// 503: something that the page needs does not answer.
    Unavailable {
        /// What failed, as a sentence.
        message: String,
        /// Since when, if known.
        since_ms: Option<i64>,
    },
    /// 500: our fault; the cause is in the server's log under this reference.
    Internal {
        /// Request id to look for in the log.
        reference: String,
    },
}

impl PageError {
    /// The HTTP status that goes with it.
    pub fn status(&self) -> u16 {
        match self {
            PageError::BadRequest { .. } => 400,
            PageError::Forbidden { .. } => 403,
            PageError::NotFound { .. } => 404,
            PageError::Unavailable { .. } => 503,
            PageError::Internal { .. } => 500,
        }
    }
}

/// One answer of the command palette.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Suggestion {
    /// What the reader sees, for example a job name.
    pub label: String,
    /// What it is: `job`, `repository`, `run`, `dashboard`, `tab`.
    pub kind: String,
    /// Where it leads.
    pub href: String,
}
