//! The store from outside: one suite for both databases, and what only SQLite can suffer.
//!
//! PostgreSQL takes part where `TEST_DATABASE_URL` names a server on which databases can be made,
//! or where its programs are installed: then a throw-away server is started for the run.

#![allow(
    clippy::print_stdout,
    reason = "a skipped part says so, and children report to their test"
)]

mod fixture;
mod postgres;
mod postgres_only;
mod sqlite_files;
mod sqlite_kills;
mod suite;
