//! What runs that are hidden left in a bucket that others share: by no path does anybody reach it.

use std::io::Cursor;

use app::model::{encode, segment};
use serde_json::json;
use server::components::coverage_reader::sync_once;
use store::RunRow;
use tests::world::{START, STORED, Setup, World, prow_job};

/// Each line of the hidden runs' files has these words.
const SECRET: &str = "sealed-words";

const PROW: &str = "\
deck:
  hidden_repos: [dark/side]
  spyglass:
    lenses:
    - {required_files: [build-log.txt], lens: {name: buildlog}}
    - {required_files: ['^artifacts/junit.*\\.xml$'], lens: {name: junit}}
    - {required_files: ['\\.html$'], lens: {name: html}}
    - {required_files: ['\\.html$'], lens: {name: far}, remote_config: {endpoint: 'http://127.0.0.1:1/', title: Far, priority: 1}}
";

/// `shared` is hidden in one repository and shown in another.
const JOBS: &str = "\
periodics:
- {name: secret, interval: 1h, hidden: true, spec: {containers: [{image: i}]}}
postsubmits:
  org/closed:
  - {name: shared, hidden: true, spec: {containers: [{image: i}]}}
  org/open:
  - {name: shared, spec: {containers: [{image: i}]}}
";

/// A hidden run: its folder in the bucket, and its id where an index has it.
struct Hidden {
    folder: &'static str,
    id: &'static str,
}

/// Hidden by the configuration of its job and by its repository, both known to the bucket alone; by
/// its ProwJob, and by a repository that it only looks at, in the cluster; likewise in the history; and by
/// its ProwJob, by its job in one of two repositories, and by a repository that it only looks at, again
/// known to the bucket alone.
const HIDDEN: [Hidden; 9] = [
    Hidden { folder: "logs/secret/1", id: "" },
    Hidden { folder: "pr-logs/pull/dark_side/7/unit/2", id: "" },
    Hidden { folder: "logs/was-hidden/3", id: "was-hidden-3" },
    Hidden { folder: "logs/looks-at/4", id: "looks-at-4" },
    Hidden { folder: "logs/old-hidden/5", id: "old-hidden-5" },
    Hidden { folder: "logs/old-of/6", id: "old-of-6" },
    Hidden { folder: "logs/sealed/9", id: "" },
    Hidden { folder: "logs/shared/10", id: "" },
    Hidden { folder: "logs/glances/11", id: "" },
];

fn write(world: &World, folder: &str, words: &str) {
    let folder = world.data_dir().join("buckets/artifacts").join(folder);
    std::fs::create_dir_all(folder.join("artifacts")).expect("a folder");
    let junit = format!("<testsuite><testcase name='{words}'/></testsuite>");
    let started = json!({"timestamp": START.seconds() - 100, "repo-commit": words}).to_string();
    let finished = json!({"timestamp": START.seconds() - 40, "result": "FAILURE"}).to_string();
    let profile = format!("mode: set\n{words}/a.go:1.1,2.2 1 1\n");
    for (name, content) in [
        ("build-log.txt", words),
        ("started.json", &started),
        ("finished.json", &finished),
        ("a.html", words),
        ("artifacts/junit_01.xml", &junit),
        ("artifacts/cover.out", &profile),
    ] {
        std::fs::write(folder.join(name), content).expect("a file");
    }
}

