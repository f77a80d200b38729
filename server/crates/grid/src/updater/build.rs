//! The files of one build, read.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use artifacts::{Finished, Started};
use go_compat::GoRegex;
use job_spec::Pod;
use serde::Deserialize;

use crate::junit::{self, Report};

/// A file of a build as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Found {
    /// It is not there.
    #[default]
    Missing,
    /// Its content.
    Bytes(Vec<u8>),
    /// It is there but could not be read: why.
    Failed(String),
}

/// What a build left.
#[derive(Clone, Debug, Default)]
pub struct BuildFiles {
    /// The job: the last folder above the build's.
    pub job: String,
    /// The build's id: the last folder.
    pub build: String,
    /// The build's folder, for messages.
    pub path: String,
    /// `started.json`.
    pub started: Found,
    /// `finished.json`.
    pub finished: Found,
    /// `podinfo.json`.
    pub podinfo: Found,
    /// The files that are JUnit by their name, see [`SuiteName::of`]: path below the build's folder
    /// and content.
    pub suites: Vec<(String, Found)>,
}

/// What a build's files say.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// The job.
    pub job: String,
    /// The build's id.
    pub id: String,
    /// How it began.
    pub started: Started,
    /// How it ended; as good as empty while it runs.
    pub finished: Finished,
    /// The version that old runs name `repo-version` in `finished.json`.
    pub finished_repo_version: String,
    /// Its Pod.
    pub pod: Option<Pod>,
    /// The results by file.
    pub suites: Vec<Suite>,
    /// Files that are not what they should be, with the reason where there is one.
    pub malformed: Vec<String>,
}

/// The results of one file.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// The path below the build's folder.
    pub path: String,
    /// What the file's name says.
    pub name: SuiteName,
    /// The results.
    pub report: Report,
}

/// Why a build has no results at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// It began before the group's window.
    #[error("build too old; started {started} before {stop})")]
    TooOld {
        /// When it began, in seconds since the epoch.
        started: i64,
        /// Begin of the window, likewise.
        stop: i64,
    },
    /// It did not begin, as far as is known.
    #[error("Start timestamp for this job is 0.")]
    NotStarted,
    /// A file cannot be read.
    #[error("Failed to download {path}: {reason}")]
    Unreadable {
        /// The build's folder.
        path: String,
        /// Which file, and why.
        reason: String,
    },
}

/// Reads a build's files. Builds that began before `stop` (seconds since the epoch) are too old.
///
/// Files that are empty, and JUnit files that are none, are told in [`Build::malformed`].
///
/// # Errors
/// The build is too old, did not begin, or one of its documents is no JSON.
pub fn read(files: BuildFiles, stop: i64) -> Result<Build, BuildError> {
    let mut malformed = Vec::new();
    let unreadable = |reason: String| BuildError::Unreadable { path: files.path.clone(), reason };
    let pod = match content(artifacts::PODINFO_FILE, files.podinfo, &mut malformed) {
        Err(reason) => return Err(unreadable(reason)),
        Ok(None) => None,
        Ok(Some(bytes)) => {
            let info: PodInfo = serde_json::from_slice(&bytes).map_err(|error| {
                unreadable(format!("podinfo: {} is not JSON: {error}", artifacts::PODINFO_FILE))
            })?;
            info.pod
        }
    };
    let was_missing = files.started == Found::Missing;
    let started = match content(artifacts::STARTED_FILE, files.started, &mut malformed) {
        Err(reason) => return Err(unreadable(reason)),
        // An empty file is malformed, but the build goes on without it.
        Ok(None) if !was_missing => Started::default(),
        Ok(None) => return Err(BuildError::NotStarted),
        Ok(Some(bytes)) => {
            let started =
                Started::parse(&bytes).map_err(|error| unreadable(format!("started: {error}")))?;
            if started.timestamp == 0 {
                return Err(BuildError::NotStarted);
            }
            if started.timestamp < stop {
                return Err(BuildError::TooOld { started: started.timestamp, stop });
            }
            started
        }
    };
    let mut finished_repo_version = String::new();
    let finished = match content(artifacts::FINISHED_FILE, files.finished, &mut malformed) {
        Err(reason) => return Err(unreadable(reason)),
        Ok(None) => Finished::default(),
        Ok(Some(bytes)) => {
            if let Ok(old) = serde_json::from_slice::<OldFinished>(&bytes) {
                finished_repo_version = old.repo_version.unwrap_or_default();
            }
            Finished::parse(&bytes).map_err(|error| unreadable(format!("finished: {error}")))?
        }
    };
    let mut suites = Vec::with_capacity(files.suites.len());
    for (path, found) in files.suites {
        // The pattern wants a folder, which for a file right in the build's is the build's.
        let Some(name) = SuiteName::of(&format!("build/{path}")) else { continue };
        let read = match found {
            Found::Missing => continue,
            Found::Failed(reason) => Err(format!("open: {reason}")),
            Found::Bytes(bytes) => junit::parse(&bytes).map_err(|error| match error {
                junit::JunitError::TooLarge { .. } => error.to_string(),
                _ => format!("parse: {error}"),
            }),
        };
        match read {
            Ok(report) => suites.push(Suite { path, name, report }),
            Err(reason) => malformed.push(format!("{path}: {reason}")),
        }
    }
    Ok(Build {
        job: files.job,
        id: files.build,
        started,
        finished,
        finished_repo_version,
        pod,
        suites,
        malformed,
    })
}

