//! Where pages get their data: our own types become `app::model` here.

use std::sync::Arc;

use app::backend::Backend;
use app::model::{
    AlertMails, Banner, ConfiguredJobs, CoverageComparison, CoverageFile, CoverageHeatmap,
    CoverageIndex, Deliveries, DeliveryDetail, DeliveryFilter, FilePage, FolderPage, Frame,
    GridIndex, GridPlace, JobFilter, JobHistory, LensPage, Link, LogFold, LogLines, LogRange,
    NodeLogPage, PageError, Permission, PullHistory, RowGraph, RunComparison, RunDetail, RunFilter,
    RunKey, RunPage, RunTests, Severity, StatusPage, Suggestion, TabPage, TestPage, TestSearch,
    Viewer,
};
use async_trait::async_trait;

use super::api::stream::event_id;
use super::error::HttpError;
use super::state::{SharedWeb, Web};
use super::view::run_row::run_row;
use crate::logs::LogError;
use crate::runs::select::{Cursor, page};

mod configured_jobs;
pub mod coverage;
mod deliveries;
mod file;
mod folder;
pub mod histories;
mod node_log;
mod run;
mod run_documents;
pub(crate) mod run_lens;
mod run_pod;
mod run_references;
mod run_stored;
pub mod run_tests;
mod run_words;
mod status;
pub mod testgrid;

pub use histories::found_run;
pub use run::{find as find_run_by_key, find_by_id as find_run, pins_of};
pub use run_references::references_of;

/// The pages' view of the server.
pub struct PageBackend {
    web: SharedWeb,
}

impl PageBackend {
    /// Over the server's collaborators.
    pub fn over(web: SharedWeb) -> Arc<dyn Backend> {
        Arc::new(Self { web })
    }
}

#[async_trait]
impl Backend for PageBackend {
    fn frame(&self, _: &Viewer) -> Frame {
        frame(&self.web)
    }

    async fn runs(&self, viewer: &Viewer, filter: &RunFilter) -> Result<RunPage, PageError> {
        Ok(run_page(&self.web, viewer, filter))
    }

    async fn run(&self, viewer: &Viewer, key: &RunKey) -> Result<RunDetail, PageError> {
        run::detail(&self.web, viewer, key).await
    }

    async fn log(&self, _: &Viewer, id: &str, range: LogRange) -> Result<LogLines, PageError> {
        let run = run::find_by_id(&self.web, id).await?;
        let highlights = self.web.highlights.of(&self.web.config.get());
        self.web.logs.lines(&run, range, &highlights).await.map_err(log_page_error)
    }

    async fn log_folds(&self, _: &Viewer, id: &str) -> Result<Vec<LogFold>, PageError> {
        let run = run::find_by_id(&self.web, id).await?;
        let highlights = self.web.highlights.of(&self.web.config.get());
        self.web.logs.folds(&run, &highlights).await.map_err(log_page_error)
    }

    async fn run_tests(
        &self,
        _: &Viewer,
        id: &str,
        query: &str,
    ) -> Result<Option<RunTests>, PageError> {
        let run = run::find_by_id(&self.web, id).await?;
        run_tests::soon(&self.web, run, query).await
    }

    async fn job_history(
        &self,
        _: &Viewer,
        path: &str,
        query: &str,
    ) -> Result<JobHistory, PageError> {
        histories::job::page(&self.web, path, query).await
    }

    async fn pull_history(&self, _: &Viewer, query: &str) -> Result<PullHistory, PageError> {
        histories::pull::page(&self.web, query).await
    }

    async fn compare_runs(&self, _: &Viewer, query: &str) -> Result<RunComparison, PageError> {
        histories::compare::page(&self.web, query).await
    }

    async fn lens(&self, _: &Viewer, id: &str, key: &str) -> Result<LensPage, PageError> {
        let run = run::find_by_id(&self.web, id).await?;
        run_lens::page(&self.web, run, key).await
    }

    async fn node_log(
        &self,
        _: &Viewer,
        key: &RunKey,
        query: &str,
    ) -> Result<NodeLogPage, PageError> {
        node_log::page(&self.web, key, query).await
    }

    async fn folder(
        &self,
        _: &Viewer,
        kind: &str,
        path: &str,
        query: &str,
    ) -> Result<FolderPage, PageError> {
        folder::page(&self.web, kind, path, query).await
    }

    async fn file(&self, _: &Viewer, kind: &str, path: &str) -> Result<FilePage, PageError> {
        file::page(&self.web, kind, path).await
    }

    async fn configured_jobs(
        &self,
        _: &Viewer,
        filter: &JobFilter,
    ) -> Result<ConfiguredJobs, PageError> {
        Ok(configured_jobs::page(&self.web, filter))
    }

