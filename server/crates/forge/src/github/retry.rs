//! The one retry policy: what an answer means for the call that got it. Pure.

use std::time::Duration;

use go_compat::time::Timestamp;
use http::{HeaderMap, StatusCode, header};

use crate::error::ErrorClass;

/// How often a call is tried at most, as Prow's `--github-client.max-retries`.
pub const DEFAULT_MAX_TRIES: u32 = 8;

/// How often a 404 is asked again, as Prow's `--github-client.max-404-retries`: GitHub sends an
/// event about a pull request and for some seconds does not know it.
pub const DEFAULT_MAX_NOT_FOUND_RETRIES: u32 = 2;

/// The first pause; every further one is twice as long. As `--github-client.initial-delay`.
pub const DEFAULT_INITIAL_DELAY: Duration = Duration::from_secs(2);

/// The longest time a call waits for anything, rate limits included; what lasts longer is an
/// error that says until when. As `--github-client.backoff-timeout`.
pub const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(120);

/// How long one HTTP exchange may take, as `--github-client.request-timeout`.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// What is added to every time GitHub names: its clock and ours differ by fractions of seconds.
const MARGIN: Duration = Duration::from_secs(1);

/// The limits of the retry policy.
#[derive(Debug, Clone)]
pub struct RetryLimits {
    /// How often a call is tried at most.
    pub max_tries: u32,
    /// How often a 404 is asked again.
    pub max_not_found_retries: u32,
    /// The first pause.
    pub initial_delay: Duration,
    /// The longest pause, and the longest wait for a rate limit.
    pub max_wait: Duration,
    /// How long one exchange may take.
    pub request_timeout: Duration,
}

impl Default for RetryLimits {
    fn default() -> Self {
        RetryLimits {
            max_tries: DEFAULT_MAX_TRIES,
            max_not_found_retries: DEFAULT_MAX_NOT_FOUND_RETRIES,
            initial_delay: DEFAULT_INITIAL_DELAY,
            max_wait: DEFAULT_MAX_WAIT,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
        }
    }
}

impl RetryLimits {
    /// The pause after the n-th pause-worthy try (from 1): doubling, up to the longest.
    fn backoff(&self, pauses: u32) -> Duration {
        let factor = 2u32.saturating_pow(pauses.saturating_sub(1));
        self.initial_delay.saturating_mul(factor).min(self.max_wait)
    }
}

/// What one call went through so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    /// Exchanges made.
    pub(crate) tries: u32,
    /// Pauses made because of this call alone, for the doubling.
    pub(crate) pauses: u32,
    /// Answers 404 among them.
    pub(crate) not_found: u32,
    /// Whether a credential was already replaced after a 401.
    pub(crate) renewed: bool,
}

/// What one exchange brought.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen<'a> {
    /// An answer.
    Answer {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: &'a HeaderMap,
        /// The API's message in it.
        message: &'a str,
    },
    /// None: the connection failed or the time ran out.
    Nothing,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The answer is good.
    Accept,
    /// Try this call again after a pause.
    Again(Duration),
    /// The credential is over a limit: let nothing through for this long, then try again. `None`
    /// means GitHub did not say for how long.
    Limited(Option<Duration>),
    /// Replace the credential, then try again at once.
    Renew,
    /// Give up.
    Refuse(ErrorClass),
}

/// Judges an exchange. The tally already counts it.
pub(crate) fn judge(
    limits: &RetryLimits,
    tally: &Tally,
    seen: Seen<'_>,
    now: Timestamp,
) -> Verdict {
    let exhausted = tally.tries >= limits.max_tries;
    let Seen::Answer { status, headers, message } = seen else {
        return if exhausted {
            Verdict::Refuse(ErrorClass::Transient)
        } else {
            Verdict::Again(limits.backoff(tally.pauses + 1))
        };
    };
    match status.as_u16() {
        200..=399 => Verdict::Accept,
        401 if !tally.renewed => Verdict::Renew,
        401 => Verdict::Refuse(ErrorClass::Unauthorized),
        403 | 429 => match limit(status, headers, message, now) {
            None => Verdict::Refuse(ErrorClass::Forbidden),
            Some(_) if exhausted => Verdict::Refuse(ErrorClass::RateLimited),
            Some(pause) => Verdict::Limited(pause),
        },
        404 | 410 if tally.not_found <= limits.max_not_found_retries && !exhausted => {
            Verdict::Again(limits.backoff(tally.pauses + 1))
        }
        404 | 410 => Verdict::Refuse(ErrorClass::NotFound),
        409 => Verdict::Refuse(ErrorClass::Conflict),
        408 | 500.. if exhausted => Verdict::Refuse(ErrorClass::Transient),
        408 | 500.. => {
            let wished = retry_after(headers, now).unwrap_or_default();
            Verdict::Again(limits.backoff(tally.pauses + 1).max(wished))
        }
        _ => Verdict::Refuse(ErrorClass::Invalid),
    }
}

