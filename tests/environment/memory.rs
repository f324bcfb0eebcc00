//! The peak memory of a run.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{CommandOutput, TestEnvironment, block};

/// Interval between readings. A shorter peak is missed.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(2);

/// Maximum memory of any run, without the code of the program: content streams through buffers of fixed size.
pub(crate) const MAX_MEMORY_KIB: u64 = 64 * 1024;

/// A run with its peak memory and duration.
#[derive(Debug)]
pub(crate) struct MeasuredRun {
    pub(crate) output: CommandOutput,
    pub(crate) peak_kib: u64,
    pub(crate) duration: Duration,
}

/// Runs the binary and reads its memory until it exits.
pub(crate) fn measure_memory(environment: &TestEnvironment, line: &str) -> MeasuredRun {
    let mut command = environment.mirror_command();
    command.args(line.split_whitespace());
    let directory = tempfile::tempdir().unwrap();
    let streams = ["stdout", "stderr"].map(|name| directory.path().join(name));
    let [stdout, stderr] = streams
        .each_ref()
        .map(|path| Stdio::from(File::create(path).unwrap()));
    command.stdout(stdout).stderr(stderr);
    let (code, peak_kib, duration) = block(|| run_to_exit(&mut command));
    let [stdout, stderr] = streams.map(|path| fs::read_to_string(path).unwrap());
    MeasuredRun {
        output: CommandOutput::from_parts(code, stdout, stderr),
        peak_kib,
        duration,
    }
}

/// Returns exit code, peak memory in KiB and duration.
fn run_to_exit(command: &mut Command) -> (Option<i32>, u64, Duration) {
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut peak = 0;
    loop {
        peak = memory_of(&child).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            assert!(peak > 0, "the run exited before the first reading");
            return (status.code(), peak, start.elapsed());
        }
        sleep(SAMPLE_INTERVAL);
    }
}

/// Reads `RssAnon` (proc(5)): the code of a test build is several times that of a release build, and the kernel
/// can drop it. A process that has exited has none.
fn memory_of(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
