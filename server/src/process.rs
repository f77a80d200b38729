//! Puts a process together: configuration, store, cluster, code host,
//! artifacts, components, routes.
//!
//! `bowsprit serve` and the tests assemble the same process; only the clock,
//! the addresses and the folders differ.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use blob::{BlobConfig, Blobs};
use clock::SharedClock;
use cluster::{Cluster, EmbeddedCluster, EmbeddedOptions};
use config_load::reload::Reloader;
use config_load::{LiveConfig, LoadOptions};
use forge::{Forge, GitHub};
use git::{RepoCache, RepoCacheOptions};
use go_compat::time::Timestamp;
use job_spec::create::JobNames;
use parking_lot::Mutex;
use store::{Store, StoreOptions};

use crate::components::{
    Heartbeat, NoHeartbeat, coverage_reader, crier, grid_updater, hook, horologium, plank,
    scheduler, sinker, testgrid_alerts,
};
use crate::coverage::Coverage;
use crate::feed;
use crate::histories::Histories;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::node_logs::NodeLogs;
use crate::options::{ConfigOptions, DataOptions, GithubOptions, TestgridOptions};
use crate::plugins::registry;
use crate::plugins::trigger::in_repo::GitInRepo;
use crate::results::Results;
use crate::run_files::RunFiles;
use crate::runs::listing::Listings;
use crate::runs::selections::Selections;
use crate::runs::table::RunTable;
use crate::sample;
use crate::spyglass::Highlights;
use crate::supervisor::Supervisor;
use crate::testgrid::config::{GridPaths, GridReloader};
use crate::testgrid::{Mirror, TestGrid};
use crate::web::prow::plugin_help::KeptHelp;
use crate::web::router::{hook_router, router};
use crate::web::site::Site;
use crate::web::state::{Settings, SharedWeb, Web};
use crate::web::visibility::Visibility;
use crate::web::webhook::{Intake, SecretFile};

/// Everything that a process is told.
#[derive(Clone)]
pub struct ProcessOptions {
    /// The time.
    pub clock: SharedClock,
    /// Where the configuration lies; the sample brings its own.
    pub config: ConfigOptions,
    /// Where state and artifacts lie.
    pub data: DataOptions,
    /// The code host.
    pub github: GithubOptions,
    /// Where the configuration of the test grid lies; the sample brings its own.
    pub testgrid: TestgridOptions,
    /// Deck's settings.
    pub settings: Settings,
    /// The webhook secret; one is made below the data folder if none is given.
    pub hmac_secret_file: Option<PathBuf>,
    /// The path of the webhook.
    pub webhook_path: String,
    /// Serve the sample, at this address.
    pub sample: Option<SocketAddr>,
    /// Repositories and orgs whose jobs may run on this machine.
    pub trusted: Vec<String>,
    /// Let the jobs of any repository run on this machine.
    pub allow_untrusted: bool,
    /// Change nothing at the code host.
    pub dry_run: bool,
    /// The address of a service that counts builds.
    pub tot_url: Option<String>,
    /// Let sinker remove a large share of all ProwJobs or Pods at once.
    pub allow_mass_deletion: bool,
    /// Pods that run on this machine at a time.
    pub parallel_pods: usize,
    /// The program that watches over containers; none runs them as children.
    pub exe: Option<PathBuf>,
    /// The built scripts and styles; none serves pages without them.
    pub site: Site,
}

/// A process, assembled and not yet started.
pub struct Process {
    /// What handlers work with.
    pub web: SharedWeb,
    /// All routes.
    pub router: Router,
    /// The webhook alone, for a second address.
    pub hook_router: Router,
    /// What the components work with.
    pub deps: Deps,
    /// Where the webhook secret lies.
    pub hmac_secret_file: PathBuf,
    /// The sample's folders, if it is served.
    pub sample: Option<sample::Layout>,
    options: ProcessOptions,
    reloader: Mutex<Option<Reloader>>,
    grid_reloader: Mutex<Option<GridReloader>>,
}

