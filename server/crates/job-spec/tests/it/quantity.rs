use job_spec::Quantity;

#[test]
fn quantities_take_the_form_that_kubernetes_writes() {
    let cases = [
        ("0", "0"),
        ("0Gi", "0"),
        ("-0", "0"),
        ("1", "1"),
        ("0.1", "100m"),
        (".5", "500m"),
        ("-1.5", "-1500m"),
        ("1000", "1k"),
        ("1500m", "1500m"),
        ("1000m", "1"),
        ("0.001", "1m"),
        ("0.0001", "100u"),
        ("1024", "1024"),
        ("1024Ki", "1Mi"),
        ("1048576", "1048576"),
        ("2048Mi", "2Gi"),
        ("1.5Gi", "1536Mi"),
        ("1.5Ki", "1536"),
        ("0.5Ki", "512"),
        ("1025Ki", "1025Ki"),
        ("0.1Gi", "107374182400m"),
        ("0.5n", "1n"),
        ("1e3", "1e3"),
        ("1000000e0", "1e6"),
        ("12e6", "12e6"),
        ("1E", "1E"),
        ("8Ei", "9223372036854775807"),
        ("9223372036854775808000", "9223372036854775808k"),
        // Small numbers in a form that looks canonical stay as they were written.
        ("1.500", "1.500"),
        ("+3", "+3"),
        ("012Ki", "012Ki"),
        (" 2Gi ", "2Gi"),
    ];
    for (text, expected) in cases {
        assert_eq!(Quantity::parse(text).map(|q| q.to_string()), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn what_is_no_quantity_is_refused() {
    for text in ["", "abc", "1 Gi", "1.1.1", "1e2k", "1e1.5", "Gigi", "1gi", "1e", "0x10"] {
        let error = Quantity::parse(text).expect_err(text).to_string();
        assert!(error.contains(&format!("{text:?}")), "{error}");
    }
}

#[test]
fn numbers_are_quantities_too() {
    let read = |json: &str| serde_json::from_str::<Quantity>(json).map(|q| q.to_string()).ok();
    assert_eq!(read("4").as_deref(), Some("4"));
    assert_eq!(read("0.5").as_deref(), Some("500m"));
    assert_eq!(read("\"4Gi\"").as_deref(), Some("4Gi"));
    assert_eq!(read("true"), None);
}
