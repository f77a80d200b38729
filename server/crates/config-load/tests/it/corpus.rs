//! The configuration that the Kubernetes project's CI runs with, where it is at hand.

use std::path::{Path, PathBuf};

use config_load::{LoadOptions, load, load_plugins, yaml};

use crate::support::{now, shared};

fn corpus() -> Option<PathBuf> {
    shared("BOWSPRIT_CORPUS", "corpus/kubernetes")
}

fn options(root: &Path) -> LoadOptions {
    LoadOptions::new(root.join("prow/config.yaml"))
        .with_jobs(root.join("jobs"))
        .with_plugins(root.join("prow/plugins.yaml"))
}

#[test]
fn it_loads_with_every_job() {
    let Some(root) = corpus() else { return };
    let loaded = load(&options(&root), now()).unwrap_or_else(|errors| panic!("{errors}"));
    let jobs = &loaded.config.jobs;
    assert_eq!(jobs.all_presubmits().count(), 2_261);
    assert_eq!(jobs.periodics.len(), 1_335);
    assert_eq!(jobs.all_postsubmits().count(), 253);
    assert_eq!(jobs.len(), 3_849);
    let strange: Vec<_> = loaded.warnings.iter().filter(|w| w.rule != "key-case").collect();
    assert!(strange.is_empty(), "{strange:?}");
    let decorated = jobs.periodics.iter().filter(|job| job.base.utility.decorate == Some(true));
    assert!(decorated.clone().count() > 1_000);
    for job in decorated {
        let config = job.base.utility.decoration_config.as_ref().expect("a decoration config");
        assert!(config.validate().is_ok(), "{}", job.base.name);
    }
}

#[test]
fn its_plugins_load() {
    let Some(root) = corpus() else { return };
    let loaded = load_plugins(&options(&root)).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert!(loaded.plugins.is_enabled("trigger", "kubernetes", "kubernetes"));
    assert!(loaded.plugins.is_enabled("approve", "kubernetes", "test-infra"));
    assert!(!loaded.plugins.triggers_for("kubernetes", "kubernetes").join_org_url.is_empty());
}

#[test]
fn both_yaml_readers_agree_on_every_file() {
    let Some(root) = corpus() else { return };
    let mut files = Vec::new();
    collect(&root, &mut files);
    let mut quick = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a text");
        let node = yaml::read(&text).unwrap_or_else(|err| panic!("{}: {err}", file.display()));
        let full = yaml::read_with_full_parser(&text).expect("YAML");
        assert!(node == full, "{} is read in two ways", file.display());
        quick += usize::from(yaml::is_plain_block_style(&text));
    }
    assert!(files.len() > 700, "{} files", files.len());
    assert!(quick * 100 > files.len() * 95, "only {quick} of {} are read quickly", files.len());
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
}
