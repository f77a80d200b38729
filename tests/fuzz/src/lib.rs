//! What must hold whatever the bytes are. Each function panics where it does not. Fuzzers call
//! them for hours, and `tests/it/properties.rs` calls them for a moment with every test run.
#![allow(unreachable_pub, reason = "the integration tests include this file as a module")]

use artifacts::log::LineIndex;
use blob::BlobUri;
use config_load::{Config, prow_yaml, yaml};
use forge::event::{Envelope, Event, GenericComment};
use go_compat::GoRegex;
use go_compat::cron::Schedule;
use go_compat::glob::{deck_job_glob, path_match};
use go_compat::time::Timestamp;
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
