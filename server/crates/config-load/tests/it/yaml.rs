//! YAML: both readers agree, neither panics, and errors have their place.

use config_load::yaml::{self, Node, NodeKind, de};
use proptest::prelude::*;
use serde_json::{Value, json};

fn value(text: &str) -> Value {
    let node = yaml::read(text).expect("YAML");
    de::from_node(&node).expect("a value")
}

fn error(text: &str) -> String {
    let err = yaml::read(text).expect_err("no YAML");
    format!("{}: {}", err.mark, err.message)
}

/// The places of all nodes and keys, in order.
fn marks(node: &Node<'_>, out: &mut Vec<String>) {
    out.push(node.mark.to_string());
    match &node.kind {
        NodeKind::Scalar(_) => {}
        NodeKind::Sequence(elements) => elements.iter().for_each(|node| marks(node, out)),
        NodeKind::Mapping(entries) => {
            for entry in entries {
                out.push(format!("{}={}", entry.key, entry.mark));
                marks(&entry.value, out);
            }
        }
    }
}

/// Texts that the quick reader reads by itself, with the value that they mean.
fn plain_texts() -> Vec<(&'static str, Value)> {
    vec![
        ("", Value::Null),
        ("# nothing\n\n", Value::Null),
        ("a: 1\nb: two\n", json!({"a": 1, "b": "two"})),
        ("---\na: 1\n", json!({"a": 1})),
        ("# c\n--- # d\na: 1", json!({"a": 1})),
        ("- a\n- b\n", json!(["a", "b"])),
        ("a:\n- b\n- c: d\n  e: f\n", json!({"a": ["b", {"c": "d", "e": "f"}]})),
        (
            "a:\n  - b\n  -\n    c: d\n  -\n  - - x\n    - w\n",
            json!({"a": ["b", {"c": "d"}, null, ["x", "w"]]}),
        ),
        ("a:\nb: ~\nc:   # x\n  d: e # f\n", json!({"a": null, "b": null, "c": {"d": "e"}})),
        (
            "a: x#w\nb: http://c:80/d\nc: -1\nd: -x\ne: ?f\n",
            json!({"a": "x#w", "b": "http://c:80/d", "c": -1, "d": "-x", "e": "?f"}),
        ),
        (
            "a: 'it''s'\nb: \"t\\tu\\u00e4\\x41\\\"\"\n'c d': x\n\"e\": w\n",
            json!({"a": "it's", "b": "t\tuäA\"", "c d": "x", "e": "w"}),
        ),
        ("a: one\n  two\n\n  three\nb: 1\n", json!({"a": "one two\nthree", "b": 1})),
        ("a:\n  one\n  two\nb:\n  'x'\n", json!({"a": "one two", "b": "x"})),
        (
            "a: |\n  x\n   w\n\n  z\nb: |-\n  x\nc: |+\n  x\n\n\nd: 1\n",
            json!({"a": "x\n w\n\nz\n", "b": "x", "c": "x\n\n\n", "d": 1}),
        ),
        (
            "a: >\n  x\n  w\n\n  z\n   w\n  v\nb: >-\n  x\n  w\n",
            json!({"a": "x w\nz\n w\nv\n", "b": "x w"}),
        ),
        ("a: |\n\n  x\nb: |\nc: |-\n", json!({"a": "\nx\n", "b": "", "c": ""})),
        ("- |\n x\n- >\n w\n", json!(["x\n", "w\n"])),
        ("a: |\n  x", json!({"a": "x"})),
        ("a: |\n  x\n ", json!({"a": "x\n"})),
        (
            "a: [b, 'c', \"d\", 1, [e], {f: g}]\nb: []\nc: {}\nd: {x: w, z: [1]}\n",
            json!({"a": ["b", "c", "d", 1, ["e"], {"f": "g"}], "b": [], "c": {}, "d": {"x": "w", "z": [1]}}),
        ),
        (
            "a: [\n  b,\n  c\n  ]\nb: {x: w,\n  z: w,}\n",
            json!({"a": ["b", "c"], "b": {"x": "w", "z": "w"}}),
        ),
        (
            "a: yes\nb: off\nc: 0400\nd: 1.50\ne: 2026-11-21\n",
            json!({"a": true, "b": false, "c": 256, "d": 1.5, "e": "2026-11-21"}),
        ),
        ("1: a\ntrue: b\n1.20: c\n", json!({"1": "a", "true": "b", "1.2": "c"})),
        ("ä: ö\nb: é # ü\n", json!({"ä": "ö", "b": "é"})),
        ("a: b:c\nd : e\n", json!({"a": "b:c", "d": "e"})),
        (
            "a: \"one\n  two\"\nb: 'x\n\n  w'\nc: \"v \\\n  u\"\n",
            json!({"a": "one two", "b": "x\nw", "c": "v u"}),
        ),
    ]
}

