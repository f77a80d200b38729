//! Cuts a template into text and the tokens of its actions.

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Byte offsets in the template.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether space stands before it: `.A .B` are two operands, `.A.B` is one.
    pub(super) spaced: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Text outside actions, trimmed where a marker asks for it.
    Text(String),
    Open,
    Close,
    /// A keyword or the name of a function.
    Word(String),
    /// `.Name`
    Field(String),
    /// `$name` or `$`
    Variable(String),
    Dot,
    Pipe,
    Comma,
    LeftParen,
    RightParen,
    Assign,
    Declare,
    /// A number or a character constant, not yet read.
    Number(String),
    /// A string constant without its quotes and escapes.
    Str(String),
    End,
}

/// What is wrong and where.
pub(super) type LexError = (usize, String);

const OPEN: &str = "{{";
const CLOSE: &str = "}}";
/// `{{- ` and ` -}}` take the white space on their outer side away.
const TRIM_OPEN: &str = "{{- ";

pub(super) fn lex(text: &str) -> Result<Vec<Token>, LexError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut trim_start = false;
    loop {
        let rest = &text[at..];
        let open = rest.find(OPEN).map(|i| at + i);
        let mut plain = &text[at..open.unwrap_or(text.len())];
        if trim_start {
            plain = plain.trim_start_matches(is_space);
        }
        let trim_end = open.is_some_and(|open| opens_with_trim(&text[open..]));
        if trim_end {
            plain = plain.trim_end_matches(is_space);
        }
        if !plain.is_empty() {
            let end = open.unwrap_or(text.len());
            tokens.push(Token {
                kind: Kind::Text(plain.to_owned()),
                start: at,
                end,
                spaced: false,
            });
        }
        let Some(open) = open else {
            let end = text.len();
            tokens.push(Token { kind: Kind::End, start: end, end, spaced: false });
            return Ok(tokens);
        };
        let inner = open + if trim_end { TRIM_OPEN.len() } else { OPEN.len() };
        (at, trim_start) = if text[inner..].starts_with("/*") {
            comment(text, inner)?
        } else {
            tokens.push(Token { kind: Kind::Open, start: open, end: inner, spaced: false });
            Lexer { text, at: inner, tokens: &mut tokens, parens: 0 }.action()?
        };
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn opens_with_trim(text: &str) -> bool {
    text.strip_prefix("{{-").is_some_and(|rest| rest.starts_with(is_space))
}

/// Skips a comment and its closing delimiter; tells where text goes on and whether to trim it.
fn comment(text: &str, start: usize) -> Result<(usize, bool), LexError> {
    let Some(length) = text[start..].find("*/") else {
        return Err((start, "unclosed comment".to_owned()));
    };
    let after = start + length + 2;
    if text[after..].starts_with(CLOSE) {
        return Ok((after + CLOSE.len(), false));
    }
    match closes_with_trim(&text[after..]) {
        Some(length) => Ok((after + length, true)),
        None => Err((start, "comment ends before closing delimiter".to_owned())),
    }
}

/// The length of ` -}}` if `text` begins with it.
fn closes_with_trim(text: &str) -> Option<usize> {
    let first = text.chars().next().filter(|c| is_space(*c))?;
    let length = first.len_utf8();
    text[length..].starts_with("-}}").then_some(length + 3)
}

struct Lexer<'t, 'v> {
    text: &'t str,
    at: usize,
    tokens: &'v mut Vec<Token>,
    parens: usize,
}

impl Lexer<'_, '_> {
    /// Reads up to and over the closing delimiter.
    fn action(mut self) -> Result<(usize, bool), LexError> {
        let mut spaced = false;
        loop {
            let rest = &self.text[self.at..];
            let trim = closes_with_trim(rest);
            if trim.is_some() || rest.starts_with(CLOSE) {
                if self.parens > 0 {
                    return Err((self.at, "unclosed left paren".to_owned()));
                }
                let end = self.at + trim.unwrap_or(CLOSE.len());
                let start = self.at;
                self.tokens.push(Token { kind: Kind::Close, start, end, spaced });
                return Ok((end, trim.is_some()));
            }
            let Some(c) = rest.chars().next() else {
                return Err((self.at, "unclosed action".to_owned()));
            };
            if is_space(c) {
                spaced = true;
                self.at += 1;
                continue;
            }
            let start = self.at;
            let kind = self.token(c, rest)?;
            self.tokens.push(Token { kind, start, end: self.at, spaced });
            spaced = false;
        }
    }

    fn token(&mut self, c: char, rest: &str) -> Result<Kind, LexError> {
        let simple = match c {
            '|' => Some(Kind::Pipe),
            ',' => Some(Kind::Comma),
            '=' => Some(Kind::Assign),
            '(' => {
                self.parens += 1;
                Some(Kind::LeftParen)
            }
            ')' => {
                if self.parens == 0 {
                    return Err((self.at, "unexpected right paren".to_owned()));
                }
                self.parens -= 1;
                Some(Kind::RightParen)
            }
            _ => None,
        };
        if let Some(kind) = simple {
            self.at += 1;
            return Ok(kind);
        }
        match c {
            ':' if rest.starts_with(":=") => {
                self.at += 2;
                Ok(Kind::Declare)
            }
            ':' => Err((self.at, "expected :=".to_owned())),
            '"' => self.quoted(rest),
            '`' => self.raw(rest),
            '\'' => self.character(rest),
            '$' => {
                let name = self.word(1)?;
                Ok(Kind::Variable(format!("${name}")))
            }
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                if rest[1..].starts_with(is_word) {
                    Ok(Kind::Field(self.word(1)?))
                } else {
                    self.at += 1;
                    self.must_end()?;
                    Ok(Kind::Dot)
                }
            }
            '.' | '+' | '-' | '0'..='9' => Ok(self.number(rest)),
            c if is_word(c) => Ok(Kind::Word(self.word(0)?)),
            other => {
                let code = u32::from(other);
                Err((
                    self.at,
                    format!("unexpected bad character U+{code:04X} {other:?} in command"),
                ))
            }
        }
    }

    /// The word that begins `skip` bytes on.
    fn word(&mut self, skip: usize) -> Result<String, LexError> {
        let rest = &self.text[self.at + skip..];
        let word: String = rest.chars().take_while(|c| is_word(*c)).collect();
        self.at += skip + word.len();
        self.must_end()?;
        Ok(word)
    }

    /// What follows an operand must not run into it.
    fn must_end(&self) -> Result<(), LexError> {
        let rest = &self.text[self.at..];
        match rest.chars().next() {
            None => Ok(()),
            Some(c) if is_space(c) || ".,|:)(=".contains(c) || rest.starts_with(CLOSE) => Ok(()),
            Some(c) => Err((self.at, format!("bad character U+{:04X} {c:?}", u32::from(c)))),
        }
    }

    fn number(&mut self, rest: &str) -> Kind {
        let mut previous = ' ';
        let length = rest
            .find(|c: char| {
                let sign = matches!(c, '+' | '-');
                let exponent = matches!(previous, 'e' | 'E' | 'p' | 'P');
                let part = if sign { previous == ' ' || exponent } else { c == '.' || is_word(c) };
                previous = c;
                !part
            })
            .unwrap_or(rest.len());
        self.at += length;
        Kind::Number(rest[..length].to_owned())
    }

    fn character(&mut self, rest: &str) -> Result<Kind, LexError> {
        let mut escaped = false;
        for (i, c) in rest.char_indices().skip(1) {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '\'' => {
                    self.at += i + 1;
                    return Ok(Kind::Number(rest[..=i].to_owned()));
                }
                _ => {}
            }
        }
        Err((self.at, "unterminated character constant".to_owned()))
    }

    fn raw(&mut self, rest: &str) -> Result<Kind, LexError> {
        match rest[1..].find('`') {
            Some(length) => {
                self.at += length + 2;
                // Go drops carriage returns from raw strings.
                Ok(Kind::Str(rest[1..=length].replace('\r', "")))
            }
            None => Err((self.at, "unterminated raw quoted string".to_owned())),
        }
    }

    fn quoted(&mut self, rest: &str) -> Result<Kind, LexError> {
        let mut value = Vec::new();
        let mut inner = &rest[1..];
        loop {
            match inner.chars().next() {
                Some('"') => {
                    self.at += rest.len() - inner.len() + 1;
                    return Ok(Kind::Str(String::from_utf8_lossy(&value).into_owned()));
                }
                None | Some('\n') => {
                    return Err((self.at, "unterminated quoted string".to_owned()));
                }
                Some(_) => match unescape(inner, '"') {
                    Some((part, length)) => {
                        part.push_to(&mut value);
                        inner = &inner[length..];
                    }
                    None => return Err((self.at, "invalid syntax".to_owned())),
                },
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// What one character of a constant stands for: `\xff` is a byte, all else a character.
pub(super) enum Unescaped {
    Byte(u8),
    Char(char),
}

impl Unescaped {
    fn push_to(&self, bytes: &mut Vec<u8>) {
        match self {
            Unescaped::Byte(byte) => bytes.push(*byte),
            Unescaped::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    pub(super) fn code(&self) -> u32 {
        match self {
            Unescaped::Byte(byte) => u32::from(*byte),
            Unescaped::Char(c) => u32::from(*c),
        }
    }
}

/// Reads the first character of a constant between `quote`s; tells how long it is.
pub(super) fn unescape(text: &str, quote: char) -> Option<(Unescaped, usize)> {
    let mut chars = text.chars();
    let c = chars.next()?;
    if c != '\\' {
        return Some((Unescaped::Char(c), c.len_utf8()));
    }
    let kind = chars.next()?;
    let digits = |from: usize, count: usize, radix: u32| -> Option<u32> {
        let digits = text.get(from..from + count)?;
        let valid = digits.chars().all(|c| c.is_digit(radix));
        valid.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
    };
    let plain = |c: char| Some((Unescaped::Char(c), 2));
    match kind {
        'a' => plain('\u{7}'),
        'b' => plain('\u{8}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\u{b}'),
        '\\' => plain('\\'),
        c if c == quote => plain(c),
        'x' => Some((Unescaped::Byte(u8::try_from(digits(2, 2, 16)?).ok()?), 4)),
        '0'..='7' => Some((Unescaped::Byte(u8::try_from(digits(1, 3, 8)?).ok()?), 4)),
        'u' => Some((Unescaped::Char(char::from_u32(digits(2, 4, 16)?)?), 6)),
        'U' => Some((Unescaped::Char(char::from_u32(digits(2, 8, 16)?)?), 10)),
        _ => None,
    }
}
