//! The test grid: its index, dashboards and tabs.

use serde::{Deserialize, Serialize};

use super::Link;

/// How a tab or a dashboard does.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum GridStatus {
    /// Everything passed in the recent columns.
    Passing,
    /// Flaky, but not more than the tab accepts.
    Acceptable,
    /// There are too few results to judge.
    Pending,
    /// Something did not pass, but no test too often.
    Flaky,
    /// A test fails too often.
    Failing,
    /// There are no recent results.
    Stale,
    /// Too much of a recent column failed.
    Broken,
    /// There is nothing to judge.
    #[default]
    Unknown,
}

impl GridStatus {
    /// All of them, in the order in which counts are told.
    pub const ALL: [GridStatus; 8] = [
        Self::Passing,
        Self::Acceptable,
        Self::Pending,
        Self::Flaky,
        Self::Failing,
        Self::Stale,
        Self::Broken,
        Self::Unknown,
    ];

    /// TestGrid's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passing => "PASSING",
            Self::Acceptable => "ACCEPTABLE",
            Self::Pending => "PENDING",
            Self::Flaky => "FLAKY",
            Self::Failing => "FAILING",
            Self::Stale => "STALE",
            Self::Broken => "BROKEN",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The run state whose shape and hue stand for it.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Passing | Self::Acceptable => "success",
            Self::Pending => "pending",
            Self::Flaky => "flaky",
            Self::Failing => "failure",
            Self::Broken => "error",
            Self::Stale => "unknown",
            Self::Unknown => "triggered",
        }
    }
}

/// How many tabs have each status, as [`GridStatus::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCounts(pub [u32; 8]);

impl StatusCounts {
    /// Counts one tab.
    pub fn add(&mut self, status: GridStatus) {
        self.0[status as usize] += 1;
    }

    /// How many tabs have this status.
    pub fn of(&self, status: GridStatus) -> u32 {
        self.0[status as usize]
    }

    /// How many tabs there are.
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// Each status that a tab has, with how many.
    pub fn present(&self) -> impl Iterator<Item = (GridStatus, u32)> {
        let counts = self.0;
        let pairs =
            GridStatus::ALL.into_iter().map(move |status| (status, counts[status as usize]));
        pairs.filter(|(_, count)| *count > 0)
    }

    /// The status of all of them together, as TestGrid's API has it: the worst that is there.
    pub fn worst(&self) -> GridStatus {
        use GridStatus::*;
        let order = [Broken, Stale, Failing, Flaky, Pending, Acceptable, Passing];
        order.into_iter().find(|status| self.of(*status) > 0).unwrap_or(Unknown)
    }
}

/// A dashboard in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardCard {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// How its tabs do.
    pub counts: StatusCounts,
}

/// A dashboard group with its dashboards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardGroupCard {
    /// Its name; empty for dashboards without a group.
    pub name: String,
    /// Its page; empty for dashboards without a group.
    pub href: String,
    /// What it is for.
    pub description: String,
    /// Its dashboards.
    pub dashboards: Vec<DashboardCard>,
}

impl DashboardGroupCard {
    /// How the tabs of all dashboards do.
    pub fn counts(&self) -> StatusCounts {
        let mut counts = StatusCounts::default();
        for dashboard in &self.dashboards {
            for (sum, count) in counts.0.iter_mut().zip(dashboard.counts.0) {
                *sum += count;
            }
        }
        counts
    }
}

/// A tab that a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabHit {
    /// Its dashboard.
    pub dashboard: String,
    /// The tab.
    pub tab: String,
    /// Its page.
    pub href: String,
    /// How it does.
    pub status: GridStatus,
}

/// `/testgrid`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridIndex {
    /// The server's clock.
    pub now_ms: i64,
    /// What was searched for; empty if nothing.
    pub query: String,
    /// The groups, then the dashboards without one; of a search those that were found.
    pub groups: Vec<DashboardGroupCard>,
    /// The tabs that a search found, the best first.
    pub tabs: Vec<TabHit>,
    /// How many more there are.
    pub more_tabs: u64,
    /// How many dashboards there are in all.
    pub dashboard_total: u64,
    /// How many tabs there are in all.
    pub tab_total: u64,
    /// How many findings the configuration has that are errors.
    pub errors: u64,
}

/// A tab in the strip of its dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabLink {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// How it does.
    pub status: GridStatus,
}

