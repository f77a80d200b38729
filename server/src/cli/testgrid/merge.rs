//! `bowsprit testgrid merge`: the configurations of several projects become one, as config_merger
//! makes it.
//!
//! A list names the sources. One that is invalid is told and left out; while passes follow each
//! other it stays as it last was, and so does one that cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use blob::BlobConfig;
use grid::config::merge::{merge, problems};
use grid::proto::config::Configuration;
use grid::proto::wire;
use parking_lot::Mutex;
use prost::Message as _;
use serde::Deserialize;

use super::pass::{Tally, duration, passes};
use crate::cli::prompt::note;
use crate::options::BucketOptions;
use crate::testgrid::objects::Objects;

/// Findings of one source that are told; of more, how many.
const TOLD_FINDINGS: usize = 20;

/// The command's flags.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The YAML file that lists the sources: `target` (a place), and `sources` with `name`,
    /// `location` (a place) and `contact` each. A place is gs://bucket/object, s3://bucket/object, or
    /// a file.
    #[arg(long, value_name = "PLACE", alias = "config-list")]
    mergelist: String,
    /// Where to write what is merged (repeatable); the list's target if not given.
    #[arg(long, value_name = "PLACE")]
    output: Vec<String>,
    /// Write to the list's target; else only what --output names is written.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    confirm: bool,
    /// Begin the next pass so long after the last one began; 0: one pass, then end.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    wait: Duration,
    /// Merge also what is invalid.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    allow_invalid_configs: bool,
    #[command(flatten)]
    buckets: BucketOptions,
}

/// What is merged, and into what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeList {
    target: String,
    #[serde(default)]
    sources: Vec<Source>,
}

/// A configuration that becomes part of the whole.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    /// What its names are told apart by; that of the empty name keeps all of its names.
    #[serde(default)]
    name: String,
    location: String,
    /// Whom to ask.
    #[serde(default)]
    contact: String,
}

impl Source {
    /// The source for people.
    fn shown(&self) -> String {
        let contact = if self.contact.is_empty() { "" } else { ", contact " };
        format!("source `{}` ({}{contact}{})", self.name, self.location, self.contact)
    }
}

/// The sources as they last were, by their names.
type LastGood = Mutex<BTreeMap<String, Configuration>>;

/// Merges once, or again and again.
pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let buckets = args.buckets.config()?;
    let good = LastGood::default();
    let writes = args.confirm || !args.output.is_empty();
    passes(args.wait, writes, || pass(&args, &buckets, &good)).await
}

async fn pass(args: &Args, buckets: &BlobConfig, good: &LastGood) -> anyhow::Result<Tally> {
    let bytes = read(&args.mergelist, buckets).await.context("--mergelist")?;
    let list = parse(&bytes).with_context(|| format!("--mergelist {}", args.mergelist))?;
    let mut tally = Tally { what: "configurations", ..Tally::default() };
    let reads = list.sources.iter().map(|source| read(&source.location, buckets));
    let reads = futures::future::join_all(reads).await;
    let mut shards = BTreeMap::new();
    for (source, bytes) in list.sources.iter().zip(reads) {
        let last = good.lock().get(&source.name).cloned();
        let shard = match bytes {
            Ok(bytes) => usable(&bytes, args.allow_invalid_configs),
            // What somebody else must mend is left out; what may be there in a moment is not.
            Err(error) if last.is_none() => return Err(error.context(source.shown())),
            Err(error) => Err(vec![format!("{error:#}")]),
        };
        let shard = match (shard, last) {
            (Ok(shard), _) => shard,
            (Err(reasons), last) => {
                tally.failed += 1;
                let stays = if last.is_some() { "stays as it last was" } else { "is left out" };
                note(&format!("{} {stays}: {}", source.shown(), reasons.join("; ")));
                let Some(last) = last else { continue };
                last
            }
        };
        shards.insert(source.name.clone(), shard);
    }
    ensure!(!shards.is_empty(), "none of the sources can be used, so nothing is written");
    // Only sources of the list of now are kept.
    good.lock().clone_from(&shards);
    let (merged, findings) = merge(shards);
    for finding in findings.iter().filter(|finding| finding.is_error()).take(TOLD_FINDINGS) {
        note(&format!("in what is merged: {finding}"));
    }
    let bytes: Arc<[u8]> = merged.encode_to_vec().into();
    let target = [list.target].into_iter().filter(|_| args.confirm && args.output.is_empty());
    for place in args.output.iter().cloned().chain(target) {
        if write(&place, &bytes, buckets).await? {
            tally.made += 1;
        } else {
            tally.skipped += 1;
        }
    }
    let tabs: usize = merged.dashboards.iter().map(|board| board.dashboard_tab.len()).sum();
    let (groups, boards) = (merged.test_groups.len(), merged.dashboards.len());
    note(&format!("{groups} groups, {boards} dashboards, {tabs} tabs"));
    Ok(tally)
}

