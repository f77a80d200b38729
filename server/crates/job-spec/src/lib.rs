//! job-spec
