//! Label selectors in Kubernetes' grammar.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::ClusterError;

/// One condition on the labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// `key in (a, b)`; `key = a` is a list of one.
    In(String, Vec<String>),
    /// `key notin (a, b)`, `key != a`: also met by objects without the label.
    NotIn(String, Vec<String>),
    /// `key`.
    Exists(String),
    /// `!key`.
    Missing(String),
}

impl Requirement {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Requirement::In(key, values) => labels.get(key).is_some_and(|v| values.contains(v)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|v| !values.contains(v)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::Missing(key) => !labels.contains_key(key),
        }
    }
}

/// Conditions that must all be met; none at all selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// The conditions.
    pub requirements: Vec<Requirement>,
}

impl LabelSelector {
    /// Selects everything.
    pub fn all() -> LabelSelector {
        LabelSelector::default()
    }

    /// Adds `key = value`.
    pub fn equal(mut self, key: impl Into<String>, value: impl Into<String>) -> LabelSelector {
        self.requirements.push(Requirement::In(key.into(), vec![value.into()]));
        self
    }

    /// Adds `key`: the label is there, whatever its value.
    pub fn exists(mut self, key: impl Into<String>) -> LabelSelector {
        self.requirements.push(Requirement::Exists(key.into()));
        self
    }

    /// Whether these labels meet all conditions.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(labels))
    }
}

impl FromStr for LabelSelector {
    type Err = ClusterError;

    /// Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k`, as `kubectl --selector` takes it.
    fn from_str(text: &str) -> Result<LabelSelector, ClusterError> {
        let parts = split(text);
        if parts.iter().all(|part| part.is_empty()) {
            return Ok(LabelSelector::all());
        }
        let requirements = parts
            .into_iter()
            .map(|part| {
                requirement(part).map_err(|problem| {
                    ClusterError::Invalid(format!("label selector `{text}`: {problem}"))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(LabelSelector { requirements })
    }
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut depth = 0_i32;
    let mut start = 0;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(text[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

fn requirement(part: &str) -> Result<Requirement, String> {
    if let Some(name) = part.strip_prefix('!') {
        return Ok(Requirement::Missing(key(name)?));
    }
    if let Some((name, wanted)) = part.split_once("!=") {
        return Ok(Requirement::NotIn(key(name)?, vec![value(wanted)?]));
    }
    if let Some((name, wanted)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Ok(Requirement::In(key(name)?, vec![value(wanted)?]));
    }
    let Some((head, list)) = part.split_once('(') else {
        return Ok(Requirement::Exists(key(part)?));
    };
    let list = list.strip_suffix(')').ok_or_else(|| format!("`{part}` lacks a `)`"))?;
    let values = list.split(',').map(value).collect::<Result<Vec<_>, _>>()?;
    let mut words = head.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(name), Some("in"), None) => Ok(Requirement::In(key(name)?, values)),
        (Some(name), Some("notin"), None) => Ok(Requirement::NotIn(key(name)?, values)),
        _ => Err(format!("`{part}` is neither `key in (…)` nor `key notin (…)`")),
    }
}

fn key(text: &str) -> Result<String, String> {
    let text = text.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    match !text.is_empty() && text.chars().all(allowed) {
        true => Ok(text.to_string()),
        false => Err(format!("`{text}` is not a label key")),
    }
}

fn value(text: &str) -> Result<String, String> {
    let text = text.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match text.chars().all(allowed) {
        true => Ok(text.to_string()),
        false => Err(format!("`{text}` is not a label value")),
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match requirement {
                Requirement::In(key, values) if values.len() == 1 => {
                    write!(f, "{key}={}", values[0])?;
                }
                Requirement::NotIn(key, values) if values.len() == 1 => {
                    write!(f, "{key}!={}", values[0])?;
                }
                Requirement::In(key, values) => write!(f, "{key} in ({})", values.join(","))?,
                Requirement::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(","))?,
                Requirement::Exists(key) => f.write_str(key)?,
                Requirement::Missing(key) => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    fn matches(selector: &str, pairs: &[(&str, &str)]) -> bool {
        selector.parse::<LabelSelector>().unwrap().matches(&labels(pairs))
    }

    #[test]
    fn every_form_of_requirement_selects_as_kubernetes_does() {
        assert!(matches("", &[]));
        assert!(matches("a=b", &[("a", "b"), ("c", "d")]));
        assert!(matches("a==b", &[("a", "b")]));
        assert!(!matches("a=b", &[("a", "c")]));
        assert!(matches("a!=b", &[("a", "c")]));
        assert!(matches("a!=b", &[]));
        assert!(matches("a in (b, c),d", &[("a", "c"), ("d", "")]));
        assert!(!matches("a in (b, c)", &[]));
        assert!(matches("a notin (b,c)", &[("a", "d")]));
        assert!(matches("a notin (b,c)", &[]));
        assert!(matches("!a", &[("b", "c")]));
        assert!(!matches("!a", &[("a", "c")]));
        assert!(matches(
            "prow.k8s.io/id=x-1,created-by-prow",
            &[("prow.k8s.io/id", "x-1"), ("created-by-prow", "true"),]
        ));
    }

    #[test]
    fn a_malformed_selector_is_refused_with_its_text() {
        for text in ["a in b,", "a in (b", "a within (b)", "=b", "a=b c", "a,,b"] {
            let error = text.parse::<LabelSelector>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
            assert!(error.is_permanent());
        }
    }

    #[test]
    fn a_selector_prints_as_it_was_written() {
        for text in ["a=b,c!=d,e in (f,g),h notin (i,j),k,!l", ""] {
            assert_eq!(text.parse::<LabelSelector>().unwrap().to_string(), text);
        }
    }
}
