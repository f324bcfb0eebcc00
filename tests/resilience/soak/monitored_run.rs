//! One monitored run: it must make progress, respond to SIGUSR1, exit by itself and not grow.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;

use super::samples::{Sample, Samples};
use super::statistics::Statistics;
use super::status_requests::StatusRequests;
use super::testbed::Testbed;

/// Maximum time without a request: a response is awaited for half a minute, and pauses between
/// attempts are shorter.
const MAX_IDLE: Duration = Duration::from_secs(120);

/// Last log lines to print for a failed run; a status has fewer.
const LOG_LINES: usize = 200;

/// Upstream changes once in this many ticks.
const TICKS_PER_CHANGE: usize = 4;

/// Exit code, report and samples of a finished run.
pub(super) struct FinishedRun {
    pub(super) code: Option<i32>,
    pub(super) report: Value,
    pub(super) samples: Samples,
    pub(super) duration: Duration,
}

/// A child that is killed on drop: a failed soak leaves no process.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // It may have exited.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The behavior of upstream during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upstream {
    Changing,
    Still,
}

/// A run in progress.
struct Monitor<'a> {
    testbed: &'a mut Testbed,
    statistics: &'a mut Statistics,
    process: KillOnDrop,
    start: Instant,
    samples: Samples,
    status: StatusRequests,
}

/// Runs the binary and monitors it. Panics when it is stuck or grows.
pub(super) async fn monitor(
    testbed: &mut Testbed,
    statistics: &mut Statistics,
    line: &str,
    upstream: Upstream,
) -> FinishedRun {
    let mut command = testbed.environment.mirror_command();
    command.args(line.split_whitespace());
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| testbed.environment.path(name));
    command.stdout(File::create(&stdout).unwrap());
    command.stderr(File::create(&stderr).unwrap());
    let child = command.stdin(Stdio::null()).spawn().unwrap();
    let mut monitor = Monitor {
        status: StatusRequests::new(child.id(), stderr.clone()),
        process: KillOnDrop(child),
        start: Instant::now(),
        samples: Samples::default(),
        testbed,
        statistics,
    };
    let end = monitor.until_exit(upstream).await;
    let end = end.and_then(|code| monitor.check_growth().map(|()| code));
    let log = last_lines(&stderr);
    assert!(
        end.is_ok(),
        "soak: run failed: {end:?}. Its last lines:\n{log}"
    );
    let report = serde_json::from_str(&fs::read_to_string(&stdout).unwrap());
    assert!(
        report.is_ok(),
        "soak: no report: {report:?}. Its last lines:\n{log}"
    );
    let run = FinishedRun {
        code: end.unwrap(),
        report: report.unwrap(),
        duration: monitor.start.elapsed(),
        samples: monitor.samples,
    };
    monitor.statistics.add_run(&run, &monitor.status);
    run
}

/// Returns the last lines of the log.
fn last_lines(stderr: &Path) -> String {
    let log = fs::read_to_string(stderr).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

impl Monitor<'_> {
    async fn until_exit(&mut self, upstream: Upstream) -> Result<Option<i32>, String> {
        let (tick, deadline) = (self.testbed.plan.tick, self.testbed.plan.deadline());
        for number in 1.. {
            sleep(tick).await;
            if let Some(status) = self.process.0.try_wait().unwrap() {
                return Ok(status.code());
            }
            if let Some(sample) = Sample::take(self.process.0.id()) {
                self.samples.push(sample);
            }
            self.status.poll(self.testbed.plan.status_interval)?;
            self.check_progress().await?;
            if self.start.elapsed() > deadline {
                return Err(format!("it has not exited after {deadline:?}"));
            }
            self.testbed.clear_request_logs();
            if upstream == Upstream::Changing && number % TICKS_PER_CHANGE == 0 {
                self.testbed.upstream.change_one().await;
            }
            let counts = self.testbed.traffic.counts();
            self.statistics
                .print_progress(&self.status, &self.samples, &counts);
        }
        Ok(None)
    }

    fn check_growth(&self) -> Result<(), String> {
        let growth = self.samples.growth();
        match growth.is_empty() {
            true => Ok(()),
            false => Err(format!("it grows: {}", growth.join("; "))),
        }
    }

    async fn check_progress(&mut self) -> Result<(), String> {
        let last = self.testbed.traffic.counts().last;
        let since = last.map_or(self.start, |last| last.max(self.start));
        if since.elapsed() < MAX_IDLE {
            return Ok(());
        }
        // A status in the log shows what it waits for.
        self.status.send();
        sleep(Duration::from_secs(2)).await;
        Err(format!(
            "it has sent no request for {MAX_IDLE:?}: it is stuck"
        ))
    }
}
