//! Reads Go's regular expression syntax and writes Rust's.
//!
//! One pass from left to right. Flags other than `i` are resolved on the way, so what comes out
//! says what it means without context; where the two dialects read a text differently the output
//! spells out Go's reading. Limits of nesting and repeat counts are checked here too.

use super::RegexError;

/// How deep groups may nest. Go allows 1,000, but the engine's compiler recurses, and its stack must
/// hold on every thread.
const MAX_NESTING: usize = 60;

/// The largest repeat count, also of nested repeats multiplied; Go's limit.
const MAX_REPEAT: u64 = 1_000;

/// A pattern in Rust's syntax and what was learnt about it.
pub(super) struct Translation {
    pub(super) pattern: String,
    /// Whether the pattern only makes sense to the byte engine.
    pub(super) needs_bytes: bool,
    /// Names of the groups, the whole match (index 0) included.
    pub(super) names: Vec<Option<Box<str>>>,
    /// A text that every match contains.
    pub(super) required: Option<String>,
    /// A rough upper bound of the states that the pattern compiles to.
    pub(super) states: u64,
}

pub(super) fn translate(text: &str) -> Result<Translation, RegexError> {
    let mut translator = Translator {
        text,
        rest: text,
        out: String::with_capacity(text.len() + 16),
        flags: Flags::default(),
        group: Group::default(),
        outer: Vec::new(),
        after_repeat: None,
        needs_bytes: false,
        names: vec![None],
        literals: Literals::default(),
    };
    translator.run()?;
    let states = translator.group.states();
    Ok(Translation {
        pattern: translator.out,
        needs_bytes: translator.needs_bytes,
        names: translator.names,
        required: translator.literals.finish(),
        states,
    })
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_newline: bool,
    swap_greed: bool,
}

struct Translator<'p> {
    text: &'p str,
    rest: &'p str,
    out: String,
    flags: Flags,
    group: Group,
    outer: Vec<Group>,
    /// Where the repetition operator just read began; Go refuses another one right behind it.
    after_repeat: Option<&'p str>,
    needs_bytes: bool,
    names: Vec<Option<Box<str>>>,
    literals: Literals,
}

/// A group being read, or the whole pattern.
#[derive(Default)]
struct Group {
    /// Where its text begins in the output.
    start: usize,
    /// What to restore at its end.
    flags: Flags,
    /// The item that a repetition operator would take.
    last: Option<Item>,
    states: u64,
    repeat: u64,
}

/// The latest item of a group: `out[start..end]`. Flag changes may follow it in the output.
#[derive(Clone, Copy)]
struct Item {
    start: usize,
    end: usize,
    states: u64,
    /// The largest product of nested repeat counts inside.
    repeat: u64,
    repeated: bool,
}

impl Group {
    fn close_last(&mut self) {
        if let Some(last) = self.last.take() {
            self.states = self.states.saturating_add(last.states);
            self.repeat = self.repeat.max(last.repeat);
        }
    }

    fn states(&mut self) -> u64 {
        self.close_last();
        self.states
    }
}

/// Collects the longest run of literal characters that every match must contain.
#[derive(Default)]
struct Literals {
    run: String,
    longest: String,
    /// An alternation of the whole pattern leaves nothing that is always there.
    void: bool,
}

impl Literals {
    fn cut(&mut self) {
        if self.run.len() > self.longest.len() {
            self.longest = std::mem::take(&mut self.run);
        }
        self.run.clear();
    }

    fn finish(mut self) -> Option<String> {
        self.cut();
        (!self.void && !self.longest.is_empty()).then_some(self.longest)
    }
}