async fn world(show_hidden: bool) -> World {
    let setup = Setup::default().prow(PROW).jobs(JOBS);
    let world = setup.settings(|settings| settings.show_hidden = show_hidden).start().await;
    for hidden in &HIDDEN {
        write(&world, hidden.folder, SECRET);
    }
    let document = |folder: &str, name: &str, content: serde_json::Value| {
        let folder = world.data_dir().join("buckets/artifacts").join(folder);
        std::fs::write(folder.join(name), content.to_string()).expect("a file");
    };
    let sealed =
        json!({"metadata": {"name": "sealed-9"}, "spec": {"job": "sealed", "hidden": true}});
    document("logs/sealed/9", "prowjob.json", sealed);
    let started =
        |repos: serde_json::Value| json!({"timestamp": START.seconds() - 100, "repos": repos});
    document("logs/shared/10", "started.json", started(json!({"org/closed": "main:a1"})));
    let both = json!({"org/open": "main:a1", "dark/side": "main:b1"});
    document("logs/glances/11", "started.json", started(both));
    write(&world, "logs/shared/8", "open words");
    document("logs/shared/8", "started.json", started(json!({"org/open": "main:a1"})));
    write(&world, "logs/sealed/8", "open words");
    write(&world, "logs/was-hidden/8", "open words");
    write(&world, "logs/old-hidden/8", "open words");
    let mut by_its_job = prow_job("was-hidden-3", "was-hidden", "failure");
    by_its_job["spec"]["hidden"] = json!(true);
    by_its_job["status"]["build_id"] = json!("3");
    let mut by_what_it_looks_at = prow_job("looks-at-4", "looks-at", "failure");
    by_what_it_looks_at["spec"]["extra_refs"] = json!([
        {"org": "org", "repo": "open", "base_ref": "main"},
        {"org": "dark", "repo": "side", "base_ref": "main"},
    ]);
    by_what_it_looks_at["status"]["build_id"] = json!("4");
    for job in [&mut by_its_job, &mut by_what_it_looks_at] {
        job["spec"]["decoration_config"] = json!({
            "gcs_configuration": {"bucket": STORED, "path_strategy": "explicit"},
        });
    }
    world.put([by_its_job, by_what_it_looks_at]).await;
    let row = |id: &str, job: &str, build: &str| RunRow {
        id: id.to_owned(),
        job: job.to_owned(),
        job_type: "periodic".to_owned(),
        state: "failure".to_owned(),
        build_id: build.to_owned(),
        start: Some(START),
        completion: Some(START),
        run_dir: format!("{STORED}/logs/{job}/{build}"),
        ..RunRow::default()
    };
    let by_its_job = RunRow { hidden: true, ..row("old-hidden-5", "old-hidden", "5") };
    let of_a_repo = RunRow {
        job_type: "postsubmit".to_owned(),
        org: "dark".to_owned(),
        repo: "side".to_owned(),
        refs: json!({"refs": {"org": "dark", "repo": "side", "base_ref": "main"}}),
        ..row("old-of-6", "old-of", "6")
    };
    let runs = world.process.web.store.as_ref().expect("a store").runs();
    runs.upsert(vec![by_its_job, of_a_repo]).await.expect("rows");
    sync_once(&world.process.deps.coverage_reader).await.expect("a pass");
    world
}

/// Addresses by which what the run left can be reached, with what each answers where hidden runs are
/// shown.
fn addresses(hidden: &Hidden) -> Vec<(String, u16)> {
    let Hidden { folder, id } = hidden;
    let (above, build) = folder.rsplit_once('/').expect("a build");
    let job = above.rsplit('/').next().expect("a job");
    let mut all: Vec<(String, u16)> = Vec::new();
    let mut add = |path: String| all.push((path, 200));
    for tab in ["", "?tab=tests", "?tab=log", "?tab=artifacts", "?tab=metadata", "?tab=lens-html"] {
        add(format!("/view/file/artifacts/{folder}{tab}"));
    }
    for path in ["", "?zip", "build-log.txt", "build-log.txt?preview", "a.html?frame"] {
        add(format!("/file/artifacts/{folder}/{path}"));
    }
    add(format!("/file/artifacts/{folder}/artifacts/"));
    add(format!("/file/artifacts/{folder}/artifacts/?zip"));
    add(format!("/file/artifacts/{folder}/artifacts/junit_01.xml?download"));
    // Where nobody knows a ProwJob the folder is the run's name.
    let stored = format!("{STORED}/{folder}");
    for name in [stored.as_str(), id].into_iter().filter(|name| !name.is_empty()) {
        let name = segment(name);
        for path in
            ["log", "log?line=0&count=5", "log/search?q=words", "log/folds", "tests", "pins"]
        {
            add(format!("/api/v1/runs/{name}/{path}"));
        }
        add(format!("/api/v1/runs/{name}/artifacts/build-log.txt"));
        add(format!("/run/{name}"));
    }
    if !id.is_empty() {
        add(format!("/view/prowjob/{job}/{build}"));
    }
    let source = json!({"src": format!("file/artifacts/{folder}"), "index": 3}).to_string();
    // The server of that lens is away.
    all.push((format!("/spyglass/lens/far/iframe?req={}", encode(&source)), 502));
    all
}

