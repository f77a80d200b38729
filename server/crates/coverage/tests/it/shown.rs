//! Ratios, and the documents that are made of profiles.

use std::cmp::Ordering;

use coverage::stored::{Summary, decode_profile, encode_profile};
use coverage::table;
use coverage::{
    Column, LineState, Profile, Ratio, Reading, by_directory, common_directory, entries, lens,
    line_states, read, to_html, to_junit, uncovered,
};

fn profile(text: &str) -> Profile {
    read(text.as_bytes(), &Reading::STRICT).unwrap().profile
}

fn ratio(covered: u64, total: u64) -> Ratio {
    Ratio { covered, total }
}

#[test]
fn shares_are_compared_exactly() {
    let (less, more) = (ratio(333, 1000), ratio(3331, 10_000));
    assert_eq!((less.percent(), more.percent()), ("33.3".to_owned(), "33.3".to_owned()));
    assert_eq!(less.compare(more), Ordering::Less);
    assert_eq!(ratio(1, 2).compare(ratio(50, 100)), Ordering::Equal);
    assert_eq!(ratio(0, 0).compare(ratio(9, 10)), Ordering::Greater);
    assert_eq!(ratio(u64::MAX, u64::MAX).compare(ratio(1, 1)), Ordering::Equal);
    assert_eq!(ratio(0, 0).percent(), "100.0");
}

#[test]
fn a_directory_holds_what_lies_below_its_path() {
    let files = [
        ("main.go", ratio(1, 10)),
        ("pkg/foo/a.go", ratio(1, 2)),
        ("pkg/foo/deep/b.go", ratio(2, 2)),
        ("pkg/foobar/c.go", ratio(0, 5)),
    ];
    let all: Vec<_> = by_directory(files).into_iter().collect();
    assert_eq!(
        all,
        [
            (".", ratio(4, 19)),
            ("pkg/foo", ratio(3, 4)),
            ("pkg/foo/deep", ratio(2, 2)),
            ("pkg/foobar", ratio(0, 5)),
        ]
    );
}

#[test]
fn entries_are_directories_then_files() {
    let files = [("a/x.go", ratio(1, 2)), ("a/é/y.go", ratio(1, 1)), ("b.go", ratio(0, 1))];
    let names =
        |below| entries(files, below).into_iter().map(|(entry, _)| entry.name).collect::<Vec<_>>();
    assert_eq!(names(""), ["a/", "b.go"]);
    assert_eq!(names("a/"), ["é/", "x.go"]);
    assert_eq!(entries(files, "")[0].1, ratio(2, 3));
    assert_eq!(common_directory(["a/b/c.go", "a/b/d/e.go"]), "a/b/");
    assert_eq!(common_directory(["a/bc/c.go", "a/bd/e.go"]), "a/");
    assert_eq!(common_directory(["x.go", "a/bd/e.go"]), "");
}

#[test]
fn junit_has_the_whole_the_files_and_the_directories() {
    let profile = profile("mode: set\np/a&b.go:1.1,2.2 105 1\np/a&b.go:3.1,4.2 2018 0\n");
    let case = |name: &str| {
        format!(
            "    <testcase classname=\"go_coverage\" name=\"{name}\" time=\"0\">\n        \
             <failure>code coverage of 5% is below threshold of 80%</failure>\n        \
             <properties>\n            <property name=\"coverage\" value=\"4.9\"></property>\n        \
             </properties>\n    </testcase>\n"
        )
    };
    let cases = ["OVERALL", "p/a&amp;b.go", "p"].map(case).concat();
    assert_eq!(to_junit(&profile, 0.8), format!("<testsuite>\n{cases}</testsuite>"));
    assert!(!to_junit(&profile, 0.0).contains("failure"));
}

#[test]
fn the_robots_table_has_changed_files_new_files_and_then_files_that_are_gone() {
    let base = [
        ("a", ratio(10, 100)),
        ("a2", ratio(12, 100)),
        ("c", ratio(20, 100)),
        ("d", ratio(30, 100)),
    ];
    let new =
        [("a", ratio(5, 100)), ("b", ratio(10, 100)), ("c", ratio(20, 100)), ("d", ratio(40, 100))];
    let rows: Vec<_> = table::changes(base, new)
        .into_iter()
        .map(|c| format!("{} | {} | {} | {}", c.file, c.old_text(), c.new_text(), c.delta_text()))
        .collect();
    assert_eq!(
        rows,
        [
            "a | 10.0% | 5.0% | -5.0",
            "b | Does not exist | 10.0% | ",
            "d | 30.0% | 40.0% | 10.0",
            "a2 | 12.0% | Does not exist | ",
        ]
    );
}

