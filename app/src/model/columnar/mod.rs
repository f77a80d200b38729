//! A tab's grid as bytes: what the page of a tab gets, small on the wire and quick to read.
//!
//! Nothing is written once per cell. Cells come as runs of equal neighbours, texts once in a table,
//! and like stands beside like (all names, then all ids, then all statuses …), which is what makes
//! general compression work. The browser keeps the runs as they are, and reads a row when it paints
//! it: each row says how many bytes its runs take, so that nothing has to be read to come to another.
//!
//! # The form, version 2
//!
//! A *number* is an unsigned integer of at most 64 bits, seven bits to a byte, lowest first, the top
//! bit set in all bytes but the last (LEB128). A *signed number* is one whose sign went to the
//! lowest bit (zigzag). A *text* is a number of bytes and these bytes in UTF-8. A *table* is a
//! number of texts, the length of each in bytes, then the bytes of all. *Runs* are pairs: a value, and
//! how often it stands there, at least once. *Runs of the rows* are for each row how many bytes its
//! runs take, then the bytes of all.
//!
//! | Field | Form |
//! |---|---|
//! | magic | the five bytes `bgrid` and the version's byte |
//! | version of the tab | text; the same for as long as the grid is |
//! | place of the first column in the whole grid | number |
//! | columns of the whole grid | number |
//! | texts of cells and headers | table; number 0 is the empty text |
//! | builds, newest first | table; says how many columns there are |
//! | names, the second parts of the columns' identities | table; empty if all are |
//! | when the columns began | for each column a signed number of milliseconds: the first since the epoch, each other one how much earlier it is than the one before |
//! | header rows | how many, then for each its label (text) and how many bytes its values take, and these (runs of text numbers over the columns) |
//! | names of the rows | table; says how many rows there are |
//! | ids of the rows | for each row a number: 0 if its id is its name, else the place of the id in the next table, from 1 |
//! | these ids | table |
//! | statuses | runs of the rows, over all columns; the values are those of TestGrid's `TestStatus` |
//! | short texts | runs of the rows: text numbers over the filled cells (those with a status other than 0); what is missing at the end is empty |
//! | messages | as short texts |
//! | names of metrics | for each row how many; then the text numbers of all |
//! | issues | for each row how many; then all, a table |
//! | alerts | how many, then for each: how many rows are between it and the one before, failures since the last pass, first failed build (text), when it began in seconds since the epoch (signed), last passed build (text), when it began (signed), message (text) |

mod rows;
mod runs;

use std::fmt;

pub use self::rows::{ColumnarRow, Row, Rows};
pub use self::runs::{Iter as RunsIter, Runs, RunsPart};

/// The first bytes of the form, with its version.
const MAGIC: &[u8; 6] = b"bgrid\x02";

/// A range of a grid's columns with all rows that have something in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnarGrid {
    /// Names this state of the tab; another one means another grid.
    pub version: String,
    /// The place of the first column here in the whole grid.
    pub first_column: u32,
    /// How many columns the whole grid has.
    pub column_count: u32,
    /// The texts that cells and headers name by number; number 0 is the empty text.
    pub texts: Texts,
    /// The builds, newest first.
    pub builds: Texts,
    /// The second parts of the columns' identities; empty if all are, else one per column.
    pub names: Texts,
    /// When the columns began, in milliseconds since the epoch.
    pub started_ms: Vec<i64>,
    /// The header rows of the configuration: commits and the like.
    pub headers: Vec<ColumnarHeader>,
    /// The rows, in the order of the tab.
    pub rows: Rows,
}

/// A header row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnarHeader {
    /// What it holds: `Commit`, `infra commit`.
    pub label: String,
    /// Its values over the columns, as runs of text numbers.
    pub values: Runs,
}

/// Why a row alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnarAlert {
    /// Failures since the last pass.
    pub fail_count: u32,
    /// The build that failed first.
    pub fail_build: String,
    /// When that one began, in seconds since the epoch.
    pub fail_seconds: i64,
    /// The build that passed last before; empty if none is known.
    pub pass_build: String,
    /// When that one began, in seconds since the epoch.
    pub pass_seconds: i64,
    /// The message of the newest failure.
    pub message: String,
}

/// A list of texts in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    all: String,
    /// Where each text ends in `all`.
    ends: Vec<u32>,
}

