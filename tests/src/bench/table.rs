//! The table that `make bench` prints, with the target beside each figure.

use std::time::Duration;

/// One row: what was done, on what, what was seen and what must be reached.
#[derive(Clone, Debug)]
pub struct Row {
    /// The work.
    pub work: String,
    /// The data that it ran on.
    pub data: String,
    /// The figures seen.
    pub seen: String,
    /// The target in words.
    pub target: String,
    /// Whether the target was reached.
    pub reached: bool,
}

/// Formats the rows as a Markdown table.
pub fn markdown(rows: &[Row]) -> String {
    let mut out = String::from("| work | data | seen | target | |\n|---|---|---|---|---|\n");
    for row in rows {
        let mark = if row.reached { "reached" } else { "**missed**" };
        out.push_str(&format!(
            "| {} | {} | {} | {} | {mark} |\n",
            row.work, row.data, row.seen, row.target
        ));
    }
    out
}

/// Milliseconds with one decimal.
pub fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

/// Mebibytes with one decimal.
pub fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}

/// The middle value of several runs.
pub fn median<T: Copy + PartialOrd>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    sorted.get(sorted.len() / 2).copied()
}
