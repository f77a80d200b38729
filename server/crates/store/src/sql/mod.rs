//! The traits of this crate over SQL that both databases understand.

mod audit;
mod cluster_rows;
mod coverage;
mod deliveries;
mod grid;
mod grid_names;
mod log_indexes;
mod log_pins;
mod mails;
mod references;
mod run_query;
mod runs;
mod state;

pub(crate) use audit::SqlAudit;
pub(crate) use cluster_rows::SqlClusterRows;
pub(crate) use coverage::SqlCoverage;
pub(crate) use deliveries::SqlDeliveries;
pub(crate) use grid::SqlGrids;
pub(crate) use log_indexes::SqlLogIndexes;
pub(crate) use log_pins::SqlLogPins;
pub(crate) use mails::SqlMails;
pub(crate) use references::SqlReferences;
pub(crate) use runs::SqlRuns;
pub(crate) use state::SqlState;

use crate::db::{Arg, Dialect};

/// Conditions joined by AND, with their arguments numbered as they are added.
#[derive(Default)]
struct Conditions {
    text: Vec<String>,
    args: Vec<Arg>,
}

impl Conditions {
    /// Adds an argument; the answer is its placeholder.
    fn arg(&mut self, value: impl Into<Arg>) -> String {
        self.args.push(value.into());
        format!("${}", self.args.len())
    }

    /// Adds a condition made of column names, operators and placeholders.
    fn push(&mut self, condition: String) {
        self.text.push(condition);
    }

    /// Adds `column = value` if there is a value.
    fn equal<T: Into<Arg>>(&mut self, column: &str, value: Option<T>) {
        if let Some(value) = value {
            let placeholder = self.arg(value);
            self.push(format!("{column} = {placeholder}"));
        }
    }

    /// Adds `column IN (values)` if there are values.
    fn one_of(&mut self, column: &str, values: &[String]) {
        if !values.is_empty() {
            let list = self.list(values);
            self.push(format!("{column} IN ({list})"));
        }
    }

    /// Adds the values as arguments; the answer is their placeholders with commas.
    fn list(&mut self, values: &[String]) -> String {
        let placeholders: Vec<String> =
            values.iter().map(|value| self.arg(value.as_str())).collect();
        placeholders.join(", ")
    }

    /// `WHERE …`, or nothing.
    fn clause(&self) -> String {
        match self.text.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", self.text.join(" AND ")),
        }
    }
}

/// `($1, $2), ($3, $4)` … for `rows` rows of `columns` columns, which must be all arguments of the
/// statement.
///
/// SQLite gets `(?, ?)`: it looks a parameter with a name up among all others, which with a thousand of
/// them takes longer than the statement.
fn value_groups(dialect: Dialect, rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                text.push_str(", ");
            }
            match dialect {
                Dialect::Sqlite => text.push('?'),
                Dialect::Postgres => {
                    text.push('$');
                    text.push_str(&(row * columns + column + 1).to_string());
                }
            }
        }
        text.push(')');
    }
    text
}

/// `limit` as an argument.
fn limit_arg(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
