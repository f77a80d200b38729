//! Completes jobs: everything that they leave to defaults, presets and the settings of `config.yaml`,
//! in Prow's order.

use std::collections::HashMap;
use std::sync::Arc;

use go_compat::{GoDuration, GoRegex};
use job_spec::job::{default_rerun_command, default_trigger};
use job_spec::{
    Brancher, DecorationConfig, JobBase, Periodic, Postsubmit, Presubmit, ProwJobDefaults,
    RegexpChangeMatcher,
};
use parking_lot::Mutex;

use super::presets::Presets;
use crate::place::{Findings, place};
use crate::prow::identifier::entry_matches;
use crate::prow::{DEFAULT_CLUSTER_ALIAS, ProwConfig};

/// The agent of jobs that name none.
const DEFAULT_AGENT: &str = "kubernetes";

/// What completing jobs depends on.
#[derive(Debug)]
pub(crate) struct Completer<'c> {
    pub(crate) prow: &'c ProwConfig,
    presets: Presets,
    decorate_all_jobs: bool,
    /// Decoration configs made so far, so that equal ones are one: by the matching entries and the
    /// job's own settings as JSON.
    decorations: Mutex<HashMap<(u64, String), Arc<DecorationConfig>>>,
    /// Patterns made so far; many jobs have the same.
    patterns: Mutex<HashMap<String, GoRegex>>,
    /// The tenancy of jobs that have none of their own, by the matching entries.
    tenancies: Mutex<HashMap<u64, ProwJobDefaults>>,
}

impl<'c> Completer<'c> {
    pub(crate) fn new(prow: &'c ProwConfig, presets: Presets, decorate_all_jobs: bool) -> Self {
        Completer {
            prow,
            presets,
            decorate_all_jobs,
            decorations: Mutex::default(),
            patterns: Mutex::default(),
            tenancies: Mutex::default(),
        }
    }

    /// Completes a presubmit of `repo`.
    pub(crate) fn presubmit(&self, job: &mut Presubmit, repo: &str, findings: &mut Findings) {
        self.base_fields(&mut job.base);
        let name = &job.base.name;
        if job.reporter.context.is_empty() {
            job.reporter.context.clone_from(name);
        }
        if job.trigger.is_empty() && job.rerun_command.is_empty() {
            job.trigger = default_trigger(name);
            job.rerun_command = default_rerun_command(name);
        }
        self.decoration(&mut job.base, repo);
        self.tenancy(&mut job.base, repo);
        self.presets(&mut job.base, findings);
        self.trigger(job, findings);
        let name = &job.base.name;
        self.brancher(&mut job.brancher, name, findings);
        self.changes(&mut job.change_matcher, name, findings);
    }

    /// Completes a postsubmit of `repo`.
    pub(crate) fn postsubmit(&self, job: &mut Postsubmit, repo: &str, findings: &mut Findings) {
        self.base_fields(&mut job.base);
        if job.reporter.context.is_empty() {
            job.reporter.context.clone_from(&job.base.name);
        }
        self.decoration(&mut job.base, repo);
        self.tenancy(&mut job.base, repo);
        self.presets(&mut job.base, findings);
        let name = &job.base.name;
        self.brancher(&mut job.brancher, name, findings);
        self.changes(&mut job.change_matcher, name, findings);
    }

    /// Completes a periodic. Its first extra ref takes the place of a repository.
    pub(crate) fn periodic(&self, job: &mut Periodic, findings: &mut Findings) {
        self.base_fields(&mut job.base);
        let repo = match job.base.utility.extra_refs.first() {
            Some(refs) => format!("{}/{}", refs.org, refs.repo),
            None => String::new(),
        };
        self.decoration(&mut job.base, &repo);
        self.tenancy(&mut job.base, &repo);
        self.presets(&mut job.base, findings);
        // What does not parse is reported by validation.
        job.interval_duration = duration(&job.interval);
        job.minimum_interval_duration = duration(&job.minimum_interval);
        if let Some(retry) = &mut job.retry {
            // Prow overwrites the periodic's own interval here, which delays and doubles runs.
            retry.interval_duration = duration(&retry.interval);
        }
    }

    fn base_fields(&self, base: &mut JobBase) {
        if base.agent.is_empty() {
            DEFAULT_AGENT.clone_into(&mut base.agent);
        }
        if base.namespace.as_ref().is_none_or(String::is_empty) {
            base.namespace = Some(self.prow.pod_namespace.clone());
        }
        if base.cluster.is_empty() {
            DEFAULT_CLUSTER_ALIAS.clone_into(&mut base.cluster);
        }
    }

    fn decoration(&self, base: &mut JobBase, repo: &str) {
        let decorate = *base.utility.decorate.get_or_insert(self.decorate_all_jobs);
        if !decorate {
            return;
        }
        let plank = &self.prow.plank;
        let matching = matching(
            plank.decoration_defaults.iter().map(|entry| (&*entry.repo, &*entry.cluster)),
            repo,
            &base.cluster,
        );
        let own = base.utility.decoration_config.take();
        let text = own
            .as_ref()
            .map(|own| serde_json::to_string(own).unwrap_or_default())
            .unwrap_or_default();
        let make = || Arc::new(plank.merge_decoration_config(repo, &base.cluster, own.as_deref()));
        base.utility.decoration_config = Some(match matching {
            Some(matching) => {
                self.decorations.lock().entry((matching, text)).or_insert_with(make).clone()
            }
            None => make(),
        });
    }

