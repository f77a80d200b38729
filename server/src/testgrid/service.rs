//! What the pages and the API know of the grids: the configuration, the summary of every tab in
//! memory, and grids made of stored builds when somebody looks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context as _;
use clock::SharedClock;
use go_compat::time::Timestamp;
use grid::columnar::{
    Assembled, ColumnKey, Composed, Part, Past, RowTable, assemble, compose, inflate_stored,
};
use grid::issues::GroupIssues;
use grid::proto::config::{DashboardTab, TestGroup};
use grid::proto::state::Grid;
use grid::proto::summary::DashboardSummary;
use grid::proto::wire;
use grid::summarizer::{Features, recent_columns, unknown};
use grid::tabulator::{OptionsError, TabulateOptions, ViewOptions, tabulate};
use grid::updater::alert::AlertOptions;
use grid::updater::columns::window_start;
use grid::updater::construct::{Issues, group_grid};
use parking_lot::{Mutex, RwLock};
use prost::Message as _;
use store::{GridBuildRow, GridGroupRow, GridStore, GridSummaryRow};
use tokio::sync::watch;

use super::config::LiveGridConfig;
use super::issues::RowIssues;
use super::state::{GroupState, TabState};
use super::stored::{Stored, key_of, size, tab_grid};
use super::summaries::{KeptPast, Looked, Summaries, fingerprint, summaries};

/// The first look at a tab's history; it is doubled while an alert or the newest green build may lie
/// further back.
const FIRST_LOOK: usize = 32;
/// No summary looks further back.
const LONGEST_LOOK: usize = 4_096;
/// The most columns of one grid.
pub const MAX_COLUMNS: usize = 20_000;
/// Further back than any build.
const ALL_DAYS: i64 = 36_500;
/// Grids that are kept ready, by their size in bytes.
const KEPT_GRID_BYTES: u64 = 48 << 20;
/// What is kept of the older columns of groups that ask for them, by its size in bytes.
const KEPT_PAST_BYTES: u64 = 24 << 20;

/// A grid as a page shows it.
#[derive(Debug)]
pub struct TabGrid {
    /// The grid.
    pub assembled: Assembled,
    /// How many columns are recent.
    pub recent: usize,
    /// Names this grid for as long as it is what it is.
    pub version: String,
    /// Whether the group has builds that began before the oldest column.
    pub has_older: bool,
    /// How many builds are known and not read, since they began before the window. Where that is a
    /// whole look of the updater, there may be more that nobody looked at.
    pub unread: u64,
    bytes: u64,
}

impl TabGrid {
    /// A range of its columns, with the rows that have something there.
    pub fn cut(&self, range: std::ops::Range<usize>) -> TabGrid {
        let version = format!("{}-{}-{}", self.version, range.start, range.end);
        let (grid, places) = self.assembled.grid.cut(range);
        let row_metrics = places.iter().map(|at| self.assembled.row_metrics[*at]).collect();
        let metrics = self.assembled.metrics.clone();
        TabGrid {
            assembled: Assembled { grid, metrics, row_metrics, damaged: Vec::new() },
            recent: self.recent,
            version,
            has_older: self.has_older,
            unread: self.unread,
            bytes: 0,
        }
    }
}

