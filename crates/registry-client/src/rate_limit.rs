//! The rate limit in the headers of a response.

use std::time::Duration;

use http::HeaderMap;

/// The limit of requests for manifests, from `ratelimit-limit: 100;w=21600` and `ratelimit-remaining:
/// 76;w=21600`.
///
/// Source: Docker Hub, "Usage and limits". The window is in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The requests of a window, if the registry reports them.
    pub limit: Option<u64>,
    /// The requests left.
    pub remaining: u64,
    /// The length of the window, if the registry reports it.
    pub window: Option<Duration>,
}

impl RateLimit {
    /// Returns `None` for a response without the number of requests left.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let (remaining, window) = read(headers, "ratelimit-remaining")?;
        let limit = read(headers, "ratelimit-limit");
        let limit_window = limit.and_then(|(_, window)| window);
        Some(Self {
            limit: limit.map(|(limit, _)| limit),
            remaining,
            window: window.or(limit_window),
        })
    }
}

/// Reads the number and the window of a header.
fn read(headers: &HeaderMap, name: &str) -> Option<(u64, Option<Duration>)> {
    let value = headers.get(name)?.to_str().ok()?;
    let mut parts = value.split(';').map(str::trim);
    let number = parts.next()?.parse().ok()?;
    let window = parts.find_map(|part| part.strip_prefix("w=")?.parse().ok());
    Some((number, window.map(Duration::from_secs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_limit_is_read_from_both_headers() {
        let read = |limit: &str, remaining: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("ratelimit-limit", limit.parse().unwrap());
            headers.insert("ratelimit-remaining", remaining.parse().unwrap());
            let limit = RateLimit::from_headers(&headers)?;
            Some((limit.limit, limit.remaining, limit.window?.as_secs()))
        };
        let table = [
            ("100;w=21600", "76;w=21600", Some((Some(100), 76, 21600))),
            ("100;w=21600", "76", Some((Some(100), 76, 21600))),
            ("100", "76;w=21600", Some((Some(100), 76, 21600))),
            ("many", " 0 ; x=1; w=60", Some((None, 0, 60))),
            ("100", "76", None),
            ("100;w=21600", "-1;w=21600", None),
            ("100;w=21600", "x", None),
        ];
        for (limit, remaining, expected) in table {
            assert_eq!(read(limit, remaining), expected, "{limit} {remaining}");
        }
        assert_eq!(RateLimit::from_headers(&HeaderMap::new()), None);
    }
}
