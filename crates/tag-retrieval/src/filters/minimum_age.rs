//! `minimumAge`: the minimum age of a version.

use chrono::{DateTime, TimeDelta, Utc};

/// `minimumAge`: the number of days after publication before a version is proposed. Most bad releases
/// are withdrawn within days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumAge {
    /// The number of days of 24 hours.
    pub days: u16,
}

impl MinimumAge {
    /// Returns true if a version is old enough.
    #[must_use]
    pub fn allows(self, published: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        now.signed_duration_since(published) >= TimeDelta::days(self.days.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_has_24_hours() {
        for (days, published, allowed) in [
            (7, "2026-01-03T12:00:00Z", true),
            (7, "2026-01-03T12:00:01Z", false),
            (0, "2026-01-10T12:00:00Z", true),
            (1, "2026-01-10T00:00:00Z", false),
            // Published in the future: a clock is ahead.
            (1, "2026-02-01T00:00:00Z", false),
            (u16::MAX, "0001-01-01T00:00:00Z", true),
        ] {
            let now = "2026-01-10T12:00:00Z".parse().unwrap();
            let allows = MinimumAge { days }.allows(published.parse().unwrap(), now);
            assert_eq!(allows, allowed, "{days} days after {published}");
        }
    }
}
