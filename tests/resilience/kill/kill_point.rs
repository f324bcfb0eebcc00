//! The point at which a run is killed.

use std::fs::File;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use testkit::proxy::{FaultProxy, Rule};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::environment::TestEnvironment;

/// Longer than any run.
const DEADLINE: Duration = Duration::from_secs(60);
/// Maximum delay (µs) between a request and the kill, which then falls before, during or after the
/// registry's work.
const MAX_DELAY: u64 = 12_000;

/// A point in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KillPoint {
    /// A delay (µs) after the nth request of any kind.
    Request(usize, u64),
    /// A delay (µs) after the nth manifest PUT.
    Manifest(usize, u64),
    /// A time (µs) after the start.
    Time(u64),
}

/// The work that remains when a run starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct RemainingWork {
    pub(super) rows: usize,
    pub(super) manifests: usize,
    /// The duration of a run that copies everything.
    pub(super) full_duration: Duration,
}

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunEnd {
    Killed,
    /// It completed before the kill.
    Completed,
}

impl KillPoint {
    /// Draws a point; the kinds alternate. Early points are likelier, so that many runs fill a
    /// destination.
    pub(super) fn random(number: usize, random: &mut Rng, remaining: &RemainingWork) -> Self {
        let early = random.f64() * random.f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "small numbers, none negative"
        )]
        let up_to = |most: usize| 1 + (early * most as f64) as usize;
        match number % 3 {
            0 => Self::Request(up_to(12 * remaining.rows), random.u64(0..MAX_DELAY)),
            1 => Self::Manifest(up_to(remaining.manifests), random.u64(0..MAX_DELAY)),
            _ => {
                let most = usize::try_from(remaining.full_duration.as_micros()).unwrap();
                Self::Time(up_to(most) as u64)
            }
        }
    }

    /// Runs `sync` and kills it (SIGKILL) at this point.
    pub(super) async fn kill(self, environment: &TestEnvironment, proxy: &FaultProxy) -> RunEnd {
        proxy.clear_rules();
        let trigger = match self {
            Self::Request(number, delay) => on_request(proxy, ("", ""), number, delay),
            Self::Manifest(number, delay) => {
                on_request(proxy, ("PUT", "/manifests/"), number, delay)
            }
            Self::Time(micros) => Trigger::Time(micros),
        };
        let mut child = start(environment);
        let killed = async {
            tokio::select! {
                () = trigger.wait() => {}
                _ = child.wait() => {}
            }
        };
        assert!(
            timeout(DEADLINE, killed).await.is_ok(),
            "{self:?}: the run hangs"
        );
        // It may have exited just now.
        child.start_kill().ok();
        let status = child.wait().await.unwrap();
        match status.code() {
            None => RunEnd::Killed,
            Some(code) => {
                assert_eq!(code, 0, "{self:?}: a run without a kill");
                RunEnd::Completed
            }
        }
    }
}

/// The condition for a kill.
enum Trigger {
    Request(mpsc::Receiver<()>, u64),
    Time(u64),
}

impl Trigger {
    async fn wait(self) {
        let micros = match self {
            Self::Time(micros) => micros,
            Self::Request(mut arrived, micros) => {
                arrived.recv().await;
                micros
            }
        };
        sleep(Duration::from_micros(micros)).await;
    }
}

/// Fires when the nth request with that method and path part arrives at the proxy.
fn on_request(
    proxy: &FaultProxy,
    (method, part): (&'static str, &str),
    number: usize,
    delay: u64,
) -> Trigger {
    let (sender, arrived) = mpsc::channel(1);
    let count = AtomicUsize::new(0);
    // The proxy evaluates it only for requests with that method and path.
    let counting = Rule::new(method, part).when(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == number {
            sender.try_send(()).ok();
        }
        false
    });
    proxy.add(counting);
    Trigger::Request(arrived, delay)
}

fn start(environment: &TestEnvironment) -> Child {
    let mut command = Command::from(environment.mirror_command());
    command.arg("sync").stdout(Stdio::null());
    // The environment searches this file for canaries when it is dropped.
    let log = File::options()
        .append(true)
        .create(true)
        .open(environment.path("log"));
    command.stderr(log.unwrap()).kill_on_drop(true);
    command.spawn().unwrap()
}
