//! helm, the maker of charts.

use std::ffi::OsStr;

use super::home::{Failed, Home};

/// helm in a home of its own.
#[derive(Debug)]
pub struct Helm {
    home: Home,
}

impl Helm {
    /// helm without repositories, plugins and credentials.
    #[expect(
        clippy::new_without_default,
        reason = "it makes a folder, which a default should not"
    )]
    pub fn new() -> Self {
        Self { home: Home::new() }
    }

    /// Runs any command of helm and returns its stdout.
    ///
    /// # Errors
    ///
    /// What helm says.
    pub async fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Vec<u8>, Failed> {
        self.home.run("helm", arguments, &[]).await
    }
}
