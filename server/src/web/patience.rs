//! How long an answer waits for a bucket.

use std::pin::pin;
use std::time::Duration;

use app::model::PageError;
use blob::BlobUri;

use super::error::{HttpError, HttpResult};
use super::state::Web;
use crate::run_files::{until, within};

/// How long a bucket has for a sign of life, behind the time that a page waits.
const SIGN: Duration = Duration::from_millis(300);

/// What some work on files at a place comes to. Where it takes longer than a page waits, the bucket is
/// asked for a sign of life: a large file may take its time, but nobody waits for a bucket that says
/// nothing. `what` names what the answer lacks then.
///
/// # Errors
/// The bucket gave no sign within the time that a page waits: 503 with a sentence.
pub async fn while_it_answers<T>(
    web: &Web,
    place: Option<&BlobUri>,
    what: &str,
    work: impl Future<Output = T>,
) -> HttpResult<T> {
    let mut work = pin!(work);
    // What is in no bucket has a bound of its own.
    let Some(place) = place else { return Ok(work.await) };
    if let Some(done) = within(&web.clock, &mut work).await {
        return Ok(done);
    }
    // A refusal is a sign, too: the work comes to the same.
    let sign = until(web.clock.sleep(SIGN), web.blobs.list_dir(place, "", 1));
    let is_alive = tokio::select! {
        biased;
        done = &mut work => return Ok(done),
        sign = sign => sign.is_some(),
    };
    match is_alive {
        true => Ok(work.await),
        false => Err(HttpError::unavailable(format!(
            "The bucket {} does not answer, so {what} is missing. Ask again in a moment.",
            place.bucket()
        ))),
    }
}

/// Why a run is not given: what is away may come back, everything else is as if there were no run.
pub fn no_run(error: PageError, id: &str) -> HttpError {
    match error {
        PageError::Unavailable { message, .. } => HttpError::unavailable(message),
        _ => HttpError::not_found(format!("There is no run {id} here.")),
    }
}
