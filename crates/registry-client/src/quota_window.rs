//! The pull quota that a host reports.

use std::time::Duration;

/// The quota as the host reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaWindow {
    /// Pulls in one window, if the host reports it.
    pub limit: Option<u64>,
    /// Pulls left.
    pub left: u64,
    /// The window.
    pub window: Duration,
}

/// Prints `3 of 100 pulls left per 6 h`.
impl std::fmt::Display for QuotaWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.left)?;
        if let Some(limit) = self.limit {
            write!(f, " of {limit}")?;
        }
        let (number, unit) = match self.window.as_secs() {
            seconds if seconds % 3600 == 0 => (seconds / 3600, "h"),
            seconds if seconds % 60 == 0 => (seconds / 60, "min"),
            seconds => (seconds, "s"),
        };
        write!(f, " pulls left per {number} {unit}")
    }
}
