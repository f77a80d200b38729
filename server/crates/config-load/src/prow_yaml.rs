//! Jobs that stand in the tested repository: `.prow.yaml`, or the files below `.prow/`.
//!
//! [`read`] gives them as they are written, which depends on the files alone and can be kept.
//! [`ProwYamlFiles::complete`] adds the defaults and presets of the central configuration, checks
//! them together with the repository's central jobs, and checks that they may run where they want to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use job_spec::{Postsubmit, Preset, Presubmit, SourceLocation};

use crate::config::Config;
use crate::diagnostic::{self, Diagnostic, LoadErrors, shared_path};
use crate::files::{self, PROW_IGNORE, YAML_RULE};
use crate::jobs::complete::Completer;
use crate::jobs::presets::Presets;
use crate::jobs::read::{FileKind, JobFile, read_file};
use crate::jobs::{together, validate};
use crate::load::place_in_tree;
use crate::place::Findings;
use crate::yaml;

/// The file with a repository's jobs, if there is no folder.
pub const FILE: &str = ".prow.yaml";

/// The folder with a repository's jobs.
pub const FOLDER: &str = ".prow";

/// A repository's jobs as they are written.
#[derive(Clone, Debug, Default)]
pub struct ProwYamlFiles {
    /// Settings that its jobs take over by their labels.
    pub presets: Vec<Arc<Preset>>,
    /// Jobs on pull requests.
    pub presubmits: Vec<Presubmit>,
    /// Jobs on pushes.
    pub postsubmits: Vec<Postsubmit>,
    /// Findings that do not keep them from working, such as unknown keys.
    pub warnings: Vec<Diagnostic>,
    /// The files, to look lines up in.
    sources: Vec<(Arc<Path>, String)>,
}

/// A repository's jobs, complete and checked.
#[derive(Clone, Debug, Default)]
pub struct ProwYaml {
    /// Jobs on pull requests, without the central ones.
    pub presubmits: Vec<Arc<Presubmit>>,
    /// Jobs on pushes, without the central ones.
    pub postsubmits: Vec<Arc<Postsubmit>>,
    /// Findings that do not keep them from working.
    pub warnings: Vec<Diagnostic>,
}

/// Reads, completes and checks the jobs of a repository in one step.
///
/// `files` are those of the repository that matter: `.prow/**`, `.prow.yaml`, `.prowignore`; others
/// are not looked at. `repo` is `org/repo` (for Gerrit: the clone URL).
pub fn parse<P: AsRef<Path>, B: AsRef<[u8]>>(
    files: &[(P, B)],
    config: &Config,
    repo: &str,
) -> Result<ProwYaml, LoadErrors> {
    read(files)?.complete(config, repo)
}

/// Whether a change of these files may change the repository's jobs.
pub fn concerns<P: AsRef<Path>>(changed: &[P]) -> bool {
    changed.iter().any(|path| {
        let path = path.as_ref();
        path == Path::new(FILE) || path.starts_with(FOLDER)
    })
}

/// Reads a repository's jobs as they are written.
pub fn read<P: AsRef<Path>, B: AsRef<[u8]>>(files: &[(P, B)]) -> Result<ProwYamlFiles, LoadErrors> {
    let mut chosen: Vec<(PathBuf, &[u8])> = Vec::new();
    let mut ignored = Vec::new();
    let mut found = ProwYamlFiles::default();
    let mut errors = Vec::new();
    let has_folder = files.iter().any(|(path, _)| path.as_ref().starts_with(FOLDER));
    for (path, bytes) in files {
        let (path, bytes) = (path.as_ref(), bytes.as_ref());
        if path.file_name().is_some_and(|name| name == PROW_IGNORE) {
            let folder = path.parent().unwrap_or(Path::new(""));
            match files::prow_ignore_from(folder, &String::from_utf8_lossy(bytes)) {
                Ok(patterns) => ignored.push((folder.to_owned(), patterns)),
                Err(diagnostic) => errors.push(diagnostic),
            }
        } else if has_folder {
            if path.starts_with(FOLDER) && files::is_yaml(path) {
                chosen.push((path.to_owned(), bytes));
            }
        } else if path == Path::new(FILE) {
            chosen.push((path.to_owned(), bytes));
        }
    }
    chosen.sort_by(|(a, _), (b, _)| a.cmp(b));
    // The nearest folder decides, so longer paths come first.
    ignored.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.components().count()));
    for (path, bytes) in chosen {
        let patterns = ignored.iter().filter(|(folder, _)| path.starts_with(folder));
        if has_folder && files::is_ignored(patterns.map(|(_, patterns)| patterns), &path) {
            continue;
        }
        let file = shared_path(path);
        let text = match yaml::decode(bytes.to_vec()) {
            Ok(text) => text,
            Err(err) => {
                errors.push(Diagnostic::error(YAML_RULE, err.message).in_file(&file).at(err.mark));
                continue;
            }
        };
        match yaml::read(&text) {
            Ok(mut root) => found.add(read_file(&mut root, &file, FileKind::InRepo), &mut errors),
            Err(err) => {
                errors.push(Diagnostic::error(YAML_RULE, err.message).in_file(&file).at(err.mark));
            }
        }
        found.sources.push((file, text));
    }
    if errors.iter().any(Diagnostic::is_error) {
        Err(LoadErrors(errors).sorted())
    } else {
        Ok(found)
    }
}

