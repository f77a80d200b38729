//! Reading profiles.

use coverage::{Format, Mode, Profile, Reading, read};

fn strict(text: &str) -> Result<Profile, String> {
    read(text.as_bytes(), &Reading::STRICT).map(|read| read.profile).map_err(|e| e.to_string())
}

#[test]
fn a_profile_is_read_and_written_again_in_the_order_of_go() {
    let text = "mode: count\nb/b.go:10.2,12.3 2 5\na/a.go:7.1,8.2 1 0\nb/b.go:1.1,9.9 3 1\n";
    let sorted = "mode: count\na/a.go:7.1,8.2 1 0\nb/b.go:1.1,9.9 3 1\nb/b.go:10.2,12.3 2 5\n";
    assert_eq!(String::from_utf8(strict(text).unwrap().to_go()).unwrap(), sorted);
}

#[test]
fn one_location_counts_once() {
    let counted = strict("mode: atomic\na.go:1.1,2.2 3 4\na.go:1.1,2.2 3 5\n").unwrap();
    assert_eq!(counted.files[0].blocks[0].count, 9);
    let set = strict("mode: set\na.go:1.1,2.2 3 1\na.go:1.1,2.2 3 1\n").unwrap();
    assert_eq!(set.files[0].blocks[0].count, 1);
    let error = strict("mode: set\na.go:1.1,2.2 3 1\na.go:1.1,2.2 4 1\n").unwrap_err();
    assert!(error.contains("inconsistent number of statements"), "{error}");
}

#[test]
fn names_may_hold_colons_spaces_and_dots() {
    let profile = strict("mode: set\nC:/my files/a.b,c.go:1.1,2.2 1 1\n").unwrap();
    assert_eq!(profile.files[0].name, "C:/my files/a.b,c.go");
}

#[test]
fn what_go_refuses_is_an_error_with_its_line() {
    for (text, line, words) in [
        ("a.go:1.1,2.2 1 1\n", 1, "bad mode line"),
        ("mode: \n", 1, "bad mode line"),
        ("mode: some\n", 1, "bad mode line"),
        ("mode: set\n\na.go:1.1,2.2 1 1\n", 2, "is no block"),
        ("mode: set\na.go:1.1,2.2 1 1\nmode: set\n", 3, "is no block"),
        ("mode: set\na.go:1.1,2.2 1 -1\n", 2, "the count is negative"),
        ("mode: set\na.go:1.1,2.2 1 x\n", 2, "the count is no number"),
        ("mode: set\na.go:1.1,2.2 1 9223372036854775808\n", 2, "the count is too great"),
        ("mode: set\na.go:1.1,2.2 1 99999999999999999999999\n", 2, "the count is too great"),
        ("mode: set\n:1.1,2.2 1 1\n", 2, "the file has no name"),
        ("mode: set\na.go:5000000000.1,2.2 1 1\n", 2, "the start line is too great"),
        ("mode: set\nnothing\n", 2, "there is no ` `"),
    ] {
        let error = strict(text).unwrap_err();
        assert!(error.starts_with(&format!("line {line}: ")), "{text:?}: {error}");
        assert!(error.contains(words), "{text:?}: {error}");
    }
}

#[test]
fn an_empty_profile_is_read_and_cannot_be_written() {
    let profile = strict("").unwrap();
    assert_eq!(profile, Profile::default());
    assert!(profile.check_not_empty().is_err());
}

#[test]
fn a_tolerant_reader_keeps_what_can_be_understood_and_tells_the_rest() {
    let text = "\u{feff}mode: set\r\na.go:1.1,2.2 1 1\r\n\r\nmode: set\nb.go:1.1,2.2 1 -3\n\
                broken line\nmode: count\nc.go:1.1,2.2 1 1";
    let read = read(text.as_bytes(), &Reading::TOLERANT).unwrap();
    assert_eq!(read.profile.mode, Mode::Set);
    let counts: Vec<_> =
        read.profile.files.iter().map(|file| (&file.name[..], file.blocks[0].count)).collect();
    assert_eq!(counts, [("a.go", 1), ("b.go", 0), ("c.go", 1)]);
    let lines: Vec<_> = read.notes.first.iter().map(|note| note.line).collect();
    assert_eq!(lines, [6, 7]);
}

