//! Addresses of runs in a text, in all forms that tools around Prow give them.

use std::fmt;

use app::model::{query_pairs, query_value};
use blob::{BlobUri, Provider};

/// Addresses of one text that are looked at.
const MAX_ADDRESSES: usize = 2_000;
/// Runs that one text names; the others are left out.
const MAX_RUNS: usize = store::MAX_TEXT_RUNS;
/// The longest address, and the longest name of a run, in bytes.
const MAX_BYTES: usize = 1024;

/// What names a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    /// Its folder.
    Folder(BlobUri),
    /// Its job and build id.
    Build {
        /// The job.
        job: String,
        /// The build.
        build: String,
    },
    /// Its ProwJob's name.
    Id(String),
}

impl fmt::Display for Named {
    /// The form in which it is stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Named::Folder(folder) => write!(f, "{folder}"),
            Named::Build { job, build } => write!(f, "build:{job}/{build}"),
            Named::Id(id) => write!(f, "id:{id}"),
        }
    }
}

impl Named {
    /// The same with the real name of its bucket.
    pub(super) fn in_bucket(self, real: impl Fn(&str) -> String) -> Named {
        match self {
            Named::Folder(folder) => {
                let bucket = real(folder.bucket());
                let real = BlobUri::new(folder.provider(), &bucket, folder.key());
                Named::Folder(real.unwrap_or(folder))
            }
            other => other,
        }
    }
}

/// The runs that a text names by an address: of their pages in Spyglass, Gubernator and here, of files in
/// gcsweb and in the buckets' own browsers, or of their folders. In the order of the text, each once.
pub fn named(text: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control() || ENDS.contains(&c));
    let addresses = words
        .map(|word| word.trim_end_matches(TRAILING))
        .filter(|word| word.contains('/') && word.len() <= MAX_BYTES);
    for address in addresses.take(MAX_ADDRESSES) {
        let Some(run) = run_at(address) else { continue };
        let name = run.to_string();
        let is_name = name.len() <= MAX_BYTES && !name.contains(char::is_control);
        if is_name && !found.contains(&run) {
            found.push(run);
            if found.len() == MAX_RUNS {
                break;
            }
        }
    }
    found
}

/// What no address goes on behind, also where one could hold it: Markdown's and HTML's marks.
const ENDS: [char; 13] = ['<', '>', '"', '\'', '`', '(', ')', '[', ']', '{', '}', '|', ','];

/// What ends a sentence and no address.
const TRAILING: [char; 8] = ['.', ';', ':', '!', '?', '*', '_', '\\'];

/// The run of an address.
fn run_at(address: &str) -> Option<Named> {
    let (scheme, rest) = match address.split_once("://") {
        Some((before, rest)) => {
            // Something may be glued before it: `log:https://…`.
            let start = before.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
            (before.get(start..)?, rest)
        }
        // People leave the scheme away.
        None if address.split('/').next()?.contains('.') => ("https", address),
        None => return None,
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => at_host(rest),
        scheme => folder(Provider::parse(scheme)?, &segments(without_query(rest).0), false),
    }
}

/// An address without its fragment, and its query.
fn without_query(address: &str) -> (&str, &str) {
    let address = address.split('#').next().unwrap_or_default();
    address.split_once('?').unwrap_or((address, ""))
}

