//! What the lenses of a run show.

use serde::{Deserialize, Serialize};

use super::Link;

/// A lens of a run, by which its page has a tab.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LensTab {
    /// What names it in addresses.
    pub key: String,
    /// What people read.
    pub title: String,
    /// How many files it shows.
    pub files: u64,
    /// Lower numbers come first.
    pub priority: i64,
}

/// What a lens shows of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LensPage {
    /// What people read above it; empty where it is to have no title.
    pub title: String,
    /// What could not be read, a sentence each.
    pub notes: Vec<String>,
    /// What it shows.
    pub view: LensView,
}

/// What a lens shows, by its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LensView {
    /// Files of HTML, each in a frame of its own.
    Html(Vec<FramedFile>),
    /// Documents.
    Markdown(Vec<RenderedFile>),
    /// Links under titles.
    Links(Vec<LinkGroup>),
    /// How much of a REST API was reached.
    RestCoverage(RestCoverage),
    /// How many statements ran.
    Coverage(Vec<CoverageLens>),
    /// What another server shows.
    Remote(RemoteLens),
}

impl Default for LensView {
    fn default() -> LensView {
        LensView::Links(Vec::new())
    }
}

/// A file of HTML in a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramedFile {
    /// Its title, or its name where it has none.
    pub title: String,
    /// Its description; may be empty.
    pub description: String,
    /// Its name.
    pub name: String,
    /// What the frame shows.
    pub src: String,
    /// Its page on this server.
    pub href: String,
}

/// A document as HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedFile {
    /// Its name.
    pub name: String,
    /// Its page on this server.
    pub href: String,
    /// HTML that runs nothing.
    pub html: String,
    /// Whether the end is missing.
    pub cut: bool,
}

/// Links under a title.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkGroup {
    /// What they are about; may be empty.
    pub title: String,
    /// The links; one without an address that may be followed has its text as title.
    pub links: Vec<Link>,
}

/// How much of a REST API the requests of a run reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RestCoverage {
    /// The share in percent, with one digit.
    pub percent: String,
    /// The state whose hue stands for it.
    pub state: String,
    /// Parameters that were used.
    pub hits: u64,
    /// Parameters that there are.
    pub expected: u64,
    /// The requests, the least covered first.
    pub requests: Vec<RestRequest>,
    /// Requests that are not shown.
    pub left_out: u64,
}

/// A method of a path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RestRequest {
    /// The path.
    pub path: String,
    /// The method.
    pub method: String,
    /// The share in percent, with one digit.
    pub percent: String,
    /// The state whose hue stands for it.
    pub state: String,
    /// Parameters that were used.
    pub hits: u64,
    /// Parameters that there are.
    pub expected: u64,
    /// Whether it was called at all.
    pub called: bool,
    /// Parameters that were never used.
    pub missing: Vec<String>,
}

/// How many statements of a profile ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageLens {
    /// The profile's name.
    pub name: String,
    /// The share in percent.
    pub percent: String,
    /// Statements that ran.
    pub covered: u64,
    /// All statements.
    pub total: u64,
    /// Files of which something ran.
    pub files_covered: u64,
    /// All files.
    pub files: u64,
    /// The first directories with their shares.
    pub directories: Vec<CoverageShareLine>,
    /// Directories that are not shown.
    pub left_out: u64,
    /// The job's coverage over its runs; empty if there is none.
    pub href: String,
    /// The profile's own page as HTML in a frame; empty if the run left none.
    pub report: String,
}

/// A directory or file of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageShareLine {
    /// Its name; of a directory with `/` at its end.
    pub name: String,
    /// The share in percent.
    pub percent: String,
    /// Statements that ran.
    pub covered: u64,
    /// All statements.
    pub total: u64,
}

/// A lens of another server in a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteLens {
    /// What the frame shows.
    pub src: String,
    /// Where the lens's questions go.
    pub callback: String,
    /// Where its requests for what it would show go.
    pub rerender: String,
    /// What its frame is loaded with when it asks for other content.
    pub update: String,
    /// What names it in fragments.
    pub key: String,
    /// Its place in the configuration, which old fragments name.
    pub index: u64,
    /// Its name.
    pub name: String,
}
