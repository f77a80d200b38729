//! Removes old ProwJobs and pods.

pub mod decide;
