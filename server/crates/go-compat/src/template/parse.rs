//! Builds the tree of a template from its tokens, by Go's grammar.

use std::collections::BTreeMap;

use super::lex::{Kind, Token, lex, unescape};
use super::{ExtraFunction, TemplateError, funcs, position};

/// How deep parentheses and control structures may nest.
const MAX_DEPTH: usize = 200;

/// A part of the template.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where messages place it: Go points at the second field of a chain.
    pub(super) at: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    /// A pipeline whose value is printed, unless it only sets variables.
    Action(Pipeline),
    If(Branch),
    With(Branch),
    Range(Branch),
    Call {
        name: String,
        argument: Option<Pipeline>,
        span: Span,
    },
    Break,
    Continue,
}

#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) pipeline: Pipeline,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) span: Span,
    /// Variables that take the value, `$` included.
    pub(super) variables: Vec<String>,
    /// Whether they exist already (`=`) or are made here (`:=`).
    pub(super) assigns: bool,
    pub(super) commands: Vec<Command>,
}

#[derive(Clone, Debug)]
pub(super) struct Command {
    /// The function or value, then its arguments; never empty.
    pub(super) operands: Vec<Operand>,
}

#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) span: Span,
    pub(super) term: Term,
    /// `.A.B` behind the term.
    pub(super) fields: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Term {
    Dot,
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    Variable(String),
    Function(String),
    Pipeline(Box<Pipeline>),
}

pub(super) struct Parsed {
    pub(super) root: Vec<Node>,
    pub(super) defined: BTreeMap<String, Vec<Node>>,
}

pub(super) fn parse(
    name: &str,
    text: &str,
    functions: &[ExtraFunction],
) -> Result<Parsed, TemplateError> {
    let fail = |at: usize, message: &str| {
        // A parse error names the line only, as Go's does.
        let place = position(name, text, at);
        let line = place.trim_end_matches(' ').rsplitn(3, ':').nth(2).unwrap_or(&place);
        TemplateError(format!("{line}: {message}"))
    };
    let tokens = lex(text).map_err(|(at, message)| fail(at, &message))?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        functions,
        variables: vec!["$".to_owned()],
        defined: BTreeMap::new(),
        ranges: 0,
        depth: 0,
    };
    match parser.list(true) {
        Ok((root, _)) => Ok(Parsed { root, defined: parser.defined }),
        Err((at, message)) => Err(fail(at, &message)),
    }
}

