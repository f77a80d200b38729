//! From a filter to what the run list shows: the rows of a page, the counts,
//! the choices of the filter menus, the histogram.

use std::collections::HashMap;
use std::sync::Arc;

use app::model::{Facet, Facets, Histogram, RunFilter, RunState, SuccessRate};
use go_compat::time::Timestamp;

use super::filter::{Matcher, part, shown_state};
use super::run::{Place, Run};

/// How many bars the histogram has at most.
const BARS: i64 = 96;
/// Widths that a bar may have, in seconds: whole minutes, hours, days, weeks.
const BAR_WIDTHS: [i64; 16] = [
    60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400, 172_800, 604_800,
    1_209_600, 2_592_000, 7_776_000,
];
/// The ages over which Deck tells a success rate, in seconds.
const RATE_WINDOWS: [i64; 3] = [3 * 3600, 12 * 3600, 48 * 3600];

/// What a filter selects.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Every run that passes, newest first.
    pub runs: Vec<Arc<Run>>,
    /// How many runs there are without the filter.
    pub total: usize,
    /// Runs by state, by index in [`RunState::ALL`].
    pub counts: [u64; RunState::COUNT],
    /// Runs over time.
    pub histogram: Histogram,
    /// Success over Deck's windows, then over the whole selection.
    pub rates: Vec<SuccessRate>,
    /// The choices of the menus.
    pub facets: Facets,
}

/// Applies a filter to the runs that a viewer may see (newest first).
pub fn select(visible: &[Arc<Run>], filter: &RunFilter, now: Timestamp) -> Selection {
    let known = |name: &str| visible.iter().any(|run| *run.job == *name);
    let matcher = Matcher::new(filter, now.millis(), known);
    let mut menus = Menus::default();
    let mut runs = Vec::new();
    let mut counts = [0; RunState::COUNT];
    for run in visible {
        let stopped = matcher.stopped_by(run);
        menus.count(run, stopped);
        if stopped == 0 {
            counts[shown_state(&run.state) as usize] += 1;
            runs.push(run.clone());
        }
    }
    Selection {
        total: visible.len(),
        counts,
        histogram: histogram(&runs, filter, now),
        rates: rates(&runs, now),
        facets: menus.facets(),
        runs,
    }
}

/// Which rows a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cursor {
    /// From the newest.
    #[default]
    Newest,
    /// Those that come after this place in the list.
    After(Place),
    /// The nearest ones before this place.
    Before(Place),
}

/// The rows of a page and the keys of its neighbours.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Arc<Run>>,
    /// Key of the page with newer runs.
    pub newer: Option<String>,
    /// Key of the page with older runs.
    pub older: Option<String>,
}

/// Cuts a page out of a selection. A key names a place, not a number, so runs
/// that arrive meanwhile shift nothing.
pub fn page(runs: &[Arc<Run>], cursor: &Cursor, limit: usize) -> Page {
    let start = match cursor {
        Cursor::Newest => 0,
        Cursor::After(place) => runs.partition_point(|run| run.place() <= *place),
        Cursor::Before(place) => {
            runs.partition_point(|run| run.place() < *place).saturating_sub(limit)
        }
    };
    let end = start.saturating_add(limit).min(runs.len());
    let rows = runs[start..end].to_vec();
    let newer = rows.first().filter(|_| start > 0).map(|run| key(&run.place()));
    let older = rows.last().filter(|_| end < runs.len()).map(|run| key(&run.place()));
    Page { rows, newer, older }
}

impl Cursor {
    /// The place that a filter's `before` (older rows) or `after` (newer rows) names.
    pub fn of(filter: &RunFilter) -> Self {
        let older = filter.before.as_deref().and_then(parse_key).map(Self::After);
        let newer = || filter.after.as_deref().and_then(parse_key).map(Self::Before);
        older.or_else(newer).unwrap_or_default()
    }
}

/// A place as a URL parameter: `<milliseconds>~<id>~<job>`.
fn key(place: &Place) -> String {
    format!("{}~{}~{}", place.started.0.millis(), place.id, place.job)
}

fn parse_key(text: &str) -> Option<Place> {
    let mut parts = text.splitn(3, '~');
    let started = Timestamp::from_millis(parts.next()?.parse().ok()?);
    let (id, job) = (parts.next()?.into(), parts.next()?.into());
    Some(Place { started: std::cmp::Reverse(started), job, id })
}

