//! Configuration: YAML files become typed, defaulted, validated settings and jobs.

pub mod checks;
pub mod config;
pub mod diagnostic;
pub mod files;
mod jobs;
pub mod live;
pub mod load;
mod parallel;
mod place;
pub mod plugin_config;
pub mod prow;
pub mod prow_yaml;
pub mod reload;
pub mod rules;
pub mod unknown;
pub mod yaml;

pub use config::{Config, JobConfig, LoadOptions, Loaded, LoadedPlugins};
pub use diagnostic::{Diagnostic, LoadErrors, Severity};
pub use live::{ConfigStatus, LiveConfig, Snapshot};
pub use load::{Loader, load, load_plugins};
pub use plugin_config::PluginConfig;
pub use prow::ProwConfig;
pub use reload::{Reloader, Tick, run_reloader, start};