type ParseResult<T> = Result<T, (usize, String)>;

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    functions: &'t [ExtraFunction],
    /// Names in scope, innermost last.
    variables: Vec<String>,
    defined: BTreeMap<String, Vec<Node>>,
    ranges: usize,
    depth: usize,
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    /// At the end of the template.
    Text,
    End,
    /// At an `else`; what follows it is not read yet.
    Else,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> &'t Token {
        // The last token is always `End` and is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> &'t Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn next_is_word(&self, word: &str) -> bool {
        matches!(&self.peek().kind, Kind::Word(found) if found == word)
    }

    fn expect_close(&mut self, context: &str) -> ParseResult<()> {
        let token = self.next();
        if token.kind == Kind::Close { Ok(()) } else { Err(unexpected(token, context)) }
    }

    fn list(&mut self, top: bool) -> ParseResult<(Vec<Node>, Ending)> {
        let mut nodes = Vec::new();
        loop {
            let token = self.next();
            match &token.kind {
                Kind::Text(text) => nodes.push(Node::Text(text.clone())),
                Kind::Open if self.next_is_word("end") && !top => {
                    self.next();
                    self.expect_close("end")?;
                    return Ok((nodes, Ending::End));
                }
                Kind::Open if self.next_is_word("else") && !top => {
                    self.next();
                    return Ok((nodes, Ending::Else));
                }
                Kind::Open if self.next_is_word("define") && top => {
                    self.next();
                    self.define()?;
                }
                Kind::Open => nodes.push(self.action(token.start)?),
                Kind::End if top => return Ok((nodes, Ending::Text)),
                Kind::End => return Err((token.start, "unexpected EOF".to_owned())),
                _ => return Err(unexpected(token, "input")),
            }
        }
    }

    fn action(&mut self, start: usize) -> ParseResult<Node> {
        let token = self.peek();
        let Kind::Word(word) = &token.kind else {
            return Ok(Node::Action(self.pipeline("command", &Kind::Close)?));
        };
        match word.as_str() {
            "if" | "with" | "range" => {
                self.next();
                let branch = self.branch(word, token.start)?;
                Ok(match word.as_str() {
                    "if" => Node::If(branch),
                    "with" => Node::With(branch),
                    _ => Node::Range(branch),
                })
            }
            "template" => {
                self.next();
                self.call(start, "template clause")
            }
            "block" => {
                self.next();
                self.block(start)
            }
            "break" | "continue" => {
                self.next();
                if self.ranges == 0 {
                    return Err((token.start, format!("{{{{{word}}}}} outside {{{{range}}}}")));
                }
                self.expect_close(&format!("{{{{{word}}}}}"))?;
                Ok(if word == "break" { Node::Break } else { Node::Continue })
            }
            "end" | "else" | "define" => Err((token.start, format!("unexpected {{{{{word}}}}}"))),
            _ => Ok(Node::Action(self.pipeline("command", &Kind::Close)?)),
        }
    }

    fn deeper(&mut self, at: usize) -> ParseResult<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err((at, "max expression depth exceeded".to_owned()));
        }
        Ok(())
    }

    /// `if`, `with` or `range` after its word, up to and over its `end`.
    fn branch(&mut self, context: &str, at: usize) -> ParseResult<Branch> {
        self.deeper(at)?;
        let outer = self.variables.len();
        let pipeline = self.pipeline(context, &Kind::Close)?;
        let looping = usize::from(context == "range");
        self.ranges += looping;
        let (body, ending) = self.list(false)?;
        self.ranges -= looping;
        let mut otherwise = Vec::new();
        if ending == Ending::Else {
            let token = self.peek();
            if self.next_is_word("if") && context == "if" {
                // `else if` shares the one `end`.
                self.next();
                otherwise.push(Node::If(self.branch("if", token.start)?));
            } else if self.next_is_word("with") && context == "with" {
                self.next();
                otherwise.push(Node::With(self.branch("with", token.start)?));
            } else {
                self.expect_close("else")?;
                let (nodes, ending) = self.list(false)?;
                if ending != Ending::End {
                    return Err((token.start, "expected end; found {{else}}".to_owned()));
                }
                otherwise = nodes;
            }
        }
        self.variables.truncate(outer);
        self.depth -= 1;
        Ok(Branch { pipeline, body, otherwise })
    }

    fn template_name(&mut self, context: &str) -> ParseResult<String> {
        let token = self.next();
        match &token.kind {
            Kind::Str(name) => Ok(name.clone()),
            _ => Err(unexpected(token, context)),
        }
    }

    fn call(&mut self, start: usize, context: &str) -> ParseResult<Node> {
        let at = self.peek().start;
        let name = self.template_name(context)?;
        let argument = if self.peek().kind == Kind::Close {
            self.next();
            None
        } else {
            Some(self.pipeline(context, &Kind::Close)?)
        };
        let end = self.tokens[self.at - 1].end;
        Ok(Node::Call { name, argument, span: Span { start, end, at } })
    }

    /// `block "name" pipeline`: defines a template and calls it on the spot.
    fn block(&mut self, start: usize) -> ParseResult<Node> {
        let at = self.peek().start;
        let name = self.template_name("block clause")?;
        let argument = self.pipeline("block clause", &Kind::Close)?;
        let end = self.tokens[self.at - 1].end;
        let body = self.body_of_definition(start)?;
        self.defined.insert(name.clone(), body);
        Ok(Node::Call { name, argument: Some(argument), span: Span { start, end, at } })
    }

    fn define(&mut self) -> ParseResult<()> {
        let start = self.peek().start;
        let name = self.template_name("define clause")?;
        self.expect_close("define clause")?;
        let body = self.body_of_definition(start)?;
        self.defined.insert(name, body);
        Ok(())
    }

    /// A definition sees none of the variables around it.
    fn body_of_definition(&mut self, at: usize) -> ParseResult<Vec<Node>> {
        self.deeper(at)?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let ranges = std::mem::take(&mut self.ranges);
        let (body, ending) = self.list(false)?;
        if ending != Ending::End {
            return Err((at, "unexpected {{else}} in define clause".to_owned()));
        }
        self.variables = outer;
        self.ranges = ranges;
        self.depth -= 1;
        Ok(body)
    }

    /// Reads up to and over `end`, the closing delimiter or parenthesis.
    fn pipeline(&mut self, context: &str, end: &Kind) -> ParseResult<Pipeline> {
        let start = self.peek().start;
        let (variables, assigns) = self.declarations(context)?;
        let mut commands: Vec<Command> = Vec::new();
        let end = loop {
            let token = self.peek();
            if token.kind == *end {
                self.next();
                break token.start;
            }
            match &token.kind {
                Kind::Word(_)
                | Kind::Field(_)
                | Kind::Variable(_)
                | Kind::Dot
                | Kind::Number(_)
                | Kind::Str(_)
                | Kind::LeftParen => {
                    let command = self.command()?;
                    let executable = matches!(
                        &command.operands[0],
                        Operand {
                            term: Term::Function(_) | Term::Variable(_) | Term::Pipeline(_),
                            ..
                        }
                    ) || !command.operands[0].fields.is_empty();
                    commands.push(command);
                    if commands.len() > 1 && !executable {
                        let stage = commands.len();
                        let message = format!("non executable command in pipeline stage {stage}");
                        return Err((token.start, message));
                    }
                }
                _ => return Err(unexpected(token, context)),
            }
        };
        if commands.is_empty() {
            return Err((start, format!("missing value for {context}")));
        }
        Ok(Pipeline { span: Span { start, end, at: start }, variables, assigns, commands })
    }

    /// `$x :=`, `$x =` or, in a range, `$i, $x :=`. Nothing is read if none is there.
    fn declarations(&mut self, context: &str) -> ParseResult<(Vec<String>, bool)> {
        let mut names = Vec::new();
        while let Kind::Variable(name) = &self.peek().kind {
            let at = self.peek().start;
            match self.tokens.get(self.at + 1).map(|t| &t.kind) {
                Some(kind @ (Kind::Assign | Kind::Declare)) => {
                    self.at += 2;
                    names.push(name.clone());
                    self.variables.extend_from_slice(&names);
                    return Ok((names, *kind == Kind::Assign));
                }
                Some(Kind::Comma) => {
                    self.at += 2;
                    names.push(name.clone());
                    if context != "range" || names.len() > 1 {
                        return Err((at, format!("too many declarations in {context}")));
                    }
                    if !matches!(self.peek().kind, Kind::Variable(_)) {
                        return Err((at, "range can only initialize variables".to_owned()));
                    }
                }
                _ if names.is_empty() => break,
                _ => return Err((at, "range can only initialize variables".to_owned())),
            }
        }
        Ok((names, false))
    }

    fn command(&mut self) -> ParseResult<Command> {
        let mut operands = Vec::new();
        loop {
            let operand = self.operand()?;
            operands.push(operand);
            let token = self.peek();
            match &token.kind {
                Kind::Close | Kind::RightParen => break,
                Kind::Pipe => {
                    self.next();
                    // A pipe must lead somewhere.
                    if matches!(self.peek().kind, Kind::Close | Kind::RightParen) {
                        return Err((token.start, "missing value for command".to_owned()));
                    }
                    break;
                }
                _ if token.spaced => {}
                _ => return Err(unexpected(token, "operand")),
            }
        }
        Ok(Command { operands })
    }

    fn operand(&mut self) -> ParseResult<Operand> {
        let token = self.next();
        let mut fields = Vec::new();
        let term = match &token.kind {
            Kind::Dot => Term::Dot,
            Kind::Field(name) => {
                fields.push(name.clone());
                Term::Dot
            }
            Kind::Str(text) => Term::Str(text.clone()),
            Kind::Number(text) => number(text).map_err(|message| (token.start, message))?,
            Kind::Variable(name) => {
                if !self.variables.contains(name) {
                    return Err((token.start, format!("undefined variable {name:?}")));
                }
                Term::Variable(name.clone())
            }
            Kind::Word(word) => match word.as_str() {
                "true" => Term::Bool(true),
                "false" => Term::Bool(false),
                "nil" => Term::Nil,
                name if funcs::exists(name, self.functions) => Term::Function(name.to_owned()),
                "if" | "with" | "range" | "template" | "block" | "break" | "continue" | "end"
                | "else" | "define" => return Err(unexpected(token, "command")),
                name => return Err((token.start, format!("function {name:?} not defined"))),
            },
            Kind::LeftParen => {
                self.deeper(token.start)?;
                let inner = self.pipeline("parenthesized pipeline", &Kind::RightParen)?;
                self.depth -= 1;
                Term::Pipeline(Box::new(inner))
            }
            _ => return Err(unexpected(token, "operand")),
        };
        let mut at = token.start;
        while let Kind::Field(name) = &self.peek().kind {
            if self.peek().spaced {
                break;
            }
            let constant = match &term {
                Term::Dot => fields.is_empty(),
                Term::Nil | Term::Bool(_) | Term::Int(_) | Term::Float(_) | Term::Str(_) => true,
                _ => false,
            };
            if constant {
                let message = "unexpected . after a constant".to_owned();
                return Err((self.peek().start, message));
            }
            let more = self.next();
            if at == token.start {
                at = more.start;
            }
            fields.push(name.clone());
        }
        let end = self.tokens[self.at - 1].end;
        Ok(Operand { span: Span { start: token.start, end, at }, term, fields })
    }
}

