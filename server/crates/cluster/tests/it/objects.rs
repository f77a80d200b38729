//! Objects: what an API server promises.

use std::sync::Arc;

use cluster::{
    Api, Cluster, ClusterError, DeleteOptions, LabelSelector, Lease, Precondition, WatchEvent,
};
use futures::StreamExt;
use job_spec::{Pod, ProwJob, ProwJobState};
use serde_json::json;

use crate::world::{World, pod, prow_job, script, soon};

#[tokio::test]
async fn a_created_object_has_what_the_cluster_gives_it_and_survives_a_restart() {
    let world = World::without_program().await;
    let made = world.prow_jobs().create(&prow_job("a")).await.unwrap();
    assert_eq!(made.metadata.namespace, "default");
    assert_eq!((made.kind.as_str(), made.api_version.as_str()), ("ProwJob", "prow.k8s.io/v1"));
    assert!(!made.metadata.uid.is_empty());
    assert!(made.metadata.creation_timestamp.is_some());
    assert!(made.metadata.resource_version.is_some());
    let world = world.restart().await;
    assert_eq!(world.prow_jobs().get("a").await.unwrap(), made);
    let later = world.prow_jobs().create(&prow_job("b")).await.unwrap();
    let version =
        |job: &ProwJob| -> i64 { job.metadata.resource_version.as_ref().unwrap().parse().unwrap() };
    assert!(version(&later) > version(&made));
}

#[tokio::test]
async fn a_name_is_given_once() {
    let world = World::without_program().await;
    let jobs = world.prow_jobs();
    jobs.create(&prow_job("a")).await.unwrap();
    let error = jobs.create(&prow_job("a")).await.unwrap_err();
    assert!(error.is_already_exists() && !error.is_permanent(), "{error}");
    let copies = (0..32).map(|_| {
        let jobs = jobs.clone();
        tokio::spawn(async move { jobs.create(&prow_job("b")).await.is_ok() })
    });
    let made = futures::future::join_all(copies).await;
    assert_eq!(made.into_iter().filter(|made| *made.as_ref().unwrap()).count(), 1);
}

#[tokio::test]
async fn names_that_could_leave_their_folder_are_refused() {
    let world = World::without_program().await;
    for name in ["", "../x", "a/b", ".", "..", "A", "a..b", "-a", "a-", "a_b", &"a".repeat(254)] {
        let error = world.pods().create(&script(name, "true")).await.unwrap_err();
        assert!(error.is_permanent(), "{name}: {error}");
        let error = world.prow_jobs().create(&prow_job(name)).await.unwrap_err();
        assert!(error.is_permanent(), "{name}: {error}");
    }
    for container in ["../x", "a.b", "A", ""] {
        let spec = json!({ "containers": [{ "name": container, "command": ["true"] }] });
        let error = world.pods().create(&pod("a", spec)).await.unwrap_err();
        assert!(error.is_permanent(), "{container}: {error}");
    }
    let mut elsewhere = prow_job("a");
    elsewhere.metadata.namespace = "other".to_string();
    let error = world.prow_jobs().create(&elsewhere).await.unwrap_err();
    assert!(error.to_string().contains("namespace `other`"), "{error}");
}

#[tokio::test]
async fn pods_that_cannot_be_run_faithfully_are_refused() {
    let world = World::without_program().await;
    let mut again = script("again", "true");
    let mut spec = again.spec.to_value();
    spec["restartPolicy"] = json!("OnFailure");
    again.spec = job_spec::PodSpec::from_value(&spec);
    let error = world.pods().create(&again).await.unwrap_err();
    assert!(error.is_permanent() && error.to_string().contains("OnFailure"), "{error}");
    let error = world.pods().create(&pod("none", json!({ "containers": [] }))).await.unwrap_err();
    assert!(error.is_permanent(), "{error}");
    let twice = json!({ "containers": [{ "name": "a" }, { "name": "a" }] });
    let error = world.pods().create(&pod("twice", twice)).await.unwrap_err();
    assert!(error.is_permanent(), "{error}");
}

