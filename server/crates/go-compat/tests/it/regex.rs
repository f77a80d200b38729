use go_compat::GoRegex;
use proptest::prelude::*;

/// Pattern, text, and the byte range that Go's `FindStringIndex` gives.
type Found = (&'static str, &'static str, Option<(usize, usize)>);

const FOUND: &[Found] = &[
    // Classes are about ASCII.
    (r"\d", "٣", None),
    (r"\d+", "a42", Some((1, 3))),
    (r"\w+", "é_a9-", Some((2, 5))),
    (r"\W", "é", Some((0, 2))),
    (r"\S", "é", Some((0, 2))),
    (r"\s", "\u{b}", None),
    (r"\s", "\u{c}", Some((0, 1))),
    (r"[\s]", "\u{b}", None),
    (r"[^\s]", "\u{b}", Some((0, 1))),
    (r"[\d\-x]+", "1-x", Some((0, 3))),
    (r"[[:space:]]", "\u{b}", Some((0, 1))),
    (r"[[:^digit:]_]+", "a_1", Some((0, 2))),
    (r"[[:punct:]]+", "a[]~^b", Some((1, 5))),
    // So are word boundaries.
    (r"\ba\b", "éaé", Some((2, 3))),
    (r"\Ba", "ba", Some((1, 2))),
    (r"\Ba", "éa", None),
    (r"\B", "é", Some((0, 0))),
    (r"\b{2}a", "a", Some((0, 1))),
    // Brackets and operators in a class are themselves.
    ("[[]", "[", Some((0, 1))),
    ("[a[b]+", "[ab", Some((0, 3))),
    ("[a&&b]+", "a&b", Some((0, 3))),
    ("[+--a]+", ",a", Some((0, 2))),
    ("[~~]", "~", Some((0, 1))),
    ("[]a]+", "]a", Some((0, 2))),
    ("[^]a]", "]ab", Some((2, 3))),
    ("[a-]+", "-a", Some((0, 2))),
    // What is no count is literal.
    ("a{,5}", "a{,5}", Some((0, 5))),
    ("a{", "a{", Some((0, 2))),
    ("a{01}", "a{01}", Some((0, 5))),
    ("a{x}", "a{x}", Some((0, 4))),
    ("a}", "a}", Some((0, 2))),
    ("a{2}", "aaa", Some((0, 2))),
    ("a{2,}", "aaa", Some((0, 3))),
    ("a{0}b", "ab", Some((1, 2))),
    ("^*a", "ba", Some((1, 2))),
    // Escapes.
    (r"\<a\>", "<a>", Some((0, 3))),
    (r"\_\-\@\#", "_-@#", Some((0, 4))),
    (r"\Qa.*\E+", "a.**", Some((0, 4))),
    (r"\Qa.", "xa.", Some((1, 3))),
    (r"a\Q\E*", "aaa", Some((0, 3))),
    (r"\x41\x{e9}\101\0", "AéA\0", Some((0, 5))),
    (r"\a\f\t\n\r\v", "\u{7}\u{c}\t\n\r\u{b}", Some((0, 6))),
    (r"[\x{d800}a]", "a", Some((0, 1))),
    (r"\x{d800}", "a", None),
    (r"\A\z", "", Some((0, 0))),
    // Flags.
    ("(?i)straße", "STRAßE", Some((0, 7))),
    ("(?i)k", "\u{212a}", Some((0, 3))),
    (r"(?i)\w", "\u{17f}", Some((0, 2))),
    ("a(?i)b|c", "C", Some((0, 1))),
    ("(?i:a)b", "AB", None),
    ("(?i)a(?-i)b", "Ab", Some((0, 2))),
    ("(?m)^b$", "a\nb\nc", Some((2, 3))),
    ("^b$", "a\nb", None),
    ("a$", "a\n", None),
    ("a.b", "a\nb", None),
    ("(?s)a.b", "a\nb", Some((0, 3))),
    ("(?U)a+", "aa", Some((0, 1))),
    ("(?U)a+?", "aa", Some((0, 2))),
    ("a(?i)*B", "aab", Some((0, 3))),
    ("a*(?i)*B", "aab", Some((0, 3))),
    // Unicode.
    (r"\p{Greek}+", "aαβ", Some((1, 5))),
    (r"\pL\PL", "é1", Some((0, 3))),
    (r"\p{^Lu}", "Aa", Some((1, 2))),
    (r"[\p{Lu}1]+", "aÉ1", Some((1, 4))),
    (r"\p{Letter}", "é", Some((0, 2))),
    // Leftmost, then first alternative.
    ("a|ab", "ab", Some((0, 1))),
    ("|a", "a", Some((0, 0))),
    ("(|a)+", "aa", Some((0, 0))),
    ("x*", "b", Some((0, 0))),
    ("a+?b", "aab", Some((0, 3))),
    // Lists of plain texts.
    ("main", "release-main-2", Some((8, 12))),
    ("^main$|^release-1\\.0$", "release-1.0", Some((0, 11))),
    ("^main$|^release-1\\.0$", "release-1x0", None),
    ("$", "a", Some((1, 1))),
    ("^$", "a", None),
];

