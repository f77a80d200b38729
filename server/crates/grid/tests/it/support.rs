//! What the tests share.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use grid::config::jobs::AnnotatedJob;
use grid::config::{Assembly, ConfigFile, Inputs, assemble, is_config_file};
use grid::proto::config::DefaultConfiguration;
use job_spec::JobType;
use sha2::{Digest as _, Sha256};

/// A folder with data that does not ship with the project, by its variable or beside the workspace.
pub(crate) fn shared(variable: &str, path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared").join(path);
    let folder = std::env::var_os(variable).map_or(beside, PathBuf::from);
    let found = folder.exists().then_some(folder);
    if found.is_none() {
        skipped(&format!("no {path}; set {variable}"));
    }
    found
}

/// The SHA-256 of bytes, as `sha256sum` prints it.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Says that a test was skipped, and why.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// The configuration files below a folder, in the order of a walk by name.
pub(crate) fn walk(folder: &Path, files: &mut Vec<Arc<ConfigFile>>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, files);
        } else if is_config_file(&path) {
            let text = fs::read_to_string(&path).expect("a text");
            files.push(Arc::new(ConfigFile::read(path.into(), text.into(), false)));
        }
    }
}

/// A file read from a text.
pub(crate) fn file(path: &str, text: &str) -> Arc<ConfigFile> {
    Arc::new(ConfigFile::read(Path::new(path).into(), text.into(), false))
}

/// The default values of the tests.
pub(crate) fn defaults() -> DefaultConfiguration {
    let text = "
default_test_group: {days_of_results: 15, tests_name_policy: 2, num_columns_recent: 10}
default_dashboard_tab:
  num_columns_recent: 10
  open_test_template: {url: 'https://default/<changelist>'}
  alert_options: {alert_stale_results_hours: 5, num_passes_to_disable_alert: 2}
";
    let file = ConfigFile::read_as_defaults(Path::new("default.yaml").into(), text.into());
    assert_eq!(file.diagnostics, []);
    file.defaults().expect("default values").clone()
}

/// Assembles files without jobs, with the default values of the tests.
pub(crate) fn assembled(files: &[Arc<ConfigFile>]) -> Assembly {
    let defaults = defaults();
    assemble(&Inputs { files, defaults: Some(&defaults), ..Inputs::default() })
}

/// What is wrong, as it is shown.
pub(crate) fn shown(assembly: &Assembly) -> Vec<String> {
    assembly.diagnostics.iter().map(ToString::to_string).collect()
}

/// A job that writes to `bucket`.
pub(crate) fn job<'a>(
    name: &'a str,
    kind: JobType,
    annotations: &'a BTreeMap<String, String>,
) -> AnnotatedJob<'a> {
    AnnotatedJob {
        name,
        kind,
        annotations,
        repo: if kind == JobType::Periodic { String::new() } else { "org/repo".to_owned() },
        extra_repo: String::new(),
        results: Some("bucket".to_owned()),
        job_url_prefix: String::new(),
        blocks_merging: false,
        source: Some(("jobs/x.yaml", 7)),
    }
}

/// Annotations.
pub(crate) fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