impl Texts {
    /// A text by its number; empty if there is none of that number.
    pub fn get(&self, number: u32) -> &str {
        let at = number as usize;
        let start = if at == 0 { Some(0) } else { self.ends.get(at - 1).copied() };
        match (start, self.ends.get(at)) {
            (Some(start), Some(end)) => &self.all[start as usize..*end as usize],
            _ => "",
        }
    }

    /// Adds a text at the end.
    pub fn push(&mut self, text: &str) {
        self.all.push_str(text);
        self.ends.push(self.all.len() as u32);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len() as u32).map(|number| self.get(number))
    }
}

impl<T: AsRef<str>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Texts {
        let mut out = Texts::default();
        for text in texts {
            out.push(text.as_ref());
        }
        out
    }
}

/// What is wrong with the bytes of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnarError {
    /// They are no grid, or one in a later form.
    Form,
    /// They end too early.
    Short,
    /// A part of them contradicts another one; it is named.
    Damaged(&'static str),
}

impl fmt::Display for ColumnarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnarError::Form => f.write_str(
                "These bytes are no grid in a form that this page knows; load it again.",
            ),
            ColumnarError::Short => {
                f.write_str("The grid did not arrive whole; load the page again.")
            }
            ColumnarError::Damaged(part) => {
                f.write_str("The grid arrived damaged (")?;
                f.write_str(part)?;
                f.write_str("); load the page again.")
            }
        }
    }
}

impl std::error::Error for ColumnarError {}

impl ColumnarGrid {
    /// How many columns there are.
    pub fn columns(&self) -> u32 {
        self.builds.len() as u32
    }

    /// The grid as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer(MAGIC.to_vec());
        out.text(&self.version);
        out.number(self.first_column.into());
        out.number(self.column_count.into());
        out.table(&self.texts);
        out.table(&self.builds);
        out.table(&self.names);
        let mut before = None;
        for at in 0..self.builds.len() {
            let started = self.started_ms.get(at).copied().unwrap_or_default();
            out.signed(before.map_or(started, |before: i64| before.wrapping_sub(started)));
            before = Some(started);
        }
        out.number(self.headers.len() as u64);
        for header in &self.headers {
            out.text(&header.label);
            out.number(header.values.bytes().len() as u64);
            out.0.extend_from_slice(header.values.bytes());
        }
        self.rows.encode(&mut out);
        out.0
    }

    /// Reads what [`ColumnarGrid::encode`] wrote. Bytes that are cut off give an error, and none
    /// more memory than a few times their own size. The cells are not looked at, see
    /// [`ColumnarGrid::check`]; whatever stands there can be asked for.
    pub fn decode(bytes: &[u8]) -> Result<ColumnarGrid, ColumnarError> {
        let mut from = Reader { rest: bytes.strip_prefix(MAGIC).ok_or(ColumnarError::Form)? };
        let version = from.text()?.to_owned();
        let first_column = from.small("first column")?;
        let column_count = from.small("columns")?;
        let texts = from.table()?;
        let builds = from.table()?;
        let names = from.table()?;
        let columns = builds.len();
        if !names.is_empty() && names.len() != columns {
            return Err(ColumnarError::Damaged("names of columns"));
        }
        let mut started_ms = Vec::with_capacity(columns);
        for at in 0..columns {
            let number = from.signed()?;
            let before = at.checked_sub(1).and_then(|at| started_ms.get(at));
            started_ms.push(before.map_or(number, |before: &i64| before.wrapping_sub(number)));
        }
        let mut headers = Vec::new();
        for _ in 0..from.count()? {
            let label = from.text()?.to_owned();
            let bytes = from.count()?;
            headers.push(ColumnarHeader { label, values: Runs::read(from.bytes(bytes)?) });
        }
        let rows = Rows::decode(&mut from)?;
        if !from.rest.is_empty() {
            return Err(ColumnarError::Damaged("more bytes than a grid has"));
        }
        Ok(ColumnarGrid {
            version,
            first_column,
            column_count,
            texts,
            builds,
            names,
            started_ms,
            headers,
            rows,
        })
    }

    /// Looks whether all cells are of this grid: whole numbers, no more cells than columns, texts
    /// that are there. It takes as long as the grid is large, so a page shows the grid first.
    pub fn check(&self) -> Result<(), ColumnarError> {
        let texts = self.texts.len().max(1) as u64;
        let columns = u64::from(self.columns());
        for header in &self.headers {
            header.values.part().check(columns, texts)?;
        }
        for row in self.rows.iter() {
            let filled = row.statuses.check(columns, 1 << 32)?;
            row.icons.check(filled, texts)?;
            row.messages.check(filled, texts)?;
            if row.metrics.iter().any(|name| u64::from(*name) >= texts) {
                return Err(ColumnarError::Damaged("the name of a metric"));
            }
        }
        Ok(())
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// How many there are in each place, by where those of each place end.
    fn counts(&mut self, ends: &[u32]) {
        let mut before = 0;
        for end in ends {
            self.number(u64::from(end - before));
            before = *end;
        }
    }

    fn table(&mut self, texts: &Texts) {
        self.number(texts.len() as u64);
        self.counts(&texts.ends);
        self.0.extend_from_slice(texts.all.as_bytes());
    }
}

