//! What holds for every answer: security headers, cache policy, CSRF.

use http::Method;
use tests::world::{World, prow_job};

use super::ROUTES;

#[tokio::test]
async fn every_answer_says_how_it_may_be_shown() {
    let world = World::new().await;
    for (method, path) in ROUTES {
        let answer = world.ask(world.request(method.clone(), path)).await;
        assert!(answer.status < 500, "{method} {path}: {} {}", answer.status, answer.text());
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
    }
}

#[tokio::test]
async fn a_page_runs_only_scripts_with_the_nonce_of_its_answer() {
    let world = World::new().await;
    world.put([prow_job("nightly-1", "nightly", "failure")]).await;
    let inline = regex::Regex::new(r#"<[^>]*\s(on[a-z]+|style)="|javascript:"#).expect("a pattern");
    let mut nonces = Vec::new();
    let twice = ["/testgrid", "/testgrid"];
    for path in ["/", "/", "/run/nightly-1", "/configured-jobs", "/status", "/deliveries", "/nope"]
        .into_iter()
        .chain(twice)
    {
        let answer = world.get(path).await;
        let policy = answer.header("content-security-policy");
        let (_, rest) = policy.split_once("script-src 'nonce-").expect("a nonce");
        let (nonce, _) = rest.split_once('\'').expect("its end");
        assert!(nonce.len() >= 16, "{nonce}");
        assert!(!nonces.contains(&nonce.to_owned()), "{path} has a used nonce");
        let page = answer.text();
        for tag in page.match_indices("<script").map(|(at, _)| &page[at..]) {
            let tag = tag.split('>').next().unwrap_or_default();
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: {tag}>");
        }
        assert!(!page.contains("<style"), "{path} has an inline style sheet");
        if let Some(found) = inline.find(&page) {
            panic!("{path} has something inline: {}", found.as_str());
        }
        nonces.push(nonce.to_owned());
    }
}

#[tokio::test]
async fn each_kind_of_answer_is_kept_as_long_as_it_is_true() {
    let world = World::new().await;
    let files: &[(&str, &[u8])] = &[("build-log.txt", b"log\n"), ("a.txt", b"file")];
    world.store_run("nightly-1", "nightly", "1", "success", files).await;
    let now = "no-store, must-revalidate";
    for (path, policy) in [
        ("/", now),
        ("/run/nightly-1", now),
        ("/status", now),
        ("/no/such/page", now),
        ("/prowjob?prowjob=nightly-1", now),
        ("/prowjob?prowjob=nobody", now),
        ("/log?job=nightly&id=1", now),
        ("/config", now),
        ("/badge.svg?jobs=*", now),
        ("/api/v1/runs", now),
        ("/api/v1/runs/nightly-1/log", now),
        ("/api/v1/runs/nobody/log", now),
        ("/api/v1/suggest?q=n", now),
        ("/healthz", now),
        ("/metrics", now),
        ("/prowjobs.js", "no-cache"),
        ("/data.js", "no-cache"),
        ("/prowjobs.js?org=org", now),
        ("/api/v1/runs/nightly-1/artifacts/a.txt", "public, max-age=60"),
        ("/pkg/bowsprit.1.js", "public, max-age=31536000, immutable"),
        ("/pkg/bowsprit.1.css", "public, max-age=31536000, immutable"),
    ] {
        let answer = world.get(path).await;
        assert_eq!(answer.header("cache-control"), policy, "{path}");
    }
    let missing = world.get("/pkg/none.js").await.expect(404);
    assert!(!missing.header("cache-control").contains("immutable"), "a missing file is not kept");
}

#[tokio::test]
async fn another_sites_forms_change_nothing() {
    let world = World::new().await;
    world.put([prow_job("done", "nightly", "success")]).await;
    let own = world.url("");
    for (headers, status) in [
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("origin", "https://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("sec-fetch-site", "same-origin")], 200),
        (vec![("sec-fetch-site", "none")], 200),
        (vec![("origin", own.as_str())], 200),
        // A program that is no browser sends neither.
        (vec![], 200),
    ] {
        for path in ["/rerun?prowjob=done", "/abort?prowjob=done", "/api/v1/deliveries/1/replay"] {
            let mut request = world.request(Method::POST, path);
            for (name, value) in &headers {
                request = request.header(*name, *value);
            }
            let answer = world.ask(request).await;
            if status == 403 || path.starts_with("/rerun") {
                assert_eq!(answer.status, status, "{path} with {headers:?}: {}", answer.text());
            } else {
                assert_ne!(answer.status, 403, "{path} with {headers:?}: {}", answer.text());
            }
        }
        // Reading is free.
        let mut request = world.request(Method::GET, "/prowjobs.js");
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        world.ask(request).await.expect(200);
    }
    let made = world.prow_jobs().await.len() - 1;
    assert_eq!(made, 4);
}

#[tokio::test]
async fn a_proxys_plain_http_is_sent_to_https_where_that_is_asked_for() {
    let setup = tests::world::Setup::default();
    let world =
        setup.settings(|s| s.redirect_http_to = Some("ci.example".to_owned())).start().await;
    let plain = world.request(Method::GET, "/?job=a").header("x-forwarded-proto", "http");
    let answer = world.ask(plain).await.expect(301);
    assert_eq!(answer.header("location"), "https://ci.example/?job=a");
    let safe = world.request(Method::GET, "/").header("x-forwarded-proto", "https");
    world.ask(safe).await.expect(200);
    world.get("/healthz").await.expect(200);
}
