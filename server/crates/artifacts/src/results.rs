//! The tests of a run from its JUnit files: which failed, were flaky, passed or were skipped, as
//! Spyglass's junit lens sorts them.

use std::collections::HashMap;

use crate::junit::{Case, Report};

/// How one run of a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It failed or could not run to its end.
    Failed,
    /// It passed.
    Passed,
    /// It was skipped.
    Skipped,
}

impl Outcome {
    /// How a case ended.
    pub fn of(case: &Case) -> Outcome {
        match case {
            Case { skipped: Some(_), .. } => Outcome::Skipped,
            Case { failure: Some(_), .. } | Case { error: Some(_), .. } => Outcome::Failed,
            _ => Outcome::Passed,
        }
    }
}

/// What the runs of a test come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every run that was not skipped failed.
    Failed,
    /// Some runs failed and some passed.
    Flaky,
    /// Every run that was not skipped passed.
    Passed,
    /// Every run was skipped.
    Skipped,
}

/// A test with all its runs in one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The names of its suites, joined by dots; may be empty.
    pub suite: String,
    /// Its class; may be empty.
    pub class: String,
    /// Its own name.
    pub name: String,
    /// Which file it is in: its place among those that were given.
    pub file: usize,
    /// What its runs come to.
    pub verdict: Verdict,
    /// Its runs in the order of the file.
    pub runs: Vec<Run>,
    /// The properties of its first run.
    pub properties: Vec<(String, String)>,
}

impl Test {
    /// The name of its row in a test grid, which goes by suites and name.
    pub fn row(&self) -> String {
        match (self.suite.is_empty(), self.name.is_empty()) {
            (false, false) => format!("{}.{}", self.suite, self.name),
            (false, true) => self.suite.clone(),
            _ => self.name.clone(),
        }
    }

    /// How long its runs took together, in seconds.
    pub fn seconds(&self) -> f64 {
        self.runs.iter().map(|run| run.seconds).sum()
    }
}

/// One run of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its place in the file.
    pub place: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Why it failed or was skipped; empty if it passed.
    pub text: String,
    /// What it wrote, as far as the file was read.
    pub out: String,
    /// What it wrote to its error stream, likewise.
    pub err: String,
}

/// The tests of the files, those of one file together and in its order. Cases of one suite, class and
/// name in one file are runs of one test.
///
/// A skipped run says nothing beside others: a test that was skipped once and passed once has passed.
/// Spyglass calls that skipped, and a test that was skipped, passed and failed too.
pub fn tests(reports: impl IntoIterator<Item = Report>) -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    for (file, report) in reports.into_iter().enumerate() {
        let mut known: HashMap<(String, String), usize> = HashMap::new();
        for (place, case) in report.cases.into_iter().enumerate() {
            let at = *known.entry((case.name.clone(), case.class.clone())).or_insert_with(|| {
                tests.push(Test {
                    suite: case.suite().to_owned(),
                    class: case.class.clone(),
                    name: case.test().to_owned(),
                    file,
                    verdict: Verdict::Passed,
                    runs: Vec::new(),
                    properties: case.properties.clone(),
                });
                tests.len() - 1
            });
            tests[at].runs.push(run(place, case));
        }
    }
    for test in &mut tests {
        test.verdict = verdict(&test.runs);
    }
    tests
}

fn run(place: usize, case: Case) -> Run {
    let outcome = Outcome::of(&case);
    let why = match outcome {
        Outcome::Failed => [&case.failure, &case.error],
        _ => [&case.skipped, &None],
    };
    let text = why.into_iter().flatten().map(crate::junit::Verdict::text).collect::<Vec<_>>();
    Run {
        place,
        outcome,
        seconds: case.seconds,
        text: text.join("\n"),
        out: case.system_out.unwrap_or_default(),
        err: case.system_err.unwrap_or_default(),
    }
}

fn verdict(runs: &[Run]) -> Verdict {
    let any = |outcome| runs.iter().any(|run| run.outcome == outcome);
    match (any(Outcome::Failed), any(Outcome::Passed)) {
        (true, true) => Verdict::Flaky,
        (true, false) => Verdict::Failed,
        (false, true) => Verdict::Passed,
        (false, false) => Verdict::Skipped,
    }
}

/// A command that runs a test alone on a developer's machine, where its names say which tool it is of:
/// `go test`, Ginkgo, pytest.
pub fn command(test: &Test) -> Option<String> {
    if let Some(focus) = ginkgo_focus(&test.name) {
        return Some(format!("ginkgo --focus={}", quoted(&focus)));
    }
    if test.class.starts_with("test") && test.name.starts_with("test_")
        || test.class.contains(".test_")
    {
        let path = test.class.replace('.', "/");
        return Some(format!("pytest {}", quoted(&format!("{path}.py::{}", test.name))));
    }
    let is_go = ["Test", "Example", "Fuzz", "Benchmark"].iter().any(|p| test.name.starts_with(p));
    let package = [&test.class, &test.suite].into_iter().find(|name| is_package(name));
    match (is_go, package) {
        (true, Some(package)) => {
            let pattern: Vec<String> =
                test.name.split('/').map(|part| format!("^{}$", quote_meta(part))).collect();
            let pattern = quoted(&pattern.join("/"));
            Some(format!("go test -count=1 -run {pattern} {}", quoted(package)))
        }
        _ => None,
    }
}

