//! skopeo (containers/image).

use std::path::PathBuf;

use embedded_registry::digest_of;

use super::home::{Failed, Home};

/// skopeo in a home of its own. References are `HOST/REPOSITORY:TAG` or `…@DIGEST`, without
/// `docker://`.
#[derive(Debug)]
pub struct Skopeo {
    home: Home,
    certificates: Option<PathBuf>,
}

impl Skopeo {
    /// skopeo without credentials, over plain HTTP.
    #[expect(
        clippy::new_without_default,
        reason = "it makes a folder, which a default should not"
    )]
    pub fn new() -> Self {
        let home = Home::new();
        let policy = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;
        home.write("policy.json", policy);
        // Short names and mirrors of the machine's configuration have no place in a test.
        home.write("registries.conf", "");
        Self {
            home,
            certificates: None,
        }
    }

    /// Logs in to a registry.
    #[must_use]
    pub fn credentials(mut self, host: &str, user: &str, password: &str) -> Self {
        self.home.add_credentials(host, user, password);
        self
    }

    /// HTTPS with the certificates in one host's folder of a `certs.d`.
    #[must_use]
    pub fn certificates(mut self, folder: impl Into<PathBuf>) -> Self {
        self.certificates = Some(folder.into());
        self
    }

    /// The digest of what a reference names.
    ///
    /// # Errors
    ///
    /// What skopeo says.
    pub async fn digest(&self, reference: &str) -> Result<String, Failed> {
        let manifest = self.manifest(reference).await?;
        Ok(digest_of(&manifest).to_string())
    }

    /// The bytes of the manifest that a reference names.
    ///
    /// # Errors
    ///
    /// What skopeo says.
    pub async fn manifest(&self, reference: &str) -> Result<Vec<u8>, Failed> {
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
    /// What skopeo says.
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), Failed> {
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

    async fn run(&self, arguments: &[String]) -> Result<Vec<u8>, Failed> {
        let policy = self.home.path("policy.json");
        let mut all = vec![format!("--policy={}", policy.display())];
        all.extend_from_slice(arguments);
        let registries = self.home.path("registries.conf");
        let environment = [("CONTAINERS_REGISTRIES_CONF", registries.as_path())];
        self.home.run("skopeo", &all, &environment).await
    }

    fn transport(&self, side: &str) -> String {
        match &self.certificates {
            Some(folder) => format!("--{side}cert-dir={}", folder.display()),
            None => format!("--{side}tls-verify=false"),
        }
    }
}
