//! The log on stderr.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

use super::output;
use super::progress::{self, ProgressDisplay};
use super::sanitize;
use crate::cli::failure::{Failure, Finding};
use crate::cli::options::{CommonOptions, LogFormat};

/// The crates that log at the level of `-v`. Dependencies log warnings only.
const OUR_CRATES: [&str; 4] = ["mirror", "copier", "registry_client", "tag_retrieval"];

/// Starts the log: warnings by default, errors with `-q`, rows and retries with `-v`, every request
/// with `-vv`.
pub(crate) fn start(common: &CommonOptions, display: &ProgressDisplay) {
    let level = match (common.quiet, common.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OUR_CRATES.map(|name| (name, level)))
        // `--quiet` and `--no-progress` are handled where the lines are written.
        .with_target(progress::TARGET, LevelFilter::INFO);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(LogWriter(display.clone()))
        // The layer logs write errors with `eprintln!`, which panics if stderr is closed.
        .log_internal_errors(false);
    let registry = tracing_subscriber::registry();
    match common.log_format {
        LogFormat::Json => {
            let layer = layer.json().flatten_event(true);
            registry.with(layer.with_filter(filter)).init();
        }
        LogFormat::Text => {
            // The writer colors the level on a terminal.
            let layer = layer.with_target(false).without_time();
            registry.with(layer.with_filter(filter)).init();
        }
    }
}

/// Reports the failure of a command, in the format of the log.
pub(crate) fn report(failure: &Failure, format: LogFormat) {
    match format {
        LogFormat::Text => output::notice(&failure.to_string()),
        LogFormat::Json => {
            for Finding {
                file,
                line,
                message,
            } in &failure.problems
            {
                tracing::error!(file, line, "{message}");
            }
            tracing::error!(hint = failure.hint, "{}", failure.message);
        }
    }
}

/// A writer of lines above the progress bars.
#[derive(Debug, Clone)]
struct LogWriter(ProgressDisplay);

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        self.clone()
    }
}

impl Write for LogWriter {
    /// Writes one event. `tracing_subscriber` passes whole events.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = line(bytes);
        self.0
            .above_bars(|| io::stderr().write_all(output::message(&line).as_bytes()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns an event as one line, without control characters.
fn line(event: &[u8]) -> String {
    sanitize::one_line(String::from_utf8_lossy(event).trim_end()) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_is_one_line() {
        let event = " WARN x: Pod/a\n::add-mask::e\n".as_bytes();
        assert_eq!(line(event), " WARN x: Pod/a ::add-mask::e\n");
    }
}
