//! Names of repositories, GitHub's `org/repo` and Gerrit's URLs, and how configuration keys match
//! them.

/// Whether an organisation (or a whole identifier) is Gerrit's: it then begins with a scheme.
pub fn is_gerrit_org(org: &str) -> bool {
    org.starts_with("https://") || org.starts_with("http://")
}

/// An identifier without `http://` or `https://` and without slashes at its end.
pub fn trim_https_prefix(text: &str) -> &str {
    let text = text.strip_prefix("https://").unwrap_or(text);
    let text = text.strip_prefix("http://").unwrap_or(text);
    text.trim_end_matches('/')
}

/// A clone URL with a scheme and without slashes at its end.
pub fn normalize_clone_uri(uri: &str) -> String {
    let scheme = if uri.starts_with("http://") { "http://" } else { "https://" };
    format!("{scheme}{}", trim_https_prefix(uri).trim_matches('/'))
}

/// Splits `org/repo`, or a Gerrit URL into host URL and repository. None if there is no slash.
pub fn split_repo_name(full: &str) -> Option<(String, String)> {
    if is_gerrit_org(full) {
        let scheme = if full.starts_with("http://") { "http://" } else { "https://" };
        let (host, repo) = trim_https_prefix(full).split_once('/')?;
        return Some((format!("{scheme}{host}"), repo.trim_end_matches('/').to_owned()));
    }
    let (org, repo) = full.split_once('/')?;
    Some((org.to_owned(), repo.to_owned()))
}

/// The keys under which a configuration map may speak of a repository, narrowest first, ending with
/// `*`. Gerrit identifiers appear with and without their scheme.
pub fn keys_for_identifier(identifier: &str) -> Vec<String> {
    let normalized = if is_gerrit_org(identifier) {
        normalize_clone_uri(identifier)
    } else {
        identifier.to_owned()
    };
    let mut keys = vec![normalized.clone(), trim_https_prefix(identifier).to_owned()];
    if let Some((org, _)) = split_repo_name(&normalized)
        && !org.is_empty()
    {
        let bare = trim_https_prefix(&org).to_owned();
        keys.push(org);
        keys.push(bare);
    }
    keys.push("*".to_owned());
    let mut unique: Vec<String> = Vec::with_capacity(keys.len());
    for key in keys {
        if !unique.contains(&key) {
            unique.push(key);
        }
    }
    unique
}

/// Whether a default entry for `entry_repo` and `entry_cluster` applies to a job of `repo` in
/// `cluster`. Prow's documentation calls the two patterns, but they are compared as they are.
pub fn entry_matches(entry_repo: &str, entry_cluster: &str, repo: &str, cluster: &str) -> bool {
    if !matches!(entry_cluster, "" | "*") && entry_cluster != cluster {
        return false;
    }
    if matches!(entry_repo, "" | "*") || entry_repo == repo {
        return true;
    }
    let code_url = ensure_code_url(repo);
    let code_url = code_url.strip_prefix("https://").unwrap_or(&code_url);
    let code_url = code_url.strip_prefix("http://").unwrap_or(code_url);
    entry_repo == code_url || Some(entry_repo) == code_url.split('/').next()
}

/// The address of Gerrit's code from that of its reviews: without `-review` after the host's name.
fn ensure_code_url(url: &str) -> String {
    match url.split_once('.') {
        Some((host, rest)) if host.ends_with("-review") => {
            format!("{}.{rest}", host.trim_end_matches("-review"))
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_github_repository_is_known_by_three_keys() {
        assert_eq!(
            keys_for_identifier("kubernetes/test-infra"),
            ["kubernetes/test-infra", "kubernetes", "*"]
        );
        assert_eq!(keys_for_identifier("kubernetes"), ["kubernetes", "*"]);
    }

    #[test]
    fn a_gerrit_repository_is_known_with_and_without_scheme() {
        assert_eq!(
            keys_for_identifier("https://foo-review.example.com/bar/baz"),
            [
                "https://foo-review.example.com/bar/baz",
                "foo-review.example.com/bar/baz",
                "https://foo-review.example.com",
                "foo-review.example.com",
                "*",
            ]
        );
    }

    #[test]
    fn default_entries_compare_repository_organisation_and_cluster() {
        assert!(entry_matches("", "", "a/b", "default"));
        assert!(entry_matches("*", "*", "a/b", "default"));
        assert!(entry_matches("a", "", "a/b", "x"));
        assert!(entry_matches("a/b", "x", "a/b", "x"));
        assert!(!entry_matches("a/b", "y", "a/b", "x"));
        assert!(!entry_matches("a/.*", "", "a/b", "x"));
        assert!(entry_matches("foo.example.com", "", "https://foo-review.example.com/bar", "x"));
        assert!(!entry_matches("a", "", "", "x"));
    }
}
