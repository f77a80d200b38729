//! The configuration of the grid, from its files and from the annotations of Prow's jobs, kept up to
//! date while the process runs.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use blob::BlobUri;
use config_load::{Config, Diagnostic, LiveConfig};
use go_compat::time::Timestamp;
use grid::api::{NameIndex, NotFound};
use grid::columnar::composite_group;
use grid::config::jobs::jobs_of;
use grid::config::lint::lint_slips;
use grid::config::lookup::TabIndex;
use grid::config::{ConfigFile, Inputs, assemble};
use grid::proto::config::{Configuration, Dashboard, DashboardTab, TestGroup};
use grid::summarizer::recent_columns;
use grid::updater::naming::prefixes;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::files::{self, LastGood, Stamp};
use crate::web::visibility::Visibility;

/// The rule of a configuration that lacks so much that it is probably a mistake.
const LOSS_RULE: &str = "testgrid-lost-groups";
/// The rule of files that cannot be read.
const READ_RULE: &str = "testgrid-read";
/// A configuration of fewer groups may lose any number of them at once.
const GUARDED_GROUPS: usize = 10;

/// The defaults of groups and tabs where no `default.yaml` gives any.
const DEFAULTS: &str = include_str!("../../../testgrid-config/default.yaml");

/// What the configuration of the grid is read from.
#[derive(Clone, Debug, Default)]
pub struct GridPaths {
    /// Files, or folders of them.
    pub yaml: Vec<PathBuf>,
    /// The defaults of jobs, and of files in folders without a `default.yaml`.
    pub default: Option<PathBuf>,
}

impl GridPaths {
    /// The file with defaults: the one that was named, or `default.yaml` of one of the folders.
    fn defaults(&self) -> Option<PathBuf> {
        let in_folder = |path: &PathBuf| {
            let files = ["default.yaml", "default.yml"].map(|name| path.join(name));
            files.into_iter().find(|file| file.is_file())
        };
        self.default.clone().or_else(|| self.yaml.iter().find_map(in_folder))
    }

    fn stamp(&self) -> Stamp {
        let listed = files::config_files(&self.yaml).unwrap_or_default();
        files::stamp(self.defaults().into_iter().chain(listed))
    }
}

/// A configuration that is in use, with indexes over it.
#[derive(Debug, Default)]
pub struct GridConfig {
    /// Groups, dashboards and dashboard groups, those with errors left out.
    pub configuration: Configuration,
    /// Where entities stand, by their normalized names.
    pub names: NameIndex,
    /// From jobs and results to their tabs.
    pub tabs: TabIndex,
    /// Everything that is wrong with the files and annotations.
    pub findings: Vec<Diagnostic>,
    /// Rises with every configuration of this process.
    pub version: u64,
    /// When it was read.
    pub loaded_at: Timestamp,
    groups: HashMap<String, usize>,
    /// The names of the groups by the prefixes that they read, without scheme and last slash.
    groups_of_path: HashMap<String, Vec<String>>,
    /// For each group by its name the places of its tabs: dashboard, tab.
    tabs_of_group: HashMap<String, Vec<(usize, usize)>>,
    /// What tabs over several groups show, by the name that stands for it.
    composites: HashMap<String, Composite>,
}

/// Several groups that one tab shows as one.
#[derive(Clone, Debug)]
pub struct Composite {
    /// The group that the tab is shown with; the configuration does not have it.
    pub group: TestGroup,
    /// The names of the groups that have the results.
    pub members: Vec<String>,
    /// How many columns of each are recent.
    pub recent: usize,
}

/// The name that stands for the groups of a tab; names of the configuration have no `#`.
fn composite_name(dashboard: &str, tab: &str) -> String {
    format!("{dashboard}#{tab}")
}

