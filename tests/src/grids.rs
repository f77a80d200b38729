//! Test grids of a given shape: names, durations and messages of real suites, results thrown by
//! dice that always fall the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use grid::columnar::{RowTable, encode_column};
use grid::proto::TestStatus;
use grid::proto::config::TestGroup;
use grid::proto::state::Column;
use grid::updater::cell::Cell;
use grid::updater::convert::InflatedColumn;
use store::{GridBuildKey, GridBuildRow, GridGroupRow, Store};

use crate::data;

/// Between the starts of two builds.
const BETWEEN_MS: i64 = 2 * 3_600_000;
/// Columns without which a row is stale, as the groups here say.
pub const RECENT: usize = 10;
/// The metric that every case has.
pub const DURATION: &str = "test-duration-minutes";
/// Builds that go to the store together.
const BATCH: usize = 50;

/// How large a grid is, and what it looks like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Tests with recent results.
    pub tests: usize,
    /// Builds.
    pub columns: usize,
    /// Tests that only the oldest builds have.
    pub stale: usize,
    /// Which dice; the same give the same grid.
    pub seed: u64,
}

/// The largest grid that the pages promise to show at ease.
pub const LARGE: Shape = Shape { tests: 5_000, columns: 500, stale: 0, seed: 1 };
/// As a group whose tests were renamed again and again.
pub const STALE: Shape = Shape { tests: 300, columns: 60, stale: 14_000, seed: 2 };
/// One of many tabs.
pub const SMALL: Shape = Shape { tests: 30, columns: 20, stale: 2, seed: 3 };
/// Tabs of the largest dashboard.
pub const TABS: usize = 366;

/// A test of a real suite.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// How long it took.
    pub seconds: f64,
}

/// What grids are made of.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// Tests, each name once, sorted.
    pub tests: Vec<Test>,
    /// Messages of failures.
    pub messages: Vec<String>,
}

impl Suite {
    /// The tests of the real results, or made-up ones where there are none.
    pub fn load() -> anyhow::Result<Suite> {
        match data::results() {
            Some(folder) => Suite::read(&folder.join("sample-ci/logs")),
            None => Ok(Suite::made_up()),
        }
    }

    fn read(logs: &Path) -> anyhow::Result<Suite> {
        let mut tests = BTreeMap::new();
        let mut messages = BTreeSet::new();
        let mut folders = vec![logs.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(&folder)
                .with_context(|| format!("listing {}", folder.display()))?;
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                if path.extension().is_none_or(|extension| extension != "xml") {
                    continue;
                }
                let bytes =
                    std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
                // A file that cannot be read is one of the sample's interesting cases.
                let Ok(report) = grid::junit::parse(&bytes) else { continue };
                for case in report.cases {
                    if case.failure.is_some() {
                        let message: String = case.message().chars().take(140).collect();
                        messages.insert(message);
                    }
                    tests.entry(case.name).or_insert(case.seconds);
                }
            }
        }
        let tests = tests.into_iter().map(|(name, seconds)| Test { name, seconds }).collect();
        let messages = messages.into_iter().filter(|message| !message.is_empty()).collect();
        Ok(Suite { tests, messages })
    }

    fn made_up() -> Suite {
        let test = |at: usize| Test {
            name: format!("example.com/module/package{}/TestCase{}/sub{at}", at % 37, at % 911),
            seconds: (at % 97) as f64 / 10.0,
        };
        let messages =
            (0..60).map(|at| format!("case_test.go:{at}: expected {at}, got {}", at + 1));
        Suite { tests: (0..16_000).map(test).collect(), messages: messages.collect() }
    }

    /// A test by its number. Where the suites have fewer, they run again under another name.
    fn test(&self, number: usize) -> Test {
        let Some(test) = self.tests.get(number % self.tests.len().max(1)) else {
            return Test { name: format!("Test{number}"), seconds: 1.0 };
        };
        match number / self.tests.len() {
            0 => test.clone(),
            round => Test { name: format!("{} #{round:02}", test.name), ..test.clone() },
        }
    }
}

/// Numbers that are the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// One of `sides` numbers from 0.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides.max(1)
    }
}

/// How a test behaves over all builds.
#[derive(Clone, Copy)]
struct Temper {
    /// It fails in so many of the newest builds.
    broken: usize,
    /// It does something else than pass once in so many builds.
    one_in: u64,
    /// Its usual message.
    message: usize,
}

