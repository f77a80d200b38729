//! The live configuration and what keeps it up to date.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use clock::{Clock, SettableClock};
use config_load::reload::{FIRST_RETRY, LONGEST_RETRY, POLL_PERIOD};
use config_load::{Loader, Reloader, Tick, run_reloader, start};
use go_compat::{GoDuration, Timestamp};

use crate::support::{Files, SETTINGS, now};

fn job(name: &str) -> String {
    format!("periodics:\n- name: {name}\n  interval: 1h\n  spec: {{containers: [{{image: x}}]}}\n")
}

fn names(reloader: &Reloader) -> Vec<String> {
    reloader.live().get().jobs.periodics.iter().map(|job| job.base.name.clone()).collect()
}

/// A reloader whose first look at unchanged files is over.
fn reloader(files: &Files) -> Reloader {
    let (_, mut reloader) =
        start(files.options(), now()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(reloader.tick(now()), Tick::Unchanged);
    reloader
}

fn later(seconds: i64) -> Timestamp {
    now().saturating_add(GoDuration::from_secs(seconds))
}

#[test]
fn nested_edits_new_files_and_removed_files_show() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a/deep/x.yaml", job("x"));
    let mut reloader = reloader(&files);
    files.write("jobs/a/deep/x.yaml", job("changed"));
    assert_eq!(reloader.tick(later(1)), Tick::Replaced);
    assert_eq!(names(&reloader), ["changed"]);
    files.write("jobs/b.yaml", job("new"));
    assert_eq!(reloader.tick(later(2)), Tick::Replaced);
    assert_eq!(names(&reloader), ["changed", "new"]);
    files.remove("jobs/a/deep/x.yaml");
    assert_eq!(reloader.tick(later(3)), Tick::Replaced);
    assert_eq!(names(&reloader), ["new"]);
    files.write("jobs/.prowignore", "b.yaml\n");
    assert_eq!(reloader.tick(later(4)), Tick::Replaced);
    assert_eq!(names(&reloader), Vec::<String>::new());
    assert_eq!(reloader.tick(later(5)), Tick::Unchanged);
    assert_eq!(reloader.tick(later(6)), Tick::Unchanged);
    let status = reloader.live().status();
    assert_eq!((status.reloads, status.failures, status.loaded_at), (4, 0, later(4)));
}

#[test]
fn an_exchange_of_symlinks_shows() {
    let files = Files::new(SETTINGS);
    files.write("jobs/..2026_1/a.yaml", job("old"));
    files.write("jobs/..2026_2/a.yaml", job("new"));
    symlink("..2026_1", files.path("jobs/..data")).expect("a symlink");
    symlink("..data/a.yaml", files.path("jobs/a.yaml")).expect("a symlink");
    let mut reloader = reloader(&files);
    assert_eq!(names(&reloader), ["old"]);
    symlink("..2026_2", files.path("jobs/..data_tmp")).expect("a symlink");
    fs::rename(files.path("jobs/..data_tmp"), files.path("jobs/..data")).expect("an exchange");
    assert_eq!(reloader.tick(later(1)), Tick::Replaced);
    assert_eq!(names(&reloader), ["new"]);
}

#[test]
fn a_change_that_leaves_no_stamp_is_found_a_tick_later() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a.yaml", job("a"));
    let mut loader = Loader::new(files.options());
    let first = loader.load(now()).expect("a configuration");
    // Unchanged stamps are believed, unless told to read again.
    assert!(Arc::ptr_eq(
        &first.config.jobs.periodics[0],
        &loader.load_rereading(now(), true).expect("a configuration").config.jobs.periodics[0]
    ));
    let mut reloader = reloader(&files);
    files.write("jobs/a.yaml", job("b"));
    assert_eq!(reloader.tick(later(1)), Tick::Replaced);
    // The tick after a change reads everything again, so nothing can slip in between.
    files.write("jobs/a.yaml", job("c"));
    assert_eq!(reloader.tick(later(2)), Tick::Replaced);
    assert_eq!(names(&reloader), ["c"]);
}

