//! The two kinds of wildcard patterns: Go's `path.Match` and Deck's job filter.

/// A pattern that `path.Match` rejects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern {0:?}")]
pub struct GlobError(String);

/// Whether `name` matches the shell pattern as a whole, by the rules of Go's `path.Match`:
/// `*` and `?` stop at `/`, `[a-z]` and `[^a-z]` are classes, `\` takes the next character
/// literally. A malformed pattern is an error whatever the name is.
pub fn path_match(pattern: &str, name: &str) -> Result<bool, GlobError> {
    let tokens = tokens(pattern).ok_or_else(|| GlobError(pattern.to_owned()))?;
    let name: Vec<char> = name.chars().collect();
    Ok(matches(&tokens, &name))
}

/// Deck's filter on job names: `*` stands for any text, everything else for itself, and the whole
/// name must match.
pub fn deck_job_glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

enum Token {
    /// `*`: any text without `/`.
    Star,
    /// `?`: one character, not `/`.
    Any,
    Literal(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut chars = pattern.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' => Token::Star,
            '?' => Token::Any,
            '\\' => Token::Literal(chars.next()?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
                        break;
                    }
                    let low = class_char(&mut chars)?;
                    let high = match chars.next_if_eq(&'-') {
                        Some(_) => class_char(&mut chars)?,
                        None => low,
                    };
                    ranges.push((low, high));
                }
                Token::Class { negated, ranges }
            }
            other => Token::Literal(other),
        });
    }
    Some(tokens)
}

/// One end of a range; `-` and `]` must be escaped here, and the class must not end with it.
fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    let c = match chars.next()? {
        '-' | ']' => return None,
        '\\' => chars.next()?,
        other => other,
    };
    chars.peek().is_some().then_some(c)
}

/// Greedy matching with a single point to come back to: the latest star. Go never tries an earlier
/// star again either, which shows only where a negated class takes a `/` between two stars.
fn matches(tokens: &[Token], name: &[char]) -> bool {
    let (mut t, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match tokens.get(t) {
            Some(Token::Star) => {
                retry = Some((t + 1, n));
                t += 1;
                continue;
            }
            Some(Token::Any) => name.get(n).is_some_and(|c| *c != '/'),
            Some(Token::Literal(want)) => name.get(n) == Some(want),
            Some(Token::Class { negated, ranges }) => name.get(n).is_some_and(|c| {
                ranges.iter().any(|(low, high)| low <= c && c <= high) != *negated
            }),
            None if n == name.len() => return true,
            None => false,
        };
        if step {
            t += 1;
            n += 1;
            continue;
        }
        match retry {
            Some((after_star, from)) if from < name.len() && name[from] != '/' => {
                retry = Some((after_star, from + 1));
                t = after_star;
                n = from + 1;
            }
            _ => return false,
        }
    }
}
