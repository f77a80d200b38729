//! Theme and time zone, kept in this browser.

use leptos::prelude::*;

/// The themes: word, and value in the page's root.
const THEMES: [(&str, Option<&str>); 4] = [
    ("System", None),
    ("Light", Some("light")),
    ("Dark", Some("dark")),
    ("High contrast", Some("contrast")),
];

/// The menu behind the half-filled disc.
#[island]
pub fn Settings() -> impl IntoView {
    let theme = RwSignal::new(None::<String>);
    let local = RwSignal::new(false);
    #[cfg(feature = "hydrate")]
    Effect::new(move || {
        theme.set(super::dom::setting("theme"));
        local.set(super::times::is_local());
        super::times::start();
    });
    let choose_theme = move |value: Option<&'static str>| {
        theme.set(value.map(str::to_owned));
        #[cfg(feature = "hydrate")]
        super::dom::choose("theme", value);
    };
    let choose_time = move |to_local: bool| {
        local.set(to_local);
        #[cfg(feature = "hydrate")]
        super::times::show_local(to_local);
    };
    let themes = THEMES
        .into_iter()
        .map(|(word, value)| {
            let pressed = move || (theme.get().as_deref() == value).to_string();
            view! {
                <button type="button" aria-pressed=pressed on:click=move |_| choose_theme(value)>
                    {word}
                </button>
            }
        })
        .collect_view();
    let times = [("UTC", false), ("Local", true)]
        .map(|(word, value)| {
            let pressed = move || (local.get() == value).to_string();
            view! {
                <button type="button" aria-pressed=pressed on:click=move |_| choose_time(value)>
                    {word}
                </button>
            }
        })
        .collect_view();
    view! {
        <details class="menu settings with-script">
            <summary aria-label="Display settings" title="Display settings">
                <svg class="i" aria-hidden="true"><use href="#i-theme"></use></svg>
            </summary>
            <div class="panel">
                <div role="group" aria-labelledby="theme-legend">
                    <p class="legend" id="theme-legend">"Theme"</p>
                    <div class="choices">{themes}</div>
                </div>
                <div role="group" aria-labelledby="time-legend">
                    <p class="legend" id="time-legend">"Exact times in"</p>
                    <div class="choices">{times}</div>
                </div>
            </div>
        </details>
    }
}
