//! `/plugin-help` as hook answers it and `/plugin-help.js` as Deck does: the
//! commands of the plugins, and which repositories have them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use config_load::PluginConfig;
use go_compat::time::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::listings::frame;
use crate::components::hook::{self, External};
use crate::plugins::help::Help;
use crate::web::cache::CachePolicy;
use crate::web::error::{HttpError, HttpResult};
use crate::web::state::{SharedWeb, Web};
use crate::web::visibility::Visibility;

/// So long the answers of external plugins are kept, as Deck keeps hook's.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// The help of the plugins, asked for at most once a minute while the plugin
/// configuration stays the same.
pub struct KeptHelp {
    external: External,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    at: Timestamp,
    config: Arc<PluginConfig>,
    help: Arc<Help>,
}

impl KeptHelp {
    /// Asks plugins of other processes by way of `external`.
    pub fn new(external: External) -> Self {
        Self { external, kept: Mutex::new(None) }
    }

    async fn get(&self, web: &Web) -> Arc<Help> {
        // Held while plugins are asked, so that a crowd asks once.
        let mut kept = self.kept.lock().await;
        let (now, config) = (web.clock.now(), web.config.plugins());
        if let Some(kept) = &*kept
            && now < kept.at.saturating_add(KEPT_FOR)
            && Arc::ptr_eq(&kept.config, &config)
        {
            return kept.help.clone();
        }
        let help = Arc::new(hook::plugin_help(&web.config, &self.external).await);
        *kept = Some(Kept { at: now, config, help: help.clone() });
        help
    }
}

/// The parameter.
#[derive(Debug, Deserialize)]
pub struct Parameters {
    /// A script variable to assign the help to.
    #[serde(default)]
    pub var: String,
}

/// `/plugin-help`
pub async fn plugin_help(State(web): State<SharedWeb>) -> Response {
    (CachePolicy::NoStore, Json(shown(&web).await)).into_response()
}

/// `/plugin-help.js`
pub async fn plugin_help_js(
    State(web): State<SharedWeb>,
    Query(Parameters { var }): Query<Parameters>,
) -> HttpResult<Response> {
    let (prefix, suffix, content_type): (String, &str, HeaderValue) = frame(&var)?;
    let help = serde_json::to_string(&shown(&web).await).map_err(HttpError::internal)?;
    let text = format!("{prefix}{help}{suffix}");
    Ok((CachePolicy::NoStore, [(header::CONTENT_TYPE, content_type)], text).into_response())
}

/// The help without the repositories that this process does not show.
async fn shown(web: &Web) -> Help {
    let mut help = Help::clone(&*web.plugin_help.get(web).await);
    let visibility: Visibility = web.visibility();
    let shows = |repo: &str| !visibility.conceals(repo);
    help.all_repos.retain(|repo| shows(repo));
    help.repo_plugins.retain(|repo, _| shows(repo));
    help.repo_external_plugins.retain(|repo, _| shows(repo));
    let plugins = help.plugin_help.values_mut().chain(help.external_plugin_help.values_mut());
    for plugin in plugins {
        plugin.config.retain(|repo, _| shows(repo));
    }
    help
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use serde_json::Value;

    use crate::web::site::Site;
    use crate::web::testing::{answer, get, served};

    const CONFIG: &str = "deck: {hidden_repos: [org/secret]}\n";
    const PLUGINS: &str = "\
plugins:
  org/repo: {plugins: [trigger]}
  org/secret: {plugins: [trigger]}
external_plugins:
  org/repo: [{name: elsewhere, endpoint: 'http://127.0.0.1:9'}]
";

    #[tokio::test]
    async fn both_addresses_tell_the_commands_and_who_has_them() {
        let (_, router) = served(CONFIG, Some(PLUGINS), &[], &Site::default());
        let (status, headers, body) = get(&router, "/plugin-help").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers["cache-control"], "no-store, must-revalidate");
        let help: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(help["RepoPlugins"]["org/repo"], serde_json::json!(["trigger"]));
        assert_eq!(help["RepoExternalPlugins"]["org/repo"], serde_json::json!(["elsewhere"]));
        let usages = help["PluginHelp"]["trigger"]["Commands"].as_array().unwrap();
        assert!(usages.iter().any(|c| c["Usage"].as_str().unwrap().contains("/retest")), "{body}");
        // A plugin that does not answer is left out.
        assert_eq!(help["ExternalPluginHelp"], serde_json::json!({}));

        let (status, headers, script) = get(&router, "/plugin-help.js?var=allHelp").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers["content-type"], "application/javascript");
        assert_eq!(script, format!("var allHelp = {body};"));
        let (_, headers, plain) = get(&router, "/plugin-help.js").await;
        assert_eq!((headers["content-type"].to_str().unwrap(), plain), ("application/json", body));
    }

    #[tokio::test]
    async fn a_hidden_repository_is_not_told() {
        let (_, router) = served(CONFIG, Some(PLUGINS), &[], &Site::default());
        for address in ["/plugin-help", "/plugin-help.js"] {
            let (_, _, body) = get(&router, address).await;
            assert!(!body.contains("secret"), "{body}");
        }
    }

    #[tokio::test]
    async fn other_methods_and_bad_variables_are_refused() {
        let (_, router) = served("{}", None, &[], &Site::default());
        let post = Request::post("/plugin-help").body(Body::empty()).unwrap();
        let (status, _, _) = answer(&router, post).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        let (status, _, _) = get(&router, "/plugin-help.js?var=alert(1)").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}