/// Why there is no grid.
#[derive(Debug, thiserror::Error)]
pub enum GridError {
    /// No such dashboard, tab or group.
    #[error(transparent)]
    NotFound(#[from] grid::api::NotFound),
    /// The options of the tab or of the view are wrong.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The store does not answer.
    #[error("the stored builds could not be read")]
    Store(#[source] anyhow::Error),
}

/// A group as TestGrid's programs store it.
#[derive(Debug)]
pub struct GroupObjects {
    /// Its grid.
    pub grid: Vec<u8>,
    /// The grids of its tabs; those whose options are wrong have none.
    pub tabs: Vec<(TabKey, Result<Vec<u8>, OptionsError>)>,
}

/// A tab that has changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TabKey {
    /// The dashboard's name.
    pub dashboard: String,
    /// The tab's name.
    pub tab: String,
}

impl TabKey {
    /// Of these names.
    pub fn new(dashboard: &str, tab: &str) -> TabKey {
        TabKey { dashboard: dashboard.to_owned(), tab: tab.to_owned() }
    }
}

/// The grids of a process.
pub struct TestGrid {
    /// The configuration in use.
    pub config: LiveGridConfig,
    store: Arc<dyn GridStore>,
    clock: SharedClock,
    features: Features,
    tabs: RwLock<HashMap<TabKey, Arc<TabState>>>,
    groups: RwLock<HashMap<String, GroupState>>,
    /// Issues that another program gathered, by group.
    pub(super) gathered: RwLock<HashMap<String, Arc<GroupIssues>>>,
    /// By the names of groups.
    storing: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    grids: moka::sync::Cache<(TabKey, String), Arc<TabGrid>>,
    /// The older columns of groups of which the newest ones do not say all.
    pasts: moka::sync::Cache<String, Arc<KeptPast>>,
    changed: watch::Sender<u64>,
    /// Distinguishes the versions of this process from those of others.
    epoch: i64,
}

impl TestGrid {
    /// Over a configuration and a store.
    pub fn new(config: LiveGridConfig, store: Arc<dyn GridStore>, clock: SharedClock) -> TestGrid {
        TestGrid {
            epoch: clock.now().millis(),
            config,
            store,
            clock,
            features: Features::default(),
            tabs: RwLock::default(),
            groups: RwLock::default(),
            gathered: RwLock::default(),
            storing: Mutex::default(),
            grids: moka::sync::Cache::builder()
                .weigher(|_, grid: &Arc<TabGrid>| u32::try_from(grid.bytes).unwrap_or(u32::MAX))
                .max_capacity(KEPT_GRID_BYTES)
                .build(),
            pasts: moka::sync::Cache::builder()
                .weigher(|_, kept: &Arc<KeptPast>| kept.bytes)
                .max_capacity(KEPT_PAST_BYTES)
                .build(),
            changed: watch::Sender::new(0),
        }
    }

    /// With customizations of the tabs' status that summarizer counts only where flags say so.
    #[must_use]
    pub fn with_features(self, features: Features) -> TestGrid {
        TestGrid { features, ..self }
    }

    /// Held from asking for a group's rows until builds with new ones are stored, since the next to
    /// store builds of it numbers its rows on from these.
    pub async fn storing(&self, group: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = self.storing.lock().entry(group.to_owned()).or_default().clone();
        lock.lock_owned().await
    }

