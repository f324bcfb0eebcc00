//! Progress on stderr: bars for a person, a line every ten seconds for a log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use copier::{Progress, Transfer};
use indicatif::{
    HumanBytes, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle,
};
use tokio::task::JoinHandle;

use super::output;
use crate::cli::environment::Environment;
use crate::cli::options::CommonOptions;

/// Between two looks at the engine's state.
const REDRAW: Duration = Duration::from_millis(100);
/// Between two lines where nobody watches.
const LINE: Duration = Duration::from_secs(10);
/// What the log lets through even where it says warnings only.
pub(crate) const TARGET: &str = "mirror::progress";
/// Transfers shown at once; more would push the log off the screen.
const TRANSFERS: usize = 4;

/// What progress looks like here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Bars,
    Lines,
    Nothing,
}

/// The terminal behind stderr, shared by progress and log.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    style: Style,
    bars: MultiProgress,
}

impl Screen {
    /// Bars on a terminal, lines elsewhere, nothing where they are not wanted.
    pub(crate) fn new(common: &CommonOptions, environment: &Environment) -> Self {
        let style = if common.quiet || common.no_progress {
            Style::Nothing
        } else if output::stderr_is_terminal() && !environment.dumb_terminal {
            Style::Bars
        } else {
            Style::Lines
        };
        Self {
            style,
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
        }
    }

    /// Runs `write` while no bar is on the screen.
    pub(crate) fn above_bars<T>(&self, write: impl FnOnce() -> T) -> T {
        match self.style {
            Style::Bars => self.bars.suspend(write),
            Style::Lines | Style::Nothing => write(),
        }
    }

    /// Shows the state of a run over `rows` rows for as long as the guard lives.
    pub(crate) fn show(&self, rows: usize, progress: &Arc<Progress>) -> ProgressGuard {
        self.show_units("rows", rows, progress)
    }

    /// Shows the state of a run over a number of whatever they are called.
    pub(crate) fn show_units(
        &self,
        unit: &'static str,
        number: usize,
        progress: &Arc<Progress>,
    ) -> ProgressGuard {
        let (screen, progress) = (self.clone(), Arc::clone(progress));
        let of = Work { unit, number };
        let task = match self.style {
            Style::Nothing => None,
            Style::Lines => Some(tokio::spawn(write_lines(of, progress))),
            Style::Bars => {
                self.bars
                    .set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
                Some(tokio::spawn(draw_bars(screen.bars, of, progress)))
            }
        };
        ProgressGuard {
            bars: self.bars.clone(),
            task,
        }
    }
}

/// Progress on the screen.
#[derive(Debug)]
pub(crate) struct ProgressGuard {
    bars: MultiProgress,
    task: Option<JoinHandle<()>>,
}

impl Drop for ProgressGuard {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        self.bars.clear().ok();
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
    }
}

/// What there is to do.
#[derive(Debug, Clone, Copy)]
struct Work {
    unit: &'static str,
    number: usize,
}

async fn write_lines(work: Work, progress: Arc<Progress>) {
    let start = Instant::now();
    let mut ticks = tokio::time::interval(LINE);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let state = State::new(work, &progress, start.elapsed());
        tracing::info!(target: TARGET, "{state}");
    }
}

async fn draw_bars(bars: MultiProgress, work: Work, progress: Arc<Progress>) {
    let start = Instant::now();
    let overall =
        bars.add(ProgressBar::new(work.number as u64).with_style(style("{bar:24} {wide_msg}")));
    let mut lines: Vec<ProgressBar> = Vec::new();
    let mut ticks = tokio::time::interval(REDRAW);
    loop {
        ticks.tick().await;
        overall.set_position(progress.rows_done() as u64);
        overall.set_message(State::new(work, &progress, start.elapsed()).to_string());
        let transfers = progress.transfers();
        let shown = &transfers[..transfers.len().min(TRANSFERS)];
        while lines.len() < shown.len() {
            lines.push(bars.add(ProgressBar::new(0).with_style(style("  {bar:16} {wide_msg}"))));
        }
        for gone in lines.drain(shown.len()..) {
            gone.finish_and_clear();
            bars.remove(&gone);
        }
        for (line, transfer) in lines.iter().zip(shown) {
            line.set_length(transfer.size);
            line.set_position(transfer.sent().min(transfer.size));
            line.set_message(transfer_line(transfer));
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn transfer_line(transfer: &Transfer) -> String {
    let short: String = transfer
        .digest
        .chars()
        .skip_while(|c| *c != ':')
        .skip(1)
        .take(12)
        .collect();
    let (sent, size) = (
        HumanBytes(transfer.sent().min(transfer.size)),
        HumanBytes(transfer.size),
    );
    format!("{sent} / {size}  {} {short}", transfer.repository)
}

/// The overall line.
#[derive(Debug, Clone, Copy)]
struct State {
    work: Work,
    done: usize,
    failed: usize,
    bytes: u64,
    since: Duration,
}

impl State {
    fn new(work: Work, progress: &Progress, since: Duration) -> Self {
        Self {
            work,
            done: progress.rows_done(),
            failed: progress.rows_failed(),
            bytes: progress.bytes(),
            since,
        }
    }

    /// At the pace so far; `None` until a row is done.
    fn remaining(&self) -> Option<Duration> {
        let left = self
            .work
            .number
            .checked_sub(self.done)
            .filter(|left| *left > 0)?;
        let pace = self.since.checked_div(u32::try_from(self.done).ok()?)?;
        Some(pace.saturating_mul(u32::try_from(left).ok()?))
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Work { unit, number } = self.work;
        write!(f, "{} of {number} {unit}", self.done)?;
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        if self.bytes > 0 {
            let milliseconds = u64::try_from(self.since.as_millis()).unwrap_or(u64::MAX);
            let rate = self.bytes.saturating_mul(1000) / milliseconds.max(1);
            write!(
                f,
                ", {} sent, {}/s",
                HumanBytes(self.bytes),
                HumanBytes(rate)
            )?;
        }
        match self.remaining() {
            Some(remaining) => write!(f, ", about {} left", HumanDuration(remaining)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_rows_bytes_rate_and_what_remains() {
        let state = State {
            work: Work {
                unit: "rows",
                number: 10,
            },
            done: 5,
            failed: 1,
            bytes: 20 * 1024 * 1024,
            since: Duration::from_secs(20),
        };
        let line = state.to_string();
        assert_eq!(
            line,
            "5 of 10 rows, 1 failed, 20.00 MiB sent, 1.00 MiB/s, about 20 seconds left"
        );
    }

    #[test]
    fn nothing_is_foretold_before_the_first_row_or_after_the_last() {
        for done in [0, 10] {
            let state = State {
                work: Work {
                    unit: "rows",
                    number: 10,
                },
                done,
                failed: 0,
                bytes: 0,
                since: Duration::ZERO,
            };
            assert_eq!(state.remaining(), None, "{done}");
        }
    }
}
