//! Public keys of signers.

use std::fmt;

use sigstore_verify::crypto::{
    KeyAlgorithm, SigningScheme, VerificationKey, validate_raw_public_key,
};
use sigstore_verify::types::{DerPublicKey, HashAlgorithm, SignatureBytes};

use crate::crypto;

/// A public key of a signer: ECDSA P-256 or P-384, Ed25519, or RSA of 2048 to 8192 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    der: DerPublicKey,
    algorithm: KeyAlgorithm,
}

/// The scheme of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignedIn {
    /// One that `sigstore-verify` knows.
    Scheme(SigningScheme),
    /// Ed25519 over a digest.
    Ed25519ph,
}

/// The reason why a file is not the public key of a signer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file holds a private key.
    #[error("the file holds a private key: keep it secret, and name the public key here")]
    Private,
    /// The file is not one PEM block.
    #[error("not one PEM block `PUBLIC KEY`")]
    NotPem,
    /// The file is larger than any key.
    #[error("larger than {MAX_PEM} bytes")]
    TooLarge,
    /// The key cannot be used.
    #[error("not an ECDSA P-256, ECDSA P-384, Ed25519 or RSA key: {0}")]
    Unsupported(String),
}

/// The maximum size of a PEM file.
const MAX_PEM: usize = 64 * 1024;
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";

impl PublicKey {
    /// Reads a key from the text of a PEM file. `name` is for messages, such as the file's path.
    ///
    /// # Errors
    ///
    /// If the text is not exactly one public key of a supported algorithm.
    pub fn from_pem(name: &str, pem: &str) -> Result<Self, KeyError> {
        if pem.len() > MAX_PEM {
            return Err(KeyError::TooLarge);
        }
        if pem.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        if pem.matches("-----BEGIN ").count() != 1 || !pem.trim_start().starts_with(BEGIN) {
            return Err(KeyError::NotPem);
        }
        let der = DerPublicKey::from_pem(pem).map_err(|_| KeyError::NotPem)?;
        let unsupported =
            |error: sigstore_verify::crypto::Error| KeyError::Unsupported(error.to_string());
        let algorithm = KeyAlgorithm::from_spki(&der).map_err(unsupported)?;
        let [scheme, ..] = schemes(algorithm) else {
            let name = format!("{algorithm:?}");
            return Err(KeyError::Unsupported(name));
        };
        crypto::install();
        let key = VerificationKey::from_spki_with_scheme(&der, *scheme).map_err(unsupported)?;
        validate_raw_public_key(*scheme, key.as_bytes()).map_err(unsupported)?;
        let name = name.to_owned();
        Ok(Self {
            name,
            der,
            algorithm,
        })
    }

    /// Returns the name for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns `key:sha256:HEX`, with the digest of the key (`SubjectPublicKeyInfo`). It stays the same when the
    /// file is moved.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("key:sha256:{}", crypto::hex(&self.digest()))
    }

    /// Returns the SHA-256 digest of the key, which is the ID of a log with this key.
    pub(crate) fn digest(&self) -> Vec<u8> {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.der.as_bytes());
        digest.as_ref().to_vec()
    }

    /// Returns the scheme in which the key made a signature over a message, if it did. RSA signatures are PKCS #1 v1.5, as cosign makes
    /// them. The hash is one of those that the key's algorithm is used with; cosign hashes before it signs with
    /// Ed25519, and other programs do not.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> Option<SignedIn> {
        let bytes = SignatureBytes::from_bytes(signature);
        schemes(self.algorithm).iter().find_map(|scheme| {
            let key = VerificationKey::from_spki_with_scheme(&self.der, *scheme).ok()?;
            if key.verify(message, &bytes).is_ok() {
                return Some(SignedIn::Scheme(*scheme));
            }
            let prehashed = *scheme == SigningScheme::Ed25519
                && crypto::signed_prehashed(key.as_bytes(), message, signature);
            prehashed.then_some(SignedIn::Ed25519ph)
        })
    }

    /// Reports whether `sigstore-verify` can compare a signature in a scheme with its log entry: over an envelope in the
    /// default scheme of the key, and over other bytes if the entry has their SHA-256 digest.
    pub(crate) fn can_be_compared(&self, scheme: SignedIn, is_envelope: bool) -> bool {
        match scheme {
            SignedIn::Scheme(scheme) if is_envelope => {
                scheme == self.algorithm.default_signing_scheme()
            }
            SignedIn::Scheme(scheme) => scheme
                .hash_algorithm()
                .is_none_or(|hash| hash == HashAlgorithm::Sha2256),
            SignedIn::Ed25519ph => false,
        }
    }

    pub(crate) fn der(&self) -> &DerPublicKey {
        &self.der
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.name, self.fingerprint())
    }
}

/// Returns the schemes in which keys of an algorithm sign. cosign hashes with SHA-256 whatever the curve.
fn schemes(algorithm: KeyAlgorithm) -> &'static [SigningScheme] {
    match algorithm {
        KeyAlgorithm::EcdsaP256 => &[SigningScheme::EcdsaP256Sha256],
        KeyAlgorithm::EcdsaP384 => &[
            SigningScheme::EcdsaP384Sha384,
            SigningScheme::EcdsaP384Sha256,
        ],
        KeyAlgorithm::Ed25519 => &[SigningScheme::Ed25519],
        KeyAlgorithm::Rsa => &[
            SigningScheme::RsaPkcs1Sha256,
            SigningScheme::RsaPkcs1Sha384,
            SigningScheme::RsaPkcs1Sha512,
        ],
        _ => &[],
    }
}
