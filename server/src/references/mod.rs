//! Runs that are named in what people write on issues and pull requests, as Gubernator's references:
//! what a webhook changes about them, and by which names a run is found.

mod scan;

use std::collections::HashSet;

use anyhow::Context;
use forge::event::Event;
use forge::model::{Issue, PullRequest, Repo, User};
use go_compat::Timestamp;
use store::{ReferenceRow, ReferenceStore};

pub use scan::{Named, named, run_folder};

/// Bytes of a text that are looked through; a code host's texts have 65,536 characters at most.
const MAX_TEXT_BYTES: usize = 256 * 1024;
/// Characters of a title that are kept.
const MAX_TITLE: usize = 256;
/// Bytes of a login, the name of a repository, or an address that are kept; a longer one is none.
const MAX_FIELD_BYTES: usize = 1024;

/// What a webhook changes about the references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A text names these runs now, and no others.
    Text(ReferenceRow, Vec<String>),
    /// An issue or pull request has another title or state; of the row only these count.
    State(ReferenceRow),
    /// An issue or pull request is gone.
    Gone(ReferenceRow),
}

/// What an event changes; `None` if it is about no text, or names no run and never did. `bucket` gives
/// the real name of a bucket that has others.
pub fn change(event: &Event, bucket: impl Fn(&str) -> String) -> Option<Change> {
    let runs = |text: &str| -> Vec<String> {
        let mut seen = HashSet::new();
        let end = text.floor_char_boundary(MAX_TEXT_BYTES);
        named(&text[..end])
            .into_iter()
            .map(|run| run.in_bucket(&bucket).to_string())
            .filter(|run| seen.insert(run.clone()))
            .collect()
    };
    let text = |row: ReferenceRow, action: &str, body: &str| match action {
        // Nothing was there before, so that nothing need be removed.
        "created" | "opened" | "submitted" => {
            Some(runs(body)).filter(|runs| !runs.is_empty()).map(|runs| Change::Text(row, runs))
        }
        "edited" => Some(Change::Text(row, runs(body))),
        "deleted" => Some(Change::Text(row, Vec::new())),
        _ => None,
    };
    let subject = |row: ReferenceRow, action: &str, body: &str| match action {
        "closed" | "reopened" => Some(Change::State(row)),
        "deleted" | "transferred" => Some(Change::Gone(row)),
        _ => text(row, action, body),
    };
    let change = match event {
        Event::Issues(event) => {
            let issue = &event.issue;
            let row = of_issue(&event.repo, issue);
            let row = written(row, "body", &issue.user, &issue.html_url, issue.created_at);
            subject(row, &event.action, &issue.body)
        }
        Event::PullRequest(event) => {
            let pull = &event.pull_request;
            let row = of_pull(&event.repo, pull);
            let row = written(row, "body", &pull.user, &pull.html_url, pull.created_at);
            subject(row, &event.action, &pull.body)
        }
        Event::IssueComment(event) => {
            let comment = &event.comment;
            let (row, of) =
                (of_issue(&event.repo, &event.issue), format!("comment {}", comment.id));
            let row = written(row, &of, &comment.user, &comment.html_url, comment.created_at);
            text(row, &event.action, &comment.body)
        }
        Event::Review(event) => {
            let review = &event.review;
            let row = of_pull(&event.repo, &event.pull_request);
            let of = format!("review {}", review.id);
            let row = written(row, &of, &review.user, &review.html_url, review.submitted_at);
            text(row, &event.action, &review.body)
        }
        Event::ReviewComment(event) => {
            let comment = &event.comment;
            let row = of_pull(&event.repo, &event.pull_request);
            let of = format!("line {}", comment.id);
            let row = written(row, &of, &comment.user, &comment.html_url, comment.created_at);
            text(row, &event.action, &comment.body)
        }
        Event::Push(_) | Event::Status(_) | Event::Ping(_) | Event::Other(_) => None,
    };
    change.filter(|change| {
        let (Change::Text(row, _) | Change::State(row) | Change::Gone(row)) = change;
        !row.org.is_empty() && !row.repo.is_empty() && row.number > 0
    })
}

/// Writes a change down. `now` stands in for the time of a text that has none.
///
/// # Errors
/// The store does not answer.
pub async fn apply(
    store: &dyn ReferenceStore,
    change: Change,
    now: Timestamp,
) -> anyhow::Result<()> {
    let done = match change {
        Change::Text(mut row, runs) => {
            if row.at_ms == 0 {
                row.at_ms = now.millis();
            }
            store.put_text(row, runs).await
        }
        Change::State(row) => {
            store.put_state(&row.org, &row.repo, row.number, &row.title, &row.state).await
        }
        Change::Gone(row) => store.forget(&row.org, &row.repo, row.number).await,
    };
    done.context("the references to runs could not be written")
}

fn of_issue(repo: &Repo, issue: &Issue) -> ReferenceRow {
    let merged = issue.pull_request.as_ref().is_some_and(|pull| pull.merged_at.is_some());
    of_subject(repo, issue.number, issue.is_pull_request(), &issue.title, &issue.state, merged)
}

