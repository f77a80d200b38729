use std::process::Command;
use std::sync::{Arc, Mutex};

use clock::Clock;

use super::*;
use crate::testing::World;

/// Runs git in a folder, with an identity and without the user's settings.
fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=author", "-c", "user.email=a@example.com"])
        .args(["-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_DATE", "1700000000 +0000")
        .env("GIT_COMMITTER_DATE", "1700000000 +0000")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with a base and a pull for each of `pulls` (file and content), as GitHub keeps them.
fn repository(world: &World, name: &str, pulls: &[(&str, &str)]) -> (String, Vec<String>) {
    let dir = world.path(name);
    std::fs::create_dir_all(&dir).unwrap();
    git(&dir, &["init"]);
    world.write(&format!("{name}/README"), "base\n");
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-m", "base"]);
    git(&dir, &["tag", "v1"]);
    let mut shas = vec![git(&dir, &["rev-parse", "HEAD"])];
    for (number, (file, content)) in pulls.iter().enumerate() {
        git(&dir, &["checkout", "-b", &format!("branch-{number}"), "main"]);
        world.write(&format!("{name}/{file}"), content);
        git(&dir, &["add", "."]);
        git(&dir, &["commit", "-m", "pull"]);
        shas.push(git(&dir, &["rev-parse", "HEAD"]));
        git(&dir, &["update-ref", &format!("refs/pull/{}/head", number + 1), "HEAD"]);
        git(&dir, &["checkout", "main"]);
        git(&dir, &["branch", "-D", &format!("branch-{number}")]);
    }
    (dir.to_string_lossy().into_owned(), shas)
}

fn refs_to(uri: &str) -> Refs {
    Refs {
        org: "org".to_owned(),
        repo: "repo".to_owned(),
        base_ref: "main".to_owned(),
        clone_uri: uri.to_owned(),
        ..Refs::default()
    }
}

fn options(world: &World, refs: Vec<Refs>) -> ClonerefsOptions {
    ClonerefsOptions {
        src_root: world.text("go"),
        log: world.text("clone.json"),
        git_user_name: "ci-robot".to_owned(),
        git_user_email: "ci-robot@k8s.io".to_owned(),
        refs,
        ..ClonerefsOptions::default()
    }
}

async fn cloned(world: &World, options: &ClonerefsOptions) -> Vec<CloneRecord> {
    world.in_a_hurry(run(options, &world.context)).await.unwrap();
    CloneRecord::parse_all(&std::fs::read(&options.log).unwrap()).unwrap()
}

fn pull(number: i64, sha: &str) -> Pull {
    Pull { number, sha: sha.to_owned(), ..Pull::default() }
}

#[tokio::test]
async fn pulls_are_merged_onto_the_base_in_order_and_always_give_the_same_commit() {
    let mut finals = Vec::new();
    for _ in 0..2 {
        let world = World::new();
        let (uri, shas) = repository(&world, "origin", &[("one", "1"), ("two", "2")]);
        let refs = Refs {
            base_sha: shas[0].clone(),
            pulls: vec![pull(1, &shas[1]), pull(2, &shas[2])],
            ..refs_to(&uri)
        };
        let records = cloned(&world, &options(&world, vec![refs.clone()])).await;
        let record = &records[1];
        assert!(!record.failed, "{}", record.to_text());
        assert_eq!(record.refs, recorded_refs(&refs));
        let dir = world.path("go/src/github.com/org/repo");
        assert_eq!(git(&dir, &["rev-parse", "HEAD"]), record.final_sha);
        assert_eq!(git(&dir, &["rev-parse", "--abbrev-ref", "HEAD"]), "main");
        assert_eq!(git(&dir, &["show", "HEAD:two"]), "2");
        assert_eq!(git(&dir, &["show", "HEAD:one"]), "1");
        let log = git(&dir, &["log", "--first-parent", "--format=%cn %ct"]);
        let dates = "ci-robot 1700000002\nci-robot 1700000001\nauthor 1700000000";
        assert_eq!(log, dates);
        // The text of the commands, with this test's own folder cut out.
        let root = world.folder.path().to_string_lossy().into_owned();
        let commands: Vec<String> = record
            .commands
            .iter()
            .map(|c| c.command.replace(&root, "").replace("  ", " "))
            .collect();
        assert_eq!(commands[0], "PWD=/ mkdir -p /go/src/github.com/org/repo");
        assert_eq!(commands[4], "PWD=/go/src/github.com/org/repo git fetch /origin --tags --prune");
        assert_eq!(commands.len(), 14);
        assert!(record.commands[10].output.contains("Merge made by"));
        finals.push(record.final_sha.clone());
    }
    assert_eq!(finals[0], finals[1]);
}

#[tokio::test]
async fn several_repositories_are_cloned_side_by_side_in_the_order_of_the_options() {
    let world = World::new();
    let (uri, shas) = repository(&world, "origin", &[("one", "1")]);
    let (other, _) = repository(&world, "other", &[]);
    // A pull without a commit is fetched by its number.
    let numbered = Refs { repo: "numbered".to_owned(), pulls: vec![pull(1, "")], ..refs_to(&uri) };
    let extra = Refs {
        repo: "other".to_owned(),
        path_alias: "k8s.io/other".to_owned(),
        skip_submodules: true,
        clone_depth: 1,
        ..refs_to(&format!("file://{other}"))
    };
    let sparse = Refs {
        repo: "sparse".to_owned(),
        sparse_checkout_files: vec!["README".to_owned()],
        ..refs_to(&uri)
    };
    let all = vec![refs_to(&uri), extra, sparse, numbered];
    let records = cloned(&world, &options(&world, all)).await;
    let failed: Vec<String> =
        records.iter().filter(|r| r.failed).map(CloneRecord::to_text).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(records.len(), 5);
    assert_eq!(records[0].refs["repo"], "");
    assert_eq!(
        (&records[1].refs["repo"], &records[2].refs["repo"]),
        (&"repo".into(), &"other".into())
    );
    assert_eq!(records[1].final_sha, shas[0]);
    assert!(world.path("go/src/k8s.io/other/README").exists());
    assert!(world.path("go/src/github.com/org/numbered/one").exists());
    assert!(world.path("go/src/github.com/org/sparse/README").exists());
}

#[tokio::test]
async fn a_conflict_fails_the_record_and_not_the_program() {
    let world = World::new();
    let (uri, shas) = repository(&world, "origin", &[("same", "1"), ("same", "2")]);
    let refs = Refs { pulls: vec![pull(1, &shas[1]), pull(2, &shas[2])], ..refs_to(&uri) };
    let mut options = options(&world, vec![refs]);
    let records = cloned(&world, &options).await;
    let last = records[1].commands.last().unwrap();
    assert!(records[1].failed && records[1].final_sha.is_empty());
    assert!(last.command.ends_with(&format!("git merge --no-ff {}", shas[2])));
    assert!(last.output.contains("CONFLICT") && last.error == "exit status 1", "{last:?}");
    options.fail = true;
    options.src_root = world.text("again");
    let error = run(&options, &world.context).await.unwrap_err();
    assert_eq!(error.to_string(), "1 clone records failed");
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_tried_ten_times() {
    let world = World::new();
    let records = cloned(&world, &options(&world, vec![refs_to("/no/such/repository")])).await;
    let last = records[1].commands.last().unwrap();
    assert_eq!(last.error, "exit status 128");
    assert!(last.output.contains("/no/such/repository"), "{last:?}");
    let waited = Duration::from_millis(FETCH_RETRIES_MS.iter().sum());
    assert_eq!(world.clock.now().since(crate::testing::START), waited);
    assert_eq!(records[1].duration_nanos, i64::try_from(waited.as_nanos()).unwrap());
}

#[tokio::test]
async fn secrets_do_not_reach_the_record() {
    let world = World::new();
    world.write("token", "s3cr3t-t0ken\n");
    let mut options = options(
        &world,
        vec![
            refs_to("https://127.0.0.1:1/org/repo.git"),
            Refs { repo: "b".to_owned(), ..refs_to("ssh://me:pa55word@127.0.0.1:1/x") },
        ],
    );
    options.oauth_token_file = world.text("token");
    let records = cloned(&world, &options).await;
    let text = serde_json::to_string(&records).unwrap();
    assert!(text.contains("https://CENSORED:x-oauth-basic@127.0.0.1:1/org/repo.git"), "{text}");
    assert!(!text.contains("s3cr3t") && !text.contains("pa55word"), "{text}");
}

/// A new private key, as GitHub hands them out.
fn app_key() -> String {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, der.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

/// A GitHub on which the App is installed for the user `org`; gives its address, and says what git
/// showed it.
async fn github() -> (String, Arc<Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let git: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = git.clone();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match connection.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let head = String::from_utf8(head).unwrap();
            if head.contains("git-upload-pack") {
                let shown = head.lines().find(|line| line.starts_with("Authorization:"));
                seen.lock().unwrap().push(shown.unwrap_or_default().to_owned());
            }
            let signed = head.to_ascii_lowercase().contains("authorization: bearer ey");
            let first = head.lines().next().unwrap_or_default();
            let (status, body) = match first.trim_end_matches(" HTTP/1.1") {
                "GET /users/org/installation" if signed => ("200 OK", r#"{"id":5}"#),
                "POST /app/installations/5/access_tokens" if signed => {
                    ("201 Created", r#"{"token":"ghs_installation"}"#)
                }
                _ => ("404 Not Found", "{}"),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (format!("http://{address}"), git)
}

#[tokio::test]
async fn an_app_clones_with_the_token_of_its_installation() {
    let world = World::new();
    let (github, git) = github().await;
    world.write("key.pem", app_key());
    let uri = format!("{github}/org/repo.git");
    let elsewhere = Refs { org: "stranger".to_owned(), ..refs_to(&uri) };
    let mut options = options(&world, vec![refs_to(&uri), elsewhere]);
    options.refs[1].path_alias = "elsewhere".to_owned();
    options.github_app_id = "7".to_owned();
    options.github_app_private_key_file = world.text("key.pem");
    options.github_api_endpoints = vec![github.clone()];
    let records = cloned(&world, &options).await;
    let host = github.trim_start_matches("http://");
    let fetch = &records[1].commands[4].command;
    let shown = format!("git fetch http://x-access-token:CENSORED@{host}/org/repo.git");
    assert!(fetch.contains(&shown), "{fetch}");
    assert!(!serde_json::to_string(&records).unwrap().contains("ghs_installation"));
    let pair = "x-access-token:ghs_installation";
    let pair = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair);
    let git = git.lock().unwrap().clone();
    assert!(!git.is_empty() && git.iter().all(|shown| shown.ends_with(&pair)), "{git:?}");
    let error = &records[2].commands[0].error;
    assert_eq!(error, "the GitHub App has no installation that covers stranger");
}

#[tokio::test]
async fn an_app_that_gets_no_token_fails_the_record() {
    let world = World::new();
    let (uri, _) = repository(&world, "origin", &[]);
    world.write("key.pem", app_key());
    let mut options = options(&world, vec![refs_to(&uri)]);
    options.github_app_id = "7".to_owned();
    options.github_app_private_key_file = world.text("key.pem");
    options.github_api_endpoints = vec!["http://127.0.0.1:1".to_owned()];
    let records = cloned(&world, &options).await;
    assert!(records[1].failed);
    let command = &records[1].commands[0];
    assert_eq!(command.command, "clonerefs: get a GitHub App token for org");
    assert!(command.error.contains("http://127.0.0.1:1 could not be asked"), "{command:?}");
    world.write("key.pem", "no key");
    let records = cloned(&world, &options).await;
    assert!(records.len() == 1 && records[0].failed);
    assert!(records[0].commands[0].error.contains("no RSA key"));
}

#[tokio::test]
async fn a_cookie_file_is_set_for_this_run_alone() {
    let world = World::new();
    let (uri, _) = repository(&world, "origin", &[]);
    let mut options = options(&world, vec![refs_to(&uri)]);
    options.cookie_path = world.text("cookies");
    let before = Command::new("git").args(["config", "--global", "http.cookiefile"]).output();
    let records = cloned(&world, &options).await;
    let cookies = world.text("cookies");
    assert_eq!(
        records[0].commands[0].command,
        format!("git config --global http.cookiefile \"{cookies}\"")
    );
    assert!(!records[1].failed);
    let after = Command::new("git").args(["config", "--global", "http.cookiefile"]).output();
    assert_eq!(before.unwrap().stdout, after.unwrap().stdout);
}

#[tokio::test]
async fn what_cannot_be_prepared_fails_the_first_record() {
    let world = World::new();
    let mut options = options(&world, vec![refs_to("/x")]);
    options.oauth_token_file = world.text("missing");
    let records = cloned(&world, &options).await;
    assert!(records.len() == 1 && records[0].failed);
    assert!(records[0].to_text().contains("missing cannot be read"), "{}", records[0].to_text());
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
async fn ssh_keys_are_given_to_an_agent_that_ends_with_the_program() {
    let world = World::new();
    std::fs::create_dir_all(world.path("keys/..data")).unwrap();
    world.write("keys/..data/not-a-key", "x");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", &world.text("keys/id")])
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: this machine has no ssh-keygen");
        return;
    }
    std::fs::remove_file(world.path("keys/id.pub")).unwrap();
    let (uri, _) = repository(&world, "origin", &[]);
    let mut options = options(&world, vec![refs_to(&uri)]);
    options.key_files = vec![world.text("keys")];
    let records = cloned(&world, &options).await;
    let setup = records[0].to_text();
    assert!(!records[0].failed && setup.contains("Identity added"), "{setup}");
    assert_eq!(records[0].commands.len(), 2);
    let shown = &records[1].commands[1].command;
    assert!(shown.contains(" SSH_AUTH_SOCK=") && shown.contains(" SSH_AGENT_PID="), "{shown}");
    let pid = shown.split("SSH_AGENT_PID=").nth(1).unwrap().split(' ').next().unwrap();
    let stat = format!("/proc/{pid}/stat");
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn contradicting_options_are_refused() {
    let world = World::new();
    let refusal = |change: fn(&mut ClonerefsOptions)| {
        let mut options = options(&world, vec![refs_to("/x")]);
        change(&mut options);
        check(&options).unwrap_err().to_string()
    };
    assert!(refusal(|o| o.refs.clear()).contains("no refs"));
    assert!(refusal(|o| o.log.clear()).contains("no log"));
    assert!(refusal(|o| o.src_root.clear()).contains("no source root"));
    assert!(refusal(|o| o.refs.push(refs_to("/y"))).contains("which clone ref 0"));
    assert!(refusal(|o| o.github_app_id = "1".to_owned()).contains("endpoints"));
    let both: fn(&mut ClonerefsOptions) = |o| {
        o.github_app_id = "1".to_owned();
        o.oauth_token_file = "t".to_owned();
    };
    assert!(refusal(both).contains("multiple authentication"));
    let mut alias = options(&world, vec![refs_to("/x")]);
    let other = Refs {
        repo: "b".to_owned(),
        path_alias: "github.com/org/repo".to_owned(),
        ..refs_to("/y")
    };
    alias.refs.push(other);
    check(&alias).unwrap();
}

#[test]
fn refs_are_read_from_what_a_person_writes() {
    let refs = parse_refs("gerrit,infra=main:abc,34:def:refs/changes/00/1/2,78").unwrap();
    assert_eq!((refs.org.as_str(), refs.repo.as_str()), ("gerrit", "infra"));
    assert_eq!(refs.to_string(), "main:abc,34:def:refs/changes/00/1/2,78:");
    for bad in ["main", "o=main", "o,r=", "o,r=a:b:c", "o,r=main,x", "o,r=main,1:a:b:c"] {
        assert!(parse_refs(bad).is_err(), "{bad}");
    }
    let words =
        ["--repo=o,r=main", "--clone-alias={{.Org}}.io/{{.Repo}}", "--src-root=/s", "--log=l"];
    let options = load_options(words.iter().map(|w| (*w).to_owned()).collect()).unwrap();
    assert_eq!(options.refs[0].path_alias, "o.io/r");
    assert_eq!(options.git_user_name, "ci-robot");
}
