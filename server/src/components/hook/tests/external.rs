//! Plugins in other processes, played by a socket.

use std::time::Duration;

use super::*;
use crate::components::fakes::service;

fn configured(url: &str, events: &str) -> String {
    format!(
        "external_plugins: {{org/repo: [{{name: needs-rebase, endpoint: '{url}', events: [{events}]}}]}}\n"
    )
}

#[tokio::test]
async fn an_external_plugin_gets_body_and_headers_as_they_came() {
    let (url, asked) = service(&["200 OK"], "").await;
    let world = world(&configured(&url, "pull_request")).await;
    let id = world.pull("g1", 1, "x").await;
    let push = world
        .deliver("g2", "push", r#"{"repository":{"name":"repo","owner":{"login":"org"}}}"#)
        .await;
    sync_once(&world.deps).await.unwrap();
    assert_eq!(
        world.status(id).await,
        (DeliveryStatus::Handled, "external:needs-rebase: delivered".to_owned())
    );
    assert_eq!(world.status(push).await.1, "nothing to do", "it did not ask for pushes");
    let asked = asked.lock();
    assert_eq!(asked.len(), 1);
    let (head, body) = asked[0].split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    assert!(head.starts_with("post / http/1.1"), "{head}");
    for line in [
        "x-github-event: pull_request",
        "x-github-delivery: g1",
        "x-hub-signature-256: sha256=abc",
        "user-agent: prowhook",
    ] {
        assert!(head.contains(line), "{line}\n{head}");
    }
    assert!(!head.contains("hook.example"));
    let sent: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(sent["pull_request"]["title"], "x");
}

#[tokio::test]
async fn a_failing_answer_is_repeated_and_a_refusal_is_not() {
    let (url, asked) = service(&["503 Busy", "200 OK"], "").await;
    let world = world(&configured(&url, "")).await;
    let id = world.pull("g1", 1, "x").await;
    sync_once(&world.deps).await.unwrap();
    assert_eq!(world.status(id).await.0, DeliveryStatus::Pending);
    world.clock.advance(Duration::from_secs(1));
    sync_once(&world.deps).await.unwrap();
    assert_eq!(world.status(id).await.0, DeliveryStatus::Handled);
    assert_eq!(asked.lock().len(), 2);

    let (url, asked) = service(&["403 Forbidden"], "").await;
    let world = super::world(&configured(&url, "")).await;
    let id = world.pull("g1", 1, "x").await;
    sync_once(&world.deps).await.unwrap();
    let (status, note) = world.status(id).await;
    assert_eq!(status, DeliveryStatus::Failed);
    assert!(note.contains("external:needs-rebase") && note.contains("403"), "{note}");
    assert_eq!(asked.lock().len(), 1);
}

#[tokio::test]
async fn help_is_collected_from_all_that_answer() {
    let (url, asked) =
        service(&["200 OK"], r#"{"Description":"Rebases.","Commands":[{"Usage":"/rebase"}]}"#)
            .await;
    let plugins = format!(
        "plugins: {{org/repo: {{plugins: [trigger]}}}}\n\
         external_plugins: {{org/repo: [{{name: needs-rebase, endpoint: '{url}'}}, \
         {{name: gone, endpoint: 'http://127.0.0.1:1'}}]}}\n"
    );
    let config = fakes::config("", "", &plugins);
    let help = plugin_help(&config, &External::new().unwrap()).await;
    assert_eq!(help.external_plugin_help.keys().collect::<Vec<_>>(), ["needs-rebase"]);
    assert_eq!(help.external_plugin_help["needs-rebase"].description, "Rebases.");
    assert_eq!(help.repo_plugins["org/repo"], ["trigger"]);
    assert_eq!(help.repo_external_plugins["org/repo"], ["needs-rebase", "gone"]);
    assert_eq!(help.all_repos, ["org/repo"]);
    assert!(help.plugin_help["trigger"].config["org/repo"].contains("\"org\""));
    assert!(asked.lock()[0].starts_with("POST /help "));
}

#[tokio::test]
async fn a_repository_that_is_left_to_others_reaches_external_plugins_only() {
    let (url, asked) = service(&["200 OK"], "").await;
    let mut world = world(&format!("{ONE}{}", configured(&url, ""))).await;
    world.deps.enablement.disabled_orgs.insert("org".to_owned());
    let id = world.pull("g1", 1, "fail").await;
    sync_once(&world.deps).await.unwrap();
    let expected = (DeliveryStatus::Handled, "external:needs-rebase: delivered".to_owned());
    assert_eq!(world.status(id).await, expected);
    assert_eq!(asked.lock().len(), 1);
}
