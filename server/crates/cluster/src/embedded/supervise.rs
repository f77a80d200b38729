//! One container as a local process, with a supervisor that outlives the server.
//!
//! The server starts `bowsprit pod run-container … -- command args` for every container. That
//! small process starts the command in a process group of its own, waits for it, and writes what
//! became of it into a state file. It holds a lock on a second file as long as it lives. So a
//! server that was killed finds, when it starts again, for every container either the lock (it
//! still runs) or its exit code, and never starts a container twice.
//!
//! ```text
//!  server ──spawn──> supervisor (own session, holds the lock) ──spawn──> command (own group)
//!    │  SIGTERM: end it within the grace period                  stdout, stderr ──> log file
//!    │  SIGQUIT: end it now
//!    └──reads──> state file: {supervisor, group, started, exit}
//! ```

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use clock::{Clock, SystemClock};
use go_compat::Timestamp;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

/// What a shell answers for a command that is not there, and Kubernetes for one that cannot run.
const CANNOT_RUN: i32 = 127;

/// Added to the number of a signal for the exit code, as shells and Kubernetes do.
const SIGNALLED: i32 = 128;

/// Exit code of a supervisor that found another one at work.
const TAKEN: u8 = 75;

/// Wait before the state file is tried again, when the disk is full.
const STATE_RETRY: Duration = Duration::from_secs(1);

/// How often it is tried: ten minutes, then the exit code is lost.
const STATE_TRIES: u32 = 600;

/// Rounds of killing what the container left behind; each kills at least the direct children.
const SWEEPS: usize = 64;

/// Where one container's process is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContainerFiles {
    /// The supervisor's lock.
    pub(super) lock: PathBuf,
    /// [`ContainerState`] as JSON.
    pub(super) state: PathBuf,
    /// What the container writes.
    pub(super) log: PathBuf,
}

/// What is known about a container's process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ContainerState {
    /// Process id of the supervisor; 0 if the server itself watches over it.
    pub(super) supervisor: i32,
    /// Process group of the command; 0 if it never ran.
    pub(super) group: i32,
    /// When it started, in milliseconds since the epoch.
    pub(super) started_ms: i64,
    /// How it ended.
    pub(super) exit: Option<ContainerExit>,
}

/// How a container ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ContainerExit {
    /// Its exit code; 128 and the signal if a signal ended it.
    pub(super) code: i32,
    /// The signal that ended it, or 0.
    pub(super) signal: i32,
    /// `Completed`, `Error`, `ContainerCannotRun` …
    pub(super) reason: String,
    /// A sentence, where there is something to say.
    pub(super) message: String,
    /// When it ended, in milliseconds since the epoch.
    pub(super) finished_ms: i64,
}

impl ContainerExit {
    /// The end of a container that could not be started.
    pub(super) fn cannot_run(message: String, now: Timestamp) -> ContainerExit {
        ContainerExit {
            code: CANNOT_RUN,
            signal: 0,
            reason: "ContainerCannotRun".to_string(),
            message,
            finished_ms: now.millis(),
        }
    }

    /// The end of a process.
    pub(super) fn of_process(code: Option<i32>, signal: Option<i32>, now: Timestamp) -> Self {
        let signal = signal.unwrap_or(0);
        let code = code.unwrap_or(SIGNALLED + signal);
        let reason = if code == 0 { "Completed" } else { "Error" };
        ContainerExit {
            code,
            signal,
            reason: reason.to_string(),
            message: String::new(),
            finished_ms: now.millis(),
        }
    }

    /// The end of a container whose supervisor vanished, so that nobody saw it.
    pub(super) fn unknown(now: Timestamp) -> ContainerExit {
        ContainerExit {
            code: SIGNALLED + 9,
            signal: 0,
            reason: "ContainerStatusUnknown".to_string(),
            message: "the process that watched over the container ended without leaving its exit \
                      code: it was killed, or the machine was restarted"
                .to_string(),
            finished_ms: now.millis(),
        }
    }
}

/// Reads a state file; `None` if there is none, or if it is not readable as one.
pub(super) fn read_state(path: &Path) -> Option<ContainerState> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes down the end of a container that nobody saw, so that it stays the same from now on.
pub(super) fn record_exit(path: &Path, mut state: ContainerState, exit: &ContainerExit) {
    state.exit = Some(exit.clone());
    if let Err(error) = write_state(path, &state) {
        tracing::warn!("`{}` cannot be written: {error}", path.display());
    }
}

