//! `bowsprit checkconfig`: says what is wrong with a configuration, with file and line, and what is
//! odd about it. Flags, warnings and exit codes are those of Prow's checkconfig: 0 if the
//! configuration can be used, 1 if not, or if there are warnings under `--strict`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use blob::{BlobConfig, BlobUri, Blobs};
use clock::{Clock as _, SystemClock};
use config_load::checks::{self, CheckInput, WarningSet};
use config_load::{Config, Diagnostic, LoadErrors, PluginConfig, prow_yaml, unknown};
use forge::ErrorClass;

use super::prompt::note;
use crate::options::{ConfigOptions, GithubOptions, KubeOptions};
use crate::plugins::registry;

/// The most bytes that a file with the states of the build clusters may have.
const MAX_STATUS_FILE_BYTES: u64 = 16 << 20;

/// Says which files of a repository are none of its jobs'.
const PROW_IGNORE: &str = ".prowignore";

/// The command's flags.
#[derive(clap::Args, Clone, Debug)]
#[command(
    mut_arg("github_hourly_tokens", |arg| arg.default_value("3000")),
    mut_arg("github_allowed_burst", |arg| arg.default_value("100")),
)]
pub struct Args {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    github: GithubOptions,
    #[command(flatten)]
    kube: KubeOptions,
    /// Look for this warning only (repeatable).
    #[arg(long, value_name = "WARNING")]
    pub warnings: Vec<String>,
    /// Do not look for this warning (repeatable).
    #[arg(long, value_name = "WARNING")]
    pub exclude_warning: Vec<String>,
    /// Look for the default warnings as well, although --warnings names some.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub include_default_warnings: bool,
    /// Look for warnings that need many answers of the code host as well.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub expensive_checks: bool,
    /// Fail if there are warnings.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub strict: bool,
    /// An annotation that every job must have (repeatable).
    #[arg(long, value_name = "NAME")]
    pub required_job_annotations: Vec<String>,
    /// The repository whose .prow.yaml or .prow folder is checked as well.
    #[arg(long, value_name = "ORG/REPO")]
    pub prow_yaml_repo_name: Option<String>,
    /// Where that .prow.yaml is; without it, the current folder is looked at.
    #[arg(long, value_name = "FILE")]
    pub prow_yaml_path: Option<PathBuf>,
    /// A Google service account for a build cluster status file in a `gs://` bucket.
    #[arg(long, value_name = "FILE")]
    pub gcs_credentials_file: Option<PathBuf>,
    /// Prow's JSON file with keys and endpoint for one in an `s3://` bucket.
    #[arg(long, value_name = "FILE")]
    pub s3_credentials_file: Option<PathBuf>,
}

/// Checks, and prints what was found to standard error.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let report = check(&args).await?;
    let (text, passes) = report.conclude(args.strict);
    note(&text);
    // Freeing some hundred megabytes piece by piece only delays the end of the process.
    std::mem::forget(report);
    Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was found.
#[derive(Debug, Default)]
struct Report {
    /// Why the configuration cannot be used.
    errors: Vec<Diagnostic>,
    /// What was asked for with `--warnings`.
    warnings: Vec<Diagnostic>,
    /// What is odd besides; never a reason to fail.
    remarks: Vec<Diagnostic>,
    /// Kept so that nobody waits for it to be freed.
    loaded: Option<Loaded>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "held, not read: the process ends before it is freed")]
struct Loaded {
    config: config_load::Loaded,
    plugins: Option<config_load::LoadedPlugins>,
}

impl Report {
    /// The findings, a line each, then the conclusion; and whether the check passes.
    fn conclude(&self, strict: bool) -> (String, bool) {
        let mut text = String::new();
        for diagnostic in self.remarks.iter().chain(&self.warnings).chain(&self.errors) {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{}: {diagnostic}", diagnostic.severity);
        }
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let passes = self.errors.is_empty() && (!strict || self.warnings.is_empty());
        text.push_str(&if !self.errors.is_empty() {
            format!("Validation failed: {}", count(self.errors.len(), "error"))
        } else if !passes {
            let warnings = count(self.warnings.len(), "warning");
            format!("Strict is set and there were warnings: {warnings}")
        } else if !self.warnings.is_empty() {
            format!("checkconfig passes with {}", count(self.warnings.len(), "warning"))
        } else {
            "checkconfig passes without any error!".to_owned()
        });
        (text, passes)
    }
}