/// Texts that only the full reader reads.
fn unusual_texts() -> Vec<(&'static str, Value)> {
    vec![
        ("a: &x {b: c}\nd: *x\n", json!({"a": {"b": "c"}, "d": {"b": "c"}})),
        (
            "x: &x {a: 1, b: 2}\nw:\n  <<: *x\n  b: 3\nv:\n  b: 3\n  <<: *x\n",
            json!({"x": {"a": 1, "b": 2}, "w": {"a": 1, "b": 3}, "v": {"a": 1, "b": 2}}),
        ),
        (
            "x: &x {a: 1}\nw: &w {a: 2, b: 2}\nz:\n  <<: [*x, *w]\n",
            json!({"x": {"a": 1}, "w": {"a": 2, "b": 2}, "z": {"a": 1, "b": 2}}),
        ),
        ("a: !!str 12\nb: !!int 12\nc: !mine 12\n", json!({"a": "12", "b": 12, "c": "12"})),
        ("? a\n: b\n", json!({"a": "b"})),
        ("a: 1\r\nb:\r\n- c\r\n", json!({"a": 1, "b": ["c"]})),
        ("\u{feff}a: 1\n", json!({"a": 1})),
        ("a: |2\n    x\n  w\n", json!({"a": "  x\nw\n"})),
        ("# c\r\na: |\n  x", json!({"a": "x"})),
        ("{\"a\": [1,2], \"b\":null}", json!({"a": [1, 2], "b": null})),
        ("a: 1\n---\nb: 2\n", json!({"a": 1})),
        ("a:\tb\n", json!({"a": "b"})),
        ("just text\n", json!("just text")),
    ]
}

#[test]
fn texts_mean_what_they_mean_to_go() {
    for (text, meaning) in plain_texts() {
        assert!(yaml::is_plain_block_style(text), "not read quickly: {text:?}");
        assert_eq!(value(text), meaning, "{text:?}");
    }
    for (text, meaning) in unusual_texts() {
        assert_eq!(value(text), meaning, "{text:?}");
    }
}

#[test]
fn both_readers_make_the_same_tree_with_the_same_places() {
    for (text, _) in plain_texts() {
        let quick = yaml::read(text).expect("YAML");
        let full = yaml::read_with_full_parser(text).expect("YAML");
        assert_eq!(quick, full, "{text:?}");
        let (mut quick_marks, mut full_marks) = (Vec::new(), Vec::new());
        marks(&quick, &mut quick_marks);
        marks(&full, &mut full_marks);
        // Only the places of nothing and of block scalars differ: behind the colon, or after it.
        let vague = [":\n", "-\n", ": #", "|", ">"].iter().any(|piece| text.contains(piece));
        if !vague && text.contains(':') && !text.starts_with('#') {
            assert_eq!(quick_marks, full_marks, "{text:?}");
        }
    }
}

#[test]
fn lines_of_quoted_text_may_be_indented_as_they_like() {
    assert_eq!(
        value("a:\n  b: 'one\ntwo'\n  c: \"\n d\"\n"),
        json!({"a": {"b": "one two", "c": " d"}})
    );
}

#[test]
fn mistakes_are_told_with_line_and_column() {
    assert_eq!(error("a: 1\na: 2\n"), "2:1: the key `a` occurs twice in this mapping");
    assert_eq!(error("a: {b: 1, b: 2}\n"), "1:11: the key `b` occurs twice in this mapping");
    assert_eq!(error("~: 1\n"), "1:1: nothing (null) cannot be a key; quote it to mean text");
    assert_eq!(error("[a]: 1\n"), "1:1: a list or mapping cannot be a key here");
    assert_eq!(error("a: !!int x\n"), "1:10: `x` is not a value of the type !!int");
    assert_eq!(error("a:\n  <<: 1\n"), "2:7: `<<` needs a mapping or a list of mappings");
    for text in [
        "a: b: c\n",
        "a: [1\n",
        "a: 'x\n",
        "a: *x\n",
        "a:\n  b: 1\n c: 2\n",
        "- a\nb: c\n",
        "a: \"\\q\"\n",
    ] {
        assert!(error(text).contains("this is not valid YAML: "), "{text:?}: {}", error(text));
    }
}

