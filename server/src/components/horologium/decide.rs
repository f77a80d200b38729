//! Which periodics are due. Pure: the time, the latest runs and what was recorded come in.

use std::time::Duration;

use go_compat::cron::Schedule;
use go_compat::time::Timestamp;
use job_spec::{ProwJob, ProwJobState, labels};
use serde::{Deserialize, Serialize};

/// Prow's bound on the attempts of a retry, whatever the configuration says.
pub const MAX_RETRIES: i64 = 10;

/// When a periodic runs.
#[derive(Debug, Clone)]
pub enum Rhythm {
    /// This long after the last run started, if that run is complete.
    Interval(Duration),
    /// This long after the last run ended.
    MinimumInterval(Duration),
    /// At the times of a cron expression.
    Cron(Schedule),
}

/// `retry` of a periodic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Whether all attempts run, whatever the result.
    pub run_all: bool,
    /// How many.
    pub attempts: i64,
    /// How long after the last start.
    pub interval: Duration,
}

/// What is recorded of a periodic so that a restart neither loses nor repeats a firing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The rhythm as the configuration writes it; another text starts anew.
    pub rhythm: String,
    /// The nominal time of the last firing, or the time the periodic was first seen.
    pub last: Timestamp,
    /// Whether `last` is a firing.
    #[serde(default)]
    pub fired: bool,
}

/// What to do about one periodic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing, and nothing to record.
    Rest,
    /// Record this, run nothing: first sight of a cron, or a firing that finds a run going.
    Note(Record),
    /// Run for this nominal time, then record it. (job, nominal time) names the run, so that a
    /// crash between the two creates nothing twice.
    Fire {
        /// The nominal time.
        nominal: Timestamp,
        /// What to record afterwards.
        record: Record,
    },
    /// Run again after a failure: the attempt's number, for the `re-run` label. The name follows
    /// from the run that failed.
    Retry {
        /// 1 for the first.
        attempt: i64,
    },
}

/// Decides for one periodic. `text` is the rhythm as configured; `latest` is its latest run.
///
/// As Prow's horologium, with its losses mended: the last firing is remembered over restarts, a
/// cron time that passed while nothing ran is made up for by one run, however many were missed,
/// and a clock that is set back repeats no nominal time.
#[must_use]
pub fn decide(
    rhythm: &Rhythm,
    text: &str,
    retry: Option<Retry>,
    latest: Option<&ProwJob>,
    record: Option<&Record>,
    now: Timestamp,
) -> Decision {
    let record = record.filter(|record| record.rhythm == text);
    let fired = |at: Timestamp| Record { rhythm: text.to_owned(), last: at, fired: true };
    let idle = latest.is_none_or(ProwJob::complete);
    let due = match rhythm {
        Rhythm::Interval(every) => {
            let started = latest.and_then(|job| job.status.start_time);
            interval_due(started.or(last_firing(record)), *every, now)
        }
        Rhythm::MinimumInterval(pause) => {
            let ended = latest.and_then(|job| job.status.completion_time);
            interval_due(ended.or(last_firing(record)), *pause, now)
        }
        Rhythm::Cron(schedule) => {
            let Some(record) = record else {
                // `@every` fires when first loaded; every other cron waits for its time.
                if schedule.every().is_some() && idle {
                    return Decision::Fire { nominal: now, record: fired(now) };
                }
                return Decision::Note(Record { rhythm: text.to_owned(), last: now, fired: false });
            };
            let due = latest_due(schedule, record.last, now);
            if let (Some(nominal), false) = (due, idle) {
                // A run is going: Prow drops the firing rather than queue it.
                return Decision::Note(fired(nominal));
            }
            due
        }
    };
    match due {
        Some(nominal) if idle => Decision::Fire { nominal, record: fired(nominal) },
        _ => match (retry, latest) {
            (Some(retry), Some(latest)) => retry_of(retry, latest, now),
            _ => Decision::Rest,
        },
    }
}

