//! Loads a configuration, and loads it again quickly when some of its files have changed.
//!
//! ```text
//! config.yaml ─┐
//! *_prowconfig.yaml ─ merge ─ finalize ─┐
//! VERSION ─┘                            ├─ complete, validate (per file) ─ together ─ Config
//! job files ─ read (per file) ─ presets ┘
//! ```
//!
//! What a job file gives is kept with a hash of its bytes. It is used again as long as nothing else
//! that it depends on changes: the settings of `config.yaml` and the presets of all files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use go_compat::Timestamp;
use job_spec::go_struct::{GoFields, HasShape};
use job_spec::{Periodic, Postsubmit, Preset, Presubmit, SourceLocation};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::config::{Config, JobConfig, LoadOptions, Loaded, LoadedPlugins};
use crate::diagnostic::{self, Diagnostic, LoadErrors, shared_path};
use crate::files::{self, FileText, Stamp};
use crate::jobs::complete::Completer;
use crate::jobs::presets::Presets;
use crate::jobs::read::{self, FileKind, JobFile, TYPE_RULE};
use crate::jobs::{together, validate};
use crate::parallel;
use crate::place::{Findings, SourceText, locate, place_in_files};
use crate::plugin_config::finalize::KnownPlugins;
use crate::plugin_config::{self, PluginConfig};
use crate::prow::{self, ProwConfig};
use crate::unknown::Schema;
use crate::yaml::de::{SingleEntry, Strings};
use crate::yaml::{self, Mark, Node, NodeKind};

static PROW_CONFIG: LazyLock<Schema> = LazyLock::new(|| Schema::new(&ProwConfig::shape()));
static PLUGIN_CONFIG: LazyLock<Schema> = LazyLock::new(|| Schema::new(&PluginConfig::shape()));

/// Loads settings and jobs once. `now` is compared with times in the configuration.
///
/// Every problem of every file is in the error, not only the first.
pub fn load(options: &LoadOptions, now: Timestamp) -> Result<Loaded, LoadErrors> {
    Loader::new(options.clone()).load(now)
}

/// Loads the plugin configuration once; an empty one if the options name none.
pub fn load_plugins(options: &LoadOptions) -> Result<LoadedPlugins, LoadErrors> {
    let mut out = Vec::new();
    let mut sources = Vec::new();
    let mut plugins = PluginConfig::default();
    let mut findings = Findings::default();
    if let Some(path) = &options.plugin_config_path {
        match files::read(&shared_path(path)) {
            Ok(source) => {
                plugins = read_settings(&source, &PLUGIN_CONFIG, &mut out);
                sources.push(source);
            }
            Err(diagnostic) => out.push(diagnostic),
        }
    }
    let suffix = &options.supplemental_plugin_configs_filename_suffix;
    for source in supplemental(&options.supplemental_plugin_config_dirs, suffix, &mut out) {
        let other: PluginConfig = read_settings(&source, &PLUGIN_CONFIG, &mut out);
        let mut found = Findings::default();
        plugin_config::merge::merge(&mut plugins, other, &mut found);
        place_in_files(found, &[text_of(&source)], &mut out);
        sources.push(source);
    }
    let known = KnownPlugins {
        all: options.known_plugins.as_ref(),
        built_in: options.built_in_plugins.as_ref(),
    };
    plugin_config::finalize::finalize(&mut plugins, known, &mut findings);
    if plugins.plugins.is_empty() && options.plugin_config_path.is_some() {
        findings.warning("no-plugins", Vec::new(), "no plugins specified-- check syntax?");
    }
    place_in_files(findings, &sources.iter().map(text_of).collect::<Vec<_>>(), &mut out);
    let sha = sha(sources.iter().map(|source| (&*source.file, source.hash)), "");
    let warnings = errors_or_warnings(out)?;
    Ok(LoadedPlugins { plugins: Arc::new(plugins), warnings, sha })
}

/// Loads settings and jobs, keeping what can be used when it does so again.
#[derive(Debug)]
pub struct Loader {
    options: LoadOptions,
    files: HashMap<Arc<Path>, CachedFile>,
    /// A hash over everything besides themselves that the kept files depend on.
    basis: u128,
}