/// Reads bytes.
struct Reader<'a> {
    /// What is still to be read. Whatever counts things is held against it first: a thing takes a byte
    /// at least.
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Most numbers are one byte; a grid has some ten thousand.
    #[inline(always)]
    fn number(&mut self) -> Result<u64, ColumnarError> {
        match self.rest {
            [byte @ 0..0x80, rest @ ..] => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Result<u64, ColumnarError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(ColumnarError::Short)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(ColumnarError::Damaged("a number"))
    }

    fn signed(&mut self) -> Result<i64, ColumnarError> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    #[inline(always)]
    fn small(&mut self, what: &'static str) -> Result<u32, ColumnarError> {
        u32::try_from(self.number()?).map_err(|_| ColumnarError::Damaged(what))
    }

    fn count(&mut self) -> Result<usize, ColumnarError> {
        let count = self.number()?;
        if count > self.rest.len() as u64 {
            return Err(ColumnarError::Short);
        }
        Ok(count as usize)
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], ColumnarError> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or(ColumnarError::Short)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<&'a str, ColumnarError> {
        let count = self.count()?;
        str::from_utf8(self.bytes(count)?).map_err(|_| ColumnarError::Damaged("a text"))
    }

    /// So many small numbers.
    fn numbers(&mut self, count: usize, what: &'static str) -> Result<Vec<u32>, ColumnarError> {
        if count > self.rest.len() {
            return Err(ColumnarError::Short);
        }
        let mut numbers = vec![0; count];
        for number in &mut numbers {
            *number = self.small(what)?;
        }
        Ok(numbers)
    }

    /// How many there are in each of so many places, as where those of each place end.
    fn ends(&mut self, places: usize) -> Result<Vec<u32>, ColumnarError> {
        let mut ends = self.numbers(places, "a length")?;
        let mut end = 0_u32;
        for place in &mut ends {
            end = end.checked_add(*place).ok_or(ColumnarError::Short)?;
            *place = end;
        }
        Ok(ends)
    }

    fn table(&mut self) -> Result<Texts, ColumnarError> {
        let count = self.count()?;
        let ends = self.ends(count)?;
        let end = ends.last().copied().unwrap_or(0);
        let damaged = ColumnarError::Damaged("a table of texts");
        let all = str::from_utf8(self.bytes(end as usize)?).map_err(|_| damaged)?;
        if !ends.iter().all(|end| all.is_char_boundary(*end as usize)) {
            return Err(damaged);
        }
        Ok(Texts { all: all.to_owned(), ends })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn runs(values: impl Strategy<Value = u32>, most: usize) -> impl Strategy<Value = Runs> {
        proptest::collection::vec(values, 0..=most).prop_map(|values| values.into_iter().collect())
    }

    fn row() -> impl Strategy<Value = ColumnarRow> {
        let name = ("[a-z/é]{0,9}", proptest::option::of("[a-zA-Z]{0,6}"));
        let cells = (runs(1..16_u32, 7), runs(0..3_u32, 3), runs(0..3_u32, 3));
        let alert = (any::<u32>(), ".{0,4}", any::<i64>(), ".{0,4}", any::<i64>(), ".{0,9}");
        let rest = (proptest::collection::vec(0..3_u32, 0..3), proptest::option::of(alert));
        let issues = proptest::collection::vec(".{0,5}", 0..3);
        (name, cells, rest, issues).prop_map(|(name, cells, (metrics, alert), issues)| {
            let few =
                |runs: Runs| if runs.count() > cells.0.count() { Runs::default() } else { runs };
            ColumnarRow {
                name: name.0,
                id: name.1,
                icons: few(cells.1),
                messages: few(cells.2),
                statuses: cells.0,
                metrics,
                issues,
                alert: alert.map(|(count, fail, fail_at, pass, pass_at, message)| ColumnarAlert {
                    fail_count: count,
                    fail_build: fail,
                    fail_seconds: fail_at,
                    pass_build: pass,
                    pass_seconds: pass_at,
                    message,
                }),
            }
        })
    }

    fn grid() -> impl Strategy<Value = ColumnarGrid> {
        let columns = proptest::collection::vec(("[0-9]{0,9}", any::<i64>()), 7);
        let header = ("[A-Za-z ]{0,7}", runs(0..3_u32, 7));
        let headers = proptest::collection::vec(header, 0..3);
        let rows = proptest::collection::vec(row(), 0..12);
        (".{0,8}", any::<bool>(), columns, headers, rows).prop_map(
            |(version, named, columns, headers, rows)| ColumnarGrid {
                version,
                first_column: 3,
                column_count: 70,
                texts: ["", "F", "it went wrong: «ü»"].into_iter().collect(),
                builds: columns.iter().map(|column| &column.0).collect(),
                names: columns.iter().filter(|_| named).map(|column| &column.0).collect(),
                started_ms: columns.iter().map(|column| column.1).collect(),
                headers: headers
                    .into_iter()
                    .map(|(label, values)| ColumnarHeader { label, values })
                    .collect(),
                rows: rows.into_iter().collect(),
            },
        )
    }

    proptest! {
        #[test]
        fn a_grid_is_read_as_it_was_written(grid in grid()) {
            let read = ColumnarGrid::decode(&grid.encode());
            prop_assert_eq!(read.as_ref().map(ColumnarGrid::check), Ok(Ok(())));
            prop_assert_eq!(read, Ok(grid));
        }

        #[test]
        fn bytes_that_are_cut_off_are_refused(grid in grid(), cut in any::<prop::sample::Index>()) {
            let bytes = grid.encode();
            prop_assert!(ColumnarGrid::decode(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn changed_bytes_give_a_grid_of_their_own_size_or_an_error(
            grid in grid(),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut bytes = grid.encode();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let Ok(grid) = ColumnarGrid::decode(&bytes) else { return Ok(()) };
            prop_assert!(grid.rows.len() + grid.builds.len() <= bytes.len());
            let whole = grid.check().is_ok();
            for row in grid.rows.iter() {
                for column in 0..grid.columns() + 2 {
                    let (_, icon, message) = row.cell(column);
                    prop_assert!(!whole || (icon.max(message) as usize) < grid.texts.len().max(1));
                    let _ = (grid.texts.get(icon), grid.texts.get(message));
                }
                let _ = row.issues().count();
                prop_assert!(!whole || row.statuses.iter().map(|(_, run)| run).sum::<u32>() <= grid.columns());
            }
        }

        #[test]
        fn any_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ColumnarGrid::decode(&bytes);
            let _ = ColumnarGrid::decode(&[&MAGIC[..], &bytes[..]].concat());
        }
    }

    #[test]
    fn counts_that_no_bytes_back_are_refused_before_memory_is_asked_for() {
        for count in [&[0xff_u8, 0xff, 0xff, 0xff, 0x0f][..], &[0xff; 10]] {
            let bytes = [&MAGIC[..], &[0, 0, 0], count].concat();
            assert!(ColumnarGrid::decode(&bytes).is_err());
        }
    }

    #[test]
    fn the_texts_of_a_cell_are_those_of_the_filled_cells() {
        let row = ColumnarRow {
            statuses: Runs::from_pairs(&[0, 2, 12, 1, 1, 2, 0, 1, 12, 1]),
            icons: Runs::from_pairs(&[1, 1, 0, 2, 2, 1]),
            messages: Runs::from_pairs(&[3, 1]),
            ..ColumnarRow::default()
        };
        let rows: Rows = [row].into_iter().collect();
        let row = rows.get(0).expect("a row");
        let cells: Vec<_> = (0..8).map(|column| row.cell(column)).collect();
        let empty = (0, 0, 0);
        let pass = (1, 0, 0);
        assert_eq!(cells, [empty, empty, (12, 1, 3), pass, pass, empty, (12, 2, 0), empty]);
    }
}
