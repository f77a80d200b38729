//! The run list's filter: what a URL's parameters ask for.
//!
//! The parameters are Deck's (`type`, `repo`, `pull`, `author`, `job`,
//! `state`, `cluster`), so old bookmarks mean what they meant, and some more
//! (`org`, `base`, `since`, `until`). A parameter that is empty asks nothing;
//! all others must hold together.

use std::sync::Arc;

use go_compat::duration::GoDuration;
use go_compat::glob::deck_job_glob;
use go_compat::time::Timestamp;
use job_spec::{JobType, ProwJobState};

use super::run::Run;

/// A filter over runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// What caused the run.
    pub job_type: Option<JobType>,
    /// Organisation or user.
    pub org: String,
    /// `org/repo`, or the repository's bare name together with `org`.
    pub repo: String,
    /// A pull request's author.
    pub author: String,
    /// A pull request's number.
    pub pull: Option<i64>,
    /// The branch.
    pub base: String,
    /// A job's name, a pattern with `*`, or words that its name holds.
    pub job: String,
    /// The states that are wanted; empty means any.
    pub states: Vec<ProwJobState>,
    /// Build cluster alias.
    pub cluster: String,
    /// Not started before this moment.
    pub since: Option<Timestamp>,
    /// Started before this moment.
    pub until: Option<Timestamp>,
}

/// A parameter that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is no {expected} (parameter `{name}`)")]
pub struct FilterError {
    name: &'static str,
    value: String,
    expected: &'static str,
}

impl Filter {
    /// Reads parameters; those of other names are passed over. `now` gives
    /// `since=3h` its meaning.
    pub fn parse<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
        now: Timestamp,
    ) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for (name, value) in parameters {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            let wrong = |name, expected| FilterError { name, value: value.to_owned(), expected };
            match name {
                "type" => {
                    filter.job_type = Some(value.parse().map_err(|_| {
                        wrong("type", "job type: presubmit, postsubmit, periodic or batch")
                    })?);
                }
                "org" => filter.org = value.to_owned(),
                "repo" => filter.repo = value.to_owned(),
                "author" => filter.author = value.to_owned(),
                "pull" => {
                    let number = value.trim_start_matches('#').parse();
                    filter.pull =
                        Some(number.map_err(|_| wrong("pull", "pull request number"))?);
                }
                "base" => filter.base = value.to_owned(),
                "job" => filter.job = value.to_owned(),
                "state" => {
                    for state in value.split(',').filter(|state| !state.is_empty()) {
                        filter.states.push(ProwJobState::from(state));
                    }
                }
                "cluster" => filter.cluster = value.to_owned(),
                "since" => {
                    filter.since = Some(
                        moment(value, now)
                            .ok_or_else(|| wrong("since", "time, such as 3h, 7d or a date"))?,
                    );
                }
                "until" => {
                    filter.until = Some(
                        moment(value, now)
                            .ok_or_else(|| wrong("until", "time, such as 3h, 7d or a date"))?,
                    );
                }
                _ => {}
            }
        }
        Ok(filter)
    }

    /// Prepares the filter for many runs. `known_job` tells whether a text is
    /// a job's name as it stands.
    pub fn matcher(&self, known_job: impl Fn(&str) -> bool) -> Matcher<'_> {
        let job = if self.job.is_empty() {
            JobMatch::Any
        } else if known_job(&self.job) {
            JobMatch::Exact(&self.job)
        } else if self.job.contains('*') {
            JobMatch::Glob(&self.job)
        } else {
            JobMatch::Words(self.job.split_whitespace().map(str::to_lowercase).collect())
        };
        Matcher { filter: self, job }
    }
}

/// A filter made ready.
pub struct Matcher<'a> {
    filter: &'a Filter,
    job: JobMatch<'a>,
}

enum JobMatch<'a> {
    Any,
    Exact(&'a str),
    Glob(&'a str),
    Words(Vec<String>),
}

impl Matcher<'_> {
    /// Whether a run passes.
    pub fn matches(&self, run: &Run) -> bool {
        let f = self.filter;
        f.job_type.is_none_or(|wanted| run.job_type == wanted)
            && (f.states.is_empty() || f.states.contains(&run.state))
            && (f.cluster.is_empty() || *run.cluster == *f.cluster)
            && f.since.is_none_or(|since| run.started >= since)
            && f.until.is_none_or(|until| run.started < until)
            && self.refs_match(run)
            && self.job_matches(&run.job)
    }

    fn refs_match(&self, run: &Run) -> bool {
        let f = self.filter;
        let asks_pull = !f.author.is_empty() || f.pull.is_some();
        if f.org.is_empty() && f.repo.is_empty() && f.base.is_empty() && !asks_pull {
            return true;
        }
        let Some(refs) = &run.refs else { return false };
        let repo_matches = match f.repo.split_once('/') {
            _ if f.repo.is_empty() => true,
            // A Gerrit org is a URL, so the last slash divides.
            Some(_) => f
                .repo
                .rsplit_once('/')
                .is_some_and(|(org, repo)| *refs.org == *org && *refs.repo == *repo),
            None => *refs.repo == *f.repo,
        };
        repo_matches
            && (f.org.is_empty() || *refs.org == *f.org)
            && (f.base.is_empty() || *refs.base_ref == *f.base)
            && (f.author.is_empty() || refs.pulls.iter().any(|pull| *pull.author == *f.author))
            && f.pull.is_none_or(|number| refs.pulls.iter().any(|pull| pull.number == number))
    }

    fn job_matches(&self, job: &Arc<str>) -> bool {
        match &self.job {
            JobMatch::Any => true,
            JobMatch::Exact(name) => **job == **name,
            JobMatch::Glob(pattern) => deck_job_glob(pattern, job),
            JobMatch::Words(words) => {
                let name = job.to_lowercase();
                words.iter().all(|word| name.contains(word))
            }
        }
    }
}

/// A moment as people write it: `3h` or `7d` ago, a date, or RFC 3339.
pub fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
        return Some(Timestamp::from_seconds(now.seconds() - i64::from(days) * 86_400));
    }
    if let Ok(ago) = GoDuration::parse(text) {
        let seconds = i64::try_from(ago.as_std().as_secs()).ok()?;
        return Some(Timestamp::from_seconds(now.seconds().checked_sub(seconds)?));
    }
    // A form's date and time fields leave the rest out.
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        _ => text.to_owned(),
    };
    Timestamp::parse_rfc3339(&full).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn now() -> Timestamp {
        Timestamp::from_seconds(NOW)
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("3h", NOW - 3 * 3600),
            ("7d", NOW - 7 * 86_400),
            ("1h30m", NOW - 5400),
            ("2026-11-21", 1_795_219_200),
            ("2026-11-21T10:30", 1_795_257_000),
            ("2026-11-21T10:30:00Z", 1_795_257_000),
        ] {
            assert_eq!(moment(text, now()), Some(Timestamp::from_seconds(seconds)), "{text}");
        }
        assert_eq!(moment("soon", now()), None);
    }

    #[test]
    fn a_parameter_that_makes_no_sense_is_named() {
        let error = Filter::parse([("pull", "abc")], now()).expect_err("no number");
        assert_eq!(error.to_string(), "`abc` is no pull request number (parameter `pull`)");
    }

    #[test]
    fn empty_and_foreign_parameters_ask_nothing() {
        let filter = Filter::parse([("job", " "), ("utm_source", "x")], now());
        assert_eq!(filter, Ok(Filter::default()));
    }
}
