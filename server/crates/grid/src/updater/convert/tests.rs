use super::*;
use crate::proto::config::{ColumnHeader, ShortTextMessageSource, TestAnnotation};
use crate::proto::rules::{Rule, RuleSet};
use crate::updater::build::{BuildFiles, Found, read};

const BEGAN: i64 = 1_000_000;

fn group() -> TestGroup {
    TestGroup {
        gcs_prefix: "bucket/logs/job".to_owned(),
        disable_prowjob_analysis: true,
        column_header: vec![ColumnHeader {
            configuration_value: "Commit".to_owned(),
            ..ColumnHeader::default()
        }],
        ..TestGroup::default()
    }
}

fn files(finished: &str, cases: &[&str]) -> BuildFiles {
    let suites = cases.iter().enumerate().map(|(number, cases)| {
        let text = format!("<testsuite>{cases}</testsuite>");
        (format!("artifacts/junit_{number}.xml"), Found::Bytes(text.into_bytes()))
    });
    BuildFiles {
        job: "job".to_owned(),
        build: "12".to_owned(),
        path: "gs://bucket/logs/job/12/".to_owned(),
        started: Found::Bytes(format!("{{\"timestamp\":{BEGAN}}}").into_bytes()),
        finished: if finished.is_empty() {
            Found::Missing
        } else {
            Found::Bytes(finished.as_bytes().to_vec())
        },
        podinfo: Found::Missing,
        suites: suites.collect(),
    }
}

fn convert_at(group: &TestGroup, files: BuildFiles, now: i64) -> InflatedColumn {
    let build = read(files, 0).unwrap();
    Converter::new(group, true).unwrap().column(&build, now)
}

fn convert(group: &TestGroup, files: BuildFiles) -> InflatedColumn {
    convert_at(group, files, BEGAN + 3_600)
}

const PASSED: &str = "{\"timestamp\":1000120,\"passed\":true}";
const FAILED: &str = "{\"timestamp\":1000120,\"passed\":false}";

/// The cell of a case `x` with this content.
fn cell_of(attributes: &str, inner: &str) -> Option<Cell> {
    let case = format!("<testcase name='x' {attributes}>{inner}</testcase>");
    convert(&group(), files(PASSED, &[&case])).cells.remove("x")
}

#[test]
fn cases_become_cells() {
    use TestStatus::{Fail, Pass, PassWithSkips};
    let table = [
        ("<failure/>", Some((Fail, "", ""))),
        ("<failure>boom</failure>", Some((Fail, "F", "boom"))),
        ("<failure/><system-out>the output</system-out>", Some((Fail, "F", "the output"))),
        ("<error message='e'/>", Some((Fail, "F", "e"))),
        ("<skipped/>", None),
        ("<skipped message='skipped'/>", None),
        ("<skipped>tl;dr</skipped>", Some((PassWithSkips, "S", "tl;dr"))),
        ("<skipped message='why'/>", Some((PassWithSkips, "S", "why"))),
        ("<system-err>ouch</system-err>", Some((Pass, "", "ouch"))),
        ("<system-out>bellybutton</system-out>", Some((Pass, "", "bellybutton"))),
        ("", Some((Pass, "", ""))),
    ];
    for (inner, expected) in table {
        let found = cell_of("", inner).map(|cell| (cell.status, cell.icon, cell.message));
        let expected = expected.map(|(s, icon, m)| (s, icon.to_owned(), m.to_owned()));
        assert_eq!(found, expected, "{inner}");
    }
    let timed = cell_of("time='5'", "").unwrap();
    assert_eq!(timed.metrics, [(DURATION_METRIC, 5.0 / 60.0)].into());
}

#[test]
fn properties_become_metrics_short_texts_and_user_properties() {
    let group = TestGroup {
        test_annotations: ["none", "note"]
            .map(|name| TestAnnotation {
                short_text: name.to_owned(),
                short_text_message_source: Some(ShortTextMessageSource::PropertyName(name.into())),
            })
            .into(),
        user_property: "user".to_owned(),
        ..group()
    };
    let properties = "<properties><property name='n' value='1'/><property name='n' value='4'/>\
                      <property name='n' value='x'/><property name='note' value='y'/>\
                      <property name='user' value='u1'/><property name='user' value='u2'/></properties>";
    let case = format!("<testcase name='x'>{properties}</testcase>");
    let cell = convert(&group, files(PASSED, &[&case])).cells.remove("x").unwrap();
    assert_eq!(cell.metrics, [("n", 2.5)].into());
    assert_eq!((&*cell.icon, &*cell.user_property), ("note", "u1"));

    let by_metric = TestGroup { short_text_metric: "n".to_owned(), ..group };
    let cell = convert(&by_metric, files(PASSED, &[&case])).cells.remove("x").unwrap();
    assert_eq!(cell.icon, "2.5");
}

