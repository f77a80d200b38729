//! The program itself, as a process that can be killed and started again over its data.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use clock::SystemClock;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::{
    Answer, Files, MEMBER, ORG, REPO, SECRET, SOON, Setup, Signed, client, github, replace,
};
use crate::fake_github::FakeGitHub;

/// A line of the program's log that says that it serves.
const SERVES: &str = "the pages are at";

/// A data folder, a configuration, a GitHub, and the program that is to serve them.
pub struct Program {
    /// The code host.
    pub github: FakeGitHub,
    exe: PathBuf,
    dir: TempDir,
    address: SocketAddr,
    args: Vec<String>,
    log: Arc<Log>,
}

/// What the program wrote, over all its lives.
struct Log {
    lines: Mutex<Vec<String>>,
    count: watch::Sender<usize>,
}

impl Program {
    /// The program at `exe` over a new folder. GitHub holds its webhooks back; the test delivers
    /// them.
    ///
    /// # Panics
    /// If the files cannot be written.
    pub async fn new(exe: impl Into<PathBuf>, setup: Setup) -> Program {
        let dir = tempfile::tempdir().expect("a folder");
        let github = github(SystemClock::shared(), &setup.files).await;
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        github.hold_deliveries(true);
        github.add_hook(&format!("http://{address}/hook"), SECRET);
        let files = Files::write(dir.path(), &setup);
        let mut args = vec!["serve".to_owned()];
        let mut flag = |name: &str, value: String| args.extend([format!("--{name}"), value]);
        let path = |path: &Path| path.display().to_string();
        flag("addr", address.to_string());
        flag("site-root", path(&files.site));
        flag("data-dir", path(&files.data.data_dir));
        for (name, file) in [
            ("config-path", &files.config.config_path),
            ("job-config-path", &files.config.job_config_path),
            ("plugin-config", &files.config.plugin_config),
        ] {
            flag(name, file.as_deref().map(path).unwrap_or_default());
        }
        flag("hmac-secret-file", path(&files.secret));
        flag("github-token-path", path(&files.token));
        flag("github-endpoint", github.url().to_owned());
        flag("github-host", github.host().to_owned());
        let log = Log { lines: Mutex::default(), count: watch::Sender::new(0) };
        Program { github, exe: exe.into(), dir, address, args, log: Arc::new(log) }
    }

    /// The data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A file of the configuration.
    pub fn config_file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The program's file.
    pub fn exe(&self) -> &Path {
        &self.exe
    }

    /// A further flag.
    pub fn with_flag(mut self, name: &str, value: &str) -> Program {
        self.args.extend([format!("--{name}"), value.to_owned()]);
        self
    }

    /// Starts the program and waits until it serves.
    ///
    /// # Panics
    /// If it does not, with its log.
    pub async fn start(&self) -> Serving<'_> {
        self.start_as(Command::new(&self.exe)).await
    }

    /// The same by way of another command, which gets the program and its arguments.
    ///
    /// # Panics
    /// If it does not serve, with its log.
    pub async fn start_as(&self, mut command: Command) -> Serving<'_> {
        let began = self.log.lines.lock().len();
        if command.as_std().get_program() != self.exe {
            command.arg(&self.exe);
        }
        let mut child = command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env("RUST_BACKTRACE", "0")
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let stderr = child.stderr.take().expect("a log");
        tokio::spawn(self.log.clone().follow(BufReader::new(stderr)));
        let serving = Serving { program: self, child, http: client::http() };
        let found = self.log.until(|lines| lines[began..].iter().any(|line| line.contains(SERVES)));
        if tokio::time::timeout(SOON, found).await.is_err() {
            panic!("the program does not serve:\n{}", self.log());
        }
        serving
    }

    /// Runs the program where it is expected to end by itself.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn run_to_its_end(&self) -> std::process::Output {
        let mut command = Command::new(&self.exe);
        let output = command.args(&self.args).kill_on_drop(true).output();
        match tokio::time::timeout(SOON, output).await {
            Ok(output) => output.expect("an output"),
            Err(_) => panic!("the program does not end"),
        }
    }

    /// Everything that the program wrote so far.
    pub fn log(&self) -> String {
        self.log.lines.lock().join("\n")
    }

    /// Waits until the program has written a line that contains this.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn logged(&self, text: &str) {
        let found = self.log.until(|lines| lines.iter().any(|line| line.contains(text)));
        let found = tokio::time::timeout(SOON, found).await;
        assert!(found.is_ok(), "{text:?} is not in the log:\n{}", self.log());
    }

    /// Waits until GitHub is as wanted.
    ///
    /// # Panics
    /// If it does not become so in time.
    pub async fn github_when(&self, what: &str, wanted: impl Fn(&FakeGitHub) -> bool) {
        let reached = tokio::time::timeout(SOON, self.github.until(wanted)).await;
        assert!(reached.is_ok(), "GitHub never was so: {what}\n{}", self.log());
    }

    /// Pushes a branch, opens a pull request from it, and gives its number and head. Nothing is
    /// delivered yet.
    pub async fn open_pull(&self, branch: &str) -> (u64, String) {
        let file = format!("{branch}.txt");
        let head = self.github.push(MEMBER, ORG, REPO, branch, &[(&file, "a\n")]).await;
        (self.github.open_pull(MEMBER, ORG, REPO, branch, branch).await, head)
    }

    /// Replaces a file of the configuration at once, as an editor or a mount does.
    pub fn write_config(&self, name: &str, content: &str) {
        replace(self.dir.path(), name, content);
    }

    /// What the program left running: the processes that watch over containers.
    fn supervisors(&self) -> Vec<(i32, i32)> {
        let pods = std::fs::read_dir(self.data_dir().join("pods")).into_iter().flatten().flatten();
        let files = pods.flat_map(|pod| std::fs::read_dir(pod.path().join("state")));
        files
            .flatten()
            .flatten()
            .filter_map(|file| {
                let text = std::fs::read(file.path()).ok()?;
                let state: Value = serde_json::from_slice(&text).ok()?;
                let number = |key: &str| i32::try_from(state[key].as_i64()?).ok();
                state["exit"].is_null().then_some((number("supervisor")?, number("group")?))
            })
            .collect()
    }

    /// Kills what watches over containers and the containers themselves, as a power cut does.
    pub fn kill_containers(&self) -> usize {
        let supervisors = self.supervisors();
        for (supervisor, group) in &supervisors {
            if let Some(pid) = Pid::from_raw(*supervisor).filter(|_| *supervisor > 1) {
                kill_process(pid, Signal::KILL).ok();
            }
            if let Some(group) = Pid::from_raw(*group).filter(|_| *group > 1) {
                kill_process_group(group, Signal::KILL).ok();
            }
        }
        supervisors.len()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // What a failed test leaves behind ends with its folder.
        self.kill_containers();
    }
}

