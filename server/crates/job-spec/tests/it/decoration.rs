use job_spec::{DecorationConfig, GcsConfiguration, ProwJobDefaults, SlackReporterConfig};
use serde_json::{Value, json};

fn config(value: Value) -> DecorationConfig {
    serde_json::from_value(value).expect("a decoration config")
}

fn merged(own: Value, default: Value) -> Value {
    let merged = config(own).apply_default(&config(default));
    serde_json::to_value(merged).expect("JSON")
}

/// Every key with a value, and with another one.
fn every_key() -> Vec<(&'static str, Value, Value)> {
    let secret = |name: &str| json!({"name": name, "key": "k"});
    vec![
        ("timeout", json!("1h0m0s"), json!("2h0m0s")),
        ("grace_period", json!("1s"), json!("2s")),
        ("gcs_credentials_secret", json!("a"), json!("b")),
        ("s3_credentials_secret", json!("a"), json!("b")),
        ("default_service_account_name", json!("a"), json!("b")),
        ("ssh_key_secrets", json!(["a"]), json!(["b", "c"])),
        ("ssh_host_fingerprints", json!(["a"]), json!(["b", "c"])),
        ("blobless_fetch", json!(false), json!(true)),
        ("sparse_checkout_files", json!(["a"]), json!(["b", "c"])),
        ("skip_cloning", json!(false), json!(true)),
        ("cookiefile_secret", json!("a"), json!("b")),
        ("oauth_token_secret", secret("a"), secret("b")),
        ("github_api_endpoints", json!(["a"]), json!(["b", "c"])),
        ("github_app_id", json!("1"), json!("2")),
        ("github_app_private_key_secret", secret("a"), secret("b")),
        ("censor_secrets", json!(false), json!(true)),
        ("upload_ignores_interrupts", json!(false), json!(true)),
        ("set_limit_equals_memory_request", json!(false), json!(true)),
        ("default_memory_request", json!("1Gi"), json!("2Gi")),
        ("pod_pending_timeout", json!("1s"), json!("2s")),
        ("pod_running_timeout", json!("1s"), json!("2s")),
        ("pod_unscheduled_timeout", json!("1s"), json!("2s")),
        ("run_as_user", json!(0), json!(1)),
        ("run_as_group", json!(0), json!(1)),
        ("fs_group", json!(0), json!(1)),
    ]
}

#[test]
fn own_values_stay_and_missing_ones_are_filled() {
    for (key, own, default) in every_key() {
        let with = |value: &Value| json!({ key: value });
        assert_eq!(merged(with(&own), with(&default)), with(&own), "{key}");
        assert_eq!(merged(json!({}), with(&default)), with(&default), "{key}");
        assert_eq!(merged(with(&own), json!({})), with(&own), "{key}");
    }
}

#[test]
fn every_key_is_covered_by_the_tables_here() {
    let mut covered: Vec<&str> = every_key().into_iter().map(|(key, ..)| key).collect();
    covered.extend([
        "utility_images",
        "resources",
        "gcs_configuration",
        "censoring_options",
        "scheduling_options",
    ]);
    covered.sort_unstable();
    let mut keys = DecorationConfig::KEYS.to_vec();
    keys.sort_unstable();
    assert_eq!(covered, keys);
}

#[test]
fn an_empty_secret_is_a_choice_and_an_empty_list_is_none() {
    let default = json!({"gcs_credentials_secret": "default", "ssh_key_secrets": ["default"]});
    assert_eq!(
        merged(json!({"gcs_credentials_secret": "", "ssh_key_secrets": []}), default),
        json!({"gcs_credentials_secret": "", "ssh_key_secrets": ["default"]})
    );
}

#[test]
fn groups_are_merged_field_by_field() {
    let cases = [
        (
            "utility_images",
            json!({"clonerefs": "a"}),
            json!({"clonerefs": "b", "sidecar": "c"}),
            json!({"clonerefs": "a", "sidecar": "c"}),
        ),
        // Each utility's resources are one value.
        (
            "resources",
            json!({"clonerefs": {"limits": {"cpu": "1"}}}),
            json!({"clonerefs": {"requests": {"cpu": "2"}}, "sidecar": {"limits": {"cpu": "3"}}}),
            json!({"clonerefs": {"limits": {"cpu": "1"}}, "sidecar": {"limits": {"cpu": "3"}}}),
        ),
        (
            "censoring_options",
            json!({"censoring_concurrency": 1, "include_directories": ["a"]}),
            json!({"censoring_buffer_size": 2, "include_directories": ["b"],
                "exclude_directories": ["c"], "minimum_secret_length": 3}),
            json!({"censoring_concurrency": 1, "censoring_buffer_size": 2,
                "include_directories": ["a"], "exclude_directories": ["c"],
                "minimum_secret_length": 3}),
        ),
        (
            "scheduling_options",
            json!({"tolerations": [{"key": "a"}]}),
            json!({"tolerations": [{"key": "b"}], "affinity": {"nodeAffinity": {}}}),
            json!({"tolerations": [{"key": "a"}], "affinity": {"nodeAffinity": {}}}),
        ),
        (
            "gcs_configuration",
            json!({"bucket": "a", "path_strategy": "single", "compress_file_types": ["txt"]}),
            json!({"bucket": "b", "path_prefix": "p", "path_strategy": "legacy", "default_org": "o",
                "default_repo": "r", "job_url_prefix": "u", "local_output_dir": "l",
                "compress_file_types": ["log"]}),
            json!({"bucket": "a", "path_prefix": "p", "path_strategy": "single", "default_org": "o",
                "default_repo": "r", "job_url_prefix": "u", "local_output_dir": "l",
                "compress_file_types": ["txt"]}),
        ),
    ];
    for (key, own, default, expected) in cases {
        let with = |value: &Value| json!({ key: value });
        assert_eq!(merged(with(&own), with(&default)), with(&expected), "{key}");
        assert_eq!(merged(json!({}), with(&default)), with(&default), "{key}");
    }
}