/// Kills what is left of a container whose supervisor vanished: everything in the supervisor's
/// session, whatever group it is in. Call it only with the container's lock in hand, which says
/// that the supervisor is dead.
pub(super) fn end_leftovers(state: &ContainerState) {
    let leader = state.supervisor;
    for _ in 0..SWEEPS {
        let members = session_members(leader);
        // A living leader of that number is another process that came later, with a session of
        // its own; ours has ended with all its members.
        if leader <= 1 || members.is_empty() || members.contains(&leader) {
            return;
        }
        for member in members {
            signal_process(member, Signal::KILL);
        }
    }
}

/// The living processes of a session, where the system tells.
fn session_members(leader: i32) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The second field is a name in parentheses that may hold anything.
            let (_, rest) = stat.rsplit_once(')')?;
            let mut fields = rest.split_whitespace();
            let dead = matches!(fields.next()?, "Z" | "X");
            let session: i32 = fields.nth(2)?.parse().ok()?;
            (session == leader && !dead).then_some(pid)
        })
        .collect()
}

/// Replaces a state file in one step.
fn write_state(path: &Path, state: &ContainerState) -> io::Result<()> {
    let text = serde_json::to_vec(state)?;
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

/// Replaces a state file, with patience while the disk is full.
async fn keep_state(path: &Path, state: &ContainerState) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match write_state(path, state) {
            // The Pod and its folder were removed: nobody wants to know any more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            Err(error) if tries >= STATE_TRIES => return Err(error),
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
        tries += 1;
        tokio::time::sleep(STATE_RETRY).await;
    }
}

/// The lock of a container. It ends with the process that holds it, or when it is dropped.
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Not left to the closing of the file: a process that is being started at this moment
        // holds a copy of it until its program begins.
        self.0.unlock().ok();
    }
}

/// Takes the lock of a container; `None` if somebody watches over it already.
pub(super) fn take_lock(path: &Path) -> io::Result<Option<Lock>> {
    let file = open_lock(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Waits in the system until the lock of a container is free, and takes it.
pub(super) fn wait_for_lock(path: &Path) -> io::Result<Lock> {
    let file = open_lock(path)?;
    file.lock()?;
    Ok(Lock(file))
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContainerCommand {
    /// Program and arguments.
    pub(super) argv: Vec<OsString>,
    /// Where it starts.
    pub(super) dir: PathBuf,
}

/// Prepares the command: its own process group, output to the log, nothing on its input.
/// The environment is the caller's affair.
fn prepared(run: &ContainerCommand, log: &Path) -> Result<Command, String> {
    let Some((program, args)) = run.argv.split_first() else {
        return Err("the container has no command".to_string());
    };
    let output = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .and_then(|file| Ok((file.try_clone()?, file)))
        .map_err(|error| format!("its log `{}` cannot be written: {error}", log.display()))?;
    if !run.dir.is_dir() {
        return Err(format!("its working directory `{}` does not exist", run.dir.display()));
    }
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(&run.dir)
        .stdin(Stdio::null())
        .stdout(output.0)
        .stderr(output.1)
        .process_group(0);
    Ok(command)
}

/// Why a command did not start, for people.
fn start_failure(program: &OsStr, error: &io::Error) -> String {
    let program = program.to_string_lossy();
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "its command `{program}` does not exist on this machine: the embedded cluster pulls \
             no images, so what a container runs must be installed here"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("its command `{program}` is not executable: {error}")
        }
        _ => format!("its command `{program}` cannot be started: {error}"),
    }
}

/// Sends a signal to a whole process group. A group that is gone is no error.
fn signal_group(group: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(group).filter(|_| group > 1) {
        rustix::process::kill_process_group(pid, signal).ok();
    }
}

/// Sends a signal to one process, if it is there.
pub(super) fn signal_process(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid).filter(|_| pid > 1) {
        rustix::process::kill_process(pid, signal).ok();
    }
}

/// How to stop a container that the server itself watches over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// SIGTERM now, SIGKILL after this time.
    Within(Duration),
    /// SIGKILL.
    Now,
}

/// Kills a process group when it is dropped: for containers without a supervisor, which must not
/// outlive the runtime that watches over them.
struct GroupGuard(i32);

impl Drop for GroupGuard {
    fn drop(&mut self) {
        signal_group(self.0, Signal::KILL);
    }
}

