//! Errors of git.

use std::io;
use std::time::Duration;

/// An error of git.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The program could not be started.
    #[error("cannot run git, which git-tags needs: {0}: install git")]
    NotRun(#[source] io::Error),
    /// The command failed.
    #[error("git ls-remote {url}: {stderr}")]
    Failed {
        /// The URL of the repository.
        url: String,
        /// The text on stderr, or the exit status.
        stderr: String,
    },
    /// The URL has a query or a fragment. git appends its paths to them, and its arguments show them.
    #[error(
        "cannot list the tags of {url}: git does not support a query in a URL: write a token as \
         https://USER:TOKEN@HOST/PATH"
    )]
    Query {
        /// The URL of the repository.
        url: String,
    },
    /// The command was stopped at its deadline.
    #[error("git ls-remote {url}: no end within {} s", after.as_secs())]
    TimedOut {
        /// The URL of the repository.
        url: String,
        /// The deadline.
        after: Duration,
    },
    /// The listing is too large.
    #[error("git ls-remote {url}: the listing exceeds {limit} bytes")]
    TooLarge {
        /// The URL of the repository.
        url: String,
        /// The maximum in bytes.
        limit: usize,
    },
}
