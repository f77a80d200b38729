//! A run filter as SQL conditions.

use super::Conditions;
use crate::db::Dialect;
use crate::{BuildQuery, JobMatch, RunCursor, RunFilter};

/// The conditions of a page of runs.
pub(super) fn conditions(
    filter: &RunFilter,
    after: Option<&RunCursor>,
    dialect: Dialect,
) -> Conditions {
    let mut where_ = Conditions::default();
    where_.one_of("job_type", &filter.job_types);
    where_.equal("org", filter.org.as_deref());
    where_.equal("repo", filter.repo.as_deref());
    where_.equal("base_ref", filter.base_ref.as_deref());
    where_.one_of("state", &filter.states);
    where_.equal("cluster", filter.cluster.as_deref());
    if let Some(author) = &filter.author {
        let author = where_.arg(author.as_str());
        where_.push(format!("id IN (SELECT run_id FROM run_pulls WHERE author = {author})"));
    }
    if let Some(number) = filter.pull {
        let number = where_.arg(number);
        where_.push(format!("id IN (SELECT run_id FROM run_pulls WHERE number = {number})"));
    }
    match &filter.job {
        None => {}
        Some(JobMatch::Exact(job)) => where_.equal("job", Some(job.as_str())),
        Some(JobMatch::Glob(glob)) => {
            // SQLite's LIKE ignores case, PostgreSQL's does not; SQLite's GLOB does not.
            let (operator, pattern) = match dialect {
                Dialect::Sqlite => ("GLOB", sqlite_glob(glob)),
                Dialect::Postgres => ("LIKE", like_glob(glob)),
            };
            let pattern = where_.arg(pattern);
            where_.push(format!("job {operator} {pattern}"));
        }
        Some(JobMatch::Fuzzy(letters)) => {
            let pattern = where_.arg(like_fuzzy(letters));
            where_.push(format!("lower(job) LIKE {pattern} ESCAPE '\\'"));
        }
    }
    if let Some(since) = filter.since {
        let since = where_.arg(since.millis());
        where_.push(format!("start_ms >= {since}"));
    }
    if let Some(until) = filter.until {
        let until = where_.arg(until.millis());
        where_.push(format!("start_ms < {until}"));
    }
    if !filter.include_hidden {
        where_.push("hidden = 0".to_string());
    }
    if let Some(tenants) = &filter.tenants {
        match tenants.is_empty() {
            true => where_.push("1 = 0".to_string()),
            false => where_.one_of("tenant", tenants),
        }
    }
    if let Some(RunCursor { start, job, id }) = after {
        let start = where_.arg(start.millis());
        let job = where_.arg(job.as_str());
        let id = where_.arg(id.as_str());
        // The first half lets the index skip what lies before the cursor.
        where_.push(format!(
            "start_ms <= {start} AND (start_ms < {start} OR (job, id) > ({job}, {id}))"
        ));
    }
    where_
}

/// The conditions of builds of a job. A longer number is greater, so length and digits together are
/// in the order of the numbers.
pub(super) fn build_conditions(query: &BuildQuery) -> Conditions {
    let mut where_ = Conditions::default();
    where_.equal("job", Some(query.job.as_str()));
    where_.push("build_id <> ''".to_owned());
    let length = query.within.chars().count();
    let within = where_.arg(query.within.as_str());
    where_.push(format!("substr(run_dir, 1, {length}) = {within}"));
    where_.one_of("job_type", &query.job_types);
    where_.one_of("state", &query.states);
    let mut bound = |build: Option<u64>, than: &str, or_same: &str| {
        let Some(build) = build else { return };
        let build = build.to_string();
        let length = where_.arg(i64::try_from(build.len()).unwrap_or(i64::MAX));
        let build = where_.arg(build);
        where_.push(format!(
            "length(build_id) {than}= {length} \
             AND (length(build_id) {than} {length} OR build_id {than}{or_same} {build})"
        ));
    };
    bound(query.up_to, "<", "=");
    bound(query.above, ">", "");
    where_
}

/// `*` is any text for GLOB as well; `?` and `[` stand for themselves.
fn sqlite_glob(glob: &str) -> String {
    glob.replace('[', "[[]").replace('?', "[?]")
}

/// `*` as `%`, everything else escaped.
fn like_glob(glob: &str) -> String {
    glob.chars()
        .map(|letter| match letter {
            '*' => "%".to_string(),
            '%' | '_' | '\\' => format!("\\{letter}"),
            other => other.to_string(),
        })
        .collect()
}

/// Any text between the letters.
fn like_fuzzy(letters: &str) -> String {
    let mut pattern = String::from("%");
    for letter in letters.to_lowercase().chars().filter(|letter| !letter.is_whitespace()) {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
        pattern.push('%');
    }
    pattern
}
