//! How long, how much, how fast.

use std::env;
use std::time::Duration;

/// Requests that a row costs the destination when all of it is new, about. The
/// first run is spread over its time with it.
const REQUESTS: f64 = 12.0;

/// What a soak is like.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// No run is begun after that; what follows is the clean run and the checks.
    pub(super) time: Duration,
    pub(super) seed: u64,
    /// Rows of the list in the beginning.
    pub(super) rows: usize,
    /// `--jobs`.
    pub(super) jobs: usize,
    /// The share of the requests that are broken.
    pub(super) faults: f64,
    /// Whether peers fall silent too: each time that takes half a minute.
    pub(super) silence: bool,
    /// How often processes are looked at, and upstream changes.
    pub(super) tick: Duration,
    /// How often a run is asked what it is doing.
    pub(super) asks: Duration,
}

impl Plan {
    /// `SOAK_MINUTES` (a few seconds and rows without it) and `SOAK_SEED` (1).
    pub(super) fn of_environment() -> Self {
        let number = |name: &str| -> Option<u64> {
            let text = env::var(name).ok()?;
            let number = text.parse().ok();
            assert!(number.is_some(), "{name}={text} is no whole number");
            number
        };
        let seed = number("SOAK_SEED").unwrap_or(1);
        match number("SOAK_MINUTES") {
            Some(minutes) => Self::whole(Duration::from_secs(60 * minutes), seed),
            None => Self::short(seed),
        }
    }

    fn whole(time: Duration, seed: u64) -> Self {
        Self {
            time,
            seed,
            rows: 2_000,
            jobs: 8,
            faults: 0.01,
            silence: true,
            tick: Duration::from_secs(1),
            asks: Duration::from_secs(20),
        }
    }

    /// For every run of the tests: it shows that the soak works, and no more.
    fn short(seed: u64) -> Self {
        Self {
            time: Duration::from_secs(6),
            seed,
            rows: 40,
            jobs: 8,
            faults: 0.05,
            silence: false,
            tick: Duration::from_millis(50),
            asks: Duration::from_millis(500),
        }
    }

    /// What each request waits for in the first run, which so takes about half
    /// of the time: one process has to live long for what grows to be seen.
    pub(super) fn first_latency(&self) -> Duration {
        let requests = self.rows as f64 * REQUESTS;
        self.time.mul_f64(0.5 * self.jobs as f64 / requests)
    }

    /// The same in later runs, of which there are many.
    pub(super) fn later_latency(&self) -> Duration {
        self.first_latency() / 8
    }

    /// How long a run may take: far more than any takes.
    pub(super) fn deadline(&self) -> Duration {
        2 * self.time + Duration::from_secs(300)
    }
}
