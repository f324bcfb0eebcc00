//! The primary rate limit: a number of requests for each window of time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::StatusCode;

use super::response::ApiResponse;

/// The limit and the remaining requests.
#[derive(Clone, Debug)]
pub(super) struct RateLimit {
    limit: u32,
    remaining: u32,
    /// Seconds since the epoch.
    reset: u64,
    window: Duration,
}

impl RateLimit {
    pub(super) fn new(limit: u32, remaining: u32, window: Duration) -> Self {
        Self {
            limit,
            remaining,
            reset: epoch_in(window),
            window,
        }
    }

    /// Counts a request; returns the error response when none is left.
    pub(super) fn count(&mut self) -> Option<ApiResponse> {
        if epoch_in(Duration::ZERO) >= self.reset {
            self.remaining = self.limit;
            self.reset = epoch_in(self.window);
        }
        if self.remaining == 0 {
            let response = ApiResponse::error(
                StatusCode::FORBIDDEN,
                "API rate limit exceeded for 127.0.0.1. (But here's the good news: Authenticated \
                 requests get a higher rate limit.)",
            );
            return Some(self.add_headers(response));
        }
        self.remaining -= 1;
        None
    }

    /// Adds the headers of the limit to a response.
    pub(super) fn add_headers(&self, response: ApiResponse) -> ApiResponse {
        response
            .header("x-ratelimit-limit", self.limit.to_string())
            .header("x-ratelimit-remaining", self.remaining.to_string())
            .header("x-ratelimit-reset", self.reset.to_string())
    }
}

/// Returns the time after `wait` in seconds since the epoch.
pub(super) fn epoch_in(wait: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    (now.expect("a clock after 1970") + wait).as_secs()
}
