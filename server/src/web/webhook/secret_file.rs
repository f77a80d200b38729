//! The webhook secret file, read again when it changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clock::Clock;
use go_compat::time::Timestamp;
use parking_lot::Mutex;

use super::signature::HmacSecrets;

/// How often the file's modification time is looked at.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// The secrets of a file, following its changes. A file that cannot be read
/// any more leaves the last secrets in force.
pub struct SecretFile {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    secrets: Arc<HmacSecrets>,
    modified: Option<SystemTime>,
    checked: Timestamp,
}

impl SecretFile {
    /// Reads the file for the first time.
    pub fn open(path: PathBuf, now: Timestamp) -> anyhow::Result<Self> {
        let content = std::fs::read_to_string(&path).map_err(|error| {
            anyhow::anyhow!("reading the webhook secret {}: {error}", path.display())
        })?;
        let state = State {
            secrets: Arc::new(HmacSecrets::parse(&content)),
            modified: modified(&path),
            checked: now,
        };
        Ok(Self { path, state: Mutex::new(state) })
    }

    /// The secrets as the file has them now.
    pub fn current(&self, clock: &dyn Clock) -> Arc<HmacSecrets> {
        let now = clock.now();
        let mut state = self.state.lock();
        if now.since(state.checked) >= CHECK_EVERY {
            state.checked = now;
            let modified = modified(&self.path);
            if modified != state.modified {
                match std::fs::read_to_string(&self.path) {
                    Ok(content) => {
                        state.secrets = Arc::new(HmacSecrets::parse(&content));
                        state.modified = modified;
                        tracing::info!("the webhook secrets were read again");
                    }
                    Err(error) => tracing::error!(
                        "the webhook secret {} cannot be read, the last one stays: {error}",
                        self.path.display()
                    ),
                }
            }
        }
        state.secrets.clone()
    }
}

fn modified(path: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
