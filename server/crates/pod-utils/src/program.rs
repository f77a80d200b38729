//! The programs around the functions.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use blob::BlobConfig;
use clock::SystemClock;
use tracing_subscriber::fmt::MakeWriter;

use crate::options::OptionsError;
use crate::{Context, Interrupts, clonerefs, entrypoint, initupload, sidecar};

/// Exit code of a utility that failed by itself.
const FAILED: i32 = 1;

/// One of the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utility {
    /// Clones what is under test.
    Clonerefs,
    /// Uploads that the run has begun.
    Initupload,
    /// Runs the test.
    Entrypoint,
    /// Uploads what the test left.
    Sidecar,
}

impl Utility {
    /// All of them.
    pub const ALL: [Utility; 4] =
        [Utility::Clonerefs, Utility::Initupload, Utility::Entrypoint, Utility::Sidecar];

    /// The program's name, which is also the last part of its image's name.
    pub fn name(self) -> &'static str {
        match self {
            Utility::Clonerefs => "clonerefs",
            Utility::Initupload => "initupload",
            Utility::Entrypoint => "entrypoint",
            Utility::Sidecar => "sidecar",
        }
    }

    /// The program of that name.
    pub fn from_name(name: &str) -> Option<Utility> {
        Utility::ALL.into_iter().find(|utility| utility.name() == name)
    }

    /// The program that `argv0` (a path or a name) calls.
    pub fn from_argv0(argv0: &OsStr) -> Option<Utility> {
        Utility::from_name(Path::new(argv0).file_name()?.to_str()?)
    }

    /// Runs the program in a runtime of its own, with the arguments that follow its name, and gives
    /// its exit code.
    pub fn main(self, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
        // One TLS provider for the whole process, chosen before any client exists.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let code = match runtime {
            Ok(runtime) => {
                let code = runtime.block_on(self.run(arguments));
                // A blocked thread must not keep a finished program alive.
                runtime.shutdown_background();
                code
            }
            Err(error) => {
                complain(self, &format!("the async runtime did not start: {error}"));
                FAILED
            }
        };
        // As the system does with codes that do not fit.
        ExitCode::from(code.rem_euclid(256) as u8)
    }

    /// Runs the program within a runtime and gives its exit code.
    pub async fn run(self, arguments: impl IntoIterator<Item = OsString>) -> i32 {
        let arguments = arguments.into_iter().map(|a| a.to_string_lossy().into_owned()).collect();
        let outcome = match self {
            Utility::Clonerefs => run_clonerefs(arguments).await,
            Utility::Initupload => run_initupload(arguments).await,
            Utility::Entrypoint => run_entrypoint(arguments).await,
            Utility::Sidecar => run_sidecar(arguments).await,
        };
        outcome.unwrap_or_else(|error| {
            complain(self, &error.to_string());
            FAILED
        })
    }
}

/// Runs the utility that `argv0` names with the arguments behind it; `None` when it names none, so
/// that the caller goes on as itself.
pub fn main_for(argv0: &OsStr, arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    Utility::from_argv0(argv0).map(|utility| utility.main(arguments))
}

type Outcome = Result<i32, Box<dyn std::error::Error + Send + Sync>>;

async fn run_clonerefs(arguments: Vec<String>) -> Outcome {
    start_log(None);
    let options = clonerefs::load_options(arguments)?;
    let mut interrupts = Interrupts::of_this_process()?;
    let context = context()?;
    tokio::select! {
        result = clonerefs::run(&options, &context) => result.map(|()| 0).map_err(Into::into),
        interrupt = interrupts.next() => {
            // Dropping the work ends the git processes, which lead process groups of their own.
            tracing::error!("Received an interrupt: {}, cancelling...", interrupt.as_str());
            Ok(entrypoint::ABORTED_ERROR_CODE)
        }
    }
}

async fn run_initupload(arguments: Vec<String>) -> Outcome {
    start_log(None);
    let options = initupload::load_options(arguments)?;
    initupload::run(&options, &crate::options::job_spec()?, &context()?).await?;
    Ok(0)
}

async fn run_entrypoint(arguments: Vec<String>) -> Outcome {
    let options = entrypoint::load_options(arguments)?;
    if options.copy_mode_only {
        entrypoint::copy_program(&options)?;
        return Ok(0);
    }
    let interrupts = Interrupts::of_this_process()?;
    Ok(entrypoint::run(&options, interrupts, &context()?, tokio::io::stdout()).await)
}

async fn run_sidecar(arguments: Vec<String>) -> Outcome {
    let own_log = OwnLog::create()?;
    start_log(Some(&own_log));
    let options = sidecar::load_options(arguments)?;
    let interrupts = Interrupts::of_this_process()?;
    let spec = crate::options::job_spec()?;
    let failures =
        sidecar::run(&options, &spec, interrupts, &context()?, Some(own_log.path())).await?;
    if failures > 0 && options.entry_error {
        tracing::error!("{failures} containers failed");
        return Ok(FAILED);
    }
    Ok(0)
}

fn context() -> Result<Context, OptionsError> {
    let blobs = BlobConfig::from_env()?.unwrap_or_default();
    Ok(Context { clock: SystemClock::shared(), blobs })
}

#[expect(clippy::print_stderr, reason = "a program's last words go to standard error")]
fn complain(utility: Utility, error: &str) {
    tracing::error!("{error}");
    // The log may not have been started, and entrypoint has none.
    eprintln!("{}: {error}", utility.name());
}

/// Logs one JSON object per line to standard error and, where given, to a file. A program that has
/// set up its log already (`bowsprit pod …`) keeps it.
fn start_log(file: Option<&OwnLog>) {
    let writer = Tee { file: file.map(|log| log.file.clone()) };
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_writer(writer)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// The sidecar's own log, which it uploads beside the others. The file is removed in the end.
struct OwnLog {
    file: Arc<Mutex<File>>,
    path: tempfile::TempPath,
}

impl OwnLog {
    fn create() -> io::Result<OwnLog> {
        let (file, path) =
            tempfile::Builder::new().prefix("sidecar-logs").suffix(".txt").tempfile()?.into_parts();
        Ok(OwnLog { file: Arc::new(Mutex::new(file)), path })
    }

    fn path(&self) -> PathBuf {
        self.path.to_path_buf()
    }
}

#[derive(Clone)]
struct Tee {
    file: Option<Arc<Mutex<File>>>,
}

impl<'a> MakeWriter<'a> for Tee {
    type Writer = Tee;

    fn make_writer(&'a self) -> Tee {
        self.clone()
    }
}

impl Write for Tee {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(file) = &self.file {
            // A full disk must not silence standard error.
            let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line);
        }
        io::stderr().write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_by_the_last_part_of_its_path() {
        let by = |path: &str| Utility::from_argv0(OsStr::new(path));
        assert_eq!(by("/tools/entrypoint"), Some(Utility::Entrypoint));
        assert_eq!(by("sidecar"), Some(Utility::Sidecar));
        assert_eq!(by("/usr/bin/bowsprit"), None);
        assert_eq!(by(""), None);
        assert!(main_for(OsStr::new("bowsprit"), []).is_none());
        for utility in Utility::ALL {
            assert_eq!(Utility::from_name(utility.name()), Some(utility));
        }
    }
}
