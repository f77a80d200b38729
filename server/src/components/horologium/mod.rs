//! Starts periodic jobs at their times.

pub mod decide;
