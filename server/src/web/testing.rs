//! The web side over a configuration and ProwJobs of a test.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use clap::Parser;
use clock::SettableClock;
use go_compat::time::Timestamp;
use job_spec::ProwJob;
use tower::ServiceExt;

use super::site::Site;
use super::state::{Settings, SharedWeb};
use crate::options::{ConfigOptions, DataOptions};
use crate::pregenerated::FixedCluster;
use crate::process::pages_over;
use crate::runs::run::Run;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    data: DataOptions,
}

/// What handlers work with: this config.yaml, and these ProwJobs as JSON.
pub(super) fn pages(config: &str, jobs: &[serde_json::Value]) -> SharedWeb {
    served(config, None, jobs, &Site::default()).0
}

/// The same with a plugins.yaml, a site, and all routes.
pub(super) fn served(
    config: &str,
    plugins: Option<&str>,
    jobs: &[serde_json::Value],
    site: &Site,
) -> (SharedWeb, Router) {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let flag = |name: &str, path: PathBuf| format!("--{name}={}", path.display());
    let mut line = vec![
        "test".to_owned(),
        flag("config-path", place("config.yaml", config)),
        flag("data-dir", folder.path().join("data")),
    ];
    line.extend(plugins.map(|text| flag("plugin-config", place("plugins.yaml", text))));
    let Line { config, data } = Line::parse_from(line);
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": jobs});
    place("prowjobs.json", &list.to_string());
    let cluster = FixedCluster::read(folder.path()).unwrap();
    let clock =
        Arc::new(SettableClock::new(Timestamp::parse_rfc3339("2026-11-21T06:00:00Z").unwrap()));
    let settings = Settings::default();
    let (web, router) =
        pages_over(Arc::new(cluster), clock, &config, &data, settings, site).unwrap();
    web.runs.put(jobs.iter().map(|job| {
        let job: ProwJob = serde_json::from_value(job.clone()).unwrap();
        Run::of(&Arc::new(job), None, &web.runs.strings)
    }));
    (web, router)
}

/// Status, headers and text of the answer to a request.
pub(super) async fn answer(
    router: &Router,
    request: Request<Body>,
) -> (StatusCode, HeaderMap, String) {
    let answer = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, String::from_utf8_lossy(&bytes).into_owned())
}

/// The answer to a GET.
pub(super) async fn get(router: &Router, uri: &str) -> (StatusCode, HeaderMap, String) {
    let host = "ci.example.com";
    let request = Request::builder().uri(uri).header("host", host).body(Body::empty());
    answer(router, request.unwrap()).await
}