/// The content of a document; none if it is missing or empty, which an empty one is blamed for.
fn content(
    name: &str,
    found: Found,
    malformed: &mut Vec<String>,
) -> Result<Option<Vec<u8>>, String> {
    match found {
        Found::Missing => Ok(None),
        Found::Failed(reason) => Err(format!("{}: {reason}", name.trim_end_matches(".json"))),
        Found::Bytes(bytes) if bytes.trim_ascii().is_empty() => {
            malformed.push(name.to_owned());
            Ok(None)
        }
        Found::Bytes(bytes) => Ok(Some(bytes)),
    }
}

#[derive(Deserialize)]
struct PodInfo {
    #[serde(default)]
    pod: Option<Pod>,
}

#[derive(Deserialize)]
struct OldFinished {
    #[serde(rename = "repo-version")]
    repo_version: Option<String>,
}

/// What the name of a JUnit file says: `junit_CONTEXT_TIMESTAMP_THREAD.xml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuiteName {
    /// What was tested, such as `runner`.
    pub context: String,
    /// When, such as `20180102-1256`.
    pub timestamp: String,
    /// By which thread, such as `07`.
    pub thread: String,
}

/// Which paths are JUnit files, with the parts of the name; TestGrid's pattern to the letter, with
/// the dot of `test.xml` that stands for any character.
const SUITE_PATTERN: &str = r".+/(?:junit((_[^_]+)?(_\d+-\d+)?(_\d+)?|.+)?\.xml|test.xml)$";

impl SuiteName {
    /// The parts of a path's last element, or None if it is not the path of a JUnit file. The path
    /// has at least one folder.
    pub fn of(path: &str) -> Option<SuiteName> {
        static PATTERN: OnceLock<Option<GoRegex>> = OnceLock::new();
        let pattern = PATTERN.get_or_init(|| GoRegex::new(SUITE_PATTERN).ok()).as_ref()?;
        let found = pattern.captures(path)?;
        let part = |group: usize| {
            let text = found.get(group).unwrap_or_default();
            text.strip_prefix('_').unwrap_or(text).to_owned()
        };
        let mut name = SuiteName { context: part(2), timestamp: part(3), thread: part(4) };
        if name == SuiteName::default() {
            name.context = found.get(1).unwrap_or_default().to_owned();
        }
        Some(name)
    }

    /// The parts under the names by which row names ask for them.
    pub fn fields(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("Context", self.context.clone()),
            ("Timestamp", self.timestamp.clone()),
            ("Thread", self.thread.clone()),
        ])
    }
}

/// What stands for a version that nobody named.
pub const MISSING_VERSION: &str = "missing";

/// Longest version shown, in bytes.
const MAX_VERSION: usize = 9;

