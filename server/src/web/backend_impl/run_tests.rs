//! The tests of a run, as its page shows them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use app::model::{
    GridCell, PageError, ResultRun, RunTests, TestResult, TestsGroup, Verdict, encode,
    node_log_href, query_pairs, segment,
};
use artifacts::log::plain;
use artifacts::node_log::{is_node_log, pod_of};
use artifacts::results::{self, Outcome, Run as TestRun, Test, command};
use blob::BlobUri;
use grid::proto::config::{Dashboard, DashboardTab};
use grid::tabulator::{OptionsError, ViewOptions};
use grid::updater::naming::Naming;

use super::testgrid::tab::{build_href, cell_of};
use super::testgrid::{tab_href_of_row, test_href};
use super::unavailable;
use crate::results::{ResultFile, RunResults};
use crate::run_files::{Listed, within};
use crate::runs::run::Run;
use crate::spyglass::files_of_lens;
use crate::spyglass::groups::groups;
use crate::testgrid::links::TabLinks;
use crate::web::state::{SharedWeb, Web};
use crate::web::view::links::run_page;

/// Tests of one verdict that are shown at once where all verdicts are.
const SHOWN: [usize; 4] = [100, 50, 100, 50];
/// Tests of a group that failed or were flaky and are shown beside those of no group.
const SHOWN_OF_GROUP: usize = 20;
/// Tests on one page of a single verdict.
const PER_PAGE: usize = 500;
/// Bytes of a failure's text on the page; all of it is one click away.
const SHOWN_TEXT: usize = 4_000;
/// Builds in the history of a test.
const HISTORY: usize = 20;

/// As [`page()`], unless that takes longer than a page waits; then it goes on for the next time.
pub(super) async fn soon(
    web: &SharedWeb,
    run: Arc<Run>,
    query: &str,
) -> Result<Option<RunTests>, PageError> {
    let (of_task, query) = (web.clone(), query.to_owned());
    let task = tokio::spawn(async move { page(&of_task, &run, &query).await });
    let done = within(&web.clock, task).await.ok_or_else(slow)?;
    done.map_err(|error| unavailable("The tests", error))?
}

fn slow() -> PageError {
    PageError::Unavailable {
        message: "The bucket is slow or the files are many. Try again in a moment.".to_owned(),
        since_ms: None,
    }
}

