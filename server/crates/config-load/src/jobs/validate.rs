//! The rules that a job can break by itself, in Prow's words. All are looked at, not only the first.

use go_compat::GoDuration;
use go_compat::cron::Schedule;
use job_spec::{
    DecorationConfig, JobBase, JobType, Periodic, Postsubmit, Presubmit, RegexpChangeMatcher,
    Reporter, UtilityConfig, labels,
};

use super::validate_pod;
use crate::place::{Findings, Step, place};
use crate::prow::ProwConfig;
use crate::rules::{label_value_problems, qualified_name_problems, url_problem};

const KUBERNETES: &str = "kubernetes";
const JENKINS: &str = "jenkins";
const TEKTON: &str = "tekton-pipeline";

const NAME_PATTERN: &str = "^[A-Za-z0-9-._]+$";
const JENKINS_NAME_PATTERN: &str = "^[A-Za-z0-9-._]([A-Za-z0-9-._/]*[A-Za-z0-9-_])?$";

/// Collects what is wrong with one job; every message names type and job first.
struct Problems<'f> {
    prefix: String,
    findings: &'f mut Findings,
}

impl Problems<'_> {
    fn add(&mut self, rule: &'static str, place: Vec<Step>, message: impl std::fmt::Display) {
        self.findings.error(rule, place, format!("{}{message}", self.prefix));
    }
}

/// Checks a presubmit that was completed.
pub(crate) fn presubmit(job: &Presubmit, prow: &ProwConfig, findings: &mut Findings) {
    base(&job.base, JobType::Presubmit, prow, findings);
    change_matcher(&job.base.name, &job.change_matcher, job.always_run, findings);
    if job.trigger.is_empty() != job.rerun_command.is_empty() {
        let key = if job.trigger.is_empty() { "rerun_command" } else { "trigger" };
        findings.error(
            "trigger",
            place![key],
            format!(
                "either both of job.Trigger and job.RerunCommand must be set, wasnt the case for job {:?}",
                job.base.name
            ),
        );
    }
    reporting(&job.base, &job.reporter, JobType::Presubmit, findings);
}

/// Checks a postsubmit that was completed.
pub(crate) fn postsubmit(job: &Postsubmit, prow: &ProwConfig, findings: &mut Findings) {
    base(&job.base, JobType::Postsubmit, prow, findings);
    change_matcher(&job.base.name, &job.change_matcher, job.always_run == Some(true), findings);
    reporting(&job.base, &job.reporter, JobType::Postsubmit, findings);
}

/// Checks a periodic that was completed.
pub(crate) fn periodic(job: &Periodic, prow: &ProwConfig, findings: &mut Findings) {
    base(&job.base, JobType::Periodic, prow, findings);
    let name = &job.base.name;
    let schedules = [
        ("cron", &job.cron),
        ("interval", &job.interval),
        ("minimum_interval", &job.minimum_interval),
    ];
    let set: Vec<_> = schedules.iter().filter(|(_, value)| !value.is_empty()).collect();
    match set[..] {
        [] => findings.error(
            "schedule",
            place!["name"],
            format!(
                "at least one of cron, interval, or minimum_interval must be set in periodic {name}"
            ),
        ),
        [_] => {}
        [.., (key, _)] => findings.error(
            "schedule",
            place![*key],
            format!(
                "cron, interval, and minimum_interval are mutually exclusive in periodic {name}"
            ),
        ),
    }
    if !job.cron.is_empty()
        && let Err(err) = Schedule::parse(&job.cron)
    {
        findings.error(
            "cron",
            place!["cron"],
            format!("invalid cron string {} in periodic {name}: {err}", job.cron),
        );
    }
    for (key, text) in [("interval", &job.interval), ("minimum_interval", &job.minimum_interval)] {
        if let (false, Err(err)) = (text.is_empty(), GoDuration::parse(text)) {
            findings.error(
                "duration",
                place![key],
                format!("cannot parse duration for {name}: {err}"),
            );
        }
    }
    if let Some(retry) = &job.retry
        && let Err(err) = GoDuration::parse(&retry.interval)
    {
        findings.error(
            "duration",
            place!["retry", "interval"],
            format!("cannot parse Retry duration for {name}: {err}"),
        );
    }
}

fn base(job: &JobBase, job_type: JobType, prow: &ProwConfig, findings: &mut Findings) {
    let mut problems =
        Problems { prefix: format!("invalid {job_type} job {}: ", job.name), findings };
    name(job, &mut problems);
    if job.max_concurrency < 0 {
        problems.add(
            "range",
            place!["max_concurrency"],
            format!("max_concurrency: {} must be a non-negative number", job.max_concurrency),
        );
    }
    agent(job, prow, &mut problems);
    if job.agent == TEKTON {
        pipeline(job, job_type, &mut problems);
    }
    job_labels(job, &mut problems);
    if !job.job_queue_name.is_empty()
        && !prow.plank.job_queue_capacities.contains_key(&job.job_queue_name)
    {
        problems.add(
            "job-queue",
            place!["job_queue_name"],
            format!("invalid job queue name {}", job.job_queue_name),
        );
    }
    let decoration = job.utility.decoration_config.as_deref();
    let Some(spec) = &job.spec else {
        return;
    };
    let pod = validate_pod::PodView::new(spec);
    validate_pod::check(&pod, job_type, decoration, &mut |place, message| {
        problems.add("pod-spec", place, message);
    });
    if pod.containers.is_empty() {
        return;
    }
    if let Some(Err(err)) = job.rerun_auth_config.as_ref().map(|config| config.validate()) {
        problems.add("rerun-auth", place!["rerun_auth_config"], err);
    }
    utility(&job.utility, &mut problems);
    if let Some(decoration) = decoration {
        decorated(&pod, decoration, &mut problems);
    }
}

