//! Parts of sources that could not be read.

use std::fmt;

/// A part of a source that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceProblem {
    /// The part and the cause.
    pub message: String,
    /// A registry refused the credentials, or an anonymous request.
    pub is_refused: bool,
}

impl SourceProblem {
    /// Returns the problem with another message.
    #[must_use]
    pub(crate) fn map(self, message: impl FnOnce(&str) -> String) -> Self {
        Self {
            message: message(&self.message),
            ..self
        }
    }
}

impl From<String> for SourceProblem {
    fn from(message: String) -> Self {
        Self {
            message,
            is_refused: false,
        }
    }
}

impl From<&str> for SourceProblem {
    fn from(message: &str) -> Self {
        Self::from(message.to_owned())
    }
}

impl From<registry_client::Error> for SourceProblem {
    fn from(error: registry_client::Error) -> Self {
        Self {
            message: error.to_string(),
            is_refused: error.is_refused(),
        }
    }
}

/// The message.
impl fmt::Display for SourceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
