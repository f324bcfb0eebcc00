//! The primary rate limit: so many requests, then none before the reset.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::StatusCode;

use super::answer::Answer;

/// The limit and what is left of it.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    limit: u32,
    remaining: u32,
    /// Seconds since the epoch.
    reset: u64,
    window: Duration,
}

impl Limit {
    pub(super) fn new(limit: u32, remaining: u32, window: Duration) -> Self {
        Self {
            limit,
            remaining,
            reset: epoch_in(window),
            window,
        }
    }

    /// Counts a request; the refusal, where none is left.
    pub(super) fn count(&mut self) -> Option<Answer> {
        if epoch_in(Duration::ZERO) >= self.reset {
            self.remaining = self.limit;
            self.reset = epoch_in(self.window);
        }
        if self.remaining == 0 {
            let refused = Answer::refused(
                StatusCode::FORBIDDEN,
                "API rate limit exceeded for 127.0.0.1. (But here's the good news: Authenticated \
                 requests get a higher rate limit.)",
            );
            return Some(self.say(refused));
        }
        self.remaining -= 1;
        None
    }

    /// Adds the headers.
    pub(super) fn say(&self, answer: Answer) -> Answer {
        answer
            .header("x-ratelimit-limit", self.limit.to_string())
            .header("x-ratelimit-remaining", self.remaining.to_string())
            .header("x-ratelimit-reset", self.reset.to_string())
    }
}

/// The time after `wait`, in seconds since the epoch.
pub(super) fn epoch_in(wait: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    (now.expect("a clock after 1970") + wait).as_secs()
}
