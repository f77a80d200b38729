//! The grid from outside: documents in, documents out.

mod api;
mod config;
mod corpus;
mod results;
mod support;
