//! The size of a soak.

use std::env;
use std::time::Duration;

/// Approximate number of requests for a new row, to spread the first run over its time.
const REQUESTS_PER_ROW: f64 = 12.0;

/// Duration, load and faults of a soak.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// No run starts after this time; then come the clean run and the checks.
    pub(super) time: Duration,
    pub(super) seed: u64,
    /// Rows of the list at the start.
    pub(super) rows: usize,
    /// `--jobs`.
    pub(super) jobs: usize,
    /// The share of requests with a fault.
    pub(super) faults: f64,
    /// Lets peers stall too. Each stall takes half a minute.
    pub(super) stalls: bool,
    /// Interval between memory samples and checks of the process.
    pub(super) tick: Duration,
    /// Interval between status requests.
    pub(super) status_interval: Duration,
}

impl Plan {
    /// Reads `SOAK_MINUTES` (default: some seconds and few rows) and `SOAK_SEED` (default: 1).
    pub(super) fn from_environment() -> Self {
        let number = |name: &str| -> Option<u64> {
            let text = env::var(name).ok()?;
            let number = text.parse().ok();
            assert!(number.is_some(), "{name}={text} is not a whole number");
            number
        };
        let seed = number("SOAK_SEED").unwrap_or(1);
        match number("SOAK_MINUTES") {
            Some(minutes) => Self::full(Duration::from_secs(60 * minutes), seed),
            None => Self::short(seed),
        }
    }

    fn full(time: Duration, seed: u64) -> Self {
        Self {
            time,
            seed,
            rows: 2_000,
            jobs: 8,
            faults: 0.01,
            stalls: true,
            tick: Duration::from_secs(1),
            status_interval: Duration::from_secs(20),
        }
    }

    /// The plan for every test run, which shows only that the soak works.
    fn short(seed: u64) -> Self {
        Self {
            time: Duration::from_secs(6),
            seed,
            rows: 40,
            jobs: 8,
            faults: 0.05,
            stalls: false,
            tick: Duration::from_millis(50),
            status_interval: Duration::from_millis(500),
        }
    }

    /// The latency in the first run, which then takes about half of the time: growth shows only in
    /// a process that lives long.
    pub(super) fn first_latency(&self) -> Duration {
        let requests = self.rows as f64 * REQUESTS_PER_ROW;
        self.time.mul_f64(0.5 * self.jobs as f64 / requests)
    }

    /// The latency in the many later runs.
    pub(super) fn later_latency(&self) -> Duration {
        self.first_latency() / 8
    }

    /// The deadline of a run, far longer than any takes.
    pub(super) fn deadline(&self) -> Duration {
        2 * self.time + Duration::from_secs(300)
    }
}
