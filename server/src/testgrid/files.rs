//! The files that the configuration of the grid is read from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context as _;
use config_load::{Diagnostic, parallel};
use grid::config::{ConfigFile, is_config_file, is_default_file};

/// The rule of files that stay in use as they last were.
const KEPT_RULE: &str = "testgrid-kept";

/// Files that could be read, as they last were.
#[derive(Debug, Default)]
pub struct LastGood(BTreeMap<PathBuf, Arc<ConfigFile>>);

/// Name, size and age of files, to see a change by.
pub type Stamp = Vec<(PathBuf, u64, Option<SystemTime>)>;

impl LastGood {
    /// The files below the paths, in the order of a walk by name. A file that does not read any more
    /// is given as it last was, and what is wrong with it is added to the findings.
    ///
    /// # Errors
    /// A path cannot be looked at, or a file not be read.
    pub fn read(
        &mut self,
        paths: &[PathBuf],
        strict: bool,
        findings: &mut Vec<Diagnostic>,
    ) -> anyhow::Result<Vec<Arc<ConfigFile>>> {
        let mut files = Vec::new();
        let all = parallel::map(config_files(paths)?, parallel::threads(0), |path| {
            let file = ConfigFile::read(path.as_path().into(), read(&path)?.into(), strict);
            Ok::<_, anyhow::Error>((path, Arc::new(file.without_text())))
        });
        for read in all {
            let (path, file) = read?;
            match self.0.get(&path) {
                Some(last) if file.has_errors() && !is_default_file(&path) => {
                    findings.extend(file.diagnostics.iter().cloned());
                    findings.push(Diagnostic {
                        file: Some(file.path.clone()),
                        ..Diagnostic::warning(KEPT_RULE, "the file stays in use as it last was")
                    });
                    files.push(last.clone());
                }
                _ => {
                    if !file.has_errors() {
                        self.0.insert(path, file.clone());
                    }
                    files.push(file);
                }
            }
        }
        Ok(files)
    }
}

/// The text of a file.
///
/// # Errors
/// It cannot be read, or is not text.
pub fn read(path: &Path) -> anyhow::Result<String> {
    let bytes =
        std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    config_load::yaml::decode(bytes).with_context(|| format!("{} is not text", path.display()))
}

/// The text of a file that was read before, if it is still there.
pub fn text(path: &Path) -> Option<String> {
    read(path).ok()
}

/// The configuration files below the given paths.
///
/// # Errors
/// A path cannot be looked at.
pub fn config_files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    while let Some(path) = waiting.pop() {
        let about = std::fs::metadata(&path)
            .with_context(|| format!("could not look at {}", path.display()))?;
        if about.is_dir() {
            let mut below = Vec::new();
            for entry in std::fs::read_dir(&path)
                .with_context(|| format!("could not list {}", path.display()))?
            {
                below.push(entry?.path());
            }
            below.sort_unstable_by(|a, b| b.cmp(a));
            waiting.extend(below);
        } else if is_config_file(&path) {
            files.push(path);
        }
    }
    Ok(files)
}

/// What files look like from outside. A folder that cannot be listed is told of by whoever reads it.
pub fn stamp(files: impl IntoIterator<Item = PathBuf>) -> Stamp {
    let about = |path: PathBuf| match std::fs::metadata(&path) {
        Ok(about) => (path, about.len(), about.modified().ok()),
        Err(_) => (path, 0, None),
    };
    files.into_iter().map(about).collect()
}