#[test]
fn the_robots_document_says_whether_a_changed_file_is_low() {
    let base = profile("mode: set\na.go:1.1,2.2 1 1\na.go:3.1,4.2 1 0\n");
    let new = profile("mode: set\na.go:1.1,2.2 1 1\na.go:3.1,4.2 1 1\n");
    let post = table::post(&base, &new, "pull-cov", 0.8);
    assert_eq!(
        post.document(),
        "isCoverageLow = false\nPost content:\nThe following is the code coverage report\nSay \
         `/test pull-cov` to re-run this coverage report\n\nFile | Old Coverage | New Coverage | \
         Delta\n---- |:------------:|:------------:|:-----:\na.go | 50.0% | 100.0% | 50.0\n"
    );
    assert!(table::post(&new, &base, "pull-cov", 0.8).is_low);
    let same = table::post(&new, &new, "pull-cov", 0.8);
    assert_eq!(same.document(), "isCoverageLow = false\nPost content:\n");
}

#[test]
fn the_page_has_a_section_for_each_directory_and_arrows_against_the_column_to_the_right() {
    let new =
        profile("mode: set\np/a<b>.go:1.1,2.2 1 1\np/a<b>.go:3.1,4.2 1 0\nq/c.go:1.1,2.2 1 1\n");
    let old = profile("mode: set\np/a<b>.go:1.1,2.2 1 1\np/a<b>.go:3.1,4.2 1 1\n");
    let columns =
        [Column { path: "x/master.cov", profile: &new }, Column { path: "1.12", profile: &old }];
    let page = to_html(&columns);
    assert!(page.contains("<th scope=\"col\">master</th><th scope=\"col\">1</th>"), "{page}");
    assert!(page.contains("<section id=\"p/\">"));
    assert!(page.contains("<i>▼</i>50.0%</td>"));
    // A column without the file is an empty cell, and nothing is compared with it.
    assert!(page.contains("title=\"1 of 1 statements\">100.0%</td><td></td>"));
    assert!(page.contains("a&lt;b&gt;.go") && !page.contains("a<b>"));
    assert!(page.contains("lines not covered: 3–4"));
    for outside in ["http://", "https://", "<script", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_line_ran_partly_if_not_all_blocks_on_it_ran() {
    let profile = profile(
        "mode: count\na.go:1.1,3.2 1 4\na.go:3.2,4.1 1 0\na.go:6.1,6.9 1 0\na.go:8.1,8.2 0 0\n",
    );
    let states = line_states(&profile.files[0]);
    let (ran, none) = (LineState::Ran(4), LineState::None);
    let partly = LineState::Partly(4);
    assert_eq!(states, [ran, ran, partly, none, none, LineState::Missed, none, none]);
    let ranges: Vec<_> = uncovered(&states).iter().map(|r| (r.first, r.last)).collect();
    assert_eq!(ranges, [(3, 6)]);
}

#[test]
fn a_lens_shows_totals_and_the_lines_of_the_first_files() {
    let text = "mode: set\na.go:1.1,2.2 2 1\nb.go:1.1,2.2 1 0\nbroken\n";
    let lens = lens(text.as_bytes(), 1).unwrap();
    assert_eq!((lens.total, lens.files_covered), (ratio(2, 3), ratio(1, 2)));
    assert_eq!(lens.files.len(), 1);
    assert_eq!(lens.files[0].lines, [LineState::Ran(1), LineState::Ran(1)]);
    assert_eq!(lens.notes.first[0].line, 4);
}

#[test]
fn what_is_stored_is_read_again() {
    let profile = profile(
        "mode: atomic\na/a.go:10.1,2.2 2 9223372036854775807\na/ä.go:1.1,2.2 1 0\nb:7.7,7.7 0 1\n",
    );
    assert_eq!(decode_profile(&encode_profile(&profile), None).unwrap(), profile);
    let one = decode_profile(&encode_profile(&profile), Some("b")).unwrap();
    assert_eq!(one.files, [profile.file("b").unwrap().clone()]);
    let summary = Summary::of(&profile);
    assert_eq!(Summary::decode(&summary.encode()).unwrap(), summary);
    assert_eq!(summary.ratio(), profile.ratio());
    for bad in [&b""[..], b"nonsense", &encode_profile(&profile)[..10]] {
        assert!(decode_profile(bad, None).is_err());
        assert!(Summary::decode(bad).is_err());
    }
}
