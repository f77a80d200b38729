//! `bowsprit testgrid tabulate`: the grid of each group becomes the grids of its tabs, as tabulator
//! does it.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clock::{Clock as _, SystemClock};
use grid::proto::config::{Configuration, DashboardTab, TestGroup};
use grid::proto::state::Grid;
use grid::proto::wire::{self, WireError};
use grid::tabulator::{TabulateOptions, tabulate};

use super::pass::{Options, Outcome, Shared, Tally, chosen, computed, each, missing, processors};
use crate::cli::prompt::note;

/// The command's flags.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    options: Options,
    /// Make the tabs of this group alone (repeatable).
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// Let each tab's own alert options count and not those of its group.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    tab_alerts: bool,
    /// Count the cells of each column where the tab has a threshold for broken columns.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    column_stats: bool,
    /// Keep columns of the stored tab that are older than all of the group's.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    extend: bool,
    /// Groups that are read at once; 0: half as many as tabs are written, and one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    read_concurrency: usize,
    /// Tabs that are written at once; 0: four times as many as there are processors.
    #[arg(long, visible_alias = "concurrency", value_name = "N", default_value_t = 0)]
    write_concurrency: usize,
    /// The folder of the groups' grids, beside the configuration.
    #[arg(long, value_name = "PATH", default_value = "grid")]
    grid_path: String,
    /// The folder of the tabs' grids, beside the configuration.
    #[arg(long, value_name = "PATH", default_value = "tabs")]
    tab_state_path: String,
    /// Taken for TestGrid's sake and without effect: every pass makes all tabs.
    #[arg(long, value_name = "PROJECT/SUB")]
    pubsub: Option<String>,
    /// Taken for TestGrid's sake and without effect, as --pubsub.
    #[arg(long, value_name = "PLACE")]
    persist_queue: Option<String>,
}

/// Makes the tabs, once or again and again.
pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let objects = Arc::new(args.options.objects()?);
    let args = Arc::new(args);
    args.options.passes(|| pass(&args, &objects)).await
}

/// A tab with its dashboard.
type Tab = (String, DashboardTab);

async fn pass(args: &Arc<Args>, objects: &Shared) -> anyhow::Result<Tally> {
    let configuration = objects.configuration().await?;
    let mut unknown = Vec::new();
    let tabs = tabs_of_groups(configuration, &args.group, &mut unknown);
    let write = match args.write_concurrency {
        0 => 4 * processors(),
        number => number,
    };
    let read = match args.read_concurrency {
        0 => write / 2 + 1,
        number => number,
    };
    let (groups, absent) = chosen(tabs.into_iter(), &args.group);
    // The tabs of one group are written one after the other, so no more groups than tabs at once.
    let mut tally = each("tabs", groups, read.min(write), |(group, tabs)| {
        let (args, objects) = (args.clone(), objects.clone());
        async move { make(&args, &objects, group, tabs).await }
    })
    .await;
    missing(&mut tally, "test group", &absent);
    for (tab, group) in unknown {
        note(&format!("{tab}: the configuration has no test group `{group}`"));
        tally.failed += 1;
    }
    Ok(tally)
}

/// The groups with their tabs; tabs whose groups there are not come into `unknown` with their
/// group's name.
fn tabs_of_groups(
    configuration: Configuration,
    wanted: &[String],
    unknown: &mut Vec<(String, String)>,
) -> BTreeMap<String, (TestGroup, Vec<Tab>)> {
    let mut groups: BTreeMap<String, (TestGroup, Vec<Tab>)> = configuration
        .test_groups
        .into_iter()
        .map(|group| (group.name.clone(), (group, Vec::new())))
        .collect();
    for dashboard in configuration.dashboards {
        for tab in dashboard.dashboard_tab {
            match groups.get_mut(&tab.test_group_name) {
                Some((_, tabs)) => tabs.push((dashboard.name.clone(), tab)),
                None if wanted.is_empty() => {
                    let name = format!("{}/{}", dashboard.name, tab.name);
                    unknown.push((name, tab.test_group_name));
                }
                None => {}
            }
        }
    }
    groups
}

/// Makes the tabs of a group. One that cannot be made does not stop the others.
async fn make(
    args: &Args,
    objects: &Shared,
    group: TestGroup,
    tabs: Vec<Tab>,
) -> anyhow::Result<Outcome> {
    if tabs.is_empty() {
        return Ok(Outcome::Made { objects: 0, builds: 0 });
    }
    let uri = objects.grid(&args.grid_path, &group.name)?;
    let shown = objects.shown(&uri);
    let Some(stored) = objects.read(&uri).await? else {
        bail!("{shown} does not exist: no pass of `testgrid update` has written it yet");
    };
    let grid = computed(move || match wire::read_grid(&stored.bytes) {
        Err(WireError::Empty { .. }) => Ok(Grid::default()),
        read => read,
    })
    .await?
    .context(shown)?;
    let (grid, group) = (Arc::new(grid), Arc::new(group));
    let mut made = 0;
    let mut failures = Vec::new();
    let mut skipped = false;
    for (dashboard, tab) in tabs {
        let name = format!("{dashboard}/{}", tab.name);
        match make_tab(args, objects, &grid, &group, &dashboard, tab).await {
            Ok(true) => made += 1,
            Ok(false) => skipped = true,
            Err(error) => failures.push(format!("{name}: {error:#}")),
        }
    }
    match failures.is_empty() {
        false => bail!("{} of its tabs stay as they are: {}", failures.len(), failures.join("; ")),
        true if skipped => Ok(Outcome::Skipped),
        true => Ok(Outcome::Made { objects: made, builds: 0 }),
    }
}

/// Makes a tab; false if another program wrote it meanwhile.
async fn make_tab(
    args: &Args,
    objects: &Shared,
    grid: &Arc<Grid>,
    group: &Arc<TestGroup>,
    dashboard: &str,
    tab: DashboardTab,
) -> anyhow::Result<bool> {
    let uri = objects.tab(&args.tab_state_path, dashboard, &tab.name)?;
    let (existing, version) = if args.extend {
        let stored = objects.read(&uri).await?;
        (stored.as_ref().map(|stored| stored.bytes.clone()), stored.map(|stored| stored.version))
    } else {
        (None, objects.version(&uri).await?)
    };
    let options = TabulateOptions { column_stats: args.column_stats, tab_alerts: args.tab_alerts };
    let now = SystemClock.now().seconds();
    let shown = objects.shown(&uri);
    let (grid, group) = (grid.clone(), group.clone());
    let bytes = computed(move || -> anyhow::Result<Vec<u8>> {
        let existing = match existing.as_deref().map(wire::read_grid) {
            None | Some(Err(WireError::Empty { .. })) => None,
            Some(read) => Some(read.with_context(|| {
                format!("{shown} cannot be extended; remove it to have it made anew")
            })?),
        };
        let made = tabulate((*grid).clone(), &tab, &group, options, existing, now)?;
        Ok(wire::write_grid(&made))
    })
    .await??;
    if !args.options.confirm {
        return Ok(true);
    }
    objects.replace(&uri, bytes, version).await
}
