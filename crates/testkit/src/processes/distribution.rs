//! distribution, the reference registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::process::RegistryProcess;
use crate::certificates::{Authority, Certificate};
use crate::program;

/// The lowest cost of bcrypt, because distribution checks the password on every request.
const BCRYPT_COST: u32 = 4;

/// A version of distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// 2.8, from the packages of the system (`docker-registry`).
    #[default]
    V2,
    /// 3 (`registry`).
    V3,
}

/// The storage of blobs and manifests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In memory.
    #[default]
    Memory,
    /// In files under `storage` in [`RegistryProcess::directory`].
    Files,
}

/// The token server in the configuration of distribution.
#[derive(Clone, Debug)]
pub struct TokenAuth {
    /// The URL of the token endpoint.
    pub realm: String,
    /// The required service of tokens.
    pub service: String,
    /// The required issuer of tokens.
    pub issuer: String,
    /// The certificates that verify the keys of tokens, in PEM.
    pub root_certificates: String,
}

/// The options of a registry that is not started. The default is plain HTTP without credentials, in
/// memory, with deletes enabled.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    version: Version,
    storage: Storage,
    refuses_deletion: bool,
    files: Option<PathBuf>,
    shared: Option<PathBuf>,
    tls: Option<Certificate>,
    client_authority: Option<String>,
    htpasswd: Vec<(String, String)>,
    token: Option<TokenAuth>,
}

impl Distribution {
    /// Creates the default options of distribution 2.8.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the version.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Sets the storage.
    #[must_use]
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Disables deletion, as distribution does by default.
    #[must_use]
    pub fn refuse_deletion(mut self) -> Self {
        self.refuses_deletion = true;
        self
    }

    /// Stores files, starting with a copy of the `storage` directory of another registry, which must not
    /// be written meanwhile. Runs `cp` (Linux and macOS).
    #[must_use]
    pub fn files_of(mut self, storage: impl Into<PathBuf>) -> Self {
        self.storage = Storage::Files;
        self.files = Some(storage.into());
        self
    }

    /// Shares the files of a running registry. With other credentials, or none, the same content has a
    /// second address.
    #[must_use]
    pub fn files_shared_with(mut self, other: &RegistryProcess) -> Self {
        self.storage = Storage::Files;
        self.shared = Some(other.directory().join("storage"));
        self
    }

    /// Serves HTTPS with a certificate.
    #[must_use]
    pub fn tls(mut self, certificate: Certificate) -> Self {
        self.tls = Some(certificate);
        self
    }

    /// Requires client certificates of an authority. Needs [`Self::tls`].
    #[must_use]
    pub fn client_certificates(mut self, authority: &Authority) -> Self {
        self.client_authority = Some(authority.pem().to_owned());
        self
    }

    /// Requires Basic credentials. Call it again for more users.
    #[must_use]
    pub fn htpasswd(mut self, user: &str, password: &str) -> Self {
        self.htpasswd.push((user.to_owned(), password.to_owned()));
        self
    }

    /// Requires Bearer tokens.
    #[must_use]
    pub fn token(mut self, token: TokenAuth) -> Self {
        self.token = Some(token);
        self
    }

    /// Starts the registry and waits until it listens.
    pub async fn start(self) -> RegistryProcess {
        let directory = tempfile::tempdir().expect("create a directory");
        if let Some(files) = &self.files {
            let to = directory.path().join("storage");
            let status = Command::new("cp").arg("-R").arg(files).arg(&to).status();
            let copied = status.is_ok_and(|status| status.success());
            assert!(copied, "copy {} to {}", files.display(), to.display());
        }
        let configuration = self.configuration(directory.path());
        let file = directory.path().join("config.yml");
        // Every JSON document is a YAML document.
        fs::write(&file, configuration.to_string()).expect("write the configuration");
        let name = match self.version {
            Version::V2 => "docker-registry",
            Version::V3 => "registry",
        };
        let mut command = Command::new(program(name));
        command.arg("serve").arg(&file);
        // By default v3 sends traces to a collector.
        command.env("OTEL_TRACES_EXPORTER", "none");
        RegistryProcess::start(name, command, directory).await
    }

    fn configuration(&self, directory: &Path) -> Value {
        let mut configuration = json!({
            "version": "0.1",
            "log": {"level": "info", "accesslog": {"disabled": false}},
            "http": {"addr": "127.0.0.1:0", "secret": "for tests"},
            "storage": {
                "delete": {"enabled": !self.refuses_deletion},
                "maintenance": {"uploadpurging": {"enabled": false}},
            },
        });
        match self.storage {
            Storage::Memory => configuration["storage"]["inmemory"] = json!({}),
            Storage::Files => {
                let own = || directory.join("storage");
                let files = self.shared.clone().unwrap_or_else(own);
                configuration["storage"]["filesystem"] = json!({"rootdirectory": files});
            }
        }
        let write = |name: &str, text: &str| {
            let path = directory.join(name);
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
