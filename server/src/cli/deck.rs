//! `bowsprit deck`: the pages alone, over ProwJobs from a file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clock::SystemClock;
use tokio_util::sync::CancellationToken;

use super::serve::{listen, serve_until_stopped};
use crate::feed;
use crate::logging;
use crate::options::{ConfigOptions, DataOptions, DeckOptions};
use crate::pregenerated::FixedCluster;
use crate::process::pages_over;
use crate::web::router::metrics_routes;
use crate::web::site::Site;

/// The flags of `deck`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder with `prowjobs.json`, a ProwJobList.
    #[arg(long, value_name = "DIR")]
    pregenerated_data: PathBuf,
    #[command(flatten)]
    deck: DeckOptions,
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    data: DataOptions,
}

/// Runs until SIGINT or SIGTERM.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    logging::start();
    let site = Site::open(&args.deck.site_root)?;
    let listener = listen(args.deck.addr).await?;
    let metrics_listener = match args.deck.metrics_addr() {
        Some(addr) => Some(listen(addr).await?),
        None => None,
    };
    let folder = args.pregenerated_data;
    let cluster = tokio::task::spawn_blocking(move || FixedCluster::read(&folder))
        .await
        .context("reading the ProwJobs")??;
    let settings = args.deck.settings(false);
    let clock = Arc::new(SystemClock);
    let (web, router) =
        pages_over(Arc::new(cluster), clock.clone(), &args.config, &args.data, settings, &site)?;
    let deps = feed::Deps {
        cluster: web.cluster.clone(),
        store: None,
        config: web.config.clone(),
        runs: web.runs.clone(),
        clock,
    };
    web.supervisor.spawn(feed::NAME, move |pulse, cancel| feed::run(deps.clone(), pulse, cancel));
    feed::filled(&web.runs, &web.clock).await;
    tracing::info!("the pages are at http://{}", listener.local_addr()?);
    let metrics = metrics_routes().with_state(web.clone());
    let mut served = vec![(listener, router)];
    served.extend(metrics_listener.map(|listener| (listener, metrics)));
    serve_until_stopped(served, CancellationToken::new()).await?;
    web.supervisor.stop().await;
    Ok(ExitCode::SUCCESS)
}
