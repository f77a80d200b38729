//! A folder of a bucket.

use serde::{Deserialize, Serialize};

use super::Link;

/// A file or a folder in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderEntry {
    /// Its name; that of a folder ends in a slash.
    pub name: String,
    /// Where it is shown.
    pub href: String,
    /// Its stored size in bytes; a folder has none.
    pub size_bytes: Option<u64>,
    /// When it was last written; nobody knows that of a folder.
    pub updated_ms: Option<i64>,
}

/// What a page shows of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileView {
    /// Nothing: its bytes are no text.
    #[default]
    Binary,
    /// Its text, perhaps with its structure shown.
    Text(String),
    /// A picture, by its address.
    Image(String),
    /// A document as HTML that runs nothing.
    Document(String),
    /// A frame that shows it, and its text.
    Framed {
        /// What the frame shows.
        src: String,
        /// The text.
        text: String,
    },
}

/// A file of a bucket: `/gcs/<bucket>/<path>?preview`, `/s3/…` and `/file/…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePage {
    /// The server's clock.
    pub now_ms: i64,
    /// Its name.
    pub name: String,
    /// The file as a URI.
    pub uri: String,
    /// The folders above, the bucket first.
    pub above: Vec<Link>,
    /// Its stored size in bytes.
    pub size_bytes: u64,
    /// The type that it was stored with; may be empty.
    pub content_type: String,
    /// Whether it is packed in the bucket.
    pub packed: bool,
    /// When it was last written.
    pub updated_ms: i64,
    /// Its bytes.
    pub href: String,
    /// What is shown.
    pub view: FileView,
    /// Bytes of its beginning that are shown, if there are more.
    pub cut_bytes: Option<u64>,
    /// Commands that copy it. In one with `{server}` that stands for this server's address.
    pub commands: Vec<String>,
}

/// `/gcs/<bucket>/<path>/`, `/s3/…` and `/file/…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderPage {
    /// The server's clock.
    pub now_ms: i64,
    /// The bucket.
    pub bucket: String,
    /// The folder as a URI.
    pub uri: String,
    /// The folders above, the bucket first.
    pub above: Vec<Link>,
    /// The name of the folder.
    pub name: String,
    /// What is in it.
    pub entries: Vec<FolderEntry>,
    /// How many entries the filter leaves out.
    pub left_out: u64,
    /// Bytes of the files that are shown.
    pub bytes: u64,
    /// What names must hold; empty for all.
    pub query: String,
    /// `name`, `size` or `time`.
    pub sort: String,
    /// The page of further entries, if there are some.
    pub next: Option<String>,
    /// The page of the run, if the folder is one's.
    pub run: Option<String>,
    /// Commands that copy the folder.
    pub commands: Vec<String>,
}