#[tokio::test]
async fn a_merge_patch_keeps_what_it_does_not_name() {
    let world = World::without_program().await;
    let jobs = world.prow_jobs();
    let job: ProwJob = serde_json::from_value(json!({
        "metadata": { "name": "a", "labels": { "x": "1", "y": "2" }, "odd": { "deep": [1] } },
        "spec": {
            "type": "periodic", "job": "ci-unit", "futureField": { "a": 1 },
            "pod_spec": { "containers": [{ "name": "test", "futureField": true }] },
            "decoration_config": { "timeout": "1h0m0s", "futureField": "x" }
        },
        "status": { "state": "triggered", "futureField": 7 },
        "futureTop": "kept"
    }))
    .unwrap();
    jobs.create(&job).await.unwrap();
    let patch = json!({
        "metadata": { "labels": { "x": null, "z": "3" } },
        "status": { "state": "pending", "build_id": "17" }
    });
    let patched = jobs.patch_merge("a", &patch, None).await.unwrap();
    assert_eq!(patched.status.state, ProwJobState::Pending);
    assert_eq!(patched.metadata.labels.get("z").map(String::as_str), Some("3"));
    assert!(!patched.metadata.labels.contains_key("x"));
    let world = world.restart().await;
    let row = world
        .store
        .cluster_rows()
        .get(&store::RowKey {
            build_cluster: String::new(),
            kind: "ProwJob".to_string(),
            namespace: "default".to_string(),
            name: "a".to_string(),
        })
        .await
        .unwrap()
        .unwrap();
    let raw: serde_json::Value = serde_json::from_str(&row.object).unwrap();
    assert_eq!(raw["futureTop"], "kept");
    assert_eq!(raw["metadata"]["odd"]["deep"][0], 1);
    assert_eq!(raw["metadata"]["labels"]["y"], "2");
    assert_eq!(raw["spec"]["futureField"]["a"], 1);
    assert_eq!(raw["spec"]["pod_spec"]["containers"][0]["futureField"], true);
    assert_eq!(raw["status"]["futureField"], 7);
    assert_eq!(raw["status"]["build_id"], "17");
}

#[tokio::test]
async fn a_patch_that_changes_nothing_makes_no_version() {
    let world = World::without_program().await;
    let jobs = world.prow_jobs();
    let made = jobs.create(&prow_job("a")).await.unwrap();
    let patch = json!({ "status": { "state": "triggered" } });
    let same = jobs.patch_merge("a", &patch, None).await.unwrap();
    assert_eq!(same.metadata.resource_version, made.metadata.resource_version);
}

#[tokio::test]
async fn a_patch_of_an_old_version_is_a_conflict() {
    let world = World::without_program().await;
    let jobs = world.prow_jobs();
    let made = jobs.create(&prow_job("a")).await.unwrap();
    let old = made.metadata.resource_version.clone().unwrap();
    let pending = json!({ "status": { "state": "pending" } });
    jobs.patch_merge("a", &pending, Some(&old)).await.unwrap();
    let success = json!({ "status": { "state": "success" } });
    let error = jobs.patch_merge("a", &success, Some(&old)).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    let in_patch = json!({
        "metadata": { "resourceVersion": old },
        "status": { "state": "success" }
    });
    let error = jobs.patch_merge("a", &in_patch, None).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(jobs.get("a").await.unwrap().status.state, ProwJobState::Pending);
    // Of many who read the same version, one wins.
    let now = jobs.get("a").await.unwrap().metadata.resource_version.clone().unwrap();
    let tries = (0..16).map(|number| {
        let (jobs, now) = (jobs.clone(), now.clone());
        tokio::spawn(async move {
            let patch = json!({ "status": { "build_id": number.to_string() } });
            jobs.patch_merge("a", &patch, Some(&now)).await.is_ok()
        })
    });
    let won = futures::future::join_all(tries).await;
    assert_eq!(won.into_iter().filter(|won| *won.as_ref().unwrap()).count(), 1);
}

