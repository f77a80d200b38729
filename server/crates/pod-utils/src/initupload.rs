//! initupload: says in the bucket that the run has begun, and ends it if cloning failed.

use std::path::Path;

use artifacts::{
    BUILD_LOG_FILE, CLONE_LOG_FILE, CLONE_RECORDS_FILE, CloneRecord, Finished, Outcome,
    STARTED_FILE, Started,
};
use blob::Source;
use go_compat::Timestamp;
use job_spec::JobSpec;
use job_spec::options::{INITUPLOAD_OPTIONS, InituploadOptions};

use crate::Context;
use crate::censor::Censored;
use crate::clonerefs::recorded_refs;
use crate::options::OptionsError;
use crate::upload::{self, Attempts, Extra, UploadError};

/// The run cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InituploadError {
    /// clonerefs left no usable record.
    #[error("the clone log {path} cannot be read: {reason}")]
    CloneLog {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The bucket does not take it.
    #[error("failed to upload to blob storage: {0}")]
    Upload(#[from] UploadError),
    /// A repository could not be cloned; the build log says why.
    #[error("cloning the appropriate refs failed")]
    CloneFailed,
}

/// Reads the options from [`INITUPLOAD_OPTIONS`], or from flags where it is not set.
///
/// # Errors
/// The options cannot be read.
pub fn load_options(arguments: Vec<String>) -> Result<InituploadOptions, OptionsError> {
    let (mut valued, boolean) = upload::flag_names();
    valued.push("clone-log");
    crate::options::load(INITUPLOAD_OPTIONS, arguments, &valued, &boolean, |flags| {
        Ok(InituploadOptions {
            upload: upload::options_from_flags(flags)?,
            log: flags.text("clone-log").unwrap_or_default(),
        })
    })
}

/// Uploads `started.json`, the clone log and the clone records; if cloning failed also a build log
/// and `finished.json`, since no test will follow.
///
/// # Errors
/// The bucket does not take the files, or cloning failed: both end the Pod before the test.
pub async fn run(
    options: &InituploadOptions,
    spec: &JobSpec,
    context: &Context,
) -> Result<(), InituploadError> {
    let now = context.clock.now();
    let mut extra = Extra::default();
    let mut records = Vec::new();
    let mut failed = false;
    if !options.log.is_empty() {
        let path = Path::new(&options.log);
        let unreadable =
            |reason: String| InituploadError::CloneLog { path: options.log.clone(), reason };
        let raw = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        records = CloneRecord::parse_all(&raw).map_err(|error| unreadable(error.to_string()))?;
        failed = records.iter().any(|record| record.failed);
        let text: String = records.iter().map(CloneRecord::to_text).collect();
        extra.logs.push((CLONE_LOG_FILE.to_owned(), Source::from(text.as_str())));
        extra.logs.push((CLONE_RECORDS_FILE.to_owned(), Source::from(raw)));
        if failed {
            extra.logs.push((BUILD_LOG_FILE.to_owned(), Source::from(text)));
            extra.finished = Some(Finished {
                timestamp: Some(now.seconds()),
                passed: Some(false),
                result: Some(Outcome::Failure.as_upper().to_owned()),
                ..Finished::default()
            });
        }
    }
    let started = started(spec, &records, now);
    // A document of strings and numbers always has a JSON form.
    let started = serde_json::to_vec(&started).unwrap_or_default();
    extra.logs.push((STARTED_FILE.to_owned(), Source::from(started)));
    let nothing = Censored::nothing();
    upload::run(&options.upload, spec, extra, &nothing, Attempts::All, context).await?;
    if failed { Err(InituploadError::CloneFailed) } else { Ok(()) }
}

/// What the run begins with: the commit that was cloned where that is known, else what was asked for.
fn started(spec: &JobSpec, records: &[CloneRecord], now: Timestamp) -> Started {
    let cloned = spec.main_refs().and_then(|refs| {
        // Prow's clonerefs records the refs as they are, this one without a password.
        let forms = [serde_json::to_value(refs).ok()?, recorded_refs(refs)];
        let record = records.iter().find(|record| forms.contains(&record.refs))?;
        Some(record.final_sha.clone()).filter(|sha| !sha.is_empty())
    });
    let version = cloned.unwrap_or_else(|| spec.revision().to_owned());
    let version = Some(version).filter(|version| !version.is_empty());
    let pull = spec.refs.as_ref().and_then(|refs| refs.pulls.first());
    let all = spec.refs.iter().chain(&spec.extra_refs);
    Started {
        timestamp: now.seconds(),
        pull: pull.map(|pull| pull.number.to_string()),
        repos: all.map(|r| (format!("{}/{}", r.org, r.repo), r.to_string())).collect(),
        repo_commit: version.clone(),
        repo_version: version,
        ..Started::default()
    }
}

#[cfg(test)]
mod tests;
