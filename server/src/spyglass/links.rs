//! The links lens: files that hold addresses for people, as Prow's lens reads them.

use serde::Deserialize;

/// The largest file of links that is read, in bytes.
pub const MAX_BYTES: u64 = 20 * 1024;
/// Links of one group that are shown.
const SHOWN: usize = 200;

/// Links under one title.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LinkGroup {
    /// What the links are about; may be empty.
    pub title: String,
    /// The links.
    pub links: Vec<NamedLink>,
}

/// An address with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NamedLink {
    /// What people read.
    pub name: String,
    /// Where it leads, as it was written.
    pub url: String,
}

/// The links in a file: of one whose name ends in `.json` a group, of any other a single address.
///
/// # Errors
/// The text is no group of links, said in a sentence.
pub fn links(name: &str, bytes: &[u8]) -> Result<LinkGroup, String> {
    if !name.ends_with(".json") {
        let url = String::from_utf8_lossy(bytes).trim().to_owned();
        let link = NamedLink { name: name_of(name), url };
        return Ok(LinkGroup { title: String::new(), links: vec![link] });
    }
    let mut group: LinkGroup = serde_json::from_slice(bytes)
        .map_err(|error| format!("{name} holds no group of links: {error}."))?;
    group.links.retain(|link| !link.url.is_empty());
    group.links.truncate(SHOWN);
    Ok(group)
}

/// Whether a link that a stranger wrote may be followed: `http` and `https` alone.
pub fn is_of_the_web(href: &str) -> bool {
    let starts = |scheme: &str| {
        href.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    starts("https://") || starts("http://")
}

/// What people call a file of one link: `artifacts/master-and-node-logs.link.txt` is "Master and node
/// logs".
fn name_of(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.strip_suffix(".txt").unwrap_or(file);
    let stem = stem.strip_suffix(".link").unwrap_or(stem);
    let words = stem.replace('-', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_one_link_is_named_after_itself() {
        for (file, name) in [
            ("artifacts/master-and-node-logs.link.txt", "Master and node logs"),
            ("artifacts/master-and-node-logs.txt", "Master and node logs"),
            ("artifacts/.link.txt", ""),
            ("artifacts/éclair.link.txt", "Éclair"),
        ] {
            let group = links(file, b" https://x/ \n").unwrap();
            assert_eq!(group.links, [NamedLink { name: name.into(), url: "https://x/".into() }]);
        }
    }

    #[test]
    fn a_group_has_a_title_and_what_is_none_is_told() {
        let json =
            br#"{"title": "Logs", "links": [{"name": "a", "url": "gs://b/c"}, {"name": "none"}]}"#;
        let group = links("artifacts/a.link.json", json).unwrap();
        assert_eq!((group.title.as_str(), group.links.len()), ("Logs", 1));
        let error = links("artifacts/a.link.json", b"[7]").unwrap_err();
        assert!(error.starts_with("artifacts/a.link.json holds no group of links"), "{error}");
    }
}