#[test]
fn a_bad_configuration_never_replaces_a_good_one() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a.yaml", job("good"));
    let mut reloader = reloader(&files);
    let before = reloader.live().snapshot();
    for bad in ["periodics: [", "periodics:\n- name: a b\n", "\u{0}"] {
        files.write("jobs/a.yaml", bad);
        assert_eq!(reloader.tick(later(1)), Tick::Failed, "{bad:?}");
        assert!(Arc::ptr_eq(&reloader.live().snapshot(), &before));
        let status = reloader.live().status();
        let error = status.last_error.expect("an error");
        assert!(error.0.iter().all(|found| found.file.is_some() && found.line > 0), "{error}");
        assert_eq!(status.failed_at, Some(later(1)));
    }
    assert_eq!(reloader.live().status().failures, 3);
    files.write("jobs/a.yaml", job("mended"));
    assert_eq!(reloader.tick(later(2)), Tick::Replaced);
    assert_eq!(names(&reloader), ["mended"]);
    let status = reloader.live().status();
    assert_eq!((status.failures, status.last_error, status.failed_at), (0, None, None));
}

#[test]
fn a_file_that_comes_back_as_it_was_ends_the_failure() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a.yaml", job("good"));
    let mut reloader = reloader(&files);
    files.write("jobs/a.yaml", "periodics: [");
    assert_eq!(reloader.tick(later(1)), Tick::Failed);
    files.write("jobs/a.yaml", job("good"));
    assert_eq!(reloader.tick(later(2)), Tick::Unchanged);
    let status = reloader.live().status();
    assert_eq!((status.failures, status.last_error, status.reloads), (0, None, 0));
}

#[test]
fn a_failed_load_is_tried_again_with_growing_pauses() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a.yaml", job("good"));
    let mut reloader = reloader(&files);
    files.write("jobs/a.yaml", "periodics: [");
    let mut at = now();
    assert_eq!(reloader.tick(at), Tick::Failed);
    // The tick after the change looks once more, which also fails.
    assert_eq!(reloader.tick(at), Tick::Failed);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let failures = reloader.live().status().failures;
        let mut waited = 0;
        while reloader.live().status().failures == failures {
            waited += 1;
            at = at.saturating_add(GoDuration::from_secs(1));
            reloader.tick(at);
        }
        pauses.push(waited);
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(FIRST_RETRY, GoDuration::from_secs(1));
    assert_eq!(LONGEST_RETRY, GoDuration::from_secs(60));
}

#[test]
fn plugins_and_settings_are_replaced_each_by_itself() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a.yaml", job("a"));
    files.write("plugins.yaml", "plugins: {org: {plugins: [trigger]}}\n");
    let mut reloader = reloader(&files);
    let live = reloader.live().clone();
    files.write("jobs/a.yaml", job("b"));
    files.write(
        "plugins.yaml",
        "plugins: {org: {plugins: [trigger]}, org/repo: {plugins: [trigger]}}\n",
    );
    assert_eq!(reloader.tick(later(1)), Tick::Failed);
    assert_eq!(names(&reloader), ["b"]);
    assert_eq!(live.plugins().plugins_for("org", "repo"), ["trigger"]);
    assert_eq!(live.status().failures, 1);
    files.write("plugins.yaml", "plugins: {org: {plugins: [lgtm]}}\n");
    assert_eq!(reloader.tick(later(2)), Tick::Replaced);
    assert_eq!(live.plugins().plugins_for("org", "repo"), ["lgtm"]);
    assert_eq!(live.status().failures, 0);
}

