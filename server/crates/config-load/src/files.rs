//! Finds and reads configuration files.
//!
//! The walk is Prow's: entries of a folder in the order of their names, symlinks to files followed
//! and symlinks to folders not, names that begin with `..` left out (Kubernetes keeps the generations
//! of a mounted ConfigMap there).

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use xxhash_rust::xxh3::xxh3_128;

use crate::diagnostic::{Diagnostic, shared_path};
use crate::yaml::{self, MAX_FILE_BYTES};

/// A file of this name in a job folder, or in one below, names files that are left out, as
/// `.gitignore` does.
pub const PROW_IGNORE: &str = ".prowignore";

/// A file of this name beside `config.yaml` holds the commit that it was made from.
pub const VERSION_FILE: &str = "VERSION";

/// The rule of files that cannot be read.
pub(crate) const READ_RULE: &str = "unreadable";

/// The rule of texts that are not YAML.
pub(crate) const YAML_RULE: &str = "yaml";

/// What tells that a file may have changed, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The stamp of the file that a path leads to; None if there is none.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata))
    }
}

/// A file's text with its stamp and a hash of its bytes.
#[derive(Debug)]
pub(crate) struct FileText {
    pub(crate) file: Arc<Path>,
    pub(crate) stamp: Stamp,
    pub(crate) hash: u128,
    pub(crate) text: String,
}

/// Reads a file whole. The stamp is from before the bytes, so that a change in between shows.
pub(crate) fn read(file: &Arc<Path>) -> Result<FileText, Diagnostic> {
    let failed = |err: io::Error| {
        Diagnostic::error(READ_RULE, format!("cannot read the file: {err}")).in_file(file)
    };
    let mut handle = File::open(file).map_err(failed)?;
    let metadata = handle.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(
            Diagnostic::error(READ_RULE, "a file is needed here, this is a folder").in_file(file)
        );
    }
    let stamp = Stamp::of(&metadata);
    let mut bytes = Vec::with_capacity(metadata.len().min(MAX_FILE_BYTES) as usize + 1);
    handle.by_ref().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    let hash = xxh3_128(&bytes);
    let text = yaml::decode(bytes)
        .map_err(|err| Diagnostic::error(YAML_RULE, err.message).in_file(file).at(err.mark))?;
    Ok(FileText { file: file.clone(), stamp, hash, text })
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Files in Prow's order.
    pub(crate) files: Vec<Arc<Path>>,
    /// Entries that could not be looked at.
    pub(crate) problems: Vec<Diagnostic>,
}

/// The job files below a folder, or the path itself if it is a file.
pub(crate) fn job_files(root: &Path) -> Result<Walk, Diagnostic> {
    let metadata = stat(root)?;
    if !metadata.is_dir() {
        return Ok(Walk { files: vec![shared_path(root)], problems: Vec::new() });
    }
    let mut walk = Walk::default();
    walk_folder(root, &mut walk, Some(&mut Vec::new()), &is_yaml);
    let mut names = std::collections::HashSet::new();
    let (files, problems) = (&walk.files, &mut walk.problems);
    for file in files {
        let Some(name) = file.file_name() else {
            continue;
        };
        if !names.insert(name) {
            let message = format!("duplicated basename is not allowed: {}", name.to_string_lossy());
            problems.push(Diagnostic::error("duplicate-basename", message).in_file(file));
        }
    }
    Ok(walk)
}

/// Whether a file's name says that it is YAML.
pub(crate) fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// The files below a folder whose names end with `suffix`.
pub(crate) fn files_with_suffix(root: &Path, suffix: &str) -> Result<Walk, Diagnostic> {
    stat(root)?;
    let mut walk = Walk::default();
    let wanted = |path: &Path| path.to_string_lossy().ends_with(suffix);
    walk_folder(root, &mut walk, None, &wanted);
    Ok(walk)
}

fn stat(path: &Path) -> Result<Metadata, Diagnostic> {
    fs::metadata(path).map_err(|err| {
        Diagnostic::error(READ_RULE, format!("cannot read the file or folder: {err}"))
            .in_file(&shared_path(path))
    })
}

