//! The configuration as components hold it: everything in one value that never changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use go_compat::yaml_emit;
use job_spec::go_struct::GoFields as _;
use job_spec::{Periodic, Postsubmit, Preset, Presubmit};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::diagnostic::Diagnostic;
use crate::plugin_config::PluginConfig;
use crate::prow::ProwConfig;
use crate::prow::identifier::{is_gerrit_org, trim_https_prefix};

/// Endings of supplemental prow configuration files unless a flag says otherwise.
pub const DEFAULT_PROW_CONFIG_SUFFIX: &str = "_prowconfig.yaml";

/// Endings of supplemental plugin configuration files unless a flag says otherwise.
pub const DEFAULT_PLUGIN_CONFIG_SUFFIX: &str = "_pluginconfig.yaml";

/// Where the configuration is; Prow's flags of the same names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// `--config-path`: `config.yaml`, a file. It may hold jobs, too.
    pub config_path: PathBuf,
    /// `--job-config-path`: a file, or a folder whose `.yaml` and `.yml` files are read at any depth.
    pub job_config_path: Option<PathBuf>,
    /// `--supplemental-prow-config-dir`.
    pub supplemental_prow_config_dirs: Vec<PathBuf>,
    /// `--supplemental-prow-configs-filename-suffix`.
    pub supplemental_prow_configs_filename_suffix: String,
    /// `--plugin-config`: `plugins.yaml`, a file.
    pub plugin_config_path: Option<PathBuf>,
    /// `--supplemental-plugin-config-dir`.
    pub supplemental_plugin_config_dirs: Vec<PathBuf>,
    /// `--supplemental-plugin-configs-filename-suffix`.
    pub supplemental_plugin_configs_filename_suffix: String,
    /// Names of the plugins that exist; a name beside them is an error. None accepts any name.
    pub known_plugins: Option<BTreeSet<String>>,
    /// Names of the plugins that are part of this program; a known one beside them is a warning.
    /// None warns of none.
    pub built_in_plugins: Option<BTreeSet<String>>,
    /// Threads that read files; 0 takes as many as there are processors, four at most.
    pub threads: usize,
}

impl LoadOptions {
    /// Options for a `config.yaml` alone.
    pub fn new(config_path: impl Into<PathBuf>) -> Self {
        LoadOptions {
            config_path: config_path.into(),
            job_config_path: None,
            supplemental_prow_config_dirs: Vec::new(),
            supplemental_prow_configs_filename_suffix: DEFAULT_PROW_CONFIG_SUFFIX.to_owned(),
            plugin_config_path: None,
            supplemental_plugin_config_dirs: Vec::new(),
            supplemental_plugin_configs_filename_suffix: DEFAULT_PLUGIN_CONFIG_SUFFIX.to_owned(),
            known_plugins: None,
            built_in_plugins: None,
            threads: 0,
        }
    }

    /// The options with a job file or folder.
    #[must_use]
    pub fn with_jobs(mut self, path: impl Into<PathBuf>) -> Self {
        self.job_config_path = Some(path.into());
        self
    }

    /// The options with a `plugins.yaml`.
    #[must_use]
    pub fn with_plugins(mut self, path: impl Into<PathBuf>) -> Self {
        self.plugin_config_path = Some(path.into());
        self
    }
}

/// Settings and jobs, complete and checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Settings of the components.
    pub prow: ProwConfig,
    /// All jobs that do not stand in the tested repositories.
    pub jobs: JobConfig,
    /// Repositories that have jobs or a tide query.
    pub all_repos: BTreeSet<String>,
    /// A hash over the contents of all files, in hexadecimal. Changes if and only if a file does.
    pub sha: String,
}

/// The jobs. Those of one repository are in the order of the files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobConfig {
    /// Jobs on pull requests, by repository.
    pub presubmits: BTreeMap<String, Vec<Arc<Presubmit>>>,
    /// Jobs on pushes, by repository.
    pub postsubmits: BTreeMap<String, Vec<Arc<Postsubmit>>>,
    /// Jobs by the clock.
    pub periodics: Vec<Arc<Periodic>>,
    /// Settings that jobs took over by their labels.
    pub presets: Vec<Arc<Preset>>,
    /// Whether jobs are decorated that do not say.
    pub decorate_all_jobs: bool,
}

