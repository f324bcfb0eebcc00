//! Commands that are killed (SIGKILL) once a registry has got some requests.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use embedded_registry::RunningRegistry;
use fastrand::Rng;

use super::block;

/// Maximum duration of a run that is to be killed.
const BOUND: Duration = Duration::from_secs(60);

/// Returns the number of kills and the random numbers of their points: `default` and a fixed seed, or
/// `MIRROR_KILLS` and `MIRROR_SEED` (`scripts/kills`).
pub(crate) fn kills(default: u64) -> (u64, Rng) {
    let number = |name: &str| {
        let value = std::env::var(name).ok();
        value.map(|value| value.parse::<u64>().unwrap())
    };
    let seed = number("MIRROR_SEED").unwrap_or(3);
    (
        number("MIRROR_KILLS").unwrap_or(default),
        Rng::with_seed(seed),
    )
}

/// Starts a command, and kills it once a registry has got this many requests. Returns whether it was killed
/// before its end.
pub(crate) fn kill_at_request(
    mut command: Command,
    registry: &RunningRegistry,
    requests: u64,
) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let until = registry.request_count() + requests;
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    block(|| {
        while registry.request_count() < until && child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < BOUND, "the run hangs");
            std::thread::sleep(Duration::from_micros(200));
        }
        child.kill().ok();
        child.wait().unwrap().code().is_none()
    })
}
