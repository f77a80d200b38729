//! Reports what became of runs.

pub mod github;
