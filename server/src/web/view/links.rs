//! Addresses at the code host, for runs that do not carry them.

use crate::runs::run::{RunPull, RunRefs};

/// Where people look at code: `github.link_url` of the configuration.
#[derive(Clone, Debug)]
pub struct CodeHost {
    base: String,
}

impl CodeHost {
    /// A code host at `https://github.com` or the like.
    pub fn new(link_url: &str) -> Self {
        Self { base: link_url.trim_end_matches('/').to_owned() }
    }

    /// The page of a repository; empty when there is none.
    pub fn repo(&self, refs: &RunRefs) -> String {
        if refs.org.is_empty() || refs.repo.is_empty() {
            String::new()
        } else if refs.org.contains("://") {
            // A Gerrit org is the host itself.
            format!("{}/{}", refs.org.trim_end_matches('/'), refs.repo)
        } else {
            format!("{}/{}/{}", self.base, refs.org, refs.repo)
        }
    }

    /// The page of a commit; empty when the commit is not known.
    pub fn commit(&self, refs: &RunRefs, sha: &str) -> String {
        let repo = self.repo(refs);
        if repo.is_empty() || sha.is_empty() {
            String::new()
        } else {
            format!("{repo}/commit/{sha}")
        }
    }

    /// The page of a pull request.
    pub fn pull(&self, refs: &RunRefs, pull: &RunPull) -> String {
        if !pull.link.is_empty() {
            return pull.link.to_string();
        }
        let repo = self.repo(refs);
        if repo.is_empty() { repo } else { format!("{repo}/pull/{}", pull.number) }
    }

    /// The page of a person.
    pub fn author(&self, refs: &RunRefs, login: &str) -> String {
        if login.is_empty() || refs.org.contains("://") {
            String::new()
        } else {
            format!("{}/{login}", self.base)
        }
    }
}

/// The page of a run on this server, from the root. `artifacts` is where its
/// files lie (`gs://bucket/path`), which is also its bookmark in Deck's form.
pub fn run_page(id: &str, artifacts: Option<&str>) -> String {
    match artifacts.and_then(|uri| uri.split_once("://")) {
        Some((scheme, path)) => {
            format!("/view/{scheme}/{}", app::model::encode(path.trim_matches('/')))
        }
        None => format!("/run/{}", app::model::encode(id)),
    }
}