/// What each component works with.
#[derive(Clone)]
pub struct Deps {
    /// hook
    pub hook: hook::Deps,
    /// scheduler
    pub scheduler: scheduler::Deps,
    /// plank
    pub plank: plank::Deps,
    /// sinker
    pub sinker: sinker::Deps,
    /// horologium
    pub horologium: horologium::Deps,
    /// crier
    pub crier: crier::Deps,
    /// The reader of coverage profiles.
    pub coverage_reader: coverage_reader::Deps,
    /// The updater of the test grid.
    pub grid_updater: grid_updater::Deps,
    /// Alerts of the test grid by mail.
    pub testgrid_alerts: testgrid_alerts::Deps,
    /// The run table's feed.
    pub feed: feed::Deps,
}

impl Process {
    /// Reads the configuration, opens the store and the cluster, fills the run
    /// table. Nothing runs yet.
    pub async fn assemble(options: ProcessOptions) -> anyhow::Result<Self> {
        let data_dir = std::path::absolute(&options.data.data_dir)?;
        std::fs::create_dir_all(&data_dir)
            .with_context(|| format!("making the data folder {}", data_dir.display()))?;
        let layout = match options.sample {
            Some(addr) => Some(sample::unpack(&data_dir, addr).await?),
            None => None,
        };
        let load = load_options(&options.config, layout.as_ref())?;
        let (config, reloader) = load_config(&load, options.clock.now())?;
        let store = Store::open(StoreOptions {
            database_url: options.data.database_url.clone(),
            ..StoreOptions::files(&data_dir)
        })
        .await
        .context("opening the database")?;
        if let Some(layout) = layout.as_ref().filter(|layout| layout.fresh) {
            let count = sample::index(layout, &store).await?;
            tracing::info!(runs.count = count, "the sample's history is in the database");
        }

        let blobs_config = blob_config(&options.data, &data_dir, layout.as_ref());
        let blobs = Blobs::new(blobs_config.clone());
        let prow = config.get().prow.clone();
        let embedded = EmbeddedOptions {
            prowjob_namespace: prow.prowjob_namespace.clone(),
            pod_namespace: prow.pod_namespace.clone(),
            build_clusters: build_clusters(&config),
            exe: options.exe.clone(),
            parallel_pods: options.parallel_pods,
            utility_env: [(blob::BLOBS_ENV.to_owned(), blobs_config.to_env())].into(),
            ..EmbeddedOptions::new(&data_dir, options.clock.clone())
        };
        let cluster: Arc<dyn Cluster> = Arc::new(
            EmbeddedCluster::open(&store, embedded)
                .await
                .context("opening the embedded cluster")?,
        );
        let github = options.github.github(options.clock.clone(), options.dry_run)?;

        let metrics = Metrics::new()?;
        let supervisor = Supervisor::new(options.clock.clone());
        let runs = Arc::new(RunTable::default());
        let feed = feed::Deps {
            cluster: cluster.clone(),
            store: Some(store.clone()),
            config: config.clone(),
            runs: runs.clone(),
            clock: options.clock.clone(),
        };
        feed::load_history(&feed).await?;

        let grid_paths = grid_paths(&options.testgrid, layout.as_ref());
        let grid_path_names =
            grid_paths.yaml.iter().map(|path| path.display().to_string()).collect();
        let visibility = Visibility {
            hidden_only: options.settings.hidden_only,
            show_hidden: options.settings.show_hidden,
            tenants: options.settings.tenants.clone(),
            ..Visibility::default()
        };
        let grid_reloader =
            GridReloader::start(grid_paths, config.clone(), visibility, options.clock.now());
        let grids = TestGrid::new(grid_reloader.live(), store.grid(), options.clock.clone())
            .with_features(options.testgrid.status.features());
        grids.restore().await?;
        let grids = Arc::new(grids);

        let seed = u64::from(std::process::id());
        let names = JobNames::new(seed);
        let deps = component_deps(
            &options,
            &data_dir,
            &cluster,
            &store,
            &config,
            &github,
            &blobs,
            &metrics,
            &runs,
            &grids,
            layout.is_some(),
        )?;
        let hmac_secret_file = hmac_secret(&options, &data_dir)?;
        let intake = Arc::new(Intake {
            secrets: SecretFile::open(hmac_secret_file.clone(), options.clock.now())?,
            deliveries: store.deliveries(),
            clock: options.clock.clone(),
            metrics: metrics.clone(),
        });
        let settings = Settings {
            started: Some(options.clock.now()),
            has_plugins: load.plugin_config_path.is_some(),
            config_paths: config_paths(&load),
            grid_paths: grid_path_names,
            sends_mails: options.testgrid.mail.testgrid_smtp.is_some()
                || options.testgrid.mail.testgrid_mail_dry_run,
            notes: notes(&options, &data_dir, &store),
            ..options.settings.clone()
        };
        let histories_config = config.clone();
        let web = Arc::new(Web {
            clock: options.clock.clone(),
            config,
            logs: Logs::new(
                blobs.clone(),
                cluster.clone(),
                options.clock.clone(),
                Some(store.log_indexes()),
            ),
            highlights: Highlights::default(),
            results: Results::new(blobs.clone()),
            files: RunFiles::new(blobs.clone(), options.clock.clone()),
            node_logs: NodeLogs::new(blobs.clone(), options.clock.clone()),
            histories: Histories::new(blobs.clone(), Some(store.runs()), Some(histories_config)),
            cluster,
            blobs,
            coverage: Some(Arc::new(Coverage::new(store.coverage()))),
            store: Some(store),
            runs,
            listings: Listings::default(),
            selections: Selections::default(),
            grids: Some(grids),
            metrics,
            supervisor,
            plugin_help: KeptHelp::new(hook::External::new()?),
            names,
            settings,
        });
        let router =
            router(web.clone(), Some((&options.webhook_path, intake.clone())), &options.site);
        let hook_router = hook_router(web.clone(), &options.webhook_path, intake);
        Ok(Self {
            web,
            router,
            hook_router,
            deps,
            hmac_secret_file,
            sample: layout,
            options,
            reloader: Mutex::new(Some(reloader)),
            grid_reloader: Mutex::new(Some(grid_reloader)),
        })
    }

