//! A Pod as the cluster reports it: enough of its status to decide what became of a run.

use std::fmt;

use go_compat::time::Timestamp;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::go_struct::go_struct;
use crate::go_struct::{GoEmpty, HasShape, Key};
use crate::metadata::ObjectMeta;
use crate::pod_spec::PodSpec;
use crate::shape::Shape;

go_struct! {
    /// A Pod: what to run and how far it has come.
    pub struct Pod {
        /// `v1`.
        pub api_version: String => "apiVersion",
        /// `Pod`.
        pub kind: String => "kind",
        /// Name, labels and the rest that every resource has.
        pub metadata: ObjectMeta => "metadata" always,
        /// What to run.
        pub spec: PodSpec => "spec" always,
        /// How far it has come.
        pub status: PodStatus => "status" always,
    }
    keep other
}

go_struct! {
    /// How far a Pod has come.
    pub struct PodStatus {
        /// The summary of its containers' states.
        pub phase: PodPhase => "phase",
        /// Conditions such as `PodScheduled`.
        pub conditions: Vec<PodCondition> => "conditions",
        /// A sentence for people on why it is in this phase.
        pub message: String => "message",
        /// One word on why, such as `Evicted` or `NodeLost`.
        pub reason: String => "reason",
        /// When a node took it on.
        pub start_time: Option<Timestamp> => "startTime",
        /// State of the init containers.
        pub init_container_statuses: Vec<ContainerStatus> => "initContainerStatuses",
        /// State of the containers.
        pub container_statuses: Vec<ContainerStatus> => "containerStatuses",
    }
    keep other
}

go_struct! {
    /// One aspect of a Pod's way to running.
    pub struct PodCondition {
        /// Which aspect, such as `PodScheduled`.
        pub r#type: String => "type" always,
        /// `True`, `False` or `Unknown`.
        pub status: String => "status" always,
        /// One word on why.
        pub reason: String => "reason",
        /// A sentence for people.
        pub message: String => "message",
        /// When it last changed.
        pub last_transition_time: Option<Timestamp> => "lastTransitionTime",
    }
    keep other
}

go_struct! {
    /// State of one container.
    pub struct ContainerStatus {
        /// Name of the container.
        pub name: String => "name" always,
        /// What it does now.
        pub state: ContainerState => "state",
        /// How often it was started again.
        pub restart_count: i64 => "restartCount" always,
        /// Running, and ready if it has a probe.
        pub ready: bool => "ready" always,
        /// The image it runs.
        pub image: String => "image" always,
        /// The exact image.
        pub image_id: String => "imageID" always,
    }
    keep other
}

go_struct! {
    /// Waiting, running or terminated; none of them reads as waiting.
    pub struct ContainerState {
        /// Not started yet.
        pub waiting: Option<ContainerWaiting> => "waiting",
        /// Running.
        pub running: Option<ContainerRunning> => "running",
        /// Ended.
        pub terminated: Option<ContainerTerminated> => "terminated",
    }
    keep other
}

impl GoEmpty for ContainerState {
    fn is_go_empty(&self) -> bool {
        *self == ContainerState::default()
    }
}

go_struct! {
    /// A container that has not started.
    pub struct ContainerWaiting {
        /// One word on why, such as `ImagePullBackOff`.
        pub reason: String => "reason",
        /// A sentence for people.
        pub message: String => "message",
    }
    keep other
}

go_struct! {
    /// A running container.
    pub struct ContainerRunning {
        /// Since when.
        pub started_at: Option<Timestamp> => "startedAt",
    }
    keep other
}

go_struct! {
    /// A container that has ended.
    pub struct ContainerTerminated {
        /// Its exit code.
        pub exit_code: i64 => "exitCode" always,
        /// The signal that ended it; 0 for none.
        pub signal: i64 => "signal",
        /// One word on why, such as `Completed`, `Error` or `OOMKilled`.
        pub reason: String => "reason",
        /// The end of its log or what it wrote for the purpose.
        pub message: String => "message",
        /// When it started.
        pub started_at: Option<Timestamp> => "startedAt",
        /// When it ended.
        pub finished_at: Option<Timestamp> => "finishedAt",
    }
    keep other
}

/// The summary of a Pod's containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PodPhase {
    /// Accepted; not all containers have started.
    Pending,
    /// At least one container runs.
    Running,
    /// All containers ended with 0.
    Succeeded,
    /// All containers ended, one with another code.
    Failed,
    /// The node does not answer.
    Unknown,
    /// The cluster has not said yet.
    #[default]
    Unset,
}

impl PodPhase {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            PodPhase::Pending => "Pending",
            PodPhase::Running => "Running",
            PodPhase::Succeeded => "Succeeded",
            PodPhase::Failed => "Failed",
            PodPhase::Unknown => "Unknown",
            PodPhase::Unset => "",
        }
    }
}

impl fmt::Display for PodPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for PodPhase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match &*Key::deserialize(deserializer)?.0 {
            "" => PodPhase::Unset,
            "Pending" => PodPhase::Pending,
            "Running" => PodPhase::Running,
            "Succeeded" => PodPhase::Succeeded,
            "Failed" => PodPhase::Failed,
            // A phase that does not exist yet is as good as none that we know.
            _ => PodPhase::Unknown,
        })
    }
}

impl Serialize for PodPhase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl GoEmpty for PodPhase {
    fn is_go_empty(&self) -> bool {
        *self == PodPhase::Unset
    }
}

impl HasShape for PodPhase {
    fn shape() -> Shape {
        Shape::Scalar
    }
}
