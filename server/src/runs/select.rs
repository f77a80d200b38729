//! From a filter to what the run list shows: the rows of a page, the counts,
//! the choices of the filter bar, the histogram.

use std::collections::BTreeSet;
use std::sync::Arc;

use go_compat::time::Timestamp;
use job_spec::{JobType, ProwJobState};

use super::filter::Filter;
use super::run::{Place, Run};

/// How many bars the histogram has at most.
const BARS: i64 = 72;
/// Widths that a bar may have, in seconds: whole minutes, hours, days, weeks.
const BAR_WIDTHS: [i64; 16] = [
    60,
    120,
    300,
    600,
    900,
    1_800,
    3_600,
    7_200,
    14_400,
    43_200,
    86_400,
    172_800,
    604_800,
    1_209_600,
    2_592_000,
    7_776_000,
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
    /// Runs per state, in the order of a run's life, empty states left out.
    pub states: Vec<(ProwJobState, usize)>,
    /// Runs over time.
    pub histogram: Histogram,
    /// Success rates of the last 3, 12 and 48 hours: age in seconds and
    /// per cent, rounded up as Deck does; `None` where nothing ended.
    pub rates: Vec<(i64, Option<u32>)>,
    /// What the filter bar offers.
    pub choices: Choices,
}

/// Runs by start time, stacked by state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Start of the first bar.
    pub start: Option<Timestamp>,
    /// Width of a bar in seconds.
    pub bar_seconds: i64,
    /// Oldest first; each with its count per state.
    pub bars: Vec<Vec<(ProwJobState, usize)>>,
}

/// The values that the filter bar offers.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Job types that exist.
    pub types: Vec<JobType>,
    /// `org/repo`, extra repositories of periodics included.
    pub repos: Vec<String>,
    /// Authors (of the chosen repository), without regard to case.
    pub authors: Vec<Arc<str>>,
    /// Pull requests of the chosen repository, newest first.
    pub pulls: Vec<i64>,
    /// Branches (of the chosen repository).
    pub bases: Vec<Arc<str>>,
    /// Job names (of the chosen repository).
    pub jobs: Vec<Arc<str>>,
    /// States that exist.
    pub states: Vec<ProwJobState>,
    /// Build clusters that exist.
    pub clusters: Vec<Arc<str>>,
}

/// Applies a filter to the runs that a viewer may see.
pub fn select(visible: &[Arc<Run>], filter: &Filter, now: Timestamp) -> Selection {
    let choices = choices(visible, filter);
    let known = |name: &str| visible.iter().any(|run| *run.job == *name);
    let matcher = filter.matcher(known);
    let runs: Vec<Arc<Run>> =
        visible.iter().filter(|run| matcher.matches(run)).cloned().collect();
    let states = count_states(&runs);
    let histogram = histogram(&runs, filter, now);
    let rates = RATE_WINDOWS.map(|age| (age, success_rate(&runs, age, now))).to_vec();
    Selection { total: visible.len(), states, histogram, rates, choices, runs }
}

/// Which rows a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cursor {
    /// From the newest.
    #[default]
    Newest,
    /// Those that come after this place.
    OlderThan(Place),
    /// The nearest ones before this place.
    NewerThan(Place),
}

/// The rows of a page and whether there are more on either side.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Arc<Run>>,
    /// Newer runs exist that the page does not show.
    pub newer: bool,
    /// Older runs exist that the page does not show.
    pub older: bool,
}

/// Cuts a page out of a selection. A cursor names a place, not a number, so
/// runs that arrive meanwhile shift nothing.
pub fn page(runs: &[Arc<Run>], cursor: &Cursor, limit: usize) -> Page {
    let start = match cursor {
        Cursor::Newest => 0,
        Cursor::OlderThan(place) => runs.partition_point(|run| run.place() <= *place),
        Cursor::NewerThan(place) => {
            runs.partition_point(|run| run.place() < *place).saturating_sub(limit)
        }
    };
    let end = start.saturating_add(limit).min(runs.len());
    Page { rows: runs[start..end].to_vec(), newer: start > 0, older: end < runs.len() }
}

impl Cursor {
    /// Reads the `older` and `newer` parameters.
    pub fn parse(older: Option<&str>, newer: Option<&str>) -> Self {
        let older = older.and_then(parse_place).map(Self::OlderThan);
        let newer = || newer.and_then(parse_place).map(Self::NewerThan);
        older.or_else(newer).unwrap_or_default()
    }
}

/// A place as a URL parameter: `<milliseconds>~<id>~<job>`.
pub fn format_place(place: &Place) -> String {
    format!("{}~{}~{}", place.started.0.millis(), place.id, place.job)
}

