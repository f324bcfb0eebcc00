//! The line of a run's progress: what is done, the recent rate, and the remaining time.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use copier::Progress;
use indicatif::{HumanBytes, HumanDuration};

/// The time over which the rate is measured.
const WINDOW: Duration = Duration::from_secs(30);
/// The time without a byte after which the line says so, instead of a rate.
pub(super) const STALLED: Duration = Duration::from_secs(5);

/// The number of units of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Total {
    /// The plural of the unit, such as `rows`.
    pub(super) unit: &'static str,
    pub(super) count: usize,
}

/// The state of a run at one time.
#[derive(Debug, Clone, Copy, Default)]
struct Snapshot {
    /// Finished units, failed ones included.
    done: usize,
    failed: usize,
    /// Units in flight.
    started: usize,
    /// Bytes sent in the run.
    bytes: u64,
    /// Blobs in transfer, the bytes sent of them, and those still to send.
    transfers: usize,
    transferring: u64,
    left: u64,
}

impl Snapshot {
    fn new(progress: &Progress) -> Self {
        let transfers = progress.transfers();
        let sent = |transfer: &copier::Transfer| transfer.sent().min(transfer.size);
        Self {
            done: progress.rows_done(),
            failed: progress.rows_failed(),
            started: progress.rows_in_flight(),
            bytes: progress.bytes(),
            transfers: transfers.len(),
            transferring: transfers.iter().map(|transfer| sent(transfer)).sum(),
            left: transfers
                .iter()
                .map(|transfer| transfer.size - sent(transfer))
                .sum(),
        }
    }
}

/// The recent history of a run, from which its lines are made.
#[derive(Debug)]
pub(super) struct History {
    total: Total,
    /// Oldest first, at most [`WINDOW`] old.
    samples: VecDeque<(Instant, Snapshot)>,
    /// The time of the last byte, or of the last sample without a transfer.
    last_byte: Instant,
}

impl History {
    /// Creates the history of a run that starts now.
    pub(super) fn new(total: Total, now: Instant) -> Self {
        Self {
            total,
            samples: VecDeque::from([(now, Snapshot::default())]),
            last_byte: now,
        }
    }

    /// Records the state of the run, and returns its line.
    pub(super) fn line(&mut self, progress: &Progress, now: Instant) -> ProgressLine {
        self.record(Snapshot::new(progress), now)
    }

    fn record(&mut self, snapshot: Snapshot, now: Instant) -> ProgressLine {
        let last = self.samples.back().map_or(0, |(_, last)| last.bytes);
        if snapshot.bytes != last || snapshot.transfers == 0 {
            self.last_byte = now;
        }
        // The oldest sample is as old as the window or less than one interval older.
        while let Some((at, _)) = self.samples.get(1)
            && now.saturating_duration_since(*at) >= WINDOW
        {
            self.samples.pop_front();
        }
        self.samples.push_back((now, snapshot));
        let idle = now.saturating_duration_since(self.last_byte);
        ProgressLine {
            total: self.total,
            snapshot,
            bytes_per_second: self.rate(|sample| sample.bytes),
            idle: Some(idle).filter(|idle| *idle >= STALLED),
            remaining: self.remaining(&snapshot).filter(|_| idle < STALLED),
        }
    }

    /// Returns the recent rate of a count, per second.
    fn rate(&self, count: impl Fn(&Snapshot) -> u64) -> f64 {
        let (Some((from, first)), Some((to, last))) = (self.samples.front(), self.samples.back())
        else {
            return 0.0;
        };
        let seconds = to.saturating_duration_since(*from).as_secs_f64();
        let counted = count(last).saturating_sub(count(first)) as f64;
        if seconds > 0.0 {
            counted / seconds
        } else {
            0.0
        }
    }

    /// Returns the estimated remaining time: the longer of the bytes that are left at the recent
    /// rate of bytes, and the units that are left at the recent rate of units.
    fn remaining(&self, now: &Snapshot) -> Option<Duration> {
        let units_left = self.total.count.checked_sub(now.done)?;
        if units_left == 0 {
            return None;
        }
        let units = seconds(units_left as f64, self.rate(|sample| sample.done as u64));
        if now.transfers == 0 {
            return units;
        }
        // A unit that has not started sends as much as the finished ones on average.
        let waiting = units_left.saturating_sub(now.started);
        let average = match (waiting, now.done) {
            (0, _) => 0.0,
            (_, 0) => return None,
            (_, done) => now.bytes.saturating_sub(now.transferring) as f64 / done as f64,
        };
        let bytes_left = now.left as f64 + average * waiting as f64;
        let bytes = seconds(bytes_left, self.rate(|sample| sample.bytes))?;
        let units = units.filter(|_| waiting > 0);
        Some(units.map_or(bytes, |units| units.max(bytes)))
    }
}