fn unexpected(token: &Token, context: &str) -> (usize, String) {
    let what = match &token.kind {
        Kind::Text(_) => "text",
        Kind::Open => "\"{{\"",
        Kind::Close => "\"}}\"",
        Kind::Word(word) => return (token.start, format!("unexpected <{word}> in {context}")),
        Kind::Field(name) => return (token.start, format!("unexpected <.{name}> in {context}")),
        Kind::Variable(name) => return (token.start, format!("unexpected {name:?} in {context}")),
        Kind::Dot => "<.>",
        Kind::Pipe => "\"|\"",
        Kind::Comma => "\",\"",
        Kind::LeftParen => "\"(\"",
        Kind::RightParen => "\")\"",
        Kind::Assign => "\"=\"",
        Kind::Declare => "\":=\"",
        Kind::Number(number) => {
            return (token.start, format!("unexpected {number:?} in {context}"));
        }
        Kind::Str(_) => "string",
        Kind::End => "EOF",
    };
    (token.start, format!("unexpected {what} in {context}"))
}

/// A number or character constant by Go's rules: any base, `_` between digits behind a prefix.
fn number(text: &str) -> Result<Term, String> {
    let illegal = || format!("illegal number syntax: {text:?}");
    if let Some(inner) = text.strip_prefix('\'') {
        let inner = inner.strip_suffix('\'').unwrap_or(inner);
        return match unescape(inner, '\'') {
            Some((c, length)) if length == inner.len() => Ok(Term::Int(i128::from(c.code()))),
            _ => Err(format!("malformed character constant: {text}")),
        };
    }
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    let plain: String = body.chars().filter(|c| *c != '_').collect();
    let underscores_fit =
        !body.ends_with('_') && !body.contains("__") && (radix != 10 || !body.starts_with('_'));
    if underscores_fit
        && !plain.is_empty()
        && plain.chars().all(|c| c.is_digit(radix))
        && let Ok(value) = i128::from_str_radix(&plain, radix)
    {
        let value = if negative { -value } else { value };
        return if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value) {
            Ok(Term::Int(value))
        } else {
            Err(format!("integer overflow: {text:?}"))
        };
    }
    let decimal = lower.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && lower.chars().all(|c| c.is_ascii_digit() || ".e+-_".contains(c));
    if !decimal {
        return Err(illegal());
    }
    if !lower.contains(['.', 'e']) {
        // An integer with leading zero and a digit that is not octal.
        return Err(illegal());
    }
    let value: f64 = text.replace('_', "").parse().map_err(|_| illegal())?;
    if value.is_finite() { Ok(Term::Float(value)) } else { Err(illegal()) }
}
