//! The server: pages, API, webhooks and the components behind them.
//!
//! - [`cli`]: one file per subcommand; `main` only calls it.
//! - [`runs`]: the table of runs that lists, pages, feeds and badges read.
//! - [`web`]: routes, middleware, permissions, Prow-compatible JSON, SSE.
//! - [`supervisor`]: starts, watches, restarts and stops the components.

pub mod components;
pub mod logging;
pub mod metrics;
pub mod options;
pub mod plugins;
pub mod runs;
pub mod supervisor;
pub mod web;
