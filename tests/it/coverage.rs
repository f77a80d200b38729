//! `bowsprit coverage`: gopherage's commands and the coverage robot's, from the outside.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::program::EXE;

const ONE: &str = "mode: count\na/b.go:1.1,2.2 1 2\na/b.go:3.1,4.2 2 0\n";
const TWO: &str = "mode: count\na/b.go:1.1,2.2 1 3\na/b.go:3.1,4.2 2 1\nz_gen.go:1.1,2.2 1 0\n";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("one.cov", ONE), ("two.cov", TWO)] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn coverage(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(EXE);
    command.arg("coverage").args(args).current_dir(folder).stdin(Stdio::null());
    command.env_remove("REPO_OWNER").output().expect("the program")
}

fn said(folder: &Path, args: &[&str]) -> String {
    let output = coverage(folder, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The exit code and what was said of a command that fails; it writes nothing to standard output.
fn failed(folder: &Path, args: &[&str]) -> (i32, String) {
    let output = coverage(folder, args);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{args:?}");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn profiles_are_merged_counted_subtracted_and_filtered() {
    let folder = folder();
    let merged = "mode: count\na/b.go:1.1,2.2 1 5\na/b.go:3.1,4.2 2 1\nz_gen.go:1.1,2.2 1 0\n";
    assert_eq!(said(folder.path(), &["merge", "one.cov", "two.cov"]), merged);
    assert_eq!(said(folder.path(), &["merge", "-o", "all.cov", "one.cov", "two.cov"]), "");
    assert_eq!(fs::read_to_string(folder.path().join("all.cov")).expect("a file"), merged);
    let counted = merged.replace(" 5\n", " 2\n");
    assert_eq!(said(folder.path(), &["aggregate", "one.cov", "two.cov"]), counted);
    let filtered = said(
        folder.path(),
        &["filter", "--exclude-path", "no,_gen", "--include-path", "go$", "two.cov"],
    );
    assert_eq!(filtered, TWO.replace("z_gen.go:1.1,2.2 1 0\n", ""));
    fs::write(folder.path().join("after.cov"), &filtered).expect("a file");
    let between = "mode: count\na/b.go:1.1,2.2 1 1\na/b.go:3.1,4.2 2 1\n";
    assert_eq!(said(folder.path(), &["diff", "one.cov", "after.cov"]), between);
}

#[test]
fn a_dash_is_standard_input() {
    let mut child = Command::new(EXE)
        .args(["coverage", "merge", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    child.stdin.take().expect("its input").write_all(ONE.as_bytes()).expect("its input");
    let output = child.wait_with_output().expect("its end");
    assert_eq!(String::from_utf8_lossy(&output.stdout), ONE);
}

#[test]
fn a_wrong_call_ends_with_2_and_a_failure_with_1_and_its_place() {
    let folder = folder();
    for args in [&["merge"][..], &["diff", "one.cov"], &["junit"], &["html"], &["metadata"]] {
        assert_eq!(failed(folder.path(), args).0, 2, "{args:?}");
    }
    assert_eq!(failed(folder.path(), &["junit", "-t", "1.5", "one.cov"]).0, 2);
    fs::write(folder.path().join("bad.cov"), format!("{ONE}\n")).expect("a file");
    for (args, words) in [
        (&["merge", "one.cov", "bad.cov"][..], "bad.cov: line 4"),
        (&["junit", "none.cov"], "could not read none.cov"),
        (&["diff", "one.cov", "two.cov"], "z_gen.go is only in the profile after"),
        (&["filter", "--include-path", "(", "one.cov"], "`(` is no regular expression"),
        (&["filter", "--include-path", "nothing", "one.cov"], "the profile is empty"),
        (&["metadata", "inc", "--changelist_num", "1", "-p", "x"], "--patchset_num is required"),
        (&["metadata", "abs", "-c", "1", "-r", "main"], "REPO_OWNER"),
    ] {
        let (code, text) = failed(folder.path(), args);
        assert!(code == 1 && text.contains(words), "{args:?}: {code}, {text}");
    }
    let output = coverage(folder.path(), &["merge", "--tolerant", "bad.cov"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), ONE);
}

#[test]
fn documents_are_made_of_profiles() {
    let folder = folder();
    let junit = said(folder.path(), &["junit", "-t", ".5", "two.cov"]);
    assert!(
        junit.starts_with("<testsuite>\n    <testcase classname=\"go_coverage\" name=\"OVERALL\"")
    );
    assert!(junit.contains("value=\"75.0\""), "{junit}");
    let page = said(folder.path(), &["html", "two.cov", "one.cov"]);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("▲"), "{page}");
    let metadata = said(
        folder.path(),
        &["metadata", "abs", "-p", "k8s", "-c", "1a", "-r", "main", "--replace_root", "r<"],
    );
    assert_eq!(
        metadata,
        "{\"host\":\"\",\"project\":\"k8s\",\"workspace_root\":\"\",\"trace_type\":\"COV\",\
         \"commit_id\":\"1a\",\"ref\":\"main\",\"source\":\"\",\"git_project\":\"r\\u003c\"}"
    );
    let table = said(folder.path(), &["table", "one.cov", "two.cov", "-j", "pull-cov", "-t", ".5"]);
    assert!(table.starts_with("isCoverageLow = true\nPost content:\n"), "{table}");
    assert!(table.contains("a/b.go | 33.3% | 100.0% | 66.7\n"), "{table}");
    assert!(table.contains("z_gen.go | Does not exist | 0.0% | \n"), "{table}");
}

#[test]
fn the_profile_of_the_newest_run_that_passed_is_fetched() {
    let folder = folder();
    let put = |path: &str, text: &str| {
        let path = folder.path().join("bucket/logs/ci-unit").join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    put("9/finished.json", r#"{"timestamp": 1, "passed": true}"#);
    put("9/artifacts/coverage-profile", ONE);
    put("10/finished.json", r#"{"timestamp": 2, "passed": true}"#);
    put("10/artifacts/coverage-profile", TWO);
    put("11/finished.json", r#"{"timestamp": 3, "passed": true}"#);
    put("12/finished.json", r#"{"timestamp": 4, "passed": false}"#);
    put("12/artifacts/coverage-profile", ONE);
    put("13/finished.json", "not JSON");
    put("latest/finished.json", r#"{"passed": true}"#);
    let bucket = "--local-bucket=results=bucket";
    let fetch = ["download", "results", "ci-unit", bucket, "-o", "base.cov"];
    assert_eq!(said(folder.path(), &fetch), "");
    assert_eq!(fs::read_to_string(folder.path().join("base.cov")).expect("a file"), TWO);
    let (code, text) = failed(folder.path(), &["download", "results", "nothing", bucket]);
    assert!(code == 1 && text.contains("no healthy build found"), "{text}");
}
