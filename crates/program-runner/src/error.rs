//! Failures of a run.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// The reason why a run has no output, or no successful one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is no such program.
    #[error("cannot run {}: no such program", program.display())]
    NotFound {
        /// The program.
        program: PathBuf,
    },
    /// The program could not be started, or its pipes failed.
    #[error("cannot run {}: {source}", program.display())]
    Io {
        /// The program.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The program was killed at its deadline.
    #[error("{} did not end within {} s", program.display(), deadline.as_secs_f64())]
    TimedOut {
        /// The program.
        program: PathBuf,
        /// The deadline.
        deadline: Duration,
    },
    /// The program was killed because it wrote more to stdout than allowed.
    #[error("{} wrote more than {limit} bytes", program.display())]
    TooMuchOutput {
        /// The program.
        program: PathBuf,
        /// The bound in bytes.
        limit: usize,
    },
    /// The program ended with a failure.
    #[error("{} failed ({status}): {}", program.display(), stderr.trim())]
    Failed {
        /// The program.
        program: PathBuf,
        /// The exit status.
        status: ExitStatus,
        /// The part of stderr that was kept.
        stderr: String,
    },
}
