//! Starts the fake GitHub by hand, with an organization, a repository and a pull request, so that
//! the whole walk from webhook to status can be tried without an account.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Parser;
use clock::SystemClock;
use tests::fake_github::{FakeGitHub, FakeOptions, Trial};

/// The organization and the repository that are there at the start.
const ORG: &str = "sample-org";
const REPO: &str = "sample-repo";

/// A member of the organization, who opens the pull request.
const MEMBER: &str = "alice";

/// What the jobs of the repository run.
const CHECK: &str = "\
#!/bin/sh
echo 'Checking that greet.sh is a script'
sh -n greet.sh || exit 1
echo 'Running it'
sh greet.sh
";

/// A user outside of the organization.
const OUTSIDER: &str = "mallory";

/// The account of the program under trial, and its token.
const BOT: &str = "ci-robot";
const BOT_TOKEN: &str = "ci-robot-token";

/// A GitHub on this machine: API, webhooks and git, without an account.
#[derive(Parser)]
#[command(name = "fake-github", about)]
struct Args {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,

    /// Where webhooks go; repeatable.
    #[arg(long = "hook", default_value = "http://localhost:8080/hook")]
    hooks: Vec<String>,

    /// Key that signs the webhooks.
    #[arg(long, default_value = "secret")]
    hmac: String,

    /// One more repository, as a copy of a git repository: `org/name=/path/to/git`; repeatable.
    #[arg(long = "repo")]
    repos: Vec<String>,

    /// Where to write the token, the key, the payload and a configuration to try with; a folder
    /// among the temporary files unless given.
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let args = Args::parse();
    let options = FakeOptions { listen: args.listen, clock: SystemClock::shared() };
    let fake = FakeGitHub::start_with(options)
        .await
        .with_context(|| format!("cannot listen on {}; try another `--listen`", args.listen))?;
    for hook in &args.hooks {
        fake.add_hook(hook, &args.hmac);
    }
    for repo in &args.repos {
        add_copy(&fake, repo).await?;
    }
    let number = seed(&fake).await;
    let files = write_files(&fake, &args, number)?;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(next_steps(&fake, &args, number, &files).as_bytes())?;
    stdout.flush()?;
    drop(stdout);
    tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")
}

async fn add_copy(fake: &FakeGitHub, argument: &str) -> anyhow::Result<()> {
    let parts =
        argument.split_once('=').and_then(|(name, path)| Some((name.split_once('/')?, path)));
    let Some(((org, name), path)) = parts else {
        bail!("`--repo {argument}` is not of the form `org/name=/path/to/git`");
    };
    if let Err(refusal) = fake.try_add_repo(org, name, Some(Path::new(path))).await {
        bail!("`--repo {argument}` cannot be copied: {refusal}");
    }
    fake.add_member(org, MEMBER);
    fake.add_member(org, BOT);
    Ok(())
}

/// Makes the world people start in; its webhooks are logged and not sent.
async fn seed(fake: &FakeGitHub) -> u64 {
    fake.hold_deliveries(true);
    fake.add_org(ORG, &[MEMBER, BOT]);
    fake.add_user(OUTSIDER);
    fake.add_token(BOT_TOKEN, BOT);
    let greet = "#!/bin/sh\necho Hello\n";
    fake.add_repo(ORG, REPO, &[("README.md", "# Sample\n"), ("greet.sh", greet)]).await;
    fake.push(MEMBER, ORG, REPO, "main", &[("check.sh", CHECK)]).await;
    let change = "#!/bin/sh\necho \"Hello, ${1:-world}\"\n";
    fake.push(MEMBER, ORG, REPO, "greet-by-name", &[("greet.sh", change)]).await;
    let number = fake.open_pull(MEMBER, ORG, REPO, "greet-by-name", "Greet by name").await;
    fake.hold_deliveries(false);
    number
}

/// Files that were written for the trial.
struct Files {
    token: PathBuf,
    hmac: PathBuf,
    payload: PathBuf,
    /// The folder of `config.yaml`, `jobs.yaml` and `plugins.yaml`.
    dir: PathBuf,
}

fn write_files(fake: &FakeGitHub, args: &Args, number: u64) -> anyhow::Result<Files> {
    let opened = fake
        .deliveries()
        .into_iter()
        .find(|delivery| delivery.event == "pull_request" && delivery.action == "opened")
        .with_context(|| format!("pull request {number} gave rise to no webhook"))?;
    let port = args.listen.port();
    let default = || std::env::temp_dir().join(format!("fake-github-{port}"));
    let dir = args.dir.clone().unwrap_or_else(default);
    fs::create_dir_all(&dir)
        .with_context(|| format!("cannot create {}; try another `--dir`", dir.display()))?;
    let dir = fs::canonicalize(dir)?;
    let write = |name: &str, content: &[u8]| -> anyhow::Result<PathBuf> {
        let path = dir.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    };
    Trial::new(ORG, REPO, &fake.clone_url(ORG, REPO))
        .write(&dir)
        .with_context(|| format!("cannot write the configuration to {}", dir.display()))?;
    Ok(Files {
        token: write("token", BOT_TOKEN.as_bytes())?,
        hmac: write("hmac", args.hmac.as_bytes())?,
        payload: write("pull_request.json", &opened.body)?,
        dir: dir.clone(),
    })
}

fn next_steps(fake: &FakeGitHub, args: &Args, number: u64, files: &Files) -> String {
    let url = fake.url();
    let hook = args.hooks.first().map_or("http://localhost:8080/hook", String::as_str);
    format!(
        "The fake GitHub listens on {url}; webhooks go to {hooks}.
It holds {ORG}/{REPO} with pull request {number} by {MEMBER}, a member of {ORG}; {OUTSIDER} is none.

Serve against it, in another terminal:
  bowsprit serve --config-path={dir}/config.yaml --job-config-path={dir}/jobs.yaml \\
    --plugin-config={dir}/plugins.yaml \\
    --github-endpoint={url} --github-host={host} --github-token-path={token} \\
    --hmac-secret-file={hmac} --dry-run=false

Send the webhook of the pull request:
  bowsprit phony --address={hook} --hmac={secret} --event=pull_request --payload={payload}

Look at its labels, statuses and comments:
  curl {url}/{ORG}/{REPO}/pull/{number}

Say something on it:
  curl {url}/_control/act -H 'content-type: application/json' -d \\
    '{{\"as\": \"{MEMBER}\", \"org\": \"{ORG}\", \"repo\": \"{REPO}\", \"do\": \"comment\", \"number\": {number}, \"body\": \"/test all\"}}'

Change it, with git:
  git clone {clone} && cd {REPO} && git checkout greet-by-name   # commit, then: git push

Everything else: curl {url}/_control
",
        hooks = args.hooks.join(", "),
        host = fake.host(),
        dir = files.dir.display(),
        token = files.token.display(),
        hmac = files.hmac.display(),
        payload = files.payload.display(),
        secret = args.hmac,
        clone = fake.clone_url(ORG, REPO),
    )
}
