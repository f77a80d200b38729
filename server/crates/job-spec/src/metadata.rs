//! Object metadata as Kubernetes keeps it for every resource.

use std::collections::BTreeMap;

use go_compat::time::Timestamp;

use crate::go_struct::go_struct;
use crate::shared::Shared;

go_struct! {
    /// The part of Kubernetes' object metadata that Prow uses; other keys are kept as they are.
    pub struct ObjectMeta {
        /// Unique within the namespace. For a ProwJob a version 1 UUID; its Pod has the same name.
        pub name: String => "name",
        /// The namespace the object lives in.
        pub namespace: String => "namespace",
        /// Given by the cluster; distinguishes objects that had the same name one after the other.
        pub uid: String => "uid",
        /// Given by the cluster at each write; opaque.
        pub resource_version: Option<String> => "resourceVersion",
        /// Counts the changes of what the object is meant to be.
        pub generation: Option<i64> => "generation",
        /// Given by the cluster when the object is created.
        pub creation_timestamp: Option<Timestamp> => "creationTimestamp",
        /// Set once deletion was asked for; the object goes when its finalizers and grace period have.
        pub deletion_timestamp: Option<Timestamp> => "deletionTimestamp",
        /// Seconds the object may take to stop, set together with the deletion time.
        pub deletion_grace_period_seconds: Option<i64> => "deletionGracePeriodSeconds",
        /// Selectable key-value pairs; values are at most 63 characters.
        pub labels: BTreeMap<String, String> => "labels",
        /// Free key-value pairs. The runs of a job mostly have the same ones.
        pub annotations: Shared<BTreeMap<String, String>> => "annotations",
        /// Names that must be removed before a deleted object goes away.
        pub finalizers: Vec<String> => "finalizers",
    }
    keep other
}
