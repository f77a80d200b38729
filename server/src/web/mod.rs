//! The web side: what is served, to whom, and how it is cached.

pub mod action;
pub mod api;
pub mod backend_impl;
pub mod badge;
pub mod browse;
pub mod cache;
pub mod coverage_drawings;
pub mod drawings;
pub mod error;
pub mod grid_drawings;
pub mod health;
pub mod hidden_folders;
pub mod history_drawings;
pub mod lens;
pub mod middleware;
pub mod pages;
pub mod patience;
pub mod permission;
pub mod prow;
pub mod router;
pub mod site;
pub mod state;
pub mod testgrid_old;
#[cfg(test)]
mod testing;
pub mod view;
pub mod visibility;
pub mod webhook;