    fn tenancy(&self, base: &mut JobBase, repo: &str) {
        let merge = |own: Option<&ProwJobDefaults>| {
            self.prow.merge_prowjob_defaults(repo, &base.cluster, own)
        };
        let matching = matching(
            self.prow.prowjob_default_entries.iter().map(|entry| (&*entry.repo, &*entry.cluster)),
            repo,
            &base.cluster,
        );
        base.prowjob_defaults = Some(match (base.prowjob_defaults.take(), matching) {
            (None, Some(matching)) => {
                self.tenancies.lock().entry(matching).or_insert_with(|| merge(None)).clone()
            }
            (own, _) => merge(own.as_ref()),
        });
    }

    fn presets(&self, base: &mut JobBase, findings: &mut Findings) {
        let Some(spec) = &base.spec else {
            return;
        };
        match self.presets.apply(&base.labels, spec) {
            Ok(None) => {}
            Ok(Some(spec)) => base.spec = Some(spec),
            Err(problem) => findings.error(
                "preset",
                place!["labels"],
                format!("job {} failed to merge presets for podspec: {problem}", base.name),
            ),
        }
    }

    /// A compiled pattern; equal ones are made once.
    fn pattern(&self, text: &str) -> Result<GoRegex, String> {
        if let Some(regex) = self.patterns.lock().get(text) {
            return Ok(regex.clone());
        }
        let regex = GoRegex::new(text).map_err(|err| err.to_string())?;
        self.patterns.lock().insert(text.to_owned(), regex.clone());
        Ok(regex)
    }

    fn trigger(&self, job: &mut Presubmit, findings: &mut Findings) {
        let name = &job.base.name;
        let regex = match GoRegex::new(&job.trigger) {
            Ok(regex) => regex,
            Err(err) => {
                findings.error(
                    "regex",
                    place!["trigger"],
                    format!(
                        "could not set regex: could not compile trigger regex for {name}: {err}"
                    ),
                );
                return;
            }
        };
        // The default trigger matches the default command whenever the name is a valid one, which
        // need not be tried out.
        let by_default = is_literal(name)
            && job.rerun_command == default_rerun_command(name)
            && job.trigger == default_trigger(name);
        if !by_default && !regex.is_match(&job.rerun_command) {
            findings.error(
                "rerun-command",
                place!["rerun_command"],
                format!(
                    "could not set regex: for job {name}, rerun command \"{}\" does not match trigger \"{}\"",
                    job.rerun_command, job.trigger
                ),
            );
        }
        // Without a trigger, no comment starts the job.
        job.trigger_regex = (!job.trigger.is_empty()).then_some(regex);
    }

    fn brancher(&self, brancher: &mut Brancher, name: &str, findings: &mut Findings) {
        for (key, what, list, regex) in [
            ("branches", "positive", &brancher.branches, &mut brancher.regex),
            ("skip_branches", "negative", &brancher.skip_branches, &mut brancher.skip_regex),
        ] {
            if list.is_empty() {
                continue;
            }
            match self.pattern(&list.join("|")) {
                Ok(compiled) => *regex = Some(compiled),
                Err(err) => findings.error(
                    "regex",
                    place![key],
                    format!(
                        "could not set regex: could not set branch regexes for {name}: could not compile {what} branch regex: {err}"
                    ),
                ),
            }
        }
    }

    fn changes(&self, matcher: &mut RegexpChangeMatcher, name: &str, findings: &mut Findings) {
        let (key, text) = if !matcher.run_if_changed.is_empty() {
            ("run_if_changed", &matcher.run_if_changed)
        } else if !matcher.skip_if_only_changed.is_empty() {
            ("skip_if_only_changed", &matcher.skip_if_only_changed)
        } else {
            return;
        };
        match self.pattern(text) {
            Ok(regex) => matcher.regex = Some(regex),
            Err(err) => findings.error(
                "regex",
                place![key],
                format!(
                    "could not set regex: could not set change regexes for {name}: could not compile {key} regex: {err}"
                ),
            ),
        }
    }
}

/// Whether a name, put into a pattern as it is, matches itself.
fn is_literal(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

fn duration(text: &str) -> Option<GoDuration> {
    GoDuration::parse(text).ok()
}

/// Which of some entries (repository, cluster) are for a job, as bits. None if there are too many
/// entries for that.
fn matching<'e>(
    entries: impl Iterator<Item = (&'e str, &'e str)>,
    repo: &str,
    cluster: &str,
) -> Option<u64> {
    let mut bits = 0;
    for (index, (entry_repo, entry_cluster)) in entries.enumerate() {
        if index >= u64::BITS as usize {
            return None;
        }
        if entry_matches(entry_repo, entry_cluster, repo, cluster) {
            bits |= 1 << index;
        }
    }
    Some(bits)
}
