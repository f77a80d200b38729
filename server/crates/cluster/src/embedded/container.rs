//! A started container as the server sees it: when it ends, and how to make it end.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use clock::SharedClock;
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{mpsc, oneshot, watch};

use super::plan::ContainerPlan;
use super::supervise::{
    ContainerExit, ContainerFiles, Stop, end_leftovers, read_state, record_exit, run_here,
    signal_process, supervisor_args, take_lock, wait_for_lock,
};

/// The longest wait for a killed process to be gone. A process in an uninterruptible wait for a
/// disk may never go; the Pod is then ended without it.
const KILL_WAIT: Duration = Duration::from_secs(10);

/// The longest that a supervisor may take to say that it started the command.
const START_WAIT: Duration = Duration::from_secs(60);

/// A container that was started, now or by the server before this one.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) name: String,
    pub(super) files: ContainerFiles,
    progress: watch::Receiver<Progress>,
    stop: Option<mpsc::UnboundedSender<Stop>>,
}

/// How far a container has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Progress {
    /// Its command runs, or has run, or could not.
    started: bool,
    exit: Option<ContainerExit>,
}

impl Running {
    /// Takes up a container where it is: finished, still running, or not yet started. A container
    /// is never started twice, whatever moment the server before this one was killed at.
    pub(super) fn resume_or_start(
        plan: &ContainerPlan,
        files: ContainerFiles,
        exe: Option<&PathBuf>,
        grace: Duration,
        clock: &SharedClock,
    ) -> Running {
        match Running::resume(&plan.name, &files, clock) {
            Some(running) => running,
            None => Running::start(plan, files, exe, grace, clock),
        }
    }

    /// Takes up a container that was started before; `None` if it was not.
    pub(super) fn resume(
        name: &str,
        files: &ContainerFiles,
        clock: &SharedClock,
    ) -> Option<Running> {
        let (report, progress) = watch::channel(Progress::default());
        let running =
            Running { name: name.to_string(), files: files.clone(), progress, stop: None };
        if let Some(exit) = read_state(&files.state).and_then(|state| state.exit) {
            report.send_replace(Progress { started: true, exit: Some(exit) });
            return Some(running);
        }
        match take_lock(&files.lock) {
            Ok(None) => {
                adopt(files.clone(), report, clock.clone());
                Some(running)
            }
            Ok(Some(lock)) => {
                let state = read_state(&files.state)?;
                let exit = state.exit.clone().unwrap_or_else(|| {
                    end_leftovers(&state);
                    let exit = ContainerExit::unknown(clock.now());
                    record_exit(&files.state, state, &exit);
                    exit
                });
                drop(lock);
                report.send_replace(Progress { started: true, exit: Some(exit) });
                Some(running)
            }
            Err(_) => None,
        }
    }

