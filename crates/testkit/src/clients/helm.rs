//! The client helm.

use std::ffi::OsStr;

use super::home::{CommandError, Home};

/// helm with a temporary home directory.
#[derive(Debug)]
pub struct Helm {
    home: Home,
}

impl Helm {
    /// Creates a client without repositories, plugins and credentials.
    #[expect(clippy::new_without_default, reason = "it creates a directory")]
    pub fn new() -> Self {
        Self { home: Home::new() }
    }

    /// Runs a command of helm and returns its stdout.
    ///
    /// # Errors
    ///
    /// If helm fails, with its stderr.
    pub async fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Vec<u8>, CommandError> {
        self.home.run("helm", arguments, &[]).await
    }
}
