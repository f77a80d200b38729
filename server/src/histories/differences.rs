//! What differs between two runs: what they were given, their tests, their logs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use app::model::{ComparedTest, ComparedTests, DiffLine, Difference, LogDiff, LogLine, TestChange};
use artifacts::results::{Test, Verdict};
use regex::Regex;
use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Bytes of a value or a line that are shown.
const SHOWN_BYTES: usize = 1_000;
/// Tests of one change that are shown.
const SHOWN_TESTS: usize = 100;
/// A duration changed much if it did by more than this, in milliseconds …
const MUCH_MS: u64 = 1_000;
/// … and by more than this share of the shorter one, in percent.
const MUCH_PERCENT: u64 = 50;
/// Lines that are in both and are shown around a difference.
const CONTEXT: usize = 5;

/// Fields of a ProwJob's specification that are no parameters: the code under test, which stands
/// elsewhere on the page.
const NOT_COMPARED: [&str; 1] = ["refs"];

/// What stands in a log for the moment or the machine and not for what happened.
static PASSING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let patterns = [
        r"\b\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?",
        r"\b[IWEF]\d{4} \d{2}:\d{2}:\d{2}\.\d+\s+\d+\b",
        r"\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?\b",
        r"\b\d+(?:\.\d+)?(?:ns|µs|us|ms|s|m|h)(?:\d+(?:\.\d+)?(?:m|s))*\b",
        r"\b0x[0-9a-fA-F]+\b",
        r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
        r"\b[0-9a-f]{12,}\b",
        r"\b\d{8,}\b",
        r"/tmp/[^\s:]+",
    ];
    // The patterns are constants, which a test tries.
    Regex::new(&patterns.join("|")).ok()
});

/// What two ProwJob specifications have in common is left out; the rest by name.
pub fn parameters(old: &Value, new: &Value) -> Vec<Difference> {
    let (old, new) = (flattened(old), flattened(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differ = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    let shown = |value: Option<&String>| value.map(|value| cut(value).to_owned());
    differ
        .map(|name| Difference {
            name: name.clone(),
            old: shown(old.get(name)),
            new: shown(new.get(name)),
        })
        .collect()
}

/// The leaves of a specification by path. Entries of a list that have names go by them, so that an
/// added one does not move the others; lists of texts are one value.
fn flattened(spec: &Value) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    let fields = spec.as_object().into_iter().flatten();
    for (name, value) in fields.filter(|(name, _)| !NOT_COMPARED.contains(&name.as_str())) {
        let name = if name == "pod_spec" { "" } else { name };
        flatten(name, value, &mut leaves);
    }
    leaves
}

fn flatten(path: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    let below = |name: &str| match (path, name) {
        ("", name) => name.to_owned(),
        (path, name) => format!("{path}.{name}"),
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                // The value of a variable is the variable.
                let path = if name == "value" { path.to_owned() } else { below(name) };
                if name != "name" {
                    flatten(&path, value, leaves);
                }
            }
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let words = items.iter().filter_map(Value::as_str).map(word).collect::<Vec<_>>();
            leaves.insert(path.to_owned(), words.join(" "));
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let name = item["name"].as_str().or(item["mountPath"].as_str()).map(str::to_owned);
                let repo = || {
                    let (org, repo) = (item["org"].as_str()?, item["repo"].as_str()?);
                    Some(format!("{org}/{repo}"))
                };
                let name = name.or_else(repo).unwrap_or_else(|| at.to_string());
                flatten(&below(&name), item, leaves);
            }
        }
        Value::String(text) => drop(leaves.insert(path.to_owned(), text.clone())),
        other => drop(leaves.insert(path.to_owned(), other.to_string())),
    }
}

