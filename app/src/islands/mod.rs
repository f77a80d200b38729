//! The interactive parts.
//!
//! Each works on elements that the server has rendered, and reads what it needs from their
//! attributes: so nothing is sent twice, the program stays small, and a page without script
//! lacks only the comfort.

mod confirm;
mod filter_form;
mod histogram;
mod live_run;
mod live_runs;
mod log_viewer;
mod palette;
mod settings;

pub(crate) use confirm::ConfirmDialog;
pub(crate) use filter_form::FilterForm;
pub(crate) use histogram::HistogramDrag;
pub(crate) use live_run::LiveRun;
pub(crate) use live_runs::LiveRuns;
pub(crate) use log_viewer::LogViewer;
pub(crate) use palette::Palette;
pub(crate) use settings::Settings;