#[derive(Debug)]
struct CachedFile {
    stamp: Stamp,
    hash: u128,
    jobs: Arc<CompletedFile>,
}

/// What a job file gives in the end.
#[derive(Debug, Default)]
struct CompletedFile {
    presets: Vec<Arc<Preset>>,
    presets_hash: u64,
    presubmits: Vec<(Arc<str>, Arc<Presubmit>)>,
    postsubmits: Vec<(Arc<str>, Arc<Postsubmit>)>,
    periodics: Vec<Arc<Periodic>>,
    diagnostics: Vec<Diagnostic>,
}

/// A job file on its way: kept from before, or read now.
enum Step {
    Kept { stamp: Stamp, hash: u128, jobs: Arc<CompletedFile> },
    Read { stamp: Stamp, hash: u128, presets_hash: u64, jobs: JobFile },
    Failed(Diagnostic),
}

impl Loader {
    /// A loader that has loaded nothing yet.
    pub fn new(options: LoadOptions) -> Self {
        Loader { options, files: HashMap::new(), basis: 0 }
    }

    /// What it loads.
    pub fn options(&self) -> &LoadOptions {
        &self.options
    }

    /// Loads settings and jobs. `now` is compared with times in the configuration.
    ///
    /// Files are read again only if their stamp (size, times, inode) differs from last time.
    pub fn load(&mut self, now: Timestamp) -> Result<Loaded, LoadErrors> {
        self.load_rereading(now, false)
    }

    /// As [`Loader::load`]; `reread` reads every file again although its stamp is that of last time.
    pub fn load_rereading(&mut self, now: Timestamp, reread: bool) -> Result<Loaded, LoadErrors> {
        let mut out = Vec::new();
        let main = self.load_settings(now, &mut out);
        let threads = parallel::threads(self.options.threads);
        let paths = self.job_files(&mut out);
        let mut steps = self.read_files(paths.clone(), threads, reread);
        let Some(main) = main else {
            // Without settings, jobs cannot be completed; still name what is wrong with their files.
            for step in steps {
                match step {
                    Step::Read { jobs, .. } => out.extend(jobs.diagnostics),
                    Step::Failed(diagnostic) => out.push(diagnostic),
                    Step::Kept { .. } => {}
                }
            }
            return Err(errors_of(out));
        };
        let Main { prow, jobs: main_jobs, sources } = main;

        let basis = basis(&sources, &main_jobs, &steps);
        if basis != self.basis {
            self.files.clear();
            let outdated = steps.iter().any(|step| matches!(step, Step::Kept { .. }));
            if outdated {
                steps = self.read_files(paths.clone(), threads, true);
            }
        }
        self.basis = basis;

        let presets: Vec<Arc<Preset>> = main_jobs
            .presets
            .iter()
            .chain(steps.iter().flat_map(|step| match step {
                Step::Kept { jobs, .. } => &jobs.presets[..],
                Step::Read { jobs, .. } => &jobs.presets[..],
                Step::Failed(_) => &[],
            }))
            .cloned()
            .collect();
        together::check_presets(&presets, &mut out);
        let decorate_all_jobs = main_jobs.decorate_all_jobs.unwrap_or_default();
        let completer =
            Completer::new(&prow, Presets::new(presets.iter().cloned()), decorate_all_jobs);

        let mut all = vec![Arc::new(complete(main_jobs, 0, &completer, None))];
        let items: Vec<_> = paths.into_iter().zip(steps).collect();
        let done = parallel::map(items, threads, |(path, step)| match step {
            Step::Kept { stamp, hash, jobs } => Ok((path, CachedFile { stamp, hash, jobs })),
            Step::Read { stamp, hash, presets_hash, jobs } => {
                let jobs = Arc::new(complete(jobs, presets_hash, &completer, Some((&path, hash))));
                Ok((path, CachedFile { stamp, hash, jobs }))
            }
            Step::Failed(diagnostic) => Err(diagnostic),
        });
        drop(completer);
        let mut hashes: Vec<(Arc<Path>, u128)> =
            sources.iter().map(|source| (source.file.clone(), source.hash)).collect();
        self.files.clear();
        for result in done {
            match result {
                Ok((path, cached)) => {
                    hashes.push((path.clone(), cached.hash));
                    all.push(cached.jobs.clone());
                    self.files.insert(path, cached);
                }
                Err(diagnostic) => out.push(diagnostic),
            }
        }
        let files = hashes.iter().map(|(file, hash)| (&**file, *hash));
        let sha = sha(files, &prow.config_version_sha);
        let config = assemble(prow, &all, presets, decorate_all_jobs, sha, &mut out);
        let warnings = errors_or_warnings(out)?;
        Ok(Loaded { config: Arc::new(config), warnings })
    }

