//! The configuration that is in use now.
//!
//! Components keep a [`LiveConfig`] and ask it for the configuration whenever they begin something;
//! what they got stays as it is until they let go of it. [`crate::reload`] replaces it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use go_compat::Timestamp;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::config::Config;
use crate::diagnostic::{Diagnostic, LoadErrors};
use crate::plugin_config::PluginConfig;

/// The configuration in use; clones share it.
#[derive(Clone, Debug)]
pub struct LiveConfig(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    current: ArcSwap<Snapshot>,
    status: RwLock<ConfigStatus>,
    changes: watch::Sender<Arc<Snapshot>>,
}

/// Settings, jobs and plugins that belong together.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Settings and jobs.
    pub config: Arc<Config>,
    /// Plugins.
    pub plugins: Arc<PluginConfig>,
    /// 1 for the first configuration, one more for each that replaced it.
    pub generation: u64,
}

/// What is known about the configuration in use, for the status page, the log and metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigStatus {
    /// When the configuration in use was loaded.
    pub loaded_at: Timestamp,
    /// Hash over the contents of its files.
    pub sha: String,
    /// The commit that it was made from, if a file `VERSION` says so.
    pub version: String,
    /// How often it was replaced since the start.
    pub reloads: u64,
    /// What is odd about it, without keeping it from working.
    pub warnings: Arc<Vec<Diagnostic>>,
    /// Why the newest files are not in use. None if they are.
    pub last_error: Option<Arc<LoadErrors>>,
    /// When loading last failed. None if the newest files are in use.
    pub failed_at: Option<Timestamp>,
    /// How often loading has failed since it last succeeded.
    pub failures: u32,
}

impl LiveConfig {
    /// Begins with a configuration that was loaded at `now`.
    pub fn new(
        config: Arc<Config>,
        plugins: Arc<PluginConfig>,
        warnings: Vec<Diagnostic>,
        now: Timestamp,
    ) -> Self {
        let status = ConfigStatus {
            loaded_at: now,
            sha: config.sha.clone(),
            version: config.prow.config_version_sha.clone(),
            warnings: Arc::new(warnings),
            ..ConfigStatus::default()
        };
        let snapshot = Arc::new(Snapshot { config, plugins, generation: 1 });
        LiveConfig(Arc::new(Inner {
            current: ArcSwap::new(snapshot.clone()),
            status: RwLock::new(status),
            changes: watch::Sender::new(snapshot),
        }))
    }

    /// A configuration that nothing replaces, for tests and tools.
    pub fn fixed(config: Config, plugins: PluginConfig) -> Self {
        LiveConfig::new(Arc::new(config), Arc::new(plugins), Vec::new(), Timestamp::EPOCH)
    }

    /// Settings and jobs.
    pub fn get(&self) -> Arc<Config> {
        self.0.current.load().config.clone()
    }

    /// Plugins.
    pub fn plugins(&self) -> Arc<PluginConfig> {
        self.0.current.load().plugins.clone()
    }

    /// Settings, jobs and plugins that belong together.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.current.load_full()
    }

    /// What is known about it.
    pub fn status(&self) -> ConfigStatus {
        self.0.status.read().clone()
    }

    /// Tells of every replacement. A slow reader sees the newest only.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.changes.subscribe()
    }

    /// Puts another configuration into use.
    pub fn replace(
        &self,
        config: Arc<Config>,
        plugins: Arc<PluginConfig>,
        warnings: Vec<Diagnostic>,
        now: Timestamp,
    ) {
        let mut status = self.0.status.write();
        let generation = self.0.current.load().generation + 1;
        *status = ConfigStatus {
            loaded_at: now,
            sha: config.sha.clone(),
            version: config.prow.config_version_sha.clone(),
            reloads: status.reloads + 1,
            warnings: Arc::new(warnings),
            last_error: None,
            failed_at: None,
            failures: 0,
        };
        let snapshot = Arc::new(Snapshot { config, plugins, generation });
        self.0.current.store(snapshot.clone());
        self.0.changes.send_replace(snapshot);
    }

    /// Notes that newer files cannot be used, for the `failures`th time; the configuration in use
    /// stays.
    pub fn note_failure(&self, errors: LoadErrors, now: Timestamp, failures: u32) {
        let mut status = self.0.status.write();
        status.last_error = Some(Arc::new(errors));
        status.failed_at = Some(now);
        status.failures = failures;
    }

    /// Notes that the files again say what is in use.
    pub fn note_recovery(&self) {
        let mut status = self.0.status.write();
        status.last_error = None;
        status.failed_at = None;
        status.failures = 0;
    }
}
