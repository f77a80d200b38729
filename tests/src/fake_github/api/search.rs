//! Search of issues and pull requests, as far as bots use it.

use axum::{Extension, extract::State, http::Uri};
use serde_json::{Value, json};

use super::{Answer, readable};
use crate::fake_github::{
    FakeGitHub,
    server::{Caller, page, query_value},
    world::{Issue, Refusal, Repository, key},
};

/// How many results of a search can be seen at most.
const MAX_RESULTS: usize = 1_000;

/// The qualifiers that are understood; another one is refused, so that no test passes by accident.
const QUALIFIERS: [&str; 9] =
    ["is", "type", "state", "author", "org", "user", "repo", "label", "base"];

pub(in crate::fake_github) async fn issues(
    State(fake): State<FakeGitHub>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Answer {
    let query = query_value(&uri, "q").unwrap_or_default();
    let terms = parse(&query)?;
    let world = fake.inner.world.lock();
    let documents = fake.documents(&world);
    let mut entries: Vec<Value> = Vec::new();
    for repository in world.repos.values() {
        if readable(&world, &caller, &repository.owner, &repository.name).is_err() {
            continue;
        }
        for issue in repository.issues.values() {
            if terms.iter().all(|term| matches(term, repository, issue)) {
                entries.push(documents.issue(repository, issue));
            }
        }
    }
    let total = entries.len();
    entries.truncate(MAX_RESULTS);
    Ok(page(
        &fake,
        &uri,
        entries,
        |items| json!({ "total_count": total, "incomplete_results": false, "items": items }),
    ))
}

/// One term of a query.
struct Term {
    negated: bool,
    /// Empty for a plain word.
    qualifier: String,
    value: String,
}

/// Takes a query apart; values may be quoted.
fn parse(query: &str) -> Result<Vec<Term>, Refusal> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in query.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    words
        .iter()
        .filter(|word| !word.is_empty())
        .map(|word| {
            let plain = word.strip_prefix('-').unwrap_or(word);
            let (qualifier, value) = plain.split_once(':').unwrap_or(("", plain));
            if !qualifier.is_empty() && !QUALIFIERS.contains(&qualifier) {
                return Err(Refusal::invalid(format!(
                    "Validation Failed: the fake does not know the qualifier {qualifier}"
                )));
            }
            Ok(Term {
                negated: word.starts_with('-'),
                qualifier: qualifier.to_owned(),
                value: value.to_owned(),
            })
        })
        .collect()
}

fn matches(term: &Term, repository: &Repository, issue: &Issue) -> bool {
    let pull = issue.pull.as_ref();
    let found = match (term.qualifier.as_str(), term.value.as_str()) {
        ("is" | "type", "pr") => pull.is_some(),
        ("is" | "type", "issue") => pull.is_none(),
        ("is" | "state", "open") => issue.open,
        ("is" | "state", "closed") => !issue.open,
        ("is", "merged") => pull.is_some_and(|pull| pull.merged_at.is_some()),
        ("is", "draft") => pull.is_some_and(|pull| pull.draft),
        ("author", login) => key(&issue.author) == key(login),
        ("org" | "user", owner) => key(&repository.owner) == key(owner),
        ("repo", name) => key(&repository.full_name()) == key(name),
        ("label", name) => issue.labels.iter().any(|label| key(label) == key(name)),
        ("base", branch) => pull.is_some_and(|pull| pull.base_ref == branch),
        ("", text) => {
            let all = format!("{} {}", issue.title, issue.body).to_lowercase();
            all.contains(&text.to_lowercase())
        }
        _ => false,
    };
    found != term.negated
}
