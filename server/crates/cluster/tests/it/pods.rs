//! Pods as processes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use cluster::{DeleteOptions, LogOptions};
use futures::StreamExt;
use job_spec::{ContainerStatus, Pod, PodPhase};
use serde_json::json;

use crate::world::{World, alive, pod, script, shell, soon};

fn container<'p>(pod: &'p Pod, name: &str) -> &'p ContainerStatus {
    let status = &pod.status;
    status
        .container_statuses
        .iter()
        .chain(&status.init_container_statuses)
        .find(|status| status.name == name)
        .unwrap()
}

/// Exit code and reason of a container.
fn end(pod: &Pod, name: &str) -> (i64, String) {
    let state = &container(pod, name).state;
    let ended = state.terminated.as_ref().unwrap_or_else(|| panic!("{name} runs: {state:?}"));
    assert!(ended.started_at.is_some() && ended.finished_at.is_some());
    (ended.exit_code, ended.reason.clone())
}

fn ended(code: i64, reason: &str) -> (i64, String) {
    (code, reason.to_string())
}

async fn a_pod_runs_to_success(world: World) {
    let pod = world.run(&script("a", "echo to stdout; echo to stderr >&2")).await;
    assert_eq!(pod.status.phase, PodPhase::Succeeded);
    assert!(pod.status.start_time.is_some());
    assert_eq!(end(&pod, "test"), ended(0, "Completed"));
    assert_eq!(world.log("a", "test").await, "to stdout\nto stderr\n");
    assert_eq!(world.log("a", "").await, "to stdout\nto stderr\n");
}

#[tokio::test]
async fn a_pod_runs_to_success_under_a_supervisor() {
    a_pod_runs_to_success(World::new().await).await;
}

#[tokio::test]
async fn a_pod_runs_to_success_without_the_program() {
    a_pod_runs_to_success(World::without_program().await).await;
}

#[tokio::test]
async fn exit_codes_and_signals_are_told_as_kubernetes_tells_them() {
    for world in [World::new().await, World::without_program().await] {
        let failed = world.run(&script("a", "exit 3")).await;
        assert_eq!(failed.status.phase, PodPhase::Failed);
        assert_eq!(end(&failed, "test"), ended(3, "Error"));
        let killed = world.run(&script("b", "kill -9 $$")).await;
        assert_eq!(end(&killed, "test"), ended(137, "Error"));
        let ended = container(&killed, "test").state.terminated.as_ref().unwrap();
        assert_eq!(ended.signal, 9);
    }
}

