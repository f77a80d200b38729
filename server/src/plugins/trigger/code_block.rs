//! Fenced code blocks in a comment, which `trigger` does not read as commands.

use std::sync::LazyLock;

use regex::Regex;

/// A block opens with three backticks or tildes at the start of a line and ends with the first
/// line that holds nothing but the same fence; a fence that never closes opens no block.
static FENCED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?ms)^```.*?\n```(?:\n|$)|^~~~.*?\n~~~(?:\n|$)").expect("a constant pattern")
});

/// The text without its fenced code blocks.
#[must_use]
pub fn drop_code_blocks(text: &str) -> String {
    FENCED.replace_all(text, "").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fenced_blocks_are_dropped_and_everything_else_stays() {
        let table = [
            ("backticks", "a\n```\n/test foo\n```\nb", "a\nb"),
            ("tildes", "a\n~~~\n/test foo\n~~~\nb", "a\nb"),
            ("info string", "```sh\n/test foo\n```\n/test bar", "/test bar"),
            ("block at the end", "/test bar\n```\n/test foo\n```", "/test bar\n"),
            ("never closed", "```\n/test foo", "```\n/test foo"),
            ("text after the closing fence", "```\n/test foo\n``` x\n", "```\n/test foo\n``` x\n"),
            ("the other fence does not close", "```\n/test foo\n~~~\n", "```\n/test foo\n~~~\n"),
            ("a fence inside a line", "say ```\n/test foo\n```\n", "say ```\n/test foo\n```\n"),
            ("two blocks", "```\na\n```\nx\n```\nb\n```\ny", "x\ny"),
            ("empty text", "", ""),
        ];
        for (name, input, expected) in table {
            assert_eq!(drop_code_blocks(input), expected, "{name}");
        }
    }
}
