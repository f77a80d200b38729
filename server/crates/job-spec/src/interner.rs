//! Sharing of what thousands of ProwJobs have in common.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::decoration::DecorationConfig;
use crate::pod_spec::PodSpec;
use crate::prow_job::ProwJob;
use crate::shared::Shared;

/// How many values an interner takes in before it looks for ones that nobody else holds any more.
const PURGE_EVERY: usize = 4096;

/// Replaces equal pod specs, decoration configs and annotations by one shared copy. All runs of a job have the same
/// ones, and they are most of a ProwJob's size.
#[derive(Debug, Default)]
pub struct Interner {
    inner: Mutex<Inner>,
}

type Annotations = Shared<BTreeMap<String, String>>;

#[derive(Debug, Default)]
struct Inner {
    pod_specs: HashSet<Arc<str>>,
    // By JSON text: the struct holds values that cannot be hashed.
    decorations: HashMap<Box<str>, Arc<DecorationConfig>>,
    annotations: HashSet<Annotations>,
    added: usize,
}

impl Interner {
    /// An empty interner.
    pub fn new() -> Interner {
        Interner::default()
    }

    /// Shares what `job` has in common with the ProwJobs before it.
    pub fn intern(&self, job: &mut ProwJob) {
        if let Some(spec) = &mut job.spec.pod_spec {
            *spec = self.pod_spec(spec);
        }
        if let Some(decoration) = &mut job.spec.decoration_config {
            *decoration = self.decoration(decoration);
        }
        let annotations = &mut job.metadata.annotations;
        *annotations = self.annotations(annotations);
    }

    /// The shared copy of a pod spec.
    pub fn pod_spec(&self, spec: &PodSpec) -> PodSpec {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = inner.pod_specs.get(spec.shared()) {
            return PodSpec::from_shared(shared.clone());
        }
        inner.count();
        inner.pod_specs.insert(spec.shared().clone());
        spec.clone()
    }

    /// The shared copy of a decoration config.
    pub fn decoration(&self, config: &Arc<DecorationConfig>) -> Arc<DecorationConfig> {
        let Ok(text) = serde_json::to_string(config) else { return config.clone() };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = inner.decorations.get(text.as_str()) {
            return shared.clone();
        }
        inner.count();
        inner.decorations.insert(text.into(), config.clone());
        config.clone()
    }

    /// The shared copy of an object's annotations.
    pub fn annotations(&self, annotations: &Annotations) -> Annotations {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = inner.annotations.get(annotations) {
            return shared.clone();
        }
        inner.count();
        inner.annotations.insert(annotations.clone());
        annotations.clone()
    }

    /// How many distinct values are held.
    pub fn len(&self) -> usize {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.pod_specs.len() + inner.decorations.len() + inner.annotations.len()
    }

    /// True if nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Inner {
    /// Counts one more value, and from time to time lets go of those that only the interner holds.
    fn count(&mut self) {
        self.added += 1;
        if self.added >= PURGE_EVERY {
            self.added = 0;
            self.pod_specs.retain(|spec| Arc::strong_count(spec) > 1);
            self.decorations.retain(|_, config| Arc::strong_count(config) > 1);
            self.annotations.retain(|annotations| !annotations.is_alone());
        }
    }
}
