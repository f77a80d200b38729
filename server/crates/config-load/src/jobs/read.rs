//! Reads the jobs and presets of one file.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use job_spec::go_struct::HasShape;
use job_spec::{JobBase, Periodic, Postsubmit, Preset, Presubmit, SourceLocation};
use serde::de::DeserializeOwned;

use crate::diagnostic::Diagnostic;
use crate::unknown::Schema;
use crate::yaml::de::{self, Strings};
use crate::yaml::{Entry, Node, NodeKind};

/// The rule of values that have the wrong type.
pub(crate) const TYPE_RULE: &str = "field-type";

/// Keys of a job file, and of the main file beside its settings.
const PRESETS: &str = "presets";
const PRESUBMITS: &str = "presubmits";
const POSTSUBMITS: &str = "postsubmits";
const PERIODICS: &str = "periodics";
const DECORATE_ALL_JOBS: &str = "decorate_all_jobs";
const PROW_IGNORED: &str = "prow_ignored";

/// Jobs and presets as they stand in a file.
#[derive(Debug, Default)]
pub(crate) struct JobFile {
    pub(crate) presets: Vec<Arc<Preset>>,
    /// With their repositories.
    pub(crate) presubmits: Vec<(Arc<str>, Presubmit)>,
    pub(crate) postsubmits: Vec<(Arc<str>, Postsubmit)>,
    pub(crate) periodics: Vec<Periodic>,
    pub(crate) decorate_all_jobs: Option<bool>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

static PRESET: LazyLock<Schema> = LazyLock::new(|| Schema::new(&Preset::shape()));
static PRESUBMIT: LazyLock<Schema> = LazyLock::new(|| Schema::new(&Presubmit::shape()));
static POSTSUBMIT: LazyLock<Schema> = LazyLock::new(|| Schema::new(&Postsubmit::shape()));
static PERIODIC: LazyLock<Schema> = LazyLock::new(|| Schema::new(&Periodic::shape()));

/// A kind of file that holds jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Below `--job-config-path`: jobs by repository.
    Central,
    /// In a tested repository: plain lists, no periodics.
    InRepo,
}

/// Something that knows where it stands.
trait Sourced {
    /// What becomes of booleans and numbers where a string is wanted.
    const STRINGS: Strings;

    fn set_source(&mut self, source: Arc<SourceLocation>);
}

impl Sourced for Preset {
    const STRINGS: Strings = Strings::Coerced;

    fn set_source(&mut self, source: Arc<SourceLocation>) {
        self.source = Some(source);
    }
}

macro_rules! sourced_jobs {
    ($($ty:ty),*) => {$(
        impl Sourced for $ty {
            // All other keys are embedded, and Prow's reader does not look into embedded structs.
            const STRINGS: Strings = Strings::ExactExcept(<$ty>::KEYS);

            fn set_source(&mut self, source: Arc<SourceLocation>) {
                let base: &mut JobBase = &mut self.base;
                base.source = Some(source);
            }
        }
    )*};
}

sourced_jobs!(Presubmit, Postsubmit, Periodic);

/// Reads a whole job file.
pub(crate) fn read_file(root: &mut Node<'_>, file: &Arc<Path>, kind: FileKind) -> JobFile {
    let mut reader = Reader::new(file, kind);
    if let NodeKind::Mapping(entries) = &mut root.kind {
        for entry in entries {
            if !reader.read_entry(entry) {
                reader.unknown_key(entry);
            }
        }
    } else if !root.is_null() {
        reader.wrong_type(root, "", "a mapping");
    }
    if kind == FileKind::Central && reader.found.decorate_all_jobs.is_some() {
        let mark = root.entry(DECORATE_ALL_JOBS).map_or(root.mark, |entry| entry.mark);
        let diagnostic = Diagnostic::warning(
            "ignored-field",
            "`decorate_all_jobs` has no effect in a job file: set it in config.yaml, or `decorate` on each job",
        );
        reader.found.diagnostics.push(diagnostic.in_file(file).at(mark));
    }
    reader.found
}

/// Reads the jobs of the main file, entry by entry: [`Reader::read_entry`] answers whether an entry
/// is about jobs.
pub(crate) struct Reader<'f> {
    file: &'f Arc<Path>,
    name: Arc<str>,
    kind: FileKind,
    pub(crate) found: JobFile,
}

impl<'f> Reader<'f> {
    pub(crate) fn new(file: &'f Arc<Path>, kind: FileKind) -> Self {
        let name = Arc::from(file.to_string_lossy());
        Reader { file, name, kind, found: JobFile::default() }
    }

