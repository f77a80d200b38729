//! Link templates: URLs with tokens such as `<test-name>` or `<encode:<test-name>>`.

use std::collections::{BTreeMap, BTreeSet};

use crate::proto::config::LinkTemplate;
use crate::url::{Part, encode_query, escape, unescape};

/// The bucket and path of the job's builds. TestGrid's own expander knows it with a hyphen, all
/// configurations write it so; both mean the same here.
pub const GCS_PREFIX: &str = "<gcs_prefix>";
/// The other spelling of [`GCS_PREFIX`].
pub const GCS_PREFIX_HYPHEN: &str = "<gcs-prefix>";
/// The column's build.
pub const CHANGELIST: &str = "<changelist>";
/// The row's name.
pub const TEST_NAME: &str = "<test-name>";
/// The cell's id.
pub const TEST_ID: &str = "<test-id>";
/// The build's id.
pub const BUILD_ID: &str = "<build-id>";

/// Values by token, the angle brackets included.
pub type Parameters = BTreeMap<String, String>;

/// Why a template gives no link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the link template makes {url:?}, which is no URL: {reason}; correct the template")]
pub struct LinkError {
    url: String,
    reason: String,
}

/// The tokens of a template that can be replaced.
pub fn tokens(template: &LinkTemplate) -> BTreeSet<&str> {
    let options = template.options.iter().flat_map(|option| [&option.key, &option.value]);
    std::iter::once(&template.url).chain(options).flat_map(|text| tokens_of(text)).collect()
}

fn tokens_of(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('>').filter_map(|(end, _)| {
        let start = text[..end].rfind(['<', '>'])?;
        text[start..].starts_with('<').then(|| &text[start..=end])
    })
}

/// The link that a template gives with these values; empty for an empty template.
///
/// Tokens without a value stay, escaped. The template's options become the query, sorted by key, in
/// the place of one that its URL may have. `<encode:…>` escapes what stands in it.
///
/// # Errors
/// What comes out is no URL.
pub fn expand(template: &LinkTemplate, parameters: &Parameters) -> Result<String, LinkError> {
    let url = replaced(&template.url, parameters, Some(Part::PathSegment));
    let options = template.options.iter().map(|option| {
        (replaced(&option.key, parameters, None), replaced(&option.value, parameters, None))
    });
    let query = encode_query(options.collect());
    with_query(&url, &query).map_err(|reason| LinkError { url, reason })
}

/// Replaces tokens, then `<encode:…>`; in options the query's own escaping is enough.
fn replaced(text: &str, parameters: &Parameters, encode_as: Option<Part>) -> String {
    let mut text = text.to_owned();
    for (token, value) in parameters {
        if !token.is_empty() {
            text = text.replace(token.as_str(), value);
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("<encode:") {
        out.push_str(before);
        match after.find(['<', '>']).filter(|end| after[*end..].starts_with('>')) {
            Some(end) => {
                match encode_as {
                    Some(part) => out.push_str(&escape(&after[..end], part)),
                    None => out.push_str(&after[..end]),
                }
                rest = &after[end + 1..];
            }
            None => {
                out.push_str("<encode:");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The URL with another query, its path escaped where it must be.
fn with_query(url: &str, query: &str) -> Result<String, String> {
    if url.chars().any(|c| c.is_ascii_control()) {
        return Err("invalid control character in URL".to_owned());
    }
    let (url, fragment) = match url.split_once('#') {
        Some((url, fragment)) => (url, Some(fragment)),
        None => (url, None),
    };
    let url = url.split_once('?').map_or(url, |(url, _)| url);
    let (start, path) = match url.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (host, path) = rest.split_at(end);
            check_host(host)?;
            (format!("{}://{host}", scheme.to_ascii_lowercase()), path)
        }
        _ => (String::new(), url),
    };
    let mut out = start + &escaped_path(path)?;
    if !query.is_empty() {
        out.push('?');
        out.push_str(query);
    }
    if let Some(fragment) = fragment.filter(|fragment| !fragment.is_empty()) {
        out.push('#');
        out.push_str(&escaped_path(fragment)?);
    }
    Ok(out)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn check_host(host: &str) -> Result<(), String> {
    let allowed = |c: char| {
        !c.is_ascii() || c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"@".contains(c)
    };
    match host.chars().find(|c| !allowed(*c)) {
        Some('%') => Err("invalid URL escape in host name".to_owned()),
        Some(c) => Err(format!("invalid character {c:?} in host name")),
        None => Ok(()),
    }
}

/// A path as it stands if it is escaped well, else escaped anew.
fn escaped_path(path: &str) -> Result<String, String> {
    let plain = unescape(path, Part::Path)?;
    let is_good =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]/%".contains(&byte);
    if path.bytes().all(is_good) { Ok(path.to_owned()) } else { Ok(escape(&plain, Part::Path)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::config::LinkOptionsTemplate;

    fn template(url: &str, options: &[(&str, &str)]) -> LinkTemplate {
        LinkTemplate {
            url: url.to_owned(),
            options: options
                .iter()
                .map(|(key, value)| LinkOptionsTemplate {
                    key: (*key).to_owned(),
                    value: (*value).to_owned(),
                })
                .collect(),
            ..LinkTemplate::default()
        }
    }

    fn expanded(url: &str, options: &[(&str, &str)], values: &[(&str, &str)]) -> String {
        let parameters: Parameters = values
            .iter()
            .map(|(token, value)| ((*token).to_owned(), (*value).to_owned()))
            .collect();
        expand(&template(url, options), &parameters).unwrap()
    }

    #[test]
    fn tokens_are_replaced_in_url_and_options() {
        let values = [
            ("<workflow-name>", "//my-workflow"),
            ("<test-id>", "id-1"),
            ("<gcs-prefix>", "my-bucket/has/results"),
        ];
        assert_eq!(
            expanded(
                "https://test.com/<workflow-name>/<test-id>",
                &[("prefix", "<gcs-prefix>")],
                &values
            ),
            "https://test.com///my-workflow/id-1?prefix=my-bucket%2Fhas%2Fresults"
        );
        assert_eq!(
            expanded(
                "https://test.com/<encode:<workflow-name>>",
                &[("workflow", "<encode:<workflow-name>>")],
                &[("<workflow-name>", "//my-workfl@w")]
            ),
            "https://test.com/%2F%2Fmy-workfl@w?workflow=%2F%2Fmy-workfl%40w"
        );
    }

    #[test]
    fn unknown_tokens_stay_and_options_are_sorted() {
        assert_eq!(
            expanded(
                "https://test.com/<what>?lost=1#part",
                &[("z", "<who>"), ("a", "1"), ("z", "0")],
                &[]
            ),
            "https://test.com/%3Cwhat%3E?a=1&z=%3Cwho%3E&z=0#part"
        );
        assert_eq!(expanded("", &[], &[]), "");
        assert_eq!(expanded("/local/<encode:a b", &[], &[]), "/local/%3Cencode:a%20b");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in ["https://test.com%+", "https://test.com/%zz", "https://a b/", "https://x/\n"] {
            assert!(expand(&template(url, &[]), &Parameters::new()).is_err(), "{url}");
        }
    }

    #[test]
    fn tokens_are_listed_once() {
        let template = template("x<a>/<encode:<b>><<c>", &[("<a>", "<d"), ("k", "<e>")]);
        assert_eq!(Vec::from_iter(tokens(&template)), ["<a>", "<b>", "<c>", "<e>"]);
    }
}
