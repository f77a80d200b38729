//! What `make bench` measures with: a lean HTTP client that asks as fast as a
//! server answers, and the resident memory of a process.

pub mod coverage;
pub mod grid_emulated;
pub mod grid_names;
pub mod grid_page;
pub mod grid_serve;
pub mod grid_update;
pub mod http;
pub mod logs;
pub mod process;
pub mod reload;
pub mod run_page;
pub mod serving;
pub mod stock;
pub mod table;

/// How many deliveries the journal holds.
pub async fn journal_rows(store: &store::Store) -> anyhow::Result<u64> {
    let mut filter = store::DeliveryFilter::default();
    let mut count = 0;
    loop {
        let page = store.deliveries().list(&filter, JOURNAL_PAGE).await?;
        let Some(last) = page.last() else { return Ok(count) };
        count += page.len() as u64;
        filter.before = Some(last.id);
    }
}

/// Rows that are read at a time.
const JOURNAL_PAGE: usize = 1_000;
