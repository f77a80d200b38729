use go_compat::yaml_emit::to_yaml;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

#[test]
fn a_prow_job_looks_as_kubectl_shows_it() {
    let job = json!({
        "status": {"startTime": "2026-11-21T00:05:37Z", "state": "triggered"},
        "spec": {
            "refs": {"org": "o", "pulls": [{"number": 7, "sha": "f00d"}], "base_sha": "0123456"},
            "pod_spec": {"containers": [{
                "name": "", "image": "golang:1.26", "command": ["make"], "args": ["test", "--count=1", "- x", "a: b"],
                "env": [{"name": "A", "value": "true"}, {"name": "B", "value": "1"}], "resources": {},
            }], "tolerations": []},
            "max_concurrency": 0,
            "agent": "kubernetes",
        },
        "metadata": {"creationTimestamp": null, "labels": {"prow.k8s.io/id": "1e5", "created-by-prow": "true"}},
        "kind": "ProwJob",
        "apiVersion": "prow.k8s.io/v1",
    });
    let expected = r#"apiVersion: prow.k8s.io/v1
kind: ProwJob
metadata:
  creationTimestamp: null
  labels:
    created-by-prow: "true"
    prow.k8s.io/id: "1e5"
spec:
  agent: kubernetes
  max_concurrency: 0
  pod_spec:
    containers:
    - args:
      - test
      - --count=1
      - '- x'
      - 'a: b'
      command:
      - make
      env:
      - name: A
        value: "true"
      - name: B
        value: "1"
      image: golang:1.26
      name: ""
      resources: {}
    tolerations: []
  refs:
    base_sha: "0123456"
    org: o
    pulls:
    - number: 7
      sha: f00d
status:
  startTime: "2026-11-21T00:05:37Z"
  state: triggered
"#;
    assert_eq!(to_yaml(&job), expected);
}

#[test]
fn texts_are_quoted_where_yaml_would_read_something_else() {
    let table = [
        ("plain text", "plain text"),
        ("", "\"\""),
        ("yes", "\"yes\""),
        ("y", "\"y\""),
        ("No", "\"No\""),
        ("off", "\"off\""),
        ("nULL", "nULL"),
        ("~", "\"~\""),
        ("null", "\"null\""),
        ("true ", "'true '"),
        ("0", "\"0\""),
        ("-1", "\"-1\""),
        ("010", "\"010\""),
        ("09", "\"09\""),
        ("0x1f", "\"0x1f\""),
        ("0xg", "0xg"),
        ("0b11", "\"0b11\""),
        ("1_000", "\"1_000\""),
        ("1e3", "\"1e3\""),
        ("1e", "1e"),
        (".5", "\".5\""),
        ("1.", "\"1.\""),
        ("1.2.3", "1.2.3"),
        (".inf", "\".inf\""),
        ("-.INF", "\"-.INF\""),
        ("1e999", "1e999"),
        ("12:30", "\"12:30\""),
        ("190:20:30.15", "\"190:20:30.15\""),
        ("1:99", "1:99"),
        ("2026-11-21", "\"2026-11-21\""),
        ("2026-1-2T3:4:5Z", "\"2026-1-2T3:4:5Z\""),
        ("2026-13-01", "2026-13-01"),
        ("2026-11-21 00:05", "2026-11-21 00:05"),
        ("18446744073709551615", "\"18446744073709551615\""),
        ("18446744073709551616", "\"18446744073709551616\""),
        ("<<", "<<"),
        ("- a", "'- a'"),
        ("-a", "-a"),
        ("-", "'-'"),
        ("---", "'---'"),
        ("?", "'?'"),
        ("a: b", "'a: b'"),
        ("a:b", "a:b"),
        ("a:", "'a:'"),
        ("a #b", "'a #b'"),
        ("a#b", "a#b"),
        ("#a", "'#a'"),
        ("*a", "'*a'"),
        ("&a", "'&a'"),
        ("!a", "'!a'"),
        ("%a", "'%a'"),
        ("@a", "'@a'"),
        ("`a`", "'`a`'"),
        ("{a}", "'{a}'"),
        ("[a]", "'[a]'"),
        ("a, b", "a, b"),
        ("|", "'|'"),
        ("it's", "it's"),
        ("'q'", "'''q'''"),
        ("\"q\"", "'\"q\"'"),
        (" a", "' a'"),
        ("\ta", "\"\\ta\""),
        ("a\\b", "a\\b"),
        ("\u{1b}[0m", "\"\\e[0m\""),
        ("é日本", "é日本"),
        ("😀", "\"\\U0001F600\""),
        ("a\u{85}b", "\"a\\Nb\""),
    ];
    for (text, printed) in table {
        // NEL is a line break that is printable on neither side of go-yaml.
        assert_eq!(to_yaml(&json!({ "k": text })), format!("k: {printed}\n"), "{text:?}");
    }
}

