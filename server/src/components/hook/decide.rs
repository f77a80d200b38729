//! Which deliveries wait for each other, and when a failed plugin is tried again. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use forge::event::{Envelope, Event};
use go_compat::time::Timestamp;
use store::DeliveryId;

use crate::plugins::Failure;

/// How often a plugin is tried for one delivery before it is parked.
pub const MAX_TRIES: u32 = 5;
/// The pauses between the tries. Deliveries of the same pull request wait meanwhile, so that
/// they keep their order; all others go on.
pub const PAUSES: [Duration; MAX_TRIES as usize - 1] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
];

/// What deliveries must keep their order among themselves: those of one pull request or issue,
/// of one branch, of one commit, or else of one repository.
#[must_use]
pub fn order_key(event: &Event, envelope: &Envelope) -> String {
    let repo = format!("{}/{}", envelope.org(), envelope.repo.name);
    match event {
        Event::PullRequest(event) => format!("{repo}#{}", event.pull_request.number),
        Event::Review(event) => format!("{repo}#{}", event.pull_request.number),
        Event::ReviewComment(event) => format!("{repo}#{}", event.pull_request.number),
        Event::Issues(event) => format!("{repo}#{}", event.issue.number),
        Event::IssueComment(event) => format!("{repo}#{}", event.issue.number),
        Event::Push(event) => format!("{repo}@{}", event.reference),
        Event::Status(event) => format!("{repo}@{}", event.sha),
        Event::Ping(_) | Event::Other(_) => repo,
    }
}

/// Deliveries that were handed out, each in the line of its key.
#[derive(Debug, Default)]
pub struct Lines {
    lines: BTreeMap<String, VecDeque<DeliveryId>>,
    held: usize,
}

impl Lines {
    /// Puts a delivery at the end of its line; `true` if it is the first there and may start.
    pub fn join(&mut self, key: &str, id: DeliveryId) -> bool {
        let line = self.lines.entry(key.to_owned()).or_default();
        line.push_back(id);
        self.held += 1;
        line.len() == 1
    }

    /// Takes the first delivery of a line away; the next one, if any, may start.
    pub fn leave(&mut self, key: &str) -> Option<DeliveryId> {
        let line = self.lines.get_mut(key)?;
        if line.pop_front().is_some() {
            self.held -= 1;
        }
        let next = line.front().copied();
        if next.is_none() {
            self.lines.remove(key);
        }
        next
    }

    /// How many deliveries are in a line.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }
}

/// What follows from a plugin's failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again at this time.
    Again(Timestamp),
    /// Give the plugin up for this delivery.
    Park,
}

/// Decides after `tries` tries. A rate limit is not the event's fault: waiting for its end does
/// not count, and `counted` is then `false`. A failure that no repetition can mend is parked.
#[must_use]
pub fn after_failure(failure: &Failure, tries: u32, now: Timestamp) -> (Next, bool) {
    match failure {
        Failure::Permanent => (Next::Park, true),
        Failure::Until(at) => (Next::Again((*at).max(now.saturating_add(PAUSES[0]))), false),
        Failure::Transient | Failure::Panic => {
            match tries.checked_sub(1).and_then(|index| PAUSES.get(index as usize)) {
                Some(pause) => (Next::Again(now.saturating_add(*pause)), true),
                None => (Next::Park, true),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_of_one_pull_request_wait_for_each_other_and_for_nobody_else() {
        let key = |kind: &str, body: &str| {
            let event = Event::parse(kind, "guid", body.as_bytes()).unwrap();
            order_key(&event, &Envelope::parse(body.as_bytes()).unwrap())
        };
        let repo = r#""repository":{"name":"r","owner":{"login":"o"}}"#;
        let table = [
            ("pull_request", format!(r#"{{"pull_request":{{"number":7}},{repo}}}"#), "o/r#7"),
            ("issue_comment", format!(r#"{{"issue":{{"number":7}},{repo}}}"#), "o/r#7"),
            (
                "pull_request_review",
                format!(r#"{{"pull_request":{{"number":7}},{repo}}}"#),
                "o/r#7",
            ),
            ("push", format!(r#"{{"ref":"refs/heads/a/b",{repo}}}"#), "o/r@refs/heads/a/b"),
            ("status", format!(r#"{{"sha":"abc",{repo}}}"#), "o/r@abc"),
            ("workflow_run", format!("{{{repo}}}"), "o/r"),
            ("organization", r#"{"organization":{"login":"o"}}"#.to_owned(), "o/"),
        ];
        for (kind, body, expected) in table {
            assert_eq!(key(kind, &body), expected, "{kind}");
        }
    }

    #[test]
    fn a_line_lets_one_start_and_the_next_when_it_leaves() {
        let mut lines = Lines::default();
        assert!(lines.join("a", DeliveryId(1)));
        assert!(!lines.join("a", DeliveryId(2)));
        assert!(lines.join("b", DeliveryId(3)));
        assert_eq!(lines.held(), 3);
        assert_eq!(lines.leave("a"), Some(DeliveryId(2)));
        assert_eq!(lines.leave("a"), None);
        assert_eq!(lines.leave("b"), None);
        assert_eq!(lines.held(), 0);
        assert!(lines.join("a", DeliveryId(4)));
    }

    #[test]
    fn a_failing_plugin_is_tried_five_times_and_then_parked() {
        let now = Timestamp::from_seconds(1_000);
        for failure in [Failure::Transient, Failure::Panic] {
            for (tries, pause) in (1..).zip(PAUSES) {
                let again = Next::Again(now.saturating_add(pause));
                assert_eq!(after_failure(&failure, tries, now), (again, true));
            }
            assert_eq!(after_failure(&failure, MAX_TRIES, now), (Next::Park, true));
        }
        assert_eq!(after_failure(&Failure::Permanent, 1, now), (Next::Park, true));
        let until = now.saturating_add(Duration::from_secs(3_000));
        assert_eq!(
            after_failure(&Failure::Until(until), 4, now),
            (Next::Again(until), false),
            "a spent rate limit is waited for"
        );
    }
}
