//! sidecar: waits for the tests to end, and uploads what they left.

mod markers;

pub use markers::wait_for_marker;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use artifacts::{BUILD_LOG_FILE, Finished, Metadata, Outcome, SIDECAR_LOG_FILE};
use blob::Source;
use clock::SharedClock;
use futures::future::join_all;
use job_spec::JobSpec;
use job_spec::options::{
    GcsUploadOptions, SIDECAR_OPTIONS, SidecarCensoringOptions, SidecarOptions, WrapperOptions,
};

use crate::censor::{Censored, Fate, Subjects, censor};
use crate::entrypoint::{ABORTED_ERROR_CODE, PREVIOUS_ERROR_CODE};
use crate::options::OptionsError;
use crate::upload::{self, Attempts, Extra, UploadError};
use crate::{Context, Interrupts};

/// Bytes of a metadata file that are read; a larger one is noted as an error.
const MAX_METADATA_BYTES: u64 = 1 << 20;

/// What the sidecar could not do.
#[derive(Debug, thiserror::Error)]
pub enum SidecarError {
    /// Something was not uploaded.
    #[error("failed to report job status: {0}")]
    Upload(#[from] UploadError),
}

/// Reads the options from [`SIDECAR_OPTIONS`], or from flags where it is not set.
///
/// # Errors
/// The options cannot be read, or say neither what to wait for nor where to upload.
pub fn load_options(arguments: Vec<String>) -> Result<SidecarOptions, OptionsError> {
    let (valued, boolean) = upload::flag_names();
    let options = crate::options::load(SIDECAR_OPTIONS, arguments, &valued, &boolean, |flags| {
        let gcs_options = Some(upload::options_from_flags(flags)?);
        Ok(SidecarOptions { gcs_options, ..SidecarOptions::default() })
    })?;
    let invalid = |reason: &str| Err(OptionsError::Invalid(reason.to_owned()));
    if options.gcs_options.is_none() {
        return invalid("gcs_options say where to upload; they are missing");
    }
    let entries = entries(&options);
    if entries.is_empty() {
        return invalid("no wrapper.Option entries");
    }
    if entries.iter().any(|e| e.marker_file.is_empty() || e.process_log.is_empty()) {
        return invalid("every entry needs a process_log and a marker_file");
    }
    Ok(options)
}

/// How the tests ended, taken together.
struct Waited {
    outcome: Outcome,
    failures: usize,
}

/// Waits for the tests and uploads their logs and artifacts, `finished.json` last. Gives the number
/// of tests that failed. `own_log` is uploaded as `sidecar-logs.json`.
///
/// Told to stop while a test still runs, it uploads at once what there is, as the result of an
/// aborted run, and goes on waiting; what is uploaded in the end replaces it.
///
/// # Errors
/// Something was not uploaded, after all retries.
pub async fn run(
    options: &SidecarOptions,
    spec: &JobSpec,
    mut interrupts: Interrupts,
    context: &Context,
    own_log: Option<PathBuf>,
) -> Result<usize, SidecarError> {
    let run = Run { options, spec, context, own_log, entries: entries(options) };
    if options.wrapper_options.is_some() {
        tracing::warn!("the option wrapper_options is superseded by entries");
    }
    tracing::info!(tests = run.entries.len(), "Waiting for the tests to end");
    let mut waiting = std::pin::pin!(wait(run.entries.clone(), context.clock.clone()));
    let mut interrupted = false;
    let result = loop {
        tokio::select! {
            // A test that has ended counts more than a signal that came at the same moment.
            biased;
            result = &mut waiting => break result,
            interrupt = interrupts.next() => {
                let name = interrupt.as_str();
                if options.ignore_interrupts {
                    tracing::warn!("Received an interrupt: {name}, ignoring...");
                } else if !std::mem::replace(&mut interrupted, true) {
                    tracing::error!("Received an interrupt: {name}, cancelling...");
                    match run.upload(&Outcome::Aborted, Attempts::One).await {
                        Ok(()) => tracing::error!("Best-effort upload was successful"),
                        Err(error) => tracing::error!(%error, "Failed to perform best-effort upload"),
                    }
                }
            }
        }
    };
    // From here on signals wait in their queue: the only good end is a finished upload.
    run.upload(&result.outcome, Attempts::All).await?;
    Ok(result.failures)
}

struct Run<'a> {
    options: &'a SidecarOptions,
    spec: &'a JobSpec,
    context: &'a Context,
    own_log: Option<PathBuf>,
    entries: Vec<WrapperOptions>,
}

