//! The greeting of a pull request whose author is not trusted.

use config_load::plugin_config::Trigger;
use forge::model::{PullRequest, User, has_label};
use go_compat::url::query_escape;

use super::trust::{NEEDS_OK_TO_TEST, OK_TO_TEST};
use crate::plugins::respond::ABOUT_THIS_BOT_WITHOUT_COMMANDS;
use crate::plugins::{Agent, Several};

/// The list of commands, with the repository to follow as a query.
const COMMANDS_URL: &str = "https://go.k8s.io/bot-commands?repo=";

/// Greets the author and marks the pull request. Both are attempted, whatever the other does.
pub async fn welcome(agent: &Agent, rules: &Trigger, pull: &PullRequest) -> anyhow::Result<()> {
    let (org, repo) = (&pull.base.repo.owner.login, &pull.base.repo.name);
    let mut failures = Vec::new();
    let text = if rules.ignore_ok_to_test {
        without_ok_to_test(pull)
    } else {
        let guidance = guidance(agent, rules, org, &pull.user).await;
        if let Err(error) = mark(agent, org, repo, pull.number).await {
            failures.push(error.context("could not add the label needs-ok-to-test"));
        }
        waiting(&agent.config.prow.github.link_url, rules, org, pull, &guidance)
    };
    if let Err(error) = agent.comment(org, repo, pull.number, &text).await {
        failures.push(anyhow::Error::from(error).context("could not write the welcome"));
    }
    Several::check(failures)
}

/// Adds the label, unless another bot vouched for the pull request meanwhile.
async fn mark(agent: &Agent, org: &str, repo: &str, number: u64) -> anyhow::Result<()> {
    let labels = agent.forge().get_issue_labels(org, repo, number).await?;
    if !has_label(OK_TO_TEST, &labels) {
        agent.forge().add_label(org, repo, number, NEEDS_OK_TO_TEST).await?;
    }
    Ok(())
}

fn without_ok_to_test(pull: &PullRequest) -> String {
    format!(
        "Hi @{}. Thanks for your PR.\n\n\
         PRs from untrusted users cannot be marked as trusted with `/ok-to-test` in this repo \
         meaning untrusted PR authors can never trigger tests themselves. Collaborators can still \
         trigger tests on the PR using `/test all`.\n\n{}",
        pull.user.login,
        closing(pull),
    )
}

fn waiting(host: &str, rules: &Trigger, org: &str, pull: &PullRequest, guidance: &str) -> String {
    let host = host.trim_end_matches('/');
    let second = &rules.trusted_org;
    let more = if second.is_empty() || second == org {
        String::new()
    } else {
        format!("or [{second}]({host}/orgs/{second}/people) ")
    };
    format!(
        "Hi @{}. Thanks for your PR.\n\n\
         I'm waiting for a [{org}]({host}/orgs/{org}/people) {more}member to verify that this \
         patch is reasonable to test. If it is, they should reply with `/ok-to-test` on its own \
         line. Until that is done, I will not automatically test new commits in this PR, but the \
         usual testing commands by org members will still work.\n\n\
         {guidance}\n\n\
         Once the patch is verified, the new status will be reflected by the `{OK_TO_TEST}` \
         label.\n\n{}",
        pull.user.login,
        closing(pull),
    )
}

fn closing(pull: &PullRequest) -> String {
    let repo = query_escape(&pull.base.repo.full_name);
    format!(
        "I understand the commands that are listed [here]({COMMANDS_URL}{repo}).\n\n\
         <details>\n\n{ABOUT_THIS_BOT_WITHOUT_COMMANDS}\n</details>\n"
    )
}

/// How to become trusted for good; more prominent for those who come back.
async fn guidance(agent: &Agent, rules: &Trigger, org: &str, author: &User) -> String {
    let url = if rules.join_org_url.is_empty() {
        format!("{}/orgs/{org}/people", agent.config.prow.github.link_url.trim_end_matches('/'))
    } else {
        rules.join_org_url.clone()
    };
    let plain = format!("Regular contributors should [join the org]({url}) to skip this step.");
    let prominent = &rules.org_invite.prominent;
    if prominent.disabled || author.kind == "Bot" {
        return plain;
    }
    let merged = match agent.forge().search_merged_count(org, &author.login).await {
        Ok(merged) => merged,
        Err(error) => {
            // The welcome must not fail over its trimmings.
            tracing::debug!(
                org,
                author = author.login,
                "merged pull requests not counted: {error}"
            );
            return plain;
        }
    };
    if i64::try_from(merged).unwrap_or(i64::MAX) < prominent.merged_pr_threshold() {
        plain
    } else if prominent.message.is_empty() {
        format!(
            ">[!TIP]\n>**We noticed you've done this a few times! Consider [joining the \
             org]({url}) to skip this step and gain `/lgtm` and other bot rights.** We recommend \
             asking approvers on your previous PRs to sponsor you."
        )
    } else {
        prominent.message.replace("{join_org_url}", &url)
    }
}
