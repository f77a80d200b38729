//! The tests of one run.

use serde::{Deserialize, Serialize};

use super::GridCell;

/// What the runs of a test come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every run that was not skipped failed.
    Failed,
    /// Some runs failed and some passed.
    Flaky,
    /// Every run that was not skipped passed.
    #[default]
    Passed,
    /// Every run was skipped.
    Skipped,
}

impl Verdict {
    /// All of them, the most urgent first.
    pub const ALL: [Verdict; 4] = [Self::Failed, Self::Flaky, Self::Passed, Self::Skipped];

    /// The word for it, in addresses too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Flaky => "flaky",
            Self::Passed => "passed",
            Self::Skipped => "skipped",
        }
    }

    /// The run state whose shape and hue stand for it.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Failed => "failure",
            Self::Flaky => "flaky",
            Self::Passed => "success",
            Self::Skipped => "aborted",
        }
    }
}

/// One run of a test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRun {
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Why it failed or was skipped, cut where it is very long.
    pub text: String,
    /// Bytes of the text that were left out.
    pub cut: u64,
    /// Where the whole text is, if some was left out.
    pub href: String,
    /// Where its output is; empty if it wrote none.
    pub out: String,
    /// Where its error output is, likewise.
    pub err: String,
}

/// A test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// Its own name.
    pub name: String,
    /// Its class or its suites; may be empty.
    pub group: String,
    /// What its runs come to.
    pub verdict: Verdict,
    /// How long its runs took together, in milliseconds.
    pub ms: u64,
    /// Its page over all tabs of the test grid; empty if no tab has it.
    pub href: String,
    /// Its runs; of those that passed at once, none.
    pub runs: Vec<ResultRun>,
    /// The command that runs it alone; empty if its names do not tell the tool.
    pub command: String,
    /// The Pod that its failure is about, where the run left logs of nodes; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pod: String,
    /// What these logs say of the Pod, likewise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub node_log: String,
    /// Its last results, newest first, if the test grid knows it.
    pub history: Vec<GridCell>,
    /// The page of a tab of the test grid with it alone; empty if no tab shows it.
    pub tab: String,
}

/// Tests that are configured to be shown apart from the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestsGroup {
    /// What people read.
    pub name: String,
    /// Its number in addresses, from 1.
    pub number: u64,
    /// How many tests of each verdict it has, as [`Verdict::ALL`].
    pub counts: [u64; 4],
    /// Whether it is folded at first.
    pub collapsed: bool,
    /// Whether its tests are those that are shown.
    pub current: bool,
}

/// The tests of a run, those that are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTests {
    /// How many there are of each verdict, as [`Verdict::ALL`]; those of other groups left out.
    pub counts: [u64; 4],
    /// The groups that have tests, those of the job's configuration.
    pub groups: Vec<TestsGroup>,
    /// How many of each match what is searched for.
    pub matching: [u64; 4],
    /// How long all of them took, in milliseconds.
    pub ms: u64,
    /// What is searched for; empty if nothing.
    pub query: String,
    /// The row of the test grid whose test alone is shown; empty for all tests.
    pub row: String,
    /// Whether the slowest stand first.
    pub slowest: bool,
    /// Which verdicts are shown whole, though they are many.
    pub whole: Option<Verdict>,
    /// Which page of them, from 1.
    pub page: u64,
    /// How many pages there are.
    pub pages: u64,
    /// The tests, by verdict; the first of many.
    pub tests: Vec<TestResult>,
    /// Files that have them.
    pub files: u64,
    /// What could not be read, a sentence each.
    pub problems: Vec<String>,
}

impl RunTests {
    /// How many tests there are.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many have this verdict.
    pub fn of(&self, verdict: Verdict) -> u64 {
        self.counts[verdict as usize]
    }
}
