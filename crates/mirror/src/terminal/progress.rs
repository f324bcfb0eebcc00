//! Progress on stderr: bars on a terminal, a line every ten seconds elsewhere.

use std::sync::Arc;
use std::time::{Duration, Instant};

use copier::{Progress, Transfer};
use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use registry_client::Client;
use tokio::task::JoinHandle;

use super::output;
use super::progress_line::{History, STALLED, Total};
use super::status_report::{pauses, waiting_line};
use crate::cli::environment::Environment;
use crate::cli::options::CommonOptions;

/// The interval between two updates of the bars.
const BAR_INTERVAL: Duration = Duration::from_millis(100);
/// The interval between two samples of the rate without bars.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// The interval between two lines about requests.
const WAIT_INTERVAL: Duration = Duration::from_secs(10);
/// The number of samples for a line.
const SAMPLES_PER_LINE: u32 = 10;
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

    /// Logs what a command without rows waits for, until the guard is dropped.
    pub(crate) fn show_requests(&self, client: &Client) -> ProgressGuard {
        let task = match self.style {
            Style::Nothing => None,
            Style::Lines | Style::Bars => Some(tokio::spawn(write_requests(client.clone()))),
        };
        ProgressGuard {
            bars: self.bars.clone(),
            task,
        }
    }

    /// Displays the progress of a run over rows until the guard is dropped.
    pub(crate) fn show(
        &self,
        rows: usize,
        progress: &Arc<Progress>,
        client: &Client,
    ) -> ProgressGuard {
        self.show_units("rows", rows, progress, client)
    }

    /// Displays the progress of a run over `count` units until the guard is dropped.
    pub(crate) fn show_units(
        &self,
        unit: &'static str,
        count: usize,
        progress: &Arc<Progress>,
        client: &Client,
    ) -> ProgressGuard {
        let watched = Watched {
            progress: Arc::clone(progress),
            client: client.clone(),
        };
        let total = Total { unit, count };
        let task = match self.style {
            Style::Nothing => None,
            Style::Lines => Some(tokio::spawn(write_lines(total, watched))),
            Style::Bars => {
                self.bars
                    .set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
                Some(tokio::spawn(draw_bars(self.bars.clone(), total, watched)))
            }
        };
        ProgressGuard {
            bars: self.bars.clone(),
            task,
        }
    }
}

/// A run whose progress is displayed.
struct Watched {
    progress: Arc<Progress>,
    client: Client,
}

impl Watched {
    /// Returns the line of the run, with the pauses that hosts requested.
    fn line(&self, history: &mut History) -> String {
        let line = history.line(&self.progress, Instant::now()).to_string();
        let pauses = pauses(&self.client.activity());
        let parts = std::iter::once(line).chain(pauses);
        parts.collect::<Vec<_>>().join("; ")
    }
}

/// Logs what the requests wait for every ten seconds.
async fn write_requests(client: Client) {
    let mut ticks = tokio::time::interval(WAIT_INTERVAL);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if let Some(line) = waiting_line(&client.activity()) {
            tracing::info!(target: TARGET, "{line}");
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

async fn write_lines(total: Total, watched: Watched) {
    let mut history = History::new(total, Instant::now());
    let mut ticks = tokio::time::interval(SAMPLE_INTERVAL);
    ticks.tick().await;
    for tick in 1_u32.. {
        ticks.tick().await;
        if !tick.is_multiple_of(SAMPLES_PER_LINE) {
            history.line(&watched.progress, Instant::now());
        } else {
            let line = watched.line(&mut history);
            tracing::info!(target: TARGET, "{line}");
        }
    }
}

async fn draw_bars(bars: MultiProgress, total: Total, watched: Watched) {
    let mut history = History::new(total, Instant::now());
    let overall =
        bars.add(ProgressBar::new(total.count as u64).with_style(style("{bar:24} {wide_msg}")));
    let mut lines: Vec<ProgressBar> = Vec::new();
    let mut ticks = tokio::time::interval(BAR_INTERVAL);
    loop {
        ticks.tick().await;
        overall.set_position(watched.progress.rows_done() as u64);
        overall.set_message(watched.line(&mut history));
        let transfers = watched.progress.transfers();
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
    let idle = transfer.idle();
    let stalled = if idle >= STALLED {
        format!(", no byte for {} s", idle.as_secs())
    } else {
        String::new()
    };
    format!("{sent} / {size}{stalled}  {} {short}", transfer.repository)
}
