use super::*;

fn names(report: &Report) -> Vec<&str> {
    report.cases.iter().map(|case| case.name.as_str()).collect()
}

fn read(text: &str) -> Report {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn verdict(message: &str, body: &str) -> Option<Verdict> {
    Some(Verdict { message: message.to_owned(), body: body.to_owned() })
}

#[test]
fn nested_suites_join_their_names_and_come_first() {
    let report = read(
        "<testsuites><testsuite name='outer'><testcase name='a'/><testsuite name=''><testcase name='b'/>\
         <testsuite name='in'><testcase name='c' classname='ignored'/></testsuite></testsuite></testsuite>\
         <testsuite><testcase/></testsuite></testsuites>",
    );
    assert_eq!(names(&report), ["outer.in.c", "outer.b", "outer.a", ""]);
    assert_eq!(report.problem, None);
}

#[test]
fn a_single_suite_can_be_the_root() {
    assert_eq!(
        names(&read(
            "<?xml version='1.0' encoding='utf8'?><testsuite name='s'><testcase name='a'/></testsuite>"
        )),
        ["s.a"]
    );
}

#[test]
fn empty_files_and_files_without_elements_have_no_results() {
    for text in ["", "  \n", "<?xml version='1.0'?><!-- nothing -->"] {
        assert_eq!(read(text), Report::default(), "{text:?}");
    }
}

#[test]
fn other_documents_are_refused() {
    let error = |text: &str| parse(text.as_bytes()).unwrap_err().to_string();
    assert!(error("<html><body/></html>").starts_with("bad element name: \"html\""));
    assert!(error("hello").starts_with("not XML"));
    assert_eq!(
        error("<?xml version='1.0' encoding='EBCDIC'?><testsuite/>"),
        "unknown charset: EBCDIC"
    );
}

#[test]
fn everything_about_a_case_is_read() {
    let report = read(
        "<testsuite name='s' tests='x'><testcase name='a' time='1,234.5'><properties>\
         <property name='p' value='1'/><property name='p' value='2'/><property name='q'> text </property>\
         </properties><failure message='m &lt;&#65;&#x42;&amp;&nope;'>one<![CDATA[ <two> ]]>&gt;three</failure>\
         <error/><skipped message='s'/><system-out>out\r\nline</system-out><system-err>err</system-err>\
         </testcase></testsuite>",
    );
    let [case] = &report.cases[..] else { panic!("one case") };
    assert_eq!(case.seconds, 1234.5);
    assert_eq!(case.failure, verdict("m <AB&&nope;", "one <two> >three"));
    assert_eq!((&case.error, &case.skipped), (&verdict("", ""), &verdict("s", "")));
    assert_eq!(case.system_out.as_deref(), Some("out\nline"));
    let properties = [("p", "1"), ("p", "2"), ("q", "text")];
    assert_eq!(case.properties, properties.map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(case.message(), "m <AB&&nope;\none <two> >three");
}

#[test]
fn the_message_is_the_first_that_is_not_empty() {
    let message = |inner: &str| {
        read(&format!("<testsuite><testcase name='a'>{inner}</testcase></testsuite>")).cases[0]
            .message()
    };
    assert_eq!(message("<failure>f</failure><error>e</error>"), "e");
    assert_eq!(message("<failure>f</failure><error/>"), "f");
    assert_eq!(message("<failure/><skipped>s</skipped>"), "s");
    assert_eq!(message("<failure/><system-out>o</system-out><system-err>e</system-err>"), "e");
    assert_eq!(message("<failure/><system-out>o</system-out><system-err/>"), "o");
    assert_eq!(message("<failure/>"), "");
}

#[test]
fn unselected_cases_are_known() {
    for (inner, unselected) in [
        ("<skipped/>", true),
        ("<skipped message='skipped'/>", true),
        ("<skipped message='skipped'></skipped>", true),
        ("<skipped message='why'/>", false),
        ("<skipped>tl;dr</skipped>", false),
        ("<failure/>", false),
    ] {
        let report = read(&format!("<testsuite><testcase name='a'>{inner}</testcase></testsuite>"));
        assert_eq!(report.cases[0].is_unselected(), unselected, "{inner}");
    }
}

#[test]
fn a_file_cut_off_keeps_its_results_and_says_so() {
    let whole = "<testsuites><testsuite name='s'><testcase name='a'/><testcase name='b'><failure>x</failure></testcase></testsuite></testsuites>";
    for end in 0..whole.len() {
        let Ok(report) = parse(&whole.as_bytes()[..end]) else { continue };
        let names = names(&report);
        assert!(["s.a", "s.b"].starts_with(&names[..]), "{end}: {names:?}");
        assert!(report.problem.is_some() || names.is_empty(), "{end} has no problem");
    }
    assert_eq!(names(&read(whole)), ["s.a", "s.b"]);
}

#[test]
fn control_characters_and_broken_bytes_do_not_hide_the_other_results() {
    let report = parse(
        b"<testsuite><testcase name='a\x01'><failure>\x1b[31mred\xff</failure></testcase><testcase name='b'/></testsuite>",
    )
    .unwrap();
    assert_eq!(names(&report), ["a\u{fffd}", "b"]);
    assert_eq!(report.cases[0].failure, verdict("", "\u{fffd}[31mred\u{fffd}"));
}

#[test]
fn known_encodings_are_read() {
    let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><testsuite><testcase name=\"caf\xe9\"/></testsuite>";
    assert_eq!(names(&parse(latin).unwrap()), ["café"]);
    let text = "<testsuite><testcase name='naïve'/></testsuite>";
    let little: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> =
        [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    for bytes in [little, big, [b"\xef\xbb\xbf", text.as_bytes()].concat()] {
        assert_eq!(names(&parse(&bytes).unwrap()), ["naïve"]);
    }
}

#[test]
fn a_billion_laughs_stay_a_word() {
    let mut text = String::from("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a0 'ha'>");
    for i in 1..30 {
        text.push_str(&format!("<!ENTITY a{i} '&a{};&a{};'>", i - 1, i - 1));
    }
    text.push_str(
        "]><testsuite><testcase name='x'><failure>&a29;</failure></testcase></testsuite>",
    );
    let report = read(&text);
    assert_eq!(report.cases[0].failure, verdict("", "&a29;"));
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("<testsuite>{}<testcase name='deep'/>", "<testsuite>".repeat(5_000));
    let report =
        read(&format!("{deep}{}<testcase name='flat'/></testsuite>", "</testsuite>".repeat(5_000)));
    assert_eq!(names(&report), ["flat"]);
    assert!(report.problem.unwrap().contains("nested deeper"));

    let long = format!("begin{}end", "é".repeat(500_000));
    let report = read(&format!(
        "<testsuite><testcase name='a'><failure>{long}</failure><system-out>{long}</system-out></testcase></testsuite>"
    ));
    let body = &report.cases[0].failure.as_ref().unwrap().body;
    assert!(body.len() <= MAX_TEXT && body.starts_with("beginé") && body.ends_with("éend"));
    let out = report.cases[0].system_out.as_ref().unwrap();
    assert!(out.len() <= MAX_OUTPUT && out.starts_with("begin") && out.ends_with("end"));
    let whole = parse_with(
        format!(
            "<testsuite><testcase name='a'><system-out>{long}</system-out></testcase></testsuite>"
        )
        .as_bytes(),
        Limits { output: 2_000_000 },
    );
    assert_eq!(whole.unwrap().cases[0].system_out.as_ref(), Some(&long), "a larger limit keeps it");
}

#[test]
fn a_case_knows_its_suites_its_class_and_its_own_name() {
    let report = read(
        "<testsuites><testsuite name='a'><testsuite name='b'>\
         <testcase name='c.d' classname='k'/><testcase name=''/></testsuite></testsuite>\
         <testsuite><testcase name='alone'/></testsuite></testsuites>",
    );
    let parts: Vec<_> =
        report.cases.iter().map(|case| (case.suite(), &*case.class, case.test())).collect();
    assert_eq!(parts, [("a.b", "k", "c.d"), ("a.b", "", ""), ("", "", "alone")]);
}

#[test]
fn numbers_that_are_none_count_as_zero() {
    for (text, expected) in [
        ("5", 5.0),
        (" 0.5 ", 0.5),
        ("1,000", 1000.0),
        ("NaN", 0.0),
        ("inf", 0.0),
        ("x", 0.0),
        ("", 0.0),
    ] {
        assert_eq!(seconds(text), expected, "{text:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_give_a_report_or_an_error(bytes in proptest::collection::vec(0u8..=255, 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_soup_of_tags_gives_a_report_or_an_error(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "<testsuites>", "</testsuites>", "<testsuite name='s'>", "</testsuite>", "<testcase name=\"c\">",
                "</testcase>", "<failure>", "</failure>", "<![CDATA[", "]]>", "&amp;", "&x;", "&", "<", ">", "<!--",
                "-->", "text", "<property name=p value='", "'/>", "<properties>", "</properties>", "<!DOCTYPE [", "]>",
            ]),
            0..40,
        )
    ) {
        let _ = parse(parts.concat().as_bytes());
        let _ = parse(format!("<testsuite>{}", parts.concat()).as_bytes());
    }
}
