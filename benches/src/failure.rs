//! Why there is no measurement.

use std::io;
use std::time::Duration;

/// What stops a measurement.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// An argument that is none.
    #[error("{0}\n\n{usage}", usage = crate::options::USAGE)]
    Usage(String),
    /// A file or a process of ours.
    #[error("{doing}: {source}")]
    Io {
        doing: String,
        #[source]
        source: io::Error,
    },
    /// A program that was run did not do what it has to.
    #[error("{program} failed: {said}")]
    Program { program: String, said: String },
    /// A program that does not end.
    #[error("{program} was ended after {} s: it was not done", after.as_secs())]
    Deadline { program: String, after: Duration },
    /// The destination is not what it has to be.
    #[error("{0}")]
    Wrong(String),
}

impl Failure {
    /// What an error of the system becomes, with what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// As everywhere: 2 is a wrong call.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Io { .. } | Self::Program { .. } | Self::Deadline { .. } | Self::Wrong(_) => 1,
        }
    }
}
