//! How a page waits for its model, and what it shows when there is none.

use std::future::Future;

use http::{HeaderValue, StatusCode, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use super::Problem;
use crate::backend::PageContext;
use crate::model::PageError;

/// Awaits the model and lays it out, or answers with the error's words and status code.
pub(crate) fn load<Model, Fetch, Page>(
    fetch: impl FnOnce(PageContext) -> Fetch,
    page: impl FnOnce(Model) -> Page + Send + 'static,
) -> impl IntoView
where
    Model: Send + 'static,
    Fetch: Future<Output = Result<Model, PageError>> + Send + 'static,
    Page: IntoView + 'static,
{
    let fetched = fetch(expect_context::<PageContext>());
    Suspend::new(async move {
        match fetched.await {
            Ok(model) => page(model).into_any(),
            Err(error) => {
                answer_with(&error);
                view! { <Problem error/> }.into_any()
            }
        }
    })
}

/// Gives the response the status code of the error; possible because every page is whole before
/// its first byte leaves.
pub(crate) fn answer_with(error: &PageError) {
    let Some(response) = use_context::<ResponseOptions>() else {
        return;
    };
    if let Ok(status) = StatusCode::from_u16(error.status()) {
        response.set_status(status);
    }
    if matches!(error, PageError::Unavailable { .. }) {
        response.insert_header(header::RETRY_AFTER, HeaderValue::from_static("10"));
    }
    response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
