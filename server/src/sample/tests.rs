use std::collections::BTreeSet;
use std::process::Command;

use config_load::LoadOptions;
use go_compat::Timestamp;
use store::StoreOptions;

use super::*;

/// The moment of these tests; the sample's own dates do not matter to them.
const NOW: Timestamp = Timestamp::from_seconds(1_795_219_200);

const ADDR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9000);

fn load(layout: &Layout) -> config_load::Loaded {
    let options = LoadOptions {
        job_config_path: Some(layout.jobs.clone()),
        plugin_config_path: Some(layout.plugins.clone()),
        ..LoadOptions::new(&layout.config)
    };
    config_load::load_plugins(&options).unwrap();
    config_load::load(&options, NOW).unwrap()
}

#[tokio::test]
async fn the_sample_is_a_sound_configuration_of_exactly_the_jobs_in_its_history() {
    let data = tempfile::tempdir().unwrap();
    let layout = unpack(data.path(), ADDR).await.unwrap();
    let loaded = load(&layout);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let pages = &loaded.config.prow.plank.job_url_prefix_config["*"];
    assert_eq!(pages, "http://localhost:9000/view/", "links lead to where the sample is served");
    let rows = rows(&layout.bucket).unwrap();
    assert_eq!(rows.len(), 271);
    let jobs = &loaded.config.jobs;
    let configured: BTreeSet<&str> = (jobs.periodics.iter().map(|job| job.base.name.as_str()))
        .chain(jobs.presubmits.values().flatten().map(|job| job.base.name.as_str()))
        .chain(jobs.postsubmits.values().flatten().map(|job| job.base.name.as_str()))
        .collect();
    let seen: BTreeSet<&str> = rows.iter().map(|row| row.job.as_str()).collect();
    assert_eq!(seen.len(), 15);
    let live: Vec<&&str> = configured.difference(&seen).collect();
    assert_eq!(live, [&"pull-hello-unit", &"sample-live-flaky", &"sample-live-heartbeat"]);
    assert!(seen.is_subset(&configured));
    for row in &rows {
        let folder = layout.bucket.join(row.run_dir.strip_prefix("gs://sample-ci/").unwrap());
        for file in ["started.json", "finished.json", "build-log.txt"] {
            assert!(folder.join(file).is_file(), "{} has no {file}", folder.display());
        }
        assert!(row.completion.is_some() && !row.build_id.is_empty());
    }
    // The jobs of the history never start by themselves.
    for job in jobs.periodics.iter().filter(|job| seen.contains(job.base.name.as_str())) {
        let schedule = go_compat::cron::Schedule::parse(&job.cron).unwrap();
        assert_eq!(schedule.next_after(NOW), None, "{}", job.base.name);
    }
}

#[tokio::test]
async fn unpacking_again_keeps_what_runs_have_added() {
    let data = tempfile::tempdir().unwrap();
    let layout = unpack(data.path(), ADDR).await.unwrap();
    assert!(layout.fresh);
    let store = Store::open(StoreOptions::files(data.path())).await.unwrap();
    // Interrupted before the database had the runs, it begins again.
    let layout = unpack(data.path(), ADDR).await.unwrap();
    assert!(layout.fresh);
    assert_eq!(index(&layout, &store).await.unwrap(), 271);
    assert_eq!(store.runs().count().await.unwrap(), 271);
    assert!(!unpack(data.path(), ADDR).await.unwrap().fresh);

    let latest = layout.bucket.join("logs/ci-testify-unit/latest-build.txt");
    std::fs::write(&latest, "9000000000000000000").unwrap();
    std::fs::remove_file(&layout.marker).unwrap();
    let layout = unpack(data.path(), ADDR).await.unwrap();
    assert_eq!(index(&layout, &store).await.unwrap(), 271);
    assert_eq!(store.runs().count().await.unwrap(), 271);
    assert_eq!(std::fs::read_to_string(&latest).unwrap(), "9000000000000000000");
}

#[tokio::test]
async fn the_sample_repository_has_a_branch_to_clone_from() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(data.path().join("sample/git/hello.new/.git")).unwrap();
    let layout = unpack(data.path(), ADDR).await.unwrap();
    let head = GitCommand::new().dir(&layout.hello).args(["rev-list", "--count", "main"]).run();
    assert_eq!(head.await.unwrap().text(), "4");
    assert!(!data.path().join("sample/git/hello.new").exists());
}

#[test]
fn a_rerun_of_the_history_says_what_is_missing() {
    let bucket = tempfile::tempdir().unwrap();
    unpack_history(bucket.path()).unwrap();
    let run = bucket.path().join("logs/ci-clock-race/1189908028191674368/prowjob.json");
    let job: ProwJob = serde_json::from_slice(&std::fs::read(run).unwrap()).unwrap();
    let spec = job.spec.pod_spec.as_ref().unwrap();
    let script = spec.containers()[0].args[0].clone();
    assert!(script.contains("go get -t github.com/benbjohnson/clock/...@v1.0.0"));
    assert_eq!(job.spec.decoration_config.as_ref().unwrap().skip_cloning, Some(true));
    let output =
        Command::new("/bin/bash").args(["-c", &script]).env("PATH", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("there is no `go`") && said.contains("press Rerun"), "{said}");
}
