//! Files, default values and Prow jobs become one configuration.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use config_load::{Diagnostic, yaml};

use super::defaults::{fill_dashboard_tab, fill_test_group};
use super::file::{ConfigFile, Content, Step, is_default_file, locate};
use super::jobs::{self, AnnotatedJob, Descriptions, Wishes};
use super::validate::{self, Entity, Finding};
use crate::proto::config::{Configuration, DefaultConfiguration};

/// The rule of folders with two files of default values.
const TWO_DEFAULTS_RULE: &str = "testgrid-two-defaults";
/// The rule of jobs whose annotations cannot be followed.
const ANNOTATION_RULE: &str = "testgrid-annotation";

/// What a configuration is assembled from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inputs<'a> {
    /// The files, in the order of a walk through their folders by name.
    pub files: &'a [Arc<ConfigFile>],
    /// Default values for files without some in their own folder, and for jobs.
    pub defaults: Option<&'a DefaultConfiguration>,
    /// The Prow jobs, in the order of [`jobs::jobs_of`].
    pub jobs: &'a [AnnotatedJob<'a>],
    /// How tabs made from jobs describe themselves.
    pub descriptions: Option<&'a Descriptions>,
    /// Gives the text of a file that has forgotten it, to look lines up in.
    pub texts: Option<fn(&Path) -> Option<String>>,
}

/// A configuration with everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct Assembly {
    /// All groups, dashboards and tabs, also those with errors: what configurator would write if
    /// there are none.
    pub configuration: Configuration,
    /// Everything that is wrong, in files, annotations and the whole.
    pub diagnostics: Vec<Diagnostic>,
    rejected: Vec<Entity>,
    origins: Origins,
}

impl Assembly {
    /// Whether something is an error, so that nothing must be written with `--strict`.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Findings with file and line of what they are about. `inputs` are those that were assembled.
    pub(crate) fn placed(&self, findings: Vec<Finding>, inputs: &Inputs<'_>) -> Vec<Diagnostic> {
        let mut placed = Vec::with_capacity(findings.len());
        place(findings, inputs, &self.origins, &mut placed);
        placed
    }

    /// The configuration without the groups, tabs, dashboards and dashboard groups that have errors,
    /// so that one bad entity does not stop the others.
    pub fn into_usable(self) -> Configuration {
        validate::without(self.configuration, &self.rejected)
    }
}

/// Where the entities of a configuration come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    groups: Vec<Origin>,
    dashboards: Vec<Origin>,
    tabs: Vec<Vec<Origin>>,
    dashboard_groups: Vec<Origin>,
}

#[derive(Clone, Copy, Debug)]
enum Origin {
    /// A file by its number, and the position in its list.
    File(usize, usize),
    /// A job by its number.
    Job(usize),
}

/// The entities of files, as far as they could be taken out of them.
#[derive(Debug, Default)]
pub struct Contents(Vec<Option<Content>>);

/// Takes the entities out of files that nobody else holds, for [`assemble_contents`]: that spares
/// copying them. Such a file has none afterwards.
pub fn take_contents(files: &mut [Arc<ConfigFile>]) -> Contents {
    Contents(files.iter_mut().map(ConfigFile::take).collect())
}

/// Assembles a configuration, tells what is wrong with it, and goes on: a file, job or value that
/// cannot be used leaves out what depends on it.
pub fn assemble(inputs: &Inputs<'_>) -> Assembly {
    assemble_contents(inputs, Contents::default())
}

