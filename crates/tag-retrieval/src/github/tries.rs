//! How often a request is tried again that failed.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep};

/// The most a request is sent because of failures.
const TRIES: u32 = 4;

/// The tries of one request.
#[derive(Debug)]
pub(super) struct Tries {
    backoff: Duration,
    deadline: Instant,
    failures: u32,
}

impl Tries {
    pub(super) fn new(backoff: Duration, deadline: Instant) -> Self {
        Self {
            backoff,
            deadline,
            failures: 0,
        }
    }

    /// Waits before the next try, or says that there is none.
    pub(super) async fn again(&mut self) -> bool {
        self.failures += 1;
        let wait = self.backoff * 2u32.saturating_pow(self.failures - 1);
        if self.failures >= TRIES || Instant::now() + wait >= self.deadline {
            return false;
        }
        sleep(wait).await;
        true
    }
}

/// Whether the same request may succeed a moment later.
pub(super) fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 500 | 502 | 503 | 504)
}
