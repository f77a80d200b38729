//! What the process answers over HTTP, one file per address or concern.

mod api;
mod bad_bucket;
mod browse;
mod coverage;
mod deliveries;
mod headers;
mod hidden_artifacts;
mod histories;
mod hook;
mod injection;
mod lens;
mod links;
mod logs;
mod node_log;
mod operation;
mod permission;
mod preview;
mod prow;
mod references;
mod run_page;
mod streams;
mod visibility;

use http::Method;
use regex::Regex;

/// Every address of the router, with values that lead nowhere in their places.
const ROUTES: &[(Method, &str)] = &[
    (Method::GET, "/"),
    (Method::GET, "/run/nobody"),
    (Method::GET, "/view/file/bucket/logs/job/1"),
    (Method::GET, "/view/prowjob/job/1"),
    (Method::GET, "/nodelog/file/bucket/logs/job/1?pod=a"),
    (Method::GET, "/build/bucket/logs/job/1/nodelog?pod=a"),
    (Method::GET, "/job-history"),
    (Method::GET, "/job-history/"),
    (Method::GET, "/job-history/file/bucket/logs/job"),
    (Method::GET, "/job-history-chart/file/bucket/logs/job?of=rates"),
    (Method::GET, "/pr-history?org=org&repo=repo&pr=1"),
    (Method::GET, "/pr-history/?org=org&repo=repo&pr=1"),
    (Method::GET, "/compare?new=nobody"),
    (Method::GET, "/gcs/bucket"),
    (Method::GET, "/s3/bucket"),
    (Method::GET, "/file/bucket/folder/"),
    (Method::GET, "/build/bucket/logs/job/1"),
    (Method::GET, "/builds/bucket/logs/job"),
    (Method::GET, "/jobs/bucket/logs"),
    (Method::GET, "/pr/org/repo/1"),
    (Method::GET, "/alerts"),
    (Method::GET, "/tests?q=no"),
    (Method::GET, "/test?name=nothing"),
    (Method::GET, "/testgrid"),
    (Method::GET, "/testgrid/"),
    (Method::GET, "/testgrid/no-such-dashboard"),
    (Method::GET, "/testgrid/no-such-dashboard/tab"),
    (Method::GET, "/testgrid/no-such-dashboard/tab/graph?row=a"),
    (Method::GET, "/testgrid/no-such-dashboard/tab/graph.svg?row=a"),
    (Method::GET, "/coverage"),
    (Method::GET, "/coverage/"),
    (Method::GET, "/coverage/job"),
    (Method::GET, "/coverage/job/file?profile=1&name=a"),
    (Method::GET, "/coverage/job/compare?new=1&old=2"),
    (Method::GET, "/coverage/job/trend.svg"),
    (Method::GET, "/coverage/job/tree.svg"),
    (Method::GET, "/configured-jobs"),
    (Method::GET, "/configured-jobs/"),
    (Method::GET, "/configured-jobs/org"),
    (Method::GET, "/configured-jobs/org/repo"),
    (Method::GET, "/deliveries"),
    (Method::GET, "/deliveries/99"),
    (Method::GET, "/status"),
    (Method::GET, "/spyglass/lens/html/iframe?req=%7B%7D"),
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
    (Method::GET, "/api/v1/runs"),
    (Method::POST, "/api/v1/runs"),
    (Method::GET, "/api/v1/runs/nobody/log"),
    (Method::GET, "/api/v1/runs/nobody/log/search?q=a"),
    (Method::GET, "/api/v1/runs/nobody/log/folds"),
    (Method::GET, "/api/v1/runs/nobody/pins"),
    (Method::POST, "/api/v1/runs/nobody/pins"),
    (Method::POST, "/api/v1/runs/nobody/pins/1/remove"),
    (Method::GET, "/api/v1/runs/nobody/log/stream"),
    (Method::GET, "/api/v1/runs/nobody/references"),
    (Method::GET, "/api/v1/runs/nobody/tests"),
    (Method::GET, "/api/v1/runs/nobody/artifacts/a.txt"),
    (Method::GET, "/api/v1/runs/compare?new=nobody"),
    (Method::GET, "/api/v1/job-history/file/bucket/logs/job"),
    (Method::GET, "/api/v1/pr-history?org=org&repo=repo&pr=1"),
    (Method::GET, "/api/v1/suggest?q=a"),
    (Method::POST, "/api/v1/deliveries/99/replay"),
    (Method::GET, "/api/v1/coverage"),
    (Method::GET, "/api/v1/coverage/job"),
    (Method::GET, "/api/v1/coverage/job/file?profile=1&name=a"),
    (Method::GET, "/api/v1/coverage/job/compare?new=1&old=2"),
    (Method::GET, "/api/v1/coverage/job/table?new=1&old=2"),
    (Method::GET, "/api/v1/coverage/job/profile?profile=1"),
    (Method::GET, "/api/v1/dashboards"),
    (Method::GET, "/api/v1/dashboards/d"),
    (Method::GET, "/api/v1/dashboards/d/summary"),
    (Method::GET, "/api/v1/dashboards/d/tab-summaries"),
    (Method::GET, "/api/v1/dashboards/d/tab-summaries/t"),
    (Method::GET, "/api/v1/dashboards/d/tabs"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/headers"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/rows"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/rows.csv"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/junit.xml"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/status"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/grid"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/grid.bin"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/view"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/names"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/cell"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/open"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/diff"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/metric"),
    (Method::GET, "/api/v1/dashboards/d/tabs/t/clusters"),
    (Method::GET, "/api/v1/dashboard-groups"),
    (Method::GET, "/api/v1/dashboard-groups/g"),
    (Method::GET, "/api/v1/dashboard-groups/g/dashboard-summaries"),
    (Method::GET, "/api/v1/testgrid/metrics"),
    (Method::GET, "/api/v1/openapi.json"),
    (Method::GET, "/healthz"),
    (Method::GET, "/healthz/ready"),
    (Method::GET, "/metrics"),
    (Method::GET, "/pkg/bowsprit.1.js"),
    (Method::POST, "/hook"),
    (Method::GET, "/no/such/page"),
];

#[test]
fn every_address_of_the_router_is_among_those_that_are_tested() {
    let source = std::fs::read_to_string(tests::data::root().join("server/src/web/router.rs"));
    let source = source.expect("the router");
    let routes = source.split("#[cfg(test)]").next().unwrap_or_default();
    let address = Regex::new(r#"(?:\.route\(|\()"(/[^"]*)""#).expect("a pattern");
    let mut missing = Vec::new();
    for found in address.captures_iter(routes) {
        let pattern = &found[1];
        // What stands in braces is anything; a star is anything deep.
        let expected: Vec<String> = pattern
            .split('/')
            .map(|segment| match segment {
                deep if deep.starts_with("{*") => ".+".to_owned(),
                any if any.starts_with('{') => "[^/?]+".to_owned(),
                text => regex::escape(text),
            })
            .collect();
        let expected = expected.join("/");
        let expected = Regex::new(&format!(r"^{expected}(\?.*)?$")).expect("a pattern");
        if !ROUTES.iter().any(|(_, path)| expected.is_match(path)) && !STREAMS.contains(&pattern) {
            missing.push(pattern.to_owned());
        }
    }
    assert!(missing.is_empty(), "{missing:?} are served and not in ROUTES");
}

/// Addresses whose answers do not end; `streams` has their tests.
const STREAMS: &[&str] = &["/api/v1/runs/stream", "/api/v1/testgrid/stream"];
