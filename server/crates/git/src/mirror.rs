//! One bare mirror of one remote.
//!
//! A mirror keeps what was fetched once under `refs/bowsprit/<sha>`, so that a later fetch can say
//! what it has. It asks for commits and folders only (`--filter=blob:none`); a remote that does
//! not know filters sends everything, which works too. The remote's address and credentials are
//! never written into the mirror.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    command::{Credentials, GitCommand, Output, failed, shorten},
    error::GitError,
    inspect::Inspector,
    redact::redact,
};

/// Where the fetched tips are kept.
const KEPT_REFS: &str = "refs/bowsprit/";

/// How many fetched tips are kept; what only older ones reach is fetched again when needed.
const MAX_KEPT_REFS: usize = 256;

/// How many packs may gather before they are combined into one; every fetch adds one.
const MAX_PACKS: usize = 64;

/// How long objects that nothing refers to survive a clean-up, as merges made in the meantime.
const PRUNE_AGE: &str = "2.days.ago";

/// How often another process that holds the mirror is asked again.
const LOCK_POLL: Duration = Duration::from_millis(50);

/// Where the credentials for a remote come from. App tokens live for an hour, so it is asked
/// before every command that may reach the network.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// The credentials for this address; `None` if it needs none. An error is a sentence.
    async fn credentials(&self, uri: &str) -> Result<Option<Credentials>, String>;
}

/// For remotes that need no credentials, or find them by themselves as SSH does.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCredentials;

#[async_trait]
impl CredentialSource for NoCredentials {
    async fn credentials(&self, _uri: &str) -> Result<Option<Credentials>, String> {
        Ok(None)
    }
}

/// A mirror, held by exactly one task of one process.
pub(crate) struct Mirror {
    path: PathBuf,
    uri: String,
    timeout: Duration,
    credentials: Arc<dyn CredentialSource>,
    inspector: Inspector,
    _lock: File,
}

impl Mirror {
    /// Takes the mirror at `path` for itself, waiting at most `timeout` for another process, and
    /// makes it usable: creates it if it is not there, removes what a killed git left locked.
    pub(crate) async fn open(
        path: PathBuf,
        uri: &str,
        timeout: Duration,
        credentials: Arc<dyn CredentialSource>,
        inspector: Inspector,
    ) -> Result<Mirror, GitError> {
        check_uri(uri)?;
        let lock = lock(&path.with_extension("lock"), timeout).await?;
        let mirror =
            Mirror { path, uri: uri.to_owned(), timeout, credentials, inspector, _lock: lock };
        mirror.remove_stale_locks();
        if !mirror.is_initialised() {
            mirror.create().await?;
        }
        Ok(mirror)
    }

    /// The remote's address as it may be shown.
    pub(crate) fn shown_uri(&self) -> String {
        redact(&self.uri, &[])
    }

    /// A command that works on this mirror and does not reach the network unless an object is
    /// missing, in which case git fetches it with the credentials.
    pub(crate) async fn git(&self) -> Result<GitCommand, GitError> {
        let mut command = GitCommand::new()
            .dir(&self.path)
            .timeout(self.timeout)
            .env("GIT_DIR", &self.path)
            .config("remote.origin.url", self.uri.clone())
            .config("gc.auto", "0")
            .config("maintenance.auto", "false");
        let credentials = self.credentials.credentials(&self.uri).await.map_err(|message| {
            GitError::Remote { uri: self.shown_uri(), message: shorten(&message) }
        })?;
        if let Some(credentials) = credentials {
            command = command.credentials(&self.uri, &credentials);
        }
        Ok(command)
    }

    /// Fetches the commits that are not there yet, in one go.
    pub(crate) async fn ensure_commits(&self, commits: &[&str]) -> Result<(), GitError> {
        let missing = self.missing(commits).await?;
        if missing.is_empty() {
            return Ok(());
        }
        self.tidy().await?;
        let wanted: Vec<&str> = missing.iter().map(String::as_str).collect();
        match self.fetch_commits(&wanted).await {
            Ok(()) => {}
            Err(GitError::MissingCommit { .. }) if wanted.len() > 1 => {
                // One commit that is gone fails the whole fetch: ask for each to name it.
                for commit in &wanted {
                    self.fetch_commits(&[commit]).await?;
                }
            }
            Err(error) => return Err(error),
        }
        match self.missing(&wanted).await?.first() {
            None => Ok(()),
            Some(sha) => Err(GitError::MissingCommit { uri: self.shown_uri(), sha: sha.clone() }),
        }
    }

    /// Fetches blobs that are not there yet, in one go; alone, git would fetch them one by one.
    pub(crate) async fn ensure_blobs(&self, blobs: &[&str]) -> Result<(), GitError> {
        let missing = self.missing(blobs).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let command = self
            .git()
            .await?
            .config("fetch.negotiationAlgorithm", "noop")
            .args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"])
            .args(["--recurse-submodules=no", "--filter=blob:none", "--stdin", "origin"])
            .stdin(missing.join("\n") + "\n");
        let line = command.to_string();
        let output = command.output().await?;
        if output.success() { Ok(()) } else { Err(self.remote_error(line, &output, "")) }
    }

