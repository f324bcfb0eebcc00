//! One run, from its start to its end: it has to be moving, it has to answer,
//! it has to end by itself, and it must not grow.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;

use super::asking::Asking;
use super::figures::Figures;
use super::samples::{Sample, Samples};
use super::stage::Stage;

/// No run that moves is silent for so long: an answer is waited for half a
/// minute, the pauses between tries and those that are asked for are shorter.
const SILENCE: Duration = Duration::from_secs(120);

/// Lines of a run that are shown when it is wrong: an answer to SIGUSR1 has no more.
const LINES: usize = 200;

/// Upstream changes once in so many ticks.
const CHANGES: usize = 4;

/// What a run left behind.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) report: Value,
    pub(super) samples: Samples,
    pub(super) duration: Duration,
}

/// Ends with the value: a soak that fails leaves no process.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether upstream keeps still during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meanwhile {
    Changes,
    Stillness,
}

/// A run that is being watched.
struct Watching<'a> {
    stage: &'a mut Stage,
    figures: &'a mut Figures,
    process: Process,
    began: Instant,
    samples: Samples,
    asking: Asking,
}

/// Runs the binary and watches it. Panics when it is stuck or grows.
pub(super) async fn watch(
    stage: &mut Stage,
    figures: &mut Figures,
    line: &str,
    meanwhile: Meanwhile,
) -> Ended {
    let mut command = stage.environment.command();
    command.args(line.split_whitespace());
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| stage.environment.path(name));
    command.stdout(File::create(&stdout).unwrap());
    command.stderr(File::create(&stderr).unwrap());
    let child = command.stdin(Stdio::null()).spawn().unwrap();
    let mut watching = Watching {
        asking: Asking::new(child.id(), stderr.clone()),
        process: Process(child),
        began: Instant::now(),
        samples: Samples::default(),
        stage,
        figures,
    };
    let end = watching.until_its_end(meanwhile).await;
    let end = end.and_then(|code| watching.has_not_grown().map(|()| code));
    let said = last_lines(&stderr);
    assert!(
        end.is_ok(),
        "soak: a run is wrong: {end:?}. It said last:\n{said}"
    );
    let report = serde_json::from_str(&fs::read_to_string(&stdout).unwrap());
    assert!(
        report.is_ok(),
        "soak: no report: {report:?}. It said last:\n{said}"
    );
    let ended = Ended {
        code: end.unwrap(),
        report: report.unwrap(),
        duration: watching.began.elapsed(),
        samples: watching.samples,
    };
    watching.figures.ended(&ended, &watching.asking);
    ended
}

/// What the run said last.
fn last_lines(stderr: &Path) -> String {
    let said = fs::read_to_string(stderr).unwrap_or_default();
    let lines: Vec<_> = said.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

impl Watching<'_> {
    async fn until_its_end(&mut self, meanwhile: Meanwhile) -> Result<Option<i32>, String> {
        let (tick, deadline) = (self.stage.plan.tick, self.stage.plan.deadline());
        for number in 1.. {
            sleep(tick).await;
            if let Some(status) = self.process.0.try_wait().unwrap() {
                return Ok(status.code());
            }
            if let Some(sample) = Sample::of(self.process.0.id()) {
                self.samples.push(sample);
            }
            self.asking.go_on(self.stage.plan.asks)?;
            self.is_moving().await?;
            if self.began.elapsed() > deadline {
                return Err(format!("it has not ended after {deadline:?}"));
            }
            self.stage.forget();
            if meanwhile == Meanwhile::Changes && number % CHANGES == 0 {
                self.stage.upstream.change().await;
            }
            let counted = self.stage.traffic.counted();
            self.figures.go_on(&self.asking, &self.samples, &counted);
        }
        Ok(None)
    }

    fn has_not_grown(&self) -> Result<(), String> {
        let grown = self.samples.grown();
        match grown.is_empty() {
            true => Ok(()),
            false => Err(format!("it grows: {}", grown.join("; "))),
        }
    }

    async fn is_moving(&mut self) -> Result<(), String> {
        let last = self.stage.traffic.counted().last;
        let since = last.map_or(self.began, |last| last.max(self.began));
        if since.elapsed() < SILENCE {
            return Ok(());
        }
        // Let it say in the log what it is waiting for.
        self.asking.ask();
        sleep(Duration::from_secs(2)).await;
        Err(format!(
            "it has sent no request for {SILENCE:?}: it is stuck"
        ))
    }
}
