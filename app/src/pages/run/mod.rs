//! `/run/<id>` and `/view/…`: everything about one run.

mod artifacts;
mod head;
mod lens;
mod log;
mod metadata;
mod pins;
mod pod;
mod references;
mod tests_tab;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};

use crate::backend::PageContext;
use crate::islands::{ConfirmDialog, LiveRun, LogBookmark};
use crate::model::{
    LensPage, LensTab, LogRange, PageError, RunDetail, RunFilter, RunKey, RunState, RunTests,
    Source, Verdict, encode, query_pairs, segment,
};
use crate::ui::{Crumbs, Empty, Tab, Tabs, bytes, count, load};
use artifacts::Artifacts;
use head::Head;
use lens::Lens;
use log::{Asked, Log, LogTab};
use metadata::Metadata;
use pins::Pins;
use pod::Pod;
use references::References;
use tests_tab::Tests;

/// The page of a run by its ProwJob's name.
#[component]
pub(crate) fn RunPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    page_of(Ok(RunKey::Id(id)))
}

/// The page of a run by where its artifacts are, or by job and build, as Spyglass has it.
#[component]
pub(crate) fn StoredRunPage() -> impl IntoView {
    let source = use_params_map().get_untracked().get("source").unwrap_or_default();
    page_of(RunKey::parse(&source))
}

/// The tabs of the page, by their word in the address.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shown {
    Tests,
    Log,
    Metadata,
    Artifacts,
    Pod,
    /// A lens, by its key.
    Lens(String),
}

impl Shown {
    /// Its word in the address.
    fn word(&self) -> String {
        match self {
            Shown::Tests => "tests".to_owned(),
            Shown::Log => "log".to_owned(),
            Shown::Metadata => "metadata".to_owned(),
            Shown::Artifacts => "artifacts".to_owned(),
            Shown::Pod => "pod".to_owned(),
            Shown::Lens(key) => format!("{LENS}{key}"),
        }
    }
}

/// How the words of lenses begin in addresses, so that none is one of the others.
const LENS: &str = "lens-";

/// What the page needs: the run, and lines of its log where they are shown.
struct Loaded {
    detail: RunDetail,
    shown: Shown,
    log: LogTab,
    tests: Option<RunTests>,
    /// What the lens shows, where one is shown.
    lens: Option<Result<LensPage, PageError>>,
}

fn page_of(key: Result<RunKey, PageError>) -> impl IntoView {
    let query = query_pairs(&use_location().search.get_untracked());
    let find = |name: &str| query.iter().find(|pair| pair.0 == name).map(|pair| pair.1.clone());
    let tab = find("tab");
    let asked = Asked::read(&query);
    let search = use_location().search.get_untracked();
    load(
        async move |context| {
            fetch(context, key?, tab.as_deref(), asked, search.trim_start_matches('?')).await
        },
        |loaded| view! { <Run loaded/> },
    )
}

