//! Cuts what names a hidden repository out of a configuration document.
//!
//! The configuration names repositories in many places: as keys, in lists, as the `repo` of an
//! entry. Deck shows all of them to everybody; here a repository that is hidden from the run list
//! is hidden here too.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::web::error::{HttpError, HttpResult};
use crate::web::visibility::Visibility;

/// Keys whose values say which repositories an entry is about.
const SCOPES: [&str; 4] = ["org", "orgs", "repo", "repos"];

/// The document without the parts that are about repositories which this process does not show.
pub(super) fn without_hidden(
    document: &impl Serialize,
    visibility: &Visibility,
) -> HttpResult<Value> {
    let document = serde_json::to_value(document).map_err(HttpError::internal)?;
    Ok(cut(document, visibility, Place::Elsewhere).unwrap_or_default())
}

/// Where a map stands: branch protection and Tide nest repositories below their org.
#[derive(Clone, Copy)]
enum Place<'a> {
    Elsewhere,
    /// Its keys are orgs.
    Orgs,
    /// It holds the settings of this org.
    Org(&'a str),
    /// Its keys are repositories of this org.
    ReposOf(&'a str),
}

impl<'a> Place<'a> {
    fn below(self, key: &'a str) -> Place<'a> {
        match (self, key) {
            (Place::Elsewhere, "orgs") => Place::Orgs,
            (Place::Orgs, org) => Place::Org(org),
            (Place::Org(org), "repos") => Place::ReposOf(org),
            _ => Place::Elsewhere,
        }
    }
}

/// The value without what is hidden; nothing if all of it is about hidden repositories.
fn cut(value: Value, visibility: &Visibility, place: Place<'_>) -> Option<Value> {
    match value {
        Value::String(text) => (!visibility.conceals(&text)).then_some(Value::String(text)),
        Value::Array(items) => {
            let was_empty = items.is_empty();
            let kept: Vec<Value> = items
                .into_iter()
                .filter_map(|item| cut(item, visibility, Place::Elsewhere))
                .collect();
            // An empty list often means every repository; a list of hidden ones means none.
            (was_empty || !kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Object(fields) => {
            let mut kept = Map::new();
            let mut about_hidden = false;
            for (key, value) in fields {
                let hidden = match place {
                    Place::ReposOf(org) => visibility.conceals(&format!("{org}/{key}")),
                    _ => visibility.conceals(&key),
                };
                if hidden {
                    continue;
                }
                match cut(value, visibility, place.below(&key)) {
                    Some(value) => drop(kept.insert(key, value)),
                    None => about_hidden |= SCOPES.contains(&key.as_str()),
                }
            }
            let about_others = SCOPES.iter().any(|scope| kept.contains_key(*scope));
            (!about_hidden || about_others).then_some(Value::Object(kept))
        }
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_about_hidden_repositories_goes_and_the_rest_stays() {
        let hidden_repos = vec!["org/secret".to_owned(), "umbra".to_owned()];
        let visibility = Visibility { hidden_repos, ..Visibility::default() };
        let document = json!({
            "plugins": {"org": ["size"], "org/secret": ["size"], "umbra": ["size"]},
            "deck": {"hidden_repos": ["org/secret", "umbra"], "skip": true},
            "triggers": [{"repos": ["org/secret"]}, {"repos": ["org/a", "umbra/b"]}, {"repos": []}],
            "queries": [{"orgs": ["org"], "repos": ["umbra/x"], "labels": ["lgtm"]}],
            "entries": [{"repo": "org/secret", "config": 1}, {"repo": "*", "config": 2}],
            "orgs": {"org": {"repos": {"secret": 1, "open": 2}}, "umbra": {"repos": {"x": 1}}},
        });
        let expected = json!({
            "plugins": {"org": ["size"]},
            "deck": {"skip": true},
            "triggers": [{"repos": ["org/a"]}, {"repos": []}],
            "queries": [{"orgs": ["org"], "labels": ["lgtm"]}],
            "entries": [{"repo": "*", "config": 2}],
            "orgs": {"org": {"repos": {"open": 2}}},
        });
        assert_eq!(without_hidden(&document, &visibility).expect("a document"), expected);
        let all = Visibility { show_hidden: true, ..visibility };
        assert_eq!(without_hidden(&document, &all).expect("a document"), document);
    }
}
