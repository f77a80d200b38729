//! What the tests share.

use std::fs;
use std::path::{Path, PathBuf};

use config_load::{Config, Diagnostic, LoadErrors, LoadOptions, Loaded, load};
use go_compat::Timestamp;
use tempfile::TempDir;

/// The moment at which the tests take place: 2026-11-21T00:00:00Z.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T00:00:00Z").expect("a time")
}

/// Settings that decorated jobs need.
pub(crate) const SETTINGS: &str = "\
pod_namespace: test-pods
plank:
  job_queue_capacities: {q: 1}
  default_decoration_config_entries:
  - config:
      timeout: 2h
      utility_images: {clonerefs: c:1, initupload: i:1, entrypoint: e:1, sidecar: s:1}
      gcs_configuration: {bucket: bucket, path_strategy: explicit}
";

/// A folder with configuration files.
pub(crate) struct Files {
    folder: TempDir,
}

impl Files {
    /// A folder with `config.yaml`.
    pub(crate) fn new(settings: &str) -> Self {
        let files = Files { folder: TempDir::new().expect("a folder") };
        files.write("config.yaml", settings);
        files
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, content).expect("a file");
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("a file to remove");
    }

    /// Options for `config.yaml`, `jobs/` and `plugins.yaml`, as far as they are there.
    pub(crate) fn options(&self) -> LoadOptions {
        let mut options = LoadOptions::new(self.path("config.yaml"));
        options.job_config_path = Some(self.path("jobs")).filter(|path| path.exists());
        options.plugin_config_path = Some(self.path("plugins.yaml")).filter(|path| path.exists());
        options
    }

    pub(crate) fn load(&self) -> Result<Loaded, LoadErrors> {
        load(&self.options(), now())
    }

    /// The findings with their files named from the folder.
    pub(crate) fn shown(&self, findings: &[Diagnostic]) -> Vec<String> {
        findings.iter().map(|found| show(found, self.folder.path())).collect()
    }

    /// What keeps the files from loading.
    pub(crate) fn errors(&self) -> Vec<String> {
        match self.load() {
            Ok(_) => Vec::new(),
            Err(errors) => self.shown(&errors.0),
        }
    }
}

fn show(found: &Diagnostic, folder: &Path) -> String {
    found.to_string().replace(&format!("{}/", folder.display()), "")
}

/// A configuration from settings and one job file.
pub(crate) fn config(settings: &str, jobs: &str) -> Config {
    let files = Files::new(settings);
    files.write("jobs/jobs.yaml", jobs);
    match files.load() {
        Ok(loaded) => Config::clone(&loaded.config),
        Err(errors) => panic!("{errors}"),
    }
}

/// The folder named by an environment variable, or the one beside the workspace. None, with a word
/// about it, if there is none.
pub(crate) fn shared(variable: &str, fallback: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared").join(fallback);
    let path = std::env::var_os(variable).map_or(beside, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    eprintln_skipped(&path);
    None
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn eprintln_skipped(path: &Path) {
    eprintln!("skipped: {} is not there", path.display());
}
