use std::fs;

use tempfile::TempDir;

use super::*;
use crate::GitCommand;

/// A repository with a work tree, made by real git.
struct Source {
    dir: TempDir,
}

impl Source {
    async fn new() -> Source {
        let source = Source { dir: tempfile::tempdir().expect("a folder") };
        source.git(&["init", "--quiet", "--initial-branch=main"]).await;
        source
    }

    fn uri(&self) -> String {
        self.dir.path().to_string_lossy().into_owned()
    }

    async fn git(&self, args: &[&str]) -> String {
        let mut command = GitCommand::new().dir(self.dir.path()).args(args);
        for who in ["AUTHOR", "COMMITTER"] {
            command = command
                .env(format!("GIT_{who}_NAME"), "tester")
                .env(format!("GIT_{who}_EMAIL"), "tester@localhost");
        }
        command.run().await.expect("git").text()
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    async fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            self.write(path, content);
        }
        self.git(&["add", "--all"]).await;
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "change"]).await;
        self.git(&["rev-parse", "HEAD"]).await
    }

    /// A branch off `from` with one commit.
    async fn branch(&self, name: &str, from: &str, files: &[(&str, &str)]) -> String {
        self.git(&["checkout", "--quiet", "-B", name, from]).await;
        self.commit(files).await
    }
}

struct Setup {
    source: Source,
    dir: TempDir,
    cache: RepoCache,
}

impl Setup {
    async fn new() -> Setup {
        let dir = tempfile::tempdir().expect("a folder");
        let cache = RepoCache::new(dir.path());
        Setup { source: Source::new().await, dir, cache }
    }

    async fn read(&self, base: &str, heads: &[&str]) -> Result<Vec<(String, String)>, GitError> {
        self.read_by(base, heads, MergeMethod::Merge).await
    }

    async fn read_by(
        &self,
        base: &str,
        heads: &[&str],
        method: MergeMethod,
    ) -> Result<Vec<(String, String)>, GitError> {
        let heads: Vec<String> = heads.iter().map(|&head| head.to_owned()).collect();
        let files = self.cache.read_prow_files(&self.source.uri(), base, &heads, method).await?;
        Ok(files
            .iter()
            .map(|(path, bytes)| (path.clone(), String::from_utf8_lossy(bytes).into_owned()))
            .collect())
    }

    fn mirror(&self) -> PathBuf {
        self.cache.mirror_path(&self.source.uri())
    }
}

fn files(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect()
}

#[tokio::test]
async fn a_repository_without_configuration_has_none() {
    let setup = Setup::new().await;
    let base = setup.source.commit(&[("README", "x"), ("sub/.prow.yaml", "not at the root")]).await;
    assert_eq!(setup.read(&base, &[]).await, Ok(files(&[])));
}

#[tokio::test]
async fn the_folder_wins_over_the_single_file() {
    let setup = Setup::new().await;
    let single = setup.source.commit(&[(".prow.yaml", "single")]).await;
    assert_eq!(setup.read(&single, &[]).await, Ok(files(&[(".prow.yaml", "single")])));

    let both = setup
        .source
        .commit(&[
            (".prow/b.yaml", "b"),
            (".prow/sub/a.yml", "a"),
            (".prow/README.md", "not read"),
            (".prow/sub/.prowignore", "*.tmp.yaml"),
            (".prowignore", "draft.yaml"),
        ])
        .await;
    assert_eq!(
        setup.read(&both, &[]).await,
        Ok(files(&[
            (".prow/b.yaml", "b"),
            (".prow/sub/.prowignore", "*.tmp.yaml"),
            (".prow/sub/a.yml", "a"),
            (".prowignore", "draft.yaml"),
        ]))
    );
}

