//! The big machine-readable lists, `/prowjobs.js` and `/data.js`, kept ready.
//!
//! Deck makes the whole list anew for every request. Here the list is cut
//! into chunks at places that depend on the jobs' names alone, so that a new
//! or changed job touches one chunk; every other chunk keeps its compressed
//! form, and an answer is a concatenation (see [`super::gzip`]).

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use job_spec::ProwJob;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::gzip::{Part, gzip};
use super::run::Run;
use crate::web::visibility::Visibility;

/// Which fields `/prowjobs.js?omit=` leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Omit {
    /// `annotations`
    pub annotations: bool,
    /// `labels`
    pub labels: bool,
    /// `decoration_config`
    pub decoration_config: bool,
    /// `pod_spec`: containers stay as empty objects, since their number matters.
    pub pod_spec: bool,
}

impl Omit {
    /// Reads the comma-separated value of the parameter; unknown names are
    /// passed over, as Deck does.
    pub fn parse(text: &str) -> Self {
        let mut omit = Self::default();
        for name in text.split(',') {
            match name {
                "annotations" => omit.annotations = true,
                "labels" => omit.labels = true,
                "decoration_config" => omit.decoration_config = true,
                "pod_spec" => omit.pod_spec = true,
                _ => {}
            }
        }
        omit
    }
}

/// The form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `/prowjobs.js`: ProwJobs.
    ProwJobs(Omit),
    /// `/data.js`: Deck's older flat objects.
    Data,
}

impl Form {
    fn frame(self) -> (&'static str, &'static str) {
        match self {
            Self::ProwJobs(_) => (r#"{"items":["#, "]}"),
            Self::Data => ("[", "]"),
        }
    }

    /// One list entry as JSON text.
    pub fn entry(self, job: &ProwJob) -> Vec<u8> {
        let value = match self {
            Self::ProwJobs(omit) => prow_job(job, omit),
            Self::Data => data_element(job),
        };
        // A tree of our own making always serialises.
        serde_json::to_vec(&value).unwrap_or_default()
    }
}

/// A list in a form, ready to be sent.
#[derive(Debug)]
pub struct Listing {
    chunks: Vec<Chunk>,
    /// Names this very content.
    pub tag: u64,
    before: &'static str,
    after: &'static str,
}

#[derive(Clone, Debug)]
struct Chunk {
    key: u64,
    part: Part,
}

/// A chunk ends after a job whose hash falls into one of so many classes.
const CHUNK_CLASSES: u64 = 128;
/// A chunk holds no more jobs than this.
const CHUNK_MOST: usize = 512;

impl Listing {
    fn build(form: Form, runs: &[Arc<Run>], old: Option<&Listing>) -> Self {
        let known: HashMap<u64, &Chunk> =
            old.into_iter().flat_map(|old| &old.chunks).map(|chunk| (chunk.key, chunk)).collect();
        let mut groups: Vec<(u64, Vec<&ProwJob>)> = Vec::new();
        let mut group = Vec::new();
        let mut key = DefaultHasher::new();
        for job in runs.iter().filter_map(|run| run.live.as_deref()) {
            job.metadata.name.hash(&mut key);
            job.metadata.resource_version.hash(&mut key);
            group.push(job);
            if hash(&job.metadata.name).is_multiple_of(CHUNK_CLASSES) || group.len() == CHUNK_MOST {
                groups.push((std::mem::take(&mut key).finish(), std::mem::take(&mut group)));
            }
        }
        if !group.is_empty() {
            groups.push((key.finish(), group));
        }
        let mut tag = DefaultHasher::new();
        form.hash(&mut tag);
        let chunks: Vec<Chunk> = groups
            .into_iter()
            .map(|(key, jobs)| {
                key.hash(&mut tag);
                match known.get(&key) {
                    Some(chunk) => Chunk::clone(chunk),
                    None => Chunk { key, part: Part::deflate(&joined(form, &jobs)) },
                }
            })
            .collect();
        let (before, after) = form.frame();
        Self { chunks, tag: tag.finish(), before, after }
    }

    /// The parts of the document, with text around it for a script's variable.
    fn parts(&self, prefix: &str, suffix: &str) -> Vec<Part> {
        let mut parts = vec![Part::stored(format!("{prefix}{}", self.before).as_bytes())];
        let comma = Part::stored(b",");
        for (nth, chunk) in self.chunks.iter().enumerate() {
            if nth > 0 {
                parts.push(comma.clone());
            }
            parts.push(chunk.part.clone());
        }
        parts.push(Part::stored(format!("{}{suffix}", self.after).as_bytes()));
        parts
    }

    /// The whole document, gzipped.
    pub fn gzipped(&self, prefix: &str, suffix: &str) -> Bytes {
        gzip(&self.parts(prefix, suffix))
    }

