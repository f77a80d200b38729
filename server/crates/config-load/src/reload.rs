//! Keeps the live configuration up with its files.
//!
//! Every [`POLL_PERIOD`] all files are looked at (not read): edits at any depth show, and so does the
//! exchange of `..data` by which Kubernetes updates a mounted ConfigMap. Something that changed is
//! loaded at once. A configuration that cannot be used never replaces one that can; it is tried again
//! with growing pauses, since a file may have been caught half-written or a folder between two states.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clock::SharedClock;
use go_compat::{GoDuration, Timestamp};
use xxhash_rust::xxh3::Xxh3;

use crate::config::{Config, LoadOptions, Loaded, LoadedPlugins};
use crate::diagnostic::{Diagnostic, LoadErrors};
use crate::files::{self, Stamp};
use crate::live::LiveConfig;
use crate::load::{Loader, load_plugins};

/// Time between two looks at the files.
pub const POLL_PERIOD: Duration = Duration::from_secs(1);

/// Pause before a failed load is tried again for the first time; it doubles each time.
pub const FIRST_RETRY: GoDuration = GoDuration::from_secs(1);

/// Longest pause before a failed load is tried again.
pub const LONGEST_RETRY: GoDuration = GoDuration::from_secs(60);

/// What a look at the files led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Nothing has changed, or nothing that matters.
    Unchanged,
    /// Another configuration is in use.
    Replaced,
    /// The files cannot be used; the configuration in use stays (a good half may have been replaced).
    Failed,
}

/// Brings a [`LiveConfig`] up to date, tick by tick.
#[derive(Debug)]
pub struct Reloader {
    live: LiveConfig,
    loader: Loader,
    /// What the files looked like when they were last loaded.
    seen: u128,
    /// A file that changed may change again without a new stamp, within the resolution of the file
    /// system's times. So all are read once more after a change.
    read_again: bool,
    plugins_sha: String,
    failures: u32,
    retry_at: Timestamp,
}

/// Loads for the first time. Answers the configuration and what keeps it up to date.
pub fn start(options: LoadOptions, now: Timestamp) -> Result<(LiveConfig, Reloader), LoadErrors> {
    let seen = fingerprint(&options);
    let mut loader = Loader::new(options);
    let (config, plugins) = load_both(&mut loader, now, false);
    let (config, plugins) = match (config, plugins) {
        (Ok(config), Ok(plugins)) => (config, plugins),
        (config, plugins) => {
            let errors = [config.err(), plugins.err()];
            let found = errors.into_iter().flatten().flat_map(|errors| errors.0).collect();
            return Err(LoadErrors(found));
        }
    };
    let warnings = [config.warnings, plugins.warnings].concat();
    let live = LiveConfig::new(config.config, plugins.plugins, warnings, now);
    let reloader = Reloader {
        live: live.clone(),
        loader,
        seen,
        read_again: true,
        plugins_sha: plugins.sha,
        failures: 0,
        retry_at: now,
    };
    Ok((live, reloader))
}

/// Ticks until `stop` completes. Files are looked at on a thread that may block.
pub async fn run_reloader(
    mut reloader: Reloader,
    clock: SharedClock,
    stop: impl Future<Output = ()>,
) {
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            () = clock.sleep(POLL_PERIOD) => {}
        }
        let now = clock.now();
        let ticked = tokio::task::spawn_blocking(move || {
            reloader.tick(now);
            reloader
        });
        match ticked.await {
            Ok(same) => reloader = same,
            // The runtime is shutting down.
            Err(_) => return,
        }
    }
}

impl Reloader {
    /// The configuration that it keeps up to date.
    pub fn live(&self) -> &LiveConfig {
        &self.live
    }

    /// Looks at the files and loads them if there is a reason to.
    pub fn tick(&mut self, now: Timestamp) -> Tick {
        let seen = fingerprint(self.loader.options());
        let changed = seen != self.seen;
        let retry = self.failures > 0 && now >= self.retry_at;
        if !changed && !retry && !self.read_again {
            return Tick::Unchanged;
        }
        self.seen = seen;
        let reread = retry || self.read_again;
        self.read_again = changed;
        let (config, plugins) = load_both(&mut self.loader, now, reread);
        self.take(config, plugins, now)
    }

