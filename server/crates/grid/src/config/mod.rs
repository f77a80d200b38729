//! The configuration: from YAML files and Prow jobs to the messages that everything else reads.
//!
//! ```text
//! files ─ ConfigFile::read ──┐
//! default.yaml ──────────────┼─ assemble ─ Assembly ─┬─ configuration (as configurator writes it)
//! Prow jobs ─ jobs::jobs_of ─┘                       ├─ into_usable (without what has errors)
//!                                                    └─ diagnostics (file, line, rule) + lint
//! ```
//!
//! Without errors, the configuration is the one that configurator writes for the same files, message
//! by message; with errors configurator writes none, while [`Assembly::into_usable`] keeps what does
//! not depend on them.

mod assemble;
pub mod defaults;
mod fields;
mod file;
pub mod jobs;
mod labels;
pub mod lint;
pub mod lookup;
pub mod merge;
pub mod names;
mod read;
mod validate;

use crate::proto::config::Configuration;
use read::Field;

pub use assemble::{Assembly, Contents, Inputs, assemble, assemble_contents, take_contents};
pub use file::{ConfigFile, is_config_file, is_default_file};

/// A configuration as YAML, as configurator writes it with `--output-yaml`: keys sorted, zero values
/// left out, enumerations as numbers. What [`ConfigFile::read`] reads of it is the same again.
pub fn to_yaml(configuration: &Configuration) -> String {
    let empty = || serde_json::Value::Object(serde_json::Map::new());
    go_compat::yaml_emit::to_yaml(&configuration.written().unwrap_or_else(empty))
}

/// A configuration in protobuf's text format, which any protobuf library reads; keys sorted, zero
/// values left out, enumerations as numbers.
pub fn to_text(configuration: &Configuration) -> String {
    let mut out = String::new();
    if let Some(serde_json::Value::Object(fields)) = configuration.written() {
        text_fields(&fields, 0, &mut out);
    }
    out
}

fn text_fields(
    fields: &serde_json::Map<String, serde_json::Value>,
    depth: usize,
    out: &mut String,
) {
    for (name, value) in fields {
        match value {
            serde_json::Value::Array(elements) => {
                for element in elements {
                    text_field(name, element, depth, out);
                }
            }
            value => text_field(name, value, depth, out),
        }
    }
}

fn text_field(name: &str, value: &serde_json::Value, depth: usize, out: &mut String) {
    use serde_json::Value;
    let indent = "  ".repeat(depth);
    out.push_str(&indent);
    out.push_str(name);
    match value {
        Value::Object(fields) => {
            out.push_str(" {\n");
            text_fields(fields, depth + 1, out);
            out.push_str(&indent);
            out.push('}');
        }
        Value::String(text) => {
            out.push_str(": \"");
            for c in text.chars() {
                match c {
                    '\\' => out.push_str("\\\\"),
                    '"' => out.push_str("\\\""),
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\t' => out.push_str("\\t"),
                    // Three octal digits are read the same by every parser.
                    c if c.is_ascii_control() => out.push_str(&format!("\\{:03o}", c as u32)),
                    c => out.push(c),
                }
            }
            out.push('"');
        }
        value => out.push_str(&format!(": {value}")),
    }
    out.push('\n');
}

/// Reads bytes as a configuration and assembles it; never panics. The entry for a fuzzer.
pub fn fuzz(bytes: &[u8]) {
    let text: std::sync::Arc<str> = String::from_utf8_lossy(bytes).into();
    let path: std::sync::Arc<std::path::Path> = std::path::Path::new("fuzz.yaml").into();
    let defaults = ConfigFile::read_as_defaults(path.clone(), text.clone());
    let files = [std::sync::Arc::new(ConfigFile::read(path, text, true))];
    let inputs = Inputs { files: &files, defaults: defaults.defaults(), ..Inputs::default() };
    let _ = assemble(&inputs).into_usable();
}