impl Log {
    async fn follow(self: Arc<Self>, stderr: BufReader<tokio::process::ChildStderr>) {
        let mut lines = stderr.lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.lines.lock().push(line);
            self.count.send_modify(|count| *count += 1);
        }
    }

    async fn until(&self, wanted: impl Fn(&[String]) -> bool) {
        let mut count = self.count.subscribe();
        // Fails only when the sender is gone, and `self` holds it.
        let _ = count.wait_for(|_| wanted(&self.lines.lock())).await;
    }
}

/// A life of the program.
pub struct Serving<'a> {
    program: &'a Program,
    child: Child,
    http: reqwest::Client,
}

impl Serving<'_> {
    /// kill -9.
    ///
    /// # Panics
    /// If it is gone already.
    pub async fn kill(mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            panic!("the program ended by itself ({status}):\n{}", self.program.log());
        }
        self.child.kill().await.expect("a killed process");
    }

    /// The file system as the program sees it.
    pub fn root(&self) -> PathBuf {
        let pid = self.child.id().unwrap_or_default();
        PathBuf::from(format!("/proc/{pid}/root"))
    }

    /// SIGTERM; gives the exit status.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn terminate(mut self) -> std::process::ExitStatus {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        kill_process(pid.expect("a process"), Signal::TERM).expect("a signal");
        match tokio::time::timeout(SOON, self.child.wait()).await {
            Ok(status) => status.expect("an exit status"),
            Err(_) => panic!("the program did not stop:\n{}", self.program.log()),
        }
    }

    /// `GET path`; nothing if the program does not answer.
    pub async fn try_get(&self, path: &str) -> Option<Answer> {
        let url = format!("http://{}{path}", self.program.address);
        client::send(self.http.get(url).timeout(Duration::from_secs(20))).await.ok()
    }

    /// `GET path`.
    ///
    /// # Panics
    /// If the program does not answer.
    pub async fn get(&self, path: &str) -> Answer {
        match self.try_get(path).await {
            Some(answer) => answer,
            None => panic!("no answer to {path}:\n{}", self.program.log()),
        }
    }

    /// `POST path`.
    ///
    /// # Panics
    /// If the program does not answer.
    pub async fn post(&self, path: &str) -> Answer {
        let url = format!("http://{}{path}", self.program.address);
        client::send(self.http.post(url)).await.expect("an answer")
    }

    /// Sends a delivery that was made by hand.
    ///
    /// # Panics
    /// If the program does not answer.
    pub async fn deliver(&self, delivery: &Signed) -> Answer {
        let url = format!("http://{}/hook", self.program.address);
        client::send(delivery.request(self.http.post(url))).await.expect("an answer")
    }

    /// Delivers what GitHub logged and nobody took yet; true for each that was taken.
    pub async fn deliver_all(&self) -> Vec<bool> {
        let github = &self.program.github;
        let mut taken = Vec::new();
        for delivery in github.deliveries().iter().filter(|d| d.status != Some(200)) {
            taken.push(github.deliver(delivery.id).await == Some(200));
        }
        taken
    }
}
