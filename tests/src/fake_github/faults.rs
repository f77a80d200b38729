//! What a test can make go wrong.

use std::{fmt, sync::Arc};

use serde::Deserialize;
use tokio::sync::Notify;

/// What the path of a repository that git reads ends in.
const GIT: &str = ".git";

/// Something to go wrong with requests that match.
#[derive(Debug, Clone)]
pub struct Fault {
    method: String,
    path: String,
    times: u32,
    kind: FaultKind,
}

/// How it goes wrong.
#[derive(Clone)]
pub enum FaultKind {
    /// The request has its effect, and the connection is closed without an answer.
    DropReply,
    /// The connection is closed, and the request has no effect.
    DropRequest,
    /// The request has its effect, and the answer breaks off in its middle.
    CutReply,
    /// The request has no effect and gets this answer.
    Answer {
        /// Its status.
        status: u16,
        /// Its headers besides the usual ones.
        headers: Vec<(String, String)>,
        /// Its body.
        body: String,
    },
    /// The request has its effect and gets this answer all the same.
    AnswerAfter {
        /// Its status.
        status: u16,
    },
    /// The request waits, before it has its effect, until the test lets it go.
    Hold(Gate),
}

/// Holds requests until it is opened.
#[derive(Clone, Default)]
pub struct Gate(Arc<GateState>);

#[derive(Default)]
struct GateState {
    arrived: Notify,
    open: Notify,
}

impl Gate {
    /// Waits until a request is held.
    pub async fn arrived(&self) {
        self.0.arrived.notified().await;
    }

    /// Lets one held request go.
    pub fn open(&self) {
        self.0.open.notify_one();
    }

    pub(super) async fn pass(&self) {
        self.0.arrived.notify_one();
        self.0.open.notified().await;
    }
}

impl fmt::Debug for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::DropReply => f.write_str("DropReply"),
            FaultKind::DropRequest => f.write_str("DropRequest"),
            FaultKind::CutReply => f.write_str("CutReply"),
            FaultKind::Answer { status, .. } => write!(f, "Answer({status})"),
            FaultKind::AnswerAfter { status } => write!(f, "AnswerAfter({status})"),
            FaultKind::Hold(_) => f.write_str("Hold"),
        }
    }
}

/// A fault as the control endpoint takes it.
#[derive(Debug, Deserialize)]
pub(super) struct FaultRequest {
    #[serde(default)]
    method: String,
    #[serde(default)]
    path: String,
    #[serde(default = "once")]
    times: u32,
    /// `drop_reply`, `drop_request`, `cut_reply` or empty for an answer.
    #[serde(default)]
    kind: String,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
}

fn once() -> u32 {
    1
}

impl FaultRequest {
    pub(super) fn fault(self) -> Result<Fault, String> {
        let kind = match self.kind.as_str() {
            "drop_reply" => FaultKind::DropReply,
            "drop_request" => FaultKind::DropRequest,
            "cut_reply" => FaultKind::CutReply,
            "" if self.status >= 100 => {
                FaultKind::Answer { status: self.status, headers: self.headers, body: self.body }
            }
            other => return Err(format!("{other:?} with status {} is no fault", self.status)),
        };
        Ok(Fault::new(kind).on(&self.method, &self.path).times(self.times))
    }
}

impl Fault {
    /// The next request goes wrong in this way.
    pub fn new(kind: FaultKind) -> Fault {
        Fault { method: String::new(), path: String::new(), times: 1, kind }
    }

    /// The next request is answered with a status.
    pub fn status(status: u16) -> Fault {
        let body = format!("{{\"message\":\"scripted {status}\"}}");
        Fault::new(FaultKind::Answer { status, headers: Vec::new(), body })
    }

    /// The next request is answered as the API answers when it limits, with these headers and
    /// this message.
    pub fn limit(status: u16, headers: &[(&str, &str)], message: &str) -> Fault {
        let headers =
            headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = serde_json::json!({ "message": message }).to_string();
        Fault::new(FaultKind::Answer { status, headers, body })
    }

    /// Only requests of this method whose path contains this text; empty matches all.
    pub fn on(mut self, method: &str, path_part: &str) -> Fault {
        self.method = method.to_owned();
        self.path = path_part.to_owned();
        self
    }

    /// So many requests and not only one.
    pub fn times(mut self, times: u32) -> Fault {
        self.times = times;
        self
    }

    /// Takes the fault that a request meets off the list. Git's own requests meet only faults
    /// whose path names a `.git` repository; all but [`FaultKind::Hold`] pass them by.
    pub(super) fn take(faults: &mut Vec<Fault>, method: &str, path: &str) -> Option<FaultKind> {
        let is_git = path.contains(GIT);
        let index = faults.iter().position(|fault| {
            (fault.method.is_empty() || fault.method == method)
                && path.contains(&fault.path)
                && (!is_git || fault.path.contains(GIT))
                && fault.times > 0
        })?;
        let fault = &mut faults[index];
        fault.times -= 1;
        let kind = fault.kind.clone();
        if fault.times == 0 {
            faults.remove(index);
        }
        Some(kind)
    }
}
