//! `bowsprit serve`: all of it in one process.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use clock::SystemClock;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::logging;
use crate::options::{
    ConfigOptions, DataOptions, DeckOptions, GithubOptions, HookOptions, TestgridOptions,
};
use crate::process::{Process, ProcessOptions};
use crate::web::router::metrics_routes;
use crate::web::site::Site;

/// The flags of `serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Serve a sample: a configuration, real results as history, and jobs that run here.
    #[arg(long)]
    sample: bool,
    /// Let the jobs of this repository or org run on this machine (repeatable).
    #[arg(long, value_name = "ORG[/REPO]")]
    trust_repo: Vec<String>,
    /// Let the jobs of any repository run on this machine. They run as the user
    /// who started the server, without isolation.
    #[arg(long)]
    allow_untrusted: bool,
    /// Change nothing at the code host; log what would be done.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true")]
    dry_run: bool,
    /// Let sinker remove a large share of all ProwJobs or Pods at once, or all Pods while there
    /// is no ProwJob.
    #[arg(long)]
    allow_mass_deletion: bool,
    /// A service that counts the builds of each job, as Prow's tot; without it build ids are made
    /// from the time.
    #[arg(long, value_name = "URL")]
    tot_url: Option<String>,
    /// How many Pods run on this machine at a time; further runs wait.
    #[arg(long, value_name = "N", default_value_t = cluster::embedded::PARALLEL_PODS)]
    parallel_pods: usize,
    #[command(flatten)]
    deck: DeckOptions,
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    data: DataOptions,
    #[command(flatten)]
    github: GithubOptions,
    #[command(flatten)]
    testgrid: TestgridOptions,
    #[command(flatten)]
    hook: HookOptions,
}

/// Runs until SIGINT or SIGTERM.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let level = logging::start();
    let site = Site::open(&args.deck.site_root)?;
    // The address first: if it is taken, nothing else has been touched yet.
    let listener = listen(args.deck.addr).await?;
    let addr = listener.local_addr()?;
    let options = ProcessOptions {
        clock: Arc::new(SystemClock),
        config: args.config,
        data: args.data,
        github: args.github,
        testgrid: args.testgrid,
        settings: args.deck.settings(true),
        hmac_secret_file: args.hook.hmac_secret_file,
        webhook_path: args.hook.webhook_path,
        sample: args.sample.then_some(addr),
        trusted: args.trust_repo,
        allow_untrusted: args.allow_untrusted,
        dry_run: args.dry_run,
        tot_url: args.tot_url,
        parallel_pods: args.parallel_pods,
        allow_mass_deletion: args.allow_mass_deletion,
        exe: Some(std::env::current_exe().context("finding this program's own file")?),
        site,
    };
    let hook_listener = match args.hook.hook_addr {
        Some(addr) => Some(listen(addr).await?),
        None => None,
    };
    let metrics_listener = match args.deck.metrics_addr() {
        Some(addr) => Some(listen(addr).await?),
        None => None,
    };
    let process = Process::assemble(options).await?;
    level.follow(&process.web.config.get().prow.log_level);
    process.start();
    crate::feed::filled(&process.web.runs, &process.web.clock).await;
    process.announce(addr);

    let live = process.web.config.clone();
    let mut changes = live.subscribe();
    let follow_level = tokio::spawn(async move {
        while changes.changed().await.is_ok() {
            level.follow(&live.get().prow.log_level);
        }
    });
    let mut served = vec![(listener, process.router.clone())];
    served.extend(hook_listener.map(|listener| (listener, process.hook_router.clone())));
    let metrics = metrics_routes().with_state(process.web.clone());
    served.extend(metrics_listener.map(|listener| (listener, metrics)));
    serve_until_stopped(served, CancellationToken::new()).await?;
    follow_level.abort();
    let late = process.web.supervisor.stop().await;
    if !late.is_empty() {
        tracing::warn!("these components did not stop in time: {}", late.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// Binds an address.
pub async fn listen(addr: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| {
        format!(
            "listening on {addr}: is another server running there? --addr picks another address"
        )
    })
}

/// Serves until SIGINT or SIGTERM comes, or `stop` is cancelled.
pub async fn serve_until_stopped(
    served: Vec<(TcpListener, Router)>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut servers = tokio::task::JoinSet::new();
    for (listener, router) in served {
        servers.spawn(serve(listener, router, stop.clone()));
    }
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = stop.cancelled() => {}
        Some(ended) = servers.join_next() => ended.context("a server task failed")??,
    }
    tracing::info!("stopping");
    stop.cancel();
    Ok(())
}

/// Serves until told to stop. Open event streams do not hold the end up.
async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        result = axum::serve(listener, service) => result.context("serving")?,
        () = stop.cancelled() => {}
    }
    Ok(())
}
