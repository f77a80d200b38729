//! Removing secrets from what is about to be uploaded.
//!
//! The files of the test containers' secret mounts are the secrets. Process logs and artifacts are
//! read through, and where one of them contains a secret a clean copy is staged beside the logs and
//! uploaded in its place; the originals stay as they are, since the test may still be writing them.
//!
//! It fails closed. What cannot be looked through is withheld with a reason: a single file that is
//! packed in a way that is not known here, or everything when a secret itself cannot be read.

mod archive;
mod replace;
mod secrets;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use job_spec::options::SidecarCensoringOptions;
use tempfile::TempDir;

use replace::Censor;

/// Files that are worked on at once unless the options say otherwise.
const DEFAULT_CONCURRENCY: usize = 10;

/// Bytes held of each file unless the options say otherwise.
const DEFAULT_BUFFER_BYTES: usize = 10 * 1024 * 1024;

/// What is to be looked through.
#[derive(Debug, Default)]
pub struct Subjects {
    /// Files that are always looked through: process logs, metadata.
    pub files: Vec<PathBuf>,
    /// Files and folders with artifacts, of which the options' globs choose.
    pub items: Vec<PathBuf>,
    /// The tests may still be writing: what is uploaded must be exactly what was looked through, so
    /// everything is copied.
    pub still_written: bool,
}

/// What may be uploaded of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    /// The file itself.
    Unchanged,
    /// A clean copy of it.
    Replaced(&'a Path),
    /// Nothing, for this reason.
    Withheld(&'a str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Unchanged,
    Replaced(PathBuf),
    Withheld(String),
}

/// The outcome: what may be uploaded of every file. The clean copies live as long as this value.
#[derive(Debug, Default)]
pub struct Censored {
    active: bool,
    verdicts: HashMap<PathBuf, Verdict>,
    censor: Option<Arc<Censor>>,
    _staging: Option<TempDir>,
}

impl Censored {
    /// Nothing is censored.
    pub fn nothing() -> Censored {
        Censored::default()
    }

    /// What may be uploaded of this file.
    pub fn fate(&self, path: &Path) -> Fate<'_> {
        if !self.active {
            return Fate::Unchanged;
        }
        match self.verdicts.get(&real(path)) {
            Some(Verdict::Unchanged) => Fate::Unchanged,
            Some(Verdict::Replaced(copy)) => Fate::Replaced(copy),
            Some(Verdict::Withheld(reason)) => Fate::Withheld(reason),
            None => Fate::Withheld("it appeared while secrets were being removed"),
        }
    }

    /// A file name with secrets replaced.
    pub fn clean_name(&self, name: &str) -> String {
        match &self.censor {
            Some(censor) => censor.clean_name(name),
            None => name.to_owned(),
        }
    }

    /// The files that may not be uploaded, with reasons, in the order of their paths.
    pub fn withheld(&self) -> Vec<(&Path, &str)> {
        let mut withheld: Vec<_> = self
            .verdicts
            .iter()
            .filter_map(|(path, verdict)| match verdict {
                Verdict::Withheld(reason) => Some((path.as_path(), reason.as_str())),
                _ => None,
            })
            .collect();
        withheld.sort_unstable();
        withheld
    }
}

/// Looks through all subjects.
pub async fn censor(options: SidecarCensoringOptions, subjects: Subjects) -> Censored {
    let work = tokio::task::spawn_blocking(move || run(&options, &subjects));
    match work.await {
        Ok(censored) => censored,
        // Nothing is known to be clean then: every file is withheld.
        Err(error) => {
            tracing::error!(%error, "Removing secrets failed");
            Censored { active: true, ..Censored::default() }
        }
    }
}