    /// Where builds are kept.
    pub fn store(&self) -> &Arc<dyn GridStore> {
        &self.store
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Takes what an earlier process knew, so that the pages are full at once.
    pub async fn restore(&self) -> anyhow::Result<()> {
        let summaries = self.store.summaries().await.context("reading the stored summaries")?;
        // A damaged one is made again by the next look at its group.
        self.tabs.write().extend(summaries.into_iter().filter_map(|row| {
            let state = TabState::decode(&*row.summary).ok()?;
            Some((TabKey { dashboard: row.dashboard, tab: row.tab }, Arc::new(state)))
        }));
        let groups = self.store.groups().await.context("reading the stored groups")?;
        let mut states = self.groups.write();
        for group in groups {
            states.insert(
                group.group,
                GroupState {
                    version: 0,
                    updated_ms: group.updated_ms,
                    swept_ms: group.swept_ms,
                    config: group.config,
                    error: group.error_ms.map(|at| (group.error, at)),
                },
            );
        }
        Ok(())
    }

    /// The state of a tab, if it was summarized.
    pub fn tab(&self, dashboard: &str, tab: &str) -> Option<Arc<TabState>> {
        self.tabs.read().get(&TabKey::new(dashboard, tab)).cloned()
    }

    /// How a group stands. What stands for several groups was updated when the last of them was, and
    /// fails with any of them.
    pub fn group(&self, name: &str) -> GroupState {
        let config = self.config.get();
        let groups = self.groups.read();
        let Some(composite) = config.composite(name) else {
            return groups.get(name).cloned().unwrap_or_default();
        };
        let members: Vec<GroupState> = composite
            .members
            .iter()
            .map(|member| groups.get(member).cloned().unwrap_or_default())
            .collect();
        GroupState {
            version: members.iter().map(|member| member.version).sum(),
            updated_ms: members.iter().map(|member| member.updated_ms).min().unwrap_or(0),
            swept_ms: members.iter().map(|member| member.swept_ms).min().unwrap_or(0),
            config: Vec::new(),
            error: members.into_iter().find_map(|member| member.error),
        }
    }

    /// Rises whenever a tab changes.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// How often something that pages show has changed.
    pub fn changes(&self) -> u64 {
        *self.changed.borrow()
    }

    /// The summaries of a dashboard in the order of its tabs. A tab that was not looked at yet has no
    /// results.
    pub fn summary(&self, dashboard: &str) -> Result<DashboardSummary, grid::api::NotFound> {
        let config = self.config.get();
        let board = config.names.dashboard(&config.configuration, dashboard)?;
        let (tabs, groups) = (self.tabs.read(), self.groups.read());
        let summary_of = |tab: &DashboardTab| {
            let state = tabs.get(&TabKey::new(&board.name, &tab.name));
            let mut summary = state.map_or_else(
                || unknown(&board.name, &tab.name, grid::summarizer::NO_RUNS),
                |state| state.summary.clone(),
            );
            let looked = tab.test_groups().map(|name| groups.get(name).map_or(0, |g| g.updated_ms));
            summary.last_update_timestamp = (looked.min().unwrap_or(0) / 1_000) as f64;
            summary
        };
        Ok(DashboardSummary { tab_summaries: board.dashboard_tab.iter().map(summary_of).collect() })
    }

    /// Changes with the grid of a tab.
    pub fn version(&self, group: &str) -> String {
        let config = self.config.get().version;
        format!("{}-{config}-{}", self.epoch, self.group(group).version)
    }

    /// The grid of a tab: its columns of the group's window, or of the last `days`. Options other than
    /// the tab's own are the view's.
    ///
    /// # Errors
    /// There is no such tab, or the store does not answer.
    pub async fn grid(
        &self,
        dashboard: &str,
        tab: &str,
        days: Option<i64>,
    ) -> Result<Arc<TabGrid>, GridError> {
        let config = self.config.get();
        let (board, tab, group) = config.tab(dashboard, tab)?;
        let version = match days {
            None => self.version(&group.name),
            Some(days) => format!("{}-{days}d", self.version(&group.name)),
        };
        let key = (TabKey::new(&board.name, &tab.name), version.clone());
        if let Some(kept) = self.grids.get(&key) {
            return Ok(kept);
        }
        let stored = self.stored(group, days, MAX_COLUMNS).await.map_err(GridError::Store)?;
        let unread = self.unread(group).await.map_err(GridError::Store)?;
        // Options that cannot be used are told on the tab's page, beside all of its rows.
        let options = ViewOptions::parse(&tab.base_options).unwrap_or_default();
        let issues = self.issues(&group.name);
        let (tab, group) = (tab.clone(), group.clone());
        let made = tokio::task::spawn_blocking(move || {
            let Stored { columns, rows, has_older, recent, .. } = stored;
            let alerts = AlertOptions::of_group(&group);
            let mut assembled =
                assemble(&columns, &rows, &group, &alerts, |name| options.shows(name));
            add_issues(&issues, &mut assembled);
            for (place, error) in &assembled.damaged {
                tracing::error!(
                    group = group.name,
                    place,
                    "a stored build cannot be read: {error}"
                );
            }
            let bytes = size(&assembled);
            let recent = recent.unwrap_or_else(|| recent_columns(&tab, &group));
            Arc::new(TabGrid { assembled, recent, version, has_older, unread, bytes })
        });
        let made = made.await.context("making the grid").map_err(GridError::Store)?;
        self.grids.insert(key, made.clone());
        Ok(made)
    }

    /// Some rows of a group's newest columns, whatever their age, with the alerts that the group's
    /// options give them.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn rows(
        &self,
        group: &TestGroup,
        wanted: HashSet<String>,
        columns: usize,
    ) -> Result<TabGrid, GridError> {
        let stored = self.stored(group, Some(ALL_DAYS), columns).await.map_err(GridError::Store)?;
        let issues = self.issues(&group.name);
        let group = group.clone();
        let made = tokio::task::spawn_blocking(move || {
            let Stored { columns, rows, has_older, .. } = stored;
            let alerts = AlertOptions::of_group(&group);
            let mut assembled =
                assemble(&columns, &rows, &group, &alerts, |name| wanted.contains(name));
            add_issues(&issues, &mut assembled);
            let recent = usize::try_from(group.num_columns_recent).unwrap_or(0);
            TabGrid { assembled, recent, version: String::new(), has_older, unread: 0, bytes: 0 }
        });
        made.await.context("making rows").map_err(GridError::Store)
    }

