//! Actions that move branches: pushes, pull requests, merges.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    FakeGitHub,
    actions::{Emission, Outcome, Scene, changed, new_issue},
    repository::{Author, NO_COMMIT},
    world::{Pull, Refusal, RepoKey, key, repo_key},
};

/// How many commits a push event lists at most.
const MAX_PUSHED_COMMITS: usize = 2_048;

type Done = Result<(Outcome, Vec<Emission>), Refusal>;

impl FakeGitHub {
    pub(super) async fn push_files(
        &self,
        scene: &Scene,
        branch: &str,
        files: BTreeMap<String, Option<String>>,
        message: &str,
        from: Option<&str>,
    ) -> Done {
        let git = self.inner.world.lock().repo(&scene.org, &scene.repo)?.git.clone();
        let before = git.resolve(&format!("refs/heads/{branch}")).await;
        let files: Vec<_> = files
            .into_iter()
            .map(|(path, content)| (path, content.map(String::into_bytes)))
            .collect();
        let message = if message.is_empty() { "Change files" } else { message };
        let author = Author { login: scene.actor.clone(), at: scene.now };
        let sha = git.commit(branch, from, &files, message, &author).await?;
        let emissions = self.branch_moved(scene, branch, before.as_deref(), Some(&sha)).await?;
        Ok((Outcome { sha: Some(sha), ..Outcome::default() }, emissions))
    }

    pub(super) async fn drop_branch(&self, scene: &Scene, branch: &str) -> Done {
        let git = self.inner.world.lock().repo(&scene.org, &scene.repo)?.git.clone();
        let name = format!("refs/heads/{branch}");
        let before = git.resolve(&name).await.ok_or_else(Refusal::not_found)?;
        git.set_ref(&name, None).await?;
        let emissions = self.branch_moved(scene, branch, Some(&before), None).await?;
        Ok((Outcome::default(), emissions))
    }

