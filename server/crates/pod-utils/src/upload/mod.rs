//! Uploading a run: what goes where, in which order, and how often it is tried.
//!
//! The order is a promise to every reader of a bucket: artifacts first, then logs, then the pointers
//! of the job (alias, latest-build), and `finished.json` last and only when everything before it is
//! confirmed. So a run that has a `finished.json` is whole.

mod gather;
mod name;
mod sink;

use std::time::Duration;

use artifacts::{FINISHED_FILE, Finished};
use blob::{BlobUri, Blobs, Source, WriteOptions};
use futures::stream::{self, StreamExt};
use job_spec::options::GcsUploadOptions;
use job_spec::{JobSpec, gcs_path};

use crate::Context;
use crate::censor::Censored;
use crate::flags::Flags;
use crate::options::OptionsError;
use sink::{BucketSink, FolderSink, Sink};

/// Uploads under way at once.
const CONCURRENT_UPLOADS: usize = 4;

/// How often one upload is tried. The waits between are 1, 4 and 9 seconds.
const UPLOAD_ATTEMPTS: u32 = 4;

/// Failures that an error tells in full; more are counted.
const FAILURES_IN_ERROR: usize = 3;

/// How much patience an upload has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempts {
    /// Failures are retried.
    All,
    /// Every upload is tried once: the program may be killed at any moment.
    One,
}

/// Files of the run besides its items, by their name in the run's directory.
#[derive(Debug, Default)]
pub struct Extra {
    /// Logs and documents.
    pub logs: Vec<(String, Source)>,
    /// The last one.
    pub finished: Option<Finished>,
}

/// Something was not uploaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// The options do not say where to.
    #[error("cannot upload: {0}")]
    Destination(String),
    /// Some files failed.
    #[error("{failed} of {total} files could not be uploaded{}: {causes}", if *.finished_held_back { ", so finished.json was not written" } else { "" })]
    Incomplete {
        /// How many failed.
        failed: usize,
        /// Out of how many.
        total: usize,
        /// `finished.json` was not written for that reason.
        finished_held_back: bool,
        /// The first causes.
        causes: String,
    },
}

/// One object to write.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    /// Its key below the bucket, or its path below the local output folder.
    pub(crate) key: String,
    pub(crate) source: Source,
    pub(crate) options: WriteOptions,
    /// Pack the content if the configuration asks for it.
    pub(crate) compressible: bool,
    /// The object names the latest build: an older build does not replace a newer one.
    pub(crate) newest_build_wins: bool,
}

impl Upload {
    fn new(key: String, source: Source) -> Upload {
        Upload {
            key,
            source,
            options: WriteOptions::default(),
            compressible: true,
            newest_build_wins: false,
        }
    }
}

/// The stages of an upload, in order.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) artifacts: Vec<Upload>,
    pub(crate) logs: Vec<Upload>,
    pub(crate) pointers: Vec<Upload>,
    pub(crate) finished: Option<Upload>,
}

/// Uploads the items of `options`, `extra` and the job's pointers.
///
/// # Errors
/// Some files failed; the others were uploaded, `finished.json` not.
pub async fn run(
    options: &GcsUploadOptions,
    spec: &JobSpec,
    extra: Extra,
    censored: &Censored,
    attempts: Attempts,
    context: &Context,
) -> Result<(), UploadError> {
    let plan = plan(options, spec, extra, censored)?;
    if options.dry_run {
        let all = plan.artifacts.iter().chain(&plan.logs).chain(&plan.pointers);
        for upload in all.chain(&plan.finished) {
            tracing::info!(dest = upload.key, "Would upload");
        }
        return Ok(());
    }
    let compress = options.gcs.compress_file_types.clone().unwrap_or_default();
    if !options.gcs.local_output_dir.is_empty() {
        let sink = FolderSink::new(options.gcs.local_output_dir.clone().into());
        return carry_out(&plan, &sink, attempts, context).await;
    }
    let mut config = context.blobs.clone();
    let file = |path: &String| (!path.is_empty()).then(|| path.clone().into());
    if let Some(file) = file(&options.credentials.gcs_credentials_file) {
        config.gcs_credentials_file = Some(file);
    }
    if let Some(file) = file(&options.credentials.s3_credentials_file) {
        config.s3_credentials_file = Some(file);
    }
    let bucket = BlobUri::parse(&options.gcs.bucket)
        .map_err(|error| UploadError::Destination(error.to_string()))?;
    let sink = BucketSink::new(Blobs::new(config), bucket, compress);
    carry_out(&plan, &sink, attempts, context).await
}