async fn check(args: &Args) -> anyhow::Result<Report> {
    let set = WarningSet::from_flags(
        &args.warnings,
        &args.exclude_warning,
        args.include_default_warnings,
        args.expensive_checks,
    )
    .context("invalid options")?;
    if args.prow_yaml_path.is_some() && args.prow_yaml_repo_name.is_none() {
        anyhow::bail!("--prow-yaml-path requires --prow-yaml-repo-name to be set");
    }
    let mut options = args.config.load_options()?;
    options.known_plugins = Some(registry::prow_names());

    let mut report = Report::default();
    let config = report.keep(config_load::load(&options, SystemClock.now()));
    let plugins = match options.plugin_config_path {
        Some(_) => report.keep(config_load::load_plugins(&options)),
        None => None,
    };
    let Some(config) = config.filter(|_| report.errors.is_empty()) else {
        return Ok(report);
    };
    if let Some(repo) = &args.prow_yaml_repo_name {
        let all_unknown = set.contains(checks::UNKNOWN_FIELDS_ALL);
        report.in_repo_jobs(&config.config, args.prow_yaml_path.as_deref(), repo, all_unknown)?;
    }

    let load_warnings: Vec<_> = config
        .warnings
        .iter()
        .chain(plugins.iter().flat_map(|plugins| &plugins.warnings))
        .cloned()
        .collect();
    let statuses = match set.contains(checks::VALIDATE_CLUSTER_FIELD) {
        true => cluster_statuses(args, &config.config).await?,
        false => None,
    };
    let input = CheckInput {
        config: &config.config,
        plugins: plugins.as_ref().map(|loaded| &*loaded.plugins),
        load_warnings: &load_warnings,
        options: &options,
        required_job_annotations: &args.required_job_annotations,
        cluster_statuses: statuses.as_ref(),
    };
    report.warnings.extend(checks::run(&input, &set));
    if let (Some(plugins), true) = (input.plugins, set.contains(checks::VERIFY_OWNERS_PRESENCE)) {
        report.warnings.extend(missing_owners(&args.github, plugins).await?);
    }
    if set.contains(checks::VALIDATE_GITHUB_APP_INSTALLATION) {
        anyhow::bail!(
            "where the GitHub App is installed cannot be asked yet: leave the check out with \
             --exclude-warning={}",
            checks::VALIDATE_GITHUB_APP_INSTALLATION
        );
    }
    report.remarks = load_warnings.into_iter().filter(|w| w.rule != unknown::RULE).collect();
    report.loaded = Some(Loaded { config, plugins });
    Ok(report)
}

impl Report {
    /// What was loaded, or its errors as findings.
    fn keep<T>(&mut self, loaded: Result<T, LoadErrors>) -> Option<T> {
        match loaded {
            Ok(loaded) => Some(loaded),
            Err(LoadErrors(found)) => {
                for diagnostic in found {
                    let kind =
                        if diagnostic.is_error() { &mut self.errors } else { &mut self.remarks };
                    kind.push(diagnostic);
                }
                None
            }
        }
    }

