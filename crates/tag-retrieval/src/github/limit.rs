//! Which refusals are limits, and how long they hold
//! (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::StatusCode;

use super::answer::Answer;

/// "Wait for at least one minute", where a secondary limit does not say how long it holds.
const UNSAID: Duration = Duration::from_secs(60);

/// A limit that has ended by our clock is not asked about at once: the clock may be ahead.
const LEAST: Duration = Duration::from_secs(1);

/// A limit on requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// So many an hour.
    Primary,
    /// So many at once, or changes in a minute.
    Secondary,
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "rate limit",
            Self::Secondary => "secondary rate limit",
        })
    }
}

/// A limit and when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limited {
    pub(super) limit: RateLimit,
    pub(super) until: DateTime<Utc>,
}

impl Limited {
    /// The limit that an answer speaks of; `before` counts how often this request met one that did
    /// not say how long it holds.
    pub(super) fn refused(answer: &Answer, now: DateTime<Utc>, before: u32) -> Option<Self> {
        let throttled = answer.status == StatusCode::TOO_MANY_REQUESTS;
        if answer.status != StatusCode::FORBIDDEN && !throttled {
            return None;
        }
        let secondary = |wait: Duration| Self {
            limit: RateLimit::Secondary,
            until: now + wait.max(LEAST),
        };
        if let Some(wait) = answer.retry_after() {
            return Some(secondary(wait));
        }
        if let Some(spent) = Self::spent(answer, now) {
            return Some(spent);
        }
        let message = answer.message().to_lowercase();
        let is_limit = throttled || message.contains("secondary rate limit");
        let is_limit = is_limit || message.contains("abuse detection");
        is_limit.then(|| secondary(UNSAID * 2u32.saturating_pow(before.min(5))))
    }

    /// The primary limit, where an answer says that nothing is left of it: the next request would be
    /// refused.
    pub(super) fn spent(answer: &Answer, now: DateTime<Utc>) -> Option<Self> {
        let spent = answer.remaining() == Some(0);
        spent.then_some(())?;
        Some(Self {
            limit: RateLimit::Primary,
            until: answer.reset()?.max(now + LEAST),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], message: &str) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: map,
            body: serde_json::json!({"message": message}).to_string().into(),
        }
    }

    #[test]
    fn limits_are_told_from_refusals() {
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let none = ("x-ratelimit-remaining", "0");
        let some = ("x-ratelimit-remaining", "9");
        let reset = ("x-ratelimit-reset", "1500");
        let past = ("x-ratelimit-reset", "900");
        let at_once = ("retry-after", "0");
        let after = ("retry-after", "30");
        let never = ("retry-after", "18446744073709551615");
        let secondary = "You have exceeded a secondary rate limit.";
        let (first, second) = (RateLimit::Primary, RateLimit::Secondary);
        let table = [
            (
                403,
                vec![none, reset],
                "API rate limit exceeded",
                Some((first, 1_500)),
            ),
            (429, vec![none, reset], "", Some((first, 1_500))),
            (429, vec![none, past], "", Some((first, 1_001))),
            (429, vec![some, at_once], "", Some((second, 1_001))),
            (
                403,
                vec![some, reset, after],
                secondary,
                Some((second, 1_030)),
            ),
            (403, vec![some, reset], secondary, Some((second, 1_060))),
            (429, vec![some, reset], "", Some((second, 1_060))),
            (
                403,
                vec![none],
                "You have triggered an abuse detection",
                Some((second, 1_060)),
            ),
            (
                403,
                vec![some, reset],
                "Resource not accessible by integration",
                None,
            ),
            (429, vec![never], "", Some((second, 31_623_400))),
            (404, vec![none, reset], "Not Found", None),
            (503, vec![after], "", None),
        ];
        for (status, headers, message, want) in table {
            let found = Limited::refused(&answer(status, &headers, message), now, 0);
            let found = found.map(|found| (found.limit, found.until.timestamp()));
            assert_eq!(found, want, "{status} {headers:?} {message}");
        }
    }

    #[test]
    fn limits_that_do_not_say_how_long_are_waited_out_ever_longer() {
        let now = DateTime::from_timestamp(0, 0).unwrap();
        let waits = [0, 1, 2, 99].map(|before| {
            let found = Limited::refused(&answer(429, &[], ""), now, before);
            found.map(|found| found.until.timestamp())
        });
        assert_eq!(waits, [Some(60), Some(120), Some(240), Some(1_920)]);
    }
}
