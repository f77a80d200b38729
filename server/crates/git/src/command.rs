//! The one way to run git.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

use crate::{error::GitError, redact::redact};

/// How long one git command may take unless told otherwise: long enough to fetch a large
/// repository once, short enough that a hanging remote is noticed.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// How long git gets after SIGTERM to remove its lock files before SIGKILL.
const TERMINATION_GRACE: Duration = Duration::from_secs(2);

/// How much standard output is held unless told otherwise.
const DEFAULT_OUTPUT_LIMIT: usize = 64 << 20;

/// How much of the end of standard error is held; enough for every message of git.
const STDERR_LIMIT: usize = 64 << 10;

/// How much of a message goes into an error.
const MESSAGE_LIMIT: usize = 2_000;

/// Variables that would make git work on another repository than the one it is told, or talk.
/// They leak in when this process itself runs inside a git hook or alias.
const UNWANTED_VARIABLES: [&str; 20] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ASKPASS",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_WORK_TREE",
    "SSH_ASKPASS",
];

/// A user name and a password or token for a remote.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user; GitHub takes `x-access-token` for every kind of token.
    pub username: String,
    /// The password or token.
    pub password: SecretString,
}

/// A git command to be run.
///
/// ```no_run
/// # async fn example() -> Result<(), git::GitError> {
/// let head = git::GitCommand::new().dir("/src/repo").args(["rev-parse", "HEAD"]).run().await?;
/// println!("{}", head.text());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct GitCommand {
    program: PathBuf,
    dir: Option<PathBuf>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    config: Vec<(String, SecretString)>,
    secrets: Vec<SecretString>,
    stdin: Vec<u8>,
    timeout: Duration,
    output_limit: usize,
}

/// What a command said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// The end of standard error, with credentials removed.
    pub stderr: String,
}

impl Output {
    /// Whether it ended with exit code 0.
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// Standard output as text, without the blank at its end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// Standard output and standard error, one after the other, as a clone record shows them.
    pub fn combined(&self) -> String {
        format!("{}{}", String::from_utf8_lossy(&self.stdout), self.stderr)
    }
}

impl Default for GitCommand {
    fn default() -> Self {
        GitCommand::new()
    }
}

impl GitCommand {
    /// The `git` of the search path, with nothing to do yet.
    pub fn new() -> GitCommand {
        GitCommand {
            program: PathBuf::from("git"),
            dir: None,
            args: Vec::new(),
            env: Vec::new(),
            config: Vec::new(),
            secrets: Vec::new(),
            stdin: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
            output_limit: DEFAULT_OUTPUT_LIMIT,
        }
    }

    /// Runs another program under the same rules; for a git in an unusual place.
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// The folder to run in.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub fn args<I, S>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets a configuration key for this command only. It travels in the environment and not in
    /// the arguments, so that other users of the machine do not see a credential in it.
    pub fn config(mut self, key: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.config.push((key.into(), value.into()));
        self
    }

    /// Lets git show these credentials to the host of a web address. They travel as
    /// [`GitCommand::config`] does; other addresses, such as paths and SSH's, take none.
    pub fn credentials(self, uri: &str, credentials: &Credentials) -> Self {
        let Some(host) = http_host(uri) else { return self };
        let Credentials { username, password } = credentials;
        let pair = BASE64_STANDARD.encode(format!("{username}:{}", password.expose_secret()));
        self.config(format!("http.{host}.extraHeader"), format!("Authorization: Basic {pair}"))
            .secret(SecretString::from(pair))
            .secret(password.clone())
    }

    /// A text that must not appear in output and errors.
    pub fn secret(mut self, secret: SecretString) -> Self {
        self.secrets.push(secret);
        self
    }

    /// What to write to standard input; it is closed otherwise.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// The deadline instead of [`DEFAULT_TIMEOUT`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many bytes of standard output to hold at most.
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// Runs it and gives its output. An exit code other than 0 is [`GitError::Failed`].
    pub async fn run(self) -> Result<Output, GitError> {
        let command = self.to_string();
        let output = self.output().await?;
        if output.success() { Ok(output) } else { Err(failed(command, &output)) }
    }

    /// Runs it and gives its output, whatever its exit code; for commands whose exit code is an
    /// answer.
    pub async fn output(self) -> Result<Output, GitError> {
        let command = self.to_string();
        let mut child = self.command().spawn().map_err(|error| GitError::Spawn {
            command: command.clone(),
            reason: error.to_string(),
        })?;
        let mut group = Group::of(&child);
        match tokio::time::timeout(self.timeout, self.converse(&mut child, &command)).await {
            Ok(Ok(output)) => {
                group.disarm();
                Ok(output)
            }
            Ok(Err(error)) => {
                drop(group);
                let _ = child.wait().await;
                Err(error)
            }
            Err(_) => {
                group.signal(Signal::TERM);
                let _ = tokio::time::timeout(TERMINATION_GRACE, child.wait()).await;
                drop(group);
                let _ = child.wait().await;
                Err(GitError::Timeout { command, after: self.timeout })
            }
        }
    }

