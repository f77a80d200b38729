//! What the process answers over HTTP, one file per address or concern.

mod api;
mod deliveries;
mod headers;
mod hook;
mod operation;
mod permission;
mod prow;
mod streams;
mod visibility;

use http::Method;

/// Every address of the router, with values that lead nowhere in their places.
const ROUTES: &[(Method, &str)] = &[
    (Method::GET, "/"),
    (Method::GET, "/run/nobody"),
    (Method::GET, "/view/file/bucket/logs/job/1"),
    (Method::GET, "/view/prowjob/job/1"),
    (Method::GET, "/configured-jobs"),
    (Method::GET, "/configured-jobs/"),
    (Method::GET, "/configured-jobs/org"),
    (Method::GET, "/configured-jobs/org/repo"),
    (Method::GET, "/deliveries"),
    (Method::GET, "/deliveries/99"),
    (Method::GET, "/status"),
    (Method::GET, "/prowjobs.js"),
    (Method::GET, "/data.js"),
    (Method::GET, "/prowjob?prowjob=nobody"),
    (Method::GET, "/log?job=job&id=1"),
    (Method::GET, "/rerun?prowjob=nobody"),
    (Method::POST, "/rerun?prowjob=nobody"),
    (Method::POST, "/abort?prowjob=nobody"),
    (Method::GET, "/config"),
    (Method::GET, "/plugin-config"),
    (Method::GET, "/badge.svg?jobs=*"),
    (Method::GET, "/plugin-help"),
    (Method::GET, "/plugin-help.js"),
    (Method::GET, "/job-history/gs/bucket/logs/job"),
    (Method::GET, "/pr-history/?org=org&repo=repo&pr=1"),
    (Method::GET, "/api/v1/runs"),
    (Method::POST, "/api/v1/runs"),
    (Method::GET, "/api/v1/runs/nobody/log"),
    (Method::GET, "/api/v1/runs/nobody/log/stream"),
    (Method::GET, "/api/v1/runs/nobody/artifacts/a.txt"),
    (Method::GET, "/api/v1/suggest?q=a"),
    (Method::POST, "/api/v1/deliveries/99/replay"),
    (Method::GET, "/api/v1/openapi.json"),
    (Method::GET, "/healthz"),
    (Method::GET, "/healthz/ready"),
    (Method::GET, "/metrics"),
    (Method::GET, "/pkg/bowsprit.1.js"),
    (Method::POST, "/hook"),
    (Method::GET, "/no/such/page"),
];