#[test]
fn subscribers_are_told_and_what_they_hold_stays() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a.yaml", job("a"));
    let mut reloader = reloader(&files);
    let live = reloader.live().clone();
    let mut changes = live.subscribe();
    assert!(!changes.has_changed().expect("a sender"));
    let held = live.get();
    files.write("jobs/a.yaml", job("b"));
    reloader.tick(later(1));
    assert!(changes.has_changed().expect("a sender"));
    let snapshot = changes.borrow_and_update().clone();
    assert_eq!(snapshot.generation, 2);
    assert_eq!(snapshot.config.jobs.periodics[0].base.name, "b");
    assert_eq!(held.jobs.periodics[0].base.name, "a");
}

#[test]
fn jobs_of_unchanged_files_stay_the_very_same() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a.yaml", job("a"));
    files.write("jobs/b.yaml", job("b"));
    let mut loader = Loader::new(files.options());
    let first = loader.load(now()).expect("a configuration").config;
    files.write("jobs/b.yaml", job("c"));
    let second = loader.load(now()).expect("a configuration").config;
    assert!(Arc::ptr_eq(&first.jobs.periodics[0], &second.jobs.periodics[0]));
    assert_eq!(second.jobs.periodics[1].base.name, "c");
    // Settings and presets reach into every job, so a change of these makes all jobs anew.
    files.write("jobs/p.yaml", "presets:\n- env: [{name: A, value: b}]\n");
    let third = loader.load(now()).expect("a configuration").config;
    for job in &third.jobs.periodics {
        assert_eq!(
            job.base.spec.as_ref().expect("a spec").containers()[0].env_value("A"),
            Some("b")
        );
    }
    files.write("config.yaml", SETTINGS.replace("test-pods", "pods"));
    let fourth = loader.load(now()).expect("a configuration").config;
    assert_eq!(fourth.jobs.periodics[0].base.namespace.as_deref(), Some("pods"));
    assert_eq!(fourth.jobs, loader_from_scratch(&files).jobs);
}

fn loader_from_scratch(files: &Files) -> Arc<config_load::Config> {
    files.load().expect("a configuration").config
}

#[test]
fn an_error_does_not_spoil_what_was_kept() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a.yaml", job("a"));
    files.write("jobs/b.yaml", job("b"));
    let mut loader = Loader::new(files.options());
    loader.load(now()).expect("a configuration");
    files.write("jobs/b.yaml", job("a"));
    let errors = loader.load(now()).expect_err("a duplicate").to_string();
    assert!(errors.contains("duplicated periodic job: a"), "{errors}");
    files.write("config.yaml", "log_level: loud\n");
    loader.load(now()).expect_err("a bad level");
    files.write("config.yaml", SETTINGS);
    files.write("jobs/b.yaml", job("b"));
    let loaded = loader.load(now()).expect("a configuration");
    assert_eq!(loaded.config.jobs, loader_from_scratch(&files).jobs);
}

#[test]
fn a_first_configuration_that_is_bad_is_refused_with_all_its_errors() {
    let files = Files::new("log_level: loud\n");
    files.write("plugins.yaml", "size: {s: 2, m: 1}\n");
    let errors = start(files.options(), now()).expect_err("nothing to start with");
    assert_eq!(errors.0.len(), 2, "{errors}");
}

#[tokio::test]
async fn the_loop_ticks_with_the_clock_and_ends_when_told() {
    let files = Files::new(SETTINGS);
    files.write("jobs/a.yaml", job("a"));
    let clock = Arc::new(SettableClock::new(now()));
    let (live, reloader) = start(files.options(), clock.now()).expect("a configuration");
    let mut changes = live.subscribe();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(run_reloader(reloader, clock.clone(), async {
        let _ = stopped.await;
    }));
    files.write("jobs/a.yaml", job("b"));
    while clock.sleepers() == 0 {
        tokio::task::yield_now().await;
    }
    clock.advance(POLL_PERIOD);
    changes.changed().await.expect("a change");
    assert_eq!(live.get().jobs.periodics[0].base.name, "b");
    stop.send(()).expect("a listener");
    running.await.expect("an end");
}
