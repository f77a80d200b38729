//! The World: a whole process as `bowsprit serve` assembles it, in a temporary folder, beside a
//! fake GitHub, asked over HTTP.
//!
//! Everything in it is real but GitHub and, unless a test says otherwise, the time: the embedded
//! cluster, SQLite, buckets that are folders, the router with all its layers.

mod client;
mod deliveries;
mod program;
mod runs;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clock::{SettableClock, SharedClock, SystemClock};
use go_compat::Timestamp;
use server::options::{ConfigOptions, DataOptions, GithubOptions, TestgridOptions};
use server::process::{Process, ProcessOptions};
use server::web::site::Site;
use server::web::state::Settings;
use tempfile::TempDir;
use tokio::task::JoinHandle;

pub use self::client::{Answer, Event, Events};
pub use self::deliveries::{Signed, sign};
pub use self::program::{Program, Serving};
pub use self::runs::{STORED, prow_job, with_refs};
use crate::fake_github::FakeGitHub;

/// The org of the repository that every World has.
pub const ORG: &str = "org";
/// The repository that every World has.
pub const REPO: &str = "repo";
/// The account that the process acts as at GitHub.
pub const BOT: &str = "ci-robot";
/// A member of the org.
pub const MEMBER: &str = "member";
/// What signs webhooks unless a test brings its own secrets.
pub const SECRET: &str = "webhook-secret";
/// The bot's token.
const TOKEN: &str = "bot-token";
/// The time at which a World's clock stands at first: 2026-11-21T00:00:00Z.
pub const START: Timestamp = Timestamp::from_seconds(1_795_219_200);
/// The bound of every wait: generous, for a busy machine, and longer than the minute in which a
/// clone is tried again.
pub const SOON: Duration = Duration::from_secs(100);

/// What a World is made of; each part has a default.
pub struct Setup {
    prow: String,
    jobs: String,
    plugins: String,
    testgrid: String,
    testgrid_options: TestgridOptions,
    exe: Option<PathBuf>,
    secrets: String,
    files: Vec<(String, String)>,
    settings: Settings,
    parts: Parts,
    real_time: bool,
    add_hook: bool,
    with_token: bool,
    parallel_pods: usize,
    s3: Option<SocketAddr>,
    local_buckets: Vec<(String, PathBuf)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    None,
    Feed,
    All,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            prow: String::new(),
            jobs: String::new(),
            plugins: format!("plugins: {{{ORG}/{REPO}: {{plugins: [trigger]}}}}\n"),
            testgrid: String::new(),
            testgrid_options: TestgridOptions::default(),
            exe: None,
            secrets: SECRET.to_owned(),
            files: vec![("README.md".to_owned(), "# Repo\n".to_owned())],
            settings: Settings { trust_loopback: true, ..Settings::default() },
            parts: Parts::Feed,
            real_time: false,
            add_hook: false,
            with_token: true,
            parallel_pods: cluster::embedded::PARALLEL_PODS,
            s3: None,
            local_buckets: Vec::new(),
        }
    }
}

impl Setup {
    /// config.yaml.
    pub fn prow(mut self, yaml: impl Into<String>) -> Setup {
        self.prow = yaml.into();
        self
    }

    /// The job file.
    pub fn jobs(mut self, yaml: impl Into<String>) -> Setup {
        self.jobs = yaml.into();
        self
    }

    /// plugins.yaml; without it, `trigger` is on for the repository.
    pub fn plugins(mut self, yaml: impl Into<String>) -> Setup {
        self.plugins = yaml.into();
        self
    }

    /// The configuration of the test grid; without it, there is what the jobs' annotations say.
    pub fn testgrid(mut self, yaml: impl Into<String>) -> Setup {
        self.testgrid = yaml.into();
        self
    }

    /// The program that watches over containers and has the pod utilities, for decorated jobs.
    pub fn with_program(mut self, exe: impl Into<PathBuf>) -> Setup {
        self.exe = Some(exe.into());
        self
    }

