//! Rate limits in responses
//! (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::StatusCode;

use super::response::GithubResponse;

/// Wait for a secondary limit without an end time. GitHub requires at least one minute.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);

/// Minimum wait. A limit that has ended by the local clock may still apply.
const MIN_WAIT: Duration = Duration::from_secs(1);

/// A rate limit of GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// The limit on requests per hour.
    Primary,
    /// The limit on concurrent requests, or on changes per minute.
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

/// A rate limit that applies until a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ActiveLimit {
    pub(super) limit: RateLimit,
    pub(super) until: DateTime<Utc>,
}

impl ActiveLimit {
    /// Returns the limit that caused a refusal. `previous` counts the earlier limits without an end time
    /// that the same request met.
    pub(super) fn from_refusal(
        response: &GithubResponse,
        now: DateTime<Utc>,
        previous: u32,
    ) -> Option<Self> {
        let throttled = response.status == StatusCode::TOO_MANY_REQUESTS;
        if response.status != StatusCode::FORBIDDEN && !throttled {
            return None;
        }
        let secondary = |wait: Duration| Self {
            limit: RateLimit::Secondary,
            until: now + wait.max(MIN_WAIT),
        };
        if let Some(wait) = response.retry_after() {
            return Some(secondary(wait));
        }
        if let Some(exhausted) = Self::exhausted(response, now) {
            return Some(exhausted);
        }
        let message = response.message().to_lowercase();
        let is_limit = throttled || message.contains("secondary rate limit");
        let is_limit = is_limit || message.contains("abuse detection");
        is_limit.then(|| secondary(DEFAULT_WAIT * 2u32.saturating_pow(previous.min(5))))
    }

    /// Returns the primary limit if no requests are left: the next one would be refused.
    pub(super) fn exhausted(response: &GithubResponse, now: DateTime<Utc>) -> Option<Self> {
        let exhausted = response.remaining() == Some(0);
        exhausted.then_some(())?;
        Some(Self {
            limit: RateLimit::Primary,
            until: response.reset()?.max(now + MIN_WAIT),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn response(
        status: u16,
        headers: &[(&'static str, &'static str)],
        message: &str,
    ) -> GithubResponse {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        GithubResponse {
            status: StatusCode::from_u16(status).unwrap(),
            headers: map,
            body: serde_json::json!({"message": message}).to_string().into(),
        }
    }

    #[test]
    fn rate_limits_are_distinguished_from_other_refusals() {
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
        for (status, headers, message, expected) in table {
            let found = ActiveLimit::from_refusal(&response(status, &headers, message), now, 0);
            let found = found.map(|found| (found.limit, found.until.timestamp()));
            assert_eq!(found, expected, "{status} {headers:?} {message}");
        }
    }

    #[test]
    fn wait_doubles_for_limits_without_an_end_time() {
        let now = DateTime::from_timestamp(0, 0).unwrap();
        let waits = [0, 1, 2, 99].map(|previous| {
            let found = ActiveLimit::from_refusal(&response(429, &[], ""), now, previous);
            found.map(|found| found.until.timestamp())
        });
        assert_eq!(waits, [Some(60), Some(120), Some(240), Some(1_920)]);
    }
}
