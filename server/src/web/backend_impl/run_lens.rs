//! What one lens shows of a run.

use std::sync::Arc;

use app::model::{
    CoverageLens, CoverageShareLine, FramedFile, LensPage, LensTab, LensView, Link, LinkGroup,
    PageError, RemoteLens, RenderedFile, RestCoverage, RestRequest, encode, segment,
};
use blob::{BlobError, BlobUri, Provider};
use bytes::Bytes;
use config_load::Config;
use config_load::prow::deck::Spyglass;
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::coverage::job_href;
use super::unavailable;
use crate::run_files::{Listed, within};
use crate::runs::run::Run;
use crate::spyglass::links::{self, is_of_the_web};
use crate::spyglass::rest_coverage::{self, Thresholds};
use crate::spyglass::select::{Chosen, chosen};
use crate::spyglass::{markdown, page_words};
use crate::web::browse::{address, folder_href};
use crate::web::state::{SharedWeb, Web};

/// Files of one lens that are shown; a run may leave thousands.
const SHOWN_FILES: usize = 20;
/// Links come from many small files.
const LINK_FILES: usize = 200;
/// Files that are read at once.
const AT_ONCE: usize = 8;
/// Directories of a profile that are shown.
const SHOWN_DIRECTORIES: usize = 200;
/// Lenses that have a part of the run's page for themselves.
const PARTS: [&str; 4] = ["metadata", "junit", "buildlog", "podinfo"];

/// The lenses that the run's page has tabs for, in their order.
pub(super) fn tabs(spyglass: &Spyglass, files: &Listed) -> Vec<LensTab> {
    let names: Vec<&str> = files.files.iter().map(|file| file.name.as_str()).collect();
    let lenses = chosen(spyglass, &names);
    lenses
        .into_iter()
        .filter(|lens| lens.remote.is_some() || !PARTS.contains(&lens.name))
        .map(|lens| LensTab {
            title: title(&lens),
            key: lens.key,
            files: lens.files.len() as u64,
            priority: lens.priority,
        })
        .collect()
}

/// The lenses of a run by what old fragments call them, with the words of their parts of the page.
pub(super) fn places(spyglass: &Spyglass, files: &Listed) -> Vec<(String, String)> {
    let names: Vec<&str> = files.files.iter().map(|file| file.name.as_str()).collect();
    let is_configured = !spyglass.lenses.is_empty();
    let lenses = chosen(spyglass, &names).into_iter();
    lenses
        .flat_map(|lens| {
            let tab = match (lens.name, lens.remote) {
                ("metadata", None) => "metadata".to_owned(),
                ("junit", None) => "tests".to_owned(),
                ("buildlog", None) => "log".to_owned(),
                ("podinfo", None) => "pod".to_owned(),
                _ => format!("lens-{}", lens.key),
            };
            let index = is_configured.then(|| (lens.index.to_string(), tab.clone()));
            index.into_iter().chain([(lens.key, tab)])
        })
        .collect()
}

/// The title of a lens; that of a markdown lens may be configured.
fn title(lens: &Chosen<'_>) -> String {
    let own = match (lens.name, lens.remote) {
        ("markdown", None) => lens.config.and_then(|config| config.get("title")),
        _ => None,
    };
    own.and_then(Value::as_str).filter(|own| !own.is_empty()).unwrap_or(&lens.title).to_owned()
}

/// What a lens shows, by the key of its tab.
pub(super) async fn page(web: &SharedWeb, run: Arc<Run>, key: &str) -> Result<LensPage, PageError> {
    let (of_task, key) = (web.clone(), key.to_owned());
    // What takes longer than a page waits goes on, so that files are in the bucket's caches then.
    let task = tokio::spawn(async move { whole(&of_task, &run, &key).await });
    let done = within(&web.clock, task).await.ok_or_else(|| PageError::Unavailable {
        message: "The bucket is slow or the files are many. Try again in a moment.".to_owned(),
        since_ms: None,
    })?;
    done.map_err(|error| unavailable("The lens", error))?
}

