//! The tests of the crate from outside: files in folders, what is made of them, and what is said.

mod cases;
mod checks;
mod corpus;
mod files;
mod lookups;
mod prow_yaml;
mod reload;
mod support;
mod yaml;
