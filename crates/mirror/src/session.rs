//! The context in which a command runs.

use crate::cli::environment::Environment;
use crate::cli::options::CommonOptions;
use crate::terminal::output::Output;
use crate::terminal::progress::ProgressDisplay;
use crate::terminal::signals::Signals;
use crate::terminal::status_signal::StatusSignal;

/// The options, the environment and the outputs of a command.
#[derive(Debug)]
pub(crate) struct Session {
    /// The common options.
    pub(crate) common: CommonOptions,
    /// The environment.
    pub(crate) environment: Environment,
    /// Standard output.
    pub(crate) output: Output,
    /// Standard error.
    pub(crate) progress_display: ProgressDisplay,
    /// SIGINT and SIGTERM.
    pub(crate) signals: Signals,
    /// SIGUSR1.
    pub(crate) status_signal: StatusSignal,
}

impl Session {
    /// Returns true if `-v` was given.
    pub(crate) fn is_verbose(&self) -> bool {
        self.common.verbose > 0
    }
}
