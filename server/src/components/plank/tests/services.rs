//! What plank asks of others and tells others: build ids, and the states of build clusters.

use blob::{BlobConfig, BlobUri, Blobs};
use cluster::ClusterError;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::components::fakes::service;

#[tokio::test]
async fn tot_counts_the_builds_where_it_is_configured() {
    let (url, asked) = service(&["500 Internal Server Error", "200 OK"], "1234\n").await;
    let mut world = world("");
    world.deps.build_ids = BuildIdSource::new(Some(&format!("{url}/counter"))).unwrap();
    let mut odd = run("r");
    odd.spec.job = "a job/with a slash".to_owned();
    world.put(odd);
    let deps = world.deps.clone();
    let sync = tokio::spawn(async move { super::super::sync_once(&deps).await });
    until("the second answer counts", || {
        world.advance(1);
        world.state("r") == ProwJobState::Pending
    })
    .await;
    sync.await.unwrap().unwrap();
    assert_eq!(world.job("r").status.build_id, "1234");
    assert_eq!(asked.lock().len(), 2);
    let first = asked.lock()[0].clone();
    assert!(first.starts_with("GET /counter/vend/a%20job%2Fwith%20a%20slash HTTP"), "{first}");
}

#[tokio::test]
async fn a_run_without_a_build_id_waits_and_says_why() {
    let (url, asked) = service(&["200 OK"], "<html>not tot</html>").await;
    let mut world = world("");
    world.deps.build_ids = BuildIdSource::new(Some(&url)).unwrap();
    world.put(run("r"));
    let deps = world.deps.clone();
    let sync = tokio::spawn(async move { super::super::sync_once(&deps).await });
    until("all attempts are made", || {
        world.advance(60);
        sync.is_finished()
    })
    .await;
    sync.await.unwrap().unwrap();
    assert_eq!(asked.lock().len(), 10);
    let job = world.job("r");
    assert_eq!(job.status.state, ProwJobState::Triggered);
    assert!(job.status.description.starts_with("Waiting: no build id: http://127.0.0.1"));
    assert!(job.status.description.ends_with("answered something that is no build number"));
    assert!(world.pod_names().is_empty());
    assert!(BuildIdSource::new(Some("tot:here")).is_err(), "no address of a service");
}

#[tokio::test]
async fn the_states_of_the_build_clusters_are_published_every_minute() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("status.json");
    let places = [path.display().to_string(), "gs://bucket/status.json".to_owned()];
    for place in places {
        let mut world = world(&format!("plank: {{build_cluster_status_file: '{place}'}}\n"));
        let blobs = Blobs::new(BlobConfig {
            local_buckets: [("bucket".to_owned(), dir.path().join("bucket"))].into(),
            ..BlobConfig::default()
        });
        world.deps.blobs = Some(blobs.clone());
        world.cluster.down.lock().insert("other".to_owned(), "no route".to_owned());
        let forbidden = ClusterError::Forbidden("pods is forbidden".to_owned());
        let cancel = CancellationToken::new();
        let task = tokio::spawn(super::super::run(world.deps.clone(), cancel.clone()));
        let read = async || match place.strip_prefix("gs://") {
            None => tokio::fs::read_to_string(&place).await.unwrap_or_default(),
            Some(_) => {
                let uri = BlobUri::parse(&place).unwrap();
                let bytes = blobs.read(&uri, 1_000).await.unwrap_or_default();
                String::from_utf8(bytes.to_vec()).unwrap()
            }
        };
        let become_ = async |expected: &str| {
            let waits = async {
                while read().await != expected {
                    world.advance(60);
                    tokio::task::yield_now().await;
                }
            };
            let came = tokio::time::timeout(std::time::Duration::from_secs(30), waits).await;
            assert!(came.is_ok(), "{expected} is not {}", read().await);
        };
        become_(r#"{"default":"Reachable","other":"No-Manager"}"#).await;
        // A cluster whose client can be made later is taken up; that it lets us do nothing shows.
        for _ in 0..1_000 {
            world.cluster.pods["other"].fail("list", forbidden.clone());
        }
        world.cluster.down.lock().clear();
        become_(r#"{"default":"Reachable","other":"MissingPermissions"}"#).await;
        cancel.cancel();
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn the_link_of_a_run_is_made_anew_when_its_state_changes() {
    let prow = "plank: {job_url_template: 'https://prow.example/{{.Status.State}}', \
                pod_running_timeout: 1h}\n";
    for (end, state) in [(PodPhase::Failed, "failure"), (PodPhase::Running, "aborted")] {
        let world = world(prow);
        world.put(run("r"));
        world.sync().await;
        assert_eq!(world.job("r").status.url, "https://prow.example/pending");
        world.cluster.phase("r", end);
        world.advance(3_600);
        world.sync().await;
        assert_eq!(world.state("r").as_str(), state);
        assert_eq!(world.job("r").status.url, format!("https://prow.example/{state}"));
    }
}
