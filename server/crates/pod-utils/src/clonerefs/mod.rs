//! clonerefs: clones what is under test, and records how.
//!
//! Whatever goes wrong with a repository goes into its record; the program itself ends well unless it
//! is told otherwise, and initupload fails the run with the record in hand. The commands, their order
//! and their text are Prow's, since people read and copy them.

mod app;
mod auth;
mod plan;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use artifacts::{CloneCommand, CloneRecord};
use clock::SharedClock;
use futures::stream::{self, StreamExt};
use git::{GitCommand, GitError};
use go_compat::Timestamp;
use go_compat::template::Template;
use job_spec::options::{
    CLONEREFS_OPTIONS, ClonerefsOptions, DEFAULT_GIT_USER_EMAIL, DEFAULT_GIT_USER_NAME,
    DEFAULT_GITHUB_API_ENDPOINT,
};
use job_spec::{Pull, Refs};
use secrecy::{ExposeSecret, SecretString};

use crate::Context;
use crate::options::OptionsError;
use auth::{Environment, Tokens};
use plan::{Program, Step};

/// How long one command may take: as long as a whole test may, so that only a hanging remote is cut.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);

/// Bytes of a command's output that are held.
const OUTPUT_LIMIT: usize = 16 << 20;

/// Waits before a fetch is tried again, in milliseconds.
const FETCH_RETRIES_MS: [u64; 9] = [100, 200, 400, 800, 2_000, 5_000, 10_000, 15_000, 30_000];

/// What stands in a record where a secret stood.
const MASK: &str = "CENSORED";

/// The clones failed, or could not be recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClonerefsError {
    /// The options contradict each other.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The records are not on disk.
    #[error("the clone records could not be written to {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Some failed, and the options ask for an error then.
    #[error("{0} clone records failed")]
    Failed(usize),
}

/// Reads the options from [`CLONEREFS_OPTIONS`], or from flags where it is not set.
///
/// # Errors
/// The options cannot be read or contradict each other.
pub fn load_options(arguments: Vec<String>) -> Result<ClonerefsOptions, OptionsError> {
    let valued = [
        "src-root",
        "log",
        "git-user-name",
        "git-user-email",
        "repo",
        "ssh-key",
        "clone-alias",
        "uri-prefix",
        "max-workers",
        "cookiefile",
    ];
    let options =
        crate::options::load(CLONEREFS_OPTIONS, arguments, &valued, &["fail"], |flags| {
            let text = |name: &str| flags.text(name).unwrap_or_default();
            let mut refs = Vec::new();
            for value in flags.texts("repo") {
                let mut one = parse_refs(&value)?;
                one.path_alias = formatted("clone-alias", &text("clone-alias"), &one)?;
                one.clone_uri = formatted("uri-prefix", &text("uri-prefix"), &one)?;
                refs.push(one);
            }
            let name = flags.text("git-user-name");
            let email = flags.text("git-user-email");
            Ok(ClonerefsOptions {
                src_root: text("src-root"),
                log: text("log"),
                git_user_name: name.unwrap_or_else(|| DEFAULT_GIT_USER_NAME.to_owned()),
                git_user_email: email.unwrap_or_else(|| DEFAULT_GIT_USER_EMAIL.to_owned()),
                refs,
                key_files: flags.texts("ssh-key"),
                max_parallel_workers: flags.read("max-workers")?.unwrap_or(0),
                fail: flags.boolean("fail")?.unwrap_or(false),
                cookie_path: text("cookiefile"),
                github_api_endpoints: vec![DEFAULT_GITHUB_API_ENDPOINT.to_owned()],
                ..ClonerefsOptions::default()
            })
        })?;
    check(&options)?;
    Ok(options)
}

