//! Groups and tabs from the annotations of Prow jobs, as configurator makes them.

use std::collections::{BTreeMap, HashMap};

use config_load::Config;
use job_spec::gcs::GcsConfiguration;
use job_spec::{JobBase, JobType, ProwJobSpec, Refs};

use crate::proto::config::{DashboardTab, DashboardTabAlertOptions, LinkTemplate, TestGroup};

/// What all annotations for the grid begin with, but for the description.
const PREFIX: &str = "testgrid-";
/// Whether the job gets a group: `true`, `false`, or as its type and other annotations say.
pub const CREATE_TEST_GROUP: &str = "testgrid-create-test-group";
/// The dashboards that show the job, separated by commas.
pub const DASHBOARDS: &str = "testgrid-dashboards";
/// The tab's name, if it is not the job's.
pub const TAB_NAME: &str = "testgrid-tab-name";
/// Who gets mail, on the first of the dashboards.
pub const ALERT_EMAIL: &str = "testgrid-alert-email";
/// How many columns are recent.
pub const NUM_COLUMNS_RECENT: &str = "testgrid-num-columns-recent";
/// Hours without results after which the tab is stale.
pub const ALERT_STALE_RESULTS_HOURS: &str = "testgrid-alert-stale-results-hours";
/// Failures in a row that open an alert.
pub const NUM_FAILURES_TO_ALERT: &str = "testgrid-num-failures-to-alert";
/// How many days of results are kept.
pub const DAYS_OF_RESULTS: &str = "testgrid-days-of-results";
/// The metric that cells show.
pub const IN_CELL_METRIC: &str = "testgrid-in-cell-metric";
/// No row about the Pod.
pub const DISABLE_PROWJOB_ANALYSIS: &str = "testgrid-disable-prowjob-analysis";
/// Options of the view.
pub const BASE_OPTIONS: &str = "testgrid-base-options";
/// The part of a column that may fail before the tab is broken.
pub const BROKEN_COLUMN_THRESHOLD: &str = "testgrid-broken-column-threshold";
/// What the tab says about itself.
pub const DESCRIPTION: &str = "description";

/// A presubmit's group has at least so many recent columns, since they are of many pull requests.
pub const MIN_PRESUBMIT_COLUMNS_RECENT: i32 = 20;

/// Annotations that make no sense without a group.
const NEED_A_GROUP: [&str; 6] = [
    NUM_COLUMNS_RECENT,
    ALERT_STALE_RESULTS_HOURS,
    NUM_FAILURES_TO_ALERT,
    DAYS_OF_RESULTS,
    TAB_NAME,
    ALERT_EMAIL,
];

/// What the configuration of the grid must know about a Prow job.
#[derive(Clone, Debug)]
pub struct AnnotatedJob<'c> {
    /// Its name.
    pub name: &'c str,
    /// Its type.
    pub kind: JobType,
    /// Its annotations.
    pub annotations: &'c BTreeMap<String, String>,
    /// `org/repo` that it belongs to; empty for periodics.
    pub repo: String,
    /// `org/repo` of its first extra ref, or empty.
    pub extra_repo: String,
    /// Bucket and path prefix of its results, where known.
    pub results: Option<String>,
    /// Base of the links to its runs, or empty.
    pub job_url_prefix: String,
    /// Whether it keeps pull requests from merging: not optional, reporting, and run by itself.
    pub blocks_merging: bool,
    /// The file that it stands in, as it was given to the loader, and its line.
    pub source: Option<(&'c str, u32)>,
}

/// The same, where the configuration of Prow is not kept.
#[derive(Clone, Debug)]
pub struct KeptJob {
    job: AnnotatedJob<'static>,
    name: String,
    annotations: BTreeMap<String, String>,
    source: Option<(String, u32)>,
}

impl KeptJob {
    /// The job.
    pub fn job(&self) -> AnnotatedJob<'_> {
        AnnotatedJob {
            name: &self.name,
            annotations: &self.annotations,
            source: self.source.as_ref().map(|(file, line)| (file.as_str(), *line)),
            ..self.job.clone()
        }
    }
}

