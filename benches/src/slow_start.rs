//! The slow start of a TCP connection (RFC 5681; RFC 6928 for the initial window).

use std::time::{Duration, Instant};

/// The initial window: ten segments.
const INITIAL: usize = 10 * 1460;

/// The maximum window, which is Linux' default for receivers (`tcp_rmem`).
const MAX_WINDOW: usize = 6 << 20;

/// The congestion window of one direction of a connection. It doubles in each round trip that fills it. There
/// is no loss, and the window does not shrink when idle, which is the same for all tools.
#[derive(Debug)]
pub(crate) struct SlowStart {
    round_trip: Duration,
    window: usize,
    sent: usize,
    /// The time at which the first byte of this window was sent.
    since: Option<Instant>,
}

impl SlowStart {
    /// Creates the window of a new connection.
    pub(crate) fn new(round_trip: Duration) -> Self {
        Self {
            round_trip,
            window: INITIAL,
            sent: 0,
            since: None,
        }
    }

    /// Returns the maximum bytes for one call of [`Self::send`].
    pub(crate) fn window(&self) -> usize {
        self.window
    }

    /// Returns the time at which `bytes` that are ready at `now` are sent.
    pub(crate) fn send(&mut self, bytes: usize, now: Instant) -> Instant {
        let Some(since) = self.since else {
            return self.open(bytes, now);
        };
        let acknowledged = since + self.round_trip;
        if self.sent + bytes > self.window {
            self.window = (self.window * 2).min(MAX_WINDOW);
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
    fn window_doubles_with_each_round_trip_that_fills_it() {
        let start = Instant::now();
        let mut connection = SlowStart::new(ROUND_TRIP);
        // 1 + 2 + 4 windows of data take two more round trips.
        let left: Vec<_> = (0..7)
            .map(|_| (connection.send(INITIAL, start) - start).as_millis())
            .collect();
        assert_eq!(left, [0, 100, 100, 200, 200, 200, 200]);
    }

    #[test]
    fn send_does_not_wait_while_the_window_has_room() {
        let start = Instant::now();
        let mut connection = SlowStart::new(ROUND_TRIP);
        for number in 0..20 {
            let now = start + ROUND_TRIP * number;
            assert_eq!(connection.send(1000, now), now);
        }
        assert_eq!(connection.window(), INITIAL, "the window was never full");
    }
}
