//! Walks the tree of a template and writes what it says.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::format::print;
use super::parse::{Branch, Command, Node, Operand, Pipeline, Span, Term};
use super::value::Value;
use super::{Template, TemplateError, funcs, position};

/// Bytes that one rendering may write.
const MAX_OUTPUT: usize = 4 << 20;

/// Nodes that one rendering may visit.
const MAX_STEPS: usize = 1_000_000;

/// How deep templates may call each other.
const MAX_CALLS: usize = 200;

pub(super) fn render(template: &Template, data: &Json) -> Result<String, TemplateError> {
    let data = Value::of(data);
    let mut run = Run {
        template,
        name: &template.name,
        out: String::new(),
        variables: vec![("$", data.clone())],
        steps: 0,
        calls: 0,
    };
    match run.list(&template.root, &data) {
        Ok(_) => Ok(run.out),
        Err(Stop { span, message }) => {
            let shown = template.text.get(span.start..span.end).unwrap_or_default().trim_end();
            let place = position(&template.name, &template.text, span.at);
            Err(TemplateError(format!("{place}executing {:?} at <{shown}>: {message}", run.name)))
        }
    }
}

/// Plain text stands nowhere in particular.
const NOWHERE: Span = Span { start: 0, end: 0, at: 0 };

struct Run<'t, 'd> {
    template: &'t Template,
    /// The template being rendered, for messages.
    name: &'t str,
    out: String,
    variables: Vec<(&'t str, Value<'d>)>,
    steps: usize,
    calls: usize,
}

/// Why and where rendering stopped.
struct Stop {
    span: Span,
    message: String,
}

/// How a list of nodes was left.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