    /// Reads a top-level entry if it is about jobs.
    pub(crate) fn read_entry(&mut self, entry: &mut Entry<'_>) -> bool {
        let value = &mut entry.value;
        match &*entry.key.to_ascii_lowercase() {
            PROW_IGNORED => {}
            PRESETS => {
                let presets = self.list::<Preset>(value, PRESETS, &PRESET);
                self.found.presets.extend(presets.into_iter().map(Arc::new));
            }
            PRESUBMITS if self.kind == FileKind::InRepo => {
                let jobs = self.list(value, PRESUBMITS, &PRESUBMIT);
                let repo: Arc<str> = Arc::from("");
                self.found.presubmits.extend(jobs.into_iter().map(|job| (repo.clone(), job)));
            }
            POSTSUBMITS if self.kind == FileKind::InRepo => {
                let jobs = self.list(value, POSTSUBMITS, &POSTSUBMIT);
                let repo: Arc<str> = Arc::from("");
                self.found.postsubmits.extend(jobs.into_iter().map(|job| (repo.clone(), job)));
            }
            PERIODICS | DECORATE_ALL_JOBS if self.kind == FileKind::InRepo => return false,
            PRESUBMITS => {
                let jobs = self.by_repo(value, PRESUBMITS, &PRESUBMIT);
                self.found.presubmits.extend(jobs);
            }
            POSTSUBMITS => {
                let jobs = self.by_repo(value, POSTSUBMITS, &POSTSUBMIT);
                self.found.postsubmits.extend(jobs);
            }
            PERIODICS => {
                let jobs = self.list(value, PERIODICS, &PERIODIC);
                self.found.periodics.extend(jobs);
            }
            DECORATE_ALL_JOBS => match de::from_node::<bool>(value) {
                Ok(decorate) => self.found.decorate_all_jobs = Some(decorate),
                Err(_) => self.wrong_type(value, DECORATE_ALL_JOBS, "true or false"),
            },
            _ => return false,
        }
        true
    }

    fn unknown_key(&mut self, entry: &Entry<'_>) {
        let diagnostic =
            Diagnostic::warning(crate::unknown::RULE, format!("unknown field `{}`", entry.key));
        self.found.diagnostics.push(diagnostic.in_file(self.file).at(entry.mark));
    }

    fn wrong_type(&mut self, node: &Node<'_>, path: &str, expected: &str) {
        let colon = if path.is_empty() { "" } else { ": " };
        let message = format!("{path}{colon}expected {expected}, found {}", node.describe());
        let diagnostic = Diagnostic::error(TYPE_RULE, message);
        self.found.diagnostics.push(diagnostic.in_file(self.file).at(node.mark));
    }

    fn by_repo<T: DeserializeOwned + Sourced>(
        &mut self,
        node: &mut Node<'_>,
        key: &str,
        schema: &Schema,
    ) -> Vec<(Arc<str>, T)> {
        if node.is_null() {
            return Vec::new();
        }
        let NodeKind::Mapping(entries) = &mut node.kind else {
            self.wrong_type(node, key, "a mapping of repositories to lists of jobs");
            return Vec::new();
        };
        let mut found = Vec::new();
        for entry in entries {
            let repo: Arc<str> = Arc::from(&*entry.key);
            let jobs = self.list(&mut entry.value, &format!("{key}.{}", entry.key), schema);
            found.extend(jobs.into_iter().map(|job| (repo.clone(), job)));
        }
        found
    }

    fn list<T: DeserializeOwned + Sourced>(
        &mut self,
        node: &mut Node<'_>,
        path: &str,
        schema: &Schema,
    ) -> Vec<T> {
        if node.is_null() {
            return Vec::new();
        }
        let NodeKind::Sequence(elements) = &mut node.kind else {
            self.wrong_type(node, path, "a list");
            return Vec::new();
        };
        let mut found = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter_mut().enumerate() {
            schema.settle(element, self.file, &mut self.found.diagnostics);
            match de::from_node_with::<T>(element, T::STRINGS) {
                Ok(mut value) => {
                    let line = element.mark.line;
                    value.set_source(Arc::new(SourceLocation { file: self.name.clone(), line }));
                    found.push(value);
                }
                Err(err) => {
                    let name = match element.get("name").map(|node| &node.kind) {
                        Some(NodeKind::Scalar(scalar)) => format!(" ({})", scalar.text),
                        _ => String::new(),
                    };
                    let message = format!("{path}[{index}]{name}: {err}");
                    self.found.diagnostics.push(
                        Diagnostic::error(TYPE_RULE, message).in_file(self.file).at(err.mark),
                    );
                }
            }
        }
        found
    }
}