/// The columns of a grid, newest first, each made when it is asked for. The newest one began at
/// `newest_ms`.
pub fn columns<'a>(
    suite: &'a Suite,
    shape: &'a Shape,
    newest_ms: i64,
) -> impl Iterator<Item = InflatedColumn> + use<'a> {
    let mut dice = Dice::new(shape.seed);
    // Which tests of the suites these are.
    let first = dice.roll(suite.tests.len() as u64) as usize;
    let tests: Vec<Test> =
        (0..shape.tests + shape.stale).map(|at| suite.test(first + at)).collect();
    let tempers: Vec<Temper> = tests
        .iter()
        .map(|_| Temper {
            broken: if dice.roll(60) == 0 { 1 + dice.roll(20) as usize } else { 0 },
            one_in: match dice.roll(100) {
                0..=1 => 8,
                2..=9 => 60,
                _ => 4_000,
            },
            message: dice.roll(suite.messages.len() as u64) as usize,
        })
        .collect();
    let message = |at: usize| suite.messages.get(at).cloned().unwrap_or_default();
    let versions = ["go1.26.7", "go1.26.8"];
    (0..shape.columns).map(move |at| {
        // What is stale ran in the oldest builds only.
        let old = at > RECENT + 2;
        let count = if old { tests.len() } else { shape.tests };
        let cells = (0..count).filter_map(|number| {
            let (test, temper) = (&tests[number], &tempers[number]);
            let minutes = test.seconds / 60.0 * (0.8 + dice.roll(40) as f64 / 100.0);
            let mut cell = Cell {
                status: TestStatus::Pass,
                metrics: [(DURATION.to_owned(), minutes)].into(),
                ..Cell::default()
            };
            let odd = dice.roll(temper.one_in) == 0;
            if at < temper.broken {
                cell.status = TestStatus::Fail;
                cell.message = message(temper.message);
            } else if odd {
                match dice.roll(6) {
                    0 => return None,
                    1 => cell.status = TestStatus::PassWithSkips,
                    2 => {
                        cell.status = TestStatus::Flaky;
                        cell.message = message(temper.message);
                        cell.icon = "1/2".to_owned();
                    }
                    _ => {
                        cell.status = TestStatus::Fail;
                        let other = dice.roll(suite.messages.len() as u64) as usize;
                        cell.message = message(other);
                    }
                }
            }
            match cell.status {
                TestStatus::Fail => cell.icon = "F".to_owned(),
                TestStatus::PassWithSkips => cell.icon = "S".to_owned(),
                _ => {}
            }
            Some((test.name.clone(), cell))
        });
        let build = (1_990_000_000_000_000_000 + shape.columns as u64 - at as u64).to_string();
        InflatedColumn {
            cells: cells.collect(),
            column: Column {
                name: build.clone(),
                hint: build.clone(),
                build,
                started: (newest_ms - at as i64 * BETWEEN_MS) as f64,
                extra: vec![
                    format!("v1.{}.{}", 40 - (at / 24).min(40), 24 - at % 24),
                    versions[usize::from(at < shape.columns / 2)].to_owned(),
                ],
                ..Column::default()
            },
        }
    })
}

/// Puts a grid into the store as the builds of a group, whose configuration is `group`. Returns how
/// many bytes its columns take there.
pub async fn fill(
    store: &Store,
    group: &TestGroup,
    suite: &Suite,
    shape: &Shape,
    newest_ms: i64,
) -> anyhow::Result<u64> {
    put(store, group, columns(suite, shape, newest_ms), newest_ms).await
}

/// The same grid as that of a group that was never green: the row about the whole always fails.
pub async fn fill_red(
    store: &Store,
    group: &TestGroup,
    suite: &Suite,
    shape: &Shape,
    newest_ms: i64,
) -> anyhow::Result<u64> {
    let columns = columns(suite, shape, newest_ms).map(|mut column| {
        let overall = Cell::saying(TestStatus::Fail, "Build failed outside of test results");
        column.cells.insert(format!("{}.Overall", group.name), overall);
        column
    });
    put(store, group, columns, newest_ms).await
}

