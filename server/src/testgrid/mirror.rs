//! The grids at a place that is shared with TestGrid's own programs: what the store has is written
//! there, and what only that place has is taken into the store.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use blob::{BlobConfig, BlobUri};
use futures::stream::{self, StreamExt};
use grid::columnar::{RowTable, encode_column};
use grid::issues::GroupIssues;
use grid::proto::TestStatus;
use grid::proto::config::{Dashboard, TestGroup};
use grid::proto::wire::{self, WireError};
use grid::updater::construct::inflate;
use grid::updater::convert::InflatedColumn;
use grid::updater::naming::prefixes;
use parking_lot::Mutex;
use prost::Message as _;
use store::{GridBuildKey, GridBuildRow};
use tokio::sync::watch;

use super::TestGrid;
use super::config::GridConfig;
use super::objects::{Objects, Version};
use super::source::BuildRef;

/// Changes of so long are written together, so that a group is written once and not with each of
/// its builds.
pub const WRITE_EVERY: Duration = Duration::from_secs(10);
/// The longest wait for a change; what failed is then tried again.
pub const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The folders of TestGrid's objects beside the configuration, as its programs name them if nobody
/// says otherwise.
const GRID_FOLDER: &str = "grid";
const TAB_FOLDER: &str = "tabs";
const SUMMARY_FOLDER: &str = "summary";

/// Groups that are written at once.
const GROUPS_AT_ONCE: usize = 4;
/// A stored grid of more bytes, decompressed, is not taken over.
const MAX_PLAIN_BYTES: u64 = 256 << 20;
/// A stored grid of more cells, empty ones among them, is not taken over: run lengths make many of
/// few bytes.
const MAX_CELLS: usize = 20_000_000;
/// A list of issues of more bytes, decompressed, is not read.
const MAX_ISSUE_BYTES: u64 = 64 << 20;
/// Columns that are stored together.
const COLUMNS_AT_ONCE: usize = 64;
/// Builds whose age says whether a grid is behind the store.
const NEWEST: usize = 8;

/// The place of `--grid-output`.
pub struct Mirror {
    objects: Objects,
    grids: Arc<TestGrid>,
    known: Mutex<Known>,
}

/// What this process knows of the objects.
#[derive(Default)]
struct Known {
    groups: HashMap<String, KnownGroup>,
    /// The summaries by dashboard, as they were written.
    summaries: HashMap<String, u64>,
    /// The version of the configuration that was written.
    config: Option<u64>,
}

#[derive(Clone, Copy, Default)]
struct KnownGroup {
    /// The version of the grid that is read or was written here; any other has columns that the
    /// store may lack.
    seen: Option<Version>,
    /// By what the written grids were made.
    written: Option<u64>,
    /// Whether it could not be asked whether there is a grid.
    owes: bool,
    /// The version of the issues that are known, if it was asked for them: nothing for none.
    issues: Option<Option<Version>>,
}

/// What was taken over.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// How many columns.
    pub columns: usize,
    /// Why nothing could be taken of the grid that is there.
    pub damaged: Option<String>,
    version: Option<Version>,
}

impl Mirror {
    /// At `place`: `gs://bucket/prefix`, `s3://bucket/prefix`, or a folder.
    ///
    /// # Errors
    /// The place is no address.
    pub fn new(place: &str, config: BlobConfig, grids: Arc<TestGrid>) -> anyhow::Result<Mirror> {
        let objects = Objects::around(&format!("{}/config", place.trim_end_matches('/')), config)?;
        Ok(Mirror { objects, grids, known: Mutex::default() })
    }