#[test]
fn notes_are_bounded_and_counted() {
    let text = format!("mode: set\n{}", "bad\n".repeat(5_000));
    let read = read(text.as_bytes(), &Reading::TOLERANT).unwrap();
    assert_eq!((read.notes.first.len(), read.notes.count), (coverage::MAX_NOTES, 5_000));
}

#[test]
fn limits_are_errors() {
    let text = "mode: set\na.go:1.1,2.2 1 1\nb.go:1.1,2.2 1 1\n".as_bytes();
    let blocks = Reading { max_blocks: 1, ..Reading::TOLERANT };
    assert!(read(text, &blocks).unwrap_err().to_string().contains("more than 1 blocks"));
    let files = Reading { max_files: 1, ..Reading::TOLERANT };
    assert!(read(text, &files).unwrap_err().to_string().contains("more than 1 files"));
    let long = format!("mode: set\n{}:1.1,2.2 1 1\n", "x".repeat(coverage::MAX_LINE_BYTES));
    assert!(strict(&long).unwrap_err().contains("longer than"));
}

#[test]
fn lcov_counts_lines() {
    let text = "TN:unit\nSF:src/lib.rs\nFN:1,main\nDA:1,4\nDA:2,0,checksum\nLF:2\nLH:1\n\
                end_of_record\nSF:src/a.rs\nDA:3,-1\nend_of_record\nSF:src/lib.rs\nDA:1,1\n\
                end_of_record\n";
    assert_eq!(Format::of(text.as_bytes()), Format::Lcov);
    let profile = strict(text).unwrap();
    assert_eq!(
        String::from_utf8(profile.to_go()).unwrap(),
        "mode: count\nsrc/a.rs:3.1,3.2 1 0\nsrc/lib.rs:1.1,1.2 1 5\nsrc/lib.rs:2.1,2.2 1 0\n"
    );
    for bad in ["SF:a\nDA:x,1\n", "TN:\nDA:1,1\n", "SF:a\nhello\n", "SF:a\nDA:0,1\n"] {
        assert!(strict(bad).unwrap_err().starts_with("line 2: "), "{bad:?}");
        assert_eq!(read(bad.as_bytes(), &Reading::TOLERANT).unwrap().notes.count, 1, "{bad:?}");
    }
}

const COBERTURA: &str = r#"<?xml version="1.0"?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage line-rate="0.5"><packages><package name="p"><classes>
<class name="A" filename="src/a&amp;b.py"><methods><method name="m"><lines>
<line number="1" hits="7"/></lines></method></methods>
<lines><line number="1" hits="7"/><line number="2" hits="0" branch="false"></line></lines>
</class></classes></package></packages></coverage>
"#;

#[test]
fn cobertura_counts_the_lines_of_classes() {
    assert_eq!(Format::of(COBERTURA.as_bytes()), Format::Cobertura);
    let profile = strict(COBERTURA).unwrap();
    assert_eq!(
        String::from_utf8(profile.to_go()).unwrap(),
        "mode: count\nsrc/a&b.py:1.1,1.2 1 7\nsrc/a&b.py:2.1,2.2 1 0\n"
    );
}

#[test]
fn bad_xml_is_an_error_with_its_line_or_is_read_up_to_there() {
    let error = strict("<html>\n</html>").unwrap_err();
    assert!(error.contains("begins with `html`"), "{error}");
    let cut = &COBERTURA[..COBERTURA.find("branch=").unwrap()];
    assert!(strict(cut).unwrap_err().starts_with("line 6: "), "{:?}", strict(cut));
    let read = read(cut.as_bytes(), &Reading::TOLERANT).unwrap();
    assert_eq!((read.profile.files.len(), read.notes.count), (1, 1));
    let bad = COBERTURA.replace("hits=\"0\"", "hits=\"many\"");
    assert!(strict(&bad).unwrap_err().contains("without a whole"), "{:?}", strict(&bad));
}
