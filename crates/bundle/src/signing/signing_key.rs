//! A private key that signs bundles.

use std::fmt;

use super::error::SignatureError;
use super::minisign_key;
use super::pem_key::{self, PrivateKey};
use super::signature::{Signature, SignatureFormat};
use super::verifying_key::VerifyingKey;

/// A private key that signs `mirror.json`.
pub struct SigningKey(Kind);

enum Kind {
    Minisign(Box<minisign::SecretKey>),
    Pem(Box<PrivateKey>),
}

/// Hides the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Parses the text of a key file. Only an encrypted minisign key needs a password.
    ///
    /// # Errors
    ///
    /// [`SignatureError::NoPassword`], and [`SignatureError::Key`] for any other text.
    pub fn parse(text: &str, password: Option<String>) -> Result<Self, SignatureError> {
        if minisign_key::is_minisign(text) {
            let key = minisign_key::secret_key(text, password)?;
            return Ok(Self(Kind::Minisign(Box::new(key))));
        }
        pem_key::private_key(text).map(|key| Self(Kind::Pem(Box::new(key))))
    }

    /// Returns the format of its signatures.
    #[must_use]
    pub fn format(&self) -> SignatureFormat {
        match self.0 {
            Kind::Minisign(_) => SignatureFormat::Minisign,
            Kind::Pem(_) => SignatureFormat::Plain,
        }
    }

    /// Returns true if the same bytes always have the same signature.
    #[must_use]
    pub fn is_deterministic(&self) -> bool {
        matches!(&self.0, Kind::Pem(key) if matches!(**key, PrivateKey::Ed25519(_)))
    }

    /// Returns the public key.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Key`].
    pub fn verifying_key(&self) -> Result<VerifyingKey, SignatureError> {
        match &self.0 {
            Kind::Minisign(key) => minisign_key::public_key_of(key).map(VerifyingKey::minisign),
            Kind::Pem(key) => Ok(VerifyingKey::pem(key.public_key())),
        }
    }

    /// Signs bytes.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Sign`].
    pub fn sign(&self, bytes: &[u8]) -> Result<Signature, SignatureError> {
        let signed = match &self.0 {
            Kind::Minisign(key) => minisign_key::sign(key, bytes)?,
            Kind::Pem(key) => key.sign(bytes)?,
        };
        Ok(Signature {
            format: self.format(),
            bytes: signed,
        })
    }
}
