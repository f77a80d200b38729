//! `metadata abs` and `metadata inc`: the description of a coverage run.

use std::process::Command as Program;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use coverage::metadata::{Absolute, Common, Incremental, to_json};

use super::files::Output;
use crate::cli::prompt::note;

/// The owner of the repository, as Prow gives it to a job.
const REPO_OWNER: &str = "REPO_OWNER";

/// Which description.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Kind,
}

#[derive(Debug, Clone, Subcommand)]
enum Kind {
    /// Of a run over a commit.
    Abs(AbsArgs),
    /// Of a run over a change of Gerrit.
    Inc(IncArgs),
}

#[derive(Debug, Clone, clap::Args)]
struct CommonArgs {
    #[command(flatten)]
    output: Output,
    /// The code host.
    #[arg(long, default_value = "")]
    host: String,
    /// The project; $REPO_OWNER if not given.
    #[arg(short, long, default_value = "")]
    project: String,
    /// The root of the repository's workspace.
    #[arg(short = 'w', long = "root", value_name = "PATH", default_value = "")]
    root: String,
    /// The form of the coverage: COV or LCOV.
    #[arg(short = 't', long = "trace", value_name = "FORM", default_value = "COV")]
    trace: String,
}

impl CommonArgs {
    fn common(&self, environment: impl Fn(&str) -> Option<String>) -> anyhow::Result<Common> {
        let project = match self.project.as_str() {
            "" => environment(REPO_OWNER).filter(|owner| !owner.is_empty()).with_context(|| {
                format!("no project: give --project, or set {REPO_OWNER} in the environment")
            })?,
            project => project.to_owned(),
        };
        Ok(Common {
            host: self.host.clone(),
            project,
            workspace_root: self.root.clone(),
            trace_type: self.trace.clone(),
        })
    }
}

#[derive(Debug, Clone, clap::Args)]
struct AbsArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The commit; that of `git rev-parse HEAD` if not given.
    #[arg(short, long, default_value = "")]
    commit: String,
    /// The branch; that of `git branch --show-current` if not given.
    #[arg(short, long = "ref", value_name = "REF", default_value = "")]
    reference: String,
    /// Where the coverage comes from, in any words.
    #[arg(short, long, default_value = "")]
    source: String,
    /// What the root of the paths is replaced by.
    #[arg(long = "replace_root", value_name = "PATH", default_value = "")]
    replace_root: String,
}

#[derive(Debug, Clone, clap::Args)]
struct IncArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The number of the change in Gerrit; required.
    #[arg(long = "changelist_num", value_name = "NUMBER", default_value = "")]
    changelist_num: String,
    /// The number of its patch set; required.
    #[arg(long = "patchset_num", value_name = "NUMBER", default_value = "")]
    patchset_num: String,
}

/// Writes the description.
pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let environment = |name: &str| std::env::var(name).ok();
    match args.command {
        Kind::Abs(args) => {
            args.common.output.write(to_json(&absolute(&args, environment, git)?)?.as_bytes())
        }
        Kind::Inc(args) => {
            args.common.output.write(to_json(&incremental(&args, environment)?)?.as_bytes())
        }
    }
}

fn absolute(
    args: &AbsArgs,
    environment: impl Fn(&str) -> Option<String>,
    git: impl Fn(&[&str]) -> anyhow::Result<String>,
) -> anyhow::Result<Absolute> {
    let common = args.common.common(environment)?;
    let commit_id = match args.commit.as_str() {
        "" => git(&["rev-parse", "HEAD"]).context("no commit: give --commit")?,
        commit => commit.to_owned(),
    };
    let reference = match args.reference.as_str() {
        "" => git(&["branch", "--show-current"]).unwrap_or_else(|error| {
            note(&format!("{error:#}; the ref is HEAD"));
            "HEAD".to_owned()
        }),
        reference => reference.to_owned(),
    };
    let (source, git_project) = (args.source.clone(), args.replace_root.clone());
    Ok(Absolute { common, commit_id, reference, source, git_project })
}

fn incremental(
    args: &IncArgs,
    environment: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Incremental> {
    let common = args.common.common(environment)?;
    for (name, value) in
        [("--changelist_num", &args.changelist_num), ("--patchset_num", &args.patchset_num)]
    {
        if value.is_empty() {
            bail!("{name} is required");
        }
    }
    let (changelist_num, patchset_num) = (args.changelist_num.clone(), args.patchset_num.clone());
    Ok(Incremental { common, changelist_num, patchset_num })
}

/// What git says in the current folder, without the line break at the end.
fn git(args: &[&str]) -> anyhow::Result<String> {
    let said = Program::new("git").args(args).output().context("git could not be started")?;
    if !said.status.success() {
        bail!("`git {}`: {}", args.join(" "), String::from_utf8_lossy(&said.stderr).trim());
    }
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Called {
        #[command(subcommand)]
        kind: Kind,
    }

    fn absolute_of(
        flags: &[&str],
        owner: Option<&str>,
        git: impl Fn(&[&str]) -> anyhow::Result<String>,
    ) -> anyhow::Result<Absolute> {
        let called = <Called as clap::Parser>::parse_from([&["x", "abs"], flags].concat());
        let Kind::Abs(args) = called.kind else { panic!("abs") };
        absolute(&args, |_| owner.map(str::to_owned), git)
    }

    fn incremental_of(flags: &[&str], owner: Option<&str>) -> anyhow::Result<Incremental> {
        let called = <Called as clap::Parser>::parse_from([&["x", "inc"], flags].concat());
        let Kind::Inc(args) = called.kind else { panic!("inc") };
        incremental(&args, |_| owner.map(str::to_owned))
    }

    fn fails(_: &[&str]) -> anyhow::Result<String> {
        bail!("no repository")
    }

    #[test]
    fn the_project_is_the_flag_or_the_owner_in_the_environment_or_an_error() {
        let given = absolute_of(&["-p", "flag", "-c", "1", "-r", "main"], Some("env"), fails);
        assert_eq!(given.unwrap().common.project, "flag");
        let owner = absolute_of(&["-c", "1", "-r", "main"], Some("env"), fails);
        assert_eq!(owner.unwrap().common.project, "env");
        for owner in [None, Some("")] {
            let error = absolute_of(&["-c", "1", "-r", "main"], owner, fails).unwrap_err();
            assert!(error.to_string().contains("--project"), "{error}");
        }
    }

    #[test]
    fn the_commit_and_the_branch_come_from_git_if_they_are_not_given() {
        let said = |args: &[&str]| Ok(args.join(" "));
        let made = absolute_of(&["-p", "x"], None, said).unwrap();
        assert_eq!(made.commit_id, "rev-parse HEAD");
        assert_eq!(made.reference, "branch --show-current");
        let error = absolute_of(&["-p", "x"], None, fails).unwrap_err();
        assert!(error.to_string().contains("--commit"), "{error}");
        let made = absolute_of(&["-p", "x", "-c", "abc"], None, fails).unwrap();
        assert_eq!(made.reference, "HEAD");
    }

    #[test]
    fn a_change_needs_its_number_and_that_of_its_patch_set() {
        let both = ["--changelist_num", "5", "--patchset_num", "7"];
        assert!(incremental_of(&both, Some("x")).is_ok());
        assert!(incremental_of(&both[..2], Some("x")).is_err());
        assert!(incremental_of(&both[2..], Some("x")).is_err());
        assert!(incremental_of(&[], Some("x")).is_err());
    }
}
