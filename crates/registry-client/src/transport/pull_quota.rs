//! The manifests that may still be read from a host.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::HeaderMap;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::error::Error;
use crate::lock::lock;
use crate::quota_window::QuotaWindow;
use crate::rate_limit::RateLimit;

/// Images of a host with a quota whose first manifest is read concurrently. It shows how many pulls the
/// image needs, and is a lost pull if the rest of the quota does not suffice.
const CONCURRENT_SIZINGS: usize = 1;

/// The pull quota of a host: GET requests for manifests count, HEAD requests and blobs do not.
///
/// Each response of Docker Hub about a manifest has its [`RateLimit`].
#[derive(Debug)]
pub(crate) struct PullQuota {
    state: Mutex<State>,
    changed: Notify,
    sizings: Arc<Semaphore>,
    /// Shorter windows are not quotas; requests wait for their end.
    max_wait: Duration,
}

#[derive(Debug)]
struct State {
    window: Option<QuotaWindow>,
    /// The time at which fewer pulls were left for the last time.
    lowered: Instant,
    /// Reserved for images that are being copied.
    reserved: u64,
    /// Pulls of this run.
    used: u64,
    /// Maximum pulls of this run.
    max: Option<u64>,
}

/// The pulls of a run from one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPulls {
    /// The host in image names.
    pub host: String,
    /// Manifests that were requested.
    pub used: u64,
    /// The maximum that the caller has set.
    pub max: Option<u64>,
    /// The quota that the host has reported last.
    pub quota: Option<QuotaWindow>,
}

/// The reservation of the pulls for one image, returned when it is dropped.
#[derive(Debug)]
pub struct PullReservation {
    host: String,
    quota: Arc<PullQuota>,
    pulls: u64,
    sizing: Option<OwnedSemaphorePermit>,
}

/// The answer to a reservation.
enum Answer {
    Reserved,
    /// Others may return theirs.
    Wait,
    Refused(Error),
}

impl PullQuota {
    pub(crate) fn new(max: Option<u64>, max_wait: Duration) -> Self {
        Self {
            state: Mutex::new(State {
                window: None,
                lowered: Instant::now(),
                reserved: 0,
                used: 0,
                max,
            }),
            changed: Notify::new(),
            sizings: Arc::new(Semaphore::new(CONCURRENT_SIZINGS)),
            max_wait,
        }
    }

    /// Reads the headers of a response.
    pub(crate) fn record(&self, headers: &HeaderMap) {
        let Some(limit) = RateLimit::from_headers(headers) else {
            return;
        };
        // A limit without a window is not that of a quota.
        let Some(window) = limit.window.filter(|window| *window > self.max_wait) else {
            return;
        };
        lock(&self.state).set_window(QuotaWindow {
            limit: limit.limit,
            left: limit.remaining,
            window,
        });
        self.changed.notify_waiters();
    }

    /// Notes that a manifest is about to be requested.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaExhausted`], [`Error::MaxPulls`].
    pub(crate) fn pull(&self, host: &str) -> Result<(), Error> {
        let mut state = lock(&self.state);
        state.check(host, 1)?;
        state.used += 1;
        Ok(())
    }

    /// Returns the error of a request that the host refuses with a 429 because nothing is left.
    /// `needed` is 0 for a request that is no pull.
    pub(crate) fn exhausted(&self, host: &str, needed: u64) -> Option<Error> {
        let state = lock(&self.state);
        let window = state.window.filter(|window| window.left == 0)?;
        Some(exhausted(host, window, needed))
    }

    /// Waits until the pulls for one image are reserved, or those for its first manifest.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaExhausted`], [`Error::MaxPulls`].
    pub(crate) async fn reserve(self: &Arc<Self>, host: &str) -> Result<PullReservation, Error> {
        let mut reservation = PullReservation {
            host: host.to_owned(),
            quota: Arc::clone(self),
            pulls: 0,
            sizing: None,
        };
        if self.is_limited() {
            let sizings = Arc::clone(&self.sizings);
            // The semaphore is never closed.
            reservation.sizing = sizings.acquire_owned().await.ok();
            reservation.take(1).await?;
        }
        Ok(reservation)
    }

    fn is_limited(&self) -> bool {
        let state = lock(&self.state);
        state.window.is_some() || state.max.is_some()
    }

    pub(crate) fn pulls(&self, host: &str) -> HostPulls {
        let state = lock(&self.state);
        HostPulls {
            host: host.to_owned(),
            used: state.used,
            max: state.max,
            quota: state.window,
        }
    }
}

impl PullReservation {
    /// Reserves the pulls for the rest of the image, after its first manifest.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaExhausted`], [`Error::MaxPulls`].
    pub async fn extend(&mut self, pulls: u64) -> Result<(), Error> {
        if self.sizing.is_some() {
            self.take(pulls).await?;
            self.sizing = None;
        }
        Ok(())
    }