    async fn status(&self, _: &Viewer) -> Result<StatusPage, PageError> {
        Ok(status::page(&self.web).await)
    }

    async fn deliveries(
        &self,
        viewer: &Viewer,
        filter: &DeliveryFilter,
    ) -> Result<Deliveries, PageError> {
        deliveries::page(&self.web, viewer, filter).await
    }

    async fn delivery(&self, viewer: &Viewer, id: i64) -> Result<DeliveryDetail, PageError> {
        deliveries::detail(&self.web, viewer, id).await
    }

    async fn grid_index(&self, _: &Viewer, query: &str) -> Result<GridIndex, PageError> {
        let now = self.web.clock.now().millis();
        // The index is in the menu of every process; of one without grids it is empty.
        let Ok(grids) = testgrid::grids(&self.web) else {
            return Ok(GridIndex { now_ms: now, ..GridIndex::default() });
        };
        Ok(testgrid::index::page(grids, query, now))
    }

    async fn grid_place(
        &self,
        _: &Viewer,
        name: &str,
        query: &str,
    ) -> Result<GridPlace, PageError> {
        let now = self.web.clock.now().millis();
        testgrid::dashboard::place(testgrid::grids(&self.web)?, name, query, now)
    }

    async fn grid_tab(
        &self,
        _: &Viewer,
        dashboard: &str,
        tab: &str,
        query: &str,
    ) -> Result<TabPage, PageError> {
        let now = self.web.clock.now().millis();
        testgrid::tab::page(testgrid::grids(&self.web)?, dashboard, tab, query, now).await
    }

    async fn grid_graph(
        &self,
        _: &Viewer,
        dashboard: &str,
        tab: &str,
        query: &str,
    ) -> Result<RowGraph, PageError> {
        let now = self.web.clock.now().millis();
        let grids = testgrid::grids(&self.web)?;
        Ok(testgrid::graph::numbers(grids, dashboard, tab, query, now).await?.page)
    }

    async fn test_search(&self, _: &Viewer, query: &str) -> Result<TestSearch, PageError> {
        let now = self.web.clock.now().millis();
        testgrid::test::search(testgrid::grids(&self.web)?, query, now).await
    }

    async fn test(&self, _: &Viewer, name: &str, page: usize) -> Result<TestPage, PageError> {
        let now = self.web.clock.now().millis();
        testgrid::test::page(testgrid::grids(&self.web)?, name, page, now).await
    }

    async fn alert_mails(
        &self,
        viewer: &Viewer,
        before: Option<i64>,
    ) -> Result<AlertMails, PageError> {
        testgrid::alerts::page(&self.web, viewer, before).await
    }

    async fn coverage_index(&self, _: &Viewer) -> Result<CoverageIndex, PageError> {
        coverage::index::page(&self.web).await
    }

    async fn coverage_job(
        &self,
        _: &Viewer,
        job: &str,
        query: &str,
    ) -> Result<CoverageHeatmap, PageError> {
        coverage::job::page(&self.web, job, query).await
    }

    async fn coverage_file(
        &self,
        _: &Viewer,
        job: &str,
        query: &str,
    ) -> Result<CoverageFile, PageError> {
        coverage::file::page(&self.web, job, query).await
    }

    async fn coverage_compare(
        &self,
        _: &Viewer,
        job: &str,
        query: &str,
    ) -> Result<CoverageComparison, PageError> {
        coverage::compare::page(&self.web, job, query).await
    }

    async fn suggest(
        &self,
        _: &Viewer,
        text: &str,
        limit: usize,
    ) -> Result<Vec<Suggestion>, PageError> {
        Ok(suggest(&self.web, text, None, limit))
    }
}

