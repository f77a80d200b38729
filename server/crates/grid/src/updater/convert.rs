//! A build becomes a column.

use std::collections::{BTreeMap, HashMap};

use super::build::{Build, BuildError, MISSING_VERSION};
use super::cell::{Cell, merge, split};
use super::naming::Naming;
use super::podinfo;
use super::rules::Evaluator;
use crate::junit::Case;
use crate::message::{MAX_MESSAGE, cut_result};
use crate::name_format::NameFormatError;
use crate::proto::TestStatus;
use crate::proto::config::TestGroup;
use crate::proto::state::Column;

/// The row about the whole build, after the job's name and a dot.
pub const OVERALL_ROW: &str = "Overall";
/// The row about the build's Pod, likewise.
pub const POD_ROW: &str = "Pod";
/// The metric of durations.
pub const DURATION_METRIC: &str = "test-duration-minutes";
/// The key of `finished.json`'s metadata that lists whom to tell of failures.
pub const EMAIL_LIST_KEY: &str = "EmailAddresses";
/// The column header that is known without being in the metadata.
const COMMIT_HEADER: &str = "Commit";

/// The most rows of a build that are no test's.
const MAX_INJECTED: usize = 4;
/// A build that has not ended after this time has not ended well.
const MAX_RUNTIME_HOURS: i64 = 24;
/// So long after its end a build may lack its Pod's description.
const PODINFO_GRACE_SECONDS: i64 = 3_600;

/// A column with its cells by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InflatedColumn {
    /// Its header.
    pub column: Column,
    /// Its cells by the name of the row.
    pub cells: BTreeMap<String, Cell>,
}

/// What a group says about the conversion of its builds.
#[derive(Clone, Debug)]
pub struct Converter {
    naming: Naming,
    rules: Evaluator,
    headers: Vec<String>,
    annotations: Vec<(String, String)>,
    /// Results of one name are merged and not numbered.
    merge: bool,
    analyze_pod: bool,
    /// Columns are merged builds, so that each cell must know its own.
    cell_ids: bool,
    ignore_skip: bool,
    metric: String,
    build_key: String,
    user_property: String,
}

impl Converter {
    /// Prepares the conversion for a group. With `ignore_skip` the group's wish to leave out skipped
    /// tests is heard; TestGrid's updater does not hear it unless a flag says so.
    ///
    /// # Errors
    /// The group's format of row names is none.
    pub fn new(group: &TestGroup, ignore_skip: bool) -> Result<Converter, NameFormatError> {
        let rules = group.custom_evaluator_rule_set.as_ref();
        Ok(Converter {
            naming: Naming::of(group)?,
            rules: rules.map(|set| Evaluator::new(&set.rules)).unwrap_or_default(),
            headers: group.column_header.iter().map(|h| h.configuration_value.clone()).collect(),
            annotations: group
                .test_annotations
                .iter()
                .map(|a| (a.property_name().to_owned(), a.short_text.clone()))
                .collect(),
            merge: !group.disable_merged_status,
            analyze_pod: !group.disable_prowjob_analysis,
            cell_ids: !group.build_override_strftime.is_empty(),
            ignore_skip: ignore_skip && group.ignore_skip,
            metric: group.short_text_metric.clone(),
            build_key: group.build_override_configuration_value.clone(),
            user_property: group.user_property.clone(),
        })
    }

    /// The column of a build. `now` is in seconds since the epoch.
    pub fn column(&self, build: &Build, now: i64) -> InflatedColumn {
        let cell_id = match (self.naming.multi_job, self.cell_ids) {
            (true, _) => format!("{}/{}", build.job, build.id),
            (false, true) => build.id.clone(),
            (false, false) => String::new(),
        };
        let metadata: BTreeMap<String, String> = build
            .finished
            .metadata
            .fields()
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect();
        let cases = build.suites.iter().map(|suite| suite.report.cases.len()).sum::<usize>();
        // Of each name there is most often one, so that they are not gathered by name at once.
        let mut named: Vec<(String, Cell)> = Vec::with_capacity(cases + MAX_INJECTED);
        for suite in &build.suites {
            let of_file = suite.name.fields();
            for case in &suite.report.cases {
                let Some(mut cell) = self.cell(case) else { continue };
                cell.cell_id.clone_from(&cell_id);
                let mut properties: HashMap<&str, &str> = HashMap::new();
                for (key, value) in &case.properties {
                    properties.entry(key).or_insert(value);
                }
                let name =
                    self.naming.render(&build.job, &case.name, &properties, &of_file, &metadata);
                named.push((name, cell));
            }
        }

        let mut overall = overall_cell(build, now);
        if overall.status == TestStatus::Fail
            && overall.message.is_empty()
            && !named.iter().any(|(_, cell)| cell.status == TestStatus::Fail)
        {
            overall.icon = "F".to_owned();
            overall.message = "Build failed outside of test results".to_owned();
        }
        let is_running = overall.status == TestStatus::Running;
        let mut injected = vec![(OVERALL_ROW, overall)];
        if self.analyze_pod {
            let pod = pod_cell(build, now);
            if pod.message != podinfo::MISSING || !is_running {
                injected.push((POD_ROW, pod));
            }
        }
        let of_tests = named.len();
        for (name, mut cell) in injected {
            cell.cell_id.clone_from(&cell_id);
            if self.naming.multi_job {
                named.push((name.to_owned(), cell.clone()));
            }
            named.push((format!("{}.{name}", build.job), cell));
        }
        let cells = self.by_name(named, of_tests);
        let column = Column {
            build: match self.build_key.as_str() {
                "" => build.id.clone(),
                key => metadata.get(key).cloned().unwrap_or_default(),
            },
            started: (build.started.timestamp as f64) * 1000.0,
            hint: build.id.clone(),
            extra: self.headers.iter().map(|h| header(h, build, &metadata, is_running)).collect(),
            email_addresses: email_addresses(build),
            ..Column::default()
        };
        InflatedColumn { column, cells }
    }

