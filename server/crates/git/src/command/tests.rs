use std::time::{Duration, Instant};

use super::*;

/// Runs a shell script in git's place; only tests do.
fn script(text: &str) -> GitCommand {
    GitCommand::new().program("/bin/sh").args(["-c", text])
}

fn alive(pid: &str) -> bool {
    // A zombie is dead, too: its parent just has not asked yet.
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim().starts_with('Z'))
}

#[tokio::test]
async fn the_environment_is_cleaned_and_never_prompts() {
    let output = script(
        "echo $GIT_TERMINAL_PROMPT $GIT_CONFIG_NOSYSTEM $LC_ALL; env | grep -c '^GIT_DIR=' || true",
    )
    .run()
    .await
    .expect("a run");
    assert_eq!(output.text(), "0 1 C\n0");
}

#[tokio::test]
async fn arguments_reach_git_as_they_are() {
    let output = GitCommand::new()
        .args(["rev-parse", "--sq-quote", "a b", "$(touch x)", "`y`", "*", ""])
        .run()
        .await
        .expect("a run");
    assert_eq!(output.text().trim(), "'a b' '$(touch x)' '`y`' '*' ''");
}

#[tokio::test]
async fn a_failure_names_the_command_the_code_and_what_git_said() {
    let error = GitCommand::new()
        .args(["rev-parse", "--verify", "nowhere"])
        .dir("/")
        .run()
        .await
        .expect_err("a failure");
    let text = error.to_string();
    assert!(
        text.starts_with("`git rev-parse --verify nowhere` failed with exit code 128: "),
        "{text}"
    );
    assert!(text.contains("not a git repository"), "{text}");
}

#[tokio::test]
async fn a_missing_program_says_what_to_install() {
    let error =
        GitCommand::new().program("/nowhere/git").arg("x").run().await.expect_err("a failure");
    assert!(error.to_string().contains("check that git 2.38 or newer is installed"), "{error}");
}

#[tokio::test]
async fn a_deadline_kills_the_whole_process_group() {
    let dir = tempfile::tempdir().expect("a folder");
    let pids = dir.path().join("pids");
    let text = format!(
        "trap '' TERM; sleep 1000 & echo $! > {0}; echo $$ >> {0}; wait; wait; sleep 1000",
        pids.display()
    );
    let begin = Instant::now();
    let error =
        script(&text).timeout(Duration::from_millis(300)).run().await.expect_err("a time-out");
    assert!(matches!(error, GitError::Timeout { .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(60));
    for pid in std::fs::read_to_string(pids).expect("the pids").lines() {
        ends(pid).await;
    }
}

/// Waits for a process that was killed: the signal is sent at once, the process ends a moment
/// later.
async fn ends(pid: &str) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while alive(pid) {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "{pid} is still alive");
}

#[tokio::test]
async fn an_abandoned_call_leaves_no_process_behind() {
    let dir = tempfile::tempdir().expect("a folder");
    let fifo = dir.path().join("started");
    let pid_file = dir.path().join("pid");
    // The script tells that it runs by opening the queue for writing.
    let made = script(&format!("mkfifo {}", fifo.display())).run().await;
    made.expect("a queue");
    let text = format!(
        "echo $$ > {}; echo ready > {}; exec sleep 1000",
        pid_file.display(),
        fifo.display()
    );
    let call = tokio::spawn(script(&text).run());
    let ready = tokio::task::spawn_blocking(move || std::fs::read_to_string(fifo));
    ready.await.expect("no panic").expect("a word");
    call.abort();
    assert!(call.await.expect_err("aborted").is_cancelled());
    let pid = std::fs::read_to_string(pid_file).expect("the pid");
    ends(&pid).await;
}

#[tokio::test]
async fn output_beyond_the_limit_ends_the_command() {
    let error = script("yes").output_limit(1_000).run().await.expect_err("too much output");
    assert_eq!(error, GitError::OutputTooLarge { command: "/bin/sh -c yes".into(), limit: 1_000 });
    let fits = script("printf 12345").output_limit(5).run().await.expect("a run");
    assert_eq!(fits.text(), "12345");
}

#[tokio::test]
async fn standard_input_and_a_flood_on_standard_error_do_not_block_each_other() {
    let output = script("yes err | head -c 3000000 >&2; wc -c")
        .stdin(vec![b'x'; 1_000_000])
        .run()
        .await
        .expect("a run");
    assert_eq!(output.text(), "1000000");
    assert!(output.stderr.len() <= STDERR_LIMIT);
}

#[tokio::test]
async fn credentials_appear_neither_in_errors_nor_in_debug_output_nor_in_arguments() {
    let command = GitCommand::new()
        .dir("/")
        .args(["ls-remote", "https://bot:hunter2@127.0.0.1:1/repo.git"])
        .config("http.https://127.0.0.1:1/.extraHeader", "Authorization: Basic c2VjcmV0")
        .secret("s3cr3t".to_owned().into());
    assert!(!format!("{command:?}").contains("hunter2"));
    assert!(!command.args.iter().any(|arg| arg.to_string_lossy().contains("c2VjcmV0")));
    let error = command.run().await.expect_err("nothing listens there").to_string();
    assert!(!error.contains("hunter2") && !error.contains("c2VjcmV0"), "{error}");

    let leaky = script("echo oops s3cr3t >&2; exit 3").secret("s3cr3t".to_owned().into());
    let error = leaky.run().await.expect_err("a failure");
    assert_eq!(
        error,
        GitError::Failed {
            command: "/bin/sh -c \"echo oops REDACTED >&2; exit 3\"".into(),
            code: Some(3),
            message: "oops REDACTED".into()
        }
    );
}

#[test]
fn credentials_are_bound_to_the_host_of_an_http_address() {
    for (uri, expected) in [
        ("https://github.com/org/repo.git", Some("https://github.com/")),
        ("http://user@localhost:8080/x", Some("http://localhost:8080/")),
        ("ssh://git@github.com/org/repo", None),
        ("git@github.com:org/repo.git", None),
        ("/srv/repo.git", None),
        ("file:///srv/repo.git", None),
    ] {
        assert_eq!(http_host(uri).as_deref(), expected, "{uri}");
    }
}
