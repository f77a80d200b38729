//! Hook's plugins: what answers webhooks. [`registry`] is the table of them.
//!
//! A handler gets an [`Agent`], which is all it may call, and an event. It may be run again for
//! the same event: after a failure, or because the process died before its end was recorded. So
//! its effects are written to be repeatable: runs are named after the event
//! ([`Agent::run_name`]), comments carry a mark of it ([`Agent::comment`]), and labels are sets.

pub mod help;
pub mod registry;
pub mod respond;
pub mod trigger;

#[cfg(test)]
pub(crate) mod fakes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clock::SharedClock;
use cluster::{Api, ClusterError};
use config_load::{Config, PluginConfig};
use forge::model::IssueComment;
use forge::{Forge, ForgeError};
use go_compat::time::Timestamp;
use job_spec::ProwJob;
use parking_lot::Mutex;

use self::trigger::InRepo;
use crate::components::run_name::run_name;

/// The event that a handler works on.
#[derive(Debug, Clone, Default)]
pub struct Cause {
    /// The sender's id of the delivery, as it becomes the `event-GUID` label.
    pub guid: String,
    /// What names the effects of the event: the same for two deliveries of the same event, as an
    /// organisation's and a repository's webhook make them, and another after a replay by hand.
    pub key: String,
    /// Whether this event may have been handled in part before.
    pub repeated: bool,
    /// Whether this is the last time that the handler is run for the event.
    pub last_try: bool,
}

/// Everything a handler may use, for one event and one plugin.
pub struct Agent {
    /// The code host.
    pub forge: Arc<dyn Forge>,
    /// The ProwJobs of the installation.
    pub prow_jobs: Arc<dyn Api<ProwJob>>,
    /// Job definitions that live in repositories.
    pub in_repo: Arc<dyn InRepo>,
    /// The configuration that was in force when the event came up.
    pub config: Arc<Config>,
    /// The plugin configuration of the same moment.
    pub plugin_config: Arc<PluginConfig>,
    /// Time.
    pub clock: SharedClock,
    /// The event.
    pub cause: Cause,
    /// Whether a client was touched: the label `took_action` of hook's metrics.
    pub took_action: AtomicBool,
    /// What was done, for the delivery log and the audit trail.
    pub effects: Mutex<Vec<String>>,
}

impl Agent {
    /// The code host; counts as taking action, as in Prow.
    pub fn forge(&self) -> &dyn Forge {
        self.took_action.store(true, Ordering::Relaxed);
        &*self.forge
    }

    /// The ProwJobs; counts as taking action.
    pub fn prow_jobs(&self) -> &dyn Api<ProwJob> {
        self.took_action.store(true, Ordering::Relaxed);
        &*self.prow_jobs
    }

    /// Notes something that was done, in words for people.
    pub fn did(&self, what: impl Into<String>) {
        self.effects.lock().push(what.into());
    }

    /// The name of the run that this event asks for; see [`run_name`].
    #[must_use]
    pub fn run_name(&self, parts: &[&str]) -> String {
        let cause = [self.cause.key.as_str()];
        run_name(&[&cause[..], parts].concat())
    }

    /// Writes a comment, once per event: it carries an invisible mark of the event, and if the
    /// event may have been handled before, the mark is looked for first.
    pub async fn comment(
        &self,
        org: &str,
        repo: &str,
        number: u64,
        body: &str,
    ) -> Result<(), ForgeError> {
        let text = run_name(&[&self.cause.key, body]);
        let mark = format!("<!-- bowsprit:event {text} -->");
        if self.cause.repeated {
            let bot = self.forge().bot_user().await?;
            let comments = self.forge().list_issue_comments(org, repo, number).await?;
            if comments.iter().any(|c| bot.is(&c.user.login) && c.body.contains(&mark)) {
                return Ok(());
            }
        }
        self.forge().create_comment(org, repo, number, &format!("{body}\n{mark}")).await?;
        self.did("commented");
        Ok(())
    }

    /// Deletes those of the bot's own comments that `stale` recognises. A failure is logged: an
    /// old comment too many is no reason to handle the event again.
    pub async fn prune_comments(
        &self,
        org: &str,
        repo: &str,
        number: u64,
        stale: impl Fn(&IssueComment) -> bool,
    ) {
        if let Err(error) = self.try_prune(org, repo, number, &stale).await {
            tracing::warn!(org, repo, number, "old comments could not be pruned: {error}");
        }
    }

    async fn try_prune(
        &self,
        org: &str,
        repo: &str,
        number: u64,
        stale: &impl Fn(&IssueComment) -> bool,
    ) -> Result<(), ForgeError> {
        let bot = self.forge().bot_user().await?;
        let comments = self.forge().list_issue_comments(org, repo, number).await?;
        let doomed: Vec<u64> = comments
            .iter()
            .filter(|comment| bot.is(&comment.user.login) && stale(comment))
            .map(|comment| comment.id)
            .collect();
        for id in doomed {
            self.forge().delete_comment(org, repo, id).await?;
        }
        Ok(())
    }
}