fn check(options: &ClonerefsOptions) -> Result<(), OptionsError> {
    let invalid = |reason: String| Err(OptionsError::Invalid(reason));
    if options.src_root.is_empty() {
        return invalid("no source root specified".to_owned());
    }
    if options.log.is_empty() {
        return invalid("no log file specified".to_owned());
    }
    if options.refs.is_empty() {
        return invalid("no refs specified to clone".to_owned());
    }
    let mut seen: HashMap<PathBuf, (usize, &Refs)> = HashMap::new();
    for (number, refs) in options.refs.iter().enumerate() {
        let path = plan::clone_dir(Path::new(&options.src_root), refs);
        if let Some((other, existing)) = seen.get(&path) {
            let problem = format!(
                "clone ref config {number} (for {}) will be extracted to {}, which clone ref {other} \
                 (for {}) is also using",
                refs.org_repo(),
                path.display(),
                existing.org_repo()
            );
            if existing.org == refs.org && existing.repo == refs.repo {
                return invalid(problem);
            }
            tracing::warn!("{problem}");
        }
        seen.insert(path, (number, refs));
    }
    let app = !options.github_app_id.is_empty();
    let key = !options.github_app_private_key_file.is_empty();
    if (app || key) && !options.oauth_token_file.is_empty() {
        return invalid("multiple authentication methods specified".to_owned());
    }
    if (app || key) && options.github_api_endpoints.is_empty() {
        return invalid("no GitHub API endpoints for GitHub App authentication".to_owned());
    }
    match (app, key) {
        (true, false) => invalid("no GitHub App private key file specified".to_owned()),
        (false, true) => invalid("no GitHub App ID specified".to_owned()),
        _ => Ok(()),
    }
}

/// Clones all refs and writes the records.
///
/// # Errors
/// The records could not be written, or a clone failed and the options ask for an error then.
pub async fn run(options: &ClonerefsOptions, context: &Context) -> Result<(), ClonerefsError> {
    check(options)?;
    let records = records(options, context).await;
    let path = PathBuf::from(&options.log);
    let written = serde_json::to_vec(&records)
        .map_err(std::io::Error::other)
        .and_then(|text| std::fs::write(&path, text));
    written.map_err(|source| ClonerefsError::Write { path, source })?;
    let failed = records.iter().filter(|record| record.failed).count();
    if options.fail && failed > 0 { Err(ClonerefsError::Failed(failed)) } else { Ok(()) }
}

/// The record of the preparation, then one per repository.
async fn records(options: &ClonerefsOptions, context: &Context) -> Vec<CloneRecord> {
    let mut setup = CloneRecord { refs: recorded_refs(&Refs::default()), ..CloneRecord::default() };
    let environment = match Environment::prepare(options, &mut setup.commands).await {
        Ok(environment) => environment,
        Err(problem) => {
            fail(&mut setup, "clonerefs: prepare the environment", problem);
            return vec![setup];
        }
    };
    let workers = usize::try_from(options.max_parallel_workers).unwrap_or(0);
    let workers = if workers == 0 { options.refs.len() } else { workers };
    let clones: Vec<_> = options
        .refs
        .iter()
        .map(|refs| clone(refs, options, &environment, &context.clock))
        .collect();
    let mut records = vec![setup];
    // In order, so that the records of two runs can be compared.
    records.extend(stream::iter(clones).buffered(workers.max(1)).collect::<Vec<_>>().await);
    records
}

async fn clone(
    refs: &Refs,
    options: &ClonerefsOptions,
    environment: &Environment,
    clock: &SharedClock,
) -> CloneRecord {
    let started = clock.now();
    let mut record = CloneRecord { refs: recorded_refs(refs), ..CloneRecord::default() };
    let credentials = match &environment.tokens {
        Tokens::None => None,
        Tokens::Fixed(token) => Some((None, token.clone())),
        Tokens::App(app) => match app.token(&refs.org, clock.now()).await {
            Ok(token) => Some((Some(app::GIT_USER), token)),
            Err(problem) => {
                // Going on without credentials would end in a clone that is empty or not there.
                let command = format!("clonerefs: get a GitHub App token for {}", refs.org);
                fail(&mut record, &command, problem.to_string());
                record.duration_nanos = elapsed(started, clock);
                return record;
            }
        },
    };
    let plan = plan::Plan::new(refs, options, credentials.as_ref().map(|(u, t)| (*u, t)));
    let mut worker = Worker {
        plan: &plan,
        environment,
        clock,
        secrets: plan.secrets(credentials.map(|(_, token)| token)),
        record: &mut record,
    };
    if let Some(problem) = plan.refused() {
        fail(worker.record, "clonerefs: check the refs", problem);
        record.duration_nanos = elapsed(started, clock);
        return record;
    }
    let succeeded = worker.all(plan.base()).await && {
        let timestamp = worker.head_timestamp().await;
        worker.all(plan.pulls(timestamp)).await
    };
    if succeeded {
        match worker.quiet(["rev-parse", "HEAD"]).await {
            Some(sha) => record.final_sha = sha,
            None => tracing::warn!("Cannot resolve finalSHA for {}", refs.org_repo()),
        }
    }
    record.duration_nanos = elapsed(started, clock);
    record
}