impl GridConfig {
    /// Indexes a configuration.
    pub fn new(
        configuration: Configuration,
        findings: Vec<Diagnostic>,
        version: u64,
        loaded_at: Timestamp,
    ) -> GridConfig {
        let mut tabs_of_group: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        for (board, dashboard) in configuration.dashboards.iter().enumerate() {
            for (at, tab) in dashboard.dashboard_tab.iter().enumerate() {
                for group in tab.test_groups() {
                    tabs_of_group.entry(group.to_owned()).or_default().push((board, at));
                }
            }
        }
        let groups = configuration.test_groups.iter().enumerate();
        let groups: HashMap<String, usize> =
            groups.map(|(at, group)| (group.name.clone(), at)).collect();
        let mut composites = HashMap::new();
        for dashboard in &configuration.dashboards {
            for tab in dashboard.dashboard_tab.iter().filter(|tab| tab.is_composite()) {
                let members: Vec<&TestGroup> = tab
                    .test_groups()
                    .filter_map(|name| configuration.test_groups.get(*groups.get(name)?))
                    .collect();
                let name = composite_name(&dashboard.name, &tab.name);
                let composite = Composite {
                    members: members.iter().map(|group| group.name.clone()).collect(),
                    recent: members.first().map_or(0, |group| recent_columns(tab, group)),
                    group: composite_group(name.clone(), &members),
                };
                composites.insert(name, composite);
            }
        }
        let mut groups_of_path: HashMap<String, Vec<String>> = HashMap::new();
        for group in &configuration.test_groups {
            for prefix in prefixes(group) {
                let path = prefix.split_once("://").map_or(prefix, |(_, path)| path);
                let path = path.trim_end_matches('/').to_owned();
                groups_of_path.entry(path).or_default().push(group.name.clone());
            }
        }
        GridConfig {
            groups_of_path,
            names: NameIndex::new(&configuration),
            tabs: TabIndex::new(&configuration),
            groups,
            tabs_of_group,
            composites,
            configuration,
            findings,
            version,
            loaded_at,
        }
    }

    /// The group of a name.
    pub fn group(&self, name: &str) -> Option<&TestGroup> {
        self.configuration.test_groups.get(*self.groups.get(name)?)
    }

    /// A tab with its dashboard and the group that it is shown with, by their names in any spelling
    /// that normalizes alike. A tab over several groups has one that stands for them.
    ///
    /// # Errors
    /// There is no such dashboard, tab or group.
    pub fn tab(
        &self,
        dashboard: &str,
        tab: &str,
    ) -> Result<(&Dashboard, &DashboardTab, &TestGroup), NotFound> {
        let (board, tab, group) = self.names.tab(&self.configuration, dashboard, tab)?;
        Ok((board, tab, self.shown_with(board, tab).unwrap_or(group)))
    }

    /// The group that a tab over several groups is shown with.
    pub fn shown_with(&self, dashboard: &Dashboard, tab: &DashboardTab) -> Option<&TestGroup> {
        if !tab.is_composite() {
            return None;
        }
        self.composite(&composite_name(&dashboard.name, &tab.name)).map(|found| &found.group)
    }

    /// The groups that a name stands for, if it is not that of one group.
    pub fn composite(&self, name: &str) -> Option<&Composite> {
        self.composites.get(name)
    }

    /// The tabs that show a group, alone or beside others, with their dashboards.
    pub fn tabs_of(&self, group: &str) -> impl Iterator<Item = (&Dashboard, &DashboardTab)> {
        self.tabs_of_group.get(group).into_iter().flatten().filter_map(|(board, tab)| {
            let dashboard = self.configuration.dashboards.get(*board)?;
            Some((dashboard, dashboard.dashboard_tab.get(*tab)?))
        })
    }

    /// The tabs that show a group, the one that Spyglass leads to first.
    pub fn tabs_to_link(&self, group: &str) -> Vec<(&Dashboard, &DashboardTab)> {
        let first = self.tabs.tab_of_group(group);
        let mut tabs: Vec<_> = self.tabs_of(group).collect();
        tabs.sort_by_key(|(board, tab)| first != Some((board.name.as_str(), tab.name.as_str())));
        tabs
    }

    /// The names of the groups that read builds of a folder such as `gs://bucket/logs/job/1/`.
    pub fn groups_of(&self, folder: &BlobUri) -> Vec<String> {
        let path = format!("{}/{}", folder.bucket(), folder.key());
        let Some((job, _)) = path.trim_end_matches('/').rsplit_once('/') else { return Vec::new() };
        // A run of a pull request stands below `pull/`; its group reads the links in `directory/`.
        let linked = job.split_once("/pull/").and_then(|(before, after)| {
            Some(format!("{before}/directory/{}", after.rsplit('/').next()?))
        });
        let paths = [Some(job.to_owned()), linked].into_iter().flatten();
        let mut groups: Vec<String> =
            paths.filter_map(|path| self.groups_of_path.get(&path)).flatten().cloned().collect();
        groups.dedup();
        groups
    }

    /// How many tabs there are.
    pub fn tab_count(&self) -> usize {
        self.configuration.dashboards.iter().map(|board| board.dashboard_tab.len()).sum()
    }
}

/// The configuration in use; clones share it.
#[derive(Clone, Debug)]
pub struct LiveGridConfig {
    sender: Arc<watch::Sender<Arc<GridConfig>>>,
    refused: Arc<Mutex<Option<Refused>>>,
}

/// A configuration that was not taken.
#[derive(Clone, Debug)]
pub struct Refused {
    /// What is wrong.
    pub finding: Diagnostic,
    /// Since when.
    pub since: Timestamp,
}

