//! Configuration: YAML files become typed, defaulted, validated settings and jobs.

pub mod config;
pub mod diagnostic;
pub mod live;
pub mod plugin_config;
pub mod prow;
pub mod unknown;
pub mod yaml;

pub use config::{Config, JobConfig, LoadOptions, Loaded, LoadedPlugins};
pub use diagnostic::{Diagnostic, LoadErrors, Severity};
pub use live::{ConfigStatus, LiveConfig, Snapshot};
pub use plugin_config::PluginConfig;
pub use prow::ProwConfig;
