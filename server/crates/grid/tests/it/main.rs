//! The grid from outside: documents in, documents out.

mod config;
mod corpus;
mod results;
mod support;
