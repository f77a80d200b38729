//! Plugins in other processes: they get the delivery as we got it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use config_load::PluginConfig;
use config_load::plugin_config::ExternalPlugin;
use futures::future::join_all;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::redirect::Policy;

use crate::plugins::help::PluginHelp;
use crate::plugins::{Failure, RetryClass};

/// How long an external plugin may take to answer a delivery. Prow waits for ever.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long all external plugins together may take to describe themselves.
pub const HELP_BUDGET: Duration = Duration::from_secs(1);
/// The largest description that is read.
const HELP_BYTES: usize = 1 << 20;
/// Headers that belong to the connection and not to the delivery.
const HOP_HEADERS: [&str; 5] =
    ["host", "content-length", "connection", "transfer-encoding", "user-agent"];

/// The client for external plugins.
#[derive(Clone)]
pub struct External {
    client: reqwest::Client,
}

impl External {
    /// A client with its limits.
    pub fn new() -> anyhow::Result<External> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .build()
            .context("the HTTP client for external plugins could not be made")?;
        Ok(External { client })
    }

    /// Posts the delivery again: the same body and headers, so that the plugin can check the
    /// signature itself. An answer of 5xx, 408 or 429 and a failing connection are worth
    /// repeating, other refusals are not.
    pub(super) async fn deliver(
        &self,
        plugin: &ExternalPlugin,
        headers: &[(String, String)],
        body: Bytes,
    ) -> anyhow::Result<()> {
        let url = endpoint(plugin);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) else { continue };
            if !HOP_HEADERS.contains(&name.as_str()) {
                map.append(name, value);
            }
        }
        map.insert(USER_AGENT, HeaderValue::from_static("ProwHook"));
        let answer = self
            .client
            .post(&url)
            .headers(map)
            .body(body)
            .send()
            .await
            .with_context(|| format!("{url} could not be reached"))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
            bail!("{url} answered {status}");
        }
        Err(RetryClass(Failure::Permanent, format!("{url} answered {status}")).into())
    }

    /// What the configured external plugins say of themselves; those that do not answer in time
    /// are left out.
    pub async fn help(
        &self,
        config: &PluginConfig,
        repos: &BTreeMap<String, Vec<String>>,
    ) -> BTreeMap<String, PluginHelp> {
        let mut plugins: BTreeMap<&str, &ExternalPlugin> = BTreeMap::new();
        for plugin in config.external_plugins.values().flatten() {
            plugins.entry(&plugin.name).or_insert(plugin);
        }
        let asked = plugins.into_iter().map(|(name, plugin)| async move {
            let enabled: Vec<&String> = repos
                .iter()
                .filter(|(_, names)| names.iter().any(|one| one == name))
                .map(|(repo, _)| repo)
                .collect();
            let help = tokio::time::timeout(HELP_BUDGET, self.ask(plugin, &enabled)).await;
            match help {
                Ok(Ok(help)) => Some((name.to_owned(), help)),
                Ok(Err(error)) => {
                    tracing::debug!(plugin = name, "no help: {error:#}");
                    None
                }
                Err(_) => None,
            }
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn ask(&self, plugin: &ExternalPlugin, repos: &[&String]) -> anyhow::Result<PluginHelp> {
        let url = format!("{}/help", endpoint(plugin).trim_end_matches('/'));
        let mut answer = self.client.post(&url).json(repos).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            body.extend_from_slice(&piece);
            if body.len() > HELP_BYTES {
                bail!("{url} answered with more than {HELP_BYTES} bytes");
            }
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

fn endpoint(plugin: &ExternalPlugin) -> String {
    if plugin.endpoint.is_empty() {
        format!("http://{}", plugin.name)
    } else {
        plugin.endpoint.clone()
    }
}
