//! The server: pages, API, webhooks and the components behind them.
//!
//! - [`runs`]: the table of runs that lists, pages, feeds and badges read; [`feed`] keeps it true.
//! - [`web`]: routes, middleware, permissions, Prow-compatible JSON, SSE.
//! - [`components`]: the controllers; [`plugins`]: what hook's deliveries cause.
//! - [`coverage`]: the coverage of runs: what its pages show.
//! - [`histories`]: the past of jobs and pull requests, also from buckets.
//! - [`references`]: runs that issues and pull requests name.
//! - [`testgrid`]: the test grid: its configuration, its results, what its pages show.
//! - [`supervisor`]: starts, watches, restarts and stops the components.

pub mod cli;
pub mod components;
pub mod coverage;
pub mod drawing;
pub mod feed;
pub mod histories;
pub mod logging;
pub mod logs;
pub mod metrics;
pub mod node_logs;
pub mod options;
pub mod plugins;
pub mod pregenerated;
pub mod process;
pub mod references;
pub mod rerun;
pub mod results;
pub mod run_files;
pub mod runs;
pub mod sample;
pub mod spyglass;
pub mod start;
pub mod supervisor;
pub mod testgrid;
pub mod upkeep;
pub mod web;

/// The system's allocator keeps heaps per thread that grow and shrink page by page, and work here
/// wanders from thread to thread: `testgrid config` and `testgrid update` take a fifth longer with it.
/// How it is set up stands in `.cargo/config.toml`.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
