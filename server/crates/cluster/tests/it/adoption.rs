//! A server that is killed and started again finds its Pods as they are.

use std::fs;
use std::path::PathBuf;

use cluster::DeleteOptions;
use job_spec::PodPhase;
use serde_json::json;

use crate::world::{World, alive, pod, script, shell, soon};

/// Counts its starts in a file, says so, and goes on until another file is there.
fn patient(world: &World, name: &str) -> job_spec::Pod {
    let folder = world.folder.path().display();
    script(
        name,
        &format!(
            "echo start >>{folder}/starts-{name}; echo up $$; \
             while [ ! -e {folder}/go-on ]; do sleep 0.05; done; echo done; exit 7"
        ),
    )
}

fn starts(world: &World, name: &str) -> usize {
    let path = world.folder.path().join(format!("starts-{name}"));
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

fn go_on(world: &World) {
    fs::write(world.folder.path().join("go-on"), "").unwrap();
}

#[tokio::test]
async fn a_running_pod_is_taken_up_and_its_exit_code_is_known() {
    let world = World::new().await;
    world.pods().create(&patient(&world, "a")).await.unwrap();
    let pid = world.log_line("a", "test", "up").await.split_off(3);
    let before = world.pod_when("a", "running", |pod| pod.status.phase == PodPhase::Running).await;
    let world = world.restart().await;
    assert!(alive(&pid));
    go_on(&world);
    let done = world.finished("a").await;
    assert_eq!(done.metadata.uid, before.metadata.uid);
    assert_eq!(done.status.start_time, before.status.start_time);
    let ended = done.status.container_statuses[0].state.terminated.clone().unwrap();
    assert_eq!((ended.exit_code, ended.reason.as_str()), (7, "Error"));
    assert_eq!(starts(&world, "a"), 1);
    assert!(world.log("a", "test").await.ends_with("done\n"));
}

#[tokio::test]
async fn a_pod_that_ended_while_nobody_watched_has_its_exit_code() {
    let world = World::new().await;
    world.pods().create(&patient(&world, "a")).await.unwrap();
    let pid = world.log_line("a", "test", "up").await.split_off(3);
    let World { folder, options, store, cluster } = world;
    drop(cluster);
    fs::write(folder.path().join("go-on"), "").unwrap();
    let gone = async {
        while alive(&pid) {
            tokio::task::yield_now().await;
        }
    };
    soon("the process to end", gone).await;
    let cluster = cluster::EmbeddedCluster::open(&store, options.clone()).await.unwrap();
    let world = World { folder, options, store, cluster };
    let done = world.finished("a").await;
    let ended = done.status.container_statuses[0].state.terminated.clone().unwrap();
    assert_eq!(ended.exit_code, 7);
    assert_eq!(starts(&world, "a"), 1);
}

#[tokio::test]
async fn restarts_at_every_step_never_start_a_container_twice() {
    let mut world = World::new().await;
    let folder = world.folder.path().display().to_string();
    let step = |name: &str| {
        let script = format!("echo start >>{folder}/starts-{name}; sleep 0.2");
        shell(name, &script)
    };
    let spec = json!({
        "initContainers": [step("one"), step("two")],
        "containers": [step("test"), step("side")]
    });
    world.pods().create(&pod("a", spec)).await.unwrap();
    for _ in 0..8 {
        world = world.restart().await;
    }
    let done = world.finished("a").await;
    assert_eq!(done.status.phase, PodPhase::Succeeded, "{:?}", done.status);
    for name in ["one", "two", "test", "side"] {
        assert_eq!(starts(&world, name), 1, "{name}");
    }
}

#[tokio::test]
async fn a_container_whose_supervisor_was_killed_is_ended_with_a_reason() {
    let world = World::new().await;
    world.pods().create(&patient(&world, "a")).await.unwrap();
    let pid = world.log_line("a", "test", "up").await.split_off(3);
    let state = world.folder.path().join("pods/a/state/test.0.json");
    let state: serde_json::Value = serde_json::from_slice(&fs::read(state).unwrap()).unwrap();
    let supervisor = state["supervisor"].as_i64().unwrap().to_string();
    let World { folder, options, store, cluster } = world;
    drop(cluster);
    std::process::Command::new("kill").args(["-9", &supervisor]).status().unwrap();
    let cluster = cluster::EmbeddedCluster::open(&store, options.clone()).await.unwrap();
    let world = World { folder, options, store, cluster };
    let done = world.finished("a").await;
    assert_eq!(done.status.phase, PodPhase::Failed);
    let ended = done.status.container_statuses[0].state.terminated.clone().unwrap();
    assert_eq!(ended.reason, "ContainerStatusUnknown");
    assert!(ended.message.contains("without leaving its exit code"), "{}", ended.message);
    let gone = async {
        while alive(&pid) {
            tokio::task::yield_now().await;
        }
    };
    soon("what the supervisor left behind to be gone", gone).await;
}

#[tokio::test]
async fn a_supervisor_killed_under_a_living_server_is_noticed() {
    let world = World::new().await;
    world.pods().create(&patient(&world, "a")).await.unwrap();
    world.log_line("a", "test", "up").await;
    let state = world.folder.path().join("pods/a/state/test.0.json");
    let state: serde_json::Value = serde_json::from_slice(&fs::read(state).unwrap()).unwrap();
    let supervisor = state["supervisor"].as_i64().unwrap().to_string();
    std::process::Command::new("kill").args(["-9", &supervisor]).status().unwrap();
    let done = world.finished("a").await;
    let ended = done.status.container_statuses[0].state.terminated.clone().unwrap();
    assert_eq!(ended.reason, "ContainerStatusUnknown");
}

#[tokio::test]
async fn a_deletion_that_was_asked_for_is_carried_out_after_a_restart() {
    let world = World::new().await;
    let stubborn = "trap '' TERM; echo up $$; while :; do sleep 0.1; done";
    world.pods().create(&script("a", stubborn)).await.unwrap();
    let pid = world.log_line("a", "test", "up").await.split_off(3);
    let slow = DeleteOptions { grace_period_seconds: Some(1), ..Default::default() };
    world.pods().delete("a", &slow).await.unwrap();
    let world = world.restart().await;
    world.pod_gone("a").await;
    assert!(!alive(&pid));
    assert!(!world.folder.path().join("pods/a").exists());
}

#[tokio::test]
async fn pods_that_waited_for_a_place_still_get_one() {
    let one = |options: &mut cluster::EmbeddedOptions| {
        options.exe = Some(PathBuf::from(env!("CARGO_BIN_EXE_container-supervisor")));
        options.parallel_pods = 1;
    };
    let world = World::with(one).await;
    world.pods().create(&patient(&world, "a")).await.unwrap();
    world.log_line("a", "test", "up").await;
    world.pods().create(&script("b", "true")).await.unwrap();
    world.pod_when("b", "unscheduled", |pod| !pod.status.conditions.is_empty()).await;
    let world = world.restart().await;
    // The running one has its place again, so the other one goes on waiting.
    let b = world.pods().get("b").await.unwrap();
    assert_eq!(b.status.start_time, None);
    go_on(&world);
    assert_eq!(world.finished("a").await.status.phase, PodPhase::Failed);
    assert_eq!(world.finished("b").await.status.phase, PodPhase::Succeeded);
}

#[tokio::test]
async fn folders_of_pods_that_no_longer_exist_are_swept() {
    let world = World::new().await;
    world.pods().create(&patient(&world, "a")).await.unwrap();
    let pid = world.log_line("a", "test", "up").await.split_off(3);
    let World { folder, options, store, cluster } = world;
    drop(cluster);
    // The row is gone, as after a database was restored from an older copy.
    let rows = store.cluster_rows();
    let row = rows.page("default", "Pod", None, 1).await.unwrap().pop().unwrap();
    let change =
        store::RowChange::Delete { key: row.key, previous: row.version, version: row.version + 1 };
    rows.write(vec![change]).await.unwrap();
    let cluster = cluster::EmbeddedCluster::open(&store, options.clone()).await.unwrap();
    let world = World { folder, options, store, cluster };
    let swept = async {
        while world.folder.path().join("pods/a").exists() || alive(&pid) {
            tokio::task::yield_now().await;
        }
    };
    soon("the folder to be swept", swept).await;
}
