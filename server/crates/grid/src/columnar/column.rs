//! One build of a group in the store.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use prost::Message;

use super::bytes::{ColumnError, Reader, Writer};
use crate::proto::TestStatus;
use crate::proto::state::Column;
use crate::updater::cell::Cell;
use crate::updater::convert::InflatedColumn;

/// The version of the form; the first byte of what is stored.
const VERSION: u8 = 1;

/// A column that unpacks to more is refused.
const MAX_PLAIN_BYTES: u64 = 256 << 20;

/// Metrics are mostly durations: minutes, from seconds with at most so many parts.
const PARTS_PER_MINUTE: f64 = 60e6;

/// The names of a group's rows. Columns name rows by their number; rows are only ever added, so that
/// adding a build costs what the build has, however long the history is.
#[derive(Clone, Debug, Default)]
pub struct RowTable {
    names: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, u32>,
}

impl RowTable {
    /// The table of these names, numbered from 0.
    pub fn new(names: impl IntoIterator<Item = Arc<str>>) -> RowTable {
        let mut table = RowTable::default();
        for name in names {
            let number = table.names.len() as u32;
            table.by_name.entry(name.clone()).or_insert(number);
            table.names.push(name);
        }
        table
    }

    /// The number of a name, which is added if it is new.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.by_name.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.by_name.insert(name, number);
        number
    }

    /// The names from a number on: what was added since the table had that length.
    pub fn names_from(&self, number: usize) -> &[Arc<str>] {
        self.names.get(number..).unwrap_or_default()
    }

    /// The name of a number.
    pub fn name(&self, number: usize) -> Option<&str> {
        self.names.get(number).map(|name| &**name)
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// The texts of a column, each once. Number 0 is the empty text.
#[derive(Default)]
struct Texts<'c> {
    numbers: HashMap<&'c str, usize>,
    texts: Vec<&'c str>,
}

impl<'c> Texts<'c> {
    fn number(&mut self, text: &'c str) -> usize {
        if text.is_empty() {
            return 0;
        }
        *self.numbers.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len()
        })
    }
}

/// A column as it is stored. Rows that the table does not have are added to it; they must be stored
/// with the column, or before it.
pub fn encode_column(column: &InflatedColumn, rows: &mut RowTable) -> Vec<u8> {
    let mut cells: Vec<(u32, &Cell)> =
        column.cells.iter().map(|(name, cell)| (rows.number(name), cell)).collect();
    cells.sort_by_key(|(row, _)| *row);
    let mut out = Writer::default();
    out.bytes(&column.column.encode_to_vec());
    out.count(cells.len());
    let mut next = 0;
    for (row, _) in &cells {
        out.number(u64::from(row - next));
        next = row + 1;
    }
    out.runs(cells.iter().map(|(_, cell)| cell.status as u64));

    // The texts are known after everything that uses them, and stand before.
    let mut texts = Texts::default();
    let mut body = Writer::default();
    let streams: [fn(&Cell) -> &str; 5] = [
        |cell| &cell.icon,
        |cell| &cell.message,
        |cell| &cell.cell_id,
        |cell| &cell.user_property,
        |cell| &cell.id,
    ];
    for stream in streams {
        body.runs(cells.iter().map(|(_, cell)| texts.number(stream(cell)) as u64));
    }
    let mut metrics: BTreeMap<&str, Vec<(usize, f64)>> = BTreeMap::new();
    for (place, (_, cell)) in cells.iter().enumerate() {
        for (name, value) in cell.metrics.iter() {
            metrics.entry(name).or_default().push((place, value));
        }
    }
    body.count(metrics.len());
    for (name, values) in metrics {
        body.count(texts.number(name));
        body.count(values.len());
        places(&mut body, values.iter().map(|(place, _)| *place));
        for (_, value) in values {
            write_metric(&mut body, value);
        }
    }
    let with = |has: fn(&Cell) -> bool| {
        let places = cells.iter().enumerate().filter(move |(_, (_, cell))| has(cell));
        places.map(|(place, (_, cell))| (place, *cell)).collect::<Vec<_>>()
    };
    let with_properties = with(|cell| !cell.properties.is_empty());
    body.count(with_properties.len());
    places(&mut body, with_properties.iter().map(|(place, _)| *place));
    for (_, cell) in with_properties {
        body.count(cell.properties.len());
        for (key, value) in &cell.properties {
            body.count(texts.number(key));
            body.count(texts.number(value));
        }
    }
    let with_issues = with(|cell| !cell.issues.is_empty());
    body.count(with_issues.len());
    places(&mut body, with_issues.iter().map(|(place, _)| *place));
    for (_, cell) in with_issues {
        body.count(cell.issues.len());
        for issue in &cell.issues {
            body.count(texts.number(issue));
        }
    }
    out.count(texts.texts.len());
    for text in texts.texts {
        out.text(text);
    }
    out.0.extend_from_slice(&body.0);
    pack(&out.0)
}

