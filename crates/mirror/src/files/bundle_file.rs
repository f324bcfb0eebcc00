//! Bundles in files and directories, and the keys that verify them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bundle::read::{Opened, ReadError};
use bundle::signing::{SignatureError, SigningKey, VerifyingKey};
use clap::Args;

use super::atomic_file::io_message;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;

/// The maximum size of a key file in bytes.
const MAX_KEY: u64 = 64 * 1024;

/// The bundle of a command, and the key that verifies it.
#[derive(Debug, Clone, Args)]
pub(crate) struct BundleFileArgs {
    /// Bundle: an archive, its volumes in any order, or a directory
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Public key that must have signed the bundle: minisign, or PEM
    ///
    /// The signature is verified before anything else is read. Keys: minisign, ECDSA P-256, Ed25519.
    #[arg(long, value_name = "KEY")]
    pub(crate) verify_key: Option<PathBuf>,
}

impl BundleFileArgs {
    /// Returns the name of the bundle for messages.
    pub(crate) fn name(&self) -> String {
        let first = self.files.first().map(|path| path.display().to_string());
        match (first, self.files.len()) {
            (Some(first), 2..) => format!("{first}, …"),
            (first, _) => first.unwrap_or_default(),
        }
    }

    /// Reads the public key, if there is one.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a file that cannot be read or is no public key.
    pub(crate) fn key(&self) -> Result<Option<VerifyingKey>, Failure> {
        let Some(path) = &self.verify_key else {
            return Ok(None);
        };
        let key = VerifyingKey::parse(&read_key(path)?);
        let key = key.map_err(|error| {
            Failure::unusable(format!("cannot use the key {}: {error}", path.display())).hint(
                "give the public key: the .pub file of minisign, or the output of `openssl pkey -pubout`"
                    .to_owned(),
            )
        })?;
        Ok(Some(key))
    }

    /// Opens the bundle, and verifies its signature if there is a key.
    ///
    /// # Errors
    ///
    /// [`Failure`] for files that cannot be read, and for a bundle that is refused.
    pub(crate) fn open(&self, key: Option<&VerifyingKey>) -> Result<Opened, Failure> {
        Opened::open(&self.files, key).map_err(|error| refused(&self.name(), &error))
    }
}

/// The key that signs a bundle.
#[derive(Debug, Clone, Args)]
pub(crate) struct SigningKeyArgs {
    /// Private key that signs the bundle: minisign, or PEM
    ///
    /// Keys: minisign (the password of an encrypted one is in MIRROR_SIGNING_PASSWORD), and ECDSA P-256 or
    /// Ed25519 in PKCS#8.
    #[arg(long = "sign", value_name = "KEY", help_heading = "Archive")]
    sign: Option<PathBuf>,
}

impl SigningKeyArgs {
    /// Reads the private key, if there is one.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a file that cannot be read or is no private key, and for a missing password.
    pub(crate) fn key(&self, environment: &Environment) -> Result<Option<SigningKey>, Failure> {
        let Some(path) = &self.sign else {
            return Ok(None);
        };
        let password = environment.signing_password.as_ref();
        let password = password.map(|password| password.expose().to_owned());
        let key = SigningKey::parse(&read_key(path)?, password);
        let key = key.map_err(|error| {
            let hint = match error {
                SignatureError::NoPassword => "set MIRROR_SIGNING_PASSWORD to the password of the key",
                _ => "give the private key: the .key file of minisign, or the output of `openssl genpkey`",
            };
            Failure::unusable(format!("cannot use the key {}: {error}", path.display()))
                .hint(hint.to_owned())
        })?;
        Ok(Some(key))
    }
}

fn read_key(path: &Path) -> Result<String, Failure> {
    let failed = |error| {
        let (path, cause) = (path.display(), io_message(&error));
        Failure::unusable(format!("cannot read the key {path}: {cause}"))
    };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_KEY)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(text)
}

/// Returns the failure of a bundle that cannot be read or is refused: exit 2.
pub(crate) fn refused(name: &str, error: &ReadError) -> Failure {
    let hint = match error {
        ReadError::NotABundle { .. } | ReadError::NotABundleDirectory { .. } => Some(
            "write a bundle with `mirror export`; `mirror copy` reads the archives of other tools",
        ),
        ReadError::Volume(_) => Some("name every volume, and transfer damaged ones again"),
        ReadError::Truncated { .. } | ReadError::Digest { .. } | ReadError::Compression { .. } => {
            Some("transfer the file again, and compare its checksum on both sides")
        }
        ReadError::Unsigned => Some("sign it with `mirror export --sign KEY`"),
        ReadError::Signature(_) => Some("verify with the public key of the exporting side"),
        ReadError::Contents(_) => {
            Some("read it with the version of mirror that wrote it, or a newer one")
        }
        _ => None,
    };
    let message = match error {
        ReadError::Io { .. } => error.to_string(),
        _ => format!("cannot use the bundle {name}: {error}"),
    };
    Failure::unusable(message).hint(hint.map(ToOwned::to_owned))
}
