//! Any address that no page answers to.

use leptos::prelude::*;

use crate::model::PageError;
use crate::ui::{Problem, answer_with};

/// The page for an unknown address, with status 404.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    let error =
        PageError::NotFound { message: "No page of this site has this address.".to_owned() };
    answer_with(&error);
    view! { <Problem error/> }
}
