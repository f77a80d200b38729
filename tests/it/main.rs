//! The one integration test binary: modules mirror components and URLs.

mod forge;
mod generated;
mod hook;
mod kill;
mod properties;
mod start;
mod tidy;
mod web;
