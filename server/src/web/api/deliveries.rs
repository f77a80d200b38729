//! `/api/v1/deliveries/{id}/replay`: handle a webhook delivery once more.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use store::{DeliveryId, StoreError};
use utoipa::ToSchema;

use super::example;
use crate::web::action::{Wants, audit_target, wants};
use crate::web::cache::CachePolicy;
use crate::web::error::{ErrorDocument, HttpError, HttpResult};
use crate::web::permission::{Caller, Permission};
use crate::web::state::{SharedWeb, Web};

/// A delivery that will be handled again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// Its number in the journal.
    pub id: i64,
}

/// Makes a handled or failed delivery pending again.
#[utoipa::path(
    post,
    path = "/api/v1/deliveries/{id}/replay",
    tag = "deliveries",
    params(("id" = i64, Path, description = "the delivery's number in the journal")),
    responses(
        (status = 200, description = "It will be handled again.", body = Replayed, example = json!(example::replayed())),
        (status = 303, description = "The same, for a browser (`Accept: text/html`): leads to the delivery's page."),
        (status = 403, description = "Not allowed (the message says why).", body = ErrorDocument, example = json!(example::not_allowed())),
        (status = 404, description = "No such delivery.", body = ErrorDocument, example = json!(example::no_delivery())),
        (status = 409, description = "Still pending, or its body is no longer kept.", body = ErrorDocument, example = json!(example::still_pending())),
        (status = 503, description = "The journal does not answer.", body = ErrorDocument, example = json!(example::journal_away())),
    ),
)]
pub async fn replay(
    State(web): State<SharedWeb>,
    Path(id): Path<i64>,
    caller: Caller,
    headers: HeaderMap,
) -> HttpResult<Response> {
    let wants = wants(&headers);
    let answer = try_replay(&web, id, &caller).await;
    let result = match &answer {
        Ok(()) => "done".to_owned(),
        Err(error) => format!("refused: {error}"),
    };
    audit_target(&web, &caller, "replay", &id.to_string(), &result, "").await;
    match answer {
        Ok(()) if wants == Wants::Page => {
            let page = format!("/deliveries/{id}");
            Ok((StatusCode::SEE_OTHER, CachePolicy::NoStore, [(header::LOCATION, page)])
                .into_response())
        }
        Ok(()) => Ok((CachePolicy::NoStore, Json(Replayed { id })).into_response()),
        Err(error) if wants == Wants::Text => Err(error),
        Err(error) => Err(error.json()),
    }
}

async fn try_replay(web: &Web, id: i64, caller: &Caller) -> HttpResult<()> {
    if let Permission::Denied { reason } = web.may_operate(caller) {
        return Err(HttpError::forbidden(reason));
    }
    let missing = || HttpError::not_found(format!("There is no delivery number {id}."));
    let deliveries = web.store.as_ref().ok_or_else(missing)?.deliveries();
    let unavailable =
        |error: StoreError| HttpError::unavailable("The journal does not answer.").caused_by(error);
    let delivery = deliveries.get(DeliveryId(id)).await.map_err(unavailable)?;
    delivery.filter(|delivery| web.shows_repo(&delivery.repository)).ok_or_else(missing)?;
    match deliveries.replay(DeliveryId(id)).await {
        Ok(_) => Ok(()),
        Err(StoreError::NotFound { .. }) => Err(missing()),
        Err(StoreError::Conflict { .. }) => Err(HttpError::conflict(
            "The delivery is still pending, or its body is no longer kept, so it cannot be replayed.",
        )),
        Err(error) => Err(unavailable(error)),
    }
}
