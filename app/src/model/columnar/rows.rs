//! The rows of a grid, like beside like: to have them costs a few numbers for each, and nothing of a
//! row is read before somebody looks at it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{ColumnarAlert, ColumnarError, Reader, Runs, RunsPart, Texts, Writer};

/// A row as it is put into a grid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnarRow {
    /// What is shown.
    pub name: String,
    /// The id, if it is not the name.
    pub id: Option<String>,
    /// The numbers of `TestStatus` over all columns.
    pub statuses: Runs,
    /// Short texts of the filled cells, as text numbers; what is missing at the end is empty.
    pub icons: Runs,
    /// Messages of the filled cells, likewise.
    pub messages: Runs,
    /// Names of the metrics that the row has values of, as text numbers.
    pub metrics: Vec<u32>,
    /// Issues linked to the row.
    pub issues: Vec<String>,
    /// The alert, if the row fails now.
    pub alert: Option<ColumnarAlert>,
}

/// A row of a grid; see [`ColumnarRow`] for what is in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row<'a> {
    /// What is shown.
    pub name: &'a str,
    /// The id, if it is not the name.
    pub id: Option<&'a str>,
    /// The numbers of `TestStatus` over all columns.
    pub statuses: RunsPart<'a>,
    /// Short texts of the filled cells.
    pub icons: RunsPart<'a>,
    /// Messages of the filled cells.
    pub messages: RunsPart<'a>,
    /// Names of the metrics, as text numbers.
    pub metrics: &'a [u32],
    /// The alert, if the row fails now.
    pub alert: Option<&'a ColumnarAlert>,
    issues: Option<(&'a Texts, u32, u32)>,
}

impl<'a> Row<'a> {
    /// A row that is nothing but statuses.
    pub fn of_statuses(statuses: &'a Runs) -> Row<'a> {
        Row { statuses: statuses.part(), ..Row::default() }
    }

    /// Issues linked to the row.
    pub fn issues(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let issues = self.issues;
        let range = issues.map_or(0..0, |(_, from, to)| from..to);
        range.filter_map(move |at| issues.map(|(texts, ..)| texts.get(at)))
    }

    /// The cell in a column: status, number of its short text, number of its message.
    pub fn cell(&self, column: u32) -> (u32, u32, u32) {
        let (mut start, mut filled) = (0_u32, 0_u32);
        for (status, run) in self.statuses.iter() {
            if column - start < run {
                if status == 0 {
                    return (0, 0, 0);
                }
                let place = filled.saturating_add(column - start);
                let of = |runs: &RunsPart<'_>| runs.get(place).unwrap_or(0);
                return (status, of(&self.icons), of(&self.messages));
            }
            // Not beyond the column, as it is not in this run.
            start += run;
            if status != 0 {
                filled = filled.saturating_add(run);
            }
        }
        (0, 0, 0)
    }
}

/// Parts of one piece of memory, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Parts {
    bytes: Vec<u8>,
    /// Where each part ends.
    ends: Vec<u32>,
}

impl Parts {
    fn push(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
        self.ends.push(self.bytes.len() as u32);
    }

    fn get(&self, at: usize) -> RunsPart<'_> {
        RunsPart::new(self.bytes.get(span(&self.ends, at)).unwrap_or_default())
    }

    fn encode(&self, out: &mut Writer) {
        out.counts(&self.ends);
        out.0.extend_from_slice(&self.bytes);
    }

    fn decode(rows: usize, from: &mut Reader<'_>) -> Result<Parts, ColumnarError> {
        let ends = from.ends(rows)?;
        let bytes = from.bytes(ends.last().map_or(0, |end| *end as usize))?.to_vec();
        Ok(Parts { bytes, ends })
    }
}

/// From where to where the things of a row are, by where those of each end.
fn span(ends: &[u32], at: usize) -> Range<usize> {
    let end = |at: usize| ends.get(at).map_or(0, |end| *end as usize);
    at.checked_sub(1).map_or(0, end)..end(at)
}

/// All rows of a grid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    names: Texts,
    /// For each row 0, or the place of its id from 1.
    id_places: Vec<u32>,
    ids: Texts,
    statuses: Parts,
    icons: Parts,
    messages: Parts,
    metrics: Vec<u32>,
    /// Where the metrics of each row end.
    metric_ends: Vec<u32>,
    issues: Texts,
    /// Where the issues of each row end.
    issue_ends: Vec<u32>,
    alerts: BTreeMap<u32, ColumnarAlert>,
}

