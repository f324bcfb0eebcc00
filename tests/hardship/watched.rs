//! The binary beside servers that live in the test, and how much memory it takes.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::environment::{Finished, TestEnvironment};

/// How often the peak is read. It only grows, so a reading misses no more than
/// what came after it.
const SAMPLE: Duration = Duration::from_millis(2);

/// The most memory that any run may take, in KiB: what is copied passes
/// through buffers of fixed size.
pub(super) const BOUND: u64 = 64 * 1024;

/// A run and its cost.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) finished: Finished,
    /// The greatest resident set, in KiB.
    pub(super) peak: u64,
    pub(super) duration: Duration,
}

/// Runs the binary without holding up the servers of the test.
pub(super) async fn run(environment: &TestEnvironment, line: &str) -> Finished {
    let mut command = environment.command();
    command.args(line.split_whitespace());
    let run = move || Finished::of(command.output().unwrap());
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// The same, and watches its memory.
pub(super) async fn watch(environment: &TestEnvironment, line: &str) -> Watched {
    let mut command = environment.command();
    command.args(line.split_whitespace());
    let folder = tempfile::tempdir().unwrap();
    let streams = ["stdout", "stderr"].map(|name| folder.path().join(name));
    let [stdout, stderr] = streams
        .each_ref()
        .map(|path| Stdio::from(File::create(path).unwrap()));
    command.stdout(stdout).stderr(stderr);
    let run = move || peak_of(&mut command);
    let (code, peak, duration) = tokio::task::spawn_blocking(run).await.unwrap();
    let [stdout, stderr] = streams.map(|path| fs::read_to_string(path).unwrap());
    let finished = Finished::read(code, stdout, stderr);
    Watched {
        finished,
        peak,
        duration,
    }
}

fn peak_of(command: &mut Command) -> (Option<i32>, u64, Duration) {
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut peak = 0;
    loop {
        peak = high_water(&child).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            assert!(peak > 0, "the run was over before it was looked at");
            return (status.code(), peak, start.elapsed());
        }
        sleep(SAMPLE);
    }
}

/// `VmHWM` of proc(5), which a process that has ended lacks.
fn high_water(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
