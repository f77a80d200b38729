//! What must hold whatever the bytes are. Each function panics where it does not. Fuzzers call
//! them for hours, and `tests/it/properties.rs` calls them for a moment with every test run.
#![allow(unreachable_pub, reason = "the integration tests include this file as a module")]

use std::sync::Arc;

use app::model::columnar::ColumnarGrid;
use artifacts::log::folds::FoldScanner;
use artifacts::log::{LineIndex, time_of};
use blob::BlobUri;
use config_load::{Config, prow_yaml, yaml};
use coverage::stored::{Summary, decode_profile, encode_profile};
use coverage::{Counting, Merger, Reading, Sources};
use forge::event::{Envelope, Event, GenericComment};
use go_compat::GoRegex;
use go_compat::cron::Schedule;
use go_compat::glob::{deck_job_glob, path_match};
use go_compat::time::Timestamp;
use grid::columnar::{RowTable, decode_column, encode_column};
use grid::proto::TestStatus;
use grid::proto::state::Column;
use grid::tabulator::ViewOptions;
use grid::updater::cell::Cell;
use grid::updater::convert::InflatedColumn;
use job_spec::ProwJob;

/// The text before the first line break, and that after it.
fn two_texts(data: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(data).ok()?.split_once('\n')
}

/// A repository's `.prow.yaml`: it is read, or refused with words.
pub fn job_file(data: &[u8]) {
    yaml::fuzz(data);
    match prow_yaml::parse(&[(".prow.yaml", data)], &Config::default(), "org/repo") {
        Ok(jobs) => {
            let presubmits = jobs.presubmits.iter().map(|job| &job.base.name);
            let postsubmits = jobs.postsubmits.iter().map(|job| &job.base.name);
            assert!(presubmits.chain(postsubmits).all(|name| !name.is_empty()));
        }
        Err(errors) => {
            assert!(errors.0.iter().any(|found| found.is_error()));
            assert!(errors.0.iter().all(|found| !found.message.is_empty()));
        }
    }
}

/// A webhook's body, as every kind of event.
pub fn webhook(data: &[u8]) {
    const KINDS: [&str; 9] = [
        "pull_request",
        "issues",
        "issue_comment",
        "push",
        "status",
        "pull_request_review",
        "pull_request_review_comment",
        "ping",
        "something_new",
    ];
    if let Ok(envelope) = Envelope::parse(data) {
        let _ = envelope.org();
    }
    for kind in KINDS {
        let Ok(event) = Event::parse(kind, "guid", data) else { continue };
        let _ = (event.action(), event.repo());
        match &event {
            Event::Push(push) => {
                assert!(push.reference.ends_with(push.branch()));
            }
            Event::PullRequest(event) => {
                let _ = event.base_change();
            }
            _ => {}
        }
        let _ = GenericComment::from_event(&event);
    }
}

/// A regular expression in Go's dialect (first line) and a text.
pub fn go_regex(data: &[u8]) {
    let Some((pattern, text)) = two_texts(data) else { return };
    let Ok(regex) = GoRegex::new(pattern) else { return };
    assert_eq!(regex.as_str(), pattern);
    let found = regex.find(text);
    assert_eq!(regex.is_match(text), found.is_some());
    if let Some((start, end)) = found {
        assert!(text.get(start..end).is_some(), "{start}..{end} are no characters");
        let captures = regex.captures(text).expect("what is found has groups");
        assert_eq!(captures.span(0), found);
    }
}

/// A cron expression (first line) and the second from which on the next firing is wanted.
pub fn cron(data: &[u8]) {
    let Some((expression, from)) = two_texts(data) else { return };
    let Ok(schedule) = Schedule::parse(expression) else { return };
    let from = Timestamp::from_seconds(from.trim().parse::<i32>().unwrap_or_default().into());
    if let Some(next) = schedule.next_after(from) {
        assert!(next > from, "{expression} fires at {next:?}, which is not after {from:?}");
    }
}