fn last_firing(record: Option<&Record>) -> Option<Timestamp> {
    record.filter(|record| record.fired).map(|record| record.last)
}

/// The nominal time of an interval's firing: at once if there never was one.
fn interval_due(last: Option<Timestamp>, every: Duration, now: Timestamp) -> Option<Timestamp> {
    match last {
        None => Some(now),
        Some(last) => (now.since(last) > every).then(|| last.saturating_add(every)),
    }
}

/// The last cron time after `last` that has come; the ones before it are not made up for.
fn latest_due(schedule: &Schedule, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let mut due = schedule.next_after(last).filter(|at| *at <= now)?;
    // A week's downtime of a job that runs each second is 600,000 steps of a few hundred ns.
    while let Some(next) = schedule.next_after(due).filter(|at| *at <= now && *at > due) {
        due = next;
    }
    Some(due)
}

fn retry_of(retry: Retry, latest: &ProwJob, now: Timestamp) -> Decision {
    let attempt = match latest.metadata.labels.get(labels::RERUN) {
        None => 1,
        Some(count) => match count.parse::<i64>() {
            Ok(count) => count + 1,
            Err(_) => return Decision::Rest,
        },
    };
    let early = latest.status.start_time.is_none_or(|started| now.since(started) <= retry.interval);
    let unwanted =
        !retry.run_all && (!latest.complete() || latest.status.state == ProwJobState::Success);
    if early || unwanted || attempt > retry.attempts.min(MAX_RETRIES) {
        Decision::Rest
    } else {
        Decision::Retry { attempt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: i64 = 1_700_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(T0 + seconds)
    }

    fn run(start: i64, end: Option<i64>, state: ProwJobState) -> ProwJob {
        let mut job = ProwJob::default();
        job.status.start_time = Some(at(start));
        job.status.completion_time = end.map(at);
        job.status.state = state;
        job
    }

    fn ok(start: i64, end: i64) -> ProwJob {
        run(start, Some(end), ProwJobState::Success)
    }

    fn record(text: &str, last: i64) -> Record {
        Record { rhythm: text.to_owned(), last: at(last), fired: true }
    }

    #[test]
    fn an_interval_counts_from_the_start_and_waits_for_the_end() {
        let rhythm = Rhythm::Interval(Duration::from_secs(3600));
        let fire = |last: i64| Decision::Fire { nominal: at(last), record: record("1h", last) };
        let going = run(0, None, ProwJobState::Pending);
        let done = ok(0, 600);
        let table = [
            ("never ran", None, None, 50, fire(50)),
            ("too early", Some(&done), None, 3600, Decision::Rest),
            ("due", Some(&done), None, 3601, fire(3600)),
            ("still runs", Some(&going), None, 9000, Decision::Rest),
            ("run collected, record kept", None, Some(record("1h", 0)), 3000, Decision::Rest),
            ("run collected, record old", None, Some(record("1h", 0)), 4000, fire(3600)),
            ("clock set back", Some(&done), None, -500, Decision::Rest),
        ];
        for (name, latest, seen, now, expected) in table {
            let got = decide(&rhythm, "1h", None, latest, seen.as_ref(), at(now));
            assert_eq!(got, expected, "{name}");
        }
    }

    #[test]
    fn a_minimum_interval_counts_from_the_end() {
        let rhythm = Rhythm::MinimumInterval(Duration::from_secs(3600));
        let done = ok(0, 600);
        let rest = decide(&rhythm, "1h", None, Some(&done), None, at(4200));
        assert_eq!(rest, Decision::Rest);
        let fire = decide(&rhythm, "1h", None, Some(&done), None, at(4201));
        assert_eq!(fire, Decision::Fire { nominal: at(4200), record: record("1h", 4200) });
    }

    #[test]
    fn a_cron_fires_once_per_nominal_time_and_makes_up_for_one_missed_firing() {
        let text = "0 * * * *";
        let rhythm = Rhythm::Cron(Schedule::parse(text).unwrap());
        // T0 is 22:13:20 UTC, so the hours are at 2800, 6400, 10000 …
        let fire = |last: i64| Decision::Fire { nominal: at(last), record: record(text, last) };
        let first = Record { rhythm: text.to_owned(), last: at(0), fired: false };
        let done = ok(0, 600);
        let going = run(0, None, ProwJobState::Pending);
        let table = [
            ("first sight waits", None, None, 0, Decision::Note(first.clone())),
            ("not yet", None, Some(first.clone()), 2799, Decision::Rest),
            ("on time", None, Some(first.clone()), 2800, fire(2800)),
            ("a little late", Some(&done), Some(first.clone()), 2860, fire(2800)),
            ("same nominal time", Some(&done), Some(record(text, 2800)), 2900, Decision::Rest),
            ("a day of downtime", Some(&done), Some(record(text, 2800)), 90_000, fire(89_200)),
            (
                "run goes",
                Some(&going),
                Some(first.clone()),
                2800,
                Decision::Note(record(text, 2800)),
            ),
            ("clock set back", Some(&done), Some(record(text, 6400)), 3000, Decision::Rest),
            (
                "other expression",
                Some(&done),
                Some(record("5 * * * *", 2800)),
                9000,
                Decision::Note(Record { rhythm: text.to_owned(), last: at(9000), fired: false }),
            ),
        ];
        for (name, latest, seen, now, expected) in table {
            let got = decide(&rhythm, text, None, latest, seen.as_ref(), at(now));
            assert_eq!(got, expected, "{name}");
        }
    }

    #[test]
    fn every_fires_when_first_loaded() {
        let text = "@every 10m";
        let rhythm = Rhythm::Cron(Schedule::parse(text).unwrap());
        let fire = |last: i64| Decision::Fire { nominal: at(last), record: record(text, last) };
        assert_eq!(decide(&rhythm, text, None, None, None, at(0)), fire(0));
        let seen = record(text, 0);
        let done = ok(0, 60);
        let decided = |now| decide(&rhythm, text, None, Some(&done), Some(&seen), at(now));
        assert_eq!(decided(599), Decision::Rest);
        assert_eq!(decided(600), fire(600));
        assert_eq!(decided(6100), fire(6000));
    }

    #[test]
    fn a_failed_run_is_retried_up_to_the_bound() {
        let rhythm = Rhythm::Interval(Duration::from_secs(100_000));
        let rule = Retry { run_all: false, attempts: 2, interval: Duration::from_secs(60) };
        let failed = |count: Option<&str>| {
            let mut job = run(0, Some(10), ProwJobState::Failure);
            if let Some(count) = count {
                job.metadata.labels.insert(labels::RERUN.to_owned(), count.to_owned());
            }
            job
        };
        let all = Retry { run_all: true, ..rule };
        let many = Retry { attempts: 99, ..rule };
        let again = |attempt| Decision::Retry { attempt };
        let table = [
            ("first", rule, failed(None), 61, again(1)),
            ("too early", rule, failed(None), 60, Decision::Rest),
            ("second", rule, failed(Some("1")), 61, again(2)),
            ("spent", rule, failed(Some("2")), 61, Decision::Rest),
            ("never more than ten", many, failed(Some("10")), 61, Decision::Rest),
            ("bad label", rule, failed(Some("x")), 61, Decision::Rest),
            ("success", rule, ok(0, 10), 61, Decision::Rest),
            ("success, run_all", all, ok(0, 10), 61, again(1)),
            ("running", rule, run(0, None, ProwJobState::Pending), 61, Decision::Rest),
        ];
        for (name, rule, latest, now, expected) in table {
            let got = decide(&rhythm, "x", Some(rule), Some(&latest), None, at(now));
            assert_eq!(got, expected, "{name}");
        }
        let cron = Rhythm::Cron(Schedule::parse("0 0 1 1 *").unwrap());
        let seen = record("yearly", 0);
        let got = decide(&cron, "yearly", Some(rule), Some(&failed(None)), Some(&seen), at(61));
        assert_eq!(got, again(1), "a cron's failure is retried before its next time");
    }
}
