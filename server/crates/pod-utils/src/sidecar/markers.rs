//! Waiting for the test containers to end.

use std::path::Path;
use std::time::Duration;

use clock::SharedClock;

/// How often a marker file is looked for. A run ends at most this much later than its test.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Waits until the marker file is there and gives the exit code in it.
///
/// # Errors
/// The file cannot be read or holds no number.
pub async fn wait_for_marker(marker: &Path, clock: &SharedClock) -> Result<i32, String> {
    loop {
        match std::fs::read_to_string(marker) {
            Ok(text) => {
                return text.trim().parse().map_err(|_| {
                    format!("invalid return code in {}: {:?}", marker.display(), text.trim())
                });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                clock.sleep(POLL_INTERVAL).await;
            }
            Err(error) => return Err(format!("bad read of {}: {error}", marker.display())),
        }
    }
}