#[test]
fn metrics_in_cells_have_four_digits() {
    let table = [
        (0.0, "0"),
        (5.0, "5"),
        (100.0, "100"),
        (1234.5, "1234"),
        (1235.5, "1236"),
        (12345.0, "1.234e+04"),
        (10000.0, "1e+04"),
        (9999.9, "1e+04"),
        (0.5, "0.5"),
        (0.00012345, "0.0001234"),
        (0.000012345, "1.234e-05"),
        (-2.61828, "-2.618"),
        (99.995, "100"),
        (1e300, "1e+300"),
    ];
    for (value, text) in table {
        assert_eq!(four_digits(value), text, "{value}");
    }
}

#[test]
fn rules_change_the_status_and_can_hide_results() {
    let with = |status: TestStatus| TestGroup {
        custom_evaluator_rule_set: Some(RuleSet {
            rules: vec![Rule { test_result_comparisons: vec![], computed_status: status as i32 }],
        }),
        ..group()
    };
    let case = ["<testcase name='x'><failure>boom</failure></testcase>"];
    let cell = convert(&with(TestStatus::CategorizedAbort), files(PASSED, &case)).cells.remove("x");
    let cell = cell.unwrap();
    assert_eq!((cell.status, &*cell.icon), (TestStatus::CategorizedAbort, "F"));
    assert!(!convert(&with(TestStatus::NoResult), files(PASSED, &case)).cells.contains_key("x"));

    let skip = ["<testcase name='x'><skipped>s</skipped></testcase>"];
    let ignoring = TestGroup { ignore_skip: true, ..group() };
    assert!(!convert(&ignoring, files(PASSED, &skip)).cells.contains_key("x"));
    let build = read(files(PASSED, &skip), 0).unwrap();
    let unheard = Converter::new(&ignoring, false).unwrap().column(&build, 0);
    assert!(unheard.cells.contains_key("x"));
}

#[test]
fn results_of_one_name_are_merged_over_files_or_numbered() {
    let cases = [
        "<testcase name='a'/>",
        "<testcase name='a'><failure>boom</failure></testcase>",
        "<testcase name='a'/>",
    ];
    let cells = convert(&group(), files(PASSED, &cases)).cells;
    assert_eq!((cells["a"].status, &*cells["a"].icon), (TestStatus::Flaky, "2/3"));
    let numbering = TestGroup { disable_merged_status: true, ..group() };
    let cells = convert(&numbering, files(PASSED, &cases)).cells;
    let names: Vec<_> = cells.keys().map(String::as_str).collect();
    assert_eq!(names, ["a", "a [1]", "a [2]", "job.Overall"]);
}

fn overall(finished: &str, cases: &[&str], hours: i64) -> (TestStatus, String, String) {
    let mut column = convert_at(&group(), files(finished, cases), BEGAN + hours * 3_600);
    let cell = column.cells.remove("job.Overall").unwrap();
    (cell.status, cell.icon, cell.message)
}

#[test]
fn the_overall_row_tells_how_the_build_ended() {
    use TestStatus::{Fail, Pass, Running};
    let pass = "<testcase name='a'/>";
    let fail = "<testcase name='a'><failure>x</failure></testcase>";
    let table: &[(&str, &str, i64, TestStatus, &str, &str)] = &[
        (PASSED, pass, 1, Pass, "", ""),
        (FAILED, fail, 1, Fail, "", ""),
        (FAILED, pass, 1, Fail, "F", "Build failed outside of test results"),
        (
            "{\"timestamp\":1000120,\"result\":\"SUCCESS\"}",
            pass,
            1,
            Pass,
            "E",
            "finished.json missing \"passed\": true",
        ),
        (
            "{\"timestamp\":1000120,\"result\":\"nope\"}",
            pass,
            1,
            Fail,
            "E",
            "finished.json missing \"passed\": false",
        ),
        ("{\"timestamp\":1000120}", fail, 1, Fail, "", ""),
        ("{\"passed\":true}", pass, 1, Running, "R", "Build still running..."),
        ("", pass, 1, Running, "R", "Build still running..."),
        ("", pass, 25, Fail, "T", "Build did not complete within 24 hours"),
        (" ", pass, 1, Fail, "E", "Malformed artifacts: finished.json"),
    ];
    for (finished, cases, hours, status, icon, message) in table {
        let expected = (*status, (*icon).to_owned(), (*message).to_owned());
        assert_eq!(overall(finished, &[cases], *hours), expected, "{finished} {cases} {hours}");
    }
    let (status, _, message) = overall(PASSED, &["<open"], 1);
    assert_eq!(status, Pass, "{message}: a broken inside is not malformed");
}

