//! `/plugin-help` where plugins of other processes answer too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::Request;
use tests::world::{Setup, World};
use tower::ServiceExt;

/// A plugin of another process that says what it does, and how often it was asked.
async fn external_plugin() -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let help = move || async move {
        count.fetch_add(1, Ordering::Relaxed);
        r#"{"Description": "Rebases.", "Commands": [{"Usage": "/rebase"}]}"#
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(
        async move { axum::serve(listener, Router::new().route("/help", post(help))).await },
    );
    (address, asked)
}

async fn described(world: &World, address: &str) -> String {
    let help = world.get(address).await.expect(200).json();
    let one = &help["ExternalPluginHelp"]["rebaser"];
    one["Description"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn plugins_of_other_processes_are_asked_at_most_once_a_minute() {
    let (endpoint, asked) = external_plugin().await;
    let plugins = format!(
        "plugins: {{org/repo: {{plugins: [trigger]}}}}\n\
         external_plugins: {{org/repo: [{{name: rebaser, endpoint: '{endpoint}'}}]}}\n"
    );
    let world = Setup::default().plugins(plugins).start().await;
    assert_eq!(described(&world, "/plugin-help").await, "Rebases.");
    assert_eq!(described(&world, "/plugin-help.js").await, "Rebases.");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(described(&world, "/plugin-help").await, "Rebases.");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn the_address_for_webhooks_alone_serves_what_prows_hook_serves() {
    let world = World::new().await;
    let router = &world.process.hook_router;
    for (path, status) in [("/", 200), ("/plugin-help", 200), ("/hook", 405), ("/status", 404)] {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
}