impl<'p> Translator<'p> {
    fn run(&mut self) -> Result<(), RegexError> {
        while let Some(c) = self.rest.chars().next() {
            let before = self.rest;
            let mut after_repeat = None;
            match c {
                '(' if self.rest.starts_with("(?") => self.perl_group()?,
                '(' => {
                    self.rest = &self.rest[1..];
                    self.open(None)?;
                }
                ')' => self.close()?,
                '|' => {
                    self.rest = &self.rest[1..];
                    self.group.close_last();
                    self.out.push('|');
                    if self.outer.is_empty() {
                        self.literals.void = true;
                    }
                }
                '^' => {
                    self.rest = &self.rest[1..];
                    self.assertion(if self.flags.multi_line { "(?m:^)" } else { r"\A" });
                }
                '$' => {
                    self.rest = &self.rest[1..];
                    self.assertion(if self.flags.multi_line { "(?m:$)" } else { r"\z" });
                }
                '.' => {
                    self.rest = &self.rest[1..];
                    self.item(if self.flags.dot_newline { "(?s:.)" } else { "." }, 8);
                }
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    self.rest = &self.rest[1..];
                    let (min, max) = match c {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(c, min, max, before)?;
                    after_repeat = Some(before);
                }
                '{' => match count(self.rest) {
                    Some((min, max, length)) => {
                        self.rest = &self.rest[length..];
                        let too_many = min > MAX_REPEAT
                            || max.is_some_and(|max| max > MAX_REPEAT || min > max);
                        if too_many {
                            return Err(self.error("invalid repeat count", before, self.rest));
                        }
                        self.repeat('{', min, max, before)?;
                        after_repeat = Some(before);
                    }
                    None => {
                        self.rest = &self.rest[1..];
                        self.literal('{');
                    }
                },
                '\\' => self.backslash()?,
                literal => {
                    self.rest = &self.rest[literal.len_utf8()..];
                    self.literal(literal);
                }
            }
            self.after_repeat = after_repeat;
        }
        if !self.outer.is_empty() {
            return Err(self.error("missing closing )", self.text, ""));
        }
        Ok(())
    }

    /// An error about the part of the pattern from `from` up to where `to` begins.
    fn error(&self, reason: &'static str, from: &str, to: &str) -> RegexError {
        RegexError { reason, fragment: from[..from.len() - to.len()].to_owned() }
    }

    /// Appends an item that is not a literal.
    fn item(&mut self, text: &str, states: u64) {
        self.literals.cut();
        self.push(text, states);
    }

    /// Appends an item that takes no text, so a run of literals goes on behind it.
    fn assertion(&mut self, text: &str) {
        self.push(text, 1);
    }

    fn push(&mut self, text: &str, states: u64) {
        self.group.close_last();
        let start = self.out.len();
        self.out.push_str(text);
        let end = self.out.len();
        self.group.last = Some(Item { start, end, states, repeat: 1, repeated: false });
    }

    fn literal(&mut self, c: char) {
        if self.outer.is_empty() && !self.flags.fold_case {
            self.literals.run.push(c);
        } else {
            self.literals.cut();
        }
        self.group.close_last();
        let start = self.out.len();
        push_escaped(&mut self.out, c);
        let end = self.out.len();
        self.group.last = Some(Item { start, end, states: 4, repeat: 1, repeated: false });
    }

    fn open(&mut self, name: Option<&str>) -> Result<(), RegexError> {
        self.names.push(name.map(Into::into));
        self.open_with("(", self.flags)
    }

    /// Opens a group; `flags` hold inside.
    fn open_with(&mut self, text: &str, flags: Flags) -> Result<(), RegexError> {
        self.literals.cut();
        self.group.close_last();
        if self.outer.len() >= MAX_NESTING {
            return Err(self.error("expression nests too deeply", self.text, ""));
        }
        let group = Group { start: self.out.len(), flags: self.flags, ..Group::default() };
        self.out.push_str(text);
        self.outer.push(std::mem::replace(&mut self.group, group));
        self.flags = flags;
        Ok(())
    }

    fn close(&mut self) -> Result<(), RegexError> {
        let Some(outer) = self.outer.pop() else {
            return Err(self.error("unexpected )", self.text, ""));
        };
        self.rest = &self.rest[1..];
        self.literals.cut();
        self.out.push(')');
        let mut closed = std::mem::replace(&mut self.group, outer);
        let states = closed.states().saturating_add(2);
        self.flags = closed.flags;
        self.group.last = Some(Item {
            start: closed.start,
            end: self.out.len(),
            states,
            repeat: closed.repeat.max(1),
            repeated: false,
        });
        Ok(())
    }

