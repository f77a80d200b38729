//! `/hook`: a delivery is checked, written to the journal and only then
//! answered. Handling it is hook's work, later and elsewhere.
//!
//! Checks, their order and the answers are those of Prow's hook.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clock::SharedClock;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use store::{Appended, DeliveryStore, NewDelivery};

use crate::metrics::Metrics;

mod secret_file;
pub mod signature;

pub use secret_file::SecretFile;

/// GitHub sends no payload above 25 MB; what is larger is refused unread.
pub const MAX_BODY_BYTES: usize = 25 * 1024 * 1024;

/// What Prow's hook answers to a delivery that it took.
const THANKS: &str = "Event received. Have a nice day.";

const EVENT: &str = "x-github-event";
const DELIVERY: &str = "x-github-delivery";
const SIGNATURE: &str = "x-hub-signature-256";

/// Headers that are kept with a delivery, for replay and for external plugins,
/// which check the signature again.
const KEPT_HEADERS: [&str; 7] = [
    EVENT,
    DELIVERY,
    SIGNATURE,
    "x-github-hook-id",
    "x-github-hook-installation-target-id",
    "x-github-hook-installation-target-type",
    "user-agent",
];

/// What the webhook needs.
pub struct Intake {
    /// The configured secrets.
    pub secrets: SecretFile,
    /// The journal.
    pub deliveries: Arc<dyn DeliveryStore>,
    /// Tells when a delivery came in.
    pub clock: SharedClock,
    /// Counts deliveries and answers.
    pub metrics: Metrics,
}

/// Takes one delivery.
pub async fn receive(
    State(intake): State<Arc<Intake>>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (status, text) = match take(&intake, &method, &headers, body).await {
        Ok(()) => (StatusCode::OK, THANKS.to_owned()),
        Err((status, text)) => (status, text),
    };
    intake.metrics.webhook_responses.with_label_values(&[status.as_str()]).inc();
    (status, text).into_response()
}

async fn take(
    intake: &Intake,
    method: &Method,
    headers: &HeaderMap,
    body: Body,
) -> Result<(), (StatusCode, String)> {
    let refuse = |status: StatusCode, text: &str| {
        let reason = status.canonical_reason().unwrap_or_default();
        let code = status.as_u16();
        if text.is_empty() {
            (status, format!("{code} {reason}"))
        } else {
            (status, format!("{code} {reason}: {text}"))
        }
    };
    if method != Method::POST {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "405 Method not allowed".to_owned()));
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (event, delivery_id, signature) = (text(EVENT), text(DELIVERY), text(SIGNATURE));
    if event.is_empty() {
        return Err(refuse(StatusCode::BAD_REQUEST, "Missing X-GitHub-Event Header"));
    }
    if delivery_id.is_empty() {
        return Err(refuse(StatusCode::BAD_REQUEST, "Missing X-GitHub-Delivery Header"));
    }
    if signature.is_empty() {
        return Err(refuse(StatusCode::FORBIDDEN, "Missing X-Hub-Signature-256"));
    }
    if text(header::CONTENT_TYPE.as_str()) != "application/json" {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "Hook only accepts content-type: application/json - please reconfigure this hook on GitHub",
        ));
    }
    let body = read(body).await.map_err(|error| match error {
        ReadError::TooLarge => refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("the body is larger than {MAX_BODY_BYTES} bytes"),
        ),
        ReadError::Broken(error) => {
            tracing::warn!(delivery.guid = delivery_id, "webhook body could not be read: {error}");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "Failed to read request body")
        }
    })?;
    if let Err(error) = intake.secrets.current(&*intake.clock).verify(&body, signature) {
        return Err(refuse(
            StatusCode::FORBIDDEN,
            &format!("Invalid X-Hub-Signature-256 - {error}"),
        ));
    }
    intake.metrics.webhooks.with_label_values(&[known_event(event)]).inc();
    let kept = KEPT_HEADERS
        .iter()
        .filter(|name| headers.contains_key(**name))
        .map(|name| ((*name).to_owned(), text(name).to_owned()))
        .collect();
    let delivery = NewDelivery {
        delivery_id: delivery_id.to_owned(),
        event: event.to_owned(),
        repository: repository(&body),
        headers: kept,
        body,
        received: intake.clock.now(),
    };
    match intake.deliveries.append(delivery).await {
        Ok(Appended::New(_)) => Ok(()),
        Ok(Appended::Duplicate { id, .. }) => {
            tracing::info!(
                delivery.guid = delivery_id,
                "delivery is in the journal already as number {}; nothing to do",
                id.0
            );
            Ok(())
        }
        Err(error) => {
            tracing::error!(
                delivery.guid = delivery_id,
                "a webhook delivery could not be written to the journal and was refused: {error}"
            );
            Err(refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "the delivery could not be stored; send it again later",
            ))
        }
    }
}

enum ReadError {
    TooLarge,
    Broken(axum::Error),
}

async fn read(body: Body) -> Result<Bytes, ReadError> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ReadError::TooLarge),
        Err(error) => Err(ReadError::Broken(axum::Error::new(error))),
    }
}

/// `org/repo`, or the org, or nothing; for the delivery log only.
fn repository(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Origin {
        repository: Option<Named>,
        organization: Option<Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        #[serde(alias = "login")]
        full_name: Option<String>,
    }
    let Ok(origin) = serde_json::from_slice::<Origin>(body) else { return String::new() };
    let name = |named: Option<Named>| named.and_then(|named| named.full_name);
    name(origin.repository).or_else(|| name(origin.organization)).unwrap_or_default()
}

/// The event as a metric label. Senders choose the header, so words that no
/// code host sends are counted together.
fn known_event(event: &str) -> &str {
    let plausible =
        event.len() <= 64 && event.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if plausible { event } else { "other" }
}