    /// Changes the flags of the test grid.
    pub fn testgrid_options(mut self, change: impl FnOnce(&mut TestgridOptions)) -> Setup {
        change(&mut self.testgrid_options);
        self
    }

    /// The webhook secret file's content.
    pub fn secrets(mut self, content: impl Into<String>) -> Setup {
        self.secrets = content.into();
        self
    }

    /// The repository's files.
    pub fn files(mut self, files: &[(&str, &str)]) -> Setup {
        self.files = files.iter().map(|&(n, c)| (n.to_owned(), c.to_owned())).collect();
        self
    }

    /// Changes Deck's settings.
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Setup {
        change(&mut self.settings);
        self
    }

    /// Gives the process no credentials for GitHub.
    pub fn without_token(mut self) -> Setup {
        self.with_token = false;
        self
    }

    /// How many Pods run at a time.
    pub fn parallel_pods(mut self, count: usize) -> Setup {
        self.parallel_pods = count;
        self
    }

    /// Where the storage of `s3://` buckets listens.
    pub fn s3(mut self, address: SocketAddr) -> Setup {
        self.s3 = Some(address);
        self
    }

    /// Has a folder in the place of a bucket, for `gs://` and for `s3://`.
    pub fn local_bucket(mut self, bucket: &str, folder: impl Into<PathBuf>) -> Setup {
        self.local_buckets.push((bucket.to_owned(), folder.into()));
        self
    }

    /// Starts no component: the test cranks them by hand.
    pub fn by_hand(mut self) -> Setup {
        self.parts = Parts::None;
        self.real_time = true;
        self
    }

    /// Starts every component, on real time, and lets GitHub send its webhooks.
    pub fn running(mut self) -> Setup {
        self.parts = Parts::All;
        self.real_time = true;
        self.add_hook = true;
        self
    }

    /// Uses the real time; for what streams.
    pub fn real_time(mut self) -> Setup {
        self.real_time = true;
        self
    }

    /// Makes the World; without [`Setup::running`] or [`Setup::by_hand`] only the pages are fed.
    ///
    /// # Panics
    /// If a part does not start; a test cannot go on then.
    pub async fn start(self) -> World {
        let settable = SettableClock::new(START);
        let clock: SharedClock =
            if self.real_time { SystemClock::shared() } else { settable.shared() };
        let dir = tempfile::tempdir().expect("a folder");
        let github = github(clock.clone(), &self.files).await;
        let files = Files::write(dir.path(), &self);
        let options = ProcessOptions {
            clock,
            config: files.config.clone(),
            data: files.data.clone(),
            github: github_options(&github, self.with_token.then_some(&files.token)),
            testgrid: TestgridOptions {
                testgrid_config: files.testgrid.iter().cloned().collect(),
                ..self.testgrid_options
            },
            settings: self.settings,
            hmac_secret_file: Some(files.secret.clone()),
            webhook_path: "/hook".to_owned(),
            sample: None,
            trusted: Vec::new(),
            allow_untrusted: false,
            dry_run: false,
            tot_url: None,
            allow_mass_deletion: false,
            parallel_pods: self.parallel_pods,
            exe: self.exe,
            site: Site::open(&files.site).expect("a built site"),
        };
        let process = Process::assemble(options).await.expect("a process");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = process.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        let served = tokio::spawn(async move {
            axum::serve(listener, service).await.expect("a server");
        });
        let world =
            World { github, process, address, clock: settable, dir, http: client::http(), served };
        match self.parts {
            Parts::None => {}
            Parts::Feed => world.feed(),
            Parts::All => world.process.start(),
        }
        if self.add_hook {
            world.github.add_hook(&world.url("/hook"), SECRET);
        }
        world
    }
}

/// A process, its GitHub and its clock.
pub struct World {
    /// The code host.
    pub github: FakeGitHub,
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// The process's clock, unless it runs on real time.
    pub clock: SettableClock,
    dir: TempDir,
    http: reqwest::Client,
    served: JoinHandle<()>,
}

