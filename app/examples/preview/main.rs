//! Every page over made-up data, without a server behind it.
//!
//! `cargo run -p app --example preview --features ssr -- [ADDR] [SITE_ROOT]` serves the pages on
//! 127.0.0.1:8090 with the files that `make site` has built. Meant for work on looks.

mod coverage;
mod data;
mod grid;
mod histories;
mod log;

use std::sync::Arc;

use app::backend::PageContext;
use app::model::Viewer;
use app::{App, Assets, shell};
use axum::Router;
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};
use tower_http::services::ServeDir;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let site = arguments.next().unwrap_or_else(|| "target/site".to_owned());
    let list = std::fs::read_to_string(format!("{site}/pkg/assets.txt"))?;
    let assets = Assets::parse(&list)?;

    let page = PageContext {
        backend: Arc::new(data::Preview),
        viewer: Viewer { login: None, local: true },
    };
    let context = move || provide_context(page.clone());
    let document = move || shell(assets.clone());
    let options = LeptosOptions::builder().output_name("bowsprit").site_root(site.clone()).build();
    let router = Router::new()
        .merge(data::api())
        .merge(grid::api())
        .nest_service("/pkg", ServeDir::new(format!("{site}/pkg")))
        .route_service(
            "/favicon.svg",
            tower_http::services::ServeFile::new(format!("{site}/favicon.svg")),
        )
        .leptos_routes_with_context(
            &options,
            generate_route_list(App),
            context.clone(),
            document.clone(),
        )
        .fallback(render_app_async_with_context(context, document))
        .with_state(options);
    let listener = tokio::net::TcpListener::bind(&address).await?;
    axum::serve(listener, router).await?;
    Ok(())
}
