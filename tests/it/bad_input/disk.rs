//! A disk that is full: below the database, and below the artifacts.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command as SyncCommand;

use tests::fake_github::Delivery;
use tests::world::{ORG, Program, REPO, Serving, sign};
use tokio::process::Command;

use crate::program::*;

/// A command that mounts a small file system at `folder`, for itself alone, and then becomes the
/// program; none where that is not possible.
#[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
fn on_small_disk(folder: &Path, megabytes: u32) -> Option<Command> {
    std::fs::create_dir_all(folder).expect("a folder");
    let mount = format!("mount -t tmpfs -o size={megabytes}m none \"$0\" && exec \"$@\"");
    let mut args: Vec<std::ffi::OsString> =
        ["--user", "--map-root-user", "--mount", "sh", "-c", &mount].map(Into::into).to_vec();
    args.push(folder.into());
    let tried = SyncCommand::new("unshare").args(&args).arg("true").output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        println!("skipped: a small file system cannot be mounted here");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(args);
    Some(command)
}

/// A file that takes all the room that is left.
struct Ballast(PathBuf);

impl Ballast {
    fn fill(serving: &Serving<'_>, folder: &Path) -> Ballast {
        let seen = folder.strip_prefix("/").expect("an absolute path");
        let path = serving.root().join(seen).join("ballast");
        let mut file = File::create(&path).expect("a file");
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        Ballast(path)
    }

    fn drop(self) {
        std::fs::remove_file(self.0).expect("a removed file");
    }
}

fn opened(program: &Program) -> Vec<Delivery> {
    let mut deliveries = program.github.deliveries();
    deliveries.retain(|delivery| delivery.event == "pull_request");
    deliveries
}

#[tokio::test]
async fn a_full_disk_below_the_database_refuses_deliveries_and_loses_none() {
    let mut meeting = Meeting::new();
    let program = Program::new(EXE, bare(&meeting.script())).await;
    let Some(command) = on_small_disk(&program.data_dir(), 24) else { return };
    let (_, first) = program.open_pull("first").await;
    let serving = program.start_as(command).await;
    assert!(serving.deliver_all().await.iter().all(|taken| *taken));
    meeting.hear("started", &program).await;

    let ballast = Ballast::fill(&serving, &program.data_dir());
    // Room that the database had already may hold a few small ones; this one fits nowhere.
    let padding = "x".repeat(2_000_000);
    let large = format!(r#"{{"repository":{{"full_name":"org/repo"}},"padding":"{padding}"}}"#);
    let answer = serving.deliver(&sign("push", "large", large.clone())).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("send it again later"), "{}", answer.text());
    assert!(program.log().contains("could not be written to the journal"), "{}", program.log());
    // The run ends while nothing can be written down.
    meeting.let_go();
    meeting.hear("ended", &program).await;
    let (_, second) = program.open_pull("second").await;
    serving.deliver_all().await;
    for path in ["/", "/prowjobs.js", "/status", "/deliveries", "/metrics", "/healthz"] {
        assert_eq!(serving.get(path).await.status, 200, "{path}");
    }

    ballast.drop();
    let answer = serving.deliver(&sign("push", "large", large)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(serving.deliver_all().await.iter().all(|taken| *taken));
    meeting.let_go();
    program
        .github_when("both are green", |github| {
            [&first, &second].iter().all(|head| {
                github.states(ORG, REPO, head).get("unit").is_some_and(|s| s == "success")
            })
        })
        .await;
    assert!(opened(&program).iter().all(|delivery| delivery.status == Some(200)));
    let ended = runs(&serving).await;
    assert_eq!(ended.len(), 2, "{ended:?}");
    serving.kill().await;
}

#[tokio::test]
async fn a_full_disk_below_the_artifacts_ends_the_run_with_the_reason_and_nothing_else() {
    let script = "i=0; while [ $i -lt 40000 ]; do echo a line of the log that is long enough $i; i=$((i+1)); done";
    let bucket = tempfile::tempdir().expect("a folder");
    let program = Program::new(EXE, decorated(script))
        .await
        .with_flag("local-bucket", &format!("artifacts={}", bucket.path().display()));
    let Some(command) = on_small_disk(bucket.path(), 1) else { return };
    let (_, head) = program.open_pull("topic").await;
    let serving = program.start_as(command).await;
    assert!(serving.deliver_all().await.iter().all(|taken| *taken));
    program
        .github_when("unit ended", |github| {
            github.states(ORG, REPO, &head).get("unit").is_some_and(|state| state != "pending")
        })
        .await;
    let list = serving.get("/prowjobs.js").await.expect(200).json();
    let status = &list["items"][0]["status"];
    assert!(
        ["failure", "error"].contains(&status["state"].as_str().unwrap_or_default()),
        "{status}"
    );
    let id = list["items"][0]["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let page = serving.get(&format!("/run/{id}")).await.expect(200).text();
    assert!(page.contains("no space is left"), "{page}");
    for path in ["/", "/status", "/healthz/ready"] {
        assert_eq!(serving.get(path).await.status, 200, "{path}");
    }
    serving.kill().await;
}
