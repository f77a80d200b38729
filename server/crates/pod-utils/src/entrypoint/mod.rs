//! entrypoint: runs the test, keeps what it prints, and notes how it ended.
//!
//! Everything that the test prints goes to the process log and to this program's standard output as
//! it comes, so that the container's log is live while the sidecar has a file to upload. How the test
//! ended goes to the marker file, whose appearance is what the sidecar waits for.

mod copy;
mod marker;
mod output;
mod process;

pub use copy::{CopyError, copy_program};

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use go_compat::GoDuration;
use job_spec::options::{ENTRYPOINT_OPTIONS, EntrypointOptions, Nanos};
use tokio::io::AsyncWrite;

use crate::options::OptionsError;
use crate::{Context, Interrupts, sidecar};
use output::Output;

/// Written to the marker, and returned, when the test could not be run or ran out of time.
pub const INTERNAL_ERROR_CODE: i32 = 127;

/// Written to the marker, and returned, when a signal ended the test.
pub const ABORTED_ERROR_CODE: i32 = 130;

/// Written to the marker when an earlier step failed and this one was not run. Greater than 256, so
/// no program can have ended with it.
pub const PREVIOUS_ERROR_CODE: i32 = 1000 + ABORTED_ERROR_CODE;

/// How long a test may run unless told otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);

/// How long a test may take to stop unless told otherwise.
pub const DEFAULT_GRACE_PERIOD: Duration = Duration::from_secs(15);

/// How a run of the test ended.
struct Ended {
    code: i32,
    problem: Option<String>,
}

/// Reads the options from [`ENTRYPOINT_OPTIONS`], or from flags where it is not set.
///
/// # Errors
/// The options cannot be read, or name no program, process log or marker file.
pub fn load_options(arguments: Vec<String>) -> Result<EntrypointOptions, OptionsError> {
    let valued = [
        "timeout",
        "grace-period",
        "artifact-dir",
        "copy-destination",
        "copy-dst",
        "process-log",
        "marker-file",
        "metadata-file",
    ];
    let boolean = ["copy-mode-only", "propagate-error-code"];
    let options =
        crate::options::load(ENTRYPOINT_OPTIONS, arguments, &valued, &boolean, |flags| {
            let duration = |name: &str| -> Result<Nanos, OptionsError> {
                let Some(value) = flags.text(name) else { return Ok(Nanos::default()) };
                let bad = |_| OptionsError::BadFlag { flag: name.to_owned(), value: value.clone() };
                GoDuration::parse(&value).map(Nanos).map_err(bad)
            };
            let mut options = EntrypointOptions {
                timeout: duration("timeout")?,
                grace_period: duration("grace-period")?,
                artifact_dir: flags.text("artifact-dir").unwrap_or_default(),
                copy_mode_only: flags.boolean("copy-mode-only")?.unwrap_or_default(),
                // The flag has Prow's name and that of the option.
                copy_dst: flags
                    .text("copy-destination")
                    .or_else(|| flags.text("copy-dst"))
                    .unwrap_or_default(),
                propagate_error_code: flags.boolean("propagate-error-code")?.unwrap_or_default(),
                ..EntrypointOptions::default()
            };
            options.wrapper.args = flags.arguments.clone();
            options.wrapper.process_log = flags.text("process-log").unwrap_or_default();
            options.wrapper.marker_file = flags.text("marker-file").unwrap_or_default();
            options.wrapper.metadata_file = flags.text("metadata-file").unwrap_or_default();
            Ok(options)
        })?;
    if options.copy_mode_only {
        return Ok(options);
    }
    let missing = if options.wrapper.args.is_empty() {
        "no process to wrap specified"
    } else if options.wrapper.process_log.is_empty() {
        "no log file specified with --process-log"
    } else if options.wrapper.marker_file.is_empty() {
        "no marker file specified with --marker-file"
    } else {
        return Ok(options);
    };
    Err(OptionsError::Invalid(missing.to_owned()))
}

/// Runs the test and writes its marker; gives the code to exit with. What the test prints goes to the
/// process log and to `out`.
pub async fn run<W>(
    options: &EntrypointOptions,
    interrupts: Interrupts,
    context: &Context,
    out: W,
) -> i32
where
    W: AsyncWrite + Unpin + Send + 'static,
{
    let output = Output::new(out, context.clock.clone());
    let ended = execute(options, interrupts, context, &output).await;
    // The process log belongs to the test; only the container's log says how it ended.
    output.close_log().await;
    if let Some(problem) = &ended.problem {
        output.say("Error executing test process", Some(problem)).await;
    }
    let marker = Path::new(&options.wrapper.marker_file);
    if let Err(error) = marker::write(marker, ended.code) {
        let path = marker.display();
        let error = format!("could not write the marker file {path}: {error}");
        output.say("Error writing exit code to marker file", Some(&error)).await;
        // Whatever the test did, the sidecar will not learn of it.
        return INTERNAL_ERROR_CODE;
    }
    if options.always_zero { 0 } else { ended.code }
}

async fn execute<W>(
    options: &EntrypointOptions,
    mut interrupts: Interrupts,
    context: &Context,
    output: &Output<W>,
) -> Ended
where
    W: AsyncWrite + Unpin + Send + 'static,
{
    let internal = |problem: String| Ended { code: INTERNAL_ERROR_CODE, problem: Some(problem) };
    if !options.artifact_dir.is_empty() {
        let made = DirBuilder::new().recursive(true).mode(0o777).create(&options.artifact_dir);
        if let Err(error) = made {
            let folder = &options.artifact_dir;
            return internal(format!("could not create artifact directory({folder}): {error}"));
        }
    }
    let log = &options.wrapper.process_log;
    if let Err(error) = output.open_log(Path::new(log)).await {
        return internal(format!("could not create process logfile({log}): {error}"));
    }
    if !options.previous_marker.is_empty() {
        let previous = Path::new(&options.previous_marker);
        let result = tokio::select! {
            result = sidecar::wait_for_marker(previous, &context.clock) => result,
            interrupt = interrupts.next() => {
                let text = format!("Received interrupt {}, cancelling...", interrupt.as_str());
                output.say(&text, None).await;
                Err(format!("interrupted while waiting for {}", previous.display()))
            }
        };
        match result {
            Ok(0) => {}
            Ok(code) => {
                output.say(&format!("Skipping as previous step exited {code}"), None).await;
                return Ended { code: PREVIOUS_ERROR_CODE, problem: None };
            }
            Err(error) => return internal(format!("wait for previous marker: {error}")),
        }
    }
    process::run(options, &mut interrupts, context, output).await
}

#[cfg(test)]
mod tests;