fn parse_place(text: &str) -> Option<Place> {
    let mut parts = text.splitn(3, '~');
    let started = Timestamp::from_millis(parts.next()?.parse().ok()?);
    let (id, job) = (parts.next()?.into(), parts.next()?.into());
    Some(Place { started: std::cmp::Reverse(started), job, id })
}

fn count_states(runs: &[Arc<Run>]) -> Vec<(ProwJobState, usize)> {
    let mut counts: Vec<(ProwJobState, usize)> = Vec::new();
    for run in runs {
        match counts.iter_mut().find(|(state, _)| *state == run.state) {
            Some((_, count)) => *count += 1,
            None => counts.push((run.state.clone(), 1)),
        }
    }
    counts.sort();
    counts
}

fn histogram(runs: &[Arc<Run>], filter: &Filter, now: Timestamp) -> Histogram {
    let (Some(newest), Some(oldest)) = (runs.first(), runs.last()) else {
        return Histogram::default();
    };
    let from = filter.since.unwrap_or(oldest.started).seconds();
    let until = filter.until.unwrap_or(newest.started.max(now)).seconds().max(from + 1);
    let span = until - from;
    let bar_seconds = BAR_WIDTHS
        .into_iter()
        .find(|width| span / width < BARS)
        .unwrap_or((span / BARS).max(1) + 1);
    let start = from - from.rem_euclid(bar_seconds);
    let count = usize::try_from((until - start) / bar_seconds + 1).unwrap_or(1);
    let mut bars: Vec<Vec<(ProwJobState, usize)>> = vec![Vec::new(); count];
    for run in runs {
        let at = usize::try_from((run.started.seconds() - start) / bar_seconds).unwrap_or(0);
        let Some(bar) = bars.get_mut(at) else { continue };
        match bar.iter_mut().find(|(state, _)| *state == run.state) {
            Some((_, count)) => *count += 1,
            None => bar.push((run.state.clone(), 1)),
        }
    }
    for bar in &mut bars {
        bar.sort();
    }
    Histogram { start: Some(Timestamp::from_seconds(start)), bar_seconds, bars }
}

fn success_rate(runs: &[Arc<Run>], age: i64, now: Timestamp) -> Option<u32> {
    let since = now.seconds() - age;
    let (mut success, mut ended) = (0_u32, 0_u32);
    for run in runs.iter().take_while(|run| run.started.seconds() >= since) {
        match run.state {
            ProwJobState::Success => {
                success += 1;
                ended += 1;
            }
            ProwJobState::Failure => ended += 1,
            _ => {}
        }
    }
    (ended > 0).then(|| (success * 100).div_ceil(ended))
}

fn choices(visible: &[Arc<Run>], filter: &Filter) -> Choices {
    let mut types = BTreeSet::new();
    let mut states = BTreeSet::new();
    let mut clusters = BTreeSet::new();
    let mut repos = BTreeSet::new();
    let mut authors = BTreeSet::new();
    let mut pulls = BTreeSet::new();
    let mut bases = BTreeSet::new();
    let mut jobs = BTreeSet::new();
    let of_repo = Filter { org: filter.org.clone(), repo: filter.repo.clone(), ..Filter::default() };
    let in_repo = of_repo.matcher(|_| false);
    for run in visible {
        types.insert(run.job_type);
        if !states.contains(&run.state) {
            states.insert(run.state.clone());
        }
        if !clusters.contains(&run.cluster) {
            clusters.insert(run.cluster.clone());
        }
        if let Some(refs) = &run.refs
            && !refs.repo.is_empty()
        {
            repos.insert((refs.org.clone(), refs.repo.clone()));
        }
        if !in_repo.matches(run) {
            continue;
        }
        if !jobs.contains(&run.job) {
            jobs.insert(run.job.clone());
        }
        let Some(refs) = &run.refs else { continue };
        if !refs.base_ref.is_empty() && !bases.contains(&refs.base_ref) {
            bases.insert(refs.base_ref.clone());
        }
        for pull in &refs.pulls {
            if !authors.contains(&pull.author) {
                authors.insert(pull.author.clone());
            }
            if !filter.repo.is_empty() {
                pulls.insert(pull.number);
            }
        }
    }
    let mut authors: Vec<Arc<str>> = authors.into_iter().collect();
    authors.sort_by_key(|author| author.to_lowercase());
    Choices {
        types: types.into_iter().collect(),
        repos: repos.into_iter().map(|(org, repo)| format!("{org}/{repo}")).collect(),
        authors,
        pulls: pulls.into_iter().rev().collect(),
        bases: bases.into_iter().collect(),
        jobs: jobs.into_iter().collect(),
        states: states.into_iter().collect(),
        clusters: clusters.into_iter().collect(),
    }
}