    /// The cells of a build by their names; of one name those that come after the first `of_tests`
    /// come first.
    fn by_name(&self, mut named: Vec<(String, Cell)>, of_tests: usize) -> BTreeMap<String, Cell> {
        // Cells are large: their places are sorted, and each is moved once.
        let mut places: Vec<usize> = (of_tests..named.len()).chain(0..of_tests).collect();
        places.sort_by(|a, b| named[*a].0.cmp(&named[*b].0));
        let same = places.chunk_by(|a, b| named[*a].0 == named[*b].0);
        let counts: Vec<usize> = same.map(<[usize]>::len).collect();
        let mut places = places.into_iter();
        let mut cells = Vec::with_capacity(counts.len());
        for count in counts {
            let mut of_name = places.by_ref().take(count).map(|at| std::mem::take(&mut named[at]));
            let Some((name, first)) = of_name.next() else { continue };
            if count == 1 {
                cells.push((name, first));
                continue;
            }
            let of_name = std::iter::once(first).chain(of_name.map(|(_, cell)| cell)).collect();
            if self.merge {
                cells.push((name, merge(true, of_name)));
            } else {
                cells.extend(split(&name, of_name));
            }
        }
        cells.into_iter().collect()
    }

    /// The cell of a result; None if it is not shown.
    fn cell(&self, case: &Case) -> Option<Cell> {
        if case.is_unselected() {
            return None;
        }
        let mut cell = Cell::default();
        if case.seconds > 0.0 {
            cell.metrics.insert(DURATION_METRIC, case.seconds / 60.0);
        }
        if !case.properties.is_empty() {
            cell.metrics.extend(means(&case.properties));
        }
        cell.message = cut_result(&case.message(), MAX_MESSAGE);
        if case.error.is_some() || case.failure.is_some() {
            cell.status = TestStatus::Fail;
            if !cell.message.is_empty() {
                cell.icon = "F".to_owned();
            }
        } else if case.skipped.is_some() {
            cell.status = TestStatus::PassWithSkips;
            cell.icon = "S".to_owned();
        } else {
            cell.status = TestStatus::Pass;
        }
        if let Some(status) = self.rules.status(case) {
            cell.status = status;
        }
        let is_ignored = cell.status == TestStatus::NoResult
            || (self.ignore_skip && cell.status == TestStatus::PassWithSkips);
        if is_ignored {
            return None;
        }
        let property = |key: &str| case.properties.iter().find(|(name, _)| name == key);
        let annotation = self.annotations.iter().find(|(key, _)| property(key).is_some());
        if let Some((_, short_text)) = annotation {
            cell.icon.clone_from(short_text);
        }
        if let Some(value) = cell.metrics.get(&self.metric) {
            cell.icon = four_digits(value);
        }
        if let Some((_, value)) = property(&self.user_property) {
            cell.user_property.clone_from(value);
        }
        Some(cell)
    }
}

/// The column of a build that cannot be read, for its row about the whole. It begins a little after
/// the `previous` good one, by `failures` since then, and has its headers.
pub fn error_column(
    id: &str,
    error: &BuildError,
    previous: Option<&Column>,
    failures: u32,
    headers: usize,
) -> InflatedColumn {
    let status = match error {
        BuildError::TooOld { .. } => TestStatus::Unknown,
        BuildError::NotStarted => TestStatus::Running,
        BuildError::Unreadable { .. } => TestStatus::ToolFail,
    };
    let extra = match previous {
        Some(column) => column.extra.clone(),
        None => vec![String::new(); headers],
    };
    InflatedColumn {
        column: Column {
            build: id.to_owned(),
            hint: id.to_owned(),
            started: previous.map_or(0.0, |column| column.started) + 0.01 * f64::from(failures),
            extra,
            ..Column::default()
        },
        cells: BTreeMap::from([(OVERALL_ROW.to_owned(), Cell::saying(status, error.to_string()))]),
    }
}