impl<'t: 'd, 'd> Run<'t, 'd> {
    fn list(&mut self, nodes: &'t [Node], dot: &Value<'d>) -> Result<Flow, Stop> {
        for node in nodes {
            match self.node(node, dot)? {
                Flow::On => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, node: &'t Node, dot: &Value<'d>) -> Result<Flow, Stop> {
        match node {
            Node::Text(text) => self.write(text, NOWHERE)?,
            Node::Action(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.write(&print(&value), pipeline.span)?;
                }
            }
            Node::If(branch) => return self.choose(branch, dot, false),
            Node::With(branch) => return self.choose(branch, dot, true),
            Node::Range(branch) => return self.range(branch, dot),
            Node::Call { name, argument, span } => {
                self.call(name, argument.as_ref(), *span, dot)?
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn write(&mut self, text: &str, span: Span) -> Result<(), Stop> {
        self.step(span)?;
        if self.out.len() + text.len() > MAX_OUTPUT {
            let message = format!("the output is larger than {} MiB", MAX_OUTPUT >> 20);
            return Err(Stop { span, message });
        }
        self.out.push_str(text);
        Ok(())
    }

    fn step(&mut self, span: Span) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            let message = format!("the template takes more than {MAX_STEPS} steps");
            return Err(Stop { span, message });
        }
        Ok(())
    }

    fn choose(&mut self, branch: &'t Branch, dot: &Value<'d>, with: bool) -> Result<Flow, Stop> {
        let outer = self.variables.len();
        let value = self.pipeline(&branch.pipeline, dot)?;
        let flow = if value.truth() {
            self.list(&branch.body, if with { &value } else { dot })
        } else {
            self.list(&branch.otherwise, dot)
        };
        self.variables.truncate(outer);
        flow
    }

    fn range(&mut self, branch: &'t Branch, dot: &Value<'d>) -> Result<Flow, Stop> {
        let outer = self.variables.len();
        let value = self.pipeline(&branch.pipeline, dot)?;
        let stop = |message: String| Stop { span: branch.pipeline.span, message };
        let mut ran = false;
        match value {
            Value::List(list) => {
                for (i, json) in list.iter().enumerate() {
                    ran = true;
                    if self.iteration(branch, Value::Int(i as i128), Value::of(json))?
                        == Flow::Break
                    {
                        break;
                    }
                }
            }
            Value::Object(map) | Value::Map(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                for (key, json) in entries {
                    ran = true;
                    let key = Value::Str(Cow::Borrowed(key.as_str()));
                    if self.iteration(branch, key, Value::of(json))? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Int(_) if branch.pipeline.variables.len() > 1 => {
                let shown = print(&value);
                return Err(stop(format!(
                    "can't use {shown} to iterate over more than one variable"
                )));
            }
            Value::Int(count) => {
                let mut i = 0;
                while i < count {
                    ran = true;
                    if self.iteration(branch, Value::Absent, Value::Int(i))? == Flow::Break {
                        break;
                    }
                    i += 1;
                }
            }
            Value::Zero | Value::Absent | Value::Nil => {}
            other => return Err(stop(format!("range can't iterate over {}", print(&other)))),
        }
        let flow = if ran { Ok(Flow::On) } else { self.list(&branch.otherwise, dot) };
        self.variables.truncate(outer);
        flow
    }

    fn iteration(
        &mut self,
        branch: &'t Branch,
        index: Value<'d>,
        element: Value<'d>,
    ) -> Result<Flow, Stop> {
        self.step(branch.pipeline.span)?;
        // The pipeline declared its variables already; each turn sets them anew. With one
        // variable that is the element, with two the index comes first.
        let values = match branch.pipeline.variables.len() {
            2 => vec![index, element.clone()],
            _ => vec![element.clone()],
        };
        for (name, value) in branch.pipeline.variables.iter().zip(values) {
            self.assign(name, value);
        }
        let outer = self.variables.len();
        let flow = self.list(&branch.body, &element);
        self.variables.truncate(outer);
        flow
    }

    fn call(
        &mut self,
        name: &'t str,
        argument: Option<&'t Pipeline>,
        span: Span,
        dot: &Value<'d>,
    ) -> Result<(), Stop> {
        let stop = |message: String| Stop { span, message };
        let Some(body) = self.template.defined.get(name) else {
            return Err(stop(format!("template {name:?} not defined")));
        };
        if self.calls >= MAX_CALLS {
            return Err(stop(format!("exceeded maximum template depth ({MAX_CALLS})")));
        }
        let data = match argument {
            Some(pipeline) => self.pipeline(pipeline, dot)?,
            None => Value::Absent,
        };
        let outer = std::mem::replace(&mut self.variables, vec![("$", data.clone())]);
        let caller = std::mem::replace(&mut self.name, name);
        self.calls += 1;
        self.list(body, &data)?;
        self.calls -= 1;
        self.name = caller;
        self.variables = outer;
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &'t Pipeline, dot: &Value<'d>) -> Result<Value<'d>, Stop> {
        self.step(pipeline.span)?;
        let mut last = None;
        for command in &pipeline.commands {
            last = Some(self.command(command, dot, last.take())?);
        }
        let value = last.unwrap_or(Value::Absent);
        for name in &pipeline.variables {
            if pipeline.assigns {
                self.assign(name, value.clone());
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    fn assign(&mut self, name: &str, value: Value<'d>) {
        if let Some(variable) = self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            variable.1 = value;
        }
    }

    /// A function call or a plain value; `last` is what the command before the `|` gave.
    fn command(
        &mut self,
        command: &'t Command,
        dot: &Value<'d>,
        last: Option<Value<'d>>,
    ) -> Result<Value<'d>, Stop> {
        let (first, arguments) = (&command.operands[0], &command.operands[1..]);
        let end = arguments.last().map_or(first.span.end, |last| last.span.end);
        let span = Span { end, ..first.span };
        let stop = |message: String| Stop { span: first.span, message };
        if let (Term::Function(name), []) = (&first.term, &first.fields[..]) {
            return self.function(name, arguments, dot, last, span);
        }
        if !arguments.is_empty() || last.is_some() {
            return Err(stop(match first.fields.last() {
                Some(field) => format!("{field} has arguments but cannot be invoked as function"),
                None => {
                    let shown = &self.template.text[first.span.start..first.span.end];
                    format!("can't give argument to non-function {shown}")
                }
            }));
        }
        if matches!(first.term, Term::Nil) {
            return Err(stop("nil is not a command".to_owned()));
        }
        self.operand(first, dot)
    }

    fn function(
        &mut self,
        name: &str,
        arguments: &'t [Operand],
        dot: &Value<'d>,
        last: Option<Value<'d>>,
        span: Span,
    ) -> Result<Value<'d>, Stop> {
        let stop = |message: String| Stop { span, message };
        if name == "and" || name == "or" {
            // These two stop at the first argument that decides.
            let mut value = None;
            for argument in arguments {
                let evaluated = self.operand(argument, dot)?;
                if evaluated.truth() == (name == "or") {
                    return Ok(evaluated);
                }
                value = Some(evaluated);
            }
            return last.or(value).ok_or_else(|| {
                stop(format!("wrong number of args for {name}: want at least 1 got 0"))
            });
        }
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            values.push(self.operand(argument, dot)?);
        }
        values.extend(last);
        funcs::call(name, &values).map_err(stop)
    }

    fn operand(&mut self, operand: &'t Operand, dot: &Value<'d>) -> Result<Value<'d>, Stop> {
        let mut value = match &operand.term {
            Term::Dot => dot.clone(),
            Term::Nil => Value::Nil,
            Term::Bool(value) => Value::Bool(*value),
            Term::Int(value) => Value::Int(*value),
            Term::Float(value) => Value::Float(*value),
            Term::Str(text) => Value::Str(Cow::Borrowed(text)),
            Term::Variable(name) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                match found {
                    Some((_, value)) => value.clone(),
                    // A declaration reads its own variable.
                    None => {
                        let message = format!("undefined variable: {name}");
                        return Err(Stop { span: operand.span, message });
                    }
                }
            }
            Term::Function(name) => self.function(name, &[], dot, None, operand.span)?,
            Term::Pipeline(pipeline) => self.pipeline(pipeline, dot)?,
        };
        for field in &operand.fields {
            value = value.field(field).map_err(|message| Stop { span: operand.span, message })?;
        }
        Ok(value)
    }
}
