//! The HTML document around every page: head, theme before the first paint, scripts.

use http::{HeaderValue, header};
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::MetaTags;

use crate::routes::App;

/// Addresses of the built files, from the root of the site.
///
/// The site build writes them to `pkg/assets.txt`, one `name=address` per line. The addresses hold
/// the hash of the content, so everything under `/pkg/` may be cached for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets {
    /// The script that loads the islands.
    pub js: String,
    /// The islands.
    pub wasm: String,
    /// The style sheet.
    pub css: String,
}

impl Assets {
    /// Reads the list that the site build wrote. The error names what is missing and what to do.
    pub fn parse(list: &str) -> Result<Assets, String> {
        let find = |name: &str| {
            list.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .map(|address| address.trim().to_owned())
                .ok_or_else(|| {
                    format!("the list of built files has no `{name}=`; build the site again with `make site`")
                })
        };
        Ok(Assets { js: find("js")?, wasm: find("wasm")?, css: find("css")? })
    }
}

/// Applies the reader's theme before anything is painted, and tells the style sheet that script runs.
///
/// It stands in the head as it is, so it has to be short; settings are written by the settings island.
const BEFORE_PAINT: &str = "(d=>{d.classList.add('js');try{for(const k of['theme','time','wrap','times']){\
const v=localStorage.getItem(k);if(v)d.dataset[k]=v}}catch{}})(document.documentElement)";

/// The whole document. The server gives this to `leptos_axum` as the application.
///
/// Expects a [`crate::backend::PageContext`] in the context of the request.
pub fn shell(assets: Assets) -> impl IntoView {
    let nonce = use_nonce();
    if let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), &nonce)
        && let Ok(policy) = HeaderValue::from_str(&content_security_policy(nonce))
    {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    let start = start(&assets);
    provide_context(assets.clone());
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="stylesheet" href=assets.css/>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                <script nonce=nonce.clone()>{BEFORE_PAINT}</script>
                <link rel="modulepreload" href=assets.js nonce=nonce.clone()/>
                <link rel="preload" href=assets.wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
                <script type="module" r#async nonce=nonce>{start}</script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Loads the islands while the page still arrives, and starts them when it is whole. Where that fails, the
/// page becomes what it is without script.
fn start(assets: &Assets) -> String {
    format!(
        "const load=async()=>{{const islands=await import({js:?});\
         await islands.default({{module_or_path:{wasm:?}}});return islands}};\
         const islands=await load().catch(error=>\
         {{document.documentElement.classList.remove('js');throw error}});\
         if(document.readyState==='loading')\
         await new Promise(go=>document.addEventListener('DOMContentLoaded',go));\
         islands.hydrate();\
         for(const island of document.querySelectorAll('leptos-island'))\
         islands[island.dataset.component]?.(island)",
        js = assets.js,
        wasm = assets.wasm,
    )
}

/// What a page may load: its own files, nothing inline without the nonce, nothing from elsewhere.
pub fn content_security_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
         frame-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_built_files_is_read() {
        let list = "js=/pkg/a.1.js\nwasm=/pkg/a.1.wasm\ncss=/pkg/a.2.css\n";
        let assets = Assets::parse(list).expect("a whole list");
        assert_eq!(assets.css, "/pkg/a.2.css");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Assets::parse("js=/pkg/a.js").expect_err("no wasm");
        assert!(error.contains("`wasm=`"), "{error}");
    }
}
