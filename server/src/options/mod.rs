//! Flags shared by several commands, one struct per concern, under the names
//! that Prow's programs give them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use grid::summarizer::Features;

use crate::web::state::Settings;

mod buckets;
mod config;
mod github;
mod kubernetes;
mod mail;

pub use buckets::BucketOptions;
pub use config::ConfigOptions;
pub use github::GithubOptions;
pub use kubernetes::KubeOptions;
pub use mail::MailOptions;

/// Where the server listens if nobody says otherwise.
pub const DEFAULT_ADDR: &str = "127.0.0.1:8080";
/// Where the site build puts its files.
pub const DEFAULT_SITE_ROOT: &str = "target/site";

/// What the pages show and who may press their buttons.
#[derive(Args, Clone, Debug)]
pub struct DeckOptions {
    /// Where pages, API and webhooks are served.
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_ADDR)]
    pub addr: SocketAddr,
    /// The folder that the site build wrote (scripts, styles, images).
    #[arg(long, value_name = "DIR", default_value = DEFAULT_SITE_ROOT, env = "BOWSPRIT_SITE_ROOT")]
    pub site_root: PathBuf,
    /// Show hidden jobs only.
    #[arg(long, conflicts_with_all = ["show_hidden", "tenant_id"])]
    pub hidden_only: bool,
    /// Show hidden and public jobs.
    #[arg(long, conflicts_with = "tenant_id")]
    pub show_hidden: bool,
    /// Show exactly the jobs of these tenants (repeatable).
    #[arg(long, value_name = "ID")]
    pub tenant_id: Vec<String>,
    /// Send plain http requests (by `x-forwarded-proto`) to https on this host.
    #[arg(long, value_name = "HOST")]
    pub redirect_http_to: Option<String>,
    /// Serve /metrics on this port of the same host, and there alone. The metrics name every job,
    /// hidden ones too: give a port that readers cannot reach where some are hidden.
    #[arg(long, value_name = "PORT")]
    pub metrics_port: Option<u16>,
}

impl DeckOptions {
    /// Where the metrics have an address of their own.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_port.map(|port| SocketAddr::new(self.addr.ip(), port))
    }

    /// The settings of the web side; `trust_loopback` lets a person at this
    /// machine rerun and abort.
    pub fn settings(&self, trust_loopback: bool) -> Settings {
        Settings {
            hidden_only: self.hidden_only,
            show_hidden: self.show_hidden,
            tenants: self.tenant_id.clone(),
            redirect_http_to: self.redirect_http_to.clone(),
            metrics_port: self.metrics_port,
            trust_loopback,
            ..Settings::default()
        }
    }
}

/// Where state and artifacts are kept.
#[derive(Args, Clone, Debug)]
pub struct DataOptions {
    /// The folder of the database, the artifacts and the running pods.
    #[arg(long, value_name = "DIR", default_value = "bowsprit-data", env = "BOWSPRIT_DATA_DIR")]
    pub data_dir: PathBuf,
    /// A PostgreSQL database instead of files under the data folder.
    #[arg(long, value_name = "URL", env = "DATABASE_URL")]
    pub database_url: Option<String>,
    /// Serve the bucket NAME from a folder, whatever its scheme (repeatable).
    #[arg(long, value_name = "NAME=DIR", value_parser = name_and_dir)]
    pub local_bucket: Vec<(String, PathBuf)>,
    /// A Google service account for `gs://` buckets.
    #[arg(long, value_name = "FILE")]
    pub gcs_credentials_file: Option<PathBuf>,
    /// Prow's JSON file with keys and endpoint for `s3://` buckets.
    #[arg(long, value_name = "FILE")]
    pub s3_credentials_file: Option<PathBuf>,
}

/// A bucket and its folder.
pub(crate) fn name_and_dir(value: &str) -> Result<(String, PathBuf), String> {
    match value.split_once('=') {
        Some((name, dir)) if !name.is_empty() && !dir.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(dir)))
        }
        _ => Err(format!("`{value}` is not of the form NAME=DIR")),
    }
}

/// Where the configuration of the test grid lies.
#[derive(Args, Clone, Debug, Default)]
pub struct TestgridOptions {
    /// TestGrid's YAML files, or folders of them, separated by commas (repeatable). Annotations of
    /// Prow's jobs add to what they say.
    #[arg(long, value_name = "PATHS", value_delimiter = ',')]
    pub testgrid_config: Vec<PathBuf>,
    /// The file with the defaults of groups and tabs; `default.yaml` in one of those folders if not
    /// given.
    #[arg(long, value_name = "FILE")]
    pub testgrid_default: Option<PathBuf>,
    /// Write the grids, tabs, summaries and configuration of TestGrid to this place as well, as its
    /// own programs do: gs://bucket/prefix, s3://bucket/prefix, or a folder. Columns of a grid that
    /// is there already, and whose builds are found nowhere else, are taken into the store.
    #[arg(long, value_name = "PLACE")]
    pub grid_output: Option<String>,
    /// What the status of a tab counts.
    #[command(flatten)]
    pub status: StatusOptions,
    /// Alerts by mail.
    #[command(flatten)]
    pub mail: MailOptions,
}

/// Customizations of a tab's status that count only where these flags say so, as TestGrid's summarizer
/// has it.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct StatusOptions {
    /// Let a tab's `max_acceptable_flakiness` count.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub allow_fuzzy_flakiness: bool,
    /// Let a tab's `ignored_test_statuses` count.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub allow_ignored_columns: bool,
    /// Let a tab's `min_acceptable_runs` count.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub allow_min_num_runs: bool,
}

impl StatusOptions {
    /// The same for the summarizer.
    pub fn features(&self) -> Features {
        Features {
            fuzzy_flakiness: self.allow_fuzzy_flakiness,
            ignored_columns: self.allow_ignored_columns,
            min_number_of_runs: self.allow_min_num_runs,
        }
    }
}

/// How webhooks come in.
#[derive(Args, Clone, Debug)]
pub struct HookOptions {
    /// The secrets that deliveries are signed with: one token, or Prow's map
    /// from org or org/repo to tokens.
    #[arg(long, value_name = "FILE")]
    pub hmac_secret_file: Option<PathBuf>,
    /// The path of the webhook.
    #[arg(long, value_name = "PATH", default_value = "/hook")]
    pub webhook_path: String,
    /// A second address for webhooks alone; Prow's hook listens on :8888.
    #[arg(long, value_name = "ADDR")]
    pub hook_addr: Option<SocketAddr>,
}
