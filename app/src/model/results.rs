//! The tests of one run.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{GridCell, RunRefs, encode, segment};

/// What the runs of a test come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every run that was not skipped failed.
    Failed,
    /// Some runs failed and some passed.
    Flaky,
    /// Every run that was not skipped passed.
    #[default]
    Passed,
    /// Every run was skipped.
    Skipped,
}

impl Verdict {
    /// All of them, the most urgent first.
    pub const ALL: [Verdict; 4] = [Self::Failed, Self::Flaky, Self::Passed, Self::Skipped];

    /// The word for it, in addresses too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Flaky => "flaky",
            Self::Passed => "passed",
            Self::Skipped => "skipped",
        }
    }

    /// The run state whose shape and hue stand for it.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Failed => "failure",
            Self::Flaky => "flaky",
            Self::Passed => "success",
            Self::Skipped => "aborted",
        }
    }
}

/// One run of a test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRun {
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Why it failed or was skipped, cut where it is very long.
    pub text: String,
    /// Bytes of the text that were left out.
    pub cut: u64,
    /// Where the whole text is, if some was left out.
    pub href: String,
    /// Where its output is; empty if it wrote none.
    pub out: String,
    /// Where its error output is, likewise.
    pub err: String,
}

/// A test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// Its own name.
    pub name: String,
    /// Its class or its suites; may be empty.
    pub group: String,
    /// What its runs come to.
    pub verdict: Verdict,
    /// How long its runs took together, in milliseconds.
    pub ms: u64,
    /// Its page over all tabs of the test grid; empty if no tab has it.
    pub href: String,
    /// Its runs; of those that passed at once, none.
    pub runs: Vec<ResultRun>,
    /// The command that runs it alone; empty if its names do not tell the tool.
    pub command: String,
    /// The Pod that its failure is about, where the run left logs of nodes; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pod: String,
    /// What these logs say of the Pod, likewise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub node_log: String,
    /// Its last results, newest first, if the test grid knows it.
    pub history: Vec<GridCell>,
    /// The page of a tab of the test grid with it alone; empty if no tab shows it.
    pub tab: String,
}

/// Tests that are configured to be shown apart from the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestsGroup {
    /// What people read.
    pub name: String,
    /// Its number in addresses, from 1.
    pub number: u64,
    /// How many tests of each verdict it has, as [`Verdict::ALL`].
    pub counts: [u64; 4],
    /// Whether it is folded at first.
    pub collapsed: bool,
    /// Whether its tests are those that are shown.
    pub current: bool,
    /// Those of its tests that failed or were flaky, the first of many, where those of no group are
    /// shown.
    pub tests: Vec<TestResult>,
}

/// The tests of a run, those that are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTests {
    /// How many there are of each verdict, as [`Verdict::ALL`]; those of other groups left out.
    pub counts: [u64; 4],
    /// How many the run has of each verdict, in groups or not.
    pub all: [u64; 4],
    /// The groups that have tests, those of the job's configuration.
    pub groups: Vec<TestsGroup>,
    /// How many of each match what is searched for.
    pub matching: [u64; 4],
    /// How long all of them took, in milliseconds.
    pub ms: u64,
    /// What is searched for; empty if nothing.
    pub query: String,
    /// The row of the test grid whose test alone is shown; empty for all tests.
    pub row: String,
    /// Whether the slowest stand first.
    pub slowest: bool,
    /// Which verdicts are shown whole, though they are many.
    pub whole: Option<Verdict>,
    /// Which page of them, from 1.
    pub page: u64,
    /// How many pages there are.
    pub pages: u64,
    /// The tests, by verdict; the first of many.
    pub tests: Vec<TestResult>,
    /// Files that have them.
    pub files: u64,
    /// What could not be read, a sentence each.
    pub problems: Vec<String>,
}

impl RunTests {
    /// How many tests the run has, in groups or not.
    pub fn total(&self) -> u64 {
        self.all.iter().sum()
    }

    /// How many of them have this verdict.
    pub fn of(&self, verdict: Verdict) -> u64 {
        self.all[verdict as usize]
    }
}

/// Source code at the commit that a run tests, for texts that name lines of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    org: String,
    repo: String,
    /// Its files at the code host, without a slash at the end.
    base: String,
}

