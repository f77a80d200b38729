//! The ProwJob resource, job configuration types, and how a job becomes a Pod. Pure: nothing here reads
//! files, clocks or the network.
//!
//! - What the configuration describes: [`job`], [`decoration`], [`reporter`], [`auth`], [`tenancy`].
//! - What a run is: [`prow_job`], [`refs`], [`metadata`], [`labels`], [`pod`].
//! - What Kubernetes and the pod utilities are handed: [`pod_spec`], [`pod_schema`], [`options`],
//!   [`downward`].
//!
//! Every struct reads and writes JSON as Prow's Go structs do ([`mod@go_struct`]): missing and null mean the
//! zero value, empty values are left out, and resources keep the keys that they do not know.

pub mod auth;
pub mod crd;
pub mod create;
pub mod decoration;
pub mod downward;
pub mod env;
pub mod filter;
pub mod gcs;
pub mod gcs_path;
pub mod go_json;
pub mod go_path;
pub mod go_struct;
pub mod help;
pub mod interner;
pub mod job;
pub mod labels;
pub mod list;
pub mod metadata;
pub mod options;
pub mod pod;
pub mod pod_decoration;
pub mod pod_schema;
pub mod pod_spec;
pub mod prow_job;
pub mod quantity;
pub mod refs;
pub mod reporter;
pub mod shape;
pub mod shared;
pub mod should_run;
pub mod snowflake;
pub mod status_url;
pub mod template_view;
pub mod tenancy;
mod transcode;

pub use auth::{GitHubTeamSlug, RerunAuthConfig};
pub use decoration::{DecorationConfig, UtilityImages};
pub use downward::JobSpec;
pub use gcs::{Bucket, GcsConfiguration};
pub use interner::Interner;
pub use job::{
    Brancher, JobBase, Periodic, Postsubmit, Preset, Presubmit, RegexpChangeMatcher, Reporter,
    Retry, SourceLocation, UtilityConfig,
};
pub use metadata::ObjectMeta;
pub use pod::{ContainerState, ContainerStatus, Pod, PodPhase, PodStatus};
pub use pod_spec::{Container, EnvVar, PodSpec, Volume, VolumeMount};
pub use prow_job::{JobType, ProwJob, ProwJobSpec, ProwJobState, ProwJobStatus};
pub use quantity::Quantity;
pub use refs::{Pull, Refs};
pub use reporter::{ReporterConfig, SlackReporterConfig};
pub use tenancy::{ProwJobDefaults, ResultStoreConfig};
