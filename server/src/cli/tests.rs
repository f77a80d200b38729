//! The command line as a whole, against that of Prow's programs.

use clap::CommandFactory;

use super::Cli;

/// The flags of Prow's programs with their defaults, as their `-h` prints them.
const PROW: [(&str, &[(&str, &str)]); 4] = [
    (
        "checkconfig",
        &[
            ("cache-dir-base", ""),
            ("config-path", ""),
            ("exclude-warning", ""),
            ("expensive-checks", ""),
            ("gcs-credentials-file", ""),
            ("git-signing-key-path", ""),
            ("github-allowed-burst", "100"),
            ("github-app-id", ""),
            ("github-app-private-key-path", ""),
            ("github-client.backoff-timeout", "2m0s"),
            ("github-client.initial-delay", "2s"),
            ("github-client.max-404-retries", "2"),
            ("github-client.max-retries", "8"),
            ("github-client.request-timeout", "2m0s"),
            ("github-endpoint", "https://api.github.com"),
            ("github-graphql-endpoint", "https://api.github.com/graphql"),
            ("github-host", "github.com"),
            ("github-hourly-tokens", "3000"),
            ("github-throttle-org", ""),
            ("github-token-path", ""),
            ("in-repo-config-cache-size", "200"),
            ("include-default-warnings", ""),
            ("job-config-path", ""),
            ("kubeconfig", ""),
            ("moonraker-address", ""),
            ("plugin-config", ""),
            ("prow-yaml-path", ""),
            ("prow-yaml-repo-name", ""),
            ("required-job-annotations", ""),
            ("s3-credentials-file", ""),
            ("strict", ""),
            ("supplemental-plugin-config-dir", ""),
            ("supplemental-plugin-configs-filename-suffix", "_pluginconfig.yaml"),
            ("supplemental-prow-config-dir", ""),
            ("supplemental-prow-configs-filename", "_prowconfig.yaml"),
            ("supplemental-prow-configs-filename-suffix", "_prowconfig.yaml"),
            ("warnings", ""),
        ],
    ),
    (
        "mkpj",
        &[
            ("base-ref", ""),
            ("base-sha", ""),
            ("cache-dir-base", ""),
            ("config-path", ""),
            ("fail-with-job", ""),
            ("git-signing-key-path", ""),
            ("trigger-job", ""),
            ("github-allowed-burst", ""),
            ("github-app-id", ""),
            ("github-app-private-key-path", ""),
            ("github-client.backoff-timeout", "2m0s"),
            ("github-client.initial-delay", "2s"),
            ("github-client.max-404-retries", "2"),
            ("github-client.max-retries", "8"),
            ("github-client.request-timeout", "2m0s"),
            ("github-endpoint", "https://api.github.com"),
            ("github-graphql-endpoint", "https://api.github.com/graphql"),
            ("github-host", "github.com"),
            ("github-hourly-tokens", ""),
            ("github-throttle-org", ""),
            ("github-token-path", ""),
            ("in-repo-config-cache-size", "200"),
            ("job", ""),
            ("job-config-path", ""),
            ("kubeconfig", ""),
            ("kubeconfig-dir", ""),
            ("kubeconfig-suffix", ""),
            ("moonraker-address", ""),
            ("no-in-cluster-config", ""),
            ("projected-token-file", ""),
            ("pull-author", ""),
            ("pull-head-ref", ""),
            ("pull-number", ""),
            ("pull-sha", ""),
            ("supplemental-prow-config-dir", ""),
            ("supplemental-prow-configs-filename", "_prowconfig.yaml"),
            ("supplemental-prow-configs-filename-suffix", "_prowconfig.yaml"),
        ],
    ),
    ("mkpod", &[("build-id", ""), ("local", ""), ("out-dir", ""), ("prow-job", "")]),
    (
        "phony",
        &[
            ("address", "http://localhost:8888/hook"),
            ("event", "ping"),
            ("hmac", "abcde12345"),
            ("payload", ""),
        ],
    ),
];

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_flag_of_prows_programs_is_taken_with_its_default() {
    let cli = Cli::command();
    for (name, flags) in PROW {
        let command = cli.find_subcommand(name).unwrap();
        for (flag, default) in flags {
            let taken = command.get_arguments().find(|arg| {
                arg.get_long() == Some(flag)
                    || arg.get_all_aliases().is_some_and(|all| all.contains(flag))
            });
            let taken = taken.unwrap_or_else(|| panic!("{name} does not take --{flag}"));
            let ours: Vec<_> =
                taken.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
            // Go prints no default that is empty, false or 0.
            let ours = match &ours[..] {
                [one] if !["", "false", "0"].contains(&&**one) => one.as_ref(),
                _ => "",
            };
            assert_eq!(ours, *default, "{name} --{flag}");
        }
    }
}

#[test]
fn every_flag_says_what_it_does() {
    let cli = Cli::command();
    for command in cli.get_subcommands() {
        for arg in command.get_arguments() {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty(), "{} {}", command.get_name(), arg.get_id());
        }
    }
}

#[test]
fn a_flag_that_does_nothing_here_says_so() {
    let cli = Cli::command();
    let mkpj = cli.find_subcommand("mkpj").unwrap();
    for flag in [
        "cache-dir-base",
        "git-signing-key-path",
        "github-graphql-endpoint",
        "in-repo-config-cache-size",
        "kubeconfig",
        "kubeconfig-dir",
        "kubeconfig-suffix",
        "moonraker-address",
        "no-in-cluster-config",
        "projected-token-file",
    ] {
        let arg = mkpj.get_arguments().find(|arg| arg.get_long() == Some(flag)).unwrap();
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("without effect"), "--{flag}: {help}");
    }
}
