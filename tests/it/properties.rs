//! The properties that fuzzers look for counterexamples to, on inputs made from words that the
//! readers know.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

#[path = "../fuzz/src/lib.rs"]
mod held;

/// Bytes made of these words and of any others.
fn made_of(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => select(words).prop_map(|word| word.as_bytes().to_vec()),
        2 => "[ -~]{0,4}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// JSON with these keys, or nearly JSON.
fn json_with(keys: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| value.to_string()),
        "[ -!#-\\[\\]-~]{0,8}".prop_map(|text| format!("\"{text}\"")),
        Just("\"2026-11-21T06:00:00Z\"".to_owned()),
    ];
    let value = leaf.prop_recursive(5, 60, 6, move |inner| {
        let field = (select(keys), inner.clone());
        prop_oneof![
            vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec(field, 0..6).prop_map(|fields| {
                let fields = fields.iter().map(|(key, value)| format!("\"{key}\":{value}"));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
            }),
        ]
    });
    value.prop_map(String::into_bytes)
}

const COVERAGE: &[&str] = &[
    "mode: set\n",
    "mode: count\n",
    "a/b.go:1.2,3.4 2 1\n",
    "a/b.go:1.2,3.4 2 0\n",
    "a/c/d.go:4294967295.9,1.1 4294967295 9223372036854775807\n",
    "x<y>.go:7.1,9.1 1 -4\n",
    "\r\n",
    "TN:\n",
    "SF:src/a.rs\n",
    "DA:3,4\n",
    "DA:4294967295,0\n",
    "end_of_record\n",
    "<coverage>",
    "<class filename=\"a.py\">",
    "<line number=\"3\" hits=\"2\"/>",
    "</class>",
    "</coverage>",
];

const JOB_FILE: &[&str] = &[
    "presubmits:\n",
    "postsubmits:\n",
    "- name: ",
    "  ",
    "\n",
    "\n  ",
    "a",
    "unit",
    "spec:",
    "containers:",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "image: i",
    "always_run: true",
    "run_if_changed: ",
    "'^a/'",
    "branches:",
    "decorate: true",
    "&x ",
    "*x",
    "|\n",
    "\"",
    "'",
    "#",
    "? ",
    "---\n",
    "trigger: ",
];
const REGEX: &[&str] = &[
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?P<n>",
    "[",
    "]",
    "[^",
    "a",
    "b",
    "A",
    "é",
    "-",
    "{2,3}",
    "{0}",
    "*",
    "+",
    "?",
    "|",
    "^",
    "$",
    "\\b",
    "\\d",
    "\\pL",
    "\\Q",
    "\\E",
    "\\C",
    "\\",
    ".",
    "[[:alpha:]]",
    "\n",
    "ab\n",
];
const CRON: &[&str] = &[
    "*",
    "*/5",
    "0",
    "1",
    "30",
    "59",
    "31",
    "2",
    "-",
    ",",
    "/",
    " ",
    " ",
    " ",
    "sun",
    "MON",
    "jan",
    "@every ",
    "@daily",
    "1h",
    "0s",
    "TZ=",
    "CRON_TZ=",
    "Europe/Berlin",
    "UTC",
    "?",
    "\n",
    "1795240800",
];
const GLOB: &[&str] =
    &["*", "?", "[", "]", "[^", "a-z", "-", "\\", "/", "a", "b", "é", "\n", "release-1.2"];