/// Patterns that Go refuses, and its words.
const REFUSED: &[(&str, &str)] = &[
    ("(", "missing closing ): `(`"),
    ("a(b(c)", "missing closing ): `a(b(c)`"),
    (")", "unexpected ): `)`"),
    ("[a", "missing closing ]: `[a`"),
    ("[]", "missing closing ]: `[]`"),
    ("[a--c]", "invalid character class range: `a--`"),
    ("[z-a]", "invalid character class range: `z-a`"),
    ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
    (r"\p{Foo}", r"invalid character class range: `\p{Foo}`"),
    (r"\p{sc=Greek}", r"invalid character class range: `\p{sc=Greek}`"),
    (r"\p{Alphabetic}", r"invalid character class range: `\p{Alphabetic}`"),
    ("*", "missing argument to repetition operator: `*`"),
    ("a|+", "missing argument to repetition operator: `+`"),
    ("(?i)*", "missing argument to repetition operator: `*`"),
    ("a**", "invalid nested repetition operator: `**`"),
    ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
    ("a*??", "invalid nested repetition operator: `*??`"),
    ("a{1001}", "invalid repeat count: `{1001}`"),
    ("a{2,1}", "invalid repeat count: `{2,1}`"),
    ("(a{100}){11}", "invalid repeat count: `{11}`"),
    (r"\8", r"invalid escape sequence: `\8`"),
    (r"\1", r"invalid escape sequence: `\1`"),
    (r"\C", r"invalid escape sequence: `\C`"),
    (r"\Z", r"invalid escape sequence: `\Z`"),
    (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
    (r"[\b]", r"invalid escape sequence: `\b`"),
    ("a\\", "trailing backslash at end of expression: ``"),
    ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
    ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
    ("(?!a)", "invalid or unsupported Perl syntax: `(?!`"),
    ("(?<=a)", "invalid named capture: `(?<=a)`"),
    ("(?-)", "invalid or unsupported Perl syntax: `(?-)`"),
    ("(?P<>a)", "invalid named capture: `(?P<>`"),
    ("(?P<n-m>a)", "invalid named capture: `(?P<n-m>`"),
    ("(?P=n)", "invalid or unsupported Perl syntax: `(?P`"),
];

#[test]
fn patterns_match_where_go_says() {
    for (pattern, text, expected) in FOUND {
        let regex = GoRegex::new(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
        assert_eq!(regex.find(text), *expected, "{pattern} on {text:?}");
        assert_eq!(regex.is_match(text), expected.is_some(), "{pattern} on {text:?}");
    }
}

#[test]
fn what_go_refuses_is_refused_in_gos_words() {
    for (pattern, message) in REFUSED {
        let error = GoRegex::new(pattern).expect_err(pattern);
        assert_eq!(error.to_string(), format!("error parsing regexp: {message}"));
    }
}

#[test]
fn groups_are_found_by_number_and_by_name() {
    let regex = GoRegex::new(r"(?P<org>[^/]+)/(?<1repo>[^/]+)(x)?").unwrap();
    let captures = regex.captures("kubernetes/test-infra").unwrap();
    assert_eq!(captures.get(0), Some("kubernetes/test-infra"));
    assert_eq!(captures.name("org"), Some("kubernetes"));
    assert_eq!(captures.name("1repo"), Some("test-infra"));
    assert_eq!(captures.get(3), None);
    assert_eq!(captures.get(9), None);
    assert_eq!(captures.name("branch"), None);
    assert_eq!(captures.len(), 4);
    assert_eq!(GoRegex::new("(a){0}b").unwrap().captures("b").map(|c| c.len()), Some(2));
}

#[test]
fn all_matches_come_from_left_to_right_without_overlap() {
    let all = |pattern: &str, text: &str| -> Vec<(usize, usize)> {
        let regex = GoRegex::new(pattern).unwrap();
        regex.captures_iter(text).filter_map(|c| c.span(0)).collect()
    };
    assert_eq!(all("a+", "aab a"), [(0, 2), (4, 5)]);
    assert_eq!(all("a*", "baac"), [(0, 0), (1, 3), (4, 4)]);
    assert_eq!(all("", "é"), [(0, 0), (2, 2)]);
    assert_eq!(all(r"\B", "é"), [(0, 0), (2, 2)]);
    assert_eq!(all("(?m)^/test", "/test a\n/test b"), [(0, 5), (8, 13)]);
}

#[test]
fn replacing_keeps_the_text_around_the_matches() {
    let regex = GoRegex::new(r"#(\d+)").unwrap();
    let replaced = regex.replace_all("see #12 and #7.", |c| format!("[{}]", c.get(1).unwrap()));
    assert_eq!(replaced, "see [12] and [7].");
}

#[test]
fn the_default_trigger_of_a_job_takes_its_own_commands_only() {
    let trigger = GoRegex::new(r"(?m)^/test( | .* )pull-unit,?($|\s.*)").unwrap();
    for comment in
        ["/test pull-unit", "hello\n/test pull-lint, pull-unit\nbye", "/test pull-unit now"]
    {
        assert!(trigger.is_match(comment), "{comment}");
    }
    for comment in
        ["/test pull-unit2", "/test pull-lint", "> /test pull-unit", "/testpull-unit", ""]
    {
        assert!(!trigger.is_match(comment), "{comment}");
    }
}

#[test]
fn a_pattern_keeps_its_text_and_compares_by_it() {
    let regex = GoRegex::new(r"\d+").unwrap();
    assert_eq!(regex.as_str(), r"\d+");
    assert_eq!(regex, regex.clone());
    assert_ne!(regex, GoRegex::new("[0-9]+").unwrap());
    assert_eq!(format!("{regex:?} {regex}"), r#"GoRegex("\\d+") \d+"#);
    let json = serde_json::to_string(&regex).unwrap();
    assert_eq!(serde_json::from_str::<GoRegex>(&json).unwrap(), regex);
    assert!(serde_json::from_str::<GoRegex>(r#""(""#).is_err());
}

#[test]
fn nesting_and_size_have_limits() {
    let nested = |depth: usize| format!("{}a{}", "(?:b|c".repeat(depth), ")*?".repeat(depth));
    assert!(GoRegex::new(&nested(60)).unwrap().is_match("cca"));
    let error = GoRegex::new(&nested(61)).unwrap_err().to_string();
    assert!(error.contains("expression nests too deeply"), "{error}");
    let large = GoRegex::new(r"(?:\pL{50}){2}").unwrap();
    assert!(!large.is_match("a"));
    let huge = r"(?:[^a]\pL\pN){1000}".repeat(60);
    let error = GoRegex::new(&huge).unwrap_err().to_string();
    assert!(error.starts_with("error parsing regexp: expression too large"), "{}", &error[..80]);
}

#[test]
fn quoting_makes_any_text_match_itself() {
    assert_eq!(GoRegex::quote_meta("a.b[c]$"), r"a\.b\[c\]\$");
}

/// Pieces that patterns are put together from; many of them do not fit together.
const PIECES: &[&str] = &[
    "a",
    "b",
    "/",
    "-",
    "é",
    r"\d",
    r"\w",
    r"\s",
    r"\S",
    r"\b",
    r"\B",
    r"\A",
    r"\z",
    r"\Qa.b\E",
    ".",
    "^",
    "$",
    "[ab]",
    "[^a]",
    "[[:alpha:]-]",
    r"[\d-]",
    r"\pL",
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?P<n>",
    "|",
    "*",
    "+",
    "?",
    "*?",
    "{2}",
    "{1,3}",
    "{,2}",
    "{0}",
    "{",
    "}",
    r"\.",
    r"\x41",
    "(?s)",
    "(?m)",
    "(?U)",
    "(?-i)",
    "[a&&b]",
    r"[\pL\W]",
    r"\x{d800}",
];

fn pattern() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 1..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_pattern_that_is_accepted_also_compiles(pattern in pattern(), text in "[abAB/.é \n-]{0,8}") {
        if let Ok(regex) = GoRegex::new(&pattern) {
            // A matcher that failed to build would find the pattern nowhere.
            let anywhere = GoRegex::new(&format!("(?:{pattern})|"));
            prop_assert!(anywhere.is_ok_and(|anywhere| anywhere.is_match(&text)));
            prop_assert_eq!(regex.is_match(&text), regex.find(&text).is_some());
        }
    }

    #[test]
    fn short_cuts_find_what_the_engine_finds(
        texts in prop::collection::vec("[\\^]?[ab]{0,3}[$]?", 1..4),
        name in "[ab]{0,4}",
    ) {
        let list = texts.join("|");
        // A group around the list hides that it is one.
        let hidden = GoRegex::new(&format!("(?:{list})")).unwrap();
        prop_assert_eq!(GoRegex::new(&list).unwrap().is_match(&name), hidden.is_match(&name));
        // Two groups leave no literal that must be there.
        let bare = texts.join("");
        let optional = GoRegex::new(&format!("(?:(?:{bare}))")).unwrap();
        let required = GoRegex::new(&format!("{bare}(?:)")).unwrap();
        prop_assert_eq!(required.is_match(&name), optional.is_match(&name));
    }

    #[test]
    fn quoted_texts_match_themselves_only(text in "\\PC{1,8}", other in "\\PC{0,8}") {
        let regex = GoRegex::new(&format!("^{}$", GoRegex::quote_meta(&text))).unwrap();
        prop_assert!(regex.is_match(&text));
        prop_assert_eq!(regex.is_match(&other), text == other);
    }

    #[test]
    fn no_pattern_makes_the_reader_panic(pattern in "\\PC{0,16}") {
        let _ = GoRegex::new(&pattern);
    }
}
