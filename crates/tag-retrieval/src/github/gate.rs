//! What holds all requests while a limit does.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tokio::time::{Instant, sleep};

use super::limit::Limited;

/// The reset is said in whole seconds, and clocks differ a little.
const LATER: Duration = Duration::from_secs(1);

/// The limit that is known to hold, and whether somebody was told.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<Option<(Limited, bool)>>);

impl Gate {
    /// Remembers a limit, unless one is known that holds longer.
    pub(super) fn shut(&self, limited: Limited) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none_or(|(known, _)| known.until < limited.until) {
            *known = Some((limited, false));
        }
    }

    /// Waits until no limit holds.
    ///
    /// # Errors
    ///
    /// The limit that holds beyond the deadline, at once.
    pub(super) async fn pass(&self, deadline: Instant) -> Result<(), Limited> {
        while let Some(limited) = self.holds() {
            let wait = (limited.until - Utc::now()).to_std().unwrap_or_default() + LATER;
            let left = deadline.saturating_duration_since(Instant::now());
            if wait > left {
                return Err(limited);
            }
            self.tell(wait);
            sleep(wait).await;
        }
        Ok(())
    }

    /// Whether the gate is open.
    pub(super) fn is_open(&self) -> bool {
        self.holds().is_none()
    }

    /// Once, however many wait.
    fn tell(&self, wait: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((Limited { limit, .. }, told @ false)) = known.as_mut() {
            *told = true;
            tracing::warn!("GitHub's {limit} is reached: waiting {} s", wait.as_secs());
        }
    }

    fn holds(&self) -> Option<Limited> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some_and(|(known, _)| known.until < Utc::now()) {
            *known = None;
        }
        known.map(|(limited, _)| limited)
    }
}
