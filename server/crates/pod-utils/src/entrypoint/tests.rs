use std::os::unix::fs::PermissionsExt;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, DuplexStream};
use tokio::task::JoinHandle;

use super::*;
use crate::Interrupt;
use crate::testing::World;

/// Output that no test of this file fills, so that nobody has to read along.
const PIPE_BYTES: usize = 1 << 20;

fn options(world: &World, args: &[&str]) -> EntrypointOptions {
    let mut options = EntrypointOptions {
        artifact_dir: world.text("logs/artifacts"),
        ..EntrypointOptions::default()
    };
    std::fs::create_dir_all(world.path("logs")).unwrap();
    options.wrapper.args = args.iter().map(|arg| (*arg).to_owned()).collect();
    options.wrapper.process_log = world.text("logs/process-log.txt");
    options.wrapper.marker_file = world.text("logs/marker-file.txt");
    options
}

fn script(world: &World, script: &str) -> EntrypointOptions {
    options(world, &["bash", "-c", script])
}

fn marker_of(world: &World) -> String {
    std::fs::read_to_string(world.path("logs/marker-file.txt")).unwrap()
}

fn log_of(world: &World) -> String {
    std::fs::read_to_string(world.path("logs/process-log.txt")).unwrap()
}

/// A test that runs beside this one.
struct Running {
    code: JoinHandle<i32>,
    out: BufReader<DuplexStream>,
    interrupts: tokio::sync::mpsc::UnboundedSender<Interrupt>,
}

impl Running {
    fn start(world: &World, options: EntrypointOptions) -> Running {
        // A shell that starts us in the background has SIGINT ignored, which programs inherit; with
        // a handler here they do not, just as below the real entrypoint.
        let interrupt = tokio::signal::unix::SignalKind::interrupt();
        drop(tokio::signal::unix::signal(interrupt).unwrap());
        let (sender, interrupts) = Interrupts::by_hand();
        let (out, inner) = tokio::io::duplex(PIPE_BYTES);
        let context = world.context.clone();
        let code = tokio::spawn(async move { run(&options, interrupts, &context, inner).await });
        Running { code, out: BufReader::new(out), interrupts: sender }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    async fn rest(mut self) -> (i32, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).await.unwrap();
        (self.code.await.unwrap(), rest)
    }
}

async fn run_to_end(world: &World, options: EntrypointOptions) -> (i32, String) {
    Running::start(world, options).rest().await
}

fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie waits for whoever adopted it; it does nothing any more.
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn what_a_test_prints_goes_to_the_log_and_to_standard_output() {
    let world = World::new();
    let printing = script(&world, "echo one; echo two >&2; printf '\\xff'; echo three");
    let (sender, interrupts) = Interrupts::by_hand();
    let (mut out, inner) = tokio::io::duplex(PIPE_BYTES);
    let code = run(&printing, interrupts, &world.context, inner).await;
    drop(sender);
    let mut shown = Vec::new();
    out.read_to_end(&mut shown).await.unwrap();
    assert_eq!((code, shown.as_slice()), (0, b"one\ntwo\n\xffthree\n".as_slice()));
    assert_eq!(std::fs::read(world.path("logs/process-log.txt")).unwrap(), shown);
    assert_eq!(marker_of(&world), "0");
    assert!(world.path("logs/artifacts").is_dir());
    let mode = world.path("logs/marker-file.txt").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o777);
    // Nothing but the three of them is left: the marker's temporary file is gone.
    assert_eq!(std::fs::read_dir(world.path("logs")).unwrap().count(), 3);
}