impl LiveGridConfig {
    /// A configuration that stays as it is until it is replaced.
    pub fn fixed(config: GridConfig) -> LiveGridConfig {
        LiveGridConfig {
            sender: Arc::new(watch::Sender::new(Arc::new(config))),
            refused: Arc::default(),
        }
    }

    /// The configuration of now.
    pub fn get(&self) -> Arc<GridConfig> {
        self.sender.borrow().clone()
    }

    /// Tells of every replacement.
    pub fn subscribe(&self) -> watch::Receiver<Arc<GridConfig>> {
        self.sender.subscribe()
    }

    /// Why the files of now are not in use, if they are not.
    pub fn refused(&self) -> Option<Refused> {
        self.refused.lock().clone()
    }
}

/// Keeps a [`LiveGridConfig`] true to its files and to Prow's configuration.
#[derive(Debug)]
pub struct GridReloader {
    paths: GridPaths,
    prow: LiveConfig,
    live: LiveGridConfig,
    /// Which jobs this process shows; the grids of the others are left out.
    visibility: Visibility,
    good: LastGood,
    seen: Stamp,
    prow_sha: String,
}

/// What a look at the files led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Nothing has changed.
    Unchanged,
    /// Another configuration is in use.
    Replaced,
    /// The files cannot be used; the last configuration stays.
    Refused,
}

impl GridReloader {
    /// Reads for the first time. Files that are wrong are findings; only what depends on them is
    /// missing.
    pub fn start(
        paths: GridPaths,
        prow: LiveConfig,
        visibility: Visibility,
        now: Timestamp,
    ) -> GridReloader {
        let mut reloader = GridReloader {
            visibility,
            seen: paths.stamp(),
            prow_sha: prow.get().sha.clone(),
            paths,
            prow,
            live: LiveGridConfig::fixed(GridConfig::default()),
            good: LastGood::default(),
        };
        reloader.load(now);
        reloader
    }

    /// The configuration that it keeps.
    pub fn live(&self) -> LiveGridConfig {
        self.live.clone()
    }

    /// Reads again if a file or Prow's configuration has changed.
    pub fn tick(&mut self, now: Timestamp) -> Tick {
        let seen = self.paths.stamp();
        let prow_sha = self.prow.get().sha.clone();
        if seen == self.seen && prow_sha == self.prow_sha {
            return Tick::Unchanged;
        }
        (self.seen, self.prow_sha) = (seen, prow_sha);
        self.load(now)
    }

    fn load(&mut self, now: Timestamp) -> Tick {
        let current = self.live.get();
        let mut findings = Vec::new();
        let read = self.good.read(&self.paths.yaml, false, &mut findings);
        let refusal = match read {
            Ok(files) => {
                let config = self.assembled(&files, findings, current.version + 1, now);
                match lost(&current, &config) {
                    Some(finding) => finding,
                    None => {
                        *self.live.refused.lock() = None;
                        self.live.sender.send_replace(Arc::new(config));
                        return Tick::Replaced;
                    }
                }
            }
            Err(error) => Diagnostic::error(READ_RULE, format!("{error:#}")),
        };
        tracing::error!("the configuration of the test grid stays as it is: {refusal}");
        let mut refused = self.live.refused.lock();
        let since = refused.as_ref().map_or(now, |refused| refused.since);
        *refused = Some(Refused { finding: refusal, since });
        Tick::Refused
    }

    fn assembled(
        &self,
        files: &[Arc<ConfigFile>],
        mut findings: Vec<Diagnostic>,
        version: u64,
        now: Timestamp,
    ) -> GridConfig {
        let prow: Arc<Config> = self.prow.get();
        let hidden = hidden_jobs(&prow, &self.visibility);
        let mut jobs = jobs_of(&prow);
        jobs.retain(|job| !hidden.contains(job.name));
        let defaults = self.defaults(&mut findings);
        let inputs = Inputs {
            files,
            defaults: defaults.defaults(),
            jobs: &jobs,
            descriptions: None,
            texts: Some(files::text),
        };
        let assembly = assemble(&inputs);
        findings.extend(assembly.diagnostics.iter().cloned());
        findings.extend(lint_slips(&assembly, &inputs));
        let errors = findings.iter().filter(|found| found.is_error()).count();
        let config = GridConfig::new(assembly.into_usable(), findings, version, now);
        tracing::info!(
            groups = config.configuration.test_groups.len(),
            dashboards = config.configuration.dashboards.len(),
            tabs = config.tab_count(),
            errors,
            "the configuration of the test grid is read"
        );
        config
    }

