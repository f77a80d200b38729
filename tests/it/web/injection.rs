//! Texts that mean something to SQL, to its patterns or to a search, where an address takes a value;
//! and places in lists that nobody gave out.

use app::model::{encode, segment};
use server::components::coverage_reader::sync_once;
use tests::world::{Setup, World, prow_job, sign, with_refs};

/// Values as strangers try them.
const VALUES: &[&str] = &[
    "'",
    "' OR '1'='1",
    "') OR 1=1 --",
    "x'; DROP TABLE runs; --",
    "\" OR \"\"=\"",
    "1 UNION SELECT id, id, id FROM runs",
    "%",
    "_",
    "org/_epo",
    "\\",
    "[a-z]*",
    "a NEAR b",
    "\"unbalanced",
    "NEAR(",
    "-",
    "name; DESC",
    "size,(SELECT 1)",
    "$1",
    "?",
    "\u{0}",
    "\u{202e}x",
    "9223372036854775808",
    "-9223372036854775808~x~y",
    "9223372036854775807~x~y",
    "9223372036854775807-9223372036854775807",
    "-1-1",
    "-9223372036854775808",
    "1e400",
    "NaN",
    "~~",
    "~\u{1}~",
];

/// Addresses, each with a `{}` that a value stands in.
const ADDRESSES: &[&str] = &[
    "/?org={}",
    "/?repo={}",
    "/?author={}",
    "/?pull={}",
    "/?base={}",
    "/?job={}",
    "/?state={}",
    "/?cluster={}",
    "/?type={}",
    "/?since={}",
    "/?until={}",
    "/?before={}",
    "/?after={}",
    "/api/v1/runs?repo={}&limit={}",
    "/api/v1/runs?before={}",
    "/api/v1/runs?after={}",
    "/api/v1/suggest?q={}",
    "/run/{}",
    "/view/prowjob/{}/1",
    "/view/prowjob/nightly/{}",
    "/prowjob?prowjob={}",
    "/log?job={}&id={}",
    "/prowjobs.js?org={}",
    "/badge.svg?jobs={}",
    "/job-history/file/artifacts/logs/nightly?state={}",
    "/job-history/file/artifacts/logs/nightly?buildId={}",
    "/job-history/file/artifacts/logs/nightly?date={}",
    "/job-history/file/artifacts/logs/nightly?limit={}",
    "/job-history/file/artifacts/logs/{}",
    "/job-history-chart/file/artifacts/logs/nightly?of={}",
    "/pr-history/?org={}&repo=repo&pr=7",
    "/pr-history/?org=org&repo={}&pr=7",
    "/pr-history/?org=org&repo=repo&pr={}",
    "/pr-history/?org=org&repo=repo&pr=7&page={}",
    "/compare?new={}",
    "/compare?new=nightly-2&old={}",
    "/file/artifacts/logs/nightly/?sort={}",
    "/file/artifacts/logs/nightly/?after={}",
    "/file/artifacts/logs/nightly/?q={}",
    "/run/nightly-2?tab=tests&q={}&sort={}&only={}&page={}&group={}",
    "/api/v1/runs/nightly-2/tests?sort={}",
    "/api/v1/runs/nightly-2/log?line={}",
    "/api/v1/runs/nightly-2/log/search?q={}",
    "/deliveries?event={}",
    "/deliveries?repo={}",
    "/deliveries?q={}",
    "/deliveries?state={}",
    "/deliveries?before={}",
    "/deliveries/{}",
    "/tests?q={}",
    "/test?name={}",
    "/coverage/{}",
    "/coverage/nightly?path={}",
    "/coverage/nightly?before={}",
    "/coverage/nightly?by={}",
    "/coverage/nightly?dir={}",
    "/coverage/nightly?threshold={}",
    "/coverage/nightly/file?profile={}&name=a",
    "/coverage/nightly/file?profile=1&name={}",
    "/coverage/nightly/compare?new={}&old={}",
    "/configured-jobs?q={}",
    "/testgrid/{}",
    "/api/v1/dashboards/{}/tabs",
];

/// A page without what is drawn by lot: among thousands of pages one has any three letters.
fn without_nonces(page: &str) -> String {
    let mut parts = page.split("nonce=\"");
    let first = parts.next().unwrap_or_default();
    let behind = parts.map(|part| part.split_once('"').map_or(part, |(_, behind)| behind));
    std::iter::once(first).chain(behind).collect()
}

