//! Which builds a listing shows, and in which order they are read.

use std::cmp::Ordering;

use crate::natural;

/// Ids of at least this many are as long as any to come, so that listing can begin right at them.
const FIRST_LONG_ID: u64 = 1_000_000_000_000_000_000;

/// Where a listing must begin so that it shows every build after `after` (the path of the last build
/// known, a slash at its end ignored), and that build's id.
///
/// Stores list by letters: after 6 they never show 10. So ids of fewer digits than all others will
/// have make the listing begin at the folder's `0`.
pub fn listing_start(after: &str) -> (String, &str) {
    let after = after.strip_suffix('/').unwrap_or(after);
    let (folder, id) = match after.rsplit_once('/') {
        Some((folder, id)) => (Some(folder), id),
        None => (None, after),
    };
    let is_short = id.parse::<u64>().is_ok_and(|number| number < FIRST_LONG_ID);
    let start = match (is_short, folder) {
        (false, _) => after.to_owned(),
        (true, Some(folder)) => format!("{folder}/0"),
        (true, None) => "0".to_owned(),
    };
    (start, id)
}

/// The builds after `after` in natural order of their ids, greatest first; all if it is empty.
pub fn newest_first<B>(
    mut builds: Vec<B>,
    after: &str,
    id: impl for<'b> Fn(&'b B) -> &'b str,
) -> Vec<B> {
    builds.sort_by(|a, b| natural::compare(id(b), id(a)));
    if !after.is_empty() {
        builds.retain(|build| natural::compare(id(build), after) == Ordering::Greater);
    }
    builds
}

/// The id of a listed build: the last element of a folder, or of a link's name without `.txt`.
pub fn id_of(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    let base = path.rsplit('/').next().unwrap_or(path);
    base.strip_suffix(".txt").unwrap_or(base)
}

/// Job and build of a build's folder: the last two elements of its path.
pub fn job_and_build(path: &str) -> Option<(&str, &str)> {
    let mut elements = path.trim_end_matches('/').rsplit('/');
    let build = elements.next().filter(|build| !build.is_empty())?;
    let job = elements.next().filter(|job| !job.is_empty())?;
    Some((job, build))
}

/// Where a presubmit's link leads: blanks cut, a slash at the end. None for what is no bucket's URL.
///
/// A link is an object `<job>/<id>.txt` below `directory/` whose `link` metadata (before it:
/// `x-goog-meta-link`), or where a store has no metadata its content, names the build's folder.
pub fn link_target(text: &str) -> Option<String> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://")?;
    let is_bucket = matches!(scheme, "gs" | "s3" | "file") && !rest.is_empty();
    let is_clean = !text.contains(char::is_whitespace) && !rest.split('/').any(|part| part == "..");
    (is_bucket && is_clean).then(|| format!("{}/", text.trim_end_matches('/')))
}

/// What a notification about a new object means for the builds' groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Seconds to wait after the object was written, so that the others of the build arrive.
    pub delay_seconds: i64,
}

/// After the begin of a build so many seconds.
const BEGIN_DELAY: i64 = 30;
/// After the end of a build so many seconds.
const END_DELAY: i64 = 5 * 60;

/// Whether an object (its path below the bucket) is news about a build.
pub fn notice(object: &str) -> Option<Notice> {
    let base = object.rsplit('/').next().unwrap_or(object);
    let delay_seconds = match base {
        "started.json" | "podinfo.json" => BEGIN_DELAY,
        "finished.json" | "metadata.json" => END_DELAY,
        _ if base.ends_with(".txt") && object.contains("directory/") => END_DELAY,
        _ if base.starts_with("junit") && base.ends_with(".xml") => END_DELAY,
        _ => return None,
    };
    Some(Notice { delay_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(ids: &str, after: &str) -> String {
        let ids = ids.split_whitespace().collect();
        newest_first(ids, after, |id: &&str| *id).join(" ")
    }

    #[test]
    fn builds_come_newest_first_by_number() {
        assert_eq!(
            listed("100 200 300 400 500 600 700 800 900 1000 1100 1200", "500"),
            "1200 1100 1000 900 800 700 600"
        );
        assert_eq!(
            listed("hello100 hello101 hello2000 hello30 hello31 hello300", "hello100"),
            "hello2000 hello300 hello101"
        );
        assert_eq!(listed("100 101 202 2004 30 303", "100"), "2004 303 202 101");
        assert_eq!(listed("first second third", "second"), "third");
        assert_eq!(listed("2 10 1", ""), "10 2 1");
    }

    #[test]
    fn listing_begins_where_no_build_is_missed() {
        let table = [
            ("path/to/10", "path/to/0", "10"),
            ("path/to/10/", "path/to/0", "10"),
            ("path/1364607429106470912", "path/1364607429106470912", "1364607429106470912"),
            ("path/fancy4u", "path/fancy4u", "fancy4u"),
            ("7", "0", "7"),
            ("", "", ""),
        ];
        for (after, start, id) in table {
            assert_eq!(listing_start(after), (start.to_owned(), id), "{after}");
        }
    }

    #[test]
    fn paths_name_job_and_build() {
        assert_eq!(job_and_build("gs://b/logs/some-job/123/"), Some(("some-job", "123")));
        assert_eq!(job_and_build("123"), None);
        assert_eq!(
            (id_of("b/pr-logs/directory/job/12.txt"), id_of("b/logs/job/13/")),
            ("12", "13")
        );
    }

    #[test]
    fn links_lead_to_folders_of_buckets() {
        assert_eq!(link_target(" gs://b/pr/1/job/12 \n").as_deref(), Some("gs://b/pr/1/job/12/"));
        assert_eq!(link_target("gs://b/x/").as_deref(), Some("gs://b/x/"));
        for bad in ["", "https://evil/x", "gs://", "gs://b/../c", "gs://a b"] {
            assert_eq!(link_target(bad), None, "{bad}");
        }
    }

    #[test]
    fn objects_are_news_or_not() {
        let table = [
            ("path/hello/1/artifacts/junit_1.xml", Some(300)),
            ("path/hello/1/finished.json", Some(300)),
            ("path/hello/1/metadata.json", Some(300)),
            ("path/hello/1/started.json", Some(30)),
            ("path/hello/1/podinfo.json", Some(30)),
            ("path/directory/job/123.txt", Some(300)),
            ("path/hello/1/build-log.txt", None),
            ("path/hello/1/other.xml", None),
        ];
        for (object, delay) in table {
            assert_eq!(notice(object).map(|notice| notice.delay_seconds), delay, "{object}");
        }
    }
}
