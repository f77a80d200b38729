//! `bowsprit testgrid config`: YAML files and Prow jobs become the configuration of the grid.
//!
//! It takes configurator's flags and writes its output. One bad file, job or value does not stop
//! the rest: it is reported, and what does not depend on it is written. While it watches, a file
//! that does not read any more stays as it last was.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use blob::{BlobConfig, BlobUri, Blobs, WriteOptions};
use bytes::Bytes;
use clock::{Clock as _, SystemClock};
use config_load::{Diagnostic, LoadOptions};
use grid::config::jobs::{AnnotatedJob, Descriptions, KeptJob, jobs_of};
use grid::config::lint::{Policy, lint};
use grid::config::{ConfigFile, Inputs, assemble_contents, take_contents, to_text, to_yaml};
use grid::proto::config::Configuration;
use prost::Message as _;

use crate::cli::prompt::{note, print};
use crate::testgrid::files::{self, LastGood, Stamp, config_files};

/// How often the files are looked at while it watches, as configurator does.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The command's flags.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The YAML files, or folders of them, separated by commas.
    #[arg(long, value_name = "PATHS", value_delimiter = ',', required = true)]
    yaml: Vec<PathBuf>,
    /// The file with the default values; the first of --yaml if not given, unless YAML is written.
    #[arg(long, value_name = "FILE")]
    default: Option<PathBuf>,
    /// Prow's config.yaml, with --prow-job-config: jobs with annotations become groups and tabs.
    #[arg(long, value_name = "FILE", requires = "prow_job_config")]
    prow_config: Option<PathBuf>,
    /// Prow's job file, or the folder of them.
    #[arg(long, value_name = "PATH", requires = "prow_config")]
    prow_job_config: Option<PathBuf>,
    /// A further folder with parts of the Prow configuration (repeatable).
    #[arg(long, value_name = "DIR")]
    supplemental_prow_config_dir: Vec<PathBuf>,
    /// Where to write it: a file, or gs://bucket/object (repeatable).
    #[arg(long, value_name = "PLACE")]
    output: Vec<String>,
    /// Write YAML instead of the protobuf message.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    output_yaml: bool,
    /// Print it as text.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    print_text: bool,
    /// Say what is wrong and write nothing.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    validate_config_file: bool,
    /// Write once and end; else the files are watched and every change is written.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    oneshot: bool,
    /// Describe every tab of a job by the job's name and file, also where the job describes itself.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    update_description: bool,
    /// What links to job files begin with.
    #[arg(long, value_name = "URL", default_value = "")]
    prowjob_url_prefix: String,
    /// Take unknown fields for errors.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    strict_unmarshal: bool,
    /// Write nothing if there is any error.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    strict: bool,
    /// Warn of what the Kubernetes project's policies would not let pass.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    lint: bool,
    /// With --lint: what names of dashboards and dashboard groups begin with (repeatable).
    #[arg(long, value_name = "PREFIX")]
    lint_name_prefix: Vec<String>,
    /// With --lint: where Prow writes results, so that every group below it must have a job
    /// (repeatable).
    #[arg(long, value_name = "BUCKET/PATH")]
    lint_prow_prefix: Vec<String>,
    /// With --lint: a repository or org whose jobs need no group (repeatable).
    #[arg(long, value_name = "ORG[/REPO]")]
    lint_repo_without_groups: Vec<String>,
    /// With --lint: the dashboard that shows exactly the jobs that keep pull requests of a repository
    /// from merging.
    #[arg(long, value_name = "DASHBOARD=ORG/REPO", value_parser = dashboard_and_repo)]
    lint_blocking_dashboard: Option<(String, String)>,
    /// With --lint: a dashboard whose tabs need a description (repeatable).
    #[arg(long, value_name = "DASHBOARD")]
    lint_described_dashboard: Vec<String>,
    /// With --lint: a dashboard whose tabs need addresses for alerts (repeatable).
    #[arg(long, value_name = "DASHBOARD")]
    lint_mailed_dashboard: Vec<String>,
    /// Taken for configurator's sake and without effect: who may read an object is the bucket's
    /// policy.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    world_readable: bool,
    /// A Google service account for gs:// outputs.
    #[arg(long, value_name = "FILE")]
    gcp_service_account: Option<PathBuf>,
}

