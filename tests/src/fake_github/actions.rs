//! What users do: each action changes the world and gives rise to webhooks, whether a test, the
//! control endpoint or an API call asked for it.

use std::collections::BTreeMap;

use forge::model::Status;
use go_compat::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    FakeGitHub,
    documents::Documents,
    world::{Comment, CommitStatus, Issue, Refusal, Review, World, key},
};

/// How many statuses a context may have on one commit.
const MAX_STATUSES: usize = 1_000;

/// The longest description of a status, in characters.
const MAX_DESCRIPTION: usize = 140;

/// The longest comment, in characters.
const MAX_COMMENT: usize = 65_536;

/// Something a user does in a repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// Commits to a branch: `push`, and `synchronize` for its open pull requests.
    Push {
        /// The branch; made if it is new.
        branch: String,
        /// Content by path; `null` removes the file.
        files: BTreeMap<String, Option<String>>,
        /// The commit's message.
        #[serde(default)]
        message: String,
        /// Where to start from instead of the branch's head: a force push or a new branch.
        #[serde(default)]
        from: Option<String>,
    },
    /// Removes a branch.
    DeleteBranch {
        /// The branch.
        branch: String,
    },
    /// Opens a pull request.
    OpenPull {
        /// `branch` or `user:branch`.
        head: String,
        /// The branch it wants to go to; the default branch if empty.
        #[serde(default)]
        base: String,
        /// The title.
        title: String,
        /// The description.
        #[serde(default)]
        body: String,
        /// Whether it is a draft.
        #[serde(default)]
        draft: bool,
    },
    /// Opens an issue.
    OpenIssue {
        /// The title.
        title: String,
        /// The description.
        #[serde(default)]
        body: String,
    },
    /// Changes title, description or base.
    Edit {
        /// Which issue or pull request.
        number: u64,
        /// The new title.
        #[serde(default)]
        title: Option<String>,
        /// The new description.
        #[serde(default)]
        body: Option<String>,
        /// The new base of a pull request.
        #[serde(default)]
        base: Option<String>,
    },
    /// Closes without merging.
    Close {
        /// Which issue or pull request.
        number: u64,
    },
    /// Opens again.
    Reopen {
        /// Which issue or pull request.
        number: u64,
    },
    /// Says that a draft is ready.
    ReadyForReview {
        /// Which pull request.
        number: u64,
    },
    /// Makes a pull request a draft.
    ConvertToDraft {
        /// Which pull request.
        number: u64,
    },
    /// Merges a pull request.
    Merge {
        /// Which pull request.
        number: u64,
        /// Whether as one commit.
        #[serde(default)]
        squash: bool,
    },
    /// Adds a label.
    Label {
        /// Which issue or pull request.
        number: u64,
        /// The label.
        label: String,
    },
    /// Removes a label.
    Unlabel {
        /// Which issue or pull request.
        number: u64,
        /// The label.
        label: String,
    },
    /// Assigns a user.
    Assign {
        /// Which issue or pull request.
        number: u64,
        /// The user.
        user: String,
    },
    /// Writes a comment.
    Comment {
        /// On which issue or pull request.
        number: u64,
        /// The text.
        body: String,
    },
    /// Changes a comment.
    EditComment {
        /// Which comment.
        id: u64,
        /// The new text.
        body: String,
    },
    /// Deletes a comment.
    DeleteComment {
        /// Which comment.
        id: u64,
    },
    /// Reviews a pull request.
    Review {
        /// Which pull request.
        number: u64,
        /// `approved`, `changes_requested` or `commented`.
        state: String,
        /// The text.
        #[serde(default)]
        body: String,
    },
    /// Comments on a line of a pull request.
    ReviewComment {
        /// Which pull request.
        number: u64,
        /// The file.
        path: String,
        /// The text.
        body: String,
    },
    /// Sets a status.
    SetStatus {
        /// The commit.
        sha: String,
        /// The status.
        status: Status,
    },
}