/// A word of a command line; quoted where it would be read as several or none.
fn word(text: &str) -> String {
    let is_plain =
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "'\"".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The beginning of a text that may be very long.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(SHOWN_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// How the tests of two runs differ. A test is known by its class, its suites and its name.
pub fn tests(old: &[Test], new: &[Test]) -> ComparedTests {
    let (olds, news) = (known(old), known(new));
    let mut found: [Vec<ComparedTest>; 4] = Default::default();
    for (name, test) in &news {
        let before = olds.get(name).copied();
        let Some(change) = change(before, test) else { continue };
        found[change as usize].push(ComparedTest {
            name: test.row(),
            change,
            old_ms: before.and_then(took_ms),
            new_ms: took_ms(test),
        });
    }
    let mut compared = ComparedTests {
        old_total: old.len() as u64,
        new_total: new.len() as u64,
        gone: olds.keys().filter(|name| !news.contains_key(*name)).count() as u64,
        added: news.keys().filter(|name| !olds.contains_key(*name)).count() as u64,
        ..ComparedTests::default()
    };
    for (at, mut tests) in found.into_iter().enumerate() {
        compared.counts[at] = tests.len() as u64;
        // Durations by how much they changed, the rest by name.
        let moved = |test: &ComparedTest| match test.change {
            TestChange::Slower => test.old_ms.unwrap_or(0).abs_diff(test.new_ms.unwrap_or(0)),
            _ => 0,
        };
        tests.sort_by(|a, b| moved(b).cmp(&moved(a)).then_with(|| a.name.cmp(&b.name)));
        tests.truncate(SHOWN_TESTS);
        compared.tests.extend(tests);
    }
    compared
}

fn known(tests: &[Test]) -> HashMap<(&str, String), &Test> {
    tests.iter().map(|test| ((test.class.as_str(), test.row()), test)).collect()
}

/// How a test changed; nothing where that needs no word. One that is flaky has not failed.
fn change(old: Option<&Test>, new: &Test) -> Option<TestChange> {
    let failed = |test: &Test| test.verdict == Verdict::Failed;
    let passed = |test: &Test| matches!(test.verdict, Verdict::Passed | Verdict::Flaky);
    match (old, new) {
        (Some(old), new) if failed(old) && failed(new) => Some(TestChange::Still),
        (_, new) if failed(new) => Some(TestChange::Broken),
        (Some(old), new) if failed(old) && passed(new) => Some(TestChange::Fixed),
        (Some(old), new) if passed(old) && passed(new) => {
            let (old, new) = (took_ms(old)?, took_ms(new)?);
            let by = old.abs_diff(new);
            let is_much = by > MUCH_MS && by * 100 > old.min(new) * MUCH_PERCENT;
            is_much.then_some(TestChange::Slower)
        }
        _ => None,
    }
}

/// How long a test took, in milliseconds, if it ran.
fn took_ms(test: &Test) -> Option<u64> {
    // The cast saturates.
    let ms = (test.seconds().max(0.0) * 1_000.0).round() as u64;
    (test.verdict != Verdict::Skipped).then_some(ms)
}

/// How two parts of logs differ, line by line; times, ids and the like count as the same. What only
/// the wider part has before and behind all that they have in common is left out: it was taken along
/// to find the other's place. `wider` is the old one (`true`), the new one (`false`) or neither.
pub fn log(old: &[LogLine], new: &[LogLine], wider: Option<bool>) -> LogDiff {
    let plain =
        |line: &LogLine| -> String { line.spans.iter().map(|span| span.text.as_str()).collect() };
    let (olds, news): (Vec<String>, Vec<String>) =
        (old.iter().map(plain).collect(), new.iter().map(plain).collect());
    let masked = |lines: &[String]| lines.iter().map(|line| mask(line)).collect::<Vec<_>>();
    let ops = capture_diff_slices(Algorithm::Myers, &masked(&olds), &masked(&news));
    let is_same = |op: &DiffOp| matches!(op, DiffOp::Equal { .. });
    let (first, last) = (ops.iter().position(is_same), ops.iter().rposition(is_same));
    let mut diff = LogDiff::default();
    let mut rows: Vec<(bool, DiffLine)> = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        let is_outside =
            first.is_some_and(|first| at < first) || last.is_some_and(|last| at > last);
        let (old_range, new_range) = (op.old_range(), op.new_range());
        if is_same(op) {
            diff.same += old_range.len() as u64;
            rows.extend(old_range.zip(new_range).map(|(a, b)| {
                (
                    true,
                    DiffLine {
                        old: Some(old[a].n),
                        new: Some(new[b].n),
                        text: cut(&news[b]).to_owned(),
                    },
                )
            }));
            continue;
        }
        if !(is_outside && wider == Some(true)) {
            rows.extend(old_range.map(|a| {
                (false, DiffLine { old: Some(old[a].n), new: None, text: cut(&olds[a]).to_owned() })
            }));
        }
        if !(is_outside && wider == Some(false)) {
            rows.extend(new_range.map(|b| {
                (false, DiffLine { old: None, new: Some(new[b].n), text: cut(&news[b]).to_owned() })
            }));
        }
    }
    let differences: Vec<usize> =
        rows.iter().enumerate().filter(|(_, (same, _))| !same).map(|(at, _)| at).collect();
    let is_near = |at: usize| {
        let next = differences.partition_point(|difference| *difference < at);
        let near = |place: Option<&usize>| place.is_some_and(|place| place.abs_diff(at) <= CONTEXT);
        near(differences.get(next))
            || near(next.checked_sub(1).and_then(|last| differences.get(last)))
    };
    let shown = rows.into_iter().enumerate().filter(|(at, _)| is_near(*at));
    diff.lines = shown.map(|(_, (_, line))| line).collect();
    diff
}

fn mask(line: &str) -> String {
    match &*PASSING {
        Some(passing) => passing.replace_all(line, "·").into_owned(),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use app::model::LogSpan;
    use artifacts::{junit, results};
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_go_by_name_and_only_what_differs_is_told() {
        let old = json!({
            "job": "unit", "refs": {"base_sha": "a"},
            "pod_spec": {"containers": [{
                "name": "test", "image": "golang:1.24", "args": ["test", "./..."],
                "env": [{"name": "A", "value": "1"}, {"name": "GOFLAGS", "value": "-v"}],
            }]},
        });
        let new = json!({
            "job": "unit", "refs": {"base_sha": "b"}, "cluster": "build",
            "pod_spec": {"containers": [{
                "name": "test", "image": "golang:1.25", "args": ["test", "./...", "-run=a b"],
                "env": [{"name": "GOFLAGS", "value": "-v"}, {"name": "A", "value": "2"}],
            }]},
        });
        let found = parameters(&old, &new);
        let told: Vec<(&str, Option<&str>, Option<&str>)> = found
            .iter()
            .map(|found| (found.name.as_str(), found.old.as_deref(), found.new.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("cluster", None, Some("build")),
                ("containers.test.args", Some("test ./..."), Some("test ./... '-run=a b'")),
                ("containers.test.env.A", Some("1"), Some("2")),
                ("containers.test.image", Some("golang:1.24"), Some("golang:1.25")),
            ]
        );
        assert!(parameters(&old, &old).is_empty());
    }

    fn junit(cases: &str) -> Vec<Test> {
        let text = format!("<testsuite name='s'>{cases}</testsuite>");
        results::tests([junit::parse(text.as_bytes()).unwrap()])
    }

    #[test]
    fn tests_are_told_by_what_changed() {
        const FAIL: &str = "<failure>no</failure>";
        let case = |name: &str, time: f64, inner: &str| {
            format!("<testcase name='{name}' time='{time}'>{inner}</testcase>")
        };
        let old = [
            case("broken", 1.0, ""),
            case("fixed", 1.0, FAIL),
            case("still", 1.0, FAIL),
            case("slower", 1.0, ""),
            case("faster", 9.0, ""),
            case("a-little-slower", 10.0, ""),
            case("short", 0.01, ""),
            case("gone", 1.0, FAIL),
            case("skipped", 1.0, FAIL),
        ];
        let new = [
            case("broken", 1.0, FAIL),
            case("fixed", 1.0, ""),
            case("still", 1.0, FAIL),
            case("slower", 4.0, ""),
            case("faster", 2.0, ""),
            case("a-little-slower", 13.0, ""),
            case("short", 0.1, ""),
            case("added", 1.0, FAIL),
            case("skipped", 1.0, "<skipped/>"),
        ];
        let found = tests(&junit(&old.concat()), &junit(&new.concat()));
        assert_eq!(found.counts, [2, 1, 1, 2]);
        let names: Vec<&str> = found.tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names, ["s.added", "s.broken", "s.fixed", "s.still", "s.faster", "s.slower"]);
        assert_eq!((found.gone, found.added), (1, 1));
        assert_eq!((found.tests[0].old_ms, found.tests[0].new_ms), (None, Some(1_000)));
    }

    fn lines(first: u64, texts: &[&str]) -> Vec<LogLine> {
        let line = |(at, text): (usize, &&str)| LogLine {
            n: first + at as u64,
            spans: vec![LogSpan { text: (*text).to_owned(), class: String::new() }],
            ..LogLine::default()
        };
        texts.iter().enumerate().map(line).collect()
    }

    fn text(diff: &LogDiff) -> Vec<String> {
        let sign = |line: &DiffLine| match (line.old, line.new) {
            (Some(_), None) => '-',
            (None, Some(_)) => '+',
            _ => ' ',
        };
        diff.lines.iter().map(|line| format!("{}{}", sign(line), line.text)).collect()
    }

    #[test]
    fn a_log_differs_by_what_happened_and_not_by_when() {
        let old = lines(
            1,
            &["I1121 10:00:00.123456   7 a.go:1] start", "ok a (0.01s)", "expected 3", "end"],
        );
        let new = lines(
            1,
            &["I1122 11:00:00.654321  19 a.go:1] start", "ok a (0.25s)", "expected 4", "end"],
        );
        let diff = log(&old, &new, None);
        assert_eq!(diff.same, 3);
        assert_eq!(
            text(&diff),
            [
                " I1122 11:00:00.654321  19 a.go:1] start",
                " ok a (0.25s)",
                "-expected 3",
                "+expected 4",
                " end"
            ]
        );
        assert_eq!((diff.lines[3].old, diff.lines[3].new), (None, Some(3)));
        assert!(log(&old, &old, None).lines.is_empty(), "nothing differs");
    }

    #[test]
    fn what_stands_far_from_a_difference_or_around_the_part_is_left_out() {
        let many: Vec<String> = (0..30).map(|n| format!("line {n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let mut changed = many.clone();
        changed[15] = "other";
        let diff = log(&lines(1, &many), &lines(1, &changed), None);
        assert_eq!(diff.lines.len(), 2 + 2 * CONTEXT);
        assert_eq!(diff.lines[0].old, Some(11));
        let part = log(&lines(1, &many), &lines(11, &many[10..20]), Some(true));
        assert!(part.lines.is_empty() && part.same == 10, "{part:?}");
        assert_eq!(log(&lines(1, &many), &lines(11, &many[10..20]), None).lines.len(), 30);
    }
}