async fn fetch(
    context: PageContext,
    key: RunKey,
    tab: Option<&str>,
    asked: Asked,
    query: &str,
) -> Result<Loaded, PageError> {
    let PageContext { backend, viewer } = context;
    let mut detail = backend.run(&viewer, &key).await?;
    let tests = match backend.run_tests(&viewer, &detail.row.id, query).await {
        Ok(tests) => tests,
        Err(PageError::Unavailable { message, .. }) => {
            detail.notes.push(format!("The tests of the run could not be read. {message}"));
            None
        }
        Err(error) => return Err(error),
    };
    let failed = tests.as_ref().is_some_and(|tests| tests.of(Verdict::Failed) > 0);
    let shown = match tab {
        Some("tests") if tests.is_some() => Shown::Tests,
        Some("log") => Shown::Log,
        Some("metadata") => Shown::Metadata,
        Some("artifacts") => Shown::Artifacts,
        Some("pod") if detail.pod.is_some() => Shown::Pod,
        Some(word) if lens_of(&detail, word).is_some() => {
            Shown::Lens(lens_of(&detail, word).unwrap_or_default())
        }
        _ if failed && detail.row.state.is_over() => Shown::Tests,
        _ if detail.log.is_some() || !detail.row.state.is_over() => Shown::Log,
        _ => Shown::Metadata,
    };
    let went_wrong = detail.row.state.is_over() && detail.row.state != RunState::Success;
    let range = asked.range(went_wrong);
    let mut log = LogTab {
        at_error: matches!(range, LogRange::FirstError(_)),
        may_pin: detail.may_pin.clone(),
        asked,
        ..LogTab::default()
    };
    if shown == Shown::Log && detail.log.is_some() {
        let lines = backend.log(&viewer, &detail.row.id, range).await;
        // Without its parts a log is still a log; nobody waits for them where it is still being read.
        if lines.as_ref().is_ok_and(|lines| lines.complete || !detail.row.state.is_over()) {
            log.folds = backend.log_folds(&viewer, &detail.row.id).await.unwrap_or_default();
        }
        log.lines = Some(lines);
    }
    let lens = match &shown {
        Shown::Lens(key) => Some(backend.lens(&viewer, &detail.row.id, key).await),
        _ => None,
    };
    Ok(Loaded { detail, shown, log, tests, lens })
}

/// The key of the lens that a word in the address names.
fn lens_of(detail: &RunDetail, word: &str) -> Option<String> {
    let key = word.strip_prefix(LENS)?;
    let mut lenses = detail.lenses.iter();
    lenses.find(|lens| lens.key == key).map(|lens| lens.key.clone())
}

#[component]
fn Run(loaded: Loaded) -> impl IntoView {
    let Loaded { detail, shown, log, tests, lens } = loaded;
    let now_ms = detail.now_ms;
    let row = &detail.row;
    let name = if row.build_id.is_empty() { row.id.clone() } else { row.build_id.clone() };
    let title = format!("{} · {} #{name}", row.state.word(), row.job);
    let steps = {
        let mut steps = vec![("Runs".to_owned(), "/".to_owned())];
        let all = RunFilter::default();
        if let Some(repo) = row.refs.full_name() {
            let of_repo = RunFilter { repo: Some(repo.clone()), ..all.clone() };
            steps.push((repo, of_repo.href()));
        }
        let of_job = RunFilter { job: Some(row.job.clone()), ..all };
        steps.push((row.job.clone(), of_job.href()));
        steps
    };
    let tabs = tabs(&detail, tests.as_ref(), &shown);
    let open = shown.word();
    let places: Vec<String> = detail
        .places
        .iter()
        .map(|(place, tab)| format!("{}={}", segment(place), segment(tab)))
        .collect();
    let href = row.href.clone();
    let over = row.state.is_over();
    // A run that goes on has the viewer from the start, so that its first line finds a place.
    let log_missing = detail.log.is_none() && over;
    let body = match shown {
        Shown::Tests => tests.map(|tests| view! { <Tests tests href=href.clone() source=Source::of(&detail.row.refs)/> }).into_any(),
        Shown::Log if log_missing => view! {
            <Empty title="There is no log.">
                "The run ended before it wrote one, or its files have expired. "
                "The hint and the Pod may say why."
            </Empty>
        }
        .into_any(),
        Shown::Log => view! { <Log row=row.clone() log/> }.into_any(),
        Shown::Metadata => view! { <Metadata detail=detail.clone()/> }.into_any(),
        Shown::Artifacts => {
            view! { <Artifacts artifacts=detail.artifacts.clone() cut=detail.artifacts_cut folder=detail.folder.clone() folder_href=detail.folder_href.clone() over now_ms/> }
                .into_any()
        }
        Shown::Pod => detail.pod.clone().map(|pod| view! { <Pod pod now_ms/> }).into_any(),
        Shown::Lens(key) => {
            let here = format!("{href}?tab={LENS}{}", encode(&key));
            lens.map(|lens| view! { <Lens lens here/> }).into_any()
        }
    };
    view! {
        <Title text=title/>
        <Crumbs steps/>
        {(!detail.announcement.is_empty())
            .then(|| {
                view! { <aside class="banner announcement" aria-label="Announcement" inner_html=detail.announcement.clone()></aside> }
            })}
        <article
            class="run"
            id="run"
            data-id=row.id.clone()
            data-href=row.href.clone()
            data-job=row.job.clone()
            data-state=row.state.word()
            data-now=now_ms.to_string()
            data-tab=open
            data-places=places.join("&")
        >
            <Head detail=detail.clone()/>
            <LiveRun/>
            <LogBookmark/>
            <Pins row=row.clone() pins=detail.pins.clone() may=detail.may_pin.clone() now_ms/>
            <References references=detail.references.clone() now_ms/>
            <Tabs label="Parts of the run" tabs=tabs(&href)/>
            <section class="tab">{body}</section>
        </article>
        <ConfirmDialog/>
    }
}