impl World {
    /// The World that most tests need: pages, fed, no jobs.
    pub async fn new() -> World {
        Setup::default().start().await
    }

    /// The absolute address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A file of the configuration: `config.yaml`, `jobs.yaml`, `plugins.yaml`, `secret`.
    pub fn config_file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Replaces a file of the configuration at once, as an editor or a mount does.
    pub fn write_config(&self, name: &str, content: &str) {
        replace(self.dir.path(), name, content);
    }

    fn feed(&self) {
        let deps = self.process.deps.feed.clone();
        self.process.web.supervisor.spawn(server::feed::NAME, move |pulse, cancel| {
            server::feed::run(deps.clone(), pulse, cancel)
        });
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.served.abort();
        self.process.web.supervisor.cancelled().cancel();
    }
}

/// Replaces a file by one that was written whole.
fn replace(dir: &Path, name: &str, content: &str) {
    let new = dir.join(format!(".{name}.new"));
    std::fs::write(&new, content).expect("a file");
    std::fs::rename(new, dir.join(name)).expect("a renamed file");
}

/// A GitHub with one repository, its bot and a member.
async fn github(clock: SharedClock, files: &[(String, String)]) -> FakeGitHub {
    let github = FakeGitHub::start(clock).await;
    github.add_org(ORG, &[BOT, MEMBER]);
    github.add_user("stranger");
    github.add_token(TOKEN, BOT);
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    github.add_repo(ORG, REPO, &files).await;
    github
}

/// Where the files of a World lie.
struct Files {
    config: ConfigOptions,
    data: DataOptions,
    secret: PathBuf,
    token: PathBuf,
    site: PathBuf,
    testgrid: Option<PathBuf>,
}

/// Prow's file of keys for a storage on this machine.
fn s3_credentials(address: SocketAddr) -> String {
    serde_json::json!({
        "region": "here",
        "endpoint": format!("http://{address}"),
        "insecure": true,
        "s3_force_path_style": true,
        "access_key": "key",
        "secret_key": "secret",
    })
    .to_string()
}

impl Files {
    fn write(dir: &Path, setup: &Setup) -> Files {
        let file = |name: &str, text: &str| {
            let path = dir.join(name);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).expect("a folder");
            }
            std::fs::write(&path, text).expect("a file");
            path
        };
        file("site/pkg/bowsprit.1.js", "export default () => {};\n");
        file("site/pkg/bowsprit.1.css", "body { margin: 0 }\n");
        file("site/pkg/bowsprit.1.wasm", "");
        let assets = "js=/pkg/bowsprit.1.js\nwasm=/pkg/bowsprit.1.wasm\ncss=/pkg/bowsprit.1.css\n";
        file("site/pkg/assets.txt", assets);
        Files {
            config: ConfigOptions {
                config_path: Some(file("config.yaml", &setup.prow)),
                job_config_path: Some(file("jobs.yaml", &setup.jobs)),
                plugin_config: Some(file("plugins.yaml", &setup.plugins)),
                ..ConfigOptions::default()
            },
            data: DataOptions {
                data_dir: dir.join("data"),
                database_url: None,
                local_bucket: setup.local_buckets.clone(),
                gcs_credentials_file: None,
                s3_credentials_file: setup
                    .s3
                    .map(|address| file("s3.json", &s3_credentials(address))),
            },
            secret: file("secret", &setup.secrets),
            token: file("token", TOKEN),
            site: dir.join("site"),
            testgrid: (!setup.testgrid.is_empty())
                .then(|| file("testgrid/grids.yaml", &setup.testgrid)),
        }
    }
}

fn github_options(github: &FakeGitHub, token: Option<&PathBuf>) -> GithubOptions {
    GithubOptions {
        github_endpoint: vec![github.url().to_owned()],
        github_host: github.host().to_owned(),
        github_token_path: token.cloned(),
        ..GithubOptions::default()
    }
}