    /// Reads and finalizes `config.yaml` and what supplements it. None if that cannot be used.
    fn load_settings(&self, now: Timestamp, out: &mut Vec<Diagnostic>) -> Option<Main> {
        let found_before = out.len();
        let source = match files::read(&shared_path(&self.options.config_path)) {
            Ok(source) => source,
            Err(diagnostic) => {
                out.push(diagnostic);
                return None;
            }
        };
        let (mut prow, jobs) = read_main(&source, out);
        let mut sources = vec![source];
        let suffix = &self.options.supplemental_prow_configs_filename_suffix;
        for source in supplemental(&self.options.supplemental_prow_config_dirs, suffix, out) {
            let other: ProwConfig = read_settings(&source, &PROW_CONFIG, out);
            let mut findings = Findings::default();
            prow::merge::merge(&mut prow, other, &mut findings);
            for finding in &mut findings.0 {
                let file = source.file.display();
                finding.message =
                    format!("failed to merge in config from {file}: {}", finding.message);
            }
            place_in_files(findings, &[text_of(&source)], out);
            sources.push(source);
        }
        match files::version_beside(&self.options.config_path) {
            Ok(Some(version)) => prow.config_version_sha = version,
            Ok(None) => {}
            Err(diagnostic) => out.push(diagnostic),
        }
        let mut findings = Findings::default();
        prow::finalize::finalize(&mut prow, now, &mut findings);
        place_in_files(findings, &sources.iter().map(text_of).collect::<Vec<_>>(), out);
        let usable = !out[found_before..].iter().any(Diagnostic::is_error);
        usable.then_some(Main { prow, jobs, sources })
    }

    fn job_files(&self, out: &mut Vec<Diagnostic>) -> Vec<Arc<Path>> {
        let Some(root) = &self.options.job_config_path else {
            return Vec::new();
        };
        match files::job_files(root) {
            Ok(walk) => {
                out.extend(walk.problems);
                walk.files
            }
            Err(diagnostic) => {
                out.push(diagnostic);
                Vec::new()
            }
        }
    }

    fn read_files(&self, paths: Vec<Arc<Path>>, threads: usize, reread: bool) -> Vec<Step> {
        parallel::map(paths, threads, |path| {
            let cached = self.files.get(&path);
            if let Some(cached) = cached.filter(|_| !reread)
                && Stamp::at(&path) == Some(cached.stamp)
            {
                return keep(cached, cached.stamp);
            }
            let source = match files::read(&path) {
                Ok(source) => source,
                Err(diagnostic) => return Step::Failed(diagnostic),
            };
            match cached {
                Some(cached) if cached.hash == source.hash => keep(cached, source.stamp),
                _ => read_job_file(&source),
            }
        })
    }
}

/// `config.yaml` with what supplements it.
struct Main {
    prow: ProwConfig,
    jobs: JobFile,
    sources: Vec<FileText>,
}

fn keep(cached: &CachedFile, stamp: Stamp) -> Step {
    Step::Kept { stamp, hash: cached.hash, jobs: cached.jobs.clone() }
}

fn read_job_file(source: &FileText) -> Step {
    match yaml::read(&source.text) {
        Ok(mut root) => {
            let jobs = read::read_file(&mut root, &source.file, FileKind::Central);
            let presets_hash = presets_hash(&jobs.presets);
            Step::Read { stamp: source.stamp, hash: source.hash, presets_hash, jobs }
        }
        Err(err) => Step::Failed(
            Diagnostic::error(files::YAML_RULE, err.message).in_file(&source.file).at(err.mark),
        ),
    }
}

