//! The web side: what is served, to whom, and how it is cached.

pub mod badge;
pub mod cache;
pub mod error;
pub mod middleware;
pub mod permission;
pub mod view;
pub mod visibility;
