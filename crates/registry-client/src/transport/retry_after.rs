//! The `Retry-After` header.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

const YEAR: u64 = 366 * 86_400;

/// Returns the pause that a response requests, counted from `now`.
///
/// Source: RFC 9110 §10.2.3: whole seconds, or an HTTP date. A date in the past is a pause of zero.
/// Anything else counts as absent. The result is at most a year, so that its end is a valid date.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(YEAR)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let wait = date.duration_since(now).unwrap_or_default();
    Some(wait.min(Duration::from_secs(YEAR)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_parsed() {
        let now = httpdate::parse_http_date("Sat, 21 Nov 2026 08:00:00 GMT").unwrap();
        let cases = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sat, 21 Nov 2026 08:01:30 GMT", Some(90)),
            ("Sat, 21 Nov 2026 07:00:00 GMT", Some(0)),
            ("18446744073709551615", Some(YEAR)),
            ("Sun, 21 Nov 9999 08:00:00 GMT", Some(YEAR)),
            ("soon", None),
            ("-5", None),
        ];
        for (value, seconds) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{value}");
        }
    }
}