    /// Starts every component.
    pub fn start(&self) {
        let supervisor = &self.web.supervisor;
        let deps = &self.deps;
        macro_rules! component {
            ($name:literal, $module:ident) => {{
                let deps = deps.$module.clone();
                supervisor.spawn($name, move |pulse, cancel| {
                    let mut deps = deps.clone();
                    deps.heartbeat = Arc::new(pulse);
                    $module::run(deps, cancel)
                });
            }};
        }
        component!("hook", hook);
        component!("scheduler", scheduler);
        component!("plank", plank);
        component!("sinker", sinker);
        component!("horologium", horologium);
        component!("crier", crier);
        component!("coverage-reader", coverage_reader);
        component!("testgrid-updater", grid_updater);
        component!("testgrid-alerts", testgrid_alerts);
        if let Some(mirror) = deps.grid_updater.mirror.clone() {
            let clock = deps.grid_updater.clock.clone();
            supervisor.spawn("testgrid-output", move |pulse, cancel| {
                crate::upkeep::write_grids(mirror.clone(), clock.clone(), pulse, cancel)
            });
        }
        let feed_deps = deps.feed.clone();
        supervisor
            .spawn(feed::NAME, move |pulse, cancel| feed::run(feed_deps.clone(), pulse, cancel));
        self.start_upkeep();
    }

    /// The reload of the configuration and the retention of the store.
    fn start_upkeep(&self) {
        let supervisor = &self.web.supervisor;
        if let Some(reloader) = self.reloader.lock().take() {
            let clock = self.options.clock.clone();
            let reloader = Arc::new(Mutex::new(reloader));
            supervisor.spawn("config", move |pulse, cancel| {
                crate::upkeep::follow_config(reloader.clone(), clock.clone(), pulse, cancel)
            });
        }
        if let Some(reloader) = self.grid_reloader.lock().take() {
            let clock = self.options.clock.clone();
            let reloader = Arc::new(Mutex::new(reloader));
            supervisor.spawn("testgrid-config", move |pulse, cancel| {
                crate::upkeep::follow_grid_config(reloader.clone(), clock.clone(), pulse, cancel)
            });
        }
        if let Some(store) = self.web.store.clone() {
            let clock = self.options.clock.clone();
            supervisor.spawn("retention", move |pulse, cancel| {
                crate::upkeep::retain(store.clone(), clock.clone(), pulse, cancel)
            });
        }
    }

