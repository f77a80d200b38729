//! Go's `text/template` over JSON documents: the language of `job_url_template`,
//! `report_templates`, Slack messages and the like.
//!
//! Templates name Go fields (`.Spec.Refs.BaseSHA`), documents carry JSON names (`base_sha`), so a
//! field is looked up regardless of case and underscores, and the fields of `metadata` are also
//! found at the top (`.Name`, `.ObjectMeta.Labels`). A key that the document lacks stands for the
//! zero value that Go's `omitempty` left out: it prints as nothing, is false, and equals `""`, `0`
//! and `nil`. Going further down from it is the error that Go's nil pointer gives.
//!
//! ```
//! use go_compat::template::Template;
//!
//! let job = serde_json::json!({"spec": {"job": "unit", "refs": {"org": "o", "repo": "r"}}});
//! let template = Template::parse("url", "{{with .Spec.Refs}}{{.Org}}/{{.Repo}}/{{end}}{{.Spec.Job}}")?;
//! assert_eq!(template.render(&job)?, "o/r/unit");
//! # Ok::<(), go_compat::template::TemplateError>(())
//! ```

mod exec;
mod format;
mod funcs;
mod lex;
mod parse;
mod value;

use std::collections::BTreeMap;

use serde_json::Value;

use parse::Node;

/// A parsed template. Rendering neither changes it nor needs anything but the document.
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
    text: String,
    root: Vec<Node>,
    /// The bodies of `define` and `block`.
    defined: BTreeMap<String, Vec<Node>>,
    functions: Vec<ExtraFunction>,
}

/// Functions that some templates have besides Go's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtraFunction {
    /// `replace OLD NEW TEXT` replaces every occurrence: Prow's Jenkins operator offers it.
    Replace,
}

/// Why a template does not parse or cannot be rendered, with its name, line and column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(String);

impl Template {
    /// Parses a template with Go's own functions. `name` stands in error messages.
    pub fn parse(name: &str, text: &str) -> Result<Template, TemplateError> {
        Template::parse_with(name, text, &[])
    }

    /// Parses a template that may also call the given functions.
    pub fn parse_with(
        name: &str,
        text: &str,
        functions: &[ExtraFunction],
    ) -> Result<Template, TemplateError> {
        let parsed = parse::parse(name, text, functions)?;
        Ok(Template {
            name: name.to_owned(),
            text: text.to_owned(),
            root: parsed.root,
            defined: parsed.defined,
            functions: functions.to_vec(),
        })
    }

    /// The text as its user wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Renders the template over a document. Output, steps and nesting are bounded, so a template
    /// of a stranger cannot hold a component up.
    pub fn render(&self, data: &Value) -> Result<String, TemplateError> {
        exec::render(self, data)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Template) -> bool {
        self.name == other.name && self.text == other.text && self.functions == other.functions
    }
}

/// `template: NAME:LINE:COLUMN: ` as Go writes it; the column counts bytes from 0.
fn position(name: &str, text: &str, at: usize) -> String {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line = 1 + before.iter().filter(|b| **b == b'\n').count();
    let column = before.iter().rev().take_while(|b| **b != b'\n').count();
    format!("template: {name}:{line}:{column}: ")
}