fn presets_hash(presets: &[Arc<Preset>]) -> u64 {
    if presets.is_empty() {
        return 0;
    }
    xxh3_64(&serde_json::to_vec(presets).unwrap_or_default())
}

/// A hash over the settings and all presets.
fn basis(sources: &[FileText], main_jobs: &JobFile, steps: &[Step]) -> u128 {
    let mut hasher = Xxh3::new();
    for source in sources {
        hasher.update(&source.hash.to_le_bytes());
    }
    hasher.update(&presets_hash(&main_jobs.presets).to_le_bytes());
    for step in steps {
        let hash = match step {
            Step::Kept { jobs, .. } => jobs.presets_hash,
            Step::Read { presets_hash, .. } => *presets_hash,
            Step::Failed(_) => 0,
        };
        if hash != 0 {
            hasher.update(&hash.to_le_bytes());
        }
    }
    hasher.digest128()
}

/// A hash over the names and contents of files, and what else there is to tell apart.
fn sha<'f>(files: impl Iterator<Item = (&'f Path, u128)>, more: &str) -> String {
    let mut hasher = Xxh3::new();
    hasher.update(more.as_bytes());
    for (file, hash) in files {
        // The folder may be another on each machine.
        let name = file.file_name().unwrap_or_default();
        hasher.update(name.as_encoded_bytes());
        hasher.update(&hash.to_le_bytes());
    }
    format!("{:032x}", hasher.digest128())
}

fn text_of(source: &FileText) -> SourceText<'_> {
    SourceText { file: &source.file, text: &source.text }
}

fn supplemental(
    folders: &[std::path::PathBuf],
    suffix: &str,
    out: &mut Vec<Diagnostic>,
) -> Vec<FileText> {
    let mut sources = Vec::new();
    for folder in folders {
        match files::files_with_suffix(folder, suffix) {
            Ok(walk) => {
                // An entry that cannot be looked at could hold anything.
                out.extend(walk.problems.into_iter().map(|problem| Diagnostic {
                    severity: diagnostic::Severity::Error,
                    ..problem
                }));
                for file in walk.files {
                    match files::read(&file) {
                        Ok(source) => sources.push(source),
                        Err(diagnostic) => out.push(diagnostic),
                    }
                }
            }
            Err(diagnostic) => out.push(diagnostic),
        }
    }
    sources
}

/// Reads `config.yaml`: settings and, perhaps, jobs.
fn read_main(source: &FileText, out: &mut Vec<Diagnostic>) -> (ProwConfig, JobFile) {
    let mut reader = read::Reader::new(&source.file, FileKind::Central);
    let mut taken = |entry: &mut yaml::Entry<'_>| reader.read_entry(entry);
    let prow = read_with(source, &PROW_CONFIG, Strings::Exact, out, &mut taken);
    let mut jobs = reader.found;
    out.append(&mut jobs.diagnostics);
    (prow, jobs)
}

fn read_settings<T: GoFields>(source: &FileText, schema: &Schema, out: &mut Vec<Diagnostic>) -> T {
    read_with(source, schema, Strings::Coerced, out, &mut |_| false)
}