async fn whole(web: &SharedWeb, run: &Run, key: &str) -> Result<LensPage, PageError> {
    let missing = || PageError::NotFound {
        message: format!("The run has no files for a lens {key} (deck.spyglass.lenses)."),
    };
    let folder = run.folder().ok_or_else(missing)?;
    let listed = web.files.of(&folder).await.ok_or_else(|| PageError::Unavailable {
        message: format!("The files in {folder} have not been listed yet. Try again in a moment."),
        since_ms: None,
    })?;
    let config = web.config.get();
    let names: Vec<&str> = listed.files.iter().map(|file| file.name.as_str()).collect();
    let lens = chosen(&config.prow.deck.spyglass, &names).into_iter().find(|lens| lens.key == key);
    let lens = lens.ok_or_else(missing)?;
    let shown = Shown { web, run, folder: &folder, config: &config, lens: &lens };
    let mut page = LensPage { title: title(&lens), ..LensPage::default() };
    if lens.hide_title {
        page.title.clear();
    }
    page.view = match (lens.remote, lens.name) {
        (Some(_), _) => LensView::Remote(shown.remote()),
        (None, "html") => LensView::Html(shown.html(&mut page.notes).await),
        (None, "markdown") => LensView::Markdown(shown.markdown(&mut page.notes).await),
        (None, "links") => LensView::Links(shown.links(&mut page.notes).await),
        (None, "restcoverage") => shown.rest_coverage(&mut page.notes).await,
        (None, "coverage") => LensView::Coverage(shown.coverage(&mut page.notes).await),
        (None, _) => return Err(missing()),
    };
    Ok(page)
}

/// A lens with what it shows.
struct Shown<'s> {
    web: &'s SharedWeb,
    run: &'s Run,
    folder: &'s BlobUri,
    config: &'s Arc<Config>,
    lens: &'s Chosen<'s>,
}