struct Worker<'a> {
    plan: &'a plan::Plan<'a>,
    environment: &'a Environment,
    clock: &'a SharedClock,
    secrets: Vec<SecretString>,
    record: &'a mut CloneRecord,
}

impl Worker<'_> {
    /// Runs the steps until one fails; tells whether all succeeded.
    async fn all(&mut self, steps: Vec<Step>) -> bool {
        for step in steps {
            let started = self.clock.now();
            let (output, error) = self.with_retries(&step).await;
            let failed = error.is_some();
            let command = self.plan.shown(&step, &self.environment.shown);
            let command = CloneCommand {
                command: self.mask(&command),
                output: self.mask(&output),
                error: self.mask(&error.unwrap_or_default()),
                duration_nanos: elapsed(started, self.clock),
            };
            tracing::info!(command = command.command, error = command.error, "Ran command");
            self.record.commands.push(command);
            if failed {
                self.record.failed = true;
                return false;
            }
        }
        true
    }

    async fn with_retries(&self, step: &Step) -> (String, Option<String>) {
        let mut result = self.once(step).await;
        if !step.retried {
            return result;
        }
        for wait in FETCH_RETRIES_MS {
            let (_, Some(error)) = &result else { break };
            tracing::info!(error = self.mask(error), wait_ms = wait, "Retrying after sleep");
            self.clock.sleep(Duration::from_millis(wait)).await;
            result = self.once(step).await;
        }
        result
    }

    async fn once(&self, step: &Step) -> (String, Option<String>) {
        match step.program {
            Program::MakeDir => {
                let made = std::fs::create_dir_all(&self.plan.dir);
                (
                    String::new(),
                    made.err().map(|error| format!("{}: {error}", self.plan.dir.display())),
                )
            }
            Program::Git => {
                let command = self.command(&step.args);
                let command = step.env.iter().fold(command, |c, (key, value)| c.env(key, value));
                match command.output().await {
                    Ok(output) if output.success() => (output.combined(), None),
                    Ok(output) => {
                        let code = output.code;
                        let error = match code {
                            Some(code) => format!("exit status {code}"),
                            None => "signal: killed".to_owned(),
                        };
                        (output.combined(), Some(error))
                    }
                    Err(error) => (String::new(), Some(shown_error(&error))),
                }
            }
        }
    }

    /// A command that is not recorded; its output without the blank at the end.
    async fn quiet<const N: usize>(&self, args: [&str; N]) -> Option<String> {
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        Some(self.command(&args).run().await.ok()?.text())
    }

    /// The moment of the commit that pulls are merged onto, in seconds since the epoch.
    async fn head_timestamp(&self) -> i64 {
        let shown = self.quiet(["show", "-s", "--format=format:%ct", "HEAD"]).await;
        let parsed = shown.and_then(|text| text.trim().parse().ok());
        parsed.unwrap_or_else(|| self.clock.now().seconds())
    }

    fn command(&self, args: &[String]) -> GitCommand {
        let command = GitCommand::new()
            .dir(&self.plan.dir)
            .args(args)
            // Spares the record a page of advice on naming branches.
            .config("init.defaultBranch", "master")
            // The settings of the image are its author's choice, as for Prow.
            .env("GIT_CONFIG_NOSYSTEM", "0")
            .timeout(COMMAND_TIMEOUT)
            .output_limit(OUTPUT_LIMIT);
        // With every command: a clone without blobs fetches them as it checks files out.
        let command = match &self.plan.credentials {
            Some(credentials) => command.credentials(&self.plan.uri, credentials),
            None => command,
        };
        self.environment.variables.iter().fold(command, |c, (key, value)| c.env(key, value))
    }

    fn mask(&self, text: &str) -> String {
        let secrets = self.secrets.iter().map(ExposeSecret::expose_secret);
        secrets.filter(|s| !s.is_empty()).fold(text.to_owned(), |text, s| text.replace(s, MASK))
    }
}