/// The patterns of the `.prowignore` in a folder.
fn prow_ignore(folder: &Path) -> Result<Gitignore, Diagnostic> {
    let file = folder.join(PROW_IGNORE);
    let mut builder = GitignoreBuilder::new(folder);
    match builder.add(&file) {
        Some(err) => Err(ignore_error(&file, &err)),
        None => builder.build().map_err(|err| ignore_error(&file, &err)),
    }
}

/// The patterns of a `.prowignore` that was read from elsewhere, for paths below its folder.
pub(crate) fn prow_ignore_from(folder: &Path, text: &str) -> Result<Gitignore, Diagnostic> {
    let file = folder.join(PROW_IGNORE);
    let mut builder = GitignoreBuilder::new(folder);
    for line in text.lines() {
        builder.add_line(None, line).map_err(|err| ignore_error(&file, &err))?;
    }
    builder.build().map_err(|err| ignore_error(&file, &err))
}

/// Whether the patterns of a file's folder, or of one above it, leave it out. The nearest folder that
/// says something decides.
pub(crate) fn is_ignored<'p>(
    mut nearest_first: impl Iterator<Item = &'p Gitignore>,
    path: &Path,
) -> bool {
    nearest_first
        .find_map(|patterns| match patterns.matched_path_or_any_parents(path, false) {
            ignore::Match::None => None,
            found => Some(found.is_ignore()),
        })
        .unwrap_or(false)
}

fn ignore_error(file: &Path, err: &ignore::Error) -> Diagnostic {
    Diagnostic::error(READ_RULE, format!("failed to create `{PROW_IGNORE}` parser: {err}"))
        .in_file(&shared_path(file))
}

/// Walks a folder. `ignored` holds the patterns of the folders above it, if such patterns count.
fn walk_folder(
    folder: &Path,
    walk: &mut Walk,
    mut ignored: Option<&mut Vec<Gitignore>>,
    wanted: &dyn Fn(&Path) -> bool,
) {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(err) => {
            // One bad folder must not keep the others from being read.
            let message = format!("cannot list the folder: {err}");
            walk.problems
                .push(Diagnostic::warning(READ_RULE, message).in_file(&shared_path(folder)));
            return;
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    let above = ignored.as_ref().map_or(0, |ignored| ignored.len());
    if let Some(ignored) = &mut ignored
        && entries.iter().any(|entry| entry.file_name() == PROW_IGNORE)
    {
        match prow_ignore(folder) {
            Ok(patterns) => ignored.push(patterns),
            Err(diagnostic) => walk.problems.push(diagnostic),
        }
    }
    for entry in entries {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b"..") {
            continue;
        }
        let path: PathBuf = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                walk_folder(&path, walk, ignored.as_deref_mut(), wanted);
            }
            Ok(kind) if kind.is_symlink() && path.is_dir() => {}
            Ok(_) if wanted(&path) => {
                let nearest_first = ignored.iter().flat_map(|ignored| ignored.iter().rev());
                if !is_ignored(nearest_first, &path) {
                    walk.files.push(shared_path(path));
                }
            }
            Ok(_) => {}
            Err(err) => {
                let message = format!("cannot look at the entry: {err}");
                walk.problems
                    .push(Diagnostic::warning(READ_RULE, message).in_file(&shared_path(path)));
            }
        }
    }
    if let Some(ignored) = ignored {
        ignored.truncate(above);
    }
}

/// The content of the file `VERSION` beside a file, with what surrounds it cut off.
pub(crate) fn version_beside(config: &Path) -> Result<Option<String>, Diagnostic> {
    let path = version_path(config);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => {
            let message = format!("failed to read versionfile: {err}");
            Err(Diagnostic::error(READ_RULE, message).in_file(&shared_path(path)))
        }
    }
}

/// Where the file `VERSION` of a `config.yaml` is.
pub(crate) fn version_path(config: &Path) -> PathBuf {
    config.with_file_name(VERSION_FILE)
}
