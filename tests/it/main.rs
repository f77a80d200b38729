//! The one integration test binary: modules mirror components and URLs.

mod bad_input;
mod clonerefs;
mod coverage;
mod crier;
mod forge;
mod generated;
mod hook;
mod kill;
mod plank;
mod plugin_help;
mod plugins;
mod program;
mod properties;
mod start;
mod testgrid;
mod tidy;
mod web;
