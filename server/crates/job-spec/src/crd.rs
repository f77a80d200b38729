//! The definition of the ProwJob resource that a Kubernetes cluster is given.

use go_compat::yaml_emit::to_yaml;
use serde_json::{Map, Value, json};

use crate::pod_schema::{self, Field, Kind};
use crate::prow_job::{JobType, KIND, ProwJobState};

/// Columns of `kubectl get prowjobs`: name, type, path, description.
const COLUMNS: [(&str, &str, &str, &str); 9] = [
    ("Job", "string", ".spec.job", "The name of the job being run"),
    ("BuildId", "string", ".status.build_id", "The ID of the job being run."),
    ("Type", "string", ".spec.type", "The type of job being run."),
    ("Org", "string", ".spec.refs.org", "The org for which the job is running."),
    ("Repo", "string", ".spec.refs.repo", "The repo for which the job is running."),
    ("Pulls", "string", ".spec.refs.pulls[*].number", "The pulls for which the job is running."),
    ("StartTime", "date", ".status.startTime", "When the job started running."),
    ("CompletionTime", "date", ".status.completionTime", "When the job finished running."),
    ("State", "string", ".status.state", "The state of the job."),
];

/// What Kubernetes takes for a quantity.
const QUANTITY_PATTERN: &str = concat!(
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))",
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
);

/// The CustomResourceDefinition of ProwJobs: group `prow.k8s.io`, version `v1`, namespaced, without a status
/// subresource, so that one patch carries spec and status. Its schema is complete: the cluster drops unknown
/// fields and refuses values of a wrong type.
pub fn prow_job_crd() -> Value {
    let columns: Vec<Value> = COLUMNS
        .iter()
        .map(|(name, kind, path, description)| {
            json!({"name": name, "type": kind, "jsonPath": path, "description": description})
        })
        .collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "prowjobs.prow.k8s.io",
            "annotations": {
                // A group that ends in k8s.io must say where it was agreed on.
                "api-approved.kubernetes.io":
                    "https://github.com/kubernetes/test-infra/pull/8669",
            },
        },
        "spec": {
            "group": "prow.k8s.io",
            "names": {
                "kind": KIND,
                "listKind": "ProwJobList",
                "plural": "prowjobs",
                "singular": "prowjob",
            },
            "scope": "Namespaced",
            "preserveUnknownFields": false,
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": {},
                "additionalPrinterColumns": columns,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {
                        "apiVersion": {"type": "string"},
                        "kind": {"type": "string"},
                        "metadata": {"type": "object"},
                        "spec": spec_schema(),
                        "status": status_schema(),
                    },
                }},
            }],
        },
    })
}

/// [`prow_job_crd`] as YAML, for `kubectl apply`.
pub fn prow_job_crd_yaml() -> String {
    to_yaml(&prow_job_crd())
}

fn spec_schema() -> Value {
    let mut schema = schema_of(&Kind::Struct("ProwJobSpec"));
    let types: Vec<&str> = JobType::ALL.into_iter().map(JobType::as_str).collect();
    schema["properties"]["type"]["enum"] = json!(types);
    schema["properties"]["max_concurrency"]["minimum"] = json!(0);
    schema
}

fn status_schema() -> Value {
    let mut schema = schema_of(&Kind::Struct("ProwJobStatus"));
    let states: Vec<&str> = ProwJobState::ALL.iter().map(ProwJobState::as_str).collect();
    schema["properties"]["state"]["enum"] = json!(states);
    // A run that ended by itself has an end; an aborted one may still wait for its Pod to go.
    let ended = json!({"properties": {"state": {"enum": ["success", "failure", "error"]}}});
    schema["anyOf"] = json!([{"not": ended}, {"required": ["completionTime"]}]);
    schema
}

fn schema_of(kind: &Kind) -> Value {
    match kind {
        Kind::Str => json!({"type": "string"}),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Int => json!({"type": "integer", "format": "int64"}),
        Kind::Time => json!({"type": "string", "format": "date-time"}),
        Kind::IntOrString => json!({
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": true,
        }),
        Kind::Quantity => json!({
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": QUANTITY_PATTERN,
            "x-kubernetes-int-or-string": true,
        }),
        Kind::Any => json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
        Kind::List(element) => json!({"type": "array", "items": schema_of(element)}),
        Kind::Map(value) => json!({"type": "object", "additionalProperties": schema_of(value)}),
        Kind::Struct(name) => struct_schema(&pod_schema::type_named(name).fields),
    }
}

fn struct_schema(fields: &[Field]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.key.to_owned(), schema_of(&field.kind))).collect();
    // Structs are always written, but need not be.
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.always && !field.pointer && !matches!(field.kind, Kind::Struct(_)))
        .map(|field| field.key)
        .collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::go_struct::HasShape;
    use crate::prow_job::{ProwJobSpec, ProwJobStatus};
    use crate::shape::Shape;

    /// Compares what the types read with what the schema lets through, down to the types of Kubernetes.
    fn compare(path: &str, shape: &Shape, schema: &Value) {
        match shape {
            Shape::Struct { keys, .. } => {
                let properties = schema["properties"].as_object().expect(path);
                let read: BTreeSet<&str> = keys.iter().map(|(key, _)| *key).collect();
                let allowed: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
                assert_eq!(read, allowed, "{path}");
                for (key, shape) in keys {
                    compare(&format!("{path}.{key}"), &shape(), &properties[*key]);
                }
            }
            Shape::List(element) => compare(path, &element(), &schema["items"]),
            Shape::Map(value) => compare(path, &value(), &schema["additionalProperties"]),
            Shape::Pod(_) => assert_eq!(schema["type"], "object", "{path}"),
            Shape::PodList(_) => assert_eq!(schema["type"], "array", "{path}"),
            Shape::Scalar => {
                let kind = schema["type"].as_str().unwrap_or("quantity");
                assert!(["string", "boolean", "integer", "quantity"].contains(&kind), "{path}");
            }
            Shape::Any => {
                assert_eq!(schema["x-kubernetes-preserve-unknown-fields"], true, "{path}");
            }
        }
    }

    #[test]
    fn the_schema_has_exactly_the_keys_that_the_types_read() {
        compare("spec", &ProwJobSpec::shape(), &spec_schema());
        compare("status", &ProwJobStatus::shape(), &status_schema());
    }

    #[test]
    fn the_head_of_the_definition_is_what_kubectl_users_know() {
        let mut crd = prow_job_crd();
        let version = crd["spec"]["versions"][0].as_object_mut().expect("a version");
        version.insert("schema".to_owned(), json!("left out"));
        insta::assert_snapshot!(to_yaml(&crd));
    }

    #[test]
    fn required_fields_and_enums_are_those_of_prow() {
        let spec = spec_schema();
        assert_eq!(spec["required"], json!(["type", "job"]));
        assert_eq!(
            spec["properties"]["type"]["enum"],
            json!(["presubmit", "postsubmit", "periodic", "batch"])
        );
        assert_eq!(spec["properties"]["refs"]["required"], json!(["org", "repo"]));
        let container = &spec["properties"]["pod_spec"]["properties"]["containers"]["items"];
        assert_eq!(container["required"], json!(["name"]));
        let status = status_schema();
        assert_eq!(status["required"], json!(["state"]));
        assert_eq!(status["properties"]["state"]["enum"][0], "scheduling");
    }
}