/// The tests of a run that a query asks for: `q=` words or `/pattern/`, `row=` the one of a row of the
/// test grid, `sort=duration`, `only=` one verdict, `page=` of it. Nothing if the run has no files of
/// results.
pub async fn page(web: &Web, run: &Run, query: &str) -> Result<Option<RunTests>, PageError> {
    let Some((folder, listed)) = listed(web, run).await? else { return Ok(None) };
    let Some(files) = result_files(web, &listed) else { return Ok(None) };
    let limit = size_limit(web);
    let found = web.results.of(&folder, &files, limit).await;
    let mut asked = Asked::of(query);
    asked.choose(&found.tests);
    let config = web.config.get();
    let mut lenses = config.prow.deck.spyglass.lenses.iter();
    let lens = lenses.find(|entry| entry.lens.name == "junit");
    let (rules, wrong) = groups(lens.and_then(|entry| entry.lens.config.as_ref()));
    let mut in_groups = vec![[0_u64; 4]; rules.len()];
    let mut of_groups: Vec<Vec<&Test>> = vec![Vec::new(); rules.len()];
    let shown_group = asked.group.filter(|group| *group < rules.len());
    let mut page = RunTests {
        query: asked.search.clone(),
        row: asked.row.clone(),
        slowest: asked.slowest,
        whole: asked.only,
        page: 1,
        pages: 1,
        files: found.files.len() as u64,
        problems: found.problems.iter().cloned().chain(wrong).collect(),
        ..RunTests::default()
    };
    let mut by_verdict: [Vec<&Test>; 4] = Default::default();
    for test in &found.tests {
        let verdict = verdict(test.verdict);
        // The first group that a test fits into has it.
        let group = rules.iter().position(|group| group.holds(&test.properties));
        if let Some(group) = group {
            in_groups[group][verdict as usize] += 1;
        }
        page.all[verdict as usize] += 1;
        if group != shown_group {
            if let (Some(group), None, None) = (group, shown_group, asked.only)
                && matches!(verdict, Verdict::Failed | Verdict::Flaky)
                && of_groups[group].len() < SHOWN_OF_GROUP
                && asked.finds(test)
            {
                of_groups[group].push(test);
            }
            continue;
        }
        page.counts[verdict as usize] += 1;
        page.ms += millis(test.seconds());
        if asked.finds(test) {
            page.matching[verdict as usize] += 1;
            by_verdict[verdict as usize].push(test);
        }
    }
    page.groups = rules
        .into_iter()
        .zip(in_groups)
        .enumerate()
        .filter(|(_, (_, counts))| counts.iter().sum::<u64>() > 0)
        .map(|(at, (group, counts))| TestsGroup {
            name: group.name,
            number: at as u64 + 1,
            counts,
            collapsed: group.collapsed,
            current: Some(at) == shown_group,
            tests: Vec::new(),
        })
        .collect();
    let mut shown: Vec<&Test> = Vec::new();
    for verdict in Verdict::ALL {
        let mut tests = std::mem::take(&mut by_verdict[verdict as usize]);
        if asked.slowest {
            tests.sort_by(|a, b| b.seconds().total_cmp(&a.seconds()));
        }
        match asked.only {
            None => shown.extend(tests.into_iter().take(SHOWN[verdict as usize])),
            Some(only) if only == verdict => {
                let pages = tests.len().div_ceil(PER_PAGE).max(1);
                let at = asked.page.clamp(1, pages);
                (page.page, page.pages) = (at as u64, pages as u64);
                shown.extend(tests.into_iter().skip((at - 1) * PER_PAGE).take(PER_PAGE));
            }
            Some(_) => {}
        }
    }
    // Those of groups stand behind the others, each with its group's number.
    let own = shown.len();
    let mut numbers: Vec<u64> = vec![0; own];
    for (group, mut tests) in of_groups.into_iter().enumerate() {
        tests.sort_by_key(|test| verdict(test.verdict) as usize);
        numbers.extend(tests.iter().map(|_| group as u64 + 1));
        shown.extend(tests);
    }
    let mut histories = histories(web, &folder, &shown).await;
    let has_node_logs = listed.files.iter().any(|file| is_node_log(&file.name));
    let run_href = has_node_logs.then(|| run_page(&run.id, run.artifacts.as_deref()));
    let api = format!("/api/v1/runs/{}/tests", segment(&run.id));
    let views: Vec<TestResult> = shown
        .into_iter()
        .enumerate()
        .map(|(at, test)| {
            let in_grid = histories.remove(&at).unwrap_or_default();
            let mut view = test_view(test, &found, &api, in_grid);
            if let Some(run_href) = &run_href {
                let file = found.files.get(test.file).map(String::as_str).unwrap_or_default();
                (view.pod, view.node_log) = pod(test, run_href, file).unwrap_or_default();
            }
            view
        })
        .collect();
    for (view, number) in views.into_iter().zip(numbers) {
        match page.groups.iter_mut().find(|group| group.number == number) {
            Some(group) => group.tests.push(view),
            None => page.tests.push(view),
        }
    }
    Ok(Some(page))
}

/// The run's folder and its files of results, as the junit lens is configured; nothing without any.
pub async fn files(web: &Web, run: &Run) -> Result<Option<(BlobUri, Vec<ResultFile>)>, PageError> {
    let Some((folder, listed)) = listed(web, run).await? else { return Ok(None) };
    Ok(result_files(web, &listed).map(|files| (folder, files)))
}

/// The run's folder and what is in it; nothing for a run without one.
async fn listed(web: &Web, run: &Run) -> Result<Option<(BlobUri, Arc<Listed>)>, PageError> {
    let Some(folder) = run.folder() else { return Ok(None) };
    let listed = web.files.of(&folder).await.ok_or_else(slow)?;
    if let (Some(problem), true) = (&listed.problem, listed.files.is_empty()) {
        return Err(PageError::Unavailable { message: problem.clone(), since_ms: None });
    }
    Ok(Some((folder, listed)))
}

/// The files of results among the files of a run; nothing without any.
fn result_files(web: &Web, listed: &Listed) -> Option<Vec<ResultFile>> {
    let sizes: HashMap<&str, u64> =
        listed.files.iter().map(|file| (file.name.as_str(), file.entry.size)).collect();
    let config = web.config.get();
    let names = files_of_lens(&config.prow.deck.spyglass, "junit", sizes.keys().copied());
    let files: Vec<ResultFile> = names
        .unwrap_or_default()
        .into_iter()
        .map(|name| ResultFile { name: name.to_owned(), size: sizes[name] })
        .collect();
    (!files.is_empty()).then_some(files)
}

/// Bytes of a file that a lens reads.
pub fn size_limit(web: &Web) -> u64 {
    u64::try_from(web.config.get().prow.deck.spyglass.size_limit()).unwrap_or(0)
}

