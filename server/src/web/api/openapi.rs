//! `/api/v1/openapi.json`: the API's description, made from the handlers.

use axum::Json;
use utoipa::OpenApi;

/// The document; a snapshot of it lies in `server/openapi.json`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bowsprit",
        description = "Runs, their logs and files, and webhook deliveries.",
        license(name = "MIT OR Apache-2.0"),
    ),
    paths(
        super::runs::runs,
        super::stream::stream,
        super::log::lines,
        super::log::stream,
        super::artifacts::artifact,
        super::suggest::suggest,
        super::deliveries::replay,
    ),
    tags(
        (name = "runs", description = "Runs of jobs."),
        (name = "deliveries", description = "Webhook deliveries."),
    ),
)]
pub struct ApiDoc;

/// The document.
pub async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(ApiDoc::openapi())
}
