//! What stands around every page: the bar, banners, a way out.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::{Ago, Icon, prose};
use crate::backend::PageContext;
use crate::islands::{Palette, Settings};
use crate::model::{Banner, Frame as FrameModel, Link, Severity};

/// The sections of the site: address, word.
const SECTIONS: [(&str, &str); 6] = [
    ("/", "Runs"),
    ("/testgrid", "Test grid"),
    ("/coverage", "Coverage"),
    ("/configured-jobs", "Jobs"),
    ("/deliveries", "Webhooks"),
    ("/status", "Status"),
];

/// The drawings that every page refers to; inline, since a state must not wait for a second file.
const SPRITE: &str = include_str!("../../../public/sprite.svg");

/// Bar, banners, the page, footer.
#[component]
pub(crate) fn Frame(children: Children) -> impl IntoView {
    // The list of routes is made without a request, and so without data.
    let frame = use_context::<PageContext>()
        .map(|context| context.backend.frame(&context.viewer))
        .unwrap_or_default();
    let FrameModel { now_ms, banners, data_ms, version, links } = frame;
    let path = use_location().pathname.get_untracked();
    view! {
        <a class="skip" href="#main">"Skip to the content"</a>
        <div hidden inner_html=SPRITE></div>
        <header class="bar">
            <a class="brand" href="/"><Icon name="logo"/>"Bowsprit"</a>
            <button class="menu-button" type="button" popovertarget="sections" aria-label="Sections">
                <Icon name="menu"/>
            </button>
            <nav id="sections" popover="auto" aria-label="Sections">
                <Sections path links/>
            </nav>
            <form class="search" role="search" action="/" method="get">
                <Icon name="search"/>
                <input type="search" name="job" aria-label="Search runs by job name" placeholder="Search or run a command" autocomplete="off"/>
                <kbd aria-hidden="true">"/"</kbd>
            </form>
            <a id="live" class="live" href="/status" data-live="still">
                <span class="dot"></span>
                <span class="live-word">"data"</span>
                {data_ms.map(|ms| view! { <Ago ms now_ms/> })}
            </a>
            <Settings/>
        </header>
        {banners.into_iter().map(|banner| view! { <BannerView banner now_ms/> }).collect_view()}
        <main id="main" tabindex="-1" data-now=now_ms.to_string()>{children()}</main>
        <footer class="foot">
            <span>"Bowsprit " {version}</span>
            <a href="/status">"Status"</a>
            <span class="keys-hint">"Press " <kbd>"?"</kbd> " for the keys"</span>
        </footer>
        <Palette/>
    }
}

/// Links to the sections, the current one marked.
#[component]
fn Sections(path: String, links: Vec<Link>) -> impl IntoView {
    let current = |href: &str| match href {
        "/" => {
            let of_runs = ["/run/", "/view/", "/nodelog/"];
            path == "/" || of_runs.iter().any(|start| path.starts_with(start))
        }
        "/testgrid" => ["/testgrid", "/test"].iter().any(|start| path.starts_with(start)),
        _ => path.starts_with(href),
    };
    let sections = SECTIONS
        .into_iter()
        .map(|(href, word)| {
            view! { <a href=href aria-current=current(href).then_some("true")>{word}</a> }
        })
        .collect_view();
    let links = links
        .into_iter()
        .map(|link| view! { <a href=link.href title=link.title>{link.text}</a> })
        .collect_view();
    view! { {sections} {links} }
}

#[component]
fn BannerView(banner: Banner, now_ms: i64) -> impl IntoView {
    let (class, word) = match banner.severity {
        Severity::Info => ("banner info", "Note"),
        Severity::Warning => ("banner warning", "Warning"),
        Severity::Error => ("banner error", "Error"),
    };
    view! {
        <div class=class role="status">
            <strong>{word}</strong>
            <span>
                {prose(&banner.text)}
                {banner.since_ms.map(|ms| view! { " Since " <Ago ms now_ms/> "." })}
            </span>
            {banner.link.map(|link| view! { <a href=link.href>{link.text}</a> })}
        </div>
    }
}

/// Where the page stands, and its own actions.
#[component]
pub(crate) fn Crumbs(
    /// Text and address of each step above the page.
    steps: Vec<(String, String)>,
) -> impl IntoView {
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <ol>
                {steps
                    .into_iter()
                    .map(|(text, href)| view! { <li><a href=href>{text}</a></li> })
                    .collect_view()}
            </ol>
        </nav>
    }
}
