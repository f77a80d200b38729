//! The interactive parts.
//!
//! Each works on elements that the server has rendered, and reads what it needs from their
//! attributes: so nothing is sent twice, the program stays small, and a page without script
//! lacks only the comfort.

mod confirm;
mod copy_buttons;
#[cfg(feature = "hydrate")]
mod dom;
mod filter_form;
mod grid;
mod histogram;
mod job_card;
mod lens_frames;
mod live_run;
mod live_runs;
mod log_bookmark;
mod log_viewer;
mod palette;
mod settings;
#[cfg(feature = "hydrate")]
mod stream;
#[cfg(feature = "hydrate")]
mod times;

// In the browser nobody names the islands: the page does.
#[cfg(feature = "ssr")]
pub(crate) use {
    confirm::ConfirmDialog, copy_buttons::CopyButtons, filter_form::FilterForm,
    grid::LiveDashboard, grid::OldBookmark, grid::TabGrid, histogram::HistogramDrag,
    job_card::JobCard, lens_frames::LensFrames, live_run::LiveRun, live_runs::LiveRuns,
    log_bookmark::LogBookmark, log_viewer::LogViewer, palette::Palette, settings::Settings,
};