impl AnnotatedJob<'_> {
    /// What can be kept without the configuration.
    pub fn keep(self) -> KeptJob {
        const NONE: &BTreeMap<String, String> = &BTreeMap::new();
        let ours = self
            .annotations
            .iter()
            .filter(|(key, _)| key.starts_with(PREFIX) || *key == DESCRIPTION)
            .map(|(key, value)| (key.clone(), value.clone()));
        KeptJob {
            annotations: ours.collect(),
            name: self.name.to_owned(),
            source: self.source.map(|(file, line)| (file.to_owned(), line)),
            job: AnnotatedJob { name: "", annotations: NONE, source: None, ..self },
        }
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }

    /// The dashboards that it asks for.
    pub fn dashboards(&self) -> impl Iterator<Item = &str> {
        let listed = self.annotation(DASHBOARDS);
        listed.into_iter().flat_map(|names| names.split(',')).map(str::trim)
    }

    /// Where its builds are, below bucket and prefix.
    fn directory(&self) -> String {
        match self.kind {
            JobType::Presubmit | JobType::Batch => format!("pr-logs/directory/{}", self.name),
            _ => format!("logs/{}", self.name),
        }
    }
}

/// The jobs of a Prow configuration in configurator's order: periodics by name, postsubmits by
/// repository and name, presubmits by repository and name.
pub fn jobs_of(config: &Config) -> Vec<AnnotatedJob<'_>> {
    let mut guessed: HashMap<String, Option<String>> = HashMap::new();
    let mut jobs = Vec::with_capacity(config.jobs.len());
    let mut periodics: Vec<_> = config.jobs.periodics.iter().collect();
    periodics.sort_by(|a, b| a.base.name.cmp(&b.base.name));
    for job in periodics {
        jobs.push(annotated(config, &mut guessed, JobType::Periodic, "", &job.base, false));
    }
    for (repo, of_repo) in &config.jobs.postsubmits {
        let mut of_repo: Vec<_> = of_repo.iter().collect();
        of_repo.sort_by(|a, b| a.base.name.cmp(&b.base.name));
        for job in of_repo {
            jobs.push(annotated(config, &mut guessed, JobType::Postsubmit, repo, &job.base, false));
        }
    }
    for (repo, of_repo) in &config.jobs.presubmits {
        let mut of_repo: Vec<_> = of_repo.iter().collect();
        of_repo.sort_by(|a, b| a.base.name.cmp(&b.base.name));
        for job in of_repo {
            let runs_itself = job.always_run || job.change_matcher.could_run();
            let blocks = !job.optional && !job.reporter.skip_report && runs_itself;
            jobs.push(annotated(config, &mut guessed, JobType::Presubmit, repo, &job.base, blocks));
        }
    }
    jobs
}

fn annotated<'c>(
    config: &'c Config,
    guessed: &mut HashMap<String, Option<String>>,
    kind: JobType,
    repo: &str,
    base: &'c JobBase,
    blocks_merging: bool,
) -> AnnotatedJob<'c> {
    let plank = &config.prow.plank;
    let decoration = base.utility.decoration_config.as_ref();
    let own = decoration.and_then(|config| config.gcs_configuration.as_ref());
    let results = match own {
        Some(gcs) => Some(bucket_path(gcs)),
        None => guessed
            .entry(repo.to_owned())
            .or_insert_with(|| {
                let guess = plank.guess_default_decoration_config(repo, "");
                guess.gcs_configuration.as_ref().map(bucket_path)
            })
            .clone(),
    };
    let mut repo_parts = repo.split('/');
    let refs = (!repo.is_empty()).then(|| Refs {
        org: repo_parts.next().unwrap_or_default().to_owned(),
        repo: repo_parts.next().unwrap_or_default().to_owned(),
        ..Refs::default()
    });
    let extra = base.utility.extra_refs.first();
    let spec = ProwJobSpec {
        decoration_config: decoration.cloned(),
        extra_refs: extra.cloned().into_iter().collect(),
        refs,
        ..ProwJobSpec::default()
    };
    AnnotatedJob {
        name: &base.name,
        kind,
        annotations: &base.annotations,
        repo: spec
            .refs
            .as_ref()
            .map(|refs| format!("{}/{}", refs.org, refs.repo))
            .unwrap_or_default(),
        extra_repo: extra.map(|refs| format!("{}/{}", refs.org, refs.repo)).unwrap_or_default(),
        results,
        job_url_prefix: plank.job_url_prefix(&spec).to_owned(),
        blocks_merging,
        source: base.source.as_ref().map(|source| (&*source.file, source.line)),
    }
}

