//! Configured jobs.

use std::collections::BTreeMap;

use app::model::{ConfiguredJob, ConfiguredJobs, JobFilter, LastRun, OrgJobs, RepoJobs, RunKind};
use config_load::JobConfig;
use go_compat::cron::Schedule;
use go_compat::glob::deck_job_glob;
use go_compat::time::Timestamp;
use job_spec::{Brancher, JobBase, Periodic, Postsubmit, Presubmit, RegexpChangeMatcher};

use crate::runs::filter::shown_state;
use crate::runs::run::Run;
use crate::web::state::Web;
use crate::web::view::links::run_page;

/// Jobs on a page.
const PAGE: usize = 100;

/// The jobs that a filter asks for, and the index around them.
pub(super) fn page(web: &Web, filter: &JobFilter) -> ConfiguredJobs {
    let config = web.config.get();
    let now = web.clock.now();
    let visibility = web.visibility();
    let entries: Vec<Entry<'_>> = entries(&config.jobs)
        .filter(|entry| visibility.shows_job(&entry.full_name(), entry.base()))
        .collect();
    let total = entries.len();
    let wants_jobs = filter.org.is_some()
        || filter.kind.is_some()
        || filter.search.is_some()
        || filter.job.is_some();
    let mut matching: Vec<&Entry<'_>> =
        entries.iter().filter(|entry| wants_jobs && matches(entry, filter)).collect();
    matching.sort_by(|a, b| a.base().name.cmp(&b.base().name));
    let count = matching.len();
    let first = usize::try_from(filter.page.unwrap_or(1).max(1) - 1).unwrap_or(0) * PAGE;
    let snapshot = web.runs.snapshot();
    let runs = web.selections.visible(snapshot.version, &visibility, &snapshot.runs);
    let jobs = matching
        .into_iter()
        .skip(first)
        .take(PAGE)
        .map(|entry| {
            let last = runs.iter().find(|run| *run.job == *entry.base().name);
            let shown = filter.job.as_deref() == Some(&entry.base().name);
            configured(entry, last.map(|run| &**run), shown, now)
        })
        .collect();
    ConfiguredJobs {
        now_ms: now.millis(),
        orgs: orgs(&entries, filter),
        without_repo: entries.iter().filter(|entry| entry.org.is_empty()).count() as u64,
        jobs,
        matching: count as u64,
        total: total as u64,
        page_size: PAGE as u64,
        loaded_ms: Some(web.config.status().loaded_at.millis()),
    }
}

/// A job with the repository that it is listed under.
struct Entry<'a> {
    org: String,
    repo: String,
    job: Job<'a>,
}

enum Job<'a> {
    Presubmit(&'a Presubmit),
    Postsubmit(&'a Postsubmit),
    Periodic(&'a Periodic),
}

impl Entry<'_> {
    fn base(&self) -> &JobBase {
        match self.job {
            Job::Presubmit(job) => &job.base,
            Job::Postsubmit(job) => &job.base,
            Job::Periodic(job) => &job.base,
        }
    }

    fn kind(&self) -> RunKind {
        match self.job {
            Job::Presubmit(_) => RunKind::Presubmit,
            Job::Postsubmit(_) => RunKind::Postsubmit,
            Job::Periodic(_) => RunKind::Periodic,
        }
    }

    fn full_name(&self) -> String {
        if self.repo.is_empty() { String::new() } else { format!("{}/{}", self.org, self.repo) }
    }
}

fn entries(jobs: &JobConfig) -> impl Iterator<Item = Entry<'_>> {
    fn listed<'a>(repo: &str, job: Job<'a>) -> Entry<'a> {
        let (org, repo) = repo.rsplit_once('/').unwrap_or((repo, ""));
        Entry { org: org.to_owned(), repo: repo.to_owned(), job }
    }
    let presubmits = jobs.all_presubmits().map(|(repo, job)| listed(repo, Job::Presubmit(job)));
    let postsubmits = jobs.all_postsubmits().map(|(repo, job)| listed(repo, Job::Postsubmit(job)));
    let periodics = jobs.periodics.iter().map(|job| {
        let refs = job.base.utility.extra_refs.first();
        Entry {
            org: refs.map(|refs| refs.org.clone()).unwrap_or_default(),
            repo: refs.map(|refs| refs.repo.clone()).unwrap_or_default(),
            job: Job::Periodic(job),
        }
    });
    presubmits.chain(postsubmits).chain(periodics)
}

fn matches(entry: &Entry<'_>, filter: &JobFilter) -> bool {
    let name = &entry.base().name;
    filter.org.as_ref().is_none_or(|org| entry.org == *org)
        && filter.repo.as_ref().is_none_or(|repo| entry.repo == *repo)
        && filter.kind.is_none_or(|kind| entry.kind() == kind)
        && filter.job.as_ref().is_none_or(|job| name == job)
        && filter.search.as_deref().is_none_or(|search| {
            if search.contains('*') {
                return deck_job_glob(search, name);
            }
            let lower = name.to_lowercase();
            search.split_whitespace().all(|word| lower.contains(&word.to_lowercase()))
        })
}

