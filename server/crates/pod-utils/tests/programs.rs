//! The programs as a Pod runs them: real processes, real git, real signals.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A Pod's folders.
struct Pod {
    folder: TempDir,
}

impl Pod {
    fn new() -> Pod {
        let folder = tempfile::tempdir().unwrap();
        for name in ["logs", "tools", "code", "buckets"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Pod { folder }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn text(&self, below: &str) -> String {
        self.path(below).to_string_lossy().into_owned()
    }

    fn read(&self, below: &str) -> String {
        std::fs::read_to_string(self.path(below)).unwrap_or_default()
    }

    fn object(&self, name: &str) -> String {
        self.read(&format!("buckets/ci/logs/ci-job/1/{name}"))
    }

    /// The program of that name, with its options in the environment.
    fn utility(&self, name: &str, variable: &str, options: Value) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bowsprit-pod"));
        command.arg(name);
        self.environment(&mut command, variable, options);
        command
    }

    fn environment(&self, command: &mut Command, variable: &str, options: Value) {
        let spec = json!({
            "type": "periodic",
            "job": "ci-job",
            "buildid": "1",
            "prowjobid": "id",
            "extra_refs": [self.refs()],
        });
        let blobs = json!({"local_root": self.text("buckets")});
        command
            .env(variable, options.to_string())
            .env("JOB_SPEC", spec.to_string())
            .env("BOWSPRIT_BLOBS", blobs.to_string());
    }

    fn refs(&self) -> Value {
        json!({"org": "org", "repo": "repo", "base_ref": "main", "clone_uri": self.text("origin")})
    }

    fn wrapper(&self, script: &str) -> Value {
        json!({
            "args": ["bash", "-c", script],
            "process_log": self.text("logs/process-log.txt"),
            "marker_file": self.text("logs/marker-file.txt"),
            "metadata_file": self.text("logs/artifacts/metadata.json"),
        })
    }

    fn entrypoint(&self, script: &str) -> Value {
        let mut options = self.wrapper(script);
        options["timeout"] = json!(7_200_000_000_000_i64);
        options["grace_period"] = json!(15_000_000_000_i64);
        options["artifact_dir"] = json!(self.text("logs/artifacts"));
        options
    }

    fn sidecar(&self) -> Value {
        json!({
            "gcs_options": {
                "items": [self.text("logs/artifacts")],
                "bucket": "file://ci",
                "path_strategy": "explicit",
                "dry_run": false,
            },
            "entries": [self.wrapper("true")],
        })
    }
}

fn succeeded(output: &Output) -> bool {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    true
}

fn git(dir: &Path, args: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c"])
        .arg("init.defaultBranch=main")
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    succeeded(&output);
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn a_run_goes_through_all_four_programs() {
    let pod = Pod::new();
    let origin = pod.path("origin");
    std::fs::create_dir(&origin).unwrap();
    git(&origin, &["init"]);
    std::fs::write(origin.join("check.sh"), "echo checked; echo '{}' > $ARTIFACTS/junit.xml\n")
        .unwrap();
    git(&origin, &["add", "."]);
    git(&origin, &["commit", "-m", "base"]);

    let clonerefs = json!({
        "src_root": pod.text("code"),
        "log": pod.text("logs/clone.json"),
        "refs": [pod.refs()],
    });
    succeeded(&pod.utility("clonerefs", "CLONEREFS_OPTIONS", clonerefs).output().unwrap());

    let mut initupload = pod.sidecar()["gcs_options"].clone();
    initupload["log"] = json!(pod.text("logs/clone.json"));
    succeeded(&pod.utility("initupload", "INITUPLOAD_OPTIONS", initupload).output().unwrap());
    let started: Value = serde_json::from_str(&pod.object("started.json")).unwrap();
    assert_eq!(started["repo-commit"].as_str().unwrap().len(), 40);

    let place = Command::new(env!("CARGO_BIN_EXE_bowsprit-pod"))
        .args(["entrypoint", "--copy-mode-only"])
        .env("BOWSPRIT_MOUNTS", json!({"/tools": pod.text("tools")}).to_string())
        .output()
        .unwrap();
    succeeded(&place);

    // The copy acts as entrypoint by its name alone.
    let mut test = Command::new(pod.path("tools/entrypoint"));
    pod.environment(&mut test, "ENTRYPOINT_OPTIONS", pod.entrypoint("bash check.sh"));
    let test = test
        .env("ARTIFACTS", pod.text("logs/artifacts"))
        .current_dir(pod.path("code/src/github.com/org/repo"))
        .output()
        .unwrap();
    succeeded(&test);
    assert_eq!(test.stdout, b"checked\n");

    succeeded(&pod.utility("sidecar", "SIDECAR_OPTIONS", pod.sidecar()).output().unwrap());
    assert_eq!(pod.object("build-log.txt"), "checked\n");
    assert_eq!(pod.object("artifacts/junit.xml"), "{}\n");
    let finished: Value = serde_json::from_str(&pod.object("finished.json")).unwrap();
    assert_eq!((&finished["passed"], &finished["result"]), (&json!(true), &json!("SUCCESS")));
    for line in pod.object("sidecar-logs.json").lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    let written = |name: &str| {
        let path = pod.path(&format!("buckets/ci/logs/ci-job/1/{name}"));
        path.metadata().unwrap().modified().unwrap()
    };
    for name in ["build-log.txt", "artifacts/junit.xml", "sidecar-logs.json", "clone-log.txt"] {
        assert!(written("finished.json") >= written(name), "{name}");
    }
    assert_eq!(pod.read("buckets/ci/logs/ci-job/latest-build.txt"), "1");
}

#[test]
fn sigterm_ends_the_test_and_everything_that_it_started() {
    let pod = Pod::new();
    let script = "tail -f /dev/null & echo $!; wait";
    let mut entrypoint = pod
        .utility("entrypoint", "ENTRYPOINT_OPTIONS", pod.entrypoint(script))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(entrypoint.stdout.take().unwrap());
    let mut child = String::new();
    out.read_line(&mut child).unwrap();
    let child = child.trim();
    assert!(is_running(child));
    signal(&entrypoint, Signal::TERM);
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(entrypoint.wait().unwrap().code(), Some(130));
    assert!(rest.contains("Entrypoint received interrupt: terminated"), "{rest}");
    assert_eq!(pod.read("logs/marker-file.txt"), "130");
    while is_running(child) {
        std::thread::yield_now();
    }
}

#[test]
fn sigterm_ends_a_clone_that_hangs_and_its_git() {
    let pod = Pod::new();
    // A remote that takes the connection and never answers.
    let remote = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut refs = pod.refs();
    refs["clone_uri"] = json!(format!("http://{}/x.git", remote.local_addr().unwrap()));
    let options = json!({
        "src_root": pod.text("code"),
        "log": pod.text("logs/clone.json"),
        "refs": [refs],
    });
    let mut clonerefs = pod
        .utility("clonerefs", "CLONEREFS_OPTIONS", options)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut connection, _) = remote.accept().unwrap();
    // Once git has asked, it waits for an answer.
    let mut request = [0; 20];
    connection.read_exact(&mut request).unwrap();
    assert_eq!(&request, b"GET /x.git/info/refs");
    signal(&clonerefs, Signal::TERM);
    assert_eq!(clonerefs.wait().unwrap().code(), Some(130));
    // The connection closes when git is gone; until then this would wait.
    let _ = connection.read_to_end(&mut Vec::new());
}

#[test]
fn sigterm_makes_the_sidecar_upload_at_once_and_go_on_waiting() {
    let pod = Pod::new();
    std::fs::create_dir(pod.path("logs/artifacts")).unwrap();
    std::fs::write(pod.path("logs/process-log.txt"), "half").unwrap();
    let mut sidecar = pod
        .utility("sidecar", "SIDECAR_OPTIONS", pod.sidecar())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(sidecar.stderr.take().unwrap()).lines();
    let mut wait_for = |text: &str| {
        let found = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(text)));
        assert!(found.is_some(), "the sidecar never said {text:?}");
    };
    // Its handlers are in place once it says that it waits.
    wait_for("Waiting for the tests to end");
    signal(&sidecar, Signal::TERM);
    wait_for("Best-effort upload was successful");
    assert!(pod.object("finished.json").contains("ABORTED"));
    assert_eq!(pod.object("build-log.txt"), "half");
    std::fs::write(pod.path("logs/process-log.txt"), "whole").unwrap();
    std::fs::write(pod.path("logs/marker-file.txt"), "0").unwrap();
    wait_for("Finished uploading");
    assert!(sidecar.wait().unwrap().success());
    assert!(pod.object("finished.json").contains("SUCCESS"));
    assert_eq!(pod.object("build-log.txt"), "whole");
}

#[test]
fn a_wrong_call_is_explained() {
    let program = || Command::new(env!("CARGO_BIN_EXE_bowsprit-pod"));
    let said = |output: Output| {
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let unknown = said(program().arg("kubelet").output().unwrap());
    assert!(unknown.contains("there is no utility `kubelet`"), "{unknown}");
    let broken = said(program().arg("sidecar").env("SIDECAR_OPTIONS", "{").output().unwrap());
    assert!(broken.contains("SIDECAR_OPTIONS"), "{broken}");
    let pod = Pod::new();
    let mut without_spec = pod.utility("sidecar", "SIDECAR_OPTIONS", pod.sidecar());
    let missing = said(without_spec.env_remove("JOB_SPEC").output().unwrap());
    assert!(missing.contains("JOB_SPEC is not set"), "{missing}");
    let blobs = pod
        .utility("sidecar", "SIDECAR_OPTIONS", pod.sidecar())
        .env("BOWSPRIT_BLOBS", "nonsense")
        .output()
        .unwrap();
    assert!(said(blobs).contains("BOWSPRIT_BLOBS"));
}
