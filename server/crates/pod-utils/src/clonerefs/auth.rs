//! What clones need around them: SSH keys, known hosts, cookies, tokens.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use artifacts::CloneCommand;
use git::GitCommand;
use job_spec::options::ClonerefsOptions;
use rustix::process::{Pid, Signal, kill_process};
use secrecy::SecretString;

use super::app::App;

/// How long ssh-agent, ssh-add and git config may take.
const SETUP_TIMEOUT: Duration = Duration::from_secs(60);

/// Where git gets its credentials for web addresses.
pub(super) enum Tokens {
    None,
    Fixed(SecretString),
    App(App),
}

/// What every clone of this run shares.
pub(super) struct Environment {
    /// Environment variables for git.
    pub(super) variables: Vec<(String, String)>,
    /// Those of them that the records show, as `NAME=value`.
    pub(super) shown: Vec<String>,
    pub(super) tokens: Tokens,
    agent: Option<Pid>,
    /// git's global configuration for this run only.
    _config: Option<tempfile::TempPath>,
}

impl Environment {
    /// Sets everything up and notes each step in `commands`.
    pub(super) async fn prepare(
        options: &ClonerefsOptions,
        commands: &mut Vec<CloneCommand>,
    ) -> Result<Environment, String> {
        let mut environment = Environment {
            variables: Vec::new(),
            shown: Vec::new(),
            tokens: Tokens::None,
            agent: None,
            _config: None,
        };
        environment.set_up(options, commands).await?;
        Ok(environment)
    }

    async fn set_up(
        &mut self,
        options: &ClonerefsOptions,
        commands: &mut Vec<CloneCommand>,
    ) -> Result<(), String> {
        if !options.key_files.is_empty() {
            self.start_agent(commands).await?;
            for path in &options.key_files {
                self.add_keys(Path::new(path), commands).await?;
            }
        }
        if !options.host_fingerprints.is_empty() {
            self.add_hosts(&options.host_fingerprints, commands)?;
        }
        if !options.oauth_token_file.is_empty() {
            let token = read_secret(&options.oauth_token_file)?;
            self.tokens = Tokens::Fixed(token);
        }
        if !options.github_app_id.is_empty() {
            let key = read_secret(&options.github_app_private_key_file)?;
            let app = App::new(&options.github_app_id, &key, &options.github_api_endpoints);
            self.tokens = Tokens::App(app.map_err(|error| error.to_string())?);
        }
        let submodules = options.refs.iter().any(|refs| !refs.skip_submodules);
        if !options.cookie_path.is_empty() && submodules {
            self.set_cookies(&options.cookie_path, commands).await?;
        }
        Ok(())
    }

    async fn start_agent(&mut self, commands: &mut Vec<CloneCommand>) -> Result<(), String> {
        let output = run(tool("ssh-agent"), "ssh-agent", commands).await?;
        // `SSH_AUTH_SOCK=/tmp/…; export SSH_AUTH_SOCK;` and the same with SSH_AGENT_PID.
        for part in output.split([';', '\n']) {
            if let Some((name @ ("SSH_AUTH_SOCK" | "SSH_AGENT_PID"), value)) =
                part.trim().split_once('=')
            {
                if name == "SSH_AGENT_PID" {
                    self.agent = value.parse().ok().and_then(Pid::from_raw);
                }
                self.set(name, value);
            }
        }
        Ok(())
    }

