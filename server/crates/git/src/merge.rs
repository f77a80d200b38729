//! Merging without a checkout.
//!
//! `git merge-tree --write-tree` merges two commits into a tree. The tree is made a commit with
//! `git commit-tree`, so that the next head can be merged onto it. Nothing refers to these
//! commits; the mirror's clean-up removes them.

use crate::{
    command::{GitCommand, failed},
    error::GitError,
    mirror::Mirror,
};

/// How many commits of one head are replayed at most by [`MergeMethod::Rebase`]; GitHub itself
/// refuses to rebase more than 100.
const MAX_REBASED_COMMITS: usize = 250;

/// How a head gets onto its base; the repository's tide merge method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum MergeMethod {
    /// A merge commit.
    #[default]
    Merge,
    /// One commit with everything the head brings.
    Squash,
    /// Each commit of the head again, on top.
    Rebase,
    /// The head itself if it contains the base, else a merge commit; Gerrit's way.
    IfNecessary,
}

/// Merges the heads onto the base one after the other and gives the commit that results. With no
/// head that is the base itself.
pub(crate) async fn merge_heads(
    mirror: &Mirror,
    base: &str,
    heads: &[String],
    method: MergeMethod,
) -> Result<String, GitError> {
    let mut current = base.to_owned();
    for head in heads {
        current = match method {
            MergeMethod::Merge => {
                let tree = merge(mirror, &current, head, head).await?;
                commit(mirror, &tree, &[&current, head]).await?
            }
            MergeMethod::Squash => {
                let tree = merge(mirror, &current, head, head).await?;
                commit(mirror, &tree, &[&current]).await?
            }
            MergeMethod::Rebase => rebase(mirror, &current, head).await?,
            MergeMethod::IfNecessary => {
                if is_ancestor(mirror, &current, head).await? {
                    head.clone()
                } else {
                    let tree = merge(mirror, &current, head, head).await?;
                    commit(mirror, &tree, &[&current, head]).await?
                }
            }
        };
    }
    Ok(current)
}

/// The tree of `ours` and `theirs` merged. `head` is named if they conflict.
async fn merge(mirror: &Mirror, ours: &str, theirs: &str, head: &str) -> Result<String, GitError> {
    let command = git(mirror)
        .await?
        .args(["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"])
        .args([ours, theirs]);
    let line = command.to_string();
    let output = command.output().await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut fields = text.split('\0').filter(|field| !field.is_empty());
    match (output.code, fields.next()) {
        (Some(0), Some(tree)) => Ok(tree.trim().to_owned()),
        (Some(1), Some(_)) => {
            let mut files: Vec<String> = fields.map(str::to_owned).collect();
            files.sort();
            files.dedup();
            Err(GitError::MergeConflict { base: ours.to_owned(), head: head.to_owned(), files })
        }
        _ => Err(failed(line, &output)),
    }
}

/// A commit of a tree.
async fn commit(mirror: &Mirror, tree: &str, parents: &[&str]) -> Result<String, GitError> {
    let mut command = git(mirror).await?.args(["commit-tree", "-m", "merge", tree]);
    for parent in parents {
        command = command.args(["-p", parent]);
    }
    Ok(command.run().await?.text())
}

/// Replays the commits of `head` that `onto` lacks. As `git rebase` does, it leaves out merge
/// commits and commits whose change is already there.
async fn rebase(mirror: &Mirror, onto: &str, head: &str) -> Result<String, GitError> {
    let listing = git(mirror)
        .await?
        .args(["rev-list", "--reverse", "--topo-order", "--no-merges", "--cherry-pick"])
        .args(["--right-only", &format!("{onto}...{head}")])
        .run()
        .await?
        .text();
    let commits: Vec<&str> = listing.lines().collect();
    if commits.len() > MAX_REBASED_COMMITS {
        return Err(GitError::InvalidInput(format!(
            "{head} has {} commits to rebase; at most {MAX_REBASED_COMMITS} are replayed: squash \
             them or use another merge method",
            commits.len()
        )));
    }
    let mut current = onto.to_owned();
    for original in commits {
        // A merge of two stand-ins whose only common parent has the tree of the original's
        // parent is a cherry-pick: git 2.39 cannot be told a merge base.
        let parent_tree = tree_of(mirror, &format!("{original}^")).await?;
        let fork = commit(mirror, &parent_tree, &[]).await?;
        let ours = commit(mirror, &tree_of(mirror, &current).await?, &[&fork]).await?;
        let theirs = commit(mirror, &tree_of(mirror, original).await?, &[&fork]).await?;
        let tree = merge(mirror, &ours, &theirs, head).await.map_err(|error| match error {
            GitError::MergeConflict { head, files, .. } => {
                GitError::MergeConflict { base: current.clone(), head, files }
            }
            other => other,
        })?;
        current = commit(mirror, &tree, &[&current]).await?;
    }
    Ok(current)
}

/// The tree of a commit. The parent of a root commit is the empty tree.
async fn tree_of(mirror: &Mirror, revision: &str) -> Result<String, GitError> {
    let output = git(mirror)
        .await?
        .args(["rev-parse", "--verify", "--quiet", &format!("{revision}^{{tree}}")])
        .output()
        .await?;
    if output.success() {
        return Ok(output.text());
    }
    Ok(git(mirror).await?.arg("mktree").run().await?.text())
}

async fn is_ancestor(mirror: &Mirror, ancestor: &str, of: &str) -> Result<bool, GitError> {
    let command = git(mirror).await?.args(["merge-base", "--is-ancestor", ancestor, of]);
    let line = command.to_string();
    let output = command.output().await?;
    match output.code {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(failed(line, &output)),
    }
}

/// Commits with a fixed author and time, so that the same merge has the same name every time.
async fn git(mirror: &Mirror) -> Result<GitCommand, GitError> {
    let mut command = mirror.git().await?;
    for who in ["AUTHOR", "COMMITTER"] {
        command = command
            .env(format!("GIT_{who}_NAME"), "ci-robot")
            .env(format!("GIT_{who}_EMAIL"), "ci-robot@localhost")
            .env(format!("GIT_{who}_DATE"), "@0 +0000");
    }
    Ok(command)
}