impl Build {
    /// The version under test: the first that one of the documents names, without what stands
    /// before a `+`, nine bytes of it; [`MISSING_VERSION`] if there is none.
    pub fn version(&self) -> &str {
        let metadata = |key: &str| self.finished.metadata.get(key).and_then(|v| v.as_str());
        let names = [
            self.finished.job_version.as_deref(),
            self.started.job_version.as_deref(),
            self.started.repo_version.as_deref(),
            Some(self.finished_repo_version.as_str()),
            metadata("revision"),
            metadata("repo-commit"),
            metadata("job-version"),
            self.started.repo_commit.as_deref(),
        ];
        let Some(version) = names.into_iter().flatten().find(|name| !name.is_empty()) else {
            return MISSING_VERSION;
        };
        let version = version.split_once('+').map_or(version, |(_, after)| after);
        let mut end = version.len().min(MAX_VERSION);
        while !version.is_char_boundary(end) {
            end -= 1;
        }
        &version[..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_junit_file_has_three_parts() {
        let table = [
            ("a/junit.xml", Some(("", "", ""))),
            ("a/test.xml", Some(("", "", ""))),
            ("a/testxxml", Some(("", "", ""))),
            ("a/junit_01.xml", Some(("01", "", ""))),
            ("a/junit_runner.xml", Some(("runner", "", ""))),
            ("a/junit_core-os_01.xml", Some(("core-os", "", "01"))),
            ("a/junit_context_20180102-1234_5555.xml", Some(("context", "20180102-1234", "5555"))),
            ("a/junit_20180102-1234_5.xml", Some(("20180102-1234", "", "5"))),
            ("a/junit_core_os_01.xml", Some(("_core_os_01", "", ""))),
            ("a/junit-foo.xml", Some(("-foo", "", ""))),
            ("a/junit.e2e_suite.3.xml", Some((".e2e_suite.3", "", ""))),
            ("a/junit/x.xml", Some(("/x", "", ""))),
            ("a/junit_foo/bar.xml", Some(("foo/bar", "", ""))),
            ("a/e2e_junit.xml", None),
            ("a/btest.xml", None),
            ("a/JUNIT_x.xml", None),
            ("junit.xml", None),
        ];
        for (path, parts) in table {
            let expected = parts.map(|(context, timestamp, thread)| SuiteName {
                context: context.to_owned(),
                timestamp: timestamp.to_owned(),
                thread: thread.to_owned(),
            });
            assert_eq!(SuiteName::of(path), expected, "{path}");
        }
    }

    fn version(started: &str, finished: &str) -> String {
        let build = read(
            BuildFiles {
                started: Found::Bytes(format!("{{\"timestamp\":5{started}}}").into_bytes()),
                finished: Found::Bytes(format!("{{\"timestamp\":6{finished}}}").into_bytes()),
                ..BuildFiles::default()
            },
            0,
        );
        build.unwrap().version().to_owned()
    }

    #[test]
    fn the_version_is_the_first_that_is_named() {
        let table = [
            (",\"job-version\":\"s\"", ",\"job-version\":\"f\"", "f"),
            (",\"job-version\":\"job\",\"repo-version\":\"repo\"", "", "job"),
            (",\"repo-version\":\"s\"", ",\"repo-version\":\"f\"", "s"),
            ("", ",\"repo-version\":\"f\"", "f"),
            (",\"repo-commit\":\"s\"", ",\"metadata\":{\"job-version\":\"m\"}", "m"),
            ("", ",\"metadata\":{\"revision\":\"r\",\"repo-commit\":\"c\"}", "r"),
            (",\"repo-commit\":\"12345678900000000\"", "", "123456789"),
            (",\"repo-commit\":\"ignore+hello+yes\"", "", "hello+yes"),
            (",\"repo-commit\":\"deadbeef+12345678900000000\"", "", "123456789"),
            ("", "", "missing"),
        ];
        for (started, finished, expected) in table {
            assert_eq!(version(started, finished), expected, "{started} {finished}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_build_is_told() {
        let bytes = |text: &str| Found::Bytes(text.as_bytes().to_vec());
        let good = || BuildFiles {
            path: "gs://b/1/".into(),
            started: bytes("{\"timestamp\":50}"),
            ..BuildFiles::default()
        };
        let error = |files: BuildFiles, stop: i64| read(files, stop).unwrap_err().to_string();
        assert_eq!(error(good(), 60), "build too old; started 50 before 60)");
        assert_eq!(error(BuildFiles::default(), 0), "Start timestamp for this job is 0.");
        assert_eq!(
            error(BuildFiles { started: bytes("{}"), ..good() }, 0),
            "Start timestamp for this job is 0."
        );
        let cut = error(BuildFiles { finished: bytes("{\"passed\":tr"), ..good() }, 0);
        assert!(
            cut.starts_with("Failed to download gs://b/1/: finished: finished.json is not"),
            "{cut}"
        );
        let denied = error(BuildFiles { podinfo: Found::Failed("denied".into()), ..good() }, 0);
        assert_eq!(denied, "Failed to download gs://b/1/: podinfo: denied");

        let build = read(
            BuildFiles {
                started: bytes(" \n"),
                finished: bytes(""),
                podinfo: bytes(""),
                suites: vec![
                    ("artifacts/junit_1.xml".into(), bytes("<html/>")),
                    ("artifacts/junit_2.xml".into(), Found::Failed("denied".into())),
                    (
                        "artifacts/junit_3.xml".into(),
                        bytes("<testsuite><testcase name='a'/></testsuite>"),
                    ),
                    ("artifacts/other.txt".into(), bytes("x")),
                    ("junit.xml".into(), bytes("")),
                ],
                ..good()
            },
            60,
        )
        .unwrap();
        assert_eq!(build.malformed[..3], ["podinfo.json", "started.json", "finished.json"]);
        assert!(build.malformed[3].starts_with("artifacts/junit_1.xml: parse: bad element name"));
        assert_eq!(build.malformed[4], "artifacts/junit_2.xml: open: denied");
        let read: Vec<_> = build.suites.iter().map(|suite| suite.path.as_str()).collect();
        assert_eq!(read, ["artifacts/junit_3.xml", "junit.xml"]);
    }
}