    /// Which of these objects the mirror does not hold, without asking the remote for them.
    async fn missing(&self, objects: &[&str]) -> Result<Vec<String>, GitError> {
        self.inspector.missing(&self.path.join("objects"), objects).await
    }

    async fn fetch_commits(&self, commits: &[&str]) -> Result<(), GitError> {
        let command = self
            .git()
            .await?
            .args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--force"])
            .args(["--recurse-submodules=no", "--filter=blob:none", "origin"])
            .args(commits.iter().map(|sha| format!("{sha}:{KEPT_REFS}{sha}")));
        let line = command.to_string();
        let output = command.output().await?;
        if output.success() {
            return Ok(());
        }
        if output.stderr.contains("unadvertised object") {
            // A server that gives out branch heads only: what we look for is most likely in one.
            return self.fetch_branches().await;
        }
        Err(self.remote_error(line, &output, commits.first().copied().unwrap_or_default()))
    }

    async fn fetch_branches(&self) -> Result<(), GitError> {
        let command = self
            .git()
            .await?
            .args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--force"])
            .args(["--recurse-submodules=no", "--filter=blob:none", "origin"])
            .args(["+refs/heads/*:refs/remotes/origin/*", "+refs/pull/*/head:refs/remotes/pull/*"]);
        let line = command.to_string();
        let output = command.output().await?;
        if output.success() { Ok(()) } else { Err(self.remote_error(line, &output, "")) }
    }

    /// What a failed fetch means.
    fn remote_error(&self, line: String, output: &Output, sha: &str) -> GitError {
        fetch_error(&self.shown_uri(), &self.path, line, output, sha)
    }

    fn is_initialised(&self) -> bool {
        self.path.join("HEAD").is_file() && self.path.join("bowsprit-mirror").is_file()
    }

    async fn create(&self) -> Result<(), GitError> {
        remove_dir(&self.path)?;
        fs::create_dir_all(&self.path).map_err(|error| GitError::io(&self.path, error))?;
        GitCommand::new()
            .dir(&self.path)
            .args(["init", "--quiet", "--bare", "--template="])
            .arg(&self.path)
            .run()
            .await?;
        for (key, value) in [
            ("core.repositoryFormatVersion", "1"),
            ("extensions.partialClone", "origin"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialCloneFilter", "blob:none"),
        ] {
            GitCommand::new()
                .dir(&self.path)
                .env("GIT_DIR", &self.path)
                .args(["config", key, value])
                .run()
                .await?;
        }
        // The mark says that creation came to its end.
        let mark = self.path.join("bowsprit-mirror");
        fs::write(&mark, b"").map_err(|error| GitError::io(mark, error))
    }

    /// Throws the mirror away and starts anew; for one that git finds corrupt.
    pub(crate) async fn recreate(&self) -> Result<(), GitError> {
        self.create().await
    }

    /// Removes lock files. This process holds the mirror's own lock, so no git is at work in it,
    /// and every lock file is what a killed one left behind.
    fn remove_stale_locks(&self) {
        let mut folders = vec![self.path.clone(), self.path.join("objects/pack")];
        folders.push(self.path.join("objects/info"));
        folders.push(self.path.join("refs"));
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|extension| extension == "lock") {
                    tracing::warn!(
                        lock = %path.display(),
                        "removing a lock file that a stopped git left behind"
                    );
                    let _ = fs::remove_file(&path);
                } else if folder.starts_with(self.path.join("refs")) && path.is_dir() {
                    folders.push(path);
                }
            }
        }
    }

    /// Keeps the number of refs and packs bounded.
    async fn tidy(&self) -> Result<(), GitError> {
        let listing = self
            .git()
            .await?
            .args(["for-each-ref", "--format=%(refname)", "--sort=-committerdate", KEPT_REFS])
            .run()
            .await?
            .text();
        let old: Vec<String> =
            listing.lines().skip(MAX_KEPT_REFS).map(|name| format!("delete {name}\n")).collect();
        if !old.is_empty() {
            self.git().await?.args(["update-ref", "--stdin"]).stdin(old.concat()).run().await?;
        }
        let packs = fs::read_dir(self.path.join("objects/pack"))
            .map(|entries| {
                entries
                    .flatten()
                    .filter(|entry| entry.path().extension().is_some_and(|end| end == "pack"))
                    .count()
            })
            .unwrap_or_default();
        if packs > MAX_PACKS {
            self.git().await?.args(["repack", "-a", "-d", "-l", "--quiet"]).run().await?;
            self.git().await?.args(["prune", "--expire", PRUNE_AGE]).run().await?;
        }
        Ok(())
    }
}