#[tokio::test]
async fn a_patch_cannot_change_what_belongs_to_the_cluster() {
    let world = World::without_program().await;
    let jobs = world.prow_jobs();
    let made = jobs.create(&prow_job("a")).await.unwrap();
    let patch = json!({ "metadata": {
        "uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z", "name": "b",
        "namespace": "c", "deletionTimestamp": "2001-01-01T00:00:00Z",
        "annotations": { "x": "y" }
    } });
    let patched = jobs.patch_merge("a", &patch, None).await.unwrap();
    assert_eq!(patched.metadata.uid, made.metadata.uid);
    assert_eq!(patched.metadata.name, "a");
    assert_eq!(patched.metadata.creation_timestamp, made.metadata.creation_timestamp);
    assert_eq!(patched.metadata.deletion_timestamp, None);
    assert_eq!(patched.metadata.annotations["x"], "y");
    for nonsense in [json!([1]), json!("x"), json!(null)] {
        let error = jobs.patch_merge("a", &nonsense, None).await.unwrap_err();
        assert!(error.is_permanent(), "{error}");
    }
    let wrong_type = json!({ "metadata": { "labels": 5 } });
    let error = jobs.patch_merge("a", &wrong_type, None).await.unwrap_err();
    assert!(error.is_permanent(), "{error}");
    let error = jobs.patch_merge("unknown", &patch, None).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn deletion_heeds_preconditions_and_finalizers() {
    let world = World::without_program().await;
    let jobs = world.prow_jobs();
    let mut job = prow_job("a");
    job.metadata.finalizers = vec!["example.com/hold".to_string()];
    let made = jobs.create(&job).await.unwrap();
    let other = DeleteOptions {
        precondition: Precondition { uid: Some("other".to_string()), ..Default::default() },
        ..Default::default()
    };
    assert!(jobs.delete("a", &other).await.unwrap_err().is_conflict());
    let old = DeleteOptions {
        precondition: Precondition {
            uid: Some(made.metadata.uid.clone()),
            resource_version: Some("0".to_string()),
        },
        ..Default::default()
    };
    assert!(jobs.delete("a", &old).await.unwrap_err().is_conflict());
    jobs.delete("a", &DeleteOptions::default()).await.unwrap();
    jobs.delete("a", &DeleteOptions::default()).await.unwrap();
    let held = jobs.get("a").await.unwrap();
    assert!(held.metadata.deletion_timestamp.is_some());
    assert!(jobs.create(&prow_job("a")).await.unwrap_err().is_already_exists());
    jobs.patch_merge("a", &json!({ "metadata": { "finalizers": null } }), None).await.unwrap();
    assert!(jobs.get("a").await.unwrap_err().is_not_found());
    assert!(jobs.delete("a", &DeleteOptions::default()).await.unwrap_err().is_not_found());
    let again = jobs.create(&prow_job("a")).await.unwrap();
    assert_ne!(again.metadata.uid, made.metadata.uid);
}

/// The next event of a watch, as kind and name (or version).
async fn next(events: &mut cluster::WatchStream<ProwJob>) -> (&'static str, String) {
    match soon("an event", events.next()).await.unwrap().unwrap() {
        WatchEvent::Added(job) => ("added", job.metadata.name.clone()),
        WatchEvent::Modified(job) => ("modified", job.metadata.name.clone()),
        WatchEvent::Deleted(job) => ("deleted", job.metadata.name.clone()),
        WatchEvent::Bookmark(version) => ("bookmark", version),
    }
}

fn is(kind: &'static str, name: &str) -> (&'static str, String) {
    (kind, name.to_string())
}

#[tokio::test]
async fn a_watch_tells_every_change_after_its_version_in_order() {
    let world = World::without_program().await;
    let jobs = world.prow_jobs();
    jobs.create(&prow_job("before")).await.unwrap();
    let listed = jobs.list(&LabelSelector::all()).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    jobs.create(&prow_job("a")).await.unwrap();
    let mut events = jobs.watch(&LabelSelector::all(), &listed.resource_version).await.unwrap();
    assert_eq!(next(&mut events).await, is("added", "a"));
    jobs.patch_merge("a", &json!({ "status": { "state": "pending" } }), None).await.unwrap();
    jobs.delete("before", &DeleteOptions::default()).await.unwrap();
    assert_eq!(next(&mut events).await, is("modified", "a"));
    assert_eq!(next(&mut events).await, is("deleted", "before"));
    // A second watch from the same version tells the same.
    let mut again = jobs.watch(&LabelSelector::all(), &listed.resource_version).await.unwrap();
    for wanted in [is("added", "a"), is("modified", "a"), is("deleted", "before")] {
        assert_eq!(next(&mut again).await, wanted);
    }
}

#[tokio::test]
async fn a_watch_with_a_selector_sees_objects_come_and_go() {
    let world = World::without_program().await;
    let jobs = world.prow_jobs();
    let selector: LabelSelector = "wanted in (yes,really)".parse().unwrap();
    let mut events = jobs.watch(&selector, "0").await.unwrap();
    jobs.create(&prow_job("a")).await.unwrap();
    let version = jobs.get("a").await.unwrap().metadata.resource_version.clone().unwrap();
    assert_eq!(next(&mut events).await, is("bookmark", &version));
    let label = |value: serde_json::Value| json!({ "metadata": { "labels": { "wanted": value } } });
    jobs.patch_merge("a", &label(json!("yes")), None).await.unwrap();
    assert_eq!(next(&mut events).await, is("added", "a"));
    jobs.patch_merge("a", &label(json!("really")), None).await.unwrap();
    assert_eq!(next(&mut events).await, is("modified", "a"));
    assert_eq!(jobs.list(&selector).await.unwrap().items.len(), 1);
    jobs.patch_merge("a", &label(json!(null)), None).await.unwrap();
    assert_eq!(next(&mut events).await, is("deleted", "a"));
    assert_eq!(jobs.list(&selector).await.unwrap().items.len(), 0);
}

#[tokio::test]
async fn a_watch_from_a_forgotten_version_is_gone() {
    let world = World::with(|options| options.watch_history = 10).await;
    let jobs = world.prow_jobs();
    jobs.create(&prow_job("a")).await.unwrap();
    let mut idle = jobs.watch(&LabelSelector::all(), "1").await.unwrap();
    for number in 0..10 {
        let patch = json!({ "status": { "build_id": number.to_string() } });
        jobs.patch_merge("a", &patch, None).await.unwrap();
    }
    // Exactly the last ten changes are known.
    assert!(jobs.watch(&LabelSelector::all(), "1").await.is_ok());
    let error = jobs.watch(&LabelSelector::all(), "0").await.err().unwrap();
    assert!(matches!(error, ClusterError::Gone(_)), "{error}");
    let patch = json!({ "status": { "build_id": "last" } });
    jobs.patch_merge("a", &patch, None).await.unwrap();
    // A reader that was too slow is told so in the stream.
    let event = soon("an event", idle.next()).await.unwrap();
    assert!(matches!(event, Err(ClusterError::Gone(_))));
    assert!(soon("the end", idle.next()).await.is_none());
    let error = jobs.watch(&LabelSelector::all(), "99999").await.err().unwrap();
    assert!(matches!(error, ClusterError::Gone(_)), "{error}");
    let error = jobs.watch(&LabelSelector::all(), "soon").await.err().unwrap();
    assert!(error.is_permanent(), "{error}");
    // After a restart the history is forgotten, the versions are not.
    let version = jobs.list(&LabelSelector::all()).await.unwrap().resource_version;
    drop(jobs);
    let world = world.restart().await;
    let jobs = world.prow_jobs();
    assert!(jobs.watch(&LabelSelector::all(), "5").await.is_err());
    assert!(jobs.watch(&LabelSelector::all(), &version).await.is_ok());
}

#[tokio::test]
async fn a_watch_ends_with_the_cluster() {
    let world = World::without_program().await;
    let mut events = world.prow_jobs().watch(&LabelSelector::all(), "0").await.unwrap();
    drop(world);
    assert!(soon("the end", events.next()).await.is_none());
}

#[tokio::test]
async fn leases_are_objects_like_others() {
    let world = World::without_program().await;
    let leases = world.cluster.leases();
    let mut lease = Lease::default();
    lease.metadata.name = "prow-controller-manager-leader-lock".to_string();
    lease.spec.holder_identity = Some("me".to_string());
    let made = leases.create(&lease).await.unwrap();
    let version = made.metadata.resource_version.clone().unwrap();
    let take = |who: &str| json!({ "spec": { "holderIdentity": who } });
    let name = &made.metadata.name;
    let taken = leases.patch_merge(name, &take("you"), Some(&version)).await.unwrap();
    assert_eq!(taken.spec.holder_identity.as_deref(), Some("you"));
    assert!(leases.patch_merge(name, &take("me"), Some(&version)).await.unwrap_err().is_conflict());
}

#[tokio::test]
async fn build_clusters_are_known_by_their_aliases() {
    let world = World::with(|options| options.build_clusters = vec!["arm64/β".to_string()]).await;
    assert_eq!(world.cluster.build_clusters(), ["arm64/β", "default"]);
    let elsewhere = world.cluster.pods("arm64/β").unwrap();
    elsewhere.create(&script("a", "true")).await.unwrap();
    assert!(world.pods().get("a").await.unwrap_err().is_not_found());
    let error = world.cluster.pods("nowhere").err().unwrap();
    assert!(error.is_permanent(), "{error}");
    assert!(error.to_string().contains("arm64/β, default"), "{error}");
    drop(elsewhere);
    // Its Pods can still be found when it is no longer configured.
    let world = world.restart_with(|options| options.build_clusters.clear()).await;
    let elsewhere: Arc<dyn Api<Pod>> = world.cluster.pods("arm64/β").unwrap();
    crate::world::when(&elsewhere, "a", "ended", |pod| {
        pod.is_some_and(|pod| pod.status.phase == job_spec::PodPhase::Succeeded)
    })
    .await;
}

#[tokio::test]
async fn a_damaged_row_does_not_hide_the_others() {
    let world = World::without_program().await;
    world.prow_jobs().create(&prow_job("a")).await.unwrap();
    let key = |name: &str| store::RowKey {
        build_cluster: String::new(),
        kind: "ProwJob".to_string(),
        namespace: "default".to_string(),
        name: name.to_string(),
    };
    let damaged =
        store::ClusterRow { key: key("b"), version: 50, object: "{\"metadata\":".to_string() };
    world.store.cluster_rows().write(vec![store::RowChange::Insert(damaged)]).await.unwrap();
    let world = world.restart().await;
    let listed = world.prow_jobs().list(&LabelSelector::all()).await.unwrap();
    assert_eq!(listed.items.len(), 1);
}

#[tokio::test]
async fn a_write_by_another_owner_is_noticed() {
    let world = World::without_program().await;
    world.prow_jobs().create(&prow_job("a")).await.unwrap();
    let rows = world.store.cluster_rows();
    let mut row = rows.page("", "ProwJob", None, 1).await.unwrap().pop().unwrap();
    let previous = row.version;
    row.version = 77;
    rows.write(vec![store::RowChange::Update { row, previous }]).await.unwrap();
    let patch = json!({ "status": { "state": "pending" } });
    let error = world.prow_jobs().patch_merge("a", &patch, None).await.unwrap_err();
    assert!(error.to_string().contains("another server"), "{error}");
    let taken = store::ClusterRow {
        key: store::RowKey {
            build_cluster: String::new(),
            kind: "ProwJob".to_string(),
            namespace: "default".to_string(),
            name: "b".to_string(),
        },
        version: 80,
        object: "{}".to_string(),
    };
    rows.write(vec![store::RowChange::Insert(taken)]).await.unwrap();
    let error = world.prow_jobs().create(&prow_job("b")).await.unwrap_err();
    assert!(error.to_string().contains("another server"), "{error}");
}
