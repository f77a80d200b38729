//! The numbers of a grid's cells, which are read when somebody wants them.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use grid::columnar::{metric_values, of_build};

use super::service::{GridError, MAX_COLUMNS, TestGrid};

impl TestGrid {
    /// The values of a metric: by row, pairs of column of the tab's grid and value.
    ///
    /// # Errors
    /// There is no such tab, its options are wrong, or the store does not answer.
    pub async fn metric(
        &self,
        dashboard: &str,
        tab: &str,
        days: Option<i64>,
        metric: &str,
        wanted: Vec<String>,
    ) -> Result<BTreeMap<String, Vec<(usize, f64)>>, GridError> {
        let grid = self.grid(dashboard, tab, days).await?;
        let config = self.config.get();
        let (_, _, group) = config.tab(dashboard, tab)?;
        let stored = self.stored(group, days, MAX_COLUMNS).await.map_err(GridError::Store)?;
        let (group, metric) = (group.clone(), metric.to_owned());
        let values = tokio::task::spawn_blocking(move || {
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let values = metric_values(&stored.columns, &stored.rows, &group, &metric, &wanted);
            let columns = &grid.assembled.grid.columns;
            let place: HashMap<(&str, &str), usize> = (0..columns.build.len())
                .map(|at| ((columns.name_of(at), columns.build[at].as_str()), at))
                .collect();
            let of_row = |values: Vec<((String, String), f64)>| {
                let found = values.into_iter().filter_map(|((name, build), value)| {
                    Some((*place.get(&(name.as_str(), build.as_str()))?, value))
                });
                found.collect::<Vec<_>>()
            };
            values.into_iter().map(|(row, values)| (row, of_row(values))).collect()
        });
        values.await.context("reading a metric").map_err(GridError::Store)
    }

    /// The values of a metric in one column of a tab's grid, by row.
    ///
    /// # Errors
    /// As [`TestGrid::metric`].
    pub async fn metric_of_column(
        &self,
        dashboard: &str,
        tab: &str,
        days: Option<i64>,
        metric: &'static str,
        column: usize,
    ) -> Result<HashMap<String, f64>, GridError> {
        let grid = self.grid(dashboard, tab, days).await?;
        let config = self.config.get();
        let (_, _, group) = config.tab(dashboard, tab)?;
        let stored = self.stored(group, days, MAX_COLUMNS).await.map_err(GridError::Store)?;
        let group = group.clone();
        let values = tokio::task::spawn_blocking(move || {
            let page = &grid.assembled.grid;
            let build = page.columns.build.get(column).map_or("", String::as_str);
            let named = (page.columns.name_of(column), build);
            let columns = of_build(stored.columns, &stored.rows, &group, named);
            let wanted: Vec<&str> = page.rows.iter().map(|row| row.name.as_str()).collect();
            let values = metric_values(&columns, &stored.rows, &group, metric, &wanted);
            let newest = values.into_iter();
            newest.filter_map(|(row, values)| Some((row, values.first()?.1))).collect()
        });
        values.await.context("reading a metric").map_err(GridError::Store)
    }
}
