//! Work that belongs to the process and not to one component.

use std::sync::Arc;
use std::time::Duration;

use clock::SharedClock;
use config_load::reload::{POLL_PERIOD, Reloader, Tick};
use parking_lot::Mutex;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::components::Heartbeat;
use crate::supervisor::Pulse;
use crate::testgrid::config::GridReloader;
use crate::testgrid::mirror::{self, Mirror};

/// How often what is older than its retention is removed.
const RETAIN_EVERY: Duration = Duration::from_secs(3600);

/// Follows the configuration files; a version that does not load leaves the
/// last good one in use.
pub async fn follow_config(
    reloader: Arc<Mutex<Reloader>>,
    clock: SharedClock,
    pulse: Pulse,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = clock.sleep(POLL_PERIOD) => {}
        }
        let (reloader, now) = (reloader.clone(), clock.now());
        let ticked = tokio::task::spawn_blocking(move || {
            let mut reloader = reloader.lock();
            let tick = reloader.tick(now);
            (tick, reloader.live().status().last_error)
        })
        .await?;
        match ticked {
            (Tick::Replaced, _) => {
                tracing::info!("the configuration was loaded again");
                pulse.pass();
            }
            (Tick::Failed, Some(errors)) => {
                tracing::error!(
                    "the configuration on disk does not load, the last good one stays in use:\n{errors}"
                );
                pulse.failed(&errors);
            }
            (_, None) => pulse.pass(),
            (_, Some(_)) => {}
        }
    }
}

/// Follows the files of the test grid's configuration, and Prow's configuration whose jobs add to it.
pub async fn follow_grid_config(
    reloader: Arc<Mutex<GridReloader>>,
    clock: SharedClock,
    pulse: Pulse,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = clock.sleep(POLL_PERIOD) => {}
        }
        let (reloader, now) = (reloader.clone(), clock.now());
        let refused = tokio::task::spawn_blocking(move || {
            let mut reloader = reloader.lock();
            reloader.tick(now);
            reloader.live().refused()
        })
        .await?;
        match refused {
            Some(refused) => pulse.failed(&refused.finding),
            None => pulse.pass(),
        }
    }
}

/// Writes the grids that have changed to the bucket that is shared with TestGrid's programs. What
/// fails is told and written with the next pass.
pub async fn write_grids(
    mirror: Arc<Mirror>,
    clock: SharedClock,
    pulse: Pulse,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let mut changes = mirror.subscribe();
    loop {
        let failures = tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            failures = mirror.pass() => failures,
        };
        pulse.pass();
        for failure in &failures {
            tracing::warn!("writing to the place of --grid-output failed: {failure}");
            pulse.failed(failure);
        }
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = clock.sleep(mirror::WRITE_EVERY) => {}
        }
        // Looks without a change, edits of the configuration and failures come with the next pass.
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = clock.sleep(mirror::LONGEST_WAIT) => {}
            changed = changes.changed() => changed?,
        }
    }
}

/// Removes old deliveries, runs and audit rows.
pub async fn retain(
    store: Store,
    clock: SharedClock,
    pulse: Pulse,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        match store.prune(clock.now()).await {
            Ok(pruned) => {
                tracing::debug!("removed what is past its retention: {pruned:?}");
                pulse.pass();
            }
            Err(error) => pulse.failed(&error),
        }
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = clock.sleep(RETAIN_EVERY) => {}
        }
    }
}
