//! Which plugins a configuration may enable.

use config_load::LoadOptions;
use server::plugins::registry::{built_in_names, prow_names};
use tests::data::corpus;
use tests::world::Setup;

#[tokio::test]
async fn plugins_of_prows_that_are_not_built_in_are_told_on_the_status_page_and_stop_nothing() {
    let plugins = "plugins: {org/repo: {plugins: [trigger, yuks]}, other: {plugins: [yuks]}}\n";
    let world = Setup::default().plugins(plugins).start().await;
    let page = world.get("/status").await.expect(200).text();
    assert_eq!(page.matches("the plugin yuks is not built in").count(), 1, "{page}");
    assert!(!page.contains("the plugin trigger"), "{page}");
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn a_large_real_configuration_enables_no_plugin_that_is_unknown() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: BOWSPRIT_CORPUS names no folder");
        return;
    };
    let options = LoadOptions {
        known_plugins: Some(prow_names()),
        built_in_plugins: Some(built_in_names()),
        ..LoadOptions::new(corpus.join("prow/config.yaml"))
            .with_plugins(corpus.join("prow/plugins.yaml"))
    };
    let loaded = config_load::load_plugins(&options).expect("a configuration that Prow accepts");
    let missing: Vec<&str> = loaded
        .warnings
        .iter()
        .filter_map(|found| found.message.strip_prefix("the plugin ")?.split(' ').next())
        .collect();
    assert!(missing.contains(&"lgtm") && !missing.contains(&"trigger"), "{missing:?}");
    let mut once = missing.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), missing.len(), "each is told once");
}
