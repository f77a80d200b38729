//! What a file is called and typed in the bucket.

use std::collections::BTreeMap;

use blob::{WriteOptions, content_type};

/// The object's name and attributes for a file called `name`, as Prow's uploads choose them:
/// `x.txt.gz` becomes `x.txt`, of type text, with content encoding gzip. Where the inner type is
/// unknown the content stays a gzip archive in readers' eyes.
pub(super) fn attributes(
    name: &str,
    media_types: &BTreeMap<String, String>,
) -> (String, WriteOptions) {
    let type_of = |extension: &str| {
        let given = media_types.get(extension).cloned();
        let known = || content_type::by_name(&format!("x.{extension}")).map(str::to_owned);
        given.or_else(known)
    };
    let packed = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".gzip"));
    let Some(inner) = packed else {
        let content_type = content_type::extension(name).and_then(type_of);
        return (name.to_owned(), WriteOptions { content_type, ..WriteOptions::default() });
    };
    let options = match content_type::extension(inner).and_then(type_of) {
        Some(inner_type) => WriteOptions {
            content_type: Some(inner_type),
            content_encoding: Some("gzip".to_owned()),
            ..WriteOptions::default()
        },
        None => WriteOptions {
            content_type: Some("application/gzip".to_owned()),
            ..WriteOptions::default()
        },
    };
    (inner.to_owned(), options)
}

/// Replaces characters that object names cannot hold, or that get lost in links to them. `#` becomes
/// `%23` as in Prow; control characters and backslashes get the same treatment.
pub(super) fn escape(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for c in path.chars() {
        if c == '#' || c == '\\' || c.is_control() {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                escaped.push_str(&format!("%{byte:02X}"));
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Whether the configuration asks for packing a file of that name before upload.
pub(super) fn should_compress(name: &str, types: &[String]) -> bool {
    let extension = content_type::extension(name).unwrap_or("");
    !matches!(extension, "gz" | "gzip") && types.iter().any(|t| t == "*" || t == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> (String, Option<String>, Option<String>) {
        let media = BTreeMap::from([("fancy".to_owned(), "application/fancy".to_owned())]);
        let (name, options) = attributes(name, &media);
        (name, options.content_type, options.content_encoding)
    }

    #[test]
    fn names_decide_type_and_encoding() {
        let text = Some("text/plain; charset=utf-8".to_owned());
        let gzip = Some("gzip".to_owned());
        let archive = Some("application/gzip".to_owned());
        assert_eq!(named("build-log.txt"), ("build-log.txt".into(), text.clone(), None));
        assert_eq!(named("build-log.txt.gz"), ("build-log.txt".into(), text.clone(), gzip.clone()));
        assert_eq!(named("x.log.gzip"), ("x.log".into(), text, gzip.clone()));
        assert_eq!(named("x.unknown.gz"), ("x.unknown".into(), archive.clone(), None));
        assert_eq!(named("dump.gz"), ("dump".into(), archive, None));
        assert_eq!(named("x.fancy"), ("x.fancy".into(), Some("application/fancy".into()), None));
        assert_eq!(named("noext"), ("noext".into(), None, None));
    }

    #[test]
    fn awkward_characters_are_escaped() {
        assert_eq!(escape("a#b\\c\nd/é"), "a%23b%5Cc%0Ad/é");
    }

    #[test]
    fn packing_is_asked_for_by_extension() {
        let types = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert!(should_compress("a/build-log.txt", &types(&["txt"])));
        assert!(should_compress("anything", &types(&["*"])));
        assert!(!should_compress("a.txt.gz", &types(&["*"])));
        assert!(!should_compress("a.json", &types(&["txt"])));
        assert!(!should_compress("a.json", &[]));
    }
}
