//! The webhook delivery log.

use app::model::{
    Deliveries, DeliveryDetail, DeliveryFilter, DeliveryRow, DeliveryState, Link, PageError,
    Permission, Viewer,
};
use serde_json::Value;
use store::{Delivery, DeliveryId, DeliveryStatus, DeliveryStore};

use super::unavailable;
use crate::web::state::Web;
use crate::web::view::links::run_page;

/// Rows on a page.
const ROWS: usize = 100;
/// More of a body is not shown.
const SHOWN_BYTES: usize = 256 * 1024;
/// Kept headers that tell nothing to a reader.
const HIDDEN_HEADERS: [&str; 1] = ["x-hub-signature-256"];

/// A page of the log.
pub(super) async fn page(
    web: &Web,
    viewer: &Viewer,
    filter: &DeliveryFilter,
) -> Result<Deliveries, PageError> {
    let now_ms = web.clock.now().millis();
    let Some(store) = &web.store else {
        return Ok(Deliveries { now_ms, ..Deliveries::default() });
    };
    let deliveries = store.deliveries();
    let wanted = store::DeliveryFilter {
        status: filter.state.map(|state| match state {
            DeliveryState::Pending => DeliveryStatus::Pending,
            DeliveryState::Handled => DeliveryStatus::Handled,
            DeliveryState::Failed => DeliveryStatus::Failed,
        }),
        event: filter.event.clone(),
        repository: filter.repo.clone(),
        delivery_id: filter.search.clone(),
        before: filter.before.as_deref().and_then(|id| id.parse().ok()).map(DeliveryId),
    };
    let failed = |error| unavailable("The webhook journal", error);
    let mut found = deliveries.list(&wanted, ROWS + 1).await.map_err(failed)?;
    let older = (found.len() > ROWS).then(|| {
        found.truncate(ROWS);
        found.last().map(|last| last.id.0.to_string()).unwrap_or_default()
    });
    found.retain(|delivery| web.shows_repo(&delivery.repository));
    let counts = deliveries.counts().await.map_err(failed)?;
    let mut events: Vec<String> = found.iter().map(|row| row.event.clone()).collect();
    events.extend(filter.event.clone());
    events.sort();
    events.dedup();
    let mut rows = Vec::with_capacity(found.len());
    for delivery in &found {
        rows.push(row(&*deliveries, delivery).await);
    }
    Ok(Deliveries {
        now_ms,
        rows,
        older,
        total: counts.total,
        pending: counts.pending,
        events,
        replay: replay(viewer),
    })
}

/// One delivery with its body and the runs that it started.
pub(super) async fn detail(
    web: &Web,
    viewer: &Viewer,
    id: i64,
) -> Result<DeliveryDetail, PageError> {
    let missing = || PageError::NotFound {
        message: format!("There is no webhook delivery number {id}. Old ones are removed."),
    };
    let store = web.store.as_ref().ok_or_else(missing)?;
    let deliveries = store.deliveries();
    let failed = |error| unavailable("The webhook journal", error);
    let delivery = deliveries
        .get(DeliveryId(id))
        .await
        .map_err(failed)?
        .filter(|delivery| web.shows_repo(&delivery.repository))
        .ok_or_else(missing)?;
    let body = deliveries.body(DeliveryId(id)).await.map_err(failed)?.unwrap_or_default();
    let text = match serde_json::from_slice::<Value>(&body) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_default(),
        Err(_) => String::from_utf8_lossy(&body).into_owned(),
    };
    let mut end = text.len().min(SHOWN_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let headers = delivery
        .headers
        .iter()
        .filter(|(name, _)| !HIDDEN_HEADERS.contains(&name.as_str()))
        .cloned()
        .collect();
    let runs = started_runs(web, &delivery.delivery_id);
    Ok(DeliveryDetail {
        now_ms: web.clock.now().millis(),
        row: row_with_body(&delivery, &body),
        headers,
        cut_bytes: (text.len() - end) as u64,
        payload: text[..end].to_owned(),
        runs,
        replay: replay(viewer),
    })
}

/// The runs whose ProwJobs carry the delivery's id.
fn started_runs(web: &Web, guid: &str) -> Vec<Link> {
    let visibility = web.visibility();
    let snapshot = web.runs.snapshot();
    snapshot
        .runs
        .iter()
        .filter(|run| {
            run.live.as_ref().is_some_and(|job| {
                job.metadata.labels.get(job_spec::labels::EVENT_GUID).is_some_and(|l| l == guid)
            }) && visibility.shows(run)
        })
        .map(|run| Link {
            text: run.job.to_string(),
            href: run_page(&run.id, run.artifacts.as_deref()),
            title: String::new(),
        })
        .collect()
}

fn replay(viewer: &Viewer) -> Permission {
    if viewer.local {
        Permission::yes()
    } else {
        Permission::no("Replay works from the machine that runs this server; login is not set up.")
    }
}

/// A row; action and sender stand in the body, which is read for them.
async fn row(deliveries: &dyn DeliveryStore, delivery: &Delivery) -> DeliveryRow {
    let body = deliveries.body(delivery.id).await.ok().flatten().unwrap_or_default();
    row_with_body(delivery, &body)
}

fn row_with_body(delivery: &Delivery, body: &[u8]) -> DeliveryRow {
    #[derive(Default, serde::Deserialize)]
    struct Gist {
        #[serde(default)]
        action: String,
        #[serde(default)]
        sender: Sender,
    }
    #[derive(Default, serde::Deserialize)]
    struct Sender {
        #[serde(default)]
        login: String,
    }
    let gist: Gist = serde_json::from_slice(body).unwrap_or_default();
    DeliveryRow {
        id: delivery.id.0,
        guid: delivery.delivery_id.clone(),
        event: delivery.event.clone(),
        action: gist.action,
        repo: delivery.repository.clone(),
        sender: gist.sender.login,
        received_ms: delivery.received.millis(),
        handled_ms: delivery.finished.map(|at| at.millis()),
        size_bytes: delivery.body_bytes,
        state: match delivery.status {
            DeliveryStatus::Pending => DeliveryState::Pending,
            DeliveryStatus::Handled => DeliveryState::Handled,
            DeliveryStatus::Failed => DeliveryState::Failed,
        },
        note: delivery.note.clone(),
        attempts: u64::from(delivery.attempts),
    }
}
