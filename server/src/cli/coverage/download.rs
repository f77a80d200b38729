//! `download`: the profile of the newest run of a job that passed.

use anyhow::{Context as _, bail};
use artifacts::Finished;
use blob::{BlobUri, Blobs};

use super::files::Output;
use crate::cli::prompt::note;
use crate::options::BucketOptions;

/// A profile is at most so large, in bytes.
const MAX_PROFILE_BYTES: u64 = 1 << 30;

/// A `finished.json` is at most so large, in bytes.
const MAX_FINISHED_BYTES: u64 = 1 << 20;

/// Folders that are listed at once.
const LIST_PAGE: usize = 1_000;

/// The command's flags.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The bucket: a name (of gs://), or with its scheme, such as s3://name.
    bucket: String,
    /// The job; its runs lie below logs/<job>/.
    prowjob: String,
    /// The folder of a run's artifacts.
    #[arg(short = 'a', long = "artifactsDir", value_name = "DIR", default_value = "artifacts")]
    artifacts_dir: String,
    /// The profile's name in that folder.
    #[arg(short, long, value_name = "NAME", default_value = "coverage-profile")]
    profile: String,
    #[command(flatten)]
    buckets: BucketOptions,
    #[command(flatten)]
    output: Output,
}

/// Finds the run and writes its profile.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let blobs = Blobs::new(args.buckets.config()?);
    let job = BlobUri::parse(&args.bucket)?.join(&format!("logs/{}/", args.prowjob))?;
    let builds = builds(&blobs, &job).await?;
    let mut passed = 0;
    for build in &builds {
        let run = job.join(&build.to_string())?;
        if !has_passed(&blobs, &run).await {
            continue;
        }
        passed += 1;
        let profile = run.join(&args.artifacts_dir)?.join(&args.profile)?;
        match blobs.read(&profile, MAX_PROFILE_BYTES).await {
            Ok(bytes) => return args.output.write(&bytes),
            Err(error) if error.is_not_found() => {
                note(&format!("{profile} does not exist; looking at the run before"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    bail!(
        "no healthy build found: of {} builds below {job}, {passed} passed, and none of these has \
         {}/{}",
        builds.len(),
        args.artifacts_dir,
        args.profile
    );
}

/// The runs by their numbers, newest first; folders with other names are none.
async fn builds(blobs: &Blobs, job: &BlobUri) -> anyhow::Result<Vec<u64>> {
    let mut builds = Vec::new();
    let mut after = String::new();
    loop {
        let listing = blobs
            .list_dir(job, &after, LIST_PAGE)
            .await
            .with_context(|| format!("could not list {job}"))?;
        let names = listing.dirs.iter().map(|key| key.trim_end_matches('/').rsplit('/').next());
        builds.extend(names.filter_map(|name| name?.parse::<u64>().ok()));
        match listing.next {
            Some(next) => after = next,
            None => break,
        }
    }
    builds.sort_unstable_by(|left, right| right.cmp(left));
    Ok(builds)
}

/// Whether the run's `finished.json` says that it passed; one that cannot be read does not.
async fn has_passed(blobs: &Blobs, run: &BlobUri) -> bool {
    let Ok(finished) = run.join("finished.json") else { return false };
    let Ok(bytes) = blobs.read(&finished, MAX_FINISHED_BYTES).await else { return false };
    Finished::parse(&bytes).is_ok_and(|finished| finished.passed == Some(true))
}
