//! The environment of a container, and `$(NAME)` in its values, command and arguments.

use std::collections::BTreeMap;

use job_spec::{Container, Pod};
use serde_json::Value;

use super::volumes::{KeyedFiles, Refusal};

/// The variables of a container in the order of their definition, expanded but with the
/// container's own paths.
pub(super) fn environment(
    pod: &Pod,
    container: &Container,
    files: &KeyedFiles,
) -> Result<Vec<(String, String)>, Refusal> {
    let mut env = Variables::default();
    for source in container.other.get("envFrom").and_then(Value::as_array).into_iter().flatten() {
        let prefix = source["prefix"].as_str().unwrap_or_default();
        for (kind, field) in [("secret", "secretRef"), ("configMap", "configMapRef")] {
            let Some(reference) = source.get(field) else { continue };
            let name = reference["name"].as_str().unwrap_or_default();
            let optional = reference["optional"].as_bool().unwrap_or(false);
            for (key, value) in files.all(kind, name, optional)? {
                env.set(format!("{prefix}{key}"), text_of(kind, name, &key, value)?);
            }
        }
    }
    for variable in &container.env {
        let value = match variable.other.get("valueFrom") {
            None => expand(&variable.value, &env.values),
            Some(source) => match value_from(pod, container, &variable.name, source, files)? {
                Some(value) => value,
                None => continue,
            },
        };
        env.set(variable.name.clone(), value);
    }
    Ok(env.into_list())
}

/// Variables with their values, remembering the order of definition.
#[derive(Default)]
struct Variables {
    order: Vec<String>,
    values: BTreeMap<String, String>,
}

impl Variables {
    fn set(&mut self, name: String, value: String) {
        if self.values.insert(name.clone(), value).is_none() {
            self.order.push(name);
        }
    }

    fn into_list(mut self) -> Vec<(String, String)> {
        self.order
            .into_iter()
            .filter_map(|name| self.values.remove(&name).map(|value| (name, value)))
            .collect()
    }
}

/// The value of a `valueFrom`; `None` if it is optional and not there.
fn value_from(
    pod: &Pod,
    container: &Container,
    variable: &str,
    source: &Value,
    files: &KeyedFiles,
) -> Result<Option<String>, Refusal> {
    for (kind, field) in [("secret", "secretKeyRef"), ("configMap", "configMapKeyRef")] {
        let Some(reference) = source.get(field) else { continue };
        let name = reference["name"].as_str().unwrap_or_default();
        let key = reference["key"].as_str().unwrap_or_default();
        let optional = reference["optional"].as_bool().unwrap_or(false);
        return match files.one(kind, name, key, optional)? {
            Some(value) => text_of(kind, name, key, value).map(Some),
            None => Ok(None),
        };
    }
    if let Some(path) = source.pointer("/fieldRef/fieldPath").and_then(Value::as_str) {
        return pod_field(pod, path).map(Some).ok_or_else(|| {
            Refusal::config(format!(
                "variable `{variable}` of container `{}` wants the field `{path}`, which the \
                 embedded cluster does not have",
                container.name
            ))
        });
    }
    let wanted = source.as_object().and_then(|source| source.keys().next());
    Err(Refusal::config(format!(
        "variable `{variable}` of container `{}` comes from `{}`, which the embedded cluster does \
         not have",
        container.name,
        wanted.map_or("nothing", String::as_str)
    )))
}

/// A field of the Pod, as the downward API gives it.
pub(super) fn pod_field(pod: &Pod, path: &str) -> Option<String> {
    let metadata = &pod.metadata;
    let keyed = |field: &str| path.strip_prefix(field)?.strip_prefix("['")?.strip_suffix("']");
    if let Some(key) = keyed("metadata.labels") {
        return Some(metadata.labels.get(key).cloned().unwrap_or_default());
    }
    if let Some(key) = keyed("metadata.annotations") {
        return Some(metadata.annotations.get(key).cloned().unwrap_or_default());
    }
    let lines = |map: &BTreeMap<String, String>| {
        map.iter().map(|(key, value)| format!("{key}={value:?}")).collect::<Vec<_>>().join("\n")
    };
    Some(match path {
        "metadata.name" => metadata.name.clone(),
        "metadata.namespace" => metadata.namespace.clone(),
        "metadata.uid" => metadata.uid.clone(),
        "metadata.labels" => lines(&metadata.labels),
        "metadata.annotations" => lines(&metadata.annotations),
        "spec.nodeName" => "localhost".to_string(),
        "spec.serviceAccountName" => pod.spec.fields().service_account_name,
        "status.podIP" | "status.podIPs" | "status.hostIP" | "status.hostIPs" => {
            "127.0.0.1".to_string()
        }
        _ => return None,
    })
}

fn text_of(kind: &str, name: &str, key: &str, value: Vec<u8>) -> Result<String, Refusal> {
    match String::from_utf8(value) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(Refusal::config(format!(
            "key `{key}` of {kind} `{name}` is not text, so it cannot be an environment variable"
        ))),
    }
}

/// Replaces `$(NAME)` by the variable's value, as Kubernetes does: `$$` is a `$`, and what names
/// no variable stays as it is.
pub(super) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) =
            after.strip_prefix('(').and_then(|open| open.split_once(')'))
        {
            match variables.get(name) {
                Some(value) => out.push_str(value),
                None => {
                    out.push_str("$(");
                    out.push_str(name);
                    out.push(')');
                }
            }
            rest = after;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_expand_as_in_kubernetes() {
        let variables: BTreeMap<String, String> =
            [("A", "1"), ("B", "$(A)")].map(|(k, v)| (k.to_string(), v.to_string())).into();
        let cases = [
            ("$(A)", "1"),
            ("x$(A)y$(A)", "x1y1"),
            ("$(B)", "$(A)"),
            ("$(C)", "$(C)"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$A", "$A"),
            ("${A}", "${A}"),
            ("$(A", "$(A"),
            ("cost: $", "cost: $"),
            ("$$", "$"),
            ("", ""),
        ];
        for (text, wanted) in cases {
            assert_eq!(expand(text, &variables), wanted, "{text}");
        }
    }
}
