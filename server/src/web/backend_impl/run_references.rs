//! Issues and pull requests whose texts name a run.

use std::collections::HashMap;

use app::model::{IssueState, RunReference};
use blob::BlobUri;
use store::{ReferenceRow, StoreError};

use crate::references::Named;
use crate::runs::run::Run;
use crate::spyglass::links::is_of_the_web;
use crate::web::hidden_folders::roots;
use crate::web::state::Web;

/// Issues and pull requests that are told.
const SHOWN: usize = 30;

/// The issues and pull requests that name a run, the one that did so last first. Those of repositories
/// that are not shown are left out.
///
/// # Errors
/// The store does not answer.
pub async fn references_of(web: &Web, run: &Run) -> Result<Vec<RunReference>, StoreError> {
    let Some(store) = &web.store else { return Ok(Vec::new()) };
    let rows = store.references().of_run(&names(web, run)).await?;
    let mut shown: HashMap<String, bool> = HashMap::new();
    let mut found: Vec<RunReference> = Vec::new();
    for row in rows {
        let repo = format!("{}/{}", row.org, row.repo);
        let number = u64::try_from(row.number).unwrap_or_default();
        if let Some(known) = found.iter_mut().find(|of| of.repo == repo && of.number == number) {
            known.texts += 1;
            continue;
        }
        if found.len() == SHOWN {
            continue;
        }
        if *shown.entry(repo.clone()).or_insert_with(|| web.shows_repo(&repo)) {
            found.push(reference(row, repo, number));
        }
    }
    Ok(found)
}

fn reference(row: ReferenceRow, repo: String, number: u64) -> RunReference {
    let ReferenceRow { is_pr, title, state, author, href, at_ms, .. } = row;
    let href = if is_of_the_web(&href) { href } else { String::new() };
    let state = IssueState::parse(&state);
    RunReference { repo, number, is_pr, title, state, author, href, at_ms, texts: 1 }
}

/// All names by which texts may name a run.
fn names(web: &Web, run: &Run) -> Vec<String> {
    let mut names = Vec::new();
    if !run.id.contains("://") {
        names.push(Named::Id(run.id.to_string()).to_string());
    }
    if !run.build_id.is_empty() {
        let (job, build) = (run.job.to_string(), run.build_id.to_string());
        names.push(Named::Build { job, build }.to_string());
    }
    if let Some(folder) = run.folder() {
        names.extend(folders(web, &folder));
    }
    names
}

/// The folder under the name of each provider that it has.
fn folders(web: &Web, folder: &BlobUri) -> Vec<String> {
    let key = folder.key().trim_matches('/');
    roots(web, folder).into_iter().map(|root| format!("{root}{key}")).collect()
}