    /// Tells of a branch that moved from `before` to `after`, and takes its pull requests along.
    pub(super) async fn branch_moved(
        &self,
        scene: &Scene,
        branch: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<Vec<Emission>, Refusal> {
        let mut emissions = vec![self.push_event(scene, branch, before, after).await?];
        let Some(after) = after else { return Ok(emissions) };
        let moved: RepoKey = repo_key(&scene.org, &scene.repo);
        let (from, onto) = {
            let world = self.inner.world.lock();
            (world.pulls_from(&moved, branch), world.pulls_onto(&moved, branch))
        };
        for (repo, number) in from {
            let there = self.scene_at(scene, &repo)?;
            let before = {
                let mut world = self.inner.world.lock();
                let pull = world.pull_mut(&repo.0, &repo.1, number)?;
                std::mem::replace(&mut pull.head_sha, after.to_owned())
            };
            self.refresh_pull(&repo, number, true).await?;
            let extra = json!({ "before": before, "after": after });
            let mut world = self.inner.world.lock();
            emissions.extend(changed(&mut world, &there, number, "synchronize", &extra)?.1);
        }
        for (repo, number) in onto {
            self.refresh_pull(&repo, number, false).await?;
        }
        Ok(emissions)
    }

    async fn push_event(
        &self,
        scene: &Scene,
        branch: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<Emission, Refusal> {
        let git = self.inner.world.lock().repo(&scene.org, &scene.repo)?.git.clone();
        let (old, new) = (before.unwrap_or(NO_COMMIT), after.unwrap_or(NO_COMMIT));
        let commits = match after {
            Some(after) => git.pushed(old, after).await?,
            None => Vec::new(),
        };
        let forced = match (before, after) {
            (Some(before), Some(after)) => {
                git.merge_base(before, after).await.as_deref() != Some(before)
            }
            _ => false,
        };
        let commits: Vec<Value> = commits
            .iter()
            .rev()
            .take(MAX_PUSHED_COMMITS)
            .rev()
            .map(|commit| {
                json!({
                    "id": commit.sha,
                    "message": commit.message,
                    "timestamp": commit.at.rfc3339(),
                    "author": { "name": commit.author },
                    "added": commit.added,
                    "removed": commit.removed,
                    "modified": commit.modified,
                })
            })
            .collect();
        let name = format!("{}/{}", scene.org, scene.repo);
        let payload = json!({
            "ref": format!("refs/heads/{branch}"),
            "before": old,
            "after": new,
            "created": before.is_none(),
            "deleted": after.is_none(),
            "forced": forced,
            "compare": format!("{}/{name}/compare/{:.12}...{:.12}", scene.base, old, new),
            "head_commit": commits.last(),
            "commits": commits,
            "pusher": { "name": scene.actor, "email": null },
        });
        Ok(scene.emission("push", payload))
    }

    pub(super) async fn open_pull_request(
        &self,
        scene: &Scene,
        head: &str,
        base: &str,
        title: &str,
        body: &str,
        draft: bool,
    ) -> Done {
        let (owner, branch) = head.split_once(':').unwrap_or((&scene.org, head));
        let (head_repo, head_git, git, base) = {
            let world = self.inner.world.lock();
            let repository = world.repo(&scene.org, &scene.repo)?;
            let this = repo_key(&scene.org, &scene.repo);
            let head_repo = if key(owner) == key(&scene.org) {
                this
            } else {
                let fork = world.repos.iter().find(|(fork, repository)| {
                    fork.0 == key(owner) && repository.parent.as_ref() == Some(&this)
                });
                fork.map(|(fork, _)| fork.clone()).ok_or_else(|| {
                    Refusal::invalid(format!("Validation Failed: {owner} has no fork"))
                })?
            };
            let head_git = world.repo(&head_repo.0, &head_repo.1)?.git.clone();
            let base = if base.is_empty() { repository.default_branch.as_str() } else { base };
            (head_repo, head_git, repository.git.clone(), base.to_owned())
        };
        let invalid = |field: &str| {
            Refusal::invalid(format!("Validation Failed: PullRequest {field} invalid"))
        };
        let head_sha = head_git
            .resolve(&format!("refs/heads/{branch}"))
            .await
            .ok_or_else(|| invalid("head"))?;
        let base_sha =
            git.resolve(&format!("refs/heads/{base}")).await.ok_or_else(|| invalid("base"))?;
        let number = {
            let mut world = self.inner.world.lock();
            let mut issue = new_issue(&mut world, scene, title, body)?;
            issue.pull = Some(Pull {
                head_repo,
                head_ref: branch.to_owned(),
                head_sha,
                base_ref: base,
                base_sha,
                commits: 0,
                draft,
                mergeable: None,
                merge_sha: None,
                merged_at: None,
            });
            let number = issue.number;
            world.repo_mut(&scene.org, &scene.repo)?.issues.insert(number, issue);
            number
        };
        self.refresh_pull(&repo_key(&scene.org, &scene.repo), number, true).await?;
        let world = self.inner.world.lock();
        let emission = scene.issue_event(&world, number, "opened", &Value::Null)?;
        Ok((Outcome { number: Some(number), ..Outcome::default() }, vec![emission]))
    }

    /// Computes what git says about a pull request: its head under `refs/pull`, its commits,
    /// whether it merges. `base_too` moves its base to the base branch's head, as GitHub does
    /// when the head moves.
    pub(super) async fn refresh_pull(
        &self,
        repo: &RepoKey,
        number: u64,
        base_too: bool,
    ) -> Result<(), Refusal> {
        let (git, head_git, mut pull) = {
            let world = self.inner.world.lock();
            let repository = world.repo(&repo.0, &repo.1)?;
            let issue = world.issue(&repo.0, &repo.1, number)?;
            let pull = issue.pull.clone().ok_or_else(Refusal::not_found)?;
            let head = world.repo(&pull.head_repo.0, &pull.head_repo.1)?;
            (repository.git.clone(), head.git.clone(), pull)
        };
        let base_head = git.resolve(&format!("refs/heads/{}", pull.base_ref)).await;
        let base_head = base_head.ok_or_else(Refusal::not_found)?;
        if base_too {
            pull.base_sha = base_head.clone();
        }
        git.fetch(&head_git, &pull.head_sha, &format!("refs/pull/{number}/head")).await?;
        let commits = git.commits_between(&base_head, &pull.head_sha).await?;
        let author = Author { login: "web-flow".to_owned(), at: self.inner.clock.now() };
        let message = format!("Merge {} into {base_head}", pull.head_sha);
        let merged = git.merge(&base_head, &pull.head_sha, false, &message, &author).await?;
        let merge_ref = format!("refs/pull/{number}/merge");
        match &merged {
            Some(sha) => git.set_ref(&merge_ref, Some(sha)).await?,
            None if git.resolve(&merge_ref).await.is_some() => {
                git.set_ref(&merge_ref, None).await?;
            }
            None => {}
        }
        let mut world = self.inner.world.lock();
        let kept = world.pull_mut(&repo.0, &repo.1, number)?;
        kept.base_sha = pull.base_sha;
        kept.commits = u64::try_from(commits.len()).unwrap_or_default();
        kept.mergeable = Some(merged.is_some());
        kept.merge_sha = merged;
        Ok(())
    }

    pub(super) async fn edit_issue(
        &self,
        scene: &Scene,
        number: u64,
        title: Option<String>,
        body: Option<String>,
        base: Option<String>,
    ) -> Done {
        let mut changes = json!({});
        {
            let mut world = self.inner.world.lock();
            let issue = world.issue_mut(&scene.org, &scene.repo, number)?;
            if let Some(title) = title {
                changes["title"] = json!({ "from": std::mem::replace(&mut issue.title, title) });
            }
            if let Some(body) = body {
                changes["body"] = json!({ "from": std::mem::replace(&mut issue.body, body) });
            }
        }
        if let Some(base) = base {
            let git = self.inner.world.lock().repo(&scene.org, &scene.repo)?.git.clone();
            let known = git.resolve(&format!("refs/heads/{base}")).await;
            let sha = known.ok_or_else(|| {
                Refusal::invalid(format!("Validation Failed: the base {base} does not exist"))
            })?;
            {
                let mut world = self.inner.world.lock();
                let pull = world.pull_mut(&scene.org, &scene.repo, number)?;
                let old_ref = std::mem::replace(&mut pull.base_ref, base);
                let old_sha = std::mem::replace(&mut pull.base_sha, sha);
                changes["base"] = json!({ "ref": { "from": old_ref }, "sha": { "from": old_sha } });
            }
            self.refresh_pull(&repo_key(&scene.org, &scene.repo), number, true).await?;
        }
        let mut world = self.inner.world.lock();
        changed(&mut world, scene, number, "edited", &json!({ "changes": changes }))
    }

    pub(super) async fn reopen_issue(&self, scene: &Scene, number: u64) -> Done {
        let is_pull = {
            let mut world = self.inner.world.lock();
            let issue = world.issue_mut(&scene.org, &scene.repo, number)?;
            if issue.open {
                return Ok(Default::default());
            }
            if issue.pull.as_ref().is_some_and(|pull| pull.merged_at.is_some()) {
                return Err(Refusal::invalid("Validation Failed: it is merged already"));
            }
            issue.open = true;
            issue.closed_at = None;
            issue.pull.is_some()
        };
        if is_pull {
            self.refresh_pull(&repo_key(&scene.org, &scene.repo), number, true).await?;
        }
        let mut world = self.inner.world.lock();
        changed(&mut world, scene, number, "reopened", &Value::Null)
    }

    pub(super) async fn merge_pull_request(
        &self,
        scene: &Scene,
        number: u64,
        squash: bool,
    ) -> Done {
        let (git, title, pull) = {
            let world = self.inner.world.lock();
            let repository = world.repo(&scene.org, &scene.repo)?;
            let issue = world.issue(&scene.org, &scene.repo, number)?;
            let pull = issue.pull.clone().ok_or_else(Refusal::not_found)?;
            if !issue.open || pull.draft {
                return Err(Refusal::new(405, "Pull Request is not mergeable"));
            }
            (repository.git.clone(), issue.title.clone(), pull)
        };
        let name = format!("refs/heads/{}", pull.base_ref);
        let before = git.resolve(&name).await.ok_or_else(Refusal::not_found)?;
        let message = if squash {
            format!("{title} (#{number})")
        } else {
            format!("Merge pull request #{number} from {}\n\n{title}", pull.head_ref)
        };
        let author = Author { login: scene.actor.clone(), at: scene.now };
        let merged = git.merge(&before, &pull.head_sha, squash, &message, &author).await?;
        let sha = merged.ok_or_else(|| Refusal::new(405, "Pull Request is not mergeable"))?;
        git.set_ref(&name, Some(&sha)).await?;
        let closed = {
            let mut world = self.inner.world.lock();
            let issue = world.issue_mut(&scene.org, &scene.repo, number)?;
            issue.open = false;
            issue.closed_at = Some(scene.now);
            if let Some(pull) = &mut issue.pull {
                pull.merged_at = Some(scene.now);
                pull.merge_sha = Some(sha.clone());
            }
            changed(&mut world, scene, number, "closed", &Value::Null)?.1
        };
        let mut emissions =
            self.branch_moved(scene, &pull.base_ref, Some(&before), Some(&sha)).await?;
        emissions.extend(closed);
        Ok((Outcome { number: Some(number), sha: Some(sha), id: None }, emissions))
    }

    /// The same actor at the same time in another repository.
    fn scene_at(&self, scene: &Scene, repo: &RepoKey) -> Result<Scene, Refusal> {
        let world = self.inner.world.lock();
        let repository = world.repo(&repo.0, &repo.1)?;
        Ok(Scene { org: repository.owner.clone(), repo: repository.name.clone(), ..scene.clone() })
    }
}
