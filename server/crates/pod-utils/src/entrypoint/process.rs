//! The test process: started, watched, stopped.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use go_compat::GoDuration;
use job_spec::options::{EntrypointOptions, Nanos};
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::process::ExitStatusExt;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::output::Output;
use super::{
    ABORTED_ERROR_CODE, DEFAULT_GRACE_PERIOD, DEFAULT_TIMEOUT, Ended, INTERNAL_ERROR_CODE,
};
use crate::{Context, Interrupt, Interrupts};

/// How long to wait for the rest of the output once the test has ended. Whatever it started in the
/// background ends with the container anyway, so it may not keep the run open.
const DRAIN: Duration = Duration::from_secs(2);

/// Bytes that are passed on at once.
const CHUNK_BYTES: usize = 64 * 1024;

pub(super) async fn run<W>(
    options: &EntrypointOptions,
    interrupts: &mut Interrupts,
    context: &Context,
    output: &Output<W>,
) -> Ended
where
    W: AsyncWrite + Unpin + Send + 'static,
{
    let timeout = or_default(options.timeout, DEFAULT_TIMEOUT);
    let grace = or_default(options.grace_period, DEFAULT_GRACE_PERIOD);
    let (mut test, copying) = match start(&options.wrapper.args, output.clone()) {
        Ok(started) => started,
        Err(error) => {
            let program = options.wrapper.args.first().map_or("", String::as_str);
            let problem = format!("could not start the process: {}", start_error(program, &error));
            output.write(problem.as_bytes()).await;
            return Ended { code: INTERNAL_ERROR_CODE, problem: Some(problem) };
        }
    };

    let mut stopped = None;
    let status = tokio::select! {
        status = test.child.wait() => status,
        () = context.clock.sleep(timeout) => {
            let timeout = GoDuration::from_std(timeout);
            output.say(&format!("Process did not finish before {timeout} timeout"), None).await;
            stopped = Some(("process timed out", INTERNAL_ERROR_CODE));
            terminate(&mut test, None, grace, context, output).await
        }
        interrupt = interrupts.next() => {
            let name = interrupt.as_str();
            output.say(&format!("Entrypoint received interrupt: {name}"), None).await;
            stopped = Some(("process aborted", ABORTED_ERROR_CODE));
            terminate(&mut test, Some(interrupt), grace, context, output).await
        }
    };
    finish_output(&test, copying, context).await;

    let code = status.as_ref().map_or(1, exit_code);
    match stopped {
        Some((problem, own_code)) => Ended {
            code: if options.propagate_error_code { code } else { own_code },
            problem: Some(problem.to_owned()),
        },
        None => {
            let problem = match status {
                Ok(status) if code == 0 => {
                    debug_assert!(status.success());
                    None
                }
                Ok(status) => Some(format!("wrapped process failed: {}", describe(&status))),
                Err(error) => Some(format!("wrapped process failed: {error}")),
            };
            Ended { code, problem }
        }
    }
}

struct Test {
    child: Child,
    /// The test leads a process group of its own, so that what it starts can be stopped with it.
    group: Option<Pid>,
}

impl Test {
    fn signal(&self, signal: Signal) -> io::Result<()> {
        match self.group {
            Some(group) => Ok(kill_process_group(group, signal)?),
            None => Ok(()),
        }
    }
}

fn start<W>(args: &[String], output: Output<W>) -> io::Result<(Test, JoinHandle<()>)>
where
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (program, arguments) = args.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    // One pipe for both streams keeps their order.
    let (reader, writer) = io::pipe()?;
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .spawn()?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut reader = pipe::Receiver::from_owned_fd(reader.into())?;
    let copying = tokio::spawn(async move {
        let mut buffer = vec![0; CHUNK_BYTES];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            output.write(&buffer[..count]).await;
        }
    });
    Ok((Test { child, group }, copying))
}

/// Asks the test to stop, and kills it after the grace period. A signal that this program received is
/// passed on after the SIGINT that always comes first.
async fn terminate<W>(
    test: &mut Test,
    interrupt: Option<Interrupt>,
    grace: Duration,
    context: &Context,
    output: &Output<W>,
) -> io::Result<ExitStatus>
where
    W: AsyncWrite + Unpin + Send + 'static,
{
    if let Err(error) = test.signal(Signal::INT) {
        let error = error.to_string();
        output.say("Could not interrupt process after timeout", Some(&error)).await;
    }
    let own = match interrupt {
        Some(Interrupt::Interrupt) => Some(Signal::INT),
        Some(Interrupt::Terminate) => Some(Signal::TERM),
        None => None,
    };
    if let Some(own) = own {
        // Fails only if SIGINT was enough.
        let _ = test.signal(own);
    }
    let shown = GoDuration::from_std(grace);
    tokio::select! {
        status = test.child.wait() => {
            output.say(&format!("Process gracefully exited before {shown} grace period"), None).await;
            status
        }
        () = context.clock.sleep(grace) => {
            output.say(&format!("Process did not exit before {shown} grace period"), None).await;
            if let Err(error) = test.signal(Signal::KILL) {
                let error = error.to_string();
                output.say("Could not kill process after grace period", Some(&error)).await;
            }
            test.child.wait().await
        }
    }
}

/// Takes what is still in the pipe. What the test left running in the background is killed if it
/// holds the pipe open for longer than [`DRAIN`].
async fn finish_output(test: &Test, mut copying: JoinHandle<()>, context: &Context) {
    tokio::select! {
        _ = &mut copying => {}
        () = context.clock.sleep(DRAIN) => {
            let _ = test.signal(Signal::KILL);
            tokio::select! {
                _ = &mut copying => {}
                // It moved to a group of its own.
                () = context.clock.sleep(DRAIN) => copying.abort(),
            }
        }
    }
    // Background processes that closed their output would outlive the run where there is no
    // container around it.
    let _ = test.signal(Signal::KILL);
}

fn or_default(given: Nanos, default: Duration) -> Duration {
    if given.0.0 == 0 { default } else { given.0.as_std() }
}

/// The code as Go gives it: −1 where a signal ended the process.
fn exit_code(status: &ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// How the process ended, in Go's words.
fn describe(status: &ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(2)) => "signal: interrupt".to_owned(),
        (None, Some(6)) => "signal: aborted".to_owned(),
        (None, Some(9)) => "signal: killed".to_owned(),
        (None, Some(11)) => "signal: segmentation fault".to_owned(),
        (None, Some(15)) => "signal: terminated".to_owned(),
        (None, Some(signal)) => format!("signal: {signal}"),
        (None, None) => "no exit status".to_owned(),
    }
}

/// Why a process did not start, in Go's words: what people know from their build logs.
fn start_error(program: &str, error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::NotFound if !program.contains('/') => {
            return format!("exec: {program:?}: executable file not found in $PATH");
        }
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    format!("fork/exec {program}: {reason}")
}
