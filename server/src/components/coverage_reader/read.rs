//! The profiles of one run, from its artifacts to rows of the store.

use anyhow::Context as _;
use blob::{BlobError, BlobUri, Blobs};
use coverage::stored::{Summary, encode_profile};
use coverage::{Format, Read, Reading, is_profile_name, profile_order};
use go_compat::time::Timestamp;
use store::{CoverageKey, CoverageRow};

use crate::runs::run::Run;

/// Profiles that are kept of one run.
pub const MAX_RUN_PROFILES: usize = 16;
/// A profile is at most so large, in bytes; of a larger one only that is told.
pub const MAX_PROFILE_BYTES: u64 = 128 << 20;
/// Blocks of one profile.
const MAX_BLOCKS: usize = 2_000_000;
/// Files of one profile.
const MAX_FILES: usize = 100_000;
/// Objects of a run that are looked at.
const MAX_OBJECTS: usize = 20_000;
/// Objects that are listed at once.
const LIST_PAGE: usize = 1_000;

/// What is read of a run that strangers wrote.
const READING: Reading = Reading { tolerant: true, max_blocks: MAX_BLOCKS, max_files: MAX_FILES };

/// The profiles of a run.
///
/// # Errors
/// The storage failed, so that it is worth another try.
pub async fn read_run(
    blobs: &Blobs,
    run: &Run,
    now: Timestamp,
) -> anyhow::Result<Vec<CoverageRow>> {
    let Some(folder) = run.artifacts.as_deref() else { return Ok(Vec::new()) };
    // An address that cannot be read has nothing below it.
    let Ok(folder) = BlobUri::parse(&format!("{}/", folder.trim_end_matches('/'))) else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    for path in profile_paths(blobs, &folder).await? {
        let uri = folder.join(&path)?;
        let read = match blobs.read(&uri, MAX_PROFILE_BYTES).await {
            Ok(bytes) => tokio::task::spawn_blocking(move || encoded(&bytes)).await?,
            Err(BlobError::TooLarge { limit, .. }) => {
                Some(Encoded::unread(format!("the profile has more than {limit} bytes")))
            }
            Err(error) if error.is_transient() => {
                return Err(error).with_context(|| format!("reading {uri}"));
            }
            Err(error) => Some(Encoded::unread(error.to_string())),
        };
        rows.extend(read.map(|read| read.row(run, path, now)));
    }
    Ok(rows)
}

/// Paths of files named like profiles, relative to the run's folder.
async fn profile_paths(blobs: &Blobs, folder: &BlobUri) -> anyhow::Result<Vec<String>> {
    let artifacts = folder.join("artifacts/")?;
    let mut paths = Vec::new();
    let mut after = String::new();
    let mut looked = 0;
    loop {
        let listing = blobs
            .list(&artifacts, &after, LIST_PAGE)
            .await
            .with_context(|| format!("listing {artifacts}"))?;
        looked += listing.entries.len();
        for entry in &listing.entries {
            let path = entry.key.strip_prefix(folder.key()).unwrap_or(&entry.key);
            if is_profile_name(path) {
                paths.push(path.to_owned());
            }
        }
        match listing.next {
            Some(next) if looked < MAX_OBJECTS => after = next,
            _ => break,
        }
    }
    paths.sort_by(|left, right| profile_order(left).cmp(&profile_order(right)));
    paths.truncate(MAX_RUN_PROFILES);
    Ok(paths)
}

/// A profile ready for the store.
struct Encoded {
    format: &'static str,
    summary: Summary,
    profile: Vec<u8>,
    problem: String,
}

impl Encoded {
    fn unread(problem: String) -> Encoded {
        Encoded { format: "", summary: Summary::default(), profile: Vec::new(), problem }
    }

    fn row(self, run: &Run, path: String, now: Timestamp) -> CoverageRow {
        let ratio = self.summary.ratio();
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        CoverageRow {
            key: CoverageKey {
                id: 0,
                job: run.job.to_string(),
                path,
                run: run.id.to_string(),
                build: run.build_id.to_string(),
                started_ms: run.started.millis(),
                version: version_of(run),
                format: self.format.to_owned(),
                files: whole(self.summary.files.len() as u64),
                covered: whole(ratio.covered),
                total: whole(ratio.total),
                problem: self.problem,
                read_ms: now.millis(),
            },
            summary: self.summary.encode(),
            profile: self.profile,
        }
    }
}

/// Reads a profile; `None`: it is none, whatever its name.
fn encoded(bytes: &[u8]) -> Option<Encoded> {
    let format = Format::of(bytes);
    let Read { profile, notes } = match coverage::read(bytes, &READING) {
        Ok(read) => read,
        // Bounds are told; another kind of file is not ours.
        Err(error) if error.message.contains("more than") => {
            return Some(Encoded::unread(error.to_string()));
        }
        Err(_) => return None,
    };
    if profile.files.is_empty() {
        return None;
    }
    let problem = match notes.first.first() {
        Some(note) => format!(
            "{} lines could not be read, the first is line {}: {}",
            notes.count, note.line, note.message
        ),
        None => String::new(),
    };
    let summary = Summary::of(&profile);
    Some(Encoded { format: format.name(), summary, profile: encode_profile(&profile), problem })
}

/// What a run tested, for people: the pull requests, else the branch or tag.
fn version_of(run: &Run) -> String {
    let Some(refs) = &run.refs else { return String::new() };
    if refs.pulls.is_empty() {
        return refs.base_ref.to_string();
    }
    let pulls: Vec<_> = refs.pulls.iter().map(|pull| format!("#{}", pull.number)).collect();
    pulls.join(" ")
}
