//! The repositories of the fake, read and changed by real git over HTTP.

use std::{path::Path, sync::Arc};

use forge::{Auth, GitHub, GitHubOptions};
use git::{GitCommand, GitError, MergeMethod, RepoCache, RepoCacheOptions};

use super::{ORG, REPO, Setup};

async fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = GitCommand::new().dir(dir).args(args);
    for who in ["AUTHOR", "COMMITTER"] {
        command = command
            .env(format!("GIT_{who}_NAME"), "member")
            .env(format!("GIT_{who}_EMAIL"), "member@localhost");
    }
    command.run().await.expect("git").text()
}

#[tokio::test]
async fn a_clone_holds_branches_and_pull_requests() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    let dir = tempfile::tempdir().expect("a folder");
    let url = setup.fake.clone_url(ORG, REPO);
    git(dir.path(), &["clone", "--quiet", &url, "work"]).await;
    let work = dir.path().join("work");
    let head = git(&work, &["rev-parse", "HEAD"]).await;
    assert_eq!(head, setup.fake.head(ORG, REPO, "main").await);
    git(&work, &["fetch", "--quiet", "origin", &format!("pull/{number}/head")]).await;
    let fetched = git(&work, &["rev-parse", "FETCH_HEAD"]).await;
    assert_eq!(fetched, setup.fake.head(ORG, REPO, "topic").await);
}

#[tokio::test]
async fn a_push_moves_the_pull_request_and_is_told_of() {
    let setup = Setup::new().await;
    let number = setup.pull().await;
    setup.fake.hold_deliveries(true);
    setup.fake.add_hook("http://127.0.0.1:1/hook", "secret");
    let dir = tempfile::tempdir().expect("a folder");
    let url = setup.fake.clone_url(ORG, REPO);
    git(dir.path(), &["clone", "--quiet", "--branch=topic", &url, "work"]).await;
    let work = dir.path().join("work");
    std::fs::write(work.join("new file"), "x").expect("a file");
    git(&work, &["add", "--all"]).await;
    git(&work, &["commit", "--quiet", "-m", "More"]).await;
    git(&work, &["push", "--quiet", "origin", "topic", "topic:refs/heads/copy"]).await;
    let pushed = git(&work, &["rev-parse", "HEAD"]).await;
    assert_eq!(setup.fake.pull(ORG, REPO, number).head.sha, pushed);
    let told: Vec<(String, String)> = setup
        .fake
        .deliveries()
        .into_iter()
        .map(|delivery| (delivery.event, delivery.action))
        .collect();
    let expected = [("push", ""), ("push", ""), ("pull_request", "synchronize")];
    assert_eq!(told, expected.map(|(event, action)| (event.to_owned(), action.to_owned())));
}

#[tokio::test]
async fn in_repository_configuration_is_read_over_http_with_pull_requests_merged_in() {
    let setup = Setup::new().await;
    setup.fake.push("member", ORG, REPO, "main", &[(".prow/a.yaml", "a: 1\n")]).await;
    setup.fake.push("member", ORG, REPO, "topic", &[(".prow/b.yaml", "b: 1\n")]).await;
    setup.fake.push("member", ORG, REPO, "main", &[("unrelated", "x")]).await;
    let base = setup.fake.head(ORG, REPO, "main").await;
    let head = setup.fake.head(ORG, REPO, "topic").await;
    let dir = tempfile::tempdir().expect("a folder");
    let cache = RepoCache::new(dir.path());
    let url = setup.fake.clone_url(ORG, REPO);
    let files = cache
        .read_prow_files(&url, &base, &[head], MergeMethod::Merge)
        .await
        .expect("configuration");
    let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, [".prow/a.yaml", ".prow/b.yaml"]);
}

#[tokio::test]
async fn a_private_repository_is_read_with_the_token_of_the_client_and_not_without() {
    let setup = Setup::new().await;
    setup.fake.push("member", ORG, REPO, "main", &[(".prow.yaml", "presubmits: []\n")]).await;
    setup.fake.make_private(ORG, REPO);
    let base = setup.fake.head(ORG, REPO, "main").await;
    let url = setup.fake.clone_url(ORG, REPO);
    let dir = tempfile::tempdir().expect("a folder");

    let anonymous = RepoCache::new(dir.path().join("anonymous"));
    let error =
        anonymous.read_prow_files(&url, &base, &[], MergeMethod::Merge).await.expect_err("hidden");
    assert!(matches!(error, GitError::Remote { .. }), "{error}");

    let mut options = GitHubOptions::new(Auth::TokenFile(setup.token_file()), setup.clock.shared());
    options.host = setup.fake.host().to_owned();
    let credentials = Arc::new(GitHub::new(options).expect("a client"));
    let cache = RepoCache::with_options(
        dir.path().join("bot"),
        RepoCacheOptions { credentials, ..RepoCacheOptions::default() },
    );
    let files =
        cache.read_prow_files(&url, &base, &[], MergeMethod::Merge).await.expect("configuration");
    assert_eq!(files[0].1, b"presubmits: []\n");
    // The token is nowhere in what stays on disk.
    let mut folders = vec![dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let bytes = std::fs::read(entry.path()).expect("a file");
                let text = String::from_utf8_lossy(&bytes);
                assert!(!text.contains(super::TOKEN), "{}", entry.path().display());
            }
        }
    }
}

#[tokio::test]
async fn a_remote_that_does_not_answer_is_given_up_in_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/org/repo.git", listener.local_addr().expect("an address"));
    let dir = tempfile::tempdir().expect("a folder");
    let options = RepoCacheOptions {
        timeout: std::time::Duration::from_millis(1_500),
        ..RepoCacheOptions::default()
    };
    let cache = RepoCache::with_options(dir.path(), options);
    let error = cache
        .read_prow_files(&url, &"1".repeat(40), &[], MergeMethod::Merge)
        .await
        .expect_err("silence");
    assert!(matches!(error, GitError::Timeout { .. }), "{error}");
}
