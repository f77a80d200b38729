//! The one trait through which every page gets its data; only the server side has it.
//!
//! The server implements it over its own index and puts it into the context of
//! each request with the reader, as [`PageContext`]; pages never see anything
//! else of the server, so they can be laid out over any data.

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::{
    AlertMails, ConfiguredJobs, CoverageComparison, CoverageFile, CoverageHeatmap, CoverageIndex,
    Deliveries, DeliveryDetail, DeliveryFilter, FilePage, FolderPage, Frame, GridIndex, GridPlace,
    JobFilter, JobHistory, LensPage, LogFold, LogLines, LogRange, NodeLogPage, PageError,
    PullHistory, RowGraph, RunComparison, RunDetail, RunFilter, RunKey, RunPage, RunTests,
    StatusPage, Suggestion, TabPage, TestPage, TestSearch, Viewer,
};

/// What pages ask for. Hidden runs and jobs are already left out for the given reader.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What stands around every page; cheap, since every request needs it.
    fn frame(&self, viewer: &Viewer) -> Frame;

    /// One page of the run list.
    async fn runs(&self, viewer: &Viewer, filter: &RunFilter) -> Result<RunPage, PageError>;

    /// One run. [`PageError::NotFound`] says whether it never was, is gone, or is not there yet.
    async fn run(&self, viewer: &Viewer, key: &RunKey) -> Result<RunDetail, PageError>;

    /// Lines of a run's log, by the id in [`RunDetail::row`].
    async fn log(&self, viewer: &Viewer, id: &str, range: LogRange) -> Result<LogLines, PageError>;

    /// The parts into which a run's log divides itself, by the id in [`RunDetail::row`].
    async fn log_folds(&self, viewer: &Viewer, id: &str) -> Result<Vec<LogFold>, PageError>;

    /// The tests of a run, by the id in [`RunDetail::row`], that a query asks for; nothing if the run
    /// left no files of results.
    async fn run_tests(
        &self,
        viewer: &Viewer,
        id: &str,
        query: &str,
    ) -> Result<Option<RunTests>, PageError>;

    /// The runs of a job, by what stands below `/job-history/` and the query of the address.
    async fn job_history(
        &self,
        viewer: &Viewer,
        path: &str,
        query: &str,
    ) -> Result<JobHistory, PageError>;

    /// The runs of the pull request that a query names.
    async fn pull_history(&self, viewer: &Viewer, query: &str) -> Result<PullHistory, PageError>;

    /// The two runs that a query names, compared.
    async fn compare_runs(&self, viewer: &Viewer, query: &str) -> Result<RunComparison, PageError>;

    /// What a lens shows of a run, by the id in [`RunDetail::row`] and the key in
    /// [`RunDetail::lenses`].
    async fn lens(&self, viewer: &Viewer, id: &str, key: &str) -> Result<LensPage, PageError>;

    /// What the logs of the nodes say that a run left, with what the query of the address asks for.
    async fn node_log(
        &self,
        viewer: &Viewer,
        key: &RunKey,
        query: &str,
    ) -> Result<NodeLogPage, PageError>;

    /// A folder of a kind of bucket (`gcs`, `s3`, `file`), by bucket and path, with what the query of
    /// its address asks for.
    async fn folder(
        &self,
        viewer: &Viewer,
        kind: &str,
        path: &str,
        query: &str,
    ) -> Result<FolderPage, PageError>;

    /// A file of a kind of bucket, by bucket and path.
    async fn file(&self, viewer: &Viewer, kind: &str, path: &str) -> Result<FilePage, PageError>;

    /// Configured jobs.
    async fn configured_jobs(
        &self,
        viewer: &Viewer,
        filter: &JobFilter,
    ) -> Result<ConfiguredJobs, PageError>;

    /// How the server stands.
    async fn status(&self, viewer: &Viewer) -> Result<StatusPage, PageError>;

    /// One page of the webhook delivery log.
    async fn deliveries(
        &self,
        viewer: &Viewer,
        filter: &DeliveryFilter,
    ) -> Result<Deliveries, PageError>;

    /// One webhook delivery, by its number in the journal.
    async fn delivery(&self, viewer: &Viewer, id: i64) -> Result<DeliveryDetail, PageError>;

    /// The dashboards of the test grid, or what a search finds among dashboards and tabs.
    async fn grid_index(&self, viewer: &Viewer, query: &str) -> Result<GridIndex, PageError>;

    /// A dashboard's summary, or the dashboards of a group, by a name in any spelling; with what the
    /// query of its address asks for.
    async fn grid_place(
        &self,
        viewer: &Viewer,
        name: &str,
        query: &str,
    ) -> Result<GridPlace, PageError>;

    /// A tab, with the options that the query of its address has.
    async fn grid_tab(
        &self,
        viewer: &Viewer,
        dashboard: &str,
        tab: &str,
        query: &str,
    ) -> Result<TabPage, PageError>;

    /// The numbers of a row of a tab; the query of the address names the row and metrics.
    async fn grid_graph(
        &self,
        viewer: &Viewer,
        dashboard: &str,
        tab: &str,
        query: &str,
    ) -> Result<RowGraph, PageError>;

    /// Tests whose names hold all words of the text.
    async fn test_search(&self, viewer: &Viewer, query: &str) -> Result<TestSearch, PageError>;

    /// A test over all tabs, by its exact name; one page of the groups that have it, from 1.
    async fn test(&self, viewer: &Viewer, name: &str, page: usize) -> Result<TestPage, PageError>;

    /// Mails of the test grid; those before the one of this number, if one is given.
    async fn alert_mails(
        &self,
        viewer: &Viewer,
        before: Option<i64>,
    ) -> Result<AlertMails, PageError>;

    /// The newest coverage profile of each job that has one.
    async fn coverage_index(&self, viewer: &Viewer) -> Result<CoverageIndex, PageError>;

    /// Directories of a job's profiles by runs or versions, with what the query of the address asks
    /// for.
    async fn coverage_job(
        &self,
        viewer: &Viewer,
        job: &str,
        query: &str,
    ) -> Result<CoverageHeatmap, PageError>;

    /// A file of a profile line by line; the query names both.
    async fn coverage_file(
        &self,
        viewer: &Viewer,
        job: &str,
        query: &str,
    ) -> Result<CoverageFile, PageError>;

    /// Two profiles compared; the query names them.
    async fn coverage_compare(
        &self,
        viewer: &Viewer,
        job: &str,
        query: &str,
    ) -> Result<CoverageComparison, PageError>;

    /// Jobs, repositories and runs whose names resemble the text, best first; for the palette.
    async fn suggest(
        &self,
        viewer: &Viewer,
        text: &str,
        limit: usize,
    ) -> Result<Vec<Suggestion>, PageError>;
}

/// What the server puts into the context of every page request.
#[derive(Clone)]
pub struct PageContext {
    /// Where the data comes from.
    pub backend: Arc<dyn Backend>,
    /// Who asks.
    pub viewer: Viewer,
}
