//! The rules that jobs break together: two of one name, two with one context, two presets with one
//! label.
//!
//! Prow compares every pair of a repository's jobs. Here jobs are grouped by name and by context
//! first, so that only those are compared that can clash.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use job_spec::{Brancher, JobBase, Periodic, Postsubmit, Preset, Presubmit, SourceLocation};

use crate::diagnostic::Diagnostic;
use crate::yaml::Mark;

/// A job on branches with a context.
pub(crate) trait BranchJob {
    fn base(&self) -> &JobBase;
    fn brancher(&self) -> &Brancher;
    fn context(&self) -> &str;
    /// What jobs of the type are called.
    const PLURAL: &'static str;
}

impl BranchJob for Presubmit {
    const PLURAL: &'static str = "presubmit jobs";

    fn base(&self) -> &JobBase {
        &self.base
    }
    fn brancher(&self) -> &Brancher {
        &self.brancher
    }
    fn context(&self) -> &str {
        &self.reporter.context
    }
}

impl BranchJob for Postsubmit {
    const PLURAL: &'static str = "postsubmit jobs";

    fn base(&self) -> &JobBase {
        &self.base
    }
    fn brancher(&self) -> &Brancher {
        &self.brancher
    }
    fn context(&self) -> &str {
        &self.reporter.context
    }
}

/// A finding at the place where a job or preset begins.
pub(crate) fn at_source(diagnostic: Diagnostic, source: Option<&SourceLocation>) -> Diagnostic {
    match source {
        Some(source) => diagnostic
            .in_file(&Arc::from(Path::new(&*source.file)))
            .at(Mark { line: source.line, column: 0 }),
        None => diagnostic,
    }
}

/// Checks the jobs of one repository.
pub(crate) fn check_repo<T: BranchJob, B: Borrow<T>>(jobs: &[B], out: &mut Vec<Diagnostic>) {
    let mut by_name: HashMap<&str, Vec<&T>> = HashMap::with_capacity(jobs.len());
    let mut by_context: HashMap<&str, Vec<&T>> = HashMap::with_capacity(jobs.len());
    for job in jobs {
        let job: &T = job.borrow();
        by_name.entry(&job.base().name).or_default().push(job);
        by_context.entry(job.context()).or_default().push(job);
    }
    // In the order of the files, so that the later of two is the one that is blamed.
    for job in jobs {
        let job: &T = job.borrow();
        let name = &job.base().name;
        let earlier = |group: &[&T]| -> Vec<usize> {
            let end = group.iter().position(|other| std::ptr::eq(*other, job)).unwrap_or(0);
            (0..end).collect()
        };
        let group = &by_name[name.as_str()];
        if group.len() > 1 {
            let clash = earlier(group)
                .into_iter()
                .map(|index| group[index])
                .find(|other| other.brancher().intersects(job.brancher()));
            if let Some(other) = clash {
                let plural = T::PLURAL;
                let message = format!(
                    "duplicated {plural} (consider both inrepo and central config): [{name}]{}",
                    also(other.base())
                );
                let diagnostic = Diagnostic::error("duplicate-job", message);
                out.push(at_source(diagnostic, job.base().source.as_deref()));
            }
        }
        let group = &by_context[job.context()];
        if group.len() > 1 {
            for index in earlier(group) {
                let other = group[index];
                if other.base().name != *name && other.brancher().intersects(job.brancher()) {
                    let message = format!(
                        "jobs {} and {name} report to the same GitHub context {:?}{}",
                        other.base().name,
                        job.context(),
                        also(other.base())
                    );
                    let diagnostic = Diagnostic::error("duplicate-context", message);
                    out.push(at_source(diagnostic, job.base().source.as_deref()));
                }
            }
        }
    }
}

/// Checks that no two periodics have one name.
pub(crate) fn check_periodics<B: Borrow<Periodic>>(jobs: &[B], out: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<&str, &Periodic> = HashMap::with_capacity(jobs.len());
    for job in jobs {
        let job: &Periodic = job.borrow();
        match seen.entry(&job.base.name) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(job);
            }
            std::collections::hash_map::Entry::Occupied(entry) => {
                let message = format!(
                    "duplicated periodic job: {}{}",
                    job.base.name,
                    also(&entry.get().base)
                );
                let diagnostic = Diagnostic::error("duplicate-job", message);
                out.push(at_source(diagnostic, job.base.source.as_deref()));
            }
        }
    }
}

/// Checks that no two presets have one label with one value.
pub(crate) fn check_presets<B: Borrow<Preset>>(presets: &[B], out: &mut Vec<Diagnostic>) {
    let mut seen = BTreeSet::new();
    for preset in presets {
        let preset: &Preset = preset.borrow();
        for (label, value) in &preset.labels {
            if !seen.insert((label, value)) {
                let message = format!("duplicated preset 'label:value' pair : {label}:{value}");
                let diagnostic = Diagnostic::error("duplicate-preset", message);
                out.push(at_source(diagnostic, preset.source.as_deref()));
            }
        }
    }
}

/// Where the other of two jobs stands.
fn also(other: &JobBase) -> String {
    match &other.source {
        Some(source) => format!("; the other is at {source}"),
        None => String::new(),
    }
}