impl ProwYamlFiles {
    fn add(&mut self, file: JobFile, errors: &mut Vec<Diagnostic>) {
        self.presets.extend(file.presets);
        self.presubmits.extend(file.presubmits.into_iter().map(|(_, job)| job));
        self.postsubmits.extend(file.postsubmits.into_iter().map(|(_, job)| job));
        for diagnostic in file.diagnostics {
            if diagnostic.is_error() { &mut *errors } else { &mut self.warnings }.push(diagnostic);
        }
    }

    /// Completes and checks the jobs of `repo` with the central configuration.
    pub fn complete(&self, config: &Config, repo: &str) -> Result<ProwYaml, LoadErrors> {
        let prow = &config.prow;
        let presets = config.jobs.presets.iter().chain(&self.presets).cloned();
        let completer = Completer::new(prow, Presets::new(presets), config.jobs.decorate_all_jobs);
        let mut wrong: Vec<(Arc<SourceLocation>, Findings)> = Vec::new();
        let mut note = |source: &Option<Arc<SourceLocation>>, findings: Findings| {
            if let (Some(source), false) = (source, findings.0.is_empty()) {
                wrong.push((source.clone(), findings));
            }
        };
        let forbidden = |cluster: &str, findings: &mut Findings| {
            if !prow.in_repo_config.allows_cluster(cluster, repo) {
                findings.error(
                    "cluster-not-allowed",
                    crate::place::place!["cluster"],
                    format!("cluster {cluster:?} is not allowed for repository {repo:?}"),
                );
            }
        };
        let mut done = ProwYaml { warnings: self.warnings.clone(), ..ProwYaml::default() };
        for job in &self.presubmits {
            let mut job = job.clone();
            let mut findings = Findings::default();
            completer.presubmit(&mut job, repo, &mut findings);
            validate::presubmit(&job, prow, &mut findings);
            forbidden(&job.base.cluster, &mut findings);
            note(&job.base.source, findings);
            done.presubmits.push(Arc::new(job));
        }
        for job in &self.postsubmits {
            let mut job = job.clone();
            let mut findings = Findings::default();
            completer.postsubmit(&mut job, repo, &mut findings);
            validate::postsubmit(&job, prow, &mut findings);
            forbidden(&job.base.cluster, &mut findings);
            note(&job.base.source, findings);
            done.postsubmits.push(Arc::new(job));
        }
        let mut found = Vec::new();
        self.place(wrong, &mut found);
        // The central jobs come first, so that a clash is the repository's to mend.
        let presubmits: Vec<_> =
            config.jobs.presubmits_for(repo).chain(&done.presubmits).cloned().collect();
        together::check_repo::<Presubmit, _>(&presubmits, &mut found);
        let postsubmits: Vec<_> =
            config.jobs.postsubmits_for(repo).chain(&done.postsubmits).cloned().collect();
        together::check_repo::<Postsubmit, _>(&postsubmits, &mut found);
        let (errors, warnings): (Vec<_>, Vec<_>) =
            found.into_iter().partition(Diagnostic::is_error);
        if !errors.is_empty() {
            return Err(LoadErrors(errors).sorted());
        }
        done.warnings.extend(warnings);
        diagnostic::sort(&mut done.warnings);
        Ok(done)
    }

    fn place(&self, wrong: Vec<(Arc<SourceLocation>, Findings)>, out: &mut Vec<Diagnostic>) {
        let mut by_file: BTreeMap<Arc<str>, Vec<_>> = BTreeMap::new();
        for (location, findings) in wrong {
            by_file.entry(location.file.clone()).or_default().push((location, findings));
        }
        for (name, wrong) in by_file {
            let source = self.sources.iter().find(|(file, _)| file.to_string_lossy() == *name);
            let tree = source.and_then(|(_, text)| yaml::read(text).ok());
            place_in_tree(wrong, tree.as_ref(), &shared_path(&*name), out);
        }
    }
}