/// Runs a container in this process, without a supervisor: used where there is no `bowsprit`
/// program to start. `started` hears of the start; the answer is the end. The container does not
/// survive this process.
pub(super) async fn run_here(
    run: ContainerCommand,
    env: Vec<(OsString, OsString)>,
    files: ContainerFiles,
    mut stop: tokio::sync::mpsc::UnboundedReceiver<Stop>,
    started: tokio::sync::oneshot::Sender<()>,
) -> io::Result<()> {
    let Some(_lock) = take_lock(&files.lock)? else {
        return Ok(());
    };
    if read_state(&files.state).is_some() {
        return Ok(());
    }
    let clock = SystemClock;
    let mut state = ContainerState { started_ms: clock.now().millis(), ..Default::default() };
    // Before the process exists: on a full disk it does not start at all.
    write_state(&files.state, &state)?;
    let spawned = prepared(&run, &files.log).and_then(|mut command| {
        command.env_clear().envs(env);
        tokio::process::Command::from(command)
            .spawn()
            .map_err(|error| start_failure(&run.argv[0], &error))
    });
    let mut child = match spawned {
        Ok(child) => child,
        Err(message) => {
            state.exit = Some(ContainerExit::cannot_run(message, clock.now()));
            return keep_state(&files.state, &state).await;
        }
    };
    state.group = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or(0);
    let group = GroupGuard(state.group);
    write_state(&files.state, &state).ok();
    started.send(()).ok();
    let mut kill_at = None;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            Some(how) = stop.recv() => match how {
                Stop::Now => signal_group(state.group, Signal::KILL),
                Stop::Within(grace) => {
                    signal_group(state.group, Signal::TERM);
                    kill_at.get_or_insert(tokio::time::Instant::now() + grace);
                }
            },
            () = until(kill_at) => {
                signal_group(state.group, Signal::KILL);
                kill_at = None;
            }
        }
    };
    // What the command left behind ends with it, as in a container.
    drop(group);
    let (code, signal) = (status.code(), std::os::unix::process::ExitStatusExt::signal(&status));
    state.exit = Some(ContainerExit::of_process(code, signal, clock.now()));
    keep_state(&files.state, &state).await
}

/// Completes at the instant; never, if there is none.
async fn until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The arguments of the supervisor.
struct SupervisorArgs {
    files: ContainerFiles,
    run: ContainerCommand,
    grace: Duration,
}

impl SupervisorArgs {
    /// The arguments as [`SupervisorArgs::parse`] reads them.
    fn write(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        for (flag, path) in [
            ("--lock", &self.files.lock),
            ("--state", &self.files.state),
            ("--log", &self.files.log),
            ("--dir", &self.run.dir),
        ] {
            args.push(flag.into());
            args.push(path.into());
        }
        args.push("--grace-seconds".into());
        args.push(self.grace.as_secs().to_string().into());
        args.push("--".into());
        args.extend(self.run.argv.iter().cloned());
        args
    }

    fn parse(args: impl Iterator<Item = OsString>) -> Result<SupervisorArgs, String> {
        let mut args = args;
        let mut values: [Option<OsString>; 5] = Default::default();
        const FLAGS: [&str; 5] = ["--lock", "--state", "--log", "--dir", "--grace-seconds"];
        loop {
            let flag = args.next().ok_or("the command is missing: `-- command args…`")?;
            if flag == "--" {
                break;
            }
            let index = FLAGS
                .iter()
                .position(|known| flag == *known)
                .ok_or_else(|| format!("`{}` is not a flag of this command", flag.display()))?;
            values[index] =
                Some(args.next().ok_or_else(|| format!("{} lacks its value", FLAGS[index]))?);
        }
        let mut value = |index: usize| {
            values[index].take().ok_or_else(|| format!("{} is missing", FLAGS[index]))
        };
        let files = ContainerFiles {
            lock: value(0)?.into(),
            state: value(1)?.into(),
            log: value(2)?.into(),
        };
        let dir = value(3)?.into();
        let grace = value(4)?
            .to_str()
            .and_then(|text| text.parse().ok())
            .map(Duration::from_secs)
            .ok_or("--grace-seconds is not a number")?;
        let argv: Vec<OsString> = args.collect();
        Ok(SupervisorArgs { files, run: ContainerCommand { argv, dir }, grace })
    }
}

/// The command line that starts a supervisor for a container: everything behind the program.
pub(super) fn supervisor_args(
    run: &ContainerCommand,
    files: &ContainerFiles,
    grace: Duration,
) -> Vec<OsString> {
    SupervisorArgs { files: files.clone(), run: run.clone(), grace }.write()
}

