//! What the logs of a cluster's nodes say that a run left, for pages that do not wait long for it.

use std::sync::Arc;
use std::time::Duration;

use artifacts::node_log::{
    Digest, Digested, Fields, Filter, Lines, ObjectReference, RawLine, ReferenceSearch, Weave,
    words,
};
use blob::{BlobError, BlobUri, Blobs, ByteStream};
use clock::SharedClock;
use futures::future::{BoxFuture, Shared};
use futures::{FutureExt as _, TryStreamExt as _};
use go_compat::Timestamp;
use moka::sync::Cache;
use tokio::sync::Semaphore;

use crate::run_files::within;

/// Bytes of one log that are looked at, unpacked; the page says so where there are more.
pub const LOOKED_AT: u64 = 256 << 20;
/// Logs of kubelets in which a Pod is looked for.
const KUBELETS: usize = 20;
/// Logs that are shown at once.
const LOGS: usize = 8;
/// Bytes of lines on one page, of all logs together.
const ROOM: usize = 1 << 20;
/// Questions that are worked on at once: each reads very much.
const AT_ONCE: usize = 4;
/// How long an answer is used again that took longer than a page waits.
const SLOW_KEPT: Duration = Duration::from_secs(60);
/// Answers that are kept or on their way.
const KEPT: u64 = 32;

/// What is asked of the logs of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The run's folder.
    pub folder: BlobUri,
    /// The logs of kubelets, by their paths below it.
    pub kubelets: Vec<String>,
    /// Those of API servers.
    pub apiservers: Vec<String>,
    /// Those that are shown. If none is chosen: that of the kubelet which names the Pod, and those of
    /// the API servers.
    pub chosen: Vec<String>,
    /// The Pod; empty if it is not about one.
    pub pod: String,
    /// What else it is called, where somebody said so.
    pub known: ObjectReference,
    /// What of that, or of what the logs say, lines may name.
    pub fields: Fields,
    /// Further words.
    pub others: Vec<String>,
    /// Whether the logs are put together by the times of their lines.
    pub weave: bool,
    /// Lines on each side of one that is wanted.
    pub neighbours: usize,
    /// When the run was, in milliseconds since 1970, for times without a year.
    pub near_ms: i64,
}

/// What the logs say.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The logs that are shown.
    pub chosen: Vec<String>,
    /// What the Pod is called.
    pub reference: ObjectReference,
    /// Words of which the lines hold one.
    pub words: Vec<String>,
    /// Finds the words.
    pub filter: Filter,
    /// Each log with what is shown of it, or all of them together.
    pub parts: Vec<Part>,
    /// Sentences on what was not read.
    pub notes: Vec<String>,
}

/// What is shown of a log, or of several that are woven.
#[derive(Clone, Debug)]
pub struct Part {
    /// The logs.
    pub logs: Vec<String>,
    /// Their lines.
    pub digested: Digested,
}

type Coming = Shared<BoxFuture<'static, Option<Arc<Answer>>>>;

/// Reads logs of nodes. Who asks the same while an answer is on its way waits for that one.
pub struct NodeLogs {
    blobs: Blobs,
    clock: SharedClock,
    coming: Cache<Question, Coming>,
    turns: Arc<Semaphore>,
}