#[test]
fn the_pod_row_is_red_only_for_troubles_of_the_pod() {
    let analyzing = TestGroup { disable_prowjob_analysis: false, ..group() };
    let pod = |podinfo: &str, finished: &str, hours: i64| {
        let podinfo = match podinfo {
            "" => Found::Missing,
            text => Found::Bytes(text.as_bytes().to_vec()),
        };
        let files = BuildFiles { podinfo, ..files(finished, &[]) };
        let cell = convert_at(&analyzing, files, BEGAN + hours * 3_600).cells.remove("job.Pod");
        cell.map(|cell| (cell.status, cell.icon))
    };
    let is = |status: TestStatus, icon: &str| Some((status, icon.to_owned()));
    assert_eq!(
        pod("{\"pod\":{\"status\":{\"phase\":\"Succeeded\"}}}", PASSED, 1),
        is(TestStatus::Pass, "")
    );
    let waiting = "{\"pod\":{\"status\":{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\"}]}}}";
    assert_eq!(pod(waiting, PASSED, 1), is(TestStatus::Fail, "F"));
    assert_eq!(
        pod("{\"pod\":{\"status\":{\"phase\":\"Failed\"}}}", PASSED, 1),
        is(TestStatus::Pass, "E")
    );
    assert_eq!(pod("", PASSED, 0), is(TestStatus::Running, "!"));
    assert_eq!(pod("{}", PASSED, 2), is(TestStatus::PassWithSkips, "!"));
    assert_eq!(pod("", "", 1), None);
}

#[test]
fn the_column_carries_build_time_and_headers() {
    let headers = ["Commit", "infra", "other"].map(|name| ColumnHeader {
        configuration_value: name.to_owned(),
        ..ColumnHeader::default()
    });
    let group = TestGroup { column_header: headers.into(), ..group() };
    let finished = "{\"timestamp\":1000120,\"passed\":true,\"metadata\":{\"infra\":\"i1\",\"revision\":\"abc\",\
                    \"EmailAddresses\":[\"a@b\",\"c@d\"],\"build-key\":\"b7\"}}";
    let column = convert(&group, files(finished, &[])).column;
    assert_eq!((&*column.build, &*column.hint, column.started), ("12", "12", 1e9));
    assert_eq!(column.extra, ["abc", "i1", "missing"]);
    assert_eq!(column.email_addresses, ["a@b", "c@d"]);
    let running = convert(&group, files("", &[])).column;
    assert_eq!(running.extra, ["", "", ""]);
    let overriding =
        TestGroup { build_override_configuration_value: "build-key".to_owned(), ..group.clone() };
    assert_eq!(convert(&overriding, files(finished, &[])).column.build, "b7");
    assert_eq!(convert(&overriding, files(PASSED, &[])).column.build, "");
    let odd = finished.replace("\"c@d\"", "7");
    assert!(convert(&group, files(&odd, &[])).column.email_addresses.is_empty());
}

#[test]
fn rows_of_several_jobs_are_told_apart() {
    let group = TestGroup { gcs_prefix: "b/logs/job,b/logs/other".to_owned(), ..group() };
    let cells = convert(&group, files(PASSED, &["<testcase name='a'/>"])).cells;
    let ids: Vec<_> =
        cells.iter().map(|(name, cell)| (name.as_str(), cell.cell_id.as_str())).collect();
    assert_eq!(ids, [("Overall", "job/12"), ("job.Overall", "job/12"), ("job.a", "job/12")]);
    let by_day = TestGroup { build_override_strftime: "%Y".to_owned(), ..self::group() };
    assert_eq!(convert(&by_day, files(PASSED, &[])).cells["job.Overall"].cell_id, "12");
}

#[test]
fn a_build_that_cannot_be_read_still_has_a_column() {
    let previous = Column { started: 5_000.0, extra: vec!["abc".into()], ..Column::default() };
    for (error, status, message) in [
        (BuildError::NotStarted, TestStatus::Running, "Start timestamp for this job is 0."),
        (
            BuildError::TooOld { started: 1, stop: 2 },
            TestStatus::Unknown,
            "build too old; started 1 before 2)",
        ),
        (
            BuildError::Unreadable { path: "p".into(), reason: "r".into() },
            TestStatus::ToolFail,
            "Failed to download p: r",
        ),
    ] {
        let column = error_column("13", &error, Some(&previous), 2, 1);
        assert_eq!((&*column.column.build, column.column.started), ("13", 5_000.02));
        assert_eq!(column.column.extra, ["abc"]);
        assert_eq!(column.cells["Overall"], Cell::saying(status, message));
    }
    assert_eq!(error_column("1", &BuildError::NotStarted, None, 1, 2).column.extra, ["", ""]);
}
