//! When a run is killed.

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
/// What passes at most between a request and the kill, so that it is before, during or after what
/// the registry does.
const LINGER: u64 = 12_000;

/// A moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Some time (µs) after so many requests of any kind have arrived.
    Request(usize, u64),
    /// Some time (µs) after so many manifests have arrived.
    Manifest(usize, u64),
    /// So long (µs) after the start.
    Time(u64),
}

/// What is left to do when the run begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) rows: usize,
    pub(super) manifests: usize,
    /// What a run took that had everything to do.
    pub(super) whole_run: Duration,
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Killed,
    /// It was over before.
    Done,
}

impl Moment {
    /// A kind of moment after the other. Early ones are likelier: a destination is filled by many runs.
    pub(super) fn random(number: usize, random: &mut Rng, left: &Left) -> Self {
        let early = random.f64() * random.f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "small numbers, none negative"
        )]
        let up_to = |most: usize| 1 + (early * most as f64) as usize;
        match number % 3 {
            0 => Self::Request(up_to(12 * left.rows), random.u64(0..LINGER)),
            1 => Self::Manifest(up_to(left.manifests), random.u64(0..LINGER)),
            _ => {
                let most = usize::try_from(left.whole_run.as_micros()).unwrap();
                Self::Time(up_to(most) as u64)
            }
        }
    }

    /// Runs `sync` and kills it (SIGKILL) at that moment.
    pub(super) async fn kill(self, environment: &TestEnvironment, proxy: &FaultProxy) -> End {
        proxy.clear_rules();
        let reached = match self {
            Self::Request(number, linger) => watch_for(proxy, ("", ""), number, linger),
            Self::Manifest(number, linger) => {
                watch_for(proxy, ("PUT", "/manifests/"), number, linger)
            }
            Self::Time(micros) => Reached::After(micros),
        };
        let mut child = start(environment);
        let killed = async {
            tokio::select! {
                () = reached.wait() => {}
                _ = child.wait() => {}
            }
        };
        assert!(
            timeout(DEADLINE, killed).await.is_ok(),
            "{self:?}: it hangs"
        );
        // It may have ended a moment ago.
        child.start_kill().ok();
        let status = child.wait().await.unwrap();
        match status.code() {
            None => End::Killed,
            Some(code) => {
                assert_eq!(code, 0, "{self:?}: a run that nobody disturbed");
                End::Done
            }
        }
    }
}

enum Reached {
    Told(mpsc::Receiver<()>, u64),
    After(u64),
}

impl Reached {
    async fn wait(self) {
        let micros = match self {
            Self::After(micros) => micros,
            Self::Told(mut told, micros) => {
                told.recv().await;
                micros
            }
        };
        sleep(Duration::from_micros(micros)).await;
    }
}

/// Tells when so many requests with that method and part have arrived at the proxy.
fn watch_for(
    proxy: &FaultProxy,
    (method, part): (&'static str, &str),
    number: usize,
    linger: u64,
) -> Reached {
    let (sender, told) = mpsc::channel(1);
    let count = AtomicUsize::new(0);
    // Asked only of requests whose method and path fit.
    let counting = Rule::new(method, part).when(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == number {
            sender.try_send(()).ok();
        }
        false
    });
    proxy.add(counting);
    Reached::Told(told, linger)
}

fn start(environment: &TestEnvironment) -> Child {
    let mut command = Command::from(environment.command());
    command.arg("sync").stdout(Stdio::null());
    // Looked through when the environment goes.
    let log = File::options()
        .append(true)
        .create(true)
        .open(environment.path("log"));
    command.stderr(log.unwrap()).kill_on_drop(true);
    command.spawn().unwrap()
}