    /// The defaults of the files, or those that come with the program.
    fn defaults(&self, findings: &mut Vec<Diagnostic>) -> ConfigFile {
        let built_in =
            || ConfigFile::read_as_defaults(PathBuf::from("default.yaml").into(), DEFAULTS.into());
        let Some(path) = self.paths.defaults() else { return built_in() };
        match files::read(&path) {
            Ok(text) => {
                let file = ConfigFile::read_as_defaults(path.into(), text.into());
                findings.extend(file.diagnostics.iter().cloned());
                if file.defaults().is_some() { file } else { built_in() }
            }
            Err(error) => {
                findings.push(Diagnostic::error(READ_RULE, format!("{error:#}")));
                built_in()
            }
        }
    }
}

/// The names of the jobs that are not shown. What the files say is shown in any case: whoever wrote
/// it wanted it.
fn hidden_jobs<'c>(prow: &'c Config, visibility: &Visibility) -> HashSet<&'c str> {
    let hidden_repos = prow.prow.deck.hidden_repos.clone();
    let visibility = Visibility { hidden_repos, ..visibility.clone() };
    visibility.hidden_jobs(&prow.jobs)
}

/// A configuration that loses more than half of its groups at once is rather a folder that is not
/// there than what somebody wants.
fn lost(current: &GridConfig, new: &GridConfig) -> Option<Diagnostic> {
    let before = current.configuration.test_groups.len();
    let after = new.configuration.test_groups.len();
    (before >= GUARDED_GROUPS && after * 2 < before).then(|| {
        Diagnostic::error(
            LOSS_RULE,
            format!(
                "it would have {after} groups instead of {before}; is a folder missing? Start the \
                 server again if it is meant"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grids(groups: usize) -> String {
        let mut text = "test_groups:\n".to_owned();
        for at in 0..groups {
            text.push_str(&format!("- {{name: group {at:03}, gcs_prefix: b/logs/{at}}}\n"));
        }
        text.push_str("dashboards:\n- name: board\n  dashboard_tab:\n");
        for at in 0..groups {
            text.push_str(&format!("  - {{name: tab {at:03}, test_group_name: group {at:03}}}\n"));
        }
        text
    }

    fn reloader(folder: &std::path::Path) -> GridReloader {
        let prow = LiveConfig::fixed(Config::default(), Default::default());
        let paths = GridPaths { yaml: vec![folder.to_owned()], default: None };
        GridReloader::start(paths, prow, Visibility::default(), Timestamp::from_seconds(1))
    }

    #[test]
    fn a_configuration_that_loses_half_its_groups_is_refused_until_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("grids.yaml");
        std::fs::write(&file, grids(12)).unwrap();
        let mut reloader = reloader(folder.path());
        assert_eq!(reloader.live().get().configuration.test_groups.len(), 12);
        std::fs::write(&file, grids(3)).unwrap();
        assert_eq!(reloader.tick(Timestamp::from_seconds(2)), Tick::Refused);
        assert_eq!(reloader.live().get().configuration.test_groups.len(), 12);
        let refused = reloader.live().refused().unwrap();
        assert!(refused.finding.message.contains("3 groups instead of 12"), "{}", refused.finding);
        std::fs::write(&file, grids(11)).unwrap();
        assert_eq!(reloader.tick(Timestamp::from_seconds(3)), Tick::Replaced);
        assert!(reloader.live().refused().is_none());
        std::fs::write(&file, grids(3)).unwrap();
        let fresh = super::tests::reloader(folder.path());
        assert_eq!(fresh.live().get().configuration.test_groups.len(), 3, "a restart takes it");
    }

    #[test]
    fn builds_are_known_to_the_groups_that_read_their_prefix() {
        let folder = tempfile::tempdir().unwrap();
        let text = "\
test_groups:
- {name: one, gcs_prefix: b/logs/job}
- {name: two, gcs_prefix: 'gs://b/logs/job, b/logs/other'}
- {name: pull, gcs_prefix: b/pr-logs/directory/pull-job}
dashboards:
- name: board
  dashboard_tab: [{name: one, test_group_name: one}, {name: two, test_group_name: two}, {name: pull, test_group_name: pull}]
";
        std::fs::write(folder.path().join("grids.yaml"), text).unwrap();
        let config = reloader(folder.path()).live().get();
        let groups = |folder: &str| config.groups_of(&BlobUri::parse(folder).unwrap());
        assert_eq!(groups("gs://b/logs/job/17/"), ["one", "two"]);
        assert_eq!(groups("gs://b/pr-logs/pull/o_r/7/pull-job/17/"), ["pull"]);
        assert!(groups("gs://b/logs/another/17/").is_empty());
    }
}
