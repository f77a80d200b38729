use go_compat::glob::{deck_job_glob, path_match};
use proptest::prelude::*;

#[test]
fn path_match_answers_as_go_does() {
    let table = [
        ("abc", "abc", true),
        ("*", "abc", true),
        ("*c", "abc", true),
        ("a*", "a", true),
        ("a*", "ab/c", false),
        ("a*/b", "abc/b", true),
        ("a*/b", "a/c/b", false),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
        ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false),
        ("a*b?c*x", "abxbbxdbxebxczzx", true),
        ("a*b?c*x", "abxbbxdbxebxczzy", false),
        ("ab[c]", "abc", true),
        ("ab[b-d]", "abc", true),
        ("ab[e-g]", "abc", false),
        ("ab[^c]", "abc", false),
        ("ab[^e-g]", "abc", true),
        ("a\\*b", "a*b", true),
        ("a\\*b", "ab", false),
        ("a?b", "a☺b", true),
        ("a[^a]b", "a☺b", true),
        ("a???b", "a☺b", false),
        ("[a-ζ]*", "α", true),
        ("a?b", "a/b", false),
        ("a*b", "a/b", false),
        ("[\\]a]", "]", true),
        ("[\\-x]", "-", true),
        ("[x\\-]", "z", false),
        ("*x", "xxx", true),
        ("", "", true),
        ("", "a", false),
        ("*[^q]*b", "x/yyb", false),
    ];
    for (pattern, name, expected) in table {
        assert_eq!(path_match(pattern, name), Ok(expected), "{pattern} on {name}");
    }
}

#[test]
fn a_malformed_pattern_is_an_error_whatever_the_name() {
    for pattern in ["[]a]", "[-]", "[x-]", "[-x]", "[", "[^", "[^bc", "a[", "a[b", "\\", "[a-b-c]"]
    {
        for name in ["a", "b", ""] {
            let error = path_match(pattern, name).expect_err(pattern).to_string();
            assert!(error.contains("syntax error in pattern"), "{error}");
        }
    }
}

#[test]
fn decks_job_filter_anchors_at_both_ends() {
    let table = [
        ("pull-*", "pull-unit", true),
        ("pull-*", "post-pull-unit", false),
        ("*unit", "pull-unit", true),
        ("*-k8s-*-e2e", "ci-k8s-gce-e2e", true),
        ("*-k8s-*-e2e", "ci-k8s-e2e", false),
        ("a*a", "a", false),
        ("a*a", "aa", true),
        ("*", "", true),
        ("", "", true),
        ("", "a", false),
        ("a.b", "axb", false),
        ("**", "anything/at all", true),
        ("[a]", "a", false),
    ];
    for (pattern, name, expected) in table {
        assert_eq!(deck_job_glob(pattern, name), expected, "{pattern} on {name}");
    }
}

/// The meaning of `*` (any text without `/`) and `?`, by trying everything.
fn slow_match(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['*', rest @ ..] => (0..=name.len())
            .take_while(|taken| !name[..*taken].contains(&'/'))
            .any(|taken| slow_match(rest, &name[taken..])),
        ['?', rest @ ..] => name.first().is_some_and(|c| *c != '/') && slow_match(rest, &name[1..]),
        [c, rest @ ..] => name.first() == Some(c) && slow_match(rest, &name[1..]),
    }
}

proptest! {
    #[test]
    fn path_match_agrees_with_trying_everything(pattern in "[ab/?*]{0,8}", name in "[ab/]{0,8}") {
        let (p, n): (Vec<_>, Vec<_>) = (pattern.chars().collect(), name.chars().collect());
        prop_assert_eq!(path_match(&pattern, &name), Ok(slow_match(&p, &n)));
    }

    #[test]
    fn decks_filter_agrees_with_trying_everything(pattern in "[ab*]{0,8}", name in "[ab]{0,8}") {
        let (p, n): (Vec<_>, Vec<_>) = (pattern.chars().collect(), name.chars().collect());
        prop_assert_eq!(deck_job_glob(&pattern, &name), slow_match(&p, &n));
    }

    #[test]
    fn no_pattern_makes_the_matcher_panic(pattern in "\\PC{0,12}", name in "\\PC{0,12}") {
        let _ = path_match(&pattern, &name);
        let _ = deck_job_glob(&pattern, &name);
    }
}