    /// The process to start, with its environment.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        for variable in UNWANTED_VARIABLES {
            command.env_remove(variable);
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GCM_INTERACTIVE", "never")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C");
        if !self.config.is_empty() {
            command.env("GIT_CONFIG_COUNT", self.config.len().to_string());
            for (index, (key, value)) in self.config.iter().enumerate() {
                command.env(format!("GIT_CONFIG_KEY_{index}"), key);
                command.env(format!("GIT_CONFIG_VALUE_{index}"), value.expose_secret());
            }
        }
        for (key, value) in &self.env {
            command.env(key, value);
        }
        command
    }

    /// Feeds the process, reads what it says and waits for its end.
    async fn converse(&self, child: &mut Child, command: &str) -> Result<Output, GitError> {
        let stdin = child.stdin.take();
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A process that ends without reading everything says why on standard error.
                let _ = stdin.write_all(&self.stdin).await;
                let _ = stdin.shutdown().await;
            }
        };
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        let read = async {
            tokio::try_join!(read_all(stdout, self.output_limit), async {
                Ok::<_, ReadError>(read_tail(stderr, STDERR_LIMIT).await)
            })
        };
        let ((), read) = tokio::join!(feed, read);
        let (stdout, stderr) = read.map_err(|error| match error {
            ReadError::TooLarge => {
                GitError::OutputTooLarge { command: command.to_owned(), limit: self.output_limit }
            }
            ReadError::Io(reason) => GitError::Spawn { command: command.to_owned(), reason },
        })?;
        let status: ExitStatus = child.wait().await.map_err(|error| GitError::Spawn {
            command: command.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Output {
            code: status.code(),
            stdout,
            stderr: self.redact(&String::from_utf8_lossy(&stderr)),
        })
    }

    fn redact(&self, text: &str) -> String {
        let secrets: Vec<&str> = self
            .secrets
            .iter()
            .map(ExposeSecret::expose_secret)
            .chain(
                self.config
                    .iter()
                    .filter(|(key, _)| key.to_ascii_lowercase().ends_with("extraheader"))
                    .map(|(_, value)| value.expose_secret()),
            )
            .collect();
        redact(text, &secrets)
    }
}

/// The command line with credentials removed, as errors and logs show it.
impl fmt::Display for GitCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.program.to_string_lossy().into_owned();
        for arg in &self.args {
            let arg = arg.to_string_lossy();
            line.push(' ');
            if arg.is_empty() || arg.contains(char::is_whitespace) {
                line.push_str(&format!("{arg:?}"));
            } else {
                line.push_str(&arg);
            }
        }
        f.write_str(&self.redact(&line))
    }
}

impl fmt::Debug for GitCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitCommand")
            .field("command", &self.to_string())
            .field("dir", &self.dir)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The error of a command that ended with a failure.
pub(crate) fn failed(command: String, output: &Output) -> GitError {
    GitError::Failed { command, code: output.code, message: shorten(&output.stderr) }
}

/// The last lines of a message, in one piece.
pub(crate) fn shorten(message: &str) -> String {
    let message = message.trim();
    if message.len() <= MESSAGE_LIMIT {
        return message.to_owned();
    }
    let mut from = message.len() - MESSAGE_LIMIT;
    while !message.is_char_boundary(from) {
        from += 1;
    }
    format!("… {}", &message[from..])
}

/// The process group of a running child; killed when this is dropped, so that an abandoned call
/// leaves nothing behind.
struct Group {
    leader: Option<Pid>,
}

impl Group {
    fn of(child: &Child) -> Group {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Group { leader }
    }

    /// The leader was waited for: its number may name another process from now on.
    fn disarm(&mut self) {
        self.leader = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // Fails only if the group is gone already.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

enum ReadError {
    TooLarge,
    Io(String),
}

/// Reads to the end, but never more than `limit` bytes.
async fn read_all(
    source: Option<impl AsyncRead + Unpin>,
    limit: usize,
) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    if let Some(source) = source {
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        source
            .take(most)
            .read_to_end(&mut bytes)
            .await
            .map_err(|error| ReadError::Io(error.to_string()))?;
    }
    if bytes.len() > limit { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

/// Reads to the end and keeps the last `limit` bytes.
async fn read_tail(source: Option<impl AsyncRead + Unpin>, limit: usize) -> Vec<u8> {
    let mut tail = Vec::new();
    let Some(mut source) = source else { return tail };
    let mut chunk = [0; 8 << 10];
    while let Ok(count @ 1..) = source.read(&mut chunk).await {
        tail.extend_from_slice(&chunk[..count]);
        if tail.len() > 2 * limit {
            tail.drain(..tail.len() - limit);
        }
    }
    if tail.len() > limit {
        tail.drain(..tail.len() - limit);
    }
    tail
}

/// `scheme://host/` of an HTTP address, to which credentials are bound.
fn http_host(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    if scheme != "https" && scheme != "http" {
        return None;
    }
    let authority = rest.split('/').next()?;
    let host = authority.rsplit('@').next()?;
    Some(format!("{scheme}://{host}/"))
}

#[cfg(test)]
mod tests;