    /// The grid of a tab as TestGrid's message, for the documents that are made of it; as far back as
    /// [`TestGrid::grid`] goes.
    ///
    /// # Errors
    /// There is no such tab, its options are wrong, or the store does not answer.
    pub async fn message(
        &self,
        dashboard: &str,
        tab: &str,
        days: Option<i64>,
    ) -> Result<Grid, GridError> {
        let config = self.config.get();
        let (_, tab, group) = config.tab(dashboard, tab)?;
        let stored = self.stored(group, days, MAX_COLUMNS).await.map_err(GridError::Store)?;
        let now = self.clock.now().seconds();
        let issues = self.issues(&group.name);
        let (tab, group) = (tab.clone(), group.clone());
        let made = tokio::task::spawn_blocking(move || {
            let (columns, _) = inflate_stored(&stored.columns, &stored.rows, &group);
            tab_grid(&columns, &tab, &group, now).map(|mut grid| {
                issues.add_to(&mut grid.rows);
                grid
            })
        });
        Ok(made.await.context("making the grid").map_err(GridError::Store)??)
    }

    /// The grids of a group and of its tabs as TestGrid's programs store them.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn objects(&self, group: &TestGroup) -> anyhow::Result<GroupObjects> {
        let config = self.config.get();
        let tabs: Vec<(TabKey, DashboardTab)> = config
            .tabs_of(&group.name)
            // TestGrid's programs know a tab by its first group alone.
            .filter(|(_, tab)| tab.test_group_name == group.name)
            .map(|(board, tab)| (TabKey::new(&board.name, &tab.name), tab.clone()))
            .collect();
        let stored = self.stored(group, None, MAX_COLUMNS).await?;
        let now = self.clock.now().seconds();
        let group = group.clone();
        let made = tokio::task::spawn_blocking(move || {
            let (columns, _) = inflate_stored(&stored.columns, &stored.rows, &group);
            let grid = group_grid(&group, columns, &Issues::new());
            let of_tab = |(key, tab): (TabKey, DashboardTab)| {
                let options = TabulateOptions::default();
                let made = tabulate(grid.clone(), &tab, &group, options, None, now);
                (key, made.map(|grid| wire::write_grid(&grid)))
            };
            let tabs = tabs.into_iter().map(of_tab).collect();
            GroupObjects { grid: wire::write_grid(&grid), tabs }
        });
        made.await.context("making the grids")
    }