/// Ends a record with something that no command said. The record is all that a person gets to see.
fn fail(record: &mut CloneRecord, command: &str, error: String) {
    tracing::error!("{error}");
    record.failed = true;
    let command = command.to_owned();
    record.commands.push(CloneCommand { command, error, ..CloneCommand::default() });
}

/// Without the command, which the record shows anyway.
fn shown_error(error: &GitError) -> String {
    match error {
        GitError::Timeout { after, .. } => format!("stopped after {} s", after.as_secs()),
        GitError::OutputTooLarge { limit, .. } => format!("printed more than {limit} bytes"),
        GitError::Spawn { reason, .. } => format!("git could not be run: {reason}"),
        other => other.to_string(),
    }
}

fn elapsed(started: Timestamp, clock: &SharedClock) -> i64 {
    i64::try_from(clock.now().since(started).as_nanos()).unwrap_or(i64::MAX)
}

/// The refs as a record shows them: without a password in the clone URI.
pub(crate) fn recorded_refs(refs: &Refs) -> serde_json::Value {
    let mut shown = refs.clone();
    if let Some(password) = plan::password(&refs.clone_uri) {
        shown.clone_uri = refs.clone_uri.replacen(password, MASK, 1);
    }
    // Refs are made of strings, numbers and lists, which always have a JSON form.
    serde_json::to_value(&shown).unwrap_or_default()
}

/// Reads what a person writes for one repository:
/// `org,repo=base-ref[:base-sha][,pull-id[:pull-sha[:pull-ref]]]…`.
///
/// # Errors
/// [`OptionsError::Invalid`] says which part does not fit.
pub fn parse_refs(value: &str) -> Result<Refs, OptionsError> {
    let invalid = |part: &str, why: &str| {
        Err(OptionsError::Invalid(format!("refspec {part} invalid: {why}")))
    };
    let Some((repository, all)) = value.split_once('=') else {
        return invalid(value, "does not contain '='");
    };
    let Some((org, repo)) = repository.split_once(',') else {
        return invalid(value, "does not contain 'org,repo' as prefix");
    };
    if all.is_empty() {
        return invalid(value, "does not contain any refs");
    }
    let mut refs = Refs { org: org.to_owned(), repo: repo.to_owned(), ..Refs::default() };
    let mut parts = all.split(',');
    let base: Vec<&str> = parts.next().unwrap_or_default().split(':').collect();
    match base.as_slice() {
        [name] => refs.base_ref = (*name).to_owned(),
        [name, sha] => {
            refs.base_ref = (*name).to_owned();
            refs.base_sha = (*sha).to_owned();
        }
        _ => return invalid(&base.join(":"), "malformed base ref"),
    }
    for part in parts {
        let fields: Vec<&str> = part.split(':').collect();
        let field = |n: usize| fields.get(n).copied().unwrap_or_default().to_owned();
        if fields.len() > 3 {
            return invalid(part, "malformed pull ref");
        }
        let Ok(number) = field(0).parse() else {
            return invalid(part, "pull request identifier not a number");
        };
        refs.pulls.push(Pull { number, sha: field(1), r#ref: field(2), ..Pull::default() });
    }
    Ok(refs)
}

/// A format such as `{{.Org}}/{{.Repo}}`, filled in.
fn formatted(flag: &str, format: &str, refs: &Refs) -> Result<String, OptionsError> {
    if format.is_empty() {
        return Ok(String::new());
    }
    let data = serde_json::json!({ "Org": refs.org, "Repo": refs.repo });
    let rendered = Template::parse(flag, format).and_then(|template| template.render(&data));
    rendered.map_err(|error| OptionsError::Invalid(format!("the flag --{flag}: {error}")))
}

#[cfg(test)]
mod tests;
