//! Configuration: YAML files become typed, defaulted, validated settings and jobs.
//!
//! ```text
//! files ─ yaml ─┬─ prow (config.yaml) ──┐
//!               ├─ jobs (job files) ────┴─ load ─ Config ─┬─ live, reload ─ components, pages
//!               ├─ plugin_config (plugins.yaml) ──────────┤
//!               └─ prow_yaml (.prow.yaml) ────────────────┘
//! ```
//!
//! - Once: [`load()`] and [`load_plugins`] with [`LoadOptions`].
//! - For good: [`start`] gives a [`LiveConfig`] and what keeps it up to date ([`run_reloader`]).
//! - Jobs of a tested repository: [`prow_yaml::parse`] with the files that git read.
//! - `checkconfig`: [`load()`], [`load_plugins`] (with [`LoadOptions::known_plugins`]), then
//!   [`checks::run`] with a [`checks::WarningSet`] from the flags. An error of loading is fatal; so is
//!   any warning under `--strict`.
//!
//! Everything that is wrong is a [`Diagnostic`] with file, line and rule, and all of them are told at
//! once. A configuration that Prow accepts is accepted here, with one exception: a key that stands
//! twice in one mapping is an error, where Prow silently takes the later one.

pub mod checks;
pub mod config;
pub mod diagnostic;
pub mod files;
mod jobs;
pub mod live;
pub mod load;
pub mod parallel;
mod place;
pub mod plugin_config;
pub mod prow;
pub mod prow_yaml;
pub mod reload;
pub mod rules;
mod supplemental;
pub mod unknown;
pub mod yaml;

pub use config::{Config, JobConfig, LoadOptions, Loaded, LoadedPlugins};
pub use diagnostic::{Diagnostic, LoadErrors, Severity};
pub use live::{ConfigStatus, LiveConfig, Snapshot};
pub use load::{Loader, load, load_plugins};
pub use plugin_config::PluginConfig;
pub use prow::ProwConfig;
pub use reload::{Reloader, Tick, run_reloader, start};