fn of_pull(repo: &Repo, pull: &PullRequest) -> ReferenceRow {
    let merged = pull.merged || pull.merged_at.is_some();
    of_subject(repo, pull.number, true, &pull.title, &pull.state, merged)
}

fn of_subject(
    repo: &Repo,
    number: u64,
    is_pr: bool,
    title: &str,
    state: &str,
    merged: bool,
) -> ReferenceRow {
    let state = if merged {
        "merged"
    } else if state == "closed" {
        "closed"
    } else {
        "open"
    };
    ReferenceRow {
        org: field(&repo.owner.login),
        repo: field(&repo.name),
        number: i64::try_from(number).unwrap_or_default(),
        is_pr,
        title: title.chars().filter(|c| !c.is_control()).take(MAX_TITLE).collect(),
        state: state.to_owned(),
        ..ReferenceRow::default()
    }
}

fn written(
    row: ReferenceRow,
    text: &str,
    author: &User,
    href: &str,
    at: Option<Timestamp>,
) -> ReferenceRow {
    let at_ms = at.map(Timestamp::millis).unwrap_or_default();
    ReferenceRow {
        text: text.to_owned(),
        author: field(&author.login),
        href: field(href),
        at_ms,
        ..row
    }
}

/// A short text of one line; empty where it is none.
fn field(text: &str) -> String {
    let is_one = text.len() <= MAX_FIELD_BYTES && !text.contains(char::is_control);
    if is_one { text.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const RUN: &str = "see https://ci.example/view/gs/alias/logs/nightly/17";
    const NAME: &str = "gs://real/logs/nightly/17";

    fn change_of(kind: &str, event: Value) -> Option<Change> {
        let mut event = event;
        event["repository"] = json!({"name": "repo", "owner": {"login": "org"}});
        let event = Event::parse(kind, "guid", event.to_string().as_bytes()).unwrap();
        change(&event, |bucket| bucket.replace("alias", "real"))
    }

    fn comment(action: &str, body: &str) -> Value {
        json!({
            "action": action,
            "issue": {
                "number": 7, "title": "It\u{0} fails", "state": "closed",
                "pull_request": {"merged_at": "2026-11-21T06:00:00Z"},
            },
            "comment": {
                "id": 12, "body": body, "user": {"login": "alice"},
                "html_url": "https://host/org/repo/pull/7#issuecomment-12",
                "created_at": "2026-11-21T06:00:00Z",
            },
        })
    }

    #[test]
    fn a_new_comment_that_names_a_run_refers_to_it() {
        let Some(Change::Text(row, runs)) = change_of("issue_comment", comment("created", RUN))
        else {
            panic!("a reference")
        };
        assert_eq!(runs, [NAME]);
        assert_eq!((row.org.as_str(), row.repo.as_str(), row.number), ("org", "repo", 7));
        assert_eq!((row.text.as_str(), row.author.as_str()), ("comment 12", "alice"));
        assert_eq!(
            (row.title.as_str(), row.state.as_str(), row.is_pr),
            ("It fails", "merged", true)
        );
        assert_eq!(row.at_ms, 1_795_240_800_000);
        assert_eq!(change_of("issue_comment", comment("created", "all is well")), None);
    }

    #[test]
    fn an_edited_or_deleted_text_no_longer_names_what_it_named() {
        for (action, body, expected) in [
            ("edited", "never mind", vec![]),
            ("edited", RUN, vec![NAME]),
            ("deleted", RUN, vec![]),
        ] {
            let Some(Change::Text(_, runs)) = change_of("issue_comment", comment(action, body))
            else {
                panic!("{action} changes the text")
            };
            assert_eq!(runs, expected, "{action}");
        }
    }

    #[test]
    fn the_texts_of_pull_requests_and_reviews_count_and_labels_do_not() {
        let pull = json!({"number": 7, "title": "t", "state": "open", "body": RUN});
        let of = |kind: &str, action: &str, more: Value| {
            let mut event = json!({"action": action, "pull_request": pull});
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            change_of(kind, event)
        };
        let texts = [
            ("pull_request", "opened", json!({})),
            ("pull_request_review", "submitted", json!({"review": {"id": 3, "body": RUN}})),
            ("pull_request_review_comment", "created", json!({"comment": {"id": 4, "body": RUN}})),
        ];
        for (kind, action, more) in texts {
            let change = of(kind, action, more);
            assert!(matches!(change, Some(Change::Text(_, _))), "{kind}: {change:?}");
        }
        assert!(matches!(of("pull_request", "closed", json!({})), Some(Change::State(_))));
        assert_eq!(of("pull_request", "labeled", json!({})), None);
        assert_eq!(of("pull_request", "synchronize", json!({})), None);
        // A dismissed review is still to be read.
        let review = json!({"review": {"id": 3, "body": RUN}});
        assert_eq!(of("pull_request_review", "dismissed", review), None);
        let issue = json!({"action": "transferred", "issue": {"number": 7}});
        assert!(matches!(change_of("issues", issue), Some(Change::Gone(_))));
    }
}
