//! The one integration test binary: modules mirror components and URLs.

mod forge;
mod hook;
mod tidy;
mod web;