/// A shell pattern (first line) and a name.
pub fn glob(data: &[u8]) {
    let Some((pattern, name)) = two_texts(data) else { return };
    let _ = path_match(pattern, name);
    let escaped: String = name.chars().flat_map(|c| ['\\', c]).collect();
    assert_eq!(path_match(&escaped, name), Ok(true));
    assert!(deck_job_glob("*", name));
    if !pattern.contains('*') {
        assert_eq!(deck_job_glob(pattern, name), pattern == name);
    }
}

/// A log: every line is found, and nothing that acts is left in it.
pub fn log(data: &[u8]) {
    let mut index = LineIndex::new();
    index.push(data);
    assert_eq!(index.size(), data.len() as u64);
    let mut reader = index.reader(0, index.lines());
    while let Some(range) = reader.next_range() {
        reader.push(&data[range.start as usize..range.end as usize]);
    }
    let lines = reader.into_lines();
    assert_eq!(lines.len() as u64, index.lines());
    let mut scanner = FoldScanner::new(Timestamp::from_seconds(0));
    scanner.push(data);
    for fold in scanner.finish() {
        assert!(fold.lines.start < fold.lines.end && fold.lines.end <= index.lines());
        assert!(!fold.name.chars().any(|c| c.is_control() && c != '\t'), "{:?}", fold.name);
    }
    let stored = LineIndex::decode(&index.encode()).expect("the stored index");
    assert_eq!((stored.size(), stored.lines()), (index.size(), index.lines()));
    for line in &lines {
        let _ = time_of(&line.text(), Timestamp::from_seconds(0));
    }
    for span in lines.iter().flat_map(|line| &line.spans) {
        assert!(!span.text.chars().any(|c| c.is_control() && c != '\t'), "{:?}", span.text);
        let known = |c: char| c.is_ascii_alphanumeric() || c == ' ';
        assert!(span.style.classes().chars().all(known));
    }
}

/// A ProwJob: what was read is written so that it reads the same.
pub fn prow_job(data: &[u8]) {
    let Ok(job) = serde_json::from_slice::<ProwJob>(data) else { return };
    let document = serde_json::to_value(&job).expect("a ProwJob is JSON");
    let again: ProwJob = serde_json::from_value(document.clone()).expect("what was written");
    assert_eq!(again, job);
    assert_eq!(serde_json::to_value(&again).expect("a ProwJob is JSON"), document);
}

/// The address of an object (first line) and a path below it, which never leads out.
pub fn blob_uri(data: &[u8]) {
    let Some((address, path)) = two_texts(data) else { return };
    let Ok(uri) = BlobUri::parse(address) else { return };
    assert_eq!(BlobUri::parse(&uri.to_string()).expect("what was written"), uri);
    let safe = |uri: &BlobUri| uri.key().split('/').all(|part| part != ".." && part != ".");
    assert!(safe(&uri), "{uri}");
    let Ok(below) = uri.join(path) else { return };
    assert!(safe(&below) && below.bucket() == uri.bucket(), "{below}");
    let folder = uri.key().trim_end_matches('/');
    let inside = below.key().strip_prefix(folder);
    let inside = inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    assert!(folder.is_empty() || inside, "{below} is not below {uri}");
}