    fn start(
        plan: &ContainerPlan,
        files: ContainerFiles,
        exe: Option<&PathBuf>,
        grace: Duration,
        clock: &SharedClock,
    ) -> Running {
        let (report, progress) = watch::channel(Progress::default());
        let mut running =
            Running { name: plan.name.clone(), files: files.clone(), progress, stop: None };
        if plan.own_dir {
            // Without it the start fails, with a sentence about the missing folder.
            std::fs::create_dir_all(&plan.command.dir).ok();
        }
        match exe {
            Some(exe) => {
                let mut command = tokio::process::Command::new(exe);
                command
                    .args(["pod", "run-container"])
                    .args(supervisor_args(&plan.command, &files, grace))
                    .env_clear()
                    .envs(plan.env.iter().map(|(name, value)| (name, value)))
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped());
                match command.spawn() {
                    Ok(child) => {
                        tokio::spawn(follow_supervisor(child, files, report, clock.clone()));
                    }
                    Err(error) => {
                        let message = format!("`{}` cannot be started: {error}", exe.display());
                        let exit = ContainerExit::cannot_run(message, clock.now());
                        report.send_replace(Progress { started: true, exit: Some(exit) });
                    }
                }
            }
            None => {
                let (stop, stopped) = mpsc::unbounded_channel();
                running.stop = Some(stop);
                let (command, env) = (plan.command.clone(), plan.env.clone());
                let clock = clock.clone();
                tokio::spawn(async move {
                    let (tell, told) = oneshot::channel();
                    let run = run_here(command, env, files.clone(), stopped, tell);
                    let announce = async {
                        if told.await.is_ok() {
                            report.send_replace(Progress { started: true, exit: None });
                        }
                    };
                    let (ended, ()) = tokio::join!(run, announce);
                    let problem = ended.err().map(|error| error.to_string());
                    conclude(files, report, clock, problem);
                });
            }
        }
        running
    }

    /// Completes when the command runs, or has ended, or could not be started.
    pub(super) async fn started(&self) {
        self.progress.clone().wait_for(|progress| progress.started).await.ok();
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<ContainerExit> {
        self.progress.borrow().exit.clone()
    }

    /// When it started, in milliseconds since the epoch.
    pub(super) fn started_ms(&self) -> Option<i64> {
        read_state(&self.files.state).map(|state| state.started_ms).filter(|ms| *ms > 0)
    }

    /// Completes when it has ended.
    pub(super) async fn exit(&self, clock: &SharedClock) -> ContainerExit {
        match self.progress.clone().wait_for(|progress| progress.exit.is_some()).await {
            Ok(progress) => progress.exit.clone(),
            Err(_) => None,
        }
        .unwrap_or_else(|| ContainerExit::unknown(clock.now()))
    }

    /// Asks it to end, kills it after the grace period, and returns when it is gone.
    pub(super) async fn end(&self, grace: Duration, clock: &SharedClock) -> ContainerExit {
        // Signals reach a supervisor only once it expects them.
        tokio::time::timeout(START_WAIT, self.started()).await.ok();
        if let Some(exit) = self.ended() {
            return exit;
        }
        if !grace.is_zero() {
            self.signal(Stop::Within(grace));
            if let Ok(exit) = tokio::time::timeout(grace, self.exit(clock)).await {
                return exit;
            }
        }
        self.signal(Stop::Now);
        match tokio::time::timeout(KILL_WAIT, self.exit(clock)).await {
            Ok(exit) => exit,
            Err(_) => {
                tracing::error!(
                    cluster.container = %self.name,
                    "a killed container is still there after {} s; the Pod is ended without it",
                    KILL_WAIT.as_secs()
                );
                ContainerExit::unknown(clock.now())
            }
        }
    }

    fn signal(&self, stop: Stop) {
        if let Some(here) = &self.stop {
            here.send(stop).ok();
            return;
        }
        // The lock says that the process with this id still is our supervisor.
        if !matches!(take_lock(&self.files.lock), Ok(None)) {
            return;
        }
        let Some(state) = read_state(&self.files.state) else {
            return;
        };
        let signal = match stop {
            Stop::Within(_) => Signal::TERM,
            Stop::Now => Signal::QUIT,
        };
        signal_process(state.supervisor, signal);
    }
}

/// Follows a supervisor that we started: its first line, then its end.
async fn follow_supervisor(
    mut child: tokio::process::Child,
    files: ContainerFiles,
    report: watch::Sender<Progress>,
    clock: SharedClock,
) {
    if let Some(stdout) = child.stdout.take() {
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await.ok();
        if line.starts_with("started") {
            report.send_replace(Progress { started: true, exit: None });
        }
    }
    let problem = match child.wait_with_output().await {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr).trim().to_string();
            if text.is_empty() { output.status.to_string() } else { text }
        }
        Err(error) => error.to_string(),
    };
    conclude(files, report, clock, Some(problem));
}

/// Reports the end of a container whose watcher is gone, from what is in its files.
fn conclude(
    files: ContainerFiles,
    report: watch::Sender<Progress>,
    clock: SharedClock,
    problem: Option<String>,
) {
    match read_state(&files.state) {
        Some(state) => match state.exit {
            Some(exit) => {
                report.send_replace(Progress { started: true, exit: Some(exit) });
            }
            // Another one watches over it, or it was killed: the lock tells.
            None => adopt(files, report, clock),
        },
        None => match take_lock(&files.lock) {
            Ok(None) => adopt(files, report, clock),
            _ => {
                let problem = problem.unwrap_or_else(|| "no reason is known".to_string());
                let message = format!("the container could not be started: {problem}");
                let exit = ContainerExit::cannot_run(message, clock.now());
                report.send_replace(Progress { started: true, exit: Some(exit) });
            }
        },
    }
}

/// Waits for the lock of a container that somebody else watches over, then reads how it ended.
///
/// A thread of its own waits in the system, since a lock cannot be awaited; there are as many as
/// containers that run while the server starts.
fn adopt(files: ContainerFiles, report: watch::Sender<Progress>, clock: SharedClock) {
    report.send_modify(|progress| progress.started = read_state(&files.state).is_some());
    let wait = move || {
        let locked = wait_for_lock(&files.lock);
        let state = read_state(&files.state);
        let exit = match state {
            Some(state) => state.exit.clone().unwrap_or_else(|| {
                end_leftovers(&state);
                let exit = ContainerExit::unknown(clock.now());
                record_exit(&files.state, state, &exit);
                exit
            }),
            None => ContainerExit::unknown(clock.now()),
        };
        drop(locked);
        report.send_replace(Progress { started: true, exit: Some(exit) });
    };
    let spawned = std::thread::Builder::new().name("container-wait".to_string()).spawn(wait);
    if let Err(error) = spawned {
        tracing::error!("no thread can wait for a container that still runs: {error}");
    }
}