/// What an action made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The number of the issue or pull request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The number of the comment, review or status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha: Option<String>,
}

/// A webhook about to be sent, without what every payload has.
#[derive(Debug)]
pub(super) struct Emission {
    pub(super) event: &'static str,
    pub(super) org: String,
    pub(super) repo: String,
    pub(super) sender: String,
    pub(super) payload: Value,
}

/// Who does something where and when.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) actor: String,
    pub(super) org: String,
    pub(super) repo: String,
    pub(super) now: Timestamp,
    pub(super) base: String,
}

impl Scene {
    pub(super) fn emission(&self, event: &'static str, payload: Value) -> Emission {
        Emission {
            event,
            org: self.org.clone(),
            repo: self.repo.clone(),
            sender: self.actor.clone(),
            payload,
        }
    }

    fn documents<'a>(&'a self, world: &'a World) -> Documents<'a> {
        Documents { world, base: &self.base }
    }

    /// The event that tells of a change of an issue or pull request.
    pub(super) fn issue_event(
        &self,
        world: &World,
        number: u64,
        action: &str,
        extra: &Value,
    ) -> Result<Emission, Refusal> {
        let repository = world.repo(&self.org, &self.repo)?;
        let issue = world.issue(&self.org, &self.repo, number)?;
        let documents = self.documents(world);
        let (event, mut payload) = match &issue.pull {
            Some(pull) => (
                "pull_request",
                json!({
                    "action": action,
                    "number": number,
                    "pull_request": documents.pull(repository, issue, pull),
                }),
            ),
            None => {
                ("issues", json!({ "action": action, "issue": documents.issue(repository, issue) }))
            }
        };
        if let Value::Object(fields) = extra {
            for (name, value) in fields {
                payload[name] = value.clone();
            }
        }
        Ok(self.emission(event, payload))
    }

    fn comment_event(
        &self,
        world: &World,
        number: u64,
        comment: &Comment,
        action: &str,
    ) -> Result<Emission, Refusal> {
        let repository = world.repo(&self.org, &self.repo)?;
        let issue = world.issue(&self.org, &self.repo, number)?;
        let documents = self.documents(world);
        let payload = json!({
            "action": action,
            "issue": documents.issue(repository, issue),
            "comment": documents.comment(repository, number, comment),
        });
        Ok(self.emission("issue_comment", payload))
    }
}

type Done = Result<(Outcome, Vec<Emission>), Refusal>;

impl FakeGitHub {
    /// Does an action and gives what it made and the webhooks it gave rise to.
    pub(super) async fn act(&self, actor: &str, org: &str, repo: &str, action: Action) -> Done {
        let scene = self.scene(actor, org, repo)?;
        self.inner.world.lock().ensure_account(actor, "User");
        match action {
            Action::Push { branch, files, message, from } => {
                self.push_files(&scene, &branch, files, &message, from.as_deref()).await
            }
            Action::DeleteBranch { branch } => self.drop_branch(&scene, &branch).await,
            Action::OpenPull { head, base, title, body, draft } => {
                self.open_pull_request(&scene, &head, &base, &title, &body, draft).await
            }
            Action::Edit { number, title, body, base } => {
                self.edit_issue(&scene, number, title, body, base).await
            }
            Action::Merge { number, squash } => {
                self.merge_pull_request(&scene, number, squash).await
            }
            Action::Reopen { number } => self.reopen_issue(&scene, number).await,
            Action::SetStatus { sha, status } => self.record_status(&scene, &sha, &status).await,
            other => act_on_issue(&mut self.inner.world.lock(), &scene, other),
        }
    }

    fn scene(&self, actor: &str, org: &str, repo: &str) -> Result<Scene, Refusal> {
        let world = self.inner.world.lock();
        let repository = world.repo(org, repo)?;
        Ok(Scene {
            actor: actor.to_owned(),
            org: repository.owner.clone(),
            repo: repository.name.clone(),
            now: self.inner.clock.now(),
            base: self.inner.base.clone(),
        })
    }

