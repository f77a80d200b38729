//! The description of a GitHub status: text for people, and the base commit for tide.

/// GitHub's limit for a status description, in bytes as Prow counts them.
pub const MAX_BYTES: usize = 140;

/// What separates the text from the base commit.
const DELIMITER: &str = " BaseSHA:";
/// The spelling that older Prow versions wrote; still read.
const OLD_DELIMITER: &str = " Basesha:";
/// What replaces the middle of a text that is too long.
const ELIDE: &str = " ... ";
/// U+2001, three bytes: GitHub's pages fold ordinary spaces into one.
const PAD: &str = "\u{2001}";
/// Hex digits of a SHA-1.
const SHA_DIGITS: usize = 40;

/// The description that Prow's crier writes: the text, padding, and ` BaseSHA:` with the commit.
///
/// Lengths are bytes while a pad takes three, and Prow measures the rest anew after every pad, so
/// a quarter of the free bytes (rounded up) becomes pads. A text that is too long loses its
/// middle, on character boundaries. Without a base commit there is neither pad nor suffix.
#[must_use]
pub fn with_base_sha(text: &str, base_sha: &str) -> String {
    if base_sha.is_empty() {
        return truncate(text, MAX_BYTES);
    }
    let used = text.len() + DELIMITER.len() + base_sha.len();
    let pads = MAX_BYTES.saturating_sub(used).div_ceil(PAD.len() + 1);
    let suffix = format!("{}{DELIMITER}{base_sha}", PAD.repeat(pads));
    format!("{}{suffix}", truncate(text, MAX_BYTES.saturating_sub(suffix.len())))
}

/// The base commit in a description, if it holds exactly one with 40 characters.
#[must_use]
pub fn base_sha(description: &str) -> Option<&str> {
    [DELIMITER, OLD_DELIMITER].into_iter().find_map(|delimiter| {
        let (_, sha) = description.split_once(delimiter)?;
        (sha.len() == SHA_DIGITS && !sha.contains(delimiter)).then_some(sha)
    })
}

/// Cuts the middle out of a text longer than `max` bytes, never inside a character.
fn truncate(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let half = max.saturating_sub(ELIDE.len()) / 2;
    let head = text.floor_char_boundary(half);
    let tail = text.ceil_char_boundary(text.len() - half);
    format!("{}{ELIDE}{}", &text[..head], &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn the_padding_is_prows_to_the_byte() {
        let text = with_base_sha("Job succeeded.", SHA);
        assert_eq!(text, format!("Job succeeded.{}{DELIMITER}{SHA}", PAD.repeat(20)));
        assert_eq!((text.chars().count(), text.len()), (83, 123));
    }

    #[test]
    fn every_length_of_text_stays_within_the_limit_and_reads_back() {
        for unit in ["a", "é", "漢", "🚢"] {
            for count in 0..200 {
                let text = unit.repeat(count);
                let described = with_base_sha(&text, SHA);
                assert!(described.len() <= MAX_BYTES, "{} bytes of {unit}", text.len());
                assert_eq!(base_sha(&described), Some(SHA));
                assert!(with_base_sha(&text, "").len() <= MAX_BYTES);
            }
        }
    }

    #[test]
    fn a_long_text_loses_its_middle_and_never_half_a_character() {
        let long = format!("{}{}", "a".repeat(100), "é".repeat(100));
        let cut = with_base_sha(&long, "");
        assert!(cut.starts_with(&"a".repeat(67)) && cut.contains(" ... ") && cut.ends_with("éé"));
        assert_eq!(with_base_sha("short", ""), "short");
        let exact = "x".repeat(MAX_BYTES);
        assert_eq!(with_base_sha(&exact, ""), exact);
    }

    #[test]
    fn the_reader_wants_one_delimiter_and_forty_characters() {
        let table = [
            (format!("ok BaseSHA:{SHA}"), Some(SHA)),
            (format!("ok Basesha:{SHA}"), Some(SHA)),
            ("ok BaseSHA:0123".to_owned(), None),
            ("no suffix".to_owned(), None),
            (format!("a BaseSHA:{SHA} BaseSHA:{SHA}"), None),
        ];
        for (description, expected) in &table {
            assert_eq!(base_sha(description), *expected, "{description}");
        }
    }
}