/// What stands above every page of a dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardHead {
    /// Its name.
    pub name: String,
    /// Its summary.
    pub href: String,
    /// Its group, if it is in one.
    pub group: Option<Link>,
    /// The dashboards of its group.
    pub siblings: Vec<DashboardCard>,
    /// Its tabs in their order.
    pub tabs: Vec<TabLink>,
    /// What it is about.
    pub description: String,
    /// What its readers should know.
    pub notifications: Vec<Link>,
    /// The columns of today stand out.
    pub highlight_today: bool,
    /// Failing tabs are not marked in the strip.
    pub downplay: bool,
}

/// A test that fails too often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingTest {
    /// The row.
    pub name: String,
    /// The page of the test.
    pub href: String,
    /// Failures since the last pass.
    pub fail_count: u64,
    /// When it failed first, with the build.
    pub first_failed_ms: i64,
    /// See [`FailingTest::first_failed_ms`].
    pub first_failed: Link,
    /// When it passed last before, if that is known, with the build.
    pub last_passed_ms: Option<i64>,
    /// See [`FailingTest::last_passed_ms`].
    pub last_passed: Link,
    /// The message of the newest failure.
    pub message: String,
    /// Issues about it.
    pub issues: Vec<Link>,
}

/// How flaky a test is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlakyTest {
    /// The row.
    pub name: String,
    /// The page of the test.
    pub href: String,
    /// Flakiness in percent, and what it was in the interval before.
    pub flakiness: f32,
    /// See [`FlakyTest::flakiness`].
    pub previous: Option<f32>,
    /// Between which percents the flakiness is, with a confidence of 95 %.
    pub between: Option<(f32, f32)>,
    /// Whether it is flaky now and was not in the interval before.
    pub is_new: bool,
    /// Runs that failed as a whole, for which the test is not to blame.
    pub infra_failures: u64,
}

/// A tab with its summary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TabCard {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// What it shows.
    pub description: String,
    /// How it does.
    pub status: GridStatus,
    /// The same in numbers.
    pub text: String,
    /// Why it is stale or cannot be summarized; empty if neither.
    pub alert: String,
    /// Which rule gave it the status.
    pub why: String,
    /// When its builds were last looked for.
    pub updated_ms: Option<i64>,
    /// When its newest build began.
    pub last_run_ms: Option<i64>,
    /// The newest build in which everything passed.
    pub latest_green: Link,
    /// Why builds cannot be looked for, and since when.
    pub trouble: Option<(String, i64)>,
    /// Tests that fail too often.
    pub failing: Vec<FailingTest>,
    /// The flakiest tests, where the tab has a health report.
    pub flaky: Vec<FlakyTest>,
    /// The average flakiness in percent, where the tab has a health report.
    pub average_flakiness: Option<f32>,
}

/// `/testgrid/<dashboard>`: the summary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DashboardPage {
    /// The server's clock.
    pub now_ms: i64,
    /// What stands above.
    pub head: DashboardHead,
    /// The tabs.
    pub tabs: Vec<TabCard>,
    /// The tabs by two tags of their names, if that was asked for.
    pub matrix: Option<TabMatrix>,
}

/// The tabs of a dashboard by two tags of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabMatrix {
    /// The pattern that says the tags; empty for versions and branches.
    pub by: String,
    /// What is wrong with the pattern; empty if nothing.
    pub error: String,
    /// The tags above the columns.
    pub columns: Vec<String>,
    /// The tags before the rows, each with the tabs per column.
    pub rows: Vec<(String, Vec<Vec<TabLink>>)>,
}

/// `/testgrid/<dashboard group>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardGroupPage {
    /// The server's clock.
    pub now_ms: i64,
    /// The group.
    pub group: DashboardGroupCard,
}

/// What a name in `/testgrid/<name>` stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GridPlace {
    /// A dashboard.
    Dashboard(Box<DashboardPage>),
    /// A dashboard group.
    Group(DashboardGroupPage),
}