/// [`assemble`] with the entities that were taken out of the files of `inputs`.
pub fn assemble_contents(inputs: &Inputs<'_>, contents: Contents) -> Assembly {
    let mut diagnostics: Vec<Diagnostic> =
        inputs.files.iter().flat_map(|file| file.diagnostics.iter().cloned()).collect();
    let mut configuration = Configuration::default();
    let mut origins = Origins::default();
    let folders = folder_defaults(inputs.files, &mut diagnostics);
    let count = |content: &Content| match content {
        Content::Entities { test_groups, .. } => test_groups.len(),
        Content::Defaults(_) => 0,
    };
    let taken = contents.0.iter().flatten().map(count).sum::<usize>();
    let others = inputs.files.iter().map(|file| count(&file.content)).sum::<usize>();
    configuration.test_groups.reserve_exact(taken + others + inputs.jobs.len());
    let mut contents = contents.0.into_iter();
    for (number, file) in inputs.files.iter().enumerate() {
        let folder = file.path.parent().unwrap_or(Path::new(""));
        let defaults = folders.get(folder).copied().or(inputs.defaults);
        let content = match contents.next().flatten() {
            Some(taken) => taken,
            None => file.content.clone(),
        };
        add_content(&mut configuration, &mut origins, number, content, defaults);
    }
    let default_descriptions = Descriptions::default();
    let descriptions = inputs.descriptions.unwrap_or(&default_descriptions);
    let mut index = Index::of(&configuration);
    // A list of tabs that grows by itself takes half as much again.
    let mut more = vec![0; configuration.dashboards.len()];
    for name in inputs.jobs.iter().flat_map(|job| job.dashboards()) {
        if let Some(dashboard) = index.dashboards.get(name) {
            more[*dashboard] += 1;
        }
    }
    for (dashboard, more) in configuration.dashboards.iter_mut().zip(more) {
        dashboard.dashboard_tab.reserve_exact(more);
    }
    for (number, job) in inputs.jobs.iter().enumerate() {
        let added = add_job(
            &mut configuration,
            &mut origins,
            &mut index,
            (number, job),
            inputs.defaults,
            descriptions,
        );
        if let Err(message) = added {
            diagnostics.push(at_job(Diagnostic::error(ANNOTATION_RULE, message), job));
        }
    }
    let findings = validate::check(&configuration);
    let rejected =
        findings.iter().filter(|found| found.rejects).map(|found| found.entity).collect();
    place(findings, inputs, &origins, &mut diagnostics);
    Assembly { configuration, diagnostics, rejected, origins }
}

/// The default values of each folder that has some.
fn folder_defaults<'f>(
    files: &'f [Arc<ConfigFile>],
    out: &mut Vec<Diagnostic>,
) -> HashMap<&'f Path, &'f DefaultConfiguration> {
    let mut folders = HashMap::new();
    let mut seen: HashMap<&Path, &Path> = HashMap::new();
    for file in files.iter().filter(|file| is_default_file(&file.path)) {
        let folder = file.path.parent().unwrap_or(Path::new(""));
        if let Some(first) = seen.insert(folder, &file.path) {
            let message = format!(
                "two default files found in dir \"{}\": {} is used",
                folder.display(),
                first.display()
            );
            out.push(Diagnostic::error(TWO_DEFAULTS_RULE, message).in_file(&file.path));
            seen.insert(folder, first);
            continue;
        }
        if let Some(defaults) = file.defaults() {
            folders.insert(folder, defaults);
        }
    }
    folders
}

fn add_content(
    configuration: &mut Configuration,
    origins: &mut Origins,
    number: usize,
    content: Content,
    defaults: Option<&DefaultConfiguration>,
) {
    let Content::Entities { test_groups, dashboards, dashboard_groups } = content else {
        return;
    };
    let default_group = defaults.and_then(|defaults| defaults.default_test_group.as_ref());
    let default_tab = defaults.and_then(|defaults| defaults.default_dashboard_tab.as_ref());
    for (position, mut group) in test_groups {
        if let Some(default) = default_group {
            fill_test_group(&mut group, default);
        }
        configuration.test_groups.push(group);
        origins.groups.push(Origin::File(number, position));
    }
    for (position, mut dashboard, tabs) in dashboards {
        if let Some(default) = default_tab {
            for tab in &mut dashboard.dashboard_tab {
                fill_dashboard_tab(tab, default);
            }
        }
        configuration.dashboards.push(dashboard);
        origins.dashboards.push(Origin::File(number, position));
        origins.tabs.push(tabs.into_iter().map(|tab| Origin::File(number, tab)).collect());
    }
    for (position, group) in dashboard_groups {
        configuration.dashboard_groups.push(group);
        origins.dashboard_groups.push(Origin::File(number, position));
    }
}

/// The first group and dashboard of each name.
struct Index {
    groups: HashMap<String, usize>,
    dashboards: HashMap<String, usize>,
}

impl Index {
    fn of(configuration: &Configuration) -> Index {
        let mut index = Index { groups: HashMap::new(), dashboards: HashMap::new() };
        for (number, group) in configuration.test_groups.iter().enumerate() {
            index.groups.entry(group.name.clone()).or_insert(number);
        }
        for (number, dashboard) in configuration.dashboards.iter().enumerate() {
            index.dashboards.entry(dashboard.name.clone()).or_insert(number);
        }
        index
    }
}

