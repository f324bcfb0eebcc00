//! The rate at which a peer sends or accepts bytes.

use std::time::Duration;

use super::timeouts::MinimumRate;

/// A measurement of the time that a peer takes for a number of bytes.
///
/// The caller reports only the time in which it waits for this peer: a fast source that waits for a
/// slow destination is not slow. After enough bytes the measurement starts anew, so a fast start does
/// not excuse a slow end.
#[derive(Debug)]
pub(crate) struct RateMeter {
    minimum: MinimumRate,
    waited: Duration,
    bytes: u64,
}

impl RateMeter {
    pub(crate) fn new(minimum: MinimumRate) -> Self {
        Self {
            minimum,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// Notes bytes, and the time in which the peer was waited for.
    pub(crate) fn record(&mut self, waited: Duration, bytes: u64) {
        self.waited += waited;
        self.bytes += bytes;
        if self.bytes >= self.minimum.bytes {
            (self.waited, self.bytes) = (Duration::ZERO, 0);
        }
    }

    /// Returns the time that the peer has left for the missing bytes.
    pub(crate) fn time_left(&self) -> Duration {
        self.minimum.within.saturating_sub(self.waited)
    }

    pub(crate) fn minimum(&self) -> MinimumRate {
        self.minimum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_end_is_not_excused_by_a_fast_start() {
        let second = Duration::from_secs(1);
        let mut meter = RateMeter::new(MinimumRate {
            bytes: 100,
            within: 10 * second,
        });
        meter.record(9 * second, 99);
        assert_eq!(meter.time_left(), second);
        meter.record(second / 2, 1_000_000);
        assert_eq!(meter.time_left(), 10 * second, "a new measurement");
        for _ in 0..10 {
            meter.record(second, 9);
        }
        assert_eq!(meter.time_left(), Duration::ZERO);
    }
}
