//! Reading the in-repository configuration out of a commit.

use std::collections::BTreeMap;

use crate::{command::GitCommand, error::GitError, mirror::Mirror};

/// The folder that holds the configuration; if it exists, [`PROW_FILE`] is ignored.
const PROW_DIR: &str = ".prow";

/// The single file that holds the configuration.
const PROW_FILE: &str = ".prow.yaml";

/// Names files of the folder to leave out, in gitignore's format.
const IGNORE_FILE: &str = ".prowignore";

/// How many files one repository's configuration may have.
const MAX_FILES: usize = 2_000;

/// How many bytes one repository's configuration may have; Kubernetes' central one has 8 MiB.
const MAX_BYTES: usize = 32 << 20;

/// How many links may follow one another.
const MAX_LINK_HOPS: usize = 5;

/// Git's mode of a symbolic link.
const LINK_MODE: &str = "120000";

struct Entry {
    mode: String,
    kind: String,
    oid: String,
    path: String,
}

/// Reads `.prow/**.yaml`, `.prow/**.yml` and the `.prowignore` files that apply to them, or else
/// `.prow.yaml`, sorted by path. Nothing of the kind gives an empty list.
pub(crate) async fn read(
    mirror: &Mirror,
    commit: &str,
) -> Result<Vec<(String, Vec<u8>)>, GitError> {
    let root = list(mirror, commit, &[PROW_DIR, PROW_FILE, IGNORE_FILE], false).await?;
    let at_root = |name: &str| root.iter().find(|entry| entry.path == name);
    let entries = if at_root(PROW_DIR).is_some_and(|entry| entry.kind == "tree") {
        let mut entries = list(mirror, commit, &[PROW_DIR, IGNORE_FILE], true).await?;
        entries.retain(|entry| entry.kind == "blob");
        entries
    } else {
        root.into_iter().filter(|entry| entry.path == PROW_FILE && entry.kind == "blob").collect()
    };
    let by_path: BTreeMap<&str, &Entry> =
        entries.iter().map(|entry| (entry.path.as_str(), entry)).collect();
    let wanted: Vec<&Entry> = entries.iter().filter(|entry| is_wanted(&entry.path)).collect();
    if wanted.len() > MAX_FILES {
        return Err(GitError::Unreadable {
            path: PROW_DIR.to_owned(),
            revision: commit.to_owned(),
            reason: format!("it has {} files; at most {MAX_FILES} are read", wanted.len()),
        });
    }

    // Links first: what they lead to is fetched together with the files.
    let links: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.mode == LINK_MODE)
        .map(|entry| entry.oid.as_str())
        .collect();
    let link_texts = blobs(mirror, &links).await?;
    let mut sources = Vec::with_capacity(wanted.len());
    for entry in wanted {
        let oid = resolve(entry, &by_path, &link_texts).map_err(|reason| GitError::Unreadable {
            path: entry.path.clone(),
            revision: commit.to_owned(),
            reason,
        })?;
        sources.push((entry.path.clone(), oid));
    }
    let oids: Vec<&str> = sources.iter().map(|(_, oid)| oid.as_str()).collect();
    let contents = blobs(mirror, &oids).await?;
    sources.sort();
    Ok(sources
        .into_iter()
        .map(|(path, oid)| {
            let content = contents.get(&oid).cloned().unwrap_or_default();
            (path, content)
        })
        .collect())
}

/// Whether a file is part of the configuration.
fn is_wanted(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == IGNORE_FILE || path.ends_with(".yaml") || path.ends_with(".yml")
}

/// The blob behind an entry, links followed. A link may not leave the configuration.
fn resolve(
    entry: &Entry,
    by_path: &BTreeMap<&str, &Entry>,
    link_texts: &BTreeMap<String, Vec<u8>>,
) -> Result<String, String> {
    let mut current = entry;
    for _ in 0..=MAX_LINK_HOPS {
        if current.mode != LINK_MODE {
            return Ok(current.oid.clone());
        }
        let text = link_texts.get(&current.oid).map(Vec::as_slice).unwrap_or_default();
        let target = String::from_utf8_lossy(text).into_owned();
        let path = target_path(&current.path, &target);
        current = path
            .as_deref()
            .and_then(|path| by_path.get(path))
            .ok_or_else(|| format!("it links to {target:?}, which is outside {PROW_DIR}"))?;
    }
    Err(format!("it is a chain of more than {MAX_LINK_HOPS} links"))
}

