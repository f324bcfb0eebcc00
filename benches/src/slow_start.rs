//! How a young connection is kept from sending all at once (RFC 5681, "Slow Start"; RFC 6928 for
//! the initial window).

use std::time::{Duration, Instant};

/// Ten segments of an Ethernet frame.
const INITIAL: usize = 10 * 1460;

/// As far as Linux lets a receiver grow (`tcp_rmem`).
const LARGEST: usize = 6 << 20;

/// What one direction of a connection may send. The window doubles in each round trip that filled
/// it; nothing is ever lost. That a window shrinks after idling is left out, which favours nobody.
#[derive(Debug)]
pub(crate) struct SlowStart {
    round_trip: Duration,
    window: usize,
    sent: usize,
    /// When the first byte of this window was sent.
    since: Option<Instant>,
}

impl SlowStart {
    /// A connection that has sent nothing.
    pub(crate) fn new(round_trip: Duration) -> Self {
        Self {
            round_trip,
            window: INITIAL,
            sent: 0,
            since: None,
        }
    }

    /// The most that one call of [`Self::send`] may be asked for.
    pub(crate) fn window(&self) -> usize {
        self.window
    }

    /// When `bytes`, ready at `now`, leave.
    pub(crate) fn send(&mut self, bytes: usize, now: Instant) -> Instant {
        let Some(since) = self.since else {
            return self.open(bytes, now);
        };
        let acknowledged = since + self.round_trip;
        if self.sent + bytes > self.window {
            self.window = (self.window * 2).min(LARGEST);
            return self.open(bytes, now.max(acknowledged));
        }
        if now >= acknowledged {
            return self.open(bytes, now);
        }
        self.sent += bytes;
        now.max(since)
    }

    fn open(&mut self, bytes: usize, at: Instant) -> Instant {
        self.sent = bytes;
        self.since = Some(at);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND_TRIP: Duration = Duration::from_millis(100);

    #[test]
    fn a_window_doubles_with_each_round_trip_that_fills_it() {
        let start = Instant::now();
        let mut connection = SlowStart::new(ROUND_TRIP);
        // 1 + 2 + 4 windows: all of it ready at once takes two round trips more.
        let left: Vec<_> = (0..7)
            .map(|_| (connection.send(INITIAL, start) - start).as_millis())
            .collect();
        assert_eq!(left, [0, 100, 100, 200, 200, 200, 200]);
    }

    #[test]
    fn requests_that_fit_never_wait() {
        let start = Instant::now();
        let mut connection = SlowStart::new(ROUND_TRIP);
        for number in 0..20 {
            let now = start + ROUND_TRIP * number;
            assert_eq!(connection.send(1000, now), now);
        }
        assert_eq!(connection.window(), INITIAL, "it was never full");
    }
}