/// The options of a tab's view, as its form shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridOptions {
    /// Rows match all of these; the last is the one in the form.
    pub include: Vec<String>,
    /// Rows match none of these.
    pub exclude: Vec<String>,
    /// Only rows that failed; in so many newest columns if a number is given.
    pub non_failed: Option<String>,
    /// Rows without recent results too.
    pub stale: bool,
    /// `failures`, `flakiness`, `name` or nothing.
    pub sort: String,
    /// `regex-mask`, `target`, `directory`, `hierarchy-pattern` or nothing.
    pub group: String,
    /// The pattern of a group that has one.
    pub group_pattern: String,
    /// Groups are open.
    pub expand: bool,
    /// Width of a column in pixels.
    pub width: Option<u32>,
    /// Metrics that are drawn.
    pub metrics: Vec<String>,
    /// Names are split into columns, where the tab says how.
    pub tabular: bool,
    /// How far back the grid goes, in days, if not as the tab says.
    pub days: Option<u32>,
}

/// A column of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridColumn {
    /// The build.
    pub build: String,
    /// Where the build is shown; empty if nowhere.
    pub href: String,
    /// When it began.
    pub started_ms: i64,
}

/// A cell of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridCell {
    /// The status as a number, see TestGrid's `TestStatus`.
    pub status: u8,
    /// The short text.
    pub icon: String,
    /// Status in words, message and build.
    pub title: String,
    /// Where it leads; empty for a cell that passed, whose column leads there.
    pub href: String,
}

/// A row of the table, or a group of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridRow {
    /// The name.
    pub name: String,
    /// The columns of the name, if it is split; see [`TabPage::name_parts`].
    pub parts: Vec<String>,
    /// The page of the test; empty for a group.
    pub href: String,
    /// How many groups it is in.
    pub depth: u32,
    /// For a group how many rows it has.
    pub members: Option<u64>,
    /// What its alert says; empty if there is none.
    pub alert: String,
    /// Issues about it.
    pub issues: Vec<Link>,
    /// The cells, newest first.
    pub cells: Vec<GridCell>,
}

/// What the status of a tab would be with other options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WhatIfPart {
    /// The options that are numbers.
    pub numbers: Vec<WhatIfNumber>,
    /// The name of the option that leaves out columns with some statuses.
    pub ignored_name: String,
    /// Those statuses: word, whether it is left out now, and whether it was asked for.
    pub ignored: Vec<(String, bool, bool)>,
    /// What else the address says, which the form keeps.
    pub kept: Vec<(String, String)>,
    /// What is wrong with what was asked; empty if nothing.
    pub error: String,
    /// The verdict with the options that were asked for, if any were.
    pub then: Option<TabVerdict>,
}

/// An option that is a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIfNumber {
    /// Its name, as the configuration has it.
    pub name: String,
    /// What it says, in a few words.
    pub label: String,
    /// The value in effect.
    pub now: String,
    /// The value that was asked for; that in effect if none was.
    pub asked: String,
    /// The least value, the most, and the step between two.
    pub range: (String, String, String),
}

/// How a tab would stand, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabVerdict {
    /// The status.
    pub status: GridStatus,
    /// The same in numbers.
    pub text: String,
    /// Which rule gives it.
    pub why: String,
    /// Rows that give it, with their pages.
    pub rows: Vec<Link>,
    /// How many rows that are.
    pub row_count: u64,
    /// The builds that give it.
    pub builds: Vec<String>,
    /// Tests that would fail too often.
    pub failing: u64,
}

/// `/testgrid/<dashboard>/<tab>`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TabPage {
    /// The server's clock.
    pub now_ms: i64,
    /// What stands above.
    pub head: DashboardHead,
    /// The tab with its summary.
    pub card: TabCard,
    /// How it stands, and why.
    pub verdict: TabVerdict,
    /// What its status would be with other options.
    pub what_if: WhatIfPart,
    /// Where the data of the tab is: what addresses of the API begin with.
    pub api: String,
    /// The stream that tells of changes.
    pub stream: String,
    /// The options in effect.
    pub options: GridOptions,
    /// The options that the tab itself sets.
    pub base: GridOptions,
    /// The query of the address.
    pub query: String,
    /// What is wrong with the options; empty if nothing.
    pub option_error: String,
    /// What is wrong with the options that the configuration gives the tab; empty if nothing.
    pub base_error: String,
    /// Metrics that rows have.
    pub metrics: Vec<String>,
    /// How many columns are recent.
    pub recent: u64,
    /// Rows that are shown, with those in closed groups.
    pub shown: u64,
    /// Rows that the filters leave out.
    pub filtered: u64,
    /// Rows that have no recent result.
    pub stale: u64,
    /// Rows that did not fail.
    pub not_failed: u64,
    /// Columns of the whole grid.
    pub column_total: u64,
    /// Whether there are older builds than the grid has.
    pub has_older: bool,
    /// How many builds are known and not read, since they began before the window.
    pub unread: u64,
    /// Whether there may be more of them.
    pub unread_at_least: bool,
    /// What the columns are called into which names are split; empty if they are not.
    pub name_parts: Vec<String>,
    /// How many newer columns than these there are.
    pub newer: u64,
    /// Some columns, newest first.
    pub columns: Vec<GridColumn>,
    /// The header rows: label, and pairs of value and how many columns have it.
    pub headers: Vec<(String, Vec<(String, u64)>)>,
    /// One page of the rows.
    pub rows: Vec<GridRow>,
    /// Which page of the rows, from 1.
    pub page: u64,
    /// How many pages there are.
    pub pages: u64,
    /// About the tab: results elsewhere, the dashboard's own page and the like.
    pub about: Vec<Link>,
}

