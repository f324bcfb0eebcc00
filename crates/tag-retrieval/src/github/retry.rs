//! The retries of a failed request.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep};

/// Maximum number of attempts.
const MAX_ATTEMPTS: u32 = 4;

/// The attempts of one request, with exponential backoff.
#[derive(Debug)]
pub(super) struct Attempts {
    backoff: Duration,
    deadline: Instant,
    failures: u32,
}

impl Attempts {
    pub(super) fn new(backoff: Duration, deadline: Instant) -> Self {
        Self {
            backoff,
            deadline,
            failures: 0,
        }
    }

    /// Waits before the next attempt. Returns false if none is left.
    pub(super) async fn next(&mut self) -> bool {
        self.failures += 1;
        let wait = self.backoff * 2u32.saturating_pow(self.failures - 1);
        if self.failures >= MAX_ATTEMPTS || Instant::now() + wait >= self.deadline {
            return false;
        }
        sleep(wait).await;
        true
    }
}

/// Returns true if the same request may succeed later.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 500 | 502 | 503 | 504)
}