    /// Tells when a pass may have something to write.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.grids.subscribe()
    }

    /// Writes the configuration, the grids and the summaries that have changed. Answers what failed,
    /// in sentences; the next pass tries it again.
    pub async fn pass(self: &Arc<Mirror>) -> Vec<String> {
        let config = self.grids.config.get();
        let mut failures = Vec::new();
        if let Err(error) = self.write_configuration(&config).await {
            failures.push(format!("the configuration: {error:#}"));
        }
        let due = stream::iter(self.due(&config));
        let written = due.map(|(group, print)| {
            let (mirror, config) = (self.clone(), config.clone());
            async move {
                let told = mirror.write_group(&config, &group, print).await;
                told.map_err(|error| format!("{group}: {error:#}"))
            }
        });
        let mut written = std::pin::pin!(written.buffer_unordered(GROUPS_AT_ONCE));
        while let Some(told) = written.next().await {
            failures.extend(told.unwrap_or_else(|error| vec![error]));
        }
        for dashboard in &config.configuration.dashboards {
            if let Err(error) = self.write_summary(&config, dashboard).await {
                failures.push(format!("{}: {error:#}", dashboard.name));
            }
        }
        failures
    }

    /// Whether it could not be asked yet what the place has of a group.
    pub fn owes(&self, group: &str) -> bool {
        self.group(group).owes
    }

    /// Takes the issues that TestGrid's issue gatherer wrote beside a group's grid, as
    /// `bugs-<group>`, if they have changed.
    ///
    /// # Errors
    /// The object cannot be read or is something else, or the store does not answer.
    pub async fn read_issues(&self, group: &TestGroup) -> anyhow::Result<()> {
        let uri = self.objects.grid(GRID_FOLDER, &format!("bugs-{}", group.name))?;
        let version = self.objects.version(&uri).await?;
        if self.group(&group.name).issues == Some(version) {
            return Ok(());
        }
        let stored = match version {
            Some(_) => self.objects.read(&uri).await?,
            None => None,
        };
        let issues = match &stored {
            Some(stored) => {
                let state = wire::read_issues(&stored.bytes, MAX_ISSUE_BYTES);
                GroupIssues::of(state.with_context(|| self.objects.shown(&uri))?)
            }
            None => GroupIssues::default(),
        };
        self.grids.set_issues(&group.name, issues).await?;
        let seen = stored.map(|stored| stored.version);
        self.known.lock().groups.entry(group.name.clone()).or_default().issues = Some(seen);
        Ok(())
    }

    /// Takes over the columns of a group's grid whose builds the store does not have. To be called
    /// when the store has every build that the results' bucket has. Columns of builds that still ran
    /// are left out: they are history only once they have ended.
    ///
    /// # Errors
    /// The object cannot be read, or the store does not answer.
    pub async fn adopt(&self, group: &TestGroup) -> anyhow::Result<Adopted> {
        let adopted = self.try_adopt(group).await;
        let mut known = self.known.lock();
        let of_group = known.groups.entry(group.name.clone()).or_default();
        match &adopted {
            Ok(adopted) => (of_group.seen, of_group.owes) = (adopted.version, false),
            Err(_) => of_group.owes = true,
        }
        adopted
    }

    async fn try_adopt(&self, group: &TestGroup) -> anyhow::Result<Adopted> {
        let uri = self.objects.grid(GRID_FOLDER, &group.name)?;
        let Some(stored) = self.objects.read(&uri).await? else { return Ok(Adopted::default()) };
        let version = Some(stored.version);
        let columns = tokio::task::spawn_blocking(move || columns_of(&stored.bytes)).await?;
        let columns = match columns {
            Ok(columns) => self.take_over(group, columns).await?,
            Err(error) => {
                let shown = self.objects.shown(&uri);
                let told = format!(
                    "no history is taken from {shown}, which is written anew with the next change: \
                     {error:#}"
                );
                return Ok(Adopted { columns: 0, damaged: Some(told), version });
            }
        };
        if columns > 0 {
            tracing::info!(group = group.name, columns, "history was taken over");
            self.grids.stored_since(&group.name, i64::MIN);
            self.grids.refresh(&group.name, true).await?;
        }
        Ok(Adopted { columns, damaged: None, version })
    }

    /// Stores columns whose builds are not known. Answers how many.
    async fn take_over(
        &self,
        group: &TestGroup,
        mut columns: Vec<InflatedColumn>,
    ) -> anyhow::Result<usize> {
        let store = self.grids.store();
        let keys = store.build_keys(&group.name).await?;
        let known: HashSet<String> = keys.into_iter().map(|key| key.build).collect();
        columns.retain(|column| !known.contains(&column.column.hint));
        // A column may be of several builds, and have the id of one of them.
        if columns.iter().any(|column| column.column.build != column.column.hint) {
            let shown = self.grids.column_names(group).await?;
            columns.retain(|InflatedColumn { column, .. }| {
                !shown.contains(&(column.name.clone(), column.build.clone()))
            });
        }
        // Groups whose results come from no bucket have no place for builds.
        let Some(prefix) = prefixes(group).next().filter(|_| !columns.is_empty()) else {
            return Ok(0);
        };
        let prefix = BlobUri::parse(prefix)?;
        let now_ms = self.grids.now().millis();
        let mut count = 0;
        let mut columns = columns.into_iter().peekable();
        while columns.peek().is_some() {
            let some: Vec<InflatedColumn> = columns.by_ref().take(COLUMNS_AT_ONCE).collect();
            let prefix = prefix.clone();
            let _one = self.grids.storing(&group.name).await;
            let names = store.row_names(&group.name).await?;
            let (first, new_rows, rows) = tokio::task::spawn_blocking(move || {
                let first = names.len();
                let mut table = RowTable::new(names.into_iter().map(Arc::from));
                let rows: Vec<GridBuildRow> = some
                    .iter()
                    .filter_map(|column| build_row(column, &prefix, now_ms, &mut table))
                    .collect();
                let new_rows = table.names_from(first).iter().map(ToString::to_string).collect();
                (first, new_rows, rows)
            })
            .await?;
            count += rows.len();
            let first = u32::try_from(first).context("the group has too many rows")?;
            store.put_builds(&group.name, first, new_rows, rows).await?;
        }
        Ok(count)
    }

    fn group(&self, name: &str) -> KnownGroup {
        self.known.lock().groups.get(name).copied().unwrap_or_default()
    }

    /// The groups that were looked at in full and are not written as they are now.
    fn due(&self, config: &GridConfig) -> Vec<(String, u64)> {
        let groups = &config.configuration.test_groups;
        let prints = groups.iter().filter_map(|group| {
            let standing = self.grids.group(&group.name);
            // Half of a history does not replace a whole one.
            if standing.config.is_empty() {
                return None;
            }
            let mut print = DefaultHasher::new();
            (standing.version, group.encode_to_vec()).hash(&mut print);
            let tabs = config.tabs_of(&group.name);
            for (board, tab) in tabs.filter(|(_, tab)| tab.test_group_name == group.name) {
                (&board.name, tab.encode_to_vec()).hash(&mut print);
            }
            Some((group.name.clone(), print.finish()))
        });
        prints.filter(|(name, print)| self.group(name).written != Some(*print)).collect()
    }

    async fn write_configuration(&self, config: &GridConfig) -> anyhow::Result<()> {
        let is_written = self.known.lock().config == Some(config.version);
        // Without groups there is rather no configuration than one that empties the place.
        if is_written || config.configuration.test_groups.is_empty() {
            return Ok(());
        }
        let bytes = config.configuration.encode_to_vec();
        let uri = self.objects.config();
        let stored = self.objects.read(uri).await?;
        if stored.as_ref().is_none_or(|stored| stored.bytes != bytes) {
            self.replace(uri, bytes, stored.map(|stored| stored.version)).await?;
        }
        self.known.lock().config = Some(config.version);
        Ok(())
    }

    /// Writes the grids of a group. Answers what is wrong with the objects that were there and with
    /// its tabs.
    async fn write_group(
        &self,
        config: &GridConfig,
        name: &str,
        print: u64,
    ) -> anyhow::Result<Vec<String>> {
        let Some(group) = config.group(name) else { return Ok(Vec::new()) };
        let mut told = Vec::new();
        let uri = self.objects.grid(GRID_FOLDER, name)?;
        let mut version = self.objects.version(&uri).await?;
        let known = self.group(name);
        // A process that starts writes what its predecessor could not.
        let is_new = known.written.is_none() && self.grids.group(name).version == 0;
        if !is_new || !self.is_current(name, version).await? {
            if version.is_some() && version != known.seen {
                let adopted = self.adopt(group).await?;
                told.extend(adopted.damaged.map(|damaged| format!("{name}: {damaged}")));
                version = adopted.version;
            }
            let made = self.grids.objects(group).await?;
            self.replace(&uri, made.grid, version).await?;
            let seen = self.objects.version(&uri).await?;
            self.known.lock().groups.entry(name.to_owned()).or_default().seen = seen;
            for (key, grid) in made.tabs {
                let shown = format!("{}/{}", key.dashboard, key.tab);
                match grid {
                    Ok(bytes) => {
                        let uri = self.objects.tab(TAB_FOLDER, &key.dashboard, &key.tab)?;
                        let before = self.objects.version(&uri).await?;
                        self.replace(&uri, bytes, before).await.context(shown)?;
                    }
                    Err(error) => told.push(format!("{shown} is not written: {error}")),
                }
            }
        }
        self.known.lock().groups.entry(name.to_owned()).or_default().written = Some(print);
        Ok(told)
    }

    /// Whether a grid was written after the newest builds of the store were read.
    async fn is_current(&self, group: &str, version: Option<Version>) -> anyhow::Result<bool> {
        let Some(version) = version else { return Ok(false) };
        let newest = self.grids.store().newest(group, NEWEST).await?;
        let written_ms = version.updated.millis();
        Ok(newest.iter().all(|key| key.read_ms < written_ms))
    }

    /// Writes the summaries of a dashboard once all of its tabs have one.
    async fn write_summary(
        &self,
        config: &GridConfig,
        dashboard: &Dashboard,
    ) -> anyhow::Result<()> {
        let is_known = dashboard.dashboard_tab.iter().all(|tab| {
            let group = &tab.test_group_name;
            config.group(group).is_none()
                || self.grids.tab(&dashboard.name, &tab.name).is_some()
                || self.grids.group(group).error.is_some()
        });
        if !is_known {
            return Ok(());
        }
        let summary = self.grids.summary(&dashboard.name)?;
        let mut print = DefaultHasher::new();
        for tab in &summary.tab_summaries {
            // A look that found nothing is no reason to write.
            let mut tab = tab.clone();
            tab.last_update_timestamp = 0.0;
            tab.encode_to_vec().hash(&mut print);
        }
        let print = print.finish();
        if self.known.lock().summaries.get(&dashboard.name) == Some(&print) {
            return Ok(());
        }
        let uri = self.objects.summary(SUMMARY_FOLDER, &dashboard.name)?;
        let before = self.objects.version(&uri).await?;
        self.replace(&uri, summary.encode_to_vec(), before).await?;
        self.known.lock().summaries.insert(dashboard.name.clone(), print);
        Ok(())
    }

    async fn replace(
        &self,
        uri: &BlobUri,
        bytes: Vec<u8>,
        before: Option<Version>,
    ) -> anyhow::Result<()> {
        if !self.objects.replace(uri, bytes, before).await? {
            bail!("another program wrote {} meanwhile", self.objects.shown(uri));
        }
        Ok(())
    }
}