    async fn record_status(&self, scene: &Scene, sha: &str, status: &Status) -> Done {
        let git = self.inner.world.lock().repo(&scene.org, &scene.repo)?.git.clone();
        let full = git.resolve(sha).await.filter(|found| found == sha);
        if full.is_none() {
            return Err(Refusal::invalid(format!("No commit found for SHA: {sha}")));
        }
        let mut world = self.inner.world.lock();
        let id = world.fresh_id();
        if !["error", "failure", "pending", "success"].contains(&status.state.as_str()) {
            return Err(Refusal::invalid("Validation Failed: state is not included in the list"));
        }
        if status.description.chars().count() > MAX_DESCRIPTION {
            return Err(Refusal::invalid(
                "Validation Failed: description is too long (maximum is 140 characters)",
            ));
        }
        let repository = world.repo_mut(&scene.org, &scene.repo)?;
        let context =
            if status.context.is_empty() { "default".to_owned() } else { status.context.clone() };
        let same = |found: &&CommitStatus| found.sha == sha && found.context == context;
        if repository.statuses.iter().filter(same).count() >= MAX_STATUSES {
            return Err(Refusal::invalid(
                "Validation Failed: This SHA and context has reached the maximum number of \
                 statuses.",
            ));
        }
        let row = CommitStatus {
            id,
            sha: sha.to_owned(),
            state: status.state.clone(),
            context,
            description: status.description.clone(),
            target_url: status.target_url.clone(),
            creator: scene.actor.clone(),
            created_at: scene.now,
        };
        repository.statuses.push(row.clone());
        let name = repository.full_name();
        let mut payload = scene.documents(&world).status(&row);
        payload["sha"] = json!(sha);
        payload["name"] = json!(name);
        payload["branches"] = json!([]);
        let emission = scene.emission("status", payload);
        Ok((Outcome { id: Some(id), ..Outcome::default() }, vec![emission]))
    }
}

