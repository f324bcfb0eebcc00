//! The gate that holds requests while a rate limit applies.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tokio::time::{Instant, sleep};

use super::rate_limit::ActiveLimit;

/// Additional wait: the reset time has whole seconds, and clocks differ.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(1);

/// A gate that holds requests while a rate limit applies. Records the limit and whether it was logged.
#[derive(Debug, Default)]
pub(super) struct RateLimitGate(Mutex<Option<(ActiveLimit, bool)>>);

impl RateLimitGate {
    /// Records a limit, unless a known one lasts longer.
    pub(super) fn close(&self, limited: ActiveLimit) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none_or(|(known, _)| known.until < limited.until) {
            *known = Some((limited, false));
        }
    }

    /// Waits until no limit applies.
    ///
    /// # Errors
    ///
    /// The limit, at once, if it lasts beyond the deadline.
    pub(super) async fn pass(&self, deadline: Instant) -> Result<(), ActiveLimit> {
        while let Some(limited) = self.active() {
            let wait = (limited.until - Utc::now()).to_std().unwrap_or_default() + CLOCK_TOLERANCE;
            let left = deadline.saturating_duration_since(Instant::now());
            if wait > left {
                return Err(limited);
            }
            self.log_once(wait);
            sleep(wait).await;
        }
        Ok(())
    }

    /// Returns true if the gate is open.
    pub(super) fn is_open(&self) -> bool {
        self.active().is_none()
    }

    /// Logs the limit once, for all waiting requests.
    fn log_once(&self, wait: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((ActiveLimit { limit, .. }, logged @ false)) = known.as_mut() {
            *logged = true;
            tracing::warn!("GitHub {limit} reached: waiting {} s", wait.as_secs());
        }
    }

    fn active(&self) -> Option<ActiveLimit> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some_and(|(known, _)| known.until < Utc::now()) {
            *known = None;
        }
        known.map(|(limited, _)| limited)
    }
}