/// The columns of a stored grid that have ended and have results.
fn columns_of(bytes: &[u8]) -> anyhow::Result<Vec<InflatedColumn>> {
    let grid = match wire::read_grid_within(bytes, MAX_PLAIN_BYTES) {
        // Made for a lock.
        Err(WireError::Empty { .. }) => return Ok(Vec::new()),
        grid => grid?,
    };
    let cells = grid.columns.len().saturating_mul(grid.rows.len());
    if cells > MAX_CELLS {
        bail!("the grid has {cells} cells, more than {MAX_CELLS}");
    }
    let (mut columns, _) = inflate(grid, i64::MIN, i64::MAX);
    for column in &mut columns {
        column.cells.retain(|_, cell| cell.status.is_filled() || !cell.metrics.is_empty());
    }
    columns.retain(|column| {
        let mut cells = column.cells.values();
        !column.cells.is_empty() && cells.all(|cell| cell.status != TestStatus::Running)
    });
    Ok(columns)
}

/// A column as the store has it; none if its id names no folder.
fn build_row(
    column: &InflatedColumn,
    prefix: &BlobUri,
    now_ms: i64,
    rows: &mut RowTable,
) -> Option<GridBuildRow> {
    let id = column.column.hint.clone();
    let folder = match id.is_empty() || id.contains('/') {
        true => return None,
        false => prefix.join(&format!("{id}/")).ok()?,
    };
    let key = GridBuildKey {
        object: BuildRef { id: id.clone(), folder }.object(),
        build: id,
        // The cast saturates, and what is no time counts as long ago.
        started_ms: column.column.started as i64,
        running: false,
        read_ms: now_ms,
    };
    Some(GridBuildRow { key, column: encode_column(column, rows) })
}
