//! Plain data shown on pages: serde only, public fields, integers with units.
//!
//! The server fills these from its own types, pages lay them out, and the JSON
//! API sends the same shapes, so a page and a program always see one truth.
//! Every time is milliseconds since the Unix epoch in UTC (`_ms`), every
//! length of time is milliseconds too.

pub mod columnar;
mod coverage;
mod delivery;
mod filter;
mod folder;
mod frame;
mod grid_graph;
pub mod grid_query;
mod history;
mod job;
mod lens;
mod log;
mod log_rows;
mod node_log;
mod pod;
mod reference;
mod results;
mod run;
mod status;
mod testgrid;
pub mod time;
pub mod words;

pub use coverage::*;
pub use delivery::*;
pub use filter::*;
pub use folder::*;
pub use frame::*;
pub use grid_graph::*;
pub use history::*;
pub use job::*;
pub use lens::*;
pub use log::*;
pub use log_rows::LogRows;
pub use node_log::*;
pub use pod::*;
pub use reference::*;
pub use results::*;
pub use run::*;
pub use status::*;
pub use testgrid::*;