/// The decoded parts of a path.
fn segments(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    // A plus is a plus in a path, and a slash that is encoded divides as any other: Spyglass takes both.
    let decode = |part: &str| {
        let pairs = query_pairs(&part.replace('+', "%2B").replace('=', "%3D").replace('&', "%26"));
        pairs.into_iter().next().map(|(name, _)| name).unwrap_or_default()
    };
    let decoded: Vec<String> = parts.map(decode).collect();
    let whole = decoded.join("/");
    whole.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The run of an address of the web without its scheme.
fn at_host(rest: &str) -> Option<Named> {
    let (address, query) = without_query(rest);
    let (host, path) = address.split_once('/')?;
    let host = host.rsplit('@').next()?.split(':').next()?.to_ascii_lowercase();
    let path = segments(path);
    let mut parts = path.iter().map(String::as_str);
    match host.as_str() {
        "storage.googleapis.com" | "storage.cloud.google.com" => {
            return folder(Provider::Gs, &path, false);
        }
        "console.cloud.google.com" => {
            let below = path.strip_prefix(&["storage".to_owned(), "browser".to_owned()])?;
            let below = match below {
                [first, below @ ..] if first == "_details" => below,
                below => below,
            };
            return folder(Provider::Gs, below, false);
        }
        host if host.ends_with(".storage.googleapis.com") => {
            return below(Provider::Gs, host.strip_suffix(".storage.googleapis.com")?, &path);
        }
        host if host.ends_with(".amazonaws.com") => {
            let name = host.strip_suffix(".amazonaws.com")?;
            // `bucket.s3.region`, `bucket.s3`, or `s3.region/bucket`.
            return match name.split_once(".s3") {
                Some((bucket, _)) => below(Provider::S3, bucket, &path),
                None if name.starts_with("s3") => folder(Provider::S3, &path, false),
                None => None,
            };
        }
        _ => {}
    }
    let pairs = query_pairs(query);
    let value = |name: &str| query_value(&pairs, name).map(str::to_owned);
    let first = parts.next()?;
    let rest = path.get(1..)?;
    match first {
        "view" if rest.first().is_some_and(|kind| kind == "prowjob") => build(&rest[1..]),
        "view" => folder(Provider::parse(rest.first()?)?, rest.get(1..)?, true),
        "nodelog" => folder(Provider::parse(rest.first()?)?, rest.get(1..)?, false),
        "build" => folder(Provider::Gs, rest, false).or_else(|| folder(Provider::Gs, rest, true)),
        "gcs" | "gs" | "s3" | "file" => folder(Provider::parse(first)?, rest, false),
        "run" => rest.first().map(|id| Named::Id(id.clone())),
        "log" => build(&[value("job")?, value("id")?]),
        "prowjob" => value("prowjob").filter(|id| !id.is_empty()).map(Named::Id),
        "api" => match rest {
            // A run without a ProwJob has its folder for its name.
            [v1, runs, scheme, below @ ..]
                if v1 == "v1" && runs == "runs" && scheme.ends_with(':') =>
            {
                folder(Provider::parse(scheme.trim_end_matches(':'))?, below, false)
            }
            [v1, runs, id, ..] if v1 == "v1" && runs == "runs" => {
                let is_one = !["compare", "stream"].contains(&id.as_str());
                is_one.then(|| Named::Id(id.clone()))
            }
            _ => None,
        },
        _ => None,
    }
}

fn below(provider: Provider, bucket: &str, path: &[String]) -> Option<Named> {
    let mut whole = vec![bucket.to_owned()];
    whole.extend_from_slice(path);
    folder(provider, &whole, false)
}

fn build(parts: &[String]) -> Option<Named> {
    let [job, build, ..] = parts else { return None };
    (!job.is_empty() && is_build(build))
        .then(|| Named::Build { job: job.clone(), build: build.clone() })
}

fn is_build(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// The folder of the run in which a place lies, or that it is, as far as its name tells.
pub fn run_folder(place: &BlobUri) -> Option<BlobUri> {
    let mut parts = vec![place.bucket().to_owned()];
    parts.extend(place.key().split('/').filter(|part| !part.is_empty()).map(str::to_owned));
    match folder(place.provider(), &parts, true)? {
        Named::Folder(folder) => Some(folder),
        Named::Build { .. } | Named::Id(_) => None,
    }
}

/// The run's folder in or above a place in a bucket, whose first part is the bucket; with `whole` the
/// place itself where it is of none of the known forms, as Spyglass takes it.
fn folder(provider: Provider, place: &[String], whole: bool) -> Option<Named> {
    let (bucket, path) = place.split_first()?;
    let of =
        |parts: &[String]| BlobUri::new(provider, bucket, parts.join("/")).ok().map(Named::Folder);
    let at = |name: &str| path.iter().position(|part| part == name);
    if let Some(start) = at("pr-logs") {
        let below = path.get(start + 1..)?;
        return match below.first()?.as_str() {
            "directory" => build(below.get(1..)?),
            "pull" => {
                // `batch`, or a number behind no, one or several names.
                let number =
                    below.iter().skip(1).position(|part| part == "batch" || is_build(part))?;
                let end = start + 1 + 1 + number + 3;
                let run = path.get(..end)?;
                is_build(run.last()?).then(|| of(run))?
            }
            _ => None,
        };
    }
    if let Some(start) = at("logs")
        && let Some(run) = path.get(..start + 3)
        && run.last().is_some_and(|last| is_build(last))
    {
        return of(run);
    }
    let last = path.last()?;
    (whole && path.len() > 1 && is_build(last)).then(|| of(path))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        named(text).iter().map(Named::to_string).collect()
    }

    #[test]
    fn addresses_of_runs_are_read_in_every_form() {
        const PULL: &str = "gs://b/pr-logs/pull/org_repo/7/unit/17";
        for (address, name) in [
            ("https://prow.k8s.io/view/gs/b/logs/nightly/17", "gs://b/logs/nightly/17"),
            ("https://prow.k8s.io/view/gcs/b/logs/nightly/17/", "gs://b/logs/nightly/17"),
            ("http://[::1]:8080/view/s3/b/logs/nightly/17", ""),
            ("http://h:8080/view/s3/b/logs/nightly/17?tab=log#L5", "s3://b/logs/nightly/17"),
            ("https://h/view/file/b/logs/nightly/17", "file://b/logs/nightly/17"),
            ("https://h/view/gs/b/logs/nightly/17#1:build-log.txt%3A3", "gs://b/logs/nightly/17"),
            ("https://h/view/gs/b/own/form/nightly/17", "gs://b/own/form/nightly/17"),
            ("https://h/view/gs/b/x/logs/nightly/17", "gs://b/x/logs/nightly/17"),
            ("https://h/view/prowjob/nightly/17", "build:nightly/17"),
            ("https://h/view/gs/b/pr-logs/directory/unit/17", "build:unit/17"),
            ("https://k8s-gubernator.appspot.com/build/b/pr-logs/pull/org_repo/7/unit/17/", PULL),
            ("https://h/build/b/logs/nightly/17/nodelog?pod=x", "gs://b/logs/nightly/17"),
            ("https://h/nodelog/gs/b/logs/nightly/17?pod=x", "gs://b/logs/nightly/17"),
            (
                "https://gcsweb.k8s.io/gcs/b/logs/nightly/17/artifacts/1/x.txt",
                "gs://b/logs/nightly/17",
            ),
            ("https://h/s3/b/logs/nightly/17/", "s3://b/logs/nightly/17"),
            (
                "https://storage.googleapis.com/b/pr-logs/pull/org_repo/7/unit/17/build-log.txt",
                PULL,
            ),
            ("https://storage.cloud.google.com/b/pr-logs/pull/org_repo/7/unit/17/x", PULL),
            ("https://b.storage.googleapis.com/pr-logs/pull/org_repo/7/unit/17/x", PULL),
            (
                "https://console.cloud.google.com/storage/browser/b/logs/nightly/17",
                "gs://b/logs/nightly/17",
            ),
            (
                "https://console.cloud.google.com/storage/browser/_details/b/logs/nightly/17/x",
                "gs://b/logs/nightly/17",
            ),
            ("https://b.s3.eu-west-1.amazonaws.com/logs/nightly/17/x", "s3://b/logs/nightly/17"),
            ("https://s3.eu-west-1.amazonaws.com/b/logs/nightly/17/x", "s3://b/logs/nightly/17"),
            ("gs://b/pr-logs/pull/org_repo/7/unit/17", PULL),
            ("gs://b/pr-logs/pull/7/unit/17", "gs://b/pr-logs/pull/7/unit/17"),
            ("gs://b/pr-logs/pull/repo/7/unit/17/artifacts/", "gs://b/pr-logs/pull/repo/7/unit/17"),
            ("gs://b/pr-logs/pull/batch/unit/17", "gs://b/pr-logs/pull/batch/unit/17"),
            ("https://h/run/0a1b-22?tab=log", "id:0a1b-22"),
            ("https://h/prowjob?prowjob=0a1b-22", "id:0a1b-22"),
            ("https://h/log?job=nightly&id=17&container=test", "build:nightly/17"),
            ("https://h/api/v1/runs/0a1b-22/log", "id:0a1b-22"),
            (
                "https://h/api/v1/runs/gs%3A%2F%2Fb%2Flogs%2Fnightly%2F17/log",
                "gs://b/logs/nightly/17",
            ),
            ("prow.k8s.io/view/gs/b/logs/nightly/17", "gs://b/logs/nightly/17"),
        ] {
            let expected: Vec<&str> =
                Some(name).filter(|name| !name.is_empty()).into_iter().collect();
            assert_eq!(names(address), expected, "{address}");
        }
    }

    #[test]
    fn addresses_are_found_among_markdown_and_punctuation() {
        let text = "[the run](https://h/view/gs/b/logs/a/1), <https://h/view/gs/b/logs/a/2>; it's \
                    `https://h/view/gs/b/logs/a/3`. See https://h/view/gs/b/logs/a/4.\nhttps://h/view/\
                    gs/b/logs/a/1 again, log:https://h/view/gs/b/logs/a/5!";
        let expected: Vec<String> = (1..=5).map(|at| format!("gs://b/logs/a/{at}")).collect();
        assert_eq!(names(text), expected);
    }

    #[test]
    fn what_names_no_run_is_passed_over() {
        for text in [
            "",
            "https://h/view/gs/b",
            "https://h/view/gs/b/logs/nightly",
            "https://h/view/ftp/b/logs/nightly/17",
            "https://h/view/prowjob/nightly",
            "gs://b/logs/nightly/latest-build.txt",
            "gs://b/pr-logs/pull/org_repo/7",
            "gs://b/pr-logs/pull/org_repo/7/unit",
            "https://github.com/org/repo/pull/17",
            "https://h/run/",
            "https://h/api/v1/runs/compare?a=1",
            "https://",
            "://///",
            "gs://",
            "https://h/view/%zz/%2F/%00",
            "/view/gs/b/logs/nightly/17",
            "and/or 1/2 a.b/c",
        ] {
            assert_eq!(names(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_text_of_nothing_but_addresses_is_bounded() {
        let many: String = (0..5_000).map(|at| format!("gs://b/logs/a/{at}\n")).collect();
        assert_eq!(named(&many).len(), MAX_RUNS);
        let long = format!("gs://b/logs/{}/1", "a".repeat(2_000));
        assert!(named(&long).is_empty());
    }
}