#[test]
fn of_two_media_types_for_an_extension_the_default_wins() {
    let own = json!({"gcs_configuration": {"mediaTypes": {"log": "mine", "a": "b"}}});
    let default = json!({"gcs_configuration": {"mediaTypes": {"log": "theirs", "c": "d"}}});
    assert_eq!(
        merged(own, default)["gcs_configuration"]["mediaTypes"],
        json!({"log": "theirs", "a": "b", "c": "d"})
    );
}

#[test]
fn what_decoration_cannot_do_without_is_named() {
    let images = json!({"clonerefs": "a", "initupload": "b", "entrypoint": "c", "sidecar": "d"});
    let gcs = json!({"bucket": "b", "path_strategy": "explicit"});
    let cases = [
        (json!({"utility_images": images, "gcs_configuration": gcs}), None),
        (json!({"gcs_configuration": gcs}), Some("utility image config is not specified")),
        (
            json!({"utility_images": {"clonerefs": "a", "sidecar": "d"}, "gcs_configuration": gcs}),
            Some("not specified: [\"initupload\", \"entrypoint\"]"),
        ),
        (json!({"utility_images": images}), Some("GCS upload configuration is not specified")),
        (
            json!({"utility_images": images, "gcs_configuration": {"path_strategy": "x"}}),
            Some("gcs_path_strategy must be one of"),
        ),
        (
            json!({"utility_images": images, "gcs_configuration": gcs,
                "oauth_token_secret": {"name": "a"}, "ssh_key_secrets": ["b"]}),
            Some("both OAuth token and SSH key secrets are specified"),
        ),
    ];
    for (value, expected) in cases {
        match (config(value.clone()).validate(), expected) {
            (Ok(()), None) => {}
            (Err(error), Some(text)) => assert!(error.to_string().contains(text), "{error}"),
            (result, _) => panic!("{value}: {result:?}"),
        }
    }
}

#[test]
fn a_place_to_upload_to_is_checked() {
    let cases = [
        (json!({"bucket": "b", "path_strategy": "explicit"}), true),
        (json!({"bucket": "s3://b", "path_strategy": "explicit"}), true),
        (json!({"bucket": "b", "path_strategy": "single"}), false),
        (
            json!({"bucket": "b", "path_strategy": "single", "default_org": "o",
                "default_repo": "r"}),
            true,
        ),
        (json!({"bucket": "b", "path_strategy": "legacy", "default_org": "o"}), false),
        (json!({"bucket": "b"}), false),
        (json!({"bucket": "a b", "path_strategy": "explicit"}), false),
        (
            json!({"bucket": "b", "path_strategy": "explicit",
                "mediaTypes": {"log": "text/plain; charset=utf-8"}}),
            true,
        ),
        (
            json!({"bucket": "b", "path_strategy": "explicit", "mediaTypes": {"log": "text/"}}),
            false,
        ),
    ];
    for (value, valid) in cases {
        let config: GcsConfiguration = serde_json::from_value(value.clone()).expect("a config");
        assert_eq!(config.validate().is_ok(), valid, "{value}");
    }
}

#[test]
fn slack_settings_and_job_defaults_are_filled_the_same_way() {
    let slack = |value: Value| serde_json::from_value::<SlackReporterConfig>(value).expect("slack");
    let full = slack(json!({"host": "h", "channel": "c", "job_states_to_report": ["error"],
        "report_template": "t", "report": true}));
    assert_eq!(SlackReporterConfig::default().apply_default(&full), full);
    let own = slack(json!({"channel": "mine", "job_states_to_report": [], "report": false}));
    let merged = own.apply_default(&full);
    assert_eq!(merged.channel, "mine");
    assert_eq!(merged.host, "h");
    assert_eq!(merged.report, Some(false));
    assert_eq!(merged.job_states_to_report, Some(Vec::new()), "an empty list is a choice");

    let defaults = |value: Value| serde_json::from_value::<ProwJobDefaults>(value).expect("them");
    let own = defaults(json!({"tenant_id": "mine"}));
    let default = defaults(json!({"tenant_id": "t", "resultstore_config": {"project_id": "p"}}));
    assert_eq!(
        own.apply_default(&default),
        defaults(json!({"tenant_id": "mine", "resultstore_config": {"project_id": "p"}}))
    );
}

#[test]
fn durations_are_read_as_text_or_nanoseconds_and_written_as_text() {
    let value = json!({"timeout": 7_200_000_000_000_i64, "grace_period": "90s",
        "pod_running_timeout": "48h"});
    assert_eq!(
        serde_json::to_value(config(value)).expect("JSON"),
        json!({"timeout": "2h0m0s", "grace_period": "1m30s", "pod_running_timeout": "48h0m0s"})
    );
}