impl Run<'_> {
    async fn upload(&self, outcome: &Outcome, attempts: Attempts) -> Result<(), UploadError> {
        let started = self.context.clock.now();
        let no_options = GcsUploadOptions::default();
        let gcs = self.options.gcs_options.as_ref().unwrap_or(&no_options);
        let censored = self.censor(gcs, attempts == Attempts::One).await;
        let finished = Finished {
            timestamp: Some(self.context.clock.now().seconds()),
            passed: Some(*outcome == Outcome::Success),
            result: Some(outcome.as_upper().to_owned()),
            metadata: combine_metadata(&self.entries, &censored),
            revision: Some(self.spec.revision().to_owned()).filter(|r| !r.is_empty()),
            job_version: None,
        };
        let mut logs = self.build_logs(&censored);
        tracing::info!(result = outcome.as_upper(), "Starting to upload");
        if let Some(own_log) = &self.own_log {
            // Read when its turn comes, so that it tells what happened to the artifacts.
            logs.push((SIDECAR_LOG_FILE.to_owned(), Source::File(own_log.clone())));
        }
        let extra = Extra { logs, finished: Some(finished) };
        let uploaded = upload::run(gcs, self.spec, extra, &censored, attempts, self.context).await;
        let taken = self.context.clock.now().since(started);
        tracing::info!(duration_ms = taken.as_millis() as u64, "Finished uploading");
        uploaded
    }

    async fn censor(&self, gcs: &GcsUploadOptions, still_written: bool) -> Censored {
        let Some(options) = censoring_options(self.options) else { return Censored::nothing() };
        let files =
            self.entries.iter().flat_map(|entry| [&entry.process_log, &entry.metadata_file]);
        let subjects = Subjects {
            files: files.filter(|file| !file.is_empty()).map(PathBuf::from).collect(),
            items: gcs.items.iter().map(PathBuf::from).collect(),
            still_written,
        };
        let censored = censor(options, subjects).await;
        for (path, reason) in censored.withheld() {
            tracing::error!(path = %path.display(), reason, "Withheld from upload");
        }
        censored
    }

    fn build_logs(&self, censored: &Censored) -> Vec<(String, Source)> {
        let single = self.entries.len() == 1;
        let logs = self.entries.iter().map(|entry| {
            let name = if single {
                BUILD_LOG_FILE.to_owned()
            } else {
                format!("{}-{BUILD_LOG_FILE}", entry.container_name)
            };
            let log = PathBuf::from(&entry.process_log);
            let source = match censored.fate(&log) {
                Fate::Replaced(clean) => Source::File(clean.to_owned()),
                Fate::Withheld(reason) => Source::from(format!(
                    "This log is withheld because it may contain secrets that could not be \
                     removed: {reason}\n"
                )),
                // Opened here, so that a log that is not there does not hold up the rest.
                Fate::Unchanged => match File::open(&log) {
                    Ok(_) => Source::File(log),
                    Err(error) => {
                        let text = format!("Failed to open {}: {error}\n", log.display());
                        tracing::error!("{}", text.trim_end());
                        Source::from(text)
                    }
                },
            };
            (name, source)
        });
        logs.collect()
    }
}

/// What to wait for: the entries, or the single process that Prow's older versions name.
fn entries(options: &SidecarOptions) -> Vec<WrapperOptions> {
    match &options.wrapper_options {
        Some(single) if options.entries.is_empty() => vec![single.clone()],
        _ => options.entries.clone(),
    }
}

/// How to censor: the options, or what Prow's older versions say beside them.
fn censoring_options(options: &SidecarOptions) -> Option<SidecarCensoringOptions> {
    if let Some(censoring) = &options.censoring_options {
        return Some(censoring.clone());
    }
    (!options.secret_directories.is_empty()).then(|| SidecarCensoringOptions {
        secret_directories: options.secret_directories.clone(),
        censoring_concurrency: options.censoring_concurrency,
        censoring_buffer_size: options.censoring_buffer_size,
        ..SidecarCensoringOptions::default()
    })
}

async fn wait(entries: Vec<WrapperOptions>, clock: SharedClock) -> Waited {
    let waits = entries.into_iter().map(|entry| {
        let clock = clock.clone();
        async move {
            let result = wait_for_marker(Path::new(&entry.marker_file), &clock).await;
            if let Err(error) = &result {
                tracing::error!(container = entry.container_name, "{error}");
            }
            result
        }
    });
    let codes = join_all(waits).await;
    let outcome = if codes.iter().all(|code| *code == Ok(0)) {
        Outcome::Success
    } else if codes.contains(&Ok(ABORTED_ERROR_CODE)) {
        Outcome::Aborted
    } else {
        Outcome::Failure
    };
    let failed = |code: &&Result<i32, String>| !matches!(code, Ok(0 | PREVIOUS_ERROR_CODE));
    Waited { outcome, failures: codes.iter().filter(failed).count() }
}

/// The merged metadata files of the entries; what cannot be used is noted in it.
fn combine_metadata(entries: &[WrapperOptions], censored: &Censored) -> Metadata {
    let mut all = Metadata::default();
    let mut errors = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        let path = Path::new(&entry.metadata_file);
        if !path.exists() {
            continue;
        }
        let read = match censored.fate(path) {
            Fate::Unchanged => read_metadata(path),
            Fate::Replaced(clean) => read_metadata(clean),
            Fate::Withheld(reason) => Err(format!("withheld: {reason}")),
        };
        match read {
            Ok(metadata) => all.merge(metadata),
            Err(error) => {
                tracing::error!(path = entry.metadata_file, "Cannot use the metadata: {error}");
                errors.push((format!("entry {number}: {}", entry.args.join(" ")), error));
            }
        }
    }
    for (entry, error) in errors {
        all.note_error(&entry, &error);
    }
    all
}

fn read_metadata(path: &Path) -> Result<Metadata, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_METADATA_BYTES + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MAX_METADATA_BYTES {
        return Err(format!("larger than {MAX_METADATA_BYTES} bytes"));
    }
    Metadata::parse(&bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