    /// Where the process would say that it listens.
    pub fn announce(&self, addr: SocketAddr) {
        tracing::info!("the pages are at http://{addr}");
        if self.options.hmac_secret_file.is_none() {
            tracing::info!(
                "webhooks are signed with the secret in {}",
                self.hmac_secret_file.display()
            );
        }
        for note in &self.web.settings.notes {
            tracing::info!("{note}");
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "it is the one place where all of them meet")]
fn component_deps(
    options: &ProcessOptions,
    data_dir: &Path,
    cluster: &Arc<dyn Cluster>,
    store: &Store,
    config: &LiveConfig,
    github: &GitHub,
    blobs: &Blobs,
    metrics: &Metrics,
    runs: &Arc<RunTable>,
    grids: &Arc<TestGrid>,
    sample: bool,
) -> anyhow::Result<Deps> {
    let registry_metrics = &metrics.registry;
    let plank_metrics = plank::Metrics::default();
    metrics.also(Arc::new(plank_metrics.clone()));
    let git_cache = options.config.cache_dir_base.clone();
    let git_cache = git_cache.unwrap_or_else(|| data_dir.join("git-cache"));
    let in_repo = RepoCacheOptions {
        cache_size: options.config.in_repo_config_cache_size,
        credentials: Arc::new(github.clone()),
        ..RepoCacheOptions::default()
    };
    let in_repo = Arc::new(GitInRepo::new(RepoCache::with_options(git_cache, in_repo)));
    let forge: Arc<dyn Forge> = Arc::new(github.clone());
    let enablement = options.github.enablement();
    let trusted = options.trusted.iter().cloned();
    let sample_trust = if sample { sample::repositories(&config.get()) } else { Vec::new() };
    let trust = plank::Trust {
        embedded: true,
        allow_untrusted: options.allow_untrusted,
        repositories: trusted.chain(sample_trust).collect(),
    };
    let heartbeat: Arc<dyn Heartbeat> = Arc::new(NoHeartbeat);
    Ok(Deps {
        hook: hook::Deps {
            deliveries: store.deliveries(),
            state: store.state(),
            audit: store.audit(),
            references: store.references(),
            forge: forge.clone(),
            prow_jobs: cluster.prow_jobs(),
            in_repo,
            enablement: enablement.clone(),
            config: config.clone(),
            plugins: registry::PLUGINS,
            external: hook::External::new()?,
            seen: Arc::default(),
            clock: options.clock.clone(),
            metrics: hook::Metrics::new(registry_metrics)?,
            heartbeat: heartbeat.clone(),
        },
        scheduler: scheduler::Deps {
            cluster: cluster.clone(),
            config: config.clone(),
            external: scheduler::External::new()?,
            clock: options.clock.clone(),
            heartbeat: heartbeat.clone(),
        },
        plank: plank::Deps {
            cluster: cluster.clone(),
            config: config.clone(),
            trust,
            build_ids: plank::BuildIdSource::new(options.tot_url.as_deref())?,
            blobs: Some(blobs.clone()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock: options.clock.clone(),
            metrics: plank_metrics,
            heartbeat: heartbeat.clone(),
        },
        sinker: sinker::Deps {
            cluster: cluster.clone(),
            config: config.clone(),
            runs: store.runs(),
            clock: options.clock.clone(),
            dry_run: false,
            allow_mass_deletion: options.allow_mass_deletion,
            refused: sinker::Refused::default(),
            job_config_path: options.config.job_config_path.clone(),
            metrics: sinker::Metrics::new(registry_metrics)?,
            heartbeat: heartbeat.clone(),
        },
        horologium: horologium::Deps {
            cluster: cluster.clone(),
            config: config.clone(),
            state: store.state(),
            dry_run: false,
            clock: options.clock.clone(),
            heartbeat: heartbeat.clone(),
        },
        crier: crier::Deps {
            cluster: cluster.clone(),
            config: config.clone(),
            reporters: crier::reporters(
                reports_to_github(options).then(|| forge.clone()),
                Some(blobs.clone()),
                cluster.prow_jobs(),
                config,
            ),
            enablement,
            runs: store.runs(),
            clock: options.clock.clone(),
            metrics: crier::Metrics::new(registry_metrics)?,
            heartbeat: heartbeat.clone(),
        },
        coverage_reader: coverage_reader::Deps {
            coverage: store.coverage(),
            blobs: blobs.clone(),
            runs: runs.clone(),
            clock: options.clock.clone(),
            heartbeat: heartbeat.clone(),
        },
        grid_updater: grid_updater::Deps {
            grids: grids.clone(),
            blobs: blobs.clone(),
            runs: runs.clone(),
            mirror: mirror(&options.testgrid, blobs, grids)?,
            clock: options.clock.clone(),
            heartbeat: heartbeat.clone(),
        },
        testgrid_alerts: testgrid_alerts::Deps {
            grids: grids.clone(),
            mailer: options.testgrid.mail.mailer()?,
            external_url: options.testgrid.mail.external_url.clone(),
            state: store.state(),
            log: store.mails(),
            clock: options.clock.clone(),
            heartbeat,
        },
        feed: feed::Deps {
            cluster: cluster.clone(),
            store: Some(store.clone()),
            config: config.clone(),
            runs: runs.clone(),
            clock: options.clock.clone(),
        },
    })
}

/// The pages over a cluster that is already there, without store, components
/// and webhook.
pub fn pages_over(
    cluster: Arc<dyn Cluster>,
    clock: SharedClock,
    config: &ConfigOptions,
    data: &DataOptions,
    settings: Settings,
    site: &Site,
) -> anyhow::Result<(SharedWeb, Router)> {
    let load = load_options(config, None)?;
    let (config, _) = load_config(&load, clock.now())?;
    let blobs = Blobs::new(blob_config(data, &std::path::absolute(&data.data_dir)?, None));
    let histories_config = config.clone();
    let web = Arc::new(Web {
        clock: clock.clone(),
        config,
        logs: Logs::new(blobs.clone(), cluster.clone(), clock.clone(), None),
        highlights: Highlights::default(),
        results: Results::new(blobs.clone()),
        files: RunFiles::new(blobs.clone(), clock.clone()),
        node_logs: NodeLogs::new(blobs.clone(), clock.clone()),
        histories: Histories::new(blobs.clone(), None, Some(histories_config)),
        cluster,
        blobs,
        store: None,
        runs: Arc::default(),
        listings: Listings::default(),
        selections: Selections::default(),
        grids: None,
        coverage: None,
        metrics: Metrics::new()?,
        supervisor: Supervisor::new(clock.clone()),
        plugin_help: KeptHelp::new(hook::External::new()?),
        names: JobNames::new(u64::from(std::process::id())),
        settings: Settings {
            started: Some(clock.now()),
            has_plugins: load.plugin_config_path.is_some(),
            config_paths: config_paths(&load),
            ..settings
        },
    });
    let router = router(web.clone(), None, site);
    Ok((web, router))
}

/// Where to read the configuration from: what was given, else the sample's.
fn load_options(
    given: &ConfigOptions,
    sample: Option<&sample::Layout>,
) -> anyhow::Result<LoadOptions> {
    let mut given = given.clone();
    if let (None, Some(layout)) = (&given.config_path, sample) {
        given.config_path = Some(layout.config.clone());
        given.job_config_path.get_or_insert_with(|| layout.jobs.clone());
        given.plugin_config.get_or_insert_with(|| layout.plugins.clone());
    }
    if given.config_path.is_none() {
        anyhow::bail!(
            "say where the configuration is: --config-path FILE, or --sample to try it out"
        );
    }
    Ok(LoadOptions {
        known_plugins: Some(registry::prow_names()),
        built_in_plugins: Some(registry::built_in_names()),
        ..given.load_options()?
    })
}

/// Where the configuration of the test grid lies: what was given, else the folder `testgrid-config`
/// beside the sample's server, else the sample's own copy of it.
fn grid_paths(given: &TestgridOptions, sample: Option<&sample::Layout>) -> GridPaths {
    let mut paths =
        GridPaths { yaml: given.testgrid_config.clone(), default: given.testgrid_default.clone() };
    if let (true, Some(layout)) = (paths.yaml.is_empty(), sample) {
        paths.yaml = vec![layout.testgrid.clone()];
    }
    paths
}

/// Where the grids are written besides the store, if anywhere.
fn mirror(
    given: &TestgridOptions,
    blobs: &Blobs,
    grids: &Arc<TestGrid>,
) -> anyhow::Result<Option<Arc<Mirror>>> {
    let Some(place) = &given.grid_output else { return Ok(None) };
    let mirror = Mirror::new(place, blobs.config().clone(), grids.clone());
    Ok(Some(Arc::new(mirror.context("--grid-output")?)))
}

fn config_paths(load: &LoadOptions) -> Vec<String> {
    [Some(&load.config_path), load.job_config_path.as_ref(), load.plugin_config_path.as_ref()]
        .into_iter()
        .flatten()
        .map(|path| path.display().to_string())
        .collect()
}

/// The buckets that are folders: those named, the sample's, and `file://` ones.
fn blob_config(data: &DataOptions, data_dir: &Path, sample: Option<&sample::Layout>) -> BlobConfig {
    let sample = sample.map(|layout| (sample::BUCKET.to_owned(), layout.bucket.clone()));
    BlobConfig {
        local_root: Some(data_dir.join("buckets")),
        local_buckets: sample.into_iter().chain(data.local_bucket.iter().cloned()).collect(),
        gcs_credentials_file: data.gcs_credentials_file.clone(),
        s3_credentials_file: data.s3_credentials_file.clone(),
        ..BlobConfig::default()
    }
}

/// Every alias that a configured job names; all of them are this machine.
fn build_clusters(config: &LiveConfig) -> Vec<String> {
    let config = config.get();
    let jobs = &config.jobs;
    let mut aliases: Vec<String> = jobs
        .all_presubmits()
        .map(|(_, job)| &job.base)
        .chain(jobs.all_postsubmits().map(|(_, job)| &job.base))
        .chain(jobs.periodics.iter().map(|job| &job.base))
        .map(|job| job.cluster.clone())
        .collect();
    aliases.sort();
    aliases.dedup();
    aliases
}

/// The secret file that was given, or one with a secret made here.
fn hmac_secret(options: &ProcessOptions, data_dir: &Path) -> anyhow::Result<PathBuf> {
    if let Some(path) = &options.hmac_secret_file {
        return Ok(path.clone());
    }
    let path = data_dir.join("hmac-secret");
    if !path.exists() {
        let secret = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        write_private(&path, &secret)
            .with_context(|| format!("writing a webhook secret to {}", path.display()))?;
    }
    Ok(path)
}

fn write_private(path: &Path, content: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content.as_bytes())
}

/// Whether statuses and comments can be written, or at least be told of.
fn reports_to_github(options: &ProcessOptions) -> bool {
    options.github.has_credentials() || options.dry_run
}

/// Sentences for the log and the status page.
fn notes(options: &ProcessOptions, data_dir: &Path, store: &Store) -> Vec<String> {
    let mut notes = vec![
        format!("State is kept in {}; artifacts below {}.", store.place(), data_dir.join("buckets").display()),
        "Jobs run as processes of this machine, as the user who started the server, without isolation."
            .to_owned(),
    ];
    notes.push(if options.allow_untrusted {
        "Jobs of every repository may run (--allow-untrusted).".to_owned()
    } else {
        "Jobs of repositories that are neither on this machine nor named with --trust-repo are refused."
            .to_owned()
    });
    if options.settings.trust_loopback {
        notes.push(
            "Rerun and Abort work for browsers on this machine that ask for localhost; login is not set up."
                .to_owned(),
        );
    }
    if !reports_to_github(options) {
        notes.push(
            "Results are not reported to GitHub, for there are no credentials: give \
             --github-token-path, or --github-app-id and --github-app-private-key-path."
                .to_owned(),
        );
    }
    if options.dry_run {
        notes.push("Nothing is changed at the code host (--dry-run).".to_owned());
    }
    notes
}

/// The first load; a configuration that is wrong stops the start with all its
/// errors.
fn load_config(load: &LoadOptions, now: Timestamp) -> anyhow::Result<(LiveConfig, Reloader)> {
    config_load::reload::start(load.clone(), now)
        .map_err(|errors| anyhow::anyhow!("the configuration cannot be used:\n{errors}"))
}
