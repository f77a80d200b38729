//! `html`, `junit` and `table`: profiles to documents.

use coverage::{Column, table};

use super::files::{Input, Output};

/// The flags of `html`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct HtmlArgs {
    /// The profiles, one column each, the newest first.
    #[arg(required = true, value_name = "PROFILE")]
    profiles: Vec<String>,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
}

pub(super) fn html(args: HtmlArgs) -> anyhow::Result<()> {
    let profiles = args.profiles.iter().map(|path| args.input.load(path));
    let profiles = profiles.collect::<Result<Vec<_>, _>>()?;
    let columns: Vec<Column<'_>> = args
        .profiles
        .iter()
        .zip(&profiles)
        .map(|(path, profile)| Column { path, profile })
        .collect();
    args.output.write(coverage::to_html(&columns).as_bytes())
}

/// A share of 0 to 1.
fn share(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("the threshold must be a number from 0 to 1".to_owned()),
    }
}

/// The flags of `junit`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct JunitArgs {
    /// The profile.
    profile: String,
    /// What has a share below this one fails, from 0 to 1.
    #[arg(short, long, value_name = "SHARE", default_value = "0.8", value_parser = share)]
    threshold: f32,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
}

pub(super) fn junit(args: JunitArgs) -> anyhow::Result<()> {
    let profile = args.input.load(&args.profile)?;
    args.output.write(coverage::to_junit(&profile, args.threshold).as_bytes())
}

/// The flags of `table`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct TableArgs {
    /// The profile before the change.
    base: String,
    /// The profile with the change.
    new: String,
    /// The job that makes the report, for the command that runs it again.
    #[arg(short, long, value_name = "JOB", default_value = "")]
    jobname: String,
    /// A changed file with a share below this one is low, from 0 to 1.
    #[arg(short, long, value_name = "SHARE", default_value = "0.8", value_parser = share)]
    threshold: f32,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
}

pub(super) fn table(args: TableArgs) -> anyhow::Result<()> {
    let (base, new) = (args.input.load(&args.base)?, args.input.load(&args.new)?);
    let post = table::post(&base, &new, &args.jobname, args.threshold);
    args.output.write(post.document().as_bytes())
}