/// The list, checked.
fn parse(bytes: &[u8]) -> anyhow::Result<MergeList> {
    let text = std::str::from_utf8(bytes).context("it is not text")?;
    let list: MergeList =
        serde_saphyr::from_str(text).map_err(|error| anyhow::anyhow!("{error}"))?;
    ensure!(!list.sources.is_empty(), "it lists no sources");
    let mut names = BTreeSet::new();
    for source in &list.sources {
        ensure!(!source.location.is_empty(), "the source `{}` has no location", source.name);
        ensure!(names.insert(&source.name), "two sources are named `{}`", source.name);
    }
    Ok(list)
}

/// A source's configuration, or why it is left out.
fn usable(bytes: &[u8], allow_invalid: bool) -> Result<Configuration, Vec<String>> {
    let shard: Configuration =
        wire::decode("configuration", bytes).map_err(|error| vec![error.to_string()])?;
    let problems = problems(&shard);
    let mut errors: Vec<String> =
        problems.iter().filter(|found| found.is_error()).map(ToString::to_string).collect();
    if errors.is_empty() || allow_invalid {
        return Ok(shard);
    }
    let more = errors.len().saturating_sub(TOLD_FINDINGS);
    errors.truncate(TOLD_FINDINGS);
    errors.extend((more > 0).then(|| format!("and {more} more")));
    Err(errors)
}

async fn read(place: &str, buckets: &BlobConfig) -> anyhow::Result<Vec<u8>> {
    let objects = Objects::around(place, buckets.clone())?;
    match objects.read(objects.config()).await? {
        Some(stored) => Ok(stored.bytes),
        None => bail!("{place} does not exist"),
    }
}

/// Writes an object unless it is as it is to be. Tells whether nobody else wrote it meanwhile.
async fn write(place: &str, bytes: &[u8], buckets: &BlobConfig) -> anyhow::Result<bool> {
    let objects = Objects::around(place, buckets.clone())?;
    let before = objects.read(objects.config()).await?;
    if before.as_ref().is_some_and(|before| before.bytes == bytes) {
        return Ok(true);
    }
    let version = before.map(|before| before.version);
    objects.replace(objects.config(), bytes.to_vec(), version).await
}

#[cfg(test)]
mod tests {
    use grid::proto::config::{Dashboard, DashboardTab, TestGroup};

    use super::*;

    fn shard(group: &str, dashboard: &str) -> Vec<u8> {
        let group = TestGroup {
            name: group.to_owned(),
            gcs_prefix: format!("bucket/logs/{group}"),
            days_of_results: 15,
            num_columns_recent: 10,
            ..TestGroup::default()
        };
        let tab = DashboardTab {
            name: "only tab".to_owned(),
            test_group_name: group.name.clone(),
            ..DashboardTab::default()
        };
        let dashboard = Dashboard {
            name: dashboard.to_owned(),
            dashboard_tab: vec![tab],
            ..Dashboard::default()
        };
        let (test_groups, dashboards) = (vec![group], vec![dashboard]);
        Configuration { test_groups, dashboards, ..Configuration::default() }.encode_to_vec()
    }

    #[tokio::test]
    async fn while_it_goes_on_a_source_that_breaks_stays_as_it_last_was() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("one"), shard("unit", "main")).unwrap();
        std::fs::write(at("two"), shard("e2e", "other")).unwrap();
        let list = format!(
            "target: {}\nsources:\n- {{name: '', location: {}}}\n- {{name: two, location: {}}}\n",
            at("all"),
            at("one"),
            at("two")
        );
        std::fs::write(at("list"), list).unwrap();
        #[derive(clap::Parser)]
        struct Alone {
            #[command(flatten)]
            args: Args,
        }
        let words =
            ["merge".to_owned(), format!("--mergelist={}", at("list")), "--confirm".to_owned()];
        let args = <Alone as clap::Parser>::parse_from(words).args;
        let (buckets, good) = (BlobConfig::default(), LastGood::default());
        let boards = || {
            let merged = Configuration::decode(&*std::fs::read(at("all")).unwrap()).unwrap();
            merged.dashboards.iter().map(|board| board.name.clone()).collect::<Vec<_>>()
        };
        let tally = pass(&args, &buckets, &good).await.unwrap();
        assert_eq!((tally.made, tally.failed), (1, 0));
        assert_eq!(boards(), ["main", "other"]);
        std::fs::write(at("one"), shard("unit", "renamed")).unwrap();
        std::fs::write(at("two"), "cut off").unwrap();
        assert_eq!(pass(&args, &buckets, &good).await.unwrap().failed, 1);
        assert_eq!(boards(), ["renamed", "other"]);
        std::fs::remove_file(at("two")).unwrap();
        assert_eq!(pass(&args, &buckets, &good).await.unwrap().failed, 1);
        assert_eq!(boards(), ["renamed", "other"]);
        // Who knows nothing of it leaves it to a later pass to write anything.
        assert!(pass(&args, &buckets, &LastGood::default()).await.is_err());
        assert_eq!(boards(), ["renamed", "other"]);
    }
}
