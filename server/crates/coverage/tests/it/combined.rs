//! Merging, counting, subtracting and filtering.

use coverage::{
    Counting, Filter, MergeError, Merged, Merger, Profile, Reading, Sources, diff, read,
};

fn profile(text: &str) -> Profile {
    read(text.as_bytes(), &Reading::STRICT).unwrap().profile
}

fn merge(texts: &[&str], counting: Counting, sources: Sources) -> Result<Merged, MergeError> {
    let mut merger = Merger::new(Reading::STRICT, counting, sources);
    for text in texts {
        merger.add(text.as_bytes())?;
    }
    merger.finish()
}

fn merged(texts: &[&str], counting: Counting) -> String {
    let merged = merge(texts, counting, Sources::Same).unwrap();
    String::from_utf8(merged.profile.to_go()).unwrap()
}

#[test]
fn counts_of_a_block_are_added_and_files_united() {
    let a = "mode: count\na.go:1.1,2.2 1 2\na.go:3.1,4.2 2 0\n";
    let b = "mode: count\nb.go:1.1,2.2 1 7\na.go:1.1,2.2 1 3\na.go:3.1,4.2 2 1\n";
    let both = "mode: count\na.go:1.1,2.2 1 5\na.go:3.1,4.2 2 1\nb.go:1.1,2.2 1 7\n";
    assert_eq!(merged(&[a, b], Counting::Sum), both);
    assert_eq!(merged(&[b, a], Counting::Sum), both);
    assert_eq!(merged(&[a], Counting::Sum), a);
}

#[test]
fn a_set_profile_stays_a_set() {
    let a = "mode: set\na.go:1.1,2.2 1 1\na.go:3.1,4.2 1 0\n";
    assert_eq!(merged(&[a, a, a], Counting::Sum), a);
}

#[test]
fn sums_stop_at_the_greatest_number_of_go() {
    let a = "mode: count\na.go:1.1,2.2 1 9223372036854775807\n";
    assert_eq!(merged(&[a, a], Counting::Sum), a);
}

#[test]
fn an_aggregate_counts_profiles_and_not_runs() {
    let a = "mode: count\na.go:1.1,2.2 1 20\na.go:1.1,2.2 1 20\na.go:3.1,4.2 1 0\n";
    let b = "mode: count\na.go:3.1,4.2 1 1\na.go:1.1,2.2 1 1\n";
    let counted = "mode: count\na.go:1.1,2.2 1 2\na.go:3.1,4.2 1 1\n";
    assert_eq!(merged(&[a, b], Counting::Profiles), counted);
    let set = a.replace("count", "set");
    assert!(merged(&[&set], Counting::Profiles).starts_with("mode: count\n"));
}