fn seconds(left: f64, rate: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(left / rate).ok()
}

/// The line of a run's progress.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProgressLine {
    total: Total,
    snapshot: Snapshot,
    bytes_per_second: f64,
    /// The time since the last byte, if blobs are in transfer and the time is long.
    idle: Option<Duration>,
    remaining: Option<Duration>,
}

impl fmt::Display for ProgressLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Total { unit, count } = self.total;
        let Snapshot {
            done,
            failed,
            bytes,
            ..
        } = self.snapshot;
        write!(f, "{done} of {count} {unit}")?;
        if failed > 0 {
            write!(f, ", {failed} failed")?;
        }
        if bytes > 0 {
            write!(f, ", {} sent", HumanBytes(bytes))?;
        }
        if let Some(idle) = self.idle {
            return write!(f, ", no byte for {} s", idle.as_secs());
        }
        if self.bytes_per_second >= 1.0 {
            write!(f, ", {}/s", HumanBytes(self.bytes_per_second as u64))?;
        }
        match self.remaining {
            Some(remaining) => write!(f, ", about {} left", HumanDuration(remaining)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    /// Records one snapshot each second, and returns the last line.
    fn line_after(count: usize, snapshots: impl IntoIterator<Item = Snapshot>) -> String {
        let total = Total {
            unit: "rows",
            count,
        };
        let start = Instant::now();
        let mut history = History::new(total, start);
        let mut line = String::new();
        for (second, snapshot) in (1..).zip(snapshots) {
            let now = start + Duration::from_secs(second);
            line = history.record(snapshot, now).to_string();
        }
        line
    }

    #[test]
    fn remaining_time_follows_the_bytes_of_transfers_and_the_recent_rate() {
        // Two rows of 10 MiB are done, one is half sent at 1 MiB/s, one has not started.
        let snapshots = (0..20).map(|second| Snapshot {
            done: 2,
            failed: 1,
            started: 1,
            bytes: 20 * MIB + second * MIB / 4,
            transfers: 1,
            transferring: second * MIB / 4,
            left: 10 * MIB - second * MIB / 4,
        });
        let snapshots = std::iter::repeat_n(
            Snapshot {
                done: 2,
                bytes: 20 * MIB,
                ..Snapshot::default()
            },
            40,
        )
        .chain(snapshots);
        let line = line_after(4, snapshots);
        let want = "2 of 4 rows, 1 failed, 24.75 MiB sent, 162.13 KiB/s, about 2 minutes left";
        assert_eq!(line, want);
    }

    #[test]
    fn stalled_transfer_has_neither_rate_nor_remaining_time() {
        let stalled = Snapshot {
            done: 5,
            started: 1,
            bytes: 7 * MIB,
            transfers: 1,
            transferring: MIB,
            left: MIB,
            ..Snapshot::default()
        };
        let line = line_after(6, std::iter::repeat_n(stalled, 29));
        assert_eq!(line, "5 of 6 rows, 7.00 MiB sent, no byte for 28 s");
    }

    #[test]
    fn rows_without_bytes_are_estimated_by_their_rate() {
        let snapshots = (1..=10).map(|done| Snapshot {
            done,
            ..Snapshot::default()
        });
        assert_eq!(
            line_after(30, snapshots),
            "10 of 30 rows, about 20 seconds left"
        );
    }

    #[test]
    fn there_is_no_estimate_before_the_first_row_or_after_the_last() {
        let none = Snapshot {
            started: 3,
            ..Snapshot::default()
        };
        assert_eq!(line_after(3, [none]), "0 of 3 rows");
        let first = Snapshot {
            started: 1,
            bytes: MIB,
            transfers: 1,
            transferring: MIB,
            left: MIB,
            ..Snapshot::default()
        };
        assert_eq!(
            line_after(3, [first]),
            "0 of 3 rows, 1.00 MiB sent, 1.00 MiB/s"
        );
        assert_eq!(
            line_after(1, [first]),
            "0 of 1 rows, 1.00 MiB sent, 1.00 MiB/s, about 1 second left"
        );
        let all = Snapshot {
            done: 3,
            ..Snapshot::default()
        };
        assert_eq!(line_after(3, [all]), "3 of 3 rows");
    }
}