/// A stored column.
///
/// # Errors
/// The bytes are damaged, cut off, of another version, or name rows that the table does not have.
pub fn decode_column(bytes: &[u8], rows: &RowTable) -> Result<InflatedColumn, ColumnError> {
    let plain = unpack(bytes)?;
    let (light, mut input) = LightColumn::head(&plain, rows.len())?;
    let text = |number: usize| light.texts.get(number).cloned().unwrap_or_default();
    let mut cells: Vec<Cell> = (0..light.rows.len())
        .map(|place| Cell {
            status: light.statuses[place],
            icon: text(light.streams[LightColumn::ICON][place] as usize),
            message: text(light.streams[LightColumn::MESSAGE][place] as usize),
            cell_id: text(light.streams[LightColumn::CELL_ID][place] as usize),
            user_property: text(light.streams[LightColumn::USER_PROPERTY][place] as usize),
            id: text(light.streams[LightColumn::ID][place] as usize),
            ..Cell::default()
        })
        .collect();
    let count = cells.len();
    for _ in 0..input.count()? {
        let name = light.text(&mut input)?;
        let values = input.count()?;
        for place in read_places(&mut input, values, count)? {
            let value = read_metric(&mut input)?;
            cells[place].metrics.insert(name.clone(), value);
        }
    }
    let with_properties = input.count()?;
    for place in read_places(&mut input, with_properties, count)? {
        for _ in 0..input.count()? {
            let key = light.text(&mut input)?;
            let value = light.text(&mut input)?;
            cells[place].properties.insert(key, value);
        }
    }
    let with_issues = input.count()?;
    for place in read_places(&mut input, with_issues, count)? {
        for _ in 0..input.count()? {
            let issue = light.text(&mut input)?;
            cells[place].issues.push(issue);
        }
    }
    let names = light.rows.iter().map(|row| rows.name(*row as usize).unwrap_or_default());
    let cells = names.map(str::to_owned).zip(cells).collect();
    Ok(InflatedColumn { column: light.column, cells })
}

/// A stored column as it stands there: numbers of rows and texts, without a cell of its own for each
/// result, and without properties.
#[derive(Clone, Debug, Default)]
pub(crate) struct LightColumn {
    /// Build, start and headers.
    pub(crate) column: Column,
    /// The numbers of the rows that have a cell, rising.
    pub(crate) rows: Vec<u32>,
    /// Their statuses.
    pub(crate) statuses: Vec<TestStatus>,
    /// The texts; number 0 is the empty one.
    pub(crate) texts: Vec<String>,
    /// For each of icon, message, cell id, user property and id the number of each cell's text.
    pub(crate) streams: [Vec<u32>; 5],
    /// For each metric the places among the rows, with its values there.
    pub(crate) metrics: BTreeMap<String, Vec<(usize, f64)>>,
    /// Places among the rows, with an issue.
    pub(crate) issues: Vec<(usize, String)>,
}

impl LightColumn {
    /// The stream of short texts.
    pub(crate) const ICON: usize = 0;
    /// The stream of messages.
    pub(crate) const MESSAGE: usize = 1;
    /// The stream of cell ids.
    pub(crate) const CELL_ID: usize = 2;
    /// The stream of user properties.
    pub(crate) const USER_PROPERTY: usize = 3;
    /// The stream of row ids.
    pub(crate) const ID: usize = 4;

    /// Reads a stored column whose rows are below `row_count`.
    pub(crate) fn read(bytes: &[u8], row_count: usize) -> Result<LightColumn, ColumnError> {
        LightColumn::read_with(bytes, row_count, true)
    }

    /// The same without the metrics.
    pub(crate) fn read_results(bytes: &[u8], row_count: usize) -> Result<LightColumn, ColumnError> {
        LightColumn::read_with(bytes, row_count, false)
    }

    fn read_with(
        bytes: &[u8],
        row_count: usize,
        with_metrics: bool,
    ) -> Result<LightColumn, ColumnError> {
        let plain = unpack(bytes)?;
        let (mut light, mut input) = LightColumn::head(&plain, row_count)?;
        let count = light.rows.len();
        for _ in 0..input.count()? {
            let name = light.text(&mut input)?;
            let values = input.count()?;
            let places = read_places(&mut input, values, count)?;
            if !with_metrics {
                for _ in places {
                    read_metric(&mut input)?;
                }
                continue;
            }
            let mut of_metric = Vec::with_capacity(places.len());
            for place in places {
                of_metric.push((place, read_metric(&mut input)?));
            }
            light.metrics.insert(name, of_metric);
        }
        let with_properties = input.count()?;
        for _ in read_places(&mut input, with_properties, count)? {
            for _ in 0..input.count()? {
                input.number()?;
                input.number()?;
            }
        }
        let with_issues = input.count()?;
        for place in read_places(&mut input, with_issues, count)? {
            for _ in 0..input.count()? {
                let issue = light.text(&mut input)?;
                light.issues.push((place, issue));
            }
        }
        Ok(light)
    }

