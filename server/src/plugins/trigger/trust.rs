//! Who may start tests.

use config_load::plugin_config::Trigger;
use forge::model::{Label, has_label};

use crate::plugins::Agent;

/// The label that vouches for a pull request.
pub const OK_TO_TEST: &str = "ok-to-test";
/// The label that asks for somebody to vouch.
pub const NEEDS_OK_TO_TEST: &str = "needs-ok-to-test";
/// The label of a review that approves of the change itself.
pub const LGTM: &str = "lgtm";

/// Whether a user is trusted in a repository; if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// May start tests.
    Yes,
    /// May not; the text says what would change that.
    No(String),
}

impl Trust {
    /// Whether it is [`Trust::Yes`].
    #[must_use]
    pub fn is_yes(&self) -> bool {
        *self == Trust::Yes
    }
}

/// Asks, in Prow's order: the bot itself, members of the org, collaborators unless only members
/// count, trusted apps, members of the second org. An error of the code host is an error here:
/// trust is never assumed.
pub async fn user(
    agent: &Agent,
    rules: &Trigger,
    login: &str,
    org: &str,
    repo: &str,
) -> anyhow::Result<Trust> {
    let forge = agent.forge();
    if forge.bot_user().await?.is(login) || forge.is_member(org, login).await? {
        return Ok(Trust::Yes);
    }
    if !rules.only_org_members && forge.is_collaborator(org, repo, login).await? {
        return Ok(Trust::Yes);
    }
    let app = login.strip_suffix("[bot]");
    if app.is_some_and(|app| rules.trusted_apps.iter().any(|trusted| trusted == app)) {
        return Ok(Trust::Yes);
    }
    let second =
        Some(rules.trusted_org.as_str()).filter(|second| !second.is_empty() && *second != org);
    if let Some(second) = second
        && forge.is_member(second, login).await?
    {
        return Ok(Trust::Yes);
    }
    Ok(Trust::No(reason(rules.only_org_members, second.is_some())))
}

fn reason(only_org_members: bool, second_org: bool) -> String {
    let mut text = "User is not a member of the org. ".to_owned();
    if !only_org_members {
        text.push_str("User is not a collaborator. ");
    }
    if second_org {
        text.push_str("User is not a member of the trusted secondary org. ");
    }
    text.push_str("Satisfy at least one of these conditions to make the user trusted.");
    text
}

/// Whether a pull request is trusted: by its author, or by [`OK_TO_TEST`]. The labels come back
/// if they had to be fetched, which is only so for an author who is not trusted.
pub async fn pull_request(
    agent: &Agent,
    rules: &Trigger,
    author: &str,
    org: &str,
    repo: &str,
    number: u64,
) -> anyhow::Result<(bool, Option<Vec<Label>>)> {
    if user(agent, rules, author, org, repo).await?.is_yes() {
        return Ok((true, None));
    }
    let labels = agent.forge().get_issue_labels(org, repo, number).await?;
    Ok((has_label(OK_TO_TEST, &labels), Some(labels)))
}
