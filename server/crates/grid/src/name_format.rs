//! The format of row names: Go's `fmt` verbs for strings.

use std::fmt;

/// A parsed format such as `%s -(%s)- %s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameFormat {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Verb { quoted: bool, left: bool, width: usize, precision: Option<usize> },
}

/// Why a text is not a format of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFormatError {
    /// The text ends after a `%`.
    #[error("the name format {0:?} ends in the middle of a verb; write %s for each name element")]
    Cut(String),
    /// A verb that strings do not have.
    #[error("the name format {format:?} has the verb %{verb}; only %s, %v and %q take a name")]
    Verb {
        /// The format.
        format: String,
        /// The verb's letter.
        verb: char,
    },
}

/// A column cannot be padded wider than this.
const MAX_WIDTH: usize = 1_000;

impl NameFormat {
    /// Reads a format.
    ///
    /// # Errors
    /// It has a verb that does not take a string, or ends inside one.
    pub fn parse(format: &str) -> Result<NameFormat, NameFormatError> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                text.push(c);
                continue;
            }
            let mut left = false;
            while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | '#' | ' ' | '0')) {
                left |= flag == '-';
            }
            let width = digits(&mut chars).unwrap_or(0);
            let precision = chars.next_if_eq(&'.').map(|_| digits(&mut chars).unwrap_or(0));
            match chars.next() {
                Some('%') => text.push('%'),
                Some(verb @ ('s' | 'v' | 'q')) => {
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(Piece::Verb { quoted: verb == 'q', left, width, precision });
                }
                Some(verb) => {
                    return Err(NameFormatError::Verb { format: format.to_owned(), verb });
                }
                None => return Err(NameFormatError::Cut(format.to_owned())),
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(NameFormat { pieces })
    }

    /// How many names the format takes.
    pub fn verbs(&self) -> usize {
        self.pieces.iter().filter(|piece| matches!(piece, Piece::Verb { .. })).count()
    }

    /// The name with these parts; a missing part is empty, a part too many is left out.
    pub fn render<'p>(&self, parts: impl IntoIterator<Item = &'p str>) -> String {
        let mut parts = parts.into_iter();
        let mut name = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => name.push_str(text),
                Piece::Verb { quoted, left, width, precision } => {
                    let part = parts.next().unwrap_or_default();
                    // As nearly all formats have it; each name of each build goes through here.
                    if !quoted && *width == 0 && precision.is_none() {
                        name.push_str(part);
                        continue;
                    }
                    let cut: String = match precision {
                        Some(most) => part.chars().take(*most).collect(),
                        None => part.to_owned(),
                    };
                    let cut = if *quoted { format!("{cut:?}") } else { cut };
                    let missing = width.saturating_sub(cut.chars().count());
                    let padding = " ".repeat(missing);
                    if *left {
                        name.extend([cut, padding]);
                    } else {
                        name.extend([padding, cut]);
                    }
                }
            }
        }
        name
    }
}

impl fmt::Display for NameFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(std::iter::repeat_n("…", self.verbs())))
    }
}

fn digits(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut number = None;
    while let Some(digit) = chars.next_if(char::is_ascii_digit).and_then(|c| c.to_digit(10)) {
        number = Some((number.unwrap_or(0) * 10 + digit as usize).min(MAX_WIDTH));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_in_for_the_verbs() {
        let table = [
            ("%s", vec!["hi"], "hi"),
            ("%s -(%s)- %s", vec!["hi", "", "this"], "hi -()- this"),
            ("%s.%v", vec!["a", "b"], "a.b"),
            ("100%% %q", vec!["x\"y"], "100% \"x\\\"y\""),
            ("[%5s|%-5s|%.2s]", vec!["a", "b", "cde"], "[    a|b    |cd]"),
            ("plain", vec!["unused"], "plain"),
        ];
        for (format, parts, name) in table {
            assert_eq!(NameFormat::parse(format).unwrap().render(parts), name, "{format}");
        }
    }

    #[test]
    fn verbs_for_other_types_are_refused() {
        assert!(matches!(NameFormat::parse("%s %d"), Err(NameFormatError::Verb { verb: 'd', .. })));
        assert!(matches!(NameFormat::parse("%s %-"), Err(NameFormatError::Cut(_))));
        let wide = NameFormat::parse("%99999999999999999999s").unwrap();
        assert_eq!(wide.render(["x"]).len(), MAX_WIDTH);
    }
}