/// Whether a 403 or 429 is a rate limit, and for how long. The primary limit names its end by
/// `X-RateLimit-Reset`; the secondary one by `Retry-After`, or only in its message.
fn limit(
    status: StatusCode,
    headers: &HeaderMap,
    message: &str,
    now: Timestamp,
) -> Option<Option<Duration>> {
    if let Some(pause) = retry_after(headers, now) {
        return Some(Some(pause));
    }
    if number(headers, "x-ratelimit-remaining") == Some(0) {
        let reset = number(headers, "x-ratelimit-reset")
            .and_then(|seconds| i64::try_from(seconds).ok())
            .map(Timestamp::from_seconds);
        // GitHub's clock counts: the reset is in its time.
        let theirs = server_time(headers).unwrap_or(now);
        return Some(reset.map(|reset| reset.since(theirs) + MARGIN));
    }
    let message = message.to_ascii_lowercase();
    let secondary = message.contains("secondary rate limit") || message.contains("abuse");
    (secondary || status == StatusCode::TOO_MANY_REQUESTS).then_some(None)
}

/// `Retry-After`: seconds or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return (seconds > 0).then(|| Duration::from_secs(seconds).saturating_add(MARGIN));
    }
    let theirs = server_time(headers).unwrap_or(now);
    parse_http_date(text).map(|until| until.since(theirs) + MARGIN)
}

/// A header that holds a number.
pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The server's clock, by its `Date` header.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    parse_http_date(headers.get(header::DATE)?.to_str().ok()?)
}