/// Bucket and path prefix as a group's `gcs_prefix` begins. The bucket's name may carry the scheme
/// that it is there without.
fn bucket_path(gcs: &GcsConfiguration) -> String {
    let bucket = gcs.bucket.strip_prefix("gs://").unwrap_or(&gcs.bucket);
    let bucket = bucket.trim_end_matches('/');
    let prefix = gcs.path_prefix.trim_matches('/');
    if prefix.is_empty() { bucket.to_owned() } else { format!("{bucket}/{prefix}") }
}

/// How tabs made from jobs describe themselves.
#[derive(Clone, Debug, Default)]
pub struct Descriptions {
    /// Name and source are told even where the job has a description.
    pub update: bool,
    /// The folder of the job files, cut from the job's file in links.
    pub job_config_path: String,
    /// What links to job files begin with; no links if empty.
    pub url_prefix: String,
}

impl Descriptions {
    fn of(&self, job: &AnnotatedJob<'_>) -> String {
        let own = job.annotation(DESCRIPTION).filter(|text| !text.is_empty());
        if let (Some(own), false) = (own, self.update) {
            return own.to_owned();
        }
        let mut lines = vec![format!("prowjob_name: {}", job.name)];
        if !self.url_prefix.is_empty() {
            let file = job.source.map(|(file, _)| file).unwrap_or_default();
            let file = file.strip_prefix(self.job_config_path.as_str()).unwrap_or(file);
            lines.push(format!("prowjob_config_url: {}{file}", self.url_prefix));
        }
        if let Some(own) = own {
            lines.push(format!("prowjob_description: {own}"));
        }
        lines.join("\n")
    }
}

/// What a job's annotations ask for, checked and parsed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Wishes {
    pub(crate) must_make_group: bool,
    /// A group is made if there is none.
    pub(crate) may_make_group: bool,
    num_columns_recent: Option<i32>,
    days_of_results: Option<i32>,
    short_text_metric: Option<String>,
    disable_prowjob_analysis: Option<bool>,
    num_failures_to_alert: Option<i32>,
    alert_stale_results_hours: Option<i32>,
    broken_column_threshold: f32,
}

impl Wishes {
    /// Reads a job's annotations.
    ///
    /// # Errors
    /// A value is not a number or boolean.
    pub(crate) fn of(job: &AnnotatedJob<'_>) -> Result<Wishes, String> {
        let create = job.annotation(CREATE_TEST_GROUP);
        let wanted = create == Some("true")
            || job.annotations.contains_key(DASHBOARDS)
            || job.kind != JobType::Presubmit;
        let disable = match job.annotation(DISABLE_PROWJOB_ANALYSIS) {
            None => None,
            Some("1" | "t" | "T" | "TRUE" | "true" | "True") => Some(true),
            Some("0" | "f" | "F" | "FALSE" | "false" | "False") => Some(false),
            Some(text) => {
                return Err(format!(
                    "{DISABLE_PROWJOB_ANALYSIS} value {text:?} is not a valid boolean"
                ));
            }
        };
        let threshold = match job.annotation(BROKEN_COLUMN_THRESHOLD) {
            None => 0.0,
            Some(text) => text.parse().map_err(|_| {
                format!("{BROKEN_COLUMN_THRESHOLD} value {text:?} is not a valid float")
            })?,
        };
        Ok(Wishes {
            must_make_group: create == Some("true"),
            may_make_group: wanted && create != Some("false"),
            num_columns_recent: integer(job, NUM_COLUMNS_RECENT)?,
            days_of_results: integer(job, DAYS_OF_RESULTS)?,
            short_text_metric: job.annotation(IN_CELL_METRIC).map(str::to_owned),
            disable_prowjob_analysis: disable,
            num_failures_to_alert: integer(job, NUM_FAILURES_TO_ALERT)?,
            alert_stale_results_hours: integer(job, ALERT_STALE_RESULTS_HOURS)?,
            broken_column_threshold: threshold,
        })
    }