/// Owners with their repositories; narrowed to one owner on its page.
fn orgs(entries: &[Entry<'_>], filter: &JobFilter) -> Vec<OrgJobs> {
    let mut orgs: BTreeMap<&str, BTreeMap<&str, RepoJobs>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.org.is_empty()) {
        if filter.org.as_ref().is_some_and(|org| *org != entry.org) {
            continue;
        }
        let repo = orgs
            .entry(&entry.org)
            .or_default()
            .entry(&entry.repo)
            .or_insert_with(|| RepoJobs { repo: entry.repo.clone(), ..RepoJobs::default() });
        match entry.job {
            Job::Presubmit(_) => repo.presubmits += 1,
            Job::Postsubmit(_) => repo.postsubmits += 1,
            Job::Periodic(_) => repo.periodics += 1,
        }
    }
    orgs.into_iter()
        .map(|(org, repos)| OrgJobs { org: org.to_owned(), repos: repos.into_values().collect() })
        .collect()
}

fn configured(
    entry: &Entry<'_>,
    last: Option<&Run>,
    with_yaml: bool,
    now: Timestamp,
) -> ConfiguredJob {
    let base = entry.base();
    let mut job = ConfiguredJob {
        name: base.name.clone(),
        kind: entry.kind(),
        org: entry.org.clone(),
        repo: entry.repo.clone(),
        cluster: base.cluster.clone(),
        max_concurrency: u64::try_from(base.max_concurrency).unwrap_or(0),
        source: base
            .source
            .as_ref()
            .map(|source| format!("{}:{}", source.file, source.line))
            .unwrap_or_default(),
        last_run: last.map(|run| LastRun {
            href: run_page(&run.id, run.artifacts.as_deref()),
            state: shown_state(&run.state),
            started_ms: run.started.millis(),
        }),
        ..ConfiguredJob::default()
    };
    let yaml = |value: Result<serde_json::Value, serde_json::Error>| {
        with_yaml.then(|| go_compat::yaml_emit::to_yaml(&value.unwrap_or_default()))
    };
    match entry.job {
        Job::Presubmit(presubmit) => {
            branches(&mut job, &presubmit.brancher);
            job.trigger = if presubmit.always_run {
                "always".to_owned()
            } else {
                changes(&presubmit.change_matcher)
                    .unwrap_or_else(|| format!("on {}", presubmit.rerun_command))
            };
            job.rerun_command = presubmit.rerun_command.clone();
            job.context = if presubmit.reporter.skip_report {
                String::new()
            } else {
                presubmit.reporter.context.clone()
            };
            job.optional = presubmit.optional;
            job.yaml = yaml(serde_json::to_value(presubmit));
        }
        Job::Postsubmit(postsubmit) => {
            branches(&mut job, &postsubmit.brancher);
            job.trigger = match (changes(&postsubmit.change_matcher), postsubmit.always_run) {
                (Some(changes), _) => changes,
                (None, Some(false)) => "never by itself".to_owned(),
                (None, _) => "on every push".to_owned(),
            };
            job.context = if postsubmit.reporter.skip_report {
                String::new()
            } else {
                postsubmit.reporter.context.clone()
            };
            job.yaml = yaml(serde_json::to_value(postsubmit));
        }
        Job::Periodic(periodic) => {
            let (schedule, next) = schedule(periodic, last, now);
            job.trigger = schedule.clone();
            job.schedule = schedule;
            job.next_run_ms = next.map(|at| at.millis());
            job.yaml = yaml(serde_json::to_value(periodic));
        }
    }
    job
}

fn branches(job: &mut ConfiguredJob, brancher: &Brancher) {
    job.branches = brancher.branches.clone();
    job.skip_branches = brancher.skip_branches.clone();
}

fn changes(matcher: &RegexpChangeMatcher) -> Option<String> {
    if !matcher.run_if_changed.is_empty() {
        Some(format!("when files match {}", matcher.run_if_changed))
    } else if !matcher.skip_if_only_changed.is_empty() {
        Some(format!("unless only files match {}", matcher.skip_if_only_changed))
    } else {
        None
    }
}

/// A periodic's schedule in words and when it is due next, as horologium
/// reckons: intervals from the last run's start, minimum intervals from its end.
fn schedule(
    periodic: &Periodic,
    last: Option<&Run>,
    now: Timestamp,
) -> (String, Option<Timestamp>) {
    let due = |from: Option<Timestamp>, every: go_compat::GoDuration| {
        let at = from.map_or(now, |from| from.saturating_add(every));
        Some(at.max(now))
    };
    if !periodic.cron.is_empty() {
        let next = Schedule::parse(&periodic.cron).ok().and_then(|s| s.next_after(now));
        return (format!("cron {}", periodic.cron), next);
    }
    if let Some(every) = periodic.interval_duration {
        return (format!("every {}", periodic.interval), due(last.map(|run| run.started), every));
    }
    if let Some(every) = periodic.minimum_interval_duration {
        let ended = last.and_then(|run| run.completed);
        return (format!("{} after it ended", periodic.minimum_interval), due(ended, every));
    }
    (String::new(), None)
}
