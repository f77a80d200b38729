//! `bowsprit testgrid summarize`: the grids of a dashboard's tabs become its summaries, as summarizer
//! does it.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clock::{Clock as _, SystemClock};
use grid::proto::config::{Dashboard, DashboardTab, TestGroup};
use grid::proto::state::Grid;
use grid::proto::summary::{DashboardSummary, DashboardTabSummary};
use grid::proto::wire::{self, WireError};
use grid::summarizer::health::Rules;
use grid::summarizer::{GridRef, TabContext, summarize, unknown};
use prost::Message as _;

use super::pass::{Options, Outcome, Shared, Tally, chosen, computed, each, missing, processors};
use crate::options::StatusOptions;

/// The command's flags.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    options: Options,
    /// Summarize this dashboard alone (repeatable).
    #[arg(long, value_name = "DASHBOARD")]
    dashboard: Vec<String>,
    /// Dashboards that are summarized at once; 0: four times as many as there are processors.
    #[arg(long, value_name = "N", default_value_t = 0)]
    concurrency: usize,
    /// The folder of the summaries, beside the configuration.
    #[arg(long, value_name = "PATH", default_value = "summary")]
    summary_path: String,
    /// The folder of the tabs' grids, beside the configuration.
    #[arg(long, value_name = "PATH", default_value = "tabs")]
    tab_path: String,
    #[command(flatten)]
    status: StatusOptions,
    /// Taken for TestGrid's sake and without effect: every pass summarizes all tabs.
    #[arg(long, value_name = "PROJECT/SUB")]
    pubsub: Option<String>,
    /// Taken for TestGrid's sake and without effect, as --pubsub.
    #[arg(long, value_name = "PLACE")]
    persist_queue: Option<String>,
}

/// Summarizes the dashboards, once or again and again.
pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let objects = Arc::new(args.options.objects()?);
    let args = Arc::new(args);
    args.options.passes(|| pass(&args, &objects)).await
}

type Groups = BTreeMap<String, TestGroup>;

async fn pass(args: &Arc<Args>, objects: &Shared) -> anyhow::Result<Tally> {
    let configuration = objects.configuration().await?;
    let groups = configuration.test_groups.into_iter().map(|group| (group.name.clone(), group));
    let groups: Arc<Groups> = Arc::new(groups.collect());
    let dashboards =
        configuration.dashboards.into_iter().map(|dashboard| (dashboard.name.clone(), dashboard));
    let (dashboards, absent) = chosen(dashboards, &args.dashboard);
    let at_once = match args.concurrency {
        0 => 4 * processors(),
        number => number,
    };
    let mut tally = each("summaries", dashboards, at_once, |dashboard| {
        let (args, objects, groups) = (args.clone(), objects.clone(), groups.clone());
        async move { make(&args, &objects, &groups, dashboard).await }
    })
    .await;
    missing(&mut tally, "dashboard", &absent);
    Ok(tally)
}

/// Summarizes a dashboard. What is wrong with a tab stands in its summary.
async fn make(
    args: &Args,
    objects: &Shared,
    groups: &Arc<Groups>,
    dashboard: Dashboard,
) -> anyhow::Result<Outcome> {
    let uri = objects.summary(&args.summary_path, &dashboard.name)?;
    let version = objects.version(&uri).await?;
    let mut summary = DashboardSummary::default();
    let mut failures = Vec::new();
    for tab in dashboard.dashboard_tab {
        let name = tab.name.clone();
        let group = tab.test_group_name.clone();
        let made = match groups.contains_key(&group) {
            false => Err(format!("Test group does not exist: {group}")),
            true => make_tab(args, objects, groups, &dashboard.name, tab)
                .await
                .map_err(|error| format!("Error attempting to summarize tab: {error:#}")),
        };
        summary.tab_summaries.push(made.unwrap_or_else(|reason| {
            failures.push(format!("{name}: {reason}"));
            unknown(&dashboard.name, &name, &reason)
        }));
    }
    if args.options.confirm && !objects.replace(&uri, summary.encode_to_vec(), version).await? {
        return Ok(Outcome::Skipped);
    }
    match failures.is_empty() {
        true => Ok(Outcome::Made { objects: 1, builds: 0 }),
        false => anyhow::bail!("{}; its summary says so", failures.join("; ")),
    }
}

async fn make_tab(
    args: &Args,
    objects: &Shared,
    groups: &Arc<Groups>,
    dashboard: &str,
    tab: DashboardTab,
) -> anyhow::Result<DashboardTabSummary> {
    let uri = objects.tab(&args.tab_path, dashboard, &tab.name)?;
    let stored = objects.read(&uri).await?;
    let features = args.status.features();
    let (groups, dashboard, shown) = (groups.clone(), dashboard.to_owned(), objects.shown(&uri));
    let now = SystemClock.now();
    computed(move || {
        let modified = stored.as_ref().map(|stored| stored.version.updated);
        let grid = match stored.map(|stored| wire::read_grid(&stored.bytes)) {
            None | Some(Err(WireError::Empty { .. })) => Grid::default(),
            Some(read) => read.context(shown)?,
        };
        let absent = TestGroup::default();
        let group = groups.get(&tab.test_group_name).unwrap_or(&absent);
        let context = TabContext {
            dashboard: &dashboard,
            tab: &tab,
            group,
            modified,
            now,
            features,
            health: Rules::TestGrid,
        };
        Ok(summarize(&GridRef::from(&grid), &context).summary)
    })
    .await?
}