#[test]
fn hostile_texts_are_refused_in_bounded_time() {
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    assert!(error(&deep).starts_with("1:"), "{}", error(&deep));
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert!(error(&laughs).contains("aliases expand to more than"));
}

#[test]
fn a_file_may_be_compressed_and_must_be_text() {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(b"a: 1\n").expect("compressed");
    let compressed = encoder.finish().expect("compressed");
    assert_eq!(yaml::decode(compressed.clone()).expect("text"), "a: 1\n");
    let err = yaml::decode(compressed[..12].to_vec()).expect_err("half a file");
    assert!(err.message.starts_with("cannot decompress: "), "{err}");
    let err = yaml::decode(b"a: 1\nb: \xff\n".to_vec()).expect_err("no text");
    assert_eq!((err.mark.line, err.mark.column), (2, 4));
    assert_eq!(err.message, "the file is not UTF-8 text");
}

#[test]
fn type_errors_name_the_way_and_the_place() {
    #[derive(Debug, serde::Deserialize)]
    struct Inner {
        #[serde(rename = "list")]
        _list: Vec<i64>,
    }
    let node = yaml::read("a:\n  b:\n    list: [1, x]\n").expect("YAML");
    type Outer = std::collections::BTreeMap<String, std::collections::BTreeMap<String, Inner>>;
    let err = de::from_node::<Outer>(&node).expect_err("wrong type");
    assert_eq!(err.to_string(), "a.b.list[1]: expected a whole number, found the text \"x\"");
    assert_eq!((err.mark.line, err.mark.column), (3, 15));
}

/// Pieces that YAML is made of, so that arbitrary texts come near to meaning something.
fn yaml_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a"),
        Just("b"),
        Just(": "),
        Just(":"),
        Just("- "),
        Just("-"),
        Just("\n"),
        Just("\n  "),
        Just("\n    "),
        Just("\n- "),
        Just("  "),
        Just("# c"),
        Just("'"),
        Just("\""),
        Just("\\n"),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(", "),
        Just("|"),
        Just(">-"),
        Just("|+"),
        Just("&x "),
        Just("*x"),
        Just("!t "),
        Just("<<: "),
        Just("? "),
        Just("---\n"),
        Just("...\n"),
        Just("%"),
        Just("\t"),
        Just("\r\n"),
        Just("1"),
        Just("0x1"),
        Just("~"),
        Just("yes"),
        Just("ä"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A value that YAML can hold.
fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-z]{0,8}",
        "[ -~]{0,20}",
        "[a-zäöü\n ]{0,30}",
        Just("yes".to_owned()),
        Just("0400".to_owned()),
        Just("null".to_owned()),
        Just("- x".to_owned()),
        Just("# x".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z][a-z_ .-]{0,6}[a-z]", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        yaml::fuzz(&bytes);
    }

    #[test]
    fn what_the_quick_reader_reads_the_full_one_reads_the_same(text in yaml_like()) {
        yaml::fuzz(text.as_bytes());
        if yaml::is_plain_block_style(&text) {
            let quick = yaml::read(&text).expect("read quickly");
            match yaml::read_with_full_parser(&text) {
                Ok(full) => prop_assert_eq!(quick, full),
                // Go minds the indentation of quoted lines as little as the quick reader does.
                Err(err) if err.message.ends_with("in multiline quoted scalar") => {}
                Err(err) => prop_assert!(false, "the full reader refuses it: {err}"),
            }
        }
    }

    #[test]
    fn written_values_are_read_back(value in any_value()) {
        let text = go_compat::yaml_emit::to_yaml(&value);
        let node = yaml::read(&text).expect("YAML");
        let back: Value = de::from_node(&node).expect("a value");
        prop_assert_eq!(&back, &value, "{}", text);
        let full = yaml::read_with_full_parser(&text).expect("YAML");
        prop_assert_eq!(node, full);
    }

    #[test]
    fn serde_saphyr_reads_the_same_values(value in any_value()) {
        let text = go_compat::yaml_emit::to_yaml(&value);
        // Its reader follows YAML 1.2, so only texts that mean the same in both are compared.
        let theirs: Result<Value, _> = serde_saphyr::from_str(&text);
        if let Ok(theirs) = theirs {
            let node = yaml::read(&text).expect("YAML");
            let ours: Value = de::from_node(&node).expect("a value");
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
}