/// The path that a link's text leads to; `None` if it leaves the repository.
fn target_path(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The entries at these paths of a commit.
async fn list(
    mirror: &Mirror,
    commit: &str,
    paths: &[&str],
    recursive: bool,
) -> Result<Vec<Entry>, GitError> {
    let mut command = mirror.git().await?.args(["ls-tree", "-z", "--full-tree"]);
    if recursive {
        command = command.arg("-r");
    }
    let output = command.arg(commit).arg("--").args(paths).run().await?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .split('\0')
        .filter_map(|line| {
            let (meta, path) = line.split_once('\t')?;
            let mut fields = meta.split(' ');
            Some(Entry {
                mode: fields.next()?.to_owned(),
                kind: fields.next()?.to_owned(),
                oid: fields.next()?.to_owned(),
                path: path.to_owned(),
            })
        })
        .collect())
}

/// The bytes of blobs, by object name.
async fn blobs(mirror: &Mirror, oids: &[&str]) -> Result<BTreeMap<String, Vec<u8>>, GitError> {
    if oids.is_empty() {
        return Ok(BTreeMap::new());
    }
    mirror.ensure_blobs(oids).await?;
    let command: GitCommand = mirror
        .git()
        .await?
        .args(["cat-file", "--batch"])
        .stdin(oids.join("\n") + "\n")
        .output_limit(MAX_BYTES);
    let line = command.to_string();
    let output = command.run().await?;
    parse_batch(&output.stdout).ok_or(GitError::Failed {
        command: line,
        code: output.code,
        message: "its answer is not in the format of `git cat-file --batch`".to_owned(),
    })
}

/// Reads `<oid> <type> <size>\n<bytes>\n` again and again.
fn parse_batch(mut bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut blobs = BTreeMap::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|&byte| byte == b'\n')?;
        let header = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut fields = header.split(' ');
        let oid = fields.next()?;
        if fields.next()? != "blob" {
            return None;
        }
        let size: usize = fields.next()?.parse().ok()?;
        let start = end + 1;
        let content = bytes.get(start..start.checked_add(size)?)?;
        blobs.insert(oid.to_owned(), content.to_vec());
        bytes = bytes.get(start + size + 1..)?;
    }
    Some(blobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_where_the_file_system_would_lead_them() {
        for (link, target, expected) in [
            (".prow/a.yaml", "b.yaml", Some(".prow/b.yaml")),
            (".prow/sub/a.yaml", "../b.yaml", Some(".prow/b.yaml")),
            (".prow/a.yaml", "./sub//b.yaml", Some(".prow/sub/b.yaml")),
            (".prow/a.yaml", "../../b.yaml", None),
            (".prow/a.yaml", "/etc/passwd", None),
            (".prow.yaml", "ci/jobs.yaml", Some("ci/jobs.yaml")),
        ] {
            assert_eq!(target_path(link, target).as_deref(), expected, "{link} -> {target}");
        }
    }

    #[test]
    fn a_batch_answer_is_taken_apart() {
        let batch = b"aa blob 3\nx\ny\nbb blob 0\n\n";
        let blobs = parse_batch(batch).expect("a batch answer");
        assert_eq!(blobs["aa"], b"x\ny");
        assert_eq!(blobs["bb"], b"");
    }

    #[test]
    fn a_broken_batch_answer_is_refused() {
        for broken in [&b"aa missing\n"[..], b"aa blob 30\nx\n", b"aa tree 1\nx\n", b"aa blob x\n"]
        {
            assert_eq!(parse_batch(broken), None);
        }
    }
}