fn histogram(runs: &[Arc<Run>], filter: &RunFilter, now: Timestamp) -> Histogram {
    let (Some(newest), Some(oldest)) = (runs.first(), runs.last()) else {
        return Histogram::default();
    };
    let bound = |when: app::model::When| when.resolve(now.millis()).div_euclid(1000);
    let from = filter.since.map_or(oldest.started.seconds(), bound);
    let until = filter.until.map_or(newest.started.max(now).seconds(), bound).max(from + 1);
    let span = until - from;
    let width = BAR_WIDTHS.into_iter().find(|width| span / width < BARS).unwrap_or(span / BARS + 1);
    let start = from - from.rem_euclid(width);
    let count = usize::try_from((until - start) / width + 1).unwrap_or(1);
    let mut buckets = vec![[0; RunState::COUNT]; count];
    for run in runs {
        let at = usize::try_from((run.started.seconds() - start).div_euclid(width));
        if let Some(bucket) = at.ok().and_then(|at| buckets.get_mut(at)) {
            bucket[shown_state(&run.state) as usize] += 1;
        }
    }
    Histogram { start_ms: start * 1000, bucket_ms: width * 1000, buckets }
}

fn rates(runs: &[Arc<Run>], now: Timestamp) -> Vec<SuccessRate> {
    let rate = |window_ms: i64, since: i64| {
        let mut rate = SuccessRate { window_ms, ..SuccessRate::default() };
        for run in runs.iter().take_while(|run| run.started.seconds() >= since) {
            match shown_state(&run.state) {
                RunState::Success => rate.succeeded += 1,
                RunState::Failure => rate.failed += 1,
                _ => {}
            }
        }
        rate
    };
    let windows = RATE_WINDOWS.map(|age| rate(age * 1000, now.seconds() - age));
    windows.into_iter().chain([rate(0, i64::MIN)]).collect()
}

/// Counts the values of every menu. A menu's own choice does not narrow the
/// menu itself, or it could never be changed to another value.
#[derive(Default)]
struct Menus<'a> {
    kinds: HashMap<&'a str, u64>,
    repos: HashMap<(&'a str, &'a str), u64>,
    authors: HashMap<&'a str, u64>,
    bases: HashMap<&'a str, u64>,
    states: HashMap<&'a str, u64>,
    clusters: HashMap<&'a str, u64>,
}

impl<'a> Menus<'a> {
    fn count(&mut self, run: &'a Run, stopped: u8) {
        let counts_for = |part: u8| stopped & !part == 0;
        if counts_for(part::KIND) {
            *self.kinds.entry(run.job_type.as_str()).or_default() += 1;
        }
        if counts_for(part::STATE) {
            *self.states.entry(shown_state(&run.state).word()).or_default() += 1;
        }
        if counts_for(part::CLUSTER) {
            *self.clusters.entry(&run.cluster).or_default() += 1;
        }
        let Some(refs) = &run.refs else { return };
        if counts_for(part::REPO) && !refs.repo.is_empty() {
            *self.repos.entry((&refs.org, &refs.repo)).or_default() += 1;
        }
        if counts_for(part::BASE) && !refs.base_ref.is_empty() {
            *self.bases.entry(&refs.base_ref).or_default() += 1;
        }
        if counts_for(part::AUTHOR) {
            for pull in refs.pulls.iter().filter(|pull| !pull.author.is_empty()) {
                *self.authors.entry(&pull.author).or_default() += 1;
            }
        }
    }

    fn facets(self) -> Facets {
        let repos = self.repos.into_iter().map(|((org, repo), n)| (format!("{org}/{repo}"), n));
        Facets {
            kinds: menu(self.kinds),
            repos: menu(repos),
            authors: menu(self.authors),
            bases: menu(self.bases),
            states: menu(self.states),
            clusters: menu(self.clusters),
        }
    }
}

/// Most frequent first, then by name.
fn menu(counts: impl IntoIterator<Item = (impl Into<String>, u64)>) -> Vec<Facet> {
    let mut facets: Vec<Facet> = counts
        .into_iter()
        .map(|(value, count)| Facet { value: value.into(), count })
        .filter(|facet| !facet.value.is_empty())
        .collect();
    facets.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    facets.truncate(Facets::LIMIT);
    facets
}

#[cfg(test)]
mod tests {
    use job_spec::{JobType, ProwJobState};

    use super::*;
    use crate::runs::run::{RunPull, RunRefs};

    const NOW: i64 = 1_800_000_000;

