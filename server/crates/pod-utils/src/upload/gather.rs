//! The files that a job left behind.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use blob::Source;

use super::Upload;
use super::name::{attributes, escape};
use crate::censor::{Censored, Fate};

/// Tells, in the run's directory, which files were not uploaded because of secrets.
pub(super) const WITHHELD_FILE: &str = "withheld-artifacts.txt";

/// Folders below folders that are followed; deeper ones are left out with a warning.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Keys are relative to the run's directory.
    pub(super) uploads: Vec<Upload>,
    pub(super) withheld_note: Option<String>,
}

/// Finds the files of `items`: a file lies directly in the run's directory, a folder under its own
/// name. Where two files would get the same name, the first one counts.
pub(super) fn gather(
    items: &[String],
    media_types: &BTreeMap<String, String>,
    censored: &Censored,
) -> Gathered {
    let mut gatherer = Gatherer {
        media_types,
        censored,
        taken: HashSet::new(),
        withheld: Vec::new(),
        uploads: Vec::new(),
    };
    for item in items {
        let path = Path::new(item);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        match (fs::metadata(path), name) {
            (Ok(found), Some(name)) if found.is_dir() => {
                gatherer.folder(path, path, &name, 0);
            }
            (Ok(_), Some(name)) => gatherer.file(path, &name),
            (Ok(_), None) => tracing::warn!("The item {item} to upload has no name, skipping..."),
            (Err(error), _) => tracing::warn!("The item {item} cannot be uploaded: {error}"),
        }
    }
    let withheld_note = (!gatherer.withheld.is_empty()).then(|| {
        let list: String =
            gatherer.withheld.iter().map(|(name, reason)| format!("{name}: {reason}\n")).collect();
        format!(
            "These files were not uploaded, because they may contain secrets that could not be \
             removed.\n\n{list}"
        )
    });
    Gathered { uploads: gatherer.uploads, withheld_note }
}

struct Gatherer<'a> {
    media_types: &'a BTreeMap<String, String>,
    censored: &'a Censored,
    taken: HashSet<String>,
    withheld: Vec<(String, String)>,
    uploads: Vec<Upload>,
}

impl Gatherer<'_> {
    fn folder(&mut self, top: &Path, folder: &Path, name: &str, depth: usize) {
        if depth > MAX_DEPTH {
            tracing::warn!("{} lies too deep to be uploaded", folder.display());
            return;
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!("The folder {} cannot be read: {error}", folder.display());
                return;
            }
        };
        // In order, so that two uploads of one run do the same.
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let child = format!("{name}/{}", entry.file_name().to_string_lossy());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.folder(top, &path, &child, depth + 1),
                Ok(kind) if kind.is_file() => self.file(&path, &child),
                Ok(kind) if kind.is_symlink() => match linked_file(top, &path) {
                    Some(target) => self.file(&target, &child),
                    None => tracing::warn!(
                        "{} is a link that leads out of the artifacts or nowhere, skipping...",
                        path.display()
                    ),
                },
                _ => tracing::warn!("{} is no file, skipping...", path.display()),
            }
        }
    }

    fn file(&mut self, path: &Path, name: &str) {
        let (folder, file_name) = name.rsplit_once('/').unwrap_or(("", name));
        let (file_name, options) = attributes(file_name, self.media_types);
        let key = match folder {
            "" => file_name,
            folder => format!("{folder}/{file_name}"),
        };
        let key = escape(&self.censored.clean_name(&key));
        if !self.taken.insert(key.clone()) {
            tracing::warn!("Encountered duplicate upload of {key}, skipping...");
            return;
        }
        let source = match self.censored.fate(path) {
            Fate::Unchanged => path.to_owned(),
            Fate::Replaced(clean) => clean.to_owned(),
            Fate::Withheld(reason) => {
                self.withheld.push((key, reason.to_owned()));
                return;
            }
        };
        let mut upload = Upload::new(key, Source::File(source));
        upload.options = options;
        self.uploads.push(upload);
    }
}

/// The file that a link leads to, if it is one below `top`: others were not looked through for
/// secrets, and would not exist in this container if the job ran in another.
fn linked_file(top: &Path, link: &Path) -> Option<PathBuf> {
    let target = link.canonicalize().ok()?;
    let below = target.starts_with(top.canonicalize().ok()?);
    (below && target.is_file()).then_some(target)
}
