//! crane (go-containerregistry).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::home::{Failed, Home};

/// crane in a home of its own. References are `HOST/REPOSITORY:TAG` or `…@DIGEST`.
#[derive(Debug)]
pub struct Crane {
    home: Home,
    trusted: Option<PathBuf>,
}

impl Crane {
    /// crane without credentials.
    #[expect(
        clippy::new_without_default,
        reason = "it makes a folder, which a default should not"
    )]
    pub fn new() -> Self {
        Self {
            home: Home::new(),
            trusted: None,
        }
    }

    /// Logs in to a registry.
    #[must_use]
    pub fn credentials(mut self, host: &str, user: &str, password: &str) -> Self {
        self.home.add_credentials(host, user, password);
        self
    }

    /// Trusts the servers of an authority, given by its certificate in PEM, and no others.
    #[must_use]
    pub fn trust(mut self, authority: &str) -> Self {
        self.trusted = Some(self.home.write("ca.crt", authority));
        self
    }

    /// The digest of what a reference names.
    ///
    /// # Errors
    ///
    /// What crane says.
    pub async fn digest(&self, reference: &str) -> Result<String, Failed> {
        let output = self.run(&["digest", reference]).await?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }

    /// The bytes of the manifest that a reference names.
    ///
    /// # Errors
    ///
    /// What crane says.
    pub async fn manifest(&self, reference: &str) -> Result<Vec<u8>, Failed> {
        self.run(&["manifest", reference]).await
    }

    /// Pulls an image or all images of an index and checks every digest, size and layer.
    ///
    /// # Errors
    ///
    /// What crane finds wrong.
    pub async fn validate(&self, reference: &str) -> Result<(), Failed> {
        self.run(&["validate", "--remote", reference])
            .await
            .map(drop)
    }

    /// Copies an image or a whole index.
    ///
    /// # Errors
    ///
    /// What crane says.
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), Failed> {
        self.run(&["copy", from, to]).await.map(drop)
    }

    /// Runs any command of crane and returns its stdout.
    ///
    /// # Errors
    ///
    /// What crane says.
    pub async fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Vec<u8>, Failed> {
        let trusted = self.trusted.as_deref();
        let environment: Vec<(&str, &Path)> = trusted
            .map(|path| ("SSL_CERT_FILE", path))
            .into_iter()
            .collect();
        self.home.run("crane", arguments, &environment).await
    }
}
