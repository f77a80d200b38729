//! Presets: settings that jobs take over by carrying their labels.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use job_spec::pod_spec::Toleration;
use job_spec::{PodSpec, Preset};
use serde_json::{Map, Value};

/// Presets, found by one of their labels.
#[derive(Debug, Default)]
pub(crate) struct Presets {
    all: Vec<Arc<Preset>>,
    /// Places in `all` by the first label of each.
    by_label: HashMap<(String, String), Vec<usize>>,
    /// Those without labels, which are for every job.
    unconditional: Vec<usize>,
}

impl Presets {
    pub(crate) fn new(presets: impl IntoIterator<Item = Arc<Preset>>) -> Self {
        let mut found = Presets::default();
        for preset in presets {
            let place = found.all.len();
            match preset.labels.first_key_value() {
                Some((key, value)) => {
                    found.by_label.entry((key.clone(), value.clone())).or_default().push(place);
                }
                None => found.unconditional.push(place),
            }
            found.all.push(preset);
        }
        found
    }

    /// The presets that all labels of a job ask for, in the order they stand in the files.
    fn matching(&self, labels: &BTreeMap<String, String>) -> Vec<&Preset> {
        let mut places = self.unconditional.clone();
        for (key, value) in labels {
            // A pair of owned strings for the lookup is cheaper than comparing every preset.
            if let Some(candidates) = self.by_label.get(&(key.clone(), value.clone())) {
                places.extend(candidates.iter().copied().filter(|place| {
                    self.all[*place]
                        .labels
                        .iter()
                        .all(|(key, value)| labels.get(key) == Some(value))
                }));
            }
        }
        places.sort_unstable();
        places.into_iter().map(|place| &*self.all[place]).collect()
    }

    /// The spec with everything that the matching presets add. None if none matches. Fails, with
    /// Prow's words, if a preset adds what is there already.
    pub(crate) fn apply(
        &self,
        labels: &BTreeMap<String, String>,
        spec: &PodSpec,
    ) -> Result<Option<PodSpec>, String> {
        let presets = self.matching(labels);
        if presets.iter().all(|preset| is_empty(preset)) {
            return Ok(None);
        }
        let Value::Object(mut pod) = spec.to_value() else {
            return Ok(None);
        };
        for preset in presets {
            merge(preset, &mut pod)?;
        }
        Ok(Some(PodSpec::from_value(&Value::Object(pod))))
    }
}

fn is_empty(preset: &Preset) -> bool {
    preset.env.is_empty()
        && preset.volumes.is_empty()
        && preset.volume_mounts.is_empty()
        && preset.tolerations.is_empty()
}

/// Adds a preset: variables and mounts to every container (not to init containers), volumes and
/// tolerations to the Pod.
fn merge(preset: &Preset, pod: &mut Map<String, Value>) -> Result<(), String> {
    if let Some(Value::Array(containers)) = pod.get_mut("containers") {
        for container in containers.iter_mut().filter_map(Value::as_object_mut) {
            for env in &preset.env {
                add_named(container, "env", &env.0, "env var")?;
            }
        }
    }
    for volume in &preset.volumes {
        add_named(pod, "volumes", &volume.0, "volume")?;
    }
    if let Some(Value::Array(containers)) = pod.get_mut("containers") {
        for container in containers.iter_mut().filter_map(Value::as_object_mut) {
            for mount in &preset.volume_mounts {
                add_named(container, "volumeMounts", &mount.0, "volume mount")?;
            }
        }
    }
    for Toleration(toleration) in &preset.tolerations {
        let mut list = take_list(pod, "tolerations");
        if list.contains(toleration) {
            return Err(format!("toleration duplicated in pod spec: {toleration}"));
        }
        list.push(toleration.clone());
        pod.insert("tolerations".to_owned(), Value::Array(list));
    }
    Ok(())
}

fn add_named(
    owner: &mut Map<String, Value>,
    key: &str,
    value: &Value,
    what: &str,
) -> Result<(), String> {
    let mut list = take_list(owner, key);
    let name = &value["name"];
    if list.iter().any(|existing| existing["name"] == *name) {
        let name = name.as_str().unwrap_or_default();
        return Err(format!("{what} duplicated in pod spec: {name}"));
    }
    list.push(value.clone());
    owner.insert(key.to_owned(), Value::Array(list));
    Ok(())
}

/// Takes the list under a key; empty if there is none.
fn take_list(owner: &mut Map<String, Value>, key: &str) -> Vec<Value> {
    match owner.remove(key) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}