/// `Sat, 21 Nov 2026 00:05:37 GMT`, the only form that servers may send.
fn parse_http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.trim().split_once(", ")?;
    let fields: Vec<&str> = rest.split([' ', ':']).collect();
    let [day, month, year, hour, minute, second, "GMT"] = fields[..] else { return None };
    let month = u8::try_from(MONTHS.iter().position(|name| *name == month)? + 1).ok()?;
    let text = format!("{year}-{month:02}-{day}T{hour}:{minute}:{second}Z");
    Timestamp::parse_rfc3339(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2026-11-21T00:00:00Z").expect("a time")
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (http::HeaderName::from_static(name), value.parse().expect("a header"))
            })
            .collect()
    }

    fn verdict(
        status: u16,
        pairs: &[(&'static str, &str)],
        message: &str,
        tally: Tally,
    ) -> Verdict {
        let headers = headers(pairs);
        let status = StatusCode::from_u16(status).expect("a status");
        let seen = Seen::Answer { status, headers: &headers, message };
        judge(&RetryLimits::default(), &tally, seen, now())
    }

    fn first() -> Tally {
        Tally { tries: 1, ..Tally::default() }
    }

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn rate_limits_are_told_from_missing_permissions() {
        let reset_in = |seconds: i64| (now().seconds() + seconds).to_string();
        let in_a_minute = reset_in(60);
        let past = reset_in(-100);
        for (status, pairs, message, expected) in [
            // The primary limit.
            (
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", in_a_minute.as_str())][..],
                "API rate limit exceeded",
                Verdict::Limited(Some(secs(61))),
            ),
            (
                429,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", in_a_minute.as_str())],
                "",
                Verdict::Limited(Some(secs(61))),
            ),
            // A reset that has come already.
            (
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", past.as_str())],
                "",
                Verdict::Limited(Some(secs(1))),
            ),
            // Our clock is two minutes behind GitHub's.
            (
                403,
                &[
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", reset_in(180).as_str()),
                    ("date", "Sat, 21 Nov 2026 00:02:00 GMT"),
                ],
                "",
                Verdict::Limited(Some(secs(61))),
            ),
            // A reset that cannot be read.
            (
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "soon")],
                "",
                Verdict::Limited(None),
            ),
            // The secondary limit, with and without a time.
            (403, &[("retry-after", "30")], "secondary", Verdict::Limited(Some(secs(31)))),
            (429, &[("retry-after", "30")], "", Verdict::Limited(Some(secs(31)))),
            (
                429,
                &[("retry-after", "Sat, 21 Nov 2026 00:00:10 GMT")],
                "",
                Verdict::Limited(Some(secs(11))),
            ),
            (
                403,
                &[("x-ratelimit-remaining", "4000")],
                "You have exceeded a secondary rate limit.",
                Verdict::Limited(None),
            ),
            (403, &[], "You have triggered an abuse detection mechanism", Verdict::Limited(None)),
            (429, &[], "", Verdict::Limited(None)),
            // A permission.
            (
                403,
                &[("x-ratelimit-remaining", "4000")],
                "Resource not accessible by integration",
                Verdict::Refuse(ErrorClass::Forbidden),
            ),
            (403, &[("retry-after", "0")], "", Verdict::Refuse(ErrorClass::Forbidden)),
        ] {
            assert_eq!(verdict(status, pairs, message, first()), expected, "{status} {pairs:?}");
        }
    }

    #[test]
    fn each_status_has_its_verdict() {
        for (status, expected) in [
            (200, Verdict::Accept),
            (204, Verdict::Accept),
            (304, Verdict::Accept),
            (400, Verdict::Refuse(ErrorClass::Invalid)),
            (401, Verdict::Renew),
            (404, Verdict::Again(secs(2))),
            (410, Verdict::Again(secs(2))),
            (408, Verdict::Again(secs(2))),
            (409, Verdict::Refuse(ErrorClass::Conflict)),
            (422, Verdict::Refuse(ErrorClass::Invalid)),
            (500, Verdict::Again(secs(2))),
            (502, Verdict::Again(secs(2))),
            (504, Verdict::Again(secs(2))),
        ] {
            let not_found = u32::from(matches!(status, 404 | 410));
            let tally = Tally { not_found, ..first() };
            assert_eq!(verdict(status, &[], "", tally), expected, "{status}");
        }
        assert_eq!(
            verdict(401, &[], "", Tally { renewed: true, ..first() }),
            Verdict::Refuse(ErrorClass::Unauthorized)
        );
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut pauses = Vec::new();
        for n in 0..7 {
            let tally = Tally { tries: n + 1, pauses: n, ..Tally::default() };
            match verdict(502, &[], "", tally) {
                Verdict::Again(pause) => pauses.push(pause.as_secs()),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 120]);
        let last = Tally { tries: 8, pauses: 7, ..Tally::default() };
        assert_eq!(verdict(502, &[], "", last), Verdict::Refuse(ErrorClass::Transient));
        assert_eq!(
            judge(&RetryLimits::default(), &last, Seen::Nothing, now()),
            Verdict::Refuse(ErrorClass::Transient)
        );
    }

    #[test]
    fn a_server_that_is_down_for_a_while_may_say_for_how_long() {
        assert_eq!(verdict(503, &[("retry-after", "20")], "", first()), Verdict::Again(secs(21)));
        assert_eq!(verdict(503, &[("retry-after", "1")], "", first()), Verdict::Again(secs(2)));
    }

    #[test]
    fn a_404_is_asked_again_twice() {
        let after = |not_found| {
            let tally =
                Tally { tries: not_found, pauses: not_found - 1, not_found, renewed: false };
            verdict(404, &[], "", tally)
        };
        assert_eq!(after(1), Verdict::Again(secs(2)));
        assert_eq!(after(2), Verdict::Again(secs(4)));
        assert_eq!(after(3), Verdict::Refuse(ErrorClass::NotFound));
    }

    #[test]
    fn limits_that_never_end_are_an_error_in_the_end() {
        let last = Tally { tries: 8, ..Tally::default() };
        assert_eq!(
            verdict(429, &[("retry-after", "30")], "", last),
            Verdict::Refuse(ErrorClass::RateLimited)
        );
    }

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(
            parse_http_date("Sat, 21 Nov 2026 00:05:37 GMT").map(Timestamp::rfc3339),
            Some("2026-11-21T00:05:37Z".into())
        );
        for broken in ["", "now", "Sat, 21 Nov 2026 00:05:37 CET", "Sat, 41 Nov 2026 00:05:37 GMT"]
        {
            assert_eq!(parse_http_date(broken), None, "{broken}");
        }
    }
}