#[tokio::test]
async fn heads_are_merged_onto_the_base_in_order() {
    let setup = Setup::new().await;
    let base = setup.source.commit(&[(".prow/a.yaml", "a"), ("code", "1")]).await;
    let one = setup.source.branch("one", &base, &[(".prow/one.yaml", "one")]).await;
    let two = setup.source.branch("two", &base, &[(".prow/two.yaml", "two")]).await;
    let moved = setup.source.branch("moved", &base, &[(".prow/a.yaml", "changed")]).await;
    for method in
        [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase, MergeMethod::IfNecessary]
    {
        assert_eq!(
            setup.read_by(&moved, &[&one, &two], method).await,
            Ok(files(&[
                (".prow/a.yaml", "changed"),
                (".prow/one.yaml", "one"),
                (".prow/two.yaml", "two"),
            ])),
            "{method:?}"
        );
    }
}

#[tokio::test]
async fn a_rebase_replays_each_commit_and_leaves_out_what_is_there_already() {
    let setup = Setup::new().await;
    let base = setup.source.commit(&[(".prow/a.yaml", "1\n2\n3\n4\n5\n")]).await;
    setup.source.branch("topic", &base, &[(".prow/a.yaml", "one\n2\n3\n4\n5\n")]).await;
    let topic = setup.source.commit(&[(".prow/a.yaml", "one\n2\n3\n4\nfive\n")]).await;
    // The base got the topic's first change already, in a commit of its own.
    let moved = setup.source.branch("moved", &base, &[(".prow/a.yaml", "one\n2\n3\n4\n5\n")]).await;
    assert_eq!(
        setup.read_by(&moved, &[&topic], MergeMethod::Rebase).await,
        Ok(files(&[(".prow/a.yaml", "one\n2\n3\n4\nfive\n")]))
    );
}

#[tokio::test]
async fn a_conflict_names_the_head_the_base_and_the_files() {
    let setup = Setup::new().await;
    let base = setup.source.commit(&[(".prow/a.yaml", "a")]).await;
    let topic = setup.source.branch("topic", &base, &[(".prow/a.yaml", "topic"), ("x", "t")]).await;
    let moved = setup.source.branch("moved", &base, &[(".prow/a.yaml", "moved"), ("x", "m")]).await;
    for method in [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase] {
        let error = setup.read_by(&moved, &[&topic], method).await.expect_err("a conflict");
        assert_eq!(
            error,
            GitError::MergeConflict {
                base: moved.clone(),
                head: topic.clone(),
                files: vec![".prow/a.yaml".into(), "x".into()],
            },
            "{method:?}"
        );
    }
}

#[tokio::test]
async fn links_are_followed_inside_the_folder_and_refused_outside() {
    let setup = Setup::new().await;
    setup.source.write(".prow/real.yaml", "real");
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, setup.source.dir.path().join(name)).expect("a link");
    };
    link("real.yaml", ".prow/link.yaml");
    let inside = setup.source.commit(&[]).await;
    assert_eq!(
        setup.read(&inside, &[]).await,
        Ok(files(&[(".prow/link.yaml", "real"), (".prow/real.yaml", "real")]))
    );

    link("../outside", ".prow/out.yaml");
    let outside = setup.source.commit(&[("outside", "secret")]).await;
    let error = setup.read(&outside, &[]).await.expect_err("a link to the outside");
    assert!(
        error.to_string().contains(".prow/out.yaml")
            && error.to_string().contains("it links to \"../outside\", which is outside .prow"),
        "{error}"
    );
}

#[tokio::test]
async fn a_commit_the_remote_does_not_have_is_named() {
    let setup = Setup::new().await;
    let base = setup.source.commit(&[(".prow.yaml", "x")]).await;
    let gone = "1".repeat(40);
    let expected = GitError::MissingCommit { uri: setup.source.uri(), sha: gone.clone() };
    assert_eq!(setup.read(&base, &[&gone]).await, Err(expected.clone()));
    assert_eq!(setup.read(&gone, &[]).await, Err(expected));
    // What is there stays readable.
    assert_eq!(setup.read(&base, &[]).await, Ok(files(&[(".prow.yaml", "x")])));
}