impl Shown<'_> {
    /// A file as a whole, if it is no larger than the limit. The error is a sentence.
    async fn read(&self, name: &str, limit: u64) -> Result<Bytes, String> {
        let size_limit = u64::try_from(self.config.prow.deck.spyglass.size_limit()).unwrap_or(0);
        let uri = self.folder.join(name).map_err(|error| format!("{name}: {error}."))?;
        self.web.blobs.read(&uri, limit.min(size_limit)).await.map_err(|error| match error {
            BlobError::TooLarge { limit, .. } => {
                format!("{name} is larger than {limit} bytes and is not shown here.")
            }
            error => {
                tracing::warn!("{uri} could not be read: {error}");
                format!("{name} could not be read from the bucket.")
            }
        })
    }

    /// The beginning of a file, unpacked.
    async fn start(&self, name: &str, bytes: usize) -> Result<Bytes, String> {
        let uri = self.folder.join(name).map_err(|error| format!("{name}: {error}."))?;
        start(self.web, &uri, bytes).await.map(|(start, _)| start).map_err(|error| {
            tracing::warn!("{uri} could not be read: {error}");
            format!("{name} could not be read from the bucket.")
        })
    }

    /// The first of the files, in the order of their names.
    fn files(&self, most: usize, notes: &mut Vec<String>) -> Vec<String> {
        let wanted = self.lens.config.filter(|_| self.lens.name == "markdown");
        let ending = wanted.and_then(|config| config.get("file")).and_then(Value::as_str);
        let names = self.lens.files.iter().copied();
        let mut names: Vec<String> = names
            .filter(|name| ending.is_none_or(|ending| name.ends_with(ending)))
            .map(str::to_owned)
            .collect();
        if names.len() > most {
            notes.push(format!(
                "{} files are not shown: here are the first {most}.",
                names.len() - most
            ));
            names.truncate(most);
        }
        names
    }

    /// The page of a file on this server.
    fn href(&self, name: &str) -> String {
        let uri = self.folder.join(name);
        uri.map(|uri| format!("{}?preview", address(&uri))).unwrap_or_default()
    }

    /// The address that shows a file of HTML in a frame.
    fn frame(&self, name: &str) -> String {
        let uri = self.folder.join(name);
        uri.map(|uri| format!("{}?frame", address(&uri))).unwrap_or_default()
    }

    async fn html(&self, notes: &mut Vec<String>) -> Vec<FramedFile> {
        let files = futures::stream::iter(self.files(SHOWN_FILES, notes))
            .map(|name| async move {
                let start = self.start(&name, page_words::HEAD_BYTES).await;
                (name, start)
            })
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let mut framed = Vec::new();
        for (name, start) in files {
            match start {
                Ok(start) => {
                    let words = page_words::page_words(&start);
                    let own = name.rsplit('/').next().unwrap_or(&name).to_owned();
                    framed.push(FramedFile {
                        title: if words.title.is_empty() { own } else { words.title },
                        description: words.description,
                        src: self.frame(&name),
                        href: self.href(&name),
                        name,
                    });
                }
                Err(note) => notes.push(note),
            }
        }
        framed
    }

    async fn markdown(&self, notes: &mut Vec<String>) -> Vec<RenderedFile> {
        let files = futures::stream::iter(self.files(SHOWN_FILES, notes))
            .map(|name| async move {
                // One byte more tells that there is more.
                let start = self.start(&name, markdown::MAX_BYTES + 1).await;
                (name, start)
            })
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let mut rendered = Vec::new();
        for (name, start) in files {
            match start {
                Ok(start) => {
                    let folder = self.folder.join(&name).ok().and_then(|uri| uri.parent());
                    let folder = folder.map(|folder| folder_href(&folder));
                    let found = markdown_of(start, folder.unwrap_or_default()).await;
                    rendered.push(RenderedFile {
                        href: self.href(&name),
                        name,
                        html: found.html,
                        cut: found.cut,
                    });
                }
                Err(note) => notes.push(note),
            }
        }
        rendered
    }

    async fn links(&self, notes: &mut Vec<String>) -> Vec<LinkGroup> {
        let files = futures::stream::iter(self.files(LINK_FILES, notes))
            .map(|name| async move {
                let bytes = self.read(&name, links::MAX_BYTES).await;
                bytes.and_then(|bytes| links::links(&name, &bytes))
            })
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let mut groups: Vec<LinkGroup> = Vec::new();
        for found in files {
            match found {
                Ok(found) => {
                    let links = found.links.into_iter().map(link);
                    match groups.iter_mut().find(|group| group.title == found.title) {
                        Some(group) => group.links.extend(links),
                        None => {
                            groups.push(LinkGroup { title: found.title, links: links.collect() })
                        }
                    }
                }
                Err(note) => notes.push(note),
            }
        }
        groups.sort_by(|a, b| a.title.cmp(&b.title));
        groups
    }

    async fn rest_coverage(&self, notes: &mut Vec<String>) -> LensView {
        let thresholds = Thresholds::of(self.lens.config).unwrap_or_else(|problem| {
            notes.push(problem);
            Thresholds { warning: 0.0, error: 0.0 }
        });
        let [name] = self.lens.files[..] else {
            notes.push(format!(
                "The lens shows one report, and {} files match its patterns: {}.",
                self.lens.files.len(),
                self.lens.files.iter().take(5).copied().collect::<Vec<_>>().join(", ")
            ));
            return LensView::RestCoverage(RestCoverage::default());
        };
        let read = self.read(name, u64::MAX).await;
        let found = read.and_then(|bytes| rest_coverage::read(name, &bytes));
        let found = found.unwrap_or_else(|note| {
            notes.push(note);
            rest_coverage::RestCoverage::default()
        });
        let percent = |percent: f64| format!("{percent:.1}");
        let requests = found.requests.into_iter().map(|request| RestRequest {
            percent: percent(request.percent),
            state: thresholds.state(request.percent).to_owned(),
            path: request.path,
            method: request.method,
            hits: request.hits,
            expected: request.expected,
            called: request.called,
            missing: request.missing,
        });
        LensView::RestCoverage(RestCoverage {
            percent: percent(found.percent),
            state: thresholds.state(found.percent).to_owned(),
            hits: found.hits,
            expected: found.expected,
            requests: requests.collect(),
            left_out: found.left_out as u64,
        })
    }

    async fn coverage(&self, notes: &mut Vec<String>) -> Vec<CoverageLens> {
        let (reports, mut profiles): (Vec<&str>, Vec<&str>) =
            self.lens.files.iter().partition(|name| name.ends_with(".html"));
        profiles.sort_by_key(|name| coverage::profile_order(name));
        if profiles.len() > SHOWN_FILES {
            let more = profiles.len() - SHOWN_FILES;
            notes.push(format!("{more} more profiles are not shown here."));
        }
        let report = reports.first().map(|name| self.frame(name)).unwrap_or_default();
        let known = match &self.web.coverage {
            Some(coverage) => coverage.of_run(&self.run.id).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let mut shown = Vec::new();
        for name in profiles.into_iter().take(SHOWN_FILES) {
            let bytes = match self.read(name, u64::MAX).await {
                Ok(bytes) => bytes,
                Err(note) => {
                    notes.push(note);
                    continue;
                }
            };
            // Reading a large profile takes a while of one processor.
            let read = tokio::task::spawn_blocking(move || {
                coverage::read(&bytes, &coverage::Reading::TOLERANT)
                    .map(|read| of_profile(&read.profile))
            });
            let found = match read.await {
                Ok(Ok(found)) => found,
                Ok(Err(error)) => {
                    notes.push(format!("{name} is no coverage profile: {error}."));
                    continue;
                }
                Err(error) => {
                    tracing::error!("{name} of {} could not be read: {error}", self.folder);
                    notes.push(format!("{name} could not be read."));
                    continue;
                }
            };
            let is_kept = known.iter().any(|key| key.path == name);
            shown.push(CoverageLens {
                name: name.to_owned(),
                href: match is_kept {
                    true => format!("{}?path={}", job_href(&self.run.job), encode(name)),
                    false => String::new(),
                },
                report: report.clone(),
                ..found
            });
        }
        shown
    }

    fn remote(&self) -> RemoteLens {
        let source = self.folder.to_string().replacen("://", "/", 1);
        let asked = json!({"src": source, "index": self.lens.index}).to_string();
        let of = |resource: &str| {
            format!("/spyglass/lens/{}/{resource}?req={}", segment(self.lens.name), encode(&asked))
        };
        RemoteLens {
            src: of("iframe"),
            callback: of("callback"),
            rerender: of("rerender"),
            update: of("update"),
            key: self.lens.key.clone(),
            index: self.lens.index as u64,
            name: self.lens.name.to_owned(),
        }
    }
}

