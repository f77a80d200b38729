//! Groups of tests, as the junit lens is configured: `groups[]` with a selector over the properties of
//! tests.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// Groups that are shown.
const MOST: usize = 50;

/// The patterns are constants, which a test tries.
static CLAUSE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"properties/property\[([^\]]*)\]").ok());
static CONDITION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^@(name|value)\s*=\s*(?:'([^']*)'|"([^"]*)")$"#).ok());

/// Tests that are shown apart from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What people read.
    pub name: String,
    /// Whether it is folded at first.
    pub collapsed: bool,
    clauses: Vec<Clause>,
}

/// What a property of a test must be; what is not named may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Clause {
    name: Option<String>,
    value: Option<String>,
}

impl Group {
    /// Whether a test with these properties belongs to the group: each clause holds for one of them.
    pub fn holds(&self, properties: &[(String, String)]) -> bool {
        self.clauses.iter().all(|clause| {
            properties.iter().any(|(name, value)| {
                clause.name.as_ref().is_none_or(|wanted| wanted == name)
                    && clause.value.as_ref().is_none_or(|wanted| wanted == value)
            })
        })
    }
}

/// The groups of a junit lens with these settings, and a sentence for each that cannot be used.
pub fn groups(config: Option<&Value>) -> (Vec<Group>, Vec<String>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    let configured = config.and_then(|config| config.get("groups")).and_then(Value::as_array);
    for group in configured.into_iter().flatten().take(MOST) {
        let text = |name: &str| group.get(name).and_then(Value::as_str).unwrap_or_default();
        match clauses(text("selector")) {
            Some(clauses) => found.push(Group {
                name: text("name").to_owned(),
                collapsed: group.get("collapsed").and_then(Value::as_bool).unwrap_or(false),
                clauses,
            }),
            None => problems.push(format!(
                "deck.spyglass.lenses: the group `{}` of junit is left out, since its selector `{}` \
                 is none of the form `properties/property[@name='x' and @value='y']`.",
                text("name"),
                text("selector")
            )),
        }
    }
    (found, problems)
}

fn clauses(selector: &str) -> Option<Vec<Clause>> {
    let clauses: Option<Vec<Clause>> = CLAUSE
        .as_ref()?
        .captures_iter(selector)
        .map(|found| {
            let mut clause = Clause::default();
            for condition in found.get(1)?.as_str().split(" and ") {
                let condition = CONDITION.as_ref()?.captures(condition.trim())?;
                let value = condition.get(2).or(condition.get(3))?.as_str().to_owned();
                match condition.get(1)?.as_str() {
                    "name" => clause.name = Some(value),
                    _ => clause.value = Some(value),
                }
            }
            Some(clause)
        })
        .collect();
    clauses.filter(|clauses| !clauses.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_are_those_of_prow() {
        let properties = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        let informing = properties(&[("lifecycle", "informing"), ("team", "a")]);
        for (selector, holds) in [
            ("properties/property[@name='lifecycle' and @value='informing']", Some(true)),
            ("properties/property[@name=\"lifecycle\"]", Some(true)),
            ("properties/property[@value='informing']", Some(true)),
            ("properties/property[@name='lifecycle' and @value='blocking']", Some(false)),
            ("properties/property[@name='team' and @value='informing']", Some(false)),
            (
                "properties/property[@name='team'] and properties/property[@value='informing']",
                Some(true),
            ),
            ("classname='foo'", None),
            ("properties/property[@class='foo']", None),
            ("properties/property[]", None),
            ("", None),
        ] {
            let config =
                json!({"groups": [{"name": "g", "selector": selector, "collapsed": true}]});
            let (found, problems) = groups(Some(&config));
            let held = found.first().map(|group| group.holds(&informing));
            assert_eq!(held, holds, "{selector}");
            assert_eq!(problems.len(), usize::from(holds.is_none()), "{selector}");
            assert!(found.iter().all(|group| group.collapsed && !group.holds(&[])));
        }
        assert_eq!(groups(None), (Vec::new(), Vec::new()));
    }
}
