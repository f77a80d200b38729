//! The one table of pages: path, page, mode.
//!
//! Every page is `SsrMode::Async`: its data decides title and status code, and it
//! must be whole without script.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::SsrMode::Async;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

use crate::pages::{
    AlertsPage, ComparePage, ConfiguredJobsPage, CoverageComparePage, CoverageFilePage,
    CoverageIndexPage, CoverageJobPage, DeliveriesPage, DeliveryPage, FolderPage, GridGraphPage,
    GridIndexPage, GridPlacePage, GridTabPage, JobHistoryPage, NodeLogPage, NotFoundPage,
    PullHistoryPage, RunPage, RunsPage, StatusPage, StoredRunPage, TestPage, TestsPage,
};
use crate::ui::Frame;

/// The pages inside their frame.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Frame>
                <Routes fallback=NotFoundPage>
                    <Route path=path!("/") view=RunsPage ssr=Async/>
                    <Route path=path!("/run/:id") view=RunPage ssr=Async/>
                    <Route path=path!("/view/*source") view=StoredRunPage ssr=Async/>
                    <Route path=path!("/nodelog/*source") view=NodeLogPage ssr=Async/>
                    <Route path=path!("/job-history/*path") view=JobHistoryPage ssr=Async/>
                    <Route path=path!("/pr-history") view=PullHistoryPage ssr=Async/>
                    <Route path=path!("/compare") view=ComparePage ssr=Async/>
                    <Route path=path!("/gcs/*path") view=FolderPage ssr=Async/>
                    <Route path=path!("/s3/*path") view=FolderPage ssr=Async/>
                    <Route path=path!("/file/*path") view=FolderPage ssr=Async/>
                    <Route path=path!("/testgrid") view=GridIndexPage ssr=Async/>
                    <Route path=path!("/testgrid/:name") view=GridPlacePage ssr=Async/>
                    <Route path=path!("/testgrid/:name/:tab") view=GridTabPage ssr=Async/>
                    <Route path=path!("/testgrid/:name/:tab/graph") view=GridGraphPage ssr=Async/>
                    <Route path=path!("/alerts") view=AlertsPage ssr=Async/>
                    <Route path=path!("/tests") view=TestsPage ssr=Async/>
                    <Route path=path!("/test") view=TestPage ssr=Async/>
                    <Route path=path!("/coverage") view=CoverageIndexPage ssr=Async/>
                    <Route path=path!("/coverage/:job") view=CoverageJobPage ssr=Async/>
                    <Route path=path!("/coverage/:job/file") view=CoverageFilePage ssr=Async/>
                    <Route path=path!("/coverage/:job/compare") view=CoverageComparePage ssr=Async/>
                    <Route path=path!("/configured-jobs") view=ConfiguredJobsPage ssr=Async/>
                    <Route path=path!("/configured-jobs/:org") view=ConfiguredJobsPage ssr=Async/>
                    <Route path=path!("/configured-jobs/:org/:repo") view=ConfiguredJobsPage ssr=Async/>
                    <Route path=path!("/deliveries") view=DeliveriesPage ssr=Async/>
                    <Route path=path!("/deliveries/:id") view=DeliveryPage ssr=Async/>
                    <Route path=path!("/status") view=StatusPage ssr=Async/>
                </Routes>
            </Frame>
        </Router>
    }
}