/// What a query asks for.
struct Asked {
    search: String,
    /// The name of a row of the test grid.
    row: String,
    /// The test that it is about, once the tests are known.
    of_row: Option<String>,
    words: Vec<String>,
    pattern: Option<regex::Regex>,
    slowest: bool,
    only: Option<Verdict>,
    page: usize,
    /// The place of a group among the configured ones.
    group: Option<usize>,
}

impl Asked {
    fn of(query: &str) -> Asked {
        let pairs = query_pairs(query);
        let value = |name: &str| {
            let found = pairs.iter().rev().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let search = value("q").trim().to_owned();
        let pattern = search.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        // What is no pattern is looked for as it stands.
        let pattern = pattern.and_then(|pattern| regex::Regex::new(pattern).ok());
        let only = Verdict::ALL.into_iter().find(|verdict| verdict.word() == value("only"));
        Asked {
            words: search.split_whitespace().map(str::to_lowercase).collect(),
            row: value("row").to_owned(),
            of_row: None,
            pattern,
            search,
            slowest: value("sort") == "duration",
            only,
            page: value("page").parse().unwrap_or(1),
            group: value("group").parse().ok().and_then(|group: usize| group.checked_sub(1)),
        }
    }

    /// Chooses the test that a row is about: the longest name that the row's has in it, since a group
    /// may put the job and other words beside it.
    fn choose(&mut self, tests: &[Test]) {
        if self.row.is_empty() {
            return;
        }
        let names = tests.iter().map(Test::row).filter(|name| self.row.contains(name.as_str()));
        // A row that no test of this run has is told by none being there.
        self.of_row = names.max_by_key(String::len).or_else(|| Some(String::new()));
    }

    fn finds(&self, test: &Test) -> bool {
        if self.of_row.as_ref().is_some_and(|name| test.row() != *name) {
            return false;
        }
        if let Some(pattern) = &self.pattern {
            return pattern.is_match(&test.row()) || pattern.is_match(&test.class);
        }
        if self.words.is_empty() {
            return true;
        }
        let name = format!("{} {}", test.class, test.row()).to_lowercase();
        self.words.iter().all(|word| name.contains(word))
    }
}

fn verdict(verdict: results::Verdict) -> Verdict {
    match verdict {
        results::Verdict::Failed => Verdict::Failed,
        results::Verdict::Flaky => Verdict::Flaky,
        results::Verdict::Passed => Verdict::Passed,
        results::Verdict::Skipped => Verdict::Skipped,
    }
}

fn millis(seconds: f64) -> u64 {
    // The cast saturates.
    (seconds.max(0.0) * 1_000.0).round() as u64
}

fn test_view(test: &Test, found: &RunResults, api: &str, in_grid: InGrid) -> TestResult {
    let InGrid { row, history, tab } = in_grid;
    let kind = verdict(test.verdict);
    let group = match (test.class.as_str(), test.suite.as_str()) {
        ("", suite) => suite,
        (class, _) => class,
    };
    let file = found.files.get(test.file).map(String::as_str).unwrap_or_default();
    let mut view = TestResult {
        name: if test.name.is_empty() { test.row() } else { test.name.clone() },
        group: group.to_owned(),
        verdict: kind,
        ms: millis(test.seconds()),
        href: if row.is_empty() { String::new() } else { test_href(&row) },
        history,
        tab,
        ..TestResult::default()
    };
    let wrote = test.runs.iter().any(|run| !run.out.is_empty() || !run.err.is_empty());
    if kind != Verdict::Passed || test.runs.len() > 1 || wrote {
        let of_file = format!("{api}?file={}", encode(file));
        view.runs = test.runs.iter().map(|run| run_view(run, &of_file)).collect();
    }
    if matches!(kind, Verdict::Failed | Verdict::Flaky) {
        view.command = command(test).unwrap_or_default();
    }
    view
}

/// The Pod that a test's failure is about, and what the logs of the nodes say of it.
fn pod(test: &Test, run_href: &str, file: &str) -> Option<(String, String)> {
    let mut failed = test.runs.iter().filter(|run| run.outcome == Outcome::Failed);
    let pod = failed.find_map(|run| pod_of(&run.text))?;
    Some((pod.to_owned(), node_log_href(run_href, pod, file)?))
}

/// `of_file` is the address of the texts of the run's file.
fn run_view(run: &TestRun, of_file: &str) -> ResultRun {
    let text = plain(&run.text);
    let mut end = text.len().min(SHOWN_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = (text.len() - end) as u64;
    let there = |text: &str, part: &str| match text.is_empty() {
        true => String::new(),
        false => format!("{of_file}&case={}&part={part}", run.place),
    };
    ResultRun {
        verdict: match run.outcome {
            Outcome::Failed => Verdict::Failed,
            Outcome::Passed => Verdict::Passed,
            Outcome::Skipped => Verdict::Skipped,
        },
        ms: millis(run.seconds),
        href: if cut > 0 { there(&run.text, "text") } else { String::new() },
        cut,
        text: text[..end].to_owned(),
        out: there(&run.out, "out"),
        err: there(&run.err, "err"),
    }
}

/// A test as the test grid has it.
#[derive(Default)]
struct InGrid {
    /// The name of its row.
    row: String,
    /// Its last results.
    history: Vec<GridCell>,
    /// The page of a tab with its row alone; empty if no tab shows it.
    tab: String,
}

/// For those of the tests that failed or were flaky, by their places: what the test grid has of them. A
/// grid that does not answer costs that alone.
async fn histories(web: &Web, folder: &BlobUri, tests: &[&Test]) -> HashMap<usize, InGrid> {
    let mut histories = HashMap::new();
    let Some(grids) = &web.grids else { return histories };
    let config = grids.config.get();
    let names = config.groups_of(folder);
    let Some(group) = names.first().and_then(|name| config.group(name)) else { return histories };
    let Ok(naming) = Naming::of(group) else { return histories };
    let job = folder.key().trim_end_matches('/').rsplit('/').nth(1).unwrap_or_default();
    let mut rows: HashMap<String, usize> = HashMap::new();
    let of_build = BTreeMap::new();
    for (at, test) in tests.iter().enumerate() {
        if matches!(test.verdict, results::Verdict::Failed | results::Verdict::Flaky) {
            let properties: HashMap<&str, &str> =
                test.properties.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let row = naming.render(job, &test.row(), &properties, &BTreeMap::new(), &of_build);
            rows.entry(row).or_insert(at);
        }
    }
    if rows.is_empty() {
        return histories;
    }
    let wanted: HashSet<String> = rows.keys().cloned().collect();
    let found = match grids.rows(group, wanted, HISTORY).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(group = group.name, "the history of tests could not be read: {error}");
            return histories;
        }
    };
    let tabs: Vec<_> = config
        .tabs_to_link(&group.name)
        .into_iter()
        .map(|(board, tab)| (board, tab, ViewOptions::parse(&tab.base_options)))
        .collect();
    let tab = tabs.first().map(|(_, tab, _)| (*tab).clone()).unwrap_or_default();
    let links = TabLinks { tab: &tab, group };
    let grid = &found.assembled.grid;
    for row in &grid.rows {
        let Some(at) = rows.get(&row.name) else { continue };
        let cells = row.cells().enumerate().map(|(column, cell)| {
            let mut shown = cell_of(grid, &links, row, column, cell);
            if shown.href.is_empty() && cell.status.is_filled() {
                shown.href = build_href(grid, &links, column);
                shown.title = format!("{} @ {}", cell.status.words(), grid.columns.build[column]);
            }
            shown
        });
        let shows = |(board, tab, options): &(&Dashboard, &DashboardTab, _)| {
            // In a tab over several groups the row stands below the name of its own.
            let name = match tab.is_composite() {
                true => format!("{}/{}", group.name, row.name),
                false => row.name.clone(),
            };
            let options: &Result<ViewOptions, OptionsError> = options;
            let shown = options.as_ref().is_ok_and(|options| options.shows(&name));
            shown.then(|| tab_href_of_row(&board.name, &tab.name, &name))
        };
        let of_row = InGrid {
            row: row.name.clone(),
            history: cells.collect(),
            tab: tabs.iter().find_map(shows).unwrap_or_default(),
        };
        histories.insert(*at, of_row);
    }
    histories
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_finds_by_words_or_by_a_pattern_between_slashes() {
        let report = artifacts::junit::parse(
            b"<testsuite name='pkg'><testcase name='TestAlpha/one' classname='example.com/A'/></testsuite>",
        );
        let test = results::tests([report.unwrap()]).remove(0);
        for (query, found) in [
            ("", true),
            ("q=alpha+ONE", true),
            ("q=alpha+two", false),
            ("q=example.com/a", true),
            ("q=/Alpha.one%24/", true),
            ("q=/^Alpha/", false),
            ("q=/(/", false),
        ] {
            assert_eq!(Asked::of(query).finds(&test), found, "{query}");
        }
        let asked = Asked::of("sort=duration&only=passed&page=3");
        assert!(asked.slowest && asked.only == Some(Verdict::Passed) && asked.page == 3);
    }
}
