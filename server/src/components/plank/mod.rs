//! Turns ProwJobs into pods and follows them to their end.

pub mod decide;
