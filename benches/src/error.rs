//! Errors of the benchmark.

use std::io;
use std::time::Duration;

/// An error that stops a measurement.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// An invalid argument.
    #[error("{0}")]
    Usage(String),
    /// A failed system call.
    #[error("{action}: {source}")]
    Io {
        action: String,
        #[source]
        source: io::Error,
    },
    /// A program failed.
    #[error("{program} failed: {output}")]
    Program { program: String, output: String },
    /// A program did not end in time.
    #[error("{program}: killed after {} s", after.as_secs())]
    Deadline { program: String, after: Duration },
    /// Invalid content or output.
    #[error("{0}")]
    Wrong(String),
}

impl BenchError {
    /// Returns a function that adds the failed action to a system error.
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    /// Returns the exit code: 2 for invalid arguments, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Io { .. } | Self::Program { .. } | Self::Deadline { .. } | Self::Wrong(_) => 1,
        }
    }
}