/// The strip of tabs: those that have something to show, and the log always.
fn tabs(
    detail: &RunDetail,
    tests: Option<&RunTests>,
    shown: &Shown,
) -> impl FnOnce(&str) -> Vec<Tab> + use<> {
    let tests = tests.map(|tests| match tests.of(Verdict::Failed) {
        0 => count(tests.total()),
        failed => format!("{} of {} failed", count(failed), count(tests.total())),
    });
    let log = detail.log.map(|log| bytes(log.size_bytes)).unwrap_or_default();
    let artifacts = detail.artifacts.as_ref().map(|all| {
        if detail.artifacts_cut { format!("{}+", all.len()) } else { all.len().to_string() }
    });
    let pod = detail.pod.as_ref().map(|pod| pod.phase.clone());
    let (shown, lenses) = (shown.clone(), detail.lenses.clone());
    move |href| {
        let tab = |label: &str, word: &str, note: String, which: Shown| Tab {
            label: label.to_owned(),
            note,
            href: format!("{href}?tab={word}"),
            current: shown == which,
        };
        let mut tabs = Vec::new();
        tabs.extend(tests.map(|note| tab("Tests", "tests", note, Shown::Tests)));
        tabs.extend([
            tab("Log", "log", log, Shown::Log),
            tab("Metadata", "metadata", String::new(), Shown::Metadata),
        ]);
        // The others in the order of their lenses; the Pod's is one of those.
        let (before, after): (Vec<LensTab>, Vec<LensTab>) =
            lenses.into_iter().partition(|lens| lens.priority < POD_PRIORITY);
        let of_lens = |lens: LensTab| {
            let word = format!("{LENS}{}", encode(&lens.key));
            let note = if lens.files > 1 { count(lens.files) } else { String::new() };
            tab(&lens.title, &word, note, Shown::Lens(lens.key))
        };
        tabs.extend(before.into_iter().map(of_lens));
        tabs.extend(pod.map(|phase| tab("Pod", "pod", phase, Shown::Pod)));
        tabs.extend(after.into_iter().map(of_lens));
        tabs.push(tab("Artifacts", "artifacts", artifacts.unwrap_or_default(), Shown::Artifacts));
        tabs
    }
}

/// The place of the podinfo lens among the others.
const POD_PRIORITY: i64 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_addresses_of_runs_are_read() {
        assert_eq!(
            RunKey::parse("gcs/sample-ci/logs/ci-testify-unit/1990/"),
            Ok(RunKey::Stored {
                provider: "gs".into(),
                bucket: "sample-ci".into(),
                path: "logs/ci-testify-unit/1990".into()
            })
        );
        assert_eq!(
            RunKey::parse("prowjob/ci-testify-unit/1990"),
            Ok(RunKey::Build { job: "ci-testify-unit".into(), build: "1990".into() })
        );
    }

    #[test]
    fn addresses_that_name_no_run_say_what_is_missing() {
        for source in
            ["", "gs", "gs/bucket", "prowjob/job", "prowjob/job/1/2", "ftp/bucket/logs/x/1"]
        {
            assert!(matches!(RunKey::parse(source), Err(PageError::BadRequest { .. })), "{source}");
        }
    }
}
