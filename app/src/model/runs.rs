//! Values that stand in a row, equal neighbours as one.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Values that stand in a row, equal neighbours as one: value and length of each run as numbers of
/// seven bits to a byte, as they travel. What was read of a grid shares its bytes, so that to have a
/// row costs nothing until somebody looks at it.
#[derive(Clone, Default)]
pub struct Runs {
    bytes: Bytes,
    /// How many runs there are.
    count: u32,
}

#[derive(Clone)]
enum Bytes {
    /// Made here; the last run begins at the given place.
    Own(Vec<u8>, usize),
    /// A part of something larger, all numbers of which were looked at.
    Part(Arc<[u8]>, Range<u32>),
}

impl Default for Bytes {
    fn default() -> Self {
        Bytes::Own(Vec::new(), 0)
    }
}

impl Runs {
    /// Runs of flat pairs of value and length. A value without a length and runs of length 0 are
    /// left out; neighbours of one value become one run.
    pub fn from_pairs(pairs: &[u32]) -> Runs {
        let mut runs = Runs::default();
        for pair in pairs.chunks_exact(2) {
            runs.push(pair[0], pair[1]);
        }
        runs
    }

    /// So many runs in a part of larger bytes. The numbers there must be whole and fit 32 bits.
    pub(super) fn part(all: &Arc<[u8]>, place: Range<usize>, count: usize) -> Runs {
        // Empty ones need nothing of it.
        if count == 0 {
            return Runs::default();
        }
        let place = place.start as u32..place.end as u32;
        Runs { bytes: Bytes::Part(Arc::clone(all), place), count: count as u32 }
    }

    /// The bytes of the runs.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Own(bytes, _) => bytes,
            Bytes::Part(all, place) => {
                all.get(place.start as usize..place.end as usize).unwrap_or_default()
            }
        }
    }

    /// How many runs there are.
    pub(super) fn runs(&self) -> u32 {
        self.count
    }

    /// Adds a value that stands there `count` times.
    pub fn push(&mut self, value: u32, count: u32) {
        if count == 0 {
            return;
        }
        if let Bytes::Part(..) = self.bytes {
            let whole = self.bytes().to_vec();
            let mut last = Iter { rest: &whole };
            let mut start = 0;
            for _ in 1..self.count {
                last.next();
                start = whole.len() - last.rest.len();
            }
            self.bytes = Bytes::Own(whole, start);
        }
        let Bytes::Own(bytes, last) = &mut self.bytes else { return };
        let before = Iter { rest: bytes.get(*last..).unwrap_or_default() }.next();
        let joined = match before {
            Some((same, run)) if same == value => run.checked_add(count),
            _ => None,
        };
        match joined {
            Some(_) => bytes.truncate(*last),
            None => {
                *last = bytes.len();
                self.count += 1;
            }
        }
        put(bytes, value);
        put(bytes, joined.unwrap_or(count));
    }

    /// Value and length of each run.
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: self.bytes() }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.iter().map(|(_, run)| u64::from(run)).sum()
    }

    /// The value at a place.
    pub fn get(&self, mut place: u32) -> Option<u32> {
        for (value, run) in self.iter() {
            match place.checked_sub(run) {
                Some(left) => place = left,
                None => return Some(value),
            }
        }
        None
    }
}

impl PartialEq for Runs {
    fn eq(&self, other: &Runs) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Runs {}

impl fmt::Debug for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl FromIterator<u32> for Runs {
    fn from_iter<I: IntoIterator<Item = u32>>(values: I) -> Runs {
        let mut runs = Runs::default();
        for value in values {
            runs.push(value, 1);
        }
        runs
    }
}

/// Value and length of each run, in order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl Iter<'_> {
    #[inline]
    fn number(&mut self) -> Option<u32> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        let mut number = u32::from(first & 0x7f);
        let (mut byte, mut shift) = (first, 7);
        while byte & 0x80 != 0 {
            let (&next, rest) = self.rest.split_first()?;
            self.rest = rest;
            byte = next;
            // Whatever is read was looked at before: the number fits.
            number |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            shift += 7;
        }
        Some(number)
    }
}

impl Iterator for Iter<'_> {
    type Item = (u32, u32);

    #[inline]
    fn next(&mut self) -> Option<(u32, u32)> {
        Some((self.number()?, self.number()?))
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_are_the_values_that_were_put_in(
            pairs in proptest::collection::vec((0..3_u32, 0..300_u32), 0..9),
            cut in 0..9_usize,
        ) {
            let expanded = |pairs: &[(u32, u32)]| -> Vec<u32> {
                pairs.iter().flat_map(|(value, run)| std::iter::repeat_n(*value, *run as usize)).collect()
            };
            let values = expanded(&pairs);
            let whole: Runs = values.iter().copied().collect();
            let flat: Vec<u32> = pairs.iter().flat_map(|(value, run)| [*value, *run]).collect();
            prop_assert_eq!(&Runs::from_pairs(&flat), &whole);
            prop_assert_eq!(expanded(&whole.iter().collect::<Vec<_>>()), values.clone());
            prop_assert_eq!((whole.count() as usize, whole.iter().count()), (values.len(), whole.runs() as usize));
            for (at, value) in values.iter().enumerate() {
                prop_assert_eq!(whole.get(at as u32), Some(*value));
            }
            prop_assert_eq!(whole.get(values.len() as u32), None);

            // What came as a part of something larger goes on like what was made here.
            let (before, after) = pairs.split_at(cut.min(pairs.len()));
            let start: Runs = expanded(before).into_iter().collect();
            let all: Arc<[u8]> = [&[9, 9], start.bytes(), &[9]].concat().into();
            let mut joined = Runs::part(&all, 2..all.len() - 1, start.runs() as usize);
            prop_assert_eq!(&joined, &start);
            for (value, run) in after {
                joined.push(*value, *run);
            }
            prop_assert_eq!((&joined, joined.runs()), (&whole, whole.runs()));
        }
    }

    #[test]
    fn a_run_that_would_be_too_long_begins_anew() {
        let mut runs = Runs::default();
        runs.push(7, u32::MAX);
        runs.push(7, 2);
        assert_eq!(runs.iter().collect::<Vec<_>>(), [(7, u32::MAX), (7, 2)]);
    }
}
