//! Texts in a bucket that name the folder of a run, as those of `pr-logs/directory` do. Whoever may
//! write into a bucket may write any text there.

use serde_json::json;
use tests::world::{START, STORED, Setup, World};

const SECRET: &str = "sealed-words";
const LINKS: &str = "pr-logs/directory/unit";
const REAL: &str = "pr-logs/pull/org_repo/7/unit/1";

fn write(world: &World, path: &str, content: impl AsRef<[u8]>) {
    let file = world.data_dir().join("buckets").join(path);
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    std::fs::write(file, content).expect("a file");
}

fn run(world: &World, folder: &str, words: &str) {
    let started = json!({"timestamp": START.seconds() - 100}).to_string();
    let finished = json!({"timestamp": START.seconds() - 40, "result": "FAILURE"}).to_string();
    write(world, &format!("{folder}/started.json"), started);
    write(world, &format!("{folder}/finished.json"), finished);
    write(world, &format!("{folder}/build-log.txt"), words);
}

fn link(world: &World, name: &str, text: impl AsRef<[u8]>) {
    write(world, &format!("artifacts/{LINKS}/{name}.txt"), text);
}

async fn world() -> World {
    let prow = "\
deck:
  hidden_repos: [dark/side]
  skip_storage_path_validation: false
  additional_allowed_buckets: [artifacts]
  spyglass: {bucket_aliases: {old-name: artifacts}}
";
    let jobs = "\
periodics:
- {name: secret, interval: 1h, hidden: true, spec: {containers: [{image: i}]}}
";
    let world = Setup::default().prow(prow).jobs(jobs).start().await;
    run(&world, &format!("artifacts/{REAL}"), "open words\n");
    run(&world, "artifacts/logs/secret/1", SECRET);
    run(&world, "artifacts/pr-logs/pull/dark_side/7/unit/2", SECRET);
    run(&world, "elsewhere/logs/unit/3", SECRET);
    // Each names the one before it, the first the folder.
    link(&world, "1", format!("{STORED}/{REAL}/\n"));
    for nth in 2..=10 {
        link(&world, &nth.to_string(), format!("{STORED}/{LINKS}/{}", nth - 1));
    }
    world
}

#[tokio::test]
async fn links_are_followed_three_times_and_no_further() {
    let world = world().await;
    for nth in 1..=10 {
        let path = format!("/view/file/artifacts/{LINKS}/{nth}?tab=log");
        let answer = world.get(&path).await;
        if nth <= 3 {
            assert!(answer.expect(200).text().contains("open words"), "{nth}");
        } else {
            let text = answer.expect(400).text();
            assert!(text.contains("more than 3 others"), "{nth}: {text}");
        }
    }
}

#[tokio::test]
async fn a_link_that_leads_back_or_names_no_folder_is_told() {
    let world = world().await;
    link(&world, "self", format!("{STORED}/{LINKS}/self"));
    link(&world, "there", format!("{STORED}/{LINKS}/back"));
    link(&world, "back", format!("{STORED}/{LINKS}/there"));
    link(&world, "long", vec![b'a'; 1 << 20]);
    link(&world, "empty", "");
    link(&world, "bytes", [0xff, 0xfe, 0]);
    link(&world, "web", "https://evil.example/logs/unit/1");
    link(&world, "user", "gs://user:word@artifacts/logs/secret/1");
    link(&world, "lines", format!("{STORED}/logs/secret/1\r\nLocation: https://evil.example/"));
    link(&world, "up", format!("{STORED}/../artifacts/logs/secret/1"));
    link(&world, "coded", format!("{STORED}/%2e%2e/logs/secret/1%0d%0aX: y"));
    link(&world, "bucket", STORED);
    for (name, status, words) in [
        ("self", 400, "lead back"),
        ("there", 400, "lead back"),
        ("long", 400, "too long"),
        ("empty", 400, "something else"),
        ("bytes", 400, "something else"),
        ("web", 400, "something else"),
        ("user", 400, "something else"),
        ("lines", 400, "something else"),
        ("up", 400, "something else"),
        ("coded", 404, "no run"),
        ("bucket", 400, "something else"),
    ] {
        for path in [
            format!("/view/file/artifacts/{LINKS}/{name}"),
            format!("/run/file:%2F%2Fartifacts%2F{}%2F{name}", LINKS.replace('/', "%2F")),
        ] {
            let answer = world.get(&path).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
            let text = answer.text();
            assert!(text.contains(words) && !text.contains(SECRET), "{path}: {text}");
            assert!(answer.header("location").is_empty(), "{path}");
        }
    }
}

#[tokio::test]
async fn a_link_leads_to_nothing_that_its_reader_could_not_ask_for() {
    let world = world().await;
    for (nth, target) in [
        (21, format!("{STORED}/logs/secret/1")),
        (22, format!("{STORED}/pr-logs/pull/dark_side/7/unit/2")),
        (23, "file://elsewhere/logs/unit/3".to_owned()),
        // By way of another link.
        (24, format!("{STORED}/{LINKS}/21")),
        (25, format!("{STORED}/{LINKS}/23")),
        (26, "file://old-name/logs/secret/1".to_owned()),
    ] {
        link(&world, &nth.to_string(), target);
        let id = format!("file:%2F%2Fartifacts%2F{}%2F{nth}", LINKS.replace('/', "%2F"));
        for path in [
            format!("/view/file/artifacts/{LINKS}/{nth}"),
            format!("/view/file/old-name/{LINKS}/{nth}?tab=log"),
            format!("/api/v1/runs/{id}/log"),
            format!("/api/v1/runs/{id}/artifacts/build-log.txt"),
        ] {
            let answer = world.get(&path).await.expect(404);
            assert!(!answer.text().contains(SECRET), "{path}");
        }
    }
    // Nor does the history that lists the links tell of where they lead.
    let history = world.get(&format!("/job-history/file/artifacts/{LINKS}")).await.expect(200);
    let history = history.text();
    for hidden in ["logs/secret", "dark_side", "elsewhere"] {
        assert!(!history.contains(hidden), "{hidden}: {history}");
    }
    assert!(history.contains(&format!("/view/file/artifacts/{REAL}")), "{history}");
}