const LOG: &[&str] = &[
    "\n",
    "\r",
    "\r\n",
    "text",
    "\x1b[31m",
    "\x1b[0m",
    "\x1b[1;38;5;200m",
    "\x1b[38;2;1;2;3m",
    "\x1b[",
    "\x1b]0;title\x07",
    "\x1b",
    "\u{9b}",
    "\t",
    "\u{202e}",
    "é",
    "\x08",
];
const ADDRESS: &[&str] = &[
    "gs://",
    "s3://",
    "file://",
    "gcs://",
    "bucket",
    "/",
    "/",
    "//",
    "..",
    ".",
    "a",
    "logs",
    "%2e%2e",
    "\\",
    "\n",
    ".bowsprit-meta",
    "é",
    " ",
];
const NAMED: &[&str] = &[
    "https://",
    "http://",
    "gs://",
    "h.example",
    "storage.googleapis.com",
    "b.s3.amazonaws.com",
    "console.cloud.google.com/storage/browser",
    "/",
    "/",
    "?",
    "#",
    "view/gs/",
    "view/prowjob/",
    "build/",
    "gcs/",
    "log?job=a&id=",
    "prowjob?prowjob=",
    "api/v1/runs/",
    "pr-logs/pull/",
    "pr-logs/directory/",
    "batch/",
    "logs/",
    "a_b/",
    "job/",
    "17",
    "7/",
    "%2F",
    "%",
    "%00",
    "..",
    " ",
    "\n",
    "(",
    ")",
    "é",
    "\u{0}",
    "+",
];
const WEBHOOK: &[&str] = &[
    "action",
    "number",
    "pull_request",
    "issue",
    "comment",
    "review",
    "repository",
    "organization",
    "sender",
    "owner",
    "login",
    "name",
    "full_name",
    "user",
    "body",
    "head",
    "base",
    "ref",
    "sha",
    "before",
    "after",
    "commits",
    "added",
    "changes",
    "from",
    "labels",
    "state",
    "context",
    "id",
    "html_url",
    "created",
    "deleted",
];
const PROW_JOB: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "labels",
    "annotations",
    "spec",
    "type",
    "job",
    "refs",
    "org",
    "repo",
    "pulls",
    "number",
    "extra_refs",
    "pod_spec",
    "containers",
    "decoration_config",
    "timeout",
    "status",
    "state",
    "startTime",
    "completionTime",
    "build_id",
    "prev_report_states",
    "later",
    "max_concurrency",
];
const JUNIT: &[&str] = &[
    "<testsuites>",
    "</testsuites>",
    "<testsuite name='s'>",
    "</testsuite>",
    "<testcase name='a' time='1.5'>",
    "<testcase name='b'/>",
    "</testcase>",
    "<failure message='no'>",
    "</failure>",
    "<skipped/>",
    "<error>",
    "</error>",
    "<system-out>",
    "</system-out>",
    "<properties>",
    "<property name='p' value='1'/>",
    "</properties>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&lt;",
    "&x;",
    "&",
    "<?xml version='1.0' encoding='utf-16'?>",
    "<!DOCTYPE a [<!ENTITY x 'y'>]>",
    "\u{1}",
    "é",
    "text",
];
const GRID_CONFIG: &[&str] = &[
    "test_groups:\n",
    "dashboards:\n",
    "dashboard_groups:\n",
    "default_test_group:\n",
    "default_dashboard_tab:\n",
    "- name: ",
    "  ",
    "\n",
    "\n  ",
    "\n    ",
    "a1b",
    "gcs_prefix: b/logs/j",
    "days_of_results: 7",
    "num_columns_recent: ",
    "10",
    "-1",
    "dashboard_tab:",
    "- ",
    "test_group_name: a1b",
    "base_options: ",
    "width=20&x=%zz",
    "test_name_config:",
    "name_format: '%s'",
    "name_elements:",
    "target_config: Tests name",
    "alert_options:",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "&x ",
    "*x",
    "dashboard_names: [a1b]",
];
const VIEW: &[&str] = &[
    "include-filter-by-regex=",
    "exclude-filter-by-regex=",
    "sort-by-failures=",
    "group-by-regex-mask=",
    "group-by-hierarchy-pattern=",
    "graph-metrics=",
    "width=",
    "exclude-non-failed-tests=",
    "expand-groups=",
    "off",
    "&",
    "=",
    "%41",
    "%",
    "+",
    ";",
    "20",
    "a",
    "b",
    "[",
    "(",
    "a|b",
    ".*",
    "\\",
    "\n",
    "#",
];
/// The first bytes of a stored column, of a grid object and of a page's grid, and small numbers.
const BYTES: &[&str] = &[
    "bgrid\x02",
    "\u{0}",
    "\u{1}",
    "\u{2}",
    "\u{3}",
    "\u{7f}",
    "\n",
    "\x12",
    "\x1a",
    "\x22",
    "a",
    "text",
    "x",
    "\u{9c}",
];

proptest! {
    #[test]
    fn a_job_file_is_read_or_refused_with_words(data in made_of(JOB_FILE)) {
        held::job_file(&data);
    }

    #[test]
    fn a_webhook_is_read_or_refused(data in json_with(WEBHOOK)) {
        held::webhook(&data);
    }

    #[test]
    fn a_regular_expression_finds_what_it_matches(data in made_of(REGEX)) {
        held::go_regex(&data);
    }

    #[test]
    fn a_schedule_fires_later(data in made_of(CRON)) {
        held::cron(&data);
    }

    #[test]
    fn a_pattern_of_a_name_matches_it(data in made_of(GLOB)) {
        held::glob(&data);
    }

    #[test]
    fn every_line_of_a_log_is_text(data in made_of(LOG)) {
        held::log(&data);
    }

    #[test]
    fn a_prow_job_is_written_as_it_was_read(data in json_with(PROW_JOB)) {
        held::prow_job(&data);
    }

    #[test]
    fn no_path_leads_out_of_its_folder(data in made_of(ADDRESS)) {
        held::blob_uri(&data);
    }

    #[test]
    fn the_runs_that_a_text_names_are_few_and_their_names_short(data in made_of(NAMED)) {
        let found = server::references::named(&String::from_utf8_lossy(&data));
        assert!(found.len() <= store::MAX_TEXT_RUNS);
        for name in found.iter().map(ToString::to_string) {
            assert!(name.len() <= 1_024 && !name.contains(char::is_control), "{name:?}");
        }
    }

    #[test]
    fn test_results_are_read_or_refused_with_words(data in made_of(JUNIT)) {
        held::junit(&data);
    }

    #[test]
    fn a_configuration_of_grids_is_read_or_refused(data in made_of(GRID_CONFIG)) {
        held::grid_config(&data);
    }

    #[test]
    fn a_grid_object_is_read_or_refused(data in made_of(BYTES)) {
        held::grid_message(&data);
    }

    #[test]
    fn a_stored_column_is_written_as_it_was_read(data in made_of(BYTES)) {
        held::grid_column(&data);
    }

    #[test]
    fn options_of_a_view_are_read_or_refused_with_words(data in made_of(VIEW)) {
        held::view_options(&data);
    }

    #[test]
    fn a_grid_of_a_page_is_written_as_it_was_read(data in made_of(BYTES)) {
        held::columnar_grid(&data);
    }

    #[test]
    fn coverage_is_read_or_refused_with_its_line(data in made_of(COVERAGE)) {
        held::coverage_profile(&data);
    }

    #[test]
    fn stored_coverage_is_written_as_it_was_read(data in made_of(BYTES)) {
        held::stored_coverage(&data);
    }
}