/// The actions that need no git.
fn act_on_issue(world: &mut World, scene: &Scene, action: Action) -> Done {
    match action {
        Action::OpenIssue { title, body } => {
            let issue = new_issue(world, scene, &title, &body)?;
            let number = issue.number;
            world.repo_mut(&scene.org, &scene.repo)?.issues.insert(number, issue);
            let emission = scene.issue_event(world, number, "opened", &Value::Null)?;
            Ok((Outcome { number: Some(number), ..Outcome::default() }, vec![emission]))
        }
        Action::Close { number } => {
            let issue = world.issue_mut(&scene.org, &scene.repo, number)?;
            if !issue.open {
                return Ok(Default::default());
            }
            issue.open = false;
            issue.closed_at = Some(scene.now);
            changed(world, scene, number, "closed", &Value::Null)
        }
        Action::ReadyForReview { number } => set_draft(world, scene, number, false),
        Action::ConvertToDraft { number } => set_draft(world, scene, number, true),
        Action::Label { number, label } => add_label(world, scene, number, &label),
        Action::Unlabel { number, label } => remove_label(world, scene, number, &label),
        Action::Assign { number, user } => {
            let issue = world.issue_mut(&scene.org, &scene.repo, number)?;
            if issue.assignees.iter().any(|login| key(login) == key(&user)) {
                return Ok(Default::default());
            }
            issue.assignees.push(user.clone());
            let assignee = json!({ "assignee": scene.documents(world).user(&user) });
            changed(world, scene, number, "assigned", &assignee)
        }
        Action::Comment { number, body } => comment(world, scene, number, &body),
        Action::EditComment { id, body } => {
            check_comment(&body)?;
            let (number, index) = find_comment(world, scene, id)?;
            let comments = &mut world.issue_mut(&scene.org, &scene.repo, number)?.comments;
            let before = std::mem::replace(&mut comments[index].body, body);
            comments[index].updated_at = scene.now;
            let comment = comments[index].clone();
            let mut emission = scene.comment_event(world, number, &comment, "edited")?;
            emission.payload["changes"] = json!({ "body": { "from": before } });
            Ok((Outcome { id: Some(id), ..Outcome::default() }, vec![emission]))
        }
        Action::DeleteComment { id } => {
            let (number, index) = find_comment(world, scene, id)?;
            let comment = world.issue_mut(&scene.org, &scene.repo, number)?.comments.remove(index);
            let emission = scene.comment_event(world, number, &comment, "deleted")?;
            Ok((Outcome { id: Some(id), ..Outcome::default() }, vec![emission]))
        }
        Action::Review { number, state, body } => review(world, scene, number, &state, &body),
        Action::ReviewComment { number, path, body } => {
            let id = world.fresh_id();
            let comment = Comment {
                id,
                author: scene.actor.clone(),
                body,
                path,
                created_at: scene.now,
                updated_at: scene.now,
            };
            world.pull_mut(&scene.org, &scene.repo, number)?;
            let issue = world.issue_mut(&scene.org, &scene.repo, number)?;
            issue.review_comments.push(comment.clone());
            let mut emission = scene.issue_event(world, number, "created", &Value::Null)?;
            let repository = world.repo(&scene.org, &scene.repo)?;
            emission.event = "pull_request_review_comment";
            emission.payload["comment"] =
                scene.documents(world).review_comment(repository, number, &comment);
            Ok((Outcome { id: Some(id), ..Outcome::default() }, vec![emission]))
        }
        Action::Push { .. }
        | Action::DeleteBranch { .. }
        | Action::OpenPull { .. }
        | Action::Edit { .. }
        | Action::Merge { .. }
        | Action::Reopen { .. }
        | Action::SetStatus { .. } => {
            Err(Refusal::new(500, "this action needs git and is done elsewhere"))
        }
    }
}

/// An issue nobody has seen yet.
pub(super) fn new_issue(
    world: &mut World,
    scene: &Scene,
    title: &str,
    body: &str,
) -> Result<Issue, Refusal> {
    let id = world.fresh_id();
    let number = world.repo(&scene.org, &scene.repo)?.next_number();
    Ok(Issue {
        id,
        number,
        title: title.to_owned(),
        body: body.to_owned(),
        author: scene.actor.clone(),
        open: true,
        labels: Vec::new(),
        assignees: Vec::new(),
        comments: Vec::new(),
        reviews: Vec::new(),
        review_comments: Vec::new(),
        created_at: scene.now,
        updated_at: scene.now,
        closed_at: None,
        pull: None,
    })
}

/// Marks an issue as changed and tells so.
pub(super) fn changed(
    world: &mut World,
    scene: &Scene,
    number: u64,
    action: &str,
    extra: &Value,
) -> Done {
    world.issue_mut(&scene.org, &scene.repo, number)?.updated_at = scene.now;
    let emission = scene.issue_event(world, number, action, extra)?;
    Ok((Outcome { number: Some(number), ..Outcome::default() }, vec![emission]))
}

fn set_draft(world: &mut World, scene: &Scene, number: u64, draft: bool) -> Done {
    let pull = world.pull_mut(&scene.org, &scene.repo, number)?;
    if pull.draft == draft {
        return Ok(Default::default());
    }
    pull.draft = draft;
    let action = if draft { "converted_to_draft" } else { "ready_for_review" };
    changed(world, scene, number, action, &Value::Null)
}