fn name(job: &JobBase, problems: &mut Problems<'_>) {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let name = job.name.as_bytes();
    let (pattern, fits) = if job.agent == JENKINS {
        let fits = match name {
            [] => false,
            [only] => plain(*only),
            [first, inner @ .., last] => {
                plain(*first)
                    && inner.iter().all(|b| plain(*b) || *b == b'/')
                    && plain(*last)
                    && *last != b'.'
            }
        };
        (JENKINS_NAME_PATTERN, fits)
    } else {
        (NAME_PATTERN, !name.is_empty() && name.iter().all(|b| plain(*b)))
    };
    if !fits {
        problems.add("job-name", place!["name"], format!("name: must match regex {pattern:?}"));
    }
}

/// Whether the parts of the job fit its agent. As in Prow, the first that does not is named.
fn agent(job: &JobBase, prow: &ProwConfig, problems: &mut Problems<'_>) {
    let agent = job.agent.as_str();
    if !matches!(agent, KUBERNETES | JENKINS | TEKTON) {
        problems.findings.warning(
            "unknown-agent",
            place!["agent"],
            format!(
                "{}agent {agent} is unknown and cannot be validated: use at your own risk",
                problems.prefix
            ),
        );
        return;
    }
    let has_pipeline = job.has_pipeline_run_spec();
    let pipeline_key = if job.tekton_pipeline_run_spec.is_some() {
        "tekton_pipeline_run_spec"
    } else {
        "pipeline_run_spec"
    };
    let namespace = job.namespace.as_deref().unwrap_or_default();
    let (key, message) = if job.spec.is_some() && agent != KUBERNETES {
        ("spec", format!("job specs require agent: {KUBERNETES} (found {agent:?})"))
    } else if agent == KUBERNETES && job.spec.is_none() {
        ("agent", "kubernetes jobs require a spec".to_owned())
    } else if has_pipeline && agent != TEKTON {
        (pipeline_key, format!("job pipeline_run_spec require agent: {TEKTON} (found {agent:?})"))
    } else if agent == TEKTON && !has_pipeline {
        ("agent", format!("agent: {TEKTON} jobs require a pipeline_run_spec"))
    } else if job.utility.decoration_config.is_some() && agent != KUBERNETES {
        ("decoration_config", format!("decoration requires agent: {KUBERNETES} (found {agent:?})"))
    } else if job.error_on_eviction && agent != KUBERNETES {
        (
            "error_on_eviction",
            format!("error_on_eviction only applies to agent: {KUBERNETES} (found {agent:?})"),
        )
    } else if namespace.is_empty() {
        ("namespace", "failed to default namespace".to_owned())
    } else if namespace != prow.pod_namespace && agent != TEKTON {
        ("namespace", format!("namespace customization requires agent: {TEKTON} (found {agent:?})"))
    } else {
        return;
    };
    problems.add("agent", place![key], message);
}

fn job_labels(job: &JobBase, problems: &mut Problems<'_>) {
    for (label, value) in &job.labels {
        let at = place!["labels", label];
        if labels::RESERVED.contains(&label.as_str()) {
            problems.add("label", at, format!("label {label} is reserved for decoration"));
            continue;
        }
        let wrong = qualified_name_problems(label);
        if !wrong.is_empty() {
            problems.add("label", at, format!("invalid label {label}: [{}]", wrong.join(" ")));
            continue;
        }
        let wrong = label_value_problems(value);
        if !wrong.is_empty() {
            problems.add(
                "label",
                at,
                format!("label {label} has invalid value {value}: [{}]", wrong.join(" ")),
            );
        }
    }
    for key in job.annotations.keys() {
        let wrong = qualified_name_problems(key);
        if !wrong.is_empty() {
            problems.add(
                "annotation",
                place!["annotations", key],
                format!("invalid annotation key {key:?}: [{}]", wrong.join(" ")),
            );
        }
    }
}

