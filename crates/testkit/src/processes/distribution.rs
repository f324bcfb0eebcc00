//! distribution (the reference registry), configured for a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::process::RegistryProcess;
use crate::certificates::{Authority, Certificate};
use crate::program;

/// bcrypt's lowest cost: distribution checks the password on every request.
const BCRYPT_COST: u32 = 4;

/// Which distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// 2.8 from the system's packages (`docker-registry`).
    #[default]
    V2,
    /// 3 (`registry`).
    V3,
}

/// Where blobs and manifests are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In the process.
    #[default]
    Memory,
    /// In files under `storage` of [`RegistryProcess::folder`].
    Files,
}

/// What distribution has to know of a token server.
#[derive(Clone, Debug)]
pub struct TokenAuth {
    /// The URL that clients get their tokens from.
    pub realm: String,
    /// The service that tokens have to be for.
    pub service: String,
    /// The issuer that tokens have to name.
    pub issuer: String,
    /// The certificates, in PEM, that the tokens' keys are checked against.
    pub root_certificates: String,
}

/// A distribution that is yet to start: plain HTTP, open to everybody, in memory, with deletes.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    version: Version,
    storage: Storage,
    files: Option<PathBuf>,
    shared: Option<PathBuf>,
    tls: Option<Certificate>,
    client_authority: Option<String>,
    htpasswd: Vec<(String, String)>,
    token: Option<TokenAuth>,
}

impl Distribution {
    /// Distribution 2.8 with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another version.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Where it keeps things.
    #[must_use]
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Keeps things in files and begins with a copy of those of another: its `storage` folder,
    /// while nobody writes there. Linux and macOS: it runs `cp`.
    #[must_use]
    pub fn files_of(mut self, storage: impl Into<PathBuf>) -> Self {
        self.storage = Storage::Files;
        self.files = Some(storage.into());
        self
    }

    /// Keeps things in the same files as another that runs: its `storage` folder. With other
    /// credentials, or none, it is a second door to them.
    #[must_use]
    pub fn files_shared_with(mut self, other: &RegistryProcess) -> Self {
        self.storage = Storage::Files;
        self.shared = Some(other.folder().join("storage"));
        self
    }

    /// HTTPS with this certificate.
    #[must_use]
    pub fn tls(mut self, certificate: Certificate) -> Self {
        self.tls = Some(certificate);
        self
    }

    /// Clients have to show a certificate of this authority. Only together with [`Self::tls`].
    #[must_use]
    pub fn client_certificates(mut self, authority: &Authority) -> Self {
        self.client_authority = Some(authority.pem().to_owned());
        self
    }

    /// Basic credentials; call it again for more users.
    #[must_use]
    pub fn htpasswd(mut self, user: &str, password: &str) -> Self {
        self.htpasswd.push((user.to_owned(), password.to_owned()));
        self
    }

    /// Bearer tokens.
    #[must_use]
    pub fn token(mut self, token: TokenAuth) -> Self {
        self.token = Some(token);
        self
    }

    /// Starts it and waits until it listens.
    pub async fn start(self) -> RegistryProcess {
        let folder = tempfile::tempdir().expect("create a folder");
        if let Some(files) = &self.files {
            let to = folder.path().join("storage");
            let status = Command::new("cp").arg("-R").arg(files).arg(&to).status();
            let copied = status.is_ok_and(|status| status.success());
            assert!(copied, "copy {} to {}", files.display(), to.display());
        }
        let configuration = self.configuration(folder.path());
        let file = folder.path().join("config.yml");
        // JSON is YAML.
        fs::write(&file, configuration.to_string()).expect("write the configuration");
        let name = match self.version {
            Version::V2 => "docker-registry",
            Version::V3 => "registry",
        };
        let mut command = Command::new(program(name));
        command.arg("serve").arg(&file);
        // v3 sends traces to a collector unless told otherwise.
        command.env("OTEL_TRACES_EXPORTER", "none");
        RegistryProcess::start(name, command, folder).await
    }

    fn configuration(&self, folder: &Path) -> Value {
        let mut configuration = json!({
            "version": "0.1",
            "log": {"level": "info", "accesslog": {"disabled": false}},
            "http": {"addr": "127.0.0.1:0", "secret": "for tests"},
            "storage": {
                "delete": {"enabled": true},
                "maintenance": {"uploadpurging": {"enabled": false}},
            },
        });
        match self.storage {
            Storage::Memory => configuration["storage"]["inmemory"] = json!({}),
            Storage::Files => {
                let own = || folder.join("storage");
                let files = self.shared.clone().unwrap_or_else(own);
                configuration["storage"]["filesystem"] = json!({"rootdirectory": files});
            }
        }
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).expect("write a file of the registry");
            json!(path)
        };
        if let Some(certificate) = &self.tls {
            configuration["http"]["tls"] = json!({
                "certificate": write("server.crt", certificate.certificate()),
                "key": write("server.key", certificate.key()),
            });
            if let Some(authority) = &self.client_authority {
                configuration["http"]["tls"]["clientcas"] =
                    json!([write("clients.crt", authority)]);
            }
        }
        if let Some(token) = &self.token {
            configuration["auth"]["token"] = json!({
                "realm": token.realm,
                "service": token.service,
                "issuer": token.issuer,
                "rootcertbundle": write("tokens.crt", &token.root_certificates),
            });
        } else if !self.htpasswd.is_empty() {
            let path = write("htpasswd", &self.password_file());
            configuration["auth"]["htpasswd"] = json!({"realm": "tests", "path": path});
        }
        configuration
    }

    fn password_file(&self) -> String {
        let line = |(user, password): &(String, String)| {
            let hash = bcrypt::hash(password, BCRYPT_COST).expect("hash a password");
            format!("{user}:{hash}\n")
        };
        self.htpasswd.iter().map(line).collect()
    }
}