    /// The names and builds of all columns of a group, as its grid shows them.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn column_names(
        &self,
        group: &TestGroup,
    ) -> anyhow::Result<HashSet<(String, String)>> {
        let stored = self.stored(group, Some(ALL_DAYS), MAX_COLUMNS).await?;
        let group = group.clone();
        let names = tokio::task::spawn_blocking(move || {
            let (columns, _) = inflate_stored(&stored.columns, &stored.rows, &group);
            columns.into_iter().map(|c| (c.column.name, c.column.build)).collect()
        });
        names.await.context("reading the stored columns")
    }

    /// How many builds of a group, or of those that it stands for, are known and not read.
    async fn unread(&self, group: &TestGroup) -> anyhow::Result<u64> {
        let config = self.config.get();
        let composite = config.composite(&group.name);
        let members = composite.map_or(std::slice::from_ref(&group.name), |c| &c.members);
        let mut unread = 0;
        for member in members {
            unread += self.store.unread(member).await?;
        }
        Ok(unread)
    }

    /// The newest columns of a group's window; of what stands for several groups the newest of all of
    /// them.
    pub(super) async fn stored(
        &self,
        group: &TestGroup,
        days: Option<i64>,
        limit: usize,
    ) -> anyhow::Result<Stored> {
        let config = self.config.get();
        let Some(composite) = config.composite(&group.name) else {
            return self.stored_of_one(group, days, limit).await;
        };
        // All of them go as far back as the first.
        let days = days.unwrap_or_else(|| i64::from(group.days_of_results.max(1)));
        let window_ms = days.saturating_mul(86_400_000);
        let mut starts = Vec::new();
        let members: Vec<&TestGroup> =
            composite.members.iter().filter_map(|name| config.group(name)).collect();
        let mut parts = Vec::with_capacity(members.len());
        let mut has_older = false;
        for member in members {
            let stored = self.stored_of_one(member, Some(days), limit).await?;
            has_older |= stored.has_older;
            starts.extend(&stored.starts);
            parts.push((member.clone(), stored));
        }
        let cut = parts.iter().any(|(_, stored)| stored.cut);
        let recent = composite.recent;
        let composed = tokio::task::spawn_blocking(move || {
            let part = |(group, stored)| {
                let (group, Stored { columns, rows, .. }): (&TestGroup, Stored) = (group, stored);
                Part { group, columns, rows }
            };
            let (groups, stored): (Vec<TestGroup>, Vec<Stored>) = parts.into_iter().unzip();
            let parts: Vec<Part<'_>> = groups.iter().zip(stored).map(part).collect();
            compose(&parts, recent)
        });
        let Composed { columns, rows, recent } =
            composed.await.context("putting groups together")?;
        // Nobody goes on from columns that were put together.
        let (keys, recent) = (Vec::new(), Some(recent));
        Ok(Stored { keys, columns, rows, has_older, cut, recent, starts, window_ms })
    }

    async fn stored_of_one(
        &self,
        group: &TestGroup,
        days: Option<i64>,
        limit: usize,
    ) -> anyhow::Result<Stored> {
        let now = self.clock.now().seconds();
        let since = match days {
            Some(days) => now.saturating_sub(days.saturating_mul(86_400)),
            None => window_start(group, now),
        };
        let names = self.store.row_names(&group.name).await?;
        let rows = RowTable::new(names.into_iter().map(Arc::from));
        let since_ms = since.saturating_mul(1_000);
        let builds = self.store.builds(&group.name, since_ms, None, limit).await?;
        let has_older = match builds.last() {
            Some(last) => {
                let behind = last.key.cursor();
                let older = self.store.builds(&group.name, 0, Some(&behind), 1).await?;
                older.iter().any(|build| !build.column.is_empty())
            }
            None => false,
        };
        let cut = builds.len() >= limit;
        // A build without a column began before the window when it was found.
        let builds = builds.into_iter().filter(|build| !build.column.is_empty());
        let (keys, columns): (Vec<ColumnKey>, Vec<Vec<u8>>) =
            builds.map(|GridBuildRow { key, column }| (key_of(key), column)).unzip();
        let starts = keys.iter().map(|key| key.started_ms).collect();
        let window_ms = now.saturating_sub(since).saturating_mul(1_000);
        Ok(Stored { keys, columns, rows, has_older, cut, recent: None, starts, window_ms })
    }

    /// Tells that a group's prefixes were looked at.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn looked(&self, row: GridGroupRow) -> anyhow::Result<()> {
        {
            let mut groups = self.groups.write();
            let state = groups.entry(row.group.clone()).or_default();
            state.updated_ms = row.updated_ms;
            state.swept_ms = row.swept_ms;
            state.config.clone_from(&row.config);
            state.error = None;
        }
        self.store.put_group(row).await.context("storing how a group stands")
    }

    /// Whether a tab of a group was summarized with another configuration, by other rules, or so long
    /// ago that time alone may have changed it. Nothing is read for the answer.
    pub fn is_outdated(&self, group_name: &str) -> bool {
        let config = self.config.get();
        let now = self.clock.now().millis();
        config.tabs_of(group_name).any(|(board, tab)| {
            let state = self.tab(&board.name, &tab.name);
            let Some(basis) = state.as_ref().and_then(|state| state.basis.as_ref()) else {
                return true;
            };
            basis.until_ms.is_some_and(|until| until <= now)
                || basis.fingerprint != fingerprint(&config, board, tab, self.features)
        })
    }

    /// Summarizes the tabs of a group, if its builds have changed or [`TestGrid::is_outdated`].
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn refresh(&self, group_name: &str, builds_changed: bool) -> anyhow::Result<()> {
        let config = self.config.get();
        let Some(group) = config.group(group_name) else { return Ok(()) };
        if builds_changed {
            self.groups.write().entry(group_name.to_owned()).or_default().version += 1;
        }
        if !builds_changed && !self.is_outdated(group_name) {
            return Ok(());
        }
        let mut tabs = Vec::new();
        let mut states = Vec::new();
        let mut prints = HashMap::new();
        for (board, tab) in config.tabs_of(group_name) {
            let shown = (board.name.clone(), tab.clone());
            let key = TabKey::new(&board.name, &tab.name);
            prints.insert(key, fingerprint(&config, board, tab, self.features));
            match config.shown_with(board, tab) {
                None => tabs.push(shown),
                Some(composite) => states.extend(self.summarized(composite, vec![shown]).await?),
            }
        }
        if !tabs.is_empty() {
            states.extend(self.summarized(group, tabs).await?);
        }
        for (key, state) in &mut states {
            if let (Some(basis), Some(print)) = (&mut state.basis, prints.remove(key)) {
                basis.fingerprint = print;
            }
        }
        self.take(states, builds_changed).await
    }

    /// The summaries of tabs that are shown with a group.
    async fn summarized(
        &self,
        group: &TestGroup,
        tabs: Vec<(String, DashboardTab)>,
    ) -> anyhow::Result<Vec<(TabKey, TabState)>> {
        let now = self.clock.now();
        let config = self.config.get().version;
        let first_look = first_look(&tabs, group);
        let past = self.past(group, config, now);
        let Summaries { states, past } = self.look(group, tabs, first_look, past, None).await?;
        match past {
            Some(past) => {
                self.pasts.insert(group.name.clone(), Arc::new(KeptPast::new(past, config)));
            }
            None => self.pasts.invalidate(&group.name),
        }
        Ok(states)
    }

    /// Summaries of tabs from as much of their history as they need. With others than the process's
    /// features comes whether the columns of several groups say how many are recent, as they do
    /// otherwise, or the tabs.
    pub(super) async fn look(
        &self,
        group: &TestGroup,
        tabs: Vec<(String, DashboardTab)>,
        first_look: usize,
        mut past: Option<Past>,
        other: Option<(Features, bool)>,
    ) -> anyhow::Result<Summaries> {
        let (features, by_columns) = other.unwrap_or((self.features, true));
        let now = self.clock.now();
        let mut look = first_look.min(LONGEST_LOOK);
        loop {
            let mut stored = self.stored(group, None, look).await?;
            stored.recent = stored.recent.filter(|_| by_columns);
            let looked = Looked {
                whole: !stored.cut || look >= LONGEST_LOOK,
                stored,
                past: past.take(),
                first_look,
            };
            let issues = self.issues(&group.name);
            let (tabs, group) = (tabs.clone(), group.clone());
            let made = tokio::task::spawn_blocking(move || {
                summaries(looked, &tabs, &group, &issues, features, now)
            });
            match made.await.context("summarizing tabs")? {
                Some(made) => return Ok(made),
                None => look = (look * 4).min(LONGEST_LOOK),
            }
        }
    }

    /// Which customizations of the tabs' status count.
    pub(super) fn features(&self) -> Features {
        self.features
    }

    /// Takes what is known of a group's older columns.
    fn past(&self, group: &TestGroup, config: u64, now: Timestamp) -> Option<Past> {
        let kept = self.pasts.get(&group.name).filter(|kept| kept.config == config)?;
        let mut past = kept.take()?;
        past.forget(window_start(group, now.seconds()).saturating_mul(1_000), LONGEST_LOOK);
        Some(past)
    }

    /// Tells that builds of a group were stored, the oldest of which began at a time in milliseconds
    /// since the epoch: what was known of columns that old is read again.
    pub fn stored_since(&self, group: &str, oldest_ms: i64) {
        if self.pasts.get(group).is_some_and(|kept| oldest_ms <= kept.newest_ms) {
            self.pasts.invalidate(group);
        }
    }

    /// Tells that looking for a group's builds failed.
    pub fn tell_failure(&self, group: &str, error: &str) {
        let now = self.clock.now().millis();
        let mut groups = self.groups.write();
        let state = groups.entry(group.to_owned()).or_default();
        let since = state.error.as_ref().map_or(now, |(_, since)| *since);
        state.error = Some((error.to_owned(), since));
    }

    async fn take(
        &self,
        states: Vec<(TabKey, TabState)>,
        builds_changed: bool,
    ) -> anyhow::Result<()> {
        let mut written = Vec::new();
        let mut shows_change = builds_changed;
        {
            let mut tabs = self.tabs.write();
            for (key, state) in states {
                let same = tabs.get(&key).is_some_and(|old| **old == state);
                if !same {
                    shows_change |= tabs.get(&key).is_none_or(|old| !old.says_same(&state));
                    written.push(GridSummaryRow {
                        dashboard: key.dashboard.clone(),
                        tab: key.tab.clone(),
                        summary: state.encode_to_vec(),
                    });
                    tabs.insert(key, Arc::new(state));
                }
            }
        }
        if shows_change {
            self.changed.send_modify(|version| *version += 1);
        }
        if !written.is_empty() {
            self.store.put_summaries(written).await.context("storing summaries")?;
        }
        Ok(())
    }

    /// Forgets tabs that the configuration no longer has.
    pub async fn forget_removed(&self) -> anyhow::Result<()> {
        let config = self.config.get();
        let known = |key: &TabKey| config.tab(&key.dashboard, &key.tab).is_ok();
        let gone: Vec<TabKey> =
            self.tabs.read().keys().filter(|key| !known(key)).cloned().collect();
        if gone.is_empty() {
            return Ok(());
        }
        self.tabs.write().retain(|key, _| !gone.contains(key));
        let names = gone.into_iter().map(|key| (key.dashboard, key.tab)).collect();
        self.store.remove_summaries(names).await.context("removing summaries")
    }
}

/// Adds the issues that were gathered to the rows that they are about.
fn add_issues(issues: &RowIssues, assembled: &mut Assembled) {
    if issues.is_empty() {
        return;
    }
    for row in &mut assembled.grid.rows {
        let id = row.id.as_deref().unwrap_or(&row.name);
        issues.add(&row.name, id, &mut row.issues);
    }
}

/// How many columns the first look at tabs of a group has.
pub(super) fn first_look(tabs: &[(String, DashboardTab)], group: &TestGroup) -> usize {
    let recent = tabs.iter().map(|(_, tab)| recent_columns(tab, group)).max().unwrap_or(0);
    FIRST_LOOK.max(recent.saturating_mul(2))
}
