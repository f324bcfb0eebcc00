//! What can go wrong with a helper.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a helper gave no answer. `program` is `docker-credential-NAME`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HelperError {
    /// No such executable.
    #[error("{program} is not in PATH; install it, or remove it from the auth file")]
    NotFound {
        /// The executable.
        program: String,
    },
    /// It cannot be run or talked to.
    #[error("cannot run {}: {source}", program.display())]
    Run {
        /// The executable with its folder.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was ended at the deadline.
    #[error("{program} {action} {server} did not end within {} s", deadline.as_secs_f64())]
    TimedOut {
        /// The executable.
        program: String,
        /// `get`, `store` or `erase`.
        action: &'static str,
        /// What it was asked about.
        server: String,
        /// How long it was given.
        deadline: Duration,
    },
    /// It answered more than any credential is long.
    #[error("{program} {action} {server} answered more than {limit} bytes")]
    TooLong {
        /// The executable.
        program: String,
        /// `get`, `store` or `erase`.
        action: &'static str,
        /// What it was asked about.
        server: String,
        /// The most that is read.
        limit: usize,
    },
    /// It ended with a failure.
    #[error("{program} {action} {server} failed ({status}): {message}")]
    Failed {
        /// The executable.
        program: String,
        /// `get`, `store` or `erase`.
        action: &'static str,
        /// What it was asked about.
        server: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said, without secrets.
        message: String,
    },
    /// It ended well with something else than the JSON of a credential.
    #[error(
        "{program} get {server} did not answer with the JSON {{\"Username\": …, \"Secret\": …}}"
    )]
    Answer {
        /// The executable.
        program: String,
        /// What it was asked about.
        server: String,
    },
    /// A bearer token, which the protocol has no place for.
    #[error("{program} can keep passwords and identity tokens, no registry token")]
    Unsupported {
        /// The executable.
        program: String,
    },
}
