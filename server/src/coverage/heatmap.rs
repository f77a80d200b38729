//! Directories by profiles: which entries a directory has, and their share in each profile.

use std::collections::BTreeMap;

use coverage::Ratio;
use coverage::stored::Summary;

/// The bars of a trend, from the least to the greatest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A trend whose shares differ by less than this many points is drawn flat.
const FLAT_POINTS: f64 = 2.0;

/// What a directory holds, by profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heatmap {
    /// Everything in the directory.
    pub all: Vec<Option<Ratio>>,
    /// Its entries, directories (with `/` at their end) first, each by profile.
    pub rows: Vec<(String, Vec<Option<Ratio>>)>,
}

/// The entries of a directory (empty, or with `/` at its end) in each of these profiles.
pub fn heatmap<'a>(profiles: impl IntoIterator<Item = &'a Summary>, directory: &str) -> Heatmap {
    let mut all = Vec::new();
    let mut rows: BTreeMap<(bool, &str), Vec<Option<Ratio>>> = BTreeMap::new();
    for (column, profile) in profiles.into_iter().enumerate() {
        let mut sum: Option<Ratio> = None;
        // Files are sorted by name, so those of one entry stand together: it is looked up once.
        let mut open: Option<((bool, &str), Ratio)> = None;
        let mut put = |(key, ratio): ((bool, &'a str), Ratio)| {
            let cells = rows.entry(key).or_default();
            if cells.len() <= column {
                cells.resize(column + 1, None);
            }
            if let Some(cell) = cells.get_mut(column) {
                *cell = Some(cell.unwrap_or_default().plus(ratio));
            }
        };
        let first = profile.files.partition_point(|(name, _)| name.as_str() < directory);
        let below = profile.files.iter().skip(first);
        for (name, ratio) in below.take_while(|(name, _)| name.starts_with(directory)) {
            sum = Some(sum.unwrap_or_default().plus(*ratio));
            let rest = &name[directory.len()..];
            if let Some(((false, entry), sum)) = &mut open
                && rest.starts_with(*entry)
            {
                *sum = sum.plus(*ratio);
                continue;
            }
            let slash = rest.bytes().skip(1).position(|byte| byte == b'/').map(|at| at + 1);
            let key = match slash {
                Some(at) => (false, &rest[..=at]),
                None if rest.is_empty() => continue,
                None => (true, rest),
            };
            if let Some(done) = open.replace((key, *ratio)) {
                put(done);
            }
        }
        if let Some(done) = open {
            put(done);
        }
        all.push(sum);
    }
    let columns = all.len();
    let rows = rows.into_iter().map(|((_, name), mut cells)| {
        cells.resize(columns, None);
        (name.to_owned(), cells)
    });
    Heatmap { rows: rows.collect(), all }
}

/// The directory where a job's files part: a first page that shows one row would show nothing.
pub fn first_directory(newest: &Summary) -> &str {
    coverage::common_directory(newest.files.iter().map(|(name, _)| name.as_str()))
}

/// Shares, newest first, as bars from the oldest to the newest.
pub fn trend(cells: &[Option<Ratio>]) -> String {
    let shares = || cells.iter().flatten().map(|ratio| ratio.share() * 100.0);
    let (least, most) =
        (shares().fold(f64::INFINITY, f64::min), shares().fold(f64::NEG_INFINITY, f64::max));
    let span = most - least;
    let bar = |cell: &Option<Ratio>| match cell {
        None => ' ',
        Some(_) if span < FLAT_POINTS => BARS[3],
        Some(ratio) => {
            let step = (ratio.share() * 100.0 - least) / span * (BARS.len() - 1) as f64;
            BARS[(step.round() as usize).min(BARS.len() - 1)]
        }
    };
    cells.iter().rev().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(files: &[(&str, u64, u64)]) -> Summary {
        let ratio = |covered, total| Ratio { covered, total };
        Summary {
            files: files.iter().map(|(name, c, t)| ((*name).to_owned(), ratio(*c, *t))).collect(),
        }
    }

    #[test]
    fn a_heatmap_has_directories_and_then_files_by_profile() {
        let new =
            summary(&[("p/a/x.go", 1, 2), ("p/a/é/y.go", 1, 1), ("p/b.go", 0, 3), ("q.go", 1, 1)]);
        let old = summary(&[("p/a/x.go", 2, 2), ("p/c/z.go", 0, 1)]);
        let ratio = |covered, total| Some(Ratio { covered, total });
        let map = heatmap([&new, &old], "p/");
        assert_eq!(map.all, [ratio(2, 6), ratio(2, 3)]);
        assert_eq!(
            map.rows,
            [
                ("a/".to_owned(), vec![ratio(2, 3), ratio(2, 2)]),
                ("c/".to_owned(), vec![None, ratio(0, 1)]),
                ("b.go".to_owned(), vec![ratio(0, 3), None]),
            ]
        );
        assert_eq!(heatmap([&new], "p/a/").rows[0].0, "é/");
        assert_eq!(heatmap([&new], "nothing/").rows, []);
        assert_eq!(first_directory(&old), "p/");
    }

    #[test]
    fn a_trend_runs_from_the_oldest_to_the_newest() {
        let cells =
            [(9, 10), (5, 10), (0, 10)].map(|(covered, total)| Some(Ratio { covered, total }));
        assert_eq!(trend(&cells), "▁▅█");
        assert_eq!(trend(&[cells[0], None, cells[0]]), "▄ ▄");
    }
}
