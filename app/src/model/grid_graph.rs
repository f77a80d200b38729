//! The numbers of one row of a tab: a drawing, and the table beside it.

use serde::{Deserialize, Serialize};

use super::Link;

/// `/testgrid/<dashboard>/<tab>/graph?row=`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowGraph {
    /// The server's clock.
    pub now_ms: i64,
    /// The dashboard, with its page.
    pub dashboard: Link,
    /// The tab, with its page.
    pub tab: Link,
    /// The row, with the page of the test.
    pub row: Link,
    /// How far back it goes, in days, if not as the tab says.
    pub days: Option<u32>,
    /// The metrics of the row, those that were chosen among them.
    pub metrics: Vec<GraphMetric>,
    /// Metrics that were asked for and not drawn, since there are too many.
    pub left_out: u64,
    /// Where the drawing is; empty if there is nothing to draw.
    pub drawing: String,
    /// The columns with a result or a number, newest first.
    pub columns: Vec<GraphColumn>,
    /// How many older ones are not in the table.
    pub more: u64,
}

/// A metric of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GraphMetric {
    /// Its name.
    pub name: String,
    /// Whether it is drawn.
    pub chosen: bool,
    /// The least, the middle and the greatest of its values, if it is drawn and has some.
    pub range: Option<(f64, f64, f64)>,
}

/// A column of the row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GraphColumn {
    /// The build.
    pub build: Link,
    /// When it began.
    pub started_ms: i64,
    /// The status as a number, see TestGrid's `TestStatus`.
    pub status: u8,
    /// The status in words.
    pub words: String,
    /// The value of each metric that is drawn, in their order.
    pub values: Vec<Option<f64>>,
}
