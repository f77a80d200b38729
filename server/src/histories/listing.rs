//! Which builds of a job a bucket has, near one of them.
//!
//! A bucket lists by name, the oldest build first, and there may be a hundred thousand. The ids that
//! Prow gives since 2017 say when they were given, so a listing begins some days before the build
//! that is asked for, and further back only if that finds too few.

use std::collections::BTreeSet;

use blob::{BlobError, Blobs};
use go_compat::time::Timestamp;

use super::root::JobRoot;

/// Ids of at least so many are of the kind that holds a time.
const FIRST_TIMED: u64 = 1_000_000_000_000_000_000;
/// The instant from which such ids count, in milliseconds: Twitter's, as Prow's generator has it.
const EPOCH_MS: i64 = 1_288_834_974_657;
/// Bits below the time in such an id.
const TIME_SHIFT: u32 = 22;
/// How far before the first build of a page a listing begins, one after the other, in milliseconds.
const SPANS_MS: [i64; 3] = [2 * 86_400_000, 30 * 86_400_000, 365 * 86_400_000];
/// Names of one page of a listing.
const PAGE: usize = 1_000;
/// Pages of one listing; a job with more builds than these hold is shown from its index alone.
const MAX_PAGES: usize = 200;

/// The builds around a place in a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Builds up to the one asked for, the greatest first.
    pub below: Vec<u64>,
    /// Builds above it, the smallest first.
    pub above: Vec<u64>,
}

/// Builds that a bucket has: `want` up to `top` (or up to the latest) and as many above it, fewer
/// where there are fewer.
///
/// # Errors
/// The bucket does not answer, or has more names than are listed.
pub async fn window(
    blobs: &Blobs,
    root: &JobRoot,
    top: Option<u64>,
    want: usize,
    now: Timestamp,
) -> Result<Window, ListingError> {
    let mut found = BTreeSet::new();
    let mut listing = Listing { blobs, root, pages: 0 };
    if top.is_none_or(|top| top >= FIRST_TIMED) {
        let from_ms = top.map_or(now.millis(), time_ms);
        // What comes after `until` is known or not wanted.
        let mut until = top.map(|top| listing.behind(top));
        for span in SPANS_MS {
            let start = listing.at(timed_id(from_ms - span));
            listing.scan(&start, until.as_deref(), &mut found).await?;
            // Short ids are not in the order of their names.
            if found.iter().any(|id| *id < FIRST_TIMED) {
                break;
            }
            if found.len() >= want {
                let above = match top {
                    Some(top) => listing.after(top, want).await?,
                    None => Vec::new(),
                };
                return Ok(cut(&found, above, top, want));
            }
            until = Some(start);
        }
        found.clear();
    }
    listing.scan("", None, &mut found).await?;
    let above = match top {
        Some(top) => found.range(top.saturating_add(1)..).copied().take(want).collect(),
        None => Vec::new(),
    };
    Ok(cut(&found, above, top, want))
}

fn cut(found: &BTreeSet<u64>, above: Vec<u64>, top: Option<u64>, want: usize) -> Window {
    let below = found.range(..=top.unwrap_or(u64::MAX)).rev().copied().take(want).collect();
    Window { below, above }
}

/// When an id with a time was given, in milliseconds.
fn time_ms(id: u64) -> i64 {
    i64::try_from(id >> TIME_SHIFT).unwrap_or(0).saturating_add(EPOCH_MS)
}

/// The first id that can be given at an instant.
pub fn timed_id(ms: i64) -> u64 {
    u64::try_from(ms.saturating_sub(EPOCH_MS)).unwrap_or(0) << TIME_SHIFT
}

/// Whether ids of this size hold a time.
pub fn is_timed(id: u64) -> bool {
    id >= FIRST_TIMED
}

/// Why builds cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// The bucket failed.
    #[error(transparent)]
    Bucket(#[from] Box<BlobError>),
    /// There are more names than are listed.
    #[error("there are more than {} of them", MAX_PAGES * PAGE)]
    TooMany,
}

struct Listing<'a> {
    blobs: &'a Blobs,
    root: &'a JobRoot,
    pages: usize,
}

impl Listing<'_> {
    /// The name at which a listing begins that shows this build.
    fn at(&self, id: u64) -> String {
        format!("{}/{id}", self.root.uri.key())
    }

    /// A name right behind those of a build.
    fn behind(&self, id: u64) -> String {
        format!("{}/{id}~", self.root.uri.key())
    }

    /// Adds the builds with names between these.
    async fn scan(
        &mut self,
        start: &str,
        until: Option<&str>,
        found: &mut BTreeSet<u64>,
    ) -> Result<(), ListingError> {
        let mut after = start.to_owned();
        loop {
            let (ids, next) = self.page(&after).await?;
            let is_wanted = |name: &str| until.is_none_or(|until| name < until);
            found.extend(ids.iter().filter(|(name, _)| is_wanted(name)).map(|(_, id)| *id));
            match next {
                Some(next) if is_wanted(&next) => after = next,
                _ => return Ok(()),
            }
        }
    }

    /// The builds right above one whose id holds a time.
    async fn after(&mut self, id: u64, want: usize) -> Result<Vec<u64>, ListingError> {
        let (found, _) = self.page(&self.behind(id)).await?;
        let mut ids: Vec<u64> =
            found.into_iter().map(|(_, found)| found).filter(|found| *found > id).collect();
        ids.sort_unstable();
        ids.truncate(want);
        Ok(ids)
    }

    /// One page of names with their builds, and where the next begins. Folders that are no numbers,
    /// and texts such as `latest-build.txt`, are no builds.
    async fn page(
        &mut self,
        after: &str,
    ) -> Result<(Vec<(String, u64)>, Option<String>), ListingError> {
        self.pages += 1;
        if self.pages > MAX_PAGES {
            return Err(ListingError::TooMany);
        }
        let page = match self.blobs.list_dir(&self.root.uri, after, PAGE).await {
            Ok(page) => page,
            Err(error) if error.is_not_found() => return Ok((Vec::new(), None)),
            Err(error) => return Err(Box::new(error).into()),
        };
        let names: Vec<String> = match self.root.links {
            true => page.entries.into_iter().map(|entry| entry.key).collect(),
            false => page.dirs,
        };
        let ids = names.into_iter().filter_map(|name| {
            let last = name.trim_end_matches('/').rsplit('/').next()?;
            let id = if self.root.links { last.strip_suffix(".txt")? } else { last };
            let id = build_id(id)?;
            Some((name, id))
        });
        Ok((ids.collect(), page.next))
    }
}