/// The name of a Ginkgo test begins with tags such as `[sig-node]`, or holds one.
fn ginkgo_focus(name: &str) -> Option<String> {
    let spec = name.strip_prefix("[It] ").unwrap_or(name);
    let tag = spec.starts_with("[sig-") || name.len() != spec.len();
    tag.then(|| quote_meta(spec))
}

fn is_package(name: &str) -> bool {
    let host = name.split('/').next().unwrap_or_default();
    let is_path = name.contains('/') && host.contains('.');
    is_path && name.chars().all(|c| c.is_ascii_alphanumeric() || "./-_~".contains(c))
}

/// A regular expression that matches the text alone.
fn quote_meta(text: &str) -> String {
    go_compat::GoRegex::quote_meta(text)
}

/// A word as a shell reads it, in quotes where it needs them.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "./-_:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::junit::parse;

    fn of(cases: &str) -> Vec<Test> {
        tests([parse(format!("<testsuite name='s'>{cases}</testsuite>").as_bytes()).unwrap()])
    }

    #[test]
    fn runs_of_one_name_are_one_test_and_decide_together() {
        const PASS: &str = "<testcase name='t'/>";
        const FAIL: &str = "<testcase name='t'><failure>no</failure></testcase>";
        const ERROR: &str = "<testcase name='t'><error message='gone'/></testcase>";
        const SKIP: &str = "<testcase name='t'><skipped/></testcase>";
        for (cases, expected) in [
            (vec![PASS], Verdict::Passed),
            (vec![PASS, PASS], Verdict::Passed),
            (vec![FAIL, ERROR], Verdict::Failed),
            (vec![FAIL, PASS], Verdict::Flaky),
            (vec![SKIP], Verdict::Skipped),
            (vec![SKIP, FAIL], Verdict::Failed),
            (vec![SKIP, PASS], Verdict::Passed),
            (vec![SKIP, PASS, FAIL], Verdict::Flaky),
        ] {
            let tests = of(&cases.concat());
            assert_eq!(tests.len(), 1, "{cases:?}");
            assert_eq!(
                (tests[0].verdict, tests[0].runs.len()),
                (expected, cases.len()),
                "{cases:?}"
            );
        }
    }

    #[test]
    fn tests_of_other_classes_or_files_stay_apart() {
        let file = || {
            parse(b"<testsuite><testcase name='t'/><testcase name='t' classname='c'/></testsuite>")
                .unwrap()
        };
        let tests = tests([file(), file()]);
        let places: Vec<_> = tests.iter().map(|t| (t.file, t.runs[0].place, &*t.class)).collect();
        assert_eq!(places, [(0, 0, ""), (0, 1, "c"), (1, 0, ""), (1, 1, "c")]);
    }

    #[test]
    fn a_failure_is_told_by_message_and_text_and_an_error_without_one_too() {
        let tests = of("<testcase name='a'><failure message='want 3'>got 4</failure></testcase>\
                        <testcase name='b'><error>lost</error></testcase>\
                        <testcase name='c'><skipped message='not here'/></testcase>");
        let texts: Vec<_> = tests.iter().map(|test| &*test.runs[0].text).collect();
        assert_eq!(texts, ["want 3\ngot 4", "lost", "not here"]);
        assert_eq!(tests[0].row(), "s.a");
    }

    #[test]
    fn a_test_is_run_alone_by_the_tool_that_its_names_tell() {
        let command = |suite: &str, class: &str, name: &str| {
            let mut test = of("<testcase name='x'/>").remove(0);
            (test.suite, test.class, test.name) = (suite.into(), class.into(), name.into());
            super::command(&test).unwrap_or_default()
        };
        assert_eq!(
            command("github.com/a/b", "github.com/a/b/c", "TestA/with_(dots.)"),
            r"go test -count=1 -run '^TestA$/^with_\(dots\.\)$' github.com/a/b/c"
        );
        assert_eq!(
            command("k8s.io/api", "", "TestB"),
            "go test -count=1 -run '^TestB$' k8s.io/api"
        );
        assert_eq!(
            command("e2e", "", "[sig-node] Pods can't [Slow]"),
            r"ginkgo --focus='\[sig-node\] Pods can'\''t \[Slow\]'"
        );
        assert_eq!(
            command("pytest", "tests.test_api", "test_get"),
            "pytest tests/test_api.py::test_get"
        );
        assert_eq!(command("s", "", "Overall"), "");
        assert_eq!(command("s", "evil; rm -rf /", "TestA"), "");
    }
}
