//! The client cosign, versions 2 and 3.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::home::{CommandError, Home};

/// cosign with a temporary home directory and an empty password for its keys.
#[derive(Debug)]
pub struct Cosign {
    program: &'static str,
    home: Home,
}

impl Cosign {
    /// Creates a client of version 3, which attaches bundles as referrers.
    pub fn v3() -> Self {
        Self::new("cosign")
    }

    /// Creates a client of version 2, which attaches tags `sha256-HEX.sig`.
    pub fn v2() -> Self {
        Self::new("cosign2")
    }

    fn new(program: &'static str) -> Self {
        Self {
            program,
            home: Home::new(),
        }
    }

    /// Writes a file into the home directory and returns its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        self.home.write(name, text)
    }

    /// Returns the path of a file in the home directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }

    /// Imports a private key in PEM and returns the path of the file that `--key` takes.
    ///
    /// # Errors
    ///
    /// If cosign fails, with its stderr.
    pub async fn import_key(&self, name: &str, private_pem: &str) -> Result<PathBuf, CommandError> {
        let pem = self.write(&format!("{name}.pem"), private_pem);
        let prefix = self.path(name);
        let arguments = [
            OsStr::new("import-key-pair"),
            OsStr::new("--key"),
            pem.as_os_str(),
            OsStr::new("--output-key-prefix"),
            prefix.as_os_str(),
        ];
        self.run(&arguments).await?;
        Ok(self.path(&format!("{name}.key")))
    }

    /// Runs a command of cosign and returns its stdout.
    ///
    /// # Errors
    ///
    /// If cosign fails, with its stderr.
    pub async fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Vec<u8>, CommandError> {
        let password = [("COSIGN_PASSWORD", Path::new(""))];
        self.home.run(self.program, arguments, &password).await
    }
}