impl JobConfig {
    /// The presubmits of a repository that do not stand in it; a Gerrit repository's may be listed
    /// with or without scheme.
    pub fn presubmits_for(&self, repo: &str) -> impl Iterator<Item = &Arc<Presubmit>> {
        keys_of(repo).filter_map(|key| self.presubmits.get(key)).flatten()
    }

    /// The postsubmits of a repository that do not stand in it; as for presubmits.
    pub fn postsubmits_for(&self, repo: &str) -> impl Iterator<Item = &Arc<Postsubmit>> {
        keys_of(repo).filter_map(|key| self.postsubmits.get(key)).flatten()
    }

    /// Every presubmit with its repository.
    pub fn all_presubmits(&self) -> impl Iterator<Item = (&str, &Arc<Presubmit>)> {
        self.presubmits.iter().flat_map(|(repo, jobs)| jobs.iter().map(|job| (repo.as_str(), job)))
    }

    /// Every postsubmit with its repository.
    pub fn all_postsubmits(&self) -> impl Iterator<Item = (&str, &Arc<Postsubmit>)> {
        self.postsubmits.iter().flat_map(|(repo, jobs)| jobs.iter().map(|job| (repo.as_str(), job)))
    }

    /// The periodic of a name.
    pub fn periodic(&self, name: &str) -> Option<&Arc<Periodic>> {
        self.periodics.iter().find(|job| job.base.name == name)
    }

    /// The periodics that clone a repository.
    pub fn periodics_cloning(&self, org: &str, repo: &str) -> impl Iterator<Item = &Arc<Periodic>> {
        self.periodics.iter().filter(move |job| {
            job.base.utility.extra_refs.iter().any(|refs| refs.org == org && refs.repo == repo)
        })
    }

    /// How many jobs there are.
    pub fn len(&self) -> usize {
        self.presubmits.values().map(Vec::len).sum::<usize>()
            + self.postsubmits.values().map(Vec::len).sum::<usize>()
            + self.periodics.len()
    }

    /// Whether there are no jobs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The keys under which the jobs of a repository may be listed.
fn keys_of(repo: &str) -> impl Iterator<Item = &str> {
    let bare = Some(trim_https_prefix(repo)).filter(|_| is_gerrit_org(repo));
    std::iter::once(repo).chain(bare)
}

impl Config {
    /// The whole configuration as YAML, defaults filled in, as Deck's `/config` shows it.
    pub fn to_yaml(&self) -> String {
        // Every key is text and every value has a JSON form.
        yaml_emit::to_yaml(&serde_json::to_value(self).unwrap_or_default())
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let jobs = &self.jobs;
        if !jobs.presets.is_empty() {
            map.serialize_entry("presets", &jobs.presets)?;
        }
        if !jobs.presubmits.is_empty() {
            map.serialize_entry("presubmits", &jobs.presubmits)?;
        }
        if !jobs.postsubmits.is_empty() {
            map.serialize_entry("postsubmits", &jobs.postsubmits)?;
        }
        if !jobs.periodics.is_empty() {
            map.serialize_entry("periodics", &jobs.periodics)?;
        }
        if jobs.decorate_all_jobs {
            map.serialize_entry("decorate_all_jobs", &true)?;
        }
        self.prow.write_fields(&mut map)?;
        map.end()
    }
}

/// A configuration that was read, with what is odd about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Settings and jobs.
    pub config: Arc<Config>,
    /// Findings that do not keep the configuration from working, in the order of files and lines.
    pub warnings: Vec<Diagnostic>,
}

/// A plugin configuration that was read, with what is odd about it.
#[derive(Clone, Debug)]
pub struct LoadedPlugins {
    /// The plugin configuration.
    pub plugins: Arc<PluginConfig>,
    /// Findings that do not keep it from working, in the order of files and lines.
    pub warnings: Vec<Diagnostic>,
    /// A hash over the contents of all its files, in hexadecimal.
    pub sha: String,
}
