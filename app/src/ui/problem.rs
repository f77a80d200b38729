//! What a page says when it cannot be shown: what failed, what is still true, what to do.

use leptos::prelude::*;
use leptos_meta::Title;

use super::prose;
use crate::model::{PageError, time};

/// The words for an error, with next steps.
#[component]
pub(crate) fn Problem(error: PageError) -> impl IntoView {
    let (title, message, next) = match error {
        PageError::BadRequest { message } => (
            "This address cannot be read",
            message,
            "Check the address, or start from the list of runs.".to_owned(),
        ),
        PageError::Forbidden { reason } => (
            "Not for you to see",
            reason,
            "If you should have access, ask the people who run this installation.".to_owned(),
        ),
        PageError::NotFound { message } => (
            "Nothing here",
            message,
            "Check the address, or look for it in the list of runs.".to_owned(),
        ),
        PageError::Unavailable { message, since_ms } => (
            "Not available right now",
            message,
            match since_ms {
                Some(ms) => format!(
                    "It has been so since {}. The rest of the site still works; try again in a moment.",
                    time::exact(ms)
                ),
                None => "The rest of the site still works; try again in a moment.".to_owned(),
            },
        ),
        PageError::Internal { reference } => (
            "Something went wrong on the server",
            format!("The cause is in the server's log under `{reference}`."),
            "Try again. If it stays so, tell the people who run this installation the reference."
                .to_owned(),
        ),
    };
    view! {
        <Title text=title/>
        <section class="problem">
            <h1>{title}</h1>
            <p>{prose(&message)}</p>
            <p class="quiet">{next}</p>
            <p><a href="/">"Runs"</a> " · " <a href="/status">"Status of the server"</a></p>
        </section>
    }
}
