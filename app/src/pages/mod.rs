//! One file per URL: each loads a model and lays out components.

mod alerts;
mod compare;
mod configured_jobs;
mod coverage;
mod deliveries;
mod delivery;
mod file;
mod folder;
mod job_history;
mod node_log;
mod not_found;
mod pull_history;
mod run;
mod runs;
mod status;
mod test;
mod testgrid;
mod tests;

use leptos::prelude::GetUntracked as _;
use leptos_router::hooks::use_location;

use crate::model::{query_pairs, query_value};

/// The first value of a parameter of this page's address.
fn asked(name: &str) -> Option<String> {
    let search = use_location().search.get_untracked();
    let pairs = query_pairs(search.trim_start_matches('?'));
    query_value(&pairs, name).map(str::to_owned)
}

pub(crate) use alerts::AlertsPage;
pub(crate) use compare::ComparePage;
pub(crate) use configured_jobs::ConfiguredJobsPage;
pub(crate) use coverage::{
    CoverageComparePage, CoverageFilePage, CoverageIndexPage, CoverageJobPage,
};
pub(crate) use deliveries::DeliveriesPage;
pub(crate) use delivery::DeliveryPage;
pub(crate) use folder::FolderPage;
pub(crate) use job_history::JobHistoryPage;
pub(crate) use node_log::NodeLogPage;
pub(crate) use not_found::NotFoundPage;
pub(crate) use pull_history::PullHistoryPage;
pub(crate) use run::{RunPage, StoredRunPage};
pub(crate) use runs::RunsPage;
pub(crate) use status::StatusPage;
pub(crate) use test::TestPage;
pub(crate) use testgrid::{GridGraphPage, GridIndexPage, GridPlacePage, GridTabPage};
pub(crate) use tests::TestsPage;