/// Reads settings key by key, so that a bad value does not hide the others. Keys that `taken` takes
/// are left out.
fn read_with<T: GoFields>(
    source: &FileText,
    schema: &Schema,
    strings: Strings,
    out: &mut Vec<Diagnostic>,
    taken: &mut dyn FnMut(&mut yaml::Entry<'_>) -> bool,
) -> T {
    let mut settings = T::default();
    let file = &source.file;
    let mut root = match yaml::read(&source.text) {
        Ok(root) => root,
        Err(err) => {
            let diagnostic = Diagnostic::error(files::YAML_RULE, err.message);
            out.push(diagnostic.in_file(file).at(err.mark));
            return settings;
        }
    };
    let NodeKind::Mapping(entries) = &mut root.kind else {
        if !root.is_null() {
            let message = format!("expected a mapping, found {}", root.describe());
            out.push(Diagnostic::error(TYPE_RULE, message).in_file(file).at(root.mark));
        }
        return settings;
    };
    for entry in entries {
        if taken(entry) {
            continue;
        }
        schema.settle_entry(entry, file, out);
        if let Err(err) = settings.set_field(&entry.key, &mut SingleEntry::new(entry, strings)) {
            out.push(Diagnostic::error(TYPE_RULE, err.to_string()).in_file(file).at(err.mark));
        }
    }
    settings
}

/// Completes and checks the jobs of one file. `file` is where they came from, with the hash it had,
/// to look lines up if something is wrong; jobs of the main file are found by their own line.
fn complete(
    jobs: JobFile,
    presets_hash: u64,
    completer: &Completer<'_>,
    file: Option<(&Arc<Path>, u128)>,
) -> CompletedFile {
    let mut wrong: Vec<(Arc<SourceLocation>, Findings)> = Vec::new();
    let mut note = |source: &Option<Arc<SourceLocation>>, findings: Findings| {
        if let (Some(source), false) = (source, findings.0.is_empty()) {
            wrong.push((source.clone(), findings));
        }
    };
    let prow = completer.prow;
    let mut done = CompletedFile {
        presets: jobs.presets,
        presets_hash,
        diagnostics: jobs.diagnostics,
        ..CompletedFile::default()
    };
    for (repo, mut job) in jobs.presubmits {
        let mut findings = Findings::default();
        completer.presubmit(&mut job, &repo, &mut findings);
        validate::presubmit(&job, prow, &mut findings);
        note(&job.base.source, findings);
        done.presubmits.push((repo, Arc::new(job)));
    }
    for (repo, mut job) in jobs.postsubmits {
        let mut findings = Findings::default();
        completer.postsubmit(&mut job, &repo, &mut findings);
        validate::postsubmit(&job, prow, &mut findings);
        note(&job.base.source, findings);
        done.postsubmits.push((repo, Arc::new(job)));
    }
    for mut job in jobs.periodics {
        let mut findings = Findings::default();
        completer.periodic(&mut job, &mut findings);
        validate::periodic(&job, prow, &mut findings);
        note(&job.base.source, findings);
        done.periodics.push(Arc::new(job));
    }
    place_job_findings(wrong, file, &mut done.diagnostics);
    done
}

/// Gives findings about jobs the line of the key that they are about. The file is read again for
/// that; if it has changed meanwhile, the job's own line must do.
fn place_job_findings(
    wrong: Vec<(Arc<SourceLocation>, Findings)>,
    file: Option<(&Arc<Path>, u128)>,
    out: &mut Vec<Diagnostic>,
) {
    let Some((first, _)) = wrong.first() else {
        return;
    };
    let path: Arc<Path> = match file {
        Some((path, _)) => path.clone(),
        None => shared_path(&*first.file),
    };
    let source =
        files::read(&path).ok().filter(|source| file.is_none_or(|(_, hash)| source.hash == hash));
    let text = source.as_ref().map(|source| source.text.as_str());
    let tree = text.and_then(|text| yaml::read(text).ok());
    place_in_tree(wrong, tree.as_ref(), &path, out);
}

/// Turns findings about jobs into diagnostics, with the lines of a tree if there is one.
pub(crate) fn place_in_tree(
    wrong: Vec<(Arc<SourceLocation>, Findings)>,
    tree: Option<&Node<'_>>,
    file: &Arc<Path>,
    out: &mut Vec<Diagnostic>,
) {
    for (location, findings) in wrong {
        let job = tree.and_then(|tree| job_at(tree, location.line));
        for finding in findings.0 {
            let mark = match job {
                Some(job) => locate(job, &finding.place).1,
                None => Mark { line: location.line, column: 0 },
            };
            out.push(
                Diagnostic {
                    severity: finding.severity,
                    ..Diagnostic::error(finding.rule, finding.message)
                }
                .in_file(file)
                .at(mark),
            );
        }
    }
}

/// The job that begins on a line.
fn job_at<'n, 'a>(root: &'n Node<'a>, line: u32) -> Option<&'n Node<'a>> {
    let lists = root.entries().iter().flat_map(|entry| {
        let by_repo = entry.value.entries().iter().map(|entry| &entry.value);
        std::iter::once(&entry.value).chain(by_repo)
    });
    lists.flat_map(|list| list.elements()).find(|job| job.mark.line == line)
}

/// Puts everything together and checks what only shows then.
fn assemble(
    mut prow: ProwConfig,
    files: &[Arc<CompletedFile>],
    presets: Vec<Arc<Preset>>,
    decorate_all_jobs: bool,
    sha: String,
    out: &mut Vec<Diagnostic>,
) -> Config {
    let mut presubmits: BTreeMap<String, Vec<Arc<Presubmit>>> = BTreeMap::new();
    let mut postsubmits: BTreeMap<String, Vec<Arc<Postsubmit>>> = BTreeMap::new();
    let mut periodics = Vec::new();
    for file in files {
        out.extend(file.diagnostics.iter().cloned());
        append(&mut presubmits, &file.presubmits);
        append(&mut postsubmits, &file.postsubmits);
        periodics.extend(file.periodics.iter().cloned());
    }
    for jobs in presubmits.values() {
        together::check_repo::<Presubmit, _>(jobs, out);
    }
    for jobs in postsubmits.values() {
        together::check_repo::<Postsubmit, _>(jobs, out);
    }
    together::check_periodics(&periodics, out);
    let mut all_repos: BTreeSet<String> =
        prow.tide.queries.iter().flat_map(|query| query.repos.iter().cloned()).collect();
    all_repos.extend(presubmits.keys().chain(postsubmits.keys()).cloned());
    let jobs = JobConfig { presubmits, postsubmits, periodics, presets, decorate_all_jobs };
    prow.deck.all_known_storage_buckets = known_buckets(&prow, &jobs);
    Config { prow, jobs, all_repos, sha }
}

fn append<T>(all: &mut BTreeMap<String, Vec<Arc<T>>>, jobs: &[(Arc<str>, Arc<T>)]) {
    for (repo, job) in jobs {
        match all.get_mut(&**repo) {
            Some(list) => list.push(job.clone()),
            None => {
                all.insert(repo.to_string(), vec![job.clone()]);
            }
        }
    }
}

/// The buckets that jobs and decoration defaults name, with the additional ones.
fn known_buckets(prow: &ProwConfig, jobs: &JobConfig) -> BTreeSet<String> {
    let bucket = |config: &job_spec::DecorationConfig| {
        config.gcs_configuration.as_ref().map(|gcs| gcs.bucket.clone())
    };
    let defaults = prow.plank.decoration_defaults.iter().filter_map(|entry| entry.config.as_ref());
    let bases = jobs
        .all_presubmits()
        .map(|(_, job)| &job.base)
        .chain(jobs.all_postsubmits().map(|(_, job)| &job.base))
        .chain(jobs.periodics.iter().map(|job| &job.base));
    // Jobs share their decoration configs, so most need not be looked at.
    let mut seen = std::collections::HashSet::new();
    let own = bases
        .filter_map(|base| base.utility.decoration_config.as_ref())
        .filter(|config| seen.insert(Arc::as_ptr(config)))
        .collect::<Vec<_>>();
    let mut buckets: BTreeSet<String> = defaults
        .chain(own)
        .filter_map(|config| bucket(config))
        .map(|bucket| match bucket.split_once("://") {
            Some((_, name)) => name.to_owned(),
            None => bucket,
        })
        .filter(|bucket| !bucket.is_empty())
        .collect();
    buckets.extend(prow.deck.additional_allowed_buckets.iter().cloned());
    buckets
}

/// The findings if none is an error, else the errors.
fn errors_or_warnings(mut found: Vec<Diagnostic>) -> Result<Vec<Diagnostic>, LoadErrors> {
    if found.iter().any(Diagnostic::is_error) {
        return Err(errors_of(found));
    }
    diagnostic::sort(&mut found);
    Ok(found)
}

fn errors_of(mut found: Vec<Diagnostic>) -> LoadErrors {
    found.retain(Diagnostic::is_error);
    LoadErrors(found).sorted()
}