/// What stands around every page.
fn frame(web: &Web) -> Frame {
    let mut banners = Vec::new();
    let status = web.config.status();
    if let Some(error) = &status.last_error {
        banners.push(Banner {
            severity: Severity::Error,
            text: format!(
                "The configuration on disk does not load, so the last good one stays in use. {}",
                error.0.first().map(ToString::to_string).unwrap_or_default()
            ),
            since_ms: status.failed_at.map(|at| at.millis()),
            link: Some(Link {
                text: "What is wrong".to_owned(),
                href: "/status".to_owned(),
                title: String::new(),
            }),
        });
    }
    Frame {
        now_ms: web.clock.now().millis(),
        banners,
        data_ms: web
            .supervisor
            .status()
            .iter()
            .find(|component| component.name == crate::feed::NAME)
            .and_then(|feed| feed.last_pass)
            .map(|at| at.millis()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        links: Vec::new(),
    }
}

/// A page of the run list.
pub fn run_page(web: &Web, viewer: &Viewer, filter: &RunFilter) -> RunPage {
    let now = web.clock.now();
    let snapshot = web.runs.snapshot();
    let visibility = web.visibility();
    let selection = web.selections.get(filter, snapshot.version, &visibility, &snapshot.runs, now);
    let limit = filter.limit.unwrap_or(RunPage::LIMIT).clamp(1, RunPage::LIMIT);
    let cut = page(&selection.runs, &Cursor::of(filter), limit);
    let host = web.code_host();
    let permission = buttons(viewer);
    RunPage {
        now_ms: now.millis(),
        rows: cut.rows.iter().map(|run| run_row(run, &host)).collect(),
        older: cut.older,
        newer: cut.newer,
        matching: selection.runs.len() as u64,
        total: selection.total as u64,
        counts: selection.counts,
        rates: selection.rates.clone(),
        histogram: selection.histogram.clone(),
        facets: selection.facets.clone(),
        rerun: permission.clone(),
        abort: permission,
        stream_id: event_id(web, snapshot.version),
    }
}

/// Whether the buttons of a list work for a reader; a run's own rule may say
/// more on its page.
fn buttons(viewer: &Viewer) -> Permission {
    if viewer.local {
        Permission::yes()
    } else {
        Permission::no(
            "Rerun and Abort work from the machine that runs this server; login is not set up.",
        )
    }
}

fn log_page_error(error: LogError) -> PageError {
    match error {
        LogError::None(message) => PageError::NotFound { message },
        LogError::Unavailable(cause) => {
            tracing::error!("a log could not be read: {cause:#}");
            PageError::Unavailable {
                message: "The place where the log is kept does not answer.".to_owned(),
                since_ms: None,
            }
        }
    }
}

/// What can be suggested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuggestionKind {
    /// Jobs that have run.
    Job,
    /// Repositories that have runs or configured jobs.
    Repository,
}

impl SuggestionKind {
    fn word(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Repository => "repository",
        }
    }
}

/// Jobs and repositories whose names hold the words, those that begin with
/// them first; of one kind only if it is named.
pub fn suggest(
    web: &Web,
    text: &str,
    wanted: Option<SuggestionKind>,
    limit: usize,
) -> Vec<Suggestion> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let config = web.config.get();
    let snapshot = web.runs.snapshot();
    let visible = web.selections.visible(snapshot.version, &web.visibility(), &snapshot.runs);
    let mut names = std::collections::BTreeMap::new();
    for run in visible.iter() {
        names.entry(run.job.to_string()).or_insert(SuggestionKind::Job);
        if let Some(refs) = &run.refs
            && !refs.repo.is_empty()
        {
            names.entry(refs.full_name()).or_insert(SuggestionKind::Repository);
        }
    }
    let visibility = web.visibility();
    let presubmits = config.jobs.all_presubmits().map(|(repo, job)| (repo, &job.base));
    let postsubmits = config.jobs.all_postsubmits().map(|(repo, job)| (repo, &job.base));
    for (repo, job) in presubmits.chain(postsubmits) {
        if !names.contains_key(repo) && visibility.shows_job(repo, job) {
            names.insert(repo.to_owned(), SuggestionKind::Repository);
        }
    }
    let mut found: Vec<(usize, Suggestion)> = names
        .into_iter()
        .filter(|(_, kind)| wanted.is_none_or(|wanted| wanted == *kind))
        .filter_map(|(name, kind)| {
            let lower = name.to_lowercase();
            if !words.iter().all(|word| lower.contains(word)) {
                return None;
            }
            let rank = words.first().and_then(|word| lower.find(word.as_str())).unwrap_or(0);
            let mut filter = RunFilter::default();
            match kind {
                SuggestionKind::Job => filter.job = Some(name.clone()),
                SuggestionKind::Repository => filter.repo = Some(name.clone()),
            }
            Some((
                rank,
                Suggestion { label: name, kind: kind.word().to_owned(), href: filter.href() },
            ))
        })
        .collect();
    found.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.label.len().cmp(&y.label.len())));
    let of_grid = match (&web.grids, wanted) {
        (Some(grids), None) => testgrid::index::suggestions(grids, text, limit / 2),
        _ => Vec::new(),
    };
    found.truncate(limit.saturating_sub(of_grid.len()));
    found.into_iter().map(|(_, suggestion)| suggestion).chain(of_grid).collect()
}

/// The refusal of a place in a bucket, as a page's.
fn refused(error: HttpError) -> PageError {
    let HttpError { status, message, .. } = error;
    match status.as_u16() {
        400 => PageError::BadRequest { message },
        503 => PageError::Unavailable { message, since_ms: None },
        _ => PageError::NotFound { message },
    }
}

/// An error of a store behind a page.
fn unavailable(what: &str, error: impl std::fmt::Display) -> PageError {
    tracing::error!("{what} could not be read: {error}");
    PageError::Unavailable { message: format!("{what} could not be read."), since_ms: None }
}
