//! The table of failed tests.

use super::super::github::comment::{COMMENT_TAG, OldComment, Plan, plan, text};
use super::*;

fn with_rows(rows: &[&str]) -> String {
    let head = "@ana: The following tests **failed**:\n\nTest name | Commit\n--- | ---\n";
    format!("{head}{}\n\n<details>\n\nhelp\n</details>\n{COMMENT_TAG}", rows.join("\n"))
}

fn row(context: &str) -> String {
    format!(
        "{context} | {HEAD} | [link](https://prow.example/view/{context}) | true | `/test {context}`"
    )
}

#[test]
fn old_rows_are_kept_merged_and_dropped_as_in_prow() {
    use ProwJobState::{Aborted, Error, Failure, Success};
    let old = |context: &str| format!("{context} | old | x | true | y");
    let older = |context: &str| format!("{context} | older | x | true | y");
    let table: Vec<(&str, ProwJob, Vec<String>, Plan)> = vec![
        ("nothing failed ever", run("a", Success), vec![], Plan::default()),
        (
            "first failure",
            run("a", Failure),
            vec![],
            Plan { rows: vec![row("a")], ..Plan::default() },
        ),
        (
            "second failure notifies again",
            run("b", Failure),
            vec![with_rows(&[&old("a")])],
            Plan { delete: vec![1], rows: vec![old("a"), row("b")], edit: None },
        ),
        (
            "the same fails again",
            run("a", Failure),
            vec![with_rows(&[&old("a")])],
            Plan { delete: vec![1], rows: vec![row("a")], edit: None },
        ),
        (
            "one of two passes",
            run("a", Success),
            vec![with_rows(&[&old("a"), &old("b")])],
            Plan { rows: vec![old("b")], edit: Some(1), ..Plan::default() },
        ),
        (
            "the last one passes",
            run("a", Success),
            vec![with_rows(&[&old("a")])],
            Plan { delete: vec![1], ..Plan::default() },
        ),
        (
            "an error drops its row and adds none",
            run("a", Error),
            vec![with_rows(&[&old("a"), &old("b")])],
            Plan { rows: vec![old("b")], edit: Some(1), ..Plan::default() },
        ),
        (
            "an abort likewise",
            run("a", Aborted),
            vec![with_rows(&[&old("a")])],
            Plan { delete: vec![1], ..Plan::default() },
        ),
        (
            "several comments become one, newer rows win",
            run("c", Success),
            vec![with_rows(&[&older("a"), &older("b")]), with_rows(&[&old("a")])],
            Plan { delete: vec![1], rows: vec![older("b"), old("a")], edit: Some(2) },
        ),
        (
            "a passing job edits nothing away that is not its own",
            run("c", Success),
            vec![with_rows(&[&old("a")])],
            Plan { rows: vec![old("a")], edit: Some(1), ..Plan::default() },
        ),
        (
            "other comments of the bot are not touched",
            run("a", Failure),
            vec!["--- | ---\nx | y".to_owned()],
            Plan { rows: vec![row("a")], ..Plan::default() },
        ),
    ];
    for (name, job, bodies, expected) in table {
        let comments: Vec<OldComment<'_>> =
            (1..).zip(&bodies).map(|(id, body)| OldComment { id, body }).collect();
        assert_eq!(plan(&[&job], &comments), expected, "{name}");
    }
}

#[test]
fn the_required_column_says_what_is_known() {
    let required = |change: fn(&mut ProwJob)| {
        let mut job = run("a", ProwJobState::Failure);
        change(&mut job);
        let row = plan(&[&job], &[]).rows.remove(0);
        row.split(" | ").nth(3).unwrap().to_owned()
    };
    assert_eq!(required(|_| {}), "true");
    assert_eq!(
        required(|job| {
            job.metadata.labels.insert(labels::IS_OPTIONAL.to_owned(), "true".to_owned());
        }),
        "false"
    );
    assert_eq!(required(|job| job.metadata.labels.clear()), "unknown");
    assert_eq!(required(|job| job.spec.job_type = JobType::Postsubmit), "unknown");
}

#[test]
fn the_text_reads_back_into_its_rows() {
    let rows = vec![row("a"), row("b")];
    let written = text("ana", &rows, Some("See also the docs."));
    let first = written.lines().next().unwrap();
    assert_eq!(
        first,
        "@ana: The following tests **failed**, say `/retest` to rerun all failed tests or \
         `/retest-required` to rerun all mandatory failed tests:"
    );
    assert!(written.contains(
        "\nTest name | Commit | Details | Required | Rerun command\n--- | --- | --- | --- | ---\n"
    ));
    assert!(written.ends_with(&format!("</details>\n{COMMENT_TAG}")));
    assert!(written.contains("\n\nSee also the docs.\n\n<details>"));
    let again = plan(&[&run("c", ProwJobState::Success)], &[OldComment { id: 9, body: &written }]);
    assert_eq!(again, Plan { rows, edit: Some(9), ..Plan::default() });
    assert!(text("ana", &[row("a")], None).contains("following test **failed**"));
    assert!(text("ana", &[], None).starts_with("@ana: all tests **passed!**\n"));
}
