//! What handlers work with.

use std::net::SocketAddr;
use std::sync::Arc;

use app::model::Viewer;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use blob::Blobs;
use clock::SharedClock;
use cluster::Cluster;
use config_load::LiveConfig;
use go_compat::time::Timestamp;
use job_spec::create::JobNames;
use store::Store;

use super::permission::{Caller, Permission};
use super::prow::plugin_help::KeptHelp;
use super::view::links::CodeHost;
use super::visibility::Visibility;
use crate::coverage::Coverage;
use crate::histories::Histories;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::node_logs::NodeLogs;
use crate::results::Results;
use crate::run_files::RunFiles;
use crate::runs::listing::Listings;
use crate::runs::run::Run;
use crate::runs::selections::Selections;
use crate::runs::table::RunTable;
use crate::spyglass::Highlights;
use crate::supervisor::Supervisor;
use crate::testgrid::TestGrid;

/// Everything that a request may need; shared by all of them.
pub type SharedWeb = Arc<Web>;

/// The collaborators and settings of the web side.
pub struct Web {
    /// Tells the time.
    pub clock: SharedClock,
    /// The configuration in use.
    pub config: LiveConfig,
    /// ProwJobs and Pods.
    pub cluster: Arc<dyn Cluster>,
    /// Artifacts.
    pub blobs: Blobs,
    /// Journal, history, audit; none when pages are made from a file alone.
    pub store: Option<Store>,
    /// The runs.
    pub runs: Arc<RunTable>,
    /// The lists that programs read, kept ready.
    pub listings: Listings,
    /// What filters selected lately.
    pub selections: Selections,
    /// The logs of runs.
    pub logs: Logs,
    /// Which lines of them stand out.
    pub highlights: Highlights,
    /// The tests of runs.
    pub results: Results,
    /// The files of runs.
    pub files: RunFiles,
    /// The logs of the nodes that runs left.
    pub node_logs: NodeLogs,
    /// What buckets know of the past.
    pub histories: Arc<Histories>,
    /// The test grid; none when pages are made from a file alone.
    pub grids: Option<Arc<TestGrid>>,
    /// Coverage; none when pages are made from a file alone.
    pub coverage: Option<Arc<Coverage>>,
    /// Metrics.
    pub metrics: Metrics,
    /// The components of this process.
    pub supervisor: Supervisor,
    /// What the plugins say of themselves.
    pub plugin_help: KeptHelp,
    /// Names for new ProwJobs.
    pub names: Arc<JobNames>,
    /// Settings of this process.
    pub settings: Settings,
}

/// Settings that do not change while the process runs.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `--hidden-only`
    pub hidden_only: bool,
    /// `--show-hidden`
    pub show_hidden: bool,
    /// `--tenant-id`
    pub tenants: Vec<String>,
    /// `--redirect-http-to`
    pub redirect_http_to: Option<String>,
    /// `--metrics-port`: where the metrics are, if not here.
    pub metrics_port: Option<u16>,
    /// Whether a person at this machine may rerun and abort.
    pub trust_loopback: bool,
    /// Whether a plugin configuration was given.
    pub has_plugins: bool,
    /// Where the configuration is read from, for the status page.
    pub config_paths: Vec<String>,
    /// Where the configuration of the test grid is read from.
    pub grid_paths: Vec<String>,
    /// Whether alerts of the test grid are sent, or printed.
    pub sends_mails: bool,
    /// When the process started.
    pub started: Option<Timestamp>,
    /// Sentences that the status page shows: where data lies, how jobs run.
    pub notes: Vec<String>,
}

impl Web {
    /// The rule of what this process shows, with the configuration of now.
    pub fn visibility(&self) -> Visibility {
        Visibility {
            hidden_only: self.settings.hidden_only,
            show_hidden: self.settings.show_hidden,
            tenants: self.settings.tenants.clone(),
            hidden_repos: self.config.get().prow.deck.hidden_repos.clone(),
        }
    }

    /// Whether this process shows what belongs to a repository and to no job.
    pub fn shows_repo(&self, full_name: &str) -> bool {
        self.visibility().shows_repo(full_name, &self.config.get().jobs)
    }

    /// The code host that links lead to.
    pub fn code_host(&self) -> CodeHost {
        CodeHost::new(&self.config.get().prow.github.link_url)
    }

    /// A run that this process may show, by its ProwJob's name.
    pub fn visible_run(&self, id: &str) -> Option<Arc<Run>> {
        self.runs.get(id).filter(|run| self.visibility().shows(run))
    }

    /// Whether a caller may rerun or abort a run.
    pub fn may_change(&self, caller: &Caller, run: &Run) -> Permission {
        let job_allows = run
            .live
            .as_ref()
            .and_then(|job| job.spec.rerun_auth_config.as_ref())
            .is_some_and(|auth| auth.allow_anyone);
        let config = self.config.get();
        let deck_allows = run
            .live
            .as_ref()
            .and_then(|job| config.prow.deck.rerun_auth_config(&job.spec))
            .is_some_and(|auth| auth.allow_anyone);
        caller.may_change(self.settings.trust_loopback, job_allows || deck_allows)
    }

    /// Whether a caller may do what belongs to no run, such as a replay.
    pub fn may_operate(&self, caller: &Caller) -> Permission {
        caller.may_change(self.settings.trust_loopback, false)
    }

    /// Who asks, in the words of the pages.
    pub fn viewer(&self, caller: &Caller) -> Viewer {
        Viewer { login: None, local: self.may_operate(caller).is_allowed() }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        Ok(Caller { peer, headers: parts.headers.clone() })
    }
}