/// A file of test results: it is read, or refused with words.
pub fn junit(data: &[u8]) {
    match grid::junit::parse(data) {
        Ok(report) => {
            for case in report.cases {
                let _ = grid::message::cut_result(&case.message(), grid::message::MAX_MESSAGE);
                assert!(case.name.ends_with(case.test()) && case.name.starts_with(case.suite()));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A file of groups and dashboards.
pub fn grid_config(data: &[u8]) {
    grid::config::fuzz(data);
}

/// The object of a grid, as TestGrid's components write it.
pub fn grid_message(data: &[u8]) {
    grid::proto::wire::fuzz(data);
}

/// A stored column, and one that was changed in places: what is read is written so that it reads the
/// same.
pub fn grid_column(data: &[u8]) {
    let rows = RowTable::new(["a", "b/c", "d [1]"].map(Arc::from));
    let cell = |status, message: &str| Cell {
        status,
        message: message.to_owned(),
        metrics: [("test-duration-minutes", 0.25)].into(),
        ..Cell::default()
    };
    let column = InflatedColumn {
        column: Column { build: "7".to_owned(), started: 1e12, ..Column::default() },
        cells: [
            ("a".to_owned(), cell(TestStatus::Pass, "")),
            ("d [1]".to_owned(), cell(TestStatus::Fail, "expected 1, got 2")),
        ]
        .into(),
    };
    let mut changed = encode_column(&column, &mut rows.clone());
    for change in data.chunks_exact(2) {
        let at = usize::from(change[0]) % changed.len();
        changed[at] ^= change[1];
    }
    for bytes in [data, &changed] {
        let Ok(read) = decode_column(bytes, &rows) else { continue };
        let written = encode_column(&read, &mut rows.clone());
        let again = decode_column(&written, &rows).expect("what was written");
        assert_eq!(encode_column(&again, &mut rows.clone()), written);
    }
}

/// Options of a view, as they stand in an address (first line), and the name of a row.
pub fn view_options(data: &[u8]) {
    let Some((options, name)) = two_texts(data) else { return };
    match ViewOptions::parse(options) {
        Ok(view) => {
            let is_shown = view.include.iter().all(|regex| regex.is_match(name));
            assert!(is_shown || !view.shows(name), "{options} shows {name}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A grid as a page gets it: what is read is written so that it reads the same, and every cell can be
/// asked for.
pub fn columnar_grid(data: &[u8]) {
    /// So many columns of a row are looked at.
    const COLUMNS: u32 = 100;
    let Ok(grid) = ColumnarGrid::decode(data) else { return };
    let again = ColumnarGrid::decode(&grid.encode()).expect("what was written");
    assert_eq!(again, grid);
    let _ = grid.check();
    for row in grid.rows.iter() {
        for column in 0..grid.columns().min(COLUMNS) {
            let (status, icon, message) = row.cell(column);
            assert!(status != 0 || (icon, message) == (0, 0));
            let _ = (grid.texts.get(icon), grid.texts.get(message));
        }
    }
}

/// A coverage profile of any form: it is read or refused with its line; a merge of it alone is it; what
/// is written, as text and for the store, reads the same; and every document can be made of it.
pub fn coverage_profile(data: &[u8]) {
    let strict = coverage::read(data, &Reading::STRICT);
    let read = match coverage::read(data, &Reading::TOLERANT) {
        Ok(read) => read,
        Err(error) => return assert!(!error.message.is_empty() && strict.is_err()),
    };
    let profile = read.profile;
    if let Ok(strict) = strict {
        assert_eq!(strict.profile, profile);
        let mut merger = Merger::new(Reading::STRICT, Counting::Sum, Sources::Same);
        merger.add(data).expect("what was read");
        merger.add_profile(&profile).expect("the same");
        let merged = merger.finish().expect("two profiles").profile;
        assert_eq!(merged.ratio(), profile.ratio());
    }
    let again = coverage::read(&profile.to_go(), &Reading::STRICT).expect("what was written");
    assert_eq!(again.profile.files, profile.files);
    assert_eq!(decode_profile(&encode_profile(&profile), None).as_ref(), Ok(&profile));
    let _ = coverage::to_junit(&profile, 0.5);
    let page = coverage::to_html(&[coverage::Column { path: "a.cov", profile: &profile }]);
    assert!(!page.contains("<script"));
    for file in &profile.files {
        let states = coverage::line_states(file);
        assert!(coverage::uncovered(&states).iter().all(|range| range.first <= range.last));
    }
}

/// Stored coverage: it is read or refused, and what is read is written so that it reads the same.
pub fn stored_coverage(data: &[u8]) {
    if let Ok(profile) = decode_profile(data, None) {
        assert_eq!(decode_profile(&encode_profile(&profile), None), Ok(profile));
    }
    if let Ok(summary) = Summary::decode(data) {
        assert_eq!(Summary::decode(&summary.encode()), Ok(summary));
    }
}
