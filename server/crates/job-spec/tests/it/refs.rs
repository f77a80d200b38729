use job_spec::{Pull, Refs};
use proptest::prelude::*;

fn refs(text: &str) -> Refs {
    text.parse().expect(text)
}

#[test]
fn the_string_form_names_base_and_pulls() {
    let cases = [
        ("main", "main", "", 0),
        ("main:abc", "main", "abc", 0),
        ("main:abc,1:def", "main", "abc", 1),
        ("main,1:def:pull/1/head,2:", "main", "", 2),
        ("main,3:def:refs/changes/00/3/1:x", "main", "", 1),
    ];
    for (text, base_ref, base_sha, pulls) in cases {
        let refs = refs(text);
        assert_eq!(refs.base_ref, base_ref, "{text}");
        assert_eq!(refs.base_sha, base_sha, "{text}");
        assert_eq!(refs.pulls.len(), pulls, "{text}");
        assert_eq!(refs.to_string(), text);
    }
}

#[test]
fn a_text_that_names_no_refs_is_refused_with_the_part_that_is_wrong() {
    for (text, wrong) in [
        ("", "no base branch"),
        (":abc", "no base branch"),
        ("main,", "\"\""),
        ("main,x:abc", "\"x:abc\""),
        ("main,12", "\"12\""),
    ] {
        let error = text.parse::<Refs>().expect_err(text).to_string();
        assert!(error.contains(wrong), "{error}");
    }
}

#[test]
fn a_clone_lies_where_alias_link_or_name_say() {
    let cases = [
        ("", "", "/go/src/github.com/org/repo"),
        ("k8s.io/thing", "", "/go/src/k8s.io/thing"),
        ("k8s.io/thing", "https://example.com/org/repo", "/go/src/k8s.io/thing"),
        ("", "https://example.com/org/repo", "/go/src/example.com/org/repo"),
        ("", "ssh://git@example.com/repo/", "/go/src/git@example.com/repo"),
        // No alias leads out of the clone root.
        ("../../etc", "", "/go/etc"),
    ];
    for (path_alias, repo_link, expected) in cases {
        let refs = Refs {
            org: "org".to_owned(),
            repo: "repo".to_owned(),
            path_alias: path_alias.to_owned(),
            repo_link: repo_link.to_owned(),
            ..Refs::default()
        };
        assert_eq!(refs.clone_dir("/go"), expected, "{path_alias} {repo_link}");
    }
}

proptest! {
    #[test]
    fn the_string_form_survives_a_round_trip(
        base_ref in "[a-z][a-z0-9/._-]{0,20}",
        base_sha in "([0-9a-f]{40})?",
        pulls in prop::collection::vec(
            (1_i64..1_000_000, "[0-9a-f]{0,40}", "([a-z/0-9]{1,20})?"),
            0..5,
        ),
    ) {
        let pulls = pulls.into_iter().map(|(number, sha, reference)| Pull {
            number,
            sha,
            r#ref: reference,
            ..Pull::default()
        });
        let refs = Refs { base_ref, base_sha, pulls: pulls.collect(), ..Refs::default() };
        prop_assert_eq!(refs.to_string().parse::<Refs>(), Ok(refs));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}") {
        let _ = text.parse::<Refs>();
    }
}