fn header(
    key: &str,
    build: &Build,
    metadata: &BTreeMap<String, String>,
    is_running: bool,
) -> String {
    if let Some(value) = metadata.get(key) {
        return value.clone();
    }
    let version = build.version();
    if key == COMMIT_HEADER && version != MISSING_VERSION {
        return version.to_owned();
    }
    // What a running build does not say yet, it may say when it ends.
    if is_running { String::new() } else { MISSING_VERSION.to_owned() }
}

/// The addresses that a build lists; none if one of them is no text.
fn email_addresses(build: &Build) -> Vec<String> {
    let listed = build.finished.metadata.get(EMAIL_LIST_KEY).and_then(|value| value.as_array());
    let addresses = listed.map(|list| list.iter().map(|v| v.as_str().map(str::to_owned)).collect());
    addresses.and_then(|all: Option<Vec<String>>| all).unwrap_or_default()
}

fn deadline(build: &Build) -> i64 {
    match build.finished.timestamp {
        Some(ended) => ended.saturating_add(PODINFO_GRACE_SECONDS),
        None => build.started.timestamp.saturating_add(MAX_RUNTIME_HOURS * 3_600),
    }
}

/// The cell about the whole build.
fn overall_cell(build: &Build, now: i64) -> Cell {
    if !build.malformed.is_empty() {
        let message = format!("Malformed artifacts: {}", build.malformed.join(", "));
        return Cell::saying(TestStatus::Fail, message).with_icon("E");
    }
    let ended = build.finished.timestamp.unwrap_or(0);
    if ended > 0 {
        let mut cell = Cell::default();
        let passed = match (build.finished.passed, &build.finished.result) {
            (Some(passed), _) => passed,
            (None, Some(result)) => {
                let passed = result == "SUCCESS";
                cell.icon = "E".to_owned();
                cell.message = format!("finished.json missing \"passed\": {passed}");
                passed
            }
            (None, None) => false,
        };
        cell.status = if passed { TestStatus::Pass } else { TestStatus::Fail };
        let seconds = ended.saturating_sub(build.started.timestamp) as f64;
        cell.metrics.insert(DURATION_METRIC, seconds / 60.0);
        return cell;
    }
    if now > deadline(build) {
        let message = format!("Build did not complete within {MAX_RUNTIME_HOURS} hours");
        return Cell::saying(TestStatus::Fail, message).with_icon("T");
    }
    Cell::saying(TestStatus::Running, "Build still running...").with_icon("R")
}

/// The cell about the build's Pod.
fn pod_cell(build: &Build, now: i64) -> Cell {
    let Some(pod) = &build.pod else {
        // While it may still come, the column is read again.
        let status =
            if now < deadline(build) { TestStatus::Running } else { TestStatus::PassWithSkips };
        return Cell::saying(status, podinfo::MISSING).with_icon("!");
    };
    let (passed, message) = podinfo::summarize(pod);
    let icon = match (passed, message.as_str()) {
        (_, podinfo::NOT_DECORATED) => "E",
        (false, _) => "F",
        (true, _) => "",
    };
    let status = if passed { TestStatus::Pass } else { TestStatus::Fail };
    Cell::saying(status, message).with_icon(icon)
}

/// The mean of each property's values that are numbers.
fn means(properties: &[(String, String)]) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<&str, (f64, u32)> = BTreeMap::new();
    for (name, value) in properties {
        if let Some(value) = number(value) {
            let sum = sums.entry(name).or_default();
            *sum = (sum.0 + value, sum.1 + 1);
        }
    }
    sums.into_iter().map(|(name, (sum, n))| (name.to_owned(), sum / f64::from(n))).collect()
}

/// A finite number as Go's `ParseFloat` reads it in decimal notation.
fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// A number with four significant digits, as Go's `%g` writes it.
fn four_digits(value: f64) -> String {
    const DIGITS: i32 = 4;
    if !value.is_finite() {
        return value.to_string();
    }
    let scientific = format!("{:.*e}", (DIGITS - 1) as usize, value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let sign = if value < 0.0 { "-" } else { "" };
    if digits.is_empty() {
        return format!("{sign}0");
    }
    let count = digits.len() as i32;
    let point = exponent + 1;
    let most = if DIGITS > count && count >= point { count } else { DIGITS };
    if exponent < -4 || exponent >= most {
        let fraction = if count > 1 { format!(".{}", &digits[1..]) } else { String::new() };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{}{fraction}e{exponent_sign}{:02}", &digits[..1], exponent.abs());
    }
    let decimals = (count - point).max(0) as usize;
    // The value is rounded once already, so that this only places its digits.
    let rounded: f64 = scientific.parse().unwrap_or(0.0);
    format!("{sign}{rounded:.decimals$}")
}

#[cfg(test)]
mod tests;