    /// `(?…`: a named group, a group with flags, or flags up to the end of the group around.
    fn perl_group(&mut self) -> Result<(), RegexError> {
        let before = self.rest;
        let named = before.strip_prefix("(?P<").filter(|rest| !rest.is_empty());
        let named = named.or_else(|| before.strip_prefix("(?<").filter(|rest| !rest.is_empty()));
        if let Some(name_on) = named {
            let Some((name, rest)) = name_on.split_once('>') else {
                return Err(self.error("invalid named capture", before, ""));
            };
            let valid =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !valid {
                return Err(self.error("invalid named capture", before, rest));
            }
            self.rest = rest;
            return self.open(Some(name));
        }
        let mut rest = &before[2..];
        let mut flags = self.flags;
        let (mut value, mut minus, mut saw_flag) = (true, false, false);
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                'i' => flags.fold_case = value,
                'm' => flags.multi_line = value,
                's' => flags.dot_newline = value,
                'U' => flags.swap_greed = value,
                '-' if !minus => {
                    (value, minus, saw_flag) = (false, true, false);
                    continue;
                }
                ':' | ')' if !minus || saw_flag => {
                    self.rest = rest;
                    let switch = match (self.flags.fold_case, flags.fold_case) {
                        (false, true) => "i",
                        (true, false) => "-i",
                        _ => "",
                    };
                    if c == ':' {
                        return self.open_with(&format!("(?{switch}:"), flags);
                    }
                    if !switch.is_empty() {
                        self.out.push_str(&format!("(?{switch})"));
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            saw_flag = true;
        }
        let reason = "invalid or unsupported Perl syntax";
        Err(self.error(reason, before, rest))
    }

    /// Applies the operator just read to the latest item.
    fn repeat(
        &mut self,
        operator: char,
        min: u64,
        max: Option<u64>,
        before: &'p str,
    ) -> Result<(), RegexError> {
        let mut lazy = self.flags.swap_greed;
        if let Some(rest) = self.rest.strip_prefix('?') {
            self.rest = rest;
            lazy = !lazy;
        }
        if let Some(first) = self.after_repeat {
            return Err(self.error("invalid nested repetition operator", first, self.rest));
        }
        let Some(mut item) = self.group.last else {
            let reason = "missing argument to repetition operator";
            return Err(self.error(reason, before, self.rest));
        };
        // The item may be absent, so it is no part of the run. It stands in a run of its own only
        // if it is a literal; otherwise the run is cut already.
        self.literals.run.pop();
        self.literals.cut();
        // Flag changes may stand between the item and its operator; they stay behind both.
        if item.repeated {
            self.out.insert_str(item.start, "(?:");
            self.out.insert(item.end + 3, ')');
            item.end += 4;
        }
        let mut text = match operator {
            '{' => match max {
                Some(max) if max == min => format!("{{{min}}}"),
                Some(max) => format!("{{{min},{max}}}"),
                None => format!("{{{min},}}"),
            },
            other => other.to_string(),
        };
        if lazy {
            text.push('?');
        }
        self.out.insert_str(item.end, &text);
        item.end += text.len();
        item.repeated = true;
        let times = max.unwrap_or(min);
        item.states = item.states.saturating_mul(times.max(1)).saturating_add(2);
        if operator == '{' {
            item.repeat = match max {
                Some(0) => 1,
                _ => item.repeat.saturating_mul(times.max(1)),
            };
            if (min >= 2 || max.is_some_and(|max| max >= 2)) && item.repeat > MAX_REPEAT {
                return Err(self.error("invalid repeat count", before, self.rest));
            }
        }
        self.group.last = Some(item);
        Ok(())
    }

    fn backslash(&mut self) -> Result<(), RegexError> {
        let before = self.rest;
        let rest = &before[1..];
        let after = |c: char| &rest[c.len_utf8()..];
        match rest.chars().next() {
            Some('A') => {
                self.rest = after('A');
                self.assertion(r"\A");
            }
            Some('z') => {
                self.rest = after('z');
                self.assertion(r"\z");
            }
            Some('b') => {
                self.rest = after('b');
                self.assertion(r"(?-u:\b)");
            }
            Some('B') => {
                self.rest = after('B');
                self.needs_bytes = true;
                self.assertion(r"(?-u:\B)");
            }
            Some('C') => return Err(self.error("invalid escape sequence", before, after('C'))),
            Some('Q') => {
                let (quoted, rest) = match after('Q').split_once(r"\E") {
                    Some(parts) => parts,
                    None => (after('Q'), ""),
                };
                self.rest = rest;
                quoted.chars().for_each(|c| self.literal(c));
            }
            Some('p' | 'P') => {
                let class = self.unicode_class()?;
                self.item(&class, 400);
            }
            Some(c @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) => {
                self.rest = after(c);
                let class = perl_class(c);
                self.item(class, 16);
            }
            _ => match self.escape()? {
                Ok(c) => self.literal(c),
                // A surrogate is no character of any text.
                Err(_) => self.item(NOTHING, 1),
            },
        }
        Ok(())
    }

    /// An escaped single character; the inner error is a surrogate, which Rust has no `char` for.
    fn escape(&mut self) -> Result<Result<char, u32>, RegexError> {
        let before = self.rest;
        let mut chars = before[1..].chars();
        let Some(c) = chars.next() else {
            return Err(RegexError {
                reason: "trailing backslash at end of expression",
                fragment: String::new(),
            });
        };
        let octal = |c: char| c.to_digit(8);
        let code = match c {
            '0'..='7' if c == '0' || chars.as_str().starts_with(|c| octal(c).is_some()) => {
                let mut code = octal(c);
                for _ in 0..2 {
                    let Some(digit) = chars.as_str().chars().next().and_then(octal) else {
                        break;
                    };
                    chars.next();
                    code = code.map(|code| code * 8 + digit);
                }
                code
            }
            'x' => hex(&mut chars),
            'a' => Some(7),
            'f' => Some(12),
            'n' => Some(10),
            'r' => Some(13),
            't' => Some(9),
            'v' => Some(11),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Some(u32::from(other)),
            _ => None,
        };
        match code {
            Some(code) => {
                self.rest = chars.as_str();
                Ok(char::from_u32(code).ok_or(code))
            }
            None => Err(self.error("invalid escape sequence", before, chars.as_str())),
        }
    }

    /// `\pL`, `\p{Greek}`, `\P{^Lu}`.
    fn unicode_class(&mut self) -> Result<String, RegexError> {
        let before = self.rest;
        let mut negated = before.starts_with(r"\P");
        let rest = &before[2..];
        let (mut name, after) = match rest.chars().next() {
            Some('{') => match rest[1..].split_once('}') {
                Some(parts) => parts,
                None => return Err(self.error("invalid character class range", before, "")),
            },
            Some(c) => rest.split_at(c.len_utf8()),
            None => return Err(self.error("invalid UTF-8", before, "")),
        };
        if let Some(inner) = name.strip_prefix('^') {
            negated = !negated;
            name = inner;
        }
        self.rest = after;
        let simple = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_- ".contains(&b));
        let sign = if negated { 'P' } else { 'p' };
        if simple {
            // Go knows general categories and scripts, nothing else.
            for kind in ["gc", "sc"] {
                let class = format!("\\{sign}{{{kind}={name}}}");
                if regex_syntax::parse(&class).is_ok() {
                    return Ok(class);
                }
            }
            if name.eq_ignore_ascii_case("cs") || name.eq_ignore_ascii_case("surrogate") {
                return Ok(if negated { ANYTHING } else { NOTHING }.to_owned());
            }
        }
        Err(self.error("invalid character class range", before, after))
    }

    fn class(&mut self) -> Result<(), RegexError> {
        let before = self.rest;
        let mut class = String::new();
        let mut states: u64 = 2;
        self.rest = &self.rest[1..];
        let negated = self.rest.starts_with('^');
        if negated {
            self.rest = &self.rest[1..];
        }
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if let Some((name, rest)) =
                self.rest.strip_prefix("[:").and_then(|r| r.split_once(":]"))
            {
                let Some(ranges) = posix_class(name) else {
                    return Err(self.error("invalid character class range", self.rest, rest));
                };
                class.push_str(&ranges);
                self.rest = rest;
                states += 8;
                continue;
            }
            if self.rest.starts_with(r"\p") || self.rest.starts_with(r"\P") {
                class.push_str(&self.unicode_class()?);
                states += 400;
                continue;
            }
            if let Some(rest) = self.rest.strip_prefix('\\')
                && let Some(c @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) = rest.chars().next()
            {
                class.push_str(perl_class(c));
                self.rest = &rest[1..];
                states += 16;
                continue;
            }
            let range = self.rest;
            let low = self.class_char(before)?;
            let mut high = low;
            if self.rest.starts_with('-') && self.rest.len() >= 2 && !self.rest.starts_with("-]") {
                self.rest = &self.rest[1..];
                high = self.class_char(before)?;
                if high < low {
                    return Err(self.error("invalid character class range", range, self.rest));
                }
            }
            push_range(&mut class, low, high);
            states += 8;
        }
        self.rest = &self.rest[1..];
        let text = match (class.is_empty(), negated) {
            // Only surrogates were listed.
            (true, false) => NOTHING.to_owned(),
            (true, true) => ANYTHING.to_owned(),
            (false, false) => format!("[{class}]"),
            (false, true) => format!("[^{class}]"),
        };
        self.item(&text, states);
        Ok(())
    }

