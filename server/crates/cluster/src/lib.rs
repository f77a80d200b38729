//! ProwJobs, Pods and Leases, wherever they live.
//!
//! The traits have the shape that Kubernetes gives: lists with a resource version, watches from a
//! version (which may be gone), JSON merge patches, conflicts. Components know only [`Cluster`]
//! and [`Api`]:
//!
//! ```text
//!  plank, sinker, crier, horologium, hook, deck
//!        │ list, watch, create, patch, delete
//!        v
//!  Cluster ──prow_jobs()──> Api<ProwJob>
//!          ──pods(alias)──> PodApi (Api<Pod> + logs)
//!          ──leases()─────> Api<Lease>
//!        │
//!  EmbeddedCluster: rows in the store, in-process watches, Pods as local processes
//! ```
//!
//! [`Reflector`] keeps a local copy of a list up to date, as every controller wants it.

mod api;
pub mod embedded;
mod error;
mod lease;
pub mod merge_patch;
mod reflector;
mod selector;

pub use api::{
    Api, ByteStream, Cluster, DeleteOptions, ListResult, LogOptions, PodApi, Precondition,
    Resource, WatchEvent, WatchStream,
};
pub use embedded::supervise::run_container_main;
pub use embedded::{EmbeddedCluster, EmbeddedOptions};
pub use error::ClusterError;
pub use lease::{Lease, LeaseSpec};
pub use reflector::{Reflection, Reflector, ReflectorEvent};
pub use selector::{LabelSelector, Requirement};
