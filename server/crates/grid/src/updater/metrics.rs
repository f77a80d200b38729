//! Numbers of a result by name.

use std::borrow::Cow;

/// The name of a number. That of durations, which nearly every result has, is not copied.
pub type MetricName = Cow<'static, str>;

/// Numbers by name, in the order of the names. A result has none, one, or a few.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics(Vec<(MetricName, f64)>);

impl Metrics {
    /// Sets a number; the last one of a name counts.
    pub fn insert(&mut self, name: impl Into<MetricName>, value: f64) {
        let name = name.into();
        match self.0.binary_search_by(|(known, _)| known.cmp(&name)) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => {
                // One is what nearly all have.
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, (name, value));
            }
        }
    }

    /// The number of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// All, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&MetricName, f64)> {
        self.0.iter().map(|(name, value)| (name, *value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<MetricName>> Extend<(N, f64)> for Metrics {
    fn extend<I: IntoIterator<Item = (N, f64)>>(&mut self, all: I) {
        all.into_iter().for_each(|(name, value)| self.insert(name, value));
    }
}

impl<N: Into<MetricName>> FromIterator<(N, f64)> for Metrics {
    fn from_iter<I: IntoIterator<Item = (N, f64)>>(all: I) -> Metrics {
        let mut metrics = Metrics::default();
        metrics.extend(all);
        metrics
    }
}

impl<N: Into<MetricName>, const COUNT: usize> From<[(N, f64); COUNT]> for Metrics {
    fn from(all: [(N, f64); COUNT]) -> Metrics {
        all.into_iter().collect()
    }
}

impl IntoIterator for Metrics {
    type Item = (MetricName, f64);
    type IntoIter = std::vec::IntoIter<(MetricName, f64)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_of_a_name_counts_and_names_are_in_order() {
        let metrics = Metrics::from([("b", 1.0), ("a", 2.0), ("b", 3.0)]);
        let all: Vec<_> = metrics.iter().map(|(name, value)| (name.as_ref(), value)).collect();
        assert_eq!(all, [("a", 2.0), ("b", 3.0)]);
        assert_eq!((metrics.get("b"), metrics.get("c")), (Some(3.0), None));
    }
}