/// A build id: a number above zero, as Prow writes it.
pub fn build_id(text: &str) -> Option<u64> {
    let id: u64 = text.parse().ok()?;
    (id > 0 && id.to_string() == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use blob::{BlobConfig, BlobUri};

    use super::*;

    struct Bucket {
        folder: tempfile::TempDir,
        blobs: Blobs,
    }

    impl Bucket {
        fn new() -> Bucket {
            let folder = tempfile::tempdir().unwrap();
            let local_buckets = [("b".to_owned(), folder.path().to_owned())].into();
            let blobs = Blobs::new(BlobConfig { local_buckets, ..BlobConfig::default() });
            Bucket { folder, blobs }
        }

        fn build(&self, id: impl std::fmt::Display) {
            let folder = self.folder.path().join(format!("logs/job/{id}"));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("started.json"), "{}").unwrap();
        }

        async fn window(&self, top: Option<u64>, want: usize) -> Window {
            let root = JobRoot::new(BlobUri::parse("gs://b/logs/job").unwrap());
            let now = Timestamp::parse_rfc3339("2026-11-21T06:00:00Z").unwrap();
            window(&self.blobs, &root, top, want, now).await.unwrap()
        }
    }

    #[tokio::test]
    async fn short_ids_are_put_in_order_by_number_and_not_by_name() {
        let bucket = Bucket::new();
        for id in 0..120 {
            bucket.build(id);
        }
        bucket.build("no-build");
        bucket.build("007");
        let latest = bucket.window(None, 40).await;
        assert_eq!(latest.below, (80..120).rev().collect::<Vec<_>>());
        assert!(latest.above.is_empty());
        let earlier = bucket.window(Some(79), 40).await;
        assert_eq!(earlier.below, (40..80).rev().collect::<Vec<_>>());
        assert_eq!(earlier.above, (80..120).collect::<Vec<_>>());
        assert_eq!(bucket.window(Some(5), 40).await.below, [5, 4, 3, 2, 1], "0 is no build id");
    }

    #[tokio::test]
    async fn ids_with_a_time_are_found_near_it_and_far_from_it() {
        let bucket = Bucket::new();
        let day = |day: &str, nth: u64| {
            timed_id(Timestamp::parse_rfc3339(&format!("{day}T12:00:00Z")).unwrap().millis()) + nth
        };
        let days = ["2026-11-20", "2026-11-19", "2026-11-01", "2026-03-01", "2021-01-01"];
        let mut ids: Vec<u64> =
            days.iter().flat_map(|of| (0..3).rev().map(|nth| day(of, nth))).collect();
        for id in &ids {
            bucket.build(id);
        }
        for want in [1, 3, 4, 8, 12, 15, 20] {
            let found = bucket.window(None, want).await;
            assert_eq!(found.below, ids[..want.min(15)], "{want}");
        }
        let from = bucket.window(Some(ids[7]), 4).await;
        assert_eq!(from.below, ids[7..11]);
        assert_eq!(from.above, ids[3..7].iter().rev().copied().collect::<Vec<_>>());
        // An id that nobody gave is a place too.
        assert_eq!(bucket.window(Some(ids[6] + 1), 2).await.below, ids[6..8]);
        // Ids of a time before are older than all others.
        bucket.build(17);
        ids.push(17);
        assert_eq!(bucket.window(None, 20).await.below, ids);
    }

    #[tokio::test]
    async fn links_are_builds_and_the_latest_build_is_a_hint_that_nobody_needs() {
        let bucket = Bucket::new();
        let folder = bucket.folder.path().join("pr-logs/directory/unit");
        std::fs::create_dir_all(folder.join("9")).unwrap();
        for name in ["3.txt", "12.txt", "latest-build.txt", "x.txt", "4.json"] {
            std::fs::write(folder.join(name), "7").unwrap();
        }
        let root = JobRoot::new(BlobUri::parse("gs://b/pr-logs/directory/unit").unwrap());
        let now = Timestamp::from_seconds(0);
        let found = window(&bucket.blobs, &root, None, 10, now).await.unwrap();
        assert_eq!(found.below, [12, 3]);
        let nothing = JobRoot::new(BlobUri::parse("gs://b/logs/nobody").unwrap());
        assert_eq!(
            window(&bucket.blobs, &nothing, None, 10, now).await.unwrap(),
            Window::default()
        );
    }
}