#[tokio::test]
async fn a_failed_container_repeats_the_end_of_its_log_when_told_to() {
    let world = World::new().await;
    let mut telling = shell("telling", "seq 1000; printf '\\377 why'; exit 1");
    telling["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
    let mut well = shell("well", "echo fine");
    well["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
    let silent = shell("silent", "echo why; exit 1");
    let spec = json!({ "containers": [telling, well, silent] });
    let done = world.run(&pod("a", spec)).await;
    let message =
        |name: &str| container(&done, name).state.terminated.as_ref().unwrap().message.clone();
    assert!(message("telling").ends_with("999\n1000\n\u{fffd} why"));
    assert_eq!(message("telling").lines().count(), 80);
    assert_eq!((message("well"), message("silent")), (String::new(), String::new()));
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_named() {
    for world in [World::new().await, World::without_program().await] {
        let spec = json!({ "containers": [
            { "name": "test", "image": "golang", "command": ["no-such-runner.sh", "x"] }
        ] });
        let pod = world.run(&pod("a", spec)).await;
        assert_eq!(pod.status.phase, PodPhase::Failed);
        assert_eq!(end(&pod, "test"), ended(127, "ContainerCannotRun"));
        let message = &container(&pod, "test").state.terminated.as_ref().unwrap().message;
        assert!(message.contains("`no-such-runner.sh` does not exist"), "{message}");
        assert!(pod.status.message.contains("no-such-runner.sh"), "{}", pod.status.message);
    }
}

#[tokio::test]
async fn what_cannot_be_prepared_fails_with_a_sentence() {
    let world = World::new().await;
    let cases = [
        (
            "command",
            json!({ "containers": [{ "name": "test", "image": "golang" }] }),
            "no `command`",
        ),
        (
            "volume",
            json!({
                "containers": [shell("test", "true")],
                "volumes": [{ "name": "v", "persistentVolumeClaim": { "claimName": "x" } }]
            }),
            "persistentVolumeClaim",
        ),
        (
            "mount",
            json!({ "containers": [{
                "name": "test", "command": ["true"],
                "volumeMounts": [{ "name": "gone", "mountPath": "/x" }]
            }] }),
            "`gone`",
        ),
        (
            "secret",
            json!({
                "containers": [shell("test", "true")],
                "volumes": [{ "name": "v", "secret": { "secretName": "token" } }]
            }),
            "secret `token`",
        ),
        (
            "escape",
            json!({
                "containers": [{
                    "name": "test", "command": ["true"],
                    "volumeMounts": [{ "name": "v", "mountPath": "/x", "subPath": "../../y" }]
                }],
                "volumes": [{ "name": "v", "emptyDir": {} }]
            }),
            "leads out",
        ),
        (
            "field",
            json!({ "containers": [{
                "name": "test", "command": ["true"],
                "env": [{ "name": "X", "valueFrom": { "resourceFieldRef": { "resource": "cpu" } } }]
            }] }),
            "resourceFieldRef",
        ),
        (
            "host-path",
            json!({
                "containers": [shell("test", "true")],
                "volumes": [{ "name": "v", "hostPath": { "path": "/no/such/path" } }]
            }),
            "/no/such/path",
        ),
        (
            "working-dir",
            json!({ "containers": [
                { "name": "test", "command": ["true"], "workingDir": "/no/such/dir" }
            ] }),
            "/no/such/dir",
        ),
    ];
    for (name, spec, wanted) in cases {
        let pod = world.run(&pod(name, spec)).await;
        assert_eq!(pod.status.phase, PodPhase::Failed, "{name}");
        assert!(pod.status.message.contains(wanted), "{name}: {}", pod.status.message);
    }
}

#[tokio::test]
async fn init_containers_run_one_after_the_other_before_the_others() {
    let world = World::new().await;
    let mount = |mut container: serde_json::Value| {
        container["volumeMounts"] = json!([{ "name": "shared", "mountPath": "/shared" }]);
        container
    };
    let spec = json!({
        "initContainers": [
            mount(shell("one", "echo one >>/shared/order")),
            mount(shell("two", "echo two >>/shared/order")),
        ],
        "containers": [
            mount(shell("test", "echo test >>/shared/order; cat /shared/order")),
        ],
        "volumes": [{ "name": "shared", "emptyDir": {} }]
    });
    let done = world.run(&pod("a", spec)).await;
    assert_eq!(done.status.phase, PodPhase::Succeeded);
    assert_eq!(world.log("a", "test").await, "one\ntwo\ntest\n");
    assert_eq!(end(&done, "one"), ended(0, "Completed"));

    let spec = json!({
        "initContainers": [shell("one", "exit 5"), shell("two", "true")],
        "containers": [shell("test", "true")]
    });
    let failed = world.run(&pod("b", spec)).await;
    assert_eq!(failed.status.phase, PodPhase::Failed);
    assert_eq!(end(&failed, "one"), ended(5, "Error"));
    for name in ["two", "test"] {
        assert!(container(&failed, name).state.waiting.is_some(), "{name} did not start");
    }
}

#[tokio::test]
async fn containers_run_side_by_side_and_all_count() {
    let world = World::new().await;
    let mount = |name: &str, script: &str| {
        let mut container = shell(name, script);
        container["volumeMounts"] = json!([{ "name": "shared", "mountPath": "/shared" }]);
        container
    };
    // Each waits for the other.
    let spec = json!({
        "containers": [
            mount("a", "mkfifo /shared/p 2>/dev/null; echo hello >/shared/p; exit 4"),
            mount("b", "mkfifo /shared/p 2>/dev/null; cat /shared/p"),
        ],
        "volumes": [{ "name": "shared", "emptyDir": {} }]
    });
    let done = world.run(&pod("a", spec)).await;
    assert_eq!(done.status.phase, PodPhase::Failed);
    assert_eq!(end(&done, "a"), ended(4, "Error"));
    assert_eq!(end(&done, "b"), ended(0, "Completed"));
    assert_eq!(world.log("a", "b").await, "hello\n");
}

#[tokio::test]
async fn a_sidecar_runs_beside_the_others_and_is_ended_after_them() {
    let world = World::new().await;
    let mount = |mut container: serde_json::Value| {
        container["volumeMounts"] = json!([{ "name": "shared", "mountPath": "/shared" }]);
        container
    };
    let mut sidecar = mount(shell(
        "proxy",
        "trap 'echo asked to end; exit 0' TERM; echo up; echo ready >/shared/ready; \
         while :; do sleep 0.05; done",
    ));
    sidecar["restartPolicy"] = json!("Always");
    let wait = "until [ -e /shared/ready ]; do sleep 0.05; done; cat /shared/ready";
    let spec = json!({
        "initContainers": [sidecar, mount(shell("setup", wait))],
        "containers": [mount(shell("test", "cat /shared/ready"))],
        "volumes": [{ "name": "shared", "emptyDir": {} }]
    });
    let done = world.run(&pod("a", spec)).await;
    assert_eq!(done.status.phase, PodPhase::Succeeded);
    assert_eq!(end(&done, "proxy"), ended(0, "Completed"));
    let log = world.log("a", "proxy").await;
    assert!(log.starts_with("up\n") && log.ends_with("asked to end\n"), "{log}");
}

#[tokio::test]
async fn a_sidecar_that_ends_early_is_started_again() {
    let world = World::new().await;
    let mut sidecar = shell("flaky", "echo start; exit 1");
    sidecar["restartPolicy"] = json!("Always");
    let spec = json!({
        "initContainers": [sidecar],
        "containers": [shell("test", "while :; do sleep 0.05; done")]
    });
    world.pods().create(&pod("a", spec)).await.unwrap();
    let again = world
        .pod_when("a", "restarted", |pod| {
            pod.status.init_container_statuses.iter().any(|status| status.restart_count > 0)
        })
        .await;
    assert_eq!(again.status.phase, PodPhase::Running);
    assert!(world.log("a", "flaky").await.starts_with("start\nstart\n"));
    world.pods().delete("a", &DeleteOptions::default()).await.unwrap();
    world.pod_gone("a").await;
}

#[tokio::test]
async fn volumes_environment_and_expansion_are_as_specified() {
    // A secret that the server's own environment holds must not reach a container.
    assert!(std::env::var("CARGO_MANIFEST_DIR").is_ok());
    let world = World::with(|options| {
        options.exe = Some(PathBuf::from(env!("CARGO_BIN_EXE_container-supervisor")));
        options.utility_env = BTreeMap::from([("BOWSPRIT_BLOBS".to_string(), "{}".to_string())]);
    })
    .await;
    let secret = world.folder.path().join("secrets/token");
    fs::create_dir_all(&secret).unwrap();
    fs::write(secret.join("oauth"), "s3cret").unwrap();
    fs::write(secret.join("other"), "o").unwrap();
    let map = world.folder.path().join("configmaps/settings");
    fs::create_dir_all(&map).unwrap();
    fs::write(map.join("LEVEL"), "debug").unwrap();
    let script = r#"
        echo "LEVEL=$LEVEL P_LEVEL=$P_LEVEL TOKEN=$TOKEN NAME=$NAME LABEL=$LABEL OPT=${OPT-unset}"
        echo "EXPANDED=$EXPANDED ARTIFACTS_DIR=$(basename "$ARTIFACTS")"
        echo "args: $1 $2"
        cat /etc/token/key; echo; ls /etc/token
        stat -c '%a' /etc/token/key /etc/all/oauth
        cat /etc/down/labels; echo
        cat /etc/projected/level; echo
        touch "$ARTIFACTS/made" && ls /logs/artifacts
        pwd | sed 's|.*/volumes/|volumes/|'
        echo "leak: ${CARGO_MANIFEST_DIR-none} ${BOWSPRIT_BLOBS-none}"
        [ -d "$HOME" ] && [ -d "$TMPDIR" ] && [ -n "$PATH" ] && echo "home and tmp are there"
        echo "$HOSTNAME"
    "#;
    let spec = json!({
        "containers": [{
            "name": "test", "image": "alpine",
            "command": ["sh", "-c", script, "sh"],
            "args": ["$(LEVEL)", "$$(LEVEL)$(NOTHING)"],
            "workingDir": "/logs/artifacts/work",
            "envFrom": [{ "prefix": "P_", "configMapRef": { "name": "settings" } }],
            "env": [
                { "name": "LEVEL", "valueFrom": { "configMapKeyRef": { "name": "settings", "key": "LEVEL" } } },
                { "name": "TOKEN", "valueFrom": { "secretKeyRef": { "name": "token", "key": "oauth" } } },
                { "name": "OPT", "valueFrom": { "secretKeyRef": { "name": "none", "key": "x", "optional": true } } },
                { "name": "NAME", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                { "name": "LABEL", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['team']" } } },
                { "name": "EXPANDED", "value": "<$(LEVEL)>" },
                { "name": "ARTIFACTS", "value": "/logs/artifacts" }
            ],
            "volumeMounts": [
                { "name": "logs", "mountPath": "/logs" },
                { "name": "token", "mountPath": "/etc/token" },
                { "name": "all", "mountPath": "/etc/all" },
                { "name": "down", "mountPath": "/etc/down" },
                { "name": "projected", "mountPath": "/etc/projected" }
            ]
        }],
        "volumes": [
            { "name": "logs", "emptyDir": {} },
            { "name": "token", "secret": {
                "secretName": "token", "defaultMode": 0o400, "items": [{ "key": "oauth", "path": "key" }]
            } },
            { "name": "all", "secret": { "secretName": "token" } },
            { "name": "down", "downwardAPI": { "items": [
                { "path": "labels", "fieldRef": { "fieldPath": "metadata.labels" } }
            ] } },
            { "name": "projected", "projected": { "sources": [
                { "configMap": { "name": "settings", "items": [{ "key": "LEVEL", "path": "level" }] } }
            ] } }
        ]
    });
    let mut pod = pod("a", spec);
    pod.metadata.labels.insert("team".to_string(), "infra".to_string());
    let done = world.run(&pod).await;
    let log = world.log("a", "test").await;
    assert_eq!(done.status.phase, PodPhase::Succeeded, "{log}");
    let wanted = "\
LEVEL=debug P_LEVEL=debug TOKEN=s3cret NAME=a LABEL=infra OPT=unset
EXPANDED=<debug> ARTIFACTS_DIR=artifacts
args: debug $(LEVEL)$(NOTHING)
s3cret
key
400
644
team=\"infra\"
debug
made
work
volumes/logs/artifacts/work
leak: none none
home and tmp are there
a
";
    assert_eq!(log, wanted);
}

#[tokio::test]
async fn utility_images_are_commands_of_the_program() {
    let exe = PathBuf::from(env!("CARGO_BIN_EXE_container-supervisor"));
    let world = World::with(|options| options.exe = Some(exe)).await;
    let utility = |name: &str, image: &str, args: serde_json::Value| {
        json!({
            "name": name, "image": image, "args": args,
            "volumeMounts": [{ "name": "tools", "mountPath": "/tools" }]
        })
    };
    let spec = json!({
        "initContainers": [
            utility("clone", "gcr.io/k8s-prow/clonerefs:v20261101-abc", json!(["--x=/tools/y"])),
            utility("place", "us-docker.pkg.dev/p/entrypoint@sha256:00", json!(["--copy-mode-only"])),
        ],
        "containers": [utility("side", "localhost:5000/sidecar", json!([]))],
        "volumes": [{ "name": "tools", "emptyDir": {} }]
    });
    let done = world.run(&pod("a", spec)).await;
    assert_eq!(done.status.phase, PodPhase::Succeeded);
    let tools = world.folder.path().join("pods/a/volumes/tools");
    let tools = tools.display();
    assert_eq!(world.log("a", "clone").await, format!("utility: pod clonerefs --x={tools}/y\n"));
    assert_eq!(
        world.log("a", "place").await,
        format!("utility: pod entrypoint --copy-mode-only --copy-destination={tools}/entrypoint\n")
    );
    assert_eq!(world.log("a", "side").await, "utility: pod sidecar\n");

    let without = World::without_program().await;
    let spec = json!({ "containers": [{ "name": "side", "image": "x/sidecar" }] });
    let refused = without.run(&pod("a", spec)).await;
    assert!(refused.status.message.contains("utility `sidecar`"), "{}", refused.status.message);
}

#[tokio::test]
async fn deletion_ends_the_whole_tree_of_processes() {
    for world in [World::new().await, World::without_program().await] {
        // A child in the same group, and with a supervisor one that left for its own session.
        let tree = "
            sh -c 'echo child $$; while :; do sleep 0.1; done' &
            setsid sh -c 'echo runaway $$; while :; do sleep 0.1; done' &
            trap 'echo asked to end; kill $!; exit 0' TERM
            echo parent $$; while :; do sleep 0.1; done";
        world.pods().create(&script("a", tree)).await.unwrap();
        let mut pids = Vec::new();
        for who in ["parent", "child", "runaway"] {
            let line = world.log_line("a", "test", who).await;
            pids.push(line.rsplit(' ').next().unwrap().to_string());
        }
        assert!(pids.iter().all(|pid| alive(pid)));
        let options = LogOptions { follow: true, ..Default::default() };
        let mut log = world.pods().logs("a", "test", &options).await.unwrap();
        world.pods().delete("a", &DeleteOptions::default()).await.unwrap();
        let leaving =
            world.pod_when("a", "leaving", |pod| pod.metadata.deletion_timestamp.is_some());
        assert_eq!(leaving.await.metadata.deletion_grace_period_seconds, Some(30));
        world.pod_gone("a").await;
        if world.options.exe.is_none() {
            // Without a supervisor nobody inherits what leaves the group.
            std::process::Command::new("kill").args(["-9", &pids[2]]).status().unwrap();
        } else {
            assert!(!alive(&pids[2]), "the runaway is gone");
        }
        assert!(!alive(&pids[0]) && !alive(&pids[1]));
        assert!(!world.folder.path().join("pods/a").exists());
        let mut text = Vec::new();
        while let Some(chunk) = soon("the end of the log", log.next()).await {
            text.extend_from_slice(&chunk.unwrap());
        }
        assert!(String::from_utf8_lossy(&text).contains("asked to end"));
        assert!(world.pods().logs("a", "test", &options).await.is_err());
    }
}

#[tokio::test]
async fn what_does_not_heed_the_request_is_killed_after_the_grace_period() {
    for world in [World::new().await, World::without_program().await] {
        let stubborn = "trap 'echo no' TERM; echo up $$; while :; do sleep 0.1; done";
        let mut pod = script("a", stubborn);
        let mut spec = pod.spec.to_value();
        spec["terminationGracePeriodSeconds"] = json!(1);
        pod.spec = job_spec::PodSpec::from_value(&spec);
        world.pods().create(&pod).await.unwrap();
        let pid = world.log_line("a", "test", "up").await.split_off(3);
        world.pods().delete("a", &DeleteOptions::default()).await.unwrap();
        world.pod_gone("a").await;
        assert!(!alive(&pid));
        // A deletion may bring its own grace period, and a second one may shorten the first.
        world.pods().create(&script("b", stubborn)).await.unwrap();
        let pid = world.log_line("b", "test", "up").await.split_off(3);
        let slow = DeleteOptions { grace_period_seconds: Some(3_000), ..Default::default() };
        world.pods().delete("b", &slow).await.unwrap();
        let now = DeleteOptions { grace_period_seconds: Some(0), ..Default::default() };
        world.pods().delete("b", &now).await.unwrap();
        world.pod_gone("b").await;
        assert!(!alive(&pid));
    }
}

#[tokio::test]
async fn a_pod_with_a_finalizer_ends_but_stays_until_it_is_released() {
    let world = World::new().await;
    let mut held = script("a", "echo up; while :; do sleep 0.1; done");
    held.metadata.finalizers = vec!["prow.x-k8s.io/gcsk8sreporter".to_string()];
    world.pods().create(&held).await.unwrap();
    world.log_line("a", "test", "up").await;
    world.pods().delete("a", &DeleteOptions::default()).await.unwrap();
    let ended = world.finished("a").await;
    assert_eq!(ended.status.phase, PodPhase::Failed);
    assert_eq!(end(&ended, "test").0, 143);
    let released = json!({ "metadata": { "finalizers": [] } });
    world.pods().patch_merge("a", &released, None).await.unwrap();
    world.pod_gone("a").await;
    // And a Pod that is over already goes at once.
    world.run(&script("b", "true")).await;
    world.pods().delete("b", &DeleteOptions::default()).await.unwrap();
    world.pod_gone("b").await;
    // The same name can be used again.
    assert_eq!(world.run(&script("b", "true")).await.status.phase, PodPhase::Succeeded);
}

#[tokio::test]
async fn what_a_container_leaves_behind_ends_with_it() {
    for world in [World::new().await, World::without_program().await] {
        let script_ = "sh -c 'while :; do sleep 0.1; done' & echo left $!";
        world.run(&script("a", script_)).await;
        let log = world.log("a", "test").await;
        let pid = log.trim().strip_prefix("left ").unwrap();
        // The signal was sent before the container counted as ended.
        let gone = async {
            while alive(pid) {
                tokio::task::yield_now().await;
            }
        };
        soon("the process to be gone", gone).await;
    }
}

#[tokio::test]
async fn more_pods_than_places_wait_unscheduled() {
    let world = World::with(|options| {
        options.exe = Some(PathBuf::from(env!("CARGO_BIN_EXE_container-supervisor")));
        options.parallel_pods = 2;
    })
    .await;
    let wait = "echo up; while [ ! -e \"$STOP\" ]; do sleep 0.05; done";
    let stop = world.folder.path().join("stop");
    for name in ["a", "b", "c", "d"] {
        let mut container = shell("test", wait);
        container["env"] = json!([{ "name": "STOP", "value": stop.to_str() }]);
        world.pods().create(&pod(name, json!({ "containers": [container] }))).await.unwrap();
    }
    world.log_line("a", "test", "up").await;
    world.log_line("b", "test", "up").await;
    for name in ["c", "d"] {
        let waiting = world.pod_when(name, "unscheduled", |pod| !pod.status.conditions.is_empty());
        let waiting = waiting.await;
        assert_eq!(waiting.status.phase, PodPhase::Pending);
        assert_eq!(waiting.status.start_time, None);
        assert_eq!(waiting.status.conditions[0].reason, "Unschedulable");
    }
    // A waiting Pod can be deleted, and gives up its turn.
    world.pods().delete("c", &DeleteOptions::default()).await.unwrap();
    world.pod_gone("c").await;
    fs::write(&stop, "").unwrap();
    let last = world.finished("d").await;
    assert_eq!(last.status.phase, PodPhase::Succeeded);
    assert_eq!(last.status.conditions[0].status, "True");
}

#[tokio::test]
async fn a_pod_that_runs_too_long_by_its_own_deadline_fails() {
    let world = World::new().await;
    let spec = json!({
        "containers": [shell("test", "echo up $$; while :; do sleep 0.1; done")],
        "activeDeadlineSeconds": 1
    });
    let failed = world.run(&pod("a", spec)).await;
    assert_eq!(failed.status.phase, PodPhase::Failed);
    assert_eq!(failed.status.reason, "DeadlineExceeded");
    assert_eq!(end(&failed, "test").0, 143);
}

#[tokio::test]
async fn logs_can_be_read_in_parts_and_as_they_grow() {
    let world = World::new().await;
    let stop = world.folder.path().join("go-on");
    let script_ = format!(
        "echo 0123456789; while [ ! -e {} ]; do sleep 0.05; done; echo abcdef; printf '\\377'",
        stop.display()
    );
    world.pods().create(&script("a", &script_)).await.unwrap();
    let options = LogOptions { follow: true, since_bytes: 5, tail_bytes: None };
    let mut log = world.pods().logs("a", "test", &options).await.unwrap();
    let first = soon("the first part", log.next()).await.unwrap().unwrap();
    assert_eq!(first, "56789\n");
    fs::write(&stop, "").unwrap();
    let mut rest = Vec::new();
    while let Some(chunk) = soon("the rest", log.next()).await {
        rest.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(rest, b"abcdef\n\xff");
    world.finished("a").await;
    let part = |since_bytes, tail_bytes| {
        let options = LogOptions { follow: false, since_bytes, tail_bytes };
        let (pods, stop) = (world.pods(), &stop);
        async move {
            assert!(stop.exists());
            let mut log = pods.logs("a", "test", &options).await.unwrap();
            let mut bytes = Vec::new();
            while let Some(chunk) = log.next().await {
                bytes.extend_from_slice(&chunk.unwrap());
            }
            bytes
        }
    };
    assert_eq!(part(11, None).await, b"abcdef\n\xff");
    assert_eq!(part(0, Some(3)).await, b"f\n\xff");
    assert_eq!(part(18, Some(9)).await, b"\xff");
    assert_eq!(part(500, None).await, b"");
    let error = world.pods().logs("a", "other", &LogOptions::default()).await.err().unwrap();
    assert!(error.is_permanent(), "{error}");
    let error = world.pods().logs("b", "test", &LogOptions::default()).await.err().unwrap();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn folders_that_are_not_writable_are_removed_too() {
    let world = World::new().await;
    let script_ = "mkdir -p \"$HOME/mod/deep\" && touch \"$HOME/mod/deep/x\" && \
                   chmod -R a-w \"$HOME/mod\"";
    assert_eq!(world.run(&script("a", script_)).await.status.phase, PodPhase::Succeeded);
    let folder = world.folder.path().join("pods/a");
    let inner = folder.join("root/test/home/mod/deep");
    assert_eq!(fs::metadata(&inner).unwrap().permissions().mode() & 0o222, 0);
    world.pods().delete("a", &DeleteOptions::default()).await.unwrap();
    world.pod_gone("a").await;
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_data_directory_that_would_break_scripts_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = store::Store::open(store::StoreOptions::files(folder.path())).await.unwrap();
    let clock = std::sync::Arc::new(clock::SystemClock);
    let odd = cluster::EmbeddedOptions::new(folder.path().join("my data"), clock);
    let error = cluster::EmbeddedCluster::open(&store, odd).await.err().unwrap();
    assert!(error.to_string().contains("--data-dir"), "{error}");
}