#[test]
fn profiles_of_other_sources_are_refused_with_file_and_block() {
    let a = "mode: count\na.go:1.1,2.2 1 2\na.go:3.1,4.2 2 0\n";
    for (other, words) in [
        ("mode: set\na.go:1.1,2.2 1 1\na.go:3.1,4.2 2 0\n", "the mode of a.go is set"),
        ("mode: count\na.go:1.1,2.2 1 2\n", "a.go has 1 blocks, and had 2"),
        ("mode: count\na.go:1.1,2.2 1 2\na.go:3.1,5.2 2 0\n", "block 3.1,5.2 of a.go is in none"),
        ("mode: count\na.go:1.1,2.2 7 2\na.go:3.1,4.2 2 0\n", "has 7 statements, and had 1"),
    ] {
        let error = merge(&[a, other], Counting::Sum, Sources::Same).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = merge(&[], Counting::Sum, Sources::Same).unwrap_err();
    assert_eq!(error, MergeError::Nothing);
}

#[test]
fn sources_that_changed_are_merged_as_far_as_they_agree_if_that_is_asked_for() {
    let a = "mode: count\na.go:1.1,2.2 1 2\na.go:3.1,4.2 2 0\nb.go:1.1,1.2 1 1\n";
    let b = "mode: count\na.go:1.1,2.2 1 5\na.go:9.1,9.2 2 1\nb.go:1.1,1.2 1 1\n";
    let merged = merge(&[a, b], Counting::Sum, Sources::MayDiffer).unwrap();
    assert_eq!(
        String::from_utf8(merged.profile.to_go()).unwrap(),
        "mode: count\na.go:1.1,2.2 1 7\na.go:3.1,4.2 2 0\nb.go:1.1,1.2 1 2\n"
    );
    let differing = merged.differing["a.go"];
    assert_eq!((differing.left_out, differing.missing, merged.differing.len()), (1, 1, 1));
}

#[test]
fn a_line_that_only_begins_as_expected_is_read_as_what_it_is() {
    let a = "mode: count\na.go:1.1,2.2 1 2\na.go:3.1,4.2 2 0\n";
    let error = merge(&[a, &a.replace(" 1 2", " 1 2x")], Counting::Sum, Sources::Same);
    assert!(error.unwrap_err().to_string().starts_with("line 2: "));
    assert_eq!(merged(&[a, a.trim_end()], Counting::Sum), a.replace(" 2\n", " 4\n"));
    assert_eq!(merged(&[a, &a.replace('\n', "\r\n")], Counting::Sum), a.replace(" 2\n", " 4\n"));
}

#[test]
fn a_difference_is_what_ran_in_between() {
    let before = profile("mode: count\na.go:1.1,2.2 1 2\na.go:3.1,4.2 2 9\n");
    let after = profile("mode: count\na.go:1.1,2.2 1 5\na.go:3.1,4.2 2 4\n");
    let difference = diff(&before, &after).unwrap();
    assert_eq!(
        String::from_utf8(difference.profile.to_go()).unwrap(),
        "mode: count\na.go:1.1,2.2 1 3\na.go:3.1,4.2 2 4\n"
    );
    assert_eq!(difference.restarted, 1);
}

#[test]
fn a_difference_of_two_programs_is_refused() {
    let before = profile("mode: count\na.go:1.1,2.2 1 2\na.go:3.1,4.2 2 9\n");
    for (after, words) in [
        ("mode: set\na.go:1.1,2.2 1 1\na.go:3.1,4.2 2 1\n", "count before and set after"),
        ("mode: count\nb.go:1.1,2.2 1 2\n", "a.go is only in the profile before"),
        ("mode: count\na.go:1.1,2.2 1 2\n", "2 blocks before and 1 after"),
        ("mode: count\na.go:1.1,2.2 1 2\na.go:3.1,4.3 2 9\n", "block #1 of a.go"),
    ] {
        let error = diff(&before, &profile(after)).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let more = profile("mode: count\na.go:1.1,2.2 1 2\na.go:3.1,4.2 2 9\nb.go:1.1,1.2 1 1\n");
    let error = diff(&before, &more).unwrap_err().to_string();
    assert!(error.contains("b.go is only in the profile after"), "{error}");
}

#[test]
fn a_filter_includes_and_excludes_by_patterns() {
    let names = |include: &[&str], exclude: &[&str]| {
        let all = profile(
            "mode: set\na/a.go:1.1,2.2 1 1\na/zz_generated.go:1.1,2.2 1 1\nb/b.go:1.1,2.2 1 1\n",
        );
        let kept = Filter::new(include, exclude).unwrap().apply(all);
        kept.files.into_iter().map(|file| file.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&[], &[]), ["a/a.go", "a/zz_generated.go", "b/b.go"]);
    assert_eq!(names(&["^a/"], &["zz_generated"]), ["a/a.go"]);
    assert_eq!(names(&["b/", "zz"], &[]), ["a/zz_generated.go", "b/b.go"]);
    let error = Filter::new(&["("], &[]).unwrap_err().to_string();
    assert!(error.starts_with("`(` is no regular expression"), "{error}");
}