fn add_label(world: &mut World, scene: &Scene, number: u64, label: &str) -> Done {
    if label.is_empty() {
        return Err(Refusal::invalid("Validation Failed: Label name missing_field"));
    }
    let repository = world.repo_mut(&scene.org, &scene.repo)?;
    let issue = repository.issues.get_mut(&number).ok_or_else(Refusal::not_found)?;
    if issue.labels.iter().any(|found| key(found) == key(label)) {
        return Ok(Default::default());
    }
    // A label keeps the case in which it was first written.
    let known = repository.labels.iter().find(|found| key(found) == key(label)).cloned();
    let name = known.unwrap_or_else(|| label.to_owned());
    repository.labels.insert(name.clone());
    issue.labels.push(name.clone());
    label_event(world, scene, number, &name, "labeled")
}

fn remove_label(world: &mut World, scene: &Scene, number: u64, label: &str) -> Done {
    let issue = world.issue_mut(&scene.org, &scene.repo, number)?;
    let found = issue.labels.iter().position(|found| key(found) == key(label));
    let index = found.ok_or_else(|| Refusal::new(404, "Label does not exist"))?;
    let name = issue.labels.remove(index);
    label_event(world, scene, number, &name, "unlabeled")
}

fn label_event(world: &mut World, scene: &Scene, number: u64, name: &str, action: &str) -> Done {
    let repository = world.repo(&scene.org, &scene.repo)?;
    let label = json!({ "label": scene.documents(world).label(repository, name) });
    changed(world, scene, number, action, &label)
}

fn check_comment(body: &str) -> Result<(), Refusal> {
    if body.trim().is_empty() {
        return Err(Refusal::invalid("Validation Failed: Body cannot be blank"));
    }
    if body.chars().count() > MAX_COMMENT {
        return Err(Refusal::invalid("Validation Failed: body is too long (maximum is 65536)"));
    }
    Ok(())
}

fn comment(world: &mut World, scene: &Scene, number: u64, body: &str) -> Done {
    check_comment(body)?;
    let id = world.fresh_id();
    let comment = Comment {
        id,
        author: scene.actor.clone(),
        body: body.to_owned(),
        path: String::new(),
        created_at: scene.now,
        updated_at: scene.now,
    };
    let issue = world.issue_mut(&scene.org, &scene.repo, number)?;
    issue.comments.push(comment.clone());
    issue.updated_at = scene.now;
    let emission = scene.comment_event(world, number, &comment, "created")?;
    Ok((Outcome { id: Some(id), ..Outcome::default() }, vec![emission]))
}

/// Where a comment is: (number of the issue, place in its list).
fn find_comment(world: &World, scene: &Scene, id: u64) -> Result<(u64, usize), Refusal> {
    let repository = world.repo(&scene.org, &scene.repo)?;
    repository
        .issues
        .values()
        .find_map(|issue| {
            let index = issue.comments.iter().position(|comment| comment.id == id)?;
            Some((issue.number, index))
        })
        .ok_or_else(Refusal::not_found)
}

fn review(world: &mut World, scene: &Scene, number: u64, state: &str, body: &str) -> Done {
    let state = state.to_lowercase();
    let author = world.issue(&scene.org, &scene.repo, number)?.author.clone();
    if key(&author) == key(&scene.actor) && state != "commented" {
        return Err(Refusal::invalid(
            "Unprocessable Entity: Can not approve your own pull request",
        ));
    }
    world.pull_mut(&scene.org, &scene.repo, number)?;
    let id = world.fresh_id();
    let review = Review {
        id,
        author: scene.actor.clone(),
        body: body.to_owned(),
        state,
        submitted_at: scene.now,
    };
    world.issue_mut(&scene.org, &scene.repo, number)?.reviews.push(review.clone());
    let mut emission = scene.issue_event(world, number, "submitted", &Value::Null)?;
    let repository = world.repo(&scene.org, &scene.repo)?;
    emission.event = "pull_request_review";
    emission.payload["review"] = scene.documents(world).review(repository, number, &review, true);
    Ok((Outcome { id: Some(id), ..Outcome::default() }, vec![emission]))
}
