//! Progress on stderr: bars on a terminal, a line every ten seconds elsewhere.

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

/// The interval between two updates of the bars.
const BAR_INTERVAL: Duration = Duration::from_millis(100);
/// The interval between two lines.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// The target of progress lines, which are logged at every log level.
pub(crate) const TARGET: &str = "mirror::progress";
/// Maximum bars of transfers.
const MAX_TRANSFERS: usize = 4;

/// The style of the progress display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Bars,
    Lines,
    Nothing,
}

/// The progress display on stderr. The log writes above its bars.
#[derive(Debug, Clone)]
pub(crate) struct ProgressDisplay {
    style: Style,
    bars: MultiProgress,
}

impl ProgressDisplay {
    /// Creates a display: bars on a terminal, lines elsewhere, nothing with `--quiet` or
    /// `--no-progress`.
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

    /// Runs `write` while the bars are hidden.
    pub(crate) fn above_bars<T>(&self, write: impl FnOnce() -> T) -> T {
        match self.style {
            Style::Bars => self.bars.suspend(write),
            Style::Lines | Style::Nothing => write(),
        }
    }

    /// Displays the progress of a run over rows until the guard is dropped.
    pub(crate) fn show(&self, rows: usize, progress: &Arc<Progress>) -> ProgressGuard {
        self.show_units("rows", rows, progress)
    }

    /// Displays the progress of a run over `count` units until the guard is dropped.
    pub(crate) fn show_units(
        &self,
        unit: &'static str,
        count: usize,
        progress: &Arc<Progress>,
    ) -> ProgressGuard {
        let progress = Arc::clone(progress);
        let total = Total { unit, count };
        let task = match self.style {
            Style::Nothing => None,
            Style::Lines => Some(tokio::spawn(write_lines(total, progress))),
            Style::Bars => {
                self.bars
                    .set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
                Some(tokio::spawn(draw_bars(self.bars.clone(), total, progress)))
            }
        };
        ProgressGuard {
            bars: self.bars.clone(),
            task,
        }
    }
}

/// Displays the progress until it is dropped.
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

/// The number of units of a run.
#[derive(Debug, Clone, Copy)]
struct Total {
    /// The plural of the unit, such as `rows`.
    unit: &'static str,
    count: usize,
}

async fn write_lines(total: Total, progress: Arc<Progress>) {
    let start = Instant::now();
    let mut ticks = tokio::time::interval(LINE_INTERVAL);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let line = OverallLine::new(total, &progress, start.elapsed());
        tracing::info!(target: TARGET, "{line}");
    }
}

async fn draw_bars(bars: MultiProgress, total: Total, progress: Arc<Progress>) {
    let start = Instant::now();
    let overall =
        bars.add(ProgressBar::new(total.count as u64).with_style(style("{bar:24} {wide_msg}")));
    let mut lines: Vec<ProgressBar> = Vec::new();
    let mut ticks = tokio::time::interval(BAR_INTERVAL);
    loop {
        ticks.tick().await;
        overall.set_position(progress.rows_done() as u64);
        overall.set_message(OverallLine::new(total, &progress, start.elapsed()).to_string());
        let transfers = progress.transfers();
        let shown = &transfers[..transfers.len().min(MAX_TRANSFERS)];
        while lines.len() < shown.len() {
            lines.push(bars.add(ProgressBar::new(0).with_style(style("  {bar:16} {wide_msg}"))));
        }
        for unused in lines.drain(shown.len()..) {
            unused.finish_and_clear();
            bars.remove(&unused);
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

/// The overall line of the display.
#[derive(Debug, Clone, Copy)]
struct OverallLine {
    total: Total,
    done: usize,
    failed: usize,
    bytes: u64,
    elapsed: Duration,
}

impl OverallLine {
    fn new(total: Total, progress: &Progress, elapsed: Duration) -> Self {
        Self {
            total,
            done: progress.rows_done(),
            failed: progress.rows_failed(),
            bytes: progress.bytes(),
            elapsed,
        }
    }

    /// Returns the estimated remaining time at the average rate; `None` before the first unit is done.
    fn remaining(&self) -> Option<Duration> {
        let left = self
            .total
            .count
            .checked_sub(self.done)
            .filter(|left| *left > 0)?;
        let per_unit = self.elapsed.checked_div(u32::try_from(self.done).ok()?)?;
        Some(per_unit.saturating_mul(u32::try_from(left).ok()?))
    }
}

impl std::fmt::Display for OverallLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Total { unit, count } = self.total;
        write!(f, "{} of {count} {unit}", self.done)?;
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        if self.bytes > 0 {
            let milliseconds = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX);
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
    fn line_has_count_bytes_rate_and_remaining_time() {
        let line = OverallLine {
            total: Total {
                unit: "rows",
                count: 10,
            },
            done: 5,
            failed: 1,
            bytes: 20 * 1024 * 1024,
            elapsed: Duration::from_secs(20),
        };
        let line = line.to_string();
        assert_eq!(
            line,
            "5 of 10 rows, 1 failed, 20.00 MiB sent, 1.00 MiB/s, about 20 seconds left"
        );
    }

    #[test]
    fn line_has_no_remaining_time_before_the_first_row_or_after_the_last() {
        for done in [0, 10] {
            let line = OverallLine {
                total: Total {
                    unit: "rows",
                    count: 10,
                },
                done,
                failed: 0,
                bytes: 0,
                elapsed: Duration::ZERO,
            };
            assert_eq!(line.remaining(), None, "{done}");
        }
    }
}