    /// Replaces the reserved pulls.
    async fn take(&mut self, pulls: u64) -> Result<(), Error> {
        self.give_back();
        let quota = Arc::clone(&self.quota);
        loop {
            let mut changed = std::pin::pin!(quota.changed.notified());
            changed.as_mut().enable();
            let answer = lock(&quota.state).reserve(&self.host, pulls);
            match answer {
                Answer::Reserved => {
                    self.pulls = pulls;
                    return Ok(());
                }
                Answer::Refused(error) => return Err(error),
                Answer::Wait => {}
            }
            changed.await;
        }
    }

    fn give_back(&mut self) {
        let pulls = std::mem::take(&mut self.pulls);
        if pulls > 0 {
            lock(&self.quota.state).reserved -= pulls;
            self.quota.changed.notify_waiters();
        }
    }
}

impl Drop for PullReservation {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl State {
    /// Notes the quota of a response. Those of concurrent requests arrive in any order, so more pulls
    /// are believed only some time after fewer.
    fn set_window(&mut self, window: QuotaWindow) {
        const LATE: Duration = Duration::from_secs(60);
        let is_late =
            |known: QuotaWindow| known.left < window.left && self.lowered.elapsed() < LATE;
        if self.window.is_some_and(is_late) {
            return;
        }
        self.window = Some(window);
        self.lowered = Instant::now();
    }

    /// Checks that pulls are left, those of reservations included.
    fn check(&self, host: &str, needed: u64) -> Result<(), Error> {
        if let Some(window) = self.window.filter(|window| window.left < needed) {
            return Err(exhausted(host, window, needed));
        }
        match self.max {
            Some(max) if max.saturating_sub(self.used) < needed => Err(Error::MaxPulls {
                host: host.to_owned(),
                max,
            }),
            _ => Ok(()),
        }
    }

    fn reserve(&mut self, host: &str, needed: u64) -> Answer {
        if let Err(error) = self.check(host, needed) {
            return Answer::Refused(error);
        }
        // The pulls of a reservation count twice between a request and its end, which only means
        // a longer wait.
        match self.check(host, self.reserved + needed) {
            Ok(()) => {
                self.reserved += needed;
                Answer::Reserved
            }
            Err(_) => Answer::Wait,
        }
    }
}

fn exhausted(host: &str, quota: QuotaWindow, needed: u64) -> Error {
    Error::QuotaExhausted {
        host: host.to_owned(),
        needed,
        quota,
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const MAX_WAIT: Duration = Duration::from_secs(300);

    fn headers(left: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("ratelimit-limit", "100;w=21600".parse().unwrap());
        headers.insert("ratelimit-remaining", left.parse().unwrap());
        headers
    }

    fn quota(left: &str, max: Option<u64>) -> Arc<PullQuota> {
        let quota = PullQuota::new(max, MAX_WAIT);
        quota.record(&headers(left));
        Arc::new(quota)
    }

    #[test]
    fn quotas_have_a_window_longer_than_a_run_waits() {
        let table = [
            ("76;w=21600", Some(76)),
            (" 0 ; w=21600", Some(0)),
            // The other header has the window.
            ("76", Some(76)),
            ("0;w=60", None),
            ("x;w=21600", None),
            ("-1;w=21600", None),
        ];
        for (value, left) in table {
            let window = quota(value, None).pulls("h").quota;
            assert_eq!(window.map(|window| window.left), left, "{value}");
        }
        let quota = quota("3;w=21600", None);
        quota.record(&headers("5;w=21600"));
        let left = quota.pulls("h").quota.map(|window| window.left);
        assert_eq!(left, Some(3), "a late response");
    }

    #[test]
    fn nothing_left_is_an_error_with_the_numbers() {
        let quota = quota("0;w=21600", None);
        let text = quota.pull("docker.io").unwrap_err().to_string();
        assert_eq!(
            text,
            "docker.io has 0 of 100 pulls left per 6 h, the image needs 1"
        );
        assert!(quota.exhausted("docker.io", 1).is_some());
        assert_eq!(quota.pulls("docker.io").used, 0);
    }

    #[tokio::test]
    async fn image_starts_only_if_its_pulls_are_left() {
        let quota = quota("5;w=21600", None);
        let mut first = quota.reserve("h").await.unwrap();
        first.extend(4).await.unwrap();
        let mut second = quota.reserve("h").await.unwrap();
        {
            let mut waiting = std::pin::pin!(second.extend(2));
            assert!(waiting.as_mut().now_or_never().is_none());
            quota.record(&headers("1;w=21600"));
            drop(first);
            let refused = waiting.await.unwrap_err();
            assert!(matches!(refused, Error::QuotaExhausted { needed: 2, .. }));
        }
        drop(second);
        assert!(quota.reserve("h").await.is_ok(), "one is left");
    }

    #[tokio::test]
    async fn maximum_of_a_run_counts_its_own_pulls() {
        let quota = Arc::new(PullQuota::new(Some(2), MAX_WAIT));
        quota.pull("h").unwrap();
        assert!(quota.reserve("h").await.is_ok());
        quota.pull("h").unwrap();
        assert!(matches!(quota.pull("h"), Err(Error::MaxPulls { .. })));
        let refused = quota.reserve("h").await.map(drop);
        assert!(matches!(refused, Err(Error::MaxPulls { .. })));
    }
}