/// Several things failed; none of them stopped the others.
#[derive(Debug)]
pub struct Several(pub Vec<anyhow::Error>);

impl Several {
    /// `Ok` if nothing failed, the failure itself if it was one.
    pub fn check(mut failures: Vec<anyhow::Error>) -> anyhow::Result<()> {
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.remove(0)),
            _ => Err(Several(failures).into()),
        }
    }
}

impl std::fmt::Display for Several {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, failure) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{failure:#}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Several {}

/// A failure whose kind is known to whoever raises it.
#[derive(Debug, thiserror::Error)]
#[error("{1}")]
pub struct RetryClass(pub Failure, pub String);

/// What kind of failure a handler ended in: whether running it again can help, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Repeating it cannot help.
    Permanent,
    /// It may work next time.
    Transient,
    /// It will not work before this time: a spent rate limit.
    Until(Timestamp),
    /// The handler panicked.
    Panic,
}

impl Failure {
    /// The kind of an error, from the errors of the code host and the cluster in its chain. What
    /// is not known is worth another try.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Failure {
        let mut kinds = Vec::new();
        for cause in error.chain() {
            if let Some(several) = cause.downcast_ref::<Several>() {
                kinds.extend(several.0.iter().map(Failure::of));
            } else if let Some(RetryClass(kind, _)) = cause.downcast_ref::<RetryClass>() {
                kinds.push(*kind);
            } else if let Some(error) = cause.downcast_ref::<ForgeError>() {
                kinds.push(Failure::of_forge(error));
            } else if let Some(error) = cause.downcast_ref::<ClusterError>() {
                let permanent = error.is_permanent();
                kinds.push(if permanent { Failure::Permanent } else { Failure::Transient });
            }
        }
        // The part that a repetition can mend decides; a limit must be waited for.
        let until = kinds.iter().filter_map(|kind| match kind {
            Failure::Until(at) => Some(*at),
            _ => None,
        });
        if let Some(at) = until.max() {
            Failure::Until(at)
        } else if kinds.contains(&Failure::Panic) {
            Failure::Panic
        } else if !kinds.is_empty() && kinds.iter().all(|kind| *kind == Failure::Permanent) {
            Failure::Permanent
        } else {
            Failure::Transient
        }
    }

    fn of_forge(error: &ForgeError) -> Failure {
        match error {
            ForgeError::RateLimited { until, .. } => Failure::Until(*until),
            ForgeError::NotFound(_) | ForgeError::Invalid(_) => Failure::Permanent,
            // A revoked or missing permission is often mended within minutes.
            _ => Failure::Transient,
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    fn failed(make: fn(forge::Failure) -> ForgeError) -> anyhow::Error {
        let failure = forge::Failure { call: "GET /x".into(), ..forge::Failure::default() };
        anyhow::Error::from(make(failure)).context("while asking")
    }

    #[test]
    fn the_kind_of_a_failure_follows_from_its_causes() {
        let until = Timestamp::from_seconds(9_000);
        let limited = || {
            let failure = forge::Failure::default();
            anyhow::Error::from(ForgeError::RateLimited { failure, until })
        };
        let several = |errors| Several::check(errors).unwrap_err();
        let table = [
            ("not found", failed(ForgeError::NotFound), Failure::Permanent),
            ("network", failed(ForgeError::Transient), Failure::Transient),
            ("no permission", failed(ForgeError::Forbidden), Failure::Transient),
            ("limit", limited(), Failure::Until(until)),
            ("unknown", anyhow::anyhow!("something"), Failure::Transient),
            (
                "mixed",
                several(vec![failed(ForgeError::NotFound), failed(ForgeError::Transient)]),
                Failure::Transient,
            ),
            (
                "all permanent",
                several(vec![failed(ForgeError::NotFound), failed(ForgeError::Invalid)]),
                Failure::Permanent,
            ),
            (
                "a limit among others",
                several(vec![failed(ForgeError::Transient), limited()]),
                Failure::Until(until),
            ),
        ];
        for (name, error, expected) in table {
            assert_eq!(Failure::of(&error), expected, "{name}");
        }
    }

    #[test]
    fn several_failures_are_one_sentence_each() {
        let both = vec![anyhow::anyhow!("root").context("outer"), anyhow::anyhow!("second")];
        assert_eq!(Several::check(both).unwrap_err().to_string(), "outer: root; second");
        assert!(Several::check(Vec::new()).is_ok());
        let one: anyhow::Result<()> = Several::check(vec![anyhow::anyhow!("alone")]);
        assert_eq!(one.context("x").unwrap_err().root_cause().to_string(), "alone");
    }
}
