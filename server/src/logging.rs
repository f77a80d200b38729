//! Log output: text for people at a terminal, JSON for collectors, with a
//! level that follows `log_level` of the configuration while running.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// Crates whose informational messages are about themselves, not about CI.
const QUIET: &str = "hyper=warn,hyper_util=warn,h2=warn,sqlx=warn,tower=warn,rustls=warn,\
                     octocrab=warn,object_store=warn,reqwest=warn,tower_http=info,\
                     leptos=warn,any_spawner=warn,reactive_graph=warn";

/// Changes the level of the running process.
#[derive(Clone)]
pub struct LogLevel {
    handle: reload::Handle<EnvFilter, Registry>,
    fixed: bool,
}

impl LogLevel {
    /// Follows `log_level` of the configuration. `RUST_LOG`, when set, wins.
    pub fn follow(&self, level: &str) {
        if self.fixed {
            return;
        }
        if let Err(error) = self.handle.reload(filter(level)) {
            tracing::warn!("the log level {level} could not be set: {error}");
        }
    }
}

/// Starts logging to standard error.
pub fn start() -> LogLevel {
    let fixed = std::env::var_os("RUST_LOG").is_some();
    let first = if fixed { EnvFilter::from_default_env() } else { filter("info") };
    let (first, handle) = reload::Layer::new(first);
    let registry = tracing_subscriber::registry().with(first);
    let terminal = std::io::stderr().is_terminal();
    let json = std::env::var("BOWSPRIT_LOG_FORMAT").is_ok_and(|format| format == "json");
    // A second start (in tests) keeps the first one's output.
    let _ = if json {
        registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init()
    } else {
        registry
            .with(fmt::layer().with_ansi(terminal).with_target(false).with_writer(std::io::stderr))
            .try_init()
    };
    LogLevel { handle, fixed }
}

/// Prow's level names as a filter; `fatal` and `panic` show errors only.
fn filter(level: &str) -> EnvFilter {
    let level = match level {
        "trace" | "debug" | "info" | "error" => level,
        "warn" | "warning" => "warn",
        "fatal" | "panic" => "error",
        _ => "info",
    };
    EnvFilter::new(format!("{level},{QUIET}"))
}