impl Args {
    /// Whether there is another pass after this one.
    fn watches(&self) -> bool {
        !self.oneshot && !self.validate_config_file
    }
}

/// Writes the configuration, once or whenever a file changes.
pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if !args.print_text && !args.validate_config_file && args.output.is_empty() {
        anyhow::bail!("--print-text, --validate-config-file, or --output required");
    }
    if args.validate_config_file && !args.output.is_empty() {
        anyhow::bail!("--validate-config-file doesn't write the proto anywhere");
    }
    let mut sources = Sources::default();
    if !args.watches() {
        let usable = pass(&args, &mut sources).await?;
        return Ok(if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut shown = None;
    loop {
        let stamp = stamp(&args);
        if shown.as_ref() != Some(&stamp) {
            if let Err(error) = pass(&args, &mut sources).await {
                note(&format!("{error:#}; the last configuration stays in use"));
            }
            shown = Some(stamp);
        }
        SystemClock.sleep(LOOK_EVERY).await;
    }
}

/// What a pass keeps for the next one.
#[derive(Default)]
struct Sources {
    /// Files that could be read.
    good: LastGood,
    /// The jobs of the Prow configuration that last loaded.
    jobs: Vec<KeptJob>,
}

/// Reads, assembles and writes. Returns whether nothing was wrong that the flags refuse.
async fn pass(args: &Args, sources: &mut Sources) -> anyhow::Result<bool> {
    // One after the other: the files take the memory that the jobs have given back.
    let mut findings = Vec::new();
    match load_jobs(args) {
        Some(Ok(jobs)) => sources.jobs = jobs,
        Some(Err(errors)) => findings.extend(errors),
        None => {}
    }
    let mut kept = Vec::new();
    let mut files = sources.good.read(&args.yaml, args.strict_unmarshal, &mut kept)?;
    report(&kept);
    let defaults = read_defaults(args)?;
    if let Some(file) = &defaults {
        findings.extend(file.diagnostics.iter().cloned());
    }
    let defaults = defaults.as_ref().and_then(|file| file.defaults());
    if defaults.is_none() && !args.output_yaml {
        report(&findings);
        anyhow::bail!("there are no default values: --default names a file that has them");
    }
    let jobs: Vec<AnnotatedJob<'_>> = sources.jobs.iter().map(KeptJob::job).collect();
    let descriptions = Descriptions {
        update: args.update_description,
        job_config_path: job_folder(args.prow_job_config.as_deref()),
        url_prefix: args.prowjob_url_prefix.clone(),
    };
    if !args.watches() {
        // Nobody else wants what was read, so it need not be copied.
        sources.good = LastGood::default();
    }
    let contents = take_contents(&mut files);
    let inputs = Inputs {
        files: &files,
        defaults,
        jobs: &jobs,
        descriptions: Some(&descriptions),
        texts: Some(files::text),
    };
    let assembly = assemble_contents(&inputs, contents);
    findings.extend(assembly.diagnostics.iter().cloned());
    if args.lint {
        findings.extend(lint(&assembly, &inputs, &policy(args)));
    }
    report(&findings);
    drop(jobs);
    drop(files);
    let errors = findings.iter().filter(|found| found.is_error()).count();
    if errors > 0 && (args.strict || args.validate_config_file) {
        anyhow::bail!("{errors} errors, so nothing is written");
    }
    let configuration = assembly.into_usable();
    if args.validate_config_file {
        note(&format!(
            "{} groups and {} dashboards are well",
            count(&configuration).0,
            count(&configuration).1
        ));
        return Ok(true);
    }
    write(args, &configuration).await?;
    let (groups, dashboards, tabs) = count(&configuration);
    note(&format!("{groups} groups, {dashboards} dashboards, {tabs} tabs; {errors} errors"));
    Ok(true)
}

/// What --lint goes by.
fn policy(args: &Args) -> Policy {
    Policy {
        name_prefixes: args.lint_name_prefix.clone(),
        prow_prefixes: args.lint_prow_prefix.clone(),
        repos_without_groups: args.lint_repo_without_groups.clone(),
        blocking_dashboard: args.lint_blocking_dashboard.clone(),
        described_dashboards: args.lint_described_dashboard.clone(),
        mailed_dashboards: args.lint_mailed_dashboard.clone(),
    }
}

fn dashboard_and_repo(value: &str) -> Result<(String, String), String> {
    match value.split_once('=') {
        Some((dashboard, repo)) if !dashboard.is_empty() && repo.contains('/') => {
            Ok((dashboard.to_owned(), repo.to_owned()))
        }
        _ => Err(format!("`{value}` is not of the form DASHBOARD=ORG/REPO")),
    }
}

fn count(configuration: &Configuration) -> (usize, usize, usize) {
    let tabs = configuration.dashboards.iter().map(|dashboard| dashboard.dashboard_tab.len()).sum();
    (configuration.test_groups.len(), configuration.dashboards.len(), tabs)
}

fn report(findings: &[Diagnostic]) {
    for found in findings {
        note(&found.to_string());
    }
}

/// The folder whose name links leave out, with the slash at its end as it was given.
fn job_folder(path: Option<&Path>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

/// The jobs of the Prow configuration, if one is asked for.
fn load_jobs(args: &Args) -> Option<Result<Vec<KeptJob>, Vec<Diagnostic>>> {
    let options = LoadOptions {
        job_config_path: args.prow_job_config.clone(),
        supplemental_prow_config_dirs: args.supplemental_prow_config_dir.clone(),
        ..LoadOptions::new(args.prow_config.as_ref()?)
    };
    Some(match config_load::load(&options, SystemClock.now()) {
        Ok(loaded) => Ok(jobs_of(&loaded.config).into_iter().map(AnnotatedJob::keep).collect()),
        Err(errors) => Err(errors.0),
    })
}

/// The file of default values, if there is one.
fn read_defaults(args: &Args) -> anyhow::Result<Option<ConfigFile>> {
    let path = match (&args.default, args.yaml.first()) {
        (Some(path), _) => path,
        (None, Some(first)) if !args.output_yaml => {
            note(&format!("--default not explicitly specified; assuming {}", first.display()));
            first
        }
        _ => return Ok(None),
    };
    Ok(Some(ConfigFile::read_as_defaults(path.as_path().into(), files::read(path)?.into())))
}

/// Name, size and age of every file that matters, to see a change by.
fn stamp(args: &Args) -> Stamp {
    let extra = args.default.iter().chain(&args.prow_config).cloned();
    let jobs = args.prow_job_config.iter().chain(&args.supplemental_prow_config_dir).cloned();
    let folders: Vec<PathBuf> = args.yaml.iter().cloned().chain(jobs).collect();
    // A folder that cannot be listed is told of by the pass that needs it.
    let listed = folders
        .iter()
        .flat_map(|folder| config_files(std::slice::from_ref(folder)).unwrap_or_default());
    files::stamp(extra.chain(listed))
}

async fn write(args: &Args, configuration: &Configuration) -> anyhow::Result<()> {
    if args.print_text {
        print(&match args.output_yaml {
            true => to_yaml(configuration),
            false => to_text(configuration),
        })?;
    }
    if args.output.is_empty() {
        return Ok(());
    }
    let yaml = args.output_yaml.then(|| to_yaml(configuration).into_bytes());
    for place in &args.output {
        if place.contains("://") {
            let uri = BlobUri::parse(place).with_context(|| format!("--output {place}"))?;
            let blobs = Blobs::new(BlobConfig {
                gcs_credentials_file: args.gcp_service_account.clone(),
                ..BlobConfig::default()
            });
            let options = WriteOptions {
                cache_control: Some("no-cache".to_owned()),
                ..WriteOptions::default()
            };
            let bytes = yaml.clone().unwrap_or_else(|| configuration.encode_to_vec());
            blobs
                .write(&uri, Bytes::from(bytes), &options)
                .await
                .with_context(|| format!("could not write {place}"))?;
        } else {
            let path = Path::new(place);
            let written = match &yaml {
                Some(yaml) => replace(path, [yaml]),
                None => replace(path, configuration.encoded()),
            };
            written.with_context(|| format!("could not write {place}"))?;
        }
    }
    Ok(())
}

/// Writes a file so that readers see the old one or the new one, never a part.
fn replace(path: &Path, pieces: impl IntoIterator<Item: AsRef<[u8]>>) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    let new = folder.join(name);
    let mut file = BufWriter::new(File::create(&new)?);
    for piece in pieces {
        file.write_all(piece.as_ref())?;
    }
    file.into_inner()?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = "\
default_test_group: {days_of_results: 15, num_columns_recent: 10}
default_dashboard_tab: {num_columns_recent: 10}
";
    const GOOD: &str = "\
test_groups: [{name: unit, gcs_prefix: bucket/logs/unit}]
dashboards: [{name: main, dashboard_tab: [{name: unit, test_group_name: unit}]}]
";

    fn args(folder: &Path, more: &[&str]) -> Args {
        #[derive(clap::Parser)]
        struct Alone {
            #[command(flatten)]
            args: Args,
        }
        let mut words = vec![
            "config".to_owned(),
            format!("--yaml={}", folder.join("grids").display()),
            format!("--default={}", folder.join("default.yaml").display()),
            format!("--output={}", folder.join("out").display()),
        ];
        words.extend(more.iter().map(|word| (*word).to_owned()));
        <Alone as clap::Parser>::parse_from(words).args
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("grids")).unwrap();
        std::fs::write(folder.path().join("default.yaml"), DEFAULTS).unwrap();
        std::fs::write(folder.path().join("grids/a.yaml"), GOOD).unwrap();
        folder
    }

    fn written(folder: &Path) -> Configuration {
        let bytes = std::fs::read(folder.join("out")).unwrap();
        Configuration::decode(&*bytes).unwrap()
    }

    #[tokio::test]
    async fn one_bad_file_is_reported_and_the_others_are_written() {
        let folder = folder();
        std::fs::write(folder.path().join("grids/b.yaml"), "test_groups: [").unwrap();
        assert!(pass(&args(folder.path(), &["--oneshot"]), &mut Sources::default()).await.unwrap());
        assert_eq!(count(&written(folder.path())), (1, 1, 1));
        std::fs::remove_file(folder.path().join("out")).unwrap();
        let strict = args(folder.path(), &["--oneshot", "--strict"]);
        assert!(pass(&strict, &mut Sources::default()).await.is_err());
        assert!(!folder.path().join("out").exists());
    }

    #[tokio::test]
    async fn a_file_that_breaks_while_it_is_watched_stays_as_it_was() {
        let folder = folder();
        let args = args(folder.path(), &[]);
        let mut sources = Sources::default();
        pass(&args, &mut sources).await.unwrap();
        let before = stamp(&args);
        std::fs::write(folder.path().join("grids/a.yaml"), "test_groups: [").unwrap();
        std::fs::write(
            folder.path().join("grids/b.yaml"),
            "test_groups: [{name: e2e, gcs_prefix: bucket/logs/e2e}]\n\
             dashboards: [{name: more, dashboard_tab: [{name: e2e, test_group_name: e2e}]}]\n",
        )
        .unwrap();
        assert_ne!(stamp(&args), before);
        pass(&args, &mut sources).await.unwrap();
        assert_eq!(count(&written(folder.path())), (2, 2, 2));
    }

    #[tokio::test]
    async fn yaml_and_text_hold_the_same() {
        let folder = folder();
        pass(&args(folder.path(), &["--output-yaml"]), &mut Sources::default()).await.unwrap();
        let yaml = std::fs::read_to_string(folder.path().join("out")).unwrap();
        assert!(yaml.contains("days_of_results: 15"), "{yaml}");
        pass(&args(folder.path(), &[]), &mut Sources::default()).await.unwrap();
        let text = to_text(&written(folder.path()));
        assert!(
            text.contains("test_groups {\n") && text.contains("  days_of_results: 15\n"),
            "{text}"
        );
    }
}