#[tokio::test]
async fn what_a_hidden_run_left_is_reached_by_no_path() {
    for show_hidden in [false, true] {
        let world = world(show_hidden).await;
        for hidden in &HIDDEN {
            for (path, shown) in addresses(hidden) {
                let answer = world.get(&path).await;
                let wanted = if show_hidden { shown } else { 404 };
                assert_eq!(answer.status, wanted, "{path}: {}", answer.text());
                assert!(show_hidden || !answer.text().contains(SECRET), "{path}");
            }
            if !show_hidden {
                let name = segment(&format!("{STORED}/{}", hidden.folder));
                for path in [
                    format!("/api/v1/runs/{name}/log/stream"),
                    format!("/compare?new={name}"),
                    format!("/api/v1/runs/compare?new={name}"),
                    format!("/api/v1/runs/compare?new={0}&old={0}", hidden.id),
                ] {
                    let answer = world.get(&path).await;
                    assert!([400, 404].contains(&answer.status), "{path}: {}", answer.status);
                    assert!(!answer.text().contains(SECRET), "{path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_hidden_run_is_named_in_no_folder_history_comparison_or_coverage() {
    let world = world(false).await;
    for hidden in &HIDDEN {
        let (above, build) = hidden.folder.rsplit_once('/').expect("a build");
        let job = above.rsplit('/').next().expect("a job");
        let link = format!("artifacts/{}", hidden.folder);
        for path in [
            format!("/file/artifacts/{above}/"),
            format!("/job-history/file/artifacts/{above}"),
            format!("/api/v1/job-history/file/artifacts/{above}"),
            format!("/job-history-chart/file/artifacts/{above}?of=durations"),
            "/pr-history/?org=dark&repo=side&pr=7".to_owned(),
            "/api/v1/pr-history?org=dark&repo=side&pr=7".to_owned(),
            format!("/coverage/{job}"),
            format!("/api/v1/coverage/{job}"),
            "/api/v1/coverage".to_owned(),
            format!("/log?job={job}&id={build}"),
            "/?job=*".to_owned(),
            "/prowjobs.js".to_owned(),
            format!("/badge.svg?jobs={job}"),
        ] {
            let answer = world.get(&path).await;
            assert!([200, 404].contains(&answer.status), "{path}: {}", answer.text());
            let text = answer.text();
            assert!(!text.contains(SECRET), "{path}: {text}");
            assert!(!text.contains(&link), "{path} leads to it: {text}");
            assert!(hidden.id.is_empty() || !text.contains(hidden.id), "{path}: {text}");
        }
    }
    // One zip of a folder above has what may be shown of it.
    for path in ["/file/artifacts/logs/?zip", "/file/artifacts/logs/was-hidden/?zip"] {
        let answer = world.get(path).await.expect(200);
        let zip = zip::ZipArchive::new(Cursor::new(answer.body.to_vec())).expect("a zip");
        let names: Vec<String> =
            zip.file_names().map(|name| name.expect("a name").into_owned()).collect();
        assert!(names.iter().all(|name| name.contains("8/")), "{path}: {names:?}");
        assert!(names.iter().any(|name| name.ends_with("8/build-log.txt")), "{path}: {names:?}");
    }
    for path in ["/file/artifacts/logs/secret/?zip", "/file/artifacts/pr-logs/?zip"] {
        world.get(path).await.expect(404);
    }
}

#[tokio::test]
async fn a_run_is_shown_whose_job_is_hidden_in_another_repository_only() {
    let world = world(false).await;
    for path in [
        "/view/file/artifacts/logs/shared/8",
        "/file/artifacts/logs/shared/8/",
        "/file/artifacts/logs/shared/8/build-log.txt",
        "/file/artifacts/logs/shared/8/?zip",
    ] {
        world.get(path).await.expect(200);
    }
    let history =
        world.get("/api/v1/job-history/file/artifacts/logs/shared").await.expect(200).json();
    let builds: Vec<&str> = history["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["run"]["build_id"].as_str().expect("a build"))
        .collect();
    assert_eq!(builds, ["8"]);
    // A folder of that job that says nothing of itself belongs to whoever hides it.
    let folder = world.data_dir().join("buckets/artifacts/logs/shared/12");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("build-log.txt"), SECRET).expect("a file");
    world.get("/file/artifacts/logs/shared/12/build-log.txt").await.expect(404);
}

#[tokio::test]
async fn gubernators_addresses_lead_to_nothing_that_is_hidden() {
    let world = world(false).await;
    for path in [
        "/build/artifacts/logs/secret/1",
        "/build/artifacts/pr-logs/pull/dark_side/7/unit/2",
        "/builds/artifacts/logs/secret",
        "/jobs/artifacts/logs/secret",
        "/pr/dark/side/7",
    ] {
        let moved = world.get(path).await.expect(307);
        let answer = world.get(moved.header("location")).await.expect(404);
        assert!(!answer.text().contains(SECRET), "{path}");
    }
}