    /// The whole document in pieces, for clients that take no gzip.
    pub fn plain(
        &self,
        prefix: &str,
        suffix: &str,
    ) -> impl Iterator<Item = std::io::Result<Bytes>> + use<> {
        self.parts(prefix, suffix).into_iter().map(|part| part.inflate().map(Bytes::from))
    }
}

fn joined(form: Form, jobs: &[&ProwJob]) -> Vec<u8> {
    let mut text = Vec::with_capacity(jobs.len() * 1500);
    for (nth, job) in jobs.iter().enumerate() {
        if nth > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&form.entry(job));
    }
    text
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The lists that were asked for lately.
#[derive(Default)]
pub struct Listings {
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    form: Form,
    version: u64,
    visibility: Visibility,
    listing: Arc<Listing>,
    gzipped: Vec<(String, Bytes)>,
}

/// How many forms are kept ready; there are few clients and each uses one.
const KEPT_FORMS: usize = 4;
/// How many variable names of one form are kept ready.
const KEPT_NAMES: usize = 4;

impl Listings {
    /// The list of `runs` (those that `visibility` shows) at a version.
    pub fn get(
        &self,
        form: Form,
        version: u64,
        visibility: &Visibility,
        runs: impl FnOnce() -> Vec<Arc<Run>>,
    ) -> Arc<Listing> {
        let mut kept = self.kept.lock();
        if let Some(at) = kept.iter().position(|k| k.form == form) {
            // A reload may hide a repository while no run changes.
            if kept[at].version != version || kept[at].visibility != *visibility {
                let listing = Arc::new(Listing::build(form, &runs(), Some(&kept[at].listing)));
                if listing.tag != kept[at].listing.tag {
                    kept[at].gzipped.clear();
                }
                kept[at].listing = listing;
                kept[at].version = version;
                kept[at].visibility = visibility.clone();
            }
            // The latest used stays last, the first is the one to go.
            let used = kept.remove(at);
            let listing = used.listing.clone();
            kept.push(used);
            return listing;
        }
        let listing = Arc::new(Listing::build(form, &runs(), None));
        if kept.len() == KEPT_FORMS {
            kept.remove(0);
        }
        kept.push(Kept {
            form,
            version,
            visibility: visibility.clone(),
            listing: listing.clone(),
            gzipped: Vec::new(),
        });
        listing
    }

    /// The gzipped document of a list with its prefix, kept for the next asker.
    pub fn gzipped(&self, form: Form, listing: &Listing, prefix: &str, suffix: &str) -> Bytes {
        let ready = {
            let kept = self.kept.lock();
            kept.iter().find(|k| k.form == form && k.listing.tag == listing.tag).and_then(|k| {
                k.gzipped.iter().find(|(known, _)| known == prefix).map(|(_, bytes)| bytes.clone())
            })
        };
        if let Some(bytes) = ready {
            return bytes;
        }
        let bytes = listing.gzipped(prefix, suffix);
        let mut kept = self.kept.lock();
        if let Some(k) = kept.iter_mut().find(|k| k.form == form && k.listing.tag == listing.tag) {
            if k.gzipped.len() == KEPT_NAMES {
                k.gzipped.remove(0);
            }
            k.gzipped.push((prefix.to_owned(), bytes.clone()));
        }
        bytes
    }
}

/// A ProwJob as `/prowjobs.js` shows it: managed fields never, omitted fields
/// not. The projection is a copy, so that no other reader loses anything.
fn prow_job(job: &ProwJob, omit: Omit) -> Value {
    let containers = job.spec.pod_spec.as_ref().map(|spec| spec.containers().len());
    // The two biggest fields are not even copied when they are left out.
    let mut slim = job.clone();
    if omit.pod_spec {
        slim.spec.pod_spec = None;
    }
    if omit.decoration_config {
        slim.spec.decoration_config = None;
    }
    let mut value = serde_json::to_value(&slim).unwrap_or(Value::Null);
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if omit.labels {
            metadata.remove("labels");
        }
        if omit.annotations {
            metadata.remove("annotations");
        }
    }
    if let (true, Some(count)) = (omit.pod_spec, containers)
        && let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut)
    {
        let empty = json!({"name": "", "resources": {}});
        spec.insert("pod_spec".to_owned(), json!({"containers": vec![empty; count]}));
    }
    value
}

/// A run as `/data.js` shows it: Deck's first API, still read by scripts.
fn data_element(job: &ProwJob) -> Value {
    let (spec, status) = (&job.spec, &job.status);
    let mut element = Map::new();
    let mut put = |key: &str, value: Value| element.insert(key.to_owned(), value);
    let started = status.start_time;
    let duration = match (started, status.completion_time) {
        (Some(started), Some(ended)) => {
            let whole = (ended.seconds() - started.seconds()).max(0);
            go_compat::duration::GoDuration::from_secs(whole).to_string()
        }
        _ => String::new(),
    };
    put("type", spec.job_type.as_str().into());
    put("refs", spec.refs.as_ref().and_then(|r| serde_json::to_value(r).ok()).unwrap_or(json!({})));
    put("refs_key", spec.refs.as_ref().map(ToString::to_string).unwrap_or_default().into());
    put("job", spec.job.as_str().into());
    put("build_id", status.build_id.as_str().into());
    put("context", spec.context.as_str().into());
    put("started", started.map(|t| t.seconds().to_string()).unwrap_or_default().into());
    put("finished", status.completion_time.map(|t| t.rfc3339()).unwrap_or_default().into());
    put("duration", duration.into());
    put("state", status.state.as_str().into());
    put("description", status.description.as_str().into());
    put("url", status.url.as_str().into());
    put("pod_name", status.pod_name.as_str().into());
    put("agent", spec.agent.as_str().into());
    put("prow_job", job.metadata.name.as_str().into());
    Value::Object(element)
}
