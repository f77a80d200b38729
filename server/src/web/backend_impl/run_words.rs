//! What the configuration says on the page of every run: an announcement, and where the history of a pull
//! request is.

use app::model::{Link, encode, pull_history_href};
use blob::BlobUri;
use config_load::prow::deck::Spyglass;
use go_compat::template::Template;
use serde_json::json;

use crate::runs::run::RunRefs;
use crate::spyglass::links::is_of_the_web;

/// `deck.spyglass.announcement` as HTML, over the run's path with its bucket; empty where none is
/// configured. It is the operator's: whoever writes the configuration is trusted with the page, and only
/// the path is not.
pub(super) fn announcement(spyglass: &Spyglass, folder: Option<&BlobUri>) -> String {
    let text = &spyglass.announcement;
    if text.is_empty() {
        return String::new();
    }
    let path = folder.map(|folder| format!("{}/{}", folder.bucket(), folder.key()));
    let data = json!({"ArtifactPath": encode(&path.unwrap_or_default())});
    rendered("announcement", text, &data).unwrap_or_default()
}

/// Links to the histories of the pull requests that a run tested, as `deck.spyglass` has them.
pub(super) fn pull_histories(spyglass: &Spyglass, refs: &RunRefs) -> Vec<Link> {
    if spyglass.hide_pr_history_link {
        return Vec::new();
    }
    let template = &spyglass.pr_history_link_template;
    let links = refs.pulls.iter().map(|pull| {
        let number = u64::try_from(pull.number).unwrap_or(0);
        let own = || pull_history_href(&refs.org, &refs.repo, number);
        let data = json!({"Org": &*refs.org, "Repo": &*refs.repo, "Number": number});
        let configured = Some(template).filter(|template| !template.is_empty());
        let href = configured
            .and_then(|template| rendered("pr_history_link_template", template, &data))
            .filter(|href| is_of_the_web(href) || href.starts_with('/'));
        Link {
            text: format!("History of #{number}"),
            href: href.unwrap_or_else(own),
            title: "every run of this pull request".to_owned(),
        }
    });
    links.collect()
}

fn rendered(key: &str, text: &str, data: &serde_json::Value) -> Option<String> {
    let rendered = Template::parse(key, text).and_then(|template| template.render(data));
    rendered.inspect_err(|error| tracing::warn!("deck.spyglass.{key} cannot be used: {error}")).ok()
}