    /// Adds a key, or all keys below the folder that a secret is mounted at.
    async fn add_keys(&self, path: &Path, commands: &mut Vec<CloneCommand>) -> Result<(), String> {
        let mut paths = vec![path.to_owned()];
        while let Some(path) = paths.pop() {
            if path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("..")) {
                // Kubernetes keeps the real files in such folders, and links to them beside.
                continue;
            }
            let walking = |error| format!("walking path {}: {error}", path.display());
            if fs::metadata(&path).map_err(walking)?.is_dir() {
                let entries = fs::read_dir(&path).map_err(walking)?.flatten();
                let mut below: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
                below.sort_unstable_by(|a, b| b.cmp(a));
                paths.extend(below);
                continue;
            }
            let shown = format!("ssh-add \"{}\"", path.display());
            let add =
                self.variables.iter().fold(tool("ssh-add"), |c, (key, value)| c.env(key, value));
            run(add.arg(&path), &shown, commands).await?;
        }
        Ok(())
    }

    fn add_hosts(
        &mut self,
        fingerprints: &[String],
        commands: &mut Vec<CloneCommand>,
    ) -> Result<(), String> {
        let folder = std::env::temp_dir();
        let file = folder.join("known_hosts");
        let appended = fs::create_dir_all(&folder)
            .and_then(|()| OpenOptions::new().append(true).create(true).open(&file))
            .and_then(|mut open| open.write_all(fingerprints.join("\n").as_bytes()));
        let command = format!("golang: append \"{}\"", file.display());
        note(commands, &command, "", appended.as_ref().err().map(ToString::to_string));
        appended.map_err(|error| format!("append {}: {error}", file.display()))?;
        let ssh = look_up("ssh");
        let missing = "exec: \"ssh\": executable file not found in $PATH";
        let problem = ssh.is_none().then(|| missing.to_owned());
        note(commands, "golang: lookup ssh path", "", problem);
        let ssh = ssh.ok_or_else(|| format!("lookup ssh path: {missing}"))?;
        let command = format!("{} -o UserKnownHostsFile={}", ssh.display(), file.display());
        self.set("GIT_SSH_COMMAND", &command);
        Ok(())
    }

    /// Submodules are cloned by processes of git's own, which only a global setting reaches. The
    /// global configuration of this run is a file of its own, which includes the user's: outside of
    /// a container the user's must not change.
    async fn set_cookies(
        &mut self,
        cookies: &str,
        commands: &mut Vec<CloneCommand>,
    ) -> Result<(), String> {
        let fail = |error| format!("no file for git's configuration could be made: {error}");
        let mut config = tempfile::Builder::new().prefix("gitconfig").tempfile().map_err(fail)?;
        config.write_all(b"[include]\n\tpath = ~/.gitconfig\n").map_err(fail)?;
        let config = config.into_temp_path();
        let shown = format!("git config --global http.cookiefile \"{cookies}\"");
        let command = GitCommand::new()
            .env("GIT_CONFIG_GLOBAL", &*config)
            .args(["config", "--global", "http.cookiefile", cookies])
            .timeout(SETUP_TIMEOUT);
        run(command, &shown, commands).await?;
        let path = config.to_string_lossy().into_owned();
        self.variables.push(("GIT_CONFIG_GLOBAL".to_owned(), path));
        self._config = Some(config);
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) {
        self.shown.push(format!("{name}={value}"));
        self.variables.push((name.to_owned(), value.to_owned()));
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        if let Some(agent) = self.agent {
            // It has left this program's process group, and nothing else would end it.
            let _ = kill_process(agent, Signal::TERM);
        }
    }
}

fn tool(program: &str) -> GitCommand {
    GitCommand::new().program(program).timeout(SETUP_TIMEOUT)
}

/// Runs a command, notes it, and gives its output.
async fn run(
    command: GitCommand,
    shown: &str,
    commands: &mut Vec<CloneCommand>,
) -> Result<String, String> {
    let result = command.output().await;
    let (output, problem) = match result {
        Ok(output) => {
            let code = output.code.unwrap_or(-1);
            (output.combined(), (!output.success()).then(|| format!("exit status {code}")))
        }
        Err(error) => (String::new(), Some(error.to_string())),
    };
    note(commands, shown, &output, problem.clone());
    match problem {
        Some(problem) => Err(format!("{shown}: {problem}: {output}")),
        None => Ok(output),
    }
}

fn note(commands: &mut Vec<CloneCommand>, command: &str, output: &str, problem: Option<String>) {
    commands.push(CloneCommand {
        command: command.to_owned(),
        output: output.to_owned(),
        error: problem.unwrap_or_default(),
        ..CloneCommand::default()
    });
}

fn read_secret(path: &str) -> Result<SecretString, String> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| format!("the secret {path} cannot be read: {error}"))?;
    Ok(SecretString::from(text.trim()))
}

fn look_up(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
