//! A profile as a JUnit file, whose `coverage` properties the test grid shows as numbers.

use std::fmt::Write;

use go_compat::xml::escaped;

use crate::{Profile, Ratio, by_directory};

/// One test case for the whole, for each file and for each directory, by name; those below the
/// threshold (0 to 1) fail. The form is gopherage's; the attribute is `classname`, as JUnit has
/// it, and a directory holds what lies below its path.
pub fn to_junit(profile: &Profile, threshold: f32) -> String {
    let mut text = String::from("<testsuite>\n");
    push_case(&mut text, "OVERALL", profile.ratio(), threshold);
    for (name, ratio) in profile.ratios() {
        push_case(&mut text, name, ratio, threshold);
    }
    for (name, ratio) in by_directory(profile.ratios()) {
        push_case(&mut text, name, ratio, threshold);
    }
    text.push_str("</testsuite>");
    text
}

fn push_case(text: &mut String, name: &str, ratio: Ratio, threshold: f32) {
    let name = escaped(name);
    let share = ratio.share_f32();
    // Writing into a String cannot fail.
    let _ = writeln!(text, r#"    <testcase classname="go_coverage" name="{name}" time="0">"#);
    if share < threshold {
        let (is, must) = (100.0 * share, 100.0 * threshold);
        let _ = writeln!(
            text,
            "        <failure>code coverage of {is:.0}% is below threshold of {must:.0}%</failure>"
        );
    }
    let percent = ratio.percent();
    let _ = write!(
        text,
        "        <properties>\n            <property name=\"coverage\" value=\"{percent}\">\
         </property>\n        </properties>\n    </testcase>\n"
    );
}
