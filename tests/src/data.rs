//! Where real data lies, for tests and benchmarks that can use it.

use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// A large real configuration: `prow/config.yaml`, `prow/plugins.yaml`, `jobs/`.
/// Named by `BOWSPRIT_CORPUS`, or found beside the repository.
pub fn corpus() -> Option<PathBuf> {
    named("BOWSPRIT_CORPUS", "../shared/corpus/kubernetes")
}

/// Real results in a bucket's layout, with their configuration. Named by
/// `BOWSPRIT_RESULTS`, or found beside the repository.
pub fn results() -> Option<PathBuf> {
    named("BOWSPRIT_RESULTS", "../shared/results")
}

fn named(variable: &str, beside: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map_or_else(|| root().join(beside), PathBuf::from);
    folder.is_dir().then_some(folder)
}