impl NodeLogs {
    /// Of runs in these buckets.
    pub fn new(blobs: Blobs, clock: SharedClock) -> NodeLogs {
        let coming = Cache::builder().max_capacity(KEPT).time_to_live(SLOW_KEPT).build();
        NodeLogs { blobs, clock, coming, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// What the logs say; nothing if that takes longer than a page waits. The reading goes on then,
    /// for the next time.
    pub async fn of(&self, question: &Question) -> Option<Arc<Answer>> {
        let coming = self.coming.get_with_by_ref(question, || {
            let (blobs, question, turns) =
                (self.blobs.clone(), question.clone(), self.turns.clone());
            let task = tokio::spawn(async move {
                let _turn = turns.acquire().await.ok()?;
                Reading { blobs, question, notes: Vec::new() }.answer().await
            });
            async move { task.await.ok().flatten().map(Arc::new) }.boxed().shared()
        });
        let answer = within(&self.clock, coming).await?;
        // What comes quickly is asked for again each time, so that it is never old.
        self.coming.invalidate(question);
        answer
    }
}

/// One question on its way to its answer.
struct Reading {
    blobs: Blobs,
    question: Question,
    notes: Vec<String>,
}

impl Reading {
    async fn answer(mut self) -> Option<Answer> {
        let (reference, kubelet) = self.reference().await;
        let chosen = self.chosen(kubelet, &reference);
        let Question { pod, fields, others, .. } = &self.question;
        let words = words(pod, &reference, *fields, others);
        let filter = Filter::new(&words).or_else(|_| {
            self.notes.push("The words are too long to be looked for.".to_owned());
            Filter::new(&[])
        });
        let filter = filter.ok()?;
        let parts = match self.question.weave && chosen.len() > 1 {
            true => vec![self.woven(&chosen, &filter).await],
            false => {
                let mut parts = Vec::new();
                for log in &chosen {
                    parts.push(self.alone(log, ROOM / chosen.len(), &filter).await);
                }
                parts
            }
        };
        Some(Answer { chosen, reference, words, filter, parts, notes: self.notes })
    }

    /// What the Pod is called, and the kubelet whose log names it.
    async fn reference(&mut self) -> (ObjectReference, Option<String>) {
        let Question { pod, known, kubelets, .. } = self.question.clone();
        if pod.is_empty() {
            return (known, None);
        }
        let Ok(mut search) = ReferenceSearch::new(&pod, known.clone()) else {
            return (known, None);
        };
        let all = kubelets.len();
        for kubelet in kubelets.into_iter().take(KUBELETS) {
            let each = |line: RawLine<'_>| {
                search.line(line.bytes);
                !search.is_complete()
            };
            if let Err(note) = self.each_line(&kubelet, each).await {
                self.note(note);
            }
            if search.is_named() {
                return (search.found(), Some(kubelet));
            }
        }
        if all > KUBELETS {
            self.note(format!(
                "The Pod was looked for in {KUBELETS} of {all} logs of kubelets. Choose others below."
            ));
        }
        (search.found(), None)
    }

    /// The logs that are shown.
    fn chosen(&mut self, kubelet: Option<String>, reference: &ObjectReference) -> Vec<String> {
        let Question { chosen, kubelets, apiservers, pod, .. } = &self.question;
        let mut shown = if !chosen.is_empty() {
            chosen.clone()
        } else if pod.is_empty() && *reference == ObjectReference::default() {
            if apiservers.is_empty() { kubelets.clone() } else { apiservers.clone() }
        } else {
            let kubelet = kubelet.or_else(|| kubelets.first().cloned());
            kubelet.into_iter().chain(apiservers.iter().cloned()).collect()
        };
        if shown.len() > LOGS {
            self.note(format!("The first {LOGS} of {} logs are shown.", shown.len()));
            shown.truncate(LOGS);
        }
        shown
    }

    async fn alone(&mut self, log: &str, room: usize, filter: &Filter) -> Part {
        let mut digest = Digest::new(self.question.neighbours, room);
        let each = |line: RawLine<'_>| {
            digest.line(0, line, filter.matches(line.bytes));
            true
        };
        if let Err(note) = self.each_line(log, each).await {
            self.note(note);
        }
        Part { logs: vec![log.to_owned()], digested: digest.end() }
    }

    async fn woven(&mut self, logs: &[String], filter: &Filter) -> Part {
        let near = Timestamp::from_millis(self.question.near_ms);
        let mut weave = Weave::new(logs.len(), near);
        let mut digest = Digest::new(self.question.neighbours, ROOM);
        let mut open: Vec<Option<OpenLog>> = Vec::new();
        for log in logs {
            open.push(self.open(log).await.map_err(|note| self.note(note)).ok());
        }
        loop {
            while let Some(line) = weave.next_line() {
                let (number, bytes, cut) = (line.number, line.bytes.as_slice(), line.cut);
                let wanted = filter.matches(bytes);
                digest.line(line.log, RawLine { number, bytes, cut }, wanted);
            }
            let Some(at) = weave.waits_for() else { break };
            let push = |line: RawLine<'_>| {
                weave.push(at, line);
                true
            };
            let goes_on = match &mut open[at] {
                Some(log) => log.step(push).await.unwrap_or_else(|note| {
                    self.note(note);
                    false
                }),
                None => false,
            };
            if !goes_on {
                weave.end(at);
            }
        }
        Part { logs: logs.to_vec(), digested: digest.end() }
    }

    /// Names the lines of a log until one is answered with no. The error is a sentence.
    async fn each_line(
        &self,
        log: &str,
        mut each: impl FnMut(RawLine<'_>) -> bool,
    ) -> Result<(), String> {
        let mut log = self.open(log).await?;
        while log.step(&mut each).await? {}
        Ok(())
    }

    async fn open(&self, log: &str) -> Result<OpenLog, String> {
        let failed = |error: BlobError| match error.is_not_found() {
            true => format!("There is no {log} any more."),
            false => {
                tracing::warn!("{log} in {} could not be read: {error}", self.question.folder);
                format!("{log} could not be read from the bucket.")
            }
        };
        let uri = self.question.folder.join(log).map_err(|error| format!("{log}: {error}."))?;
        let (_, bytes) = self.blobs.open(&uri).await.map_err(failed)?;
        Ok(OpenLog { name: log.to_owned(), bytes, lines: Lines::default(), read: 0 })
    }

    /// Says a sentence once.
    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// A log that is being read.
struct OpenLog {
    name: String,
    bytes: ByteStream,
    lines: Lines,
    read: u64,
}

impl OpenLog {
    /// Names the lines that end in the next bytes; tells whether more may follow.
    async fn step(&mut self, mut each: impl FnMut(RawLine<'_>) -> bool) -> Result<bool, String> {
        let name = &self.name;
        let next = self.bytes.try_next().await.map_err(|error| {
            tracing::warn!("the rest of {name} could not be read: {error}");
            format!("{name} could not be read to its end.")
        })?;
        let Some(bytes) = next else {
            self.lines.end(|line| {
                each(line);
            });
            return Ok(false);
        };
        if self.read >= LOOKED_AT {
            return Err(format!(
                "{name} has more than {} MB; only those were looked at.",
                LOOKED_AT >> 20
            ));
        }
        self.read += bytes.len() as u64;
        let mut goes_on = true;
        self.lines.push(&bytes, |line| goes_on = goes_on && each(line));
        Ok(goes_on)
    }
}