async fn put(
    store: &Store,
    group: &TestGroup,
    mut columns: impl Iterator<Item = InflatedColumn>,
    newest_ms: i64,
) -> anyhow::Result<u64> {
    use prost::Message;

    let grids = store.grid();
    let mut rows = RowTable::default();
    let mut bytes = 0;
    loop {
        let known = rows.len();
        let builds: Vec<GridBuildRow> = columns
            .by_ref()
            .take(BATCH)
            .map(|column| {
                let build = column.column.build.clone();
                GridBuildRow {
                    column: encode_column(&column, &mut rows),
                    key: GridBuildKey {
                        object: format!("gs://{}/{build}/", group.gcs_prefix),
                        build,
                        started_ms: column.column.started as i64,
                        running: false,
                        read_ms: newest_ms,
                    },
                }
            })
            .collect();
        if builds.is_empty() {
            break;
        }
        bytes += builds.iter().map(|build| build.column.len() as u64).sum::<u64>();
        let names = rows.names_from(known).iter().map(|name: &Arc<str>| name.to_string());
        grids.put_builds(&group.name, known as u32, names.collect(), builds).await?;
    }
    grids
        .put_group(GridGroupRow {
            group: group.name.clone(),
            config: group.encode_to_vec(),
            updated_ms: newest_ms,
            swept_ms: newest_ms,
            ..GridGroupRow::default()
        })
        .await?;
    Ok(bytes)
}

/// The configuration of dashboards with a tab per group: pairs of dashboard and groups.
pub fn configuration(dashboards: &[(&str, Vec<String>)]) -> String {
    let mut yaml = String::from("test_groups:\n");
    for group in dashboards.iter().flat_map(|(_, groups)| groups) {
        yaml.push_str(&format!(
            "- name: {group}\n  gcs_prefix: made-up/logs/{group}\n  days_of_results: 400\n  \
             num_columns_recent: {RECENT}\n  num_failures_to_alert: 2\n  \
             column_header:\n  - configuration_value: version\n  - configuration_value: go\n",
        ));
    }
    yaml.push_str("dashboards:\n");
    for (dashboard, groups) in dashboards {
        yaml.push_str(&format!("- name: {dashboard}\n  dashboard_tab:\n"));
        for group in groups {
            yaml.push_str(&format!("  - name: {group}\n    test_group_name: {group}\n"));
        }
    }
    yaml
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWEST_MS: i64 = 1_795_222_800_000;

    #[test]
    fn the_same_dice_make_the_same_grid() {
        let suite = Suite::made_up();
        let shape = Shape { tests: 50, columns: 20, stale: 5, seed: 7 };
        let made = |shape: &Shape| columns(&suite, shape, NEWEST_MS).collect::<Vec<_>>();
        assert_eq!(made(&shape), made(&shape));
        assert_ne!(made(&shape), made(&Shape { seed: 8, ..shape }));
    }

    #[test]
    fn stale_tests_are_in_old_builds_only() {
        let shape = Shape { tests: 40, columns: 20, stale: 10, seed: 7 };
        let suite = Suite::made_up();
        let grid: Vec<_> = columns(&suite, &shape, NEWEST_MS).collect();
        assert!(grid[..RECENT].iter().all(|column| column.cells.len() <= 40));
        assert!(grid[19].cells.len() > 40);
    }

    #[test]
    fn names_repeat_under_another_name_where_the_suites_end() {
        let suite =
            Suite { tests: vec![Test { name: "a".into(), seconds: 1.0 }], messages: vec![] };
        let shape = Shape { tests: 3, columns: 1, stale: 0, seed: 1 };
        let grid: Vec<_> = columns(&suite, &shape, NEWEST_MS).collect();
        assert_eq!(grid[0].cells.keys().collect::<Vec<_>>(), ["a", "a #01", "a #02"]);
    }

    #[tokio::test]
    async fn a_grid_is_put_into_the_store_build_by_build() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let store = Store::open(store::StoreOptions::files(folder.path())).await?;
        let group = TestGroup {
            name: "g".into(),
            gcs_prefix: "made-up/logs/g".into(),
            ..TestGroup::default()
        };
        let shape = Shape { tests: 30, columns: 60, stale: 4, seed: 1 };
        fill(&store, &group, &Suite::made_up(), &shape, NEWEST_MS).await?;
        let keys = store.grid().build_keys("g").await?;
        assert_eq!(keys.len(), 60);
        assert_eq!(store.grid().row_names("g").await?.len(), 34);
        Ok(())
    }
}
