//! The sizes of the ConfigMaps that hold the job files: one may have 1 MiB, and whoever adds a job
//! beyond that breaks the next update.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// How often they are measured, as in Prow.
pub(super) const PERIOD: Duration = Duration::from_secs(300);
/// The link that a mounted ConfigMap has, to the folder with its present content.
const DATA: &str = "..data";

/// The mounted ConfigMaps at or directly below a path: name and bytes, by name. A path that is
/// none, because the files come from elsewhere, gives nothing.
pub(super) fn sizes(path: &Path) -> Vec<(String, u64)> {
    let folder = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    let mut found: Vec<(String, u64)> = size(folder).into_iter().collect();
    if let Ok(entries) = fs::read_dir(folder) {
        found.extend(entries.flatten().filter_map(|entry| size(&entry.path())));
    }
    found.sort();
    found
}

fn size(folder: &Path) -> Option<(String, u64)> {
    let entries = fs::read_dir(folder.join(DATA)).ok()?;
    let name = folder.file_name()?.to_string_lossy().into_owned();
    let files = entries.flatten().filter_map(|entry| fs::metadata(entry.path()).ok());
    Some((name, files.filter(fs::Metadata::is_file).map(|file| file.len()).sum()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mount(folder: &Path, files: &[(&str, usize)]) {
        let content = folder.join("..2026_11_21");
        fs::create_dir_all(&content).unwrap();
        symlink("..2026_11_21", folder.join(DATA)).unwrap();
        for (name, bytes) in files {
            fs::write(content.join(name), vec![b'x'; *bytes]).unwrap();
            symlink(Path::new(DATA).join(name), folder.join(name)).unwrap();
        }
    }

    #[test]
    fn mounted_config_maps_are_measured_and_other_folders_are_not() {
        let dir = tempfile::tempdir().unwrap();
        mount(&dir.path().join("job-config"), &[("a.yaml", 10), ("b.yaml", 5)]);
        mount(&dir.path().join("more"), &[]);
        fs::create_dir(dir.path().join("plain")).unwrap();
        let all = sizes(dir.path());
        assert_eq!(all, [("job-config".to_owned(), 15), ("more".to_owned(), 0)]);
        assert_eq!(sizes(&dir.path().join("job-config")), all[..1]);
        assert_eq!(sizes(&dir.path().join("job-config/a.yaml")), all[..1]);
        assert!(sizes(&dir.path().join("missing")).is_empty());
    }
}
