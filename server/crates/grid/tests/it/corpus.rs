//! The configuration of the Kubernetes project's grid, where it is at hand.

use std::path::{Path, PathBuf};

use config_load::{LoadOptions, load};
use go_compat::Timestamp;
use grid::config::jobs::{Descriptions, jobs_of};
use grid::config::lookup::TabIndex;
use grid::config::{Assembly, Inputs, assemble, to_yaml};
use grid::proto::config::Configuration;
use grid::proto::wire;
use prost::Message;

use crate::support::{digest, shared, walk};

fn assembled(root: &Path) -> Assembly {
    let now = Timestamp::parse_rfc3339("2026-11-21T00:00:00Z").expect("a time");
    let options = LoadOptions::new(root.join("prow/config.yaml")).with_jobs(root.join("jobs"));
    let loaded = load(&options, now).unwrap_or_else(|errors| panic!("{errors}"));
    let mut files = Vec::new();
    walk(&root.join("testgrids"), &mut files);
    let default = root.join("testgrids/default.yaml");
    let defaults = files.iter().find(|file| *file.path == *default).expect("default values");
    let jobs = jobs_of(&loaded.config);
    let descriptions = Descriptions {
        update: true,
        job_config_path: root.join("jobs").display().to_string(),
        url_prefix: "https://git.k8s.io/test-infra/config/jobs/".to_owned(),
    };
    assemble(&Inputs {
        files: &files,
        defaults: defaults.defaults(),
        jobs: &jobs,
        descriptions: Some(&descriptions),
        ..Inputs::default()
    })
}

#[test]
fn every_group_dashboard_and_tab_is_there() {
    let Some(root) = shared("BOWSPRIT_CORPUS", "corpus/kubernetes") else { return };
    let assembly = assembled(&root);
    let errors: Vec<_> = assembly.diagnostics.iter().filter(|found| found.is_error()).collect();
    assert!(errors.is_empty(), "{} errors, such as {}", errors.len(), errors[0]);
    let configuration = &assembly.configuration;
    let tabs: usize = configuration.dashboards.iter().map(|d| d.dashboard_tab.len()).sum();
    assert_eq!(
        (configuration.test_groups.len(), configuration.dashboards.len(), tabs),
        (5_815, 456, 8_260)
    );
    let index = TabIndex::new(configuration);
    let (dashboard, tab) = index.tab_of_group("ci-kubernetes-unit").expect("a tab");
    assert!(configuration.dashboards.iter().any(|d| {
        d.name == dashboard
            && d.dashboard_tab
                .iter()
                .any(|t| t.name == tab && t.test_group_name == "ci-kubernetes-unit")
    }));
    let whole = configuration.clone();
    assert!(assembly.into_usable() == whole, "nothing must be left out of a good configuration");
}

/// Digests of what configurator writes of the corpus' files with --update-description and
/// --prowjob-url-prefix=https://git.k8s.io/test-infra/config/jobs/: the message, and YAML. They belong
/// to the state of the corpus that has the counts above.
const MESSAGE: &str = "0e1506b7e6202b5cdfd5b3041a597e9b8ae6eb9197fce4d8f2f2703194821ec0";
const YAML: &str = "ebb9f0a4f396247d859d99bb16f26e783e7c0fc01a099075ca8a8f68fbe8aed5";

#[test]
fn it_equals_what_configurator_writes() {
    let Some(root) = shared("BOWSPRIT_CORPUS", "corpus/kubernetes") else { return };
    let ours = assembled(&root).configuration;
    // Written by configurator again, to see where a message differs.
    let path = std::env::var_os("BOWSPRIT_CONFIGURATOR_OUTPUT").map(PathBuf::from);
    if let Some(path) = &path {
        let bytes = std::fs::read(path).expect("configurator's output");
        let theirs: Configuration = wire::decode("configuration", &bytes).expect("a configuration");
        for (our, their) in ours.test_groups.iter().zip(&theirs.test_groups) {
            assert_eq!(our, their);
        }
        for (our, their) in ours.dashboards.iter().zip(&theirs.dashboards) {
            for (our, their) in our.dashboard_tab.iter().zip(&their.dashboard_tab) {
                assert_eq!(our, their);
            }
            assert_eq!(our, their);
        }
        assert_eq!(ours.dashboard_groups, theirs.dashboard_groups);
        assert!(ours == theirs);
        assert_eq!(digest(&bytes), MESSAGE, "the digest is not that of configurator's output");
    }
    let bytes = ours.encode_to_vec();
    assert_eq!(digest(&bytes), MESSAGE);
    assert!(ours.encoded().flatten().eq(bytes), "pieces are not the whole");
    assert_eq!(digest(to_yaml(&ours).as_bytes()), YAML);
}