/// What a failed fetch means, by what git said.
fn fetch_error(uri: &str, mirror: &Path, line: String, output: &Output, sha: &str) -> GitError {
    let message = &output.stderr;
    if message.contains("not our ref") || message.contains("couldn't find remote ref") {
        let named = message
            .split_once("not our ref ")
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .unwrap_or(sha);
        return GitError::MissingCommit { uri: uri.to_owned(), sha: named.to_owned() };
    }
    if message.contains("No space left on device") {
        return GitError::io(mirror, "the disk is full");
    }
    if looks_corrupt(message) {
        return failed(line, output);
    }
    GitError::Remote { uri: uri.to_owned(), message: shorten(message) }
}

/// Whether git complains about the mirror itself and not about what it was asked.
pub(crate) fn looks_corrupt(message: &str) -> bool {
    const SIGNS: [&str; 12] = [
        "not a git repository",
        "is corrupt",
        "corrupted",
        "is empty",
        "bad object",
        "bad tree object",
        "unable to read tree",
        "unable to unpack",
        "inflate:",
        "packfile",
        "pack has bad object",
        "missing necessary objects",
    ];
    SIGNS.iter().any(|sign| message.contains(sign))
}

/// Refuses addresses that git could take for an option or for a program to run.
fn check_uri(uri: &str) -> Result<(), GitError> {
    // `<transport>::<address>` makes git run a program of that name.
    let names_a_helper = uri
        .split_once("::")
        .is_some_and(|(helper, _)| helper.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    if uri.is_empty() || uri.starts_with('-') || uri.contains(['\n', '\0']) || names_a_helper {
        return Err(GitError::InvalidInput(format!(
            "{:?} is not the address of a git repository",
            redact(uri, &[])
        )));
    }
    Ok(())
}

async fn lock(path: &Path, timeout: Duration) -> Result<File, GitError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| GitError::io(parent, error))?;
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| GitError::io(path, error))?;
    let wait = async {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_POLL).await,
                Err(TryLockError::Error(error)) => return Err(GitError::io(path, error)),
            }
        }
    };
    match tokio::time::timeout(timeout, wait).await {
        Ok(result) => result?,
        Err(_) => {
            return Err(GitError::io(
                path,
                format!("another process has held it for more than {} s", timeout.as_secs()),
            ));
        }
    }
    Ok(file)
}

fn remove_dir(path: &Path) -> Result<(), GitError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(GitError::io(path, error))
        }
        _ => Ok(()),
    }
}

/// Checks that these are full object names, so that none can be an option or a revision
/// expression.
pub(crate) fn check_commits<'a>(
    commits: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeSet<&'a str>, GitError> {
    commits
        .into_iter()
        .map(|sha| {
            let hex = sha.bytes().all(|byte| byte.is_ascii_hexdigit());
            if hex && matches!(sha.len(), 40 | 64) {
                Ok(sha)
            } else {
                Err(GitError::InvalidInput(format!(
                    "{sha:?} is not a commit: 40 or 64 hexadecimal digits are needed"
                )))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_name_a_program_or_an_option_are_refused() {
        for uri in ["", "--upload-pack=/bin/sh", "ext::sh -c touch% /tmp/x", "a\nb"] {
            assert!(matches!(check_uri(uri), Err(GitError::InvalidInput(_))), "{uri}");
        }
        for uri in ["https://host/repo.git", "/srv/repo", "git@host:repo", "ssh://[::1]/repo"] {
            assert_eq!(check_uri(uri), Ok(()), "{uri}");
        }
    }

    #[test]
    fn a_failed_fetch_is_told_by_what_git_said() {
        let error = |stderr: &str| {
            let output = Output { code: Some(128), stdout: Vec::new(), stderr: stderr.into() };
            fetch_error("https://h/r", Path::new("/mirror"), "git fetch".into(), &output, "abc")
        };
        assert_eq!(
            error("fatal: remote error: upload-pack: not our ref def\n").to_string(),
            "https://h/r has no commit def; it may have been force-pushed away"
        );
        assert_eq!(
            error("fatal: write error: No space left on device").to_string(),
            "cannot use /mirror: the disk is full"
        );
        assert!(matches!(error("error: object file x is empty"), GitError::Failed { .. }));
        assert!(matches!(error("fatal: Could not resolve host"), GitError::Remote { .. }));
    }

    #[test]
    fn only_full_object_names_are_commits() {
        assert!(check_commits(["a".repeat(40).as_str(), "0".repeat(64).as_str()]).is_ok());
        for sha in ["HEAD", "", "abc", "--all", "g".repeat(40).as_str()] {
            assert!(matches!(check_commits([sha]), Err(GitError::InvalidInput(_))), "{sha}");
        }
    }

    #[test]
    fn only_complaints_about_the_mirror_itself_count_as_corruption() {
        assert!(looks_corrupt("error: object file ./ab/cd is empty"));
        assert!(looks_corrupt("fatal: loose object abc (stored in x) is corrupt"));
        assert!(looks_corrupt("error: packfile ./p.pack does not match index"));
        assert!(!looks_corrupt("fatal: unable to access 'https://x/': Could not resolve host"));
    }
}