    /// Puts what the annotations say about the group into it.
    pub(crate) fn apply_to(self: &Wishes, group: &mut TestGroup, kind: JobType) {
        match self.num_columns_recent {
            Some(columns) => group.num_columns_recent = columns,
            None if kind == JobType::Presubmit => {
                group.num_columns_recent =
                    group.num_columns_recent.max(MIN_PRESUBMIT_COLUMNS_RECENT);
            }
            None => {}
        }
        if let Some(days) = self.days_of_results {
            group.days_of_results = days;
        }
        if let Some(metric) = &self.short_text_metric {
            group.short_text_metric.clone_from(metric);
        }
        if let Some(disable) = self.disable_prowjob_analysis {
            group.disable_prowjob_analysis = disable;
        }
        if let Some(failures) = self.num_failures_to_alert {
            // The updater goes by the group's number, the tab's only counts where it is asked for.
            group.num_failures_to_alert = failures;
        }
    }

    /// The tab on a dashboard; `first` for the first of the dashboards.
    pub(crate) fn tab(
        &self,
        job: &AnnotatedJob<'_>,
        first: bool,
        descriptions: &Descriptions,
    ) -> DashboardTab {
        let repo = if job.repo.is_empty() { &job.extra_repo } else { &job.repo };
        let link = |url: String| LinkTemplate { url, ..LinkTemplate::default() };
        let mails = job.annotation(ALERT_EMAIL).filter(|_| first);
        let has_alerts = mails.is_some()
            || self.alert_stale_results_hours.is_some()
            || self.num_failures_to_alert.is_some();
        DashboardTab {
            name: job.annotation(TAB_NAME).unwrap_or(job.name).to_owned(),
            test_group_name: job.name.to_owned(),
            description: descriptions.of(job),
            code_search_url_template: (!repo.is_empty()).then(|| {
                link(format!("https://github.com/{repo}/compare/<start-custom-0>...<end-custom-0>"))
            }),
            open_bug_template: (!repo.is_empty())
                .then(|| link(format!("https://github.com/{repo}/issues/"))),
            open_test_template: (!job.job_url_prefix.is_empty()).then(|| {
                let base = job.job_url_prefix.trim_end_matches('/');
                link(format!("{base}/gs/<gcs_prefix>/<changelist>"))
            }),
            base_options: job.annotation(BASE_OPTIONS).unwrap_or_default().to_owned(),
            broken_column_threshold: self.broken_column_threshold,
            alert_options: has_alerts.then(|| {
                Box::new(DashboardTabAlertOptions {
                    alert_mail_to_addresses: mails.unwrap_or_default().to_owned(),
                    alert_stale_results_hours: self.alert_stale_results_hours.unwrap_or_default(),
                    num_failures_to_alert: self.num_failures_to_alert.unwrap_or_default(),
                    ..DashboardTabAlertOptions::default()
                })
            }),
            ..DashboardTab::default()
        }
    }
}

/// A new group for a job.
///
/// # Errors
/// Nobody said where the job's results are.
pub(crate) fn group_of(job: &AnnotatedJob<'_>) -> Result<TestGroup, String> {
    let Some(results) = &job.results else {
        return Err(format!(
            "job {}: couldn't figure out a default decoration config; set \
             decoration_config.gcs_configuration or plank's default for {:?}",
            job.name, job.repo
        ));
    };
    Ok(TestGroup {
        name: job.name.to_owned(),
        gcs_prefix: format!("{results}/{}", job.directory()),
        ..TestGroup::default()
    })
}

/// What is wrong with a job that has no group: an annotation that needs one.
pub(crate) fn needs_a_group(job: &AnnotatedJob<'_>) -> Option<String> {
    let annotation = NEED_A_GROUP.iter().find(|key| job.annotations.contains_key(**key))?;
    Some(format!(
        "no testgroup exists for job {:?}, but annotation {annotation:?} implies one should exist; \
         add {DASHBOARDS} or {CREATE_TEST_GROUP}: \"true\"",
        job.name
    ))
}

fn integer(job: &AnnotatedJob<'_>, key: &str) -> Result<Option<i32>, String> {
    let Some(text) = job.annotation(key) else { return Ok(None) };
    let value = text.parse().map_err(|_| format!("{key} value {text:?} is not a valid integer"))?;
    Ok(Some(value))
}
