//! Broken configurations and what is said about them, word by word.
//!
//! The inputs are in `cases/*.txt`, one after `=== title`; what is said about each is a snapshot.

use config_load::{load, load_plugins};

use crate::support::{Files, SETTINGS, now};

/// Splits a file of cases into titles and inputs.
fn cases(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("=== ").skip(1).filter_map(|case| case.split_once('\n'))
}

fn report(text: &str, findings: impl Fn(&str) -> Vec<String>) -> String {
    let mut report = String::new();
    for (title, input) in cases(text) {
        report.push_str(&format!("=== {title}\n"));
        for finding in findings(input) {
            report.push_str(&finding);
            report.push('\n');
        }
    }
    report
}

#[test]
fn broken_jobs_are_told_by_file_line_and_rule() {
    let report = report(include_str!("cases/jobs.txt"), |input| {
        let files = Files::new(SETTINGS);
        files.write("jobs/a.yaml", input);
        match files.load() {
            Ok(loaded) => files.shown(&loaded.warnings),
            Err(errors) => files.shown(&errors.0),
        }
    });
    insta::assert_snapshot!(report);
}

#[test]
fn broken_settings_are_told_by_file_line_and_rule() {
    let report = report(include_str!("cases/settings.txt"), |input| {
        let files = Files::new(input);
        match load(&files.options(), now()) {
            Ok(loaded) => files.shown(&loaded.warnings),
            Err(errors) => files.shown(&errors.0),
        }
    });
    insta::assert_snapshot!(report);
}

#[test]
fn broken_plugins_are_told_by_file_line_and_rule() {
    let report = report(include_str!("cases/plugins.txt"), |input| {
        let files = Files::new("");
        files.write("plugins.yaml", input);
        match load_plugins(&files.options()) {
            Ok(loaded) => files.shown(&loaded.warnings),
            Err(errors) => files.shown(&errors.0),
        }
    });
    insta::assert_snapshot!(report);
}