/// The first bytes of an object, unpacked, and whether there are more.
pub(crate) async fn start(
    web: &Web,
    uri: &BlobUri,
    bytes: usize,
) -> Result<(Bytes, bool), BlobError> {
    let (_, mut content) = web.blobs.open(uri).await?;
    let mut start = Vec::new();
    while let Some(chunk) = content.next().await {
        let chunk = chunk?;
        let room = bytes - start.len();
        if chunk.len() > room {
            start.extend_from_slice(&chunk[..room]);
            return Ok((start.into(), true));
        }
        start.extend_from_slice(&chunk);
    }
    Ok((start.into(), false))
}

/// A document as HTML; laid out beside the threads that answer.
pub(crate) async fn markdown_of(bytes: Bytes, folder: String) -> markdown::Rendered {
    let rendered = tokio::task::spawn_blocking(move || markdown::render(&bytes, &folder));
    rendered.await.unwrap_or_default()
}

/// A link that a stranger wrote. One whose address may not be followed is text.
fn link(link: links::NamedLink) -> Link {
    let links::NamedLink { name, url } = link;
    let href = match BlobUri::parse(&url) {
        Ok(uri) if uri.provider() == Provider::Gs => address(&uri),
        _ if is_of_the_web(&url) => url.clone(),
        _ => String::new(),
    };
    Link { text: if name.is_empty() { url.clone() } else { name }, href, title: url }
}

fn of_profile(profile: &coverage::Profile) -> CoverageLens {
    let ratios: Vec<_> = profile.ratios().collect();
    let mut lens = CoverageLens { files: ratios.len() as u64, ..CoverageLens::default() };
    let mut total = coverage::Ratio::default();
    for (_, ratio) in &ratios {
        total = total.plus(*ratio);
        lens.files_covered += u64::from(ratio.covered > 0);
    }
    (lens.covered, lens.total, lens.percent) = (total.covered, total.total, total.percent());
    let directories = coverage::by_directory(ratios.iter().copied());
    let own: Vec<_> = directories.into_iter().filter(|(name, _)| *name != ".").collect();
    lens.left_out = own.len().saturating_sub(SHOWN_DIRECTORIES) as u64;
    lens.directories = own
        .into_iter()
        .take(SHOWN_DIRECTORIES)
        .map(|(name, ratio)| CoverageShareLine {
            name: format!("{name}/"),
            percent: ratio.percent(),
            covered: ratio.covered,
            total: ratio.total,
        })
        .collect();
    lens
}