    /// One character of a class, as a number since it may be a surrogate.
    fn class_char(&mut self, class: &str) -> Result<u32, RegexError> {
        match self.rest.chars().next() {
            None => Err(self.error("missing closing ]", class, "")),
            Some('\\') => Ok(match self.escape()? {
                Ok(c) => u32::from(c),
                Err(surrogate) => surrogate,
            }),
            Some(c) => {
                self.rest = &self.rest[c.len_utf8()..];
                Ok(u32::from(c))
            }
        }
    }
}

const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";
const ANYTHING: &str = r"[\x{0}-\x{10FFFF}]";

fn push_escaped(out: &mut String, c: char) {
    if regex_syntax::is_meta_character(c) {
        out.push('\\');
    }
    out.push(c);
}

fn push_range(class: &mut String, low: u32, high: u32) {
    // Surrogates at an end of the range are left out; between two ends Rust leaves them out.
    let low = char::from_u32(low).unwrap_or('\u{e000}');
    let high = char::from_u32(high).unwrap_or('\u{d7ff}');
    if low <= high {
        push_escaped(class, low);
        if low < high {
            class.push('-');
            push_escaped(class, high);
        }
    }
}

/// Go's `\d`, `\s`, `\w` know ASCII only, and `\s` has no vertical tab. The bracketed form nests
/// in a class as well.
fn perl_class(c: char) -> &'static str {
    match c {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => r"[\t\n\f\r ]",
        'S' => r"[^\t\n\f\r ]",
        'w' => "[0-9A-Za-z_]",
        _ => "[^0-9A-Za-z_]",
    }
}

