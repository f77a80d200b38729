//! Messages of cells are short: how they are cut, byte for byte as TestGrid cuts them.

/// The most bytes of a cell's message, before the dots.
pub const MAX_MESSAGE: usize = 140;

/// Cuts the message of a test result: begin and end with dots between, from `max` bytes on, so that
/// a text of exactly `max` bytes grows. 0 cuts nothing.
///
/// The cut goes by bytes; a character that it breaks becomes `?` and the text says so.
pub fn cut_result(message: &str, max: usize) -> String {
    if max == 0 || message.len() < max {
        return message.to_owned();
    }
    let bytes = message.as_bytes();
    let half = max / 2;
    let mut cut = Vec::with_capacity(max + 3);
    cut.extend_from_slice(&bytes[..half]);
    cut.extend_from_slice(b"...");
    cut.extend_from_slice(&bytes[bytes.len() - half..]);
    match String::from_utf8(cut) {
        Ok(text) => text,
        Err(broken) => format!("invalid utf8: {}", repaired(broken.as_bytes(), "?")),
    }
}

/// Cuts a message as it is stored: begin and end with dots between, above `max` bytes. 0 cuts
/// nothing. Characters that the cut breaks are left out.
pub fn cut_stored(message: &str, max: usize) -> String {
    if max == 0 || message.len() <= max {
        return message.to_owned();
    }
    let bytes = message.as_bytes();
    let half = max / 2;
    let begin = repaired(&bytes[..half], "");
    let end = repaired(&bytes[bytes.len() - half..], "");
    format!("{begin}...{end}")
}

/// The text with each run of broken bytes replaced.
fn repaired(bytes: &[u8], replacement: &str) -> String {
    let mut text = String::new();
    let mut broken = false;
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() {
            broken = false;
            text.push_str(chunk.valid());
        }
        if !chunk.invalid().is_empty() && !broken {
            broken = true;
            text.push_str(replacement);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_messages_keep_begin_and_end() {
        let table = [
            ("i'm too long of a message, oh no what will i do", 20, "i'm too lo... will i do"),
            ("庭には二羽鶏がいる。", 20, "庭には...いる。"),
            ("short message", 2, "s...e"),
            ("short message", 5, "sh...ge"),
            ("short message", 1, "..."),
            ("short message", 0, "short message"),
            ("short message", 13, "short message"),
            ("short message", 100, "short message"),
        ];
        for (message, max, cut) in table {
            assert_eq!(cut_stored(message, max), cut, "{message} {max}");
        }
    }

    #[test]
    fn a_result_of_exactly_the_limit_grows_by_the_dots() {
        assert_eq!(cut_result(&"x".repeat(139), 140), "x".repeat(139));
        assert_eq!(cut_result(&"x".repeat(140), 140).len(), 143);
        assert_eq!(cut_stored(&cut_result(&"x".repeat(140), 140), 140).len(), 143);
    }

    #[test]
    fn a_broken_character_is_told() {
        let message = "庭".repeat(60);
        let cut = cut_result(&message, 140);
        assert!(cut.starts_with("invalid utf8: 庭"), "{cut}");
        assert!(cut.contains("庭?...?庭"), "{cut}");
        assert_eq!(repaired(b"a\xff\xfe\xffb\x80", "?"), "a?b?");
    }

    proptest::proptest! {
        #[test]
        fn cutting_never_panics_and_bounds_the_length(text in "\\PC{0,300}", max in 0usize..200) {
            let stored = cut_stored(&text, max);
            proptest::prop_assert!(max == 0 || stored.len() <= max.max(text.len().min(max)) + 3);
            let result = cut_result(&text, max);
            proptest::prop_assert!(max == 0 || result.len() <= max + 3 + "invalid utf8: ".len());
        }
    }
}