    /// Everything before the metrics, and the rest of the input.
    fn head(plain: &[u8], row_count: usize) -> Result<(LightColumn, Reader<'_>), ColumnError> {
        let mut input = Reader(plain);
        let column = Column::decode(input.bytes()?)
            .map_err(|_| ColumnError::Damaged("its header is no column"))?;
        let count = input.count()?;
        let mut rows = Vec::with_capacity(count);
        let mut next = 0u64;
        for _ in 0..count {
            let row =
                next.checked_add(input.number()?).ok_or(ColumnError::Damaged("a row's number"))?;
            if row >= row_count as u64 {
                return Err(ColumnError::Damaged("it has rows that the group does not know"));
            }
            rows.push(row as u32);
            next = row + 1;
        }
        let statuses = input.runs(count, TestStatus::BY_SEVERITY.len())?;
        let statuses =
            statuses.into_iter().map(|status| TestStatus::from_wire(status as i32)).collect();
        let text_count = input.count()?;
        let mut texts = Vec::with_capacity(text_count + 1);
        texts.push(String::new());
        for _ in 0..text_count {
            texts.push(input.text()?.to_owned());
        }
        let mut streams: [Vec<u32>; 5] = Default::default();
        for stream in &mut streams {
            *stream = input.runs(count, texts.len())?.into_iter().map(|n| n as u32).collect();
        }
        let light = LightColumn { column, rows, statuses, texts, streams, ..Default::default() };
        Ok((light, input))
    }

    /// A text of the cell of a row; nothing if the row has none.
    pub(crate) fn text_of(&self, row: u32, stream: usize) -> &str {
        let Ok(place) = self.rows.binary_search(&row) else { return "" };
        self.texts.get(self.streams[stream][place] as usize).map_or("", String::as_str)
    }

    fn text(&self, input: &mut Reader<'_>) -> Result<String, ColumnError> {
        let number = usize::try_from(input.number()?).unwrap_or(usize::MAX);
        self.texts.get(number).cloned().ok_or(ColumnError::Damaged("a text is missing"))
    }
}

/// Writes rising places as the gaps between them.
fn places(out: &mut Writer, places: impl IntoIterator<Item = usize>) {
    let mut next = 0;
    for place in places {
        out.count(place - next);
        next = place + 1;
    }
}

fn read_places(
    input: &mut Reader<'_>,
    count: usize,
    cells: usize,
) -> Result<Vec<usize>, ColumnError> {
    let mut places = Vec::with_capacity(count);
    let mut next = 0usize;
    for _ in 0..count {
        let gap = usize::try_from(input.number()?).unwrap_or(usize::MAX);
        let place = next.saturating_add(gap);
        if place >= cells {
            return Err(ColumnError::Damaged("a place lies outside of the column"));
        }
        places.push(place);
        next = place + 1;
    }
    Ok(places)
}

/// Writes a number as a count of small parts where that gives it back exactly, else as it is.
fn write_metric(out: &mut Writer, value: f64) {
    let parts = (value * PARTS_PER_MINUTE).round();
    let fits = (0.0..9e15).contains(&parts) && parts.is_sign_positive();
    if fits && from_parts(parts as u64).to_bits() == value.to_bits() {
        // 0 marks the other form.
        out.number(parts as u64 + 1);
    } else {
        out.number(0);
        out.float(value);
    }
}

fn read_metric(input: &mut Reader<'_>) -> Result<f64, ColumnError> {
    match input.number()? {
        0 => input.float(),
        parts => Ok(from_parts(parts - 1)),
    }
}

/// As the converter makes minutes of seconds, so that both give the same bits.
fn from_parts(parts: u64) -> f64 {
    (parts as f64 / (PARTS_PER_MINUTE / 60.0)) / 60.0
}

fn pack(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(vec![VERSION], Compression::default());
    // Writing to memory has no way to fail.
    let packed = encoder.write_all(plain).and_then(|()| encoder.finish());
    packed.unwrap_or_default()
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, ColumnError> {
    let (&version, packed) = bytes.split_first().ok_or(ColumnError::Truncated)?;
    if version != VERSION {
        return Err(ColumnError::Version(version));
    }
    let mut plain = Vec::new();
    match DeflateDecoder::new(packed).take(MAX_PLAIN_BYTES + 1).read_to_end(&mut plain) {
        Ok(_) if plain.len() as u64 > MAX_PLAIN_BYTES => {
            Err(ColumnError::TooLarge(MAX_PLAIN_BYTES))
        }
        Ok(_) => Ok(plain),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(ColumnError::Truncated)
        }
        Err(_) => Err(ColumnError::Damaged("it is not deflated data")),
    }
}
