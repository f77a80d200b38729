//! Jobs: from a file's tree to complete, checked jobs.
//!
//! ```text
//! read      tree of one file → jobs as written, presets, unknown keys
//! complete  defaults, decoration, tenancy, presets, compiled patterns   (per job)
//! validate  the rules that a job can break by itself                    (per job)
//! together  the rules that jobs break together: names and contexts      (per repository)
//! ```

pub(crate) mod complete;
pub(crate) mod presets;
pub(crate) mod read;
pub(crate) mod together;
pub(crate) mod validate;
// The macro that writes the views makes them public; nothing outside can reach them.
#[allow(unreachable_pub)]
mod validate_pod;
