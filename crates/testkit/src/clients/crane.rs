//! The client crane (go-containerregistry).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::home::{CommandError, Home};

/// crane with a temporary home directory. References are `HOST/REPOSITORY:TAG` or `…@DIGEST`.
#[derive(Debug)]
pub struct Crane {
    home: Home,
    trusted: Option<PathBuf>,
}

impl Crane {
    /// Creates a client without credentials.
    #[expect(clippy::new_without_default, reason = "it creates a directory")]
    pub fn new() -> Self {
        Self {
            home: Home::new(),
            trusted: None,
        }
    }

    /// Adds credentials for a registry.
    #[must_use]
    pub fn credentials(mut self, host: &str, user: &str, password: &str) -> Self {
        self.home.add_credentials(host, user, password);
        self
    }

    /// Trusts only certificates of an authority, given by its certificate in PEM.
    #[must_use]
    pub fn trust(mut self, authority: &str) -> Self {
        self.trusted = Some(self.home.write("ca.crt", authority));
        self
    }

    /// Returns the digest behind a reference.
    ///
    /// # Errors
    ///
    /// If crane fails, with its stderr.
    pub async fn digest(&self, reference: &str) -> Result<String, CommandError> {
        let output = self.run(&["digest", reference]).await?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }

    /// Returns the bytes of the manifest behind a reference.
    ///
    /// # Errors
    ///
    /// If crane fails, with its stderr.
    pub async fn manifest(&self, reference: &str) -> Result<Vec<u8>, CommandError> {
        self.run(&["manifest", reference]).await
    }

    /// Pulls an image or all images of an index and verifies every digest, size and layer.
    ///
    /// # Errors
    ///
    /// If crane fails, with its stderr.
    pub async fn validate(&self, reference: &str) -> Result<(), CommandError> {
        self.run(&["validate", "--remote", reference])
            .await
            .map(drop)
    }

    /// Copies an image or an index with all its images.
    ///
    /// # Errors
    ///
    /// If crane fails, with its stderr.
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), CommandError> {
        self.run(&["copy", from, to]).await.map(drop)
    }

    /// Runs a command of crane and returns its stdout.
    ///
    /// # Errors
    ///
    /// If crane fails, with its stderr.
    pub async fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Vec<u8>, CommandError> {
        let trusted = self.trusted.as_deref();
        let environment: Vec<(&str, &Path)> = trusted
            .map(|path| ("SSL_CERT_FILE", path))
            .into_iter()
            .collect();
        self.home.run("crane", arguments, &environment).await
    }
}