#[tokio::test]
async fn a_commit_that_no_branch_has_any_more_is_still_found() {
    let setup = Setup::new().await;
    let base = setup.source.commit(&[(".prow.yaml", "old")]).await;
    let topic = setup.source.branch("topic", &base, &[(".prow.yaml", "forced away")]).await;
    setup.source.git(&["checkout", "--quiet", "main"]).await;
    setup.source.git(&["branch", "--quiet", "--force", "topic", &base]).await;
    assert_eq!(setup.read(&base, &[&topic]).await, Ok(files(&[(".prow.yaml", "forced away")])));
}

#[tokio::test]
async fn a_remote_that_is_not_there_is_an_error_with_a_next_step() {
    let setup = Setup::new().await;
    let error = setup
        .cache
        .read_prow_files("/nowhere/repo.git", &"1".repeat(40), &[], MergeMethod::Merge)
        .await
        .expect_err("no remote");
    assert!(matches!(error, GitError::Remote { .. }), "{error:?}");
    assert!(error.to_string().contains("check the address"), "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn revisions_that_are_no_object_names_never_reach_git() {
    let setup = Setup::new().await;
    for revision in ["main", "--upload-pack=x", "HEAD~1", ""] {
        let error = setup.read(revision, &[]).await.expect_err("refused");
        assert!(matches!(error, GitError::InvalidInput(_)), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_is_remembered_and_an_error_is_not() {
    let setup = Setup::new().await;
    let base = setup.source.commit(&[(".prow.yaml", "x")]).await;
    let away = setup.dir.path().join("away");
    fs::rename(setup.source.dir.path().join(".git"), &away).expect("moved away");
    assert!(setup.read(&base, &[]).await.is_err());
    fs::rename(&away, setup.source.dir.path().join(".git")).expect("moved back");
    assert_eq!(setup.read(&base, &[]).await, Ok(files(&[(".prow.yaml", "x")])));

    fs::rename(setup.source.dir.path().join(".git"), &away).expect("moved away");
    fs::remove_dir_all(setup.mirror()).expect("no mirror");
    assert_eq!(setup.read(&base, &[]).await, Ok(files(&[(".prow.yaml", "x")])));
}

#[tokio::test]
async fn locks_that_a_killed_git_left_are_removed() {
    let setup = Setup::new().await;
    let base = setup.source.commit(&[(".prow.yaml", "x")]).await;
    setup.read(&base, &[]).await.expect("a mirror");
    let next = setup.source.commit(&[(".prow.yaml", "y")]).await;
    for lock in ["shallow.lock", "packed-refs.lock", "config.lock", "refs/bowsprit/x.lock"] {
        fs::write(setup.mirror().join(lock), "").expect("a lock");
    }
    let own = setup.mirror().join(format!("refs/bowsprit/{next}.lock"));
    fs::write(own, "").expect("a lock");
    assert_eq!(setup.read(&next, &[]).await, Ok(files(&[(".prow.yaml", "y")])));
}

#[tokio::test]
async fn a_corrupt_mirror_is_made_anew() {
    let setup = Setup::new().await;
    let base = setup.source.commit(&[(".prow.yaml", "x")]).await;
    setup.read(&base, &[]).await.expect("a mirror");

    // A pack cut short, as after a crash of the machine.
    let next = setup.source.commit(&[(".prow.yaml", "y")]).await;
    let objects = setup.mirror().join("objects");
    for folder in [objects.join("pack"), objects.clone()] {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                for object in fs::read_dir(&path).expect("a folder").flatten() {
                    let object = object.path();
                    let _ = fs::remove_file(&object);
                    fs::write(&object, "").expect("an empty object");
                }
            }
        }
    }
    assert_eq!(setup.read(&next, &[]).await, Ok(files(&[(".prow.yaml", "y")])));

    // Creation interrupted half-way.
    fs::remove_file(setup.mirror().join("bowsprit-mirror")).expect("the mark");
    let last = setup.source.commit(&[(".prow.yaml", "z")]).await;
    assert_eq!(setup.read(&last, &[]).await, Ok(files(&[(".prow.yaml", "z")])));
}

#[tokio::test]
async fn blobs_are_fetched_only_when_they_are_read() {
    let setup = Setup::new().await;
    setup.source.git(&["config", "uploadpack.allowFilter", "true"]).await;
    setup.source.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]).await;
    let base = setup
        .source
        .commit(&[(".prow/a.yaml", "a"), (".prow/b.yaml", "b"), ("large", "not needed")])
        .await;
    let uri = format!("file://{}", setup.source.uri());
    let read = setup.cache.read_prow_files(&uri, &base, &[], MergeMethod::Merge).await;
    assert_eq!(read.expect("files").len(), 2);

    let large = setup.source.git(&["rev-parse", "HEAD:large"]).await;
    let a = setup.source.git(&["rev-parse", "HEAD:.prow/a.yaml"]).await;
    let inspector = Inspector::create(setup.dir.path()).await.expect("an inspector");
    let objects = setup.cache.mirror_path(&uri).join("objects");
    assert_eq!(inspector.missing(&objects, &[&large, &a]).await, Ok(vec![large]));
}

