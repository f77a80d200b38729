//! The status of a Pod, as its containers come and go.

use go_compat::Timestamp;
use job_spec::pod::{ContainerRunning, ContainerTerminated, ContainerWaiting, PodCondition};
use job_spec::{ContainerState, ContainerStatus, Pod, PodPhase, PodStatus};

use super::supervise::ContainerExit;
use super::volumes::Refusal;

/// A Pod's status under work.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) status: PodStatus,
}

impl Report {
    /// All containers waiting.
    pub(super) fn new(pod: &Pod) -> Report {
        let fields = pod.spec.fields();
        let waiting = |container: &job_spec::Container| ContainerStatus {
            name: container.name.clone(),
            image: container.image.clone(),
            state: ContainerState {
                waiting: Some(ContainerWaiting {
                    reason: "PodInitializing".to_string(),
                    ..Default::default()
                }),
                ..Default::default()
            },
            ..Default::default()
        };
        let mut status = PodStatus { phase: PodPhase::Pending, ..Default::default() };
        status.start_time = pod.status.start_time;
        status.conditions.clone_from(&pod.status.conditions);
        status.init_container_statuses = fields.init_containers.iter().map(waiting).collect();
        status.container_statuses = fields.containers.iter().map(waiting).collect();
        Report { status }
    }

    /// No place for the Pod yet.
    pub(super) fn unscheduled(&mut self, now: Timestamp, limit: usize) {
        self.scheduled_condition(
            now,
            "False",
            "Unschedulable",
            format!("{limit} Pods run on this machine, and no more are let run at once"),
        );
    }

    /// The Pod has its place.
    pub(super) fn scheduled(&mut self, now: Timestamp) {
        self.status.start_time = Some(now);
        self.scheduled_condition(now, "True", "", String::new());
    }

    fn scheduled_condition(&mut self, now: Timestamp, status: &str, reason: &str, message: String) {
        let condition = PodCondition {
            r#type: "PodScheduled".to_string(),
            status: status.to_string(),
            reason: reason.to_string(),
            message,
            last_transition_time: Some(now),
            ..Default::default()
        };
        self.status.conditions.retain(|other| other.r#type != condition.r#type);
        self.status.conditions.push(condition);
    }

    /// A container runs since `started_ms`, for the `restarts`-th time again.
    pub(super) fn running(&mut self, name: &str, started_ms: Option<i64>, restarts: u32) {
        let started_at = started_ms.map(Timestamp::from_millis);
        let main = self.status.container_statuses.iter().any(|status| status.name == name);
        if main {
            self.status.phase = PodPhase::Running;
        }
        if let Some(status) = self.container(name) {
            status.ready = true;
            status.restart_count = i64::from(restarts);
            status.state = ContainerState {
                running: Some(ContainerRunning { started_at, ..Default::default() }),
                ..Default::default()
            };
        }
    }

    /// A container has ended.
    pub(super) fn terminated(&mut self, name: &str, started_ms: Option<i64>, exit: &ContainerExit) {
        let finished = Timestamp::from_millis(exit.finished_ms);
        if let Some(status) = self.container(name) {
            status.ready = false;
            status.state = ContainerState {
                terminated: Some(ContainerTerminated {
                    exit_code: i64::from(exit.code),
                    signal: i64::from(exit.signal),
                    reason: exit.reason.clone(),
                    message: exit.message.clone(),
                    started_at: Some(started_ms.map_or(finished, Timestamp::from_millis)),
                    finished_at: Some(finished),
                    ..Default::default()
                }),
                ..Default::default()
            };
        }
    }

    /// The Pod cannot go on, for this reason.
    pub(super) fn failed(&mut self, reason: &str, message: &str) {
        self.status.phase = PodPhase::Failed;
        self.status.reason = reason.to_string();
        self.status.message = message.to_string();
    }

    /// The Pod cannot be run here.
    pub(super) fn refused(&mut self, refusal: &Refusal) {
        let Refusal { reason, message } = refusal;
        let statuses = &mut self.status;
        for status in
            statuses.init_container_statuses.iter_mut().chain(&mut statuses.container_statuses)
        {
            if let Some(waiting) = &mut status.state.waiting {
                waiting.reason = reason.to_string();
                waiting.message.clone_from(message);
            }
        }
        self.failed(reason, message);
    }

    /// All containers have ended: the phase follows from their exit codes.
    pub(super) fn conclude(&mut self) {
        let well = self.status.container_statuses.iter().all(|status| {
            status.state.terminated.as_ref().is_some_and(|ended| ended.exit_code == 0)
        });
        self.status.phase = if well { PodPhase::Succeeded } else { PodPhase::Failed };
    }

    fn container(&mut self, name: &str) -> Option<&mut ContainerStatus> {
        let status = &mut self.status;
        status
            .init_container_statuses
            .iter_mut()
            .chain(&mut status.container_statuses)
            .find(|status| status.name == name)
    }
}