fn plan(
    options: &GcsUploadOptions,
    spec: &JobSpec,
    extra: Extra,
    censored: &Censored,
) -> Result<Plan, UploadError> {
    let destination = |error: gcs_path::PathError| UploadError::Destination(error.to_string());
    let local = !options.gcs.local_output_dir.is_empty();
    let mut plan = Plan::default();
    let mut folder = String::new();
    if !local {
        folder = gcs_path::run_dir(&options.gcs, spec).map_err(destination)?;
        if !options.sub_dir.is_empty() {
            folder = format!("{folder}/{}", options.sub_dir.trim_matches('/'));
        }
        if let Some(alias) = gcs_path::alias(spec) {
            let target = gcs_path::alias_target(&options.gcs, spec).map_err(destination)?;
            let mut upload = Upload::new(alias, Source::from(target.as_str()));
            upload.options.metadata.insert("link".to_owned(), target);
            plan.pointers.push(upload);
        }
        for latest in gcs_path::latest_build_files(&options.gcs, spec) {
            let mut upload = Upload::new(latest, Source::from(spec.build_id.as_str()));
            upload.newest_build_wins = true;
            plan.pointers.push(upload);
        }
    }
    let below = |name: &str| match folder.as_str() {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    };
    let gathered = gather::gather(&options.items, &options.gcs.media_types, censored);
    for mut upload in gathered.uploads {
        upload.key = below(&upload.key);
        plan.artifacts.push(upload);
    }
    if let Some(note) = gathered.withheld_note {
        plan.logs.push(Upload::new(below(gather::WITHHELD_FILE), Source::from(note)));
    }
    for (name, source) in extra.logs {
        plan.logs.push(Upload::new(below(&name), source));
    }
    if let Some(finished) = extra.finished {
        let document = serde_json::to_vec(&finished)
            .map_err(|error| UploadError::Destination(format!("{FINISHED_FILE}: {error}")))?;
        plan.finished = Some(Upload::new(below(FINISHED_FILE), Source::from(document)));
    }
    Ok(plan)
}

pub(crate) async fn carry_out(
    plan: &Plan,
    sink: &dyn Sink,
    attempts: Attempts,
    context: &Context,
) -> Result<(), UploadError> {
    let mut failures = Vec::new();
    let mut total = 0;
    for stage in [&plan.artifacts, &plan.logs, &plan.pointers] {
        total += stage.len();
        let puts: Vec<_> = stage.iter().map(|u| put(u, sink, attempts, context)).collect();
        let results: Vec<_> =
            stream::iter(puts).buffer_unordered(CONCURRENT_UPLOADS).collect().await;
        failures.extend(results.into_iter().flatten());
    }
    let mut finished_held_back = false;
    if let Some(finished) = &plan.finished {
        total += 1;
        if failures.is_empty() {
            failures.extend(put(finished, sink, attempts, context).await);
        } else {
            finished_held_back = true;
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    let failed = failures.len();
    let mut causes = failures[..failed.min(FAILURES_IN_ERROR)].join("; ");
    if failed > FAILURES_IN_ERROR {
        causes.push_str(&format!("; and {} more", failed - FAILURES_IN_ERROR));
    }
    Err(UploadError::Incomplete { failed, total, finished_held_back, causes })
}

/// Writes one object, with retries; gives the last error if none succeeded.
async fn put(
    upload: &Upload,
    sink: &dyn Sink,
    attempts: Attempts,
    context: &Context,
) -> Option<String> {
    let attempts = if attempts == Attempts::All { UPLOAD_ATTEMPTS } else { 1 };
    let mut attempt = 1;
    loop {
        let error = match sink.put(upload).await {
            Ok(()) => {
                tracing::info!(dest = upload.key, "Finished upload");
                return None;
            }
            Err(error) => error,
        };
        if attempt >= attempts || !error.may_pass() {
            tracing::error!(dest = upload.key, %error, "Failed upload");
            return Some(error.to_string());
        }
        tracing::warn!(dest = upload.key, %error, attempt, "Retrying upload");
        context.clock.sleep(Duration::from_secs(u64::from(attempt * attempt))).await;
        attempt += 1;
    }
}

/// The flags that say what is uploaded where.
pub(crate) fn flag_names() -> (Vec<&'static str>, Vec<&'static str>) {
    let valued = vec![
        "sub-dir",
        "path-strategy",
        "default-org",
        "default-repo",
        "gcs-path",
        "media-type",
        "local-output-dir",
        "gcs-credentials-file",
        "s3-credentials-file",
    ];
    (valued, vec!["dry-run"])
}

/// Reads [`flag_names`]; like Prow's, it uploads only if `--dry-run=false` is given.
pub(crate) fn options_from_flags(flags: &Flags) -> Result<GcsUploadOptions, OptionsError> {
    let text = |name: &str| flags.text(name).unwrap_or_default();
    let mut options = GcsUploadOptions {
        items: flags.arguments.clone(),
        sub_dir: text("sub-dir"),
        dry_run: flags.boolean("dry-run")?.unwrap_or(true),
        ..GcsUploadOptions::default()
    };
    options.credentials.gcs_credentials_file = text("gcs-credentials-file");
    options.credentials.s3_credentials_file = text("s3-credentials-file");
    let gcs = &mut options.gcs;
    gcs.path_strategy = flags.text("path-strategy").unwrap_or_else(|| "explicit".to_owned());
    gcs.default_org = text("default-org");
    gcs.default_repo = text("default-repo");
    gcs.local_output_dir = text("local-output-dir");
    if let Some(path) = flags.text("gcs-path") {
        let bad = |_| OptionsError::BadFlag { flag: "gcs-path".to_owned(), value: path.clone() };
        let uri = BlobUri::parse(&path).map_err(bad)?;
        gcs.bucket = format!("{}://{}", uri.provider(), uri.bucket());
        gcs.path_prefix = uri.key().to_owned();
    }
    for pair in text("media-type").split(',').filter(|pair| !pair.is_empty()) {
        let Some((extension, media_type)) = pair.split_once(':') else {
            return Err(OptionsError::BadFlag {
                flag: "media-type".to_owned(),
                value: pair.to_owned(),
            });
        };
        gcs.media_types.insert(extension.to_owned(), media_type.to_owned());
    }
    Ok(options)
}

#[cfg(test)]
mod tests;
