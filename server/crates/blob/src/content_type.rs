//! Content types by file name, and by a look at the first bytes where the name says nothing.

/// What a text without a better name is served as.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// What bytes without a better name are served as.
pub const BINARY: &str = "application/octet-stream";

/// Extension (lower case, no dot) and content type. The types are those that Go's `mime` package
/// gives, which is what Prow's uploads carry, plus the names that CI writes.
const TABLE: &[(&str, &str)] = &[
    ("avif", "image/avif"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("log", TEXT),
    ("md", "text/markdown; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("out", TEXT),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("prof", BINARY),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tgz", "application/gzip"),
    ("txt", TEXT),
    ("wasm", "application/wasm"),
    ("webp", "image/webp"),
    ("xml", "text/xml; charset=utf-8"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zip", "application/zip"),
    ("zst", "application/zstd"),
];

/// The part behind the last dot of the last path segment, as it is written; `None` without a dot.
pub fn extension(name: &str) -> Option<&str> {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.rsplit_once('.').map(|(_, ext)| ext).filter(|e| !e.is_empty())
}

/// The content type that the extension of `name` stands for.
pub fn by_name(name: &str) -> Option<&'static str> {
    let wanted = extension(name)?.to_ascii_lowercase();
    TABLE.iter().find(|(ext, _)| *ext == wanted).map(|(_, content_type)| *content_type)
}

/// The content type by name, else by whether `head` (the first bytes) reads as text.
pub fn guess(name: &str, head: &[u8]) -> &'static str {
    by_name(name).unwrap_or_else(|| if looks_like_text(head) { TEXT } else { BINARY })
}

/// Text has no control characters but white space, backspace and the escape of colours. The last
/// bytes may be a cut character, since `head` is the beginning of something longer.
pub fn looks_like_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let control = |b: &u8| *b < 0x20 && !matches!(*b, b'\t' | b'\n' | b'\r' | 0x08 | 0x0c | 0x1b);
    valid && !head.iter().any(control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_type_and_bytes_help_where_they_do_not() {
        assert_eq!(by_name("a/build-log.txt"), Some(TEXT));
        assert_eq!(by_name("JUNIT.XML"), Some("text/xml; charset=utf-8"));
        assert_eq!(by_name("a.d/noext"), None);
        assert_eq!(guess("noext", "grüße\n".as_bytes()), TEXT);
        assert_eq!(guess("noext", &"grü".as_bytes()[..3]), TEXT);
        assert_eq!(guess("noext", b"\x7fELF\x02\x01\x01\0"), BINARY);
    }
}
