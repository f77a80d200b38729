//! What commands that work on a configuration make of their flags.

use std::sync::Arc;

use anyhow::Context as _;
use clock::SystemClock;
use config_load::LoadOptions;
use forge::github::{DEFAULT_HOST, GitHub, GitHubOptions};
use forge::{Auth, Forge};

use crate::options::{ConfigOptions, GithubOptions};

/// Where the flags say that the configuration is.
pub fn load_options(given: &ConfigOptions) -> anyhow::Result<LoadOptions> {
    let config_path = given.config_path.clone().context("--config-path is mandatory")?;
    Ok(LoadOptions {
        job_config_path: given.job_config_path.clone(),
        plugin_config_path: given.plugin_config.clone(),
        supplemental_prow_config_dirs: given.supplemental_prow_config_dir.clone(),
        supplemental_prow_configs_filename_suffix: given
            .supplemental_prow_configs_filename_suffix
            .clone(),
        supplemental_plugin_config_dirs: given.supplemental_plugin_config_dir.clone(),
        supplemental_plugin_configs_filename_suffix: given
            .supplemental_plugin_configs_filename_suffix
            .clone(),
        ..LoadOptions::new(config_path)
    })
}

/// A client for the code host; anonymous without credentials. Only called where an answer of the
/// code host is needed: credentials that are not used are not asked for.
pub fn forge(given: &GithubOptions) -> anyhow::Result<Arc<dyn Forge>> {
    let auth = match (&given.github_token_path, &given.github_app_id) {
        (Some(path), _) => Auth::TokenFile(path.clone()),
        (None, Some(id)) => Auth::App {
            id: id.clone(),
            private_key_file: given
                .github_app_private_key_path
                .clone()
                .context("--github-app-id needs --github-app-private-key-path")?,
        },
        (None, None) => Auth::Anonymous,
    };
    let mut options = GitHubOptions::new(auth, Arc::new(SystemClock));
    if !given.github_endpoint.is_empty() {
        options.endpoints.clone_from(&given.github_endpoint);
    }
    if given.github_host != DEFAULT_HOST && !given.github_host.is_empty() {
        options.host.clone_from(&given.github_host);
    }
    Ok(Arc::new(GitHub::new(options).context("could not set up the GitHub client")?))
}