fn utility(utility: &UtilityConfig, problems: &mut Problems<'_>) {
    // Prow looks at the URIs of extra refs only where the job has one itself.
    if utility.clone_uri.is_empty() {
        return;
    }
    let needs_http = utility
        .decoration_config
        .as_ref()
        .is_some_and(|config| config.oauth_token_secret.is_some());
    let problem = |uri: &str| {
        let uri = uri.split_once('@').map_or(uri, |(_, rest)| rest);
        if let Some(problem) = url_problem(uri) {
            return Some(format!("couldn't parse uri from clone_uri: {problem}"));
        }
        let http = uri.starts_with("http://") || uri.starts_with("https://");
        (needs_http && !http)
            .then(|| format!("scheme must be http or https when OAuth secret is specified: {uri}"))
    };
    if let Some(problem) = problem(&utility.clone_uri) {
        problems.add("clone-uri", place!["clone_uri"], problem);
    }
    for (index, refs) in utility.extra_refs.iter().enumerate() {
        if let Some(problem) = problem(&refs.clone_uri) {
            problems.add(
                "clone-uri",
                place!["extra_refs", index, "clone_uri"],
                format!("extra_ref[{index}]: {problem}"),
            );
        }
    }
}

fn decorated(
    pod: &validate_pod::PodView,
    decoration: &DecorationConfig,
    problems: &mut Problems<'_>,
) {
    if let Err(err) = decoration.validate() {
        problems.add(
            "decoration",
            place!["decoration_config"],
            format!("invalid decoration config: {err}"),
        );
    }
    for (index, container) in pod.containers.iter().enumerate() {
        let first = container.command.first().or_else(|| container.args.first());
        if first.is_none_or(String::is_empty) {
            problems.add(
                "decoration",
                place!["spec", "containers", index],
                "decorated job containers must specify command and/or args",
            );
        }
    }
}

fn change_matcher(
    name: &str,
    matcher: &RegexpChangeMatcher,
    always_run: bool,
    findings: &mut Findings,
) {
    let run = !matcher.run_if_changed.is_empty();
    let skip = !matcher.skip_if_only_changed.is_empty();
    for (set, key) in [(run, "run_if_changed"), (skip, "skip_if_only_changed")] {
        if always_run && set {
            findings.error(
                "mutually-exclusive",
                place![key],
                format!(
                    "job {name} is set to always run but also declares {key} targets, which are mutually exclusive"
                ),
            );
        }
    }
    if run && skip {
        findings.error(
            "mutually-exclusive",
            place!["skip_if_only_changed"],
            format!(
                "job {name} declares run_if_changed and skip_if_only_changed, which are mutually exclusive"
            ),
        );
    }
}

fn reporting(job: &JobBase, reporter: &Reporter, job_type: JobType, findings: &mut Findings) {
    let mut problems =
        Problems { prefix: format!("invalid {job_type} job {}: ", job.name), findings };
    if !reporter.skip_report {
        if reporter.context.is_empty() {
            problems.add(
                "context",
                place!["name"],
                "job is set to report but has no context configured",
            );
        }
        return;
    }
    let label = labels::GERRIT_REPORT_LABEL;
    if job.labels.get(label).is_some_and(|value| !value.is_empty()) {
        problems.add(
            "gerrit-report-label",
            place!["labels", label],
            format!(
                "gerrit report label {label} set to non-empty string but job is configured to skip reporting."
            ),
        );
    }
}

/// Whether each extra ref is used by a task, and each used one is there.
fn pipeline(job: &JobBase, job_type: JobType, problems: &mut Problems<'_>) {
    const IMPLICIT: &str = "PROW_IMPLICIT_GIT_REF";
    const EXTRA: &str = "PROW_EXTRA_GIT_REF_";
    let versioned = job.tekton_pipeline_run_spec.as_ref().and_then(|spec| spec.v1beta1.as_ref());
    let (key, Some(spec)) = (match versioned {
        Some(spec) => ("tekton_pipeline_run_spec", Some(spec)),
        None => ("pipeline_run_spec", job.pipeline_run_spec.as_ref()),
    }) else {
        return;
    };
    let no_tasks = Vec::new();
    let tasks = spec["pipelineSpec"]["tasks"].as_array().unwrap_or(&no_tasks);
    let mut used = std::collections::BTreeSet::new();
    for task in tasks {
        let reference = task["taskRef"]["name"].as_str().unwrap_or_default();
        if job_type == JobType::Periodic && reference == IMPLICIT {
            problems.add(
                "pipeline",
                place![key],
                format!("periodic jobs do not have an implicit git ref to replace {IMPLICIT}"),
            );
        }
        let Some((_, rest)) = reference.split_once(EXTRA) else {
            continue;
        };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if digits.len() > 1 && digits.starts_with('0') {
            let task = task["name"].as_str().unwrap_or_default();
            problems.add(
                "pipeline",
                place![key],
                format!("task {task:?}: leading zeros are not allowed in {EXTRA}* indexes"),
            );
        } else if let Ok(index) = digits.parse::<usize>() {
            used.insert(index);
        }
    }
    let count = job.utility.extra_refs.len();
    for index in (0..count).filter(|index| !used.contains(index)) {
        problems.add(
            "pipeline",
            place!["extra_refs", index],
            format!("extra_refs[{index}] is not used; some task must reference {EXTRA}{index}"),
        );
    }
    if used.iter().any(|index| *index >= count) {
        let names: Vec<_> = used.iter().map(ToString::to_string).collect();
        problems.add(
            "pipeline",
            place![key],
            format!(
                "{count} extra_refs are specified, but the following {EXTRA}* indexes are used: {}",
                names.join(", ")
            ),
        );
    }
}