#[tokio::test]
async fn the_exit_code_is_the_tests_own() {
    let world = World::new();
    let (code, out) = run_to_end(&world, script(&world, "echo bad; exit 3")).await;
    assert_eq!((code, marker_of(&world).as_str()), (3, "3"));
    assert!(out.contains("\"error\":\"wrapped process failed: exit status 3\""), "{out}");
    assert_eq!(log_of(&world), "bad\n");
    let zero = EntrypointOptions { always_zero: true, ..script(&world, "exit 3") };
    let (code, _) = run_to_end(&world, zero).await;
    assert_eq!((code, marker_of(&world).as_str()), (0, "3"));
    let (code, out) = run_to_end(&world, script(&world, "kill -9 $$")).await;
    assert_eq!((code, marker_of(&world).as_str()), (-1, "-1"));
    assert!(out.contains("signal: killed"), "{out}");
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named_in_the_log() {
    let world = World::new();
    let (code, out) = run_to_end(&world, options(&world, &["no-such-program", "x"])).await;
    assert_eq!((code, marker_of(&world).as_str()), (127, "127"));
    let sentence = "could not start the process: exec: \"no-such-program\": executable file not \
                    found in $PATH";
    assert_eq!(log_of(&world), sentence);
    assert!(out.starts_with(sentence), "{out}");
    run_to_end(&world, options(&world, &["/no/such/path"])).await;
    assert!(log_of(&world).ends_with("fork/exec /no/such/path: no such file or directory"));
}

#[tokio::test]
async fn lines_are_there_while_the_test_still_runs() {
    let world = World::new();
    let fifo = world.text("fifo");
    let waiting = format!("mkfifo {fifo}; echo first; read go < {fifo}; echo $go");
    let mut running = Running::start(&world, script(&world, &waiting));
    assert_eq!(running.line().await, "first");
    assert_eq!(log_of(&world), "first\n");
    tokio::fs::write(&fifo, "second\n").await.unwrap();
    assert_eq!(running.rest().await, (0, "second\n".to_owned()));
}

/// Says its number, then waits for a child that ends only by being killed.
const STUBBORN: &str = "trap 'echo int' INT; trap 'echo term' TERM; \
                        tail -f /dev/null & echo $!; \
                        while kill -0 $! 2>/dev/null; do wait $!; done; exit 4";

#[tokio::test]
async fn a_test_that_takes_too_long_is_interrupted_and_then_killed_with_all_its_children() {
    let world = World::new();
    let mut options = script(&world, STUBBORN);
    options.timeout = Nanos(GoDuration::from_std(Duration::from_secs(600)));
    let mut running = Running::start(&world, options);
    let child = running.line().await;
    assert!(is_running(&child));
    world.until_somebody_waits(Duration::from_secs(600)).await;
    world.clock.advance(Duration::from_secs(600));
    assert!(running.line().await.contains("Process did not finish before 10m0s timeout"));
    assert_eq!(running.line().await, "int");
    world.until_somebody_waits(DEFAULT_GRACE_PERIOD).await;
    world.clock.advance(DEFAULT_GRACE_PERIOD);
    let (code, rest) = running.rest().await;
    assert!(rest.contains("Process did not exit before 15s grace period"), "{rest}");
    assert_eq!((code, marker_of(&world).as_str()), (127, "127"));
    while is_running(&child) {
        tokio::task::yield_now().await;
    }
    assert!(log_of(&world).contains("Process did not finish before 10m0s timeout"));
}

#[tokio::test]
async fn a_signal_is_passed_on_after_an_interrupt_and_the_run_is_aborted() {
    let world = World::new();
    let polite = "trap 'echo int' INT; trap 'echo term; exit 0' TERM; echo ready; \
                  while :; do read -t 1000 < <(tail -f /dev/null) || :; done";
    let mut running = Running::start(&world, script(&world, polite));
    assert_eq!(running.line().await, "ready");
    running.interrupts.send(Interrupt::Terminate).unwrap();
    let (code, rest) = running.rest().await;
    assert_eq!((code, marker_of(&world).as_str()), (130, "130"));
    assert!(rest.contains("Entrypoint received interrupt: terminated"), "{rest}");
    assert!(rest.contains("term\n"), "{rest}");
    assert!(rest.contains("Process gracefully exited before 15s grace period"), "{rest}");
}

#[tokio::test]
async fn the_tests_own_code_is_kept_where_the_options_say_so() {
    let world = World::new();
    let polite = "trap 'exit 7' INT; echo ready; read -t 1000 < <(tail -f /dev/null)";
    let options = EntrypointOptions { propagate_error_code: true, ..script(&world, polite) };
    let mut running = Running::start(&world, options);
    assert_eq!(running.line().await, "ready");
    running.interrupts.send(Interrupt::Interrupt).unwrap();
    let (code, _) = running.rest().await;
    assert_eq!((code, marker_of(&world).as_str()), (7, "7"));
}

#[tokio::test]
async fn what_a_test_leaves_in_the_background_does_not_keep_the_run_open() {
    let world = World::new();
    let mut running = Running::start(&world, script(&world, "tail -f /dev/null & echo $!"));
    let child = running.line().await;
    // The test itself is gone; only the drain is waited for.
    world.until_somebody_waits(Duration::from_secs(2)).await;
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(running.rest().await.0, 0);
    while is_running(&child) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_failed_earlier_step_means_not_running() {
    let world = World::new();
    let mut options = script(&world, "echo ran");
    options.previous_marker = world.text("logs/previous");
    world.write("logs/previous", "1");
    let (code, out) = run_to_end(&world, options.clone()).await;
    assert_eq!((code, marker_of(&world).as_str()), (1130, "1130"));
    assert!(out.contains("Skipping as previous step exited 1"), "{out}");
    world.write("logs/previous", "0\n");
    assert_eq!(run_to_end(&world, options.clone()).await, (0, "ran\n".to_owned()));
    std::fs::remove_file(world.path("logs/previous")).unwrap();
    let running = Running::start(&world, options);
    running.interrupts.send(Interrupt::Terminate).unwrap();
    assert_eq!(running.rest().await.0, 127);
}

#[tokio::test]
async fn a_full_disk_ends_the_log_and_not_the_test() {
    let world = World::new();
    let mut options = script(&world, "echo one; echo two");
    options.wrapper.process_log = "/dev/full".to_owned();
    let (code, out) = run_to_end(&world, options).await;
    assert_eq!((code, marker_of(&world).as_str()), (0, "0"));
    assert!(out.contains("one\n") && out.contains("two\n"), "{out}");
    assert!(out.contains("The process log /dev/full ends here"), "{out}");
    assert!(out.contains("No space left on device"), "{out}");
}

#[tokio::test]
async fn without_a_marker_the_run_fails_whatever_the_test_did() {
    let world = World::new();
    let mut options = EntrypointOptions { always_zero: true, ..script(&world, "exit 0") };
    options.wrapper.marker_file = world.text("nowhere/marker-file.txt");
    let (code, out) = run_to_end(&world, options).await;
    assert_eq!(code, 127);
    assert!(out.contains("Error writing exit code to marker file"), "{out}");
}

#[tokio::test]
async fn a_log_that_cannot_be_written_is_an_internal_failure() {
    let world = World::new();
    let mut options = script(&world, "echo x");
    options.wrapper.process_log = world.text("nowhere/process-log.txt");
    let (code, out) = run_to_end(&world, options).await;
    assert_eq!((code, marker_of(&world).as_str()), (127, "127"));
    assert!(out.contains("could not create process logfile"), "{out}");
}

#[test]
fn the_program_is_linked_where_it_can_be_and_copied_where_not() {
    use std::os::unix::fs::MetadataExt;
    let world = World::new();
    let program = world.write("bin/bowsprit", "#!/bin/sh\necho hello\n");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let destination = world.path("tools/entrypoint");
    // Twice: a restarted Pod finds the file already there.
    for _ in 0..2 {
        copy::place(&program, &destination).unwrap();
        assert_eq!(program.metadata().unwrap().ino(), destination.metadata().unwrap().ino());
    }
    // Another file system, if the machine has one: no link is possible there.
    let elsewhere = std::path::Path::new("/dev/shm");
    if elsewhere.is_dir()
        && elsewhere.metadata().unwrap().dev() != program.metadata().unwrap().dev()
    {
        let folder = tempfile::tempdir_in(elsewhere).unwrap();
        let destination = folder.path().join("entrypoint");
        copy::place(&program, &destination).unwrap();
        let copied = destination.metadata().unwrap();
        assert_eq!(copied.permissions().mode() & 0o777, 0o755);
        assert_eq!(std::fs::read(&destination).unwrap(), std::fs::read(&program).unwrap());
    }
}

#[test]
fn options_that_name_no_program_log_or_marker_are_refused() {
    let load = |words: &[&str]| load_options(words.iter().map(|w| (*w).to_owned()).collect());
    let full = ["--process-log=l", "--marker-file=m", "--timeout=1h30m", "make", "--check"];
    let options = load(&full).unwrap();
    assert_eq!(options.wrapper.args, ["make", "--check"]);
    assert_eq!(options.timeout.0.as_std(), Duration::from_secs(5400));
    assert!(load(&full[..3]).unwrap_err().to_string().contains("no process to wrap"));
    assert!(load(&["make"]).unwrap_err().to_string().contains("--process-log"));
    assert!(load(&["--process-log=l", "make"]).unwrap_err().to_string().contains("--marker-file"));
    assert!(load(&["--copy-mode-only"]).unwrap().copy_mode_only);
    for flag in ["--copy-dst=/t/e", "--copy-destination=/t/e"] {
        assert_eq!(load(&["--copy-mode-only", flag]).unwrap().copy_dst, "/t/e");
    }
    assert!(load(&["--timeout=soon"]).is_err());
}
