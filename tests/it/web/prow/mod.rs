//! Prow's machine URLs.

mod actions;
mod config;
mod listings;
mod one_run;