/// Adds a job's group and tabs; adds nothing if something about the job is wrong.
fn add_job(
    configuration: &mut Configuration,
    origins: &mut Origins,
    index: &mut Index,
    (number, job): (usize, &AnnotatedJob<'_>),
    defaults: Option<&DefaultConfiguration>,
    descriptions: &Descriptions,
) -> Result<(), String> {
    let wishes = Wishes::of(job)?;
    let existing = index.groups.get(job.name).copied();
    if existing.is_some() && wishes.must_make_group && wishes.may_make_group {
        return Err(format!("test group {:?} already exists", job.name));
    }
    if existing.is_none() && !wishes.may_make_group {
        return match jobs::needs_a_group(job) {
            Some(problem) => Err(problem),
            None => Ok(()),
        };
    }
    let mut shown_on = Vec::new();
    for name in job.dashboards() {
        match index.dashboards.get(name) {
            Some(dashboard) => shown_on.push(*dashboard),
            None => {
                return Err(format!(
                    "couldn't find dashboard {name:?} for job {:?}; declare it, or correct {}",
                    job.name,
                    jobs::DASHBOARDS
                ));
            }
        }
    }
    let group = match existing {
        Some(group) => group,
        None => {
            let mut group = jobs::group_of(job)?;
            if let Some(default) = defaults.and_then(|d| d.default_test_group.as_ref()) {
                fill_test_group(&mut group, default);
            }
            configuration.test_groups.push(group);
            origins.groups.push(Origin::Job(number));
            let place = configuration.test_groups.len() - 1;
            index.groups.insert(job.name.to_owned(), place);
            place
        }
    };
    wishes.apply_to(&mut configuration.test_groups[group], job.kind);
    for (turn, dashboard) in shown_on.into_iter().enumerate() {
        let mut tab = wishes.tab(job, turn == 0, descriptions);
        if let Some(default) = defaults.and_then(|d| d.default_dashboard_tab.as_ref()) {
            fill_dashboard_tab(&mut tab, default);
        }
        configuration.dashboards[dashboard].dashboard_tab.push(tab);
        origins.tabs[dashboard].push(Origin::Job(number));
    }
    Ok(())
}

pub(crate) fn at_job(mut diagnostic: Diagnostic, job: &AnnotatedJob<'_>) -> Diagnostic {
    if let Some((file, line)) = job.source {
        diagnostic.file = Some(Arc::from(Path::new(file)));
        diagnostic.line = line;
    }
    diagnostic
}

/// Gives findings their file and line.
fn place(
    findings: Vec<Finding>,
    inputs: &Inputs<'_>,
    origins: &Origins,
    out: &mut Vec<Diagnostic>,
) {
    let texts: Vec<OnceCell<Option<Arc<str>>>> = vec![OnceCell::new(); inputs.files.len()];
    let mut trees = HashMap::new();
    for finding in findings {
        let diagnostic = finding.diagnostic();
        let (origin, mut steps) = match finding.entity {
            Entity::Whole => {
                out.push(diagnostic);
                continue;
            }
            Entity::Group(at) => (origins.groups.get(at).copied(), vec![Step::Key("test_groups")]),
            Entity::Dashboard(at) => {
                (origins.dashboards.get(at).copied(), vec![Step::Key("dashboards")])
            }
            Entity::DashboardGroup(at) => {
                (origins.dashboard_groups.get(at).copied(), vec![Step::Key("dashboard_groups")])
            }
            Entity::Tab(dashboard, tab) => {
                let origin = origins.tabs.get(dashboard).and_then(|tabs| tabs.get(tab)).copied();
                let above = match (origin, origins.dashboards.get(dashboard)) {
                    (Some(Origin::File(..)), Some(Origin::File(_, position))) => vec![
                        Step::Key("dashboards"),
                        Step::Index(*position),
                        Step::Key("dashboard_tab"),
                    ],
                    _ => Vec::new(),
                };
                (origin, above)
            }
        };
        out.push(match origin {
            Some(Origin::File(file, position)) => {
                steps.push(Step::Index(position));
                steps.extend(finding.field.map(Step::Key));
                let text = &texts[file];
                let file = &inputs.files[file];
                let tree = trees.entry(&file.path).or_insert_with(|| {
                    let again = || Some(inputs.texts?(&file.path)?.into());
                    let text = text.get_or_init(|| file.text().or_else(again));
                    yaml::read(text.as_deref()?).ok()
                });
                let diagnostic = diagnostic.in_file(&file.path);
                match tree {
                    Some(tree) => diagnostic.at(locate(tree, &steps)),
                    None => diagnostic,
                }
            }
            Some(Origin::Job(job)) => at_job(diagnostic, &inputs.jobs[job]),
            None => diagnostic,
        });
    }
}