impl Source {
    /// What a run tests, if the code host shows it: not where several pull requests were merged, since
    /// nobody has that commit.
    pub fn of(refs: &RunRefs) -> Option<Source> {
        let sha = match refs.pulls.as_slice() {
            [] => &refs.base_sha,
            [pull] => &pull.sha,
            _ => return None,
        };
        let is_page = ["https://", "http://"].iter().any(|start| refs.repo_link.starts_with(start));
        let known =
            is_page && !refs.org.contains("://") && !refs.repo.is_empty() && !sha.is_empty();
        known.then(|| Source {
            org: refs.org.clone(),
            repo: refs.repo.clone(),
            base: format!("{}/blob/{}", refs.repo_link, segment(sha)),
        })
    }

    /// The places in a text that name a line of the source, as stack traces of Go do, and the pages of
    /// these lines: `/go/src/k8s.io/kubernetes/test/a.go:12 +0x1a`.
    pub fn places(&self, text: &str) -> Vec<(Range<usize>, String)> {
        let (whole, repo) = (format!("/{}/{}/", self.org, self.repo), format!("/{}/", self.repo));
        let mut at = 0;
        let lines = text.split_inclusive('\n').map(|line| {
            at += line.len();
            (at - line.len(), line)
        });
        let place = |(at, line): (usize, &str)| {
            let start = at + line.len() - line.trim_start().len();
            let line = line.trim();
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let is_trace = word.starts_with('/') && (rest.is_empty() || rest.starts_with("+0x"));
            // The repository may have a folder of its own name.
            let in_repo = match word.find(&whole) {
                Some(found) => found + whole.len() - repo.len(),
                None => word.rfind(&repo)?,
            };
            let (path, number) = word[in_repo + repo.len()..].rsplit_once(':')?;
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let is_path =
                !path.is_empty() && path.split('/').all(|step| !matches!(step, "" | ".." | "."));
            let href = format!("{}/{}#L{number}", self.base, encode(path));
            (is_trace && is_number && is_path)
                .then_some((start + in_repo + 1..start + word.len(), href))
        };
        lines.filter_map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::PullRef;
    use super::*;

    #[test]
    fn lines_of_a_stack_trace_lead_to_the_source_that_was_tested() {
        let mut refs = RunRefs {
            org: "kubernetes".to_owned(),
            repo: "kubernetes".to_owned(),
            repo_link: "https://github.com/kubernetes/kubernetes".to_owned(),
            base_sha: "VERSION".to_owned(),
            ..RunRefs::default()
        };
        let source = Source::of(&refs).unwrap();
        let blob = "https://github.com/kubernetes/kubernetes/blob/VERSION";
        for (text, named, path) in [
            (
                "/go/src/k8s.io/kubernetes/test/example.go:123",
                "kubernetes/test/example.go:123",
                "test/example.go#L123",
            ),
            (
                "panic\n\t/go/src/k8s.io/kubernetes/pkg/a.go:10 +0x1a\nend",
                "kubernetes/pkg/a.go:10",
                "pkg/a.go#L10",
            ),
            (
                "  /x/github.com/kubernetes/kubernetes/kubernetes/b.go:7",
                "kubernetes/kubernetes/b.go:7",
                "kubernetes/b.go#L7",
            ),
            ("/a/kubernetes/ä\"<.go:1", "kubernetes/ä\"<.go:1", "%C3%A4%22%3C.go#L1"),
        ] {
            let places = source.places(text);
            assert_eq!(places.len(), 1, "{text}");
            assert_eq!(
                (&text[places[0].0.clone()], places[0].1.as_str()),
                (named, &*format!("{blob}/{path}"))
            );
        }
        for text in [
            "",
            "at /go/src/k8s.io/kubernetes/a.go:1",
            "/go/src/k8s.io/kubernetes/a.go:1 and more",
            "/go/src/k8s.io/kubernetes/a.go",
            "/go/src/k8s.io/kubernetes/../../x.go:1",
            "/go/src/k8s.io/other/a.go:1",
            "kubernetes/a.go:1",
        ] {
            assert!(source.places(text).is_empty(), "{text}");
        }
        refs.pulls = vec![PullRef { sha: "HEAD".to_owned(), ..PullRef::default() }];
        assert!(Source::of(&refs).unwrap().base.ends_with("/blob/HEAD"));
        refs.pulls.push(PullRef::default());
        assert_eq!(Source::of(&refs), None, "a batch is no commit");
        assert_eq!(Source::of(&RunRefs::default()), None);
    }
}