/// A test that a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestHit {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// How many test groups have it.
    pub groups: u64,
    /// Some of the tabs that show it.
    pub tabs: Vec<Link>,
    /// How many more tabs there are, of the groups that were looked at.
    pub more_tabs: u64,
}

/// `/tests`: names of tests that hold all words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSearch {
    /// The server's clock.
    pub now_ms: i64,
    /// What was searched for; empty if nothing.
    pub query: String,
    /// The tests, those with the shortest names first.
    pub hits: Vec<TestHit>,
    /// Whether there are more.
    pub more: bool,
}

/// What changed between two columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspects {
    /// The header rows that differ: what they are called, and what they say before and after.
    pub headers: Vec<(String, String, String)>,
    /// How many columns lie between the two.
    pub between: u64,
    /// What shows the changes.
    pub links: Vec<Link>,
}

/// A test in one test group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestRow {
    /// The test group.
    pub group: String,
    /// The tabs that show it.
    pub tabs: Vec<Link>,
    /// Whether it fails now.
    pub failing: bool,
    /// The newest results, the newest first.
    pub cells: Vec<GridCell>,
    /// How many of them passed, failed, and did both.
    pub passed: u64,
    /// See [`TestRow::passed`].
    pub failed: u64,
    /// See [`TestRow::passed`].
    pub flaky: u64,
    /// How often results changed, in percent, as TestGrid's health report counts it.
    pub flakiness: f32,
    /// Between which percents that is, with a confidence of 95 %; nothing if it did not run.
    pub between: Option<(f32, f32)>,
    /// Whether it is flaky in the last days and was not in as many days before, in which it ran.
    pub newly_flaky: bool,
    /// What changed between the newest pass and the first failure, if it fails now and passed before.
    pub suspects: Option<Suspects>,
    /// The build in which it began to fail, with its start, if it fails now.
    pub first_bad: Option<(Link, i64)>,
    /// The newest build in which it passed, with its start.
    pub last_pass: Option<(Link, i64)>,
    /// The message of the newest failure.
    pub message: String,
    /// Issues about it.
    pub issues: Vec<Link>,
    /// The page of its numbers, if it has some.
    pub numbers: Option<String>,
}

/// `/test`: a test over all tabs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestPage {
    /// The server's clock.
    pub now_ms: i64,
    /// Its name.
    pub name: String,
    /// How many groups have it.
    pub groups: u64,
    /// Its rows, those that fail first.
    pub rows: Vec<TestRow>,
    /// Which page of the groups, from 1.
    pub page: u64,
    /// How many pages there are.
    pub pages: u64,
}

/// A mail that told of failing tests or a stale tab.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertMail {
    /// When.
    pub at_ms: i64,
    /// The tab that it is about, with its page.
    pub tab: Link,
    /// What it tells: `failures`, `stale`, `flaky` or `report`.
    pub kind: String,
    /// To whom.
    pub recipients: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// What came of it: `sent`, `dry run`, or `failed: …`.
    pub result: String,
}

/// `/alerts`: the delivery log of mails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertMails {
    /// The server's clock.
    pub now_ms: i64,
    /// Whether mails are sent at all, or printed.
    pub enabled: bool,
    /// The mails, the newest first.
    pub mails: Vec<AlertMail>,
    /// The page of older ones, if there are some.
    pub older: Option<String>,
}