    fn take(
        &mut self,
        config: Result<Loaded, LoadErrors>,
        plugins: Result<LoadedPlugins, LoadErrors>,
        now: Timestamp,
    ) -> Tick {
        let current = self.live.snapshot();
        let mut errors = Vec::new();
        let mut warnings = Vec::new();
        let mut replaced = false;
        let config = match config {
            Ok(loaded) => {
                warnings.extend(loaded.warnings);
                replaced |= loaded.config.sha != current.config.sha;
                loaded.config
            }
            Err(found) => {
                errors.extend(found.0);
                current.config.clone()
            }
        };
        let plugins = match plugins {
            Ok(loaded) => {
                warnings.extend(loaded.warnings);
                replaced |= loaded.sha != self.plugins_sha;
                self.plugins_sha = loaded.sha;
                loaded.plugins
            }
            Err(found) => {
                errors.extend(found.0);
                current.plugins.clone()
            }
        };
        if replaced {
            log_replacement(&config);
            self.live.replace(config, plugins, warnings, now);
        }
        if errors.is_empty() {
            if self.failures > 0 {
                self.failures = 0;
                if !replaced {
                    tracing::info!("the configuration files say again what is in use");
                    self.live.note_recovery();
                }
            }
            return if replaced { Tick::Replaced } else { Tick::Unchanged };
        }
        let pause = GoDuration(
            FIRST_RETRY
                .nanos()
                .saturating_mul(1 << self.failures.min(16))
                .min(LONGEST_RETRY.nanos()),
        );
        self.retry_at = now.saturating_add(pause);
        self.failures = self.failures.saturating_add(1);
        log_failure(&errors, &self.live, pause);
        self.live.note_failure(LoadErrors(errors), now, self.failures);
        Tick::Failed
    }
}

fn log_replacement(config: &Config) {
    tracing::info!(
        config.sha = %config.sha,
        config.version = %config.prow.config_version_sha,
        config.jobs = config.jobs.len(),
        "another configuration is in use"
    );
}

/// Logs a failure with its errors, or in short if they are those of last time.
fn log_failure(errors: &[Diagnostic], live: &LiveConfig, pause: GoDuration) {
    let known = live.status().last_error.is_some_and(|last| last.0 == errors);
    if known {
        tracing::debug!(retry.pause = %pause, "the configuration files still cannot be used");
        return;
    }
    for error in errors {
        tracing::error!(config.rule = error.rule, "{error}");
    }
    tracing::error!(
        config.errors = errors.len(),
        retry.pause = %pause,
        "the configuration files cannot be used; the last good configuration stays in use"
    );
}

/// Loads both halves. A panic in loading is an error like any other: it must not end a component.
fn load_both(
    loader: &mut Loader,
    now: Timestamp,
    reread: bool,
) -> (Result<Loaded, LoadErrors>, Result<LoadedPlugins, LoadErrors>) {
    let panicked = |what: &str| {
        let message =
            format!("loading the {what} panicked: this is a bug, please report the files");
        LoadErrors::one(Diagnostic::error("panic", message))
    };
    let config = catch_unwind(AssertUnwindSafe(|| loader.load_rereading(now, reread)));
    let plugins = catch_unwind(|| load_plugins(loader.options()));
    (
        config.unwrap_or_else(|_| Err(panicked("configuration"))),
        plugins.unwrap_or_else(|_| Err(panicked("plugin configuration"))),
    )
}

/// A hash over the names and stamps of all files that the configuration consists of.
fn fingerprint(options: &LoadOptions) -> u128 {
    let mut hasher = Xxh3::new();
    let mut add = |path: &Path| {
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update(format!("{:?}", Stamp::at(path)).as_bytes());
    };
    add(&options.config_path);
    add(&files::version_path(&options.config_path));
    if let Some(path) = &options.plugin_config_path {
        add(path);
    }
    let folders = [
        (
            &options.supplemental_prow_config_dirs,
            &options.supplemental_prow_configs_filename_suffix,
        ),
        (
            &options.supplemental_plugin_config_dirs,
            &options.supplemental_plugin_configs_filename_suffix,
        ),
    ];
    let supplemental = folders
        .into_iter()
        .flat_map(|(dirs, suffix)| dirs.iter().map(|dir| files::files_with_suffix(dir, suffix)));
    let jobs = options.job_config_path.iter().map(|root| files::job_files(root));
    for walk in supplemental.chain(jobs) {
        match walk {
            Ok(walk) => walk.files.iter().for_each(|file: &Arc<Path>| add(file)),
            Err(diagnostic) => add(Path::new(&diagnostic.to_string())),
        }
    }
    hasher.digest128()
}
