//! Where the configuration lies.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use config_load::LoadOptions;

/// Where the configuration lies, under the names of Prow's flags.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigOptions {
    /// Prow's config.yaml.
    #[arg(long, value_name = "FILE")]
    pub config_path: Option<PathBuf>,
    /// A job file, or a folder of them.
    #[arg(long, value_name = "PATH")]
    pub job_config_path: Option<PathBuf>,
    /// A further folder with parts of the Prow configuration (repeatable).
    #[arg(long, value_name = "DIR")]
    pub supplemental_prow_config_dir: Vec<PathBuf>,
    /// The ending of the file names that are read from those folders.
    #[arg(
        long,
        visible_alias = "supplemental-prow-configs-filename",
        value_name = "SUFFIX",
        default_value = "_prowconfig.yaml"
    )]
    pub supplemental_prow_configs_filename_suffix: String,
    /// plugins.yaml.
    #[arg(long, value_name = "FILE")]
    pub plugin_config: Option<PathBuf>,
    /// A further folder with parts of the plugin configuration (repeatable).
    #[arg(long, value_name = "DIR")]
    pub supplemental_plugin_config_dir: Vec<PathBuf>,
    /// The ending of the file names that are read from those folders.
    #[arg(long, value_name = "SUFFIX", default_value = "_pluginconfig.yaml")]
    pub supplemental_plugin_configs_filename_suffix: String,
    /// Where `serve` keeps its copies of repositories; below the data folder if not given. The
    /// other commands read no repository, so it is without effect there.
    #[arg(long, value_name = "DIR")]
    pub cache_dir_base: Option<PathBuf>,
    /// Taken for Prow's sake and without effect: jobs in repositories are read from the local
    /// copies each time, which the operating system keeps in memory.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub in_repo_config_cache_size: u64,
    /// Taken for Prow's sake and without effect: there is no moonraker, jobs in repositories are
    /// read by the process that needs them.
    #[arg(long, value_name = "ADDRESS")]
    pub moonraker_address: Option<String>,
}

impl ConfigOptions {
    /// What to load. Fails without `--config-path`.
    pub fn load_options(&self) -> anyhow::Result<LoadOptions> {
        let config_path = self.config_path.clone().context("--config-path is mandatory")?;
        Ok(LoadOptions {
            job_config_path: self.job_config_path.clone(),
            plugin_config_path: self.plugin_config.clone(),
            supplemental_prow_config_dirs: self.supplemental_prow_config_dir.clone(),
            supplemental_prow_configs_filename_suffix: self
                .supplemental_prow_configs_filename_suffix
                .clone(),
            supplemental_plugin_config_dirs: self.supplemental_plugin_config_dir.clone(),
            supplemental_plugin_configs_filename_suffix: self
                .supplemental_plugin_configs_filename_suffix
                .clone(),
            ..LoadOptions::new(config_path)
        })
    }
}