/// The entry of the hidden command `bowsprit pod run-container`, which the embedded cluster starts
/// for every container; `args` are those behind `run-container`.
///
/// It writes one line to its standard output once the container runs or has failed to, and ends
/// with the container's exit code.
pub fn run_container_main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let complain = |problem: &str| {
        let line = format!("bowsprit pod run-container: {problem}\n");
        io::stderr().write_all(line.as_bytes()).ok();
        ExitCode::from(2)
    };
    let args = match SupervisorArgs::parse(args) {
        Ok(args) => args,
        Err(problem) => return complain(&problem),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.to_string()),
    };
    match runtime.block_on(supervise(&args)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => complain(&error.to_string()),
    }
}

async fn supervise(args: &SupervisorArgs) -> io::Result<u8> {
    // Out of the server's session: its terminal's Ctrl-C and hang-up are not ours. It fails only
    // where we lead a group already, and then we are out of the server's group at least.
    rustix::process::setsid().ok();
    // Processes whose parents end become our children, so that none escapes the end.
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).ok();
    let Some(_lock) = take_lock(&args.files.lock)? else {
        return Ok(TAKEN);
    };
    if read_state(&args.files.state).is_some() {
        return Ok(TAKEN);
    }
    // Before the child exists, so that no signal finds us unprepared.
    let mut children = signal(SignalKind::child())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut quit = signal(SignalKind::quit())?;
    let clock = SystemClock;
    let mut state = ContainerState {
        supervisor: rustix::process::getpid().as_raw_pid(),
        started_ms: clock.now().millis(),
        ..Default::default()
    };
    // Before the process exists: on a full disk it does not start at all.
    write_state(&args.files.state, &state)?;
    let spawned = prepared(&args.run, &args.files.log).and_then(|mut command| {
        command.spawn().map_err(|error| start_failure(&args.run.argv[0], &error))
    });
    let child = match spawned {
        Ok(child) => Pid::from_child(&child),
        Err(message) => {
            let exit = ContainerExit::cannot_run(message, clock.now());
            let code = exit.code;
            state.exit = Some(exit);
            keep_state(&args.files.state, &state).await?;
            tell("failed\n");
            return Ok(exit_byte(code));
        }
    };
    state.group = child.as_raw_pid();
    write_state(&args.files.state, &state).ok();
    tell("started\n");
    let mut kill_at = None;
    let status = loop {
        if let Some(status) = reap(Some(child)) {
            break status;
        }
        tokio::select! {
            _ = children.recv() => {}
            _ = terminate.recv() => {
                signal_group(state.group, Signal::TERM);
                kill_at.get_or_insert(tokio::time::Instant::now() + args.grace);
            }
            _ = quit.recv() => signal_group(state.group, Signal::KILL),
            () = until(kill_at) => {
                signal_group(state.group, Signal::KILL);
                kill_at = None;
            }
        }
    };
    end_the_rest(state.group);
    let exit =
        ContainerExit::of_process(status.exit_status(), status.terminating_signal(), clock.now());
    let code = exit.code;
    state.exit = Some(exit);
    keep_state(&args.files.state, &state).await?;
    Ok(exit_byte(code))
}

/// Collects all children that have ended; the answer is how `wanted` ended, if it has.
fn reap(wanted: Option<Pid>) -> Option<WaitStatus> {
    let mut found = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if Some(pid) == wanted && (status.exited() || status.signaled()) {
            found = Some(status);
        }
    }
    found
}

/// Kills what the command left behind: its group, and on Linux also what moved to groups and
/// sessions of its own, since orphans become our children.
fn end_the_rest(group: i32) {
    signal_group(group, Signal::KILL);
    for _ in 0..SWEEPS {
        reap(None);
        let orphans = own_children();
        if orphans.is_empty() {
            return;
        }
        for orphan in &orphans {
            signal_process(*orphan, Signal::KILL);
        }
        // A killed child can be waited for at once; its own children become ours meanwhile.
        for orphan in orphans {
            rustix::process::waitpid(Pid::from_raw(orphan), WaitOptions::empty()).ok();
        }
    }
}

/// Process ids of our children, where the system tells.
fn own_children() -> Vec<i32> {
    let mut text = String::new();
    let me = rustix::process::getpid().as_raw_pid();
    let path = format!("/proc/{me}/task/{me}/children");
    if File::open(path).and_then(|mut file| file.read_to_string(&mut text)).is_err() {
        return Vec::new();
    }
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Tells the server, if it still listens.
fn tell(line: &str) {
    io::stdout().write_all(line.as_bytes()).ok();
    io::stdout().flush().ok();
}

fn exit_byte(code: i32) -> u8 {
    u8::try_from(code).unwrap_or(255)
}
