//! Coverage: the newest profile of each job, heatmaps, files, comparisons.

use serde::{Deserialize, Serialize};

use super::Link;

/// A share of statements, as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CoverageShare {
    /// Statements that ran.
    pub covered: u64,
    /// All statements.
    pub total: u64,
    /// The share in percent with one digit: `49.8`.
    pub percent: String,
    /// The step of the scale, 0 to 10.
    pub step: u8,
    /// 1: above the one that it is compared with, −1: below, 0: neither. Shares are compared exactly.
    pub change: i8,
    /// Whether it is below the threshold that was asked for.
    pub below: bool,
}

/// A profile in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CoverageProfile {
    /// Its number.
    pub id: i64,
    /// What the run tested: branch or pull requests.
    pub version: String,
    /// The run's build id.
    pub build: String,
    /// When the run started.
    pub started_ms: i64,
    /// The page of the run.
    pub run_href: String,
    /// How much of it ran.
    pub share: CoverageShare,
    /// What could not be read, as a sentence; empty: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
}

/// The profiles of a job, and of them the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CoverageSeries {
    /// The job.
    pub job: String,
    /// Where its runs keep the profile, such as `artifacts/cover.out`.
    pub path: String,
    /// The page of its heatmap.
    pub href: String,
    /// How many profiles there are.
    pub profiles: u64,
    /// The newest; compared with the one before.
    pub newest: CoverageProfile,
}

/// `/coverage`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CoverageIndex {
    /// The time.
    pub now_ms: i64,
    /// The series, by job.
    pub series: Vec<CoverageSeries>,
}

/// A row of a heatmap: a directory or a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CoverageRow {
    /// Its name within the directory that is shown; of a directory with `/` at the end.
    pub name: String,
    /// The heatmap of the directory, or the file line by line.
    pub href: String,
    /// Its share in each column; compared with the column to the right.
    pub cells: Vec<Option<CoverageShare>>,
    /// The shares from the oldest to the newest as a line of bars.
    pub trend: String,
}

/// `/coverage/{job}`: directories by runs or versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CoverageHeatmap {
    /// The time.
    pub now_ms: i64,
    /// The job.
    pub job: String,
    /// Where its runs keep the profile.
    pub path: String,
    /// The job's other profiles, this one included.
    pub profiles: Vec<CoverageLink>,
    /// Whether columns are the newest runs of different versions.
    pub by_version: bool,
    /// The same page with every run, and with one run of each version.
    pub by_run_href: String,
    /// The same page with one run of each version.
    pub by_version_href: String,
    /// The threshold in percent, as it was given; empty: none.
    pub threshold: String,
    /// The directory that is shown, with `/` at its end; empty: all.
    pub directory: String,
    /// The directories above the one that is shown.
    pub above: Vec<CoverageLink>,
    /// The columns, newest first.
    pub columns: Vec<CoverageProfile>,
    /// Everything together: a row for the directory that is shown.
    pub all: CoverageRow,
    /// What lies in the directory, directories first.
    pub rows: Vec<CoverageRow>,
    /// Rows that were left out because there are too many.
    pub more_rows: u64,
    /// The heatmap of older runs, if there are any.
    pub older: Option<String>,
    /// The drawing of the share over time.
    pub trend_src: String,
    /// The drawing of directories by size.
    pub tree_src: String,
}

/// A named link of a coverage page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CoverageLink {
    /// What the reader sees.
    pub text: String,
    /// Where it leads.
    pub href: String,
}

impl From<CoverageLink> for Link {
    fn from(link: CoverageLink) -> Link {
        Link { text: link.text, href: link.href, title: String::new() }
    }
}

/// What is known of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum CoverageState {
    /// It has no statement.
    #[default]
    None,
    /// Everything on it ran.
    Ran,
    /// Some of it ran.
    Partly,
    /// Nothing of it ran.
    Missed,
}

/// A line, or lines of the same state where the source is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CoverageLine {
    /// Its number, from 1; of several lines the first.
    pub first: u32,
    /// Of several lines the last.
    pub last: u32,
    /// What ran.
    pub state: CoverageState,
    /// How often, at most.
    pub count: u64,
    /// Its text, where the source is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// `/coverage/{job}/file`: a file line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CoverageFile {
    /// The time.
    pub now_ms: i64,
    /// The job.
    pub job: String,
    /// The file's name as the profile has it.
    pub name: String,
    /// Its directory's heatmap and those above.
    pub above: Vec<CoverageLink>,
    /// The profile.
    pub profile: CoverageProfile,
    /// How much of the file ran.
    pub share: CoverageShare,
    /// The same file in the profiles before and after.
    pub others: Vec<CoverageLink>,
    /// Whether counts say how often, or only whether.
    pub counts: bool,
    /// Its lines.
    pub lines: Vec<CoverageLine>,
    /// The file at the code host; empty where that is not known.
    pub source_href: String,
    /// Lines that were left out because there are too many.
    pub more_lines: u64,
}

/// A file that differs between two profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CoverageChange {
    /// The file.
    pub name: String,
    /// The file in the new profile, else in the old one.
    pub href: String,
    /// Before.
    pub old: Option<CoverageShare>,
    /// After.
    pub new: Option<CoverageShare>,
    /// The difference in points with one digit; empty if the file is new or gone.
    pub delta: String,
}

/// `/coverage/{job}/compare`: two profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CoverageComparison {
    /// The time.
    pub now_ms: i64,
    /// The job.
    pub job: String,
    /// The heatmap.
    pub href: String,
    /// The profile after.
    pub new: CoverageProfile,
    /// The profile before.
    pub old: CoverageProfile,
    /// The threshold in percent, as it was given; empty: none.
    pub threshold: String,
    /// Whether a changed file is below the threshold.
    pub is_low: bool,
    /// Profiles that can be chosen.
    pub choices: Vec<CoverageProfile>,
    /// The files that changed, by name; gone ones last.
    pub changes: Vec<CoverageChange>,
    /// Files that were left out because there are too many.
    pub more_changes: u64,
    /// The same as the coverage robot writes it.
    pub document_href: String,
}
