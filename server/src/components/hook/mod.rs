//! Handles webhook deliveries from the journal.
//!
//! | | |
//! |---|---|
//! | Watches | the journal of deliveries, which `web/webhook` fills before it answers 200 |
//! | Writes | what the plugins do; what became of each delivery, per plugin; the runs that texts name |
//! | Period | none: the journal says when something arrives |
//! | Leadership | none: deliveries are claimed one by one |
//! | Metrics | `prow_plugin_handle_duration_seconds`, `prow_plugin_handle_errors`, `bowsprit_webhook_*` |

pub mod decide;
mod deliver;
mod external;
mod metrics;
mod record;
mod run;
mod seen;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use clock::SharedClock;
use cluster::Api;
use config_load::LiveConfig;
use forge::Forge;
use job_spec::ProwJob;
use store::{AuditStore, DeliveryStore, ReferenceStore, StateStore};

use super::Heartbeat;
use super::enablement::Enablement;
use crate::plugins::help::Help;
use crate::plugins::registry::{self, Plugin};
use crate::plugins::trigger::InRepo;

pub use external::{External, HELP_BUDGET};
pub use metrics::Metrics;
pub use run::{run, sync_once};
pub use seen::Seen;

/// What hook works with.
#[derive(Clone)]
pub struct Deps {
    /// The journal.
    pub deliveries: Arc<dyn DeliveryStore>,
    /// Where it keeps which plugins are done with an unfinished delivery.
    pub state: Arc<dyn StateStore>,
    /// Where effects are written down for people.
    pub audit: Arc<dyn AuditStore>,
    /// Where the runs are kept that issues and pull requests name.
    pub references: Arc<dyn ReferenceStore>,
    /// The code host.
    pub forge: Arc<dyn Forge>,
    /// Where runs are made.
    pub prow_jobs: Arc<dyn Api<ProwJob>>,
    /// Job definitions in repositories.
    pub in_repo: Arc<dyn InRepo>,
    /// The configuration.
    pub config: LiveConfig,
    /// The repositories whose events the plugins of this process get.
    pub enablement: Enablement,
    /// The plugins of this process: [`registry::PLUGINS`] unless a test brings its own.
    pub plugins: &'static [Plugin],
    /// The way to plugins in other processes.
    pub external: External,
    /// Events handled lately.
    pub seen: Arc<Seen>,
    /// Time.
    pub clock: SharedClock,
    /// Counters.
    pub metrics: Metrics,
    /// Where passes and failures are told.
    pub heartbeat: Arc<dyn Heartbeat>,
}

/// What `GET /plugin-help` answers: the plugins of this process from the registry, and those of
/// other processes as far as they answer within [`HELP_BUDGET`].
pub async fn plugin_help(config: &LiveConfig, external: &External) -> Help {
    let (prow, plugins) = (config.get(), config.plugins());
    let repos_of = |org: &str| -> Vec<String> {
        let known = prow.jobs.presubmits.keys().chain(prow.jobs.postsubmits.keys());
        known.filter(|full| full.split('/').next() == Some(org)).cloned().collect()
    };
    let mut help = registry::help(&plugins, repos_of);
    help.external_plugin_help = external.help(&plugins, &help.repo_external_plugins).await;
    help
}