    fn run(nth: i64, job: &str, repo: &str, state: ProwJobState) -> Arc<Run> {
        let (org, repo) = repo.split_once('/').expect("org/repo");
        Arc::new(Run {
            id: format!("id-{nth}").into(),
            job: job.into(),
            job_type: JobType::Presubmit,
            state,
            cluster: "default".into(),
            build_id: nth.to_string().into(),
            refs: Some(RunRefs {
                org: org.into(),
                repo: repo.into(),
                base_ref: "main".into(),
                base_sha: "".into(),
                extra: false,
                pulls: vec![RunPull {
                    number: nth,
                    author: if nth % 2 == 0 { "even" } else { "odd" }.into(),
                    sha: "".into(),
                    title: "".into(),
                    link: "".into(),
                }],
            }),
            extra_repos: Vec::new(),
            started: Timestamp::from_seconds(NOW - nth * 60),
            pending: None,
            completed: None,
            description: "".into(),
            url: "".into(),
            artifacts: None,
            hidden: false,
            tenant: "".into(),
            live: None,
        })
    }

    fn runs() -> Vec<Arc<Run>> {
        (0..10)
            .map(|nth| {
                let state = if nth < 6 { ProwJobState::Success } else { ProwJobState::Failure };
                run(nth, &format!("pull-{nth}-unit"), ["a/x", "b/y"][nth as usize % 2], state)
            })
            .collect()
    }

    fn filter(pairs: &[(&str, &str)]) -> RunFilter {
        RunFilter::from_pairs(pairs.iter().copied())
    }

    fn ids(selection: &Selection) -> Vec<&str> {
        selection.runs.iter().map(|run| &*run.id).collect()
    }

    #[test]
    fn every_part_of_a_filter_must_hold() {
        let now = Timestamp::from_seconds(NOW);
        for (pairs, expected) in [
            (&[("state", "failure"), ("repo", "a/x")][..], &["id-6", "id-8"][..]),
            (&[("author", "odd"), ("state", "failure")], &["id-7", "id-9"]),
            (&[("job", "pull-3-unit")], &["id-3"]),
            (&[("job", "*-4-*")], &["id-4"]),
            (&[("job", "UNIT 5")], &["id-5"]),
            (&[("job", "*4")], &[]),
            (&[("pull", "8")], &["id-8"]),
            (&[("org", "b"), ("since", "4m")], &["id-1", "id-3"]),
            (&[("until", "8m")], &["id-9"]),
            (&[("type", "periodic")], &[]),
            (&[("cluster", "other")], &[]),
        ] {
            assert_eq!(ids(&select(&runs(), &filter(pairs), now)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_menu_is_not_narrowed_by_its_own_choice() {
        let now = Timestamp::from_seconds(NOW);
        let selection = select(&runs(), &filter(&[("repo", "a/x"), ("state", "failure")]), now);
        let pairs = |facets: &[Facet]| -> Vec<(String, u64)> {
            facets.iter().map(|f| (f.value.clone(), f.count)).collect()
        };
        assert_eq!(pairs(&selection.facets.repos), [("a/x".into(), 2), ("b/y".into(), 2)]);
        assert_eq!(pairs(&selection.facets.states), [("success".into(), 3), ("failure".into(), 2)]);
        assert_eq!(pairs(&selection.facets.authors), [("even".into(), 2)]);
    }

    #[test]
    fn pages_go_there_and_back_without_loss() {
        let all = runs();
        let first = page(&all, &Cursor::Newest, 4);
        assert!(first.newer.is_none());
        let filter = RunFilter { before: first.older, ..RunFilter::default() };
        let second = page(&all, &Cursor::of(&filter), 4);
        assert_eq!(&*second.rows[0].id, "id-4");
        let filter = RunFilter { after: second.newer, ..RunFilter::default() };
        let back = page(&all, &Cursor::of(&filter), 4);
        assert_eq!(&*back.rows[0].id, "id-0");
        assert_eq!(back.rows.len(), 4);
    }

    #[test]
    fn the_histogram_holds_every_selected_run() {
        let selection = select(&runs(), &RunFilter::default(), Timestamp::from_seconds(NOW));
        let drawn: u32 = selection.histogram.buckets.iter().flatten().sum();
        assert_eq!(drawn, 10);
        assert_eq!(selection.histogram.bucket_ms, 60_000);
        assert_eq!(selection.rates[3].percent(), Some(60));
    }
}