    /// Checks the jobs that stand in a repository, together with the central ones.
    fn in_repo_jobs(
        &mut self,
        config: &Config,
        file: Option<&Path>,
        repo: &str,
        all_unknown: bool,
    ) -> anyhow::Result<()> {
        // As with Prow, a file that is named only says in which folder to look.
        let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
        let files = in_repo_files(folder)?;
        let in_folder = |mut diagnostic: Diagnostic| {
            diagnostic.file = diagnostic.file.map(|file| folder.join(file).into());
            diagnostic
        };
        let parsed = prow_yaml::parse(&files, config, repo)
            .map_err(|LoadErrors(found)| LoadErrors(found.into_iter().map(in_folder).collect()));
        let Some(jobs) = self.keep(parsed) else {
            return Ok(());
        };
        for warning in jobs.warnings.into_iter().map(in_folder) {
            // Unknown keys are no warning here but, if asked for at all, an error.
            match warning.rule == unknown::RULE {
                true if all_unknown => self.errors.push(warning),
                true => {}
                false => self.remarks.push(warning),
            }
        }
        for job in &jobs.presubmits {
            if !config.prow.gerrit.is_allowed_presubmit_trigger(&job.rerun_command) {
                self.errors.push(Diagnostic::error(
                    checks::RERUN_COMMAND,
                    checks::jobs::rerun_command_problem(&job.rerun_command, &job.base.name, config),
                ));
            }
        }
        Ok(())
    }
}

/// The files of a repository's working copy that hold jobs or say which to leave out.
fn in_repo_files(root: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(".prow")];
    let mut read = |path: PathBuf| -> anyhow::Result<()> {
        let full = root.join(&path);
        let bytes =
            std::fs::read(&full).with_context(|| format!("could not read {}", full.display()))?;
        files.push((path, bytes));
        Ok(())
    };
    for name in [".prow.yaml", PROW_IGNORE] {
        if root.join(name).is_file() {
            read(name.into())?;
        }
    }
    while let Some(folder) = folders.pop() {
        let full = root.join(&folder);
        if !full.is_dir() {
            continue;
        }
        let entries = std::fs::read_dir(&full)
            .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
            .with_context(|| format!("could not list {}", full.display()))?;
        for entry in entries {
            let path = folder.join(entry.file_name());
            let kind = entry
                .file_type()
                .with_context(|| format!("could not look at {}", path.display()))?;
            let is_yaml = path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml");
            if kind.is_dir() {
                folders.push(path);
            } else if is_yaml || entry.file_name() == PROW_IGNORE {
                read(path)?;
            }
        }
    }
    Ok(files)
}

/// The states of the build clusters from where plank writes them. None if no place is configured or
/// plank has not written there yet.
async fn cluster_statuses(
    args: &Args,
    config: &Config,
) -> anyhow::Result<Option<BTreeMap<String, String>>> {
    let place = &config.prow.plank.build_cluster_status_file;
    if place.is_empty() {
        return Ok(None);
    }
    let missing = || {
        note(&format!(
            "The build cluster status file {place} could not be found. This is expected when it was \
             only just configured, before plank writes it."
        ));
        Ok(None)
    };
    let bytes = if place.contains("://") {
        let blobs = Blobs::new(BlobConfig {
            gcs_credentials_file: args.gcs_credentials_file.clone(),
            gcs_anonymous: args.gcs_credentials_file.is_none(),
            s3_credentials_file: args.s3_credentials_file.clone(),
            ..BlobConfig::default()
        });
        let uri = BlobUri::parse(place).context("plank.build_cluster_status_file")?;
        match blobs.read(&uri, MAX_STATUS_FILE_BYTES).await {
            Ok(bytes) => bytes.to_vec(),
            Err(error) if error.is_not_found() => return missing(),
            Err(error) => {
                return Err(error).context("could not read the build cluster status file");
            }
        }
    } else {
        match tokio::fs::read(place).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return missing(),
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("could not read the build cluster status file {place}")
                });
            }
        }
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .with_context(|| format!("the build cluster status file {place} is not a map of states"))
}

