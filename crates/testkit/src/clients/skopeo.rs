//! The client skopeo (containers/image).

use std::path::PathBuf;

use embedded_registry::digest_of;

use super::home::{CommandError, Home};

/// skopeo with a temporary home directory. References are `HOST/REPOSITORY:TAG` or `…@DIGEST`, without
/// `docker://`.
#[derive(Debug)]
pub struct Skopeo {
    home: Home,
    certificates: Option<PathBuf>,
}

impl Skopeo {
    /// Creates a client without credentials, over plain HTTP.
    #[expect(clippy::new_without_default, reason = "it creates a directory")]
    pub fn new() -> Self {
        let home = Home::new();
        let policy = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;
        home.write("policy.json", policy);
        // Ignore short names and mirrors in the configuration of the machine.
        home.write("registries.conf", "");
        Self {
            home,
            certificates: None,
        }
    }

    /// Adds credentials for a registry.
    #[must_use]
    pub fn credentials(mut self, host: &str, user: &str, password: &str) -> Self {
        self.home.add_credentials(host, user, password);
        self
    }

    /// Uses HTTPS with the certificates in the directory of one host in a `certs.d`.
    #[must_use]
    pub fn certificates(mut self, directory: impl Into<PathBuf>) -> Self {
        self.certificates = Some(directory.into());
        self
    }

    /// Returns the digest behind a reference.
    ///
    /// # Errors
    ///
    /// If skopeo fails, with its stderr.
    pub async fn digest(&self, reference: &str) -> Result<String, CommandError> {
        let manifest = self.manifest(reference).await?;
        Ok(digest_of(&manifest).to_string())
    }

    /// Returns the bytes of the manifest behind a reference.
    ///
    /// # Errors
    ///
    /// If skopeo fails, with its stderr.
    pub async fn manifest(&self, reference: &str) -> Result<Vec<u8>, CommandError> {
        let arguments = [
            "inspect".to_owned(),
            "--raw".to_owned(),
            self.transport(""),
            format!("docker://{reference}"),
        ];
        self.run(&arguments).await
    }

    /// Copies an image, or an index with all its images, between registries.
    ///
    /// # Errors
    ///
    /// If skopeo fails, with its stderr.
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), CommandError> {
        let arguments = [
            "copy".to_owned(),
            "--all".to_owned(),
            self.transport("src-"),
            self.transport("dest-"),
            format!("docker://{from}"),
            format!("docker://{to}"),
        ];
        self.run(&arguments).await.map(drop)
    }

    async fn run(&self, arguments: &[String]) -> Result<Vec<u8>, CommandError> {
        let policy = self.home.path("policy.json");
        let mut all = vec![format!("--policy={}", policy.display())];
        all.extend_from_slice(arguments);
        let registries = self.home.path("registries.conf");
        let environment = [("CONTAINERS_REGISTRIES_CONF", registries.as_path())];
        self.home.run("skopeo", &all, &environment).await
    }

    fn transport(&self, side: &str) -> String {
        match &self.certificates {
            Some(directory) => format!("--{side}cert-dir={}", directory.display()),
            None => format!("--{side}tls-verify=false"),
        }
    }
}
