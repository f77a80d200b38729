//! Reports runs to GitHub: a status per run, and one comment per pull request with the failures.

pub mod comment;
pub mod description;