/// `alpha`, `^alpha` … of `[:alpha:]` as a bracketed class.
fn posix_class(name: &str) -> Option<String> {
    let (negation, name) = match name.strip_prefix('^') {
        Some(name) => ("^", name),
        None => ("", name),
    };
    let ranges = match name {
        "alnum" => "0-9A-Za-z",
        "alpha" => "A-Za-z",
        "ascii" => r"\x00-\x7F",
        "blank" => r"\t ",
        "cntrl" => r"\x00-\x1F\x7F",
        "digit" => "0-9",
        "graph" => "!-\\~",
        "lower" => "a-z",
        "print" => " -\\~",
        "punct" => r"!-/:-@\[-`\{-\~",
        "space" => r"\t\n\v\f\r ",
        "upper" => "A-Z",
        "word" => "0-9A-Za-z_",
        "xdigit" => "0-9A-Fa-f",
        _ => return None,
    };
    Some(format!("[{negation}{ranges}]"))
}

/// `{n}`, `{n,}` or `{n,m}` at the start of `text`: both counts and the length of the whole.
/// Anything else, leading zeros included, is literal text.
fn count(text: &str) -> Option<(u64, Option<u64>, usize)> {
    let inner = text.strip_prefix('{')?;
    let (min, rest) = number(inner)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (max, rest) = number(rest)?;
            (Some(max), rest)
        }
    };
    let rest = rest.strip_prefix('}')?;
    Some((min, max, text.len() - rest.len()))
}

fn number(text: &str) -> Option<(u64, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    // Numbers beyond 64 bits are beyond the limit as well.
    Some((digits.parse().unwrap_or(u64::MAX), rest))
}

/// The digits behind `\x`: two, or any number in braces.
fn hex(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    match chars.next()? {
        '{' => {
            let mut code: u32 = 0;
            let mut digits = 0;
            loop {
                match chars.next()? {
                    '}' if digits > 0 => return Some(code),
                    c => {
                        code = code * 16 + c.to_digit(16)?;
                        if code > u32::from(char::MAX) {
                            return None;
                        }
                        digits += 1;
                    }
                }
            }
        }
        high => {
            let low = chars.next()?;
            Some(high.to_digit(16)? * 16 + low.to_digit(16)?)
        }
    }
}
