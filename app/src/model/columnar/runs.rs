//! Values that stand in a row, equal neighbours as one.

use std::fmt;

use super::ColumnarError;

/// Values that stand in a row, equal neighbours as one: value and length of each run as numbers of
/// seven bits to a byte, as they travel.
#[derive(Clone, Default)]
pub struct Runs {
    bytes: Vec<u8>,
    /// Where the last run begins.
    last: usize,
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

    /// Runs as they travel.
    pub(super) fn read(bytes: &[u8]) -> Runs {
        let mut runs = RunsPart::new(bytes).iter();
        let mut last = 0;
        while !runs.rest.is_empty() {
            last = bytes.len() - runs.rest.len();
            runs.next();
        }
        Runs { bytes: bytes.to_vec(), last }
    }

    /// The bytes of the runs.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All of it, to be read.
    pub fn part(&self) -> RunsPart<'_> {
        RunsPart { bytes: &self.bytes }
    }

    /// Adds a value that stands there `count` times.
    pub fn push(&mut self, value: u32, count: u32) {
        if count == 0 {
            return;
        }
        let before = Iter { rest: self.bytes.get(self.last..).unwrap_or_default() }.next();
        let joined = match before {
            Some((same, run)) if same == value => run.checked_add(count),
            _ => None,
        };
        match joined {
            Some(_) => self.bytes.truncate(self.last),
            None => self.last = self.bytes.len(),
        }
        put(&mut self.bytes, value);
        put(&mut self.bytes, joined.unwrap_or(count));
    }

    /// Value and length of each run.
    pub fn iter(&self) -> Iter<'_> {
        self.part().iter()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.iter().map(|(_, run)| u64::from(run)).sum()
    }

    /// The value at a place.
    pub fn get(&self, place: u32) -> Option<u32> {
        self.part().get(place)
    }
}

impl PartialEq for Runs {
    fn eq(&self, other: &Runs) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Runs {}

impl fmt::Debug for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// [`Runs`] that are a part of something larger.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunsPart<'a> {
    bytes: &'a [u8],
}

impl<'a> RunsPart<'a> {
    /// Runs as they travel. Of bytes that are none, some runs are read.
    pub(super) fn new(bytes: &'a [u8]) -> RunsPart<'a> {
        RunsPart { bytes }
    }

    /// Value and length of each run.
    pub fn iter(&self) -> Iter<'a> {
        Iter { rest: self.bytes }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
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

    /// Whether these are whole runs of at most `most` values below `below`; how many of the values
    /// are not 0.
    pub(super) fn check(&self, most: u64, below: u64) -> Result<u64, ColumnarError> {
        let damaged = ColumnarError::Damaged("a run");
        let mut runs = self.iter();
        let (mut values, mut filled) = (0_u64, 0_u64);
        while !runs.rest.is_empty() {
            let (value, run) = runs.next().ok_or(damaged)?;
            values += u64::from(run);
            if run == 0 || values > most || u64::from(value) >= below {
                return Err(damaged);
            }
            if value != 0 {
                filled += u64::from(run);
            }
        }
        Ok(filled)
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
            // What does not fit is no number of a grid, and stands for any other.
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
            prop_assert_eq!(whole.count() as usize, values.len());
            prop_assert!(whole.part().check(values.len() as u64, 3).is_ok());
            for (at, value) in values.iter().enumerate() {
                prop_assert_eq!(whole.get(at as u32), Some(*value));
            }
            prop_assert_eq!(whole.get(values.len() as u32), None);

            // What was read goes on like what was made here.
            let (before, after) = pairs.split_at(cut.min(pairs.len()));
            let start: Runs = expanded(before).into_iter().collect();
            let mut joined = Runs::read(start.bytes());
            prop_assert_eq!(&joined, &start);
            for (value, run) in after {
                joined.push(*value, *run);
            }
            prop_assert_eq!(&joined, &whole);
        }

        #[test]
        fn bytes_that_are_no_runs_are_told_and_can_be_asked(bytes in proptest::collection::vec(any::<u8>(), 0..30)) {
            let part = RunsPart::new(&bytes);
            for place in 0..40 {
                let _ = part.get(place);
            }
            if part.check(100, 9).is_ok() {
                prop_assert!(part.iter().all(|(value, run)| value < 9 && (1..=100).contains(&run)));
            }
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