#[tokio::test]
async fn a_remote_that_is_gone_when_a_blob_is_needed_is_a_failure_of_the_remote() {
    let setup = Setup::new().await;
    setup.source.git(&["config", "uploadpack.allowFilter", "true"]).await;
    setup.source.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]).await;
    let base = setup.source.commit(&[("x", "1\n2\n3\n4\n5\n")]).await;
    let topic = setup.source.branch("topic", &base, &[("x", "one\n2\n3\n4\n5\n")]).await;
    let moved = setup.source.branch("moved", &base, &[("x", "1\n2\n3\n4\nfive\n")]).await;
    let uri = format!("file://{}", setup.source.uri());
    let read = |base: &str, heads: &[&str]| {
        let heads: Vec<String> = heads.iter().map(|&head| head.to_owned()).collect();
        let (cache, base, uri) = (setup.cache.clone(), base.to_owned(), uri.clone());
        async move { cache.read_prow_files(&uri, &base, &heads, MergeMethod::Merge).await }
    };
    for commit in [&topic, &moved] {
        read(commit, &[]).await.expect("the commits, without their blobs");
    }
    fs::rename(setup.source.dir.path().join(".git"), setup.dir.path().join("away")).expect("gone");
    let error = read(&moved, &[&topic]).await.expect_err("no blobs");
    assert!(matches!(error, GitError::Remote { .. }), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn the_remote_address_is_not_written_into_the_mirror() {
    let setup = Setup::new().await;
    let base = setup.source.commit(&[(".prow.yaml", "x")]).await;
    setup.read(&base, &[]).await.expect("a mirror");
    let config = fs::read_to_string(setup.mirror().join("config")).expect("its configuration");
    assert!(!config.contains(&setup.source.uri()), "{config}");
}

#[tokio::test]
async fn the_number_of_kept_tips_is_bounded() {
    let setup = Setup::new().await;
    let mut tips = vec![setup.source.commit(&[(".prow.yaml", "x")]).await];
    setup.read(&tips[0], &[]).await.expect("a mirror");
    let kept = || async {
        let output = GitCommand::new()
            .env("GIT_DIR", setup.mirror())
            .args(["for-each-ref", "refs/bowsprit/"])
            .run()
            .await;
        output.expect("the refs").text().lines().count()
    };
    // Many tips at once, as a busy repository leaves them over time.
    let updates: String =
        (0..400).map(|n| format!("create refs/bowsprit/{n:040} {}\n", tips[0])).collect();
    GitCommand::new()
        .env("GIT_DIR", setup.mirror())
        .args(["update-ref", "--stdin"])
        .stdin(updates)
        .run()
        .await
        .expect("refs");
    tips.push(setup.source.commit(&[(".prow.yaml", "y")]).await);
    setup.read(&tips[1], &[]).await.expect("files");
    assert!(kept().await <= 257, "{}", kept().await);
    setup.read(&tips[0], &[&tips[1]]).await.expect("old tips stay readable");
}
