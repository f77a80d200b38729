//! `merge`, `aggregate`, `diff` and `filter`: profiles to a profile.

use anyhow::Context as _;
use coverage::{Counting, Filter, Merger, Sources};

use super::files::{Input, Output, load_bytes, named, tell};
use crate::cli::prompt::note;

/// The flags of `merge` and `aggregate`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct MergeArgs {
    /// The profiles.
    #[arg(required = true, value_name = "PROFILE")]
    profiles: Vec<String>,
    /// Of a file whose blocks are not those of the first profile that has it, count the blocks of
    /// that one and tell what was left out, instead of ending with an error.
    #[arg(long)]
    allow_changed_sources: bool,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
}

/// Merges profiles one after the other, so that one is in memory at a time.
pub(super) fn merge(args: MergeArgs, counting: Counting) -> anyhow::Result<()> {
    let sources = match args.allow_changed_sources {
        true => Sources::MayDiffer,
        false => Sources::Same,
    };
    let mut merger = Merger::new(args.input.reading(), counting, sources);
    let mut bytes = Vec::new();
    for path in &args.profiles {
        load_bytes(path, &mut bytes)?;
        let notes =
            merger.add(&bytes).with_context(|| format!("could not merge {}", named(path)))?;
        tell(path, &notes);
    }
    drop(bytes);
    let merged = merger.finish()?;
    for (file, differing) in &merged.differing {
        note(&format!(
            "{file} was not the same everywhere: {} blocks of later profiles were left out, {} \
             were missing there",
            differing.left_out, differing.missing
        ));
    }
    args.output.write_profile(&merged.profile)
}

/// The flags of `diff`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DiffArgs {
    /// The profile before.
    before: String,
    /// The profile after.
    after: String,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
}

pub(super) fn diff(args: DiffArgs) -> anyhow::Result<()> {
    let (before, after) = (args.input.load(&args.before)?, args.input.load(&args.after)?);
    let difference = coverage::diff(&before, &after).with_context(|| {
        format!("could not subtract {} from {}", named(&args.before), named(&args.after))
    })?;
    if difference.restarted > 0 {
        note(&format!(
            "{} blocks ran less often after than before: the program was started anew in between; \
             they have the count after the restart",
            difference.restarted
        ));
    }
    args.output.write_profile(&difference.profile)
}

/// The flags of `filter`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct FilterArgs {
    /// The profile.
    profile: String,
    /// Only files whose name one of these regular expressions matches anywhere (repeatable;
    /// several with commas between them).
    #[arg(long, value_name = "REGEX", value_delimiter = ',')]
    include_path: Vec<String>,
    /// Leave out files whose name one of these regular expressions matches anywhere (repeatable;
    /// several with commas between them).
    #[arg(long, value_name = "REGEX", value_delimiter = ',')]
    exclude_path: Vec<String>,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
}

pub(super) fn filter(args: FilterArgs) -> anyhow::Result<()> {
    let filter = Filter::new(&args.include_path, &args.exclude_path)?;
    let profile = args.input.load(&args.profile)?;
    args.output.write_profile(&filter.apply(profile))
}