async fn world() -> World {
    let world = Setup::default().start().await;
    let junit: &[u8] = b"<testsuite><testcase name='one'/></testsuite>";
    let profile: &[u8] = b"mode: set\na/b.go:1.1,2.2 1 1\n";
    for build in ["1", "2"] {
        let files: &[(&str, &[u8])] = &[
            ("build-log.txt", b"a line\n"),
            ("artifacts/junit_01.xml", junit),
            ("artifacts/cover.out", profile),
        ];
        world.store_run(&format!("nightly-{build}"), "nightly", build, "failure", files).await;
    }
    world.put([with_refs(prow_job("unit-1", "unit", "success"), "org", "repo", "ann")]).await;
    let body = r#"{"repository":{"full_name":"org/repo"}}"#;
    world.deliver(&sign("push", "guid-of-one", body)).await.expect(200);
    sync_once(&world.process.deps.coverage_reader).await.expect("a pass");
    world
}

#[tokio::test]
async fn no_value_of_an_address_is_taken_for_a_part_of_a_question() {
    let world = world().await;
    for address in ADDRESSES {
        for value in VALUES {
            let path = match address.split_once('?') {
                Some((path, query)) => format!(
                    "{}?{}",
                    path.replace("{}", &segment(value)),
                    query.replace("{}", &encode(value))
                ),
                None => address.replace("{}", &segment(value)),
            };
            let answer = world.get(&path).await;
            let text = answer.text();
            assert!(answer.status < 500, "{path}: {} {text}", answer.status);
            let of_ours = without_nonces(&text).replace(value, "");
            for told in ["SQL", "sqlite", "syntax error", "no such column", "panicked"] {
                assert!(!of_ours.contains(told), "{path} tells of the database: {text}");
            }
        }
    }
    // Nothing is gone.
    let runs = world.get("/api/v1/runs").await.expect(200).json();
    assert_eq!(runs["matching"], 3, "{runs}");
    let rows = world.process.web.store.as_ref().expect("a store").runs().count().await;
    assert!(rows.is_ok(), "{rows:?}");
    assert!(world.get("/deliveries").await.expect(200).text().contains("guid-of-one"));
}

#[tokio::test]
async fn a_value_that_is_a_pattern_to_sql_selects_nothing_but_itself() {
    let world = world().await;
    for value in ["%", "_", "org/_epo", "or%/repo", "' OR '1'='1", "[a-z]*", "re[p]o"] {
        let value = encode(value);
        for of in ["org", "repo", "author", "cluster", "base"] {
            let found = world.get(&format!("/api/v1/runs?{of}={value}")).await.expect(200).json();
            assert_eq!(found["matching"], 0, "{of}={value}");
        }
        for of in ["repo", "event", "q"] {
            let page = world.get(&format!("/deliveries?{of}={value}")).await.expect(200).text();
            assert!(!page.contains("guid-of-one"), "{of}={value}");
        }
        let pull = format!("/api/v1/pr-history?org={value}&repo=repo&pr=7");
        world.get(&pull).await.expect(404);
        world.get(&format!("/coverage/{value}")).await;
        world.get(&format!("/run/{value}")).await.expect(404);
    }
    for job in ["nightl_", "%", "[n]ightly", "nightl?"] {
        let found = world.get(&format!("/api/v1/runs?job={}", encode(job))).await.expect(200);
        assert_eq!(found.json()["matching"], 0, "{job}");
    }
}

#[tokio::test]
async fn a_place_in_a_list_that_was_tampered_with_shows_no_rows_of_others() {
    let hidden = "deck: {hidden_repos: [dark/side]}\n";
    let world = Setup::default().prow(hidden).start().await;
    world
        .put([
            with_refs(prow_job("open-1", "unit", "success"), "org", "repo", "ann"),
            with_refs(prow_job("dark-1", "unit", "success"), "dark", "side", "ann"),
        ])
        .await;
    let millis = tests::world::START.millis();
    for place in [
        format!("{millis}~dark-1~unit"),
        format!("{millis}~dark-0~unit"),
        format!("{}~~", millis + 1),
        format!("{}~dark-1~unit", i64::MAX),
        format!("{}~dark-1~unit", i64::MIN),
        "dark-1".to_owned(),
        "' OR 1=1 --".to_owned(),
    ] {
        for of in ["before", "after"] {
            let path = format!("/api/v1/runs?{of}={}", encode(&place));
            let text = world.get(&path).await.expect(200).text();
            let rows = &text[..text.find("\"facets\"").unwrap_or(text.len())];
            assert!(!rows.replace(&place, "").contains("dark"), "{path}: {text}");
        }
    }
}