#[test]
fn several_lines_become_a_literal_block() {
    let table = [
        ("a\nb\n", "k: |\n  a\n  b\n"),
        ("a\nb", "k: |-\n  a\n  b\n"),
        ("a\n\n", "k: |+\n  a\n\n"),
        ("\n", "k: |2+\n\n"),
        (" a\nb", "k: |2-\n   a\n  b\n"),
        ("a\n\n  b\n", "k: |\n  a\n\n    b\n"),
        ("a \nb", "k: \"a \\nb\"\n"),
        ("a\nb ", "k: \"a\\nb \"\n"),
        ("a\r\nb", "k: \"a\\r\\nb\"\n"),
    ];
    for (text, printed) in table {
        assert_eq!(to_yaml(&json!({ "k": text })), printed, "{text:?}");
    }
    assert_eq!(to_yaml(&json!([["a\nb\n"]])), "- - |\n    a\n    b\n");
}

#[test]
fn long_lines_fold_at_the_first_space_behind_column_80() {
    let words = "the quick brown fox jumps over the lazy dog and runs away from the bear in the big dark forest";
    assert_eq!(
        to_yaml(&json!({ "k": words })),
        "k: the quick brown fox jumps over the lazy dog and runs away from the bear in the\n  big dark forest\n"
    );
    let two_spaces = words.replace(' ', "  ");
    assert_eq!(to_yaml(&json!({ "k": two_spaces })), format!("k: {two_spaces}\n"));
    assert_eq!(
        to_yaml(&json!([format!("{words}: it's")])),
        "- 'the quick brown fox jumps over the lazy dog and runs away from the bear in the\n  big dark forest: it''s'\n"
    );
    assert_eq!(
        to_yaml(&json!([format!("{words}\t!")])),
        "- \"the quick brown fox jumps over the lazy dog and runs away from the bear in the\n  big dark forest\\t!\"\n"
    );
}

#[test]
fn keys_sort_with_numbers_by_value_and_letters_last() {
    let keys = ["b", "a10", "a2", "A", "_", "1", "10", "2", "a", "a-b", "a_b", "a.b"];
    let map: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), json!(1))).collect();
    let printed = to_yaml(&Value::Object(map));
    let order: Vec<&str> = printed.lines().filter_map(|line| line.strip_suffix(": 1")).collect();
    assert_eq!(
        order,
        ["_", "\"1\"", "\"2\"", "\"10\"", "A", "a", "a-b", "a.b", "a_b", "a2", "a10", "b"]
    );
}

#[test]
fn keys_that_are_long_or_have_several_lines_are_explicit() {
    let long = "k".repeat(129);
    assert_eq!(to_yaml(&json!({ long.clone(): "v" })), format!("? {long}\n: v\n"));
    assert_eq!(to_yaml(&json!({"m\nk": ["z"]})), "? |-\n  m\n  k\n: - z\n");
    assert_eq!(to_yaml(&json!({"no": {"": 1}})), "\"no\":\n  \"\": 1\n");
}

#[test]
fn lists_stand_at_the_column_of_their_key() {
    let value = json!({"a": [[1, [2]], {"x": [], "y": {}}, []], "b": [{"c": [{"d": 1}]}]});
    let expected = "\
a:
- - 1
  - - 2
- x: []
  \"y\": {}
- []
b:
- c:
  - d: 1
";
    assert_eq!(to_yaml(&value), expected);
}

#[test]
fn numbers_are_printed_as_gos_json_and_yaml_leave_them() {
    let table = [
        (json!(0), "0"),
        (json!(-5), "-5"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!(1.0), "1"),
        (json!(1.5), "1.5"),
        (json!(1e6), "1000000"),
        (json!(1e20), "1e+20"),
        (json!(1e-7), "1e-07"),
        (json!(123_456_789.5), "1.234567895e+08"),
        (json!(null), "null"),
        (json!(true), "true"),
    ];
    for (value, printed) in table {
        assert_eq!(to_yaml(&value), format!("{printed}\n"));
    }
    assert_eq!(to_yaml(&json!({})), "{}\n");
    assert_eq!(to_yaml(&json!([])), "[]\n");
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9:.#, '\"\\-]{0,12}",
        "[ab \n]{0,10}",
        "\\PC{0,12}",
        prop::sample::select(
            &["yes", "null", "0x1f", "1e3", "2026-11-21", "12:30", "a: b", "- x", "#", "<<"][..]
        )
        .prop_map(str::to_owned),
        "([a-z]{2,9} ){10,30}",
    ]
}

/// go-yaml leaves a merge key unquoted, so one does not read back.
fn keys() -> impl Strategy<Value = String> {
    texts().prop_filter("a merge key", |key| key != "<<")
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_printed_reads_back_as_the_same_document(document in documents()) {
        let printed = to_yaml(&document);
        let read: Value = serde_saphyr::from_str(&printed)
            .map_err(|e| TestCaseError::fail(format!("{e}\n{printed}")))?;
        prop_assert_eq!(read, document, "{}", printed);
    }
}