fn run(options: &SidecarCensoringOptions, subjects: &Subjects) -> Censored {
    let loaded = secrets::load(
        &options.secret_directories,
        &options.ini_filenames,
        usize::try_from(options.minimum_secret_length.unwrap_or(0)).unwrap_or(0),
    );
    tracing::debug!(secrets = loaded.patterns.len(), "Loaded secrets to censor.");
    let mut obstacles = loaded.problems;
    let selection = match Selection::new(options) {
        Ok(selection) => selection,
        Err(problem) => {
            obstacles.push(problem);
            Selection::default()
        }
    };
    let (wanted, excluded) = selection.files(subjects);
    let mut censored = Censored { active: true, ..Censored::default() };
    for path in excluded {
        censored.verdicts.insert(path, Verdict::Unchanged);
    }
    let buffer = options.censoring_buffer_size.and_then(|size| usize::try_from(size).ok());
    let prepared = Censor::new(&loaded.patterns, buffer.unwrap_or(DEFAULT_BUFFER_BYTES))
        .and_then(|censor| Ok((censor, stage(&subjects.files)?)));
    let (censor, staging) = match prepared {
        Ok((censor, staging)) if obstacles.is_empty() => (Arc::new(censor), staging),
        failed => {
            obstacles.extend(failed.err());
            let reason = obstacles.join("; ");
            for path in wanted {
                censored.verdicts.insert(path, Verdict::Withheld(reason.clone()));
            }
            return censored;
        }
    };
    let concurrency = options.censoring_concurrency.and_then(|n| usize::try_from(n).ok());
    let concurrency = concurrency.unwrap_or(DEFAULT_CONCURRENCY).clamp(1, wanted.len().max(1));
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..concurrency {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = wanted.get(number) else { break };
                    let copy = staging.path().join(number.to_string());
                    let verdict = judge(path, &copy, &censor, subjects.still_written);
                    let mut verdicts = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                    verdicts.push((path.clone(), verdict));
                }
            });
        }
    });
    censored.verdicts.extend(verdicts.into_inner().unwrap_or_else(PoisonError::into_inner));
    censored.censor = Some(censor);
    censored._staging = Some(staging);
    censored
}

fn judge(path: &Path, copy: &Path, censor: &Censor, copy_always: bool) -> Verdict {
    match archive::clean(path, copy, censor) {
        Ok(true) => Verdict::Replaced(copy.to_owned()),
        Ok(false) if copy_always => Verdict::Replaced(copy.to_owned()),
        Ok(false) => {
            // Fails only if there is none.
            let _ = fs::remove_file(copy);
            Verdict::Unchanged
        }
        Err(reason) => {
            let _ = fs::remove_file(copy);
            Verdict::Withheld(reason)
        }
    }
}

/// A folder for clean copies: on the Pod's own volume, beside the logs, where there is room.
fn stage(files: &[PathBuf]) -> Result<TempDir, String> {
    let beside = files.first().and_then(|file| file.parent());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".censored-");
    let staged = match beside {
        Some(folder) => builder.tempdir_in(folder).or_else(|_| builder.tempdir()),
        None => builder.tempdir(),
    };
    staged.map_err(|error| format!("no folder for clean copies could be made: {error}"))
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Which artifacts are looked through.
#[derive(Default)]
struct Selection {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl Selection {
    fn new(options: &SidecarCensoringOptions) -> Result<Selection, String> {
        let set = |globs: &[String]| {
            let mut set = GlobSetBuilder::new();
            for glob in globs {
                // As in Prow, `*` stops at a slash and `**` does not.
                let built = GlobBuilder::new(glob).literal_separator(true).build();
                set.add(built.map_err(|error| format!("the glob {glob:?} is wrong: {error}"))?);
            }
            set.build().map_err(|error| format!("the globs cannot be used: {error}"))
        };
        let include = &options.include_directories;
        Ok(Selection {
            include: if include.is_empty() { None } else { Some(set(include)?) },
            exclude: set(&options.exclude_directories)?,
        })
    }

    /// The files to be looked through, and those that are left alone on purpose.
    fn files(&self, subjects: &Subjects) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let mut wanted: Vec<PathBuf> =
            subjects.files.iter().filter(|file| file.is_file()).map(|file| real(file)).collect();
        let mut excluded = Vec::new();
        for item in &subjects.items {
            let mut folders = vec![item.clone()];
            while let Some(folder) = folders.pop() {
                // What cannot be listed here cannot be listed for the upload either.
                for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                    let path = entry.path();
                    match entry.file_type() {
                        Ok(kind) if kind.is_dir() => folders.push(path),
                        Ok(kind) if kind.is_file() => {
                            let below = path.strip_prefix(item).unwrap_or(&path);
                            let chosen =
                                if self.chooses(below) { &mut wanted } else { &mut excluded };
                            chosen.push(real(&path));
                        }
                        // The target of a link is a file of its own, or not uploaded.
                        _ => {}
                    }
                }
            }
            if item.is_file() {
                wanted.push(real(item));
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        excluded.retain(|path| wanted.binary_search(path).is_err());
        (wanted, excluded)
    }

    fn chooses(&self, below: &Path) -> bool {
        if self.exclude.is_match(below) {
            return false;
        }
        self.include.as_ref().is_none_or(|include| include.is_match(below))
    }
}

#[cfg(test)]
mod tests;
