//! `/prowjobs.js` and `/data.js`.

use std::io::Read;

use http::Method;
use serde_json::{Value, json};
use tests::world::{Answer, Setup, World, prow_job, with_refs};

async fn world() -> World {
    let world = World::new().await;
    let mut late = prow_job("late", "nightly", "failure");
    late["status"]["startTime"] = json!("2026-11-21T00:02:00Z");
    late["status"]["completionTime"] = json!("2026-11-21T01:02:03Z");
    late["status"]["description"] = json!("It <failed> & ended.");
    late["spec"]["decoration_config"] = json!({"timeout": "2h0m0s"});
    late["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
    let pull = with_refs(prow_job("pull", "unit", "success"), "org", "repo", "ann");
    let mut extra = prow_job("extra", "periodic-with-code", "aborted");
    extra["spec"]["extra_refs"] = json!([{"org": "other", "repo": "code", "base_ref": "main"}]);
    world.put([pull, late, extra]).await;
    world
}

fn names(answer: &Answer) -> Vec<String> {
    let items = answer.json()["items"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = items
        .iter()
        .map(|job| job["metadata"]["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

fn item(list: &Value, name: &str) -> Value {
    let items = list["items"].as_array().expect("items");
    let found = items.iter().find(|job| job["metadata"]["name"] == name);
    found.cloned().unwrap_or_else(|| panic!("{name} is not in {list}"))
}

fn gunzip(answer: &Answer) -> Vec<u8> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&answer.body[..]).read_to_end(&mut text).expect("valid gzip");
    text
}

#[tokio::test]
async fn prowjobs_js_is_a_list_of_prowjobs_under_items() {
    let world = world().await;
    let answer = world.get("/prowjobs.js").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(names(&answer), ["extra", "late", "pull"]);
    let list = answer.json();
    assert_eq!(
        list.as_object().map(|o| o.keys().collect::<Vec<_>>()),
        Some(vec![&"items".to_owned()])
    );
    let late = item(&list, "late");
    assert_eq!(late["kind"], "ProwJob");
    assert_eq!(late["apiVersion"], "prow.k8s.io/v1");
    assert_eq!(late["spec"]["job"], "nightly");
    assert_eq!(late["spec"]["type"], "periodic");
    assert_eq!(late["spec"]["pod_spec"]["containers"][0]["image"], "none");
    assert_eq!(late["spec"]["decoration_config"]["timeout"], "2h0m0s");
    assert_eq!(late["status"]["state"], "failure");
    assert_eq!(late["status"]["startTime"], "2026-11-21T00:02:00Z");
    assert_eq!(late["status"]["completionTime"], "2026-11-21T01:02:03Z");
    assert!(late["metadata"].get("managedFields").is_none());
    assert_eq!(item(&list, "pull")["spec"]["refs"]["pulls"][0]["author"], "ann");
}

#[tokio::test]
async fn a_variable_makes_the_list_a_script_and_only_an_identifier_is_one() {
    let world = world().await;
    for path in ["/prowjobs.js", "/data.js"] {
        let plain = world.get(path).await.expect(200);
        let script = world.get(&format!("{path}?var=allBuilds")).await.expect(200);
        assert_eq!(script.header("content-type"), "application/javascript");
        assert_eq!(script.text(), format!("var allBuilds = {};", plain.text()));
        for bad in ["a b", "1st", "x=1;alert(1)//", "a.b", "%3Cscript%3E", &"x".repeat(65)] {
            let answer = world.get(&format!("{path}?var={bad}")).await;
            assert_eq!(answer.status, 400, "{bad}");
            assert!(answer.text().contains("`var`"), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn omit_leaves_fields_out_and_nothing_of_what_others_see() {
    let world = world().await;
    let whole = world.get("/prowjobs.js").await;
    for (omit, gone) in [
        ("annotations", vec!["/metadata/annotations"]),
        ("labels", vec!["/metadata/labels"]),
        ("decoration_config", vec!["/spec/decoration_config"]),
        ("pod_spec", vec!["/spec/pod_spec/containers/0/image"]),
        (
            "annotations,labels,decoration_config,pod_spec",
            vec![
                "/metadata/annotations",
                "/metadata/labels",
                "/spec/decoration_config",
                "/spec/pod_spec/containers/0/image",
            ],
        ),
        ("unknown,", vec![]),
    ] {
        let list = world.get(&format!("/prowjobs.js?omit={omit}")).await.expect(200).json();
        let late = item(&list, "late");
        for field in [
            "/metadata/annotations",
            "/metadata/labels",
            "/spec/decoration_config",
            "/spec/pod_spec/containers/0/image",
        ] {
            let there = late.pointer(field).is_some();
            assert_eq!(there, !gone.contains(&field), "{field} with omit={omit}");
        }
        // Deck's page counts containers.
        let containers = late.pointer("/spec/pod_spec/containers").and_then(Value::as_array);
        assert_eq!(containers.map(Vec::len), Some(1), "omit={omit}");
        assert_eq!(late["metadata"]["name"], "late");
    }
    assert_eq!(world.get("/prowjobs.js").await.body, whole.body);
}

#[tokio::test]
async fn org_repo_and_owner_select_exactly() {
    let world = world().await;
    for (query, expected) in [
        ("org=org", vec!["pull"]),
        ("org=ORG", vec![]),
        ("repo=repo", vec!["pull"]),
        ("org=other", vec!["extra"]),
        ("repo=code&org=other", vec!["extra"]),
        ("org=org&repo=code", vec![]),
        ("owner=ann", vec!["pull"]),
        ("owner=bob", vec![]),
        ("owner=ann&org=org", vec!["pull"]),
        ("owner=ann&org=other", vec![]),
    ] {
        let answer = world.get(&format!("/prowjobs.js?{query}")).await.expect(200);
        assert_eq!(names(&answer), expected, "{query}");
        let script = world.get(&format!("/prowjobs.js?{query}&var=x")).await.expect(200);
        assert_eq!(script.text(), format!("var x = {};", answer.text()));
    }
}

#[tokio::test]
async fn data_js_has_decks_flat_objects() {
    let world = world().await;
    let answer = world.get("/data.js").await.expect(200);
    let list = answer.json();
    let elements = list.as_array().expect("an array");
    assert_eq!(elements.len(), 3);
    let find = |name: &str| elements.iter().find(|e| e["prow_job"] == name).expect(name).clone();
    assert_eq!(
        find("late"),
        json!({
            "type": "periodic",
            "refs": {},
            "refs_key": "",
            "job": "nightly",
            "build_id": "1",
            "context": "",
            "started": "1795219320",
            "finished": "2026-11-21T01:02:03Z",
            "duration": "1h0m3s",
            "state": "failure",
            "description": "It <failed> & ended.",
            "url": "",
            "pod_name": "",
            "agent": "kubernetes",
            "prow_job": "late",
        })
    );
    let pull = find("pull");
    assert_eq!(pull["refs_key"], "main:b1,7:c1");
    assert_eq!(pull["refs"]["pulls"][0]["number"], 7);
    assert_eq!(pull["context"], "unit");
}

#[tokio::test]
async fn a_list_comes_gzipped_to_those_who_take_it_with_the_same_content() {
    let world = world().await;
    for path in ["/prowjobs.js", "/prowjobs.js?var=x&omit=labels", "/data.js"] {
        let plain = world.get(path).await.expect(200);
        assert_eq!(plain.header("content-encoding"), "");
        for accepted in ["gzip", "br;q=0.1, gzip", "gzip, deflate, br", "*"] {
            let request = world.request(Method::GET, path).header("accept-encoding", accepted);
            let zipped = world.ask(request).await.expect(200);
            assert_eq!(zipped.header("content-encoding"), "gzip", "{accepted}");
            assert_eq!(gunzip(&zipped), plain.body, "{path} as {accepted}");
            assert_eq!(zipped.header("vary"), "accept-encoding");
        }
        let request = world.request(Method::GET, path).header("accept-encoding", "gzip;q=0");
        assert_eq!(world.ask(request).await.header("content-encoding"), "");
    }
}

#[tokio::test]
async fn an_unchanged_list_is_answered_304_and_a_changed_one_is_not() {
    let world = world().await;
    for path in ["/prowjobs.js?var=allBuilds&omit=annotations,labels", "/data.js"] {
        for encoding in ["identity", "gzip"] {
            let ask = |etag: String| {
                let request = world
                    .request(Method::GET, path)
                    .header("accept-encoding", encoding)
                    .header("if-none-match", etag);
                world.ask(request)
            };
            let first = ask(String::new()).await.expect(200);
            let etag = first.header("etag").to_owned();
            assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
            assert_eq!(first.header("cache-control"), "no-cache");
            for held in [etag.clone(), format!("\"other\", {etag}"), format!("W/{etag}")] {
                let again = ask(held).await.expect(304);
                assert!(again.body.is_empty());
                assert_eq!(again.header("etag"), etag);
            }
            ask("\"other\"".to_owned()).await.expect(200);
            world.patch("late", json!({"status": {"description": encoding}})).await;
            let changed = ask(etag.clone()).await.expect(200);
            assert_ne!(changed.header("etag"), etag);
        }
    }
}

#[tokio::test]
async fn the_lists_answer_every_method_as_decks_do() {
    let world = world().await;
    for path in ["/prowjobs.js", "/data.js", "/config", "/badge.svg?jobs=*"] {
        let get = world.get(path).await.expect(200);
        let head = world.ask(world.request(Method::HEAD, path)).await.expect(200);
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(world.post(path).await.expect(200).body, get.body, "{path}");
    }
}

#[tokio::test]
async fn a_prowjob_of_an_unknown_state_and_with_unknown_fields_is_listed_as_it_is() {
    let world = Setup::default().start().await;
    let mut odd = prow_job("odd", "nightly", "flabbergasted");
    odd["spec"]["invented_field"] = json!({"deep": [1, 2]});
    odd["status"]["invented"] = json!("x");
    world.put([odd, prow_job("fine", "nightly", "success")]).await;
    let list = world.get("/prowjobs.js").await.expect(200).json();
    let shown = item(&list, "odd");
    assert_eq!(shown["status"]["state"], "flabbergasted");
    assert_eq!(shown["spec"]["invented_field"], json!({"deep": [1, 2]}));
    assert_eq!(shown["status"]["invented"], "x");
    let yaml = world.get("/prowjob?prowjob=odd").await.expect(200).text();
    assert!(yaml.contains("state: flabbergasted") && yaml.contains("invented_field:"), "{yaml}");
    let rows = world.get("/api/v1/runs").await.expect(200).json();
    let states: Vec<&str> =
        rows["rows"].as_array().expect("rows").iter().filter_map(|r| r["state"].as_str()).collect();
    assert_eq!(states.len(), 2);
    assert!(states.contains(&"unknown"), "{states:?}");
    for page in ["/", "/run/odd"] {
        world.get(page).await.expect(200);
    }
}