/// Repositories where plugins read OWNERS files that are not there.
async fn missing_owners(
    github: &GithubOptions,
    plugins: &PluginConfig,
) -> anyhow::Result<Option<Diagnostic>> {
    if github.github_token_path.is_none() && github.github_app_id.is_none() {
        anyhow::bail!("cannot verify OWNERS file presence without a GitHub token");
    }
    let using = checks::plugins::repos_using_owners(plugins);
    if let Some(org) = using.orgs.keys().next() {
        anyhow::bail!(
            "plugins that read OWNERS files are enabled for all of {org}, and the repositories of an \
             organization cannot be listed yet: leave the check out with --exclude-warning={}",
            checks::VERIFY_OWNERS_PRESENCE
        );
    }
    let forge = github.forge(SystemClock::shared(), false)?;
    let mut missing = Vec::new();
    for full_name in &using.repos {
        let (org, repo) = full_name
            .split_once('/')
            .with_context(|| format!("bad repository '{full_name}', expected org/repo format"))?;
        match forge.get_file(org, repo, "OWNERS", "").await {
            Ok(_) => {}
            Err(error) if error.class() == ErrorClass::NotFound => missing.push(full_name.as_str()),
            Err(error) => return Err(error).context("could not look for OWNERS files"),
        }
    }
    Ok((!missing.is_empty()).then(|| {
        Diagnostic::warning(
            checks::VERIFY_OWNERS_PRESENCE,
            format!(
                "the following orgs or repos enable at least one plugin that uses OWNERS files, but \
                 the master branch does not contain a root level OWNERS file: [{}]",
                missing.join(" ")
            ),
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    /// A folder with the given files.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = dir.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        dir
    }

    /// What the command says about `config.yaml` in the folder; the folder's path is left out.
    async fn checked(dir: &Path, flags: &[&str]) -> (String, bool) {
        let config = format!("--config-path={}", dir.join("config.yaml").display());
        let line = ["checkconfig", config.as_str()].into_iter().chain(flags.iter().copied());
        let args = Line::try_parse_from(line).unwrap().args;
        let report = check(&args).await.unwrap();
        let (text, passes) = report.conclude(args.strict);
        (text.replace(&format!("{}/", dir.display()), ""), passes)
    }

    const GOOD: &str = "\
periodics:
- name: nightly
  interval: 24h
  decorate: true
  decoration_config:
    utility_images: {clonerefs: c, initupload: i, entrypoint: e, sidecar: s}
    gcs_configuration: {bucket: b, path_strategy: explicit}
  spec:
    containers:
    - image: golang
      command: [make]
";

    #[tokio::test]
    async fn a_good_configuration_passes() {
        let dir = folder(&[("config.yaml", GOOD)]);
        let (text, passes) = checked(dir.path(), &["--strict"]).await;
        assert_eq!((text.as_str(), passes), ("checkconfig passes without any error!", true));
    }

    #[tokio::test]
    async fn an_error_names_file_line_and_rule() {
        let bad = GOOD.replace("24h", "daily");
        let dir = folder(&[("config.yaml", &bad)]);
        let (text, passes) = checked(dir.path(), &[]).await;
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("error: config.yaml:3:"), "{text}");
        assert!(first.contains("daily") && first.ends_with(')'), "{text}");
        assert!(text.ends_with("Validation failed: 1 error"), "{text}");
        assert!(!passes);
    }

    #[tokio::test]
    async fn a_warning_fails_under_strict_only() {
        let odd = format!("{GOOD}  unknown_key: 1\nlog_levle: info\n");
        let dir = folder(&[("config.yaml", &odd)]);
        let (text, passes) = checked(dir.path(), &[]).await;
        assert!(passes, "{text}");
        assert!(text.starts_with("warning: config.yaml:"), "{text}");
        assert!(text.contains("log_levle"), "{text}");
        let (text, passes) = checked(dir.path(), &["--strict"]).await;
        assert!(!passes);
        assert!(text.contains("Strict is set and there were warnings"), "{text}");
        let (text, passes) =
            checked(dir.path(), &["--strict", "--exclude-warning=unknown-fields"]).await;
        assert!(passes, "{text}");
    }

    #[tokio::test]
    async fn only_the_warnings_that_are_named_are_looked_for() {
        let undecorated = GOOD.replace("decorate: true", "decorate: false");
        let dir = folder(&[("config.yaml", &undecorated)]);
        let flags = ["--strict", "--warnings=long-job-names"];
        let (text, passes) = checked(dir.path(), &flags).await;
        assert!(passes, "{text}");
        let flags =
            [&flags[..], &["--include-default-warnings", "--required-job-annotations=owner"]]
                .concat();
        let (text, passes) = checked(dir.path(), &flags).await;
        assert!(!passes);
        assert!(text.contains("(required-job-annotations)"), "{text}");
    }

    #[tokio::test]
    async fn plugins_are_checked_too() {
        let plugins = "plugins:\n  org/repo:\n    plugins: [trigger, lgmt]\n";
        let dir = folder(&[("config.yaml", GOOD), ("plugins.yaml", plugins)]);
        let flag = format!("--plugin-config={}", dir.path().join("plugins.yaml").display());
        let (text, passes) = checked(dir.path(), &[&flag]).await;
        assert!(!passes);
        assert!(text.starts_with("error: plugins.yaml:3:") && text.contains("lgmt"), "{text}");
    }

    #[tokio::test]
    async fn jobs_that_stand_in_a_repository_are_checked_with_the_central_ones() {
        let job = |name: &str, cluster: &str| {
            format!(
                "presubmits:\n- name: {name}\n  cluster: {cluster}\n  spec: {{containers: [{{image: a, command: [b]}}]}}\n"
            )
        };
        let config = format!("{GOOD}in_repo_config:\n  enabled: {{'*': true}}\n");
        let dir = folder(&[
            ("config.yaml", &config),
            ("repo/.prow/a.yaml", &job("a", "default")),
            ("repo/.prow/deep/b.yaml", &job("b", "secret")),
            ("repo/.prow/deep/ignored.yaml", "not: [valid"),
            ("repo/.prow/README.md", "text"),
            ("repo/.prowignore", "ignored.yaml\n"),
        ]);
        let file = format!("--prow-yaml-path={}", dir.path().join("repo/.prow.yaml").display());
        let flags = ["--prow-yaml-repo-name=org/repo", &file];
        let (text, passes) = checked(dir.path(), &flags).await;
        assert!(!passes);
        assert!(text.starts_with("error: repo/.prow/deep/b.yaml:3:"), "{text}");
        assert!(
            text.contains("cluster \"secret\" is not allowed for repository \"org/repo\""),
            "{text}"
        );
        std::fs::remove_file(dir.path().join("repo/.prow/deep/b.yaml")).unwrap();
        let (text, passes) = checked(dir.path(), &flags).await;
        assert!(passes, "{text}");
    }

    #[tokio::test]
    async fn clusters_are_compared_with_those_that_plank_knows() {
        let dir = folder(&[("status.json", r#"{"default": "Reachable"}"#)]);
        let status = dir.path().join("status.json");
        let config = format!("{GOOD}plank:\n  build_cluster_status_file: {}\n", status.display())
            .replace("interval: 24h", "interval: 24h\n  cluster: elsewhere");
        std::fs::write(dir.path().join("config.yaml"), config).unwrap();
        let (text, _) = checked(dir.path(), &[]).await;
        assert!(text.contains("specifies unknown 'cluster' value \"elsewhere\""), "{text}");
        std::fs::remove_file(&status).unwrap();
        let (text, _) = checked(dir.path(), &["--strict"]).await;
        assert_eq!(text, "checkconfig passes without any error!");
    }

    #[tokio::test]
    async fn flags_that_do_not_fit_are_refused() {
        let refused = async |flags: &[&str]| {
            let line = ["checkconfig"].into_iter().chain(flags.iter().copied());
            let args = Line::try_parse_from(line).unwrap().args;
            format!("{:#}", check(&args).await.unwrap_err())
        };
        assert_eq!(refused(&[]).await, "--config-path is mandatory");
        let error = refused(&["--config-path=x", "--warnings=nope"]).await;
        assert!(
            error.starts_with("invalid options: no such warning \"nope\", valid warnings: ["),
            "{error}"
        );
        let error = refused(&["--config-path=x", "--prow-yaml-path=.prow.yaml"]).await;
        assert_eq!(error, "--prow-yaml-path requires --prow-yaml-repo-name to be set");
    }
}