impl Rows {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// A row by its place.
    pub fn get(&self, at: usize) -> Option<Row<'_>> {
        let id = self.id_places.get(at)?;
        let issues = span(&self.issue_ends, at);
        Some(Row {
            name: self.names.get(at as u32),
            id: id.checked_sub(1).map(|place| self.ids.get(place)),
            statuses: self.statuses.get(at),
            icons: self.icons.get(at),
            messages: self.messages.get(at),
            metrics: self.metrics.get(span(&self.metric_ends, at)).unwrap_or_default(),
            alert: self.alerts.get(&(at as u32)),
            issues: Some((&self.issues, issues.start as u32, issues.end as u32)),
        })
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Adds a row at the end.
    pub fn push(&mut self, row: ColumnarRow) {
        if let Some(alert) = row.alert {
            self.alerts.insert(self.len() as u32, alert);
        }
        self.names.push(&row.name);
        if let Some(id) = &row.id {
            self.ids.push(id);
        }
        self.id_places.push(if row.id.is_some() { self.ids.len() as u32 } else { 0 });
        self.statuses.push(row.statuses.bytes());
        self.icons.push(row.icons.bytes());
        self.messages.push(row.messages.bytes());
        self.metrics.extend(row.metrics);
        self.metric_ends.push(self.metrics.len() as u32);
        row.issues.iter().for_each(|issue| self.issues.push(issue));
        self.issue_ends.push(self.issues.len() as u32);
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.table(&self.names);
        self.id_places.iter().for_each(|place| out.number((*place).into()));
        out.table(&self.ids);
        for parts in [&self.statuses, &self.icons, &self.messages] {
            parts.encode(out);
        }
        out.counts(&self.metric_ends);
        self.metrics.iter().for_each(|name| out.number((*name).into()));
        out.counts(&self.issue_ends);
        out.table(&self.issues);
        out.number(self.alerts.len() as u64);
        let mut next = 0;
        for (at, alert) in &self.alerts {
            out.number(u64::from(at - next));
            next = at + 1;
            out.number(alert.fail_count.into());
            out.text(&alert.fail_build);
            out.signed(alert.fail_seconds);
            out.text(&alert.pass_build);
            out.signed(alert.pass_seconds);
            out.text(&alert.message);
        }
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Rows, ColumnarError> {
        let names = from.table()?;
        let count = names.len();
        let id_places = from.numbers(count, "the id of a row")?;
        let ids = from.table()?;
        if id_places.iter().any(|place| *place as usize > ids.len()) {
            return Err(ColumnarError::Damaged("the id of a row"));
        }
        let [statuses, icons, messages] =
            [Parts::decode(count, from)?, Parts::decode(count, from)?, Parts::decode(count, from)?];
        let metric_ends = from.ends(count)?;
        let metrics = metric_ends.last().map_or(0, |end| *end as usize);
        let metrics = from.numbers(metrics, "the name of a metric")?;
        let issue_ends = from.ends(count)?;
        let issues = from.table()?;
        if issue_ends.last().map_or(0, |end| *end as usize) != issues.len() {
            return Err(ColumnarError::Damaged("the issues of a row"));
        }
        let mut alerts = BTreeMap::new();
        let mut next = 0_u32;
        for _ in 0..from.count()? {
            let at = next.checked_add(from.small("the row of an alert")?);
            let at = at.filter(|at| (*at as usize) < count);
            let at = at.ok_or(ColumnarError::Damaged("the row of an alert"))?;
            next = at + 1;
            let alert = ColumnarAlert {
                fail_count: from.small("an alert")?,
                fail_build: from.text()?.to_owned(),
                fail_seconds: from.signed()?,
                pass_build: from.text()?.to_owned(),
                pass_seconds: from.signed()?,
                message: from.text()?.to_owned(),
            };
            alerts.insert(at, alert);
        }
        Ok(Rows {
            names,
            id_places,
            ids,
            statuses,
            icons,
            messages,
            metrics,
            metric_ends,
            issues,
            issue_ends,
            alerts,
        })
    }
}

impl FromIterator<ColumnarRow> for Rows {
    fn from_iter<I: IntoIterator<Item = ColumnarRow>>(rows: I) -> Rows {
        let mut out = Rows::default();
        rows.into_iter().for_each(|row| out.push(row));
        out
    }
}
